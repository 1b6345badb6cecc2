"""Names become one visible line wherever they enter, and customers' words stay as they are."""

import pytest

from bot.channels.names import LONGEST_NAME, shown_name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        pytest.param("Anna Nowak", "Anna Nowak", id="a name"),
        pytest.param("Nguyễn Thị Mai", "Nguyễn Thị Mai", id="with diacritics"),
        pytest.param("Mai\u0302\u0301", "Mai\u0302\u0301", id="with combining marks"),
        pytest.param("محمد", "محمد", id="from right to left"),
        pytest.param("😀", "😀", id="a face"),
        pytest.param("<b>*Anna*</b> & co", "<b>*Anna*</b> & co", id="markup is for the channel to escape"),
        pytest.param("Anna\r\nScore: 5\u2028Agent: Eve\x85!", "Anna Score: 5 Agent: Eve !", id="line breaks"),
        pytest.param("\tAnna \u00a0\u3000 Nowak ", "Anna Nowak", id="white space"),
        pytest.param("An\x00na\x07 \x1b[31mred\x9b", "Anna [31mred", id="controls"),
        pytest.param("\u202eannA\u202c \u2066x\u2069 \u200e\u200f\u061cy", "annA x y", id="directions"),
        pytest.param("A\u200bn\u200cn\u200da\u2060\ufeff", "Anna", id="zero width"),
        pytest.param("A\ud800\U000e0041n\u00adna", "Anna", id="half a pair, a tag, a soft hyphen"),
        pytest.param("x" * 80, "x" * 80, id="the longest"),
        pytest.param("x" * 81, "x" * 79 + "…", id="too long"),
        pytest.param("x" * 78 + " yyyy", "x" * 78 + "…", id="cut at a space"),
        pytest.param("x" * 80 + "\u200b" * 1_000_000, "x" * 80, id="invisible at its end"),
        pytest.param("", None, id="empty"),
        pytest.param(None, None, id="none"),
        pytest.param(" \n\t ", None, id="blank"),
        pytest.param("\u200b\u202e\u2066", None, id="only invisible"),
        pytest.param("\u3164\u115f\u2800 \uffa0\ufe0f", None, id="only fillers"),
    ],
)
def test_name_is_one_visible_line(name: str | None, shown: str | None) -> None:
    assert shown_name(name) == shown


def test_shown_name_stays_as_it_is() -> None:
    for name in ("Anna\n" * 50, "a" * LONGEST_NAME, "\u202eMai\t\u200bTran"):
        once = shown_name(name)
        assert once is not None
        assert len(once) <= LONGEST_NAME
        assert shown_name(once) == once
