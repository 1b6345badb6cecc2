"""A customer asks for a person: a case at once, whatever they were asked or have answered, or nothing at all. Pure.

It is at any time, for anybody, also for who wants no surveys. A survey under way goes on waiting, and nags no more.
"""

from datetime import timedelta

from msgspec.structs import replace

from bot.conversations.conversation import Conversation
from bot.conversations.flow import PinnedFlow
from bot.conversations.steering import rest
from bot.conversations.typed import is_word
from bot.followup import cases
from bot.followup.cases import LISTENS_AFTER, WORKING, Case, CaseNote, NoteKind
from bot.ids import CaseId, WordsId
from bot.intake.beginning import Survey, conversation_of
from bot.intake.moment import Moment
from bot.intake.people import learned, sentence, speaks
from bot.intake.placing import placed, signals_of
from bot.intake.relaying import heard_as, listening
from bot.intake.remarks import Heard, customer_said, happened
from bot.intake.settling import settle_case
from bot.intake.unseen import is_blank
from bot.languages import locales, pack
from bot.messages import Address
from bot.ports import Customer, Facts, KeepWords, Outcome, Said, SaveConversation, Words, Write

#: who asks so soon again has the promise before their eyes, and so have the agents
AGAIN = timedelta(minutes=3)


def human(facts: Facts, customer: Customer, sender: Address, moment: Moment, *, words: str = "") -> Outcome:
    """Open the customer's case or tell its agents, and say that somebody will write; words are kept with the case.

    Who asks again and again is heard once in AGAIN, as long as nothing came between; their words are told each time.
    """
    before = _case(facts, moment)
    again = before is not None and _has_just_asked(before, facts, moment)
    begun: tuple[Write, ...] = ()
    notes: list[CaseNote] = []
    if before is not None and again:
        case, told = before, True
        if is_blank(words):
            return Outcome(said=Said(locale=speaks(customer)), ref=case.conversation)
    elif before is not None:
        case, begun, told = cases.wants_human(before, moment.now), _resting(facts), before.state in WORKING
        notes = [_note(before.id, "wanted_human", moment)]
    else:
        conversation, flow, begun = _conversation(facts, customer, sender, moment)
        case = _opened(conversation, flow, customer, facts, moment)
        notes, told = [_note(case.id, "opened", moment), _note(case.id, "wanted_human", moment)], False
    kept = None if is_blank(words) else _kept(words, customer, case, moment)
    if kept is not None:
        notes.append(_note(case.id, heard_as(case), moment))
    tells = before is not None and before.alerted and not again
    writes = settle_case(
        case,
        before,
        notes,
        moment,
        incident=facts.incident if before is not None and before.incident is not None else None,
        remarks=happened(case, "history.wanted_human", moment) if tells else (),
        words=() if kept is None else customer_said(case, kept.id, _heard(kept, customer, sender), moment),
        holds=False,
    )
    key = "reply.human_told" if told else "reply.human"
    locale = speaks(customer)
    return Outcome(
        said=Said(locale=locale),
        writes=(
            *begun,
            *(() if kept is None else (KeepWords(words=kept),)),
            *writes,
            *(() if again else (sentence(sender, locale, key, moment),)),
        ),
        ref=case.conversation,
    )


def _has_just_asked(case: Case, facts: Facts, moment: Moment) -> bool:
    """Whether asking again says nothing new: neither an agent nor a survey has come between."""
    wanted = case.wanted_at
    if wanted is None or case.state not in WORKING or moment.now - wanted >= AGAIN:
        return False
    between = (case.last_word_at, None if facts.conversation is None else facts.conversation.touched_at)
    return all(at is None or at <= wanted for at in between)


def known_by_word(text: str, customer: Customer) -> Customer:
    """The customer, who asks for a person in words that only one other language than theirs has: that is theirs."""
    speakers = [tag for tag in locales() if any(is_word(text, pack(tag).commands[name]) for name in ("human", "staff"))]
    if len(speakers) != 1 or text.strip().isascii() or pack(speaks(customer)).locale in speakers:
        return customer
    return learned(customer, "written", locale=speakers[0])


def _case(facts: Facts, moment: Moment) -> Case | None:
    """The case that the customer means: the one that listens, or that of the survey at hand, be it withdrawn."""
    heard = listening(facts, moment)
    if heard is not None:
        return heard
    case = facts.case
    return case if case is not None and case.state == "withdrawn" and _is_at_hand(facts, moment) else None


def _is_at_hand(facts: Facts, moment: Moment) -> bool:
    """Whether the last conversation is what somebody who asks for a person now may have in mind."""
    conversation = facts.conversation
    if conversation is None or facts.flow is None:
        return False
    return conversation.status == "waiting" or moment.now - conversation.touched_at <= LISTENS_AFTER


def _conversation(
    facts: Facts, customer: Customer, sender: Address, moment: Moment
) -> tuple[Conversation, PinnedFlow, tuple[Write, ...]]:
    """The conversation that a new case belongs to: the one at hand, or one in which nothing is asked."""
    if facts.conversation is not None and facts.flow is not None and facts.case is None and _is_at_hand(facts, moment):
        return rest(facts.conversation), facts.flow, _resting(facts)
    commands = moment.settings.commands
    flow = (moment.settings.flow(commands.feedback) if commands else None) or moment.settings.askable()[0]
    survey = Survey(customer=customer, address=sender, flow=flow, trigger="command")
    begun = replace(conversation_of(survey, moment), status="stopped", turn=1)
    return begun, flow, (SaveConversation(conversation=begun, flow_id=flow.flow.id, was_turn=None),)


def _resting(facts: Facts) -> tuple[Write, ...]:
    """The survey that is under way waits without asking again."""
    conversation, flow = facts.conversation, facts.flow
    if conversation is None or flow is None or (quiet := rest(conversation)) is conversation:
        return ()
    return (SaveConversation(conversation=quiet, flow_id=flow.flow.id, was_turn=conversation.turn),)


def _opened(conversation: Conversation, flow: PinnedFlow, customer: Customer, facts: Facts, moment: Moment) -> Case:
    rating = flow.flow.score_question()
    signals = signals_of(conversation, flow, facts.words)
    opened = Case(
        id=CaseId(moment.ids()),
        conversation=conversation.id,
        customer=conversation.customer,
        address=conversation.address,
        flow=signals.flow,
        question="" if rating is None else rating.id,
        score=signals.score,
        why="human",
        locale=speaks(customer),
        wanted_at=moment.now,
        opened_at=moment.now,
    )
    return placed(opened, signals, moment)


def _note(case: CaseId, what: NoteKind, moment: Moment) -> CaseNote:
    return CaseNote(case=case, what=what, who=None, at=moment.now)


def _kept(text: str, customer: Customer, case: Case, moment: Moment) -> Words:
    return Words(
        id=WordsId(moment.ids()),
        customer=customer.id,
        conversation=case.conversation,
        question=None,
        text=text,
        at=moment.now,
    )


def _heard(words: Words, customer: Customer, sender: Address) -> Heard:
    return Heard(customer=customer, text=words.text, source=sender.channel)
