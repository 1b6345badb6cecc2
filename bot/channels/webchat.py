"""The server's side of our own chat widget: signed sessions, small JSON commands in, a log of lines out.

The widget keeps its session token in the browser and sends it as ``Authorization: Bearer <token>``; there is no cookie.
It posts one JSON object a time to the channel's address; ``id`` is made by the widget and stays the same in a retry::

    {"do": "open", "language": "vi"}                       -> {"session": "...", "token": "..."}
    {"do": "write", "id": "m1", "text": "Hi", "language": "vi"}   -> {"said": "nothing", "notice": ""}
    {"do": "tap", "id": "m2", "token": "1.0k3f9x2m7q8d4h1z.3.10"}
    {"do": "command", "id": "m3", "command": "feedback"}

``notice`` is a fleeting sentence for the customer. What we say comes to the widget as lines of the chat log, which the
web server streams. An answer that was tapped has no line of its own: the edited card shows it, in every tab.

Visitors are anonymous, so what one of them, and one network address, may do is limited (``Allowance``). Beyond that the
answer is 429 with the code ``too_often`` and a sentence for the customer as its message.
"""

import math
import re
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import assert_never

import msgspec

from bot.channels.limits import Allowance, Buckets, network_of
from bot.channels.replies import for_customers, json_reply, without_nul
from bot.channels.signatures import session_in, session_token
from bot.config import WebchatSettings
from bot.conversations.router import route, slashed
from bot.errors import SendFailed, StoreUnavailable
from bot.languages import FALLBACK, locales
from bot.languages.voice import Speak, Voice
from bot.messages import (
    Address,
    Commanded,
    CommandName,
    Outbound,
    Profile,
    Receipt,
    Tapped,
    Text,
    Wrote,
)
from bot.ports import ChatLog, Clock, File, Handle, Limits, Raw, Reply, Said, SaidKind

#: A message of up to this many characters is kept whole; a longer one is refused, so that nothing is cut unseen.
LONGEST_TEXT = 65_536

#: What is worth a fleeting sentence: the card or the next message says the rest, and some only agents are told.
_WORDED: frozenset[SaidKind] = frozenset(
    {
        "already_counted",
        "closed",
        "not_yours",
        "unknown_button",
        "too_late_to_change",
        "choose_more",
        "choose_fewer",
        "not_asked",
    }
)
_MESSAGE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,4}")


class _Open(msgspec.Struct, frozen=True, kw_only=True, tag="open", tag_field="do"):
    language: str | None = None


class _Tap(msgspec.Struct, frozen=True, kw_only=True, tag="tap", tag_field="do"):
    id: str
    token: str
    language: str | None = None


class _Write(msgspec.Struct, frozen=True, kw_only=True, tag="write", tag_field="do"):
    id: str
    text: str
    language: str | None = None


class _Command(msgspec.Struct, frozen=True, kw_only=True, tag="command", tag_field="do"):
    id: str
    command: CommandName
    argument: str = ""
    language: str | None = None


_Doing = _Tap | _Write | _Command
_Event = Tapped | Wrote | Commanded
_DECODER = msgspec.json.Decoder(_Open | _Tap | _Write | _Command)


