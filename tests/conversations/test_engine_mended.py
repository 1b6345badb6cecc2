"""One test for each mistake of the engine that no conversation in tests/flows shows by itself."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from bot.conversations import engine
from bot.conversations.answers import Scored, Skipped, Worded
from bot.conversations.conversation import Conversation
from bot.conversations.events import Ask, AskAgain, Close, Said, Show, Tap, Turn, Typed, Unthank
from bot.conversations.rules import Rules
from bot.ids import ConversationId, CustomerId, WordsId
from bot.messages import Address, ChannelName
from tests.conversations.golden import flow_named

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def talk(*replies: str, locale: str = "en", flow: str = "support") -> Conversation:
    """The conversation after taps ("score=1": the value, on the newest buttons of that question) and words."""
    conversation = Conversation(
        id=ConversationId("c"),
        flow=flow_named(flow).hash,
        customer=CustomerId("k"),
        address=Address(channel=ChannelName("web"), key="s1"),
        locale=locale,
        started_at=AT,
        touched_at=AT,
    )
    conversation = engine.start(conversation, flow_named(flow).flow).conversation
    for reply in replies:
        conversation = answer(conversation, reply, flow=flow).conversation
    return conversation


def answer(conversation: Conversation, reply: str, *, minutes: float = 0, flow: str = "support") -> Turn:
    question, is_tap, value = reply.partition("=")
    made = Tap(turn=conversation.prompts[question], value=value) if is_tap else Typed(text=reply, words=WordsId("w"))
    at = AT + timedelta(minutes=minutes)
    return engine.receive(conversation, flow_named(flow).flow, made, at=at, rules=Rules())


def test_words_that_end_a_correction_drop_its_ticks() -> None:
    before = talk("score=1", "reasons=+slow", "reasons=~done", "reasons=~change", "reasons=+rude")
    assert before.drafts == {"reasons": ("slow", "rude")}
    asked_again = answer(before, "It took an hour").conversation
    assert asked_again.drafts == before.drafts
    after = answer(asked_again, "A whole hour").conversation
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


NOTHING_TO_ADD = {
    # label: language, words at the optional "What could we do better?"
    "no": ("en", "No"),
    "no thanks": ("en", "no thanks!"),
    "nothing": ("en", "Nothing."),
    "enough": ("en", "enough"),
    "skip in English": ("vi", "skip"),
    "no in Vietnamese": ("vi", "Không"),
    "no, politely, in Vietnamese": ("vi", "không ạ"),
    "no in Italian": ("it", "No, grazie"),
    "that is all in Italian": ("it", "Basta."),
    "the end in Italian": ("it", "Fine"),
    "no in Polish": ("pl", "nie"),
    "the end in Polish": ("pl", "koniec"),
}


@pytest.mark.parametrize(("locale", "words"), NOTHING_TO_ADD.values(), ids=NOTHING_TO_ADD)
def test_a_plain_no_is_no_comment(locale: str, words: str) -> None:
    turn = answer(talk("score=3", locale=locale), words)
    assert turn.conversation.answers["comment"].value == Skipped()
    assert not any(isinstance(event, Said) for event in turn.events)


def test_a_plain_no_is_an_answer_where_words_are_required() -> None:
    turn = answer(talk("solved=0", flow="thumbs"), "no", minutes=1, flow="thumbs")
    assert turn.conversation.answers["missing"].value == Worded(words=WordsId("w"))


REPEATED = {
    # label: the replies before, what is typed, minutes after them, whether it counts for nothing
    "typed twice": (("2",), "2", 0.1, True),
    "tapped, then typed": (("score=2",), "2", 0.1, True),
    "in another form": (("2",), "two!", 0.4, True),
    "later": (("2",), "2", 0.6, False),
    "another number is an option": (("2",), "1", 0.1, False),
    "several options": (("2",), "1, 2", 0.1, False),
    "with words": (("score=3",), "3, could be faster", 0.1, False),
    "before words": (("score=3",), "3", 0.1, True),
    "of a score that came with words": (("2, too slow",), "2", 0.1, True),
    "after another answer": (("2", "1"), "2", 0.1, False),
    "while correcting": (("score=3", "score=~change"), "3", 0.1, False),
    "before any answer": ((), "3", 0.1, False),
}


@pytest.mark.parametrize(("before", "typed", "minutes", "nothing"), REPEATED.values(), ids=REPEATED)
def test_the_same_score_twice_is_no_answer_to_the_next_question(
    before: tuple[str, ...], typed: str, minutes: float, nothing: bool
) -> None:
    conversation = talk(*before)
    turn = answer(conversation, typed, minutes=minutes)
    assert (turn == Turn(conversation=conversation)) is nothing


def test_words_after_change_are_not_taken_by_the_open_question() -> None:
    turn = answer(talk("score=3", "score=~change"), "sorry I meant bad")
    assert turn.prompts == (AskAgain(question="score"),)
    assert (turn.conversation.reopened, turn.conversation.asked) == ("score", "comment")
    assert [event for event in turn.events if isinstance(event, Said)] == [
        Said(question=None, text="sorry I meant bad", words=WordsId("w"))
    ]
    assert answer(turn.conversation, "1").conversation.answers["score"].value == Scored(score=1)


def test_each_change_is_explained_once_even_after_handing_back() -> None:
    handed_back = talk("score=1", "What now?", "Hello?")
    assert handed_back.handed_back
    assert answer(talk("score=1", "What now?", "Hello?", "score=~change"), "rubbish!").prompts == (
        AskAgain(question="score"),
    )


def test_a_score_read_out_of_a_sentence_stays_changeable() -> None:
    turn = answer(talk(), "2, not too bad")
    assert Show(question="score") in turn.prompts
    assert answer(turn.conversation, "score=~change", minutes=14).notice == "changing"


@pytest.mark.parametrize("end", [engine.stop, engine.expire])
def test_an_ended_survey_offers_no_change(end: Callable[[Conversation, datetime], Turn]) -> None:
    assert end(talk("score=3"), AT).prompts == (Close(question="comment"), Show(question="score", changeable=False))
    # the one being corrected is closed once
    assert end(talk("score=3", "score=~change"), AT).prompts == (
        Close(question="comment"),
        Show(question="score", changeable=False),
    )


def test_thanks_for_a_corrected_score_do_not_stay_standing() -> None:
    turn = answer(talk("score=5", "score=~change"), "score=1")
    assert turn.prompts == (Show(question="score"), Unthank(), Ask(question="reasons"))
