"""One inbound message, interaction or due row -> one committed outcome. No network in here."""

from collections.abc import Callable
from functools import partial
from typing import assert_never

from msgspec.structs import replace

from bot.config import Settings
from bot.conversations.dealings import Told
from bot.conversations.invitations import TriggerKind
from bot.errors import StoreRefused
from bot.ids import CaseId, Ids
from bot.intake import agents, by_hand, customers, dues, linked, panel, relaying, telling, wondering
from bot.intake.anonymity import Pseudonym, nameless, unnamed, without_key
from bot.intake.moment import Moment
from bot.messages import (
    AgentAsks,
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
from bot.ports import Clock, Due, Outcome, PanelMember, Read, Store

__all__ = ["Intake"]

#: where an event comes from that no channel brought
_OURS = ChannelName("")


class Intake:
    """The one way in: what channels, the API and the timers call.

    ``pseudonym`` is what stands for the company's references of customers where no names are kept.
    """

    def __init__(
        self,
        *,
        store: Store,
        settings: Callable[[], Settings],
        clock: Clock,
        ids: Ids,
        pseudonym: Pseudonym = without_key,
    ) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._ids = ids
        self._pseudonym = pseudonym

    def known_as(self, reference: str) -> str:
        """The company's reference of a customer, as it is kept."""
        return self._pseudonym(reference) if self._settings().asking.anonymous else reference

    async def handle(self, event: Inbound) -> Outcome:
        """Decide and commit one inbound event. Raises StoreUnavailable when nothing was kept.

        An event that the database will never take is kept aside: its sender would repeat it for ever.
        """
        try:
            outcome = await self._decide(event)
        except StoreRefused as error:
            if isinstance(event, Unread):
                raise
            outcome = await self._decide(_set_aside(event, str(error)))
        own = self._settings().sentences
        return outcome if outcome.said.own or not own else replace(outcome, said=replace(outcome.said, own=own))

    async def _decide(self, event: Inbound) -> Outcome:
        moment = self._moment()
        if moment.settings.asking.anonymous:
            event = unnamed(event)
        match event:
            case AgentPressed() | AgentDid():
                return await self._store.run(
                    agents.what_to_read(event), lambda facts: agents.decide(event, facts, moment)
                )
            case AgentWrote():
                return await self._written(event, moment)
            case AgentAsks():
                read = by_hand.what_to_read(event)
                outcome = await self._store.run(read, lambda facts: by_hand.decide(event, facts, moment))
                return by_hand.in_agents_words(outcome, moment)
            case AgentWonders():
                return await self._wondered(event, moment)
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

    async def _wondered(self, event: AgentWonders, moment: Moment) -> Outcome:
        """Where no names are kept, a customer's reference is found by what stands for it."""
        hashed = self.known_as(event.query.strip())
        if hashed != event.query.strip():
            found = await self._store.run(
                Read(known_as=hashed), lambda facts: Outcome(ref="" if facts.namesake is None else facts.namesake.id)
            )
            event = replace(event, query=hashed) if found.ref else event
        return await self._store.run(
            wondering.what_to_read(event), lambda facts: wondering.decide(event, facts, moment)
        )

    async def tell(self, told: Told, trigger: TriggerKind) -> Outcome:
        """Keep what is told of a dealing, and plan or cancel its question. Raises StoreUnavailable, StoreRefused."""
        moment = self._moment()
        if moment.settings.asking.anonymous:
            told = nameless(told, self._pseudonym)
        decide = partial(telling.decide_told, told, trigger, moment=moment)
        return await self._store.run(telling.what_to_read(told), decide)

    async def invite(self, talk: panel.Talk, member: PanelMember) -> Outcome:
        """Invite a member of the advisory panel to a talk."""
        moment = self._moment()
        read = panel.what_a_talk_reads(talk, member)
        return await self._store.run(read, lambda facts: panel.invite(talk, member, facts, moment))

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
        case AgentPressed() | AgentDid() | AgentWrote() | AgentAsks() | AgentWonders():
            return event.agent.channel
        case Unread():
            return event.channel
        case NotDelivered():
            return _OURS
        case Tapped() | Wrote() | Commanded() | Left() | Returned() | Moved():
            return event.sender.channel
        case _:
            assert_never(event)
