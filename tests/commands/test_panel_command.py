"""``afterchat panel``: what it lists, exports, invites and ends, and what it refuses."""

import asyncio
import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.app import real_clock
from bot.cli import main
from bot.config import load
from bot.ids import CustomerId
from bot.messages import Address, ChannelName, Text
from bot.ports import Customer, JoinPanel, OptOut, Outcome, PanelMember, Read, SaveCustomer
from bot.storage import Storage, open_storage

CONFIG = """
company = "Lotus Home"
[storage]
url = "sqlite:///{folder}/kept.db"
[channels.web]
kind = "webchat"
secret = {{ env = "NO_SUCH_SECRET" }}
[asking]
quiet_from = "00:00"
quiet_until = "00:00"
[[flow]]
id = "after"
languages = ["en"]
title = "After"
[[flow.question]]
id = "join"
type = "panel"
text = "Will you join?"
[[flow]]
id = "more"
languages = ["en"]
title = "More"
[[flow.question]]
id = "idea"
type = "text"
text = "What next?"
[[flow]]
id = "more_b"
variant_of = "more"
share = "100%"
"""
JOINED = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Shell:
    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capture = folder, capture
        self.config = folder / "config.toml"
        self.config.write_text(CONFIG.format(folder=folder), encoding="utf-8")
        self.url = f"sqlite:///{folder}/kept.db"

    def run(self, *arguments: str, code: int = 0) -> str:
        with pytest.raises(SystemExit) as ended:
            main(["--log", "warning", "panel", *arguments, "--config", str(self.config)])
        printed = self._capture.readouterr()
        assert ended.value.code == code, printed
        return printed.out + printed.err

    def members(self, *names: str) -> None:
        asyncio.run(self._members(names))

    async def _members(self, names: tuple[str, ...]) -> None:
        storage = await open_storage(self.url, clock=real_clock)
        try:
            flow = load(self.config, {"NO_SUCH_SECRET": "s" * 32}).flows[0]
            await storage.activate_flows((flow,), JOINED)
            for number, name in enumerate(names, start=1):
                await _join(storage, name, number, flow.hash)
        finally:
            await storage.close()

    def opt_out(self, name: str, *, lifted: bool = False) -> None:
        async def write() -> None:
            storage = await open_storage(self.url, clock=real_clock)
            try:
                out = OptOut(customer=CustomerId(f"c{name}"), at=real_clock() if not lifted else None)
                await storage.run(Read(), lambda _: Outcome(writes=(out,)))
            finally:
                await storage.close()

        asyncio.run(write())

    def queued(self) -> list[str]:
        """The texts that wait to be delivered."""

        async def look() -> list[str]:
            storage = await open_storage(self.url, clock=real_clock)
            try:
                now = real_clock()
                claimed = await storage.outbox.claim(now, limit=50, lease_until=now)
                return [each.outbound.content.text for each in claimed if isinstance(each.outbound.content, Text)]
            finally:
                await storage.close()

        return asyncio.run(look())

    def due(self) -> int:
        async def look() -> int:
            storage = await open_storage(self.url, clock=real_clock)
            try:
                return len(await storage.dues.due(real_clock(), 50))
            finally:
                await storage.close()

        return asyncio.run(look())


async def _join(storage: Storage, name: str, number: int, version: str) -> None:
    at = JOINED.replace(day=number)
    address = Address(channel=ChannelName("web"), key=f"{name}'s")
    customer = Customer(id=CustomerId(f"c{name}"), name=name, reference=f"K-{number}")
    member = PanelMember(
        id=f"m{number}",
        customer=customer.id,
        address=address,
        flow="after",
        version=version,  # type: ignore[arg-type]
        question="join",
        locale="en",
        joined_at=at,
    )
    writes = (SaveCustomer(customer=customer, address=address, at=at), JoinPanel(member=member))
    await storage.run(Read(address=address), lambda _: Outcome(writes=writes))


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path, capsys)


def test_an_empty_panel_is_told_so(shell: Shell) -> None:
    assert shell.run() == "Nobody.\n"


def test_members_are_listed_with_what_they_said_yes_to(shell: Shell) -> None:
    shell.members("Lan", "=Minh()")
    printed = shell.run()
    assert "K-1     Lan      2026-03-01  after        web      en" in printed
    assert printed.endswith("On the panel: 2\n")
    (lan, _) = json.loads(shell.run("--json"))
    assert (lan["member"], lan["question"], lan["text"]) == ("K-1", "join", "Will you join?")


def test_exported_cells_are_no_formulas(shell: Shell) -> None:
    shell.members("Lan", "=Minh()")
    table, lines = shell.folder / "panel.csv", shell.folder / "panel.jsonl"
    assert "2 members" in shell.run("export", str(table))
    shell.run("export", str(lines))
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == ["Lan", "'=Minh()"]
    assert [json.loads(line)["name"] for line in lines.read_text().splitlines()] == ["Lan", "=Minh()"]
    assert "name a file that ends in .csv or .jsonl" in shell.run("export", "panel.xlsx", code=2)


def test_members_are_invited_to_a_flow_once(shell: Shell) -> None:
    shell.members("Lan", "Minh")
    shell.opt_out("Minh")
    assert "Would be invited: 1" in shell.run("invite", "june", "--flow", "more", "--dry-run")
    assert shell.due() == 0
    printed = shell.run("invite", "june", "--flow", "more")
    assert "K-1: invited\nK-2: not invited, opted out\n" in printed
    assert shell.due() == 1
    assert "K-1: invited before" in shell.run("invite", "june", "--flow", "more")
    assert shell.due() == 1


