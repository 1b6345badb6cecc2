"""Conditions of questions, read from TOML: about earlier questions only, on their scales, and possible at all.

when = { question = "score", at_most = 2 }               at_least, at_most
when = { question = "score", band = "dissatisfied" }     bands = ["neutral", "dissatisfied"]
when = { question = "reason", chose = ["slow"] }
when = { question = "comment", answered = true }
when = { attribute = "channel", is = ["web"] }
when = { all = [ ... ] }                                 any = [ ... ], not = { ... }
"""

from collections.abc import Collection, Iterator, Mapping
from itertools import chain, combinations, product
from math import prod
from typing import assert_never, get_args

import msgspec

from bot.conversations.answers import Chosen, Scored, Value, Worded
from bot.conversations.questions import (
    AllOf,
    AnyOf,
    AttributeIs,
    BandName,
    Choice,
    Choices,
    Chose,
    Condition,
    Consent,
    Contact,
    InBand,
    Not,
    OpenText,
    PanelInvitation,
    Question,
    Rating,
    ScoreBetween,
    WasAnswered,
    holds,
    questions_named,
    scale_of,
)
from bot.conversations.text_toml import Speech
from bot.ids import WordsId
from bot.scoring.scales import band
from bot.toml_journal import OneOf, Several
from bot.toml_tables import ANY_NUMBER, Table, did_you_mean, quoted

_TESTS = ("at_least", "at_most", "band", "bands", "chose", "answered")
_KINDS = ("question", "attribute", "all", "any", "not")
_DEEPEST = 8
#: What a key ``bands`` holds, for whoever listens: which of them there are depends on the scale.
BANDS = Several(item=OneOf(allowed=get_args(BandName)), fewest=1)
#: More cases than this are not tried one by one: such a condition is taken for possible.
_MOST_CASES = 20_000


class Before(msgspec.Struct, frozen=True, kw_only=True):
    """What a question's condition may look at."""

    speech: Speech
    #: earlier questions by id; None for one that could not be read
    earlier: Mapping[str, Question | None]
    #: ids of this question and of those after it
    later: tuple[str, ...]
    #: names of the configured channels; empty where they are not known
    channels: Collection[str] = ()

    @property
    def rating(self) -> Rating | None:
        """The last rating before this question: that which bands beside it speak of."""
        return next((each for each in reversed(list(self.earlier.values())) if isinstance(each, Rating)), None)

    @property
    def unrated(self) -> bool:
        """Whether no rating stands before this question, and none that could not be read."""
        return self.rating is None and None not in self.earlier.values()


def read_when(
    table: Table, before: Before, key: str = "when", *, never: str = "so this question would never be asked"
) -> Condition | None:
    """The condition under a key; None where there is none, or where it is wrong.

    ``never`` says what would come of one that cannot be true.
    """
    condition_table = table.table(key)
    if condition_table is None:
        return None
    condition = _read(condition_table, before, 1)
    if condition is None or table.findings.under(condition_table.path):
        return None
    if not is_possible(condition, before):
        condition_table.report("", f"can never be true, {never}")
    return condition


def read_bands(table: Table, rating: Rating) -> Condition | None:
    """The bands of a rating under the key ``bands``."""
    return _in_band(table, "bands", rating)


def is_possible(condition: Condition, before: Before) -> bool:
    """Whether some answers to earlier questions satisfy a condition."""
    return _possible(condition, {id: each for id, each in before.earlier.items() if each is not None})


def _read(table: Table, before: Before, depth: int) -> Condition | None:
    table.is_a("condition")
    if depth > _DEEPEST:
        table.report("", "is nested too deeply", f"Use at most {_DEEPEST} levels.")
        return None
    kinds = [kind for kind in _KINDS if table.has(kind)]
    if len(kinds) != 1:
        if kinds:
            table.report("", f"has {quoted(kinds)} at once", "Join conditions with all = [ … ] or any = [ … ].")
        else:
            wrong = "is no condition" if not table.data else f"is no condition: {quoted(list(table.data)[:5])}"
            table.report("", wrong, 'Begin with question = "…", attribute = "…", all, any or not.')
        return None
    match kinds[0]:
        case "question":
            condition = _about_question(table, before)
        case "attribute":
            condition = _about_attribute(table, before)
        case "not":
            inner = table.table("not")
            part = _read(inner, before, depth + 1) if inner else None
            condition = Not(condition=part) if part else None
        case kind:
            condition = _joined(table, kind, before, depth)
    table.finish()
    return condition


