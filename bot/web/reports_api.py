"""Reports of interactions over HTTP: their end, and what happens in them."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from aiohttp import web

from bot.config import Settings
from bot.messages import ChannelName
from bot.web.api import (
    EventReport,
    InteractionReport,
    Interactions,
    json_response,
    problem,
    read_body_as,
    reported,
)
from bot.web.cases_api import idempotency_key
from bot.web.repeats import KeyReused, Repeats


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportsApi:
    """Answers requests whose API key was checked."""

    interactions: Interactions
    repeats: Repeats
    settings: Callable[[], Settings]
    channels: Collection[ChannelName]

    async def report(self, request: web.Request, body: bytes) -> web.StreamResponse:
        """Take the report in, once for each idempotency key."""
        key, read = idempotency_key(request), read_body_as(body, InteractionReport)
        if isinstance(read, web.Response):
            return read
        unknown = self._unknown(read)
        if unknown is not None:
            return unknown
        try:
            outcome = await self.repeats.once(
                key, ["interaction", read], lambda event: self.interactions.report(read, event if key else "")
            )
        except KeyReused:
            message = "This key came with another request before; take a new one for each."
            return problem(422, "key_reused", message, field="Idempotency-Key")
        return json_response(reported(outcome), status=202)

    def _unknown(self, read: InteractionReport) -> web.Response | None:
        """The refusal of a channel or flow that nothing is named."""
        address, settings = read.customer.address, self.settings()
        if address is not None and address.channel not in self.channels:
            known = ", ".join(sorted(self.channels))
            message = f"There is no channel '{address.channel}'; there are: {known}."
            return problem(422, "unknown_channel", message, field="customer.address.channel")
        if read.flow is not None and settings.flow(read.flow) is None:
            known = ", ".join(sorted(pinned.flow.id for pinned in settings.flows))
            return problem(422, "unknown_flow", f"There is no flow '{read.flow}'; there are: {known}.", field="flow")
        return None

    async def hear(self, _request: web.Request, body: bytes) -> web.StreamResponse:
        read = read_body_as(body, EventReport)
        if isinstance(read, web.Response):
            return read
        return json_response(reported(await self.interactions.hear(read)), status=202)
