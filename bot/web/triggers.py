"""Helpdesks' webhooks: POST /triggers/<name> for each [triggers.<name>], and what became of them.

A delivery that is not believed leaves nothing behind but a counter. One that is believed always gets a 2xx, or a 503
while the database does not answer: whatever else we told the helpdesk, it would only send the same again.
"""

import hashlib
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from aiohttp import web
from msgspec.structs import replace

from bot.channels.addresses import problem_with
from bot.channels.names import shown_name
from bot.config import CurrentSettings, Settings, TriggerSettings
from bot.conversations.dealings import Beside, Told
from bot.errors import StoreRefused
from bot.intake import Intake
from bot.messages import Address, ChannelName, Unread
from bot.ports import Clock, Outcome
from bot.triggers import NAMELESS, Delivery, Telling, challenged_with, is_believed, not_understood, read_delivery
from bot.triggers.silent import is_silent
from bot.web.api import json_response, problem
from bot.web.interactions import GROUPING, LONGEST_GROUP
from bot.web.requests import BODY_DEADLINE, raw_from, read_body

log = logging.getLogger(__name__)

#: A reference that is longer is told apart by a digest: nobody can read it anyway.
LONGEST_REFERENCE = 200
LONGEST_VALUE = 2000
MOST_ATTRIBUTES = 50
MOST_TAGS = 50
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")
_WEB = re.compile(r"https?://[^\s<>\"|]+")
#: as some write a link: "lotus.zendesk.com/agent/tickets/81"
_BARE = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+/[^\s<>\"|]*")


class TriggerFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What one trigger was sent since the server started.

    ``deliveries`` were believed and ``refused`` were not. Their events: ``planned`` (to be asked after the delay),
    ``not_asked``, ``repeated`` (told before), ``noted`` (words, reopenings), ``not_understood``,
    ``ignored`` (they say nothing of an end and bring no words, so that the ledger has no row of them).
    """

    name: str
    kind: str
    path: str
    deliveries: int
    refused: int
    planned: int
    not_asked: int
    repeated: int
    noted: int
    not_understood: int
    ignored: int
    last_at: datetime | None


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a delivery: how many things it told, and what was decided about the last of them."""

    told: int
    decision: str
    rule: str


