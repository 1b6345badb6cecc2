"""What a program reports over HTTP, all the way into the ledger: ends, what happens in between, and asking by hand."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import msgspec
import pytest

from bot.config import Settings, WebchatSettings
from bot.ids import CustomerId
from bot.intake import Intake
from bot.intake.deciding import as_heard
from bot.messages import Address, ChannelName
from bot.ports import Customer, Decision, Outcome, Read, SaveCustomer
from bot.web.api import EventReport, InteractionReport, Refused, Reported, reported
from bot.web.interactions import ReportedInteractions
from tests.conversations.golden import flow_named
from tests.fakes.pure_store import PureStore
from tests.triggers.desks import trigger_of

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
WEB = ChannelName("web")
HERE = {"address": {"channel": "web", "key": "s" * 22}}


class Desk:
    """A custom helpdesk that tells of its chats."""

    def __init__(self) -> None:
        self.now = NOON
        settings = Settings(
            company="Lotus",
            channels=(WebchatSettings(name=WEB, secret="0123456789abcdef"),),
            flows=(flow_named("support"), flow_named("stars")),
            triggers=(trigger_of("chatwoot"),),
        )
        self.store = PureStore(settings.flows)
        ids = map("{:016d}".format, count(1)).__next__
        intake = Intake(store=self.store, settings=lambda: settings, clock=lambda: self.now, ids=ids)
        self.reports = ReportedInteractions(intake=intake, settings=lambda: settings)

    async def ends(self, event: str = "", **more: Any) -> Reported:
        body = {"customer": HERE, "reference": "81", "source": "desk", **more}
        return reported(await self.reports.report(msgspec.convert(body, InteractionReport, strict=False), event))

    async def tells(self, event: str, **more: Any) -> Reported:
        body = {"reference": "81", "source": "desk", "event": event, **more}
        return reported(await self.reports.hear(msgspec.convert(body, EventReport, strict=False)))

    def decision(self) -> Decision:
        (only,) = self.store.ledger.rows.values()
        return only


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_what_is_known_of_a_chat_reaches_the_rules(desk: Desk) -> None:
    answer = await desk.ends(messages=2, human_answered=True, started_by="customer")
    assert (answer.decision, answer.rule) == ("not_asked", "too few messages")
    occasion = desk.decision().occasion
    assert occasion is not None
    assert (occasion.messages, occasion.human_answered, occasion.started_by) == (2, True, "customer")


@pytest.mark.parametrize(
    ("more", "rule"),
    [
        ({"human_answered": False}, "no human answered"),
        ({"started_by": "agent"}, "an agent began it"),
        ({"messages": 0}, "too few messages"),
        ({"closed_at": (NOON - timedelta(days=8)).isoformat()}, "closed too long ago"),
        ({}, "delay"),
    ],
)
async def test_each_of_them_counts(desk: Desk, more: dict[str, Any], rule: str) -> None:
    assert (await desk.ends(**more)).rule == rule


async def test_who_asks_by_hand_is_not_told_that_it_is_too_short(desk: Desk) -> None:
    answer = await desk.ends(messages=1, started_by="agent", now=True)
    assert (answer.decision, desk.decision().trigger) == ("deferred", "agent")
    assert [due.due_at for due in desk.store.due_rows.values()] == [NOON]


async def test_report_of_a_chat_that_is_open_cancels_the_question(desk: Desk) -> None:
    first = await desk.ends()
    desk.now += timedelta(minutes=1)
    assert await desk.ends(closed=False) == Reported(
        interaction=first.interaction, decision="not_asked", rule="it was resumed"
    )
    assert desk.decision().rule == "it was resumed"


async def test_nobody_is_asked_about_what_goes_on(desk: Desk) -> None:
    with pytest.raises(Refused) as refused:
        await desk.ends(closed=False, now=True)
    assert refused.value.field == "now"


async def test_customer_is_found_by_the_companys_reference(desk: Desk) -> None:
    lan = Address(channel=WEB, key="l" * 22)
    known = SaveCustomer(customer=Customer(id=CustomerId("c1"), reference="K-7"), address=lan, at=NOON)
    await desk.store.run(Read(), lambda _: Outcome(writes=(known,)))
    assert (await desk.ends(customer={"reference": "K-7"})).rule == "delay"
    assert (desk.decision().address, desk.decision().customer) == (lan, "c1")


async def test_customer_of_whom_nothing_else_is_known_is_not_asked(desk: Desk) -> None:
    answer = await desk.ends(customer={"reference": "K-8"})
    assert (answer.decision, answer.rule) == ("not_asked", "no address known")
    assert desk.decision().known_as == "K-8"


async def test_customer_must_be_somebody(desk: Desk) -> None:
    with pytest.raises(Refused) as refused:
        await desk.ends(customer={"name": "Lan"})
    assert refused.value.field == "customer.address"


@pytest.mark.parametrize(("event", "rule"), [("customer_wrote", "the customer went on"), ("resumed", "it was resumed")])
async def test_what_goes_on_is_not_asked_about(desk: Desk, event: str, rule: str) -> None:
    first = await desk.ends()
    desk.now += timedelta(minutes=3)
    assert await desk.tells(event) == Reported(interaction=first.interaction, decision="not_asked", rule=rule)
    assert (desk.decision().rule, desk.store.due_rows) == (rule, {})


@pytest.mark.parametrize("event", ["agent_wrote", "bot_wrote"])
async def test_words_of_the_company_cancel_nothing(desk: Desk, event: str) -> None:
    await desk.ends()
    desk.now += timedelta(minutes=3)
    assert (await desk.tells(event)).decision == "nothing"
    assert desk.decision().rule == "delay"


async def test_words_are_counted_where_they_are_told(desk: Desk) -> None:
    for minute, event in enumerate(("customer_wrote", "agent_wrote", "customer_wrote", "agent_wrote")):
        desk.now = NOON + timedelta(minutes=minute)
        assert (await desk.tells(event, id=f"m{minute}", first=minute == 0)).decision == "nothing"
    answer = await desk.tells("agent_wrote", id="m3")
    assert (answer.decision, answer.rule) == ("nothing", "reported before")
    desk.now += timedelta(minutes=1)
    assert (await desk.ends()).rule == "delay"
    occasion = desk.decision().occasion
    assert occasion is not None
    (dealing,) = (each.dealing for each in desk.store.interactions.values())
    heard = as_heard(occasion, dealing)
    assert (heard.messages, heard.human_answered, heard.started_by) == (4, True, "customer")


async def test_report_told_again_under_its_name_is_counted_only(desk: Desk) -> None:
    await desk.ends("k1")
    desk.now += timedelta(hours=5)
    answer = await desk.ends("k1")
    assert (answer.decision, answer.rule, desk.decision().repeats) == ("not_asked", "reported before", 1)


async def test_event_of_another_century_is_refused(desk: Desk) -> None:
    with pytest.raises(Refused) as refused:
        await desk.tells("resumed", at="1999-01-01T00:00:00Z")
    assert refused.value.field == "at"


async def test_the_dealings_of_a_trigger_are_its_own(desk: Desk) -> None:
    """Whoever has the trigger's secret could cancel and move what is planned under its name."""
    with pytest.raises(Refused) as ended:
        await desk.ends(source="chatwoot")
    with pytest.raises(Refused) as went_on:
        await desk.tells("resumed", source="chatwoot")
    assert [refused.value.field for refused in (ended, went_on)] == ["source", "source"]
    assert not desk.store.ledger.rows
