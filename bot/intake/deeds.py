"""What an agent's deed does to a case: everything of it in one outcome, or a polite word why not. Pure."""

from collections.abc import Sequence
from datetime import timedelta
from typing import assert_never

import msgspec

from bot.followup import cases
from bot.followup.cases import WORKING, Case, CaseNote, DeedVerdict, NoteKind
from bot.followup.clocks import Hours, next_morning
from bot.followup.templates import causes_or_default
from bot.intake.forms import not_working, reply_refused
from bot.intake.moment import Moment
from bot.intake.relaying import beginning, not_delivered, relayed
from bot.intake.remarks import agent_said, noted
from bot.intake.settling import settle_case
from bot.intake.unseen import is_blank, is_internal
from bot.messages import Address, Assign, Claim, Deed, Outbound, Relay, Release, Reopen, Resolve, Snooze
from bot.ports import AgentWords, Facts, KeepReply, Outcome, Queue, Said, SaidKind

LONGEST_RELAY, LONGEST_ACTION = 3_000, 500
LONGEST_SNOOZE = timedelta(days=30)


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """Who does it."""

    address: Address
    name: str


def do(deed: Deed, agent: Agent, case: Case, facts: Facts, moment: Moment, *, in_thread: bool = False) -> Outcome:
    """One deed; ``in_thread``: its words stand in the alert's thread already."""
    match deed:
        case Claim():
            return _claim(agent, case, facts, moment)
        case Release():
            changed, verdict = cases.release(case, agent.address)
            return _done(changed, verdict, _note(case, "released", agent, moment), case, facts, moment)
        case Assign():
            return _assign(deed, agent, case, facts, moment)
        case Relay():
            return _relay(deed, agent, case, facts, moment, in_thread=in_thread)
        case Snooze():
            return _snooze(deed, agent, case, facts, moment)
        case Resolve():
            return _resolve(deed, agent, case, facts, moment)
        case Reopen():
            changed, verdict = cases.reopen(case, agent.address, agent.name, moment.now)
            return _done(changed, verdict, _note(case, "reopened_by", agent, moment), case, facts, moment)
        case _:
            assert_never(deed)


def _claim(agent: Agent, case: Case, facts: Facts, moment: Moment) -> Outcome:
    changed, verdict = cases.claim(case, agent.address, agent.name, moment.now)
    outcome = _done(changed, verdict, _note(case, "claimed", agent, moment), case, facts, moment)
    if verdict not in ("done", "unchanged"):
        return outcome
    said = Said(kind="claimed", text=changed.owner_name or "", locale=moment.agents_speak)
    return msgspec.structs.replace(outcome, said=said)


def _assign(deed: Assign, agent: Agent, case: Case, facts: Facts, moment: Moment) -> Outcome:
    if is_blank(deed.to.key) or is_blank(deed.to_name):
        return _refused("empty", moment, "to")
    changed, verdict = cases.assign(case, deed.to, deed.to_name, moment.now)
    note = _note(case, "assigned", agent, moment, deed.to_name)
    # who gives a case to themselves knows it; others should hear that they have one now
    remarks = () if deed.to == agent.address else noted(changed, (note,), moment)
    return _done(changed, verdict, note, case, facts, moment, remarks)


def _relay(deed: Relay, agent: Agent, case: Case, facts: Facts, moment: Moment, *, in_thread: bool) -> Outcome:
    text = deed.text.strip()
    if is_internal(text):
        return Outcome(said=Said(kind="kept_internal", text="text", locale=moment.agents_speak), ref=case.id)
    refused = reply_refused(case, facts, moment)
    if refused is not None and refused.kind == "unreachable":
        return Outcome(said=refused, writes=not_delivered(case, "unreachable", facts, moment), ref=case.id)
    if refused is not None:
        return Outcome(said=refused, ref=case.id)
    if is_blank(text):
        return _refused("empty", moment, "text")
    if len(text) > LONGEST_RELAY:
        return _refused("too_long", moment, "text")
    outbound = relayed(case, text, moment)
    changed = cases.spoke(case, agent.address, agent.name, moment.now, outbound.slot)
    note = _note(case, "replied", agent, moment, beginning(text))
    remarks = () if in_thread else agent_said(case, agent.name, text, moment)
    outcome = _done(changed, "done", note, case, facts, moment, remarks)
    sent = Queue(outbound=outbound, at=moment.now)
    kept = AgentWords(
        id=outbound.slot, case=case.id, customer=case.customer, author=agent.name, text=text, at=moment.now
    )
    return msgspec.structs.replace(outcome, writes=(*outcome.writes, KeepReply(reply=kept), sent))


def _snooze(deed: Snooze, agent: Agent, case: Case, facts: Facts, moment: Moment) -> Outcome:
    team = moment.team(case)
    until = deed.until or next_morning(team.hours if team is not None else Hours(), moment.now)
    if case.state in WORKING and until <= moment.now:
        return _refused("in_the_past", moment, "until")
    if case.state in WORKING and until - moment.now > LONGEST_SNOOZE:
        return _refused("too_long", moment, "until")
    changed, verdict = cases.snooze(case, until)
    note = _note(case, "snoozed", agent, moment, until.isoformat())
    return _done(changed, verdict, note, case, facts, moment)


def _resolve(deed: Resolve, agent: Agent, case: Case, facts: Facts, moment: Moment) -> Outcome:
    if case.state not in WORKING:
        return Outcome(said=not_working(case, moment), ref=case.id)
    causes = causes_or_default(moment.followup.causes, moment.voice)
    cause = next((each for each in causes if each.id == deed.cause), None)
    action = deed.action.strip()
    if cause is None:
        return _refused("empty", moment, "cause")
    if is_blank(action):
        return _refused("empty", moment, "action")
    if len(action) > LONGEST_ACTION:
        return _refused("too_long", moment, "action")
    changed, verdict = cases.resolve(case, agent.address, agent.name, cause=cause.id, action=action, at=moment.now)
    note = _note(case, "resolved", agent, moment, f"{cause.title.replace('>', '›')}>{action}")
    return _done(changed, verdict, note, case, facts, moment)


def _note(case: Case, what: NoteKind, agent: Agent, moment: Moment, detail: str = "") -> CaseNote:
    return CaseNote(case=case.id, what=what, who=agent.name, detail=detail, at=moment.now)


def _refused(kind: SaidKind, moment: Moment, field: str) -> Outcome:
    return Outcome(said=Said(kind=kind, text=field, locale=moment.agents_speak))


def _done(
    changed: Case,
    verdict: DeedVerdict,
    note: CaseNote,
    case: Case,
    facts: Facts,
    moment: Moment,
    remarks: Sequence[Outbound] = (),
) -> Outcome:
    """What became of it: the changed case written and told, or the loser's polite word."""
    kind: SaidKind = "done" if verdict == "unchanged" else verdict
    who = changed.owner_name
    if verdict == "already_resolved":
        who = changed.resolved_by or who
    said = Said(kind=kind, text=who or "", locale=moment.agents_speak)
    if verdict != "done":
        return Outcome(said=said, ref=case.id)
    writes = settle_case(changed, case, (note,), moment, incident=facts.incident, remarks=remarks)
    return Outcome(said=said, writes=writes, ref=case.id)
