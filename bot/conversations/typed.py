"""What a customer typed, read as a score with perhaps a comment: strictly, the same on every channel.

A number inside a sentence is no rating ("my order 5 is late"); a number off the scale is refused, never clipped.
Anybody may write anything of any length, so every text is cut before it is normalized (which takes time by the square
of its length) or matched, and what is looked at whole is walked through once.
"""

import re
import unicodedata
from collections.abc import Collection
from functools import cache, lru_cache

import msgspec

from bot.conversations.comments import (
    behind_correction,
    is_clear,
    joins_against,
    opened,
    praises,
    side_of,
    takes_back,
    without_but,
)
from bot.conversations.parts import Part, looks_like, parts, unwrapped
from bot.conversations.phrasebook import Phrasebook, phrasebook, without_courtesies
from bot.conversations.plain_text import LONGEST, bare, key, spaceless, spoken
from bot.conversations.questions import Rating, scale_of
from bot.conversations.scores import Asked, Meaning, meaning_of, number_of
from bot.conversations.symbols import agrees, framed, leaning, score_of, stars_in
from bot.languages import Pack, no_thanks_words, stop_words

#: "Too slow. 2/5"
_LAST = re.compile(r"(?P<comment>[^.!…,;\n]+)[.!…,;\n]+\s+(?P<last>[^.!…,;\n]+[.!]*)")
#: a comment of so few words that ends in a number may correct the score before it: "5, no 4"
_FEW_WORDS = 3


class Rated(msgspec.Struct, frozen=True, kw_only=True):
    """A score, and the comment that stood in the same message ("2, too slow")."""

    score: int
    comment: str = ""


def read_rating(text: str, rating: Rating, pack: Pack) -> Rated | None:
    """The score that a text gives on a rating's scale, or None where it is not clearly one.

    Accepts numbers in the digits of any script and in words, alone ("5!"), out of the scale's end ("8/10") or in one
    of the language's phrases ("I'd give it 8"), stars, faces and thumbs, opinions that are one point of the scale
    ("very good"), and the labels of its ends. Each of these may have a comment behind it, after punctuation, a line
    break or a joining word ("10 but it was late"), or beside a picture ("👎 too slow"); a mere courtesy is none.

    Refuses what may as well be a list ("1. late", "1 - late" above "2 - rude"), an amount ("5 - minutes of waiting"),
    two scores, or words that say the opposite of the score.
    """
    scale = scale_of(rating)
    if len(text) <= 2 and text.isascii() and text.isdecimal():
        return Rated(score=int(text)) if int(text) in scale else None
    text = unwrapped(text.strip())
    if 1 < len(text) <= LONGEST and set(text) == {"*"}:
        text = text.replace("*", "⭐")
    if not text or _says_no(spoken(text)):
        return None
    asked = Asked(rating=rating, scale=scale, book=phrasebook(pack.locale))
    whole = meaning_of(text, asked)
    if whole is not None:
        return Rated(score=whole.score)
    for part in parts(text, asked.book):
        after = _after_opinion(part, asked)
        if after is not None:
            return after
        meaning = meaning_of(part.head, asked)
        if meaning is not None:
            return _with_comment(meaning, part, asked, pack)
    return _behind_comment(text, asked) or _beside_pictures(text, asked, pack)


def read_bare_rating(text: str, rating: Rating, pack: Pack) -> int | None:
    """The score that a text gives with nothing beside it, as ``read_rating`` reads it; much cheaper for a sentence."""
    text = text.strip()
    if not text or len(text) > LONGEST or _says_no(spoken(text)):
        return None
    meaning = meaning_of(text, Asked(rating=rating, scale=scale_of(rating), book=phrasebook(pack.locale)))
    return None if meaning is None else meaning.score


def says_no_thanks(text: str) -> bool:
    """Whether the whole text is a "no thanks" of any language, whatever stands between its words.

    >>> says_no_thanks("No, thank you!"), says_no_thanks("Nie – dziękuję :)"), says_no_thanks("no, thanks to Ann")
    (True, True, False)
    """
    return len(text.strip()) <= LONGEST and spoken(text) in no_thanks_words()


