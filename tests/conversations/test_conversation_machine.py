"""No sequence of taps, words, duplicates, reorderings and times can spoil a conversation."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bot.conversations import engine
from bot.conversations.answers import Answer, Chosen, Scored, Skipped, Worded
from bot.conversations.asked import as_asked, fits
from bot.conversations.conversation import Conversation
from bot.conversations.engine import CHANGE, DECLINE, DONE, NEVER, SKIP
from bot.conversations.events import (
    Answered,
    Ask,
    AskAgain,
    Asked,
    Bye,
    Close,
    Completed,
    Remind,
    Resumed,
    Retracted,
    Said,
    Show,
    Stopped,
    Tap,
    TappedStale,
    Thank,
    Turn,
    Typed,
    Unthank,
)
from bot.conversations.flow import Flow, flow_hash
from bot.conversations.prompts import Wording, word
from bot.conversations.questions import (
    Choice,
    Choices,
    Consent,
    Contact,
    OpenText,
    PanelInvitation,
    Question,
    Rating,
    scale_of,
)
from bot.conversations.rules import Rules, next_question
from bot.ids import ConversationId, CustomerId, WordsId
from bot.messages import TOKEN_BYTES, Address, Card, ChannelName, Text, Token, parse_token
from tests.conversations.flow_strategies import LONGEST, flows
from tests.conversations.golden import flow_named

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TEXTS = (
    "", " ", "0", "1", "2", "5", "7", "10", "11", "-5", "3.7", "55", "5a", "3,7", "5-10", "1, 2", "1 3", "a",
    "yes", "no", "five", "ten out of ten", "8/10", "⭐⭐⭐", "😞", "👍", "skip", "stop", "2, too slow",
    "1\nlate", "two, three", "option a", "Option xx, option b", "my order 5 is late", "It took too long",
    "<b>&amp;\x00\u202e", "x" * 5_000, "enough", "nothing", "1. late\n2. rude", "5 - minutes of waiting", "cinque",
    "anna@example.com", "06 6982 1234", "I agree", "no thanks",
)  # fmt: skip
VALUES = (
    "0",
    "1",
    "3",
    "5",
    "10",
    "11",
    "-1",
    "99",
    "a",
    "+a",
    "-a",
    "+zz",
    "b",
    "+b",
    "yes",
    "no",
    LONGEST,
    CHANGE,
    SKIP,
    DONE,
    DECLINE,
    NEVER,
    "~",
    "+",
    "٣",
)
WRITTEN = [flow_named(name).flow for name in ("support", "delivery", "thumbs", "stars", "csat", "product")]
FLOWS = st.one_of(flows(), st.sampled_from(WRITTEN))
RULES = Rules()


def belongs(answer: Answer, question: Question, offered: Question) -> bool:
    """Whether a value is one that the question can have, and as it is ``offered`` now."""
    must = not offered.optional
    match answer.value, question:
        case Skipped(), _:
            return question.optional and not must
        case Scored(score=score), Rating():
            return score in scale_of(question)
        case Chosen(options=options), Choice() | Choices() | Consent() | PanelInvitation():
            assert isinstance(offered, Choice | Choices | Consent | PanelInvitation)
            known = [option.id for option in question.options if option.id in options]
            assert set(known) <= {option.id for option in offered.options}
            most = question.at_most or len(known) if isinstance(question, Choices) else 1
            return list(options) == known and 1 <= len(options) <= most
        case Worded(), OpenText() | Contact():
            return True
        case _:
            return False


class ConversationMachine(RuleBasedStateMachine):
    flow: Flow
    conversation: Conversation

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.words = 0
        #: what events say the answers are
        self.answers: dict[str, Answer] = {}
        #: questions with a message that was not withdrawn
        self.posted: set[str] = set()
        self.screen: dict[str, Card | Text] = {}
        self.tokens: list[Token] = []
        self.reasked = 0
        self.thanked = False
        self.last: Tap | Typed | None = None

    @initialize(flow=FLOWS, invited=st.booleans())
    def begin(self, flow: Flow, invited: bool) -> None:
        self.flow = flow
        fresh = Conversation(
            id=ConversationId("0k3f9x2m7q8d4h1z"),
            flow=flow_hash(flow),
            customer=CustomerId("c"),
            address=Address(channel=ChannelName("web"), key="s1"),
            locale="en",
            invited=invited,
            started_at=START,
            touched_at=START,
        )
        self.conversation = fresh
        self.take(engine.start(fresh, flow))

    # ---- what a customer, the network and the clock may do ----------------------------------------------------

    @rule(minutes=st.sampled_from((-180, -1, 0, 1, 5, 14, 16, 31, 90)))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(data=st.data())
    def tap_on_the_screen(self, data: st.DataObject) -> None:
        shown = [token for content in self.screen.values() for token in tokens_of(content)]
        if shown:
            self.receive(tap(data.draw(st.sampled_from(shown))))

    @rule(data=st.data())
    def tap_something_once_shown(self, data: st.DataObject) -> None:
        if self.tokens:
            self.receive(tap(data.draw(st.sampled_from(self.tokens))))

    @rule(behind=st.integers(0, 4), value=st.sampled_from(VALUES))
    def forge(self, behind: int, value: str) -> None:
        self.receive(Tap(turn=max(0, self.conversation.turn - behind), value=value))

    @rule(question=st.integers(0, 4), value=st.sampled_from(VALUES))
    def forge_with_a_good_turn(self, question: int, value: str) -> None:
        turns = list(self.conversation.prompts.values())
        if turns:
            self.receive(Tap(turn=turns[question % len(turns)], value=value))

    @rule(text=st.sampled_from(TEXTS))
    def write(self, text: str) -> None:
        self.words += 1
        self.receive(Typed(text=text, words=WordsId(f"w{self.words}")))

    @precondition(lambda self: self.last is not None)
    @rule()
    def the_same_again(self) -> None:
        assert self.last is not None
        self.receive(self.last)

    @precondition(lambda self: self.conversation.turn > 6)
    @rule(how=st.sampled_from(("stop", "expire")))
    def end(self, how: str) -> None:
        turn = engine.stop(self.conversation, self.now) if how == "stop" else engine.expire(self.conversation, self.now)
        self.take(turn)

    @rule(how=st.sampled_from(("remind", "decline")))
    def somebody_did_not_answer(self, how: str) -> None:
        before = self.conversation
        if how == "remind":
            turn = engine.remind(before, self.now)
            assert turn.conversation is before or (before.invited and not before.answers and not before.reasked)
        else:
            turn = engine.refuse(before, "decline", self.now)
            assert turn.conversation is before or (before.invited and not before.answers)
        self.take(turn)

    def receive(self, reply: Tap | Typed) -> None:
        self.last = reply
        self.take(engine.receive(self.conversation, self.flow, reply, at=self.now, rules=RULES))

    # ---- what a turn may be -----------------------------------------------------------------------------------

    def take(self, turn: Turn) -> None:
        before, self.conversation = self.conversation, turn.conversation
        if turn.conversation is before:
            assert not turn.prompts
            assert all(isinstance(event, Said | TappedStale) for event in turn.events)
        else:
            assert turn.conversation.turn > before.turn
            assert before.status in ("waiting", "completed") or turn.conversation.answers == before.answers
        self.take_events(turn)
        self.take_prompts(turn)

    def take_events(self, turn: Turn) -> None:
        for event in turn.events:
            if isinstance(event, Answered):
                assert self.answers.get(event.question) == event.before
                assert event.before is None or event.before.value != event.answer.value
                assert event.before is None or self.now - event.before.at <= 2 * RULES.correction
                self.answers[event.question] = event.answer
                self.reasked = 0
            if isinstance(event, Retracted):
                assert self.answers.pop(event.question) == event.before
            if isinstance(event, Asked):
                self.reasked = 0
        if turn.notice in ("taken", "changing"):
            self.reasked = 0
        if turn.notice == "declined":
            assert turn.events == (Stopped(),)
            assert not self.conversation.answers
        if turn.notice == "opted_out":
            assert turn.events in ((Stopped(),), ())
            assert self.conversation.status != "waiting"
        asked = {event.question for event in turn.events if isinstance(event, Asked)}
        assert asked == {prompt.question for prompt in turn.prompts if isinstance(prompt, Ask)}

    def take_prompts(self, turn: Turn) -> None:
        for prompt in turn.prompts:
            match prompt:
                case Ask(question=id):
                    assert id not in self.posted, "asked twice without having been withdrawn"
                    self.posted.add(id)
                case Show(question=id):
                    assert id in self.posted
                case Close(question=id, withdrawn=withdrawn):
                    assert id in self.posted
                    if withdrawn:
                        self.posted.remove(id)
                case Remind(question=id):
                    assert id in self.posted
                    assert id == self.conversation.asked
                case Bye():
                    assert self.conversation.status == "stopped"
                case AskAgain(question=id):
                    assert id in (self.conversation.asked, self.conversation.reopened)
                    self.reasked += 1
                    assert self.reasked == 1, "asked again twice"
                case Thank(again=again):
                    assert again is not any(isinstance(event, Completed) for event in turn.events)
                    assert self.thanked or not again
                    self.thanked = True
                case Unthank():
                    assert self.thanked
                    assert any(isinstance(event, Resumed) for event in turn.events)
            message = word(prompt, self.conversation, self.flow, Wording(company="Lotus"))
            assert isinstance(message.content, Card | Text)
            assert message.kind == "post" or message.slot in self.screen
            self.screen[message.slot] = message.content
            self.tokens += tokens_of(message.content)
        assert not any(isinstance(event, Resumed) for event in turn.events) or self.conversation.status == "waiting"

    # ---- what always holds ------------------------------------------------------------------------------------

    @invariant()
    def answers_are_what_the_events_said(self) -> None:
        assert dict(self.conversation.answers) == self.answers

    @invariant()
    def answers_belong_to_their_questions(self) -> None:
        for id, answer in self.conversation.answers.items():
            question = self.flow.question(id)
            assert question is not None
            offered = as_asked(question, self.flow, self.conversation.answers, self.conversation)
            assert belongs(answer, question, offered)
            assert fits(question, self.flow, self.conversation.answers, self.conversation)

    @invariant()
    def a_survey_waits_for_something_or_is_over(self) -> None:
        conversation = self.conversation
        assert (conversation.status == "waiting") == (conversation.asked is not None)
        assert conversation.asked not in conversation.answers
        if conversation.status == "completed":
            assert next_question(self.flow, conversation) is None
        if conversation.reopened is not None:
            assert conversation.reopened in conversation.answers
            assert conversation.status in ("waiting", "completed")
        assert set(conversation.drafts) <= {conversation.asked, conversation.reopened}

    @invariant()
    def each_turn_made_the_buttons_of_one_question(self) -> None:
        made = list(self.conversation.prompts.values())
        assert len(made) == len(set(made))
        assert set(self.conversation.prompts) == self.posted

    @invariant()
    def the_screen_offers_only_what_is_good(self) -> None:
        conversation = self.conversation
        for id in self.posted:
            card = self.screen[f"q:{conversation.id}:{id}"]
            offered = tokens_of(card)
            assert all(token.turn == conversation.prompts[id] for token in offered)
            is_open = id in (conversation.asked, conversation.reopened)
            assert isinstance(card, Card)
            assert card.typing or not is_open
            assert is_open or not card.typing or not offered, "only a message without buttons may stay as it was"
            assert is_open or {token.value for token in offered} <= {CHANGE}
            refused = {token.value for token in offered} & {DECLINE, NEVER}
            first = conversation.invited and id == conversation.asked and not conversation.answers
            assert refused == ({DECLINE, NEVER} if first else set())


def tokens_of(content: Card | Text) -> list[Token]:
    return list(_tokens(content))


def _tokens(content: Card | Text) -> Iterator[Token]:
    for row in (*content.buttons, content.decline) if isinstance(content, Card) else ():
        for button in row:
            assert len(button.token.encode()) <= TOKEN_BYTES
            token = parse_token(button.token)
            assert isinstance(token, Token)
            yield token


def tap(token: Token) -> Tap:
    return Tap(turn=token.turn, value=token.value)


def test_nothing_spoils_a_conversation() -> None:
    run_state_machine_as_test(
        ConversationMachine,
        settings=settings(max_examples=80, stateful_step_count=30, deadline=None, derandomize=True, database=None),
    )


@pytest.mark.slow
def test_nothing_spoils_a_conversation_in_a_long_search() -> None:
    run_state_machine_as_test(
        ConversationMachine,
        settings=settings(
            max_examples=500, stateful_step_count=60, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
