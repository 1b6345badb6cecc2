"""The command line, as an operator uses it."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
import time
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from bot.app import real_clock
from bot.cli import main
from bot.demo import with_placeholders
from bot.messages import Address, ChannelName, Outbound, Text
from bot.ports import GaveUp, KeepAside, Outcome, Queue, Read, RetryAt, Settlement
from bot.storage import open_storage
from tests.acceptance.world import ROOT

EXAMPLE = ROOT / "config.example.toml"


def command(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main([*arguments])
    return int(ended.value.code or 0)


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/afterchat.db"


def test_check_names_what_is_missing_and_exits_with_2(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in with_placeholders(EXAMPLE, {}):
        monkeypatch.delenv(name, raising=False)
    assert command("check", str(EXAMPLE)) == 2
    said = capsys.readouterr().out
    assert "TELEGRAM_TOKEN" in said
    assert said.rstrip().endswith(f"problems in {EXAMPLE}")


def test_check_is_content_with_the_example_once_its_secrets_are_set(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in with_placeholders(EXAMPLE, {}).items():
        monkeypatch.setenv(name, value)
    assert command("check", str(EXAMPLE)) == 0
    assert capsys.readouterr().out == f"{EXAMPLE} is in order\n"


def test_report_needs_no_secrets(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("report", str(EXAMPLE), "--database", database) == 0
    assert "no answers" in capsys.readouterr().out
    assert command("report", str(EXAMPLE), "--database", database, "--json", "--since", "30d") == 0
    rows = json.loads(capsys.readouterr().out)
    assert {(row["flow"], row["n"], row["value"]) for row in rows} == {
        ("support_csat", 0, None),
        ("delivery_nps", 0, None),
        ("product_nps", 0, None),
    }
    assert command("report", str(EXAMPLE), "--database", database, "--flow", "nope") == 0
    assert "no flow 'nope'" in capsys.readouterr().err


async def leave_trouble(url: str) -> None:
    storage = await open_storage(url, clock=real_clock)
    now = real_clock()
    settlements: tuple[Settlement, ...] = (
        RetryAt(due_at=now + timedelta(hours=1), error="Slack refused: channel_not_found", counts=False),
        GaveUp(error="Telegram refused: message is too long"),
    )
    for number, settlement in enumerate(settlements):
        to = Address(channel=ChannelName("slack"), key=f"C{number}")
        content = Text(text="words of a customer")
        outbound = Outbound(kind="post", to=to, lane=f"l{number}", slot=f"s{number}", content=content)
        outcome = Outcome(writes=(Queue(outbound=outbound, at=now),))
        await storage.run(Read(), partial(lambda outcome, _: outcome, outcome))
        (delivery,) = await storage.outbox.claim(now, limit=1, lease_until=now + timedelta(minutes=1))
        await storage.outbox.settle(delivery, settlement, now)
    aside = KeepAside(channel=ChannelName("telegram"), why="a kind we do not know", body=b"{}", at=now)
    await storage.run(Read(), lambda _: Outcome(writes=(aside,)))
    await storage.close()


@pytest.mark.parametrize(
    "form", [(str(EXAMPLE),), ("--config", str(EXAMPLE)), (str(EXAMPLE), "--config", str(EXAMPLE))]
)
@pytest.mark.parametrize("name", ["trouble", "report"])
def test_config_is_named_by_itself_or_as_an_option(database: str, name: str, form: tuple[str, ...]) -> None:
    assert command(name, *form, "--database", database) == 0


@pytest.mark.parametrize("name", ["check", "run", "trouble", "report", "demo"])
def test_config_that_is_not_there_is_told_in_both_forms(name: str, tmp_path: Path) -> None:
    missing = str(tmp_path / "none.toml")
    assert command(name, missing) == 2
    assert command(name, "--config", missing) == 2
    assert command(name, str(EXAMPLE), "--config", missing) == 2


def test_explain_wants_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("explain", " ") == 2
    assert "name a customer" in capsys.readouterr().err


def test_trouble_shows_what_waits_what_was_given_up_and_what_was_kept_aside(
    database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("trouble", str(EXAMPLE), "--database", database) == 0
    assert capsys.readouterr().out.count("none") == 4
    asyncio.run(leave_trouble(database))
    assert command("trouble", str(EXAMPLE), "--database", database) == 1
    said = capsys.readouterr().out
    for expected in (
        "slack C0: 1 message waits since ",
        " UTC: Slack refused: channel_not_found (again ",
        "slack C1  Telegram refused",
        "a kind we do not know",
    ):
        assert expected in said
    assert "words of a customer" not in said


def test_a_second_sandbox_leaves_the_first_ones_answers_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("TELEGRAM_TOKEN", "SLACK_BOT_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    kept = tmp_path / "data" / "sandbox.db"
    kept.parent.mkdir()
    kept.write_text("the first one's answers")
    with socket.socket() as first:
        first.bind(("127.0.0.1", 0))
        first.listen()
        port = first.getsockname()[1]
        assert command("demo", str(EXAMPLE), "--port", str(port)) == 1
    assert f"port {port} of 127.0.0.1 is taken" in capsys.readouterr().err
    assert kept.read_text() == "the first one's answers"


def test_a_database_that_never_answers_does_not_keep_the_program_from_stopping(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        environ = with_placeholders(EXAMPLE, {}) | {
            "AFTERCHAT_DATABASE_URL": f"postgresql://u@127.0.0.1:{silent.getsockname()[1]}/d",
            "PATH": "/usr/bin:/bin",
        }
        program = subprocess.Popen(
            [sys.executable, "-m", "bot", "run", str(EXAMPLE)], cwd=ROOT, env=environ, stderr=subprocess.PIPE, text=True
        )
        connection, _ = silent.accept()
        with connection:
            time.sleep(0.3)
            program.send_signal(signal.SIGTERM)
            _, complaints = program.communicate(timeout=30)
    assert program.returncode == 0, complaints
    assert "Traceback" not in complaints
