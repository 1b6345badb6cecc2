"""The one place that writes a changed case: the case, its history, its due rows, and its alert. Pure."""

from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import datetime, timedelta

from msgspec.structs import replace

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
_ENDS_HOLD: frozenset[NoteKind] = frozenset(
    {"commented", "answered", "replied", "resolved", "reopened_by", "wanted_human"}
)
#: Of those, what may come while nobody has looked yet whether the case is one of several. After an outage that may be
#: all at once, and each alert that went out before would be one too many.
_MAY_WAIT: frozenset[NoteKind] = frozenset({"commented", "answered"})
_LOOKED_AFTER = timedelta(seconds=1)
_CLOCKS: Mapping[Stage, DueKind] = {"first_word": "first_word", "resolved": "resolve"}


def settle_case(
    case: Case,
    before: Case | None,
    notes: Sequence[CaseNote],
    moment: Moment,
    *,
    incident: Incident | None = None,
    remarks: Sequence[Outbound] = (),
    words: Sequence[Outbound] = (),
    holds: bool = True,
    alike: bool = False,
) -> tuple[Write, ...]:
    """Write a case as it is now (``before``: as it was read; None: it is new), once in each outcome.

    ``remarks`` are said in the alert's thread, before which the alert must stand. ``words`` of the customer's in the
    case's own conversation are said there too, but for those that an alert shows which goes out only now. ``incident``
    is the one that the case is folded into; its alert, which lists the case, is drawn anew. Without ``holds`` the alert
    waits no longer; ``alike``: it may be one of several, so a comment that comes at once lets it wait for a second.
    """
    if case != before:
        case = _of_a_team(case, moment)
    told_before = case.alerted
    what = {note.what for note in notes}
    if goes_out(case, what, moment, holds=holds and not remarks, alike=alike):
        case = cases.alerted(case)
        queued = [alert_outbound(case, "post")]
    else:
        queued = [alert_outbound(case, "edit")] if case.alerted else []
    if case == before and due_key("alert", case.id) in wanted_dues(case, moment):
        # should the alert go out at this moment without what happened now, one of the two is decided anew
        case = cases.touched(case)
    if incident is not None and incident.id == case.incident:
        queued.append(incident_outbound(incident, "edit"))
    queued += _card(case, before, what, moment)
    if case.alerted:
        queued += [*remarks, *(words if told_before else ())]
    saved = [SaveCase(case=case, was_revision=None if before is None else before.revision)] if case != before else []
    return (
        *saved,
        *_dues(case, before, moment, soon=not _ENDS_HOLD.isdisjoint(what)),
        *(NoteCase(note=note) for note in notes),
        *(Queue(outbound=outbound, at=moment.now) for outbound in queued),
    )


def _of_a_team(case: Case, moment: Moment) -> Case:
    """A case of an earlier release is that team's whose clocks count for it."""
    team = None if case.team else moment.team(case)
    return case if team is None else replace(case, team=team.name)


def goes_out(case: Case, what: Set[NoteKind], moment: Moment, *, holds: bool = True, alike: bool = False) -> bool:
    """Whether what happened puts a case's alert on its way, before the hold is over.

    A case that is folded into an incident has no alert of its own until someone takes it, or its customer asks for a
    person. One that is ``alike``
    others waits for a second after its opening, so that it is known by then whether it is one of several.
    """
    if case.alerted or case.desk is None or case.state == "withdrawn":
        return False
    if case.incident is not None:
        return case.owner is not None or case.wanted_at is not None
    ended = _ENDS_HOLD & what
    waits = alike and timedelta(0) <= moment.now - case.opened_at < _LOOKED_AFTER
    return not holds or bool(ended - _MAY_WAIT if waits else ended)


def _card(case: Case, before: Case | None, what: Set[NoteKind], moment: Moment) -> Iterator[Outbound]:
    """The question "Is it fixed?" loses its buttons, whatever ended it, and shows what the customer answered."""
    if before is None or not (cases.awaits_recovery(before) or "not_fixed" in what) or cases.awaits_recovery(case):
        return
    chosen: RecoveryValue | None = None
    if "recovered" in what:
        chosen = "yes"
    elif "not_fixed" in what:
        chosen = "no"
    yield fixed_outbound(before, moment.settings.voice(before.locale), "edit", chosen)


# ---- due rows -----------------------------------------------------------------------------------------------


def _dues(case: Case, before: Case | None, moment: Moment, *, soon: bool) -> Iterator[Write]:
    """What changes of the due rows: worked out from the case before and after, so that none is forgotten.

    ``soon``: an alert that does not go out at once waits no longer than for a look at the neighbours.
    """
    wanted = wanted_dues(case, moment)
    alert = wanted.get(due_key("alert", case.id))
    if soon and alert is not None:
        wanted[alert.key] = replace(alert, due_at=min(alert.due_at, case.opened_at + _LOOKED_AFTER))
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
