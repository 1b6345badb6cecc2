"""From a reported interaction to the intake: what names nothing that is configured is refused with its field."""

from collections.abc import Callable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.config import Settings
from bot.ids import Ids, InteractionId
from bot.intake import Intake, ReportedCustomer
from bot.messages import Address, ChannelName
from bot.ports import Clock, Interaction, Outcome
from bot.web.api import InteractionReport, ReportRefused


class ReportedInteractions:
    """Takes what the HTTP API was told."""

    def __init__(self, *, intake: Intake, settings: Callable[[], Settings], clock: Clock, ids: Ids) -> None:
        self._intake = intake
        self._settings = settings
        self._clock = clock
        self._ids = ids

    async def report(self, body: InteractionReport) -> Outcome:
        """Plan to ask about an interaction. Raises ReportRefused for an unknown channel, flow or time zone."""
        settings, now = self._settings(), self._clock()
        address, who = body.customer.address, body.customer
        names = [channel.name for channel in settings.channels]
        if address.channel not in names:
            raise ReportRefused(
                f"There is no channel {address.channel!r}; there are: {', '.join(names)}.",
                field="customer.address.channel",
            )
        if body.flow is not None and settings.flow(body.flow) is None:
            known = ", ".join(pinned.flow.id for pinned in settings.flows)
            raise ReportRefused(f"There is no flow {body.flow!r}; there are: {known}.", field="flow")
        if who.time_zone is not None and not _is_zone(who.time_zone):
            raise ReportRefused(
                f"{who.time_zone!r} is no time zone; write it like Asia/Ho_Chi_Minh.", field="customer.time_zone"
            )
        attributes = dict(body.attributes)
        if body.agent:
            attributes["agent"] = body.agent
        if body.tags:
            # one dimension value a conversation: the first tag is the one that reports group by
            attributes["tag"] = body.tags[0]
        attributes.setdefault("reference", body.reference)
        interaction = Interaction(
            id=InteractionId(self._ids()),
            source=body.source,
            reference=body.reference,
            flow=body.flow or settings.flows[0].flow.id,
            address=Address(channel=ChannelName(address.channel), key=address.key),
            closed_at=min(body.closed_at or now, now),
            reported_at=now,
            attributes=attributes,
        )
        reported = ReportedCustomer(
            name=who.name,
            locale=who.language.replace("_", "-") if who.language else None,
            time_zone=who.time_zone,
            reference=who.reference,
        )
        return await self._intake.report(interaction, reported, "api")


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
