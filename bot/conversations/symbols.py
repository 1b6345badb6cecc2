"""Stars, faces and thumbs: which score they give, and whether they speak for or against one."""

import re
from dataclasses import dataclass

from bot.conversations.plain_text import INVISIBLE
from bot.conversations.questions import Rating
from bot.scoring.scales import Scale

_FULL, _EMPTY = "⭐★🌟", "☆"
_STARS = re.compile(f"([{_FULL}]+)({_EMPTY}*)")
#: how the faces map onto 1-5; no face stands for two scores
_FACES = {
    "😡": 1, "🤬": 1, "😠": 1, "😞": 1, "😢": 1, "😭": 1,
    "😕": 2, "🙁": 2, "☹": 2,
    "😐": 3, "😶": 3,
    "🙂": 4, "😊": 4,
    "😀": 5, "😃": 5, "😄": 5, "😁": 5, "😍": 5, "🤩": 5,
}  # fmt: skip
_THUMBS = {"👍": 1, "👎": 0}
_GLAD = frozenset("❤♥💕💖💙💚💛🧡💜😘🥰👏🎉💯✨🔥👌💪🌹🌸😇😎🤗☺✅✔")
_CROSS = frozenset("💔🤮🤢💩😤🖕😒😩😫🙄😣😖😑☠💀❌")
#: Pictures that people put beside a score for their looks. Not among them is what makes something else of a number:
#: money, clocks, calendars, boxes, arrows, signs of arithmetic, question marks.
_PICTURES = (
    "\u2600-\u267f\u2686-\u26ff\u2705\u2714\u2728\u2763\u2764\u274c\u2b50"
    "\U0001f300-\U0001f4a9\U0001f4aa-\U0001f4af\U0001f525\U0001f54a\U0001f595"
    "\U0001f5a4\U0001f600-\U0001f64f\U0001f680\U0001f90d-\U0001f9ff\U0001fa70-\U0001faff"
)
_BEHIND = re.compile(rf"(?:[{_PICTURES}{INVISIBLE}]|\s)+")
#: faces made of punctuation, behind an answer
_TYPED_FACE = re.compile(
    r"\s*(?:(?P<smile>[:=]-?\)+)|(?P<frown>[:=]-?\(+)|(?P<glad>[:;=]-?[)\]d]+|\^_?\^|<3+|xd+)|(?P<cross>[:=]-?'?[(\[]+))$",
    re.IGNORECASE,
)
_DRAWN = {"smile": "🙂", "frown": "🙁", "glad": "❤", "cross": "💔"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Framed:
    """A text between the pictures that stand at its ends.

    ``lead`` and ``tail`` hold pictures only; ``lead`` has all of them where there is no other text.
    """

    lead: str
    text: str
    tail: str


def framed(text: str) -> Framed:
    """Take a text of any length, without white space at its ends, out of its pictures; linear."""
    if text.isascii():
        return _typed_face(Framed(lead="", text=text, tail=""))
    begun = _BEHIND.match(text)
    start = begun.end() if begun else 0
    ended = _BEHIND.match(text[start:][::-1])
    end = len(text) - (ended.end() if ended else 0)
    return _typed_face(Framed(lead=_seen(text[:start]), text=text[start:end], tail=_seen(text[end:])))


def _typed_face(found: Framed) -> Framed:
    face = _TYPED_FACE.search(found.text[-8:]) if found.text[-1:] in ")]D([^3dD" else None
    if face is None or len(found.text) < 2:
        return found
    text = found.text[: len(found.text) - len(face[0])].rstrip()
    return Framed(lead=found.lead, text=text, tail=found.tail + _DRAWN[face.lastgroup or ""])


def _seen(run: str) -> str:
    return re.sub(rf"[\s{INVISIBLE}]", "", run)


def score_of(run: str, rating: Rating, scale: Scale) -> int | None:
    """The one score that a run of pictures gives; None where it gives none, or where two of them disagree.

    Hearts and the like beside it say nothing, unless they say the opposite.
    """
    known = "".join(each for each in run if _kind(each))
    kinds = {_kind(each) for each in known}
    score: int | None = None
    if kinds == {"star"}:
        score = _of_stars(known, rating, scale)
    elif kinds == {"thumb"} and rating.scale == "thumbs":
        score = _alike({_THUMBS[each] for each in known})
    elif kinds == {"face"} and rating.scale == "csat5":
        score = _alike({_FACES[each] for each in known})
    return score if score is not None and agrees(score, run, scale) else None


def _kind(picture: str) -> str:
    if picture in _FULL or picture in _EMPTY:
        return "star"
    return "face" if picture in _FACES else "thumb" if picture in _THUMBS else ""


def _alike(scores: set[int]) -> int | None:
    return scores.pop() if len(scores) == 1 else None


def _of_stars(run: str, rating: Rating, scale: Scale) -> int | None:
    stars = _STARS.fullmatch(run)
    if stars is None or scale.low != 1:
        return None
    full, empty = len(stars[1]), len(stars[2])
    score = full if full + empty == scale.high or (counts_stars(rating) and not empty) else None
    return score if score is not None and score in scale else None


def counts_stars(rating: Rating) -> bool:
    """Whether a number of stars alone is a score.

    Five stars are full marks to most people, so on a longer scale they count only where we speak of stars.
    """
    return rating.scale == "csat5" or (rating.look == "stars" and rating.scale != "thumbs")


def stars_in(run: str) -> int:
    """How many full stars a run of pictures has."""
    return sum(each in _FULL for each in run)


def leaning(score: int, scale: Scale) -> int:
    """On which side of the scale's middle a score lies: -1, 0 or 1."""
    twice = 2 * score - scale.low - scale.high
    return (twice > 0) - (twice < 0)


def agrees(score: int, run: str, scale: Scale) -> bool:
    """Whether no picture says the opposite of a score."""
    side = leaning(score, scale)
    return all(side * _mood(each) >= 0 for each in run)


def _mood(picture: str) -> int:
    if picture in _FACES:
        return (_FACES[picture] > 3) - (_FACES[picture] < 3)
    if picture in _THUMBS:
        return 1 if _THUMBS[picture] else -1
    return (picture in _GLAD) - (picture in _CROSS)
