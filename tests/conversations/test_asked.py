"""A question as one respondent is asked it: options in an order of their own, and what is stored of it."""

from collections import Counter
from datetime import UTC, datetime

from msgspec.structs import replace

from bot.conversations import engine
from bot.conversations.answers import Chosen
from bot.conversations.asked import question_for
from bot.conversations.conversation import Conversation
from bot.conversations.events import Tap, Typed
from bot.conversations.flow import Flow
from bot.conversations.questions import Choice, Choices, Option
from bot.conversations.rules import Rules
from bot.ids import ConversationId, CustomerId, FlowHash, WordsId
from bot.messages import Address, ChannelName

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
OPTIONS = tuple(Option(id=id, text={"en": id.upper()}, last=id == "else") for id in ("a", "b", "else", "c", "d"))


def asked(number: int, question: Choice | Choices) -> tuple[Flow, Conversation]:
    flow = Flow(id="f", title={"en": "F"}, locales=("en",), questions=(question,))
    conversation = Conversation(
        id=ConversationId(f"{number:016d}"),
        flow=FlowHash(""),
        customer=CustomerId("c"),
        address=Address(channel=ChannelName("web"), key="ann"),
        locale="en",
        started_at=NOW,
        touched_at=NOW,
    )
    return flow, engine.start(conversation, flow).conversation


def shown(number: int, question: Choice | Choices) -> tuple[str, ...]:
    found = question_for(question.id, *asked(number, question))
    assert isinstance(found, Choice | Choices)
    return tuple(option.id for option in found.options)


def test_each_respondent_sees_an_order_of_their_own_and_always_the_same() -> None:
    question = Choice(id="q", text={"en": "?"}, options=OPTIONS, shuffle=True)
    orders = [shown(number, question) for number in range(400)]
    assert orders == [shown(number, question) for number in range(400)]
    assert {order[-1] for order in orders} == {"else"}
    first = Counter(order[0] for order in orders)
    assert set(first) == {"a", "b", "c", "d"}
    assert min(first.values()) > 60
    assert len(set(orders)) == 24


def test_two_questions_of_one_conversation_are_shuffled_apart() -> None:
    one, two = (Choice(id=id, text={"en": "?"}, options=OPTIONS, shuffle=True) for id in ("one", "two"))
    assert any(shown(number, one) != shown(number, two) for number in range(10))


def test_nothing_is_shuffled_unless_the_flow_says_so() -> None:
    question = Choice(id="q", text={"en": "?"}, options=OPTIONS)
    assert {shown(number, question) for number in range(20)} == {("a", "b", "else", "c", "d")}


def test_numbers_that_are_typed_follow_the_order_that_is_shown() -> None:
    question = Choice(id="q", text={"en": "?"}, options=OPTIONS, shuffle=True)
    for number in range(20):
        flow, conversation = asked(number, question)
        turn = engine.receive(conversation, flow, Typed(text="2", words=WordsId("w")), at=NOW, rules=Rules())
        assert turn.conversation.answers["q"].value == Chosen(options=(shown(number, question)[1],))


def test_several_options_are_stored_in_the_flow_s_order() -> None:
    question = Choices(id="q", text={"en": "?"}, options=OPTIONS, shuffle=True)
    for number in range(20):
        flow, conversation = asked(number, question)
        for value in ("+else", "+d", "+a", engine.DONE):
            reply = Tap(turn=conversation.prompts["q"], value=value)
            conversation = engine.receive(conversation, flow, reply, at=NOW, rules=Rules()).conversation
        assert conversation.answers["q"].value == Chosen(options=("a", "else", "d"))


def test_no_more_options_are_wanted_than_are_offered() -> None:
    few = tuple(replace(option, when=None) for option in OPTIONS[:1])
    found = question_for("q", *asked(1, Choices(id="q", text={"en": "?"}, options=few, at_least=3)))
    assert isinstance(found, Choices)
    assert found.at_least == 1