class Triggers:
    """Takes what helpdesks send."""

    def __init__(self, *, intake: Intake, settings: Callable[[], Settings], clock: Clock) -> None:
        self._intake = intake
        self._settings = settings
        self._clock = clock
        self._counts: dict[str, Counter[str]] = {}
        self._last: dict[str, datetime] = {}

    def named(self, name: str) -> TriggerSettings | None:
        return next((each for each in self._settings().triggers if each.name == name), None)

    async def take(self, trigger: TriggerSettings, headers: Mapping[str, str], body: bytes) -> web.Response:
        """One delivery; header names are in lower case. Raises StoreUnavailable when part of it was not kept."""
        counts, delivery = self._counted(trigger), Delivery(headers=headers, body=body, at=self._clock())
        if not is_believed(delivery, trigger):
            counts["refused"] += 1
            return problem(401, "signature", "Neither a signature nor a shared secret of this trigger is right.")
        counts["deliveries"] += 1
        self._last[trigger.name] = delivery.at
        challenge = challenged_with(delivery, trigger)
        if challenge:
            return web.Response(text=challenge, content_type="text/plain")
        told = [_named(telling, index, body) for index, telling in enumerate(_read(delivery, trigger))]
        outcomes = [await self._tell(telling, trigger, counts) for telling in told]
        understood = not any(_is_strange(telling) for telling in told) and all(outcomes)
        if not understood:
            await self._keep_aside(trigger, delivery)
        last = next((outcome for outcome in reversed(outcomes) if outcome is not None), Outcome())
        answer = Taken(told=len(told), decision=last.said.kind, rule=last.said.text)
        return json_response(answer, status=200 if understood else 202)

    async def _tell(self, telling: Telling, trigger: TriggerSettings, counts: Counter[str]) -> Outcome | None:
        """What was decided about one telling; None where the database takes none of its values."""
        if is_silent(telling.happening, trigger.kind):
            counts["ignored"] += 1
            return Outcome()
        try:
            outcome = await self._intake.tell(told_from(telling, trigger, self._settings()), "helpdesk")
        except StoreRefused:
            counts["not_understood"] += 1
            return None
        counts[_counted_as(telling, outcome)] += 1
        return outcome

    async def _keep_aside(self, trigger: TriggerSettings, delivery: Delivery) -> None:
        """For `afterchat trouble`; the same body once."""
        unread = Unread(
            event=f"trigger:{trigger.name}:{hashlib.sha256(delivery.body).hexdigest()}",
            channel=ChannelName(f"triggers/{trigger.name}"),
            at=delivery.at,
            why="not understood",
            body=delivery.body,
        )
        await self._intake.handle(unread)

    def _counted(self, trigger: TriggerSettings) -> Counter[str]:
        return self._counts.setdefault(trigger.name, Counter())

    async def list(self, _request: web.Request) -> web.StreamResponse:
        return json_response(TriggerList(triggers=tuple(self.figures())))

    def figures(self) -> Iterator[TriggerFigures]:
        """Of each trigger in the settings, in their order."""
        for trigger in self._settings().triggers:
            counts = self._counts.get(trigger.name, Counter())
            yield TriggerFigures(
                name=trigger.name,
                kind=trigger.kind,
                path=f"/triggers/{trigger.name}",
                deliveries=counts["deliveries"],
                refused=counts["refused"],
                planned=counts["planned"],
                not_asked=counts["not_asked"],
                repeated=counts["repeated"],
                noted=counts["noted"],
                not_understood=counts["not_understood"],
                ignored=counts["ignored"],
                last_at=self._last.get(trigger.name),
            )


class TriggerList(msgspec.Struct, frozen=True, kw_only=True):
    """Every trigger of the settings, in their order."""

    triggers: tuple[TriggerFigures, ...]


def add_triggers(app: web.Application, triggers: Triggers, settings: CurrentSettings) -> None:
    """The address that helpdesks post to."""

    async def receive(request: web.Request) -> web.StreamResponse:
        trigger = triggers.named(request.match_info["name"])
        if trigger is None:
            return problem(404, "trigger", "There is no trigger of this name; look for [triggers.<name>].")
        body = await read_body(request, settings().server.max_body, BODY_DEADLINE)
        if isinstance(body, web.Response):
            return body
        raw = raw_from(request, body, "")
        return await triggers.take(trigger, raw.headers, raw.body)

    app.router.add_post("/triggers/{name}", receive)


def _read(delivery: Delivery, trigger: TriggerSettings) -> Sequence[Telling]:
    """What a delivery tells, with each conversation named by what is visible of its name."""
    try:
        return [referred(telling) for telling in read_delivery(delivery, trigger)]
    except Exception as error:
        # A fault of ours must not make the helpdesk send it again and again; its words are no matter for a log.
        log.error("trigger %s: a delivery made its reader fail (%s)", trigger.name, type(error).__name__)
        return [Telling(happening=not_understood("POST", type(error).__name__))]


def referred(telling: Telling) -> Telling:
    """A name of which nothing is visible is none, or all dealings with such names were one."""
    reference = _identifier(telling.reference)
    if telling.reference and not reference and not isinstance(telling.happening, Beside):
        return replace(
            telling, reference="", happening=not_understood(type(telling.happening).__name__.lower(), 'id=""')
        )
    return replace(telling, reference=reference)


def _named(telling: Telling, index: int, body: bytes) -> Telling:
    """What asks nobody is one row of the ledger, however often it is sent: by its body, where it has no id.

    Not so an end or a reopening: the second one of a ticket may look like its first.
    """
    if telling.event or not isinstance(telling.happening, Beside):
        return telling
    return replace(telling, event=f"body:{index}:{hashlib.sha256(body).hexdigest()}")


