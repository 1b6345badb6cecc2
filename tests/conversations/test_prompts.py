"""What customers read: texts with their variables filled in, cards, labels."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from bot.conversations import engine
from bot.conversations.answers import Answer, Chosen, Scored, Skipped, Value, Worded
from bot.conversations.conversation import Conversation
from bot.conversations.events import Ask, Tap, Thank, Typed
from bot.conversations.flow import Flow, Thanks
from bot.conversations.prompts import Wording, answer_label, fill, score_label, word
from bot.conversations.questions import Choices, Look, OpenText, Option, Question, Rating, ScaleName, in_locale
from bot.conversations.rules import Rules
from bot.ids import ConversationId, CustomerId, FlowHash, WordsId
from bot.messages import Address, Card, ChannelName, Text

AT = datetime(2026, 3, 2, tzinfo=UTC)

# label: text, variables, what is read
FILLED: dict[str, tuple[str, dict[str, str], str]] = {
    "a value": ("How was {agent}?", {"agent": "Minh"}, "How was Minh?"),
    "no value, no words instead": ("How was {agent}?", {}, "How was ?"),
    "words instead of a value": ("How was {agent|our team}?", {}, "How was our team?"),
    "a value rather than the words": ("How was {agent|our team}?", {"agent": "Minh"}, "How was Minh?"),
    "an empty value counts as none": ("How was {agent|our team}?", {"agent": ""}, "How was our team?"),
    "empty words": ("Hello{name|}!", {}, "Hello!"),
    "a value that looks like a variable": ("{agent} {order}", {"agent": "{order}", "order": "7"}, "{order} 7"),
    "a value with words instead": ("{agent}", {"agent": "{x|y}"}, "{x|y}"),
    "a value with a backslash": ("{agent}", {"agent": r"\1 \g<0>"}, r"\1 \g<0>"),
    "a value with markup": ("{agent}", {"agent": "<b>&*_`"}, "<b>&*_`"),
    "a variable twice": ("{a}{a}", {"a": "x"}, "xx"),
    "braces that are none": ("{} {9} {A} {a b}", {}, "{} {9} {A} {a b}"),
    "nothing to fill": ("100 % {", {}, "100 % {"),
}


@pytest.mark.parametrize(("text", "variables", "expected"), FILLED.values(), ids=FILLED)
def test_fill(text: str, variables: dict[str, str], expected: str) -> None:
    assert fill(text, variables, "en") == expected


# label: the text's language, the text, what is read; the agent is Minh, the order A7, the score 4/5
ISOLATED: dict[str, tuple[str, str, str]] = {
    "a name in a line from the right": ("ar", "كيف كان {agent}؟", "كيف كان \u2068Minh\u2069؟"),
    "a score": ("ar", "{score}!", "\u20684/5\u2069!"),
    "a name in a line from the left": ("en", "How was {agent}?", "How was Minh?"),
    "an Arabic name there": ("en", "How was {customer}?", "How was \u2068منى\u2069?"),
    "words of the author's own": ("ar", "{nobody|فريقنا}", "فريقنا"),
    "a part of a link": ("ar", "هنا: https://lotus.example/{order} شكرًا", "هنا: https://lotus.example/A7 شكرًا"),
    "what follows a link": ("ar", "https://lotus.example {order}", "https://lotus.example \u2068A7\u2069"),
}


@pytest.mark.parametrize(("locale", "text", "expected"), ISOLATED.values(), ids=ISOLATED)
def test_a_value_does_not_change_the_order_of_the_words_around_it(locale: str, text: str, expected: str) -> None:
    assert fill(text, {"agent": "Minh", "order": "A7", "score": "4/5", "customer": "منى"}, locale) == expected


IN_LOCALE: dict[str, tuple[dict[str, str], str, str]] = {
    "the same tag": ({"pt-BR": "Oi", "pt": "Olá", "en": "Hi"}, "pt-BR", "Oi"),
    "the base language": ({"pt": "Olá", "en": "Hi"}, "pt-BR", "Olá"),
    "the flow's own": ({"en": "Hi", "vi": "Chào"}, "it", "Hi"),
    "whatever there is": ({"vi": "Chào"}, "it", "Chào"),
    "nothing": ({}, "it", ""),
}


@pytest.mark.parametrize(("texts", "locale", "expected"), IN_LOCALE.values(), ids=IN_LOCALE)
def test_in_locale(texts: dict[str, str], locale: str, expected: str) -> None:
    assert in_locale(texts, locale, "en") == expected


LABELS: dict[str, tuple[ScaleName, Look, int, str]] = {
    "NPS": ("nps", "numbers", 9, "9/10"),
    "the worst NPS": ("nps", "numbers", 0, "0/10"),
    "a face": ("csat5", "emoji", 1, "😞 1/5"),
    "the best face": ("csat5", "emoji", 5, "😀 5/5"),
    "stars": ("csat5", "stars", 3, "★★★☆☆"),
    "many stars": ("csat10", "stars", 8, "8/10 ★"),
    "ten points": ("csat10", "numbers", 8, "8/10"),
    "effort": ("ces7", "numbers", 7, "7/7"),
    "thumb up": ("thumbs", "numbers", 1, "👍"),
    "thumb down": ("thumbs", "emoji", 0, "👎"),
}


@pytest.mark.parametrize(("scale", "look", "score", "expected"), LABELS.values(), ids=LABELS)
def test_score_label(scale: ScaleName, look: Look, score: int, expected: str) -> None:
    assert score_label(Rating(id="r", text={}, scale=scale, look=look), score) == expected


REASONS = Choices(
    id="why",
    text={"en": "Why?"},
    options=(Option(id="slow", text={"en": "Slow", "vi": "Chậm"}), Option(id="rude", text={"en": "Rude"})),
)
ANSWERS: dict[str, tuple[Question, Value, str, str]] = {
    "options": (REASONS, Chosen(options=("slow", "rude")), "en", "Slow, Rude"),
    "options in another language, as far as they are": (REASONS, Chosen(options=("slow", "rude")), "vi", "Chậm, Rude"),
    "an option that is gone": (REASONS, Chosen(options=("gone",)), "en", "gone"),
    "skipped": (REASONS, Skipped(), "vi", "Đã bỏ qua"),
    "words": (OpenText(id="t", text={}), Worded(words=WordsId("w")), "en", ""),
    "a score": (Rating(id="r", text={}, scale="ces7"), Scored(score=2), "en", "2/7"),
}


@pytest.mark.parametrize(("question", "value", "locale", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_answer_label(question: Question, value: Value, locale: str, expected: str) -> None:
    flow = Flow(id="f", title={}, locales=("en", "vi"), questions=(question,))
    assert answer_label(question, Answer(value=value, turn=1, at=AT), flow, locale) == expected


THANKS = Thanks(
    good={"en": "Glad, {agent|we} say"}, middling={"en": "Noted"}, poor={"en": "Sorry"}, otherwise={"en": "Thanks"}
)

THANKED: dict[str, tuple[ScaleName, int | None, Thanks, str]] = {
    "a promoter": ("nps", 9, THANKS, "Glad, Minh say"),
    "a passive": ("nps", 8, THANKS, "Noted"),
    "a detractor": ("nps", 6, THANKS, "Sorry"),
    "satisfied": ("csat5", 4, THANKS, "Glad, Minh say"),
    "neutral": ("csat5", 3, THANKS, "Noted"),
    "dissatisfied": ("csat5", 2, THANKS, "Sorry"),
    "thumb up": ("thumbs", 1, THANKS, "Glad, Minh say"),
    "thumb down": ("thumbs", 0, THANKS, "Sorry"),
    "skipped": ("nps", None, THANKS, "Thanks"),
    "no special text": ("nps", 9, Thanks(otherwise={"en": "Thanks"}), "Thanks"),
    "no text at all": ("nps", 9, Thanks(), "Thank you for your time!"),
}


def conversation(flow: Flow) -> Conversation:
    return Conversation(
        id=ConversationId("0k3f9x2m7q8d4h1z"),
        flow=FlowHash("f"),
        customer=CustomerId("k"),
        address=Address(channel=ChannelName("web"), key="s1"),
        locale="en",
        attributes={"agent": "Minh"},
        started_at=AT,
        touched_at=AT,
    )


@pytest.mark.parametrize(("scale", "score", "thanks", "expected"), THANKED.values(), ids=THANKED)
def test_thanks(scale: ScaleName, score: int | None, thanks: Thanks, expected: str) -> None:
    rating = Rating(id="r", text={"en": "?"}, scale=scale, optional=True)
    flow = Flow(id="f", title={"en": "F"}, locales=("en",), questions=(rating,), thanks=thanks)
    asked = engine.start(conversation(flow), flow).conversation
    tap = Tap(turn=1, value=engine.SKIP if score is None else str(score))
    turn = engine.receive(asked, flow, tap, at=AT, rules=Rules())
    assert turn.prompts[-1] == Thank()
    message = word(Thank(), turn.conversation, flow, Wording(company="Lotus"))
    assert message.content == Text(text=expected)


def test_the_intro_stands_above_the_first_question_only() -> None:
    first, second = (Rating(id=id, text={"en": f"{id}, {{company}}?"}, scale="nps") for id in ("one", "two"))
    flow = Flow(id="f", title={"en": "F"}, locales=("en",), questions=(first, second), intro={"en": "Hi {agent}"})
    wording = Wording(company="Lotus")
    begun = engine.start(conversation(flow), flow)
    assert begun.prompts == (Ask(question="one", first=True),)
    opening = word(begun.prompts[0], begun.conversation, flow, wording).content
    assert isinstance(opening, Card)
    assert opening.text == "Hi Minh\n\none, Lotus?"
    turn = engine.receive(begun.conversation, flow, Tap(turn=1, value="9"), at=AT, rules=Rules())
    next_card = word(turn.prompts[-1], turn.conversation, flow, wording).content
    assert isinstance(next_card, Card)
    assert next_card.text == "two, Lotus?"


def test_a_question_that_the_flow_does_not_have_is_an_error() -> None:
    flow = Flow(id="f", title={}, locales=("en",), questions=())
    with pytest.raises(KeyError, match="flow f has no question gone"):
        word(Ask(question="gone"), conversation(flow), flow, Wording())


def refusable(flow: Flow) -> Conversation:
    return replace(conversation(flow), invited=True)


def test_the_settings_may_leave_out_what_says_no() -> None:
    flow = Flow(
        id="f", title={"en": "F"}, locales=("en",), questions=(Rating(id="one", text={"en": "?"}, scale="nps"),)
    )
    begun = engine.start(refusable(flow), flow)
    drawn = [
        word(begun.prompts[0], begun.conversation, flow, Wording(decline=decline)).content for decline in (True, False)
    ]
    labels = [[button.label for button in card.decline] for card in drawn if isinstance(card, Card)]
    assert labels == [["Not this time", "Stop asking me"], []]


def test_nothing_says_no_below_a_question_that_was_answered_in_words() -> None:
    """Its message has buttons only while it can be refused, so the answer must take them away."""
    questions = (OpenText(id="what", text={"en": "What happened?"}), Rating(id="one", text={"en": "?"}, scale="nps"))
    flow = Flow(id="f", title={"en": "F"}, locales=("en",), questions=questions)
    begun = engine.start(refusable(flow), flow).conversation
    said = Typed(text="It took long", words=WordsId("w"))
    turn = engine.receive(begun, flow, said, at=AT, rules=Rules())
    cards = {
        message.slot: message for message in (word(each, turn.conversation, flow, Wording()) for each in turn.prompts)
    }
    assert [(each.kind, each.content.decline) for each in cards.values() if isinstance(each.content, Card)] == [
        ("edit", ()),
        ("post", ()),
    ]


def test_a_reminder_has_no_greeting_and_the_same_buttons() -> None:
    rating = Rating(id="one", text={"en": "How was it?"}, scale="nps")
    flow = Flow(id="f", title={"en": "F"}, locales=("en",), questions=(rating,), intro={"en": "Hi {agent}"})
    begun = engine.start(refusable(flow), flow)
    reminded = engine.remind(begun.conversation, AT)
    first, old, new = (
        word(prompt, turn.conversation, flow, Wording())
        for turn, prompt in ((begun, begun.prompts[0]), *((reminded, prompt) for prompt in reminded.prompts))
    )
    assert (old.kind, new.kind, old.slot, new.slot) == ("edit", "post", first.slot, first.slot)
    assert isinstance(first.content, Card)
    assert old.content == Card(text="How was it?", locale="en", typing=False)
    text = "A short reminder: we would still like to hear from you. It takes only a moment.\n\nHow was it?"
    assert new.content == replace(first.content, text=text)
