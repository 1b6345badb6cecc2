"""A Telegram group that became a supergroup has a new id; the people in it keep their surveys."""

from datetime import UTC, datetime

import pytest

from bot.conversations.conversation import Conversation
from bot.conversations.prompts import lane_of
from bot.ids import ConversationId, CustomerId, FlowHash
from bot.messages import Address, ChannelName, Outbound, Text
from bot.ports import Customer, Facts, MoveAddress, Outcome, Queue, Read, SaveConversation, SaveCustomer
from bot.storage import Storage

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def at(key: str) -> Address:
    return Address(channel=ChannelName("telegram"), key=key)


async def found(storage: Storage, key: str) -> Facts:
    seen: list[Facts] = []

    def look(facts: Facts) -> Outcome:
        seen.append(facts)
        return Outcome()

    await storage.run(Read(address=at(key)), look)
    return seen[-1]


@pytest.mark.parametrize(
    ("before", "after", "moves"),
    [
        ("-5511", "-1009988", True),
        ("-5511/42", "-1009988/42", True),
        ("-55110/42", "-10099880/42", False),
        ("5511", "-1009988", False),
    ],
    ids=["the group", "a person in it", "a group with a longer id", "a person with that number"],
)
async def test_what_belongs_to_a_moved_group_follows_it(storage: Storage, before: str, after: str, moves: bool) -> None:
    customer = Customer(id=CustomerId("0000000000000001"))
    conversation = Conversation(
        id=ConversationId("0000000000000002"),
        flow=FlowHash("f"),
        customer=customer.id,
        address=at(before),
        locale="en",
        turn=1,
        started_at=NOW,
        touched_at=NOW,
    )
    writes = (
        SaveCustomer(customer=customer, address=at(before), at=NOW),
        SaveConversation(conversation=conversation, flow_id="f", was_turn=None),
    )
    said = Outbound(kind="post", to=at(before), lane=lane_of(at(before)), slot="s", content=Text(text="hello"))
    await storage.run(Read(), lambda _: Outcome(writes=(*writes, Queue(outbound=said, at=NOW))))
    move = MoveAddress(address=at("-5511"), to=at("-1009988"))
    await storage.run(Read(), lambda _: Outcome(writes=(move,)))
    there, here = await found(storage, after), await found(storage, before)
    assert (there.customer is not None) is moves
    assert (here.customer is not None) is not moves
    (delivery,) = await storage.outbox.claim(NOW, limit=9, lease_until=NOW)
    home = at(after if moves else before)
    assert (delivery.outbound.to, delivery.outbound.lane) == (home, lane_of(home))
    if moves:
        assert there.conversation is not None
        assert there.conversation.address == at(after)
