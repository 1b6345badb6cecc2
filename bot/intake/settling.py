"""The one place that writes a changed case: the case, its history, its due rows, and its alert. Pure."""

from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import datetime

from bot.followup import cases
from bot.followup.alerts import alert_outbound, incident_outbound
from bot.followup.cases import CLOSED, WORKING, Case, CaseNote, NoteKind, Stage
from bot.followup.clocks import deadlines
from bot.followup.incidents import Incident
from bot.followup.recovery import fixed_outbound
from bot.ids import CaseId
from bot.intake.moment import Moment
from bot.messages import Outbound, RecoveryValue
from bot.ports import DropDue, Due, DueKind, NoteCase, PutDue, Queue, SaveCase, Write

#: what ends the hold: the alert waits for nothing more, or must stand before what is said in its thread
_ENDS_HOLD: frozenset[NoteKind] = frozenset({"commented", "answered", "replied", "resolved", "reopened_by"})
_CLOCKS: Mapping[Stage, DueKind] = {"first_word": "first_word", "resolved": "resolve"}


def settle_case(
    case: Case,
    before: Case | None,
    notes: Sequence[CaseNote],
    moment: Moment,
    *,
    incident: Incident | None = None,
    remarks: Sequence[Outbound] = (),
    holds: bool = True,
) -> tuple[Write, ...]:
    """Write a case as it is now (``before``: as it was read; None: it is new), once in each outcome.

    ``remarks`` are said in the alert's thread, if the alert was on its way before: else it says all that is known.
    ``incident`` is the one that the case is folded into; its alert, which lists the case, is drawn anew. Without
    ``holds`` the alert waits no longer.
    """
    told_before = case.alerted
    if goes_out(case, [note.what for note in notes], holds=holds):
        case = cases.alerted(case)
        queued = [alert_outbound(case, "post")]
    else:
        queued = [alert_outbound(case, "edit")] if case.alerted else []
    if incident is not None and incident.id == case.incident:
        queued.append(incident_outbound(incident, "edit"))
    queued += _card(case, before, {note.what for note in notes})
    if told_before:
        queued += remarks
    saved = [SaveCase(case=case, was_revision=None if before is None else before.revision)] if case != before else []
    return (
        *saved,
        *_dues(case, before, moment),
        *(NoteCase(note=note) for note in notes),
        *(Queue(outbound=outbound, at=moment.now) for outbound in queued),
    )


def goes_out(case: Case, what: Sequence[NoteKind], *, holds: bool = True) -> bool:
    """Whether what happened puts a case's alert on its way, before the hold is over.

    A case that is folded into an incident has no alert of its own until someone takes it.
    """
    if case.alerted or case.desk is None or case.state == "withdrawn":
        return False
    if case.incident is not None:
        return case.owner is not None
    return not holds or not _ENDS_HOLD.isdisjoint(what)


def _card(case: Case, before: Case | None, what: Set[NoteKind]) -> Iterator[Outbound]:
    """The question "Is it fixed?" loses its buttons, whatever ended it, and shows what the customer answered."""
    if before is None or not (cases.awaits_recovery(before) or "not_fixed" in what) or cases.awaits_recovery(case):
        return
    chosen: RecoveryValue | None = None
    if "recovered" in what:
        chosen = "yes"
    elif "not_fixed" in what:
        chosen = "no"
    yield fixed_outbound(before, before.locale, "edit", chosen)


# ---- due rows -----------------------------------------------------------------------------------------------


def _dues(case: Case, before: Case | None, moment: Moment) -> Iterator[Write]:
    """What changes of the due rows: worked out from the case before and after, so that none is forgotten."""
    wanted = wanted_dues(case, moment)
    had = {} if before is None else wanted_dues(before, moment)
    for key, due in wanted.items():
        if had.get(key) != due:
            yield PutDue(due=due)
    for key in had:
        if key not in wanted:
            yield DropDue(key=key)


def wanted_dues(case: Case, moment: Moment) -> dict[str, Due]:
    """Everything that a case waits for, by key.

    The end of the hold is counted from now, all else from what the case remembers, so that a clock that jumped
    escalates nothing early. A snooze stops no clock, but what a clock says waits for its end.
    """
    found: dict[str, Due] = {}

    def put(kind: DueKind, due_at: datetime) -> None:
        key = due_key(kind, case.id)
        found[key] = Due(key=key, kind=kind, ref=case.id, due_at=due_at)

    followup = moment.followup
    if case.desk is not None and not case.alerted and case.state not in CLOSED and case.incident is None:
        put("alert", moment.now + followup.hold)
    team = moment.team(case)
    for deadline in deadlines(case, team) if team is not None else ():
        if deadline.stage not in case.escalated:
            put(_CLOCKS[deadline.stage], max(deadline.warn_at, case.snoozed_until or deadline.warn_at))
    if case.snoozed_until is not None and case.state in WORKING:
        put("snooze", case.snoozed_until)
    if case.state == "resolved" and case.resolved_at is not None:
        if cases.awaits_recovery(case):
            put("unconfirmed", (case.asked_at or moment.now) + followup.recovery_expires)
        else:
            put("recover", case.resolved_at + followup.recovery_after)
    return found


def due_key(kind: DueKind, case: CaseId) -> str:
    return f"{kind}:{case}"
