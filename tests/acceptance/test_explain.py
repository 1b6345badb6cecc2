"""`afterchat explain` gives the true reason for each outcome, and `afterchat simulate` what other settings would do.

A shop's fortnight on a real database, told to the program's own intake; then the commands, as an operator types them.
"""

import asyncio
import json
import sqlite3
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.app import ids_of, real_clock
from bot.config import Settings, load
from bot.conversations.dealings import Beside, Ended, Happening, Resumed, Spoke, Told
from bot.conversations.invitations import TriggerKind
from bot.demo import with_placeholders
from bot.intake import Intake
from bot.intake.anonymity import keyed
from bot.languages.formats import moment
from bot.messages import Address, AgentAsks, ChannelName, Commanded, Wrote
from bot.storage import Storage, open_storage
from tests.acceptance.test_commands import EXAMPLE, command
from tests.conftest import SetClock
from tests.web.case_site import empty_database

#: a Monday's or any day's ten o'clock in the agents' Rome, a fortnight ago: a simulation looks back from now
MORNING = (real_clock() - timedelta(days=14)).replace(hour=9, minute=0, second=0, microsecond=0)
HANOI = "Asia/Ho_Chi_Minh"
LAN = "lan".ljust(22, "x")


def web(name: str) -> Address:
    """A session of the web chat, by the customer's name."""
    return Address(channel=ChannelName("web"), key=name.ljust(22, "x"))


class Shop:
    """The intake over a database, with the clock in a test's hand."""

    def __init__(self, storage: Storage, settings: Settings, clock: SetClock) -> None:
        self.storage, self.clock = storage, clock
        self.intake = Intake(
            store=storage,
            settings=lambda: settings,
            clock=clock,
            ids=ids_of(clock),
            pseudonym=keyed(storage.key_for("references")),
        )

    async def tell(
        self,
        reference: str,
        happening: Happening | None = None,
        who: str = "",
        *,
        trigger: TriggerKind = "helpdesk",
        address: Address | None = None,
        **told: Any,
    ) -> None:
        ended = happening or Ended(at=self.clock(), messages=9, human_answered=True)
        where = address or (web(who) if who else None)
        await self.intake.tell(
            Told(source="chatwoot", reference=reference, happening=ended, address=where, **told), trigger
        )

    async def wait(self, **span: float) -> None:
        """Let time pass as it does while the server is on."""
        until = self.clock.now + timedelta(**span)
        while (due := await self.storage.dues.next_due()) is not None and due <= until:
            self.clock.now = max(self.clock.now, due)
            for each in await self.storage.dues.due(self.clock.now, 100):
                await self.intake.come_due(each)
        self.clock.now = until

    async def write(self, who: str, text: str) -> None:
        at = self.clock()
        await self.intake.handle(Wrote(event=f"{who} {at} {text}", sender=web(who), text=text, at=at))


async def fortnight(shop: Shop) -> None:
    clock = shop.clock
    # quiet hours in Hanoi, then asked; told again twice; once more within the cool-down
    clock.advance(hours=6)
    await shop.tell("night", who="lan", time_zone=HANOI, customer="K-LAN")
    await shop.tell("night", who="lan")
    await shop.tell("night", who="lan")
    await shop.wait(hours=20)
    await shop.write("lan", "5")
    await shop.wait(days=2)
    await shop.tell("again", who="lan")
    await shop.wait(hours=1)
    # a customer of whom nothing ended yet
    await shop.tell("talk", Spoke(by="customer", at=clock()), "ivy", customer="K-IVY")
    # what goes on after all
    await shop.tell("resumed", who="minh")
    await shop.wait(minutes=5)
    await shop.tell("resumed", Resumed(at=clock()), "minh")
    await shop.tell("went-on", who="ann")
    await shop.wait(minutes=5)
    await shop.tell("went-on", Spoke(by="customer", at=clock()), "ann")
    # a mere thank-you after a survey
    await shop.tell("thanks", Spoke(by="agent", at=clock()), "ben")
    await shop.tell("thanks", who="ben")
    await shop.wait(hours=1)
    await shop.tell("thanks", Spoke(by="customer", at=clock()), "ben")
    await shop.wait(hours=2)
    await shop.tell("thanks", Ended(at=clock(), messages=9), "ben")
    # who may not be asked
    await shop.intake.handle(Commanded(event="stop", sender=web("cara"), command="stop", at=clock()))
    await shop.tell("stopped", who="cara")
    await shop.tell("stranger", address=Address(channel=ChannelName("telegram"), key="5512"))
    await shop.tell("nowhere", customer="K-NOBODY")
    # what is not worth a question
    await shop.tell("old", Ended(at=clock() - timedelta(days=8)), "dan")
    await shop.tell("ours", Ended(at=clock(), started_by="agent"), "dan")
    await shop.tell("bot", Ended(at=clock(), human_answered=False), "dan")
    await shop.tell("short", Ended(at=clock(), messages=2), "dan")
    # what is no end
    await shop.tell("label", Beside(kind="conversation_updated"), "dan")
    odd = Beside(kind="conversation_resolved", why="the event disagrees with itself", detail="its status is open")
    await shop.tell("odd", odd, "dan")
    # a survey that waits for its answer
    await shop.wait(hours=1)
    await shop.tell("first", who="eve")
    await shop.wait(minutes=30)
    await shop.tell("second", who="eve")
    await shop.wait(minutes=30)
    # an agent by hand
    asks = AgentAsks(
        event="hand",
        agent=Address(channel=ChannelName("slack"), key="U0MINH"),
        agent_name="Minh",
        customer=web("gus"),
        about="m-1",
        at=clock(),
        of_the_desk=True,
    )
    await shop.intake.handle(asks)
    # the server is off for a day, and then there is one more that waits
    await shop.tell("late", who="finn")
    clock.advance(days=1)
    await shop.wait(minutes=1)
    clock.now = real_clock() - timedelta(minutes=2)
    await shop.wait(seconds=1)
    await shop.tell("waiting", who="hal", customer="K-HAL")


