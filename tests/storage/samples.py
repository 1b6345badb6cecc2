"""Values that the tests of storage write and read."""

from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from bot.conversations.answers import Answer, Scored
from bot.conversations.conversation import Conversation
from bot.conversations.flow import Flow, PinnedFlow, pin
from bot.conversations.invitations import Occasion
from bot.conversations.questions import OpenText, Rating
from bot.followup.cases import Case
from bot.followup.incidents import Incident
from bot.ids import CaseId, ConversationId, CustomerId, IncidentId, InteractionId
from bot.messages import Address, ChannelName, Outbound, OutboundKind, Text
from bot.ports import (
    CountScore,
    Customer,
    Decision,
    Facts,
    Interaction,
    Link,
    Outcome,
    Queue,
    Read,
    SaveAnswer,
    SaveConversation,
    SaveCustomer,
    Write,
)
from bot.storage import Storage

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TELEGRAM = ChannelName("telegram")
SLACK = ChannelName("slack")
DESK = Address(channel=SLACK, key="C7")
FLOW: PinnedFlow = pin(
    Flow(
        id="delivery",
        title={"en": "Delivery"},
        locales=("en",),
        questions=(
            Rating(id="score", text={"en": "How likely?"}, scale="nps"),
            OpenText(id="why", text={"en": "Why?"}),
        ),
    )
)


def later(**span: float) -> datetime:
    return NOON + timedelta(**span)


def address(key: str = "5512") -> Address:
    return Address(channel=TELEGRAM, key=key)


def conversation(id: str = "talk", *, at: datetime = NOON, key: str = "5512", **changes: Any) -> Conversation:
    made = Conversation(
        id=ConversationId(id),
        flow=FLOW.hash,
        customer=CustomerId(f"customer {key}"),
        address=address(key),
        locale="en",
        asked="score",
        started_at=at,
        touched_at=at,
    )
    return replace(made, **changes)


def customer(key: str = "5512", **changes: Any) -> Customer:
    return replace(Customer(id=CustomerId(f"customer {key}"), name="Ann"), **changes)


def case(id: str = "case", *, of: Conversation | None = None, **changes: Any) -> Case:
    talk = of or conversation()
    made = Case(
        id=CaseId(id),
        conversation=talk.id,
        customer=talk.customer,
        address=talk.address,
        flow="delivery",
        question="score",
        score=2,
        opened_at=NOON,
    )
    return replace(made, **changes)


def incident(id: str = "incident", **changes: Any) -> Incident:
    made = Incident(
        id=IncidentId(id),
        dimension="cause",
        value="slow",
        label="Slow reply",
        desk=DESK,
        cases=5,
        opened_at=NOON,
        last_at=NOON,
    )
    return replace(made, **changes)


def interaction(id: str = "deal", *, reference: str = "ticket 7", key: str = "5512") -> Interaction:
    return Interaction(
        id=InteractionId(id),
        source="helpdesk",
        reference=reference,
        flow="delivery",
        address=address(key),
        closed_at=NOON,
        reported_at=NOON,
        attributes={"agent": "Minh"},
    )


def decision(key: str = "deal:1", *, at: datetime = NOON, **changes: Any) -> Decision:
    """What became of one ending; planned, unless told otherwise."""
    made = Decision(
        key=key,
        trigger="api",
        flow="delivery",
        address=address(),
        customer=CustomerId("customer 5512"),
        interaction=InteractionId("deal"),
        source="helpdesk",
        reference="ticket 7",
        known_as="K-7",
        verdict="deferred",
        rule="delay",
        inputs={"until": "later"},
        triggered_at=at,
        at=at,
        occasion=Occasion(
            trigger="api", at=at, closed_at=at, channel="telegram", tags=("a", "b"), messages=4, share=0.5
        ),
    )
    return replace(made, **changes)


def link(id: str = "aaaaaaaaaaaaaaaaaaaaaa", **changes: Any) -> Link:
    return replace(Link(id=id, flow="delivery", attributes={"reference": "T-81"}, made_at=NOON), **changes)


def outbound(slot: str, *, lane: str = "lane", kind: OutboundKind = "post", key: str = "5512") -> Outbound:
    return Outbound(kind=kind, to=address(key), lane=lane, slot=slot, content=Text(text=f"text of {slot}"))


def queued(*slots: str, lane: str = "lane", kind: OutboundKind = "post", at: datetime = NOON) -> tuple[Queue, ...]:
    return tuple(Queue(outbound=outbound(slot, lane=lane, kind=kind), at=at) for slot in slots)


def answer(score: int | None, *, of: str = "talk", at: datetime = NOON) -> SaveAnswer:
    return SaveAnswer(
        conversation=ConversationId(of),
        question="score",
        flow_id="delivery",
        structure=FLOW.structure,
        customer=CustomerId("customer 5512"),
        at=at,
        score=score,
        skipped=score is None,
    )


def counted(score: int | None, n: int = 1, *, at: datetime = NOON, **dimensions: str) -> CountScore:
    return CountScore(
        flow_id="delivery",
        structure=FLOW.structure,
        question="score",
        scale="nps",
        score=score,
        at=at,
        n=n,
        dimensions={"all": "", "channel": "telegram", **dimensions},
    )


def scored(talk: Conversation, score: int) -> Conversation:
    """The conversation one turn later, its rating answered."""
    given = Answer(value=Scored(score=score), turn=talk.turn, at=NOON)
    return replace(talk, turn=talk.turn + 1, answers={**talk.answers, "score": given}, asked="why")


async def write(storage: Storage, *writes: Write, **read: Any) -> Outcome:
    """One step that writes this whatever it reads."""
    return await storage.run(Read(**read), lambda _: Outcome(writes=writes))


async def look(storage: Storage, **read: Any) -> Facts:
    """What a step would be told."""
    seen: list[Facts] = []

    def decide(facts: Facts) -> Outcome:
        seen.append(facts)
        return Outcome()

    await storage.run(Read(**read), decide)
    return seen[-1]


async def begin_talk(storage: Storage, *keys: str) -> None:
    """A customer with a waiting conversation at each address."""
    await storage.activate_flows([FLOW], NOON)
    for key in keys or ("5512",):
        await write(
            storage,
            SaveCustomer(customer=customer(key), address=address(key), at=NOON),
            SaveConversation(
                conversation=conversation("talk" if key == "5512" else f"talk {key}", key=key),
                flow_id="delivery",
                was_turn=None,
            ),
        )
