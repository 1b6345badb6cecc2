"""Idempotency keys, where requests come at the same time and answers get lost."""

import asyncio

import pytest

from bot.errors import StoreUnavailable
from bot.ports import Outcome, Read, Said
from bot.web.repeats import KeyReused, Repeats
from tests.fakes.pure_store import PureStore
from tests.web.scripted_site import queue_of

DONE = Outcome(said=Said(kind="done"))


class Deed:
    """Acts under an event's name as the intake does: once."""

    def __init__(self, store: PureStore) -> None:
        self.store = store
        self.acted: list[str] = []
        self.lost: Exception | None = None

    async def __call__(self, event: str) -> Outcome:
        await asyncio.sleep(0)
        if event in self.store.seen:
            return Outcome(said=Said(kind="duplicate"))
        await self.store.run(Read(event=event), lambda _: Outcome())
        self.acted.append(event)
        lost, self.lost = self.lost, None
        if lost is not None:
            raise lost
        return DONE


@pytest.fixture
def store() -> PureStore:
    return PureStore()


@pytest.fixture
def repeats(store: PureStore) -> Repeats:
    return queue_of(store).repeats


async def test_many_at_once_act_once(store: PureStore, repeats: Repeats) -> None:
    deed = Deed(store)
    said = await asyncio.gather(*(repeats.once("k", ["claim"], deed) for _ in range(20)))
    assert {outcome.said.kind for outcome in said} == {"done"}
    assert len(deed.acted) == 1


async def test_two_requests_at_once_with_one_key_get_one_winner(store: PureStore, repeats: Repeats) -> None:
    deed = Deed(store)
    said = await asyncio.gather(*(repeats.once("k", [number], deed) for number in range(2)), return_exceptions=True)
    assert said[0] == DONE
    assert isinstance(said[1], KeyReused)
    assert len(deed.acted) == 1


async def test_another_process_knows_what_was_said(store: PureStore, repeats: Repeats) -> None:
    deed = Deed(store)
    await repeats.once("k", ["claim"], deed)
    elsewhere = queue_of(store).repeats
    assert (await elsewhere.once("k", ["claim"], deed)).said.kind == "done"
    with pytest.raises(KeyReused):
        await elsewhere.once("k", ["release"], deed)
    assert len(deed.acted) == 1


async def test_deed_whose_answer_was_lost_stands(store: PureStore, repeats: Repeats) -> None:
    deed = Deed(store)
    deed.lost = StoreUnavailable("the answer got lost")
    with pytest.raises(StoreUnavailable):
        await repeats.once("k", ["claim"], deed)
    kinds = [(await repeats.once("k", ["claim"], deed)).said.kind for _ in range(2)]
    assert kinds == ["duplicate", "done"]
    assert len(deed.acted) == 1


async def test_without_a_key_each_request_is_a_new_one(store: PureStore, repeats: Repeats) -> None:
    deed = Deed(store)
    for _ in range(3):
        await repeats.once(None, ["reply"], deed)
    assert len(set(deed.acted)) == 3


async def test_keys_with_one_beginning_are_not_mixed_up(store: PureStore, repeats: Repeats) -> None:
    deed = Deed(store)
    for number in range(200):
        await repeats.once(f"k{number}", [number], deed)
    assert len(set(deed.acted)) == 200
    assert {len(event) for event in deed.acted} == {3 + 29 + 20}
