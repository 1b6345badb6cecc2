"""What to do about one event from a customer. Pure: facts in, outcome out."""

from collections.abc import Mapping
from datetime import timedelta
from typing import assert_never

from msgspec.structs import replace

from bot.conversations import engine
from bot.conversations.conversation import Conversation
from bot.conversations.events import Answered, Tap, Turn, Typed
from bot.conversations.flow import PinnedFlow
from bot.conversations.prompts import answer_label, lane_of
from bot.conversations.router import route, slashed
from bot.conversations.rules import Rules
from bot.followup.cases import Case
from bot.ids import ConversationId, CustomerId, InteractionId, WordsId
from bot.intake.recording import Moment, expiry, record, settle_case
from bot.languages import locales, say
from bot.messages import (
    Address,
    Commanded,
    Left,
    Moved,
    Outbound,
    Profile,
    Returned,
    Tapped,
    Text,
    Token,
    Unread,
    Wrote,
    parse_token,
)
from bot.ports import (
    CaseNote,
    Customer,
    Facts,
    KeepAside,
    KeepWords,
    MoveAddress,
    OptOut,
    Outcome,
    PutDue,
    Queue,
    Read,
    RecordDecision,
    RecordShown,
    Said,
    SaveCustomer,
    SetReachable,
    Shown,
    Words,
    Write,
)

CustomerEvent = Tapped | Wrote | Commanded | Left | Returned | Moved | Unread


def what_to_read(event: CustomerEvent) -> Read:
    """What must be known to decide about an event."""
    if isinstance(event, Unread):
        return Read(event=event.event)
    if isinstance(event, Tapped):
        token = parse_token(event.token)
        named = token.conversation if isinstance(token, Token) else None
        return Read(event=event.event, address=event.sender, conversation=named)
    return Read(event=event.event, address=event.sender)


def decide(event: CustomerEvent, facts: Facts, moment: Moment) -> Outcome:
    """One event of a customer, on the facts as they are."""
    if facts.seen:
        return Outcome(said=Said(kind="duplicate"))
    match event:
        case Tapped():
            return _tapped(event, facts, moment)
        case Wrote():
            return _wrote(event, facts, moment)
        case Commanded():
            return _commanded(event, facts, moment)
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


# ---- who ------------------------------------------------------------------------------------------------


def known_customer(facts: Facts, address: Address, profile: Profile, moment: Moment) -> tuple[Customer, list[Write]]:
    """The customer at an address, made or brought up to date by what the channel says of them."""
    old = facts.customer
    if old is None:
        made = Customer(id=CustomerId(moment.ids()), name=profile.name, locale=_tag(profile.language))
        return made, [SaveCustomer(customer=made, address=address, at=moment.now)]
    new = replace(
        old,
        # likewise a reported name, for more than a handle
        name=old.name or profile.name,
        # what the business reported counts for more than the language of an app's menus
        locale=old.locale or _tag(profile.language),
        reachable=True,
    )
    return new, [] if new == old else [SaveCustomer(customer=new, address=address, at=moment.now)]


def _tag(language: str | None) -> str | None:
    tag = (language or "").strip().replace("_", "-")[:35]
    return tag if tag and tag.replace("-", "").isalnum() and tag.isascii() else None


def speaks(customer: Customer | None, pinned: PinnedFlow | None = None) -> str:
    """The language to use with a customer: theirs if the flow (or else a pack) has it, else the nearest there is."""
    wanted = customer.locale if customer and customer.locale else ""
    offered = pinned.flow.locales if pinned else locales()
    for tag in (wanted, wanted.partition("-")[0]):
        if tag in offered:
            return tag
    return pinned.flow.locale if pinned else "en"


# ---- taps and words -------------------------------------------------------------------------------------


def _rules(moment: Moment) -> Rules:
    return Rules(correction=moment.settings.asking.correction)


