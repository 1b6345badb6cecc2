"""A reported interaction on its way into the intake: what is refused, and what is cleaned."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import msgspec
import pytest

from bot.config import CurrentSettings, Settings, SlackSettings, TelegramSettings, WebchatSettings
from bot.conversations.flow import Flow, pin
from bot.conversations.questions import OpenText
from bot.ids import ids_from
from bot.intake import Intake
from bot.messages import ChannelName
from bot.ports import Facts, Interaction, Outcome, Read, SaveCustomer, SaveInteraction, Write
from bot.web.api import InteractionReport, Refused
from bot.web.interactions import ReportedInteractions

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TELEGRAM = {"channel": "telegram", "key": "7001"}
FLOW = Flow(id="csat", locales=("en",), title={"en": "Chat"}, questions=(OpenText(id="why", text={"en": "Why?"}),))


class Kept:
    """A store that forgets everything and remembers what was written."""

    def __init__(self) -> None:
        self.writes: list[Write] = []

    async def run(self, read: Read, decide: Callable[[Facts], Outcome]) -> Outcome:
        outcome = decide(Facts())
        self.writes += outcome.writes
        return outcome

    def interaction(self) -> Interaction:
        (saved,) = [write.interaction for write in self.writes if isinstance(write, SaveInteraction)]
        return saved

    def name(self) -> str | None:
        (saved,) = [write.customer for write in self.writes if isinstance(write, SaveCustomer)]
        return saved.name


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def interactions(kept: Kept) -> ReportedInteractions:
    channels = (
        TelegramSettings(name=ChannelName("telegram"), token="1:a"),
        SlackSettings(name=ChannelName("slack"), bot_token="xoxb-1"),
        WebchatSettings(name=ChannelName("web"), secret="0123456789abcdef"),
    )
    settings = CurrentSettings(Settings(company="Lotus Bank", channels=channels, flows=(pin(FLOW),)))
    ids = ids_from(lambda: 0, Random(1))
    intake = Intake(store=kept, settings=settings, clock=lambda: NOW, ids=ids)
    return ReportedInteractions(intake=intake, settings=settings)


def reported(**more: Any) -> InteractionReport:
    body = {"customer": {"address": TELEGRAM, "name": "Lan"}, "reference": "ticket-81", **more}
    return msgspec.convert(body, InteractionReport, strict=False)


def customer(channel: str, key: str) -> dict[str, Any]:
    return {"address": {"channel": channel, "key": key}}


@pytest.mark.parametrize(
    ("more", "field"),
    [
        pytest.param({"agent": "Minh\nScore: 5"}, "agent", id="agent of two lines"),
        pytest.param({"tags": ["a", "b\x1b"]}, "tags[1]", id="tag with a control character"),
        pytest.param({"attributes": {"team": "a\tb"}}, "attributes.team", id="team with a tab"),
        pytest.param({"attributes": {"team": "x" * 201}}, "attributes.team", id="endless team"),
        pytest.param({"attributes": {"agent": "x" * 201}}, "attributes.agent", id="endless agent"),
        pytest.param({"attributes": {"tag": "x" * 201}}, "attributes.tag", id="endless tag"),
        pytest.param({"closed_at": "1999-12-31T23:59:59Z"}, "closed_at", id="closed in another century"),
        pytest.param({"closed_at": "0001-01-01T00:00:00+14:00"}, "closed_at", id="closed before time"),
        pytest.param({"customer": customer("telegram", "+7001")}, "customer.address.key", id="Telegram"),
        pytest.param({"customer": customer("slack", "#support")}, "customer.address.key", id="Slack"),
        pytest.param({"customer": customer("web", "s1")}, "customer.address.key", id="web chat"),
    ],
)
async def test_report_that_would_spoil_the_figures_is_refused_with_its_field(
    interactions: ReportedInteractions, kept: Kept, more: dict[str, Any], field: str
) -> None:
    with pytest.raises(Refused) as refused:
        await interactions.report(reported(**more))
    assert (refused.value.field, kept.writes) == (field, [])


async def test_ordinary_report_is_kept_as_it_came(interactions: ReportedInteractions, kept: Kept) -> None:
    attributes = {"team": "Tư vấn", "order": "A7"}
    await interactions.report(reported(agent="Minh", tags=["vip", "web"], attributes=attributes))
    told = {"agent": "Minh", "tag": "vip", "tags": "vip, web", "reference": "ticket-81"}
    assert kept.interaction().attributes == {**attributes, **told}
    assert (kept.name(), kept.interaction().closed_at) == ("Lan", NOW)


async def test_shown_names_are_one_visible_line_and_the_key_stays(
    interactions: ReportedInteractions, kept: Kept
) -> None:
    names = {"address": TELEGRAM, "name": "Lan\n\u202eNguyen"}
    reference = "ticket\n81" + "x" * 100
    order, longest = "A7\u2028Score: 5", "y" * 200
    await interactions.report(
        reported(customer=names, agent="Mi\u200bnh", reference=reference, attributes={"order": order, "team": longest})
    )
    kept_one = kept.interaction()
    assert (kept.name(), kept_one.reference) == ("Lan Nguyen", reference)
    shown = kept_one.attributes
    assert (shown["agent"], shown["order"], shown["team"]) == ("Minh", "A7 Score: 5", longest)
    assert shown["reference"] == "ticket 81" + "x" * 70 + "…"


async def test_name_without_anything_visible_is_none(interactions: ReportedInteractions, kept: Kept) -> None:
    await interactions.report(
        reported(customer={"address": TELEGRAM, "name": "\u3164"}, agent="\u200b", attributes={"team": " "})
    )
    assert (kept.name(), kept.interaction().attributes) == (None, {"reference": "ticket-81"})


@pytest.mark.parametrize("closed_at", [NOW + timedelta(days=1), datetime.max.replace(tzinfo=UTC)])
async def test_future_close_counts_as_now(interactions: ReportedInteractions, kept: Kept, closed_at: datetime) -> None:
    await interactions.report(reported(closed_at=closed_at))
    assert kept.interaction().closed_at == NOW
