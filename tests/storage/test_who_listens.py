"""Which of a customer's cases hears them, and which they were asked about, on both databases."""

from datetime import datetime
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from bot.followup.cases import Case
from bot.ids import CaseId
from bot.messages import Attachment
from bot.ports import Facts, KeepWords, Outcome, Read, SaveCase, SaveConversation, Write
from bot.storage import Storage
from tests.fakes.pure_store import PureStore
from tests.storage.samples import FLOW, address, begin_talk, case, conversation, later, look, write
from tests.storage.test_newest_words import said

ASKED = {"state": "resolved", "resolution": 1, "asked_resolution": 1}
RECOVERED = {**ASKED, "state": "recovered"}


def at(hours: int) -> datetime:
    return later(hours=hours)


# label: what the cases are like, each opened an hour after the one before; which hears, and which was asked about
TABLE: dict[str, tuple[list[dict[str, Any]], int | None, int | None]] = {
    "the newest": ([{}, {}], 1, None),
    "an agent spoke in the older one": ([{"first_word_at": at(5), "last_word_at": at(5)}, {}], 0, None),
    "agents spoke in both": ([{"last_word_at": at(6)}, {"last_word_at": at(5)}], 0, None),
    "the older one was asked about": ([{**ASKED, "asked_at": at(5)}, {}], 0, 0),
    "then an agent spoke in the other": ([{**ASKED, "asked_at": at(5)}, {"last_word_at": at(6)}], 1, 0),
    "both were asked about": ([{**ASKED, "asked_at": at(7)}, {**ASKED, "asked_at": at(6)}], 0, 0),
    "resolved again, and not asked yet": ([{**ASKED, "resolution": 2, "asked_at": at(7)}, {}], 0, None),
    "reopened after the question": ([{"reopened_at": at(8), "asked_at": at(7)}, {}], 0, None),
    "the newer one has ended": ([{}, {**RECOVERED, "asked_at": at(5), "closed_at": at(6)}], 0, 1),
    "both have ended": (
        [{**RECOVERED, "asked_at": at(5), "closed_at": at(9)}, {"state": "unconfirmed", "closed_at": at(8)}],
        0,
        0,
    ),
    "one has no answer, the other has": (
        [{**ASKED, "asked_at": at(5)}, {**RECOVERED, "asked_at": at(6), "closed_at": at(7)}],
        0,
        0,
    ),
    "withdrawn, and told of": ([{"state": "withdrawn", "closed_at": at(5), "alerted": True}], 0, None),
    "withdrawn before its alert": ([{"state": "withdrawn", "closed_at": at(5)}], None, None),
    "an older one that ended": (
        [{"state": "unconfirmed", "closed_at": at(4)}, {"state": "withdrawn", "closed_at": at(5)}],
        0,
        None,
    ),
}


def _outcome(one: Write, facts: Facts) -> Outcome:
    return Outcome(writes=(one,))


def cases_of(changes: list[dict[str, Any]]) -> list[Case]:
    talks = [conversation(f"talk {n}", at=later(hours=n)) for n in range(len(changes))]
    return [case(f"case {n}", of=talks[n], opened_at=later(hours=n), **changed) for n, changed in enumerate(changes)]


@pytest.mark.parametrize(("changes", "hears", "asked"), TABLE.values(), ids=TABLE)
async def test_who_hears_a_customer(
    storage: Storage, changes: list[dict[str, Any]], hears: int | None, asked: int | None
) -> None:
    await begin_talk(storage)
    pure = PureStore([FLOW])
    theirs = cases_of(changes)
    for each in theirs:
        talk = conversation(each.conversation, at=each.opened_at)
        writes = (
            SaveConversation(conversation=talk, flow_id="delivery", was_turn=None),
            # as it opened, and then as it is: what it is found by follows each change
            SaveCase(case=replace(each, state="open", closed_at=None, asked_at=None, revision=0), was_revision=None),
            SaveCase(case=replace(each, revision=1), was_revision=0),
        )
        for one in writes:
            await write(storage, one)
            pure.run_now(Read(), partial(_outcome, one))
    expected = tuple(None if n is None else CaseId(f"case {n}") for n in (hears, asked if hears is not None else None))
    for facts in (await look(storage, address=address()), pure.facts(Read(address=address()))):
        found = (facts.open_case, facts.asked_case)
        assert tuple(None if each is None else each.id for each in found) == expected


async def test_what_came_with_words_is_kept(storage: Storage) -> None:
    await begin_talk(storage)
    photo = Attachment(kind="photo", reference="F1", name="vase.jpg")
    kept = replace(said(1), attachments=(photo,), source=address().channel, in_thread=True)
    await write(storage, SaveCase(case=case(of=conversation("talk")), was_revision=None), KeepWords(words=kept))
    assert (await look(storage, address=address(), words=True)).words == (kept,)
    view = await storage.cases.view(case().id)
    assert view is not None
    assert view.words == (kept,)
