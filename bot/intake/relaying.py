"""What agents and customers say to each other, from chat to thread and back. Pure."""

from bot.conversations.prompts import lane_of
from bot.followup import cases
from bot.followup.alerts import alert_slot
from bot.followup.cases import WORKING, Case, CaseNote, NoteKind
from bot.followup.history import reason
from bot.intake.moment import Moment
from bot.intake.placing import may_be_several, placed, signals_of, urged
from bot.intake.remarks import Heard, customer_said, happened
from bot.intake.settling import goes_out, settle_case
from bot.messages import NotDelivered, Outbound, Text
from bot.ports import Facts, LoseReply, Outcome, Read, Said, Words, Write

#: characters of an agent's words that the history repeats
_BEGINNING = 80


def relayed(case: Case, text: str, moment: Moment) -> Outbound:
    """An agent's words on their way to the customer, in the company's name."""
    return Outbound(
        kind="relay",
        to=case.address,
        lane=lane_of(case.address),
        slot=f"relay:{case.id}:{moment.ids()}",
        content=Text(text=text, locale=case.locale),
        thread=alert_slot(case.id),
    )


def beginning(text: str) -> str:
    """The first words of a text, on one line."""
    line = " ".join(text[: 4 * _BEGINNING].split())
    return line if len(line) <= _BEGINNING else f"{line[: _BEGINNING - 1]}…"


def listening(facts: Facts, moment: Moment) -> Case | None:
    """The case whose agents hear what the customer says."""
    case = facts.open_case
    return case if case is not None and cases.listens(case, moment.now) else None


def hear(case: Case, said: Words, heard: Heard, facts: Facts, moment: Moment) -> tuple[Write, ...]:
    """Tell the agents of a case what its customer said: in the thread, or in the alert that goes out now.

    Until an agent has spoken, the alert quotes it too. ``said``, in the case's conversation, is kept by who asks.
    """
    note = CaseNote(case=case.id, what=heard_as(case), who=None, at=moment.now)
    changed, alike = case, False
    of_survey = facts.case is not None and facts.case.id == case.id
    if of_survey and case.state in WORKING and facts.conversation is not None and facts.flow is not None:
        signals = signals_of(facts.conversation, facts.flow, (said, *facts.words))
        alike = may_be_several(case, facts.conversation, moment)
        changed = (placed if goes_out(case, {note.what}, moment, alike=alike) else urged)(case, signals, moment)
    words = customer_said(case, said.id, heard, moment)
    return settle_case(changed, case, (note,), moment, incident=facts.incident, words=words, alike=alike)


def heard_as(case: Case) -> NoteKind:
    """What words of the customer are in a case's history: an answer to us, or a comment on the score."""
    return "answered" if case.worked else "commented"


# ---- what did not arrive ------------------------------------------------------------------------------------


def what_an_undelivered_reads(event: NotDelivered) -> Read:
    return Read(event=event.event, case=event.case)


def decide_undelivered(event: NotDelivered, facts: Facts, moment: Moment) -> Outcome:
    """Tell the agents, in the thread, that the customer did not get their words, and take these back.

    They are no first word then, in the figures neither: where no other words of an agent went out since the clocks
    started, the clock of the first word runs on as though they had never been said.
    """
    case = facts.case
    if facts.seen:
        return Outcome(said=Said(kind="duplicate"))
    if case is None:
        return Outcome(said=Said(kind="no_case"))
    if event.yet:
        return _not_yet(case, event, facts, moment)
    return Outcome(writes=not_delivered(case, event.why, facts, moment, slot=event.slot), ref=case.id)


def not_delivered(case: Case, why: str, facts: Facts, moment: Moment, *, slot: str = "") -> tuple[Write, ...]:
    """Let the whole desk see that the customer did not get an agent's words; ``slot``: they were on their way."""
    unheard = cases.unspoken(case, slot) if slot else case
    note = CaseNote(case=case.id, what="undelivered", who=None, detail=why, at=moment.now)
    remarks = happened(case, "thread.undelivered", moment, why=reason(why, moment.voice))
    lost = (LoseReply(reply=slot),) if slot else ()
    return (*lost, *settle_case(unheard, case, (note,), moment, incident=facts.incident, remarks=remarks))


def _not_yet(case: Case, event: NotDelivered, facts: Facts, moment: Moment) -> Outcome:
    """Words that are late may still arrive: agents hear of it, and nothing is taken back."""
    why = reason(event.why, moment.voice)
    remarks = happened(case, "thread.not_yet_delivered", moment, why=why)
    return Outcome(writes=settle_case(case, case, (), moment, incident=facts.incident, remarks=remarks), ref=case.id)
