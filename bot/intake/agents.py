"""What to do about a support agent's press of an alert's button. Pure."""

from bot.followup import cases
from bot.followup.alerts import CLAIM
from bot.intake.recording import Moment, settle_case
from bot.messages import AgentPressed, CaseToken, parse_token
from bot.ports import CaseNote, Facts, Outcome, Read, Said


def what_to_read(event: AgentPressed) -> Read:
    token = parse_token(event.token)
    return Read(event=event.event, case=token.case if isinstance(token, CaseToken) else None)


def decide(event: AgentPressed, facts: Facts, moment: Moment) -> Outcome:
    """Claim a case: two presses at once get one owner and one polite "already taken"."""
    locale = moment.settings.followup.locale if moment.settings.followup else "en"
    token, case = parse_token(event.token), facts.case
    if facts.seen:
        return Outcome(said=Said(kind="duplicate", locale=locale))
    if not isinstance(token, CaseToken) or token.action != CLAIM or case is None:
        return Outcome(said=Said(kind="unknown_button", locale=locale))
    if case.desk is None or case.desk.channel != event.agent.channel:
        # a case is worked from the desk that was told of it, not from another workspace
        return Outcome(said=Said(kind="unknown_button", locale=locale))
    changed, verdict = cases.claim(case, event.agent, event.agent_name, moment.now)
    said = Said(kind=verdict, text=changed.owner_name or "", locale=locale)
    if changed is case:
        return Outcome(said=said, ref=case.id)
    note = CaseNote(case=case.id, what="claimed", who=event.agent_name, at=moment.now)
    return Outcome(said=said, writes=tuple(settle_case(changed, case.revision, (note,), moment)), ref=case.id)
