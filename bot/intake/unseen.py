"""What in an agent's words is not to be seen by the customer, or by anybody. Pure."""

import unicodedata

#: what begins so stays among the agents
_INTERNAL = "//"
#: what formats a text, or quotes it, and may stand before its first word
_MARKS = "*_~`>•"
#: letters, marks and signs that show nothing: fillers, the blank of Braille, joiners and selectors of variations
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | frozenset(map(chr, range(0xFE00, 0xFE10)))
#: of controls, formats (zero width, direction, byte order), separators and surrogates nothing is seen either
_UNSEEN = ("Cc", "Cf", "Cs", "Zs", "Zl", "Zp")


def is_blank(text: str) -> bool:
    """Whether nothing of a text can be seen.

    >>> is_blank(" \u200b\ufeff"), is_blank("👍")
    (True, False)
    """
    return all(_is_unseen(character) for character in text)


def is_internal(text: str) -> bool:
    """Whether an agent marked a text to stay among the agents: its first word begins with two slashes.

    >>> is_internal(" *//* he called before"), is_internal("／／ x"), is_internal("Here: // no")
    (True, True, False)
    """
    beginning = ""
    for character in text:
        if _is_unseen(character) or (not beginning and character in _MARKS):
            continue
        beginning += unicodedata.normalize("NFKC", character)
        if len(beginning) >= len(_INTERNAL):
            break
    return beginning.startswith(_INTERNAL)


def _is_unseen(character: str) -> bool:
    return character in _BLANK or unicodedata.category(character) in _UNSEEN
