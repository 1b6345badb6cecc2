"""Flows in files of their own: what they hold, and that every mistake names its file and line."""

from pathlib import Path

import pytest

from bot.config import OpsSettings, check, load
from bot.config.reading import MOST_FLOWS
from bot.config.sources import LARGEST, MOST_FILES, gather
from bot.messages import ChannelName
from bot.toml_tables import MOST_FINDINGS

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
        "flows/huge.toml:1: cannot be read: is larger than 1 MB",
    ]


# label: links (name, target) beside flows/a.toml and flows/more/b.toml, the names under which the files are read
LINKS: dict[str, tuple[dict[str, str], list[str]]] = {
    "two that lead up": ({"flows/up": ".", "flows/more/up": ".."}, ["flows/a.toml", "flows/more/b.toml"]),
    "to a folder inside": ({"flows/0": "more"}, ["flows/a.toml", "flows/more/b.toml"]),
    "to a folder outside": ({"flows/out": "../outside"}, ["flows/a.toml", "flows/more/b.toml", "flows/out/c.toml"]),
    "to a file that is read already": ({"flows/z.toml": "a.toml"}, ["flows/a.toml", "flows/more/b.toml"]),
    "to the config": ({"flows/z.toml": "../config.toml"}, ["flows/a.toml", "flows/more/b.toml"]),
}


@pytest.mark.parametrize(("links", "read"), LINKS.values(), ids=LINKS)
def test_links_lead_to_each_file_once_and_never_in_circles(
    links: dict[str, str], read: list[str], tmp_path: Path
) -> None:
    files = {"flows/a.toml": flow("a"), "flows/more/b.toml": flow("b"), "outside/c.toml": flow("c")}
    path = written(tmp_path, {"config.toml": ROOT.replace("flows/*", "flows/**/*"), **files})
    for name, target in links.items():
        (tmp_path / name).symlink_to(target)
    assert [source.name for source in gather(path).flows] == read
    assert check(path, ENVIRONMENT) == []


def test_more_files_than_anybody_writes_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, {"config.toml": ROOT} | {f"flows/{n}.toml": "" for n in range(MOST_FILES + 1)})
    (told,) = check(path, ENVIRONMENT)
    assert str(told).startswith("config.toml:2: flow_files[0]: there are too many files, or folders")


def test_of_very_many_mistakes_the_first_are_told_and_the_others_counted(tmp_path: Path) -> None:
    unknown = "".join(f"k{n} = 1\n" for n in range(5_000))
    told = check(written(tmp_path, {"config.toml": unknown + ROOT.replace("company", "company_name")}), ENVIRONMENT)
    assert len(told) == MOST_FINDINGS + 1
    assert "and there is more that is wrong, in 4,803 places" in str(told[-1])


def test_more_flows_than_anybody_asks_are_refused(tmp_path: Path) -> None:
    flows = "".join(flow(f"f{n}") for n in range(MOST_FLOWS + 1))
    (told,) = check(written(tmp_path, {"config.toml": ROOT.replace("flow_files", "# ") + flows}), ENVIRONMENT)
    assert "flow: there are 501 flows. Keep at most 500 in use." in str(told)


@pytest.mark.parametrize("deep", ["[" + ".".join("a" * 2_000) + "]", "a = " + "[" * 90 + "]" * 90])
def test_what_is_nested_too_deeply_is_refused(deep: str, tmp_path: Path) -> None:
    (told,) = check(written(tmp_path, {"config.toml": f"{ROOT}\n{deep}\n"}), ENVIRONMENT)
    assert str(told) == "config.toml:1: is nested too deeply"


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
