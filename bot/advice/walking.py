"""All ways through a flow, walked with the rules that conversations follow: what nobody is ever asked or shown."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain, combinations, product
from math import prod
from typing import assert_never

import msgspec

from bot.config import Settings
from bot.config.considered import Considered
from bot.conversations.answers import Answer, Chosen, Scored, Skipped, Value, Worded
from bot.conversations.asked import as_asked, fits
from bot.conversations.conversation import Conversation
from bot.conversations.flow import Flow
from bot.conversations.questions import (
    AllOf,
    AnyOf,
    AttributeIs,
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
    scale_of,
)
from bot.ids import ConversationId, CustomerId, FlowHash, WordsId
from bot.messages import Address, ChannelName
from bot.scoring.scales import Band, band
from bot.toml_tables import Path

#: Flows with more ways than this are not walked: nothing is said of what might be unreachable in them.
MOST_WAYS = 20_000
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_THANKS = {
    Band.PROMOTER: "good",
    Band.SATISFIED: "good",
    Band.PASSIVE: "middling",
    Band.NEUTRAL: "middling",
    Band.DETRACTOR: "poor",
    Band.DISSATISFIED: "poor",
}

#: The answers given on a way that a later condition can look at.
_Way = tuple[tuple[str, Value], ...]


class Walked(msgspec.Struct, kw_only=True):
    """What was met on all ways: questions asked, options offered, and the fewest options of a question at once."""

    asked: set[str] = msgspec.field(default_factory=set)
    offered: set[tuple[str, str]] = msgspec.field(default_factory=set)
    fewest: dict[str, int] = msgspec.field(default_factory=dict)
    begun: bool = False


def consider_ways(flow: Flow, settings: Settings) -> Iterator[Considered]:
    """Questions that nobody is asked, options that nobody is offered, and thanks that nobody reads."""
    here: Path = ("flow", flow.id)
    walked = walk(flow, settings)
    if walked is not None:
        yield from _unreached(flow, here, walked)
    yield from _unsaid(flow, here)


def _unreached(flow: Flow, here: Path, walked: Walked) -> Iterator[Considered]:
    if not walked.begun:
        wrong = "has no question that could be asked: no channel and language that it is for meets their conditions"
        yield Considered(path=here, wrong=wrong, right="Change the conditions, or the channels and languages.")
        return
    for question in flow.questions:
        place = (*here, "question", question.id)
        if question.id not in walked.asked:
            wrong = f"'{question.id}' is never asked, wherever it may be and whatever is answered before it"
            right = "Change its condition, or that of the questions that it looks at."
            yield Considered(path=(*place, "when"), wrong=wrong, right=right)
        elif isinstance(question, Choice | Choices):
            yield from _unoffered(question, place, walked)


def _unoffered(question: Choice | Choices, place: Path, walked: Walked) -> Iterator[Considered]:
    for option in question.options:
        if (question.id, option.id) not in walked.offered:
            wrong = f"option '{option.id}' is never offered where this question is asked"
            right = "Change the option's bands or condition, or when the question is asked."
            yield Considered(path=(*place, "options", option.id), wrong=wrong, right=right, own=True)
    fewest = walked.fewest[question.id]
    if fewest == 1:
        wrong = f"'{question.id}' offers a single option after some answers, which is no choice"
        yield Considered(path=place, wrong=wrong, right="Give those answers another option, or ask it only of others.")
    elif isinstance(question, Choices) and fewest < question.at_least:
        wrong = f"asks for {question.at_least}, but after some answers '{question.id}' offers only {fewest}"
        yield Considered(path=(*place, "at_least"), wrong=wrong, right=f"Write at_least = {fewest} or less.")


def _unsaid(flow: Flow, here: Path) -> Iterator[Considered]:
    """Texts for bands that the scale does not have."""
    rating = flow.score_question()
    scale = None if rating is None else scale_of(rating)
    scores = () if scale is None else range(scale.low, scale.high + 1)
    said = {_THANKS[band(score, scale)] for score in scores if scale is not None}
    for key in ("good", "middling", "poor"):
        if key not in said and getattr(flow.thanks, key):
            why = "has no rating" if rating is None else f"has no score in between ({rating.scale})"
            path = (*here, "thanks", key)
            yield Considered(path=path, wrong=f"is never said: the flow {why}", right="Leave it out.", own=True)


# ---- walking ----------------------------------------------------------------------------------------------


def walk(flow: Flow, settings: Settings) -> Walked | None:
    """All ways through a flow; None where there are too many to walk."""
    conditions = [*_conditions(flow)]
    parts = [part for condition in conditions for part in _parts(condition)]
    values = {question.id: _answers(question, flow, parts) for question in flow.questions}
    walked = Walked()
    beginnings = _beginnings(flow, settings, parts)
    if not beginnings:
        return None
    for begins in beginnings:
        if not _walk_from(begins, flow, values, walked):
            return None
    return walked


def _walk_from(conversation: Conversation, flow: Flow, values: Mapping[str, Sequence[Value]], walked: Walked) -> bool:
    ways: set[_Way] = {()}
    asked_on_all = False
    for question in flow.questions:
        after: set[_Way] = set()
        for way in ways:
            answers = {id: Answer(value=value, turn=1, at=_LONG_AGO) for id, value in way}
            if not fits(question, flow, answers, conversation):
                after.add(way)
                continue
            walked.asked.add(question.id)
            asked_on_all = True
            shown = as_asked(question, flow, answers, conversation)
            offered = _note(shown, walked)
            # What no condition looks at makes no other way.
            possible = [value for value in values[question.id] if _possible(value, shown, offered)]
            after |= {(*way, (question.id, value)) for value in possible} or {way}
        if len(after) > MOST_WAYS:
            return False
        ways = after
    walked.begun = walked.begun or asked_on_all
    return True


def _note(question: Question, walked: Walked) -> frozenset[str]:
    if not isinstance(question, Choice | Choices):
        return frozenset()
    offered = frozenset(option.id for option in question.options)
    walked.offered |= {(question.id, id) for id in offered}
    walked.fewest[question.id] = min(walked.fewest.get(question.id, len(offered)), len(offered))
    return offered


def _possible(value: Value, question: Question, offered: frozenset[str]) -> bool:
    if isinstance(value, Skipped):
        return question.optional
    return (
        not isinstance(value, Chosen) or not isinstance(question, Choice | Choices) or offered.issuperset(value.options)
    )


def _beginnings(flow: Flow, settings: Settings, parts: Sequence[Condition]) -> list[Conversation] | None:
    """A conversation in each channel and language that a condition asks for, with whatever its dealing may carry."""
    looked_at = {part.name for part in parts if isinstance(part, AttributeIs)}
    known: dict[str, list[str]] = {name: [""] for name in looked_at - {"channel", "language"}}
    for part in parts:
        if isinstance(part, AttributeIs) and part.name in known:
            known[part.name] += [value for value in part.values if value not in known[part.name]]
    channels = _channels(flow, settings)[: None if "channel" in looked_at else 1]
    locales = flow.locales[: None if "language" in looked_at else 1]
    if prod(len(values) for values in known.values()) * len(channels) * len(locales) > MOST_WAYS // 10:
        return None
    return [
        sample(flow, channel, locale, {name: value for name, value in zip(known, values, strict=True) if value})
        for channel, locale in product(channels, locales)
        for values in product(*known.values())
    ]


def _channels(flow: Flow, settings: Settings) -> list[ChannelName]:
    """Where the flow may be asked. What customers start themselves may begin in any channel."""
    channels = [each.name for each in settings.channels]
    own = settings.flow_asking.get(flow.id)
    if own is None or not own.channels or _started_by_customers(flow, settings):
        return channels
    return [name for name in channels if name in own.channels]


def _started_by_customers(flow: Flow, settings: Settings) -> bool:
    commands = settings.commands
    return commands is not None and flow.id in (commands.feedback, *commands.start)


def sample(flow: Flow, channel: ChannelName, locale: str, attributes: Mapping[str, str]) -> Conversation:
    """A conversation that nobody has, before its first question."""
    return Conversation(
        id=ConversationId("0" * 16),
        flow=FlowHash(flow.id),
        customer=CustomerId("0" * 16),
        address=Address(channel=channel, key="0"),
        locale=locale,
        invited=True,
        attributes=attributes,
        started_at=_LONG_AGO,
        touched_at=_LONG_AGO,
    )


# ---- answers that conditions tell apart --------------------------------------------------------------------


def _conditions(flow: Flow) -> Iterator[Condition]:
    for question in flow.questions:
        yield from [question.when] if question.when is not None else []
        if isinstance(question, OpenText) and question.required_when is not None:
            yield question.required_when
        options = question.options if isinstance(question, Choice | Choices) else ()
        yield from (option.when for option in options if option.when is not None)


def _parts(condition: Condition) -> Iterator[Condition]:
    match condition:
        case AllOf(conditions=parts) | AnyOf(conditions=parts):
            for part in parts:
                yield from _parts(part)
        case Not(condition=part):
            yield from _parts(part)
        case _:
            yield condition


def _answers(question: Question, flow: Flow, parts: Sequence[Condition]) -> list[Value]:
    """One answer of each kind that a condition can tell apart; none where no condition looks at this question."""
    about = [part for part in parts if getattr(part, "question", None) == question.id]
    if not about:
        return []
    questions = {each.id: each for each in flow.questions}
    kinds: dict[tuple[object, ...], Value] = {}
    for value in (*_values(question, about), *([Skipped()] if question.optional else [])):
        seen = tuple(holds(part, questions, {question.id: value}, {}) for part in about)
        # Which options are offered differs from way to way, so no choice stands for another.
        alike = value if isinstance(value, Chosen) else isinstance(value, Skipped)
        kinds.setdefault((alike, *seen), value)
    return list(kinds.values())


def _values(question: Question, about: Sequence[Condition]) -> list[Value]:
    match question:
        case Rating():
            scale = scale_of(question)
            return [Scored(score=score) for score in range(scale.low, scale.high + 1)]
        case OpenText() | Contact():
            return [Worded(words=WordsId("words"))]
        case Choice() | Consent() | PanelInvitation():
            return [Chosen(options=(option.id,)) for option in question.options]
        case Choices():
            named = {id for part in about if isinstance(part, Chose) for id in part.options}
            every = [option.id for option in question.options if option.id in named]
            every += [option.id for option in question.options if option.id not in named][:1]
            most = min(question.at_most or len(every), len(every), 4)
            sets = chain.from_iterable(combinations(every, size) for size in range(1, most + 1))
            return [Chosen(options=options) for options in sets]
        case _:
            assert_never(question)
