"""What agents read of a case and of an incident: facts, words, clocks, history, and what they may press."""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.conversations.answers import Answer, Chosen, Scored, Worded
from bot.conversations.conversation import Conversation
from bot.followup.alerts import (
    ATTRIBUTES,
    HISTORY_LINES,
    LONGEST_FACT,
    LONGEST_QUOTE,
    Desk,
    FoldedSubject,
    PastRating,
    Subject,
    alert_outbound,
    draw_alert,
    draw_incident,
    incident_outbound,
    incident_remark_outbound,
    remark_outbound,
)
from bot.followup.cases import Case, CaseNote
from bot.followup.clocks import Hours, Team
from bot.followup.incidents import Incident
from bot.followup.templates import Cause
from bot.ids import CaseId, ConversationId, CustomerId, IncidentId, WordsId
from bot.languages import locales
from bot.languages.voice import Voice
from bot.messages import (
    Address,
    Alert,
    AlertItem,
    AlertOf,
    Button,
    ChannelName,
    IncidentOf,
    Link,
    Outbound,
    Quote,
    Remark,
)
from tests.conversations.golden import flow_named

#: a Monday, ten o'clock in Rome
AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ROOM = Address(channel=ChannelName("slack"), key="#unhappy")
MAI = Address(channel=ChannelName("slack"), key="U1")
FLOW = flow_named("support")
ID = CaseId("0k3f9x2m7q8d4h1k")
TEAM = Team(name="support", hours=Hours(time_zone="Europe/Rome", week=(((time(9), time(18)),),) * 5 + ((), ())))
DESK = Desk(voice=Voice("en"), team=TEAM, now=AT, public_url="https://a.example")

CONVERSATION = Conversation(
    id=ConversationId("0k3f9x2m7q8d4h1z"),
    flow=FLOW.hash,
    customer=CustomerId("p"),
    address=Address(channel=ChannelName("telegram"), key="5512"),
    locale="vi",
    answers={
        "score": Answer(value=Scored(score=1), turn=2, at=AT),
        "reasons": Answer(value=Chosen(options=("slow", "unsolved")), turn=3, at=AT),
        "comment": Answer(value=Worded(words=WordsId("w1")), turn=4, at=AT),
    },
    attributes={"agent": "Minh", "order": "A7", "delivery_partner": "Fast", "team": ""},
    started_at=AT,
    touched_at=AT,
)
CASE = Case(
    id=ID,
    conversation=CONVERSATION.id,
    customer=CustomerId("p"),
    address=CONVERSATION.address,
    flow="support",
    question="score",
    score=1,
    desk=ROOM,
    opened_at=AT,
)
CLAIMED = replace(CASE, state="claimed", owner=MAI, owner_name="Mai")
CONTACTED = replace(
    CLAIMED, state="contacted", first_word_at=AT + timedelta(minutes=12), last_word_at=AT + timedelta(minutes=12)
)
RESOLVED = replace(
    CONTACTED,
    state="resolved",
    resolution=1,
    resolved_at=AT + timedelta(hours=2, minutes=5),
    first_resolved_at=AT + timedelta(hours=2, minutes=5),
    cause="billing",
    action="Refunded",
)
REOPENED = replace(RESOLVED, state="reopened", priority="high", reopened_at=AT + timedelta(days=1), resolved_at=None)
SUBJECT = Subject(
    case=CASE,
    flow=FLOW.flow,
    conversation=CONVERSATION,
    customer_name="Lan",
    words=(
        Quote(text="And nobody called", at=AT + timedelta(minutes=2)),
        Quote(text="Too slow", at=AT + timedelta(minutes=1)),
    ),
    notes=(CaseNote(case=ID, what="opened", who=None, at=AT),),
)
INCIDENT = Incident(
    id=IncidentId("i1"),
    dimension="cause",
    value="slow",
    label="Slow reply",
    desk=ROOM,
    cases=7,
    opened_at=AT,
    last_at=AT + timedelta(minutes=40),
)


def facts(alert: Alert) -> dict[str, str]:
    return {fact.label: fact.text for fact in alert.facts}


def drawn(case: Case = CASE, desk: Desk = DESK, **fields: Any) -> Alert:
    return draw_alert(replace(SUBJECT, case=case, **fields), desk)


