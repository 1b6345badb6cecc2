"""Turns the engine's prompts into outbound messages in the respondent's language. Pure."""

import re
from collections.abc import Mapping
from typing import TypeGuard, assert_never

import msgspec

from bot.conversations.answers import Answer, Chosen, Scored, Skipped, Worded
from bot.conversations.asked import as_asked, by_band_of
from bot.conversations.conversation import Conversation
from bot.conversations.engine import CHANGE, DECLINE, DONE, NEVER, SKIP, TICK, UNTICK
from bot.conversations.events import Ask, AskAgain, Bye, Close, Prompt, Remind, Show, Thank, Unthank
from bot.conversations.flow import Flow, Review
from bot.conversations.questions import (
    ByBand,
    Choice,
    Choices,
    Consent,
    Contact,
    OpenText,
    PanelInvitation,
    Question,
    Rating,
    Texts,
    in_locale,
    scale_of,
    tag_of,
)
from bot.conversations.rules import may_decline
from bot.conversations.steering import LANGUAGE
from bot.conversations.text_toml import ATTRIBUTES
from bot.languages.tags import isolated
from bot.languages.voice import Voice
from bot.messages import Address, Button, Card, Content, Link, Outbound, OutboundKind, Text, Token, format_token
from bot.scoring.scales import band

#: no heart for the top face: it is a rating, not a declaration
FACES = ("😞", "😕", "😐", "🙂", "😀")
THUMBS = ("👎", "👍")
_VARIABLE = re.compile(r"\{([a-z_][a-z0-9_]*)(?:\|([^{}]*))?\}")
_LINK_BEFORE = re.compile(r"https?://\S*\Z")


#: what channels say themselves, in place of buttons that they cannot draw
_TAUGHT = ("hint.decline", "hint.never", "hint.language")


class Wording(msgspec.Struct, frozen=True, kw_only=True):
    """What texts need beside the conversation."""

    company: str = ""
    #: whether ways to say no are drawn below the first question of what nobody asked for
    decline: bool = True
    #: whether the first question of a flow in several languages offers the others
    languages: bool = False
    #: whether the channel takes photos, voice messages and files
    files: bool = False


def lane_of(address: Address) -> str:
    """The order that messages to one customer keep."""
    return f"{address.channel}:{address.key}"


def question_slot(conversation: Conversation, question: str) -> str:
    return f"q:{conversation.id}:{question}"


def fill(text: str, variables: Mapping[str, str], locale: str) -> str:
    """Put values into a text's variables, in one pass: a value that looks like a variable stays as it is.

    ``locale`` is the text's. A value is kept from changing the order of the words around it, but for one in a link,
    which is part of that.

    >>> fill("How was {agent|our team}?", {}, "en"), fill("How was {agent|our team}?", {"agent": "{order}"}, "en")
    ('How was our team?', 'How was {order}?')
    """

    def put(found: re.Match[str]) -> str:
        value = variables.get(found[1])
        if not value:
            return found[2] or ""
        return value if _LINK_BEFORE.search(text[: found.start()]) else isolated(value, locale)

    return _VARIABLE.sub(put, text)


def word(prompt: Prompt, conversation: Conversation, flow: Flow, wording: Wording) -> Outbound:
    """The message that says a prompt, for the conversation as it is after the turn."""
    match prompt:
        case Ask(question=id, first=first):
            intro = _text(flow.intro, flow, conversation, wording) if first and flow.intro else ""
            return _outbound("post", conversation, id, _card(flow, id, conversation, wording, opening=intro))
        case Show(question=id, changeable=changeable):
            card = _card(flow, id, conversation, wording, changeable=changeable)
            return _outbound("edit", conversation, id, card)
        case Close():
            return _outbound("edit", conversation, prompt.question, _closed(flow, prompt, conversation, wording))
        case Remind(question=id):
            card = _card(flow, id, conversation, wording, opening=flow.voice(conversation.locale).say("reminder"))
            return _outbound("post", conversation, id, card)
        case Bye():
            return _thanks_outbound("post", conversation, _said(flow, conversation, "bye.declined"))
        case AskAgain(question=id):
            return msgspec.structs.replace(
                _outbound("post", conversation, id, _again(flow, id, conversation)),
                slot=f"r:{conversation.id}:{conversation.turn}",
            )
        case Thank(again=again):
            return _thanks_outbound("edit" if again else "post", conversation, _thanks(flow, conversation, wording))
        case Unthank():
            return _thanks_outbound("edit", conversation, _said(flow, conversation, "reply.changed"))
        case _:
            assert_never(prompt)


