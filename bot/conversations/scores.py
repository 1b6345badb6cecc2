"""A short text that is, as a whole, one score: a number, a way to put one, an opinion, stars, a face."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from bot.conversations.phrasebook import EndFrame, Phrasebook, without_courtesies
from bot.conversations.plain_text import LONGEST, bare, folded, key, spaceless
from bot.conversations.questions import Rating
from bot.conversations.symbols import agrees, counts_stars, framed, leaning, score_of, stars_in
from bot.scoring.scales import Scale

#: how a score was put: a bare number, one in a phrase, words that are a point of the scale, a yes or no, a picture
Kind = Literal["number", "phrase", "opinion", "answer", "picture"]
#: what stands for a digit without being one on the line: powers, indices, fractions
_RAISED = ("<super>", "<sub>", "<fraction>")
_COLON = re.compile(r"(?<=[^\W\d])\s*[:=]\s*")
#: "⭐x4"
_TIMES = re.compile(r"[x×✕*]\s*(?=\d$)")
#: "I'd give it | 4 out of 5 | stars"
_DEEPEST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """A score on the scale that was asked, and how it was put."""

    score: int
    kind: Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a text is read for: one rating in one language."""

    rating: Rating
    scale: Scale
    book: Phrasebook


@dataclass(frozen=True, slots=True, kw_only=True)
class _Number:
    value: int
    #: said together with the scale's end
    of_end: bool = False
    stars: bool = False
    framed: bool = False


def meaning_of(text: str, asked: Asked) -> Meaning | None:
    """The score that a text is, with any pictures and courtesies around it; None where it is none or two."""
    text = text.strip()
    if not text or len(text) > LONGEST:
        return None
    found = framed(text)
    if not bare(found.text):
        score = score_of(found.lead + found.tail, asked.rating, asked.scale)
        return None if score is None else Meaning(score=score, kind="picture")
    if not found.text.isascii() and any(unicodedata.decomposition(each).startswith(_RAISED) for each in found.text):
        return None
    pictures = found.lead + found.tail
    if stars_in(found.lead) == 1 and not found.tail and (times := _TIMES.match(found.text)):
        return _in_words(found.text[times.end() :], asked, stars=True)
    meaning = _in_words(found.text, asked, stars=stars_in(pictures) == 1 and stars_in(found.tail) == 1)
    if meaning is None or not agrees(meaning.score, pictures, asked.scale):
        return None
    return meaning if _same_stars(stars_in(pictures), meaning, asked) else None


def _same_stars(stars: int, meaning: Meaning, asked: Asked) -> bool:
    """Whether stars beside a score are as many, the one behind its number, or full marks for the best; or none."""
    if stars in (0, meaning.score):
        return True
    if stars == 1 and meaning.kind == "phrase":
        return True
    return stars == 5 and meaning.score == asked.scale.high


def _in_words(text: str, asked: Asked, *, stars: bool) -> Meaning | None:
    """A text without pictures; with ``stars``, one star stands behind it, which makes a number of stars of a number."""
    keyed = key(text)
    if stars:
        number = _number_of(keyed, asked.book)
        return None if number is None else _on_scale(_Number(value=number, stars=True, framed=True), asked)
    meaning = _exactly(keyed, asked)
    if meaning is not None:
        return meaning
    courteous = without_courtesies(keyed, asked.book)
    if courteous in ("", keyed):
        return None
    meaning = _exactly(courteous, asked)
    if meaning is not None and meaning.kind == "answer" and (meaning.score == 0 or courteous in asked.book.courtesies):
        # "No, cheers" says no to being asked, and "ok, thanks" only that the message was read.
        return None
    return meaning


def _exactly(keyed: str, asked: Asked) -> Meaning | None:
    """A key that is a score as it stands."""
    number = _number_of(keyed, asked.book)
    if number is not None:
        return _on_scale(_Number(value=number), asked)
    point = _point(keyed, asked)
    if point is None and " " in keyed:
        point = _point(_once(keyed, asked.book), asked)
    if point is not None:
        return Meaning(score=point, kind="opinion")
    if asked.rating.scale == "thumbs" and (keyed in asked.book.yes or keyed in asked.book.no):
        return Meaning(score=int(keyed in asked.book.yes), kind="answer")
    if not _holds_number(keyed, asked.book):
        return None
    put = _put(keyed, asked, _DEEPEST)
    if put is None and (":" in keyed or "=" in keyed):
        put = _put(_COLON.sub(" ", keyed), asked, _DEEPEST)
    return None if put is None else _on_scale(put, asked)


def _once(keyed: str, book: Phrasebook) -> str:
    """A key with each word of degree said once: "very very good" -> "very good"."""
    words = keyed.split(" ")
    said = [word for at, word in enumerate(words) if not at or word != words[at - 1] or word not in book.very]
    return " ".join(said)