async def played(url: str, config: Path, story: Callable[[Shop], Awaitable[None]]) -> None:
    """Let a story happen on a database, by the settings of a file."""
    clock = SetClock()
    clock.now = MORNING
    settings = load(config, with_placeholders(config, {}))
    storage = await open_storage(url, clock=clock)
    try:
        await storage.activate_flows(settings.flows, clock())
        await story(Shop(storage, settings, clock))
    finally:
        await storage.close()


@pytest.fixture(scope="module")
def database(sqlite_tables: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    url = empty_database(sqlite_tables, tmp_path_factory.mktemp("fortnight"))
    asyncio.run(played(url, EXAMPLE, fortnight))
    return url


@pytest.fixture
def explain(database: str, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    def told(*arguments: str, code: int = 0) -> str:
        assert command("explain", "--config", str(EXAMPLE), "--database", database, *arguments) == code
        said = capsys.readouterr()
        return said.out if code == 0 else said.err

    return told


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ("night", "Asked ({}): Nothing spoke against it."),
        ("again", "Not asked ({}): The customer was asked on {} (support_csat), and between two surveys there are at"),
        ("resumed", "Not asked ({}): It was opened again, or ended once more, before the question was due."),
        ("went-on", "Not asked ({}): The customer wrote again before the question was due."),
        ("thanks", "Not asked ({}): It was opened again after a survey, and no agent has said anything since: mere"),
        ("stopped", "Not asked ({}): The customer does not want to be asked."),
        ("stranger", "Not asked ({}): The customer never wrote to us at telegram"),
        ("nowhere", "Not asked ({}): No address is known where this customer could be asked."),
        ("old", "Not asked ({}): It ended on {}, and after 7 d nobody is asked about it any more."),
        ("ours", "Not asked ({}): An agent began this conversation, not the customer."),
        ("bot", "Not asked ({}): No human had answered the customer."),
        ("short", "Not asked ({}): It was too short. Messages: 2; needed: 3."),
        ("label", "Not asked ({}): This event (conversation_updated) is not the end of a conversation."),
        ("odd", "Not asked ({}): The event (conversation_resolved) disagrees with itself: its status is open."),
        ("first", "Asked ({}): Nothing spoke against it."),
        ("second", "Not asked ({}): Another survey was waiting for the customer's answer."),
        ("m-1", "Asked ({}): Nothing spoke against it."),
        ("late", "Not asked ({}): The question was due on {}, and more than 4 h later it is not asked any more."),
        ("waiting", "Not asked yet ({}): The question waits until {}, in case the conversation goes on."),
    ],
)
def test_true_reason_is_told(explain: Callable[..., str], about: str, words: str) -> None:
    verdict = explain(about).splitlines()[1]
    pattern = words.split("{}")
    place = 0
    for part in pattern:
        assert part in verdict[place:], verdict
        place = verdict.index(part, place) + len(part)


def local(zone: str, **since_morning: float) -> str:
    return moment(MORNING + timedelta(**since_morning), zone, "en", with_zone=False)


def test_all_that_came_before_is_told_with_local_times(explain: Callable[..., str]) -> None:
    rome, hanoi = "Europe/Rome", HANOI
    tomorrow = (MORNING + timedelta(hours=24)).astimezone(ZoneInfo(hanoi))
    asked = tomorrow.replace(hour=8, minute=0)
    end, in_rome = (moment(asked, zone, "en", with_zone=False) for zone in (hanoi, rome))
    assert explain("night").splitlines() == [
        f"Reference: night (chatwoot) · Customer: K-LAN · Channel: web {LAN} · Survey: support_csat",
        f"Asked ({in_rome}): Nothing spoke against it.",
        "Before that:",
        f"  {local(rome, hours=6)}  chatwoot told us that night had ended.",
        f"  {local(rome, hours=6)}  Not asked yet: The question waits until {local(rome, hours=6, minutes=10)}, in "
        "case the conversation goes on.",
        f"  {local(rome, hours=6, minutes=10)}  Not asked yet: The question waits until {end}, when the quiet hours in "
        f"{hanoi} end.",
        "It was told 2 more times.",
        "",
        "Times are those of Europe/Rome.",
    ]


