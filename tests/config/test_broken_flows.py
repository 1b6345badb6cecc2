"""Each file in tests/broken_flows holds one kind of mistake, and at its end every problem that must be told."""

from pathlib import Path

import pytest

from bot.config import check, load
from bot.errors import ConfigError

FILES = sorted((Path(__file__).parents[1] / "broken_flows").glob("*.toml"))
MARK = "# These are the problems:\n"
ENVIRONMENT = {
    "TELEGRAM_TOKEN": "123:abc",
    "SLACK_BOT_TOKEN": "xoxb-1",
    "SLACK_APP_TOKEN": "xapp-1",
    "WEBCHAT_SECRET": "0123456789abcdef",
    "SHORT": "short",
    "SPACES": "has spaces",
    "DATABASE": "mysql://host/db",
}


def expected(file: Path) -> str:
    return "\n".join(line.removeprefix("# ") for line in file.read_text("utf-8").partition(MARK)[2].splitlines())


@pytest.mark.parametrize("file", [pytest.param(file, id=file.stem) for file in FILES])
def test_every_problem_is_told_and_nothing_else(file: Path) -> None:
    told = "\n".join(str(problem) for problem in check(file, ENVIRONMENT))
    assert told == expected(file)
    assert told
    with pytest.raises(ConfigError) as refused:
        load(file, ENVIRONMENT)
    assert str(refused.value) == told


def test_no_secret_is_told() -> None:
    everything = "\n".join(str(problem) for file in FILES for problem in check(file, ENVIRONMENT))
    typed = [
        word for word in ("AAHk", "hunter2", "me:secret") if any(word in file.read_text("utf-8") for file in FILES)
    ]
    assert len(typed) == 3
    assert [word for word in [*typed, "has spaces", "0123456789abcdef", "mysql://host/db"] if word in everything] == []


@pytest.mark.parametrize("name", ["ten_mistakes.toml", "flow_asking_ten_mistakes.toml"])
def test_ten_mistakes_are_told_at_once(name: str) -> None:
    assert len(check(FILES[0].with_name(name), ENVIRONMENT)) == 10
