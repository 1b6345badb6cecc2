"""All that may stand in a config file, heard from its own readers: they read files made to lead them everywhere."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from functools import cache
from typing import Any

import msgspec

from bot.config.environment import Environment
from bot.config.reading import read_settings
from bot.toml_journal import (
    EACH,
    NAME,
    Asked,
    Block,
    Blocks,
    Either,
    Journal,
    Names,
    OneOf,
    Path,
    Several,
    Shape,
    Unknown,
)
from bot.toml_tables import Findings, Table

#: A general path: ("flow", "[]", "question"), ("channels", "<name>"); a shape that may hold itself begins anew.
Place = tuple[str, ...]

#: How many choices of one table are tried together.
_TOGETHER = 2
#: Readers that say what a key is by what they find need something to find: conditions, above all. The variant's
#: questions are there because whatever its base has may be left out.
_SEED = """
[[flow]]
id = "other"
variant_of = "seed"
share = "20%"

[[flow]]
id = "another"
variant_of = "seed"
share = "20%"
question = [
  { id = "one", type = "choice" },
  { id = "reason", type = "choices" },
  { id = "words", type = "text" },
  { id = "agreed", type = "consent" },
]

[[flow]]
id = "standard"
preset = "csat"
languages = ["en"]
question = [{ id = "score" }, { id = "reasons" }, { id = "comment" }]

[[flow]]
id = "seed"
languages = ["en"]
title = "Seed"
question = [
  { id = "score", type = "csat5", text = "?" },
  { id = "likely", type = "nps", text = "?" },
  { id = "reason", type = "choices", options = [{ id = "a", text = "A" }, { id = "b", text = "B" }], text = "?" },
  { id = "one", type = "choice", options = [{ id = "a", text = "A" }, { id = "b", text = "B" }], text = "?" },
  { id = "words", type = "text", text = "?" },
  { id = "agreed", type = "consent", text = "?" },
  { id = "1", type = "text", text = "?", when = { question = "score", at_least = 2, at_most = 3 } },
  { id = "2", type = "text", text = "?", when = { question = "score", band = "satisfied" } },
  { id = "3", type = "text", text = "?", when = { question = "score", bands = ["satisfied"] } },
  { id = "4", type = "text", text = "?", when = { question = "likely", band = "promoter" } },
  { id = "5", type = "text", text = "?", when = { question = "likely", bands = ["promoter"] } },
  { id = "6", type = "text", text = "?", when = { question = "reason", chose = ["a"] } },
  { id = "7", type = "text", text = "?", when = { question = "words", answered = true } },
  { id = "8", type = "text", text = "?", when = { attribute = "channel", is = ["web"] } },
  { id = "9", type = "text", text = "?", when = { all = [{ question = "words", answered = true }] } },
  { id = "10", type = "text", text = "?", when = { any = [{ question = "words", answered = true }] } },
  { id = "11", type = "text", text = "?", when = { not = { question = "words", answered = true } } },
]
"""


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One key of a block. ``needed``: without it the file is refused, whatever else stands there."""

    name: str
    shape: Shape
    default: object = None
    needed: bool = False


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """One block of the file.

    ``deciding`` is the key whose value says which other keys there are ("kind"); ``branches`` then hold the keys for
    each of its values, and ``keys`` those of all of them together.
    """

    place: Place
    keys: Mapping[str, Key]
    deciding: str = ""
    branches: Mapping[str, Mapping[str, Key]] = {}
    names: Names | None = None


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """All blocks by their places; the file itself is ``()``. ``shaped``: where a block stands that may hold itself."""

    blocks: Mapping[Place, Heard]
    shaped: Mapping[Place, str]


@cache
def heard() -> Book:
    """What the readers ask for. Reads some hundred files, in memory."""
    tables: dict[Place, list[_Once]] = {}
    names: dict[Place, Names] = {}
    shaped: dict[Place, str] = {}
    for data, journal in _readings():
        for path, found in journal.named.items():
            names[journal.general(path)] = found
        for path, shape in journal.shaped.items():
            shaped[journal.outside(path)] = shape
        for path, asked in journal.tables.items():
            named = _named(asked, journal.named.get(path))
            once = _Once(asked=named, values=_at(data, path))
            # What a variant has from its base stands at a path of its own where the file has nothing.
            if once.values or not any(each.present for each in asked.values()):
                tables.setdefault(journal.general(path), []).append(once)
    blocks = {place: _block(place, several, names.get(place)) for place, several in tables.items()}
    return Book(blocks=blocks, shaped=shaped)


class _Once(msgspec.Struct, frozen=True, kw_only=True):
    """One table of one reading: what was asked of it, and what stood in it."""

    asked: Mapping[str, Asked]
    values: Mapping[str, object]


def _named(asked: Mapping[str, Asked], names: Names | None) -> Mapping[str, Asked]:
    return dict.fromkeys([NAME], next(iter(asked.values()))) if names is not None and asked else asked


# ---- leading the readers everywhere -----------------------------------------------------------------------


def _readings() -> Iterator[tuple[dict[str, Any], Journal]]:
    """Readings of files that have every block there is, with each choice made in each way."""
    waiting: list[dict[str, Any]] = [{}, tomllib.loads(_SEED)]
    tried: set[tuple[Place, frozenset[tuple[str, str]]]] = set()
    while waiting:
        data = waiting.pop()
        journal = _read(data)
        read = deepcopy(data)
        more = _fill(data, journal)
        yield read, journal
        if more:
            waiting.append(data)
            continue
        for path, key, value in _choices(journal):
            table = {**_at(data, path), key: value}
            made = frozenset((name, table[name]) for name in _chosen(journal.tables[path], table))
            trial = (journal.general(path), made)
            if len(made) <= _TOGETHER and trial not in tried:
                tried.add(trial)
                other = deepcopy(data)
                _at(other, path)[key] = value
                waiting.append(other)


