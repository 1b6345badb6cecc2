"""What becomes of a message that could not be handed over. Pure."""

from datetime import datetime, timedelta
from typing import Literal, assert_never

from bot.config import DeliverySettings, FollowUpSettings
from bot.errors import SendFailed
from bot.ids import CaseId
from bot.messages import Alert, AlertOf, Card, IncidentOf, Outbound, Remark, Text
from bot.ports import Delivery, GaveUp, RetryAt, Settlement

#: a retry's wait is between this share of the full one and all of it, so that a crowd does not come back at once
LEAST_SHARE = 0.5
#: agents wait for an alert no longer than this once it can be posted
LONGEST_DESK_WAIT = timedelta(minutes=5)

#: what operators are told keeps an order of its own
OPS_LANE = "ops"

#: How long a message is worth trying. *for ever*: it is for the desk, and whoever must repair the desk's room may take
#: days; only what is refused for its own sake, and holds up others, is given up after some attempts. *until old*: an
#: agent's words to a customer, of which the agents are told when they come to nothing, and what operators are told.
#: *a few times*: what we say ourselves.
Patience = Literal["for ever", "until old", "a few times"]


def patience_for(outbound: Outbound, followup: FollowUpSettings | None) -> Patience:
    """How long a message is worth trying."""
    match outbound.content:
        case Alert() | AlertOf() | IncidentOf() | Remark():
            return "for ever"
        case Text() | Card():
            if followup is not None and _is_desk(outbound, followup):
                return "for ever"
            kept = outbound.kind == "relay" or outbound.lane == OPS_LANE
            return "until old" if kept else "a few times"
        case _:
            assert_never(outbound.content)


def _is_desk(outbound: Outbound, followup: FollowUpSettings) -> bool:
    rooms = {followup.room, *(team.room for team in followup.teams), *(rule.room for rule in followup.rules)}
    return outbound.to.channel == followup.channel and outbound.to.key in rooms


def case_of_relay(outbound: Outbound) -> CaseId | None:
    """The case in which an agent said this to its customer; None for every other message."""
    if outbound.kind != "relay" or not isinstance(outbound.content, Text):
        return None
    named, _, case = (outbound.thread or "").partition(":")
    return CaseId(case) if named == "alert" and case else None


def next_attempt(
    delivery: Delivery,
    failure: SendFailed,
    settings: DeliverySettings,
    now: datetime,
    chance: float,
    *,
    patience: Patience = "a few times",
    paused_until: datetime | None = None,
) -> Settlement:
    """What becomes of a message that could not be handed over. ``chance`` is in [0, 1).

    ``paused_until``: its channel or room is left alone until then. That is not this message's fault: it loses none of
    its attempts, and all that wait are due at the same moment, so that they go in the order in which they came.
    """
    if failure.recipient_gone or not failure.retryable:
        return GaveUp(error=failure.reason)
    age = now - delivery.queued_at
    if patience != "for ever" and age >= settings.give_up_after:
        return GaveUp(error=f"{failure.reason} (after {age})")
    if paused_until is not None:
        return RetryAt(due_at=paused_until, error=failure.reason, counts=False, maybe_delivered=failure.maybe_delivered)
    if failure.retry_after is not None:
        # A crowd that one chat's limit sent away does not come back at once.
        wait = timedelta(seconds=failure.retry_after) + timedelta(seconds=chance)
        return RetryAt(due_at=now + wait, error=failure.reason, counts=False, maybe_delivered=failure.maybe_delivered)
    if delivery.attempt >= settings.attempts and (patience == "a few times" or _holds_up_others(delivery, failure)):
        return GaveUp(error=f"{failure.reason} (after {delivery.attempt} attempts)")
    longest = min(settings.longest_wait, LONGEST_DESK_WAIT) if patience == "for ever" else settings.longest_wait
    full = backoff(delivery.attempt, min(settings.first_wait, longest), longest)
    return RetryAt(
        due_at=now + full * (LEAST_SHARE + (1 - LEAST_SHARE) * chance),
        error=failure.reason,
        maybe_delivered=failure.maybe_delivered,
    )


def _holds_up_others(delivery: Delivery, failure: SendFailed) -> bool:
    """Whether this message alone is refused, and all that is said in its case later would wait for it.

    An alert that does not stand in its room yet is never one of these: it is what the rest is about.
    """
    if not failure.of_message:
        return False
    match delivery.outbound.content:
        case Remark():
            return True
        case Alert() | AlertOf() | IncidentOf():
            return delivery.outbound.kind == "edit" and delivery.remote is not None
        case Text() | Card():
            return False
        case _:
            assert_never(delivery.outbound.content)


def backoff(attempt: int, first: timedelta, longest: timedelta) -> timedelta:
    """Doubling from ``first`` at attempt 1, up to ``longest``.

    >>> [backoff(n, timedelta(seconds=1), timedelta(seconds=5)).seconds for n in (1, 2, 3, 4)]
    [1, 2, 4, 5]
    """
    # 2^30 of anything is longer than any longest wait, and stays inside what a timedelta holds
    return min(first * float(1 << min(attempt - 1, 30)), longest)
