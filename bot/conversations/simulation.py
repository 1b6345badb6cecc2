"""What other settings would have made of what happened: each trigger is decided again, in the order of time. Pure.

What customers did is taken as it was: when they wrote, whether they had opted out, what was opened again and when.
What the simulation asks counts for the cool-down in place of what was really asked; whether such a survey would have
been answered, nobody knows, so one counts as under way only where one really was.
"""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import assert_never

import msgspec

from bot.conversations.invitations import (
    AskingRules,
    Invitation,
    Occasion,
    PastSurvey,
    Rule,
    Standing,
    Verdict,
    WentOn,
    decide_invitation,
    planned_for,
    ruled_out,
)

#: What ends a plan from outside: the dealing went on.
CANCELLED: frozenset[Rule] = frozenset({"it was resumed", "the customer went on"})
#: What no setting can change, or what nobody can tell again.
_FIXED: frozenset[Rule] = frozenset({"resumed since", "the customer is gone", "asked a moment ago", "answered before"})


#: What rests on words that may be told after the end: who heard them one by one looked at it when the question was due.
_OF_WORDS: frozenset[Rule] = frozenset(
    {"an agent began it", "no human answered", "too few messages", "a mere thank-you"}
)


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """One time that it was really decided: for when that was planned, when it was, and how things stood then.

    ``wrote_at`` is when the customer had written last.
    """

    planned_for: datetime
    at: datetime
    surveyed_now: bool = False
    wrote_at: datetime | None = None


