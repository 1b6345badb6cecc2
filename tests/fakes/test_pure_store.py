"""The store in dicts passes the tests of the real one, but for those of what only a database has."""

from collections.abc import Awaitable, Callable, Iterator
from inspect import signature
from itertools import product
from types import ModuleType
from typing import Any

import pytest

from tests.fakes.pure_store import PureStore
from tests.fakes.rows import Journal, Rows
from tests.storage import test_cases_port as of_cases
from tests.storage import test_ledger_port as of_ledger
from tests.storage import test_merging as of_merging
from tests.storage import test_newest_words as of_words
from tests.storage import test_outbox_port as of_outbox
from tests.storage import test_store_port as of_store

ONLY_A_DATABASE_HAS = {
    "test_a_conversation_is_found_by_what_it_is_about",
    "test_a_closed_store_says_so",
    "test_a_given_up_message_frees_its_lane_and_is_told",
    "test_answers_and_counts_agree",
    "test_any_event_key_is_remembered",
    "test_any_text_is_kept_the_same_on_both_databases",
    "test_sent_messages_are_forgotten_after_a_week",
    "test_values_of_more_than_a_week_ago_are_forgotten",
    "test_what_was_not_tried_keeps_what_was_said_of_it",
    "test_whatever_a_case_holds_comes_back",
    "test_what_is_only_recorded_can_be_written",
}
Test = Callable[..., Awaitable[None]]


def arguments(test: Test) -> Iterator[dict[str, Any]]:
    """What a test is called with beside the storage, once for each of its cases."""
    tables = []
    for mark in getattr(test, "pytestmark", ()):
        if mark.name == "parametrize":
            names, rows = mark.args
            several = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
            tables.append([dict(zip(several, row if len(several) > 1 else [row], strict=True)) for row in rows])
    for rows in product(*tables):
        yield {name: value for row in rows for name, value in row.items()}


def contract(*modules: ModuleType) -> Iterator[Any]:
    """The tests that ask for a storage and nothing else that only a database has."""
    for module in modules:
        for name, test in vars(module).items():
            if not name.startswith("test_") or name in ONLY_A_DATABASE_HAS:
                continue
            for n, given in enumerate(arguments(test)):
                if signature(test).parameters.keys() == {"storage", *given}:
                    yield pytest.param(test, given, id=f"{name} {n}" if given else name)


@pytest.mark.parametrize(("test", "given"), [*contract(of_cases, of_ledger, of_merging, of_outbox, of_store, of_words)])
async def test_contract(test: Test, given: dict[str, Any]) -> None:
    await test(PureStore(), **given)


def test_rows_are_found_by_what_is_in_them() -> None:
    rows: Rows[str, tuple[str, int]] = Rows(Journal(), colour=lambda row: [row[0]])
    rows |= {"a": ("red", 1), "b": ("red", 2), "c": ("blue", 3)}
    rows["a"] = ("red", 4)
    del rows["c"]
    assert (rows.by("colour", "red"), rows.by("colour", "blue")) == ([("red", 4), ("red", 2)], [])


def test_what_changed_since_the_beginning_is_taken_back() -> None:
    journal = Journal()
    rows: Rows[str, str] = Rows(journal, value=lambda row: [row])
    rows["kept"] = "old"
    rows["dropped"] = "old"
    before = dict(rows)
    journal.begin()
    rows["kept"] = "new"
    rows["made"] = "new"
    rows.pop("dropped")
    journal.take_back()
    rows["later"] = "old"
    journal.take_back()
    assert rows == before | {"later": "old"}
    assert (set(rows.keys_by("value", "old")), rows.by("value", "new")) == ({"kept", "dropped", "later"}, [])
