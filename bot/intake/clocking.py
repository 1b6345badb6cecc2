"""What a clock or a snooze of a case says when its time has come: worked out anew from the case. Pure."""

from collections.abc import Mapping
from datetime import datetime

from msgspec.structs import replace

from bot.conversations.questions import in_locale
from bot.followup import cases
from bot.followup.alerts import incident_remark_outbound, score_of, who_of
from bot.followup.cases import Case, CaseNote, Stage
from bot.followup.clocks import Team, deadlines
from bot.followup.incidents import TOLD_AGAIN, Incident, escalated
from bot.intake.moment import Moment
from bot.intake.remarks import happened, owner_mention
from bot.intake.settling import settle_case, wanted_dues
from bot.languages.formats import moment as written
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
    """Most of a clock has run out: the lead is called in the thread, and the team's room gets a word; once a stage.

    Of an incident's cases that nobody has the team hears together, in the incident's thread and in its room; one that
    has an alert of its own is told of in its own thread too.
    """
    case, outcome = ripe(due, settled, facts, moment)
    stage = _STAGES[due.kind]
    team = None if case is None else moment.team(case)
    if case is None or team is None or due.due_at < case.opened_at:
        # of what ran out before this release knew of clocks nobody is called now: that may be every case there is
        return outcome
    incident = facts.incident if case.owner is None else None
    again = None if incident is None else _told_again(case, incident, stage, moment)
    if again is not None and not case.alerted:
        return Outcome(writes=(settled, PutDue(due=replace(due, due_at=again))))
    at = written(_due_at(case, team, stage), team.hours.time_zone, moment.agents_speak)
    note = CaseNote(case=case.id, what="escalated", who=None, detail=stage, at=moment.now)
    remarks = happened(case, f"thread.escalated.{stage}", moment, mentions=_lead(case, team), at=at)
    changed = cases.escalated(case, stage)
    writes = settle_case(changed, case, (note,), moment, incident=facts.incident, remarks=remarks)
    if incident is None:
        room = _in_room(team.room, _words_of_case(case, facts, stage, at, moment), f"escalated:{case.id}", moment)
    else:
        room = _of_incident(case, incident, team, stage, at, facts, moment)
    return Outcome(writes=(settled, *writes, *room), ref=case.id)


def _due_at(case: Case, team: Team, stage: Stage) -> datetime:
    return next(deadline.due_at for deadline in deadlines(case, team) if deadline.stage == stage)


def _lead(case: Case, team: Team) -> tuple[str, ...]:
    """Who hears of it: the lead; where there is none, whose case it is, or the group that was told of it."""
    if team.lead:
        return (team.lead,)
    return owner_mention(case) or ((case.group,) if case.group else ())


def _words_of_case(case: Case, facts: Facts, stage: Stage, at: str, moment: Moment) -> str:
    if facts.flow is None:
        return ""
    voice, flow = moment.voice, facts.flow.flow
    return voice.say(
        f"room.{stage}",
        who=who_of(facts.customer.name if facts.customer else None, voice),
        score=score_of(case, flow, voice),
        flow=in_locale(flow.title, voice.locale, flow.locale),
        at=at,
        link=f"{moment.settings.server.public_url}/cases/{case.id}",
    )


def _in_room(room: str, text: str, lane: str, moment: Moment) -> tuple[Write, ...]:
    desk = moment.desk(room)
    if not room or desk is None or not text:
        return ()
    # a lane of its own: a room that is gone must not hold up the alert
    slot = f"{lane}:{moment.ids()}"
    content = Text(text=text, locale=moment.agents_speak)
    return (Queue(outbound=Outbound(kind="post", to=desk, lane=slot, slot=slot, content=content), at=moment.now),)


# ---- cases of an incident that nobody has -------------------------------------------------------------------


def _told_again(case: Case, incident: Incident, stage: Stage, moment: Moment) -> datetime | None:
    """When the team hears of the incident next; None: it hears now, or it was told when the case was among them."""
    told = incident.escalated_at(stage, case.team)
    if told is None or moment.now - told >= TOLD_AGAIN or (case.folded_at or case.opened_at) < told:
        return None
    return told + TOLD_AGAIN


def _of_incident(
    case: Case, incident: Incident, team: Team, stage: Stage, at: str, facts: Facts, moment: Moment
) -> tuple[Write, ...]:
    """What the team hears of all the cases that wait, unless it heard of them within the hour."""
    told = incident.escalated_at(stage, case.team)
    if told is not None and moment.now - told < TOLD_AGAIN:
        return ()
    n = sum(n for state, n in facts.waiting.items() if stage == "resolved" or state != "contacted")
    voice = moment.voice
    words = voice.say(f"thread.incident.{stage}", at=at, n=n)
    remark = Remark(text=words, mentions=_lead(case, team), locale=voice.locale)
    link = f"{moment.settings.server.public_url}/cases"
    text = voice.say(f"room.incident.{stage}", label=incident.label, n=n, at=at, link=link)
    return (
        SaveIncident(incident=escalated(incident, stage, case.team, moment.now), was_revision=incident.revision),
        Queue(outbound=incident_remark_outbound(incident, f"told:{moment.ids()}", remark), at=moment.now),
        *_in_room(team.room, text, f"escalated:{incident.id}", moment),
    )
