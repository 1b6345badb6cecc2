"""The options of a choice that a text names, by number or by label."""

import unicodedata
from collections.abc import Iterable

from bot.conversations.plain_text import bare
from bot.conversations.questions import Choice, Choices, in_locale

#: a longer text is no list of options
_LONGEST_LIST = 1_000
_SEPARATORS = str.maketrans(dict.fromkeys(";；\n，、،؛", ","))


def read_options(text: str, question: Choice | Choices, locale: str, fallback: str) -> tuple[str, ...] | None:
    """The option ids that a text names, by number from 1 or by label, in the question's order.

    A number may be in the digits of any script, a label in any language of the flow. One for a single choice; for a
    multiple choice "1, 3" or labels with commas. None where any part names nothing.
    """
    text = text.strip()
    if len(text) > _LONGEST_LIST:
        return None
    names = _names(question, locale, fallback)
    whole = names.get(_name(text))
    if whole:
        return (whole,)
    if isinstance(question, Choice):
        return None
    parts = [name for part in _parts(text) if (name := _name(part))]
    found = {names.get(part) for part in parts}
    if not found or not all(found):
        return None
    return tuple(option.id for option in question.options if option.id in found)


def _parts(text: str) -> list[str]:
    """A list's parts: between commas, semicolons and line breaks, and from each number on that follows a space."""
    parts: list[str] = []
    for part in text.translate(_SEPARATORS).split(","):
        words: list[str] = []
        for word in part.split():
            if word[0].isdecimal() and words:
                parts.append(" ".join(words))
                words = []
            words.append(word)
        parts.append(" ".join(words))
    return parts


def _name(text: str) -> str:
    """What is compared: no case, no closing punctuation, digits as 0-9."""
    bared = bare(text)
    if not bared.isdecimal() or text.isascii():
        return bared.casefold()
    if any(unicodedata.decomposition(each).startswith(("<super>", "<sub>")) for each in text):
        # a power is no number
        return text
    return "".join(str(unicodedata.decimal(each)) for each in bared)


def _names(question: Choice | Choices, locale: str, fallback: str) -> dict[str, str]:
    """What an option may be called -> its id; "" for a name of two options, as the label "2" beside the number 2.

    What the customer reads comes first: a label of another language counts where it is none of theirs.
    """
    own: dict[str, str] = {}
    for number, option in enumerate(question.options, start=1):
        _add(own, (str(number), in_locale(option.text, locale, fallback)), option.id)
    others: dict[str, str] = {}
    for option in question.options:
        _add(others, option.text.values(), option.id)
    return others | own


def _add(names: dict[str, str], texts: Iterable[str], id: str) -> None:
    for text in texts:
        name = _name(text)
        names[name] = id if names.get(name, id) == id else ""
