"""The closed set of question types and the conditions under which one is asked."""

from collections.abc import Mapping
from functools import cache
from typing import Literal, assert_never

import msgspec

from bot.conversations.answers import Chosen, Scored, Skipped, Value
from bot.languages.tags import nearest
from bot.scoring.scales import CES_1_7, CSAT_1_5, CSAT_1_10, NPS_0_10, THUMBS_0_1, Scale, band

#: IETF language tag -> text. One flow carries all its languages.
Texts = Mapping[str, str]

ScaleName = Literal["nps", "csat5", "csat10", "ces7", "thumbs"]
Look = Literal["numbers", "emoji", "stars"]
BandName = Literal["promoter", "passive", "detractor", "satisfied", "neutral", "dissatisfied"]


class ScoreBetween(msgspec.Struct, frozen=True, kw_only=True, tag="score"):
    """The rating given to ``question`` lies in ``low..high``, both included."""

    question: str
    low: int
    high: int


class InBand(msgspec.Struct, frozen=True, kw_only=True, tag="band"):
    """The rating given to ``question`` falls in one of the bands."""

    question: str
    bands: tuple[BandName, ...]


class Chose(msgspec.Struct, frozen=True, kw_only=True, tag="chose"):
    """At least one of ``options`` was chosen for ``question``."""

    question: str
    options: tuple[str, ...]


class WasAnswered(msgspec.Struct, frozen=True, kw_only=True, tag="answered"):
    """``question`` has an answer that is not a skip."""

    question: str


class AttributeIs(msgspec.Struct, frozen=True, kw_only=True, tag="attribute"):
    """The conversation's attribute (``channel``, ``language`` or one of the interaction's) has one of the values."""

    name: str
    values: tuple[str, ...]


class AllOf(msgspec.Struct, frozen=True, kw_only=True, tag="all"):
    conditions: tuple["Condition", ...]


class AnyOf(msgspec.Struct, frozen=True, kw_only=True, tag="any"):
    conditions: tuple["Condition", ...]


class Not(msgspec.Struct, frozen=True, kw_only=True, tag="not"):
    condition: "Condition"


Condition = ScoreBetween | InBand | Chose | WasAnswered | AttributeIs | AllOf | AnyOf | Not


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One choice; its id is the same in every language and is what is stored.

    It is offered where ``when`` holds. ``last`` keeps it at the end of options whose order is shuffled.
    """

    id: str
    text: Texts
    when: Condition | None = None
    last: bool = False


class ByBand(msgspec.Struct, frozen=True, kw_only=True):
    """What a question says instead of its text, by the band of the rating given to ``question``."""

    question: str
    good: Texts = {}
    middling: Texts = {}
    poor: Texts = {}


class Rating(msgspec.Struct, frozen=True, kw_only=True, tag="rating"):
    """A number on a scale. ``low`` and ``high`` label the scale's ends.

    ``positive_from`` moves the lower edge of the satisfied band of a 1-10 CSAT (9 by default).
    """

    id: str
    text: Texts
    scale: ScaleName
    look: Look = "numbers"
    low: Texts = {}
    high: Texts = {}
    positive_from: int | None = None
    when: Condition | None = None
    optional: bool = False
    by_band: ByBand | None = None


class Choice(msgspec.Struct, frozen=True, kw_only=True, tag="choice"):
    """Exactly one of the options; with ``shuffle`` each respondent sees them in an order of their own."""

    id: str
    text: Texts
    options: tuple[Option, ...]
    when: Condition | None = None
    optional: bool = False
    by_band: ByBand | None = None
    shuffle: bool = False


class Choices(msgspec.Struct, frozen=True, kw_only=True, tag="choices"):
    """Between ``at_least`` and ``at_most`` of the options."""

    id: str
    text: Texts
    options: tuple[Option, ...]
    at_least: int = 1
    at_most: int | None = None
    when: Condition | None = None
    optional: bool = False
    by_band: ByBand | None = None
    shuffle: bool = False


class OpenText(msgspec.Struct, frozen=True, kw_only=True, tag="text"):
    """The customer's own words, which cannot be left out where ``required_when`` holds."""

    id: str
    text: Texts
    when: Condition | None = None
    optional: bool = True
    by_band: ByBand | None = None
    required_when: Condition | None = None


Wanted = Literal["email", "phone", "either"]