@pytest.mark.parametrize("about", ["K-LAN", LAN, f"web:{LAN}"])
def test_customer_is_found_by_every_name_the_newest_first(explain: Callable[..., str], about: str) -> None:
    heads = [line.split()[1] for line in explain(about).splitlines() if line.startswith("Reference")]
    assert heads == ["again", "night"]
    assert len(explain(about, "--limit", "1").split("Reference:")) == 2


def test_decisions_are_json(explain: Callable[..., str]) -> None:
    (told,) = json.loads(explain("short", "--json"))
    assert (told["verdict"], told["rule"], told["inputs"]["messages"]) == ("not_asked", "too few messages", "2")
    assert told["reason"] == "It was too short. Messages: 2; needed: 3."


def test_nothing_to_tell_says_so(explain: Callable[..., str]) -> None:
    said = explain("nobody\x1b[2J", code=1)
    assert said.startswith(r"Nothing is known of nobody\x1b[2J: no customer, no conversation")
    assert "afterchat simulate" in said


def test_customer_of_whom_nothing_ended_is_known(explain: Callable[..., str]) -> None:
    said = explain("K-IVY", code=1)
    assert said == "K-IVY is known here, but nothing was ever told that could lead to a question.\n"


def test_reference_is_found_where_no_names_are_kept(
    sqlite_tables: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = empty_database(sqlite_tables, tmp_path)
    config = changed(tmp_path, ("anonymous = false", "anonymous = true"))
    asyncio.run(played(url, config, one_chat))
    assert command("explain", "K-7", "--config", str(config), "--database", url) == 0
    said = capsys.readouterr().out
    assert said.startswith("Reference: 81 (chatwoot) · Customer: ")
    assert "K-7" not in said


async def one_chat(shop: Shop) -> None:
    await shop.tell("81", who="lan", customer="K-7", name="Lan")


# ---- simulate -------------------------------------------------------------------------------------------------


def changed(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    """The example's settings with others in place of some lines."""
    text = EXAMPLE.read_text(encoding="utf-8")
    for old, new in changes:
        assert text.count(f"\n{old} ") == 1, old
        text = text.replace(f"\n{old} ", f"\n{new} ")
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def simulate(config: Path, database: str, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert command("simulate", "--config", str(config), "--database", database, *arguments) == 0
    said = capsys.readouterr()
    assert said.err == ""
    return said.out


def test_settings_in_force_change_nothing(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    report = json.loads(simulate(EXAMPLE, database, capsys, "--json"))
    assert report["asked_then"] == report["asked_would"] == 4
    assert report["newly_asked"] == report["no_longer_asked"] == 0
    assert all(row["then"] == row["would"] for row in report["rules"])


def test_other_settings_tell_the_difference(database: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    config = changed(
        tmp_path,
        ('cool_down = "7d"', 'cool_down = "1d"'),
        ("min_messages = 3", "min_messages = 1"),
        ('delay = "10m"', 'delay = "3m"'),
    )
    report = json.loads(simulate(config, database, capsys, "--json"))
    newly = {row["reference"]: (row["then"], row["would"]) for row in report["newly_asked_examples"]}
    nothing = "nothing speaks against it"
    # the cool-down is shorter, two messages are enough, and these three were due before they went on, or the server off
    assert newly == {
        "chatwoot again": ("cool-down", nothing),
        "chatwoot resumed": ("it was resumed", nothing),
        "chatwoot went-on": ("the customer went on", nothing),
        "chatwoot short": ("too few messages", nothing),
        "chatwoot late": ("too late", nothing),
    }
    assert (report["newly_asked"], report["no_longer_asked"]) == (5, 0)
    text = simulate(config, database, capsys)
    assert "would be asked: 9 (" in text
    assert "newly asked: 5" in text
    assert "chatwoot short (support_csat): too few messages -> nothing speaks against it" in text


def test_fewer_are_asked_where_nothing_may_wait(
    database: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    config = changed(
        tmp_path, ('quiet_from = "21:00"', 'quiet_from = "09:00"'), ('defer_at_most = "24h"', 'defer_at_most = "0s"')
    )
    report = json.loads(simulate(config, database, capsys, "--json"))
    rules = {row["rule"]: row["would"] for row in report["rules"]}
    assert rules["quiet hours for too long"] > 0
    assert report["no_longer_asked"] > 0


def test_nothing_is_written(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    def contents() -> list[str]:
        with sqlite3.connect(database.removeprefix("sqlite:///")) as connection:
            return list(connection.iterdump())

    before = contents()
    simulate(EXAMPLE, database, capsys)
    assert contents() == before


def test_span_without_triggers_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "Nothing was told from" in simulate(EXAMPLE, f"sqlite:///{tmp_path}/new.db", capsys, "--since", "1h")
