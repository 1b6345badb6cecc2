"""What to do about one event from a customer. Pure: facts in, outcome out."""

from typing import assert_never

from msgspec.structs import replace

from bot.conversations import engine, steering
from bot.conversations.conversation import Conversation
from bot.conversations.events import Answered, Tap, Turn, Typed
from bot.conversations.events import Said as SaidWords
from bot.conversations.flow import PinnedFlow
from bot.conversations.prompts import answer_label
from bot.conversations.questions import OpenText
from bot.conversations.router import Following, Route, route, slashed
from bot.conversations.rules import Rules
from bot.conversations.steering import LANGUAGE, SPEAK
from bot.followup.cases import awaits_recovery
from bot.followup.routing import opening
from bot.ids import WordsId
from bot.intake import linked, panel, recovering, speaking
from bot.intake.commands import commanded, feedback, may_call, opt_in, opt_out, stop
from bot.intake.human import human, known_by_word
from bot.intake.moment import Moment
from bot.intake.opening import Step
from bot.intake.people import known_customer, said_by, sentence, speaks, words_of
from bot.intake.placing import signals_of
from bot.intake.recording import record
from bot.intake.relaying import hear, listening
from bot.intake.remarks import Heard, words_slot
from bot.messages import (
    Address,
    Commanded,
    LanguageToken,
    Left,
    Moved,
    RecoveryToken,
    Returned,
    Tapped,
    Token,
    Unread,
    Wrote,
    in_group,
    parse_token,
)
from bot.ports import (
    Customer,
    Facts,
    KeepAside,
    KeepWords,
    MoveAddress,
    OptOut,
    Outcome,
    Queue,
    Read,
    Said,
    SaveCustomer,
    SetReachable,
    Words,
    Write,
)

CustomerEvent = Tapped | Wrote | Commanded | Left | Returned | Moved | Unread


def what_to_read(event: CustomerEvent, moment: Moment) -> Read:
    """What must be known to decide about an event."""
    if isinstance(event, Unread):
        return Read(event=event.event)
    # only rules about words ask what was said before, and whether a change is one
    words = isinstance(event, Tapped | Wrote) and any(rule.words for rule in moment.followup.rules)
    if isinstance(event, Wrote) and event.manner == "edited":
        words = True
    if not isinstance(event, Tapped):
        group = event.group or None if isinstance(event, Wrote) else None
        return Read(event=event.event, group=group, address=event.sender, words=words)
    token = parse_token(event.token)
    if isinstance(token, RecoveryToken):
        return Read(event=event.event, address=event.sender, case=token.case)
    named = token.conversation if isinstance(token, Token) else None
    return Read(event=event.event, address=event.sender, conversation=named, words=words)


def link_of(event: CustomerEvent, moment: Moment) -> linked.Carried | None:
    """The link that an event uses, if any."""
    spelled = _spelled_out(event) if isinstance(event, Wrote | Commanded) else None
    return linked.carried_by(spelled, moment) if isinstance(spelled, Commanded) else None


def decide(event: CustomerEvent, facts: Facts, moment: Moment) -> Outcome:
    """One event of a customer, on the facts as they are."""
    if facts.seen:
        return Outcome(said=Said(kind="duplicate"))
    match event:
        case Tapped():
            return _tapped(event, facts, moment)
        case Wrote() | Commanded():
            return _marked(_spoke(event, facts, moment))
        case Left():
            return _left(facts, event.sender, moment)
        case Returned():
            return Outcome(writes=(SetReachable(address=event.sender, reachable=True),))
        case Moved():
            return Outcome(writes=(MoveAddress(address=event.sender, to=event.to),))
        case Unread():
            aside = KeepAside(channel=event.channel, why=event.why, body=event.body, at=moment.now)
            return Outcome(said=Said(kind="kept_aside"), writes=(aside,))
        case _:
            assert_never(event)


