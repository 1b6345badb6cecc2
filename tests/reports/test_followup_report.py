"""The figures of the follow-up, worked out by hand and against statsmodels."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from statsmodels.stats.proportion import proportion_confint

from bot.followup.cases import CaseState
from bot.ports import CaseTimes
from bot.reports import FollowUpRow, followup_table, make_followup_report

OPENED = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def case(
    state: CaseState,
    *,
    word: float | None = None,
    resolved: float | None = None,
    channel: str = "telegram",
    language: str = "en",
    cause: str = "",
) -> CaseTimes:
    """A case whose first word and first resolution came so many minutes after its opening."""

    def at(minutes: float | None) -> datetime | None:
        return None if minutes is None else OPENED + timedelta(minutes=minutes)

    return CaseTimes(
        state=state,
        channel=channel,
        language=language,
        cause=cause,
        opened_at=OPENED,
        first_word_at=at(word),
        first_resolved_at=at(resolved),
    )


def only(cases: Sequence[CaseTimes]) -> FollowUpRow:
    (row,) = make_followup_report(cases)
    return row


@pytest.mark.parametrize(
    ("what", "cases", "recovered", "known"),
    [
        ("nothing is no share", [], 0, 0),
        ("who said yes", [case("recovered", resolved=5)], 1, 1),
        ("who did not answer counts against us", [case("unconfirmed", resolved=5)], 0, 1),
        ("who said not yet does so, too", [case("reopened", resolved=5)], 0, 1),
        ("also while an agent works on it again", [case("contacted", word=6, resolved=5)], 0, 1),
        ("also where nobody has it any more", [case("open", resolved=5)], 0, 1),
        ("who is not asked yet is not known", [case("resolved", resolved=5)], 0, 0),
        ("nor what was never resolved", [case("open"), case("claimed"), case("contacted", word=1)], 0, 0),
        ("what was withdrawn is no case", [case("withdrawn", resolved=5)], 0, 0),
        (
            "all together",
            [case("recovered", resolved=1)] * 7
            + [case("unconfirmed", resolved=1)] * 2
            + [case("reopened", resolved=1)]
            + [case("resolved", resolved=1)] * 4
            + [case("open")] * 3,
            7,
            10,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_recovered_share(what: str, cases: list[CaseTimes], recovered: int, known: int) -> None:
    share = only(cases).recovered
    assert share.n == known
    if not known:
        assert (share.value, share.interval, share.flags) == (None, None, ("no_data",))
        return
    low, high = proportion_confint(recovered, known, 0.05, method="wilson")
    assert share.interval is not None
    assert share.value == recovered / known
    assert share.interval.low == pytest.approx(low, abs=1e-12)
    assert share.interval.high == pytest.approx(high, abs=1e-12)


def test_states_are_counted_and_withdrawn_cases_left_out() -> None:
    row = only([case("open"), case("open"), case("resolved", resolved=1), case("withdrawn")])
    assert row.cases == 3
    assert {state: n for state, n in row.states.items() if n} == {"open": 2, "resolved": 1}
    assert "withdrawn" not in row.states


def test_times_are_medians_of_those_that_got_so_far_with_those_that_did_not_beside() -> None:
    row = only([*(case("contacted", word=minutes) for minutes in (10, 20, 30, 40, 50, 60, 700)), case("open")])
    assert (row.first_word.value, row.first_word.n, row.without_word) == (40 * 60, 7, 1)
    assert row.first_word.interval is not None
    assert (row.first_word.interval.low, row.first_word.interval.high) == (600, 700 * 60)
    assert row.first_word.interval.method == "order_statistics"
    assert (row.first_resolution.value, row.first_resolution.interval, row.without_resolution) == (None, None, 8)


def test_nobody_waits_in_a_case_that_is_resolved_or_closed() -> None:
    row = only([case("open"), case("claimed"), case("resolved", resolved=1), case("unconfirmed", resolved=1)])
    assert (row.without_word, row.waiting) == (4, 2)
    cells = [cell.strip() for cell in followup_table([row]).splitlines()[2].split("  ") if cell.strip()]
    assert cells[4] == "2"


def test_without_a_case_no_figure_speaks_of_answers() -> None:
    row = only([])
    assert {row.recovered.display, row.first_word.display, row.first_resolution.display} == {"no cases"}


def test_causes_are_told_by_their_titles() -> None:
    rows = make_followup_report([case("resolved", resolved=1, cause="late"), case("open")], dimension="cause")
    table = followup_table(rows, {"late": "It came late"})
    assert [line.split("  ")[0] for line in table.splitlines()[2:]] == ["cause=-", "cause=late (It came late)"]


def test_clock_that_was_put_back_makes_no_negative_time() -> None:
    assert only([case("contacted", word=-5)]).first_word.value == 0


def test_rows_by_dimension_with_the_most_cases_first() -> None:
    cases = [
        case("recovered", resolved=1, channel="web", language="vi", cause="late"),
        case("recovered", resolved=1, channel="web", language="it", cause="late"),
        case("open", channel="telegram", language="it"),
        case("withdrawn", channel="slack", language="pl", cause="late"),
    ]
    by = {
        dimension: [(row.dimension_value, row.cases) for row in make_followup_report(cases, dimension=dimension)]
        for dimension in ("all", "channel", "language", "cause")
    }
    assert by == {
        "all": [("", 3)],
        "channel": [("web", 2), ("telegram", 1)],
        "language": [("it", 2), ("vi", 1)],
        "cause": [("late", 2), ("", 1)],
    }
    assert make_followup_report([], dimension="channel") == []
    assert only([]).cases == 0


def test_table_shows_no_figure_of_few_cases() -> None:
    cases = [case("recovered", word=12, resolved=90, cause="late")] * 24 + [case("unconfirmed", resolved=80)] * 8
    table = followup_table(make_followup_report([*cases, case("open")]))
    heads, _, line = table.splitlines()
    assert line.split("  ")[0] == "all"
    assert "75% [58%, 87%] n=32" in line
    assert "12 min [12 min, 12 min] n=24, low base" in line
    assert "1 h 30 min [1 h 30 min, 1 h 30 min] n=32" in line
    assert line.endswith("1 open, 24 recovered, 8 unconfirmed")
    assert heads.split()[:3] == ["by", "cases", "recovered"]
    few = followup_table(make_followup_report([case("recovered", resolved=1)], dimension="cause"))
    assert "cause=-" in few
    assert "%" not in few
