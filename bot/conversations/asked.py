"""A question as one respondent is asked it: its text and options by what was answered before, in their order. Pure."""

import hashlib
from collections.abc import Collection, Mapping
from typing import assert_never

from msgspec.structs import replace

from bot.conversations.answers import Answer, Chosen, Scored, Skipped
from bot.conversations.conversation import Conversation
from bot.conversations.flow import Flow
from bot.conversations.questions import (
    ByBand,
    Choice,
    Choices,
    Condition,
    Consent,
    Contact,
    OpenText,
    Option,
    PanelInvitation,
    Question,
    Rating,
    Texts,
    holds,
    scale_of,
)
from bot.ids import ConversationId
from bot.scoring.scales import Band, band

Answers = Mapping[str, Answer]


def met(
    condition: Condition | None, flow: Flow, answers: Answers, conversation: Conversation, locale: str = ""
) -> bool:
    """Whether a condition holds for these answers, in this channel and language.

    ``locale`` is the language of an answer that was given before the respondent changed it: the answer stays.
    """
    if condition is None:
        return True
    attributes = {
        **conversation.attributes,
        "channel": conversation.address.channel,
        "language": locale or conversation.locale,
    }
    questions = {each.id: each for each in flow.questions}
    values = {id: answer.value for id, answer in answers.items()}
    return holds(condition, questions, values, attributes)


def fits(question: Question, flow: Flow, answers: Answers, conversation: Conversation) -> bool:
    """Whether a question is one for these answers; one that has nothing left to choose from is none."""
    answer = conversation.answers.get(question.id)
    locale = "" if answer is None else answer.locale
    if not met(question.when, flow, answers, conversation, locale):
        return False
    if isinstance(question, PanelInvitation) and answer is None and conversation.attributes.get("panel") == "yes":
        # who is on the panel is not asked to join it
        return False
    if not isinstance(question, Choice | Choices):
        return True
    return any(met(option.when, flow, answers, conversation, locale) for option in question.options)


def as_asked(question: Question, flow: Flow, answers: Answers, conversation: Conversation) -> Question:
    """The question with the text, the options and the freedom to leave it out that these answers give it."""
    text = _text(question.text, question.by_band, flow, answers)
    match question:
        case Choices():
            options = _options(question, flow, answers, conversation)
            at_least = min(question.at_least, max(len(options), 1))
            return replace(question, text=text, options=options, at_least=at_least)
        case Choice():
            return replace(question, text=text, options=_options(question, flow, answers, conversation))
        case OpenText(required_when=condition) if condition is not None:
            required = met(condition, flow, answers, conversation)
            return replace(
                question,
                text=text,
                optional=question.optional and not required,
                required_when=condition if required else None,
            )
        case Rating() | OpenText() | Contact() | Consent() | PanelInvitation():
            return question if text is question.text else replace(question, text=text)
        case _:
            assert_never(question)


def question_for(id: str, flow: Flow, conversation: Conversation) -> Question | None:
    """The question of this id as the conversation's respondent is asked it now."""
    question = flow.question(id)
    return None if question is None else as_asked(question, flow, conversation.answers, conversation)


def may_stand(question: Question, answer: Answer, flow: Flow, answers: Answers, conversation: Conversation) -> bool:
    """Whether everything that was chosen may still be chosen, and what was left out be left out."""
    if isinstance(answer.value, Skipped):
        return as_asked(question, flow, answers, conversation).optional
    if not isinstance(question, Choice | Choices) or not isinstance(answer.value, Chosen):
        return True
    offered = {option.id for option in question.options if met(option.when, flow, answers, conversation, answer.locale)}
    return offered.issuperset(answer.value.options)


def in_order(options: Collection[str], question: Question) -> tuple[str, ...]:
    """Ids of options in the order of the flow, however they were shown."""
    if not isinstance(question, Choice | Choices | Consent | PanelInvitation):
        return tuple(options)
    return tuple(option.id for option in question.options if option.id in options)


def by_band_of(texts: ByBand, rating: Rating, score: int) -> Texts:
    """The texts for the band of a score."""
    found = band(score, scale_of(rating))
    match found:
        case Band.PROMOTER | Band.SATISFIED:
            return texts.good
        case Band.PASSIVE | Band.NEUTRAL:
            return texts.middling
        case Band.DETRACTOR | Band.DISSATISFIED:
            return texts.poor
        case _:
            assert_never(found)


def _text(text: Texts, by_band: ByBand | None, flow: Flow, answers: Answers) -> Texts:
    if by_band is None:
        return text
    rating, answer = flow.question(by_band.question), answers.get(by_band.question)
    if not isinstance(rating, Rating) or answer is None or not isinstance(answer.value, Scored):
        return text
    return by_band_of(by_band, rating, answer.value.score) or text


def _options(
    question: Choice | Choices, flow: Flow, answers: Answers, conversation: Conversation
) -> tuple[Option, ...]:
    offered = [option for option in question.options if met(option.when, flow, answers, conversation)]
    if question.shuffle:
        offered.sort(key=lambda option: (option.last, _lot(conversation.id, question.id, option.id)))
    return tuple(offered)


def _lot(conversation: ConversationId, question: str, option: str) -> str:
    """An option's place in a conversation: as if drawn by lot, and the same whenever it is looked at."""
    return hashlib.sha256(f"{conversation}\0{question}\0{option}".encode()).hexdigest()