def _joined(table: Table, kind: str, before: Before, depth: int) -> Condition | None:
    tables = table.tables(kind)
    if not tables and not table.findings.under((*table.path, kind)):
        table.report(kind, "is empty", f'Write {kind} = [ {{ question = "…", at_most = 2 }}, … ].')
    parts = tuple(part for each in tables if (part := _read(each, before, depth + 1)) is not None)
    return AllOf(conditions=parts) if kind == "all" else AnyOf(conditions=parts)


def _about_attribute(table: Table, before: Before) -> Condition | None:
    name = table.text("attribute")
    values = table.texts("is", example='is = ["…"]')
    known = before.speech.attributes | {"channel", "language", "panel"}
    if name and name not in known:
        more = f'If your interactions carry it, add it to the flow: attributes = ["{name[:40]}"].'
        table.report("attribute", f"there is no attribute '{name[:40]}'", did_you_mean(name, known, more))
        return None
    allowed = {"channel": before.channels, "language": before.speech.locales}.get(name, ())
    for index, value in enumerate(values):
        if allowed and value not in allowed:
            path = (*table.path, "is", index)
            table.findings.add(path, f"there is no {name} '{value[:40]}'", did_you_mean(value, allowed))
    return AttributeIs(name=name, values=values)


def _about_question(table: Table, before: Before) -> Condition | None:
    id = table.text("question")
    tests = [test for test in _TESTS if table.has(test)]
    if not tests:
        table.report("", "does not say what of the answer", "Add at_least, at_most, band, bands, chose or answered.")
    if set(tests) != {"at_least", "at_most"} and len(tests) > 1:
        table.report("", f"has {quoted(tests)} at once", "Join conditions with all = [ … ] or any = [ … ].")
        return None
    if id not in before.earlier:
        _report_question(table, id, before)
        return None
    question = before.earlier[id]
    if question is None or not tests:
        return None
    return _test(table, tests, question)


def _report_question(table: Table, id: str, before: Before) -> None:
    if not id:
        return
    if id in before.later:
        wrong = "looks at its own answer" if id == before.later[0] else f"'{id}' is asked after this question"
        table.report("question", wrong, "A condition can look at earlier questions only.")
    elif before.earlier:
        table.report("question", f"there is no question '{id[:60]}'", did_you_mean(id, before.earlier))
    else:
        table.report("question", f"there is no question '{id[:60]}' before this one")


def _test(table: Table, tests: list[str], question: Question) -> Condition | None:
    match tests[0]:
        case "answered":
            answered = WasAnswered(question=question.id)
            return Not(condition=answered) if table.maybe_flag("answered") is False else answered
        case "chose":
            return _chose(table, question)
        case "band" | "bands":
            return _in_band(table, tests[0], question)
        case _:
            return _between(table, tests, question)


def _kind(question: Question) -> str:
    match question:
        case Rating():
            return question.scale
        case Choice():
            return "choice"
        case Choices():
            return "choices"
        case OpenText():
            return "text"
        case Contact():
            return "contact"
        case Consent():
            return "consent"
        case PanelInvitation():
            return "panel"
        case _:
            assert_never(question)


def _not_for(table: Table, test: str, question: Question, right: str) -> None:
    table.report(test, f"'{question.id}' is of type {_kind(question)}", right)


def _between(table: Table, tests: list[str], question: Question) -> Condition | None:
    if not isinstance(question, Rating):
        _not_for(table, tests[0], question, "It has no scores; use chose or answered.")
        return None
    scale = scale_of(question)
    bounds = {}
    for test in tests:
        value = table.maybe_whole(test, -ANY_NUMBER, ANY_NUMBER)
        if value is None:
            return None
        if value not in scale:
            table.report(
                test, f"{value} is not on the scale of '{question.id}'", f"It runs from {scale.low} to {scale.high}."
            )
            return None
        bounds[test] = value
    low, high = bounds.get("at_least", scale.low), bounds.get("at_most", scale.high)
    if low > high:
        table.report(
            "at_least", f"no score is at least {low} and at most {high}", "Did you mean them the other way round?"
        )
        return None
    return ScoreBetween(question=question.id, low=low, high=high)


