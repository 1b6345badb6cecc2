"""What agents read of a case: facts, words as they were written, history, the button."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from bot.conversations.answers import Answer, Chosen, Scored, Worded
from bot.conversations.conversation import Conversation
from bot.followup.alerts import HISTORY_LINES, Note, NoteKind, Said, Subject, alert_outbound, draw_alert, words_of
from bot.followup.cases import Case
from bot.ids import CaseId, ConversationId, CustomerId, WordsId
from bot.languages import locales
from bot.messages import Address, AlertOf, Button, ChannelName, Outbound
from tests.conversations.golden import flow_named

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DESK = Address(channel=ChannelName("slack"), key="#unhappy")
FLOW = flow_named("support")
ID = CaseId("0k3f9x2m7q8d4h1k")

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
    desk=DESK,
    opened_at=AT,
)
SUBJECT = Subject(
    case=CASE,
    flow=FLOW.flow,
    conversation=CONVERSATION,
    customer_name="Lan",
    words=(
        Said(id=WordsId("w2"), text="And nobody called", at=AT + timedelta(minutes=2)),
        Said(id=WordsId("w1"), text="Too slow", at=AT + timedelta(minutes=1)),
    ),
    notes=(Note(what="opened", who=None, detail="", at=AT),),
)


def facts(subject: Subject, locale: str = "en") -> dict[str, str]:
    drawn = draw_alert(subject, locale).facts
    return {fact.label: fact.text for fact in drawn}


def test_what_an_alert_shows() -> None:
    alert = draw_alert(SUBJECT, "en")
    assert alert.case == ID
    assert alert.summary == "Lan gave 😞 1/5 · Support chat"
    assert facts(SUBJECT) == {
        "Customer": "Lan",
        "Score": "😞 1/5",
        "Survey": "Support chat",
        "Channel": "telegram · vi",
        "Status": "Open",
        "Reason": "Slow reply, Not solved",
        "Agent": "Minh",
        "Order": "A7",
        "Delivery partner": "Fast",
    }
    assert [quote.text for quote in alert.quotes] == ["Too slow", "And nobody called"]
    assert alert.history == ("2026-03-02 09:00 UTC · Case opened",)
    assert alert.buttons == (Button(label="Claim", token=f"c1.{ID}.claim"),)
    assert not alert.closed


def test_the_agents_read_their_own_language() -> None:
    assert facts(SUBJECT, "vi")["Lý do"] == "Trả lời chậm, Chưa giải quyết"
    assert draw_alert(SUBJECT, "vi").buttons[0].label == "Nhận xử lý"


def test_without_words_the_alert_says_so() -> None:
    silent = replace(SUBJECT, words=())
    assert facts(silent)["Comment"] == "No comment yet"
    assert draw_alert(silent, "en").quotes == ()


def test_without_a_name() -> None:
    assert draw_alert(replace(SUBJECT, customer_name=None), "en").summary.startswith("A customer gave")
    assert draw_alert(replace(SUBJECT, customer_name=""), "en").summary.startswith("A customer gave")


# label: the case, status, has a button, closed
STATES: dict[str, tuple[Case, str, bool, bool]] = {
    "open": (CASE, "Open", True, False),
    "claimed": (replace(CASE, state="claimed", owner=DESK, owner_name="Mai"), "Claimed by Mai", False, False),
    "withdrawn": (replace(CASE, state="withdrawn", score=5), "Withdrawn", False, True),
}


@pytest.mark.parametrize(("case", "status", "button", "closed"), STATES.values(), ids=STATES)
def test_states(case: Case, status: str, button: bool, closed: bool) -> None:
    subject = replace(SUBJECT, case=case)
    alert = draw_alert(subject, "en")
    assert facts(subject)["Status"] == status
    assert (bool(alert.buttons), alert.closed) == (button, closed)


NOTES: dict[NoteKind, tuple[Note, str]] = {
    "opened": (Note(what="opened", who=None, detail="", at=AT), "Case opened"),
    "corrected": (
        Note(what="corrected", who=None, detail="😞 1/5>😀 5/5", at=AT),
        "The customer changed the score from 😞 1/5 to 😀 5/5",
    ),
    "commented": (Note(what="commented", who=None, detail="", at=AT), "The customer added a comment"),
    "claimed": (Note(what="claimed", who="Mai", detail="", at=AT), "Mai claimed the case"),
    "withdrawn": (
        Note(what="withdrawn", who=None, detail="", at=AT),
        "Case withdrawn: the customer changed the answer",
    ),
    "reopened": (Note(what="reopened", who=None, detail="", at=AT), "Case opened again"),
}


@pytest.mark.parametrize(("note", "line"), NOTES.values(), ids=NOTES)
def test_history(note: Note, line: str) -> None:
    assert draw_alert(replace(SUBJECT, notes=(note,)), "en").history == (f"2026-03-02 09:00 UTC · {line}",)


def test_history_keeps_its_newest_lines() -> None:
    notes = tuple(Note(what="commented", who=None, detail="", at=AT + timedelta(minutes=n)) for n in range(30))
    history = draw_alert(replace(SUBJECT, notes=notes), "en").history
    assert len(history) == HISTORY_LINES
    assert history[-1].startswith("2026-03-02 09:29")


HOSTILE = (
    "<b>&amp;</b> *x* _y_ `z` <!channel> <@U1> [a](b)",
    "\u202egnirts\x00",
    "{agent} {who}",
    "%s %(x)s",
    "x" * 70_000,
)


@pytest.mark.parametrize("text", HOSTILE, ids=("markup", "right to left, NUL", "variables", "percent", "long"))
def test_hostile_text_passes_through_as_it_is(text: str) -> None:
    """Escaping is the channels': each knows its own markup. Nothing here reads the words."""
    conversation = replace(CONVERSATION, attributes={"agent": text})
    words = (Said(id=WordsId("w1"), text=text, at=AT),)
    notes = (Note(what="claimed", who=text, detail="", at=AT),)
    subject = replace(SUBJECT, customer_name=text, conversation=conversation, words=words, notes=notes)
    alert = draw_alert(subject, "en")
    assert alert.summary == f"{text} gave 😞 1/5 · Support chat"
    assert facts(subject)["Customer"] == text
    assert facts(subject)["Agent"] == text
    assert alert.quotes[0].text == text
    assert alert.history[0].endswith(f"{text} claimed the case")


@pytest.mark.parametrize("locale", locales())
@pytest.mark.parametrize("case", [case for case, *_ in STATES.values()], ids=STATES)
def test_every_language_can_say_it(locale: str, case: Case) -> None:
    alert = draw_alert(replace(SUBJECT, case=case, notes=tuple(note for note, _ in NOTES.values())), locale)
    texts = [alert.summary, *alert.history, *(fact.label + fact.text for fact in alert.facts)]
    assert all("{" not in text for text in texts)


def test_an_alert_goes_out_as_the_case_that_it_tells_of() -> None:
    assert alert_outbound(CASE, DESK, "edit") == Outbound(
        kind="edit", to=DESK, lane=f"case:{ID}", slot=f"alert:{ID}", content=AlertOf(case=ID)
    )


def test_words_of_a_conversation() -> None:
    assert words_of(CONVERSATION) == {"w1"}