def _tapped(event: Tapped, facts: Facts, moment: Moment) -> Outcome:
    token, conversation, flow = parse_token(event.token), facts.conversation, facts.flow
    locale = speaks(facts.customer)
    if not isinstance(token, Token) or conversation is None or flow is None or conversation.id != token.conversation:
        return Outcome(said=Said(kind="unknown_button", locale=locale))
    if conversation.address != event.sender:
        return Outcome(said=Said(kind="not_yours", locale=locale))
    tap = Tap(turn=token.turn, value=token.value)
    turn = engine.receive(conversation, flow.flow, tap, at=moment.now, rules=_rules(moment))
    return _outcome(turn, facts, flow, moment)


def _outcome(turn: Turn, facts: Facts, flow: PinnedFlow, moment: Moment, before: tuple[Write, ...] = ()) -> Outcome:
    said = Said(kind=turn.notice, text=_told(turn, flow), locale=turn.conversation.locale)
    writes = record(turn, facts.conversation, facts.case, flow, moment)
    return Outcome(said=said, writes=before + writes, ref=turn.conversation.id)


def _told(turn: Turn, flow: PinnedFlow) -> str:
    """What the notice speaks of: the label of the answer that counts, or how many options at least or at most."""
    if turn.number is not None:
        return str(turn.number)
    for event in turn.events:
        question = flow.flow.question(event.question) if isinstance(event, Answered) else None
        if question is not None and isinstance(event, Answered):
            return answer_label(question, event.answer, flow.flow, turn.conversation.locale)
    return ""


def _wrote(event: Wrote, facts: Facts, moment: Moment) -> Outcome:
    command = slashed(event.text)
    if command is not None:
        commanded = Commanded(
            event=event.event,
            sender=event.sender,
            command=command[0],
            argument=command[1],
            at=event.at,
            profile=event.profile,
        )
        return _commanded(commanded, facts, moment)
    is_new = facts.customer is None
    customer, writes = known_customer(facts, event.sender, event.profile, moment)
    conversation, case = facts.conversation, facts.open_case
    goes_to = route(
        event.text,
        speaks(customer),
        conversation,
        facts.flow.flow if facts.flow else None,
        open_case=case is not None,
        opted_out=customer.opted_out_at is not None,
    )
    match goes_to:
        case "stop":
            return _opt_out(facts, customer, event.sender, tuple(writes), moment)
        case "start":
            return _opt_in(customer, event.sender, tuple(writes), moment)
        case "feedback":
            return _feedback(facts, customer, event.sender, tuple(writes), moment)
        case "survey" if conversation is not None and facts.flow is not None:
            typed = Typed(text=said_by(event), words=WordsId(moment.ids()))
            turn = engine.receive(conversation, facts.flow.flow, typed, at=moment.now, rules=_rules(moment))
            return _outcome(turn, facts, facts.flow, moment, tuple(writes))
        case "case" if case is not None:
            return Outcome(writes=tuple(writes) + _more_words(event, case, customer.id, moment))
        case "survey" | "case" | "nobody":
            if is_new and not _in_group(event.sender):
                writes.append(_text(event.sender, speaks(customer), "reply.welcome", moment))
            elif conversation is not None and said_by(event).strip():
                writes.append(KeepWords(words=_words(event, customer.id, conversation.id, moment)))
            return Outcome(writes=tuple(writes))
        case _:
            assert_never(goes_to)


def _in_group(address: Address) -> bool:
    """Whether others read along: nobody is greeted there who only answered one of our messages."""
    return "/" in address.key


def said_by(event: Wrote) -> str:
    """What was written, and in words what came with it: agents should know of a picture that they cannot see yet."""
    shown = [f"[{each.kind}: {each.name}]" if each.name else f"[{each.kind}]" for each in event.attachments]
    return " ".join([event.text, *shown]) if event.text.strip() else " ".join(shown)


def _words(event: Wrote, customer: CustomerId, conversation: ConversationId, moment: Moment) -> Words:
    return Words(
        id=WordsId(moment.ids()),
        customer=customer,
        conversation=conversation,
        question=None,
        text=said_by(event),
        at=moment.now,
    )


