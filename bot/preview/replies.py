"""What a customer might answer: one reply of each kind that makes a difference to what comes later. Pure."""

from collections.abc import Iterator, Sequence
from typing import assert_never

import msgspec

from bot.conversations.answers import Chosen, Scored, Skipped, Value, Worded
from bot.conversations.flow import Flow
from bot.conversations.questions import (
    AllOf,
    AnyOf,
    Choice,
    Choices,
    Chose,
    Condition,
    Consent,
    Contact,
    Not,
    OpenText,
    PanelInvitation,
    Question,
    Rating,
    holds,
    questions_named,
    scale_of,
)
from bot.ids import WordsId
from bot.scoring.scales import band

#: under which nobody's words are kept
WORDS = WordsId("preview")
_SENTENCE, _EMAIL, _PHONE = "It took three days.", "anna@example.com", "+39 347 123 4567"


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """The value that is answered; for an open question, in these words."""

    value: Value
    text: str = ""


def replies_to(question: Question, flow: Flow) -> tuple[Reply, ...]:
    """One reply of each kind that a condition, a text by band or the thanks can tell apart, the unhappy ones first.

    ``question`` is the question with the options that are offered.
    """
    about = [part for part in conditions(flow) if getattr(part, "question", None) == question.id]
    questions = {each.id: each for each in flow.questions}
    groups: dict[tuple[object, ...], list[Reply]] = {}
    for reply in _possible(question, about):
        seen = (
            *(holds(part, questions, {question.id: reply.value}, {}) for part in about),
            _band(question, reply.value) if _is_told_by_band(question, flow) else None,
            # who leaves a question out is shown no answer
            isinstance(reply.value, Skipped),
        )
        groups.setdefault(seen, []).append(reply)
    return tuple(_typical(each) for each in groups.values())


def conditions(flow: Flow) -> Iterator[Condition]:
    """All that the flow's conditions look at, each by itself."""
    for question in flow.questions:
        yield from _parts(question.when)
        if isinstance(question, OpenText):
            yield from _parts(question.required_when)
        for option in question.options if isinstance(question, Choice | Choices) else ():
            yield from _parts(option.when)


def _parts(condition: Condition | None) -> Iterator[Condition]:
    match condition:
        case None:
            return
        case AllOf(conditions=parts) | AnyOf(conditions=parts):
            for part in parts:
                yield from _parts(part)
        case Not(condition=part):
            yield from _parts(part)
        case _:
            yield condition


def _is_told_by_band(question: Question, flow: Flow) -> bool:
    rating = flow.score_question()
    if rating is not None and rating.id == question.id:
        return True
    return any(each.by_band is not None and each.by_band.question == question.id for each in flow.questions)


def _band(question: Question, value: Value) -> object:
    if isinstance(question, Rating) and isinstance(value, Scored):
        return band(value.score, scale_of(question))
    return None


def _typical(alike: Sequence[Reply]) -> Reply:
    """Of scores the middle one, of choices the first."""
    return alike[len(alike) // 2] if isinstance(alike[0].value, Scored) else alike[0]


def _possible(question: Question, about: Sequence[Condition]) -> Iterator[Reply]:
    match question:
        case Rating():
            scale = scale_of(question)
            yield from (Reply(value=Scored(score=score)) for score in range(scale.low, scale.high + 1))
        case Choice() | Consent() | PanelInvitation():
            yield from (Reply(value=Chosen(options=(option.id,))) for option in question.options)
        case Choices():
            yield from (Reply(value=Chosen(options=options)) for options in _ticked(question, about))
        case OpenText():
            yield Reply(value=Worded(words=WORDS), text=_SENTENCE)
        case Contact():
            yield Reply(value=Worded(words=WORDS), text=_PHONE if question.wants == "phone" else _EMAIL)
        case _:
            assert_never(question)
    if question.optional and any(question.id in questions_named(part) for part in about):
        yield Reply(value=Skipped())


def _ticked(question: Choices, about: Sequence[Condition]) -> Iterator[tuple[str, ...]]:
    """The first options together, and then each that a condition names with as few others as may be."""
    every = [option.id for option in question.options]
    most = min(len(every), question.at_most or len(every))
    yield tuple(every[: max(question.at_least, min(2, most))])
    for id in dict.fromkeys(id for part in about if isinstance(part, Chose) for id in part.options if id in every):
        chosen = {id, *[each for each in every if each != id][: question.at_least - 1]}
        yield tuple(each for each in every if each in chosen)
    # whoever chose none of those that are named
    named = {id for part in about if isinstance(part, Chose) for id in part.options}
    others = [each for each in every if each not in named]
    if named and len(others) >= question.at_least:
        yield tuple(others[: question.at_least])
