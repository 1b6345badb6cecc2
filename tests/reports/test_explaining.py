"""Each rule is told in words in each language, with the numbers that it looked at."""

from datetime import UTC, datetime
from typing import get_args

import pytest
from msgspec.structs import replace

from bot.conversations.invitations import Rule, TriggerKind, Verdict
from bot.ids import CustomerId, InteractionId
from bot.languages import locales, pack, variables_in
from bot.languages.voice import Voice
from bot.messages import Address, ChannelName
from bot.ports import Decision, DecisionStep
from bot.reports.explaining import explain, explain_all, in_words, rule_key, shown

CLOSED = datetime(2026, 3, 2, 15, 2, tzinfo=UTC)
#: what the rules write down, as they write it
INPUTS = {
    "until": "2026-03-03T01:00:00+00:00",
    "last": "2026-02-27T09:00:00+00:00",
    "closed_at": "2026-02-01T09:00:00+00:00",
    "planned_for": "2026-03-02T15:12:00+00:00",
    "days": "7",
    "hours": "4",
    "messages": "2",
    "at_least": "3",
    "flow": "after_sales",
    "language": "de",
    "tags": "spam, internal",
    "vip": "true",
    "share": "0.3120",
    "sample": "0.25",
    "event": "conversation_resolved",
    "detail": "its status is open",
    "time_zone": "Asia/Ho_Chi_Minh",
}
DECISION = Decision(
    key="i1:1",
    trigger="helpdesk",
    flow="support",
    address=Address(channel=ChannelName("telegram"), key="5512"),
    customer=CustomerId("c1"),
    interaction=InteractionId("i1"),
    source="chatwoot",
    reference="81",
    known_as="K-7",
    verdict="not asked",
    rule="cool-down",
    inputs=INPUTS,
    triggered_at=CLOSED,
    at=datetime(2026, 3, 3, 1, 0, tzinfo=UTC),
)


@pytest.mark.parametrize("locale", locales())
def test_every_rule_trigger_and_verdict_has_its_words(locale: str) -> None:
    wanted = {rule_key(rule) for rule in get_args(Rule)}
    wanted |= {f"trigger.{trigger}" for trigger in get_args(TriggerKind)}
    wanted |= {f"explain.{verdict.replace(' ', '_')}" for verdict in get_args(Verdict)}
    there = {key for key in pack(locale).sentences if key.startswith(("rule.", "trigger."))}
    assert wanted <= pack(locale).sentences.keys()
    # a sentence for a rule that is gone would be one that nobody checks
    assert there <= wanted
    assert len({pack(locale).sentences[rule_key(rule)] for rule in get_args(Rule)}) == len(get_args(Rule))


@pytest.mark.parametrize("locale", locales())
@pytest.mark.parametrize("rule", get_args(Rule))
def test_no_sentence_keeps_a_brace_or_a_number_as_programs_write_it(rule: Rule, locale: str) -> None:
    told = in_words(replace(DECISION, rule=rule), voice=Voice(locale), zone="Europe/Rome")
    bare = in_words(replace(DECISION, rule=rule, inputs={}), voice=Voice(locale))
    assert "{" not in told + bare
    assert "T0" not in told
    assert not (variables_in(pack(locale).sentences[rule_key(rule)]) - {*INPUTS, "channel"})


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (
            "cool-down",
            "The customer was asked on Feb 27, 2026, 4:00 PM (after_sales), and between two surveys there are at",
        ),
        ("closed too long ago", "It ended on Feb 1, 2026, 4:00 PM, and after 7 d nobody is asked about it any more."),
        ("too few messages", "Messages: 2; needed: 3."),
        ("too late", "due on Mar 2, 2026, 10:12 PM, and more than 4 h later"),
        ("not in the sample", "Only 25% of all occasions are asked about, and the lot of this one (31.2%)"),
        ("not with these tags", "not for these tags: spam, internal."),
        ("not for this importance", "the customer is a VIP."),
        ("cannot be reached", "cannot be written to at telegram"),
        ("the event disagrees with itself", "(conversation_resolved) disagrees with itself: its status is open."),
    ],
)
def test_a_sentence_has_the_true_numbers_and_local_times(rule: Rule, words: str) -> None:
    assert words in in_words(replace(DECISION, rule=rule), zone="Asia/Ho_Chi_Minh")


def test_an_event_that_is_no_end_is_told_with_what_was_wrong() -> None:
    beside = replace(DECISION, rule="not the end of a chat", trigger="event")
    assert in_words(replace(beside, inputs={"event": "message", "detail": "a private note"})) == (
        "This event (message) is not the end of a conversation: a private note."
    )
    bare = in_words(replace(beside, inputs={"event": "message"}))
    assert bare == "This event (message) is not the end of a conversation."