def _is_strange(telling: Telling) -> bool:
    return isinstance(telling.happening, Beside) and telling.happening.why == "not understood"


def _counted_as(telling: Telling, outcome: Outcome) -> str:
    if _is_strange(telling):
        return "not_understood"
    match outcome.said.kind, outcome.said.text:
        case "deferred", _:
            return "planned"
        case "not_asked", "reported before":
            return "repeated"
        case "not_asked", _:
            return "not_asked"
        case _:
            return "noted"


# ---- from a telling to what the core takes ----------------------------------------------------------------


def told_from(telling: Telling, trigger: TriggerSettings, settings: Settings) -> Told:
    """A telling with its texts cleaned, and its address only if somebody can be there."""
    happening = telling.happening
    if isinstance(happening, Beside):
        kind, detail = shown_name(happening.kind) or NAMELESS, shown_name(happening.detail, 200) or ""
        happening = Beside(kind=kind, why=happening.why, detail=detail)
    locale = telling.locale.strip()
    return Told(
        source=trigger.name,
        reference=_identifier(telling.reference),
        happening=happening,
        event=_identifier(telling.event),
        flow=trigger.flow,
        address=_address(telling, trigger, settings),
        name=shown_name(telling.name),
        locale=locale.replace("_", "-") if len(locale) <= 35 and _LANGUAGE.fullmatch(locale) else None,
        time_zone=telling.time_zone if _is_zone(telling.time_zone) else None,
        customer=_proof(telling.customer),
        proves=trigger.proves_identity,
        attributes=dict(_attributes(telling)),
        idle_after=trigger.idle_after,
    )


def _identifier(text: str) -> str:
    """A name of theirs as one line; what is too long to be read is told apart by its digest."""
    line = shown_name(text, longest=max(len(text), 1)) or ""
    if len(line) <= LONGEST_REFERENCE:
        return line
    return f"{line[:100]}…{hashlib.sha256(line.encode()).hexdigest()[:32]}"


def _proof(text: str) -> str | None:
    """The company's own name of a customer; a damaged one is none: what is left of it may be somebody else's."""
    whole = " ".join(text.split())
    return _identifier(text) or None if shown_name(text, longest=max(len(text), 1)) == whole else None


def _address(telling: Telling, trigger: TriggerSettings, settings: Settings) -> Address | None:
    channel = next((each for each in settings.channels if each.name == trigger.channel), None)
    key = telling.address.strip()
    if channel is None or not key or len(key) > LONGEST_REFERENCE or problem_with(channel, key) is not None:
        return None
    return Address(channel=channel.name, key=key)


def _attributes(telling: Telling) -> Iterator[tuple[str, str]]:
    """The attributes as texts, rules and alerts use them; the names are those of the HTTP API."""
    reference = _identifier(telling.reference)
    if reference:
        yield "reference", reference
    for name, value in list(telling.attributes.items())[:MOST_ATTRIBUTES]:
        shown = _shown(name, value)
        if shown:
            yield name, shown
    tags = [tag for each in telling.tags[:MOST_TAGS] if (tag := shown_name(each.replace(",", " "), LONGEST_GROUP))]
    if tags:
        # one dimension value a conversation: the first tag is the one that reports group by
        yield "tag", tags[0]
    if len(tags) > 1:
        yield "tags", shown_name(", ".join(tags), LONGEST_VALUE) or ""


def _shown(name: str, value: str) -> str | None:
    if name == "link":
        link = f"https://{value}" if _BARE.fullmatch(value) else value
        return link if shown_name(link, LONGEST_VALUE) == link and _WEB.fullmatch(link) else None
    if name == "agent":
        return shown_name(value)
    return shown_name(value, LONGEST_GROUP if name in GROUPING else LONGEST_VALUE)


def _is_zone(name: str) -> bool:
    if not name or len(name) > 100:
        return False
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
