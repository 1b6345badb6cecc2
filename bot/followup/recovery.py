"""The question that a customer is asked after a case was resolved: is it fixed? And what they answer to it. Pure.

It is no survey: it has no score, belongs to one resolution of one case, and its answer changes that case.
"""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from bot.conversations.prompts import lane_of
from bot.followup.cases import Case
from bot.languages import pack, say
from bot.languages.voice import Voice
from bot.messages import Button, Card, Outbound, OutboundKind, RecoveryToken, RecoveryValue, format_token

#: A longer beginning is no bare answer; behind a "no" the text may be as long as it likes.
_LONGEST = 60
_QUOTES = "\"'“”„«»`"
_SEPARATORS = ",;:.!—–\n\r"
#: the numbers that a channel without buttons shows before the labels
_NUMBERS: tuple[tuple[str, RecoveryValue], ...] = (("1", "yes"), ("2", "no"))
_SYMBOLS: tuple[tuple[str, RecoveryValue], ...] = (("👍", "yes"), ("✅", "yes"), ("👎", "no"), ("❌", "no"))
#: what is as good as thanks beside a yes
_KIND = ("👍", "✅", "🙏", "👌", "😊", "🙂", "😀", "😃", "😄", "❤")
#: variation selectors, the keycap's frame and skin tones say nothing
_DECORATION = dict.fromkeys([0xFE0E, 0xFE0F, 0x20E3, *range(0x1F3FB, 0x1F400)])
#: emoji, with what colours and joins them
_SIGNS, _VARIANTS = ("So", "Sk", "Cf"), "\ufe0e\ufe0f"
#: ":(", ":'-(", "=/", ":D", "((", "</3", "T_T": at the end of a text, and not as part of a word
_FACE = re.compile(r"(?:>?[:;=][',^o-]?[()\[\]{}/\\|DPpOo3*@$]+|\(+|\)+|</?3|(?<!\w)T_T|>_<|-_-)\Z")
_LONGEST_FACE = 12
_APOSTROPHES = str.maketrans("’‘ʼ", "'''")


def fixed_card(case: Case, voice: Voice) -> Card:
    """The question with its two buttons, in the customer's language."""
    values: tuple[RecoveryValue, ...] = ("yes", "no")
    row = tuple(
        Button(
            label=voice.say(f"recovery.{value}"),
            token=format_token(RecoveryToken(case=case.id, resolution=case.resolution, value=value)),
        )
        for value in values
    )
    return Card(text=voice.say("recovery.ask"), buttons=(row,), hint=voice.say("recovery.hint"), locale=voice.locale)


def fixed_slot(case: Case) -> str:
    return f"fixed:{case.id}:{case.resolution}"


def fixed_outbound(case: Case, voice: Voice, kind: OutboundKind, chosen: RecoveryValue | None = None) -> Outbound:
    """The message that asks, or the edit that shows the answer (None: nobody answered) and takes the buttons away."""
    if kind == "edit":
        label = None if chosen is None else voice.say(f"recovery.{chosen}")
        card = Card(text=voice.say("recovery.ask"), chosen=label, locale=voice.locale, typing=False)
    else:
        card = fixed_card(case, voice)
    return Outbound(kind=kind, to=case.address, lane=lane_of(case.address), slot=fixed_slot(case), content=card)


def read_recovery(text: str, voice: Voice) -> tuple[RecoveryValue, str] | None:
    """What a text answers to "Is it fixed?", and the customer's words beside a "no"; None where it is no clear answer.

    A clear answer is yes or no in the customer's language, a button's label or number, or a symbol; a yes may come
    with thanks, a no with what is still wrong. "No problem" is no "no", and "yes, but …" no "yes".

    >>> read_recovery("No, it still crashes", Voice("en")), read_recovery("Yes, but it is slow", Voice("en"))
    (('no', 'it still crashes'), None)
    """
    text = text.strip()
    answers, kind = _answers_of(voice), _kind(voice.locale)
    whole = answers.get(_bare(text)) if len(text) <= _LONGEST else None
    if whole is not None:
        return whole, ""
    bare, faces = _without_faces(text)
    if answers.get(_bare(bare)) == "no" and not any(sign in faces for sign in _KIND):
        return "no", ""
    value, rest = _split(text, answers)
    parts = [_bare(part) for part in _parts(rest)]
    if value == "yes":
        return ("yes", "") if parts and all(part in kind for part in parts) else None
    if value is None or not parts or parts[0] in kind:
        return None
    said = _without_faces(rest)[0]
    return "no", rest if said and answers.get(_bare(said[:_LONGEST])) != "no" else ""