def _holds_number(keyed: str, book: Phrasebook) -> bool:
    """Whether a key may have a number in it: most of what people write is told from a score by this."""
    if any(map(str.isdecimal, keyed)) or spaceless(keyed):
        return True
    return not book.number_starts.isdisjoint(re.split(r"[\s/:]", keyed))


def _on_scale(number: _Number, asked: Asked) -> Meaning | None:
    if number.value not in asked.scale:
        return None
    if number.stars and not number.of_end and not counts_stars(asked.rating):
        return None
    if number.framed and not number.of_end and asked.rating.scale == "thumbs":
        # "I'd give you 1" and "1 point" are a bad mark to everybody who does not think of thumbs.
        return None
    return Meaning(score=number.value, kind="phrase" if number.framed else "number")


def number_of(text: str, book: Phrasebook) -> int | None:
    """The whole number of a text in digits of any one script or in a word; None for more than two digits."""
    return _number_of(key(text), book)


def _number_of(keyed: str, book: Phrasebook) -> int | None:
    if keyed.isdecimal():
        return int(keyed) if len(keyed) <= 2 and _one_script(keyed) else None
    return book.numbers.get(keyed)


def _one_script(digits: str) -> bool:
    return digits.isascii() or len({ord(each) - unicodedata.decimal(each) for each in digits}) == 1


def _put(keyed: str, asked: Asked, depth: int) -> _Number | None:
    """A number or a number word in one of the language's ways to put a score, and these in one another."""
    if depth < _DEEPEST:
        number = _number_of(keyed, asked.book)
        if number is not None:
            return _Number(value=number)
    if depth == 0:
        return None
    plain = folded(keyed)
    for end_frame in asked.book.end_frames:
        value = _of_end(keyed, plain, end_frame, asked)
        if value is not None:
            return _Number(value=value, of_end=True, framed=True)
    for frame in asked.book.frames:
        if plain.startswith(frame.before) and plain.endswith(frame.behind):
            inner = keyed[len(frame.before) : len(keyed) - len(frame.behind)]
            found = _put(inner, asked, depth - 1) if inner and inner == inner.strip() else None
            if found is not None:
                return _Number(value=found.value, of_end=found.of_end, stars=found.stars or frame.stars, framed=True)
    return None


def _of_end(keyed: str, plain: str, frame: EndFrame, asked: Asked) -> int | None:
    """The score of "4 out of 5" where 5 is the scale's end."""
    if not (plain.startswith(frame.before) and plain.endswith(frame.behind)):
        return None
    start, stop = len(frame.before), len(keyed) - len(frame.behind)
    at = plain.find(frame.between, start, max(start, stop))
    if at < 0:
        return None
    first, second = keyed[start:at].strip(), keyed[at + len(frame.between) : stop].strip()
    score, end = (first, second) if frame.score_first else (second, first)
    return _number_of(score, asked.book) if _number_of(end, asked.book) == asked.scale.high else None


def _point(keyed: str, asked: Asked) -> int | None:
    """The point of the scale that words are: as the question's own ends are named, else as the language has it."""
    own = _own_ends(tuple(asked.rating.low.values()), tuple(asked.rating.high.values()))
    plain = folded(keyed) if " " in keyed else keyed
    ends = {"low": asked.scale.low, "high": asked.scale.high}
    for each in (keyed, plain):
        if each in own:
            return ends[own[each]]
    points = asked.book.points[asked.rating.scale]
    sides = ((points[each], ends[end]) for each, end in own.items() if each in points)
    if any(leaning(point, asked.scale) * leaning(end, asked.scale) < 0 for point, end in sides):
        # The author's scale runs the other way: what the language says of it is wrong here.
        return None
    labels = asked.book.labels[asked.rating.scale] if not own or asked.rating.scale == "csat5" else {}
    return next((found[each] for found in (labels, points) for each in (keyed, plain) if each in found), None)


@lru_cache(maxsize=256)
def _own_ends(lows: tuple[str, ...], highs: tuple[str, ...]) -> Mapping[str, Literal["low", "high"]]:
    """The texts beside a scale's ends, in all the languages of their question; one that is at both is neither."""
    low, high = _label_keys(lows), _label_keys(highs)
    named: dict[str, Literal["low", "high"]] = dict.fromkeys(low - high, "low")
    return named | dict.fromkeys(high - low, "high")


def _label_keys(texts: tuple[str, ...]) -> set[str]:
    keyed = {key(text[:LONGEST]) for text in texts if bare(text[:LONGEST])}
    return keyed | {folded(each) for each in keyed if " " in each}
