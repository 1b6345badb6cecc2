"""Who answered: response rates in plain words for people and under AAPOR's names for export."""

from __future__ import annotations

from dataclasses import dataclass

from bot.scoring.estimates import Estimate, Interval, proportion
from bot.scoring.scales import ScoreError


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseRates:
    """Response rates of one set of invitations, each None (or an estimate with value None) where it would be 0/0.

    AAPOR Standard Definitions: I completed, P partial, R refused, NC never seen, O seen and left, U delivery unknown.
    """

    #: answered at least one question, of those delivered: the UI's "answer rate"
    answered_of_offered: Estimate
    #: the same of those who saw it; None where the channel tells nobody what was seen
    answered_of_seen: Estimate | None
    #: completed, of those who started
    completion: Estimate
    #: I, or I + P for the even ones, over everybody; rr3 and rr4 count e * U, rr5 and rr6 no U
    rr1: float | None
    rr2: float | None
    rr3: float | None
    rr4: float | None
    rr5: float | None
    rr6: float | None
    #: I / (I + P + R + O); None without `seen`
    coop1: float | None
    #: R over everybody
    ref1: float | None
    #: all who were reached, over everybody; None without `seen`
    con1: float | None


def response(
    *,
    offered: int,
    seen: int | None,
    started: int,
    partial: int,
    completed: int,
    refused: int,
    unknown: int = 0,
    e: float = 1.0,
    confidence: float = 0.95,
) -> ResponseRates:
    """Rates of one cohort of invitations: count each person under the time of the invitation, not of the answer.

    offered: delivered; seen: rendered (None if the channel has no receipts); started, of whom `partial` answered some
    and `completed` all required questions; refused: dismissed; unknown: sent, delivery unknown and not in `offered`;
    e: the share of `unknown` that was probably delivered. Raises ScoreError for counts that contradict each other.

    >>> rates = response(offered=1000, seen=400, started=150, partial=20, completed=100, refused=30)
    >>> rates.answered_of_offered.value, rates.answered_of_seen.value, rates.rr1
    (0.12, 0.3, 0.1)
    """
    _check_counts(offered=offered, seen=seen, started=started, partial=partial, completed=completed, refused=refused)
    if unknown < 0 or not 0 <= e <= 1:
        raise ScoreError("unknown is a count and e a share")
    answered = completed + partial
    everybody = offered + unknown
    return ResponseRates(
        answered_of_offered=proportion(answered, offered, confidence=confidence),
        answered_of_seen=None if seen is None else proportion(answered, seen, confidence=confidence),
        completion=proportion(completed, started, confidence=confidence),
        rr1=_rate(completed, everybody),
        rr2=_rate(answered, everybody),
        rr3=_rate(completed, offered + e * unknown),
        rr4=_rate(answered, offered + e * unknown),
        rr5=_rate(completed, offered),
        rr6=_rate(answered, offered),
        # Seen is I + P + R + O, because whoever saw it and did none of the rest is AAPOR's "other".
        coop1=None if seen is None else _rate(completed, seen),
        ref1=_rate(refused, everybody),
        con1=None if seen is None else _rate(seen, everybody),
    )


def nonresponse_bounds(*, positive: int, answered: int, offered: int) -> Interval | None:
    """The positive share of everybody offered if nobody, or everybody, who was silent were positive; None for 0/0.

    It supposes nothing about the silent, so it is wide, and its confidence is 1. ScoreError for impossible counts.

    >>> bounds = nonresponse_bounds(positive=96, answered=120, offered=1000)
    >>> bounds.low, bounds.high
    (0.096, 0.976)
    """
    if not 0 <= positive <= answered <= offered:
        raise ScoreError(f"{positive} positive of {answered} answered of {offered} offered cannot be")
    if offered == 0:
        return None
    return Interval(
        low=positive / offered,
        high=(positive + offered - answered) / offered,
        confidence=1.0,
        method="worst_case",
    )


def _check_counts(*, offered: int, seen: int | None, started: int, partial: int, completed: int, refused: int) -> None:
    reached = offered if seen is None else seen
    if min(offered, reached, started, partial, completed, refused) < 0:
        raise ScoreError("response counts are never negative")
    if not completed + partial <= started <= reached <= offered:
        raise ScoreError(
            f"{completed} completed and {partial} partial, {started} started, {reached} seen and {offered} offered "
            "do not fit into each other: was each counted by the time of its invitation?"
        )
    if completed + partial + refused > reached:
        raise ScoreError(f"{refused} refused on top of {completed + partial} answered are more than {reached} reached")


def _rate(part: float, whole: float) -> float | None:
    return part / whole if whole else None