def _outbound(kind: OutboundKind, conversation: Conversation, question: str, content: Content) -> Outbound:
    return Outbound(
        kind=kind,
        to=conversation.address,
        lane=lane_of(conversation.address),
        slot=question_slot(conversation, question),
        content=content,
    )


def _text(texts: Texts, flow: Flow, conversation: Conversation, wording: Wording) -> str:
    variables = {"company": wording.company, **conversation.attributes, **_answered(flow, conversation)}
    tag = tag_of(texts, conversation.locale, flow.locale)
    return fill(texts.get(tag, ""), variables, tag)


def _answered(flow: Flow, conversation: Conversation) -> dict[str, str]:
    """What was answered so far, by the questions' ids, as texts may say it again; never anybody's words."""
    found = {}
    for question in flow.questions:
        answer = conversation.answers.get(question.id)
        if answer is not None and not isinstance(answer.value, Worded | Skipped) and question.id not in ATTRIBUTES:
            found[question.id] = answer_label(question, answer, flow, conversation.locale)
    return found


def _question(flow: Flow, id: str, conversation: Conversation) -> Question:
    """The question as the respondent is asked it now."""
    question = flow.question(id)
    if question is None:
        raise KeyError(f"flow {flow.id} has no question {id}")
    return as_asked(question, flow, conversation.answers, conversation)


# ---- cards ----------------------------------------------------------------------------------------------


def _card(
    flow: Flow,
    id: str,
    conversation: Conversation,
    wording: Wording,
    *,
    changeable: bool = True,
    opening: str = "",
) -> Card:
    question = _question(flow, id, conversation)
    text = _text(question.text, flow, conversation, wording)
    if opening:
        text = f"{opening}\n\n{text}"
    if id in (conversation.asked, conversation.reopened):
        return _open_card(question, text, flow, conversation, wording)
    answer = conversation.answers.get(id)
    if answer is None or isinstance(answer.value, Worded):
        return Card(text=text, locale=conversation.locale, typing=False)
    rows: tuple[tuple[Button, ...], ...] = ()
    if changeable and not conversation.commented:
        rows = ((_button(conversation, id, flow.voice(conversation.locale).say("button.change"), CHANGE),),)
    label = answer_label(question, answer, flow, conversation.locale)
    return Card(text=text, buttons=rows, chosen=label, locale=conversation.locale, typing=False)


def _open_card(question: Question, text: str, flow: Flow, conversation: Conversation, wording: Wording) -> Card:
    locale, voice = conversation.locale, flow.voice(conversation.locale)
    rows = [*_answer_rows(question, flow, conversation)]
    hint = _hint("hint", question, voice)
    if wording.files and isinstance(question, OpenText):
        hint = f"{hint} {voice.say('hint.files')}"
    if question.optional:
        rows.append((_button(conversation, question.id, voice.say("button.skip"), SKIP),))
        hint = f"{hint} {voice.say('hint.skip')}"
    low = high = ""
    if isinstance(question, Rating):
        low, high = (in_locale(ends, locale, flow.locale) for ends in (question.low, question.high))
    return Card(
        text=text,
        buttons=tuple(rows),
        hint=hint,
        low=low,
        high=high,
        locale=locale,
        decline=(
            *(_refusals(conversation, question.id, voice) if wording.decline else ()),
            *(_other_languages(conversation, question.id, flow) if wording.languages else ()),
        ),
        own={key: flow.sentences[key] for key in _TAUGHT if key in flow.sentences},
    )


