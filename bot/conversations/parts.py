"""Where in a message a score may end and a comment begin, in the customer's own spelling."""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from bot.conversations.comments import is_clear
from bot.conversations.phrasebook import Phrasebook
from bot.conversations.plain_text import LONGEST, bare, folded, key, spaceless

_DASHES = "-–—"
_BREAKS = "\n\r\v\f\x85\u2028\u2029"
#: end a part of a sentence where white space follows, and where nothing needs to
_MARKS, _WIDE_MARKS = ",;:!.", "，、；：！。،؛"
#: end it right before a letter as well
_TIGHT = ",;!"
_DOTS = re.compile(r"\s?(?:\.{2,}|…)[.…]*")
_END = re.compile(rf"[\s({_MARKS}…{_WIDE_MARKS}{re.escape(_DASHES)}{_BREAKS}]")
#: "2太慢了"
_NUMBER = re.compile(r"\d{1,2}(?=[^\W\d])")
#: around a whole answer: "(5)", "*5*"
_WRAPPED = {"(": ")", "[": "]", "*": "*", "_": "_"}
#: as many words as a joining word may have
_MOST_JOINED = 3
#: of a text of so many parts, none of which is a score by then, none will be
_MOST_PARTS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A place where a score may end and a comment begin; texts as written."""

    head: str
    comment: str
    #: the comment without the word that joins it ("but it was late" -> "it was late")
    rest: str
    joined: bool = False


def unwrapped(text: str) -> str:
    """A short text out of the brackets around it, or out of the marks that make it bold."""
    inner = text[1:-1].strip()
    wrapped = 2 < len(text) <= LONGEST and _WRAPPED.get(text[0]) == text[-1] and not {text[0], text[-1]} & set(inner)
    return inner if wrapped else text


def parts(text: str, book: Phrasebook) -> Iterator[Part]:
    """A text's possible answers and the comments behind them, in the customer's own spelling, the shortest first."""
    front = text[:LONGEST]
    found = 0
    for at in _ends(front, book):
        part = _punctuated(text, front, at) or _joined(text, front, at, book)
        if part is None:
            continue
        if front[at] == "." and bare(part.head).isdecimal() and not _DOTS.match(front, at):
            # "1. late" may as well be the first item of a list
            return
        yield part
        found += 1
        if found == _MOST_PARTS:
            return


def _ends(front: str, book: Phrasebook) -> Iterable[int]:
    """Where an answer may end: before punctuation, white space, and joining words that are written without."""
    found = [end.start() for end in _END.finditer(front, 1)]
    if not front.isascii() and spaceless(front):
        found += [at for join in book.glued_joins if (at := front.find(join, 1)) > 0]
        found += [number.end()] if (number := _NUMBER.match(front)) else []
    return sorted(set(found)) if len(found) > 1 else found


def _punctuated(text: str, front: str, at: int) -> Part | None:
    end = _separator_ends(front, at)
    if not end:
        return None
    comment = text[end:].lstrip()
    return Part(head=front[:at], comment=comment, rest=comment)


def _separator_ends(front: str, at: int) -> int:
    """Where a separator that begins at ``at`` ends; 0 where none begins there."""
    mark, follows = front[at], front[at + 1 : at + 2]
    dots = _DOTS.match(front, at)
    if dots:
        return dots.end() if dots.end() < len(front) else 0
    if mark in _BREAKS or mark in _WIDE_MARKS or mark == "—":
        return at + 1
    if mark in _MARKS:
        return at + 1 if follows.isspace() or (mark in _TIGHT and follows.isalpha()) else 0
    if mark == "(" and (front[at - 1].isspace() or _opens_words(front[at + 1 :])):
        return at
    if mark in _DASHES and front[at - 1].isspace():
        end = len(front) - len(front[at:].lstrip(_DASHES))
        return end if front[end : end + 1].isspace() else 0
    return 0


def _opens_words(behind: str) -> bool:
    """Whether words stand behind a bracket that follows a score at once: "2(too slow)", and not "2(s)"."""
    return len(behind) > 2 and behind[:2].isalpha()


def _joined(text: str, front: str, at: int, book: Phrasebook) -> Part | None:
    """A part before a joining word, or before an opinion that is all there is ("5 excellent")."""
    for join in book.glued_joins:
        if front.startswith(join, at):
            return _joined_part(front[:at], text[at:], text[at + len(join) :])
    if front[at - 1].isdecimal() and spaceless(front[at]) and is_clear(text[at:], book):
        return _joined_part(front[:at], text[at:], text[at:])
    if not front[at].isspace() or front[at - 1].isspace():
        return None
    behind = text[at : at + LONGEST].split(maxsplit=_MOST_JOINED)[:_MOST_JOINED]
    if behind and looks_like(behind[0], book.join_starts):
        for count in range(len(behind), 0, -1):
            if looks_like(" ".join(behind[:count]), book.joins):
                return _joined_part(front[:at], text[at:], "".join(text[at:].split(maxsplit=count)[count:]))
    if front[at + 1 : at + 2].isalpha() and any(map(str.isdecimal, front[:at])) and is_clear(text[at:], book):
        # "2 too slow"
        return _joined_part(front[:at], text[at:], text[at:])
    if len(text) > LONGEST:
        return None
    if bare(front[:at]).isdecimal() and key(text[at:]) in book.numbers:
        # "5 five"
        return _joined_part(front[:at], text[at:], text[at:])
    # "5 excellent", "excellent 5"
    opinion = text[at:] if front[0].isdecimal() else front[:at] if front[at + 1 : at + 2].isdecimal() else ""
    return _joined_part(front[:at], text[at:], text[at:]) if opinion and key(opinion) in book.satisfaction else None


def looks_like(text: str, words: Collection[str]) -> bool:
    keyed = text.casefold() if text.isascii() else key(text)
    return keyed in words or folded(keyed) in words


def _joined_part(head: str, comment: str, rest: str) -> Part | None:
    left = rest.strip(" \t,，、")
    return Part(head=head, comment=comment.strip(), rest=left, joined=True) if left else None
