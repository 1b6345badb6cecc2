"""What a rating's number means: the scales that questions use, their bands, and strict reading of one score."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_MISSING = frozenset({"", "NA"})
# Nine digits hold every scale in use and keep a hostile "999..." from becoming a big-integer conversion.
_WHOLE = re.compile(r"(-?[0-9]{1,9})(?:\.0+)?", re.ASCII)


class ScoreError(ValueError):
    """A score, count or scale that cannot be what it claims; retrying with the same value never helps."""


class Band(StrEnum):
    """How a score is read: the NPS words for the 0-10 scale, the satisfaction words for every other scale."""

    PROMOTER = "promoter"
    PASSIVE = "passive"
    DETRACTOR = "detractor"
    SATISFIED = "satisfied"
    NEUTRAL = "neutral"
    DISSATISFIED = "dissatisfied"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The whole numbers a rating may take and which of them are good or bad; stored with the flow version.

    Scores in neither set are neutral. With `high_is_good` False ("1 = very easy") the positive set is at the low end.
    Raises ScoreError when the sets overlap, leave the scale, or lie at the wrong end.

    >>> Scale(low=1, high=5, positive=frozenset({4, 5}), negative=frozenset({1, 2})) == CSAT_1_5
    True
    """

    #: lowest and highest score, both inclusive
    low: int
    high: int
    positive: frozenset[int]
    negative: frozenset[int]
    high_is_good: bool = True

    def __post_init__(self) -> None:
        if self.low >= self.high:
            raise ScoreError(f"a scale runs upwards, not from {self.low} to {self.high}")
        if not self.positive:
            raise ScoreError("a scale needs at least one positive score")
        for score in sorted(self.positive | self.negative):
            if score not in self:
                raise ScoreError(f"{score} is banded but not on the scale {self.low}-{self.high}")
        self._check_ends()

    def _check_ends(self) -> None:
        # Wrong ends are the usual mistake with effort wording, and they turn every figure upside down.
        if not self.negative:
            return
        ordered = (
            max(self.negative) < min(self.positive) if self.high_is_good else max(self.positive) < min(self.negative)
        )
        if not ordered:
            end = "above" if self.high_is_good else "below"
            raise ScoreError(f"every positive score must lie {end} every negative one")

    def __contains__(self, score: int) -> bool:
        return self.low <= score <= self.high

    def mirrored(self) -> Scale:
        """The same scale with its ends exchanged, as for "how much effort?" instead of "how easy?".

        >>> sorted(CES_1_7.mirrored().positive), CES_1_7.mirrored().high_is_good
        ([1, 2, 3], False)
        """
        ends = self.low + self.high
        return Scale(
            low=self.low,
            high=self.high,
            positive=frozenset(ends - score for score in self.positive),
            negative=frozenset(ends - score for score in self.negative),
            high_is_good=not self.high_is_good,
        )


NPS_0_10 = Scale(low=0, high=10, positive=frozenset({9, 10}), negative=frozenset(range(7)))
CSAT_1_5 = Scale(low=1, high=5, positive=frozenset({4, 5}), negative=frozenset({1, 2}))
#: 9-10 as the positive set is a convention, not a standard; flows may store another
CSAT_1_10 = Scale(low=1, high=10, positive=frozenset({9, 10}), negative=frozenset({1, 2, 3, 4}))
#: 7 = very easy; for "how much effort?" use CES_1_7.mirrored()
CES_1_7 = Scale(low=1, high=7, positive=frozenset({5, 6, 7}), negative=frozenset({1, 2, 3}))
THUMBS_0_1 = Scale(low=0, high=1, positive=frozenset({1}), negative=frozenset({0}))


def band(score: int, scale: Scale) -> Band:
    """The band of one score; promoter, passive and detractor on NPS_0_10 and on no other scale.

    Raises ScoreError off the scale and for bool.

    >>> band(8, NPS_0_10), band(3, CSAT_1_5), band(2, CES_1_7.mirrored())
    (<Band.PASSIVE: 'passive'>, <Band.NEUTRAL: 'neutral'>, <Band.SATISFIED: 'satisfied'>)
    """
    checked = _on_scale(score, scale)
    is_nps = scale == NPS_0_10
    if checked in scale.positive:
        return Band.PROMOTER if is_nps else Band.SATISFIED
    if checked in scale.negative:
        return Band.DETRACTOR if is_nps else Band.DISSATISFIED
    return Band.PASSIVE if is_nps else Band.NEUTRAL


def parse_score(raw: object, scale: Scale) -> int | None:
    """The score in a stored or imported value, None for a missing answer (None, blank text, "NA").

    Whole numbers pass in any of their exact spellings (9, 9.0, "9", " 9.0 "). Raises ScoreError for bool, NaN, 9.5,
    11 on 0-10 and anything else that is not a score on this scale: a value is never rounded or clipped.

    >>> parse_score("9", NPS_0_10), parse_score("", NPS_0_10)
    (9, None)
    >>> parse_score(11, NPS_0_10)
    Traceback (most recent call last):
    bot.scoring.scales.ScoreError: 11 is not on the scale 0-10
    """
    if raw is None:
        return None
    if isinstance(raw, str):
        return _parse_text(raw.strip(), scale)
    if isinstance(raw, float) and raw.is_integer():
        return _on_scale(int(raw), scale)
    return _on_scale(raw, scale)


def _parse_text(text: str, scale: Scale) -> int | None:
    if text.upper() in _MISSING:
        return None
    found = _WHOLE.fullmatch(text)
    if found is None:
        raise ScoreError(f"{text[:40]!r} is not a whole number")
    return _on_scale(int(found[1]), scale)


def _on_scale(value: object, scale: Scale) -> int:
    # bool is an int in Python: True would count as a score of 1.
    if isinstance(value, bool) or not isinstance(value, int):
        raise ScoreError(f"{str(value)[:40]!r} is not a whole number")
    if value not in scale:
        raise ScoreError(f"{value} is not on the scale {scale.low}-{scale.high}")
    return value
