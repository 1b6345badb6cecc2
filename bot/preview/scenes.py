"""A flow played with the real engine: every message that a customer can be shown, in one language. Pure."""

from collections import deque
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Literal

import msgspec
from msgspec.structs import replace

from bot.conversations import engine
from bot.conversations.accepting import accept
from bot.conversations.answers import Chosen, Scored, Skipped, Value, Worded
from bot.conversations.asked import question_for
from bot.conversations.conversation import Conversation
from bot.conversations.events import Ask, AskAgain, Bye, Close, Prompt, Remind, Show, Tap, Thank, Turn, Typed
from bot.conversations.flow import Flow
from bot.conversations.prompts import Wording, answer_label, word
from bot.conversations.questions import AttributeIs, Choice, Choices, Consent, OpenText, PanelInvitation, Question
from bot.conversations.rules import Rules
from bot.ids import ConversationId, CustomerId, FlowHash
from bot.languages import pack
from bot.messages import Address, Card, ChannelName, Text
from bot.preview.replies import WORDS, Reply, conditions, replies_to

#: What a message is: a question *asked* first, with options *ticked*, *answered*, *reopened* by its Change, asked
#: *again* after words that are no answer, *unreached* by any answers; *thanks*; and what whoever does not answer is
#: shown: the question *reminded* of or *refused*, and *goodbye*.
Kind = Literal[
    "asked", "ticked", "answered", "reopened", "again", "unreached", "thanks", "reminded", "refused", "never", "goodbye"
]
#: what variables stand for in the preview
EXAMPLES: Mapping[str, str] = {
    "agent": "Minh",
    "order": "T-81",
    "product": "Lotus lamp",
    "reference": "T-81",
    "tag": "support",
    "team": "Support",
}
#: more ways than this are not played: what is met only on the others is shown as unreached
MOST = 2_000
_AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_RULES = Rules()
_ORDER: tuple[Kind, ...] = ("asked", "unreached", "ticked", "answered", "reopened", "again")
_LAST: tuple[Kind, ...] = ("thanks", "reminded", "refused", "never", "goodbye")


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """An answer on the way to a message, as the customer reads it: ``Step(question="score", answer="😕 2/5")``."""

    question: str
    answer: str


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """One message that a customer can be shown; ``key`` names it in all languages alike."""

    kind: Kind
    key: str
    #: the question that it belongs to; empty for thanks and goodbye
    question: str
    content: Card | Text
    #: the answers before it
    way: tuple[Step, ...] = ()
    #: attributes of the interaction, the channel or the language without which it is not shown
    where: Mapping[str, str] = {}
    slot: str = ""


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """For whom a flow is played; without ``filled``, nothing is known that variables could stand for."""

    locale: str
    wording: Wording = Wording()
    channel: ChannelName = ChannelName("preview")
    filled: bool = True


def scenes(flow: Flow, setting: Setting) -> tuple[Scene, ...]:
    """Every message of a flow, in the order of its questions, then the thanks, then what who says no is shown."""
    play = _Play(flow, setting)
    for where in _beginnings(flow):
        play.run(where)
    for question in flow.questions:
        if question.id not in play.asked:
            play.show_unreached(question)
    places = {question.id: place for place, question in enumerate(flow.questions)}

    def order(scene: Scene) -> tuple[int, int]:
        if scene.kind in _LAST:
            return len(places), _LAST.index(scene.kind)
        return places[scene.question], _ORDER.index(scene.kind)

    return tuple(sorted(play.found.values(), key=order))


def _beginnings(flow: Flow) -> Iterator[Mapping[str, str]]:
    """As customers usually come, and then with each attribute that a condition looks at."""
    yield {}
    named = ((part.name, value) for part in conditions(flow) if isinstance(part, AttributeIs) for value in part.values)
    for name, value in dict.fromkeys(named):
        if name != "language":
            yield {name: value}


