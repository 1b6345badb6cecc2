"""What a clock or a snooze of a case says when its time has come: worked out anew from the case. Pure."""

from collections.abc import Mapping
from datetime import datetime

from msgspec.structs import replace

from bot.conversations.questions import in_locale
from bot.followup import cases
from bot.followup.alerts import incident_remark_outbound, score_of, who_of
from bot.followup.cases import Case, CaseNote, Stage
from bot.followup.clocks import Team, deadlines
from bot.followup.history import local_time
from bot.followup.incidents import Incident
from bot.intake.moment import Moment
from bot.intake.remarks import happened, owner_mention
from bot.intake.settling import settle_case, wanted_dues
from bot.languages import say
from bot.messages import Outbound, Remark, Text
from bot.ports import Due, DueKind, Facts, Outcome, PutDue, Queue, SaveIncident, SettleDue, Write

_STAGES: Mapping[DueKind, Stage] = {"first_word": "first_word", "resolve": "resolved"}


def ripe(due: Due, settled: SettleDue, facts: Facts, moment: Moment) -> tuple[Case | None, Outcome]:
    """The case whose due row it is, if it is still wanted and its time has come; else what to do with the row."""
    case = facts.case
    wanted = None if case is None else wanted_dues(case, moment).get(due.key)
    if case is None or wanted is None:
        return None, Outcome(writes=(settled,))
    if wanted.due_at > moment.now:
        return None, Outcome(writes=(settled, PutDue(due=wanted)))
    return case, Outcome(writes=(settled,))


def wake(due: Due, settled: SettleDue, facts: Facts, moment: Moment) -> Outcome:
    """A snooze is over: its owner hears of the case again."""
    case, outcome = ripe(due, settled, facts, moment)
    if case is None:
        return outcome
    note = CaseNote(case=case.id, what="woken", who=None, at=moment.now)
    told = happened(case, "thread.woken", moment)
    writes = settle_case(cases.woken(case), case, (note,), moment, incident=facts.incident, remarks=told)
    return Outcome(writes=(settled, *writes), ref=case.id)


def escalate(due: Due, settled: SettleDue, facts: Facts, moment: Moment) -> Outcome:
    """Most of a clock has run out: the lead is called in the thread, and the team's room gets a word; once a stage."""
    case, outcome = ripe(due, settled, facts, moment)
    stage = _STAGES[due.kind]
    team = None if case is None else moment.team(case)
    if case is None or team is None:
        return outcome
    changed = cases.escalated(case, stage)
    note = CaseNote(case=case.id, what="escalated", who=None, detail=stage, at=moment.now)
    at = local_time(_due_at(case, team, stage), team.hours.time_zone)
    if case.incident is not None and case.owner is None:
        writes = settle_case(changed, case, (note,), moment, incident=facts.incident)
        return Outcome(
            writes=(settled, *writes, *_in_incident(facts.incident, stage, at, _lead(case, team), moment)), ref=case.id
        )
    remarks = happened(case, f"thread.escalated.{stage}", moment, mentions=_lead(case, team), at=at)
    writes = settle_case(changed, case, (note,), moment, incident=facts.incident, remarks=remarks)
    room = _in_room(case, facts, team.room, stage, at, moment)
    return Outcome(writes=(settled, *writes, *room), ref=case.id)


def _due_at(case: Case, team: Team, stage: Stage) -> datetime:
    return next(deadline.due_at for deadline in deadlines(case, team) if deadline.stage == stage)


def _lead(case: Case, team: Team) -> tuple[str, ...]:
    """Who hears of it: the lead; where there is none, whose case it is, or the group that was told of it."""
    if team.lead:
        return (team.lead,)
    return owner_mention(case) or ((case.group,) if case.group else ())


def _in_room(case: Case, facts: Facts, room: str, stage: Stage, at: str, moment: Moment) -> tuple[Write, ...]:
    desk = moment.desk(room)
    if not room or desk is None or facts.flow is None:
        return ()
    locale, flow = moment.agents_speak, facts.flow.flow
    text = say(
        locale,
        f"room.{stage}",
        who=who_of(facts.customer.name if facts.customer else None, locale),
        score=score_of(case, flow),
        flow=in_locale(flow.title, locale, flow.locale),
        at=at,
        link=f"{moment.settings.server.public_url}/cases/{case.id}",
    )
    # a lane of its own: a room that is gone must not hold up the alert
    slot = f"escalated:{case.id}:{moment.ids()}"
    outbound = Outbound(kind="post", to=desk, lane=slot, slot=slot, content=Text(text=text, locale=locale))
    return (Queue(outbound=outbound, at=moment.now),)


def _in_incident(
    incident: Incident | None, stage: Stage, at: str, lead: tuple[str, ...], moment: Moment
) -> tuple[Write, ...]:
    """The incident's thread is told of each stage once, for all its cases that nobody has."""
    if incident is None or stage in incident.escalated:
        return ()
    told = replace(incident, escalated=(*incident.escalated, stage), revision=incident.revision + 1)
    locale = moment.agents_speak
    remark = Remark(text=say(locale, f"thread.incident.{stage}", at=at), mentions=lead, locale=locale)
    outbound = incident_remark_outbound(incident, f"told:{moment.ids()}", remark)
    return (SaveIncident(incident=told, was_revision=incident.revision), Queue(outbound=outbound, at=moment.now))
