"""What stands behind the pages' addresses: read, draw; or take a form, let the core decide, and draw again."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec
from aiohttp import web
from msgspec.structs import replace

from bot.config import CurrentSettings, FollowUpSettings, Settings
from bot.config.state import BrokenNow
from bot.conversations.questions import in_locale
from bot.delivery import FileLink
from bot.delivery.drawing import alert_of, files_of
from bot.followup.cases import PRIORITIES
from bot.followup.clocks import next_morning
from bot.followup.history import history_line
from bot.followup.templates import TemplateKind, causes_or_default
from bot.ids import CaseId
from bot.languages import locales
from bot.languages.formats import moment
from bot.messages import AgentDid, in_group
from bot.ports import Cases, CaseView, Clock, Handle
from bot.reports.cases import messages_of
from bot.web.dashboard.case import (
    DEEDS,
    DeedName,
    Reading,
    ReadyAnswer,
    Wrong,
    allowed,
    event_of,
    read_deed,
    ready_answers,
    with_template,
    wrong_of,
)
from bot.web.dashboard.drawing import Words, draw, message, team_of, trouble_now, words_for
from bot.web.dashboard.forms import read_form, same
from bot.web.dashboard.queue import (
    GROUPS,
    MOST_SORTED,
    NOBODY,
    Asked,
    listed,
    owners,
    read_query,
    snooze_of,
    usual_order,
)
from bot.web.dashboard.sessions import Session
from bot.web.dashboard.signing_in import Door, see_other


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """An agent before a case."""

    session: Session
    settings: Settings
    followup: FollowUpSettings
    words: Words
    view: CaseView
    now: datetime


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """A form that was sent and is shown again: what was typed, and what is wrong with it."""

    deed: DeedName | Literal[""] = ""
    form: Mapping[str, str] = {}
    wrong: Wrong | None = None


class Pages:
    """The queue and its cases, for agents who are signed in."""

    def __init__(
        self,
        *,
        door: Door,
        settings: CurrentSettings,
        cases: Cases,
        handle: Handle,
        clock: Clock,
        file_link: FileLink,
        broken: BrokenNow,
    ) -> None:
        self._door = door
        self._settings = settings
        self._cases = cases
        self._handle = handle
        self._clock = clock
        self._file_link = file_link
        self._broken = broken

    async def queue(self, request: web.Request) -> web.Response:
        """GET /cases."""
        session = self._door.session(request)
        if session is None:
            return self._door.to_sign_in(request)
        settings, asked = self._settings(), read_query(request.query)
        words = words_for(settings)
        names = [case.owner_name or "" for case in await owners(self._cases)]
        filters = _filters(settings, session, names, words)
        unfiltered = Asked(group=asked.group, order=asked.order)
        values = {
            "session": session,
            "company": settings.company,
            "trouble": trouble_now(self._broken, settings, words),
            "asked": msgspec.structs.asdict(asked),
            "here": request.path_qs,
            "groups": [(group, asked.link(group=group, order=usual_order(group))) for group in GROUPS],
            "filters": filters,
            "filtered": any(msgspec.structs.asdict(asked)[name] for name, _, _ in filters),
            "unfiltered": unfiltered.link(),
            "followup": settings.followup is not None,
            "listed": await listed(self._cases, asked, settings, words, self._clock()),
            "most": MOST_SORTED,
        }
        return draw("cases.html", words, values)

    async def case(self, request: web.Request) -> web.Response:
        """GET /cases/<id>."""
        session = self._door.session(request)
        if session is None:
            return self._door.to_sign_in(request)
        visit = await self._visit(request, session)
        done = request.query.get("done", "")
        return self._missing() if visit is None else await self._page(visit, done=done if done in DEEDS else "")

    async def act(self, request: web.Request) -> web.Response:
        """POST /cases/<id>/<deed>."""
        name = next((each for each in DEEDS if each == request.match_info["deed"]), None)
        if name is None:
            return self._missing()
        form = await read_form(request, self._settings().server)
        session = self._door.session(request)
        if session is None or not same(session.form_token, form.get("form", "")):
            return self._signed_out(request, form)
        visit = await self._visit(request, session)
        return self._missing() if visit is None else await self._take(visit, name, form)

    async def _take(self, visit: Visit, name: DeedName, form: Mapping[str, str]) -> web.Response:
        """Do what a form asks for, or draw the page again with what was typed and what is wrong with it."""
        case = visit.view.case
        if name == "reply" and "fill" in form:
            answers = [each for kind in self._ready(visit).values() for each in kind]
            chosen = next((each for each in answers if each.id == form.get("template")), None)
            filled = {**form, "text": with_template(form.get("text", ""), chosen)}
            return await self._page(visit, sent=Sent(deed=name, form=filled))
        by = Reading(
            followup=visit.followup,
            team=team_of(visit.followup, case.team),
            known=await owners(self._cases) if name == "assign" else (),
        )
        deed = read_deed(name, form, by, visit.words, visit.now)
        if isinstance(deed, Wrong):
            return await self._page(visit, sent=Sent(deed=name, form=form, wrong=deed))
        outcome = await self._handle(
            AgentDid(
                event=event_of(visit.session, case.id, name, form),
                agent=visit.session.address,
                agent_name=visit.session.name,
                case=case.id,
                deed=deed,
                at=visit.now,
            )
        )
        wrong = wrong_of(outcome.said, name, visit.words)
        if wrong is None:
            return see_other(f"/cases/{case.id}?done={name}")
        fresh = replace(visit, view=await self._cases.view(case.id) or visit.view)
        return await self._page(fresh, sent=Sent(deed=name, form=form, wrong=wrong))

    async def _visit(self, request: web.Request, session: Session) -> Visit | None:
        settings = self._settings()
        view = await self._cases.view(CaseId(request.match_info["case"])) if settings.followup else None
        if view is None or settings.followup is None:
            return None
        return Visit(
            session=session,
            settings=settings,
            followup=settings.followup,
            words=words_for(settings),
            view=view,
            now=self._clock(),
        )

    async def _page(self, visit: Visit, *, done: str = "", sent: Sent | None = None) -> web.Response:
        case, words = visit.view.case, visit.words
        team = team_of(visit.followup, case.team)
        zone = team.hours.time_zone
        alert = alert_of(visit.view, visit.settings, visit.now)
        values = {
            "session": visit.session,
            "company": visit.settings.company,
            "trouble": trouble_now(self._broken, visit.settings, words),
            "case": case,
            "summary": alert.summary,
            "facts": alert.facts,
            "links": [link for link in alert.links if not link.url.endswith(f"/cases/{case.id}")],
            "snoozed": snooze_of(case, words, zone, visit.now),
            "quotes": [
                {"said": each, "at": moment(each.at, zone, words.locale), "iso": each.at.isoformat()}
                for each in messages_of(visit.view, files=lambda said: files_of(said, words.voice, self._file_link))
            ],
            "history": [history_line(note, words.voice, zone) for note in visit.view.notes],
            "group": in_group(case.address),
            "may": allowed(case, visit.session),
            "ready": self._ready(visit),
            "causes": causes_or_default(visit.followup.causes, words.voice),
            "morning": moment(next_morning(team.hours, visit.now), zone, words.locale),
            "zone": zone,
            "people": [each.owner_name for each in await owners(self._cases)],
            "once": secrets.token_urlsafe(12),
            "done": done,
            "sent": sent or Sent(),
        }
        return draw("case.html", words, values, status=422 if sent and sent.wrong else 200)

    def _ready(self, visit: Visit) -> Mapping[TemplateKind, tuple[ReadyAnswer, ...]]:
        voice = visit.words.voice
        return ready_answers(visit.view, visit.followup, visit.session, visit.settings.company, voice)

    def _missing(self) -> web.Response:
        words = words_for(self._settings())
        return message(words, "no_case", status=404)

    def _signed_out(self, request: web.Request, form: Mapping[str, str]) -> web.Response:
        """Nothing is done for a form of no session or of another one; what was typed is shown, to be taken along."""
        words = words_for(self._settings())
        return message(
            words,
            "signed_out",
            status=403,
            kept=form.get("text", "") or form.get("action", ""),
            link=(f"/cases/{request.match_info['case']}", words.page("sign_in")),
        )


def _filters(
    settings: Settings, session: Session, names: list[str], words: Words
) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """What the queue can be narrowed by: a name, its label, and its values with their labels."""
    anything = ("", words.page("any"))
    flows = [(each.flow.id, in_locale(each.flow.title, words.locale, each.flow.locale)) for each in settings.flows]
    others = [(name, name) for name in names if name.casefold() != session.name.casefold()]
    people = [(NOBODY, words.page("owner.nobody")), (session.name, words.page("owner.me")), *others]
    return [
        ("priority", words("desk.priority"), [anything, *((each, words(f"priority.{each}")) for each in PRIORITIES)]),
        ("owner", words.page("owner"), [anything, *people]),
        ("flow", words("desk.flow"), [anything, *flows]),
        ("channel", words("desk.channel"), [anything, *((each.name, each.name) for each in settings.channels)]),
        ("language", words.page("language"), [anything, *((each, each) for each in locales())]),
    ]