def _refusals(conversation: Conversation, question: str, voice: Voice) -> tuple[Button, ...]:
    """The ways to say no to the whole survey, while they are good."""
    if not may_decline(conversation):
        return ()
    pairs = (("button.decline", DECLINE), ("button.never", NEVER))
    return tuple(_button(conversation, question, voice.say(key), value) for key, value in pairs)


def _other_languages(conversation: Conversation, question: str, flow: Flow) -> tuple[Button, ...]:
    """The way to another language, while the first question waits."""
    if conversation.answers or question != conversation.asked or len(flow.locales) < 2:
        return ()
    return (_button(conversation, question, flow.voice(conversation.locale).say("button.language"), LANGUAGE),)


def _button(conversation: Conversation, question: str, label: str, value: str, *, selected: bool = False) -> Button:
    token = Token(conversation=conversation.id, turn=conversation.prompts[question], value=value)
    return Button(label=label, token=format_token(token), selected=selected)


def _answer_rows(question: Question, flow: Flow, conversation: Conversation) -> list[tuple[Button, ...]]:
    locale = conversation.locale
    match question:
        case Rating():
            scale = scale_of(question)
            return [
                tuple(
                    _button(conversation, question.id, _rating_label(question, score), str(score))
                    for score in range(scale.low, scale.high + 1)
                )
            ]
        case Choice() | Consent() | PanelInvitation():
            return [
                (_button(conversation, question.id, in_locale(option.text, locale, flow.locale), option.id),)
                for option in question.options
            ]
        case Choices():
            ticked = conversation.drafts.get(question.id, ())
            rows: list[tuple[Button, ...]] = [
                (
                    _button(
                        conversation,
                        question.id,
                        in_locale(option.text, locale, flow.locale),
                        (UNTICK if option.id in ticked else TICK) + option.id,
                        selected=option.id in ticked,
                    ),
                )
                for option in question.options
            ]
            if len(ticked) >= question.at_least:
                rows.append((_button(conversation, question.id, flow.voice(locale).say("button.done"), DONE),))
            return rows
        case OpenText() | Contact():
            return []
        case _:
            assert_never(question)


def _rating_label(rating: Rating, score: int) -> str:
    if rating.scale == "thumbs":
        return THUMBS[score]
    if rating.look == "emoji" and rating.scale == "csat5":
        return FACES[score - 1]
    if rating.look == "stars":
        return f"{score} ★"
    return str(score)


def answer_label(question: Question, answer: Answer, flow: Flow, locale: str) -> str:
    """An answer in few words, as the customer and the agents read it: "🙂 4/5", "9/10", "Slow reply"."""
    match answer.value:
        case Skipped():
            return flow.voice(locale).say("chosen.skipped")
        case Scored(score=score):
            return score_label(question, score) if isinstance(question, Rating) else str(score)
        case Chosen(options=chosen):
            options = question.options if isinstance(question, Choice | Choices | Consent | PanelInvitation) else ()
            texts = {option.id: option.text for option in options}
            return ", ".join(in_locale(texts.get(id, {}), locale, flow.locale) or id for id in chosen)
        case Worded():
            return ""
        case _:
            assert_never(answer.value)


def score_label(rating: Rating, score: int) -> str:
    """A score on its scale: "🙂 4/5", "9/10", "👍"."""
    scale = scale_of(rating)
    if rating.scale == "thumbs":
        return THUMBS[score]
    if rating.look == "emoji" and rating.scale == "csat5":
        return f"{FACES[score - 1]} {score}/{scale.high}"
    if rating.look == "stars":
        return f"{'★' * score}{'☆' * (scale.high - score)}" if scale.high <= 5 else f"{score}/{scale.high} ★"
    return f"{score}/{scale.high}"


