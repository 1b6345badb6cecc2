"""The guide to one's own flow is true: its file is in order, its mistakes are named, and it can be played."""

import asyncio
import io
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

import bot
from bot.cli import main
from bot.demo import TELEGRAM_TOKEN, Demo
from bot.sandbox.demo import MAI
from bot.sandbox.telegram_state import Message

SECONDS = 30.0
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


@pytest.fixture
async def demo(shop: Path, sqlite_tables: Path) -> AsyncIterator[Demo]:
    shutil.copy(sqlite_tables, shop.with_name("demo.db"))
    database = f"sqlite:///{shop.with_name('demo.db')}"
    async with Demo.open(shop, app_port=0, database=database, environ={}) as running:
        yield running


async def ends_chat(demo: Demo, chat: str, language: str) -> None:
    """Press *End the support chat* on the sandbox's page."""
    deed = {"do": "chat.end", "chat": chat, "language": language}
    async with aiohttp.ClientSession() as browser, browser.post(f"{demo.page.url}sandbox/deeds", json=deed) as answer:
        assert (await answer.json())["ok"], await answer.text()


class Mai:
    """Who answers in the sandbox's Telegram."""

    def __init__(self, demo: Demo) -> None:
        self._telegram, self._key = demo.telegram, int(MAI.key)

    async def taps(self, text: str, label: str) -> None:
        """As soon as a message with this text has this button."""
        self._telegram.user_taps(TELEGRAM_TOKEN, self._key, (await self.sees(text, label)).message_id, label)

    async def sees(self, text: str, label: str) -> Message:
        def found() -> Message | None:
            messages = self._telegram.messages(TELEGRAM_TOKEN, self._key)
            return next((each for each in messages if text in (each.text or "") and label in labels(each)), None)

        message = await self._telegram.wait_for(found, timeout=SECONDS)
        assert message is not None
        return message


def labels(message: Message) -> set[str]:
    return {button.text for row in message.buttons for button in row}


async def test_it_is_answered_in_the_sandbox_and_changed_while_it_runs(shop: Path, demo: Demo) -> None:
    mai, old, new = Mai(demo), "Quý khách thấy lần ghé cửa hàng vừa rồi thế nào?", "Hôm nay quý khách thấy sao?"
    live = demo.app.live
    assert live is not None
    await ends_chat(demo, "telegram", "vi")
    await mai.taps(old, "🙂")
    await mai.sees(old, "Sửa")
    text = shop.read_text(encoding="utf-8")
    shop.write_text(text.replace(old, new), encoding="utf-8")
    async with asyncio.timeout(SECONDS):
        while live.went_live is None or "text of 'score' in vi changed" not in live.went_live.changes:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    await mai.taps("hài lòng nhất về điều gì", "Bỏ qua")
    await mai.taps("muốn nhắn gì thêm", "Bỏ qua")
    await mai.sees("muốn nhắn gì thêm", "Sửa")
    await ends_chat(demo, "telegram", "vi")
    await mai.taps(new, "🙂")
    await mai.sees(new, "Sửa")


async def test_the_page_tells_what_is_shortened_there(demo: Demo) -> None:
    async with aiohttp.ClientSession() as browser, browser.get(f"{demo.page.url}sandbox/setting") as answer:
        setting = await answer.json()
    shortened = {row["what"]: (row["normal"], row["here"]) for row in setting["shortened"]}
    assert shortened["Asked after a chat ends"] == ("10 minutes", "1 second")
    assert shortened["Quiet hours"] == ("21:00 to 08:00", "none")