def test_members_are_invited_to_a_talk_once(shell: Shell) -> None:
    shell.members("Lan")
    talk = shell.folder / "talk.toml"
    talk.write_text('text.en = "Dear {customer|customer}, {company} would like to talk to you."\n', encoding="utf-8")
    assert "K-1: invited\n" in shell.run("invite", "june", "--talk", str(talk))
    assert shell.queued() == ["Dear Lan, Lotus Home would like to talk to you."]
    assert "K-1: invited before" in shell.run("invite", "june", "--talk", str(talk))


@pytest.mark.parametrize("what", ["flow", "talk"])
def test_who_was_refused_may_be_invited_again_under_the_same_name(shell: Shell, what: str) -> None:
    shell.members("Lan")
    talk = shell.folder / "talk.toml"
    talk.write_text('text = "Would you like to talk to us?"', encoding="utf-8")
    arguments = ("invite", "june", "--flow", "more") if what == "flow" else ("invite", "june", "--talk", str(talk))
    shell.opt_out("Lan")
    assert "K-1: not invited, opted out" in shell.run(*arguments)
    shell.opt_out("Lan", lifted=True)
    assert "K-1: invited\n" in shell.run(*arguments)
    assert "K-1: invited before" in shell.run(*arguments)


def test_some_members_may_be_chosen(shell: Shell) -> None:
    shell.members("Lan", "Minh", "Anna")
    printed = shell.run("invite", "june", "--flow", "more", "--only", "K-2", "--only", "cAnna", "--dry-run")
    assert "Would be invited: 2" in printed
    assert "Lan" not in printed
    assert "Would be invited: 1" in shell.run("invite", "june", "--flow", "more", "--most", "1", "--dry-run")
    assert "Would be invited: 0" in shell.run("invite", "june", "--flow", "more", "--language", "vi", "--dry-run")


def test_a_membership_is_ended(shell: Shell) -> None:
    shell.members("Lan")
    assert shell.run("remove", "K-1") == "K-1 is no longer on the panel\n"
    assert shell.run() == "Nobody.\n"
    assert "removed by us" in shell.run("--left")
    assert "'K-1' is not on the panel" in shell.run("remove", "K-1", code=1)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("invite", "june", "--flow", "mor"), "there is no flow 'mor'. Did you mean 'more'?"),
        (("invite", "june", "--flow", "more_b"), "'more_b' is a variant of 'more'. Write --flow more:"),
        (("invite", "june", "--flow", ""), "there is no flow ''"),
        (("invite", " ", "--flow", "more"), "name the invitation in 1 to 60 characters"),
        (("invite", "june", "--flow", "more", "--only", "K-9"), "'K-9' is not on the panel"),
        (("invite", "june", "--talk", "missing.toml"), "missing.toml"),
    ],
    ids=["flow", "variant", "no flow", "name", "member", "file"],
)
def test_what_is_wrong_is_told_and_nobody_is_invited(shell: Shell, arguments: tuple[str, ...], told: str) -> None:
    shell.members("Lan")
    assert told in shell.run(*arguments, code=2)
    assert shell.due() == 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("text = 5", 'talk.toml:1: text: must be a text for each language. Write text.en = "…"'),
        ('text.en = ""', "talk.toml:1: text.en: is empty"),
        ("text.en = 5", "text.en: must be a text in quotes"),
        ('text.en = "Hi"\nlinks = "https://x"', "talk.toml:2: links: there is no setting 'links'"),
        ('text.en = "Hi"\nlink = "javascript:alert(1)"', "talk.toml:2: link: is no address of a page"),
        ('text.en = "Hi"\nlink = "https://x.example/\\u001b[2J"', "link: is no address of a page"),
        ('text.en = "Hi"\nlink = "https://"', "link: is no address of a page"),
        ('text.en = "Hi"\nlink = 5', "talk.toml:2: link: must be a text in quotes"),
        ("text.en = ", "talk.toml:1: is no TOML"),
        ('text.en = "Hi"\ntext.vi = "{agent} và {x}"', "talk.toml:2: text.vi: there is no variable {agent}."),
        ('text.en = "Hi {Customer}"', "'{Customer}' is no variable"),
        ('text = "Hi {costumer|you}"', "Did you mean 'customer'?"),
        ('text = "Hi {customer}"', "Write {customer|…} with words for those who gave no name."),
        (f'text = "{"x" * 1_501}"', "text: is 1501 characters long. Use at most 1500"),
        ('text.english = "Hi"', "text.english: 'english' is no language tag"),
        ('text.vn = "Xin chào"', "Did you mean 'vi'?"),
        (f'text = "Hi"\nlink = "https://x"\nbutton = "{"x" * 500}"', "talk.toml:3: button: is 500 characters long"),
        ('text = "Hi"\nlink = "https://x"\nbutton = "{customer}"', "button: has braces"),
        ('text = "Hi"\nbutton = "Choose"', "talk.toml:2: button: has no link to open"),
    ],
    ids=[
        *("number", "empty", "number for a language", "unknown key", "scheme", "control character", "no host"),
        *("number for a link", "no TOML", "unknown variable", "no variable", "near variable", "may stay empty"),
        *("long text", "no tag", "a country's code", "long button", "variable in a button", "button alone"),
    ],
)
def test_a_wrong_talk_is_told_with_its_line(shell: Shell, text: str, told: str) -> None:
    shell.members("Lan")
    talk = shell.folder / "talk.toml"
    talk.write_text(text, encoding="utf-8")
    assert told in shell.run("invite", "june", "--talk", str(talk), code=2)
    assert shell.queued() == []
