"""One inbound message, interaction or due row -> one committed outcome. No network in here."""

from collections.abc import Callable
from functools import partial
from typing import assert_never

from bot.config import Settings
from bot.errors import StoreRefused
from bot.ids import Ids
from bot.intake import agents, asking, customers
from bot.intake.asking import ReportedCustomer
from bot.intake.recording import Moment
from bot.messages import (
    Address,
    AgentPressed,
    Commanded,
    Inbound,
    Left,
    Moved,
    Returned,
    Tapped,
    Unread,
    Wrote,
)
from bot.ports import Clock, Due, Interaction, Outcome, Store

__all__ = ["Intake", "ReportedCustomer"]


class Intake:
    """The one way in: what channels, the API and the timers call."""

    def __init__(self, *, store: Store, settings: Callable[[], Settings], clock: Clock, ids: Ids) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._ids = ids

    async def handle(self, event: Inbound) -> Outcome:
        """Decide and commit one inbound event. Raises StoreUnavailable when nothing was kept.

        An event that the database will never take is kept aside: its sender would repeat it for ever.
        """
        try:
            return await self._decide(event)
        except StoreRefused as error:
            if isinstance(event, Unread):
                raise
            return await self._decide(_set_aside(event, str(error)))

    async def _decide(self, event: Inbound) -> Outcome:
        moment = self._moment()
        match event:
            case AgentPressed():
                return await self._store.run(
                    agents.what_to_read(event), lambda facts: agents.decide(event, facts, moment)
                )
            case Tapped() | Wrote() | Commanded() | Left() | Returned() | Moved() | Unread():
                return await self._store.run(
                    customers.what_to_read(event), lambda facts: customers.decide(event, facts, moment)
                )
            case _:
                assert_never(event)

    async def report(self, interaction: Interaction, who: ReportedCustomer, trigger: str) -> Outcome:
        """Keep a reported interaction and plan its question."""
        decide = partial(asking.decide_report, interaction, who, trigger, moment=self._moment())
        return await self._store.run(asking.what_to_read(interaction), decide)

    async def come_due(self, due: Due) -> Outcome:
        """Decide a due row whose time has come."""
        moment = self._moment()
        read = asking.what_a_due_row_reads(due)
        return await self._store.run(read, lambda facts: asking.decide_due(facts, moment))

    def _moment(self) -> Moment:
        return Moment(settings=self._settings(), now=self._clock(), ids=self._ids)


def _set_aside(event: Inbound, why: str) -> Unread:
    """The event as something for the operator to look at."""
    channel = event.channel if isinstance(event, Unread) else _sender(event).channel
    body = repr(event).encode("utf-8", "backslashreplace")
    return Unread(event=event.event, channel=channel, at=event.at, why=why, body=body)


def _sender(event: Tapped | Wrote | Commanded | Left | Returned | Moved | AgentPressed) -> Address:
    return event.agent if isinstance(event, AgentPressed) else event.sender
