"""What a turn of a survey does to its case: it opens, changes its score, is withdrawn, or gets words. Pure.

A rule with ``opens`` opens a case for words, whatever the score; the score of the case is then the one given. Such a
case outlives a happier score. It is withdrawn only when the words are taken back with their question, and the score
opens none. Words of somebody who gave no score open none.
"""

from collections.abc import Iterable, Sequence

import msgspec

from bot.conversations.answers import Chosen, Worded
from bot.conversations.conversation import Conversation
from bot.conversations.events import Answered, Event, Retracted, Said, Turn
from bot.conversations.flow import PinnedFlow
from bot.conversations.prompts import score_label
from bot.conversations.questions import Rating
from bot.followup import cases
from bot.followup.cases import CLOSED, WORKING, Case, CaseNote
from bot.followup.incidents import shared_values
from bot.followup.routing import Signals, opening
from bot.ids import CaseId
from bot.intake.moment import Moment
from bot.intake.placing import may_be_several, placed, signals_of, urged
from bot.intake.relaying import heard_as, listening
from bot.intake.remarks import Heard, customer_said, noted
from bot.intake.settling import due_key, goes_out, settle_case
from bot.messages import Outbound
from bot.ports import Due, Facts, PutDue, ShareValues, Words, Write


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One turn of a conversation, and what it was decided upon; ``heard`` is the message that it was an answer to."""

    turn: Turn
    facts: Facts
    flow: PinnedFlow
    heard: Heard | None = None


def case_writes(step: Step, said: Sequence[Words], moment: Moment) -> Iterable[Write]:
    """Open, correct or withdraw the case, and bring its alert up to date, at most once a turn.

    ``said`` are the words that the turn keeps. Agents who have spoken to the customer hear them too, be it about
    another case than this survey's.
    """
    signals = signals_of(step.turn.conversation, step.flow, (*said, *step.facts.words))
    case, notes = _after(step, signals, moment)
    if case is not None:
        yield from _settled(step, case, notes, signals, said, moment)
    talk = listening(step.facts, moment)
    if talk is not None and (case is None or case.id != talk.id) and said:
        overheard = _overheard(step, talk, said, moment)
        if overheard:
            note = CaseNote(case=talk.id, what=heard_as(talk), who=None, at=moment.now)
            yield from settle_case(talk, talk, (note,), moment, remarks=overheard)


def _settled(
    step: Step, case: Case, notes: list[CaseNote], signals: Signals, said: Sequence[Words], moment: Moment
) -> Iterable[Write]:
    is_new = step.facts.case is None
    if is_new:
        notes = [CaseNote(case=case.id, what="opened", who=None, at=moment.now), *notes]
    if said:
        notes = [*notes, CaseNote(case=case.id, what=heard_as(case), who=None, at=moment.now)]
    reasons = any(_is_reason(event) for event in step.turn.events)
    if not notes and not reasons:
        return
    alike = may_be_several(case, step.turn.conversation, moment)
    scored = any(note.what == "scored" for note in notes)
    if (said or scored) and case.state in WORKING:
        goes = goes_out(case, {note.what for note in notes}, moment, alike=alike)
        case = (placed if goes else urged)(case, signals, moment)
    yield from settle_case(
        case,
        step.facts.case,
        notes,
        moment,
        incident=step.facts.incident,
        remarks=_rescore_told(case, step.facts.case, notes, moment),
        words=_overheard(step, case, said, moment),
        alike=alike,
    )
    if reasons or is_new:
        yield from _compared(case, step.turn.conversation, moment)


def _compared(case: Case, conversation: Conversation, moment: Moment) -> Iterable[Write]:
    """Let a case be held against those that have something in common with it, and they against it, if it has."""
    if case.wanted_at is not None:
        return
    values = shared_values(conversation, moment.followup.incidents)
    if case.desk is None or case.incident is not None or not values:
        return
    yield ShareValues(case=case.id, opened_at=case.opened_at, values=values)
    if case.state in WORKING:
        yield PutDue(due=Due(key=due_key("incident", case.id), kind="incident", ref=case.id, due_at=moment.now))


def _overheard(step: Step, case: Case, said: Sequence[Words], moment: Moment) -> tuple[Outbound, ...]:
    """An answer to the survey, for the thread of a case in which an agent has spoken: its alert quotes it no more."""
    if not said or step.heard is None or case.first_word_at is None or not cases.listens(case, moment.now):
        return ()
    return customer_said(case, said[0].id, step.heard, moment)


def _rescore_told(case: Case, before: Case | None, notes: Sequence[CaseNote], moment: Moment) -> tuple[Outbound, ...]:
    """A changed score, for who is at work on the case: it goes on, or there is nothing left to do."""
    changes = [note for note in notes if note.what in ("corrected", "scored", "withdrawn")]
    if before is None or not changes or before.state in CLOSED:
        return ()
    at_work = before.worked or (before.wanted_at is not None and before.owner is not None)
    concerned = case.owner is not None if case.state == "withdrawn" else at_work
    return noted(case, changes, moment) if concerned else ()


# ---- the case after the turn --------------------------------------------------------------------------------


def _after(step: Step, signals: Signals, moment: Moment) -> tuple[Case | None, list[CaseNote]]:
    """The case as a turn leaves it, and what that adds to its history. None: there is no case."""
    case, events, followup = step.facts.case, step.turn.events, moment.followup
    rating, score = step.flow.flow.score_question(), signals.score
    rated = rating is not None and any(_is_about(event, rating) for event in events)
    spoke = any(isinstance(event, Said) for event in events)
    unsaid = any(_takes_words_back(event) for event in events)
    if rating is None or not (rated or spoke or unsaid):
        return case, []
    low = score is not None and cases.is_unhappy(step.flow.flow, rating, score, followup.case_at_most)
    alarming = score is not None and opening(followup.rules, signals) is not None
    if case is None:
        opens = (rated and low) or ((rated or spoke) and alarming)
        if score is None or not opens:
            return None, []
        opened = _opened(step.turn.conversation, rating, score, signals.flow, moment)
        return placed(opened if low else msgspec.structs.replace(opened, why="words"), signals, moment), []
    if rated or unsaid or (alarming and case.state == "withdrawn"):
        return _rescored(case, rating, score, low or alarming, moment)
    return case, []


def _opened(conversation: Conversation, rating: Rating, score: int, flow: str, moment: Moment) -> Case:
    return Case(
        id=CaseId(moment.ids()),
        conversation=conversation.id,
        customer=conversation.customer,
        address=conversation.address,
        flow=flow,
        question=rating.id,
        score=score,
        locale=conversation.locale,
        opened_at=moment.now,
    )


def _rescored(
    case: Case, rating: Rating, score: int | None, unhappy: bool, moment: Moment
) -> tuple[Case, list[CaseNote]]:
    changed, change = cases.rescore(case, score, unhappy=unhappy, at=moment.now)
    if change is None:
        return case, []
    notes = []
    if case.score is None and changed.score is not None:
        label = score_label(rating, changed.score)
        notes.append(CaseNote(case=case.id, what="scored", who=None, detail=label, at=moment.now))
    elif case.score is not None and changed.score is not None and case.score != changed.score:
        # both labels, so that the history reads the same whatever becomes of the flow
        detail = f"{score_label(rating, case.score)}>{score_label(rating, changed.score)}"
        notes.append(CaseNote(case=case.id, what="corrected", who=None, detail=detail, at=moment.now))
    if change in ("withdrawn", "reopened"):
        notes.append(CaseNote(case=case.id, what=change, who=None, at=moment.now))
    return changed, notes


def _is_about(event: Event, rating: Rating) -> bool:
    return isinstance(event, Answered | Retracted) and event.question == rating.id


def _takes_words_back(event: Event) -> bool:
    return isinstance(event, Retracted) and isinstance(event.before.value, Worded)


def _is_reason(event: Event) -> bool:
    """Whether an event changes the choices that the alert shows; a question skipped shows nothing."""
    if isinstance(event, Answered) and isinstance(event.answer.value, Chosen):
        return True
    before = event.before if isinstance(event, Answered | Retracted) else None
    return before is not None and isinstance(before.value, Chosen)
