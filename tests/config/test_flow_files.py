"""Flows in files of their own: what they hold, and that every mistake names its file and line."""

from pathlib import Path

import pytest

from bot.config import OpsSettings, check, load
from bot.config.sources import LARGEST, gather
from bot.messages import ChannelName

ENVIRONMENT = {"WEBCHAT_SECRET": "0123456789abcdef"}
ROOT = """company = "Lotus Home"
flow_files = ["flows/*.toml"]
[channels.web]
kind = "webchat"
secret = { env = "WEBCHAT_SECRET" }
"""


def flow(id: str, text: str = "How was it?") -> str:
    return f"""[[flow]]
id = "{id}"
languages = ["en"]
title = "Chat"
[[flow.question]]
id = "score"
type = "csat5"
text = "{text}"
"""


def written(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return folder / "config.toml"


FOUND = {
    "sorted, behind the root's": (
        {"config.toml": ROOT + flow("own"), "flows/b.toml": flow("b"), "flows/a.toml": flow("a2") + flow("a1")},
        ["own", "a2", "a1", "b"],
    ),
    "none in the root": ({"config.toml": ROOT, "flows/a.toml": flow("a")}, ["a"]),
    "files that editors hide": (
        {"config.toml": ROOT, "flows/a.toml": flow("a"), "flows/.hidden.toml": "not TOML", "flows/a.toml~": "no"},
        ["a"],
    ),
    "two patterns that find the same file": (
        {
            "config.toml": ROOT.replace('"flows/*.toml"', '"flows/a.toml", "./flows/*.toml", "flows/*.toml"'),
            "flows/a.toml": flow("a"),
        },
        ["a"],
    ),
    "a folder of folders": (
        {
            "config.toml": ROOT.replace("flows/*", "flows/**/*"),
            "flows/x/y/a.toml": flow("a"),
            "flows/b.toml": flow("b"),
        },
        ["b", "a"],
    ),
    "the config beside its flows is no flow file": (
        {"config.toml": ROOT.replace("flows/*", "*"), "a.toml": flow("a")},
        ["a"],
    ),
}


@pytest.mark.parametrize(("files", "ids"), FOUND.values(), ids=FOUND)
def test_flows_are_read_from_their_files(files: dict[str, str], ids: list[str], tmp_path: Path) -> None:
    settings = load(written(tmp_path, files), ENVIRONMENT)
    assert [pinned.flow.id for pinned in settings.flows] == ids


def test_an_absolute_pattern_is_one_too(tmp_path: Path) -> None:
    files = {"config.toml": ROOT.replace("flows/*.toml", f"{tmp_path}/elsewhere/*.toml"), "elsewhere/a.toml": flow("a")}
    assert [pinned.flow.id for pinned in load(written(tmp_path, files), ENVIRONMENT).flows] == ["a"]


BROKEN = {
    "each mistake in its own file": (
        {
            "config.toml": ROOT.replace("Lotus Home", "") + flow("own").replace("csat5", "csat6"),
            "flows/a.toml": flow("a") + flow("b").replace("How was it?", ""),
            "flows/b.toml": "\n\n" + flow("c").replace("csat5", "csat6"),
        },
        [
            "config.toml:1: company: is empty",
            "config.toml:12: flow[0].question[0].type: there is no type 'csat6'",
            "flows/a.toml:16: flow[1].question[0].text: is empty",
            "flows/b.toml:9: flow[0].question[0].type: there is no type 'csat6'",
        ],
    ),
    "one that is no TOML, and another with a mistake": (
        {"config.toml": ROOT, "flows/a.toml": "[[flow]\n", "flows/b.toml": flow("b").replace("csat5", "csat6")},
        ["flows/a.toml:1: is no TOML", "flows/b.toml:7: flow[0].question[0].type: there is no type 'csat6'"],
    ),
    "what a broken file may hold is not missed": (
        {"config.toml": ROOT + '[commands]\nfeedback = "a"\n', "flows/a.toml": "[[flow]\n"},
        ["flows/a.toml:1: is no TOML"],
    ),
    "an id in two files": (
        {"config.toml": ROOT, "flows/a.toml": flow("x"), "flows/b.toml": "\n" + flow("x")},
        ["flows/b.toml:3: flow[0].id: there is another flow 'x' on line 2 of flows/a.toml"],
    ),
    "an id in the root, too": (
        {"config.toml": ROOT + flow("x"), "flows/a.toml": flow("x")},
        ["flows/a.toml:2: flow[0].id: there is another flow 'x' on line 7 of config.toml"],
    ),
    "a pattern that finds nothing": (
        {"config.toml": ROOT.replace("]", ', "more/*.toml"]', 1), "flows/a.toml": flow("a")},
        ["config.toml:2: flow_files[1]: there is no such file. It is looked for from the folder of config.toml."],
    ),
    "no pattern but text": (
        {"config.toml": ROOT.replace('["flows/*.toml"]', '"flows/*.toml"') + flow("a")},
        ["config.toml:2: flow_files: must be a list of texts, not the text 'flows/*.toml'"],
    ),
    "what is no flow": (
        {"config.toml": ROOT, "flows/a.toml": '[asking]\ndelay = "1m"\n' + flow("a")},
        ["flows/a.toml:1: asking: does not belong in a flow file. Flow files hold [[flow]]"],
    ),
    "one pair of brackets": (
        {"config.toml": ROOT, "flows/a.toml": '[flow]\nid = "a"\n'},
        ["flows/a.toml:1: flow: must be a list of tables, not a table. Write its name in two pairs"],
    ),
    "an empty file": (
        {"config.toml": ROOT, "flows/a.toml": "", "flows/b.toml": flow("b")},
        ["flows/a.toml:1: holds no flow"],
    ),
}


@pytest.mark.parametrize(("files", "problems"), BROKEN.values(), ids=BROKEN)
def test_every_mistake_names_its_file_and_line(files: dict[str, str], problems: list[str], tmp_path: Path) -> None:
    told = [str(problem) for problem in check(written(tmp_path, files), ENVIRONMENT)]
    assert len(told) == len(problems), told
    assert [line for line, begins in zip(told, problems, strict=True) if not line.startswith(begins)] == []


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, {"config.toml": ROOT, "flows/a.toml": flow("a")})
    (tmp_path / "flows" / "gone.toml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "flows" / "huge.toml").write_bytes(b"#" * (LARGEST + 1))
    assert [str(problem) for problem in check(path, ENVIRONMENT)] == [
        "flows/gone.toml:1: cannot be read: No such file or directory",
        "flows/huge.toml:1: cannot be read: is larger than 4 MB",
    ]


def test_the_digest_tells_contents_apart_and_not_places(tmp_path: Path) -> None:
    files = {"config.toml": ROOT, "flows/a.toml": flow("a")}
    here, there = gather(written(tmp_path / "1", files)), gather(written(tmp_path / "2", files))
    assert here.digest == there.digest
    other = gather(written(tmp_path / "2", {"flows/a.toml": flow("a", "How was it now?")}))
    assert other.digest != here.digest


# ---- the room of those who operate it --------------------------------------------------------------------

SLACK = """[channels.slack]
kind = "slack"
bot_token = { env = "SLACK_BOT_TOKEN" }
app_token = { env = "SLACK_APP_TOKEN" }
"""
TOKENS = ENVIRONMENT | {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}
OPS = {
    "a person": (
        'channel = "slack"\nroom = "U024BE7LH"',
        ["ops.room: 'U024BE7LH' is the id of a person, not of a room"],
    ),
    "no Slack": ('channel = "web"\nroom = "#ops"', ["ops.channel: 'web' is no Slack channel. "]),
    "nothing": ("", ["ops.channel: is missing", "ops.room: is missing"]),
    "another key": ('channel = "slack"\nroom = "#ops"\nrooms = 1', ["ops.rooms: there is no setting 'rooms'"]),
}


def test_operators_have_a_room(tmp_path: Path) -> None:
    ops = '[ops]\nchannel = "slack"\nroom = "#ops"\n'
    settings = load(written(tmp_path, {"config.toml": ROOT + SLACK + ops, "flows/a.toml": flow("a")}), TOKENS)
    assert settings.ops == OpsSettings(channel=ChannelName("slack"), room="#ops")


@pytest.mark.parametrize(("ops", "problems"), OPS.values(), ids=OPS)
def test_mistakes_in_the_operators_room(ops: str, problems: list[str], tmp_path: Path) -> None:
    files = {"config.toml": f"{ROOT}{SLACK}[ops]\n{ops}\n", "flows/a.toml": flow("a")}
    told = [str(problem).partition(": ")[2] for problem in check(written(tmp_path, files), TOKENS)]
    assert len(told) == len(problems), told
    assert [line for line, begins in zip(told, problems, strict=True) if not line.startswith(begins)] == []
