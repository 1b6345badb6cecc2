"""Fills in what rows of an earlier release lack. Migrations only add columns; what is in them is written here."""

from collections.abc import Iterable
from dataclasses import replace

import msgspec

from bot.conversations.conversation import Conversation
from bot.followup.cases import WORKING, Case
from bot.ports import Due, DueKind
from bot.storage.codec import from_micros
from bot.storage.engine import Engine
from bot.storage.facts import case_of, conversation_of
from bot.storage.ops import Job, Procedure, Statement, ask, do, query
from bot.storage.rows import change_case, put_due

#: Cases that one step fills in at most, so that it never holds up what waits behind it.
AT_ONCE = 200

_UNFILLED = query(
    f"""
    SELECT f.body, f.channel, f.address_key, f.customer, f.revision, v.state, v.channel, v.address_key, v.customer
    FROM followup_case f LEFT JOIN conversation v ON v.id = f.conversation
    WHERE f.language IS NULL ORDER BY f.opened_at LIMIT {AT_ONCE}
    """
)


async def fill_cases(engine: Engine) -> None:
    """Write the columns of each case that an earlier release wrote; of a database without such, one quick look."""
    more = True
    while more:
        more = await engine.write(Job(_fill_some))


def _fill_some() -> Procedure[bool]:
    rows = yield from ask(_UNFILLED)
    if not rows:
        return False
    read = [(case_of(*row[0:4]), row[4], conversation_of(*row[5:9])) for row in rows]
    changed = yield from do([_filled(case, was, talk) for case, was, talk in read if case is not None])
    clocks = [put_due(due) for case, _, _ in read if case is not None for due in _clocks(case)]
    if clocks:
        yield from do(clocks, frozenset({"dues"}))
    # Whoever changed a case meanwhile has filled it in as well.
    return len(rows) == AT_ONCE and any(changed)


def _clocks(case: Case) -> Iterable[Due]:
    """The rows of the clocks that an earlier release did not have; what is to become of them is decided at once.

    Here nobody knows the team and its hours. Due since ever, they are told from those of a clock that runs out later.
    """
    if case.state in WORKING:
        kinds: tuple[DueKind, ...] = ("first_word", "resolve")
        for kind in kinds:
            yield Due(key=f"{kind}:{case.id}", kind=kind, ref=case.id, due_at=from_micros(0))


def _filled(case: Case, was: int, conversation: Conversation | None) -> Statement:
    """The case as this release writes it, in the language of its conversation.

    It counts as a change: a step that read the case as it was must not write that over this.
    """
    locale = case.locale if conversation is None else conversation.locale
    filled = msgspec.structs.replace(case, locale=locale, revision=was + 1)
    return replace(change_case(filled, was), must_change=False)