def _marked(outcome: Outcome) -> Outcome:
    """The words remember whether they stand in a thread: what does not is quoted in the alert."""
    slots = {write.outbound.slot for write in outcome.writes if isinstance(write, Queue)}
    marked = tuple(
        KeepWords(words=replace(write.words, in_thread=True))
        if isinstance(write, KeepWords) and words_slot(write.words.id) in slots
        else write
        for write in outcome.writes
    )
    return replace(outcome, writes=marked)


def _left(facts: Facts, sender: Address, moment: Moment) -> Outcome:
    """Blocked us or is gone: an opt-out. Nothing more is sent there."""
    writes: list[Write] = [SetReachable(address=sender, reachable=False)]
    if facts.customer is not None and facts.customer.opted_out_at is None:
        writes.append(OptOut(customer=facts.customer.id, at=moment.now))
    writes += stop(facts, moment, in_silence=True)
    return Outcome(said=Said(kind="opted_out"), writes=tuple(writes))


# ---- taps -----------------------------------------------------------------------------------------------


def _tapped(event: Tapped, facts: Facts, moment: Moment) -> Outcome:
    token, conversation, flow = parse_token(event.token), facts.conversation, facts.flow
    if isinstance(token, RecoveryToken):
        return recovering.tapped(token, event.sender, facts, moment)
    if isinstance(token, LanguageToken):
        return speaking.chosen(token, event.sender, facts, moment)
    locale = speaks(facts.customer)
    if not isinstance(token, Token) or conversation is None or flow is None or conversation.id != token.conversation:
        return Outcome(said=Said(kind="unknown_button", locale=locale))
    if conversation.address != event.sender:
        return Outcome(said=Said(kind="not_yours", locale=locale))
    if token.value == LANGUAGE or token.value.startswith(SPEAK):
        opened = _opened(conversation, token.turn)
        if opened is not None:
            return speaking.tapped(token.value, opened, facts, flow, moment)
    tap = Tap(turn=token.turn, value=token.value)
    turn = engine.receive(conversation, flow.flow, tap, at=moment.now, rules=_rules(moment))
    step = Step(turn=turn, facts=facts, flow=flow)
    if turn.notice == "opted_out" and facts.customer is not None:
        return opt_out(facts, facts.customer, event.sender, moment, stopped=record(step, moment))
    return _outcome(step, moment)


def _opened(conversation: Conversation, turn: int) -> str | None:
    """The question whose buttons were made on a turn, if it stands open."""
    opened = (conversation.asked, conversation.reopened)
    return next((id for id, made in conversation.prompts.items() if made == turn and id in opened), None)


def _rules(moment: Moment) -> Rules:
    return Rules(correction=moment.settings.asking.correction)


def _outcome(step: Step, moment: Moment) -> Outcome:
    turn = step.turn
    own = step.flow.flow.sentences
    said = Said(kind=turn.notice, text=_told(turn, step.flow), locale=turn.conversation.locale, own=own)
    return Outcome(said=said, writes=record(step, moment), ref=turn.conversation.id)


def _told(turn: Turn, flow: PinnedFlow) -> str:
    """What the notice speaks of: the label of the answer that counts, or how many options at least or at most."""
    if turn.number is not None:
        return str(turn.number)
    for event in turn.events:
        question = flow.flow.question(event.question) if isinstance(event, Answered) else None
        if question is not None and isinstance(event, Answered):
            return answer_label(question, event.answer, flow.flow, turn.conversation.locale)
    return ""


# ---- words ----------------------------------------------------------------------------------------------


def _spoke(event: Wrote | Commanded, facts: Facts, moment: Moment) -> Outcome:
    """Words or a command; a chat window without commands of its own sends them as words."""
    if isinstance(event, Wrote) and event.manner == "edited":
        return _edited(event, facts, moment)
    event = _spelled_out(event)
    carried = linked.carried_by(event, moment) if isinstance(event, Commanded) else None
    if isinstance(event, Commanded) and carried is not None:
        return linked.decide(carried, event, facts, moment)
    customer, known = known_customer(facts, event.sender, event.profile, moment)
    if isinstance(event, Commanded):
        outcome = commanded(event, facts, customer, moment)
    else:
        heard = speaking.heard(event, customer)
        if heard != customer:
            customer, known = heard, [SaveCustomer(customer=heard, address=event.sender, at=moment.now)]
        outcome = _wrote(event, facts, customer, moment)
    if any(isinstance(write, SaveCustomer) for write in outcome.writes):
        known = []
    return replace(outcome, writes=(*known, *outcome.writes))


