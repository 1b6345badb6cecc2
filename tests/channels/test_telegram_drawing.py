"""How texts and cards look in Telegram: rows of buttons, ends of scales, what is cut."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.telegram.drawing import TEXT_LENGTH, cut, draw, utf16_length, wrapped
from bot.errors import SendFailed
from bot.ids import CaseId, IncidentId
from bot.messages import Alert, AlertOf, Button, Card, Content, IncidentOf, Remark, Text


def row(*labels: str) -> tuple[Button, ...]:
    return tuple(Button(label=label, token=f"1.0k3f9x2m7q8d4h1z.3.{n}") for n, label in enumerate(labels))


NPS = row(*(str(n) for n in range(11)))
FACES = row("😞", "😕", "😐", "🙂", "😀")

ROWS = {
    "0 to 10 as 6 and 5": (NPS, [6, 5]),
    "1 to 10 as two fives": (NPS[1:], [5, 5]),
    "1 to 7 in one row": (NPS[1:8], [7]),
    "eight in one row": (NPS[:8], [8]),
    "faces in one row": (FACES, [5]),
    "stars with numbers in one row": (row("1 ★", "2 ★", "3 ★", "4 ★", "5 ★"), [5]),
    "thumbs side by side": (row("👎", "👍"), [2]),
    "long options below each other": (row("The delivery took too long", "The price was too high"), [1, 1]),
    "words of middling length": (row("Delivery", "Price", "Courtesy"), [3]),
    "no button": ((), []),
}


@pytest.mark.parametrize(("buttons", "lengths"), ROWS.values(), ids=ROWS)
def test_a_row_fits_a_phone(buttons: tuple[Button, ...], lengths: list[int]) -> None:
    rows = wrapped(buttons)
    assert [len(one) for one in rows] == lengths
    assert tuple(button for one in rows for button in one) == buttons


TEXTS = {
    "words": (Text(text="*Not* <b>markup</b> & [so](on)"), "*Not* <b>markup</b> & [so](on)"),
    "a scale with its ends": (
        Card(text="How likely?", buttons=(NPS,), low="Not likely", high="Very likely", hint="Tap a number."),
        "How likely?\n\n0 = Not likely · 10 = Very likely",
    ),
    "buttons need no hint": (Card(text="Why?", buttons=(row("Price"),), hint="Tap one."), "Why?"),
    "a question without buttons shows how to answer": (Card(text="Why?", hint="Write."), "Why?\n\nWrite."),
    "an answered card shows its choice": (
        Card(text="How likely?", chosen="9/10", low="Not likely", high="Very likely", hint="Tap."),
        "How likely?\n\n✓ 9/10",
    ),
}


@pytest.mark.parametrize(("content", "text"), TEXTS.values(), ids=TEXTS)
def test_the_text_of_a_message(content: Text | Card, text: str) -> None:
    fields = draw(content)
    assert fields["text"] == text
    assert fields.keys() <= {"text", "reply_markup"}


def test_buttons_carry_their_tokens_and_ticks() -> None:
    card = Card(
        text="Why?", buttons=((Button(label="Price", token="a", selected=True),), (Button(label="Ok", token="b"),))
    )
    assert draw(card)["reply_markup"] == {
        "inline_keyboard": [
            [{"text": "✓ Price", "callback_data": "a"}],
            [{"text": "Ok", "callback_data": "b"}],
        ]
    }


def test_an_answered_card_keeps_its_change_button() -> None:
    fields = draw(Card(text="How likely?", chosen="9/10", buttons=(row("Change"),)))
    assert [[button["text"] for button in one] for one in fields["reply_markup"]["inline_keyboard"]] == [["Change"]]


NO = (Button(label="Not this time", token="no"), Button(label="Stop asking me", token="never"))
REFUSALS = {
    # label: a card, the rows of its keyboard, and its text
    "side by side below the answers": (
        Card(text="How was it?", buttons=(FACES,), hint="Tap.", decline=NO),
        [["😞", "😕", "😐", "🙂", "😀"], ["Not this time", "Stop asking me"]],
        "How was it?",
    ),
    "one below the other where they are long": (
        Card(text="Jak było?", buttons=(FACES,), decline=row("Nie tym razem", "Proszę więcej nie pytać")),
        [["😞", "😕", "😐", "🙂", "😀"], ["Nie tym razem"], ["Proszę więcej nie pytać"]],
        "Jak było?",
    ),
    "a question that is answered in words still says so": (
        Card(text="What happened?", hint="Write a few words.", decline=NO),
        [["Not this time", "Stop asking me"]],
        "What happened?\n\nWrite a few words.",
    ),
}


@pytest.mark.parametrize(("card", "rows", "text"), REFUSALS.values(), ids=REFUSALS)
def test_what_says_no_to_a_survey_stands_last(card: Card, rows: list[list[str]], text: str) -> None:
    fields = draw(card)
    assert [[button["text"] for button in one] for one in fields["reply_markup"]["inline_keyboard"]] == rows
    assert fields["text"] == text


def test_a_card_without_buttons_has_no_keyboard() -> None:
    assert "reply_markup" not in draw(Card(text="Done", buttons=((),)))


CUTS = {
    "short": ("abc", 3, "abc"),
    "plain": ("abcdef", 4, "abc…"),
    "emoji count twice": ("👍👍👍", 6, "👍👍👍"),
    "no half emoji": ("👍👍👍", 4, "👍…"),
    "after a whole emoji": ("👍👍👍", 5, "👍👍…"),
    "nul": ("a\0b", 9, "ab"),
    "lone surrogate": ("a\ud800é", 9, "a\ufffdé"),
}


@pytest.mark.parametrize(("text", "length", "result"), CUTS.values(), ids=CUTS)
def test_cutting(text: str, length: int, result: str) -> None:
    assert cut(text, length) == result


any_text = st.text(alphabet=st.characters(exclude_categories=[]), max_size=40)


@given(any_text, st.integers(2, 30))
def test_what_is_cut_fits_and_can_be_sent(text: str, length: int) -> None:
    result = cut(text, length)
    assert utf16_length(result) <= length
    assert "\0" not in result
    orjson.dumps(result)


@given(any_text, any_text, st.integers(1, 3000))
def test_the_choice_survives_however_long_the_question(text: str, chosen: str, times: int) -> None:
    drawn: str = draw(Card(text="Why? " + text * times, chosen="9" + chosen))["text"]
    assert utf16_length(drawn) <= TEXT_LENGTH
    assert drawn.endswith(cut(f"\n\n✓ 9{chosen}", TEXT_LENGTH))


def test_a_long_choice_leaves_room_for_the_question() -> None:
    drawn: str = draw(Card(text="Why?", chosen="x" * 5000))["text"]
    assert drawn.startswith("Why?\n\n✓ xxx")
    assert utf16_length(drawn) <= TEXT_LENGTH


@pytest.mark.parametrize(
    "content",
    [
        AlertOf(case=CaseId("c")),
        Alert(case=CaseId("c"), summary="", facts=(), quotes=(), history=(), buttons=()),
        IncidentOf(incident=IncidentId("i")),
        Remark(text="Nobody has spoken with Lan", author="Anna"),
    ],
)
def test_what_is_the_desks_is_refused_for_good(content: Content) -> None:
    with pytest.raises(SendFailed) as refused:
        draw(content)
    assert not refused.value.retryable
    assert not refused.value.recipient_gone
