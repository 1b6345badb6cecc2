"""The store in dicts passes the tests of the real one, but for those of what only a database has."""

from collections.abc import Awaitable, Callable
from inspect import signature
from typing import Any

import pytest

from bot.ports import Write
from tests.fakes.pure_store import PureStore
from tests.storage import test_outbox_port as of_outbox
from tests.storage import test_store_port as of_store

ONLY_A_DATABASE_HAS = {
    "test_a_conversation_is_found_by_what_it_is_about",
    "test_a_customer_may_become_another",
    "test_a_decision_names_what_was_begun",
    "test_a_closed_store_says_so",
    "test_a_given_up_message_frees_its_lane_and_is_told",
    "test_answers_and_counts_agree",
    "test_sent_messages_are_forgotten_after_a_week",
    "test_what_is_only_recorded_can_be_written",
}
CONTRACT: dict[str, Callable[[Any], Awaitable[None]]] = {
    name: test
    for module in (of_outbox, of_store)
    for name, test in vars(module).items()
    if name.startswith("test_") and name not in ONLY_A_DATABASE_HAS and list(signature(test).parameters) == ["storage"]
}


@pytest.mark.parametrize("test", CONTRACT.values(), ids=CONTRACT)
async def test_contract(test: Callable[[Any], Awaitable[None]]) -> None:
    await test(PureStore())


@pytest.mark.parametrize("remote", ["m1", "posted anew"])
async def test_an_edit_that_was_posted_anew_is_what_later_edits_change(remote: str) -> None:
    store: Any = PureStore()
    await of_outbox.test_an_edit_that_was_posted_anew_is_what_later_edits_change(store, remote)


@pytest.mark.parametrize("stale", of_store.STALE_WRITES.values(), ids=of_store.STALE_WRITES)
async def test_a_step_that_never_wins_keeps_nothing(stale: Write) -> None:
    store: Any = PureStore()
    await of_store.test_a_step_that_never_wins_keeps_nothing(store, stale)
