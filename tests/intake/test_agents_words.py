"""An agent who wants somebody to be asked reads in their own language what comes of it, and why."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from bot.intake import Intake
from bot.messages import Address, AgentAsks, ChannelName, Commanded, Profile
from bot.ports import Said
from tests.fakes.pure_store import PureStore
from tests.intake.world import SETTINGS

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SLACK = ChannelName("slack")
LAN = Address(channel=SLACK, key="U0LAN")
assert SETTINGS.followup is not None
ITALIAN = replace(SETTINGS, followup=replace(SETTINGS.followup, locale="it"))


class Desk:
    """The heart of the program, an agent who reads Italian and a customer who does not."""

    def __init__(self) -> None:
        self.now = NOON
        self._count = 0
        ids = (f"{number:016x}" for number in range(1_000))
        self.intake = Intake(store=PureStore(), settings=lambda: ITALIAN, clock=lambda: self.now, ids=ids.__next__)

    async def asks(self, about: str = "C0HALL/1.2") -> Said:
        self._count += 1
        event = AgentAsks(
            event=f"slack:slack:ask:{self._count}",
            agent=Address(channel=SLACK, key="U0ANNA"),
            agent_name="Anna",
            customer=LAN,
            about=about,
            at=self.now,
            profile=Profile(name="Lan", language="en"),
            of_the_desk=True,
        )
        return (await self.intake.handle(event)).said

    async def stops(self) -> None:
        await self.intake.handle(Commanded(event="slack:slack:command:1", sender=LAN, command="stop", at=self.now))


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_asked(desk: Desk) -> None:
    said = await desk.asks()
    assert (said.kind, said.locale) == ("asked", "it")


async def test_not_asked_for_a_reason(desk: Desk) -> None:
    await desk.stops()
    assert await desk.asks() == Said(kind="not_asked", text="Il cliente non vuole ricevere domande.", locale="it")


async def test_asked_again_about_the_same(desk: Desk) -> None:
    await desk.asks()
    assert (await desk.asks()).text == "Il cliente ha ricevuto una domanda un momento fa."
    desk.now += timedelta(hours=1)
    assert (await desk.asks()).text == "Gli è già stato chiesto."


async def test_asked_again_about_something_else(desk: Desk) -> None:
    await desk.asks()
    desk.now += timedelta(hours=1)
    said = await desk.asks("C0HALL/3.4")
    assert said.kind == "not_asked"
    assert said.text == "Un altro sondaggio attendeva la risposta del cliente."


async def test_put_off_until_the_morning(desk: Desk) -> None:
    desk.now = NOON.replace(hour=23)
    for _ in range(2):
        said = await desk.asks()
        assert said.kind == "deferred"
        assert "3 mar 2026, 08:00" in said.text
        assert said.text.endswith(".")
