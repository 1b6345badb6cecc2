"""Cards as plain text: every kind of card stays answerable without a button."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.fallback import as_text, ends
from bot.conversations.engine import CHANGE, DECLINE, DONE, NEVER, SKIP
from bot.ids import ConversationId
from bot.messages import Button, Card, Token, format_token


def button(label: str, value: str, *, selected: bool = False) -> Button:
    token = format_token(Token(conversation=ConversationId("0k3f9x2m7q8d4h1z"), turn=3, value=value))
    return Button(label=label, token=token, selected=selected)


def row(*pairs: tuple[str, str]) -> tuple[Button, ...]:
    return tuple(button(label, value) for label, value in pairs)


NUMBERS = tuple(button(str(n), str(n)) for n in range(11))
FACES = row(("😞", "1"), ("😕", "2"), ("😐", "3"), ("🙂", "4"), ("😀", "5"))

DECLINE_IT = row(("Not this time", DECLINE), ("Stop asking me", NEVER))

CARDS = {
    "what says no to the survey is told by its words and counted by no number": (
        Card(text="Why?", buttons=(row(("Price", "price")), row(("Speed", "speed"))), hint="Type", decline=DECLINE_IT),
        "Why?\n\n1. Price\n2. Speed\n\nType\n\nNot now? Write NOT NOW. To get no more questions, write STOP.",
    ),
    "below a scale, in the card's language": (
        Card(text="Ci consiglia?", buttons=(NUMBERS,), decline=DECLINE_IT, locale="it"),
        "Ci consiglia?\n\n0–10\n\nSe ora non può, scriva NON ORA. Per non ricevere più domande, scriva STOP.",
    ),
    "not now is not taught where any word is an answer": (
        Card(text="What happened?", hint="Write a few words.", decline=DECLINE_IT),
        "What happened?\n\nWrite a few words.\n\nTo get no more questions, write STOP.",
    ),
    "nor beside a question that can only be skipped": (
        Card(text="What happened?", buttons=(row(("Skip", SKIP)),), decline=DECLINE_IT),
        "What happened?\n\n“Skip”\n\nTo get no more questions, write STOP.",
    ),
    "words alone": (Card(text="Anything else?"), "Anything else?"),
    "numbers stand for themselves, so only their ends are told": (
        Card(text="Recommend us?", buttons=(NUMBERS,), low="Not likely", high="Very likely"),
        "Recommend us?\n\n0 = Not likely · 10 = Very likely",
    ),
    "numbers in several rows are one scale": (
        Card(text="Recommend us?", buttons=(NUMBERS[:6], NUMBERS[6:]), hint="Reply with a number from 0 to 10."),
        "Recommend us?\n\nReply with a number from 0 to 10.",
    ),
    "numbers without labels and hint still show the range": (
        Card(text="Recommend us?", buttons=(NUMBERS,)),
        "Recommend us?\n\n0–10",
    ),
    "faces are answered by their score": (
        Card(text="How was it?", buttons=(FACES,), low="Bad", high="Good"),
        "How was it?\n\n1 = 😞 (Bad)\n2 = 😕\n3 = 😐\n4 = 🙂\n5 = 😀 (Good)",
    ),
    "stars drawn from the best down keep their scores": (
        Card(text="How was it?", buttons=(row(("★★★", "3")), row(("★★", "2")), row(("★", "1")))),
        "How was it?\n\n1 = ★\n2 = ★★\n3 = ★★★",
    ),
    "thumbs count from where their scale begins": (
        Card(text="Solved?", buttons=(row(("👍", "1"), ("👎", "0")),)),
        "Solved?\n\n0 = 👎\n1 = 👍",
    ),
    "a scale that may be skipped is skipped by that word": (
        Card(text="How was it?", buttons=(FACES[:2], row(("Skip", SKIP)))),
        "How was it?\n\n1 = 😞\n2 = 😕\n\n“Skip”",
    ),
    "numbers typed at a multiple choice need no Done": (
        Card(text="Why?", buttons=(row(("Price", "price")), row(("Speed", "speed")), row(("Done", DONE)))),
        "Why?\n\n1. Price\n2. Speed",
    ),
    "options whose ids are numbers but no scale are counted": (
        Card(text="Which year?", buttons=(row(("2023", "2023"), ("2025", "2025")),)),
        "Which year?\n\n1. 2023\n2. 2025",
    ),
    "a scale's ends without a scale are still told": (Card(text="How?", low="bad", high="good"), "How?\n\nbad – good"),
    "options are counted from 1, across rows": (
        Card(
            text="Why?",
            buttons=(row(("Price", "price")), row(("Speed", "speed"), ("Else", "else"))),
            hint="Tap or type",
        ),
        "Why?\n\n1. Price\n2. Speed\n3. Else\n\nTap or type",
    ),
    "ticked boxes show": (
        Card(text="Why?", buttons=((button("Price", "price", selected=True), button("Speed", "speed")),)),
        "Why?\n\n1. Price ✓\n2. Speed",
    ),
    "an answered card shows its choice and offers nothing": (
        Card(text="Recommend us?", buttons=(row(("Change", CHANGE)),), chosen="8"),
        "Recommend us?\n\n✓ 8",
    ),
    "buttons of another maker are options": (
        Card(text="Which?", buttons=((Button(label="One", token="x"), Button(label="Two", token="")),)),
        "Which?\n\n1. One\n2. Two",
    ),
}


@pytest.mark.parametrize(("card", "text"), CARDS.values(), ids=CARDS)
def test_a_card_in_words(card: Card, text: str) -> None:
    assert as_text(card) == text


ENDS = {
    "numbers": (Card(text="?", buttons=(NUMBERS,), low="no", high="yes"), "0 = no · 10 = yes"),
    "faces": (Card(text="?", buttons=(FACES,), low="bad", high="good"), "😞 = bad · 😀 = good"),
    "one end only": (Card(text="?", buttons=(FACES,), high="good"), "😀 = good"),
    "no buttons": (Card(text="?", low="bad", high="good"), "bad – good"),
    "no labels": (Card(text="?", buttons=(FACES,)), ""),
}


@pytest.mark.parametrize(("card", "line"), ENDS.values(), ids=ENDS)
def test_the_ends_of_a_scale(card: Card, line: str) -> None:
    assert ends(card) == line


words = st.text(min_size=1, max_size=12)
buttons = st.builds(Button, label=words, token=words | st.integers(0, 12).map(lambda n: f"1.c.1.{n}"))


@given(st.builds(Card, text=words, buttons=st.lists(st.lists(buttons, max_size=4).map(tuple), max_size=4).map(tuple)))
def test_no_button_is_ever_lost(card: Card) -> None:
    text = as_text(card)
    labels = {button.label for row in card.buttons for button in row}
    plain_scale = "\n" not in text.removeprefix(card.text).strip("\n")
    assert text.startswith(card.text)
    assert plain_scale or all(label in text for label in labels)
