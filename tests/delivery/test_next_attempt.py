"""When a message that could not be handed over is tried again: pure decisions, as tables."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.config import DeliverySettings
from bot.delivery import FAILURES_TO_PAUSE, FIRST_PAUSE, LONGEST_PAUSE, Breaker, Pace, after_failure, next_attempt
from bot.errors import SendFailed
from bot.messages import Address, ChannelName, Outbound, Text
from bot.ports import Delivery, GaveUp, RetryAt

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SETTINGS = DeliverySettings(attempts=4, first_wait=timedelta(seconds=2), longest_wait=timedelta(seconds=6))


def delivery(attempt: int = 1) -> Delivery:
    address = Address(channel=ChannelName("telegram"), key="7")
    outbound = Outbound(kind="post", to=address, lane="telegram:7", slot="q:1", content=Text(text="Hello"))
    return Delivery(id=1, outbound=outbound, attempt=attempt, queued_at=NOW)


def failed(*, retryable: bool = True, **more: object) -> SendFailed:
    return SendFailed(reason="no", retryable=retryable, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("attempt", "chance", "seconds"),
    [(1, 0.0, 1.0), (1, 1.0, 2.0), (2, 1.0, 4.0), (3, 1.0, 6.0), (3, 0.5, 4.5)],
    ids=["least", "first", "doubled", "bounded", "in between"],
)
def test_backs_off_with_jitter(attempt: int, chance: float, seconds: float) -> None:
    settled = next_attempt(delivery(attempt), failed(), SETTINGS, NOW, chance)
    assert settled == RetryAt(due_at=NOW + timedelta(seconds=seconds), error="no")


@pytest.mark.parametrize(
    ("failure", "attempt"),
    [
        (failed(retryable=False), 1),
        (failed(retryable=False, recipient_gone=True), 1),
        (failed(recipient_gone=True), 1),
        (failed(), 4),
    ],
    ids=["no retry helps", "gone", "gone although retryable", "attempts used up"],
)
def test_gives_up_visibly(failure: SendFailed, attempt: int) -> None:
    settled = next_attempt(delivery(attempt), failure, SETTINGS, NOW, 0.0)
    assert isinstance(settled, GaveUp)
    assert settled.error.startswith("no")


@pytest.mark.parametrize("attempt", [1, 4, 400], ids=["first", "last", "far beyond"])
def test_a_wait_that_was_asked_for_costs_no_attempt(attempt: int) -> None:
    settled = next_attempt(delivery(attempt), failed(retry_after=30.0), SETTINGS, NOW, 0.5)
    assert settled == RetryAt(due_at=NOW + timedelta(seconds=30.5), error="no", counts=False)


def test_nothing_is_retried_for_ever() -> None:
    old = NOW + SETTINGS.give_up_after
    for failure in (failed(whole_channel=True), failed(retry_after=1.0), failed()):
        assert isinstance(next_attempt(delivery(), failure, SETTINGS, old - timedelta(seconds=1), 0.0), RetryAt)
        settled = next_attempt(delivery(), failure, SETTINGS, old, 0.0)
        assert settled == GaveUp(error="no (after 2 days, 0:00:00)")


def test_trouble_of_the_whole_channel_never_drops_a_message() -> None:
    settled = next_attempt(delivery(99), failed(whole_channel=True), SETTINGS, NOW, 0.0)
    assert isinstance(settled, RetryAt)
    assert not settled.counts


def test_remembers_that_a_message_may_have_arrived() -> None:
    settled = next_attempt(delivery(), failed(maybe_delivered=True), SETTINGS, NOW, 0.0)
    assert isinstance(settled, RetryAt)
    assert settled.maybe_delivered


# ---- the breaker ------------------------------------------------------------------------------------------


def test_single_failures_do_not_pause_a_channel_and_a_row_of_them_does() -> None:
    breaker = Breaker()
    for _ in range(FAILURES_TO_PAUSE - 1):
        breaker = after_failure(breaker, failed(), NOW)
    assert not breaker.blocks(NOW)
    breaker = after_failure(breaker, failed(), NOW)
    assert breaker.closed_until == NOW + FIRST_PAUSE


@pytest.mark.parametrize(
    "failure",
    [failed(retryable=False), failed(recipient_gone=True), failed(retry_after=5.0)],
    ids=["bad message", "gone", "slow down, this chat"],
)
def test_what_a_working_channel_says_of_one_message_never_pauses_it(failure: SendFailed) -> None:
    breaker = Breaker()
    for _ in range(50):
        breaker = after_failure(breaker, failure, NOW)
    assert breaker == Breaker()


def test_pauses_grow_and_at_most_ten_requests_a_minute_reach_a_channel_that_refuses_everything() -> None:
    breaker, now, requests, pauses = Breaker(), NOW, 0, []
    while now < NOW + timedelta(minutes=30):
        requests += 1
        breaker = after_failure(breaker, failed(whole_channel=True), now)
        assert breaker.closed_until is not None
        pauses.append(breaker.closed_until - now)
        now = breaker.closed_until
        assert requests <= 10 * max(1, (now - NOW) / timedelta(minutes=1))
    assert pauses[0] == FIRST_PAUSE
    assert pauses[-1] == LONGEST_PAUSE
    assert pauses == sorted(pauses)


def test_the_first_wait_a_service_asks_for_is_obeyed_exactly_and_further_ones_at_least() -> None:
    first = after_failure(Breaker(), failed(whole_channel=True, retry_after=1.0), NOW)
    assert first.closed_until == NOW + timedelta(seconds=1)
    later = first.closed_until
    second = after_failure(first, failed(whole_channel=True, retry_after=1.0), later)
    assert second.closed_until == later + FIRST_PAUSE
    third = after_failure(second, failed(whole_channel=True, retry_after=900.0), NOW + FIRST_PAUSE * 2)
    assert third.closed_until == NOW + FIRST_PAUSE * 2 + timedelta(seconds=900)


def test_failures_of_messages_sent_before_the_pause_do_not_lengthen_it() -> None:
    paused = after_failure(Breaker(), failed(whole_channel=True), NOW)
    still = after_failure(paused, failed(whole_channel=True), NOW + timedelta(seconds=1))
    assert still.closed_until == paused.closed_until


def test_a_pace_refills_with_time_and_never_beyond_a_second() -> None:
    pace = Pace(rate=30.0, tokens=0.0, at=NOW)
    assert pace.refilled(NOW + timedelta(seconds=0.5)).tokens == pytest.approx(15)
    assert pace.refilled(NOW + timedelta(hours=1)).tokens == 30
    back = pace.refilled(NOW - timedelta(hours=1))
    assert (back.tokens, back.at) == (0.0, NOW)
