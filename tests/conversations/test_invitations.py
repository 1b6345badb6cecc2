"""Whether someone is asked: each rule and their order, shares, and the quiet hours with their clock changes."""

from datetime import UTC, datetime, time, timedelta
from itertools import combinations, pairwise
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.conversations.invitations import (
    AskingRules,
    Invitation,
    Occasion,
    PastSurvey,
    Rule,
    Standing,
    Verdict,
    decide_invitation,
    end_of_quiet,
    planned_for,
    ruled_out,
    share_of,
)

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NIGHT = NOW.replace(hour=23)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
RULES = AskingRules(flow="support")
NPS = replace(RULES, is_nps=True)
CHAT = Occasion(trigger="helpdesk", at=NOW - 10 * MINUTE, closed_at=NOW - 10 * MINUTE, channel="web", language="en")
BY_HAND = replace(CHAT, trigger="agent", at=NOW, closed_at=NOW)
ANN = Standing(planned_for=NOW)

ASKED: Rule = "nothing speaks against it"


def past(days: float, *, is_nps: bool = False, flow: str = "delivery") -> PastSurvey:
    return PastSurvey(flow=flow, is_nps=is_nps, at=NOW - days * DAY)


class Case:
    """One decision; whatever is not said is as it usually is."""

    def __init__(
        self,
        verdict: Verdict,
        rule: Rule,
        *,
        who: Occasion = CHAT,
        stands: Standing = ANN,
        rules: AskingRules = RULES,
        now: datetime = NOW,
        **chat: Any,
    ) -> None:
        self.verdict, self.rule = verdict, rule
        self.who, self.stands, self.rules, self.now = replace(who, **chat), stands, rules, now

    def decide(self) -> Invitation:
        return decide_invitation(self.who, self.stands, self.rules, self.now)


def asked(**changes: Any) -> Case:
    return Case("asked", ASKED, **changes)


def no(rule: Rule, **changes: Any) -> Case:
    return Case("not asked", rule, **changes)


def later(rule: Rule, **changes: Any) -> Case:
    return Case("deferred", rule, **changes)


def standing(**changes: Any) -> Standing:
    return replace(ANN, **changes)


AT_NIGHT = Standing(planned_for=NIGHT)
WROTE = standing(wrote_at=NOW - 3 * MINUTE)
TONIGHT = replace(CHAT, at=NIGHT, closed_at=NIGHT - 10 * MINUTE)

