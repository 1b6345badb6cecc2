"""What docs/when-to-ask.md shows is what the program says."""

import re
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest
from msgspec.structs import fields, replace

from bot.commands.asking import simulate
from bot.config import AskingSettings, FlowAsking
from bot.conversations.dealings import Ended, Resumed
from bot.conversations.invitations import Rule, TriggerKind
from bot.ports import DecisionQuery
from bot.reports.explaining import explain_all
from bot.reports.simulation import simulation_text
from tests.intake.world import ANN, BEN, START, World, at_once

GUIDE = (Path(__file__).parents[2] / "docs" / "when-to-ask.md").read_text(encoding="utf-8")
#: these are about a survey under way, not about whether somebody is asked
BESIDE = {"expire_invitation", "expire_idle", "correction", "decline_buttons", "language_button"}


def block(command: str) -> str:
    """The output that the guide shows under a command."""
    found = re.search(rf"^    \$ {re.escape(command)}\n((?:    .*\n|\n)+)", GUIDE, re.MULTILINE)
    assert found is not None, command
    return "\n".join(line.removeprefix("    ") for line in found[1].splitlines()).strip("\n")


@pytest.fixture(scope="module")
def world() -> World:
    """Two customers' week: Ann is asked at the end of her quiet hours, and Ben is asked, and goes on, and is brief."""
    shop = World()
    shop.write("Hello", BEN)
    shop.later(hours=5)
    ended = Ended(at=shop.now, messages=8)
    shop.tell(
        ended, ANN, trigger="helpdesk", source="chatwoot", reference="81", customer="K-7", time_zone="Asia/Ho_Chi_Minh"
    )
    shop.tell(ended, ANN, trigger="helpdesk", source="chatwoot", reference="81", customer="K-7")
    shop.later(minutes=10)
    shop.later(hours=10, minutes=50)
    shop.write("5", ANN)
    shop.later(days=2, hours=9)
    shop.tell(Ended(at=shop.now, messages=9), ANN, source="shop", reference="A-311", flow="delivery")
    shop.tell(Ended(at=shop.now, messages=6), BEN, trigger="helpdesk", source="chatwoot", reference="82")
    shop.later(minutes=7)
    shop.tell(Resumed(at=shop.now), BEN, source="chatwoot", reference="82")
    shop.later(minutes=3)
    shop.tell(Ended(at=shop.now, messages=2), BEN, trigger="helpdesk", source="chatwoot", reference="83")
    shop.later(hours=1)
    shop.tell(Ended(at=shop.now, messages=5), BEN, trigger="helpdesk", source="chatwoot", reference="84")
    shop.later(hours=1)
    return shop


def test_explanation_is_the_programs_own(world: World) -> None:
    found = at_once(world.store.ledger.list(DecisionQuery(about="K-7")))
    assert block("afterchat explain K-7") == explain_all(found, zone="Europe/Rome")


def test_simulation_is_the_programs_own(world: World) -> None:
    asking = replace(world.settings.asking, delay=timedelta(minutes=5), min_messages=6, cool_down=timedelta(days=1))
    other = replace(world.settings, asking=asking)
    report = at_once(simulate(world.store.ledger, other, START, world.now, lambda *_: None))
    assert block("afterchat simulate --since 30d") == simulation_text(report)


def test_every_rule_trigger_and_setting_is_told() -> None:
    told = set(re.findall(r"`([^`\n]+)`", GUIDE))
    assert set(get_args(Rule)) <= told
    assert set(get_args(TriggerKind)) <= told
    settings = {each.name for each in (*fields(AskingSettings), *fields(FlowAsking))}
    assert settings - BESIDE <= told
