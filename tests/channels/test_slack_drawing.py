"""What we send to Slack: native where it can be, whole where it fits, and nobody's words as markup."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.channels.slack.drawing import Drawn, draw
from bot.ids import CaseId
from bot.messages import Alert, Button, Card, Fact, Quote, Text
from bot.sandbox.slack_blocks import problems

NOW = datetime(2026, 9, 21, 12, tzinfo=UTC)

HOSTILE = {
    "mentions, tags and markup": "<!channel> & <b>*x*</b> _y_ ~z~ `code` <http://a|b> <@U0ANNA> &lt;!here&gt;",
    "a quotation's end": "> one\n>>> two\n```\nthree",
    "right to left": "\u202eשלום <!here> مرحبا\u202c",
    "emoji": "😡 :rage: 👩‍👩‍👧 :+1:",
    "a link": "https://evil.example/?a=1&b=2",
}


def button(label: str, value: str = "1", *, selected: bool = False) -> Button:
    return Button(label=label, token=f"1.0k3f9x2m7q8d4h1z.3.{value}", selected=selected)


def alert(**more: Any) -> Alert:
    given = {
        "case": CaseId("0k3f9x2m7q8d4h1z"),
        "summary": "Lan gave 2 of 10",
        "facts": (Fact(label="Agent", text="Minh"), Fact(label="Order", text="17")),
        "quotes": (Quote(text="too slow", at=NOW),),
        "history": ("Case opened", "Anna claimed the case"),
        "buttons": (Button(label="Claim", token="c1.0k3f9x2m7q8d4h1z.claim"),),
    }
    return Alert(**{**given, **more})


def readable(drawn: Drawn) -> list[str]:
    """The texts that Slack shows, in order, by Slack's rules: only ``mrkdwn`` is parsed, and there is none."""
    shown: list[str] = []

    def look(part: Any) -> None:
        match part:
            case {"type": "mrkdwn"}:
                raise AssertionError(f"Slack would parse {part}")
            case {"type": "plain_text" | "text", "text": str(text)}:
                shown.append(text)
            case dict():
                for value in part.values():
                    look(value)
            case list() | tuple():
                for value in part:
                    look(value)

    look(drawn.blocks)
    return shown


