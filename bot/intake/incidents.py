"""Folds cases that have something in common into one incident, with one alert for all of them. Pure.

Cases that were not told of on their own are not posted any more: each has its button in the incident's alert.
"""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from bot.followup import cases
from bot.followup.alerts import incident_outbound
from bot.followup.cases import WORKING, Case, CaseNote
from bot.followup.incidents import Found, Incident, find, label_of
from bot.ids import IncidentId
from bot.intake.moment import Moment
from bot.intake.settling import settle_case
from bot.messages import Address
from bot.ports import Facts, Outcome, Queue, SaveIncident, SettleDue, ShareValues, Write


def look(settled: SettleDue, facts: Facts, moment: Moment) -> Outcome:
    """See whether a case is one of several: it founds an incident with its neighbours, joins one, or stands alone."""
    case, conversation, flow = facts.case, facts.conversation, facts.flow
    if case is None or conversation is None or flow is None or case.desk is None or case.state not in WORKING:
        return Outcome(writes=(settled,))
    neighbours = [(each.case, each.conversation) for each in facts.neighbours]
    rules = moment.followup.incidents
    found = find(case, conversation, neighbours, facts.incidents, rules, moment.now)
    if found is None:
        return Outcome(writes=(settled,))
    known = {each.case.id: each.case for each in facts.neighbours} | {case.id: case}
    folded = [known[id] for id in found.cases]
    if found.incident is not None:
        incident = _joined(found.incident, len(folded), moment)
    else:
        label = label_of(found.dimension, found.value, flow.flow, moment.agents_speak)
        incident = _founded(found, label, case.desk, moment)
    return Outcome(writes=(settled, *_told(incident, found.incident, moment), *_folds(folded, incident, moment)))


def _founded(found: Found, label: str, desk: Address, moment: Moment) -> Incident:
    return Incident(
        id=IncidentId(moment.ids()),
        dimension=found.dimension,
        value=found.value,
        label=label,
        desk=desk,
        cases=len(found.cases),
        opened_at=moment.now,
        last_at=moment.now,
    )


def _joined(incident: Incident, more: int, moment: Moment) -> Incident:
    last_at = max(incident.last_at, moment.now)
    return replace(incident, cases=incident.cases + more, last_at=last_at, revision=incident.revision + 1)


def _told(incident: Incident, before: Incident | None, moment: Moment) -> Iterator[Write]:
    """One alert for all of them: posted once, its count edited as further cases join."""
    yield SaveIncident(incident=incident, was_revision=None if before is None else before.revision)
    yield Queue(outbound=incident_outbound(incident, "post" if before is None else "edit"), at=moment.now)


def _folds(folded: Sequence[Case], incident: Incident, moment: Moment) -> Iterator[Write]:
    for case in folded:
        note = CaseNote(case=case.id, what="folded", who=None, detail=incident.label, at=moment.now)
        yield from settle_case(cases.folded(case, incident.id, moment.now), case, (note,), moment)
        yield ShareValues(case=case.id, opened_at=case.opened_at, values=())
