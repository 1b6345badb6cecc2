"""A clock that ran ahead and is put back holds up nothing: not a room's pace, not a pause, not a retry, not a lease."""

from datetime import timedelta

import pytest

from bot.messages import Text
from bot.storage import Storage
from tests.conftest import SetClock
from tests.delivery.scenery import failure
from tests.delivery.test_outages import DESK, Outage


@pytest.fixture
def outage(storage: Storage, clock: SetClock) -> Outage:
    return Outage(storage, clock)


BACK = {"half a minute": 0.5, "two minutes": 2.0, "a day": 1440.0, "a year": 525_600.0}


@pytest.mark.parametrize("minutes", BACK.values(), ids=BACK.keys())
async def test_a_paced_room_goes_on_at_its_pace(outage: Outage, minutes: float) -> None:
    await outage.alerts(30)
    await outage.minutes(0.1)
    outage.clock.advance(minutes=-minutes)
    before = len(outage.arrived())
    await outage.minutes(0.25)
    assert before < 15 <= len(outage.arrived()) - before + 1
    await outage.minutes(0.5)
    assert outage.arrived() == [f"{DESK} {n:03}" for n in range(30)]


@pytest.mark.parametrize("minutes", [2.0, 1440.0], ids=["two minutes", "a day"])
async def test_a_pause_ends_when_it_would_have_ended(outage: Outage, minutes: float) -> None:
    outage.trouble = lambda _: failure(whole_channel=True, retry_after=20.0)
    await outage.alerts(3)
    await outage.deliver()
    asked = len(outage.requests)
    outage.clock.advance(minutes=-minutes)
    await outage.deliver()
    assert len(outage.requests) == asked, "still paused"
    assert outage.courier.paused() == {"slack": outage.clock.now + timedelta(seconds=20)}
    outage.trouble = lambda _: None
    await outage.minutes(0.5)
    assert len(outage.arrived()) == 3


async def test_what_was_to_be_tried_again_or_was_queued_on_the_other_days_clock_goes_out(outage: Outage) -> None:
    await outage.deliver()
    outage.clock.advance(days=1)
    outage.trouble = lambda _: failure()
    await outage.put(Text(text="question"), to="U0LAN", slot="q:1")
    await outage.deliver()
    outage.trouble = lambda _: None
    await outage.put(Text(text="thanks"), to="U0LAN", slot="q:2")
    outage.clock.advance(days=-1)
    await outage.minutes(0.2)
    assert outage.shown() == ["question", "thanks"]


async def test_a_process_that_starts_after_it_brings_back_what_another_put_off(outage: Outage) -> None:
    outage.clock.advance(days=1)
    outage.trouble = lambda _: failure()
    await outage.put(Text(text="question"), to="U0LAN", slot="q:1")
    await outage.deliver()
    await outage.put(Text(text="other"), to="U0ANN", slot="q:2")
    (leased,) = await outage.storage.outbox.claim(
        outage.clock.now, limit=1, lease_until=outage.clock.now + timedelta(seconds=20)
    )
    outage.clock.advance(days=-1)
    outage.trouble = lambda _: None
    outage.courier = outage.courier_of(outage.slack, outage.telegram)
    await outage.minutes(1)
    assert leased.outbound.slot == "q:2"
    assert outage.shown() == ["question", "other"], "what was leased too, once its sender may have come to its end"


async def test_a_wait_that_was_asked_for_is_kept_by_a_process_that_starts(outage: Outage) -> None:
    outage.trouble = lambda _: failure(retry_after=1_800.0)
    await outage.put(Text(text="question"), to="U0LAN", slot="q:1")
    await outage.deliver()
    outage.courier = outage.courier_of(outage.slack, outage.telegram)
    await outage.minutes(29, step=60)
    assert len(outage.requests) == 1
