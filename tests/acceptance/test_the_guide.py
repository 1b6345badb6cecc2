"""The guide to one's own flow is true: its file is in order, its mistakes are named, and it can be played."""

import io
import re
from pathlib import Path

import pytest

import bot
from bot.cli import main
from bot.demo import Demo

ROOT = Path(bot.__file__).parent.parent
GUIDE = (ROOT / "docs" / "flows.md").read_text(encoding="utf-8")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The guide's file, saved in an empty folder."""
    (found,) = re.findall(r"^```toml\n(.*?)^```", GUIDE, flags=re.M | re.S)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "shop.toml"
    path.write_text(found, encoding="utf-8")
    return path


def afterchat(capture: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["--log", "warning", *arguments])
    printed = capture.readouterr()
    assert ended.value.code == code, printed
    return printed.out + printed.err


def test_its_file_is_in_order(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert afterchat(capsys, "check", "--no-secrets", "--strict", "shop.toml") == "shop.toml is in order\n"


def test_its_schema_stands_where_the_file_says() -> None:
    (named,) = re.findall(r"^#:schema (\S+)$", GUIDE, flags=re.M)
    assert (ROOT / named).is_file()


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        ('type = "csat5"', 'type = "csat6"', re.search(r"^(shop\.toml:\d+: .*csat6.*)$", GUIDE, flags=re.M)),
        ("required_below = 3", "required_below = 9", "required_below"),
        ('title.it = "Visita al negozio"', 'title.pl = "Wizyta"', "title"),
    ],
    ids=["type", "score", "language"],
)
def test_its_mistakes_are_named(
    shop: Path, capsys: pytest.CaptureFixture[str], was: str, becomes: str, told: re.Match[str] | str | None
) -> None:
    text = shop.read_text(encoding="utf-8")
    assert was in text
    shop.write_text(text.replace(was, becomes, 1), encoding="utf-8")
    printed = afterchat(capsys, "check", "--no-secrets", "shop.toml", code=2)
    assert told is not None
    assert (told if isinstance(told, str) else told[1]) in printed


def test_it_is_tried_as_the_guide_shows(
    shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = re.findall(r"^\$ \S+afterchat try (.*?)^```", GUIDE, flags=re.M | re.S)[0]
    command, _, output = shown.partition("\n")
    (typed,) = re.findall(r"^> (.*)$", output, flags=re.M)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{typed}\n"))
    printed = afterchat(capsys, "try", *command.split())
    for line in output.splitlines():
        assert line.rstrip(" …") in printed


async def test_it_runs_in_the_sandbox(shop: Path) -> None:
    async with Demo.open(shop, page_port=0, app_port=0) as demo:
        assert [pinned.flow.id for pinned in demo.app.settings().flows] == ["visit"]
        assert demo.app.settings().server.api_keys
