"""What a customer typed, read as an answer: strictly, the same on every channel.

A number inside a sentence is no rating ("my order 5 is late"); a number off the scale is refused, never clipped.
"""

import re
import unicodedata

import msgspec

from bot.conversations.questions import Choice, Choices, Rating, in_locale, scale_of
from bot.languages import Pack
from bot.scoring.scales import Scale

_STARS = re.compile(r"([⭐★🌟]+)(☆*)")
#: how the faces map onto 1-5; no face stands for two scores
_FACES = {
    "😡": 1, "🤬": 1, "😠": 1, "😞": 1, "😢": 1, "😭": 1,
    "😕": 2, "🙁": 2, "☹": 2,
    "😐": 3, "😶": 3,
    "🙂": 4, "😊": 4,
    "😀": 5, "😃": 5, "😄": 5, "😁": 5, "😍": 5, "🤩": 5,
}  # fmt: skip
_THUMBS = {"👍": 1, "👎": 0}
#: variation selectors, the keycap's frame and skin tones say nothing about the score
_DECORATION = re.compile("[\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff]")
_WHOLE = re.compile(r"[0-9]{1,2}")
_COMMENTED = re.compile(r"(.{1,40}?)(?:\s*[,;:.!]\s+|\s+[-–—]+\s+|\s*\n\s*)(?!\W*\d)(\S.*)", re.DOTALL)
#: a longer text is no bare score, and not worth looking at closely
_LONGEST = 60
_QUOTES = "\"'“”„«»‘’`"


class Rated(msgspec.Struct, frozen=True, kw_only=True):
    """A score, and the comment that stood in the same message ("2, too slow")."""

    score: int
    comment: str = ""


def _plain(text: str) -> str:
    return _DECORATION.sub("", unicodedata.normalize("NFKC", text)).strip()


def _bare(text: str) -> str:
    """A text without the quotation marks and the closing punctuation that people put around an answer."""
    return _plain(text).lstrip(_QUOTES).rstrip(f"{_QUOTES}!. ").strip()


def read_rating(text: str, rating: Rating, pack: Pack) -> Rated | None:
    """The score that a text gives on a rating's scale, or None where it is not clearly one.

    Accepts "5", "5!", "5/5", "8 out of 10", stars, faces, thumbs, number words of the language, and each of
    these followed by a comma, a dash, a colon or a line break and a comment.
    """
    scale = scale_of(rating)
    whole = _score(text, rating, scale, pack)
    if whole is not None:
        return Rated(score=whole)
    head, comment = _split(text)
    score = _score(head, rating, scale, pack)
    if score is None or _score(comment, rating, scale, pack) not in (None, score):
        # "two, three" gives two scores, and choosing one of them would be a guess
        return None
    return Rated(score=score, comment=comment)


def _split(text: str) -> tuple[str, str]:
    """A leading answer and the comment behind it, in the customer's own spelling: "2, too slow" -> ("2", "too slow").

    What follows the separator must not begin with a number: "3, 7" and "5 - 10" are no answers with a comment.
    """
    found = _COMMENTED.match(text.strip())
    return (found[1], found[2]) if found else ("", "")


def _score(text: str, rating: Rating, scale: Scale, pack: Pack) -> int | None:
    if len(text) > _LONGEST:
        return None
    bare = _bare(text)
    if not bare:
        return None
    number = _symbol(bare, rating, scale)
    if number is None:
        number = _number(bare, scale, pack)
    if number is None and rating.scale == "thumbs":
        folded = bare.casefold()
        number = 1 if folded in pack.yes else 0 if folded in pack.no else None
    return number if number is not None and number in scale else None


def _symbol(text: str, rating: Rating, scale: Scale) -> int | None:
    squeezed = "".join(text.split())
    if rating.scale == "thumbs":
        return _THUMBS.get(squeezed)
    if rating.scale == "csat5" and squeezed in _FACES:
        return _FACES[squeezed]
    stars = _STARS.fullmatch(squeezed)
    if stars is None or scale.low != 1:
        return None
    full, empty = len(stars[1]), len(stars[2])
    # Five stars are full marks to most people, so on a longer scale they count only where we speak of stars.
    of_five = rating.scale == "csat5" or rating.look == "stars"
    return full if full + empty == scale.high or (of_five and not empty) else None


def _number(text: str, scale: Scale, pack: Pack) -> int | None:
    """A whole number or number word, alone or as "<n> out of <the scale's end>"."""
    alone = _whole(text, pack)
    if alone is not None:
        return alone
    for words in pack.out_of:
        separator = re.escape(words) if words == "/" else rf"(?<=\s){re.escape(words)}(?=\s)"
        parts = re.split(rf"\s*{separator}\s*", text, flags=re.IGNORECASE)
        if len(parts) == 2:
            score, end = _whole(parts[0].strip(), pack), _whole(parts[1].strip(), pack)
            if score is not None and end == scale.high:
                return score
    return None


def _whole(text: str, pack: Pack) -> int | None:
    if _WHOLE.fullmatch(text):
        return int(text)
    return pack.number_words.get(text.casefold())


def read_options(text: str, question: Choice | Choices, locale: str, fallback: str) -> tuple[str, ...] | None:
    """The option ids that a text names, by number from 1 or by label, in the question's order.

    One for a single choice; for a multiple choice "1, 3" or labels with commas. None where any part names nothing.
    """
    names = _names(question, locale, fallback)
    whole = names.get(_bare(text).casefold())
    if whole:
        return (whole,)
    if isinstance(question, Choice):
        return None
    parts = [bare for part in re.split(r"[,;\n]|\s+(?=\d)", _plain(text)) if (bare := _bare(part))]
    found = {names.get(part.casefold()) for part in parts}
    if not found or not all(found):
        return None
    return tuple(option.id for option in question.options if option.id in found)


def _names(question: Choice | Choices, locale: str, fallback: str) -> dict[str, str]:
    """What an option may be called -> its id; "" for a name of two options, as the label "2" beside the number 2."""
    names: dict[str, str] = {}
    for number, option in enumerate(question.options, start=1):
        for name in (str(number), _bare(in_locale(option.text, locale, fallback)).casefold()):
            names[name] = option.id if names.get(name, option.id) == option.id else ""
    return names


def is_word(text: str, words: tuple[str, ...]) -> bool:
    """Whether the whole text is one of the words, whatever its case, quotation marks and closing punctuation.

    >>> is_word("“STOP” !", ("stop",)), is_word("please stop", ("stop",))
    (True, False)
    """
    return len(text) <= _LONGEST and _bare(text).casefold() in words
