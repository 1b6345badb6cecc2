"""Whether someone is asked now, later or not at all, and by which rule. Pure: the time is an argument."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from bot.conversations.dealings import Author

Verdict = Literal["asked", "deferred", "not asked"]

#: What made us think of asking. The last one is any other event that we were told of.
TriggerKind = Literal["api", "helpdesk", "idle", "agent", "panel", "link", "command", "event"]

#: The company asks one customer by hand, and not because a dealing has come to its end.
BY_HAND: frozenset[TriggerKind] = frozenset({"agent", "panel"})

#: Every rule that gives a verdict, by the name that stands in the ledger. Packs have a sentence for each: rule.<rule>.
Rule = Literal[
    # asked
    "nothing speaks against it",
    "the customer wanted to",
    # deferred
    "delay",
    "quiet hours",
    "the customer is writing",
    # not asked: what was told
    "not the end of a chat",
    "the event disagrees with itself",
    "not understood",
    "resumed since",
    "the customer went on",
    "it was resumed",
    # not asked: whether they may be
    "no address known",
    "opted out",
    "cannot be reached",
    # not asked: what is not worth a question
    "closed too long ago",
    "an agent began it",
    "no human answered",
    "too few messages",
    "a mere thank-you",
    # not asked: what the flow is not for
    "not on this channel",
    "not in this language",
    "not with these tags",
    "not for this importance",
    "not in the sample",
    # not asked: not now, and later it would be too late
    "a survey is under way",
    "cool-down",
    "NPS cool-down",
    "flow cool-down",
    "too late",
    "quiet hours for too long",
    "writing for too long",
    # not asked: what came in between
    "the flow is gone",
    "the customer is gone",
    "no question fits",
    "asked a moment ago",
    "answered before",
]


class PastSurvey(msgspec.Struct, frozen=True, kw_only=True):
    flow: str
    is_nps: bool
    at: datetime


class WentOn(msgspec.Struct, frozen=True, kw_only=True):
    """That a dealing went on after its end: when we were told first, and the rule that cancels a question by it."""

    at: datetime
    rule: Literal["the customer went on", "it was resumed"]


class Occasion(msgspec.Struct, frozen=True, kw_only=True):
    """What made us think of asking someone, as it was told: no setting changes it, so a simulation can ask again.

    Times are aware. What is None nobody told us, and then the rule about it does not bite.
    """

    trigger: TriggerKind
    #: when it was told
    at: datetime
    closed_at: datetime
    #: where they would be asked; empty: no address of theirs is known
    channel: str = ""
    language: str = ""
    tags: tuple[str, ...] = ()
    vip: bool = False
    messages: int | None = None
    human_answered: bool | None = None
    started_by: Author | None = None
    #: the chat was opened again after a survey, and no human said a word since
    mere_thanks: bool = False
    #: in 0 <= share < 1, the same for this customer and this dealing whenever it is looked at
    share: float = 0.0
    #: told after it, whatever had become of it by then; for simulations alone
    went_on: WentOn | None = None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How things stand with the customer at the moment of deciding."""

    opted_out: bool = False
    reachable: bool = True
    surveyed_now: bool = False
    past: Sequence[PastSurvey] = ()
    #: an IANA name
    time_zone: str = "UTC"
    #: for when this deciding was planned; later than that it may be too late
    planned_for: datetime
    #: when the customer last wrote to us
    wrote_at: datetime | None = None


