"""The times of cases -> the figures of the follow-up: who was won back, and how fast. Pure.

**Recovered share** = recovered / (recovered + unconfirmed + reopened and not resolved since). In words: of the cases
that an agent resolved and whose outcome is known, those whose customer said that it is fixed. Who gave no answer counts
as not recovered; who said "not yet" counts so until the case is resolved again; resolved cases whose customer has yet
to be asked or to answer, cases that nobody resolved so far, and withdrawn ones are in neither number.

**Time to the first word, time to the first resolution**: the median over the cases that got so far. Those that did not
are told beside it, since a median of the answered alone looks good where many wait.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Literal, assert_never

import msgspec
from msgspec.structs import replace

from bot.followup.cases import WORKING, CaseState
from bot.ports import CaseTimes
from bot.reports.figures import Figure, figure, table
from bot.scoring.durations import median
from bot.scoring.estimates import Estimate, proportion

FollowUpDimension = Literal["all", "channel", "language", "cause", "why"]

#: the states that a case of the report may have, in the order of its life
STATES: tuple[CaseState, ...] = (
    "open",
    "claimed",
    "contacted",
    "resolved",
    "reopened",
    "recovered",
    "unconfirmed",
)


class FollowUpRow(msgspec.Struct, frozen=True, kw_only=True):
    """The follow-up of the cases with one value of one dimension; ``dimension_value`` "" where a case has none.

    The cause is the last one that was given; cases that were never resolved have none.
    """

    dimension: FollowUpDimension
    dimension_value: str
    cases: int
    #: how many cases are in each state now; withdrawn ones are left out
    states: Mapping[CaseState, int]
    #: share of the cases whose outcome is known, Wilson
    recovered: Figure
    #: median seconds from the opening to the first word of an agent to the customer
    first_word: Figure
    #: cases without such a word so far
    without_word: int
    #: of those, the ones in which somebody still has to say something
    waiting: int
    #: median seconds from the opening to the first time that an agent resolved it
    first_resolution: Figure
    #: cases that were never resolved so far
    without_resolution: int


def make_followup_report(
    times: Iterable[CaseTimes], *, dimension: FollowUpDimension = "all", confidence: float = 0.95
) -> list[FollowUpRow]:
    """One row for each value of the dimension, the one with most cases first; *all* has its row without any case."""
    groups: dict[str, list[CaseTimes]] = defaultdict(list)
    if dimension == "all":
        groups[""] = []
    for case in times:
        if case.state != "withdrawn":
            groups[_value(case, dimension)].append(case)
    ordered = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    return [_row(dimension, value, cases, confidence) for value, cases in ordered]


def _value(case: CaseTimes, dimension: FollowUpDimension) -> str:
    match dimension:
        case "all":
            return ""
        case "channel":
            return case.channel
        case "language":
            return case.language
        case "cause":
            return case.cause
        case "why":
            return case.why
        case _:
            assert_never(dimension)


def _row(dimension: FollowUpDimension, value: str, cases: Sequence[CaseTimes], confidence: float) -> FollowUpRow:
    states = Counter(case.state for case in cases)
    won = states["recovered"]
    known = won + states["unconfirmed"] + sum(_came_back(case) for case in cases)
    words = [_seconds(case.opened_at, case.first_word_at) for case in cases if case.first_word_at]
    resolutions = [_seconds(case.opened_at, case.first_resolved_at) for case in cases if case.first_resolved_at]
    return FollowUpRow(
        dimension=dimension,
        dimension_value=value,
        cases=len(cases),
        states={state: states[state] for state in STATES},
        recovered=_figure(proportion(won, known, confidence=confidence)),
        first_word=_figure(median(words, confidence=confidence)),
        without_word=len(cases) - len(words),
        waiting=sum(case.first_word_at is None and case.state in WORKING for case in cases),
        first_resolution=_figure(median(resolutions, confidence=confidence)),
        without_resolution=len(cases) - len(resolutions),
    )


def _figure(estimate: Estimate) -> Figure:
    """A figure of cases, not of answers."""
    found = figure(estimate)
    return found if found.n else replace(found, display="no cases")


def _came_back(case: CaseTimes) -> bool:
    """Whether it was resolved and is worked on again: its state may tell of the new work (*contacted*) instead."""
    return case.first_resolved_at is not None and case.state in WORKING


def _seconds(start: datetime, end: datetime) -> float:
    # A wall clock that was put back makes no negative waiting time.
    return max(0.0, (end - start).total_seconds())


def followup_table(rows: Sequence[FollowUpRow], titles: Mapping[str, str] = MappingProxyType({})) -> str:
    """The report as plain text, for a terminal; ``titles`` has those of causes, by id.

    >>> print(followup_table([]))
    No cases.
    """
    if not any(row.cases for row in rows):
        return "No cases."
    heads = ("by", "cases", "recovered", "first word", "waiting", "first resolution", "unresolved", "now")
    return table(
        heads,
        [
            (
                "all" if row.dimension == "all" else f"{row.dimension}={_named(row, titles)}",
                str(row.cases),
                _shown(row.recovered),
                _shown(row.first_word),
                str(row.waiting),
                _shown(row.first_resolution),
                str(row.without_resolution),
                ", ".join(f"{n} {state}" for state, n in row.states.items() if n),
            )
            for row in rows
        ],
    )


def _named(row: FollowUpRow, titles: Mapping[str, str]) -> str:
    title = titles.get(row.dimension_value, "") if row.dimension == "cause" else ""
    return f"{row.dimension_value} ({title})" if title else row.dimension_value or "-"


def _shown(each: Figure) -> str:
    return each.display if each.n else "-"
