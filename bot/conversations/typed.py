"""What a customer typed, read as an answer: strictly, the same on every channel.

A number inside a sentence is no rating ("my order 5 is late"); a number off the scale is refused, never clipped.
Anybody may write anything of any length, so every text is cut before it is normalized (which takes time by the square
of its length) or matched, and what is looked at whole is walked through once.
"""

import re
import unicodedata
from collections.abc import Collection

import msgspec

from bot.conversations.questions import Choice, Choices, Rating, in_locale, scale_of
from bot.languages import Pack, no_thanks_words, numbers_heard, stop_words
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
#: a longer text is no bare score and no command, and what stands behind that many characters is a comment
_LONGEST = 60
#: a longer text is no list of options
_LONGEST_LIST = 1_000
_QUOTES = "\"'“”„«»‘’`"
_DIGITS = "0123456789"
_DASHES = "-–—"
_BREAKS = "\n\r\v\f\x85\u2028\u2029"


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

    Accepts "5", "5!", "5/5", "8 out of 10", stars, faces, thumbs, number words, and each of these followed by a
    comma, a colon, a semicolon, an exclamation mark, a dash or a line break and a comment. Refuses what may as well
    be a list ("1. late", "1 - late" above "2 - rude") or an amount ("5 - minutes of waiting").
    """
    text, scale = text.strip(), scale_of(rating)
    if _says_no(_spoken(text)):
        return None
    whole = _score(text, rating, scale, pack)
    if whole is not None:
        return Rated(score=whole)
    head, comment = _split(text)
    score = _score(head, rating, scale, pack)
    if score is None or _is_amount(head, comment, pack) or _is_list(comment):
        return None
    if _bare(head).casefold() in pack.no and _refuses(comment, pack):
        # "No, not now" says no to being asked
        return None
    if _score(comment, rating, scale, pack) not in (None, score):
        # "two, three" gives two scores, and choosing one of them would be a guess
        return None
    return Rated(score=score, comment=comment)


def says_no_thanks(text: str) -> bool:
    """Whether the whole text is a "no thanks" of any language, whatever stands between its words.

    >>> says_no_thanks("No, thank you!"), says_no_thanks("Nie – dziękuję :)"), says_no_thanks("no, thanks to Ann")
    (True, True, False)
    """
    return len(text.strip()) <= _LONGEST and _spoken(text) in no_thanks_words()


def _says_no(spoken: str) -> bool:
    """Whether a text begins with a "no thanks"; what stands behind that makes no score of it."""
    words = spoken.split()
    return any(" ".join(words[:count]) in no_thanks_words() for count in range(1, len(words) + 1))


def _refuses(comment: str, pack: Pack) -> bool:
    """Whether what stands behind a "no" refuses the question."""
    return any(is_word(comment, words) for words in (pack.commands["not_now"], stop_words()))


def _spoken(text: str) -> str:
    """The words that a text begins with and nothing between them: "No, thank you!" -> "no thank you"."""
    plain = _bare(text.strip()[:_LONGEST]).casefold().replace("’", "'")
    return " ".join("".join(each if each.isalnum() or each == "'" else " " for each in plain).split())


def _split(text: str) -> tuple[str, str]:
    """A leading answer and the comment behind it, in the customer's own spelling: "2, too slow" -> ("2", "too slow").

    What follows the separator must not begin with a number: "3, 7" and "5 - 10" are no answers with a comment.
    """
    front = text[:_LONGEST]
    for at in range(1, len(front)):
        if front[at] == "." and _bare(front[:at]).isdecimal():
            # "1. late" may as well be the first item of a list
            return "", ""
        end = _separator_ends(front, at)
        if end:
            comment = text[end:].lstrip()
            first = next((character for character in comment if character.isalnum()), "")
            return ("", "") if first.isdecimal() else (front[:at], comment)
    return "", ""


def _separator_ends(front: str, at: int) -> int:
    """Where a separator that begins at ``at`` ends; 0 where none begins there."""
    mark, follows = front[at], front[at + 1 : at + 2]
    if mark in _BREAKS:
        return at + 1
    if mark in ",;:!.":
        return at + 1 if follows.isspace() else 0
    if mark == "—":
        return at + 1
    if mark in _DASHES and front[at - 1].isspace():
        end = len(front) - len(front[at:].lstrip(_DASHES))
        return end if front[end : end + 1].isspace() else 0
    return 0


def _is_amount(head: str, comment: str, pack: Pack) -> bool:
    """Whether a bare number and the word behind it count something: minutes, days, euros."""
    words = _plain(comment[:_LONGEST]).casefold().split()
    return bool(words) and words[0].rstrip(".,;:!?)") in pack.units and _whole(_bare(head), pack) is not None


def _is_list(comment: str) -> bool:
    """Whether a later line begins as the next item of a list does: "2. nobody called", "2 - rude", a bare "2"."""
    return any(_is_item(line.strip()) for line in comment.splitlines()[1:])


def _is_item(line: str) -> bool:
    behind = line.lstrip(_DIGITS)
    if len(line) - len(behind) not in (1, 2):
        return False
    behind = behind.lstrip()
    return not behind or (behind[0] in ".):,;-–—" and not behind[1:2].isdigit())


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
    spaced = " ".join(text.casefold().split())
    for words in pack.out_of:
        before, found, after = spaced.partition(words if words == "/" else f" {words} ")
        if found and _whole(after.strip(), pack) == scale.high:
            return _whole(before.strip(), pack)
    return None


def _whole(text: str, pack: Pack) -> int | None:
    if text.isascii() and text.isdigit():
        return int(text) if len(text) <= 2 else None
    return numbers_heard(pack.locale).get(text.casefold())


def read_options(text: str, question: Choice | Choices, locale: str, fallback: str) -> tuple[str, ...] | None:
    """The option ids that a text names, by number from 1 or by label, in the question's order.

    One for a single choice; for a multiple choice "1, 3" or labels with commas. None where any part names nothing.
    """
    text = text.strip()
    if len(text) > _LONGEST_LIST:
        return None
    names = _names(question, locale, fallback)
    whole = names.get(_bare(text).casefold())
    if whole:
        return (whole,)
    if isinstance(question, Choice):
        return None
    parts = [bare for part in _parts(_plain(text)) if (bare := _bare(part))]
    found = {names.get(part.casefold()) for part in parts}
    if not found or not all(found):
        return None
    return tuple(option.id for option in question.options if option.id in found)


def _parts(text: str) -> list[str]:
    """A list's parts: between commas, semicolons and line breaks, and from each number on that follows a space."""
    parts: list[str] = []
    for part in text.replace(";", ",").replace("\n", ",").split(","):
        words: list[str] = []
        for word in part.split():
            if word[0].isdecimal() and words:
                parts.append(" ".join(words))
                words = []
            words.append(word)
        parts.append(" ".join(words))
    return parts


def _names(question: Choice | Choices, locale: str, fallback: str) -> dict[str, str]:
    """What an option may be called -> its id; "" for a name of two options, as the label "2" beside the number 2."""
    names: dict[str, str] = {}
    for number, option in enumerate(question.options, start=1):
        for name in (str(number), _bare(in_locale(option.text, locale, fallback)).casefold()):
            names[name] = option.id if names.get(name, option.id) == option.id else ""
    return names


def is_word(text: str, words: Collection[str]) -> bool:
    """Whether the whole text is one of the words, whatever its case, quotation marks and closing punctuation.

    >>> is_word("“STOP” !", ("stop",)), is_word("please stop", ("stop",))
    (True, False)
    """
    text = text.strip()
    # phones write another apostrophe than the packs
    return len(text) <= _LONGEST and _bare(text).casefold().replace("’", "'") in words
