"""From a reported interaction to the intake.

What names nothing that is configured, and what would spoil the figures, is refused with its field; names that will be
shown are made one line.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import assert_never
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.channels.addresses import problem_with
from bot.channels.names import shown_name
from bot.config import Settings
from bot.conversations.dealings import Ended, Happening, Resumed, Spoke, Told
from bot.intake import Intake
from bot.messages import Address, ChannelName
from bot.ports import Outcome
from bot.web.api import EventReport, InteractionReport, Refused, ReportedAddress

#: An earlier close is a mistake: nobody chatted with a customer then, and figures begin with the first answer.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
#: Attributes that figures are grouped by, and the characters that one of their values may have.
GROUPING = ("agent", "team", "tag")
LONGEST_GROUP = 200
#: as long as the API takes attributes
_LONGEST_VALUE = 2000
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


class ReportedInteractions:
    """Takes what the HTTP API was told."""

    def __init__(self, *, intake: Intake, settings: Callable[[], Settings]) -> None:
        self._intake = intake
        self._settings = settings

    async def report(self, body: InteractionReport, event: str = "") -> Outcome:
        """Plan to ask about an interaction, or cancel that. Raises Refused for what names nothing that there is."""
        settings = self._settings()
        who = body.customer
        _refuse_triggers_name(body.source, settings)
        _refuse_unknown(body, settings)
        _refuse_groups(body)
        told = Told(
            source=body.source,
            reference=body.reference,
            happening=_happening(body),
            event=event,
            flow=body.flow or "",
            address=_address(body),
            name=shown_name(who.name),
            locale=who.language.replace("_", "-") if who.language else None,
            time_zone=who.time_zone,
            customer=who.reference,
            attributes={name: shown for name, value in _attributes(body) if (shown := _shown(name, value))},
        )
        return await self._intake.tell(told, "agent" if body.now else "api")

    async def hear(self, body: EventReport, event: str = "") -> Outcome:
        """Take in what happened in a dealing; ``event`` names it where its reporter does not. Raises Refused."""
        _refuse_triggers_name(body.source, self._settings())
        told = Told(
            source=body.source,
            reference=body.reference,
            happening=_heard(body, _time(body.at, "at")),
            event=body.id or event,
        )
        return await self._intake.tell(told, "api")


def _happening(body: InteractionReport) -> Happening:
    at = _time(body.closed_at, "closed_at")
    if body.closed:
        return Ended(at=at, messages=body.messages, human_answered=body.human_answered, started_by=body.started_by)
    if body.now:
        raise Refused("Nobody is asked about what goes on; leave out 'closed' or 'now'.", field="now")
    return Resumed(at=at)


def _heard(body: EventReport, at: datetime | None) -> Happening:
    match body.event:
        case "resumed":
            return Resumed(at=at)
        case "customer_wrote":
            return Spoke(by="customer", at=at, first=body.first)
        case "agent_wrote":
            return Spoke(by="agent", at=at, first=body.first)
        case "bot_wrote":
            return Spoke(by="bot", at=at, first=body.first)
        case _:
            assert_never(body.event)


def _time(at: datetime | None, field: str) -> datetime | None:
    """A time as it is told; whoever tells none is heard in the order of telling."""
    if at is not None and at < EARLIEST:
        raise Refused(f"Nothing happened before {EARLIEST:%Y}; check the time.", field=field)
    return at


def _address(body: InteractionReport) -> Address | None:
    address = body.customer.address
    return None if address is None else Address(channel=ChannelName(address.channel), key=address.key)


def _refuse_triggers_name(source: str, settings: Settings) -> None:
    """Who has a trigger's secret could speak of all dealings of that source."""
    if any(trigger.name == source for trigger in settings.triggers):
        raise Refused(f"{source!r} is the name of a trigger; call your own dealings by another name.", field="source")


def _refuse_unknown(body: InteractionReport, settings: Settings) -> None:
    address, time_zone = body.customer.address, body.customer.time_zone
    if address is not None:
        _refuse_address(address, settings)
    elif body.customer.reference is None:
        raise Refused("Say where the customer is (address), or who (reference).", field="customer.address")
    if body.flow is not None and settings.flow_or_first(body.flow) is None:
        known = ", ".join(pinned.flow.id for pinned in settings.askable())
        raise Refused(f"There is no flow {body.flow!r}; there are: {known}.", field="flow")
    if time_zone is not None and not _is_zone(time_zone):
        raise Refused(f"{time_zone!r} is no time zone; write it like Asia/Ho_Chi_Minh.", field="customer.time_zone")


def _refuse_address(address: ReportedAddress, settings: Settings) -> None:
    channel = next((channel for channel in settings.channels if channel.name == address.channel), None)
    if channel is None:
        known = ", ".join(channel.name for channel in settings.channels)
        message = f"There is no channel {address.channel!r}; there are: {known}."
        raise Refused(message, field="customer.address.channel")
    problem = problem_with(channel, address.key)
    if problem is not None:
        message = f"This is nobody's key in {address.channel!r}. {problem}"
        raise Refused(message, field="customer.address.key")


def _refuse_groups(body: InteractionReport) -> None:
    """Refuse what would be a value that figures are grouped by for good, and is none."""
    named = {"agent": body.agent or ""}
    named |= {f"tags[{index}]": tag for index, tag in enumerate(body.tags)}
    named |= {f"attributes.{name}": body.attributes.get(name, "") for name in GROUPING}
    for field, value in named.items():
        if len(value) > LONGEST_GROUP:
            raise Refused(f"This is longer than {LONGEST_GROUP} characters.", field=field)
        if _CONTROL.search(value):
            raise Refused("This holds a line break or another control character.", field=field)


def _attributes(body: InteractionReport) -> Iterator[tuple[str, str]]:
    """The attributes with what the report names apart; of one named twice the last counts."""
    yield "reference", body.reference
    yield from body.attributes.items()
    if body.agent:
        yield "agent", body.agent
    if body.tags:
        # one dimension value a conversation: the first tag is the one that reports group by
        yield "tag", body.tags[0]
    if len(body.tags) > 1:
        # all of them for routing and for the agents' eyes
        yield "tags", ", ".join(body.tags)


def _shown(name: str, value: str) -> str | None:
    return shown_name(value) if name in {"agent", "reference"} else shown_name(value, _LONGEST_VALUE)


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
