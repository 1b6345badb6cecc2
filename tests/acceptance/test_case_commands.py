"""`afterchat cases` and `afterchat report --followup`, as an operator uses them beside a running program."""

import asyncio
import json
from pathlib import Path

import pytest

from bot.messages import Address
from tests.acceptance.test_commands import EXAMPLE, command
from tests.conftest import SetClock
from tests.web.case_site import SLACK, case_id, empty_database, shop_at

HOSTILE = "It \x1b[2Jbroke\x07\nand \u202eetal saw ti"


@pytest.fixture
def database(sqlite_tables: Path, tmp_path: Path) -> str:
    """A recovered case, one of Minh's whose customer has a hostile name and words, an urgent one of nobody's."""
    url = empty_database(sqlite_tables, tmp_path)

    async def fill() -> None:
        clock = SetClock()
        async with shop_at(url, clock) as shop:
            owner = Address(channel=SLACK, key="U1")
            await shop.open_case(1, state="recovered", cause="late", first_word_at=clock(), first_resolved_at=clock())
            await shop.open_case(2, [HOSTILE], name="L\x1b]0;owned\x07an", owner=owner, owner_name="Minh", locale="vi")
            await shop.open_case(3, priority="urgent", name=None)
            await shop.do(2, "reply", text="I am sorry.")

    asyncio.run(fill())
    return url


def cases(database: str, *arguments: str) -> int:
    return command("cases", "--config", str(EXAMPLE), "--database", database, *arguments)


def test_queue_is_a_table(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cases(database) == 0
    heads, rule, *lines = capsys.readouterr().out.splitlines()
    assert heads.split() == ["id", "opened", "state", "priority", "score", "channel", "language", "owner", "customer"]
    assert set(rule) == {"-", " "}
    assert [line.split()[0] for line in lines] == [case_id(number) for number in (3, 2, 1)]
    assert lines[0].split()[1:] == ["2026-03-02", "08:03", "open", "urgent", "1", "telegram", "en", "-", "-"]
    assert "contacted" in lines[1]
    assert lines[1].endswith(r"Minh   L\x1b]0;owned\x07an")


@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [
        (["--state", "open"], [3]),
        (["--state", "recovered,contacted"], [2, 1]),
        (["--priority", "urgent"], [3]),
        (["--owner", "Minh"], [2]),
        (["--owner", "-"], [3, 1]),
        (["--language", "vi"], [2]),
        (["--cause", "late"], [1]),
        (["--owner", "MINH"], [2]),
        (["--channel", "web"], []),
        (["--flow", "support"], [3, 2, 1]),
        (["--team", "support", "--limit", "2"], [3, 2]),
        (["--since", "1m"], []),
    ],
)
def test_queue_is_filtered(
    database: str, capsys: pytest.CaptureFixture[str], arguments: list[str], numbers: list[int]
) -> None:
    assert cases(database, *arguments, "--json") == 0
    said = capsys.readouterr()
    assert [case["id"] for case in json.loads(said.out)] == [case_id(number) for number in numbers]
    assert ("more than these" in said.err) == ("--limit" in arguments)


@pytest.mark.parametrize(
    "arguments",
    [["--state", "happy"], ["--priority", "high,low"], ["--limit", "0"], ["--limit", "x"], ["--since", "1"]],
)
def test_wrong_filter_is_told(database: str, capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert cases(database, *arguments) == 2
    assert arguments[0] in capsys.readouterr().err


def test_case_is_shown_in_words_that_no_terminal_obeys(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cases(database, "show", case_id(2)) == 0
    said = capsys.readouterr().out
    for expected in (
        f"Case {case_id(2)}",
        "1/5",
        "contacted",
        "Minh (slack)",
        "order",
        "A7",
        r"    | It \x1b[2Jbroke\x07",
        r"    | and \u202eetal saw ti",
        "  Minh to the customer\n    | I am sorry.",
        "resolution due 2026-03-04 08:02 UTC, ",
    ):
        assert expected in said
    assert not [character for character in said if character != "\n" and not character.isprintable()]


def test_case_as_json_is_what_the_http_api_says(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    for place in (["--json", "show", case_id(2)], ["show", case_id(2), "--json"]):
        assert cases(database, *place) == 0
        said = capsys.readouterr().out
        assert not [character for character in said if character != "\n" and not character.isprintable()]
        whole = json.loads(said)
        assert whole["words"][0]["text"] == HOSTILE
        assert [event["kind"] for event in whole["history"]] == ["opened", "replied"]
        assert all(event["text"] for event in whole["history"])


def test_case_that_is_none_is_told(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cases(database, "show", "nope") == 1
    assert "There is no case 'nope'" in capsys.readouterr().err


def test_a_filter_that_nothing_has_is_told(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cases(database, "--channel", "telegrm") == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "There is no channel 'telegrm'. There are: telegram, slack, web, page. Did you mean 'telegram'?" in said.err


def test_the_sandboxs_cases_are_shown_by_the_sandboxs_settings(
    database: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """It works around the clock, whatever the teams' hours are."""
    config = tmp_path / "config.toml"
    config.write_text(EXAMPLE.read_text("utf-8").replace('"09:00-18:00"', '"12:00-18:00"'))

    def first_word(*more: str) -> str:
        show = ("show", case_id(3), "--json", *more)
        assert command("cases", "--config", str(config), "--database", database, *show) == 0
        clocks = json.loads(capsys.readouterr().out)["clocks"]
        return next(str(clock["due_at"]) for clock in clocks if clock["stage"] == "first_word")

    assert (first_word(), first_word("--sandbox")) == ("2026-03-02T15:00:00Z", "2026-03-02T12:03:00Z")


def test_follow_up_in_figures(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    report = ["report", str(EXAMPLE), "--database", database, "--followup"]
    assert command(*report) == 0
    heads, _, line = capsys.readouterr().out.splitlines()
    assert heads.startswith("by   cases  recovered")
    assert line.split()[:3] == ["all", "3", "n=1"]
    assert line.endswith("1 open, 1 contacted, 1 recovered")
    assert command(*report, "--by", "language", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["dimension_value"], row["cases"]) for row in rows] == [("en", 2), ("vi", 1)]
    assert command(*report, "--since", "1m") == 0
    assert capsys.readouterr().out == "No cases.\n"


@pytest.mark.parametrize("arguments", [["--followup", "--by", "agent"], ["--by", "cause"]])
def test_grouping_that_a_report_has_not_is_told(
    database: str, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert command("report", str(EXAMPLE), "--database", database, *arguments) == 2
    assert arguments[-1] in capsys.readouterr().err