DECISIONS: dict[str, Case] = {
    "nothing speaks against it": asked(),
    "no address": no("no address known", channel=""),
    "no address comes before all else": no("no address known", channel="", stands=standing(opted_out=True)),
    # may they be asked
    "opted out": no("opted out", stands=standing(opted_out=True)),
    "opted out comes before cannot be reached": no("opted out", stands=standing(opted_out=True, reachable=False)),
    "never wrote to the bot": no("cannot be reached", stands=standing(reachable=False)),
    # is it worth a question
    "closed exactly long ago enough": asked(closed_at=NOW - 7 * DAY),
    "closed too long ago": no("closed too long ago", closed_at=NOW - 7.01 * DAY),
    "closed tomorrow, by a wrong clock": asked(closed_at=NOW + DAY),
    "an agent began it": no("an agent began it", started_by="agent"),
    "an agent began it, and that is asked about": asked(started_by="agent", rules=replace(RULES, agent_started=True)),
    "the customer began it": asked(started_by="customer"),
    "a bot began it": asked(started_by="bot"),
    "nobody told who began it": asked(started_by=None),
    "no human answered": no("no human answered", human_answered=False),
    "no human answered, and that does not matter": asked(
        human_answered=False, rules=replace(RULES, human_answered=False)
    ),
    "a human answered": asked(human_answered=True),
    "nobody told whether a human answered": asked(human_answered=None),
    "too few messages": no("too few messages", messages=2),
    "just enough messages": asked(messages=3),
    "no messages at all": no("too few messages", messages=0),
    "nobody counted messages": asked(messages=None),
    "no message is needed": asked(messages=0, rules=replace(RULES, min_messages=0)),
    "a mere thank-you": no("a mere thank-you", mere_thanks=True),
    # what the flow is for
    "on another channel": no("not on this channel", rules=replace(RULES, channels=frozenset({"telegram"}))),
    "on its channel": asked(rules=replace(RULES, channels=frozenset({"telegram", "web"}))),
    "in another language": no("not in this language", rules=replace(RULES, languages=frozenset({"vi"}))),
    "in its language": asked(rules=replace(RULES, languages=frozenset({"vi", "en"}))),
    "in its language, of another country": asked(language="pt-BR", rules=replace(RULES, languages=frozenset({"PT"}))),
    "in the language of another country": no(
        "not in this language", language="pt", rules=replace(RULES, languages=frozenset({"pt-BR"}))
    ),
    "without the tag": no("not with these tags", rules=replace(RULES, tags=frozenset({"billing"}))),
    "with one of the tags": asked(tags=("Billing", "x"), rules=replace(RULES, tags=frozenset({"billing", "y"}))),
    "with a tag that must not be": no(
        "not with these tags", tags=("SPAM",), rules=replace(RULES, without_tags=frozenset({"spam"}))
    ),
    "with both": no(
        "not with these tags",
        tags=("billing", "spam"),
        rules=replace(RULES, tags=frozenset({"billing"}), without_tags=frozenset({"spam"})),
    ),
    "not for VIPs": no("not for this importance", vip=True, rules=replace(RULES, vip="never")),
    "only for VIPs": no("not for this importance", rules=replace(RULES, vip="only")),
    "only for VIPs, one": asked(vip=True, rules=replace(RULES, vip="only")),
    "in the sample": asked(share=0.2999, rules=replace(RULES, sample=0.3)),
    "not in the sample": no("not in the sample", share=0.3, rules=replace(RULES, sample=0.3)),
    "everybody is in the whole": asked(share=0.9999999),
    "nobody is in an empty sample": no("not in the sample", share=0.0, rules=replace(RULES, sample=0.0)),
    # not so soon
    "a survey is under way": no("a survey is under way", stands=standing(surveyed_now=True)),
    "surveyed yesterday": no("cool-down", stands=standing(past=(past(1),))),
    "surveyed just less than a week ago": no("cool-down", stands=standing(past=(past(6.99),))),
    "surveyed a week ago": asked(stands=standing(past=(past(7),))),
    "NPS a month after another": no("NPS cool-down", rules=NPS, stands=standing(past=(past(30, is_nps=True),))),
    "NPS 90 days after another": asked(rules=NPS, stands=standing(past=(past(90, is_nps=True),))),
    "NPS a month after a CSAT": asked(rules=NPS, stands=standing(past=(past(30),))),
    "CSAT a month after an NPS": asked(stands=standing(past=(past(30, is_nps=True),))),
    "an older one counts too": no(
        "NPS cool-down", rules=NPS, stands=standing(past=(past(8), past(60, is_nps=True)))
    ),
    "the same flow a month later": no(
        "flow cool-down",
        rules=replace(RULES, cool_down_flow=60 * DAY),
        stands=standing(past=(past(10), past(30, flow="support"))),
    ),
    "another flow a month later": asked(
        rules=replace(RULES, cool_down_flow=60 * DAY), stands=standing(past=(past(30, flow="delivery"),))
    ),
    "a clock that went back": no("cool-down", stands=standing(past=(past(-0.1),))),
    # not now
    "just in time": asked(stands=standing(planned_for=NOW - 4 * HOUR)),
    "too late": no("too late", stands=standing(planned_for=NOW - 4 * HOUR - MINUTE)),
    "the customer is writing": later("the customer is writing", stands=WROTE),
    "the customer wrote as long ago as the delay": asked(stands=standing(wrote_at=NOW - 10 * MINUTE)),
    "the customer wrote in the future, by a wrong clock": asked(stands=standing(wrote_at=NOW + HOUR)),
    "the customer has been writing for a day": no(
        "writing for too long", stands=WROTE, at=NOW - DAY, closed_at=NOW - DAY - 4 * MINUTE
    ),
    "at night": later("quiet hours", who=TONIGHT, stands=AT_NIGHT, now=NIGHT),
    "at night, after a day of waiting": no(
        "quiet hours for too long",
        at=NIGHT - DAY,
        closed_at=NIGHT - DAY,
        stands=Standing(planned_for=NIGHT),
        now=NIGHT,
    ),
    "at night, cool-down first": no(
        "cool-down", who=TONIGHT, stands=replace(AT_NIGHT, past=(past(1),)), now=NIGHT
    ),
    "writing at night": later(
        "the customer is writing", who=TONIGHT, stands=replace(AT_NIGHT, wrote_at=NIGHT - MINUTE), now=NIGHT
    ),
    "too late at night": no(
        "too late", who=TONIGHT, stands=Standing(planned_for=NIGHT - 5 * HOUR), now=NIGHT
    ),
    "noon in UTC is night in Auckland": later("quiet hours", stands=standing(time_zone="Pacific/Auckland")),
    "a time zone that does not exist is UTC": asked(stands=standing(time_zone="Mars/Olympus")),
    "a time zone that is a path": asked(stands=standing(time_zone="../../etc/passwd")),
    "an empty time zone": asked(stands=standing(time_zone="")),
    # what an agent wants
    "by hand: what is not worth a question otherwise": asked(
        who=BY_HAND, started_by="agent", human_answered=False, messages=0, mere_thanks=True, closed_at=NOW - 30 * DAY
    ),
    "by hand: no sample": asked(who=BY_HAND, share=0.9, rules=replace(RULES, sample=0.1)),
    "by hand: nobody told of tags and importance": asked(
        who=BY_HAND, rules=replace(RULES, tags=frozenset({"billing"}), vip="only")
    ),
    "by hand: while the customer writes": asked(who=BY_HAND, stands=WROTE),
    "by hand: opted out": no("opted out", who=BY_HAND, stands=standing(opted_out=True)),
    "by hand: cannot be reached": no("cannot be reached", who=BY_HAND, stands=standing(reachable=False)),
    "by hand: another channel's flow": no(
        "not on this channel", who=BY_HAND, rules=replace(RULES, channels=frozenset({"telegram"}))
    ),
    "by hand: another language's flow": no(
        "not in this language", who=BY_HAND, rules=replace(RULES, languages=frozenset({"vi"}))
    ),
    "by hand: a survey is under way": no("a survey is under way", who=BY_HAND, stands=standing(surveyed_now=True)),
    "by hand: cool-down": no("cool-down", who=BY_HAND, stands=standing(past=(past(1),))),
    "by hand: at night": later(
        "quiet hours", who=replace(BY_HAND, at=NIGHT, closed_at=NIGHT), stands=AT_NIGHT, now=NIGHT
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", DECISIONS.values(), ids=DECISIONS)
def test_decision(case: Case) -> None:
    invitation = case.decide()
    assert (invitation.verdict, invitation.rule) == (case.verdict, case.rule)
    assert (invitation.again_at is not None) == (case.verdict == "deferred")
    assert invitation.again_at is None or invitation.again_at > case.now


#: each rule that the function itself gives, with what makes it bite; whatever stands above decides first
BITES: dict[Rule, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "no address known": ({"channel": ""}, {}, {}),
    "opted out": ({}, {"opted_out": True}, {}),
    "cannot be reached": ({}, {"reachable": False}, {}),
    "closed too long ago": ({"closed_at": NOW - 8 * DAY}, {}, {}),
    "an agent began it": ({"started_by": "agent"}, {}, {}),
    "no human answered": ({"human_answered": False}, {}, {}),
    "too few messages": ({"messages": 1}, {}, {}),
    "a mere thank-you": ({"mere_thanks": True}, {}, {}),
    "not on this channel": ({}, {}, {"channels": frozenset({"telegram"})}),
    "not in this language": ({}, {}, {"languages": frozenset({"vi"})}),
    "not with these tags": ({}, {}, {"tags": frozenset({"billing"})}),
    "not for this importance": ({}, {}, {"vip": "only"}),
    "not in the sample": ({"share": 0.9}, {}, {"sample": 0.5}),
    "a survey is under way": ({}, {"surveyed_now": True}, {}),
    "cool-down": ({}, {"past": (past(1),)}, {}),
    "NPS cool-down": ({}, {"past": (past(20, is_nps=True),)}, {"is_nps": True}),
    "flow cool-down": ({}, {"past": (past(20, flow="support"),)}, {"cool_down_flow": 30 * DAY}),
    "too late": ({}, {"planned_for": NOW - 5 * HOUR}, {}),
    "the customer is writing": ({}, {"wrote_at": NOW - MINUTE}, {}),
    "quiet hours": ({}, {"time_zone": "Pacific/Auckland"}, {}),
    "nothing speaks against it": ({}, {}, {}),
}

#: these come with a deferral, and where one is too long
INSTEAD: dict[Rule, Rule] = {
    "the customer is writing": "writing for too long",
    "quiet hours": "quiet hours for too long",
}


@pytest.mark.parametrize(("first", "then"), list(combinations(BITES, 2)), ids=str)
def test_the_rule_that_stands_first_decides(first: Rule, then: Rule) -> None:
    """Else two who ask why would be told different reasons for the same."""
    chat, stands, rules = ({**a, **b} for a, b in zip(BITES[then], BITES[first], strict=True))
    decided = decide_invitation(replace(CHAT, **chat), replace(ANN, **stands), replace(RULES, **rules), NOW)
    assert decided.rule == first


def test_every_rule_of_this_function_is_tried() -> None:
    told_or_in_between = {
        "the customer wanted to", "delay", "not the end of a chat", "the event disagrees with itself",
        "not understood", "resumed since", "the customer went on", "it was resumed", "the flow is gone",
        "the customer is gone", "no question fits", "asked a moment ago", "answered before",
    }  # fmt: skip
    assert {case.rule for case in DECISIONS.values()} == set(get_args(Rule)) - told_or_in_between


PERMANENT = list(BITES)[3:13]


@pytest.mark.parametrize("rule", PERMANENT)
def test_what_will_not_change_is_decided_at_the_ending(rule: Rule) -> None:
    chat, _, rules = BITES[rule]
    decided = ruled_out(replace(CHAT, **chat), replace(RULES, **rules), NOW)
    assert decided is not None
    assert (decided.verdict, decided.rule) == ("not asked", rule)


@pytest.mark.parametrize("rule", [rule for rule in BITES if rule not in (*PERMANENT, "no address known")])
def test_what_may_change_is_not(rule: Rule) -> None:
    chat, _, rules = BITES[rule]
    assert ruled_out(replace(CHAT, **chat), replace(RULES, **rules), NOW) is None


def test_a_decision_tells_what_it_looked_at() -> None:
    invitation = no("cool-down", stands=standing(past=(past(1),))).decide()
    assert invitation.inputs == {"last": "2026-03-01T12:00:00+00:00", "flow": "delivery", "days": "7"}


def test_a_deferral_ends_when_the_quiet_hours_do() -> None:
    invitation = later("quiet hours", who=TONIGHT, stands=AT_NIGHT, now=NIGHT).decide()
    assert invitation.again_at == datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
    assert decide_invitation(TONIGHT, AT_NIGHT, RULES, NIGHT).verdict == "deferred"
    again = replace(AT_NIGHT, planned_for=invitation.again_at)
    assert decide_invitation(TONIGHT, again, RULES, invitation.again_at).verdict == "asked"


def test_whoever_writes_on_and_on_is_asked_after_the_last_word_or_never() -> None:
    """Each word puts the question off by the delay, and all of them together by a day at most."""
    now, puts_off = NOW, 0
    while (decided := decide_invitation(CHAT, standing(planned_for=now, wrote_at=now), RULES, now)).again_at:
        assert decided.again_at == now + RULES.delay
        now, puts_off = decided.again_at, puts_off + 1
    assert decided.rule in ("writing for too long", "quiet hours for too long")
    assert now - NOW <= RULES.defer_at_most
    assert puts_off > 10


def test_when_a_question_is_planned() -> None:
    assert planned_for(CHAT, RULES) == CHAT.closed_at + RULES.delay
    told_late = replace(CHAT, at=NOW + HOUR)
    assert planned_for(told_late, RULES) == NOW + HOUR + timedelta(minutes=2), "else its reopening would come too late"
    assert planned_for(told_late, replace(RULES, delay=timedelta(seconds=1))) == NOW + HOUR + timedelta(seconds=1)
    assert planned_for(BY_HAND, RULES) == NOW


@pytest.mark.parametrize("sample", [0.01, 0.1, 0.5, 0.9])
def test_shares_are_spread_evenly(sample: float) -> None:
    tickets = 20_000
    asked = sum(share_of("chatwoot", f"ticket {n}", "0", "support") < sample for n in range(tickets))
    # five standard deviations of a fair draw; the names are fixed, so this never changes
    assert abs(asked - sample * tickets) < 5 * (tickets * sample * (1 - sample)) ** 0.5


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_a_share_is_always_the_same_and_less_than_one(names: list[str]) -> None:
    assert 0 <= share_of(*names) < 1
    assert share_of(*names) == share_of(*names)


def test_shares_of_flows_do_not_depend_on_each_other() -> None:
    """Else half of the customers would be asked by two flows and the other half by none."""
    pairs = [(share_of(f"ticket {n}", "support"), share_of(f"ticket {n}", "delivery")) for n in range(10_000)]
    both = sum(one < 0.5 and two < 0.5 for one, two in pairs)
    assert 2_250 < both < 2_750
    assert share_of("ab", "c") != share_of("a", "bc")


def local(zone: str, text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


NEW_YORK, BERLIN = "America/New_York", "Europe/Berlin"

# label: zone, now there, quiet from, until, end there (None: not quiet). Clocks: New York goes forward on 8 March 2026
# at 2:00 and back on 1 November at 2:00; Berlin forward on 29 March at 2:00, back on 25 October at 3:00.
QUIET: dict[str, tuple[str, str, time, time, str | None]] = {
    "by day": ("UTC", "2026-03-02 12:00", time(21), time(8), None),
    "before midnight": ("UTC", "2026-03-02 22:00", time(21), time(8), "2026-03-03 08:00"),
    "after midnight": ("UTC", "2026-03-02 03:00", time(21), time(8), "2026-03-02 08:00"),
    "at midnight": ("UTC", "2026-03-02 00:00", time(21), time(8), "2026-03-02 08:00"),
    "on the first minute": ("UTC", "2026-03-02 21:00", time(21), time(8), "2026-03-03 08:00"),
    "on the last second": ("UTC", "2026-03-02 07:59:59", time(21), time(8), "2026-03-02 08:00"),
    "on the end": ("UTC", "2026-03-02 08:00", time(21), time(8), None),
    "at the turn of the year": ("UTC", "2026-12-31 23:30", time(21), time(8), "2027-01-01 08:00"),
    "within a day, inside": ("UTC", "2026-03-02 13:00", time(12), time(14), "2026-03-02 14:00"),
    "within a day, outside": ("UTC", "2026-03-02 14:00", time(12), time(14), None),
    "from midnight": ("UTC", "2026-03-02 05:00", time(0), time(8), "2026-03-02 08:00"),
    "until midnight": ("UTC", "2026-03-02 22:00", time(21), time(0), "2026-03-03 00:00"),
    "from and until are equal: never": ("UTC", "2026-03-02 08:00", time(8), time(8), None),
    "midnight to midnight: never": ("UTC", "2026-03-02 00:00", time(0), time(0), None),
    "half an hour off": ("Asia/Kolkata", "2026-03-02 23:00", time(21, 30), time(7, 15), "2026-03-03 07:15"),
    "the night the clocks go forward": (NEW_YORK, "2026-03-07 22:00", time(21), time(8), "2026-03-08 08:00"),
    "the night the clocks go back": (NEW_YORK, "2026-10-31 22:00", time(21), time(8), "2026-11-01 08:00"),
    "in the first of two equal hours": (NEW_YORK, "2026-11-01 01:10", time(21), time(8), "2026-11-01 08:00"),
    "Berlin, the long night": (BERLIN, "2026-10-25 02:30", time(21), time(8), "2026-10-25 08:00"),
}


@pytest.mark.parametrize(("zone", "now", "start", "until", "end"), QUIET.values(), ids=QUIET)
def test_quiet_hours(zone: str, now: str, start: time, until: time, end: str | None) -> None:
    expected = None if end is None else local(zone, end)
    assert end_of_quiet(local(zone, now), start, until, zone) == expected


def test_the_end_in_a_repeated_hour_is_that_of_the_same_pass() -> None:
    """Else a decision at the second 1:10 would be deferred to a time that is past."""
    now = local(NEW_YORK, "2026-11-01 01:10", fold=1)
    assert end_of_quiet(now, time(21), time(1, 30), NEW_YORK) == local(NEW_YORK, "2026-11-01 01:30", fold=1)


def test_an_end_in_a_skipped_hour_comes_all_the_same() -> None:
    now = local(NEW_YORK, "2026-03-08 01:59")
    end = end_of_quiet(now, time(21), time(2, 30), NEW_YORK)
    assert end == local(NEW_YORK, "2026-03-08 03:00")
    assert end_of_quiet(end, time(21), time(2, 30), NEW_YORK) is None


@pytest.mark.parametrize("zone", ["Antarctica/Troll", "Africa/Cairo", "Australia/Lord_Howe", "America/New_York"])
@pytest.mark.parametrize("until", [time(0, 30), time(1, 30), time(2), time(2, 30), time(8)], ids=str)
def test_about_every_change_of_a_clock_the_quiet_ends_when_it_is_quiet_no_longer(zone: str, until: time) -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    offsets = [(day, (noon + timedelta(days=day)).astimezone(ZoneInfo(zone)).utcoffset()) for day in range(360)]
    changes = [day for (day, before), (_, after) in pairwise(offsets) if before != after]
    assert len(changes) == 2
    for day in changes:
        for minutes in range(0, 36 * 60, 13):
            now = noon + timedelta(days=day, minutes=minutes)
            end = end_of_quiet(now, time(22), until, zone)
            if end is not None:
                assert now < end <= now + timedelta(hours=13)
                assert end_of_quiet(end, time(22), until, zone) is None


ZONES = ("UTC", NEW_YORK, BERLIN, "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu", "Africa/Casablanca")


@given(
    now=st.timedeltas(timedelta(0), timedelta(days=7_000)).map(lambda since: datetime(2011, 1, 1, tzinfo=UTC) + since),
    start=st.times(),
    until=st.times(),
    zone=st.sampled_from(ZONES),
)
def test_quiet_hours_always_end(now: datetime, start: time, until: time, zone: str) -> None:
    end = end_of_quiet(now, start, until, zone)
    if end is not None:
        # a clock change may add to a night
        assert timedelta(0) < end - now <= timedelta(hours=49)
        again = end_of_quiet(end, start, until, zone)
        assert again is None or again > end