def _read(data: Mapping[str, Any]) -> Journal:
    journal = Journal()
    read_settings(Table(data, (), Findings(journal)), Environment({}))
    return journal


def _fill(data: dict[str, Any], journal: Journal) -> bool:
    """Add every block that was asked for and is not there; whether there was any."""
    added = False
    for path, asked in journal.tables.items():
        table = _at(data, path)
        for key, each in asked.items():
            # What may hold itself is never at an end; and it is led by the seed.
            if key not in table and not _endless(path, journal):
                sample = _SAMPLES.get(type(each.shape))
                sample = [{"languages": ["en"]}] if (path, key) == ((), "flow") else sample
                if sample is not None:
                    table[key] = deepcopy(sample)
                    added = True
    for path, found in journal.named.items():
        table = _at(data, path)
        if not table and path not in journal.shaped:
            table[found.example] = {}
            added = True
    return added


#: What is put into a file for there to be more to ask. Without a language no text would be missed.
_SAMPLES: Mapping[type, object] = {Block: {}, Blocks: [{}]}


def _endless(path: Path, journal: Journal) -> bool:
    return any(path[:length] in journal.shaped for length in range(len(path) + 1))


def _choices(journal: Journal) -> Iterator[tuple[Path, str, str]]:
    for path, asked in journal.tables.items():
        for key, each in asked.items():
            if isinstance(each.shape, OneOf):
                yield from ((path, key, value) for value in each.shape.allowed)


def _chosen(asked: Mapping[str, Asked], table: Mapping[str, Any]) -> list[str]:
    return [key for key, each in asked.items() if isinstance(each.shape, OneOf) and isinstance(table.get(key), str)]


def _at(data: Any, path: Path) -> dict[str, Any]:
    """The table at a path; one that stands nowhere for a block that is not there."""
    here = data
    for part in path:
        try:
            here = here[part]
        except (KeyError, IndexError, TypeError):
            return {}
    return here if isinstance(here, dict) else {}


# ---- what was heard of one block --------------------------------------------------------------------------


def _block(place: Place, several: list[_Once], names: Names | None) -> Heard:
    keys = _keys(several)
    deciding = next((name for name in keys if _decides(name, several)), "")
    branches: dict[str, Mapping[str, Key]] = {}
    if deciding:
        shape = keys[deciding].shape
        for value in shape.allowed if isinstance(shape, OneOf) else ():
            branches[value] = _keys([once for once in several if once.values.get(deciding) == value])
    return Heard(place=place, keys=keys, deciding=deciding, branches=branches, names=names)


def _decides(name: str, several: list[_Once]) -> bool:
    """Whether other keys are asked for with other values of this one."""
    if not all(name in once.asked and isinstance(once.asked[name].shape, OneOf) for once in several):
        return False
    allowed = several[0].asked[name].shape
    by_value: dict[object, set[str]] = {}
    for once in several:
        value = once.values.get(name)
        if isinstance(allowed, OneOf) and value in allowed.allowed:
            by_value.setdefault(value, set()).update(once.asked)
    return len({frozenset(keys) for keys in by_value.values()}) > 1


def _keys(several: list[_Once]) -> dict[str, Key]:
    """What was heard of each key, in the order of the fullest reading."""
    order = max(several, key=lambda once: len(once.asked), default=None)
    names = dict.fromkeys([*(order.asked if order else ()), *(name for once in several for name in once.asked)])
    return {name: _key(name, several) for name in names}


def _key(name: str, several: list[_Once]) -> Key:
    asked = [once.asked[name] for once in several if name in once.asked]
    absent = [once.asked.get(name) for once in several if name not in once.values]
    needed = bool(absent) and all(each is not None and each.missed for each in absent)
    shapes: list[Shape] = list(dict.fromkeys(each.shape for each in asked if not isinstance(each.shape, Unknown)))
    defaults = [each.default for each in asked if each.default is not None]
    same = all(each == defaults[0] for each in defaults)
    return Key(
        name=name,
        shape=_joined(shapes),
        default=defaults[0] if defaults and same else None,
        needed=needed,
    )


def _joined(shapes: list[Shape]) -> Shape:
    """One shape for all that a key was heard to be; blocks are blocks however many they may be."""
    choices = [shape for shape in shapes if isinstance(shape, OneOf)]
    lists = [shape for shape in shapes if isinstance(shape, Several) and isinstance(shape.item, OneOf)]
    if len(choices) > 1:
        shapes = [_any_of(choices), *(shape for shape in shapes if shape not in choices)]
    if len(lists) > 1:
        items = [each.item for each in lists if isinstance(each.item, OneOf)]
        joined = Several(item=_any_of(items), fewest=min(each.fewest for each in lists))
        shapes = [joined, *(shape for shape in shapes if shape not in lists)]
    blocks = [shape for shape in shapes if isinstance(shape, Blocks)]
    if len(blocks) > 1:
        named = tuple(dict.fromkeys(name for each in blocks for name in each.or_named))
        shapes = [Blocks(fewest=min(each.fewest for each in blocks), most=blocks[0].most, or_named=named)]
    if not shapes:
        return Unknown()
    return shapes[0] if len(shapes) == 1 else Either(shapes=tuple(shapes))


def _any_of(choices: Sequence[OneOf]) -> OneOf:
    return OneOf(allowed=tuple(dict.fromkeys(value for each in choices for value in each.allowed)))


def below(place: Place, key: str, shape: Shape) -> Place | None:
    """The place of the block under a key; None for what is no block."""
    if isinstance(shape, Block):
        return (*place, key)
    return (*place, key, EACH) if isinstance(shape, Blocks) else None
