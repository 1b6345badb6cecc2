"""64 KB of anything is read at once, as an answer or as none: nobody can stop the service with one message.

No time is asserted. An alarm ends the whole table where one text of it would hang.
"""

import signal
from collections.abc import Iterator
from types import FrameType

import pytest

from bot.conversations.named_options import read_options
from bot.conversations.questions import Choices, Option, Rating
from bot.conversations.router import route
from bot.conversations.typed import Rated, is_word, read_rating
from bot.languages import locales, pack
from tests.conversations.test_typed_answers import LOOKS, MIXES, rating

SIZE = 65_536
#: for the whole of one test, where a quadratic reader needs minutes for one text
SECONDS = 20

#: repeated up to SIZE, behind each of the heads
PIECES = {
    "newlines": "\n",
    "carriage returns": "\r\n",
    "line separators": "\u2028",
    "spaces": " ",
    "tabs": "\t",
    "spaces of all kinds": "\u00a0\u3000\u2003 ",
    "dashes": "-",
    "dashes with spaces": " - ",
    "long dashes": " — ",
    "stars": "⭐",
    "empty stars": "☆",
    "digits": "1",
    "digits on lines": "1\n",
    "digits after spaces": " 1",
    "items": "\n2. x",
    "digits of another script": "٣",
    "quotation marks": "“",
    "apostrophes": "'",
    "full stops": ".",
    "commas": ",",
    "commas with spaces": ", ",
    "exclamation marks with spaces": "! ",
    "slashes": "/",
    "slashes with spaces": " / ",
    "out of": " out of ",
    "accents": "\u0301",
    "accents in the wrong order": "\u0301\u0323",
    "one letter with accents": "a\u0301\u0323\u0316",
    "a letter that becomes eighteen": "\ufdfa",
    "Korean letters": "\u1100\u1161\u11a8",
    "variation selectors": "\ufe0f",
    "skin tones": "\U0001f3fb",
    "zero-width joiners": "\u200d",
    "right to left": "\u202e",
    "half a pair": "\ud83d",
    "zero bytes": "\x00",
    "words": "x ",
    "letters": "x",
    "faces": "😀",
}
HEADS = ("", "5", "5, ", "5\n", "5 - ", "hi", "a,", "1. ")
HOSTILE = {
    f"{label} after {head!r}": body + tail
    for label, piece in PIECES.items()
    for head in HEADS
    for body in [head + piece * ((SIZE - len(head)) // len(piece))]
    for tail in ("", "1")
} | {"accents sorted backwards": "\u0301" * (SIZE // 2) + "\u0323" * (SIZE // 2)}


def _hung(signal: int, frame: FrameType | None) -> None:
    raise AssertionError(f"not read within {SECONDS} s")


@pytest.fixture
def alarm() -> Iterator[None]:
    before = signal.signal(signal.SIGALRM, _hung)
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


#: a language of each way of writing
WRITTEN = ("en", "vi", "ar", "ja")
RATINGS = [
    (rating(scale, look), locale)
    for scale, locale in MIXES
    if locale in WRITTEN
    for look in LOOKS.get(scale, ("numbers",))
]
#: one score amid white space
ALONE = {
    f"{label} after ''"
    for label in ("newlines", "carriage returns", "line separators", "spaces", "tabs", "spaces of all kinds")
}
#: what may honestly be read: a score with a comment, or a score amid white space
HEADED = ("5, ", "5\n", "5 - ", "5")


@pytest.mark.parametrize(("question", "locale"), RATINGS, ids=lambda each: each if isinstance(each, str) else "")
@pytest.mark.usefixtures("alarm")
def test_64_kb_are_read_as_a_rating_or_none(question: Rating, locale: str) -> None:
    read = {label: read_rating(text, question, pack(locale)) for label, text in HOSTILE.items()}
    headed = {label for label, text in HOSTILE.items() if text.startswith(HEADED)}
    assert {label for label, rated in read.items() if rated is not None and rated.score == 5} <= headed
    assert {label for label, rated in read.items() if rated is not None and rated.score != 5} <= ALONE


@pytest.mark.usefixtures("alarm")
def test_64_kb_name_no_option() -> None:
    options = tuple(Option(id=f"o{n}", text={"en": f"Option {n}, or so"}) for n in range(12))
    question = Choices(id="q", text={"en": "?"}, options=options)
    for label, text in HOSTILE.items():
        read = read_options(text, question, "en", "en")
        assert read is None or text.strip().isdigit(), label


@pytest.mark.parametrize("locale", locales())
@pytest.mark.usefixtures("alarm")
def test_64_kb_are_no_command(locale: str) -> None:
    for text in HOSTILE.values():
        assert not is_word(text, pack(locale).commands["stop"])
        assert route(text, locale, None, None, case=None, opted_out=True) == "nobody"


@pytest.mark.usefixtures("alarm")
def test_a_score_far_from_its_end_is_read_amid_white_space() -> None:
    question = rating("csat5")
    padded = read_rating("\n" * (SIZE // 2) + "5" + " " * (SIZE // 2), question, pack("en"))
    assert padded == Rated(score=5)
