"""A flow version: the exact expanded content of a survey, named by its hash."""

import hashlib
from typing import Any, assert_never

import msgspec

from bot.conversations.questions import (
    BandName,
    Choice,
    Choices,
    Consent,
    Contact,
    OpenText,
    Option,
    PanelInvitation,
    Question,
    Rating,
    Texts,
)
from bot.ids import FlowHash
from bot.languages.voice import Sentences, Voice

SCHEMA = 1


class Thanks(msgspec.Struct, frozen=True, kw_only=True):
    """What is said at the end, by the band of the flow's score; ``otherwise`` for no score or no special text."""

    good: Texts = {}
    middling: Texts = {}
    poor: Texts = {}
    otherwise: Texts = {}


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """A link under the thanks, to where customers tell others: for scores in ``bands``; without bands for everybody."""

    url: str
    text: Texts
    button: Texts
    bands: tuple[BandName, ...] = ()


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """An ordered set of questions with conditions, in several languages, with nothing left to fill in.

    ``score`` is the id of the rating that reports and the follow-up look at: the first rating, unless named.
    ``case_at_most`` opens a follow-up case for that score or a lower one; None: by the scale's own rule.
    """

    schema: int = SCHEMA
    id: str
    title: Texts
    locales: tuple[str, ...]
    questions: tuple[Question, ...]
    score: str | None = None
    case_at_most: int | None = None
    intro: Texts = {}
    thanks: Thanks = Thanks()
    #: what the author says differently from the packs, of all that conversations say
    sentences: Sentences = {}
    review: Review | None = None
    #: the id of the flow that this one is another form of; ``share`` is the percentage of its customers who get it
    variant_of: str | None = None
    share: int = 0

    @property
    def locale(self) -> str:
        """The language to fall back to: the first that the author named."""
        return self.locales[0]

    def voice(self, locale: str) -> Voice:
        """How a conversation of this flow speaks a language."""
        return Voice(locale, self.sentences)

    def question(self, id: str) -> Question | None:
        return next((q for q in self.questions if q.id == id), None)

    def score_question(self) -> Rating | None:
        """The rating that stands for the flow in reports and in the follow-up."""
        for question in self.questions:
            if isinstance(question, Rating) and self.score in (None, question.id):
                return question
        return None


def flow_hash(flow: Flow) -> FlowHash:
    """The name of a flow version: SHA-256 of its canonical JSON, 128 bits of it in hexadecimal."""
    return FlowHash(_digest(msgspec.json.encode(flow, order="deterministic")))


def structure_key(flow: Flow) -> str:
    """A hash over ids, scales and conditions only, so that a mended typo splits no figures in reports."""
    shape: list[Any] = [flow.id, flow.score]
    for question in flow.questions:
        # Words of this file's own, not names of classes: renaming one must not split the figures of everybody.
        match question:
            case Rating():
                detail: Any = ["rating", question.scale, question.positive_from]
            case Choice():
                detail = ["choice", *map(_named, question.options)]
            case Choices():
                detail = ["choices", *map(_named, question.options)]
            case OpenText():
                detail = ["text"]
            case Contact():
                detail = ["contact", question.wants]
            case Consent():
                detail = ["consent"]
            case PanelInvitation():
                detail = ["panel"]
            case _:
                assert_never(question)
        shape.append([question.id, detail, question.when])
    return _digest(msgspec.json.encode(shape, order="deterministic"))


def _named(option: Option) -> Any:
    return option.id if option.when is None else [option.id, option.when]


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


class PinnedFlow(msgspec.Struct, frozen=True, kw_only=True):
    """A flow version with its two names, worked out once."""

    flow: Flow
    hash: FlowHash
    structure: str


def pin(flow: Flow) -> PinnedFlow:
    return PinnedFlow(flow=flow, hash=flow_hash(flow), structure=structure_key(flow))