def notification(text: str) -> str:
    """What a notification says of a ``text`` field: angles are markup and entities are characters."""
    assert not re.search(r"<[^>]*>", text)
    assert not re.search(r"&(?!amp;|lt;|gt;)", text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def types(drawn: Drawn) -> list[str]:
    return [block["type"] for block in drawn.blocks]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_words_arrive_as_the_same_plain_text(name: str) -> None:
    words = HOSTILE[name]
    said = draw(Text(text=words))
    assert readable(said) == [words]
    assert notification(said.text) == words
    told = draw(alert(summary=words, facts=(Fact(label="Who", text=words),), quotes=(Quote(text=words, at=NOW),)))
    assert readable(told)[:3] == [words, f"Who: {words}", words]
    assert notification(told.text) == words
    asked = draw(Card(text=words, buttons=((button("1"),),), hint=words))
    assert readable(asked)[:2] == [words, words]
    assert words in notification(asked.text)


def test_unshowable_characters_are_left_out() -> None:
    assert readable(draw(Text(text="a\0b\ud800c\x1bd\te\n"))) == ["abcd\te\n"]
    assert readable(draw(Text(text="\0"))) == ["…"]


def test_a_quotation_is_a_quotation() -> None:
    (quote,) = [block for block in draw(alert()).blocks if block["type"] == "rich_text"]
    assert quote["elements"] == [{"type": "rich_text_quote", "elements": [{"type": "text", "text": "too slow"}]}]


SIXTY_FOUR_KB = "é😀<&>" * 13_000

LONG = {
    "a text": Text(text=SIXTY_FOUR_KB),
    "a question": Card(
        text=SIXTY_FOUR_KB,
        buttons=tuple(tuple(button("&" * 200) for _ in range(60)) for _ in range(60)),
        hint=SIXTY_FOUR_KB,
        low=SIXTY_FOUR_KB,
        high=SIXTY_FOUR_KB,
    ),
    "an answered question": Card(text=SIXTY_FOUR_KB, chosen=SIXTY_FOUR_KB, buttons=((button("Change"),),)),
    "an alert": alert(
        summary=SIXTY_FOUR_KB,
        facts=tuple(Fact(label="x", text=SIXTY_FOUR_KB) for _ in range(30)),
        quotes=tuple(Quote(text=SIXTY_FOUR_KB, at=NOW) for _ in range(90)),
        history=tuple(SIXTY_FOUR_KB for _ in range(200)),
        buttons=tuple(button(SIXTY_FOUR_KB) for _ in range(60)),
    ),
    "nothing": Text(text=""),
    "a question of nothing": Card(text="", buttons=((button(""),), ()), hint=" ", low="\0"),
    "an alert of nothing": alert(summary="", facts=(), quotes=(), history=(), buttons=()),
}


@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize("room", [9_000, 1_500])
def test_whatever_is_too_long_or_empty_is_drawn_within_slacks_limits(name: str, room: int) -> None:
    drawn = draw(LONG[name], room)  # type: ignore[arg-type]
    assert problems([dict(block) for block in drawn.blocks], 50) == []
    assert 0 < len(drawn.text) <= 3_000
    notification(drawn.text)


def test_a_text_is_whole_as_long_as_there_is_room() -> None:
    words = " ".join(str(number) for number in range(1_700))
    assert 6_000 < len(words) < 9_000
    assert "".join(readable(draw(Text(text=words)))) == words


def test_a_long_quotation_ends_in_an_ellipsis() -> None:
    (quote,) = [text for text in readable(draw(alert(quotes=(Quote(text="x" * 2_000, at=NOW),)))) if "xx" in text]
    assert quote == "x" * 1_499 + "…"


def test_the_newest_quotations_and_lines_are_kept() -> None:
    many = alert(
        quotes=tuple(Quote(text=f"quote {n}", at=NOW) for n in range(20)),
        history=tuple(f"line {n}" for n in range(20)),
    )
    texts = readable(draw(many))
    assert [text for text in texts if text.startswith("quote")] == [f"quote {n}" for n in range(15, 20)]
    assert "\n".join(f"line {n}" for n in range(10, 20)) in texts


def test_a_scale_is_a_row_of_buttons_under_its_question() -> None:
    row = tuple(button(str(n), str(n)) for n in range(11))
    drawn = draw(
        Card(text="Recommend us?", buttons=(row, (button("Skip", "~skip"),)), low="No", high="Yes", hint="0-10")
    )
    assert types(drawn) == ["section", "context", "actions", "actions"]
    scale, skip = drawn.blocks[2]["elements"], drawn.blocks[3]["elements"]
    assert [element["text"]["text"] for element in scale] == [str(n) for n in range(11)]
    assert [element["value"] for element in scale] == [one.token for one in row]
    assert len({element["action_id"] for element in (*scale, *skip)}) == 12
    assert readable(drawn)[1:3] == ["0 = No · 10 = Yes", "0-10"]


def test_a_long_row_is_broken_where_slack_ends_it() -> None:
    drawn = draw(Card(text="Which?", buttons=(tuple(button(str(n), str(n)) for n in range(30)),)))
    assert [len(block["elements"]) for block in drawn.blocks if block["type"] == "actions"] == [25, 5]


def test_a_ticked_box_shows() -> None:
    drawn = draw(Card(text="Which?", buttons=((button("Price", selected=True), button("Speed", "2")),)))
    price, speed = drawn.blocks[1]["elements"]
    assert (price["text"]["text"], price["style"]) == ("✓ Price", "primary")
    assert (speed["text"]["text"], "style" in speed) == ("Speed", False)


def test_an_answered_question_shows_the_choice_and_only_change() -> None:
    drawn = draw(Card(text="How was it?", chosen="4", buttons=((button("Change", "change"),),), low="Bad", hint="tap"))
    assert readable(drawn) == ["How was it?", "✓ 4", "Change"]
    assert types(draw(Card(text="How was it?", chosen="4"))) == ["section", "section"]


def test_the_fallback_of_a_question_can_be_answered_by_typing() -> None:
    drawn = draw(Card(text="Why?", buttons=((button("Price <here>", "price"),), (button("Speed", "speed"),))))
    assert notification(drawn.text) == "Why?\n\n1. Price <here>\n2. Speed"


def test_an_alert_has_its_parts_in_order_and_loses_its_buttons_when_closed() -> None:
    assert types(draw(alert())) == ["header", "section", "rich_text", "context", "actions"]
    closed = draw(alert(closed=True))
    assert types(closed) == ["section", "section", "rich_text", "context"]
    assert readable(closed)[0] == "Lan gave 2 of 10"
