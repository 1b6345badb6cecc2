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
from bot.web.repeats import Act, KeyReused, Repeats


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportsApi:
    """Answers requests whose API key was checked."""

    interactions: Interactions
    repeats: Repeats
    settings: Callable[[], Settings]
    channels: Collection[ChannelName]

    async def report(self, request: web.Request, body: bytes) -> web.StreamResponse:
        """Take the report in, once for each idempotency key."""
        read = read_body_as(body, InteractionReport)
        if isinstance(read, web.Response):
            return read
        unknown = self._unknown(read)
        if unknown is not None:
            return unknown
        return await self._once(request, ["interaction", read], lambda event: self.interactions.report(read, event))

    async def hear(self, request: web.Request, body: bytes) -> web.StreamResponse:
        """Take in what happened, once for each idempotency key."""
        read = read_body_as(body, EventReport)
        if isinstance(read, web.Response):
            return read
        return await self._once(request, ["event", read], lambda event: self.interactions.hear(read, event))

    async def _once(self, request: web.Request, asked: object, act: Act) -> web.StreamResponse:
        key = idempotency_key(request)
        try:
            # without a key it has no name: each is told anew
            outcome = await self.repeats.once(key, asked, lambda event: act(event if key else ""))
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
