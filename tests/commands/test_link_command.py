"""``afterchat link``: what it prints, what it draws, and what it refuses."""

import asyncio
import json
import re
import struct
import zlib
from pathlib import Path

import pytest
import segno

from bot.app import real_clock
from bot.cli import main
from bot.intake.anonymity import keyed
from bot.ports import Link
from bot.storage import open_storage

CONFIG = """
company = "Lotus Home"
[server]
public_url = "{url}"
[channels.page]
kind = "page"
[channels.telegram]
kind = "telegram"
token = {{ env = "NO_SUCH_TOKEN" }}
username = "lotus_bot"
[[flow]]
id = "support"
languages = ["en", "it"]
title.en = "Support"
title.it = "Assistenza"
[[flow.question]]
id = "score"
type = "csat5"
look = "emoji"
text.en = "How was it?"
text.it = "Com'è andata?"
[[flow]]
id = "words"
languages = ["en"]
title.en = "Words"
[[flow.question]]
id = "words"
type = "text"
text.en = "What happened?"
"""


class Shell:
    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capture = folder, capture
        self.database = f"sqlite:///{folder}/links.db"
        self.config = folder / "config.toml"
        self.write("https://feedback.example")

    def write(self, url: str) -> None:
        self.config.write_text(CONFIG.format(url=url), encoding="utf-8")

    def link(self, *arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["link", *arguments, "--config", str(self.config), "--database", self.database])
        out, error = self.capture.readouterr()
        return int(str(ended.value.code)), out, error

    def kept(self, id: str) -> Link | None:
        async def find() -> Link | None:
            storage = await open_storage(self.database, clock=real_clock)
            try:
                return await storage.links.find(id)
            finally:
                await storage.close()

        return asyncio.run(find())


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path, capsys)


@pytest.mark.parametrize(("language", "code"), [("it-CH", 0), ("EN", 0), ("pl", 1)])
def test_a_link_is_in_a_language_of_its_flow(shell: Shell, language: str, code: int) -> None:
    given, _, error = shell.link("support", "--language", language)
    assert given == code
    assert error == ("" if code == 0 else "afterchat: The flow 'support' has no language 'pl'; it has: en, it.\n")


def test_it_prints_what_leads_to_a_link_that_it_keeps(shell: Shell) -> None:
    code, out, error = shell.link(
        "support", "--customer", "C-1", "--language", "it", "--attribute", "agent=Minh", "--expires", "90d", "--json"
    )
    told = json.loads(out)
    assert (code, error) == (0, "")
    assert told["page"] == f"https://feedback.example/s/{told['id']}"
    assert told["telegram"] == f"https://t.me/lotus_bot?start={told['id']}"
    kept = shell.kept(told["id"])
    assert kept is not None
    assert (kept.flow, kept.customer, kept.locale, dict(kept.attributes)) == ("support", "C-1", "it", {"agent": "Minh"})
    assert kept.expires_at is not None
    assert (kept.expires_at - kept.made_at).days == 90


def test_without_names_only_what_stands_for_a_reference_is_kept(shell: Shell) -> None:
    config = shell.config.read_text("utf-8")
    shell.config.write_text(config.replace("[server]", "[asking]\nanonymous = true\n[server]"), encoding="utf-8")
    _, out, _ = shell.link("support", "--customer", "customer-1042", "--json")
    told = json.loads(out)
    kept = shell.kept(told["id"])

    async def known_as() -> str:
        storage = await open_storage(shell.database, clock=real_clock)
        try:
            return keyed(storage.key_for("references"))("customer-1042")
        finally:
            await storage.close()

    assert kept is not None
    assert (told["customer"], kept.customer) == ("customer-1042", asyncio.run(known_as()))


@pytest.mark.parametrize(("channel", "shown", "hidden"), [("page", "/s/", "t.me"), ("telegram", "t.me", "/s/")])
def test_a_channel_can_be_named(shell: Shell, channel: str, shown: str, hidden: str) -> None:
    code, out, _ = shell.link("support", "--channel", channel)
    assert (code, shown in out, hidden in out) == (0, True, False)