def _says_no(said: str) -> bool:
    """Whether a text begins with a "no thanks"; what stands behind that makes no score of it."""
    words = said.split()
    if not words or words[0] not in _first_words():
        return False
    return any(" ".join(words[:count]) in no_thanks_words() for count in range(1, len(words) + 1))


@cache
def _first_words() -> frozenset[str]:
    return frozenset(words.partition(" ")[0] for words in no_thanks_words())


def is_word(text: str, words: Collection[str]) -> bool:
    """Whether the whole text is one of the words, whatever its case, quotation marks and closing punctuation.

    >>> is_word("“STOP” !", ("stop",)), is_word("please stop", ("stop",))
    (True, False)
    """
    text = text.strip()
    return len(text) <= LONGEST and _plain(text) in words


def is_label(text: str, label: str) -> bool:
    """Whether the whole text is what stands on a button, as ``is_word`` compares.

    >>> is_label("later, please!", "Later, please"), is_label("later", "Later, please")
    (True, False)
    """
    return is_word(text, (_plain(label),))


@lru_cache(maxsize=256)
def _plain(text: str) -> str:
    """A short text as the packs write their words; one text is held against a dozen lists of them."""
    # phones write another apostrophe than the packs
    return bare(text).casefold().replace("’", "'")


# ---- a score before a comment ---------------------------------------------------------------------------


def _with_comment(meaning: Meaning, part: Part, asked: Asked, pack: Pack) -> Rated | None:
    """A score with the comment behind it, unless that makes something else of it."""
    if _is_amount(meaning, part, asked.book) or _is_list(part.comment):
        return None
    if _begins_with_number(part, asked.book) or _contradicts(meaning, part, asked, pack):
        return None
    if meaning.kind == "number" and key(part.head) in asked.book.articles:
        # "ein, Witz"
        return None
    if meaning.kind == "opinion" and not part.joined and _is_said_for_manners(part, asked.book):
        return None
    keeps = number_of(opened(part.rest)[:LONGEST], asked.book) is None and bool(_worth_keeping(part.rest, asked.book))
    return Rated(score=meaning.score, comment=part.comment if keeps else "")


def _after_opinion(part: Part, asked: Asked) -> Rated | None:
    """The score of "Very good, 5/5": a number behind an opinion is what is meant, unless they are opposites."""
    opinion = asked.book.satisfaction.get(key(part.head)) if len(part.rest) <= LONGEST else None
    number = None if opinion is None else meaning_of(opened(part.rest), asked)
    if opinion is None or number is None:
        return None
    if number.kind == "opinion":
        # "bad, very bad"
        first = meaning_of(part.head, asked)
        twice = 0 if first is None else 2 * first.score - asked.scale.low - asked.scale.high
        further = twice and (2 * number.score - asked.scale.low - asked.scale.high) / twice > 1
        return Rated(score=number.score) if further else None
    if number.kind not in ("number", "phrase"):
        return None
    if leaning(number.score, asked.scale) * ((opinion > 3) - (opinion < 3)) < 0:
        return None
    return Rated(score=number.score, comment=_worth_keeping(part.head.strip(), asked.book))


def _behind_comment(text: str, asked: Asked) -> Rated | None:
    """The score of "Too slow. 2/5": in a phrase of its own, behind what can only say how it was."""
    found = _LAST.fullmatch(text) if len(text) <= LONGEST else None
    meaning = meaning_of(found["last"], asked) if found and is_clear(found["comment"], asked.book) else None
    if found is None or meaning is None or meaning.kind != "phrase":
        return None
    side = leaning(meaning.score, asked.scale) * side_of(found["comment"], asked.book)
    return Rated(score=meaning.score, comment=found["comment"]) if side >= 0 else None


def _is_said_for_manners(part: Part, book: Phrasebook) -> bool:
    """Whether "Great, another delay" begins with what may as well be said in scorn; "Great, but late" does not."""
    if key(part.head) not in book.manners or not _worth_keeping(part.comment, book):
        return False
    return not (joins_against(part.rest, book) or praises(part.rest, book))