def _more_words(event: Wrote, case: Case, customer: CustomerId, moment: Moment) -> tuple[Write, ...]:
    """Words said while a case of the customer's is open, whatever they were asked since: its alert shows them."""
    if not said_by(event).strip():
        return ()
    note = CaseNote(case=case.id, what="commented", who=None, at=moment.now)
    kept = KeepWords(words=_words(event, customer, case.conversation, moment))
    return (kept, *settle_case(case, case.revision, (note,), moment))


# ---- commands -------------------------------------------------------------------------------------------


def _commanded(event: Commanded, facts: Facts, moment: Moment) -> Outcome:
    customer, writes = known_customer(facts, event.sender, event.profile, moment)
    match event.command:
        case "stop":
            return _opt_out(facts, customer, event.sender, tuple(writes), moment)
        case "feedback":
            return _feedback(facts, customer, event.sender, tuple(writes), moment, words=event.argument)
        case "start":
            return _start(event, facts, customer, tuple(writes), moment)
        case _:
            assert_never(event.command)


def _start(event: Commanded, facts: Facts, customer: Customer, writes: tuple[Write, ...], moment: Moment) -> Outcome:
    commands = moment.settings.commands
    flow = moment.settings.flow(event.argument) if commands and event.argument in commands.start else None
    if flow is not None:
        return _wanted(facts, customer, event.sender, flow, "link", writes, moment)
    if customer.opted_out_at is not None:
        return _opt_in(customer, event.sender, writes, moment)
    welcome = _text(event.sender, speaks(customer), "reply.welcome", moment)
    return Outcome(writes=(*writes, welcome))


def _feedback(
    facts: Facts, customer: Customer, sender: Address, writes: tuple[Write, ...], moment: Moment, *, words: str = ""
) -> Outcome:
    """The comment card, at any time; words beside the command are kept with it."""
    commands = moment.settings.commands
    flow = moment.settings.flow(commands.feedback) if commands else None
    if flow is None:
        return Outcome(writes=(*writes, _text(sender, speaks(customer), "reply.nothing_to_rate", moment)))
    outcome = _wanted(facts, customer, sender, flow, "command", writes, moment)
    if not words.strip() or not outcome.ref:
        return outcome
    kept = Words(
        id=WordsId(moment.ids()),
        customer=customer.id,
        conversation=ConversationId(outcome.ref),
        question=None,
        text=words,
        at=moment.now,
    )
    return replace(outcome, writes=(*outcome.writes, KeepWords(words=kept)))


#: a question asked so lately stands before the customer's eyes: asking for it again shows nothing new
JUST_ASKED = timedelta(minutes=2)


def _wanted(
    facts: Facts,
    customer: Customer,
    sender: Address,
    flow: PinnedFlow,
    trigger: str,
    writes: tuple[Write, ...],
    moment: Moment,
) -> Outcome:
    """Begin what the customer wants to answer, unless its first question came a moment ago."""
    conversation = facts.conversation
    if conversation is None or not _just_asked(conversation, flow, moment):
        return begin(facts, customer, sender, flow, trigger, writes, moment)
    decision = RecordDecision(
        trigger=trigger,
        flow=flow.flow.id,
        address=sender,
        customer=customer.id,
        interaction=None,
        verdict="not asked",
        rule="asked a moment ago",
        inputs={"asked_at": conversation.started_at.isoformat()},
        at=moment.now,
    )
    said = Said(kind="asked", locale=conversation.locale)
    return Outcome(said=said, writes=(*writes, decision), ref=conversation.id)


def _just_asked(conversation: Conversation, flow: PinnedFlow, moment: Moment) -> bool:
    untouched = conversation.status == "waiting" and not conversation.answers
    return untouched and conversation.flow == flow.hash and moment.now - conversation.started_at < JUST_ASKED


