"""Who wonders why somebody was or was not asked is told in a room of the desk, and nowhere else."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from bot.config import FollowUpSettings, Settings, SlackSettings
from bot.followup.clocks import Hours, Team
from bot.followup.routing import RoutingRule
from bot.ids import CustomerId
from bot.intake import Intake, wondering
from bot.intake.moment import Moment
from bot.messages import Address, AgentWonders, ChannelName
from bot.ports import Customer, Decision, Facts, Outcome, Read, RecordDecision, SaveCustomer, Write
from tests.fakes.pure_store import PureStore

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SLACK = ChannelName("slack")
LAN = Address(channel=ChannelName("telegram"), key="5512")
SETTINGS = Settings(
    company="Lotus",
    channels=(SlackSettings(name=SLACK, bot_token="b"),),
    followup=FollowUpSettings(
        channel=SLACK,
        room="#unhappy",
        locale="it",
        teams=(Team(name="support", hours=Hours(time_zone="Europe/Rome"), room="C0LEADS"),),
        rules=(RoutingRule(id="vip", room="#vip"),),
    ),
)


def decision(number: int, reference: str = "81") -> Decision:
    return Decision(
        key=f"i1:{number}",
        trigger="helpdesk",
        flow="support",
        address=LAN,
        customer=CustomerId("c1"),
        interaction=None,
        source="chatwoot",
        reference=reference,
        known_as="K-7",
        verdict="not asked",
        rule="opted out",
        inputs={},
        triggered_at=NOON + timedelta(minutes=number),
        at=NOON + timedelta(minutes=number),
    )


def wonders(query: str, rooms: tuple[str, ...] = ("C0ANY", "#unhappy"), channel: ChannelName = SLACK) -> AgentWonders:
    agent = Address(channel=channel, key="U1")
    return AgentWonders(event="e1", agent=agent, agent_name="Minh", rooms=rooms, query=query, at=NOON)


async def told(event: AgentWonders, *decisions: Decision, settings: Settings = SETTINGS) -> Outcome:
    store = PureStore()
    customer = Customer(id=CustomerId("c1"), reference="K-7")
    writes: list[Write] = [SaveCustomer(customer=customer, address=LAN, at=NOON)]
    writes += [RecordDecision(decision=each) for each in decisions]
    await store.run(Read(), lambda _: Outcome(writes=tuple(writes)))
    intake = Intake(store=store, settings=lambda: settings, clock=lambda: NOON, ids=iter("abc").__next__)
    return await intake.handle(event)


@pytest.mark.parametrize(
    "rooms",
    [("C0ANY", "#unhappy"), ("C0LEADS", "#leads"), ("C0OTHER", "#vip")],
    ids=["the desk's by its name", "a team's by its id", "a rule's by its name"],
)
async def test_rooms_of_the_desk_are_told(rooms: tuple[str, ...]) -> None:
    said = (await told(wonders("81", rooms), decision(1))).said
    assert said.kind == "explained"
    assert said.locale == "it"
    assert said.text.splitlines() == [
        "Riferimento: 81 (chatwoot) · Cliente: K-7 · Canale: telegram 5512 · Sondaggio: support",
        "Domanda non inviata (2 mar 2026, 13:01): Il cliente non vuole ricevere domande.",
        "In precedenza:",
        "  2 mar 2026, 13:01  chatwoot ha comunicato la fine di 81.",
        "",
        "Gli orari sono quelli di Europe/Rome.",
    ]


@pytest.mark.parametrize(
    ("event", "settings"),
    [
        (wonders("81", ("C0ANY", "#general")), SETTINGS),
        (wonders("81", ()), SETTINGS),
        (wonders("81", ("",)), SETTINGS),
        (wonders("81", channel=ChannelName("another")), SETTINGS),
        (wonders("81"), replace(SETTINGS, followup=None)),
    ],
    ids=["another room", "no room", "a room without a name", "another workspace", "no desk"],
)
async def test_others_are_told_nothing(event: AgentWonders, settings: Settings) -> None:
    said = (await told(event, decision(1), settings=settings)).said
    assert (said.kind, said.text) == ("not_here", "")


@pytest.mark.parametrize("query", ["81", "K-7", "c1", "5512", "telegram:5512", " 81 "])
async def test_it_is_found_by_every_name(query: str) -> None:
    assert "telegram 5512" in (await told(wonders(query), decision(1))).said.text


async def test_the_newest_come_first_and_no_more_than_a_few() -> None:
    text = (await told(wonders("81"), *(decision(number) for number in range(1, 9)))).said.text
    assert [line.partition("(")[2].partition(")")[0] for line in text.splitlines() if line.startswith("Domanda")] == [
        f"2 mar 2026, 13:0{number}" for number in (8, 7, 6, 5, 4)
    ]
    assert text.endswith("Queste sono le 5 più recenti; «afterchat explain» ne elenca altre.")


def test_long_names_leave_room_for_fewer() -> None:
    long = tuple(replace(decision(n), reference="r" * 500, source="s" * 500, known_as="k" * 500) for n in range(1, 6))
    event, facts = wonders("81"), Facts(decisions=long)
    text = wondering.decide(event, facts, Moment(settings=SETTINGS, now=NOON, ids=iter("a").__next__)).said.text
    assert len(text) <= 3000
    assert text.count("Domanda non inviata") == 3


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("K-7", "K-7 è noto, ma finora non è stato comunicato nulla"),
        ("nobody\n<!here>", "Di nobody <!here> non si sa nulla"),
        ("", "Di sconosciuto non si sa nulla"),
    ],
)
async def test_with_nothing_to_tell_it_says_what_is_known(query: str, words: str) -> None:
    outcome = await told(wonders(query))
    assert outcome.said.text.startswith(words)
    assert outcome.writes == ()
