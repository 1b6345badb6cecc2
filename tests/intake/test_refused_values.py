"""What the database will never take is kept aside: its sender would repeat it for ever."""

from collections.abc import Callable
from datetime import UTC, datetime
from random import Random

import pytest

from bot.config import Settings
from bot.errors import StoreRefused
from bot.ids import ids_from
from bot.intake import Intake
from bot.messages import Address, AgentPressed, ChannelName, Inbound, Unread, Wrote
from bot.ports import Facts, KeepAside, Outcome, Read

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ANN = Address(channel=ChannelName("telegram"), key="7")


class PickyStore:
    """Takes nothing but what is kept aside."""

    def __init__(self, *, takes_aside: bool = True) -> None:
        self.kept: list[KeepAside] = []
        self._takes_aside = takes_aside

    async def run(self, read: Read, decide: Callable[[Facts], Outcome]) -> Outcome:
        outcome = decide(Facts())
        aside = [write for write in outcome.writes if isinstance(write, KeepAside)]
        if not aside or not self._takes_aside:
            raise StoreRefused("integer out of range")
        self.kept += aside
        return outcome


def intake(store: PickyStore) -> Intake:
    settings = Settings(company="Lotus Home")
    ids = ids_from(lambda: 0, Random(1))
    return Intake(store=store, settings=lambda: settings, clock=lambda: NOW, ids=ids)


@pytest.mark.parametrize(
    "event",
    [
        Wrote(event="e1", sender=ANN, text="it was \ud800 slow", at=NOW),
        AgentPressed(event="e2", agent=ANN, agent_name="ann", token="c1.x.claim", at=NOW),
    ],
    ids=["a customer's", "an agent's"],
)
async def test_a_refused_event_is_kept_aside_with_the_reason(event: Inbound) -> None:
    store = PickyStore()
    if isinstance(event, AgentPressed):
        # nothing is written for a case that is not there: such a press is no trouble for any database
        with pytest.raises(StoreRefused):
            await intake(PickyStore(takes_aside=False)).handle(event)
    outcome = await intake(store).handle(event)
    assert outcome.said.kind == "kept_aside"
    (aside,) = store.kept
    assert (aside.channel, aside.why) == ("telegram", "integer out of range")
    assert b"Wrote" in aside.body or b"AgentPressed" in aside.body


async def test_what_cannot_even_be_kept_aside_is_an_error() -> None:
    unread = Unread(event="e", channel=ANN.channel, at=NOW, why="?", body=b"x")
    with pytest.raises(StoreRefused):
        await intake(PickyStore(takes_aside=False)).handle(unread)