def _spelled_out(event: Wrote | Commanded) -> Wrote | Commanded:
    """The command that words stand for, or the event itself."""
    command = slashed(event.text) if isinstance(event, Wrote) and event.manner != "edited" else None
    if command is None:
        return event
    name, argument = command
    return Commanded(
        event=event.event,
        sender=event.sender,
        command=name,
        argument=argument,
        at=event.at,
        profile=event.profile,
    )


def _wrote(event: Wrote, facts: Facts, customer: Customer, moment: Moment) -> Outcome:
    conversation, flow, case = facts.conversation, facts.flow, facts.open_case
    following = _following(event.text, facts, moment)
    goes_to = route(
        event.text,
        speaks(customer),
        conversation,
        flow.flow if flow else None,
        case=following,
        opted_out=customer.opted_out_at is not None,
    )
    if goes_to == "survey" and not _may_answer(event, facts):
        goes_to = _unheard(following)
    if goes_to == "human" and not may_call(event.sender, facts):
        goes_to = _unheard(following)
    match goes_to:
        case "stop":
            return opt_out(facts, customer, event.sender, moment)
        case "start":
            return opt_in(customer, event.sender, moment)
        case "feedback":
            return feedback(facts, customer, event.sender, moment)
        case "leave_panel":
            return panel.leave(customer, event.sender, moment)
        case "human":
            return _asked_for_human(event, facts, customer, moment)
        case "speak" | "language":
            wanted = event.text if goes_to == "speak" else ""
            return speaking.language(facts, customer, event.sender, moment, wanted=wanted)
        case "back" if conversation is not None and flow is not None:
            return _back(conversation, flow, event.sender, facts, moment)
        case "decline" if conversation is not None and flow is not None:
            turn = engine.refuse(conversation, "decline", moment.now)
            return _outcome(Step(turn=turn, facts=facts, flow=flow), moment)
        case "recovery" if facts.asked_case is not None:
            return recovering.answered(event, facts.asked_case, customer, facts, moment)
        case "survey" if conversation is not None and flow is not None:
            typed = Typed(text=said_by(event), words=WordsId(moment.ids()))
            turn = speaking.receive(conversation, flow, typed, customer, moment, _rules(moment))
            return _outcome(Step(turn=turn, facts=facts, flow=flow, heard=Heard.of(event, customer)), moment)
        case "case" if case is not None:
            words = words_of(event, customer, case.conversation, moment)
            if not words.text.strip():
                return Outcome()
            if case.state == "withdrawn" and (again := _reopened(event, words, facts, customer, moment)) is not None:
                return Outcome(writes=again)
            told = hear(case, words, Heard.of(event, customer), facts, moment)
            return Outcome(writes=(KeepWords(words=words), *told))
        case "back" | "decline" | "recovery" | "survey" | "case" | "nobody":
            return Outcome(writes=_beside(event, facts, customer, moment))
        case _:
            assert_never(goes_to)


def _unheard(following: Following | None) -> Route:
    return "nobody" if following is None else "case"


def _asked_for_human(event: Wrote, facts: Facts, customer: Customer, moment: Moment) -> Outcome:
    new = known_by_word(event.text, customer)
    conversation = facts.conversation
    begun = conversation is not None and conversation.status == "waiting" and bool(conversation.answers)
    # in the middle of a survey the words may say something about what they answered
    outcome = human(facts, new, event.sender, moment, words=event.text if begun else "")
    if new == customer:
        return outcome
    save = SaveCustomer(customer=new, address=event.sender, at=moment.now)
    return replace(outcome, writes=(save, *outcome.writes))


