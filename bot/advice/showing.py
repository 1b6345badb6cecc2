"""What channels would cut of a flow's texts and labels, seen by drawing every question as each of them does."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from bot.advice.walking import sample
from bot.channels.slack.drawing import draw as draw_for_slack
from bot.channels.telegram.drawing import LABEL_WIDTH
from bot.channels.telegram.drawing import draw as draw_for_telegram
from bot.config import Settings, SlackSettings, TelegramSettings
from bot.config.considered import Considered
from bot.conversations.events import Ask, Remind, Thank
from bot.conversations.flow import Flow, Thanks
from bot.conversations.prompts import Wording, word
from bot.conversations.questions import Choice, Choices, Consent, PanelInvitation, Question, Texts
from bot.conversations.text_toml import variables_of
from bot.languages import pack
from bot.messages import Button, Card, ChannelName, Text
from bot.toml_tables import Path

#: the longest value of a variable that is not far-fetched, such as the name of a product
PLAUSIBLE = 60
#: what buttons may carry, in bytes
TOKEN_BYTES = 64
#: the mark of a ticked option
_TICK = 2


class _Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One text of a flow in one language as part of a message, and where it stands in the file."""

    path: Path
    content: Card | Text


def consider_texts(flow: Flow, settings: Settings) -> Iterator[Considered]:
    """Texts that are cut, labels that a phone cuts, and buttons that would not fit."""
    telegrams = [each.name for each in settings.channels if isinstance(each, TelegramSettings)]
    slacks = [each.name for each in settings.channels if isinstance(each, SlackSettings)]
    own = settings.flow_asking.get(flow.id)
    if own is not None and own.channels:
        telegrams, slacks = ([name for name in names if name in own.channels] for names in (telegrams, slacks))
    for locale in flow.locales:
        for shown in _messages(flow, locale, settings):
            yield from _long_tokens(shown)
            if telegrams and _cut_by_telegram(shown.content):
                yield _too_long(shown, "Telegram", "4,096 characters, of which an emoji takes two")
            elif slacks and _cut_by_slack(shown.content):
                yield _too_long(shown, "Slack", "9,000 characters")
        if telegrams:
            yield from _wide_labels(flow, locale)
    yield from _no_way_out(flow, settings)


# ---- whole messages ----------------------------------------------------------------------------------------


def _messages(flow: Flow, locale: str, settings: Settings) -> Iterator[_Shown]:
    """Every question with each of its texts, first with the intro and as a reminder, and each of the thanks."""
    here: Path = ("flow", flow.id)
    for number, question in enumerate(flow.questions):
        for key, texts in _texts_of(question):
            place = (*here, "question", question.id, key, locale)
            asked = replace(question, text=texts or question.text, by_band=None, when=None)
            for prompt in (Ask(question=question.id, first=number == 0), Remind(question=question.id)):
                content = _drawn(replace(flow, questions=_alone(asked)), prompt, locale, settings)
                if isinstance(content, Card):
                    yield _Shown(path=place, content=content)
    for key in ("good", "middling", "poor", "otherwise"):
        said: Texts = getattr(flow.thanks, key)
        if locale in said:
            only = replace(flow, thanks=Thanks(otherwise=said), questions=(), score=None)
            content = _drawn(only, Thank(), locale, settings)
            if isinstance(content, Text):
                yield _Shown(path=(*here, "thanks", key, locale), content=content)


def _alone(question: Question) -> tuple[Question, ...]:
    """The question with all that it may offer, whatever was answered before it."""
    if isinstance(question, Choice | Choices):
        return (replace(question, options=tuple(replace(option, when=None) for option in question.options)),)
    return (question,)


def _texts_of(question: Question) -> Iterator[tuple[str, Texts]]:
    yield "text", question.text
    if question.by_band is not None:
        for band in ("good", "middling", "poor"):
            if texts := getattr(question.by_band, band):
                yield f"text_{band}", texts


def _drawn(flow: Flow, prompt: Ask | Remind | Thank, locale: str, settings: Settings) -> object:
    """The message with variables as long as they may plausibly be."""
    said = [flow.intro, *(question.text for question in flow.questions), *msgspec.structs.astuple(flow.thanks)]
    names = frozenset[str]().union(*(variables_of(texts) for texts in said))
    conversation = sample(flow, ChannelName("telegram"), locale, dict.fromkeys(names - {"company"}, "x" * PLAUSIBLE))
    if isinstance(prompt, Ask | Remind):
        # Turns beyond this do not occur.
        conversation = replace(conversation, asked=prompt.question, prompts={prompt.question: 9_999})
    wording = Wording(company=settings.company, decline=settings.asking.decline_buttons)
    return word(prompt, conversation, flow, wording).content


