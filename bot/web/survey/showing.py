"""What a survey page shows: the lines of its chat log as they are now, or the question that would come first. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from bot.conversations import engine
from bot.conversations.conversation import Conversation
from bot.conversations.flow import PinnedFlow
from bot.conversations.prompts import Wording, word
from bot.conversations.questions import Rating
from bot.conversations.steering import SPEAK
from bot.ids import ConversationId, CustomerId
from bot.languages.voice import Voice
from bot.messages import Address, Button, Card, Link, Text, Token, parse_token
from bot.ports import ChatLine

#: in tokens of a conversation that has not begun
NOT_BEGUN = ConversationId("new")


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One answer to press or to tick; ``name`` says in words what a face or a thumb stands for."""

    token: str
    value: str
    label: str
    name: str = ""
    ticked: bool = False


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One thing on the page.

    *said*: words, ours or the customer's. *answered*: a question with the answer that counts. *passed*: a question that
    nobody waits for. *one*, *several*, *words*: a question that waits for one press, for ticks, or for words.
    """

    kind: Literal["said", "answered", "passed", "one", "several", "words"]
    text: str
    #: stands before the question, in smaller letters
    intro: str = ""
    by_customer: bool = False
    locale: str = "en"
    chosen: str = ""
    change: str = ""
    choices: tuple[Choice, ...] = ()
    #: the answer that a link brought along
    picked: Choice | None = None
    skip: str = ""
    low: str = ""
    high: str = ""
    decline: tuple[Button, ...] = ()
    #: pages to open, below what is said
    links: tuple[Link, ...] = ()
    #: whether the question is a row of faces or thumbs
    faces: bool = False


def latest(lines: Iterable[ChatLine]) -> tuple[ChatLine, ...]:
    """Each message as it is now, where it first stood; the time is that of its last change."""
    slots: dict[str, ChatLine] = {}
    for line in lines:
        slots[line.slot] = line
    return tuple(slots.values())


def shown(
    lines: Iterable[ChatLine], flow: PinnedFlow | None, picked: str, now: datetime, correction: timedelta
) -> tuple[Shown, ...]:
    """The lines of a page; ``picked`` is the value that its address brings along."""
    found = []
    now_there = latest(lines)
    # words of their own end every correction: what they explain must not change under them
    explained = any(line.author == "customer" for line in now_there)
    for line in now_there:
        match line.content:
            case Text(text=text, locale=locale, links=links):
                by_customer = line.author == "customer"
                found.append(Shown(kind="said", text=text, by_customer=by_customer, locale=locale, links=links))
            case Card() as card:
                drawn = card_shown(card, line.slot, flow, picked)
                if explained or now - line.at > correction:
                    drawn = msgspec.structs.replace(drawn, change="")
                found.append(drawn)
                # what an e-mail offers are answers to its first question
                picked = ""
            case _:
                continue
    return tuple(_one_at_a_time(found))


def _one_at_a_time(found: list[Shown]) -> Iterable[Shown]:
    """While an answer is being corrected, words would be taken for that: the field for words waits until it is done."""
    pressed = any(each.kind in ("one", "several") for each in found)
    for each in found:
        yield msgspec.structs.replace(each, kind="passed") if pressed and each.kind == "words" else each


def first_question(conversation: Conversation, flow: PinnedFlow, company: str, picked: str) -> Shown | None:
    """The question that a new conversation would begin with; None: none of the flow's questions fits."""
    turn = engine.start(conversation, flow.flow)
    if turn.conversation.asked is None:
        return None
    outbound = word(turn.prompts[0], turn.conversation, flow.flow, Wording(company=company))
    card = outbound.content
    return card_shown(card, outbound.slot, flow, picked) if isinstance(card, Card) else None


def not_begun(
    flow: PinnedFlow, address: Address, locale: str, attributes: Mapping[str, str], now: datetime
) -> Conversation:
    """What a conversation would be like that begins now."""
    return Conversation(
        id=NOT_BEGUN,
        flow=flow.hash,
        customer=CustomerId(""),
        address=address,
        locale=locale,
        attributes=attributes,
        started_at=now,
        touched_at=now,
    )


def waits(shown: Iterable[Shown]) -> bool:
    """Whether the page asks something."""
    return any(each.kind in ("one", "several", "words") for each in shown)


def has_begun(shown: Iterable[Shown]) -> bool:
    """Whether there is anything to come back to: a survey that nobody answered in time may begin again."""
    return any(each.kind != "passed" for each in shown)


def _rating_of(slot: str, flow: PinnedFlow | None) -> Rating | None:
    question = None if flow is None else flow.flow.question(slot.rpartition(":")[2])
    return question if isinstance(question, Rating) else None


def card_shown(card: Card, slot: str, flow: PinnedFlow | None, picked: str = "") -> Shown:
    """A question as it is now; ``slot`` is that of its message."""
    rating, voice = _rating_of(slot, flow), flow.flow.voice(card.locale) if flow else Voice(card.locale)
    intro, _, text = card.text.rpartition("\n\n")
    valued = [(button, value_of(button.token)) for row in card.buttons for button in row]
    controls = {value: button.token for button, value in valued if _is_control(value)}
    drawn = Shown(kind="passed", text=text, intro=intro, locale=card.locale, decline=card.decline)
    if card.chosen is not None:
        change = controls.get(engine.CHANGE, "")
        return msgspec.structs.replace(drawn, kind="answered", chosen=card.chosen, change=change)
    answers = tuple(_choice(button, value, rating, voice) for button, value in valued if not _is_control(value))
    if not answers and not controls and not card.typing:
        return drawn
    ticks = bool(answers) and all(each.value[:1] in (engine.TICK, engine.UNTICK) for each in answers)
    return msgspec.structs.replace(
        drawn,
        kind="several" if ticks else "one" if answers else "words",
        choices=answers,
        picked=next((each for each in answers if picked and each.value == picked), None),
        skip=controls.get(engine.SKIP, ""),
        low=card.low,
        high=card.high,
        faces=rating is not None and (rating.look == "emoji" or rating.scale == "thumbs"),
    )


def _is_control(value: str) -> bool:
    """Whether a button is none of the answers; a language is one, to the question which."""
    return value.startswith("~") and not value.startswith(SPEAK)


def _choice(button: Button, value: str, rating: Rating | None, voice: Voice) -> Choice:
    named = rating is not None and rating.scale in ("csat5", "thumbs")
    return Choice(
        token=button.token,
        value=value,
        label=button.label,
        name=voice.say(f"scale.{rating.scale}.{value}") if rating is not None and named else "",
        ticked=button.selected,
    )


def value_of(token: str) -> str:
    """What a button stands for; of one that is no answer to a survey, the button itself."""
    parsed = parse_token(token)
    return parsed.value if isinstance(parsed, Token) else token