class WebchatChannel:
    """Our own widget as a channel; an address key is a session id, made here and proven by its signature."""

    limits = Limits(buttons=60, text=LONGEST_TEXT, button_label=200, token_bytes=64, edits=True)

    def __init__(
        self,
        settings: WebchatSettings,
        *,
        clock: Clock,
        chat: ChatLog,
        allowance: Allowance | None = None,
        speak: Speak = Voice,
    ) -> None:
        self.name = settings.name
        self.settings = settings
        self._clock = clock
        self._chat = chat
        self._speak = speak
        allowance = allowance or Allowance()
        self._sessions = Buckets(allowance.sessions)
        self._requests = Buckets(allowance.requests)
        self._surveys = Buckets(allowance.surveys_of_session), Buckets(allowance.surveys_of_address)
        self._octets = Buckets(allowance.octets_of_address)

    def _voice(self, language: str | None) -> Voice:
        return self._speak(_language(language) or FALLBACK)

    def session(self, authorization: str) -> str | None:
        """The session proven by an ``Authorization`` header, or None."""
        scheme, _, token = authorization.partition(" ")
        return session_in(self.settings.secret, token.strip()) if scheme.lower() == "bearer" else None

    def cors(self, origin: str) -> Mapping[str, str] | None:
        """The headers that let a page's origin read our answers, or None for a page that may not embed the widget.

        A request without an origin comes from no page and is let through: sessions are proven by their signature.
        """
        origins = self.settings.origins
        if "*" in origins:
            allowed = {"Access-Control-Allow-Origin": "*"}
        elif not origin:
            return {"Vary": "Origin"}
        elif origin.lower() in {each.lower().rstrip("/") for each in origins}:
            allowed = {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}
        else:
            return None
        return {
            **allowed,
            "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
            "Access-Control-Allow-Headers": "Authorization, Content-Type, Last-Event-ID",
            "Access-Control-Expose-Headers": "Retry-After",
            # The longest that Chromium honours: one tap in two hours pays for a preflight.
            "Access-Control-Max-Age": "7200",
        }

    async def receive(self, raw: Raw, handle: Handle) -> Reply:
        """Answer one command of the widget; hostile input gets a 4xx whose text says what to do.

        Whether the page may embed the widget at all (``cors``) is asked by the web server for each of its addresses.
        """
        if raw.method != "POST":
            return _refuse(405, "method", "Use POST with a JSON body.", {"Allow": "POST, OPTIONS"})
        try:
            doing = _DECODER.decode(raw.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return _refuse(400, "body", f"The body is not a command of the widget: {error}.")
        if isinstance(doing, _Open):
            return self._open(doing, network_of(raw.remote))
        session = self.session(raw.headers.get("authorization", ""))
        if session is None:
            return _refuse(401, "session", "This session is unknown; open a new one.", {"WWW-Authenticate": "Bearer"})
        refusal = self._refuse(session, doing, raw)
        if refusal is not None:
            return refusal
        inbound = self._inbound(session, doing, self._clock())
        if _may_begin(doing):
            return await self._begin(doing, inbound, handle, (session, network_of(raw.remote)))
        return _answer(await self._do(doing, inbound, handle))

    async def send(
        self, message: Outbound, remote: str | None, *, again: bool = False, thread: str | None = None
    ) -> Receipt:
        """Keep a message in the session's log, where the browser finds it; an edit keeps the slot of its post.

        What an agent says stands there as any message of ours does: the customer hears the company.
        """
        del remote, again, thread
        try:
            await self._chat.append(
                self.name, message.to.key, "us", message.slot, for_customers(message.content), self._clock()
            )
        except StoreUnavailable as error:
            raise SendFailed(reason="the database did not answer", retryable=True, whole_channel=True) from error
        return Receipt(remote=message.slot)

    async def fetch(self, reference: str) -> File | None:
        """Nothing: the widget takes no files."""
        del reference
        return None

    async def run(self, handle: Handle) -> None:
        """Nothing to listen to: the widget calls us."""

    async def close(self) -> None:
        """Nothing is held open."""

    def _open(self, doing: _Open, network: str) -> Reply:
        wait = self._sessions.wait(network, self._clock())
        if wait:
            return _too_often(wait, self._voice(doing.language))
        session = secrets.token_urlsafe(16)
        return _json(201, {"session": session, "token": session_token(self.settings.secret, session)})

    def _refuse(self, session: str, doing: _Doing, raw: Raw) -> Reply | None:
        now = self._clock()
        wait = self._requests.wait(session, now)
        if wait:
            return _slow_down(wait)
        if not _MESSAGE_ID.fullmatch(doing.id):
            return _refuse(400, "id", "'id' is 1 to 64 letters, digits, '-' and '_', the same in a retry.")
        if isinstance(doing, _Write):
            refusal = _refuse_text(doing.text)
            if refusal is not None:
                return refusal
        wait = self._octets.wait(network_of(raw.remote), now, len(raw.body))
        return _too_often(wait, self._voice(doing.language)) if wait else None

    async def _begin(self, doing: _Doing, inbound: _Event, handle: Handle, keys: tuple[str, str]) -> Reply:
        """Do what may start a survey, if the visitor and their address have one left; what starts none costs none."""
        taken: list[tuple[Buckets, str]] = []
        said = Said()
        try:
            for buckets, key in zip(self._surveys, keys, strict=True):
                wait = buckets.wait(key, inbound.at)
                if wait:
                    return _too_often(wait, self._voice(doing.language))
                taken.append((buckets, key))
            said = await self._do(doing, inbound, handle)
            return _answer(said)
        finally:
            for buckets, key in () if said.kind == "asked" else taken:
                buckets.give_back(key)

    async def _do(self, doing: _Doing, inbound: _Event, handle: Handle) -> Said:
        if isinstance(inbound, Wrote):
            await self._keep(inbound.sender.key, doing.id, inbound)
        return (await handle(inbound)).said

    def _inbound(self, session: str, doing: _Doing, now: datetime) -> _Event:
        event = f"web:{self.name}:{session}:{doing.id}"
        sender = Address(channel=self.name, key=session)
        profile = Profile(language=_language(doing.language))
        match doing:
            case _Tap(token=token):
                return Tapped(event=event, sender=sender, token=without_nul(token), at=now, profile=profile)
            case _Write(text=text):
                return Wrote(event=event, sender=sender, text=without_nul(text), at=now, profile=profile)
            case _Command(command=command, argument=argument):
                argument = without_nul(argument[:256])
                return Commanded(
                    event=event, sender=sender, command=command, at=now, argument=argument, profile=profile
                )
            case _:
                assert_never(doing)

    async def _keep(self, session: str, id: str, wrote: Wrote) -> None:
        # Before the words are handled: our answer may be in the log before ``handle`` returns, and would stand above.
        content = Text(text=wrote.text, locale=wrote.profile.language or "en")
        await self._chat.append(self.name, session, "customer", f"customer/{id}", content, wrote.at)


def _may_begin(doing: _Doing) -> bool:
    """Whether this starts a survey or a case out of nothing: a command, or words that stand for it in any language."""
    match doing:
        case _Command(command=command):
            return command in ("start", "feedback", "human")
        case _Write(text=text):
            spelled = slashed(text)
            if spelled is not None:
                return spelled[0] in ("start", "feedback", "human")
            spoken = (route(text, locale, None, None, case=None, opted_out=False) for locale in locales())
            return not {"feedback", "human"}.isdisjoint(spoken)
        case _Tap():
            return False
        case _:
            assert_never(doing)


def _language(tag: str | None) -> str | None:
    return tag.replace("_", "-") if tag and _LANGUAGE.fullmatch(tag) else None


def _answer(said: Said) -> Reply:
    answer = {"said": said.kind, "notice": _notice(said)}
    # The widget's own words follow the customer's choice.
    return _json(200, answer | ({"language": said.locale} if said.kind == "spoken_to" else {}))


def _notice(said: Said) -> str:
    return said.voice.say(f"reply.{said.kind}", n=said.text) if said.kind in _WORDED else ""


def _refuse_text(text: str) -> Reply | None:
    if not text.strip():
        return _refuse(400, "text", "The message is empty; write some words.")
    if len(text) > LONGEST_TEXT:
        return _refuse(413, "text", f"The message is longer than {LONGEST_TEXT:,} characters; send it in parts.")
    return None


def _too_often(wait: float, voice: Voice) -> Reply:
    seconds = str(math.ceil(wait))
    return _refuse(429, "too_often", voice.say("widget.too_often"), {"Retry-After": seconds})


def _slow_down(wait: float) -> Reply:
    seconds = str(int(wait) + 1)
    return _refuse(429, "rate", f"Too many requests; try again in {seconds} seconds.", {"Retry-After": seconds})


def _refuse(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Reply:
    return _json(status, {"error": {"code": code, "message": message}}, headers)


def _json(status: int, value: object, headers: Mapping[str, str] | None = None) -> Reply:
    return json_reply(status, value, {"Cache-Control": "no-store", **(headers or {})})
