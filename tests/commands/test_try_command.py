"""``afterchat try``: a flow played in the terminal, as each channel draws it, with nothing kept."""

import io
from pathlib import Path

import pytest

from bot.cli import main

CONFIG = """
company = "Lotus Home"
[storage]
url = "sqlite:///kept.db"
[channels.telegram]
kind = "telegram"
token = { env = "NO_SUCH_TOKEN" }
[[flow]]
id = "support"
languages = ["en", "vi"]
title.en = "Support"
title.vi = "Hỗ trợ"
[[flow.question]]
id = "score"
type = "csat5"
look = "emoji"
text.en = "How was it with {agent|us}?"
text.vi = "Quý khách thấy thế nào?"
[[flow.question]]
id = "why"
type = "text"
text.en = "What happened?"
text.vi = "Có chuyện gì vậy ạ?"
"""


class Terminal:
    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]) -> None:
        self.folder, self._patch, self._capture = folder, monkeypatch, capture
        self.config = folder / "config.toml"
        self.config.write_text(CONFIG, encoding="utf-8")
        monkeypatch.chdir(folder)

    def play(self, *lines: str, options: tuple[str, ...] = ("support",), code: int = 0) -> str:
        """All that is printed when a person types these lines."""
        self._patch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        with pytest.raises(SystemExit) as ended:
            main(["--log", "warning", "try", *options])
        assert ended.value.code == code
        printed = self._capture.readouterr()
        return printed.out + printed.err


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(tmp_path, monkeypatch, capsys)


def test_a_survey_is_played_to_its_end(terminal: Terminal) -> None:
    printed = terminal.play("2, too slow", "never again")
    assert "How was it with us?" in printed
    assert "#1 😞   #2 😕   #3 😐   #4 🙂   #5 😀" in printed
    assert "saved: score = 2" in printed
    assert "saved: why, in the customer's words" in printed
    assert "kept: “too slow”" in printed
    assert "a case is opened for the agents" in printed
    assert "✓ 😕 2/5" in printed


def test_buttons_are_tapped_by_number(terminal: Terminal) -> None:
    printed = terminal.play("#5", "#1", "#9", "#1.1", "#4", options=("support", "--lang", "vi", "--with", "agent=Minh"))
    assert "Quý khách thấy thế nào?" in printed
    assert "saved: score = 5" in printed
    assert "saved: why was skipped" in printed
    assert "There is no button #9" in printed
    assert printed.index("saved: why was skipped") < printed.index("saved: score = 4")


def test_time_passes_when_told_to(terminal: Terminal) -> None:
    assert "saved: score" not in terminal.play("#wait 10d", "#1")
    assert "is no span of time" in terminal.play("#wait tomorrow")


@pytest.mark.parametrize("channel", ["telegram", "slack", "web", "webhook", "page"])
def test_each_channel_draws_buttons_to_tap(terminal: Terminal, channel: str) -> None:
    printed = terminal.play("#2", options=("support", "--channel", channel))
    assert f"on {channel}." in printed
    assert "saved: score = 2" in printed


def test_without_buttons_the_answers_are_told_in_words(terminal: Terminal) -> None:
    printed = terminal.play("#2", "4", options=("support", "--channel", "text"))
    assert "1 = 😞 (Very dissatisfied)" in printed
    assert "There is no button #2" in printed
    assert "saved: score = 4" in printed


def test_nothing_is_left_behind(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = terminal.folder / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    terminal.play("1", "no, nothing else")
    assert list(scratch.iterdir()) == []
    assert sorted(file.name for file in terminal.folder.iterdir()) == ["config.toml", "scratch"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("suport",), "There is no flow 'suport' in config.toml. Did you mean 'support'?"),
        (("support", "--channel", "telegramm"), "There is no channel 'telegramm'. Did you mean 'telegram'?"),
        (("support", "--with", "agent"), "'agent' is no attribute; write agent=Minh"),
    ],
    ids=["flow", "channel", "attribute"],
)
def test_what_is_wrong_on_the_command_line_is_told(terminal: Terminal, options: tuple[str, ...], told: str) -> None:
    assert told in terminal.play(options=options, code=2)


def test_a_language_that_the_flow_is_not_in_is_told(terminal: Terminal) -> None:
    printed = terminal.play(options=("support", "--lang", "it"))
    assert "support is not in 'it', so these customers are asked in English." in printed
    assert "How was it with us?" in printed


def test_mistakes_of_the_config_are_told_first(terminal: Terminal) -> None:
    terminal.config.write_text(CONFIG.replace('type = "csat5"', 'type = "csat6"'), encoding="utf-8")
    assert "config.toml:15: flow[0].question[0].type: there is no type 'csat6'" in terminal.play(code=2)


@pytest.mark.parametrize("line", ["not now", "#6", "#7", "stop", "agent", "language", "back"])
def test_whoever_answers_otherwise_reads_what_a_customer_does(terminal: Terminal, line: str) -> None:
    printed = terminal.play(line)
    assert "Traceback" not in printed
    assert printed.endswith("Nothing of this was kept.\n")
