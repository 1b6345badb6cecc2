"""Makes one customer of two who are proven to be the same."""

from collections.abc import Callable, Iterable, Sequence
from typing import assert_never

from msgspec.structs import replace

from bot.ids import CustomerId
from bot.ports import (
    CountScore,
    DropAnswer,
    DropDue,
    JoinPanel,
    KeepAside,
    KeepLink,
    KeepReply,
    KeepWords,
    LeavePanel,
    LoseReply,
    MergeCustomers,
    MoveAddress,
    NoteCase,
    OptOut,
    PutDue,
    Queue,
    RecordDecision,
    RecordShown,
    RecordStaleTap,
    SaveAnswer,
    SaveCase,
    SaveConversation,
    SaveCustomer,
    SaveIncident,
    SaveInteraction,
    SetReachable,
    SettleDue,
    ShareValues,
    Write,
)
from bot.storage.ops import Statement, delete, update

_IDS = "gone kept"


def _from_gone(column: str) -> str:
    return f"(SELECT g.{column} FROM customer g WHERE g.id = :gone)"


def _with_source(column: str) -> str:
    """A value and how it is known go together."""
    lacks = f"CASE WHEN t.{column} IS NULL THEN {_from_gone(f'{column}_source')} ELSE t.{column}_source END"
    return f"{column} = coalesce(t.{column}, {_from_gone(column)}), {column}_source = {lacks}"


# Of two opt-outs the later one; null counts as never.
_OPTED_OUT = (
    f"CASE WHEN t.opted_out_at IS NULL OR t.opted_out_at < {_from_gone('opted_out_at')} "
    f"THEN {_from_gone('opted_out_at')} ELSE t.opted_out_at END"
)
# Who was on the panel as either is on it as the one who is kept, since the earlier time.
_ON_THE_PANEL = (
    f"CASE WHEN t.panel_since IS NULL OR t.panel_since > {_from_gone('panel_since')} "
    f"THEN coalesce({_from_gone('panel_since')}, t.panel_since) ELSE t.panel_since END"
)
# Both must be there still: else whoever decided this decides again.
_KEEP = update(
    "customer",
    f"{_IDS} at:bigint",
    key="kept",
    change=f"{_with_source('locale')}, locale_sureness = CASE WHEN t.locale IS NULL "
    f"THEN {_from_gone('locale_sureness')} ELSE t.locale_sureness END, {_with_source('time_zone')}, "
    f"reference = coalesce(t.reference, {_from_gone('reference')}), reference_claimed = CASE WHEN t.reference IS NULL "
    f"THEN {_from_gone('reference_claimed')} ELSE t.reference_claimed END, "
    f"opted_out_at = {_OPTED_OUT}, panel_since = {_ON_THE_PANEL}, updated_at = :at",
    where="t.id = :kept AND :gone <> :kept AND EXISTS (SELECT 1 FROM customer g WHERE g.id = :gone)",
)
_FORGET = delete("customer", "gone", key="gone", where="t.id = :gone")
_HAND_OVER = tuple(
    update(table, _IDS, key="gone", change="customer = :kept", where="t.customer = :gone")
    for table in ("address", "conversation", "answer", "followup_case", "decision", "shown", "panel_member")
)
# What is kept under the person, not under the customer.
_HAND_OVER_WORDS = tuple(
    update(table, _IDS, key="gone", change="person = :kept", where="t.person = :gone") for table in ("words", "reply")
)
_HAND_OVER_NAME = update(
    "name",
    _IDS,
    key="gone",
    change="person = :kept",
    where="t.person = :gone AND NOT EXISTS (SELECT 1 FROM name o WHERE o.person = :kept)",
)
_FORGET_NAME = delete("name", "gone", key="gone", where="t.person = :gone")


def merge(gone: CustomerId, kept: CustomerId, at: int, person: Callable[[str], str]) -> Iterable[Statement]:
    """All that was the one's is the other's from then on.

    A step's own order holds within a table, so that what it writes of the customer afterwards comes after this.
    """
    yield Statement(_KEEP, (gone, kept, at), must_change=True)
    yield Statement(_FORGET, (gone,))
    yield from (Statement(op, (gone, kept)) for op in _HAND_OVER)
    persons = (person(gone), person(kept))
    yield from (Statement(op, persons) for op in _HAND_OVER_WORDS)
    yield Statement(_HAND_OVER_NAME, persons)
    yield Statement(_FORGET_NAME, persons[:1])


def as_one(writes: Sequence[Write]) -> Sequence[Write]:
    """The writes of one step, the merging first, and each about the customer that is kept.

    What the step read, it read when there were two.
    """
    merges = [write for write in writes if isinstance(write, MergeCustomers)]
    if not merges:
        return writes
    kept = {write.gone: write.kept for write in merges}
    return [*merges, *(_about(write, kept) for write in writes if not isinstance(write, MergeCustomers))]


def _about(write: Write, kept: dict[CustomerId, CustomerId]) -> Write:
    match write:
        case SaveCustomer(customer=customer):
            return replace(write, customer=replace(customer, id=kept.get(customer.id, customer.id)))
        case SaveConversation(conversation=talk):
            return replace(write, conversation=replace(talk, customer=kept.get(talk.customer, talk.customer)))
        case SaveCase(case=case):
            return replace(write, case=replace(case, customer=kept.get(case.customer, case.customer)))
        case KeepWords(words=words):
            return replace(write, words=replace(words, customer=kept.get(words.customer, words.customer)))
        case KeepReply(reply=reply):
            return replace(write, reply=replace(reply, customer=kept.get(reply.customer, reply.customer)))
        case RecordDecision(decision=decision) if decision.customer is not None:
            whose = kept.get(decision.customer, decision.customer)
            return replace(write, decision=replace(decision, customer=whose))
        case JoinPanel(member=member):
            return replace(write, member=replace(member, customer=kept.get(member.customer, member.customer)))
        case (
            SaveAnswer(customer=customer)
            | RecordShown(customer=customer)
            | OptOut(customer=customer)
            | LeavePanel(customer=customer)
        ):
            return replace(write, customer=kept.get(customer, customer))
        case (
            MergeCustomers()
            | RecordDecision()
            | DropAnswer()
            | CountScore()
            | LoseReply()
            | Queue()
            | PutDue()
            | DropDue()
            | SettleDue()
            | SaveIncident()
            | ShareValues()
            | NoteCase()
            | SaveInteraction()
            | KeepLink()
            | SetReachable()
            | MoveAddress()
            | RecordStaleTap()
            | KeepAside()
        ):
            return write
        case _:
            assert_never(write)