def pressable(alert: Alert) -> dict[str, str]:
    """What can be pressed or chosen -> its action."""
    options = [*alert.buttons, *(option for menu in alert.menus for option in menu.options)]
    people = {menu.label: menu.token for menu in alert.menus if menu.people}
    return {**{button.label: button.token for button in options}, **people}


def test_what_an_alert_shows() -> None:
    alert = drawn()
    assert alert.case == ID
    assert alert.summary == "Lan gave 😞 1/5 · Support chat"
    assert facts(alert) == {
        "Customer": "Lan",
        "Score": "😞 1/5",
        "Survey": "Support chat",
        "Channel": "telegram · vi",
        "Status": "Open",
        "First word": "by Mar 2, 2026, 2:00 PM CET",
        "Resolution": "by Mar 4, 2026, 10:00 AM CET",
        "Reason": "Slow reply, Not solved",
        "Agent": "Minh",
        "Order": "A7",
        "Delivery partner": "Fast",
    }
    assert [quote.text for quote in alert.quotes] == ["Too slow", "And nobody called"]
    assert alert.history == ("Mar 2, 2026, 10:00 AM CET · Case opened",)
    assert alert.links == (Link(label="Open in dashboard", url=f"https://a.example/cases/{ID}"),)
    assert (alert.items, alert.mentions, alert.closed) == ((), (), False)


def test_what_is_told_only_where_there_is_something_to_tell() -> None:
    case = replace(CASE, priority="urgent", rule="money_back", group="S1")
    scores = [PastRating(scale=scale, score=3, at=AT - timedelta(days=9)) for scale in ("csat5", "nps", "ces7", "nps")]
    alert = drawn(case, scores=scores, incident=INCIDENT)
    told = facts(alert)
    assert told["Priority"] == "Urgent"
    assert told["Rule"] == "money_back"
    assert told["Earlier scores"] == "3/5 (Feb 21, 2026), 3/10 (Feb 21, 2026), 3/7 (Feb 21, 2026)"
    assert told["Incident"] == "Slow reply (7)"
    assert alert.mentions == ("S1",)


def test_the_agents_read_their_own_language() -> None:
    alert = drawn(desk=replace(DESK, voice=Voice("vi")))
    assert facts(alert)["Lý do"] == "Trả lời chậm, Chưa giải quyết"
    assert alert.buttons[0].label == "Nhận xử lý"


def test_without_words_the_alert_says_so() -> None:
    assert facts(drawn(words=()))["Comment"] == "No comment yet"
    assert drawn(words=()).quotes == ()


def test_words_after_an_agents_first_one_are_in_the_thread_or_else_in_the_alert() -> None:
    case = replace(CONTACTED, first_word_at=AT + timedelta(minutes=2))
    assert [quote.text for quote in drawn(case).quotes] == ["Too slow", "And nobody called"]
    threaded = [replace(quote, in_thread=True) for quote in drawn(case).quotes]
    assert [quote.text for quote in drawn(case, words=threaded).quotes] == ["Too slow"]
    assert "Comment" not in facts(drawn(replace(case, first_word_at=AT), words=threaded))


@pytest.mark.parametrize("name", [None, "", " \n"])
def test_without_a_name(name: str | None) -> None:
    assert drawn(customer_name=name).summary.startswith("A customer gave")


# label: the case, its status, what can be pressed, whether it is closed
OPEN_BUTTONS = ["Claim", "Reply", "Resolve"]
OWNED_BUTTONS = ["Release", "Reply", "Resolve"]
STATES: dict[str, tuple[Case, str, list[str], bool]] = {
    "open": (CASE, "Open", OPEN_BUTTONS, False),
    "claimed": (CLAIMED, "Claimed by Mai", OWNED_BUTTONS, False),
    "snoozed": (
        replace(CLAIMED, snoozed_until=AT + timedelta(days=1)),
        "Claimed by Mai · no reminders until Mar 3, 2026, 10:00 AM CET",
        OWNED_BUTTONS,
        False,
    ),
    "a snooze that is over": (replace(CASE, snoozed_until=AT), "Open", OPEN_BUTTONS, False),
    "contacted": (CONTACTED, "In contact · Mai", OWNED_BUTTONS, False),
    "contacted, then released": (
        replace(CONTACTED, owner=None, owner_name=None),
        "In contact · nobody has it",
        OPEN_BUTTONS,
        False,
    ),
    "resolved": (RESOLVED, "Resolved · Mai", ["Reply", "Reopen"], False),
    "reopened": (REOPENED, "Reopened · Mai", OWNED_BUTTONS, False),
    "recovered": (replace(RESOLVED, state="recovered"), "Recovered · Mai", ["Reopen"], True),
    "unconfirmed": (replace(RESOLVED, state="unconfirmed"), "Closed, unconfirmed · Mai", ["Reopen"], True),
    "withdrawn": (replace(CASE, state="withdrawn", score=5), "Withdrawn", ["Reply", "Reopen"], True),
}


