"""What stands behind a score: whether it takes the score back, puts another in its place, or only says why."""

import re
from collections.abc import Collection, Iterator

from bot.conversations.phrasebook import Phrasebook
from bot.conversations.plain_text import LONGEST, folded, key, spaceless

_OPENING, _CLOSING = "([{（【「『〔\"'“„«", ")]}）】」』〕\"'”“»"
_CLAUSE = re.compile(r"[,;:!.…，、；：！。،؛\n\r()（）]+|\s[-–—]+\s")
_AROUND = " \t,.;:!-–—…，、；：！。،؛()"
#: as many words as what takes a score back may have
_MOST_WORDS = 4
#: corrections that may follow each other: "no, wait, sorry, 4"
_MOST_CORRECTIONS = 4


def opened(text: str) -> str:
    """A text without the brackets or quotation marks around it, which change nothing of what it says.

    >>> opened("(very good)"), opened("(slow) and rude")
    ('very good', '(slow) and rude')
    """
    text = text.strip()
    while len(text) > 1 and text[0] in _OPENING and not any(each in _OPENING[:8] for each in text[1:]):
        inner = text[1:].rstrip(" .!")
        if inner[-1:] not in _CLOSING:
            break
        text = inner[:-1].strip()
    return text


def takes_back(comment: str, book: Phrasebook) -> bool:
    """Whether a comment says that the score before it was not meant: "just kidding", "if you refund me", "… NOT!"."""
    if _begins(key(comment[:LONGEST]), book.takes_back):
        return True
    clauses = [said for each in _CLAUSE.split(comment[-LONGEST:]) if (said := key(each.strip(_AROUND)))]
    return bool(clauses) and any(said in book.denials or said in book.takes_back for said in _forms(clauses[-1]))


def behind_correction(comment: str, book: Phrasebook) -> str:
    """What a comment puts in the place of the score: "no, sorry, 4" -> "4"; "" where it corrects nothing."""
    left = comment[:LONGEST]
    for _ in range(_MOST_CORRECTIONS):
        behind = _behind(left, book.corrections)
        if not behind:
            break
        left = behind
    return "" if len(left) == len(comment[:LONGEST]) else left


def without_but(comment: str, book: Phrasebook) -> str:
    """A comment without the "but" that it begins with, so that "but not at all" is "not at all"."""
    return _behind(comment[:LONGEST], book.buts) or comment


def joins_against(comment: str, book: Phrasebook) -> bool:
    """Whether a comment begins with what joins a "but" to an opinion, so that the opinion was meant."""
    return _begins(key(comment[:LONGEST]), book.buts)


def is_clear(comment: str, book: Phrasebook) -> bool:
    """Whether a text can only say how something was: "too slow", "very friendly", never "2 late orders"."""
    front = opened(comment)[:LONGEST]
    begun = next((said for each in _CLAUSE.split(front) if (said := key(each.strip(_AROUND)))), "")
    if not begun:
        return False
    # "too slow to be true" counts nothing, while "very slow agents" may
    behind = _behind(begun, book.too)
    return _only_says(begun, book) or bool(behind and _begins(key(behind), book.blame))


def praises(comment: str, book: Phrasebook) -> bool:
    """Whether a short text says nothing but what is good."""
    said = key(opened(comment)) if len(comment) <= LONGEST else ""
    return bool(said) and _consists(said, book.very | book.praise, book.praise)


def side_of(comment: str, book: Phrasebook) -> int:
    """Whether a comment only praises (1), only blames (-1), or neither (0)."""
    said = key(opened(comment)) if len(comment) <= LONGEST else ""
    if _consists(said, book.very | book.praise, book.praise):
        return 1
    return -int(_consists(said, book.very | book.too | book.blame, book.blame))


def _only_says(said: str, book: Phrasebook) -> bool:
    said_of = book.praise | book.blame
    return _consists(said, book.very | book.too | said_of, said_of)


def _consists(said: str, words: frozenset[str], needed: frozenset[str]) -> bool:
    """Whether a key has only some words, and at least one of those that are needed."""
    found = False
    left = said
    while left:
        word = next((each for each in _starts(left) if each in words or folded(each) in words), "")
        if not word:
            return False
        found = found or word in needed or folded(word) in needed
        left = left[len(word) :].strip(_AROUND)
    return found


def _starts(said: str) -> Iterator[str]:
    """With what a key may begin, the longest first."""
    if spaceless(said):
        yield from (said[:count] for count in range(min(len(said), 12), 0, -1))
        return
    words = said.split(" ")[:_MOST_WORDS]
    for count in range(len(words), 0, -1):
        yield " ".join(words[:count]).rstrip(_AROUND)


def _begins(said: str, words: Collection[str]) -> bool:
    return any(form in words for each in _starts(said) for form in _forms(each))


def _forms(said: str) -> tuple[str, str]:
    return said, folded(said)


def _behind(text: str, words: Collection[str]) -> str:
    """What stands behind the first of some words that a text begins with; "" for no such word or nothing behind."""
    said = key(text)
    word = next((each for each in _starts(said) if each in words or folded(each) in words), "")
    return said[len(word) :].strip(_AROUND) if word else ""