def _is_amount(meaning: Meaning, part: Part, book: Phrasebook) -> bool:
    """Whether a number and the word behind it count something: minutes, days, euros, "8 and a half"."""
    if meaning.kind != "number" and not (meaning.kind == "phrase" and part.joined):
        return False
    first = part.rest[:1]
    return (
        first in "%‰°" or unicodedata.category(first) == "Sc"
        if first and not first.isalnum()
        else _counts(part.rest, book)
    )


def _counts(text: str, book: Phrasebook) -> bool:
    """Whether a text begins with a unit of an amount."""
    words = [key(word.strip(".,;:!?)")) for word in text[:LONGEST].split()[:2]]
    if not words:
        return False
    if spaceless(words[0]):
        return any(words[0].startswith(unit) for unit in book.units if spaceless(unit))
    return words[0] in book.units or " ".join(words) in book.units


def _begins_with_number(part: Part, book: Phrasebook) -> bool:
    """Whether a comment begins with a number: "3, 7" and "5 - 10" are no answers with a comment.

    "10 but 2 days late" is one: what stands behind a joining word may count something.
    """
    first = next((at for at, each in enumerate(part.rest) if each.isalnum()), -1)
    if first < 0 or unicodedata.category(part.rest[first]) not in (("Nd", "No") if part.joined else ("Nd",)):
        return False
    words = part.rest[first : first + LONGEST].split(maxsplit=1)
    return not (part.joined and words[0].isdecimal() and _counts(" ".join(words[1:]), book))


def _is_list(comment: str) -> bool:
    """Whether a later line begins as the next item of a list does: "2. nobody called", "2 - rude", a bare "2"."""
    return any(_is_item(line.strip()) for line in comment.splitlines()[1:])


def _is_item(line: str) -> bool:
    digits = next((at for at, each in enumerate(line[:3]) if not each.isdecimal()), min(len(line), 3))
    if digits not in (1, 2):
        return False
    behind = line[digits:].lstrip()
    return not behind or (behind[0] in ".):,;-–—、，．）：" and not behind[1:2].isdecimal())


def _contradicts(meaning: Meaning, part: Part, asked: Asked, pack: Pack) -> bool:
    """Whether the words behind a score take it back, give another one, or break off."""
    if part.joined and meaning.kind == "number" and meaning.score == 1 and not bare(part.head).isdecimal():
        # "one and only", "uno e basta"
        return True
    said = opened(part.rest)
    if looks_like(said[:LONGEST], asked.book.joins):
        # "5, but"
        return True
    said = without_but(said, asked.book)
    back = takes_back(said, asked.book) or takes_back(opened(part.comment), asked.book)
    if back and _worth_keeping(part.rest, asked.book):
        return True
    if meaning.kind == "answer" and meaning.score == 0 and _refuses(part, asked.book, pack):
        # "No, not now" says no to being asked
        return True
    keyed = key(said) if len(said) <= LONGEST else ""
    if (meaning.kind != "answer" or meaning.score) and keyed in asked.book.negations:
        return True
    other = meaning_of(said, asked)
    if other is not None and other.score != meaning.score:
        exact = ("opinion", "answer") if meaning.kind in ("opinion", "answer") else ("number", "phrase")
        # "two, three" gives two scores, and choosing one of them would be a guess
        return other.kind in exact or _opposite(other.score, meaning.score, asked)
    opinion = asked.book.satisfaction.get(keyed)
    if opinion is not None and leaning(meaning.score, asked.scale) * ((opinion > 3) - (opinion < 3)) < 0:
        return True
    unjoined = part.joined and part.comment == part.rest
    if unjoined and leaning(meaning.score, asked.scale) * side_of(said, asked.book) < 0:
        # "5 too slow"
        return True
    behind = framed(part.rest)
    if not behind.text and not agrees(meaning.score, behind.lead, asked.scale):
        return True
    return _corrects(said, asked) or _puts_another(said, meaning, asked)


