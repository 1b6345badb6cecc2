"""A service in trouble: few requests, nothing lost, hardly anything twice, the order kept, nobody else harmed."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from bot.errors import SendFailed
from bot.followup.alerts import alert_outbound, remark_outbound
from bot.messages import Address, Alert, ChannelName, Outbound, Remark, Text
from bot.ports import Outcome, Queue, Read, SaveCase
from bot.storage import Storage
from tests.conftest import SetClock
from tests.delivery.scenery import Scene, failure
from tests.fakes.channel import FakeChannel
from tests.storage.samples import begin_talk, case, write

ALERTS = 200
DESK = "#desk"


class Outage(Scene):
    """A desk in Slack and customers in Telegram; each request that Slack gets is noted with its time."""

    def __init__(self, storage: Storage, clock: SetClock) -> None:
        self.slack, self.telegram = FakeChannel("slack", posts_per_second=1.0, at_once=4), FakeChannel("telegram")
        super().__init__(storage, clock, self.slack, self.telegram)
        self.requests: list[tuple[datetime, str]] = []
        #: what Slack says to a message
        self.trouble: Callable[[Outbound], SendFailed | None] = lambda _: None
        self.slack.fails = self._asked

    def _asked(self, message: Outbound) -> SendFailed | None:
        self.requests.append((self.clock.now, message.to.key))
        return self.trouble(message)

    async def alerts(self, many: int = ALERTS, to: str = DESK) -> None:
        """One message for each of so many cases, each in a lane of its own."""
        writes = []
        for n in range(many):
            slot = f"alert:{to}:{n:03}"
            address = Address(channel=ChannelName("slack"), key=to)
            outbound = Outbound(kind="post", to=address, lane=slot, slot=slot, content=Text(text=f"{to} {n:03}"))
            writes.append(Queue(outbound=outbound, at=self.clock.now))
        await self.storage.run(Read(), lambda _: Outcome(writes=tuple(writes)))

    async def minutes(self, many: float, step: float = 1.0) -> None:
        """Let time pass, delivering as the loop does."""
        until = self.clock.now + timedelta(minutes=many)
        while self.clock.now < until:
            await self.deliver()
            self.clock.advance(seconds=step)
        await self.deliver()

    def most_in_a_minute(self, to: str | None = None) -> int:
        times = [at for at, key in self.requests if to in (None, key)]
        return max((sum(first <= at < first + timedelta(minutes=1) for at in times) for first in times), default=0)

    def arrived(self, to: str = DESK) -> list[str]:
        return [text for text in self.shown() if text.startswith(f"{to} ")]


@pytest.fixture
def outage(storage: Storage, clock: SetClock) -> Outage:
    return Outage(storage, clock)


DOWN = {
    "answers 503": failure(),
    "refuses connections as a whole": failure(whole_channel=True),
    "says for how long": failure(whole_channel=True, retry_after=30.0),
}


@pytest.mark.parametrize("trouble", DOWN.values(), ids=DOWN.keys())
async def test_down_for_an_hour_all_alerts_arrive_oldest_first_and_customers_notice_nothing(
    outage: Outage, trouble: SendFailed
) -> None:
    outage.trouble = lambda _: trouble
    await outage.alerts()
    for quarter in range(4):
        await outage.put(Text(text=f"question {quarter}"), to="7", slot=f"q:{quarter}", channel="telegram")
        await outage.deliver()
        assert len(outage.telegram.shown) == quarter + 1, "at once, as if nothing were wrong"
        await outage.minutes(15, step=5)
    assert outage.most_in_a_minute() <= 10
    outage.trouble = lambda _: None
    await outage.minutes(10)
    assert outage.arrived() == [f"{DESK} {n:03}" for n in range(ALERTS)]
    assert outage.courier.paused() == {}
    assert not await outage.storage.given_up(10)


async def test_answers_that_are_lost_on_the_way_back_double_at_most_one_alert_in_a_hundred(outage: Outage) -> None:
    taken: Counter[str] = Counter()

    def lost(message: Outbound) -> SendFailed | None:
        taken[message.slot] += 1
        return failure(maybe_delivered=True) if down else None

    down, outage.trouble = True, lost
    await outage.alerts()
    await outage.minutes(60, step=5)
    down = False
    await outage.minutes(10)
    assert len(taken) == ALERTS
    twice = [slot for slot, times in taken.items() if times > 1]
    assert len(twice) <= ALERTS // 100, twice


async def test_one_missing_room_is_paused_alone(outage: Outage) -> None:
    missing = failure(whole_room=True, retry_after=30.0)
    outage.trouble = lambda message: missing if message.to.key == DESK else None
    await outage.alerts()
    await outage.alerts(20, to="#vip")
    await outage.put(Text(text="Thank you"), to="U0LAN", slot="thanks")
    await outage.minutes(1)
    assert outage.arrived("#vip") == [f"#vip {n:03}" for n in range(20)]
    assert "Thank you" in outage.shown()
    assert outage.courier.paused().keys() == {f"slack/{DESK}"}
    await outage.minutes(20, step=5)
    assert outage.most_in_a_minute(DESK) <= 10
    outage.trouble = lambda _: None
    await outage.minutes(10)
    assert outage.arrived() == [f"{DESK} {n:03}" for n in range(ALERTS)]
    assert not await outage.storage.given_up(10)


async def test_a_token_that_was_revoked_costs_few_requests_however_many_wait_for_whom(outage: Outage) -> None:
    outage.trouble = lambda _: failure(whole_channel=True, retry_after=300.0)
    await outage.alerts()
    for n in range(50):
        await outage.put(Text(text=f"question {n}"), to=f"U{n:04}", slot=f"q:{n}")
    await outage.minutes(30, step=5)
    assert outage.most_in_a_minute() <= 10
    outage.trouble = lambda _: None
    await outage.minutes(10)
    assert len(outage.arrived()) == ALERTS
    assert len(outage.shown()) == ALERTS + 50


async def test_who_is_asked_to_wait_waits_and_then_probes_once(outage: Outage) -> None:
    outage.trouble = lambda _: failure(whole_channel=True, retry_after=20.0)
    await outage.alerts(30)
    await outage.deliver()
    refused = len(outage.requests)
    outage.clock.advance(seconds=19)
    await outage.deliver()
    assert len(outage.requests) == refused
    outage.clock.advance(seconds=1)
    await outage.deliver()
    assert len(outage.requests) == refused + 1


async def test_a_room_is_written_to_at_its_pace_and_one_after_the_other(outage: Outage) -> None:
    await outage.alerts(60)
    outage.slack.open.clear()
    await outage.courier.deliver_once()
    await outage.courier.deliver_once()
    assert len(outage.slack.calls) <= 1, "nothing overtakes the one under way"
    outage.slack.open.set()
    await outage.courier.finish()
    await outage.minutes(1)
    per_second = Counter(at for at, _ in outage.requests)
    assert max(per_second.values()) <= 6
    assert outage.arrived() == [f"{DESK} {n:03}" for n in range(60)]


async def test_a_backlog_of_new_alerts_does_not_hold_up_a_change_of_one_that_stands_there(outage: Outage) -> None:
    await outage.put(Text(text="open"), to=DESK, slot="alert:first")
    await outage.deliver()
    await outage.alerts(100)
    await outage.deliver()
    await outage.put(Text(text="claimed"), to=DESK, slot="alert:first", kind="edit")
    await outage.deliver()
    assert outage.shown()[0] == "claimed"
    assert len(outage.arrived()) < 10


async def test_what_is_turned_back_is_said_to_be_in_no_trouble(outage: Outage) -> None:
    await outage.alerts(40)
    await outage.deliver()
    assert 0 < len(outage.arrived()) < 40
    assert await outage.storage.waiting(100) == []


async def test_for_the_desk_nothing_is_too_old_or_tried_too_often(outage: Outage) -> None:
    outage.trouble = lambda _: failure()
    await outage.put(Text(text="alert"), to=DESK, slot="alert:one")
    await outage.put(Text(text="question"), to="U0LAN", slot="q:1")
    for _ in range(40):
        await outage.deliver()
        outage.clock.advance(hours=3)
    assert [row.slot for row in await outage.storage.given_up(10)] == ["q:1"]
    outage.trouble = lambda _: None
    await outage.minutes(10, step=60)
    assert outage.shown() == ["alert"]


@pytest.mark.parametrize(
    "poison",
    [failure(), failure(maybe_delivered=True), SendFailed(reason="a new word", retryable=True, of_message=True)],
    ids=["as if the service were down", "never answers", "the service says no in a way of its own"],
)
async def test_an_alert_that_no_service_can_take_does_not_hold_up_the_rest_for_long(
    outage: Outage, poison: SendFailed
) -> None:
    outage.trouble = lambda message: poison if message.slot == "alert:poison" else None
    await outage.put(Text(text="poison"), to=DESK, slot="alert:poison")
    await outage.minutes(60, step=5)
    await outage.alerts(20)
    await outage.put(Text(text="Thank you"), to="U0LAN", slot="thanks")
    await outage.minutes(6)
    assert outage.arrived() == [f"{DESK} {n:03}" for n in range(20)]
    assert "Thank you" in outage.shown()
    assert not await outage.storage.given_up(10)


POISON = {
    "refused with a word that we do not know": SendFailed(reason="a new word", retryable=True, of_message=True),
    "a defect of ours": None,
}


@pytest.mark.parametrize("poison", POISON.values(), ids=POISON.keys())
async def test_words_that_no_service_can_take_are_given_up_visibly_and_the_lane_goes_on(
    outage: Outage, poison: SendFailed | None
) -> None:
    def refused(message: Outbound) -> SendFailed | None:
        if isinstance(message.content, Remark) and message.content.text == "poison":
            if poison is None:
                raise ZeroDivisionError
            return poison
        return None

    outage.trouble = refused
    await outage.put(Text(text="alert"), to=DESK, slot="alert:one", lane="case:one")
    for n, text in enumerate(("poison", "are you there?")):
        said = Remark(text=text, author="Lan")
        await outage.put(said, to=DESK, slot=f"words:{n}", lane="case:one", thread="alert:one", kind="relay")
    await outage.minutes(30, step=5)
    remarks = [said for said in outage.slack.shown.values() if isinstance(said, Remark)]
    assert [said.author for said in remarks] == ["", "Lan"]
    assert "/cases/one" in remarks[0].text, "where to read it"
    assert remarks[1].text == "are you there?"
    (row,) = await outage.storage.given_up(10)
    assert row.slot == "words:0"


async def test_a_change_that_is_refused_for_its_own_sake_does_not_hold_up_the_next_and_a_first_post_is_never_given_up(
    outage: Outage,
) -> None:
    await begin_talk(outage.storage, "5512", "7")
    ours = case(desk=Address(channel=ChannelName("slack"), key=DESK))
    await write(outage.storage, SaveCase(case=ours, was_revision=None))
    word = SendFailed(reason="a new word", retryable=True, of_message=True)
    outage.trouble = lambda message: word if isinstance(message.content, Alert) else None
    await write(outage.storage, Queue(outbound=alert_outbound(ours, "post"), at=outage.clock.now))
    await outage.minutes(120, step=30)
    assert not await outage.storage.given_up(10)
    outage.trouble = lambda _: None
    await outage.minutes(6, step=30)
    outage.trouble = lambda message: word if message.kind == "edit" else None
    await write(outage.storage, Queue(outbound=alert_outbound(ours, "edit"), at=outage.clock.now))
    await write(outage.storage, Queue(outbound=remark_outbound(ours, "words:1", Remark(text="x")), at=outage.clock.now))
    await outage.minutes(30, step=5)
    assert [row.slot for row in await outage.storage.given_up(10)] == [f"alert:{ours.id}"]
    assert Remark(text="x") in outage.slack.shown.values()


async def test_what_people_say_does_not_wait_behind_a_backlog_of_alerts_nor_hold_it_up(outage: Outage) -> None:
    await outage.put(Text(text="alert"), to=DESK, slot="alert:one", lane="case:one")
    await outage.deliver()
    await outage.alerts()
    await outage.minutes(0.5)
    for n in range(10):
        said = Remark(text=f"{n}", author="Lan")
        await outage.put(said, to=DESK, slot=f"words:{n}", lane="case:one", thread="alert:one", kind="relay")
    before = len(outage.arrived())
    await outage.minutes(0.5)
    said_now = [each.text for each in outage.slack.shown.values() if isinstance(each, Remark)]
    assert said_now == [str(n) for n in range(10)]
    assert len(outage.arrived()) - before >= 12, "half of the pace is left to the alerts"
    assert outage.most_in_a_minute(DESK) <= 60 + 6 + 2
    await outage.minutes(4)
    assert outage.arrived() == [f"{DESK} {n:03}" for n in range(ALERTS)]


async def test_alerts_go_on_while_people_never_stop_talking(outage: Outage) -> None:
    for n in range(300):
        said = Remark(text=f"{n}", author="Lan")
        await outage.put(said, to=DESK, slot=f"words:{n}", lane=f"case:{n}", thread=f"alert:{n}", kind="relay")
    await outage.alerts(40)
    await outage.minutes(6)
    remarks = [each.text for each in outage.slack.shown.values() if isinstance(each, Remark)]
    assert remarks == [str(n) for n in range(300)]
    assert outage.arrived() == [f"{DESK} {n:03}" for n in range(40)]


async def test_a_defect_in_drawing_an_alert_is_no_trouble_of_its_channel(outage: Outage) -> None:
    def broken(message: Outbound) -> SendFailed | None:
        if message.slot.startswith("alert:broken"):
            raise ZeroDivisionError
        return None

    outage.slack.fails = broken
    for n in range(10):
        await outage.put(Text(text="never"), to=f"#desk{n}", slot=f"alert:broken {n}")
    await outage.minutes(1)
    assert outage.courier.paused() == {}
    await outage.put(Text(text="Thank you"), to="U0LAN", slot="thanks")
    await outage.deliver()
    assert outage.shown() == ["Thank you"]


async def test_a_desk_whose_channel_was_taken_out_of_the_settings_waits_for_it(outage: Outage) -> None:
    await outage.alerts(1)
    outage.courier = outage.courier_of(outage.telegram)
    await outage.minutes(30, step=60)
    assert not await outage.storage.given_up(10)
    (waiting,) = await outage.storage.waiting(10)
    assert "no channel slack" in waiting.error
    outage.courier = outage.courier_of(outage.slack, outage.telegram)
    await outage.minutes(10, step=60)
    assert outage.arrived() == [f"{DESK} 000"]