class AskingRules(msgspec.Struct, frozen=True, kw_only=True):
    """The settings that decide about one flow. Empty sets of names ask nothing."""

    flow: str
    is_nps: bool = False
    delay: timedelta = timedelta(minutes=10)
    cool_down: timedelta = timedelta(days=7)
    cool_down_nps: timedelta = timedelta(days=90)
    #: between two surveys of this flow
    cool_down_flow: timedelta = timedelta(0)
    quiet_from: time = time(21)
    quiet_until: time = time(8)
    defer_at_most: timedelta = timedelta(hours=24)
    closed_at_most: timedelta = timedelta(days=7)
    late_at_most: timedelta = timedelta(hours=4)
    min_messages: int = 3
    human_answered: bool = True
    agent_started: bool = False
    channels: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    without_tags: frozenset[str] = frozenset()
    vip: Literal["any", "only", "never"] = "any"
    #: the part of all occasions that is asked about, in 0 <= sample <= 1
    sample: float = 1.0


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict, the rule that gave it, what it looked at, and for a deferral when to decide again."""

    verdict: Verdict
    rule: Rule
    inputs: dict[str, str] = {}
    again_at: datetime | None = None


#: A change of the clock so near to the end of the quiet hours may skip or repeat it.
_ABOUT = timedelta(hours=3)
#: After something was told nobody is asked for so long, however long ago it was: after an outage helpdesks tell what
#: happened meanwhile one by one, and the reopening comes a moment after the end.
SETTLING = timedelta(minutes=2)


def planned_for(occasion: Occasion, rules: AskingRules) -> datetime:
    """When someone would be asked if nothing spoke against it; what is asked for by hand is asked at once."""
    if occasion.trigger in BY_HAND:
        return occasion.at
    return max(occasion.closed_at + rules.delay, occasion.at + min(rules.delay, SETTLING))


def share_of(*names: str) -> float:
    """A number in [0, 1) that is always the same for the same names, and spread evenly over different ones."""
    digest = hashlib.blake2b("\0".join(names).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return (int.from_bytes(digest) >> 11) / 2**53


def ruled_out(who: Occasion, rules: AskingRules, now: datetime) -> Invitation | None:
    """The first rule that bites whatever the customer does until then; None: it depends. Its order is that of Rule."""
    if not who.channel:
        return _no("no address known")
    return _not_worth_it(who, rules, now) or _not_for_them(who, rules) or _unseen_silence(who, rules)


def decide_invitation(who: Occasion, standing: Standing, rules: AskingRules, now: datetime) -> Invitation:
    """The first rule that bites decides, in the order of Rule; with none, the customer is asked."""
    if not who.channel:
        return _no("no address known")
    if standing.opted_out:
        return _no("opted out")
    if not standing.reachable:
        return _no("cannot be reached")
    return (
        _not_worth_it(who, rules, now)
        or _not_for_them(who, rules)
        or _asked_lately(who, standing, rules, now)
        or _not_now(who, standing, rules, now)
        or Invitation(verdict="asked", rule="nothing speaks against it")
    )


def _not_worth_it(who: Occasion, rules: AskingRules, now: datetime) -> Invitation | None:
    if who.trigger in BY_HAND:
        # who asks for it by hand knows what it is about
        return None
    if now - who.closed_at > rules.closed_at_most:
        return _no("closed too long ago", closed_at=who.closed_at.isoformat(), days=_days(rules.closed_at_most))
    if who.started_by == "agent" and not rules.agent_started:
        return _no("an agent began it")
    if who.human_answered is False and rules.human_answered:
        return _no("no human answered")
    if who.messages is not None and who.messages < rules.min_messages:
        return _no("too few messages", messages=str(who.messages), at_least=str(rules.min_messages))
    if who.mere_thanks:
        return _no("a mere thank-you")
    return None


def _not_for_them(who: Occasion, rules: AskingRules) -> Invitation | None:
    if rules.channels and who.channel not in rules.channels:
        return _no("not on this channel", channel=who.channel)
    if rules.languages and not _speaks(who.language, rules.languages):
        return _no("not in this language", language=who.language)
    if who.trigger in BY_HAND:
        # nobody told of tags, and who asks by hand throws no die
        return None
    tags = {tag.casefold() for tag in who.tags}
    wanted, unwanted = _folded(rules.tags), _folded(rules.without_tags)
    if (wanted and not tags & wanted) or tags & unwanted:
        return _no("not with these tags", tags=", ".join(who.tags))
    if rules.vip != "any" and who.vip != (rules.vip == "only"):
        return _no("not for this importance", vip=str(who.vip).lower())
    if who.share >= rules.sample:
        return _no("not in the sample", share=f"{who.share:.4f}", sample=f"{rules.sample:g}")
    return None


def _speaks(language: str, wanted: frozenset[str]) -> bool:
    """Whether one of the languages is meant: "pt" takes any Portuguese, "pt-BR" only that of Brazil."""
    tag, plain = language.casefold(), language.casefold().partition("-")[0]
    return bool({tag, plain} & _folded(wanted))


def _folded(names: frozenset[str]) -> frozenset[str]:
    return frozenset(name.casefold() for name in names)


def _asked_lately(who: Occasion, standing: Standing, rules: AskingRules, now: datetime) -> Invitation | None:
    if standing.surveyed_now:
        return _no("a survey is under way")
    if who.trigger == "panel":
        # they said that they would like to be asked more
        return None
    for past in standing.past:
        since = now - past.at
        if since < rules.cool_down:
            return _no("cool-down", last=past.at.isoformat(), flow=past.flow, days=_days(rules.cool_down))
        if rules.is_nps and past.is_nps and since < rules.cool_down_nps:
            return _no("NPS cool-down", last=past.at.isoformat(), flow=past.flow, days=_days(rules.cool_down_nps))
        if past.flow == rules.flow and since < rules.cool_down_flow:
            return _no("flow cool-down", last=past.at.isoformat(), flow=past.flow, days=_days(rules.cool_down_flow))
    return None


def _not_now(who: Occasion, standing: Standing, rules: AskingRules, now: datetime) -> Invitation | None:
    """What puts a survey off, and what makes it too late for one."""
    if now - standing.planned_for > rules.late_at_most:
        return _too_late(standing.planned_for, rules)
    if (unseen := _unseen_silence(who, rules)) is not None:
        return unseen
    latest = planned_for(who, rules) + rules.defer_at_most
    wrote_at = standing.wrote_at
    if who.trigger not in BY_HAND and wrote_at is not None and timedelta(0) <= now - wrote_at < rules.delay:
        again_at = wrote_at + rules.delay
        return _later("the customer is writing", again_at, latest, or_else="writing for too long")
    awake = end_of_quiet(now, rules.quiet_from, rules.quiet_until, standing.time_zone)
    if awake is not None:
        inputs = {"time_zone": standing.time_zone}
        return _later("quiet hours", awake, latest, or_else="quiet hours for too long", inputs=inputs)
    return None


def _unseen_silence(who: Occasion, rules: AskingRules) -> Invitation | None:
    """A chat fell idle while the server was off: nobody told of that but our own clock, and it was late."""
    due = who.closed_at + rules.delay
    return _too_late(due, rules) if who.trigger == "idle" and who.at - due > rules.late_at_most else None


def _too_late(planned: datetime, rules: AskingRules) -> Invitation:
    return _no("too late", planned_for=planned.isoformat(), hours=_hours(rules.late_at_most))


def _later(
    rule: Rule, again_at: datetime, latest: datetime, *, or_else: Rule, inputs: Mapping[str, str] | None = None
) -> Invitation:
    told = {**(inputs or {}), "until": again_at.isoformat()}
    if again_at > latest:
        return Invitation(verdict="not asked", rule=or_else, inputs=told)
    return Invitation(verdict="deferred", rule=rule, inputs=told, again_at=again_at)


def _no(rule: Rule, **inputs: str) -> Invitation:
    return Invitation(verdict="not asked", rule=rule, inputs=inputs)


def _days(span: timedelta) -> str:
    return f"{span / timedelta(days=1):g}"


def _hours(span: timedelta) -> str:
    return f"{span / timedelta(hours=1):g}"


def end_of_quiet(now: datetime, quiet_from: time, quiet_until: time, time_zone: str) -> datetime | None:
    """When the quiet hours that hold now end; None when it is not quiet. From and until being equal: never quiet.

    Quiet hours may run over midnight. In the hour that a clock change skips or repeats, the wall clock decides.
    """
    try:
        zone = ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    local = now.astimezone(zone)
    clock = local.time()
    over_midnight = quiet_from > quiet_until
    if not _is_quiet(clock, quiet_from, quiet_until):
        return None
    day = local.date() + timedelta(days=1 if over_midnight and clock >= quiet_from else 0)
    ends = {_instant(datetime.combine(day, quiet_until, tzinfo=zone).replace(fold=fold)) for fold in (0, 1)}
    # An hour that is skipped ends at once; one that is repeated may bring the end twice, or the quiet back.
    ends |= {at for end in tuple(ends) for at in _changes_about(end, zone)}
    later = sorted(
        end for end in ends if end > now and not _is_quiet(end.astimezone(zone).time(), quiet_from, quiet_until)
    )
    return (later[0] if later else max(ends)).astimezone(now.tzinfo)


def _is_quiet(clock: time, quiet_from: time, quiet_until: time) -> bool:
    if quiet_from > quiet_until:
        return clock >= quiet_from or clock < quiet_until
    return quiet_from <= clock < quiet_until


def _instant(local: datetime) -> datetime:
    return local.astimezone(UTC)


def _changes_about(end: datetime, zone: ZoneInfo) -> list[datetime]:
    """When the zone's clock is changed within a few hours of a time, to the minute."""
    first, last = end - _ABOUT, end + _ABOUT
    if first.astimezone(zone).utcoffset() == last.astimezone(zone).utcoffset():
        return []
    while last - first > timedelta(minutes=1):
        middle = first + (last - first) / 2
        if middle.astimezone(zone).utcoffset() == first.astimezone(zone).utcoffset():
            first = middle
        else:
            last = middle
    return [last.replace(second=0, microsecond=0)]