@pytest.mark.parametrize("locale", locales())
def test_why_nobody_can_be_reached_is_told(locale: str) -> None:
    def why(inputs: dict[str, str]) -> str:
        return in_words(replace(DECISION, rule="cannot be reached", inputs=inputs), voice=Voice(locale))

    told = [why({}), *(why({"because": because}) for because in ("channel", "stranger", "gone"))]
    assert len(set(told)) == len(told)
    assert all("telegram" in each for each in told)


@pytest.mark.parametrize("locale", locales())
def test_what_an_agent_asks_for_waits_for_no_conversation_to_go_on(locale: str) -> None:
    planned = replace(DECISION, verdict="deferred", rule="delay")
    assert in_words(replace(planned, trigger="agent"), voice=Voice(locale)) != in_words(planned, voice=Voice(locale))


@pytest.mark.parametrize("locale", locales())
def test_no_sentence_ends_twice(locale: str) -> None:
    assert not in_words(DECISION, voice=Voice(locale)).endswith("..")


def test_the_end_of_quiet_hours_is_told_by_the_customers_clock() -> None:
    quiet = replace(DECISION, verdict="deferred", rule="quiet hours")
    assert in_words(quiet, zone="Europe/Rome") == (
        "The question waits until Mar 3, 2026, 8:00 AM, when the quiet hours in Asia/Ho_Chi_Minh end."
    )


def test_a_span_is_told_in_the_unit_that_fits() -> None:
    def days(text: str) -> str:
        return in_words(replace(DECISION, inputs={**INPUTS, "days": text})).rpartition("at least ")[2]

    assert [days("90"), days("1.5"), days("0.00347222")] == ["90 d.", "36 h.", "5 min."]


def test_a_decision_is_told_with_what_came_before() -> None:
    steps = (
        DecisionStep(verdict="deferred", rule="delay", inputs={"until": "2026-03-02T15:12:00+00:00"}, at=CLOSED),
        DecisionStep(
            verdict="deferred",
            rule="quiet hours",
            inputs={"until": "2026-03-03T01:00:00+00:00", "time_zone": "Asia/Ho_Chi_Minh"},
            at=datetime(2026, 3, 2, 15, 12, tzinfo=UTC),
        ),
    )
    told = explain(replace(DECISION, steps=steps, repeats=2), zone="Asia/Ho_Chi_Minh")
    assert told.splitlines() == [
        "Reference: 81 (chatwoot) · Customer: K-7 · Channel: telegram 5512 · Survey: support",
        "Not asked (Mar 3, 2026, 8:00 AM): The customer was asked on Feb 27, 2026, 4:00 PM (after_sales), "
        "and between two surveys there are at least 7 d.",
        "Before that:",
        "  Mar 2, 2026, 10:02 PM  chatwoot told us that 81 had ended.",
        "  Mar 2, 2026, 10:02 PM  Not asked yet: The question waits until Mar 2, 2026, 10:12 PM, "
        "in case the conversation goes on.",
        "  Mar 2, 2026, 10:12 PM  Not asked yet: The question waits until Mar 3, 2026, 8:00 AM, "
        "when the quiet hours in Asia/Ho_Chi_Minh end.",
        "It was told 2 more times.",
        "Times are those of Asia/Ho_Chi_Minh.",
    ]


def test_several_are_told_with_the_zone_once() -> None:
    told = explain_all([DECISION, replace(DECISION, reference="82")], voice=Voice("it"), zone="Europe/Rome")
    assert told.count("Europe/Rome") == 1
    assert told.count("\n\n") == 2
    assert explain_all([]) == ""


def test_names_of_outsiders_are_only_data() -> None:
    nasty = replace(DECISION, reference="81\n{flow}\x1b[2J\u202e", known_as="K\r\n-7", source="<http://x|y>")
    told = explain(nasty)
    assert "\x1b" not in told
    assert "\u202e" not in told
    assert told.splitlines()[0].startswith(r"Reference: 81 {flow}\x1b[2J\u202e (<http://x|y>) · Customer: K -7 · ")
    assert len(shown("x" * 5000)) == 120


def test_a_rule_of_an_earlier_release_is_told_by_its_name() -> None:
    old = replace(DECISION, rule="eligible")
    assert in_words(old) == "eligible"


def test_a_zone_that_is_none_is_utc() -> None:
    assert "Times are those of UTC." in explain(DECISION, zone="Mars/Olympus")
