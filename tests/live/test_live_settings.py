"""Files that change are put in force, or reported; whatever goes wrong in between changes nothing."""

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.config import CurrentSettings, Settings, load
from bot.config.reading import read
from bot.config.sources import gather
from bot.errors import StoreUnavailable
from bot.live.settings import LiveSettings
from bot.live.watching import Watch
from bot.storage.notices import Notice, StoredNotices, Tell

ENVIRONMENT = {"WEBCHAT_SECRET": "0123456789abcdef"}
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
RIGHT = """company = "Lotus Home"
[channels.web]
kind = "webchat"
secret = { env = "WEBCHAT_SECRET" }
[asking]
delay = "10m"
[[flow]]
id = "csat"
languages = ["en"]
title = "Chat"
[[flow.question]]
id = "score"
type = "csat5"
text = "How was it?"
"""


class KeptNotices(StoredNotices):
    """Notices in memory; what was told is counted by the state that it left."""

    def __init__(self) -> None:
        self.kept: dict[str, Notice] = {}
        self.away = False

    async def tell(self, topic: str, tell: Tell) -> None:
        if self.away:
            raise StoreUnavailable("the database is away")
        found = tell(self.kept.get(topic))
        if found is not None:
            self.kept[topic] = found[0]


class Program:
    """A program that puts settings in force, or fails to."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "config.toml"
        self.path.write_text(RIGHT, "utf-8")
        self.current = CurrentSettings(load(self.path, ENVIRONMENT))
        self.notices = KeptNotices()
        self.fails: Exception | None = None
        self.live = LiveSettings(
            watch=Watch(self.path),
            read=lambda sources: read(sources, ENVIRONMENT),
            current=self.current,
            adopt=self.adopt,
            notices=self.notices,
            clock=lambda: NOW,
            ids=lambda: "one",
        )

    async def adopt(self, settings: Settings) -> None:
        if self.fails is not None:
            raise self.fails
        self.current.swap(settings)

    async def saves(self, *pairs: tuple[str, str]) -> None:
        text = RIGHT
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new, 1)
        self.path.write_text(text, "utf-8")
        await self.live.take(gather(self.path))

    def is_broken(self) -> bool:
        return self.live.broken is not None

    @property
    def delay(self) -> timedelta:
        return self.current().asking.delay


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "bot.live.settings"]


async def test_one_line_says_what_is_live(program: Program, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    await program.saves()
    assert said(caplog) == []
    await program.saves(('"10m"', '"5m"'), ("How was it?", "How did it go?"))
    assert said(caplog) == [
        "new settings are live: csat: text of 'score' in en changed; [asking] delay 10m -> 5m",
    ]
    assert program.delay == timedelta(minutes=5)


async def test_each_problem_is_said_once(program: Program, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    await program.saves(('"10m"', '"ten"'))
    await program.saves(('"10m"', '"ten"'), ("How was it?", ""))
    await program.saves(("How was it?", ""))
    broken = program.live.broken
    assert broken is not None
    assert [problem.path for problem in broken.problems] == ["flow[0].question[0].text"]
    await program.saves()
    assert program.live.broken is None
    assert [line.partition(":")[0] for line in said(caplog)] == [
        "config.toml could not be used, so the settings go on unchanged",
        "config.toml",
        "config.toml",
        "the settings are in order again",
    ]
    assert program.notices.kept["settings"].state == "well"


async def test_what_fails_in_our_own_code_changes_nothing(program: Program) -> None:
    program.fails = ValueError("a defect, with a secret in it")
    await program.saves(('"10m"', '"5m"'))
    assert program.delay == timedelta(minutes=10)
    broken = program.live.broken
    assert broken is not None
    assert str(broken.problems[0]) == "config.toml:1: could not be put in force (ValueError), see the log"
    program.fails = None
    await program.saves(('"10m"', '"5m"'))
    assert program.live.broken is None
    assert program.delay == timedelta(minutes=5)


async def test_while_the_database_is_away_nothing_changes_and_it_is_tried_again(program: Program) -> None:
    program.fails = StoreUnavailable("away")
    with pytest.raises(StoreUnavailable):
        await program.saves(('"10m"', '"5m"'))
    assert (program.delay, program.live.broken) == (timedelta(minutes=10), None)
    program.fails = None
    await program.saves(('"10m"', '"5m"'))
    assert program.delay == timedelta(minutes=5)


async def test_what_could_not_be_told_is_told_later(program: Program) -> None:
    program.notices.away = True
    with pytest.raises(StoreUnavailable):
        await program.saves(('"10m"', '"ten"'))
    assert program.is_broken()
    program.notices.away = False
    await program.saves(('"10m"', '"ten"'))
    assert [each.state for each in program.notices.kept.values()] == ["broken"]
    program.notices.away = True
    with pytest.raises(StoreUnavailable):
        await program.saves()
    assert not program.is_broken()
    program.notices.away = False
    await program.saves()
    assert program.notices.kept["settings"].state == "well"


async def test_a_process_that_starts_ends_what_another_one_began(program: Program) -> None:
    program.notices.kept["settings"] = Notice(slot="ops:x", state="broken", digest="b", at=NOW)
    await program.saves()
    assert program.notices.kept["settings"].state == "well"


async def test_what_waits_for_a_start_is_said_once(program: Program, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    server = ("[asking]", "[server]\nport = 9000\n[asking]")
    await program.saves(server)
    await program.saves(server, ('"10m"', '"5m"'))
    assert program.current().server.port == 8080
    assert program.delay == timedelta(minutes=5)
    waits = "these changes take effect only when Afterchat is started again: [server] port 8080 -> 9000"
    assert said(caplog) == [waits, "new settings are live: [asking] delay 10m -> 5m"]
    await program.saves()
    assert program.notices.kept["restart"].digest == ""


async def test_who_asks_hears_that_nothing_changed(program: Program, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    program.live.read_anew()
    await program.saves()
    await program.saves()
    assert said(caplog) == ["the settings were read anew: nothing changed"]
