"""What each key of the config does, in words: the data file beside this module, found by the key's place."""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources

from bot.config.hearing import Heard, Place, heard
from bot.toml_journal import EACH, NAME

#: The entry of a section that tells of the block itself.
ABOUT = "*"
#: The section of the keys at the top of the file.
TOP = "file"


@cache
def descriptions() -> Mapping[str, Mapping[str, str]]:
    """Section -> key -> what it does. A section is a block's name, "channels.telegram" for what one kind alone has."""
    text = resources.files("bot.config").joinpath("descriptions.toml").read_text("utf-8")
    return tomllib.loads(text)


def section_of(place: Place) -> str:
    """The section that tells of a block: ("flow", "[]", "question", "[]") is in "flow.question"."""
    return ".".join(part for part in place if part not in (EACH, NAME)) or TOP


def about(place: Place, branch: str = "") -> str:
    """What a block is for."""
    return _told(section_of(place), branch, ABOUT)


def described(block: Heard, key: str, branch: str = "") -> str:
    """What a key does; empty where nothing is told of it."""
    if key == NAME:
        # What stands under a name of the admin's own is told where its block is.
        return _told(section_of(block.place), "", NAME)
    return _told(section_of(block.place), branch, key) or _told(section_of(block.place), "", key)


def _told(section: str, branch: str, key: str) -> str:
    return descriptions().get(f"{section}.{branch}" if branch else section, {}).get(key, "")


def undescribed() -> Iterator[str]:
    """The keys that readers ask for and nothing is told of."""
    for block in heard().blocks.values():
        if not about(block.place):
            yield f"{section_of(block.place)}: {ABOUT}"
        for branch, keys in (block.branches or {"": block.keys}).items():
            yield from (f"{section_of(block.place)}: {key}" for key in keys if not described(block, key, branch))


def left_over() -> Iterator[str]:
    """What is told of keys that no reader asks for."""
    known: dict[str, set[str]] = {}
    for block in heard().blocks.values():
        section = section_of(block.place)
        known.setdefault(section, set()).update(block.keys, (ABOUT,))
        for branch, keys in block.branches.items():
            known.setdefault(f"{section}.{branch}", set()).update(keys, (ABOUT,))
    for section, told in descriptions().items():
        yield from (f"{section}: {key}" for key in told if key not in known.get(section, ()))
