"""One inbound message, interaction or due row -> one committed outcome. No network in here."""

from collections.abc import Callable
from functools import partial
from typing import assert_never

from bot.config import Settings
from bot.conversations.dealings import Told
from bot.conversations.invitations import TriggerKind
from bot.errors import StoreRefused
from bot.ids import CaseId, Ids
from bot.intake import agents, asking, customers, dues, relaying, wondering
from bot.intake.moment import Moment
from bot.messages import (
    AgentDid,
    AgentPressed,
    AgentWonders,
    AgentWrote,
    ChannelName,
    Commanded,
    Inbound,
    Left,
    Moved,
    NotDelivered,
    Returned,
    Tapped,
    Unread,
    Wrote,
)
from bot.ports import Clock, Due, Outcome, Read, Store

__all__ = ["Intake"]

#: where an event comes from that no channel brought
_OURS = ChannelName("")


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
            case AgentPressed() | AgentDid():
                return await self._store.run(
                    agents.what_to_read(event), lambda facts: agents.decide(event, facts, moment)
                )
            case AgentWrote():
                return await self._written(event, moment)
            case AgentWonders():
                return await self._store.run(
                    wondering.what_to_read(event), lambda facts: wondering.decide(event, facts, moment)
                )
            case NotDelivered():
                read = relaying.what_an_undelivered_reads(event)
                return await self._store.run(read, lambda facts: relaying.decide_undelivered(event, facts, moment))
            case Tapped() | Wrote() | Commanded() | Left() | Returned() | Moved() | Unread():
                read = await self._read(event, moment)
                return await self._store.run(read, lambda facts: customers.decide(event, facts, moment))
            case _:
                assert_never(event)

    async def _read(self, event: customers.CustomerEvent, moment: Moment) -> Read:
        """What to read for an event; of a link, first, only what it began."""
        carried = customers.link_of(event, moment)
        if carried is None:
            return customers.what_to_read(event, moment)
        began = await self._store.run(Read(link=carried.id), linked.look)
        return linked.what_to_read(carried, began.ref)

    async def _written(self, event: AgentWrote, moment: Moment) -> Outcome:
        """A message in a thread of a room: first only a look whose thread it is, for most are none of ours."""
        read = agents.what_a_thread_reads(event)
        found = await self._store.run(read, lambda facts: agents.whose_thread(event, facts, moment))
        if not found.ref:
            return found
        read = agents.what_a_message_reads(event, CaseId(found.ref))
        return await self._store.run(read, lambda facts: agents.decide_written(event, facts, moment))

    async def tell(self, told: Told, trigger: TriggerKind) -> Outcome:
        """Keep what is told of a dealing, and plan or cancel its question. Raises StoreUnavailable, StoreRefused."""
        decide = partial(asking.decide_told, told, trigger, moment=self._moment())
        return await self._store.run(asking.what_to_read(told), decide)

    async def come_due(self, due: Due) -> Outcome:
        """Decide a due row whose time has come."""
        moment = self._moment()
        return await self._store.run(dues.what_to_read(due, moment), lambda facts: dues.decide(facts, moment))

    def _moment(self) -> Moment:
        return Moment(settings=self._settings(), now=self._clock(), ids=self._ids)


def _set_aside(event: Inbound, why: str) -> Unread:
    """The event as something for the operator to look at."""
    body = repr(event).encode("utf-8", "backslashreplace")
    return Unread(event=event.event, channel=_channel(event), at=event.at, why=why, body=body)


def _channel(event: Inbound) -> ChannelName:
    match event:
        case AgentPressed() | AgentDid() | AgentWrote() | AgentWonders():
            return event.agent.channel
        case Unread():
            return event.channel
        case NotDelivered():
            return _OURS
        case Tapped() | Wrote() | Commanded() | Left() | Returned() | Moved():
            return event.sender.channel
        case _:
            assert_never(event)
