"""docs/reference.md: every block and key of the config, made from what its readers ask and from the descriptions."""

from collections.abc import Iterator, Mapping
from typing import assert_never

from bot.config.described import about, described
from bot.config.hearing import Heard, Key, Place, below, heard
from bot.config.schema import as_json
from bot.toml_journal import (
    EACH,
    NAME,
    AnyText,
    Block,
    Blocks,
    Clock,
    Dates,
    Duration,
    Either,
    Flag,
    OneOf,
    PerLanguage,
    Secret,
    Setting,
    Several,
    Shape,
    Share,
    Unknown,
    Whole,
)
from bot.toml_tables import duration_text

_HEAD = """\
# Every setting

<!-- Made by `make schema` from the readers of the config: change bot/config/descriptions.toml, not this file. -->

`afterchat check` tells everything that is wrong with your file, with line and advice; what you forget it names.
With `#:schema` in its first line, as in `config.example.toml`, editors complete and check the file while you write.

- **Durations** are a number and a unit in quotes: `"90s"`, `"10m"`, `"24h"`, `"7d"`.
- **Texts** that customers read are one for each language, `text.en = "…"` and `text.vi = "…"`; where a flow is in one
  language, `text = "…"` will do. Where variables are filled in, `{agent|our team}` is the agent's name, or "our team".
- **Secrets** never stand in the file: `{ env = "NAME" }` takes one from the environment variable NAME. A *setting* may
  stand there, or come from the environment: `{ env = "NAME", default = "…" }`.
- A key without a default may be left out unless it is marked **needed**.
"""


def reference(example: str) -> str:
    """The whole page. ``example`` is the text of a good config, from which blocks are shown."""
    sections = ("\n".join(_section(block, example)) for block in _blocks(()))
    parts = [_HEAD, "## Blocks\n", "\n".join(_contents()), *sections]
    return "\n".join(parts).rstrip() + "\n"


def _blocks(place: Place) -> Iterator[Heard]:
    """A block, and those in it, in the order of the file; what may hold itself comes where it is first met."""
    yield from _walk(place, set())


def _walk(place: Place, seen: set[Place]) -> Iterator[Heard]:
    if place in seen:
        return
    seen.add(place)
    block = heard().blocks[place]
    # Names of the admin's own are told of with what stands under them.
    if block.names is None or not isinstance(block.keys[NAME].shape, Block):
        yield block
    for key in block.keys.values():
        inner = below(place, key.name, key.shape)
        if inner is not None:
            shape = heard().shaped.get(inner)
            yield from _walk(inner if shape is None else (shape,), seen)


def _contents() -> Iterator[str]:
    for block in _blocks(()):
        title = _title(block.place)
        anchor = "".join(each for each in title.lower().replace(" ", "-") if each.isalnum() or each in "-_")
        depth = sum(part not in (EACH, NAME) for part in block.place) - 1
        yield f"{'  ' * max(depth, 0)}- [{_shown(title)}](#{anchor})"


def _shown(title: str) -> str:
    return title.replace("[", "\\[").replace("]", "\\]").replace("<", "&lt;").replace(">", "&gt;")


def _title(place: Place) -> str:
    if not place:
        return "At the top of the file"
    if place[0] in heard().shaped.values():
        return "Conditions"
    name = ".".join(part for part in place if part != EACH)
    return f"[[{name}]]" if place[-1] == EACH else f"[{name}]"


def _section(block: Heard, example: str) -> Iterator[str]:
    yield ""
    yield f"## {_shown(_title(block.place))}"
    yield ""
    yield about(block.place)
    if block.names is None:
        common, own = _split(block)
        if common:
            yield from _table(block, common)
        for branch, keys in own.items():
            yield ""
            yield f'### {block.deciding} = "{branch}"'
            if text := about(block.place, branch):
                yield ""
                yield text
            if keys:
                yield from _table(block, keys, branch)
            yield from _example(_lines_of_kind(example, block.place, f'{block.deciding} = "{branch}"'))
    elif (named := block.keys.get(NAME)) is not None and not isinstance(named.shape, Block):
        yield from _table(block, {NAME: named})
    if not block.deciding:
        yield from _example(_lines(example, block.place))


def _split(block: Heard) -> tuple[Mapping[str, Key], Mapping[str, Mapping[str, Key]]]:
    """The keys that are the same in all branches, and those of each alone; branches that add nothing are left out."""
    if not block.branches:
        return block.keys, {}
    first = next(iter(block.branches.values()))
    same = {
        name: key
        for name, key in first.items()
        if all(keys.get(name) == key for keys in block.branches.values())
        and len({described(block, name, branch) for branch in block.branches}) == 1
    }
    # It decides, so it is there in each of them; alone it differs in nothing.
    same |= {block.deciding: block.keys[block.deciding]}
    own = {
        branch: {name: key for name, key in keys.items() if name not in same} for branch, keys in block.branches.items()
    }
    order = {name: key for name, key in block.keys.items() if name in same}
    return order, {branch: keys for branch, keys in own.items() if keys or about(block.place, branch)}


