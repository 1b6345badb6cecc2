"""What a customer's commands lead to, as commands or as words: stop, start, feedback; the others have modules. Pure."""

from collections.abc import Sequence
from datetime import timedelta
from typing import assert_never

from msgspec.structs import replace

from bot.conversations import engine
from bot.conversations.conversation import Conversation
from bot.conversations.flow import PinnedFlow
from bot.ids import ConversationId, WordsId
from bot.intake.beginning import Survey, begin, decision_about
from bot.intake.human import human
from bot.intake.moment import Moment
from bot.intake.opening import Step
from bot.intake.people import sentence, speaks
from bot.intake.recording import record
from bot.intake.relaying import hear, listening
from bot.intake.remarks import Heard
from bot.intake.speaking import language
from bot.intake.unseen import is_blank
from bot.messages import Address, Commanded, in_group
from bot.ports import Customer, Facts, KeepWords, OptOut, Outcome, RecordDecision, Said, Words, Write

#: a question asked so lately stands before the customer's eyes: asking for it again shows nothing new
JUST_ASKED = timedelta(minutes=2)


def commanded(event: Commanded, facts: Facts, customer: Customer, moment: Moment) -> Outcome:
    """One command, by one whose row is written already."""
    match event.command:
        case "stop":
            return opt_out(facts, customer, event.sender, moment)
        case "feedback":
            return feedback(facts, customer, event.sender, moment, words=event.argument)
        case "human":
            if not may_call(event.sender, facts) and listening(facts, moment) is None:
                return Outcome()
            return human(facts, customer, event.sender, moment, words=event.argument)
        case "language":
            return language(facts, customer, event.sender, moment, wanted=event.argument)
        case "start":
            return _start(event, facts, customer, moment)
        case _:
            assert_never(event.command)


def may_call(sender: Address, facts: Facts) -> bool:
    """Whether asking for a person is meant for us: what members of a group say to each other calls nobody."""
    waits = facts.conversation is not None and facts.conversation.status == "waiting"
    return waits or not in_group(sender)


def _start(event: Commanded, facts: Facts, customer: Customer, moment: Moment) -> Outcome:
    commands = moment.settings.commands
    flow = moment.settings.flow(event.argument) if commands and event.argument in commands.start else None
    if flow is not None:
        survey = Survey(customer=customer, address=event.sender, flow=flow, trigger="link")
        return wanted(survey, facts, moment)
    if customer.opted_out_at is not None:
        return opt_in(customer, event.sender, moment)
    return Outcome(writes=(sentence(event.sender, speaks(customer), "reply.welcome", moment),))


def feedback(facts: Facts, customer: Customer, sender: Address, moment: Moment, *, words: str = "") -> Outcome:
    """The comment card, at any time; words beside the command are kept with it, or with the case that hears them."""
    commands = moment.settings.commands
    flow = moment.settings.flow(commands.feedback) if commands else None
    if flow is None:
        outcome = Outcome(writes=(sentence(sender, speaks(customer), "reply.nothing_to_rate", moment),))
    else:
        outcome = wanted(Survey(customer=customer, address=sender, flow=flow, trigger="command"), facts, moment)
    case = listening(facts, moment)
    if is_blank(words) or (case is None and not outcome.ref):
        return outcome
    kept = Words(
        id=WordsId(moment.ids()),
        customer=customer.id,
        # with the case that hears them, whose alert may have to quote them
        conversation=ConversationId(outcome.ref) if case is None else case.conversation,
        question=None,
        text=words,
        at=moment.now,
    )
    heard = Heard(customer=customer, text=words, source=sender.channel)
    told = () if case is None else hear(case, kept, heard, facts, moment)
    return replace(outcome, writes=(*outcome.writes, KeepWords(words=kept), *told))


def wanted(survey: Survey, facts: Facts, moment: Moment) -> Outcome:
    """Begin what the customer wants to answer, unless its first question came a moment ago."""
    conversation = facts.conversation
    if conversation is None or not _just_asked(conversation, survey.flow, moment):
        return begin(survey, facts, moment)
    inputs = {"asked_at": conversation.started_at.isoformat()}
    decision = decision_about(survey, moment, verdict="not asked", rule="asked a moment ago", inputs=inputs)
    said = Said(kind="asked", locale=conversation.locale)
    return Outcome(said=said, writes=(RecordDecision(decision=decision),), ref=conversation.id)


def _just_asked(conversation: Conversation, flow: PinnedFlow, moment: Moment) -> bool:
    untouched = conversation.status == "waiting" and not conversation.answers
    return untouched and conversation.flow == flow.hash and moment.now - conversation.started_at < JUST_ASKED


def opt_out(
    facts: Facts, customer: Customer, sender: Address, moment: Moment, *, stopped: Sequence[Write] | None = None
) -> Outcome:
    """Stop what is under way, remember, and confirm once: who opted out already hears nothing again.

    ``stopped`` is what ends the survey, where that ends in its own way.
    """
    said = Said(kind="opted_out", locale=speaks(customer))
    stopped = tuple(stop(facts, moment) if stopped is None else stopped)
    if customer.opted_out_at is not None:
        return Outcome(said=said, writes=stopped)
    bye = sentence(sender, speaks(customer), "reply.opted_out", moment)
    return Outcome(said=said, writes=(*stopped, OptOut(customer=customer.id, at=moment.now), bye))


def opt_in(customer: Customer, sender: Address, moment: Moment) -> Outcome:
    """Bring back who opted out."""
    hello = sentence(sender, speaks(customer), "reply.opted_in", moment)
    back = OptOut(customer=customer.id, at=None)
    return Outcome(said=Said(kind="opted_in", locale=speaks(customer)), writes=(back, hello))


def stop(facts: Facts, moment: Moment, *, in_silence: bool = False) -> tuple[Write, ...]:
    """End the survey that is under way, if any."""
    if facts.conversation is None or facts.flow is None:
        return ()
    turn = engine.stop(facts.conversation, moment.now)
    said = replace(turn, prompts=()) if in_silence else turn
    return record(Step(turn=said, facts=facts, flow=facts.flow), moment)
