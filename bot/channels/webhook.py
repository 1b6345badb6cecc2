"""Someone else's chat window, by a pair of signed webhooks (Standard Webhooks); docs/webhook-chat.md is its guide.

In: ``POST /channels/<name>`` with the three signed headers; ``webhook-id`` is the dedupe key. One JSON object::

    {"type": "message", "from": {"id": "u1", "name": "Lan", "language": "vi"}, "text": "Hi"}
    {"type": "tap", "from": {"id": "u1"}, "token": "1.0k3f9x2m7q8d4h1z.3.10"}
    {"type": "command", "from": {"id": "u1"}, "command": "feedback"}        start and language with an
                                                                            "argument"; feedback, human, stop
    {"type": "left", "from": {"id": "u1"}}                                  and "returned"

The answer is ``{"said": "already_counted", "notice": "..."}``; a notice is a fleeting sentence for that person.
Whatever is validly signed gets a 2xx; what is not understood is kept aside for the operator.

Out: one signed POST per message to the configured URL, less than 20 kB::

    {"type": "message", "kind": "post", "to": {"id": "u1"}, "slot": "...", "content": "card", "text": "How was it?",
     "buttons": [[{"label": "1", "token": "1....1", "selected": false}]], "chosen": null, "hint": "", "low": "",
     "high": "", "typing": true, "decline": [{"label": "Not this time", "token": "1....~decline", "selected": false}],
     "locale": "vi", "plain": "How was it? ..."}

``webhook-id`` is the same for each retry of one message. Every 2xx means delivered.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Literal, assert_never, get_args
from urllib.parse import urlsplit

import aiohttp
import msgspec

from bot.channels.fallback import as_text, with_links
from bot.channels.names import shown_name
from bot.channels.replies import json_reply, without_nul
from bot.channels.signatures import refuse_webhook, sign_webhook, webhook_key
from bot.config import WebhookChatSettings
from bot.errors import ConfigError, SendFailed
from bot.messages import (
    Address,
    Alert,
    AlertOf,
    Button,
    Card,
    Commanded,
    CommandName,
    Content,
    Inbound,
    IncidentOf,
    Left,
    Outbound,
    OutboundKind,
    Profile,
    Receipt,
    Remark,
    Returned,
    Tapped,
    Text,
    Unread,
    Wrote,
)
from bot.ports import Clock, File, Handle, Limits, Raw, Reply, Said, SaidKind

#: Standard Webhooks: receivers may refuse more.
LARGEST_BODY = 20_000
#: A longer inbound message is cut: its sender is a program, which nobody would see refused.
LONGEST_TEXT = 65_536
LONGEST_KEY = 256
#: Nobody means to make us wait longer than this.
LONGEST_WAIT = 86_400.0

#: What a person may be told: the cards say the rest, and some only agents are told.
_WORDED: frozenset[SaidKind] = frozenset(
    {
        "already_counted",
        "closed",
        "not_yours",
        "unknown_button",
        "changing",
        "too_late_to_change",
        "choose_more",
        "choose_fewer",
        "asked",
        "not_asked",
    }
)


class _From(msgspec.Struct, frozen=True, kw_only=True):
    id: str | int
    name: str | None = None
    language: str | None = None


class _Event(msgspec.Struct, frozen=True, kw_only=True):
    type: str
    sender: _From = msgspec.field(name="from")
    text: str = ""
    token: str = ""
    command: str = ""
    argument: str = ""


class _To(msgspec.Struct, frozen=True, kw_only=True):
    id: str


class _Button(msgspec.Struct, frozen=True, kw_only=True):
    label: str
    token: str
    selected: bool


class _Link(msgspec.Struct, frozen=True, kw_only=True):
    label: str
    url: str


class Message(msgspec.Struct, frozen=True, kw_only=True, tag="message"):
    """What the other side gets; ``plain`` is all of it in words, for a window without buttons."""

    kind: OutboundKind
    to: _To
    slot: str
    content: Literal["text", "card"]
    text: str
    buttons: tuple[tuple[_Button, ...], ...] = ()
    chosen: str | None = None
    hint: str = ""
    low: str = ""
    high: str = ""
    typing: bool = True
    decline: tuple[_Button, ...] = ()
    locale: str = "en"
    links: tuple[_Link, ...] = ()
    plain: str


class WebhookChannel:
    """A foreign chat window; an address key is the id that the other side gave its customer."""

    def __init__(
        self, settings: WebhookChatSettings, *, clock: Clock, session: aiohttp.ClientSession, timeout: float = 10.0
    ) -> None:
        self.name = settings.name
        self.limits = Limits(
            buttons=60 if settings.buttons else 0, text=4000, button_label=200, token_bytes=64, edits=settings.edits
        )
        self._settings = settings
        self._clock = clock
        self._session = session
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._keys = _keys(settings)
        self._url = _checked_url(settings)

    async def receive(self, raw: Raw, handle: Handle) -> Reply:
        """Verify, read, hand over; 401 without effect for what the other side did not sign."""
        if raw.method != "POST":
            return _refuse(405, "method", "Use POST with a signed JSON body.", {"Allow": "POST"})
        now = self._clock()
        refusal = refuse_webhook(self._keys, raw.headers, raw.body, now)
        if refusal is not None:
            return _refuse(401, refusal, _REFUSALS[refusal])
        outcome = await handle(self._read(raw.headers["webhook-id"], raw.body, now))
        return json_reply(200, {"said": outcome.said.kind, "notice": _notice(outcome.said)})

    async def send(
        self, message: Outbound, remote: str | None, *, again: bool = False, thread: str | None = None
    ) -> Receipt:
        """Post one message; a repetition carries the same ``webhook-id``, so ``again`` changes nothing."""
        del remote, again, thread
        drawn = self._drawn(message)
        if drawn is not None:
            body = _fitting(drawn)
            await self._post(_message_id(self.name, message.key, drawn), body)
        return Receipt(remote=message.slot)

    async def fetch(self, reference: str) -> File | None:
        """Nothing: the other side sends no files."""
        del reference
        return None

    async def run(self, handle: Handle) -> None:
        """Nothing to listen to: the other side calls us."""

    async def close(self) -> None:
        """The HTTP client belongs to whoever passed it in."""

    # ---- in --------------------------------------------------------------------------------------------

    def _read(self, id: str, body: bytes, now: datetime) -> Inbound:
        event = f"webhook:{self.name}:{id}"
        try:
            parsed = msgspec.json.decode(body, type=_Event)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return Unread(event=event, channel=self.name, at=now, why=f"not a chat event: {error}", body=body)
        read = self._event(event, parsed, now)
        if isinstance(read, str):
            return Unread(event=event, channel=self.name, at=now, why=read, body=body)
        return read

    def _event(self, event: str, parsed: _Event, now: datetime) -> Inbound | str:
        """The event, or why it is none."""
        key = without_nul(str(parsed.sender.id))
        if not 0 < len(key) <= LONGEST_KEY:
            return f"from.id is empty or longer than {LONGEST_KEY} characters"
        sender = Address(channel=self.name, key=key)
        profile = Profile(
            name=shown_name(parsed.sender.name),
            language=without_nul((parsed.sender.language or "")[:35]) or None,
        )
        match parsed.type:
            case "message" if parsed.text.strip():
                text = without_nul(parsed.text[:LONGEST_TEXT])
                return Wrote(event=event, sender=sender, text=text, at=now, profile=profile)
            case "tap" if parsed.token:
                return Tapped(event=event, sender=sender, token=without_nul(parsed.token), at=now, profile=profile)
            case "command":
                for command in get_args(CommandName):
                    if parsed.command == command:
                        argument = without_nul(parsed.argument[:256])
                        return Commanded(
                            event=event, sender=sender, command=command, at=now, argument=argument, profile=profile
                        )
                return "unknown command"
            case "left":
                return Left(event=event, sender=sender, at=now)
            case "returned":
                return Returned(event=event, sender=sender, at=now)
            case "message" | "tap":
                return f"a {parsed.type} without its {'text' if parsed.type == 'message' else 'token'}"
            case _:
                return "unknown type"

    # ---- out -------------------------------------------------------------------------------------------

    def _drawn(self, message: Outbound) -> Message | None:
        """The message as the other side can show it, or None when there is nothing that it could show."""
        kind, content = message.kind, _shown(message.content)
        if kind == "edit" and not self._settings.edits:
            # The customer knows what they answered; only a question that stands open again must be seen.
            if not isinstance(content, Card) or content.chosen is not None or not content.buttons:
                return None
            kind = "post"
        plain = as_text(content) if isinstance(content, Card) else with_links(content)
        to = _To(id=message.to.key)
        if isinstance(content, Text) or not self._settings.buttons:
            drawn = self._settings.buttons and isinstance(content, Text)
            return Message(
                kind=kind,
                to=to,
                slot=message.slot,
                content="text",
                text=content.text if drawn else plain,
                links=_links(content) if drawn and isinstance(content, Text) else (),
                plain=plain,
                locale=content.locale,
            )
        return Message(
            kind=kind,
            to=to,
            slot=message.slot,
            content="card",
            text=content.text,
            buttons=tuple(_buttons(row) for row in content.buttons),
            chosen=content.chosen,
            hint=content.hint,
            low=content.low,
            high=content.high,
            typing=content.typing,
            decline=_buttons(content.decline),
            locale=content.locale,
            plain=plain,
        )

    async def _post(self, id: str, body: bytes) -> None:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Afterchat",
            **sign_webhook(self._keys[0], id, self._clock(), body),
        }
        try:
            async with self._session.post(
                self._url, data=body, headers=headers, timeout=self._timeout, allow_redirects=False
            ) as answer:
                if not 200 <= answer.status < 300:
                    raise _failure(answer.status, answer.headers, await _beginning(answer), self._clock())
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise SendFailed(
                reason=f"no connection: {type(error).__name__}", retryable=True, whole_channel=True
            ) from error
        except TimeoutError as error:
            raise SendFailed(reason="no answer in time", retryable=True, maybe_delivered=True) from error
        except aiohttp.ClientError as error:
            raise SendFailed(
                reason=f"the connection broke: {type(error).__name__}", retryable=True, maybe_delivered=True
            ) from error


def _buttons(row: tuple[Button, ...]) -> tuple[_Button, ...]:
    return tuple(_Button(label=button.label, token=button.token, selected=button.selected) for button in row)


def _links(content: Text) -> tuple[_Link, ...]:
    return tuple(_Link(label=link.label, url=link.url) for link in content.links)


def _shown(content: Content) -> Text | Card:
    """What a customer may see of it."""
    match content:
        case Text() | Card():
            return content
        case Alert() | AlertOf() | IncidentOf() | Remark():
            raise SendFailed(reason="a customer's chat is no desk: alerts go to a Slack channel", retryable=False)
        case _:
            assert_never(content)


_REFUSALS: Mapping[str, str] = {
    "headers": "Send webhook-id, webhook-timestamp (seconds since 1970) and webhook-signature.",
    "timestamp": "webhook-timestamp is more than five minutes off; check the clock, and sign at the time of sending.",
    "signature": "No webhook-signature fits; sign '<id>.<timestamp>.<body>' with a secret of this channel.",
}


def _keys(settings: WebhookChatSettings) -> tuple[bytes, ...]:
    if not settings.secrets:
        raise ConfigError(f"channel {settings.name}: 'secrets' needs at least one 'whsec_...'")
    try:
        return tuple(webhook_key(secret) for secret in settings.secrets)
    except ValueError as error:
        raise ConfigError(f"channel {settings.name}: 'secrets': {error}") from error


def _checked_url(settings: WebhookChatSettings) -> str:
    # The admin's own choice, so only mistakes are looked for: private addresses are the usual case in a container.
    try:
        parts = urlsplit(settings.url)
        sound = (
            parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None and parts.port != 0
        )
    except ValueError:
        sound = False
    if not sound:
        raise ConfigError(f"channel {settings.name}: 'url' must be http(s)://host/path, without a user name in it")
    return settings.url


def _message_id(channel: str, key: str, message: Message) -> str:
    """The same for each attempt of one message, another for each other one, however alike they look."""
    named = f"{channel}\n{key}\n".encode() + msgspec.json.encode(message)
    return f"msg_{hashlib.sha256(named).hexdigest()[:32]}"


def _fitting(message: Message) -> bytes:
    """The body in less than 20 kB; the text is cut where it must be, the buttons never are."""
    body = msgspec.json.encode(message)
    while len(body) >= LARGEST_BODY:
        keep = max(len(message.text), len(message.plain)) * 3 // 4
        if keep < 100:
            raise SendFailed(reason="the buttons alone are more than 20 kB", retryable=False)
        message = msgspec.structs.replace(message, text=_cut(message.text, keep), plain=_cut(message.plain, keep))
        body = msgspec.json.encode(message)
    return body


def _cut(text: str, keep: int) -> str:
    return text if len(text) <= keep else text[: keep - 1] + "…"


async def _beginning(answer: aiohttp.ClientResponse) -> bytes:
    return await answer.content.read(2048)


def _failure(status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> SendFailed:
    """What a status other than 2xx means for this message."""
    reason = f"the chat window's server answered {status}"
    retry_after = _retry_after(headers.get("Retry-After", ""), now)
    if status == 410:
        return SendFailed(reason=reason, retryable=False, whole_channel=True)
    if 400 <= status < 500 and _says_gone(body):
        return SendFailed(reason=reason, retryable=False, recipient_gone=True)
    if status in {429, 503}:
        return SendFailed(reason=reason, retryable=True, retry_after=retry_after, whole_channel=True)
    if status in {401, 403, 404, 405} or status < 400:
        # A wrong address, secret or a redirect: mended by a person, after which the message may still arrive.
        return SendFailed(reason=reason, retryable=True, whole_channel=True)
    if status in {408, 425}:
        return SendFailed(reason=reason, retryable=True, retry_after=retry_after)
    if status < 500:
        return SendFailed(reason=reason, retryable=False)
    return SendFailed(reason=reason, retryable=True, retry_after=retry_after, maybe_delivered=True)


def _says_gone(body: bytes) -> bool:
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return isinstance(answer, dict) and answer.get("gone") is True


def _retry_after(value: str, now: datetime) -> float | None:
    """Seconds in a ``Retry-After`` header, which holds seconds or a date; None where it holds neither.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    >>> _retry_after("30", noon), _retry_after("Thu, 01 Jan 2026 12:01:00 GMT", noon), _retry_after("soon", noon)
    (30.0, 60.0, None)
    """
    value = value.strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:9]), LONGEST_WAIT)
    try:
        seconds = (parsedate_to_datetime(value) - now).total_seconds()
    except (TypeError, ValueError):
        return None
    return min(max(0.0, seconds), LONGEST_WAIT)


def _notice(said: Said) -> str:
    return said.voice.say(f"reply.{said.kind}", n=said.text) if said.kind in _WORDED else ""


def _refuse(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Reply:
    return json_reply(status, {"error": {"code": code, "message": message}}, headers)