class Contact(msgspec.Struct, frozen=True, kw_only=True, tag="contact"):
    """Where the customer can be reached; kept as words are, apart from the answers.

    ``region`` (ISO 3166, such as IT) is where a phone number without a country code is from; empty: the language's.
    """

    id: str
    text: Texts
    wants: Wanted = "either"
    region: str = ""
    when: Condition | None = None
    optional: bool = True
    by_band: ByBand | None = None


class Consent(msgspec.Struct, frozen=True, kw_only=True, tag="consent"):
    """Whether the customer agrees to what the text says; the options' ids are yes and no."""

    id: str
    text: Texts
    options: tuple[Option, ...]
    when: Condition | None = None
    optional: bool = False
    by_band: ByBand | None = None


class PanelInvitation(msgspec.Struct, frozen=True, kw_only=True, tag="panel"):
    """Whether the customer joins the advisory panel (options yes and no); ``joined`` welcomes who does."""

    id: str
    text: Texts
    options: tuple[Option, ...]
    joined: Texts = {}
    when: Condition | None = None
    optional: bool = False
    by_band: ByBand | None = None


Question = Rating | Choice | Choices | OpenText | Contact | Consent | PanelInvitation
#: Those of which one option is chosen.
OneOf = Choice | Consent | PanelInvitation


def in_locale(texts: Texts, locale: str, fallback: str) -> str:
    """The text for a language tag: the nearest that there is, the flow's own language, whatever there is.

    >>> in_locale({"en": "Hi", "pt-BR": "Oi"}, "pt", "en"), in_locale({"en": "Hi"}, "vi", "en")
    ('Oi', 'Hi')
    """
    return texts.get(tag_of(texts, locale, fallback), "")


def tag_of(texts: Texts, locale: str, fallback: str) -> str:
    """The tag of the text for a language: that of the nearest, the flow's own, whatever there is; "" without any."""
    tag = locale if locale in texts else nearest(locale, texts) or fallback
    return tag if tag in texts else next(iter(texts), "")


def questions_named(condition: Condition) -> frozenset[str]:
    """The ids of the questions that a condition looks at."""
    match condition:
        case ScoreBetween(question=q) | InBand(question=q) | Chose(question=q) | WasAnswered(question=q):
            return frozenset({q})
        case AttributeIs():
            return frozenset()
        case AllOf(conditions=parts) | AnyOf(conditions=parts):
            return frozenset().union(*(questions_named(part) for part in parts))
        case Not(condition=part):
            return questions_named(part)
        case _:
            assert_never(condition)


def scale_of(rating: Rating) -> Scale:
    """The scale with its bands that a rating is read on."""
    match rating.scale:
        case "nps":
            return NPS_0_10
        case "csat5":
            return CSAT_1_5
        case "csat10":
            return _csat10(rating.positive_from or 9)
        case "ces7":
            return CES_1_7
        case "thumbs":
            return THUMBS_0_1
        case _:
            assert_never(rating.scale)


@cache
def _csat10(positive_from: int) -> Scale:
    return Scale(low=1, high=10, positive=frozenset(range(positive_from, 11)), negative=CSAT_1_10.negative)


def holds(
    condition: Condition | None,
    questions: Mapping[str, Question],
    values: Mapping[str, Value],
    attributes: Mapping[str, str],
) -> bool:
    """Whether a condition holds for the answers so far. A question without an answer satisfies nothing about it."""
    match condition:
        case None:
            return True
        case ScoreBetween(question=q, low=low, high=high):
            value = values.get(q)
            return isinstance(value, Scored) and low <= value.score <= high
        case InBand(question=q, bands=bands):
            value, rating = values.get(q), questions.get(q)
            return (
                isinstance(value, Scored)
                and isinstance(rating, Rating)
                and band(value.score, scale_of(rating)).value in bands
            )
        case Chose(question=q, options=options):
            value = values.get(q)
            return isinstance(value, Chosen) and not set(options).isdisjoint(value.options)
        case WasAnswered(question=q):
            return q in values and not isinstance(values[q], Skipped)
        case AttributeIs(name=name, values=wanted):
            return attributes.get(name) in wanted
        case AllOf(conditions=parts):
            return all(holds(part, questions, values, attributes) for part in parts)
        case AnyOf(conditions=parts):
            return any(holds(part, questions, values, attributes) for part in parts)
        case Not(condition=part):
            return not holds(part, questions, values, attributes)
        case _:
            assert_never(condition)