class Trigger(msgspec.Struct, frozen=True, kw_only=True):
    """One trigger of the ledger, and what became of it.

    ``dealing`` names what it is about; a later trigger of the same dealing takes its place. ``opted_out`` and
    ``reachable`` are None where nobody looked, ``time_zone`` where the customer's own is not known, ``went_on`` where
    the dealing was over for good.
    """

    key: str
    dealing: str
    customer: str
    flow: str
    reference: str
    occasion: Occasion
    verdict: Verdict
    rule: Rule
    #: when it was decided at last
    at: datetime
    opted_out: bool | None = None
    reachable: bool | None = None
    time_zone: str | None = None
    looks: tuple[Look, ...] = ()
    went_on: WentOn | None = None
    #: a question was really planned: nothing spoke against it yet when it ended
    was_planned: bool = False


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings to simulate: the rules of each flow that there is, and the zone of those whose own is not known."""

    rules: Mapping[str, AskingRules]
    channels: frozenset[str]
    time_zone: str = "UTC"


class Simulated(msgspec.Struct, frozen=True, kw_only=True):
    """One trigger with what these settings make of it."""

    trigger: Trigger
    verdict: Verdict
    rule: Rule
    at: datetime


class _Known(msgspec.Struct):
    """What was last seen of a customer."""

    opted_out: bool = False
    reachable: bool = True


class _Pending(msgspec.Struct):
    trigger: Trigger
    #: what stands so far
    rule: Rule
    planned: datetime
    since: datetime
    over: bool = False


class Simulation:
    """Takes triggers in, the oldest first, and gives each back once it is decided.

    ``shown`` are the surveys really shown, by customer: those that came of triggers taken in are left out again.
    """

    def __init__(self, settings: Settings, shown: Mapping[str, Sequence[PastSurvey]]) -> None:
        self._settings = settings
        self._really = {customer: list(past) for customer, past in shown.items()}
        self._asked: dict[str, list[PastSurvey]] = {}
        self._known: dict[str, _Known] = {}
        self._pending: dict[str, _Pending] = {}
        self._queue: list[tuple[datetime, datetime, int, _Pending]] = []
        self._count = 0

    def take(self, trigger: Trigger) -> Iterator[Simulated]:
        """Decide what was due before, then this, as far as it can be decided at once."""
        at = trigger.occasion.at
        yield from self._run_until(at)
        self._leave_out(trigger)
        self._see(trigger)
        before = self._pending.pop(trigger.dealing, None)
        if before is not None:
            before.over = True
            went_on = before.trigger.went_on or WentOn(at=at, rule="it was resumed")
            yield Simulated(trigger=before.trigger, verdict="not asked", rule=went_on.rule, at=went_on.at)
        yield from self._begin(trigger, at)

    def finish(self, now: datetime) -> Iterator[Simulated]:
        """Decide what is due until now; the rest waits still."""
        yield from self._run_until(now)
        for pending in self._pending.values():
            trigger = pending.trigger
            if (went_on := _cancelled_by(trigger, now)) is not None:
                yield Simulated(trigger=trigger, verdict="not asked", rule=went_on.rule, at=went_on.at)
            else:
                yield Simulated(trigger=trigger, verdict="deferred", rule=pending.rule, at=pending.since)

    # ---- the queue ------------------------------------------------------------------------------------------

    def _run_until(self, now: datetime) -> Iterator[Simulated]:
        while self._queue and self._queue[0][0] <= now:
            at, _, _, pending = heapq.heappop(self._queue)
            if not pending.over:
                yield from self._decide(pending, at)

    def _begin(self, trigger: Trigger, at: datetime) -> Iterator[Simulated]:
        rules = self._settings.rules.get(trigger.flow)
        if trigger.rule in _FIXED:
            yield Simulated(trigger=trigger, verdict=trigger.verdict, rule=trigger.rule, at=trigger.at)
        elif rules is None:
            yield Simulated(trigger=trigger, verdict="not asked", rule="the flow is gone", at=at)
        elif (against := _against(trigger, rules, at)) is not None:
            yield Simulated(trigger=trigger, verdict=against.verdict, rule=against.rule, at=at)
        else:
            planned = planned_for(trigger.occasion, rules)
            pending = _Pending(trigger=trigger, rule="delay", planned=planned, since=at)
            self._pending[trigger.dealing] = pending
            self._plan(pending, planned)
            # what is due at once, as what agents ask for by hand, waits for nobody
            yield from self._run_until(at)

    def _plan(self, pending: _Pending, planned: datetime) -> None:
        pending.planned = planned
        self._count += 1
        heapq.heappush(self._queue, (_really_at(pending.trigger, planned), planned, self._count, pending))

    # ---- one decision -----------------------------------------------------------------------------------------

    def _decide(self, pending: _Pending, at: datetime) -> Iterator[Simulated]:
        trigger = pending.trigger
        invitation = self._judge(trigger, pending.planned, at)
        match invitation.verdict:
            case "deferred" if invitation.again_at is not None:
                pending.rule, pending.since = invitation.rule, at
                self._plan(pending, max(invitation.again_at, at))
            case "asked" | "deferred" | "not asked":
                self._pending.pop(trigger.dealing, None)
                if invitation.verdict == "asked":
                    self._ask(trigger, at)
                yield Simulated(trigger=trigger, verdict=invitation.verdict, rule=invitation.rule, at=at)
            case _:
                assert_never(invitation.verdict)

    def _judge(self, trigger: Trigger, planned: datetime, at: datetime) -> Invitation:
        if (went_on := _cancelled_by(trigger, at)) is not None:
            return Invitation(verdict="not asked", rule=went_on.rule)
        rules = self._settings.rules[trigger.flow]
        invitation = decide_invitation(trigger.occasion, self._standing(trigger, planned, at), rules, at)
        if invitation.verdict == "asked" and trigger.rule == "no question fits":
            return Invitation(verdict="not asked", rule=trigger.rule)
        return invitation

    def _standing(self, trigger: Trigger, planned: datetime, at: datetime) -> Standing:
        known = self._known.get(trigger.customer, _Known())
        # earlier than anybody looked, it stood as when they first did
        looks = [look for look in trigger.looks if look.at <= at] or trigger.looks[:1]
        wrote = [look.wrote_at for look in trigger.looks if look.wrote_at is not None and look.wrote_at <= at]
        opted_out = known.opted_out if trigger.opted_out is None else trigger.opted_out
        reachable = known.reachable if trigger.reachable is None else trigger.reachable
        return Standing(
            opted_out=opted_out,
            reachable=reachable and trigger.occasion.channel in self._settings.channels,
            surveyed_now=bool(looks) and looks[-1].surveyed_now,
            past=self._past(trigger.customer, at),
            time_zone=trigger.time_zone or self._settings.time_zone,
            planned_for=planned,
            wrote_at=max(wrote, default=None),
        )

    # ---- what was asked ---------------------------------------------------------------------------------------

    def _past(self, customer: str, at: datetime) -> list[PastSurvey]:
        """Surveys shown until then, the newest first."""
        past = [*self._really.get(customer, ()), *self._asked.get(customer, ())]
        return sorted((each for each in past if each.at <= at), key=lambda each: each.at, reverse=True)

    def _ask(self, trigger: Trigger, at: datetime) -> None:
        rules = self._settings.rules[trigger.flow]
        survey = PastSurvey(flow=trigger.flow, is_nps=rules.is_nps, at=at)
        self._asked.setdefault(trigger.customer, []).append(survey)

    def _leave_out(self, trigger: Trigger) -> None:
        """The survey that really came of this trigger: the simulation decides anew whether there is one."""
        if trigger.verdict != "asked":
            return
        past = self._really.get(trigger.customer, [])
        mine = next((each for each in past if each.at == trigger.at and each.flow == trigger.flow), None)
        if mine is not None:
            past.remove(mine)

    def _see(self, trigger: Trigger) -> None:
        known = self._known.setdefault(trigger.customer, _Known())
        if trigger.opted_out is not None:
            known.opted_out = trigger.opted_out
        if trigger.reachable is not None:
            known.reachable = trigger.reachable


def _against(trigger: Trigger, rules: AskingRules, at: datetime) -> Invitation | None:
    """What rules it out when it ends."""
    against = ruled_out(trigger.occasion, rules, at)
    return None if against is not None and trigger.was_planned and against.rule in _OF_WORDS else against


def _cancelled_by(trigger: Trigger, now: datetime) -> WentOn | None:
    """What cancels a question that is due now; of two things at one moment, the order is that in which they were."""
    went_on = trigger.went_on
    if went_on is None or now < went_on.at or (now == went_on.at and trigger.rule not in CANCELLED):
        return None
    return went_on


def _really_at(trigger: Trigger, planned: datetime) -> datetime:
    """When it would really have been looked at: a server that was off then was off for this, too."""
    late = (look.at for look in trigger.looks if look.planned_for <= planned <= look.at)
    return next(late, planned)