@pytest.mark.parametrize(("case", "status", "buttons", "closed"), STATES.values(), ids=STATES)
def test_states(case: Case, status: str, buttons: list[str], closed: bool) -> None:
    alert = drawn(case)
    assert facts(alert)["Status"] == status
    assert [button.label for button in alert.buttons] == buttons
    assert len(alert.menus) == (2 if len(buttons) == 3 else 0)
    assert alert.closed == closed
    assert alert.links


def test_what_can_be_pressed() -> None:
    assert pressable(drawn()) == {
        "Claim": f"c1.{ID}.claim",
        "Reply": f"c1.{ID}.reply",
        "Resolve": f"c1.{ID}.resolve",
        "For an hour": f"c1.{ID}.snooze:1h",
        "Until tomorrow morning": f"c1.{ID}.snooze:morning",
        "Until another time…": f"c1.{ID}.snooze:custom",
        "Assign to…": f"c1.{ID}.assign",
    }
    assert pressable(drawn(CLAIMED))["Release"] == f"c1.{ID}.release"


NOW_LATE = AT + timedelta(days=3)
# label: the case, now, what is told of the first word and of the resolution
CLOCKS: dict[str, tuple[Case, datetime, str | None, str | None]] = {
    "open": (CASE, AT, "by Mar 2, 2026, 2:00 PM CET", "by Mar 4, 2026, 10:00 AM CET"),
    "overdue": (CASE, NOW_LATE, "overdue since Mar 2, 2026, 2:00 PM CET", "overdue since Mar 4, 2026, 10:00 AM CET"),
    "contacted": (CONTACTED, AT, "after 12 min", "by Mar 4, 2026, 10:00 AM CET"),
    "resolved": (RESOLVED, NOW_LATE, "after 12 min", "after 2 h 5 min"),
    "reopened": (REOPENED, AT, "by Mar 3, 2026, 2:00 PM CET", "by Mar 5, 2026, 10:00 AM CET"),
    "resolved without a word": (replace(RESOLVED, first_word_at=None), AT, None, "after 2 h 5 min"),
    "withdrawn": (replace(CASE, state="withdrawn"), AT, None, None),
}


@pytest.mark.parametrize(("case", "now", "first_word", "resolution"), CLOCKS.values(), ids=CLOCKS)
def test_clocks(case: Case, now: datetime, first_word: str | None, resolution: str | None) -> None:
    told = facts(drawn(case, replace(DESK, now=now)))
    assert (told.get("First word"), told.get("Resolution")) == (first_word, resolution)


def test_what_came_of_it() -> None:
    assert facts(drawn(RESOLVED))["What was done"] == "Refunded"
    assert facts(drawn(RESOLVED))["Cause"] == "Billing"
    named = replace(DESK, causes=(Cause(id="billing", title="The bill was wrong"),))
    assert facts(drawn(RESOLVED, named))["Cause"] == "The bill was wrong"
    # a cause that the settings no longer have
    assert facts(drawn(replace(RESOLVED, cause="gone"), named))["Cause"] == "gone"