def _opt_out(facts: Facts, customer: Customer, sender: Address, writes: tuple[Write, ...], moment: Moment) -> Outcome:
    """Stop what is under way, remember, and confirm once: who opted out already hears nothing again."""
    stopped: tuple[Write, ...] = ()
    if facts.conversation is not None and facts.flow is not None:
        turn = engine.stop(facts.conversation, moment.now)
        stopped = record(turn, facts.conversation, facts.case, facts.flow, moment)
    if customer.opted_out_at is not None:
        return Outcome(said=Said(kind="opted_out", locale=speaks(customer)), writes=writes + stopped)
    bye = _text(sender, speaks(customer), "reply.opted_out", moment)
    out = OptOut(customer=customer.id, at=moment.now)
    return Outcome(said=Said(kind="opted_out", locale=speaks(customer)), writes=(*writes, *stopped, out, bye))


def _opt_in(customer: Customer, sender: Address, writes: tuple[Write, ...], moment: Moment) -> Outcome:
    hello = _text(sender, speaks(customer), "reply.opted_in", moment)
    back = OptOut(customer=customer.id, at=None)
    return Outcome(said=Said(kind="opted_in", locale=speaks(customer)), writes=(*writes, back, hello))


def _left(facts: Facts, sender: Address, moment: Moment) -> Outcome:
    """Blocked us or is gone: an opt-out. Nothing more is sent there."""
    writes: list[Write] = [SetReachable(address=sender, reachable=False)]
    if facts.customer is not None and facts.customer.opted_out_at is None:
        writes.append(OptOut(customer=facts.customer.id, at=moment.now))
    if facts.conversation is not None and facts.flow is not None:
        turn = replace(engine.stop(facts.conversation, moment.now), prompts=())
        writes += record(turn, facts.conversation, facts.case, facts.flow, moment)
    return Outcome(said=Said(kind="opted_out"), writes=tuple(writes))


def _text(to: Address, locale: str, key: str, moment: Moment) -> Queue:
    """A built-in sentence on its way, with a slot of its own: it is never edited."""
    text = Text(text=say(locale, key, company=moment.settings.company), locale=locale)
    outbound = Outbound(kind="post", to=to, lane=lane_of(to), slot=f"s:{moment.ids()}", content=text)
    return Queue(outbound=outbound, at=moment.now)


# ---- beginning a survey ---------------------------------------------------------------------------------


def begin(
    facts: Facts,
    customer: Customer,
    address: Address,
    flow: PinnedFlow,
    trigger: str,
    writes: tuple[Write, ...],
    moment: Moment,
    *,
    interaction: InteractionId | None = None,
    attributes: Mapping[str, str] | None = None,
    decided: RecordDecision | None = None,
) -> Outcome:
    """Ask the first question of a flow. A survey still waiting there ends first, with its answers kept."""
    conversation = Conversation(
        id=ConversationId(moment.ids()),
        flow=flow.hash,
        customer=customer.id,
        address=address,
        locale=speaks(customer, flow),
        interaction=interaction,
        attributes=attributes or {},
        started_at=moment.now,
        touched_at=moment.now,
    )
    decision = decided or RecordDecision(
        trigger=trigger,
        flow=flow.flow.id,
        address=address,
        customer=customer.id,
        interaction=interaction,
        verdict="asked",
        rule="the customer wanted to",
        inputs={},
        at=moment.now,
    )
    turn = engine.start(conversation, flow.flow)
    if turn.conversation.asked is None:
        decision = replace(decision, verdict="not asked", rule="no question fits")
        return Outcome(said=Said(kind="not_asked", text=decision.rule), writes=(*writes, decision))
    ended: tuple[Write, ...] = ()
    if facts.conversation is not None and facts.flow is not None:
        expired = engine.expire(facts.conversation, moment.now)
        ended = record(expired, facts.conversation, facts.case, facts.flow, moment)
    return Outcome(
        said=Said(kind="asked", locale=conversation.locale),
        writes=(
            *writes,
            *ended,
            *record(turn, None, None, flow, moment),
            RecordShown(customer=customer.id, shown=_shown(flow, moment)),
            PutDue(due=expiry(conversation, moment)),
            replace(decision, conversation=conversation.id),
        ),
        ref=conversation.id,
    )


def _shown(flow: PinnedFlow, moment: Moment) -> Shown:
    rating = flow.flow.score_question()
    return Shown(flow=flow.flow.id, is_nps=rating is not None and rating.scale == "nps", at=moment.now)