# ---- tables ------------------------------------------------------------------------------------------------


def _table(block: Heard, keys: Mapping[str, Key], branch: str = "") -> Iterator[str]:
    yield ""
    yield "| key | kind | default | what it does |"
    yield "| --- | --- | --- | --- |"
    for key in keys.values():
        text = described(block, key.name, branch)
        cells = (_key(key.name), _kind(key.shape), _default(key), text)
        yield f"| {' | '.join(_cell(each) for each in cells)} |"


def _key(name: str) -> str:
    return "*name*" if name == NAME else f"`{name}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace(">", "&gt;")


def _default(key: Key) -> str:
    if key.needed:
        return "**needed**"
    value = as_json(key.default)
    match value:
        case None | []:
            return ""
        case bool():
            return f"`{str(value).lower()}`"
        case str():
            return f'`"{value}"`'
        case list():
            return "`[{}]`".format(", ".join(f'"{each}"' for each in value))
        case _:
            return f"`{value}`"


def _kind(shape: Shape) -> str:
    match shape:
        case AnyText(what=what, longest=longest):
            return what if longest is None else f"{what}, at most {longest} characters"
        case OneOf(allowed=allowed):
            return ", ".join(f'`"{each}"`' for each in allowed)
        case Whole(low=low, high=high):
            return "whole number" if low is None else f"whole number, {low} to {high}"
        case Flag():
            return "`true` or `false`"
        case Duration(shortest=shortest, longest=longest):
            return f"duration, {duration_text(shortest)} to {duration_text(longest)}"
        case Clock():
            return 'time of day, `"21:00"`'
        case Share(low=low, high=high):
            return f"percentage, {low} to {high}"
        case Dates():
            return 'dates, `["2026-12-25"]`'
        case Several(item=item, or_one=or_one):
            return f"{_kind(item)}, or a list" if or_one else f"list: {_kind(item)}"
        case PerLanguage(longest=longest, variables=variables):
            return f"text for each language, at most {longest} characters{', variables' if variables else ''}"
        case Secret():
            return "secret"
        case Setting():
            return "setting"
        case Block():
            return "block"
        case Blocks(most=most, or_named=named):
            several = "list of blocks" if most is None else f"list of blocks, at most {most}"
            return several + (f", or of {', '.join(f'`{each}`' for each in named)}" if named else "")
        case Either(shapes=shapes):
            return " or ".join(_kind(each) for each in shapes)
        case Unknown():
            return ""
        case _:
            assert_never(shape)


# ---- examples ----------------------------------------------------------------------------------------------

#: Of longer blocks the beginning is shown.
_LONGEST_EXAMPLE = 16


def _example(lines: list[str]) -> Iterator[str]:
    if lines:
        yield from ("", "```toml", *lines, "```")


def _lines(example: str, place: Place) -> list[str]:
    """A block's lines in the example: from its header to the next one; nothing where it has no header there."""
    if not place:
        return []
    names = [part for part in place if part != EACH]
    for header, lines in _headed(example):
        doubled = header.startswith("[[")
        parts = header.strip("[]").split(".")
        alike = len(parts) == len(names) and all(own in (part, NAME) for own, part in zip(names, parts, strict=True))
        if alike and doubled == (place[-1] == EACH):
            return lines
    return []


def _lines_of_kind(example: str, place: Place, line: str) -> list[str]:
    above = [part for part in place if part not in (EACH, NAME)]
    for header, lines in _headed(example):
        if header.strip("[]").split(".")[: len(above)] == above and any(each.startswith(line) for each in lines):
            return lines
    return []


def _headed(example: str) -> Iterator[tuple[str, list[str]]]:
    """The example's headers, each with its lines up to the next blank line or header, without their indent."""
    header, lines = "", list[str]()
    for line in [*example.splitlines(), "[end]"]:
        bare = line.strip()
        if bare.startswith("[") and bare.endswith("]"):
            if header:
                yield header, _trimmed(lines)
            header, lines = bare, []
        if header:
            lines.append(line)


def _trimmed(lines: list[str]) -> list[str]:
    """Up to the first blank line, without the indent of the first."""
    blank = next((index for index, line in enumerate(lines) if not line.strip()), len(lines))
    indent = len(lines[0]) - len(lines[0].lstrip())
    shown = [line[indent:] for line in lines[:blank]]
    return [*shown[:_LONGEST_EXAMPLE], "# …"] if len(shown) > _LONGEST_EXAMPLE else shown