class _Play:
    """All ways through a flow for one customer."""

    def __init__(self, flow: Flow, setting: Setting) -> None:
        self._flow = flow
        self._setting = setting
        self._where: Mapping[str, str] = {}
        self.found: dict[str, Scene] = {}
        self.asked: set[str] = set()

    def run(self, where: Mapping[str, str]) -> None:
        """Play from one beginning, and keep what was not seen before."""
        self._where = where
        begun = engine.start(self._beginning(where), self._flow)
        self._note(begun, ())
        self._not_answered(begun.conversation)
        waiting: deque[tuple[Conversation, tuple[Step, ...]]] = deque([(begun.conversation, ())])
        met: set[object] = set()
        while waiting and len(met) < MOST:
            conversation, way = waiting.popleft()
            for turn, taken in self._answers(conversation, way):
                state = (turn.conversation.asked, _given(turn.conversation))
                if state not in met:
                    met.add(state)
                    waiting.append((turn.conversation, taken))

    def show_unreached(self, question: Question) -> None:
        """A question that no answers lead to, as if they did."""
        begun = replace(self._beginning({}), asked=question.id, prompts={question.id: 1}, turn=1, invited=False)
        self._add("unreached", Ask(question=question.id), begun, ())

    def _beginning(self, where: Mapping[str, str]) -> Conversation:
        attributes = {**(EXAMPLES if self._setting.filled else {}), **where}
        channel = attributes.pop("channel", self._setting.channel)
        return Conversation(
            id=ConversationId("0" * 16),
            flow=FlowHash(self._flow.id),
            customer=CustomerId("0" * 16),
            address=Address(channel=ChannelName(channel), key="preview"),
            locale=self._setting.locale,
            invited=True,
            attributes=attributes,
            started_at=_AT,
            touched_at=_AT,
        )

    # ---- what the customer does ------------------------------------------------------------------------------

    def _answers(self, conversation: Conversation, way: tuple[Step, ...]) -> Iterator[tuple[Turn, tuple[Step, ...]]]:
        question = question_for(conversation.asked, self._flow, conversation) if conversation.asked else None
        if question is None:
            return
        if f"{question.id}/again" not in self.found:
            self._not_understood(conversation, question, way)
        for reply in replies_to(question, self._flow):
            ticked = self._tick(conversation, question, reply.value, way)
            turn = self._answer(ticked, question, reply)
            self._note(turn, way)
            if not isinstance(reply.value, Worded | Skipped) and f"{question.id}/reopened" not in self.found:
                self._reopen(turn, question, way)
            yield turn, self._steps(turn.conversation)

    def _tick(
        self, conversation: Conversation, question: Question, value: Value, way: tuple[Step, ...]
    ) -> Conversation:
        if not isinstance(question, Choices) or not isinstance(value, Chosen):
            return conversation
        for id in value.options:
            tap = Tap(turn=conversation.prompts[question.id], value=engine.TICK + id)
            conversation = self._receive(conversation, tap).conversation
        self._add("ticked", Show(question=question.id), conversation, way)
        return conversation

    def _answer(self, conversation: Conversation, question: Question, reply: Reply) -> Turn:
        match reply.value:
            case Scored(score=score):
                value = str(score)
            case Chosen(options=options):
                value = engine.DONE if isinstance(question, Choices) else options[0]
            case Skipped():
                value = engine.SKIP
            case Worded():
                turn = self._receive(conversation, Typed(text=reply.text, words=WORDS))
                if question.id in turn.conversation.answers:
                    return turn
                # words that this question takes for something else still count as an answer here
                return accept(conversation, self._flow, question, reply.value, _AT)
        return self._receive(conversation, Tap(turn=conversation.prompts[question.id], value=value))

    def _receive(self, conversation: Conversation, reply: Tap | Typed) -> Turn:
        return engine.receive(conversation, self._flow, reply, at=_AT, rules=_RULES)

    def _reopen(self, answered: Turn, question: Question, way: tuple[Step, ...]) -> None:
        """Press *Change*; shown only where the question then looks other than it did."""
        conversation = answered.conversation
        tap = Tap(turn=conversation.prompts[question.id], value=engine.CHANGE)
        turn = self._receive(conversation, tap)
        if turn.conversation.reopened != question.id:
            return
        asked = next(each for each in self.found.values() if each.kind == "asked" and each.question == question.id)
        content = self._content(Show(question=question.id), turn.conversation)
        if _read(content) != _read(asked.content):
            self._add("reopened", Show(question=question.id), turn.conversation, way)

    def _not_understood(self, conversation: Conversation, question: Question, way: tuple[Step, ...]) -> None:
        said = pack(self._setting.locale).commands["skip"][0] if isinstance(question, OpenText) else "?"
        turn = self._receive(conversation, Typed(text=said, words=WORDS))
        for prompt in turn.prompts:
            if isinstance(prompt, AskAgain):
                self._add("again", prompt, turn.conversation, way)

    def _not_answered(self, conversation: Conversation) -> None:
        """Nobody answers the first question, or says no to all of it."""
        reminded = engine.remind(conversation, _AT)
        for prompt in reminded.prompts:
            if isinstance(prompt, Remind):
                self._add("reminded", prompt, reminded.conversation, ())
        for refusal in ("decline", "never") if self._setting.wording.decline else ():
            turn = engine.refuse(conversation, "decline" if refusal == "decline" else "never", _AT)
            for prompt in turn.prompts:
                if isinstance(prompt, Close):
                    self._add("refused" if refusal == "decline" else "never", prompt, turn.conversation, ())
                elif isinstance(prompt, Bye):
                    self._add("goodbye", prompt, turn.conversation, ())

    # ---- what is said ----------------------------------------------------------------------------------------

    def _note(self, turn: Turn, way: tuple[Step, ...]) -> None:
        """What a turn says."""
        for prompt in turn.prompts:
            match prompt:
                case Show(question=id):
                    if not isinstance(turn.conversation.answers[id].value, Worded | Skipped):
                        self._add("answered", prompt, turn.conversation, way)
                case Ask(question=id):
                    self.asked.add(id)
                    self._add("asked", prompt, turn.conversation, self._steps(turn.conversation))
                case Thank():
                    self._add("thanks", prompt, turn.conversation, self._steps(turn.conversation))
                case _:
                    continue

    def _steps(self, conversation: Conversation) -> tuple[Step, ...]:
        """The answers so far."""
        given = ((each, conversation.answers.get(each.id)) for each in self._flow.questions)
        return tuple(
            Step(question=question.id, answer=answer_label(question, answer, self._flow, self._setting.locale) or "…")
            for question, answer in given
            if answer is not None
        )

    def _add(self, kind: Kind, prompt: Prompt, conversation: Conversation, way: tuple[Step, ...]) -> None:
        question = getattr(prompt, "question", "")
        key = self._key(kind, question, conversation)
        if key in self.found:
            return
        outbound = word(prompt, conversation, self._flow, self._setting.wording)
        if isinstance(outbound.content, Card | Text):
            self.found[key] = Scene(
                kind=kind,
                key=key,
                question=question,
                content=outbound.content,
                way=way,
                where=self._where,
                slot=outbound.slot,
            )

    def _content(self, prompt: Prompt, conversation: Conversation) -> object:
        return word(prompt, conversation, self._flow, self._setting.wording).content

    def _key(self, kind: Kind, question: str, conversation: Conversation) -> str:
        """The same for messages that no reader could tell apart, whatever the language."""
        if kind == "thanks":
            spoken = replace(conversation, locale=self._flow.locale)
            said = self._content(Thank(), spoken)
            return f"thanks/{said.text}/{said.links}" if isinstance(said, Text) else "thanks"
        asked = question_for(question, self._flow, conversation) if kind == "asked" else None
        if asked is None:
            return f"{question}/{kind}"
        options = asked.options if isinstance(asked, Choice | Choices | Consent | PanelInvitation) else ()
        return f"{question}/asked/{sorted(asked.text.items())}/{[each.id for each in options]}/{asked.optional}"


def _given(conversation: Conversation) -> frozenset[tuple[str, Value]]:
    return frozenset((id, answer.value) for id, answer in conversation.answers.items())


def _read(content: object) -> object:
    """What a reader sees of a card: its buttons carry other turns each time."""
    if not isinstance(content, Card):
        return content
    rows = (*content.buttons, content.decline)
    return content.text, [[(button.label, button.selected) for button in row] for row in rows if row]