def _opposite(one: int, other: int, asked: Asked) -> bool:
    return leaning(one, asked.scale) * leaning(other, asked.scale) < 0


def _refuses(part: Part, book: Phrasebook, pack: Pack) -> bool:
    """Whether what stands behind a "no" refuses the question."""
    refused = any(
        is_word(part.comment, words) for words in (pack.commands["not_now"], pack.recovery["calm"], stop_words())
    )
    return refused or not _worth_keeping(part.comment, book)


def _corrects(comment: str, asked: Asked) -> bool:
    """Whether a short comment ends in another number of the scale: "no 4", "sorry, 3"."""
    words = comment.split() if len(comment) <= LONGEST else []
    if not 1 < len(words) <= _FEW_WORDS:
        return False
    last = key(words[-1].strip("()"))
    number = number_of(last, asked.book) if last.isdecimal() else None
    return number is not None and number in asked.scale


def _puts_another(comment: str, meaning: Meaning, asked: Asked) -> bool:
    """Whether a comment puts another score in the place of the first: "no, 4: the parcel was late"."""
    behind = behind_correction(comment, asked.book)
    if not behind:
        return False
    first = re.match(r"[^\W_]+", behind)
    word = first[0] if first else ""
    ends = not behind[len(word) :].strip() or not behind[len(word) :][:1].isspace()
    number = number_of(word, asked.book) if word.isdecimal() or ends else None
    if number is not None and number in asked.scale:
        return not _counts(behind[len(word) :], asked.book)
    other = meaning_of(behind, asked)
    return other is not None and other.score != meaning.score


def _worth_keeping(comment: str, book: Phrasebook) -> str:
    """A comment as written; nothing where it is only punctuation, pictures or courtesies."""
    if not any(each.isalnum() for each in comment):
        return ""
    words = framed(comment.strip()).text
    if len(words) > LONGEST:
        return comment
    keyed = key(words)
    return "" if keyed in book.manners or not without_courtesies(keyed, book) else comment


# ---- a picture beside words -----------------------------------------------------------------------------


def _beside_pictures(text: str, asked: Asked, pack: Pack) -> Rated | None:
    """A score in pictures with words behind it, or in front of it where the pictures can be nothing but an answer."""
    found = framed(text)
    if not found.lead and not found.tail:
        return None
    score = score_of(found.lead, asked.rating, asked.scale)
    if score is not None:
        part = Part(head=found.lead, comment=text[text.index(found.text) :].strip(), rest=found.text)
        if not any(each.isalnum() for each in found.text):
            return None
        words = _has_words(found.text) or not _worth_keeping(found.text, asked.book)
        return _with_comment(Meaning(score=score, kind="picture"), part, asked, pack) if words else None
    score = score_of(found.tail, asked.rating, asked.scale)
    if score is None or found.lead or not _answers_in_front(found.text, found.tail, asked, pack):
        return None
    comment = found.text.rstrip("-–—:, ")
    part = Part(head=found.tail, comment=comment, rest=comment)
    return _with_comment(Meaning(score=score, kind="picture"), part, asked, pack)


def _has_words(text: str) -> bool:
    """Whether a text begins with a word or two, and not with what may belong to the picture: "⭐x5"."""
    front = text[:LONGEST]
    first = (front.split(maxsplit=1) or [""])[0]
    return sum(each.isalnum() for each in front) > 1 and not any(each.isdecimal() for each in first)


def _answers_in_front(words: str, run: str, asked: Asked, pack: Pack) -> bool:
    """Whether pictures behind words are an answer.

    A smile or a thumb up may end any sentence ("I'll do it later 👍"), and a number be anything's.
    """
    if "👍" in run or (asked.rating.look != "emoji" and not stars_in(run) and "👎" not in run):
        return False
    if not _has_words(words) or any(each.isdecimal() or each in "?？؟" for each in words):
        return False
    return not any(is_word(words, each) for each in (*pack.commands.values(), pack.yes, pack.no))