# ---- other texts ----------------------------------------------------------------------------------------


def _hint(kind: str, question: Question, voice: Voice) -> str:
    """How this question can be answered in words; ``kind`` is "hint", or "again" for the re-ask."""
    match question:
        case Rating(scale="thumbs"):
            return voice.say(f"{kind}.thumbs")
        case Rating():
            scale = scale_of(question)
            return voice.say(f"{kind}.scale", low=scale.low, high=scale.high)
        case Choice():
            return voice.say(f"{kind}.choice")
        case Choices():
            return voice.say(f"{kind}.choices")
        case Consent() | PanelInvitation():
            return voice.say(f"{kind}.consent")
        case Contact():
            return voice.say(f"{kind}.{'contact' if question.wants == 'either' else question.wants}")
        case OpenText(required_when=condition) if condition is not None and kind == "again":
            return voice.say("again.required")
        case OpenText():
            return voice.say(f"{kind}.text")
        case _:
            assert_never(question)


def _again(flow: Flow, id: str, conversation: Conversation) -> Text:
    text = _hint("again", _question(flow, id, conversation), flow.voice(conversation.locale))
    return Text(text=text, locale=conversation.locale)


def _closed(flow: Flow, close: Close, conversation: Conversation, wording: Wording) -> Card:
    locale, voice = conversation.locale, flow.voice(conversation.locale)
    if close.withdrawn:
        return Card(text=voice.say("withdrawn"), locale=locale, typing=False)
    text = _text(_question(flow, close.question, conversation).text, flow, conversation, wording)
    chosen = None if close.refused is None else voice.say(f"button.{close.refused}")
    return Card(text=text, chosen=chosen, locale=locale, typing=False)


def _said(flow: Flow, conversation: Conversation, key: str) -> Text:
    return Text(text=flow.voice(conversation.locale).say(key), locale=conversation.locale)


def _thanks_outbound(kind: OutboundKind, conversation: Conversation, content: Text) -> Outbound:
    return msgspec.structs.replace(_outbound(kind, conversation, "", content), slot=f"t:{conversation.id}")


def _thanks(flow: Flow, conversation: Conversation, wording: Wording) -> Text:
    """Thanks by the band of the score, a welcome for who joined the panel, and the link to a public review."""
    thanks, scored = flow.thanks, _score(flow, conversation)
    special: Texts = {}
    if scored is not None:
        by_band = ByBand(question="", good=thanks.good, middling=thanks.middling, poor=thanks.poor)
        special = by_band_of(by_band, *scored)
    thanked = _text(special or thanks.otherwise, flow, conversation, wording)
    said = [thanked or flow.voice(conversation.locale).say("thanks.otherwise")]
    said += [_text(each.joined, flow, conversation, wording) for each in flow.questions if _joined(each, conversation)]
    links: tuple[Link, ...] = ()
    review = flow.review
    if review is not None and _reviewed(review, scored):
        said.append(_text(review.text, flow, conversation, wording))
        links = (Link(label=_text(review.button, flow, conversation, wording), url=review.url),)
    return Text(text="\n\n".join(filter(None, said)), locale=conversation.locale, links=links)


def _score(flow: Flow, conversation: Conversation) -> tuple[Rating, int] | None:
    rating = flow.score_question()
    answer = conversation.answers.get(rating.id) if rating else None
    if rating is None or answer is None or not isinstance(answer.value, Scored):
        return None
    return rating, answer.value.score


def _joined(question: Question, conversation: Conversation) -> TypeGuard[PanelInvitation]:
    answer = conversation.answers.get(question.id)
    return isinstance(question, PanelInvitation) and answer is not None and answer.value == Chosen(options=("yes",))


def _reviewed(review: Review, scored: tuple[Rating, int] | None) -> bool:
    """Whether the link is for this score; without bands it is for everybody."""
    if not review.bands:
        return True
    return scored is not None and band(scored[1], scale_of(scored[0])).value in review.bands
