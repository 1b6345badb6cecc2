"""Flows from TOML: everything filled in, and the same flow however it is written."""

import tomllib

import pytest

from bot.conversations.flow import Flow, Thanks, flow_hash, structure_key
from bot.conversations.flow_toml import flow_from
from bot.conversations.questions import (
    AllOf,
    AnyOf,
    AttributeIs,
    Choice,
    Choices,
    Chose,
    Condition,
    InBand,
    Not,
    OpenText,
    Rating,
    ScoreBetween,
    WasAnswered,
)
from bot.languages import say
from bot.toml_tables import Findings


def flow_of(text: str) -> Flow:
    findings = Findings()
    flow = flow_from(tomllib.loads(text), findings)
    assert list(findings) == []
    return flow


HEAD = 'id = "f"\nlanguages = ["en"]\ntitle = "T"\n'
SCORE = '[[question]]\nid = "score"\ntype = "csat5"\ntext = "How?"\n'
REASON = (
    '[[question]]\nid = "reason"\ntype = "choices"\ntext = "What?"\n'
    'options = [{ id = "a", text = "A" }, { id = "b", text = "B" }, { id = "c", text = "C" }]\n'
)


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [
        ("nps", "scale.nps.low", "scale.nps.high"),
        ("csat5", "scale.csat5.1", "scale.csat5.5"),
        ("csat10", "scale.csat10.low", "scale.csat10.high"),
        ("ces7", "scale.ces7.low", "scale.ces7.high"),
        ("thumbs", "scale.thumbs.0", "scale.thumbs.1"),
    ],
)
def test_the_ends_of_each_scale_are_labelled(kind: str, low: str, high: str) -> None:
    text = 'id = "f"\nlanguages = ["en", "vi"]\ntitle.en = "T"\ntitle.vi = "T"\n'
    rating = flow_of(f'{text}[[question]]\nid = "q"\ntype = "{kind}"\ntext = {{ en = "?", vi = "?" }}\n').questions[0]
    assert isinstance(rating, Rating)
    assert rating.low == {"en": say("en", low), "vi": say("vi", low)}
    assert rating.high == {"en": say("en", high), "vi": say("vi", high)}


def test_own_labels_stay() -> None:
    rating = flow_of(HEAD + SCORE + 'low = "Bad"\nhigh = "Good"\nlook = "stars"\n').questions[0]
    assert rating == Rating(
        id="score", text={"en": "How?"}, scale="csat5", look="stars", low={"en": "Bad"}, high={"en": "Good"}
    )


@pytest.mark.parametrize(
    ("own", "wanted"),
    [
        pytest.param("", {key: say("en", f"thanks.{key}") for key in Thanks.__struct_fields__}, id="the pack's"),
        pytest.param(
            'thanks.otherwise = "Thx"\nthanks.poor = "Sorry"\n',
            {"good": "Thx", "middling": "Thx", "poor": "Sorry", "otherwise": "Thx"},
            id="the author's for all bands",
        ),
    ],
)
def test_thanks_are_filled_in(own: str, wanted: dict[str, str]) -> None:
    thanks = flow_of(HEAD + own + SCORE).thanks
    assert {key: getattr(thanks, key)["en"] for key in Thanks.__struct_fields__} == wanted


def test_a_flow_without_a_rating_thanks_in_one_way() -> None:
    thanks = flow_of(HEAD + '[[question]]\nid = "q"\ntype = "text"\ntext = "?"\n').thanks
    assert thanks == Thanks(otherwise={"en": say("en", "thanks.otherwise")})


def test_a_language_without_a_pack_gets_no_english() -> None:
    rating = flow_of(
        'id = "f"\nlanguages = ["en", "nl"]\ntitle = { en = "T", nl = "T" }\n'
        '[[question]]\nid = "q"\ntype = "nps"\ntext = { en = "?", nl = "?" }\n'
    ).questions[0]
    assert isinstance(rating, Rating)
    assert list(rating.low) == ["en"]