def _back(conversation: Conversation, flow: PinnedFlow, sender: Address, facts: Facts, moment: Moment) -> Outcome:
    """The answer before stands open again; a sentence says so, for the message with its buttons may stand far above."""
    turn = steering.back(conversation, flow.flow, moment.now, _rules(moment))
    key = "reply.nothing_to_change" if turn.notice == "nothing" else f"reply.{turn.notice}"
    outcome = _outcome(Step(turn=turn, facts=facts, flow=flow), moment)
    return replace(outcome, writes=(*outcome.writes, sentence(sender, conversation.locale, key, moment)))


def _may_answer(event: Wrote, facts: Facts) -> bool:
    """Whether a survey hears it: of an album only the first picture; what has no words only where it waits for some."""
    conversation, flow = facts.conversation, facts.flow
    if facts.group_seen or conversation is None or flow is None:
        return False
    waiting = conversation.reopened or conversation.asked
    if isinstance(flow.flow.question(waiting) if waiting else None, OpenText):
        return True
    return event.manner == "said" and (bool(event.text.strip()) or not event.attachments)


def _edited(event: Wrote, facts: Facts, moment: Moment) -> Outcome:
    """What was said before, in other words: agents who listen read it too, and it answers nothing."""
    case, customer = listening(facts, moment), facts.customer
    if case is None or customer is None:
        return Outcome()
    words = words_of(event, customer, case.conversation, moment)
    if any(
        before.text in (event.text, words.text) or before.text.startswith(f"{event.text} [") for before in facts.words
    ):
        # Telegram also tells of changes that nobody sees
        return Outcome()
    told = hear(case, words, Heard.of(event, customer), facts, moment)
    return Outcome(writes=(KeepWords(words=words), *told))


def _following(text: str, facts: Facts, moment: Moment) -> Following | None:
    """What the router needs to know of the customer's case."""
    case, asked = listening(facts, moment), facts.asked_case
    if case is None:
        return None
    spoken = max((at for at in (case.last_word_at, case.reopened_at) if at is not None), default=None)
    answers = asked is not None and recovering.is_answer(text, asked, moment)
    return Following(
        spoken_at=spoken if case.closed_at is None else None,
        wanted_at=case.wanted_at if case.closed_at is None else None,
        # who takes a "Yes" back has read our thanks for it
        fixed_asked_at=(asked.closed_at or asked.asked_at) if asked is not None and answers else None,
        fixed_open_since=asked.asked_at if asked is not None and awaits_recovery(asked) else None,
    )


def _beside(event: Wrote, facts: Facts, customer: Customer, moment: Moment) -> tuple[Write, ...]:
    """Words that nobody waits for: a stranger is welcomed, what others say is kept beside their last conversation."""
    if facts.customer is None and not in_group(event.sender):
        return (sentence(event.sender, speaks(customer), "reply.welcome", moment),)
    conversation = facts.conversation
    if conversation is None or facts.flow is None or not said_by(event).strip():
        return ()
    words = words_of(event, customer, conversation.id, moment)
    opened = _reopened(event, words, facts, customer, moment)
    return (KeepWords(words=words),) if opened is None else opened


def _reopened(event: Wrote, words: Words, facts: Facts, customer: Customer, moment: Moment) -> tuple[Write, ...] | None:
    """Words that no score should hide open a case after the survey too; None: these are none of that kind."""
    conversation, flow, case = facts.conversation, facts.flow, facts.case
    if conversation is None or flow is None or (case is not None and case.state != "withdrawn"):
        return None
    signals = signals_of(conversation, flow, (words, *facts.words))
    if signals.score is None or opening(moment.followup.rules, signals) is None:
        return None
    said = Turn(conversation=conversation, events=(SaidWords(question=None, text=words.text, words=words.id),))
    return record(Step(turn=said, facts=facts, flow=flow, heard=Heard.of(event, customer)), moment)
