"""Each file in tests/doubtful_flows can be used and holds what is hardly meant, and at its end what must be told."""

from pathlib import Path

import pytest

from bot.advice import consider
from bot.cli import main
from bot.config import check, load
from bot.config.reading import read
from bot.config.sources import gather

FILES = sorted((Path(__file__).parents[1] / "doubtful_flows").glob("*.toml"))
EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
MARK = "# These are the problems:\n"
ENVIRONMENT = {
    "AFTERCHAT_API_KEYS": "0123456789abcdef",
    "TELEGRAM_TOKEN": "123:abc",
    "SLACK_BOT_TOKEN": "xoxb-1",
    "SLACK_APP_TOKEN": "xapp-1",
    "WEBCHAT_SECRET": "0123456789abcdef",
}
WITHOUT_KEYS = {name: value for name, value in ENVIRONMENT.items() if name != "AFTERCHAT_API_KEYS"}
SHORT = """company = "Lotus Home"
[channels.telegram]
kind = "telegram"
token = { env = "TELEGRAM_TOKEN" }
[asking]
min_messages = 99
[[flow]]
id = "csat"
languages = ["en"]
title = "Support chat"
question = [{ id = "score", type = "csat5", text = "How was it?" }]
"""


def expected(file: Path) -> list[str]:
    return [line.removeprefix("# ") for line in file.read_text("utf-8").partition(MARK)[2].splitlines()]


@pytest.mark.parametrize("file", [pytest.param(file, id=file.stem) for file in FILES])
def test_every_doubt_is_told_and_nothing_else(file: Path) -> None:
    told = [str(problem) for problem in check(file, WITHOUT_KEYS, consider)]
    assert told == expected(file)
    assert told
    assert all(": warning: " in line for line in told)
    # with warnings alone a file can be used
    assert load(file, WITHOUT_KEYS).flows


def test_ten_doubts_are_told_at_once() -> None:
    assert len(expected(FILES[0].with_name("ten_doubts.toml"))) >= 10


def test_nothing_is_doubtful_in_the_example() -> None:
    assert [str(problem) for problem in check(EXAMPLE, ENVIRONMENT, consider)] == []


def test_what_is_wrong_is_told_before_what_is_doubtful_about_it(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(SHORT.replace("min_messages = 99", 'min_messages = 99\ndelay = "soon"'), "utf-8")
    assert [problem.severity for problem in check(file, ENVIRONMENT, consider)] == ["error"]


def test_a_reading_tells_errors_from_warnings(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(SHORT + "[server]\nport = 99999\n", "utf-8")
    reading = read(gather(file), ENVIRONMENT, consider)
    assert [problem.path for problem in reading.errors] == ["server.port"]
    assert [problem.path for problem in reading.warnings] == ["asking.min_messages"]


@pytest.mark.parametrize(
    ("text", "options", "code", "last"),
    [
        pytest.param(SHORT.replace("99", "9"), [], 0, "is in order", id="in order"),
        pytest.param(SHORT, [], 0, "1 warning in ", id="warnings do not stop"),
        pytest.param(SHORT, ["--strict"], 2, "1 warning in ", id="but when they shall"),
        pytest.param(SHORT + "[server]\nport = 99999\n", [], 2, "1 problem and 1 warning in ", id="errors stop"),
    ],
)
def test_the_command_fails_for_errors(
    text: str,
    options: list[str],
    code: int,
    last: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    file = tmp_path / "config.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["check", str(file), *options])
    assert ended.value.code == code
    assert last in capsys.readouterr().out.splitlines()[-1]