# label: attributes, the address of the ticket's button, the facts that are shown of them
TICKETS: dict[str, tuple[Mapping[str, str], str | None, dict[str, str]]] = {
    "a link": ({"link": "https://help.example/42"}, "https://help.example/42", {}),
    "an address": ({"url": " http://help.example:8080/42?a=b#c "}, "http://help.example:8080/42?a=b#c", {}),
    "both": ({"url": "https://b.example", "link": "https://a.example"}, "https://a.example", {}),
    "a script": ({"link": "javascript:alert(1)"}, None, {"Link": "javascript:alert(1)"}),
    "no host": ({"link": "https:///42"}, None, {"Link": "https:///42"}),
    "a file": ({"url": "file:///etc/passwd"}, None, {"Url": "file:///etc/passwd"}),
    "a broken host": ({"link": "https://[::1"}, None, {"Link": "https://[::1"}),
    "words": ({"link": "https://a.example see there"}, None, {"Link": "https://a.example see there"}),
    "another attribute": ({"order": "https://a.example"}, None, {"Order": "https://a.example"}),
    "nothing": ({"link": ""}, None, {}),
}


@pytest.mark.parametrize(("attributes", "ticket", "shown"), TICKETS.values(), ids=TICKETS)
def test_tickets(attributes: Mapping[str, str], ticket: str | None, shown: dict[str, str]) -> None:
    alert = drawn(conversation=replace(CONVERSATION, attributes=attributes))
    assert [link.url for link in alert.links if link.label == "Open ticket"] == ([ticket] if ticket else [])
    assert facts(alert).items() >= shown.items()
    assert len(alert.facts) == len(drawn(conversation=replace(CONVERSATION, attributes={})).facts) + len(shown)


def test_without_a_page_there_is_no_link_to_it() -> None:
    assert drawn(desk=replace(DESK, public_url="")).links == ()


def test_history_keeps_its_newest_lines() -> None:
    notes = [CaseNote(case=ID, what="commented", who=None, at=AT + timedelta(minutes=n)) for n in range(30)]
    history = drawn(notes=notes).history
    assert len(history) == HISTORY_LINES
    assert history[-1].startswith("Mar 2, 2026, 10:29 AM")


