"""What to do about a support agent's press of a button, filled form, or message in an alert's thread. Pure.

Everybody of the desk may do everything with its cases, as may agents of the HTTP API and the page; only their owner
may release a case, others assign it.
"""

from datetime import timedelta

from bot.followup.alerts import CLAIM, RELEASE, REOPEN, SNOOZE_HOUR, SNOOZE_MORNING
from bot.followup.cases import Case
from bot.ids import CaseId
from bot.intake.deeds import Agent, do
from bot.intake.forms import form_for
from bot.intake.moment import Moment
from bot.intake.unseen import is_blank, is_internal
from bot.messages import (
    Address,
    AgentDid,
    AgentPressed,
    AgentWrote,
    CaseToken,
    Claim,
    Deed,
    Relay,
    Release,
    Reopen,
    Snooze,
    parse_token,
)
from bot.ports import Facts, Outcome, Read, Said, SaidKind

#: the channel of agents who come by the HTTP API or the page
API = "api"


def what_to_read(event: AgentPressed | AgentDid) -> Read:
    """The case, and what was said, for a form to show it."""
    if isinstance(event, AgentDid):
        return Read(event=event.event, case=event.case)
    token = parse_token(event.token)
    return Read(event=event.event, case=token.case if isinstance(token, CaseToken) else None, words=True)


def decide(event: AgentPressed | AgentDid, facts: Facts, moment: Moment) -> Outcome:
    """Do what an agent wants with a case, or tell them politely why not; two at once get one winner."""
    token = parse_token(event.token) if isinstance(event, AgentPressed) else None
    if facts.seen:
        return _told("duplicate", moment)
    if isinstance(event, AgentPressed) and not isinstance(token, CaseToken):
        return _told("unknown_button", moment)
    case = facts.case
    if case is None or not _may(event.agent, case):
        return _told("no_case", moment)
    agent = Agent(address=event.agent, name=event.agent_name)
    if isinstance(event, AgentDid):
        return do(event.deed, agent, case, facts, moment)
    action = token.action if isinstance(token, CaseToken) else ""
    form = form_for(action, case, agent.name, facts, moment)
    if form is not None:
        return Outcome(said=form, ref=case.id)
    deed = _deed(action, moment)
    return _told("unknown_button", moment) if deed is None else do(deed, agent, case, facts, moment)


def _may(agent: Address, case: Case) -> bool:
    """A case is worked from the desk that was told of it, not from another workspace."""
    return agent.channel == API or (case.desk is not None and case.desk.channel == agent.channel)


def _deed(action: str, moment: Moment) -> Deed | None:
    if action == CLAIM:
        return Claim()
    if action == RELEASE:
        return Release()
    if action == REOPEN:
        return Reopen()
    if action == SNOOZE_HOUR:
        return Snooze(until=moment.now + timedelta(hours=1))
    return Snooze(until=None) if action == SNOOZE_MORNING else None


def _told(kind: SaidKind, moment: Moment) -> Outcome:
    return Outcome(said=Said(kind=kind, locale=moment.agents_speak))


# ---- the thread ---------------------------------------------------------------------------------------------


def what_a_thread_reads(event: AgentWrote) -> Read:
    """Whose thread it is. The event is not remembered yet: most threads of a room are none of ours."""
    return Read(thread=(event.agent.channel, event.thread))


def whose_thread(event: AgentWrote, facts: Facts, moment: Moment) -> Outcome:
    """The case in whose thread somebody wrote for the customer to read, as ``ref``; empty: why nothing was sent.

    A thread that is not known may be that of an alert whose post is not recorded yet: whoever asks knows its age.
    """
    case = facts.case
    if event.was is not None:
        return _told(_of_a_change(event.was, event.text), moment) if case and _may(event.agent, case) else Outcome()
    if is_internal(event.text):
        return _told("kept_internal", moment)
    if case is None:
        return _told("unknown_thread" if facts.incident is None else "incident_thread", moment)
    return Outcome(ref=case.id) if _may(event.agent, case) else Outcome()


def _of_a_change(was: str, text: str) -> SaidKind:
    """What somebody should know who changed a message: nothing of it reaches the customer."""
    if not is_blank(was) and not is_internal(was):
        return "kept_as_sent"
    return "nothing" if is_internal(text) else "note_not_sent"


def what_a_message_reads(event: AgentWrote, case: CaseId) -> Read:
    return Read(event=event.event, case=case)


def decide_written(event: AgentWrote, facts: Facts, moment: Moment) -> Outcome:
    """Pass a message of the thread on to the customer; files are not passed on, and who sent one is told."""
    case = facts.case
    if facts.seen or case is None:
        return _told("duplicate" if facts.seen else "nothing", moment)
    if event.attachments and is_blank(event.text):
        return _told("text_only", moment)
    agent = Agent(address=event.agent, name=event.agent_name)
    outcome = do(Relay(text=event.text), agent, case, facts, moment, in_thread=True)
    if event.attachments and outcome.said.kind == "done":
        return Outcome(said=Said(kind="text_only", locale=moment.agents_speak), writes=outcome.writes, ref=case.id)
    return outcome
