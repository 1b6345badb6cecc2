"""One test for each mistake of the engine that no conversation in tests/flows shows by itself."""

from datetime import UTC, datetime, timedelta

from bot.conversations import engine
from bot.conversations.conversation import Conversation
from bot.conversations.events import Tap, Turn, Typed
from bot.conversations.rules import Rules
from bot.ids import ConversationId, CustomerId, WordsId
from bot.messages import Address, ChannelName
from tests.conversations.golden import flow_named

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SUPPORT = flow_named("support")


def talk(*replies: str) -> Conversation:
    """The conversation after taps ("score=1": the value, on the newest buttons of that question) and words."""
    conversation = Conversation(
        id=ConversationId("c"),
        flow=SUPPORT.hash,
        customer=CustomerId("k"),
        address=Address(channel=ChannelName("web"), key="s1"),
        locale="en",
        started_at=AT,
        touched_at=AT,
    )
    conversation = engine.start(conversation, SUPPORT.flow).conversation
    for reply in replies:
        conversation = answer(conversation, reply).conversation
    return conversation


def answer(conversation: Conversation, reply: str, *, minutes: float = 0) -> Turn:
    question, is_tap, value = reply.partition("=")
    made = Tap(turn=conversation.prompts[question], value=value) if is_tap else Typed(text=reply, words=WordsId("w"))
    at = AT + timedelta(minutes=minutes)
    return engine.receive(conversation, SUPPORT.flow, made, at=at, rules=Rules())


def test_words_that_end_a_correction_drop_its_ticks() -> None:
    before = talk("score=1", "reasons=+slow", "reasons=~done", "reasons=~change", "reasons=+rude")
    assert before.drafts == {"reasons": ("slow", "rude")}
    after = answer(before, "It took an hour").conversation
    assert (after.drafts, after.reopened) == ({}, None)


def test_a_correction_that_came_too_late_drops_its_ticks() -> None:
    before = talk("score=1", "reasons=+slow", "reasons=~done", "reasons=~change", "reasons=+rude")
    after = answer(before, "reasons=~done", minutes=31).conversation
    assert (after.drafts, after.reopened) == ({}, None)


def test_words_after_handing_back_leave_the_conversation_as_it_is() -> None:
    handed_back = talk("Where is my parcel?", "Hello?")
    assert answer(handed_back, "Is anybody there?").conversation is handed_back


def test_a_button_left_by_a_survey_that_ended_unanswered_does_not_claim_an_answer() -> None:
    asked = talk()
    expired = engine.expire(asked, AT + timedelta(days=7)).conversation
    assert answer(expired, "score=5").notice == "closed"
