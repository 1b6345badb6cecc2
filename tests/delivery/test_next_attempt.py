"""When a message that could not be handed over is tried again: pure decisions, as tables."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.config import DeliverySettings, FollowUpSettings
from bot.delivery.attempts import Patience, case_of_relay, next_attempt, patience_for
from bot.delivery.places import (
    FAILURES_TO_PAUSE,
    FIRST_PAUSE,
    LONGEST_PAUSE,
    PAUSES_TO_DOUBT,
    Breaker,
    Pace,
    after_failure,
)
from bot.errors import SendFailed
from bot.followup.clocks import Team
from bot.followup.routing import RoutingRule
from bot.ids import CaseId, IncidentId
from bot.messages import Address, AlertOf, Card, ChannelName, Content, IncidentOf, Outbound, OutboundKind, Remark, Text
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


TROUBLE = {
    "of the channel": (failed(whole_channel=True), NOW + timedelta(seconds=6)),
    "of this chat": (failed(retry_after=1.0), None),
    "of this message": (failed(), None),
}


@pytest.mark.parametrize(("failure", "paused_until"), TROUBLE.values(), ids=TROUBLE.keys())
@pytest.mark.parametrize("patience", ["a few times", "until old"])
def test_what_a_customer_gets_is_given_up_when_it_is_old(
    failure: SendFailed, paused_until: datetime | None, patience: Patience
) -> None:
    old = NOW + SETTINGS.give_up_after
    young = old - timedelta(seconds=1)
    tried = next_attempt(delivery(), failure, SETTINGS, young, 0.0, patience=patience, paused_until=paused_until)
    assert isinstance(tried, RetryAt)
    settled = next_attempt(delivery(), failure, SETTINGS, old, 0.0, patience=patience, paused_until=paused_until)
    assert settled == GaveUp(error="no (after 2 days, 0:00:00)")


@pytest.mark.parametrize(("failure", "paused_until"), TROUBLE.values(), ids=TROUBLE.keys())
def test_what_is_for_the_desk_is_tried_for_ever(failure: SendFailed, paused_until: datetime | None) -> None:
    late = NOW + timedelta(days=400)
    settled = next_attempt(
        delivery(10_000), failure, SETTINGS, late, 1.0, patience="for ever", paused_until=paused_until
    )
    assert isinstance(settled, RetryAt)
    assert settled.due_at <= max(late + SETTINGS.longest_wait, paused_until or late)


def test_an_agents_words_are_not_given_up_for_the_number_of_attempts() -> None:
    many = delivery(SETTINGS.attempts * 10)
    assert isinstance(next_attempt(many, failed(), SETTINGS, NOW, 0.0, patience="until old"), RetryAt)
    assert isinstance(next_attempt(many, failed(), SETTINGS, NOW, 0.0), GaveUp)


@pytest.mark.parametrize("chance", [0.0, 0.99])
def test_what_waits_for_its_place_is_due_when_that_opens_and_loses_no_attempt(chance: float) -> None:
    opens = NOW + timedelta(seconds=77)
    settled = next_attempt(delivery(99), failed(whole_channel=True), SETTINGS, NOW, chance, paused_until=opens)
    assert settled == RetryAt(due_at=opens, error="no", counts=False)


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
    [failed(retryable=False), failed(recipient_gone=True), failed(retry_after=5.0), failed(of_message=True)],
    ids=["bad message", "gone", "slow down, this chat", "not this message"],
)
def test_what_a_working_channel_says_of_one_message_never_pauses_it(failure: SendFailed) -> None:
    breaker = Breaker()
    for _ in range(50):
        breaker = after_failure(breaker, failure, NOW)
    assert breaker == Breaker()


@pytest.mark.parametrize(
    ("failure", "works"),
    [
        (failed(recipient_gone=True, retryable=False), True),
        (failed(retry_after=5.0), True),
        (failed(of_message=True), True),
        (failed(whole_room=True), True),
        (failed(retryable=False), False),
        (failed(), False),
    ],
    ids=["gone", "slow down, this chat", "not this message", "no such room", "perhaps our own refusal", "no answer"],
)
def test_a_probe_that_is_answered_about_itself_shows_that_the_channel_works(failure: SendFailed, works: bool) -> None:
    paused = after_failure(Breaker(), failed(whole_channel=True), NOW)
    assert paused.closed_until is not None
    assert (after_failure(paused, failure, paused.closed_until) == Breaker()) == works


def test_after_some_pauses_a_second_message_is_tried_beside_the_oldest() -> None:
    breaker, now, tries = Breaker(), NOW, []
    for _ in range(PAUSES_TO_DOUBT + 2):
        breaker = after_failure(breaker, failed(whole_channel=not breaker.probing), now)
        tries.append(1)
        if not breaker.blocks(now):
            assert breaker.doubted
            breaker = after_failure(breaker, failed(), now)
            tries[-1] += 1
        assert breaker.closed_until is not None
        now = breaker.closed_until
    assert tries == [1] * PAUSES_TO_DOUBT + [2, 2]


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


@pytest.mark.parametrize("others", [1, 3, 30])
def test_refusals_of_messages_sent_before_a_wait_began_are_one_refusal(others: int) -> None:
    breaker = after_failure(Breaker(), failed(whole_channel=True, retry_after=1.0), NOW)
    for _ in range(others):
        breaker = after_failure(breaker, failed(whole_channel=True, retry_after=1.0), NOW)
    assert (breaker.closed_until, breaker.pauses) == (NOW + timedelta(seconds=1), 1)
    longer = after_failure(breaker, failed(whole_channel=True, retry_after=9.0), NOW)
    assert longer.closed_until == NOW + timedelta(seconds=9), "but the longest wait is obeyed"


def test_two_messages_in_a_row_that_may_have_arrived_are_enough_to_pause() -> None:
    once = after_failure(Breaker(), failed(maybe_delivered=True), NOW)
    assert not once.blocks(NOW)
    assert after_failure(once, failed(maybe_delivered=True), NOW).blocks(NOW)


def test_trouble_of_one_room_is_none_of_its_channels() -> None:
    failure = failed(whole_room=True, retry_after=300.0)
    assert after_failure(Breaker(), failure, NOW) == Breaker()
    assert after_failure(Breaker(), failure, NOW, whole=True).closed_until == NOW + timedelta(seconds=300)


def test_failures_of_messages_sent_before_the_pause_do_not_lengthen_it() -> None:
    paused = after_failure(Breaker(), failed(whole_channel=True), NOW)
    still = after_failure(paused, failed(whole_channel=True), NOW + timedelta(seconds=1))
    assert still.closed_until == paused.closed_until


def test_a_pace_refills_with_time_and_never_beyond_a_second() -> None:
    pace = Pace(rate=30.0, burst=30.0, tokens=0.0, at=NOW)
    assert pace.refilled(NOW + timedelta(seconds=0.5)).tokens == pytest.approx(15)
    assert pace.refilled(NOW + timedelta(hours=1)).tokens == 30
    back = pace.refilled(NOW - timedelta(hours=1))
    assert back.tokens == 0.0
    assert back.refilled(NOW - timedelta(minutes=59, seconds=59)).tokens == pytest.approx(30), "a clock was put back"


# ---- for how long -------------------------------------------------------------------------------------------

FOLLOWUP = FollowUpSettings(
    channel=ChannelName("slack"),
    room="#desk",
    teams=(Team(name="support", room="#leads"),),
    rules=(RoutingRule(id="vip", room="#vip"),),
)
CASE = CaseId("0k3f9x2m7q8d4h1z")


@pytest.mark.parametrize(
    ("to", "kind", "content", "patience"),
    [
        ("slack/#desk", "post", AlertOf(case=CASE), "for ever"),
        ("slack/#gone-from-the-settings", "edit", AlertOf(case=CASE), "for ever"),
        ("slack/#desk", "post", IncidentOf(incident=IncidentId("i1")), "for ever"),
        ("slack/#desk", "relay", Remark(text="Still broken", author="Lan"), "for ever"),
        ("slack/#leads", "post", Text(text="Nobody has spoken with Lan"), "for ever"),
        ("slack/#vip", "post", Text(text="Nobody has spoken with Lan"), "for ever"),
        ("slack/U0LAN", "relay", Text(text="We are sorry"), "until old"),
        ("telegram/7", "relay", Text(text="We are sorry"), "until old"),
        ("telegram/#desk", "post", Text(text="Thank you"), "a few times"),
        ("telegram/7", "post", Card(text="How was it?"), "a few times"),
        ("telegram/7", "edit", Card(text="How was it?", chosen="5"), "a few times"),
    ],
)
def test_who_waits_for_how_long(to: str, kind: OutboundKind, content: Content, patience: Patience) -> None:
    channel, _, key = to.partition("/")
    address = Address(channel=ChannelName(channel), key=key)
    outbound = Outbound(kind=kind, to=address, lane="lane", slot="slot", content=content)
    assert patience_for(outbound, FOLLOWUP) == patience


@pytest.mark.parametrize(
    ("kind", "content", "thread", "case"),
    [
        ("relay", Text(text="We are sorry"), f"alert:{CASE}", CASE),
        ("relay", Remark(text="Still broken", author="Lan"), f"alert:{CASE}", None),
        ("post", Text(text="Thank you"), None, None),
        ("relay", Text(text="We are sorry"), "incident:i1", None),
    ],
    ids=["an agent's words", "a customer's words", "our own", "of no case"],
)
def test_whose_words_are_missed_in_which_case(
    kind: OutboundKind, content: Content, thread: str | None, case: CaseId | None
) -> None:
    address = Address(channel=ChannelName("telegram"), key="7")
    outbound = Outbound(kind=kind, to=address, lane="telegram:7", slot="s", content=content, thread=thread)
    assert case_of_relay(outbound) == case