def _without_faces(text: str) -> tuple[str, str]:
    """A text without the emoticons and emoji at its end, and these; they are no words."""
    end = len(text.rstrip())
    while end:
        last = text[end - 1]
        if unicodedata.category(last) in _SIGNS or last in _VARIANTS or last.isspace():
            end -= 1
        elif face := _FACE.search(text, max(0, end - _LONGEST_FACE), end):
            end = face.start()
        else:
            break
    return text[:end].rstrip(_SEPARATORS + " "), text[end:]


def _split(text: str, answers: Mapping[str, RecoveryValue]) -> tuple[RecoveryValue | None, str]:
    """The answer that a text begins with, and what the customer wrote behind it; None where it begins with none."""
    front = text[:_LONGEST]
    for at in range(1, len(front)):
        head, rest = _bare(front[:at]), text[at:].lstrip(f"{_SEPARATORS})- \t")
        value = answers.get(head)
        if value is None or not _ends(front, at, head, value):
            continue
        if head.isdecimal() and front[at] in ".:)" and answers.get(_bare(rest[:_LONGEST])) != value:
            return None, ""  # a label behind its own number is an echo of the question; else a list begins here
        return value, rest
    return None, ""


def _ends(front: str, at: int, head: str, value: RecoveryValue) -> bool:
    """Whether an answer ends here: at a separator, or at a space behind a symbol, or at a space before what is kind."""
    if front[at] in _SEPARATORS or (front[at] == ")" and head.isdecimal()):
        return True
    if front[at] == "-":
        return front[at - 1].isspace()
    # "no problem" and "yes but" show why a space is not enough behind a word
    return front[at].isspace() and (value == "yes" or head in dict(_SYMBOLS)) and front[at + 1 : at + 2] not in "-–—"


def _parts(text: str) -> list[str]:
    """What stands between separators, of the beginning of a text."""
    for separator in _SEPARATORS:
        text = text.replace(separator, ",")
    return [part for part in text.split(",") if part.strip()]


def _answers_of(voice: Voice) -> Mapping[str, RecoveryValue]:
    """Every bare answer in a language, with the author's labels of the buttons where they are other than ours."""
    known = _answers(voice.locale)
    values: tuple[RecoveryValue, ...] = ("yes", "no")
    own = {_bare(voice.say(f"recovery.{value}")): value for value in values if f"recovery.{value}" in voice.own}
    return {**known, **own} if own else known


@cache
def _answers(locale: str) -> Mapping[str, RecoveryValue]:
    """Every bare answer in a language, by the form that texts are compared in."""
    words = pack(locale).recovery
    values: tuple[RecoveryValue, ...] = ("yes", "no")
    said = {_bare(word): value for value in values for word in words[value]}
    labels = {_bare(say(locale, f"recovery.{value}")): value for value in values}
    return MappingProxyType({**said, **labels, **dict(_NUMBERS), **dict(_SYMBOLS)})


@cache
def _kind(locale: str) -> frozenset[str]:
    """What may stand behind a yes, and makes no sense behind a no."""
    words = pack(locale).recovery
    return frozenset(_bare(word) for name in ("yes", "thanks", "calm") for word in words[name]) | frozenset(_KIND)


def _bare(text: str) -> str:
    """A short text in the form that answers are compared in: composed, case-folded, without quotes and end marks."""
    plain = unicodedata.normalize("NFKC", text[:_LONGEST]).translate(_DECORATION).translate(_APOSTROPHES)
    spaced = " ".join(plain.casefold().split())
    return spaced.lstrip(_QUOTES).rstrip(f"{_QUOTES}{_SEPARATORS} ").strip()