HOSTILE = {
    "markup": "<b>&amp;</b> *x* _y_ `z` <!channel> <@U1> [a](b)",
    "right to left, NUL": "\u202egnirts\x00",
    "variables": "{agent} {who}",
    "percent": "%s %(x)s",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_passes_through_as_it_is(text: str) -> None:
    """Escaping is the channels': each knows its own markup. Nothing here reads the words."""
    alert = drawn(
        customer_name=text,
        conversation=replace(CONVERSATION, attributes={"agent": text, "x": text}),
        words=(Quote(text=text, at=AT),),
        notes=(CaseNote(case=ID, what="claimed", who=text, at=AT),),
    )
    assert alert.summary == f"{text} gave 😞 1/5 · Support chat"
    assert facts(alert)["Customer"] == text
    assert facts(alert)["Agent"] == text
    assert alert.quotes[0].text == text
    assert alert.history[0].endswith(f"{text} claimed the case")


def test_long_text_is_cut_where_it_says_enough() -> None:
    long = "x" * 70_000
    case = replace(RESOLVED, owner_name=long, action=long, rule=long)
    alert = drawn(
        case,
        customer_name=long,
        conversation=replace(CONVERSATION, attributes={f"{long}{n}": long for n in range(30)}),
        words=(Quote(text=long, at=AT),),
        notes=(CaseNote(case=ID, what="replied", who=long, detail=long, at=AT),),
        incident=replace(INCIDENT, label=long),
    )
    assert len(alert.summary) < 250
    assert max(len(fact.label) + len(fact.text) for fact in alert.facts) <= LONGEST_FACT + 100
    assert sum(fact.text.startswith("xxx") for fact in alert.facts) <= ATTRIBUTES + 4
    assert [len(quote.text) for quote in alert.quotes] == [LONGEST_QUOTE]
    assert max(map(len, alert.history)) < 400


@pytest.mark.parametrize("locale", locales())
@pytest.mark.parametrize("case", [case for case, *_ in STATES.values()], ids=STATES)
def test_every_language_can_say_it(locale: str, case: Case) -> None:
    desk = replace(DESK, voice=Voice(locale))
    alert = drawn(replace(case, priority="high", group="S1", rule="r"), desk, incident=INCIDENT)
    menus = [text for menu in alert.menus for text in (menu.label, *(option.label for option in menu.options))]
    labels = [*(button.label for button in alert.buttons), *menus, *(link.label for link in alert.links)]
    texts = [alert.summary, *alert.history, *labels, *(f"{fact.label}{fact.text}" for fact in alert.facts)]
    assert all("{" not in text for text in texts)
    # Slack refuses longer ones
    assert all(len(label) <= 75 for label in labels)


# ---- incidents ---------------------------------------------------------------------------------------------------


def folded(case: Case, name: str | None, words: str = "") -> FoldedSubject:
    return FoldedSubject(case=case, flow=FLOW.flow, customer_name=name, words=words)


def test_what_an_incident_shows() -> None:
    other = replace(CLAIMED, id=CaseId("2"), group="S2")
    alert = draw_incident(
        INCIDENT, [folded(replace(CASE, group="S1"), None, "It took\ndays"), folded(other, "Lan")], DESK
    )
    assert alert.summary == "Incident: Slow reply (7 cases)"
    assert facts(alert) == {
        "Cause in common": "Slow reply",
        "Cases": "7",
        "Since": "Mar 2, 2026, 10:00 AM CET",
        "Latest case": "Mar 2, 2026, 10:40 AM CET",
    }
    assert alert.items == (
        AlertItem(
            text="😞 1/5 · A customer · “It took days”",
            button=Button(label="Claim", token=f"c1.{ID}.claim"),
        ),
        AlertItem(text="😞 1/5 · Lan · Claimed by Mai"),
    )
    assert alert.links == (Link(label="Open in dashboard", url="https://a.example/cases"),)
    assert (alert.case, alert.mentions, alert.closed) == (None, ("S1", "S2"), False)


@pytest.mark.parametrize("dimension", ["cause", "agent", "product", "channel"])
@pytest.mark.parametrize("locale", locales())
def test_every_language_can_tell_of_an_incident(locale: str, dimension: Any) -> None:
    desk = replace(DESK, voice=Voice(locale))
    alert = draw_incident(replace(INCIDENT, dimension=dimension), [folded(CASE, "x" * 9_000, "y" * 9_000)], desk)
    assert all("{" not in text for text in (alert.summary, *facts(alert), alert.items[0].text))
    assert len(alert.items[0].text) < 300


# ---- on their way ------------------------------------------------------------------------------------------------


def test_an_alert_goes_out_as_the_case_that_it_tells_of() -> None:
    assert alert_outbound(CASE, "edit") == Outbound(
        kind="edit", to=ROOM, lane=f"case:{ID}", slot=f"alert:{ID}", content=AlertOf(case=ID)
    )


def test_an_incident_has_a_lane_and_a_slot_of_its_own() -> None:
    assert incident_outbound(INCIDENT, "post") == Outbound(
        kind="post", to=ROOM, lane="incident:i1", slot="incident:i1", content=IncidentOf(incident=INCIDENT.id)
    )


def test_a_persons_words_are_relayed_and_ours_are_posted() -> None:
    ours, theirs = Remark(text="The snooze is over."), Remark(text="Hello?", author="Lan")
    assert remark_outbound(CASE, "words:1", theirs) == Outbound(
        kind="relay", to=ROOM, lane=f"case:{ID}", slot="words:1", content=theirs, thread=f"alert:{ID}"
    )
    assert remark_outbound(CASE, "woken:1", ours).kind == "post"
    said = incident_remark_outbound(INCIDENT, "late:1", ours)
    assert (said.lane, said.thread) == ("incident:i1", "incident:i1")


@pytest.mark.parametrize(("key", "told"), [("5512", False), ("-100/5512", True)])
def test_who_answers_into_a_group_is_told(key: str, told: bool) -> None:
    case = replace(CASE, address=replace(CASE.address, key=key))
    where = facts(drawn(case))["Channel"]
    assert ("everybody in it reads what you answer" in where) is told


def test_what_no_desk_is_told_of_cannot_be_sent() -> None:
    nowhere = replace(CASE, desk=None)
    with pytest.raises(ValueError, match="no desk"):
        alert_outbound(nowhere, "post")
    with pytest.raises(ValueError, match="no desk"):
        remark_outbound(nowhere, "x", Remark(text="x"))
