"""What a language has for scores, made ready once per pack: numbers, ways to put them, opinions, courtesies."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from bot.conversations.plain_text import folded, key, spaceless
from bot.conversations.questions import ScaleName
from bot.languages import Pack, articles_heard, numbers_heard, pack, thanks_heard

#: around the words of a courtesy: "thanks, bye!"
_MARKS = "-–—,.;:!،؛()~"
#: as many words as a courtesy may have
_MOST_WORDS = 5
_NO_POINTS: Mapping[str, int] = MappingProxyType({})
#: the scale's points that a pack's sentences name
_LABELS: Mapping[ScaleName, Mapping[str, int]] = {
    "nps": {"low": 0, "high": 10},
    "csat5": {"1": 1, "2": 2, "3": 3, "4": 4, "5": 5},
    "csat10": {"low": 1, "high": 10},
    "ces7": {"low": 1, "high": 7},
    "thumbs": {"0": 0, "1": 1},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A way to put a score: what stands before and behind it, without accents."""

    before: str
    behind: str
    #: it counts stars
    stars: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EndFrame:
    """A way to put a score together with its scale's end."""

    before: str
    between: str
    behind: str
    score_first: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrasebook:
    """One language's ways to put a score; all words are keys as ``plain_text.key`` makes them."""

    numbers: Mapping[str, int]
    #: the first words of all numbers
    number_starts: frozenset[str]
    frames: tuple[Frame, ...]
    end_frames: tuple[EndFrame, ...]
    #: joining words that stand between spaces, and those of languages that write none
    joins: frozenset[str]
    join_starts: frozenset[str]
    glued_joins: tuple[str, ...]
    courtesies: frozenset[str]
    courtesy_starts: frozenset[str]
    courtesy_ends: frozenset[str]
    #: courtesies that are opinions as well: "great"
    manners: frozenset[str]
    glued_courtesies: tuple[str, ...]
    units: frozenset[str]
    yes: frozenset[str]
    no: frozenset[str]
    #: all of these refuse what stands before them, as in "good, not really"
    negations: frozenset[str]
    #: what takes a score back where a comment begins with it, and what does where a comment ends in it
    takes_back: frozenset[str]
    denials: frozenset[str]
    corrections: frozenset[str]
    articles: frozenset[str]
    buts: frozenset[str]
    very: frozenset[str]
    too: frozenset[str]
    praise: frozenset[str]
    blame: frozenset[str]
    #: what is, as a whole, a point of the scale, and the same without accents for what has several words
    points: Mapping[ScaleName, Mapping[str, int]]
    #: the names that the pack itself gives to a scale's points
    labels: Mapping[ScaleName, Mapping[str, int]]
    #: "very good" -> 5, on whatever scale is asked
    satisfaction: Mapping[str, int]


@cache
def phrasebook(locale: str) -> Phrasebook:
    """The phrasebook of the pack that a language tag has."""
    spoken = pack(locale)
    frames, end_frames = _templates(spoken)
    numbers = {key(word): number for word, number in numbers_heard(spoken.locale).items()} | {"🔟": 10}
    joins = _keys(spoken.joins)
    satisfaction = _opinions(spoken, "satisfaction")
    manners = _keys((*spoken.courtesies, *thanks_heard(spoken.locale)))
    courtesies = manners - satisfaction.keys()
    return Phrasebook(
        numbers=MappingProxyType(numbers),
        number_starts=frozenset(word.partition(" ")[0] for word in numbers),
        frames=frames,
        end_frames=end_frames,
        joins=frozenset(join for join in joins if not spaceless(join)),
        join_starts=frozenset(join.partition(" ")[0] for join in joins),
        glued_joins=_longest_first(join for join in joins if spaceless(join)),
        courtesies=courtesies,
        courtesy_starts=frozenset(each.partition(" ")[0] for each in courtesies),
        courtesy_ends=frozenset(each.rpartition(" ")[2] for each in courtesies),
        manners=manners & satisfaction.keys(),
        glued_courtesies=_longest_first(each for each in courtesies if spaceless(each)),
        units=_keys(spoken.units),
        yes=_keys(spoken.yes),
        no=_keys(spoken.no),
        negations=_keys((*spoken.no, *spoken.recovery["no"])),
        takes_back=_keys(spoken.takes_back),
        denials=_keys(spoken.denials),
        corrections=_keys(spoken.corrections),
        articles=_keys(articles_heard()),
        buts=_keys(spoken.buts),
        very=_keys(spoken.very),
        too=_keys(spoken.too),
        praise=_keys((*spoken.praise, *(word for word, point in satisfaction.items() if point > 3))),
        blame=_keys((*spoken.blame, *(word for word, point in satisfaction.items() if point < 3))),
        points=MappingProxyType(
            {
                "csat5": satisfaction,
                "thumbs": MappingProxyType(
                    {word: int(point > 3) for word, point in satisfaction.items() if point != 3}
                    | dict(_opinions(spoken, "thumbs"))
                ),
                "ces7": _opinions(spoken, "ease"),
                "nps": _opinions(spoken, "likelihood"),
                "csat10": _NO_POINTS,
            }
        ),
        labels=MappingProxyType({scale: _labels(spoken, scale) for scale in _LABELS}),
        satisfaction=satisfaction,
    )