def _in_band(table: Table, test: str, question: Question) -> Condition | None:
    if not isinstance(question, Rating):
        _not_for(table, test, question, "It has no bands; use chose or answered.")
        return None
    scale = scale_of(question)
    own = tuple(dict.fromkeys(band(score, scale).value for score in range(scale.low, scale.high + 1)))
    if test == "band":
        table.note("band", OneOf(allowed=own))
    else:
        table.note("bands", Several(item=OneOf(allowed=own), fewest=1))
    named = (table.text("band"),) if test == "band" else table.texts("bands")
    for index, name in enumerate(named):
        path = (*table.path, test) if test == "band" else (*table.path, test, index)
        if name in get_args(BandName) and name not in own:
            table.findings.add(path, f"{question.scale} has no band '{name}'", f"It has {quoted(own)}.")
        elif name and name not in own:
            table.findings.add(path, f"there is no band '{name[:40]}'", did_you_mean(name, own))
    if test == "bands" and not named:
        table.report("bands", "is empty", f"Choose from {quoted(own)}.")
    bands: tuple[BandName, ...] = tuple(each for each in get_args(BandName) if each in named)
    return InBand(question=question.id, bands=bands)


def _chose(table: Table, question: Question) -> Condition | None:
    if not isinstance(question, Choice | Choices | Consent | PanelInvitation):
        right = "It has no options; use at_least, at_most or band." if isinstance(question, Rating) else "Use answered."
        _not_for(table, "chose", question, right)
        return None
    ids = [option.id for option in question.options]
    table.note("chose", Several(fewest=1))
    named = table.texts("chose")
    if not named and not table.findings.under((*table.path, "chose")):
        table.report("chose", "is empty", f"Choose from {quoted(ids)}.")
    for index, name in enumerate(named):
        if name not in ids:
            path = (*table.path, "chose", index)
            table.findings.add(path, f"'{question.id}' has no option '{name[:40]}'", did_you_mean(name, ids))
    return Chose(question=question.id, options=named)


# ---- can it be true at all? ------------------------------------------------------------------------------


def _possible(condition: Condition, questions: Mapping[str, Question]) -> bool:
    """Whether some answers satisfy a condition and the conditions of the questions that they answer."""
    looked_at = _closure(condition, questions)
    conditions = [condition, *(each.when for each in looked_at if each.when is not None)]
    options = frozenset(chain.from_iterable(_options(each) for each in conditions))
    answers = [(each.id, _values(each, options)) for each in looked_at]
    attributes = _attributes(conditions)
    cases = prod(len(values) for _, values in answers) * prod(len(values) for values in attributes.values())
    if cases > _MOST_CASES:
        return True
    for values in product(*(values for _, values in answers)):
        given = {id: value for (id, _), value in zip(answers, values, strict=True) if value is not None}
        for known in product(*attributes.values()):
            carried = dict(zip(attributes, known, strict=True))
            asked = all(holds(questions[id].when, questions, given, carried) for id in given)
            if asked and holds(condition, questions, given, carried):
                return True
    return False


def _closure(condition: Condition, questions: Mapping[str, Question]) -> list[Question]:
    found: dict[str, Question] = {}
    waiting = [condition]
    while waiting:
        for id in questions_named(waiting.pop()):
            if id in questions and id not in found:
                found[id] = questions[id]
                when = questions[id].when
                if when is not None:
                    waiting.append(when)
    return list(found.values())


def _values(question: Question, options: frozenset[tuple[str, str]]) -> list[Value | None]:
    """One answer of each kind that a condition can tell apart; None for no answer."""
    match question:
        case Rating():
            scale = scale_of(question)
            return [None, *(Scored(score=score) for score in range(scale.low, scale.high + 1))]
        case OpenText() | Contact():
            return [None, Worded(words=WordsId("words"))]
        case Choice() | Choices() | Consent() | PanelInvitation():
            named = [option.id for option in question.options if (question.id, option.id) in options]
            others = [option.id for option in question.options if option.id not in named][:1]
            most = question.at_most or len(question.options) if isinstance(question, Choices) else 1
            every = [*named, *others]
            sizes = range(1, min(most, len(every)) + 1)
            sets = chain.from_iterable(combinations(every, size) for size in sizes)
            return [None, *(Chosen(options=chosen) for chosen in sets)]
        case _:
            assert_never(question)


def _parts(condition: Condition) -> Iterator[Condition]:
    yield condition
    match condition:
        case AllOf(conditions=parts) | AnyOf(conditions=parts):
            for part in parts:
                yield from _parts(part)
        case Not(condition=part):
            yield from _parts(part)
        case _:
            return


def _options(condition: Condition) -> Iterator[tuple[str, str]]:
    for part in _parts(condition):
        if isinstance(part, Chose):
            yield from ((part.question, option) for option in part.options)


def _attributes(conditions: list[Condition]) -> dict[str, list[str]]:
    """Each attribute with the values that conditions name, and one that none names."""
    found: dict[str, list[str]] = {}
    for part in chain.from_iterable(_parts(condition) for condition in conditions):
        if isinstance(part, AttributeIs):
            found.setdefault(part.name, [""]).extend(part.values)
    return found
