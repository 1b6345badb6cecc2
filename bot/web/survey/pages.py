"""What stands behind a survey link: show the page, which changes nothing, or take what a person sent."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

import msgspec
from aiohttp import web

from bot.channels.limits import network_of
from bot.channels.page import LONGEST_TEXT, PageChannel
from bot.config import CurrentSettings
from bot.ids import ConversationId
from bot.intake.unseen import is_blank
from bot.languages.voice import Voice
from bot.messages import Commanded, Profile, Tapped
from bot.ports import ChatLine, ChatLog, Clock, Handle, Link, Links, Outcome, Queue, Said, SaveConversation
from bot.web.dashboard.forms import read_form
from bot.web.requests import Senders
from bot.web.survey.drawing import draw, message
from bot.web.survey.proofs import keep, proofs_of
from bot.web.survey.scanners import Fetches
from bot.web.survey.sent import Sender, once_of, presses, wrote
from bot.web.survey.showing import Shown, first_question, has_begun, not_begun, shown, value_of, waits
from bot.web.survey.visits import Visit, flow_of, is_id, let_in, letter_of, locale_of, place_of

#: Seconds that a page waits for our answer to what was sent, so that it shows the next question at once.
PATIENCE = 2.0
_LOOK_EVERY = 0.04
#: Lines of one page that are shown; nobody has more, and a page has an end.
_MOST_LINES = 2_000
_PAGE = 200

#: What is said above a page after something was sent.
Note = Literal["noted", "counted", "soon", ""]
_NOTES: Mapping[str, Note] = {"noted": "noted", "counted": "counted", "soon": "soon"}
_COUNTED = frozenset({"already_counted", "too_late_to_change", "closed"})


class Wrong(msgspec.Struct, frozen=True, kw_only=True):
    """A form that is shown again: what is wrong with it, and what was typed."""

    text: str
    kept: str = ""
    status: int = 422


class TooOften(Exception):
    """Somebody sends more than people do; ``wait`` is in seconds."""

    def __init__(self, wait: float) -> None:
        super().__init__(f"wait {wait:.0f} s")
        self.wait = wait


class SurveyPages:
    """The pages of one channel, which ``channel`` gives as it is now."""

    def __init__(
        self,
        channel: Callable[[], PageChannel],
        *,
        links: Links,
        chat: ChatLog,
        handle: Handle,
        settings: CurrentSettings,
        clock: Clock,
    ) -> None:
        self._channel = channel
        self._links = links
        self._chat = chat
        self._handle = handle
        self._settings = settings
        self._clock = clock
        self._senders = Senders(settings)
        self._fetches = Fetches()

    @property
    def channel(self) -> PageChannel:
        return self._channel()

    # ---- GET --------------------------------------------------------------------------------------------

    async def show(self, request: web.Request) -> web.Response:
        """GET /s/<link>: whatever fetches it, a person or a program, nothing changes."""
        visit = await self._visit(request)
        if visit is None:
            return self.over(request)
        picked = request.query.get("a", "")[:64]
        return self._remembered(
            visit, self._draw(visit, picked=picked, note=_NOTES.get(request.query.get("n", ""), ""))
        )

    async def _visit(self, request: web.Request) -> Visit | None:
        """The page that an address names; None where there never was one, or is none any more."""
        id = request.match_info["link"]
        link = await self._links.find(id) if is_id(id) else None
        if link is None:
            return None
        proofs = proofs_of(request)
        place = place_of(link, request.query, proofs, self.channel)
        lines = await self._lines(place.session)
        flow = flow_of(link, self._settings(), self._is_over(link))
        if flow is None and not lines:
            return None
        return Visit(
            place=place,
            address=self.channel.address(place.session),
            flow=flow,
            locale=locale_of(link, flow, lines if place.proven else (), request.headers.get("Accept-Language", "")),
            lines=lines,
            letter=letter_of(place, self._senders.address(request)),
            proofs=proofs,
        )

    def _remembered(self, visit: Visit, response: web.Response) -> web.Response:
        """What the browser is to prove later goes along; a personal link needs no proof beside it."""
        link = visit.place.link
        if link.customer is None:
            secure = self._settings().server.public_url.startswith("https://")
            keep(response, link.id, visit.proofs, visit.place.new_proof, secure=secure)
        return response

    def _is_over(self, link: Link) -> bool:
        return link.expires_at is not None and link.expires_at <= self._clock()

    async def _lines(self, session: str, after: int = 0) -> tuple[ChatLine, ...]:
        found: list[ChatLine] = []
        while len(found) < _MOST_LINES:
            more = await self._chat.since(self.channel.name, session, found[-1].id if found else after, _PAGE)
            found += more
            if len(more) < _PAGE:
                break
        return tuple(found)

    def _draw(self, visit: Visit, *, picked: str = "", note: Note = "", wrong: Wrong | None = None) -> web.Response:
        settings, now = self._settings(), self._clock()
        if visit.is_closed:
            return message(
                self.channel.settings,
                settings.company,
                settings.voice(visit.locale),
                "survey.title",
                "link.used",
                status=200,
            )
        page = shown(visit.lines, visit.flow, picked, now, settings.asking.correction)
        first = None if has_begun(page) else self._first(visit, picked)
        if first is not None:
            page = (*page, first)
        if picked and visit.flow is not None:
            self._note_fetch(visit, page, picked)
        values = {
            "shown": page,
            "here": visit.place.path,
            "once": secrets.token_urlsafe(12),
            "begins": first is not None,
            "by_itself": not self._fetches.by_a_scanner(visit.letter, now),
            "error": "" if wrong is None else wrong.text,
            "kept": "" if wrong is None else wrong.kept,
            "note": _said_above(page, picked, note),
            "writable": first is None and (not waits(page) or page[-1].kind == "said"),
            "longest": LONGEST_TEXT,
        }
        status = 200 if wrong is None else wrong.status
        voice = settings.voice(visit.locale)
        return draw("page.html", self.channel.settings, settings.company, voice, values, status=status)

    def _first(self, visit: Visit, picked: str) -> Shown | None:
        """The question that would begin; it is drawn without a conversation, because looking at it begins none."""
        if visit.flow is None:
            return None
        named = {"reference": visit.place.reference} if visit.place.reference else {}
        attributes = {**named, **visit.place.link.attributes}
        conversation = not_begun(visit.flow, visit.address, visit.locale, attributes, self._clock())
        return first_question(conversation, visit.flow, self._settings().company, picked)

    def _note_fetch(self, visit: Visit, page: tuple[Shown, ...], picked: str) -> None:
        offered = next((each.choices for each in page if each.kind == "one"), ())
        if any(choice.value == picked for choice in offered):
            self._fetches.note(visit.letter, picked, self._clock(), values=len(offered))

    def over(self, request: web.Request) -> web.Response:
        """Where a link leads that is none, or none any more."""
        return self.message(request, "survey.over", "survey.over_text", 404)

    def message(self, request: web.Request, title: str, text: str, status: int) -> web.Response:
        """A page that says one thing in the browser's language."""
        locale = locale_of(None, None, (), request.headers.get("Accept-Language", ""))
        settings = self._settings()
        return message(self.channel.settings, settings.company, settings.voice(locale), title, text, status=status)

    # ---- POST -------------------------------------------------------------------------------------------

    async def act(self, request: web.Request) -> web.Response:
        """POST /s/<link>: one form of the page. The survey begins with it, if it has not."""
        form = await read_form(request, self._settings().server)
        visit = await self._visit(request)
        if visit is None:
            return self.over(request)
        remote = self._senders.address(request)
        who = visit.place.session if visit.place.proven else f"{visit.place.session} {network_of(remote)}"
        wait = self.channel.wait(who, remote, sum(map(len, form.values())))
        if wait:
            raise TooOften(wait)
        if form.get("by") == "script" and self._fetches.by_a_scanner(visit.letter, self._clock()):
            # the answer stays chosen, and the page says that it waits for a press
            return _see(visit.place.with_query(a=value_of(form.get("token", "")[:64])))
        if "begin" in form and visit.flow is None:
            return self.over(request)
        visit, response = await self._take(visit, form, remote)
        return self._remembered(visit, response)

    async def _take(self, visit: Visit, form: Mapping[str, str], remote: str) -> tuple[Visit, web.Response]:
        """What became of a form, and the page that its sender may go on with."""
        wrong = _wrong_words(form, self._voice(visit))
        if wrong is not None:
            return visit, self._draw(visit, wrong=wrong)
        began = None
        if "begin" in form:
            began, here = await self._begin(visit, once_of(form), remote)
            visit = let_in(visit, self.channel) if here and not visit.place.proven else visit
        if not visit.place.proven:
            return visit, _see(visit.place.path)
        if began is not None and began.said.kind != "asked":
            return visit, await self._answer(visit, [began])
        begun = None if began is None else ConversationId(began.ref)
        done = await self._do(visit, form, begun)
        return visit, await self._answer(visit, [*([] if began is None else [began]), *done])

    async def _begin(self, visit: Visit, once: str, remote: str) -> tuple[Outcome, bool]:
        """Use the link from this page, and tell whether this form began it, now or when it was sent before.

        A page that did so before only learns what it began.
        """
        link = visit.place.link
        event = f"page:{self.channel.name}:{visit.place.session}:begin:{once}"
        if visit.is_closed:
            # A press of nothing: it only tells whether this form was here before, as a double press is.
            press = Tapped(event=event, sender=visit.address, token="", at=self._clock())
            outcome = await self._handle(press)
            if outcome.said.kind != "duplicate":
                return outcome, False
        limited = link.customer is None
        if limited and (wait := self.channel.wait_to_begin(remote)):
            raise TooOften(wait)
        used = Commanded(
            event=event,
            sender=visit.address,
            command="start",
            at=self._clock(),
            argument=f"{link.id} {visit.place.reference}".rstrip(),
            profile=_profile(visit),
        )
        outcome = await self._handle(used)
        before = outcome.said.kind == "duplicate"
        if before:
            # the answer to the first one got lost, or the button was pressed twice
            again = msgspec.structs.replace(used, event=f"{event}:{secrets.token_urlsafe(12)}")
            outcome = await self._handle(again)
        begins = any(isinstance(write, SaveConversation) for write in outcome.writes)
        if limited and not begins:
            self.channel.began_nothing(remote)
        return outcome, begins or before

    async def _do(self, visit: Visit, form: Mapping[str, str], begun: ConversationId | None) -> list[Outcome]:
        """Everything that a form stands for, one thing after the other."""
        sender = Sender(address=visit.address, locale=visit.locale, at=self._clock(), once=once_of(form))
        pressed = list(presses(form, sender, begun, self._shown(visit)))
        if pressed:
            return [await self._handle(event) for event in pressed]
        if "text" not in form:
            return []
        said = wrote(form, sender)
        # Before the words are handled: our answer may be in the log before ``handle`` returns, and would stand above.
        await self.channel.heard(visit.place.session, sender.once, said.text, visit.locale, said.at)
        return [await self._handle(said)]

    def _voice(self, visit: Visit) -> Voice:
        """How the survey speaks; without a flow, as the settings have it."""
        return visit.flow.flow.voice(visit.locale) if visit.flow else self._settings().voice(visit.locale)

    def _shown(self, visit: Visit) -> tuple[Shown, ...]:
        return shown(visit.lines, visit.flow, "", self._clock(), self._settings().asking.correction)

    async def _answer(self, visit: Visit, outcomes: list[Outcome]) -> web.Response:
        """The page anew, once it holds our answer; a form that was not right is drawn with what is wrong with it."""
        in_time = await self._arrived(visit, outcomes)
        said = outcomes[-1].said if outcomes else Said()
        if said.kind in ("choose_more", "choose_fewer"):
            wrong = Wrong(text=self._voice(visit).say(f"reply.{said.kind}", n=said.text))
            fresh = msgspec.structs.replace(visit, lines=await self._lines(visit.place.session))
            return self._draw(fresh, wrong=wrong)
        note = "noted" if said.kind == "taken" else "counted" if said.kind in _COUNTED else ""
        if not in_time:
            note = "soon"
        return _see(visit.place.with_query(n=note) if note else visit.place.path)

    async def _arrived(self, visit: Visit, outcomes: Iterable[Outcome]) -> bool:
        """Wait until what we say is in the log, where delivery puts it; False: it takes longer than people wait."""
        awaited = Counter(
            write.outbound.slot
            for outcome in outcomes
            for write in outcome.writes
            if isinstance(write, Queue) and write.outbound.to == visit.address
        )
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while awaited:
            lines = await self._lines(visit.place.session, visit.newest)
            if not awaited - Counter(line.slot for line in lines):
                break
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(_LOOK_EVERY)
        return True


def _profile(visit: Visit) -> Profile:
    return Profile(language=visit.locale)


def _wrong_words(form: Mapping[str, str], voice: Voice) -> Wrong | None:
    """What is wrong with words that were sent, if they are what the form is about."""
    if "text" not in form or form.get("token"):
        return None
    text = form["text"]
    if is_blank(text):
        return Wrong(text=voice.say("again.text"))
    if len(text) > LONGEST_TEXT:
        return Wrong(text=voice.say("told.too_long"), kept=text, status=413)
    return None


def _said_above(page: tuple[Shown, ...], picked: str, note: Note) -> str:
    """The key of the sentence at the top: what became of what was sent, or of another answer of the same e-mail."""
    if note:
        return f"survey.{note}"
    if any(each.picked for each in page):
        return "survey.press"
    if not picked:
        return ""
    answered = next((each for each in page if each.kind == "answered"), None)
    if answered is None:
        return ""
    return "survey.may_change" if answered.change else "survey.counted"


def _see(path: str) -> web.Response:
    """The page after a form: reloading it sends nothing again."""
    return web.Response(status=303, headers={"Location": path, "Cache-Control": "no-store"})
