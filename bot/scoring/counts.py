"""How many answers had which score: the only input of every figure, exact and mergeable."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from bot.scoring.scales import Scale, ScoreError

_SCORE_KEY = re.compile(r"0|-?[1-9][0-9]{0,15}")


class ScoreCounts:
    """Answers per score, and how many people skipped the question; skipped ones never count as answers.

    Pool segments and days by merging counts; averages of NPS or CSAT over segments weigh them wrongly.
    Counts are whole numbers of any size and never below zero.

    >>> c = ScoreCounts({9: 8, 7: 9}, skipped=2)
    >>> c.add(3)
    >>> c.n, c.skipped, c[9]
    (18, 2, 8)
    """

    __slots__ = ("_counts", "_skipped")

    def __init__(self, counts: Mapping[int, int] | None = None, *, skipped: int = 0) -> None:
        self._counts: dict[int, int] = {}
        self._skipped = 0
        for score, n in (counts or {}).items():
            self.add(score, n)
        self.skip(skipped)

    @classmethod
    def of(cls, scores: Iterable[int | None]) -> Self:
        """Counts of single scores, None for a skipped question.

        >>> ScoreCounts.of([5, 4, None, 5])
        ScoreCounts({4: 1, 5: 2}, skipped=1)
        """
        counts = cls()
        for score in scores:
            if score is None:
                counts.skip()
            else:
                counts.add(score)
        return counts

    @property
    def n(self) -> int:
        """The number of answers, without the skipped."""
        return sum(self._counts.values())

    @property
    def skipped(self) -> int:
        """How many were asked this question and left it without a score."""
        return self._skipped

    def add(self, score: int, n: int = 1) -> None:
        """Count `n` answers more; a negative `n` takes back (correction, erasure).

        Raises ScoreError, changing nothing, when a count would fall below zero or a value is not a whole number.
        """
        changed = _changed(self[_whole(score)], n, f"answers of {score}")
        if changed:
            self._counts[score] = changed
        else:
            self._counts.pop(score, None)

    def skip(self, n: int = 1) -> None:
        """Count `n` skipped questions more; negative `n` as in `add`."""
        self._skipped = _changed(self._skipped, n, "skipped")

    def merge(self, other: ScoreCounts) -> ScoreCounts:
        """The counts of both together as a new object.

        >>> ScoreCounts({9: 1}).merge(ScoreCounts({9: 2, 0: 1}, skipped=1))
        ScoreCounts({0: 1, 9: 3}, skipped=1)
        """
        merged = ScoreCounts(self._counts, skipped=self._skipped)
        for score, n in other.items():
            merged.add(score, n)
        merged.skip(other.skipped)
        return merged

    def items(self) -> tuple[tuple[int, int], ...]:
        """(score, count) of every score that has answers, ascending."""
        return tuple(sorted(self._counts.items()))

    def distribution(self, scale: Scale) -> tuple[tuple[int, int], ...]:
        """(score, count) of every score on the scale, zeros included; ScoreError if an answer is off the scale.

        >>> ScoreCounts({5: 2}).distribution(Scale(low=4, high=5, positive=frozenset({5}), negative=frozenset({4})))
        ((4, 0), (5, 2))
        """
        check_on_scale(self, scale)
        return tuple((score, self[score]) for score in range(scale.low, scale.high + 1))

    def to_json(self) -> dict[str, object]:
        """A value for json.dumps: {"counts": {"9": 8, ...}, "skipped": 2}; JSON keys are text."""
        return {"counts": {str(score): n for score, n in self.items()}, "skipped": self._skipped}

    @classmethod
    def from_json(cls, value: object) -> Self:
        """The counts that `to_json` wrote; ScoreError for any other shape.

        >>> ScoreCounts.from_json({"counts": {"9": 8}, "skipped": 2})
        ScoreCounts({9: 8}, skipped=2)
        """
        match value:
            case {"counts": dict(raw), "skipped": skipped, **rest} if not rest:
                return cls({_score_key(key): _whole(n) for key, n in raw.items()}, skipped=_whole(skipped))
            case _:
                raise ScoreError('score counts are {"counts": {score: n}, "skipped": n}')

    def __getitem__(self, score: int) -> int:
        return self._counts.get(score, 0)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ScoreCounts):
            return NotImplemented
        return self._counts == other._counts and self._skipped == other._skipped

    # Counts change, so they must not be keys.
    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"ScoreCounts({dict(self.items())}, skipped={self._skipped})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Answers by band: on the NPS scale promoters, passives and detractors."""

    positive: int
    neutral: int
    negative: int

    @property
    def n(self) -> int:
        """All answers."""
        return self.positive + self.neutral + self.negative


def split(counts: ScoreCounts, scale: Scale) -> Split:
    """Answers by band; ScoreError if an answer is off the scale.

    >>> split(ScoreCounts({5: 3, 3: 2, 1: 1}), Scale(
    ...     low=1, high=5, positive=frozenset({4, 5}), negative=frozenset({1, 2})))
    Split(positive=3, neutral=2, negative=1)
    """
    check_on_scale(counts, scale)
    positive = sum(counts[score] for score in scale.positive)
    negative = sum(counts[score] for score in scale.negative)
    return Split(positive=positive, neutral=counts.n - positive - negative, negative=negative)


def check_on_scale(counts: ScoreCounts, scale: Scale) -> None:
    """ScoreError if any counted answer is off the scale, such as a code for "blank" that was never a score."""
    for score, n in counts.items():
        if score not in scale:
            raise ScoreError(f"{n} answers of {score} are not on the scale {scale.low}-{scale.high}")


def _changed(count: int, by: int, what: str) -> int:
    changed = count + _whole(by)
    if changed < 0:
        raise ScoreError(f"cannot take {-by} from {count} {what}")
    return changed


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ScoreError(f"{str(value)[:40]!r} is not a whole number")
    return value


def _score_key(key: object) -> int:
    # Only the spelling that to_json writes, so that "9" and "09" can never be two rows of one score.
    if isinstance(key, str) and _SCORE_KEY.fullmatch(key):
        return int(key)
    raise ScoreError(f"{str(key)[:40]!r} is not a score")