def test_an_email_is_printed_alone(shell: Shell) -> None:
    code, out, error = shell.link("support", "--email", "--ref", "{{ticket.id}}", "--language", "it")
    assert (code, out.startswith("<table"), out.rstrip().endswith("</table>")) == (0, True, True)
    assert "Com&#39;è andata?" in out
    id = re.findall(r"/s/([A-Za-z0-9_-]{22})\?a=5&amp;ref=\{\{ticket\.id\}\}", out)[0]
    assert shell.kept(id) is not None
    assert id in error


def test_each_answer_has_an_address(shell: Shell) -> None:
    _, out, _ = shell.link("support", "--answers")
    assert len(re.findall(r"\?a=[1-5]$", out, re.MULTILINE)) == 5


@pytest.mark.parametrize("arguments", [(), ("--channel", "telegram")])
def test_a_code_is_drawn_that_holds_the_address(shell: Shell, arguments: tuple[str, ...]) -> None:
    path = shell.folder / "code.png"
    code, out, _ = shell.link("support", "--qr", str(path), "--json", *arguments)
    told = json.loads(out)
    address = told["telegram"] if arguments else told["page"]
    assert code == 0
    right = segno.make(address, error="m", micro=False).matrix
    assert modules(path.read_bytes(), border=4, scale=10) == [[bool(each) for each in row] for row in right]


def test_a_code_can_be_drawn_for_print(shell: Shell) -> None:
    path = shell.folder / "code.svg"
    assert shell.link("support", "--qr", str(path))[0] == 0
    assert "<svg" in path.read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("suport",), "Did you mean 'support'?"),
        (("words", "--email"), "no rating"),
        (("support", "--channel", "slack"), "no channel 'slack'"),
        (("support", "--ref", "{{x}}"), "--ref goes with --email"),
        (("support", "--email", "--ref", '"x"'), "no placeholder"),
        (("support", "--customer", " "), "--customer names nobody"),
        (("support", "--customer", "C" * 201), "--customer is longer than 200"),
        (("support", "--attribute", f"agent={'x' * 201}"), "longer than 200"),
        (("support", "--qr", "/nowhere/at/all.png"), "cannot be written"),
    ],
)
def test_a_mistake_is_told_and_leaves_no_link(shell: Shell, arguments: tuple[str, ...], told: str) -> None:
    code, out, error = shell.link(*arguments)
    assert (code, out) == (1, "")
    assert told in error


@pytest.mark.parametrize("arguments", [("--qr", "code.jpg"), ("--attribute", "agent"), ("--expires", "soon")])
def test_what_cannot_be_read_is_a_mistake_of_the_command_line(shell: Shell, arguments: tuple[str, ...]) -> None:
    assert shell.link("support", *arguments)[0] == 2


def test_an_address_that_only_this_computer_opens_is_warned_of(shell: Shell) -> None:
    shell.write("http://127.0.0.1:8080")
    code, _, error = shell.link("support")
    assert (code, "set server.public_url" in error) == (0, True)


def modules(png: bytes, *, border: int, scale: int) -> list[list[bool]]:
    """The dark modules of a QR code in a picture of one bit a dot."""
    width, height, depth, colours = struct.unpack(">IIBB", png[16:26])
    assert (depth, colours) in {(1, 0), (1, 3)}
    data = b"".join(re.findall(rb"IDAT(.*?)(?=.{4}.{4}IEND)", png, re.DOTALL))
    packed, step = zlib.decompress(data), (width + 7) // 8 + 1
    rows = [bytes(step - 1)]
    for at in range(0, len(packed), step):
        kind, line = packed[at], packed[at + 1 : at + step]
        assert kind in (0, 2), "a row stands for itself, or for its difference from the one above"
        rows.append(bytes((one + above * (kind == 2)) % 256 for one, above in zip(line, rows[-1], strict=True)))
    bits = [[row[x // 8] >> (7 - x % 8) & 1 for x in range(width)] for row in rows[1:]]
    middle = range(border * scale + scale // 2, height - border * scale, scale)
    return [[bits[y][x] != bits[0][0] for x in middle] for y in middle]