def _keys(words: Iterable[str]) -> frozenset[str]:
    return frozenset(keyed for word in words for keyed in (key(word), folded(key(word))) if keyed)


def _longest_first(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(words, key=lambda word: (-len(word), word)))


def _opinions(spoken: Pack, name: str) -> Mapping[str, int]:
    """Also without accents, but for single words: Vietnamese "tồi" (bad) is no "tôi" (I)."""
    exact = {key(word): point for word, point in spoken.opinions.get(name, _NO_POINTS).items()}
    return MappingProxyType(_unaccented(exact) | exact)


def _labels(spoken: Pack, scale: ScaleName) -> Mapping[str, int]:
    exact = {key(spoken.sentences[f"scale.{scale}.{end}"]): point for end, point in _LABELS[scale].items()}
    return MappingProxyType(_unaccented(exact) | exact)


def _unaccented(points: Mapping[str, int]) -> dict[str, int]:
    meanings: dict[str, set[int]] = {}
    for word, point in points.items():
        if " " in word:
            meanings.setdefault(folded(word), set()).add(point)
    return {word: min(found) for word, found in meanings.items() if len(found) == 1}


def _templates(spoken: Pack) -> tuple[tuple[Frame, ...], tuple[EndFrame, ...]]:
    frames: dict[Frame, None] = {}
    end_frames: dict[EndFrame, None] = {EndFrame(before="", between="/", behind="", score_first=True): None}
    for template in (*spoken.score_phrases, *spoken.star_phrases):
        pieces = _pieces(template)
        if "{end}" in pieces:
            end_frames[_end_frame(pieces)] = None
        else:
            before, _, behind = pieces
            frames[Frame(before=before, behind=behind, stars=template in spoken.star_phrases)] = None
    return tuple(frames), tuple(end_frames)


def _pieces(template: str) -> list[str]:
    """A template's texts and variables in turn, the texts as keys without accents."""
    squeezed = "".join(template.split()) if spaceless(template) else template
    pieces = squeezed.replace("{", "\x00{").replace("}", "}\x00").casefold().split("\x00")
    return [each if each.startswith("{") else _text(each) for each in pieces]


def _text(piece: str) -> str:
    """A template's text as a key, with the spaces that divide it from the number."""
    inner = folded(key(piece))
    if not inner:
        return " " if piece else ""
    return (" " if piece[0].isspace() else "") + inner + (" " if piece[-1].isspace() else "")


def _end_frame(pieces: list[str]) -> EndFrame:
    before, first, between, _, behind = pieces
    return EndFrame(before=before, between=between, behind=behind, score_first=first == "{score}")


def without_courtesies(keyed: str, book: Phrasebook) -> str:
    """A key without the courtesies at its ends: "5 thanks" -> "5", "hello, 5 please" -> "5"; "" for nothing else."""
    if not keyed or not book.courtesies:
        return keyed
    if spaceless(keyed):
        return _unglued(keyed, book)
    words = keyed.split(" ")
    start, end = 0, len(words)
    while words[start].strip(_MARKS) in book.courtesy_starts:
        taken = _courtesy(words[start : min(end, start + _MOST_WORDS)], book, front=True)
        start += taken
        if not taken or start == end:
            break
    while start < end and words[end - 1].strip(_MARKS) in book.courtesy_ends:
        taken = _courtesy(words[max(start, end - _MOST_WORDS) : end], book, front=False)
        end -= taken
        if not taken:
            break
    if (start, end) == (0, len(words)):
        return keyed
    return key(" ".join(words[start:end]).strip(",.;:!،؛ ").removesuffix(" -").removeprefix("- "))


def _courtesy(words: list[str], book: Phrasebook, *, front: bool) -> int:
    """With how many of some words a courtesy begins or ends."""
    said = [word.strip(_MARKS) for word in words]
    for count in range(len(said), 0, -1):
        some = said[:count] if front else said[-count:]
        if " ".join(filter(None, some)) in book.courtesies:
            return count
    return 0


def _unglued(keyed: str, book: Phrasebook) -> str:
    marks = "、。，,.!;:~〜ー… "
    before = None
    while keyed != before:
        before = keyed
        for word in book.glued_courtesies:
            keyed = keyed.removeprefix(word).removesuffix(word).strip(marks)
    return keyed