def _cut_by_telegram(content: Card | Text) -> bool:
    return not str(draw_for_telegram(content)["text"]).startswith(content.text)


def _cut_by_slack(content: Card | Text) -> bool:
    blocks: Sequence[Mapping[str, Any]] = draw_for_slack(content).blocks
    said = "".join(str(block["text"]["text"]) for block in blocks if block["type"] == "section")
    # Slack is given no characters that it would refuse, so lengths tell less than ends.
    return said.endswith("…") and not content.text.rstrip().endswith("…")


def _too_long(shown: _Shown, channel: str, limit: str) -> Considered:
    wrong = f"is cut in {channel} with all that stands around it, where its variables are long"
    return Considered(path=shown.path, wrong=wrong, right=f"A message there takes {limit}: shorten it.", own=True)


def _long_tokens(shown: _Shown) -> Iterator[Considered]:
    for button in _buttons(shown.content):
        if len(button.token.encode()) > TOKEN_BYTES:
            wrong = f"the button '{button.label[:40]}' carries more than {TOKEN_BYTES} bytes"
            path = shown.path[:4]
            yield Considered(path=path, wrong=wrong, right="Shorten the option's id.", severity="error")


def _buttons(content: Card | Text) -> list[Button]:
    return [button for row in content.buttons for button in row] if isinstance(content, Card) else []


# ---- labels ------------------------------------------------------------------------------------------------


def _wide_labels(flow: Flow, locale: str) -> Iterator[Considered]:
    """Options whose labels a phone would show with an ellipsis, in Telegram's rows."""
    for question in flow.questions:
        if not isinstance(question, Choice | Choices | Consent | PanelInvitation):
            continue
        room = LABEL_WIDTH - (_TICK if isinstance(question, Choices) else 0)
        for option in question.options:
            label = option.text.get(locale, "")
            width = width_of(label)
            if width > room:
                place: Path = ("flow", flow.id, "question", question.id)
                places = [(*place, "options", option.id, "text", locale), (*place, option.id, locale)]
                path = places[0] if isinstance(question, Choice | Choices) else places[1]
                wrong = f"a phone cuts this button in Telegram: it is {width} wide"
                fits = f"About {room} fit, as '{head(label, room)}'"
                yield Considered(path=path, wrong=wrong, right=f"{fits}.", own=True)


def width_of(text: str) -> int:
    """How wide a text is, in letters: Chinese, Japanese and Korean characters and emoji count as two.

    >>> width_of("Slow reply"), width_of("返信が遅い")
    (10, 10)
    """
    return sum(_width(character) for character in text)


def _width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Cf", "Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def head(text: str, room: int) -> str:
    """What a phone shows of a label: so much of it as fits with an ellipsis."""
    shown, width = "", 1
    for character in text:
        width += _width(character)
        if width > room:
            break
        shown += character
    return shown.rstrip() + "…"


# ---- ways out ----------------------------------------------------------------------------------------------


def _no_way_out(flow: Flow, settings: Settings) -> Iterator[Considered]:
    """Flows that tell nobody how to get no more of them, and sentences of the author's that no longer do."""
    here: Path = ("flow", flow.id)
    if not settings.asking.decline_buttons:
        silent = [tag for tag in flow.locales if not _teaches_stopping(flow, tag)]
        if silent:
            wrong = f"tells nobody how to get no more surveys ({', '.join(silent)}): decline_buttons is off"
            right = "Name a word such as STOP in its intro or first question, or set asking.decline_buttons = true."
            yield Considered(path=here, wrong=wrong, right=right)
        return
    for key in ("hint.decline", "hint.never"):
        for tag, said in flow.sentences.get(key, {}).items():
            if isinstance(said, str) and not _has_stop_word(said, tag):
                wrong = "no longer says which word gets no more surveys"
                right = f"Name one that is understood, such as {_stop_words(tag)[0].upper()}."
                own = settings.sentences.get(key, {}).get(tag) == said
                path: Path = ("sentences", key, tag) if own else (*here, "sentences", key, tag)
                yield Considered(path=path, wrong=wrong, right=right, own=True)


def _teaches_stopping(flow: Flow, tag: str) -> bool:
    first = flow.questions[0].text if flow.questions else {}
    return any(_has_stop_word(texts.get(tag, ""), tag) for texts in (flow.intro, first))


def _has_stop_word(text: str, tag: str) -> bool:
    words = {word.casefold() for word in re.findall(r"\w+", text)}
    return any(
        stop.casefold() in words or (" " in stop and stop.casefold() in text.casefold()) for stop in _stop_words(tag)
    )


def _stop_words(tag: str) -> tuple[str, ...]:
    # "stop" itself is heard in every language.
    return tuple(dict.fromkeys([*pack(tag).commands["stop"], "stop"]))