def test_the_defaults_of_questions() -> None:
    one = '[[question]]\nid = "one"\ntype = "choice"\ntext = "?"\n' + REASON.splitlines()[-1] + "\n"
    words = '[[question]]\nid = "words"\ntype = "text"\ntext = "?"\n'
    score, choice, choices, text = flow_of(HEAD + SCORE + one + REASON + words).questions
    assert isinstance(score, Rating)
    assert (score.look, score.optional) == ("numbers", False)
    assert isinstance(choice, Choice)
    assert not choice.optional
    assert isinstance(choices, Choices)
    assert (choices.at_least, choices.at_most, choices.optional) == (1, None, False)
    assert isinstance(text, OpenText)
    assert text.optional


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ('{ question = "score", at_most = 2 }', ScoreBetween(question="score", low=1, high=2)),
        ('{ question = "score", at_least = 4 }', ScoreBetween(question="score", low=4, high=5)),
        ('{ question = "score", at_least = 2, at_most = 3 }', ScoreBetween(question="score", low=2, high=3)),
        ('{ question = "score", band = "neutral" }', InBand(question="score", bands=("neutral",))),
        (
            '{ question = "score", bands = ["dissatisfied", "neutral"] }',
            InBand(question="score", bands=("neutral", "dissatisfied")),
        ),
        ('{ question = "reason", chose = ["a", "b"] }', Chose(question="reason", options=("a", "b"))),
        ('{ question = "reason", answered = true }', WasAnswered(question="reason")),
        ('{ question = "reason", answered = false }', Not(condition=WasAnswered(question="reason"))),
        ('{ attribute = "language", is = ["en"] }', AttributeIs(name="language", values=("en",))),
        (
            '{ any = [{ question = "reason", chose = ["a"] }, { not = { question = "score", at_most = 2 } }] }',
            AnyOf(
                conditions=(
                    Chose(question="reason", options=("a",)),
                    Not(condition=ScoreBetween(question="score", low=1, high=2)),
                )
            ),
        ),
        # Possible only with several options at once, and without a third.
        (
            '{ all = [{ question = "reason", chose = ["a"] }, { question = "reason", chose = ["b"] }, '
            '{ not = { question = "reason", chose = ["c"] } }] }',
            AllOf(
                conditions=(
                    Chose(question="reason", options=("a",)),
                    Chose(question="reason", options=("b",)),
                    Not(condition=Chose(question="reason", options=("c",))),
                )
            ),
        ),
    ],
)
def test_conditions(written: str, wanted: Condition) -> None:
    last = f'[[question]]\nid = "last"\ntype = "text"\ntext = "?"\nwhen = {written}\n'
    assert flow_of(HEAD + SCORE + REASON + last).questions[-1].when == wanted


def test_two_options_of_a_single_choice_are_impossible() -> None:
    last = (
        '[[question]]\nid = "last"\ntype = "text"\ntext = "?"\n'
        'when = { all = [{ question = "reason", chose = ["a"] }, { question = "reason", chose = ["b"] }] }\n'
    )
    findings = Findings()
    flow_from(tomllib.loads(HEAD + REASON.replace("choices", "choice") + last), findings)
    assert ["can never be true" in finding.wrong for finding in findings] == [True]


def test_declared_attributes_may_be_used() -> None:
    used = (
        '[[question]]\nid = "q"\ntype = "text"\ntext = "How was {branch|our shop}?"\n'
        'when = { attribute = "branch", is = ["Hue"] }\n'
    )
    assert flow_of(HEAD + 'attributes = ["branch"]\n' + used).questions[0].text == {"en": "How was {branch|our shop}?"}


def test_one_flow_is_one_flow_however_it_is_written() -> None:
    short = flow_of(HEAD + SCORE)
    long = flow_of(
        'title = { en = "T" }\nlanguages = [\n  "en",\n]\nid = \'f\'\n'
        '[[question]]\ntext.en = "How?"\nlook = "numbers"\ntype = "csat5"\noptional = false\nid = "score"\n'
    )
    assert flow_hash(short) == flow_hash(long)


def test_a_mended_typo_is_a_new_version_of_the_same_structure() -> None:
    before, after = flow_of(HEAD + SCORE), flow_of(HEAD + SCORE.replace("How?", "How was it?"))
    assert flow_hash(before) != flow_hash(after)
    assert structure_key(before) == structure_key(after)
