"""On which line each key of a TOML text stands.

The values come from the standard library's parser, which keeps no positions; this one keeps them and decides
nothing. So a disagreement between the two could cost a line number, never a setting.
"""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache

import tree_sitter_toml
from tree_sitter import Language, Node, Parser

from bot.toml_tables import Path


def lines_of(text: str) -> Mapping[Path, int]:
    """Key path -> line from 1, for every table, key and list item; the first line that mentions it.

    The text must be valid TOML.

    >>> lines_of('a.b = 1\\n[[c]]\\nd = [\\n  5,\\n]')[("c", 0, "d", 0)]
    4
    """
    lines: dict[Path, int] = {}
    #: how many items each array of tables has so far
    counts: dict[Path, int] = {}
    for node in _parser().parse(text.encode()).root_node.named_children:
        match node.type:
            case "pair":
                _pair(node, (), lines)
            case "table":
                _table(node, _resolved(_header(node), counts), lines)
            case "table_array_element":
                header = _header(node)
                path = (*_resolved(header[:-1], counts), header[-1]) if header else ()
                counts[path] = counts.get(path, 0) + 1
                _table(node, (*path, counts[path] - 1), lines)
            case _:
                continue
    return lines


def line_of(path: Path, lines: Mapping[Path, int]) -> int:
    """The line of a key path, or of the nearest table around it; 1 for the file itself."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return 1


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_toml.language()))


def _resolved(keys: Path, counts: Mapping[Path, int]) -> Path:
    """A header's keys with the position of the newest item wherever they pass an array of tables."""
    path: Path = ()
    for key in keys:
        path = (*path, key)
        if path in counts:
            path = (*path, counts[path] - 1)
    return path


def _header(node: Node) -> Path:
    keys = [child for child in node.named_children if child.type in _KEYS]
    return tuple(_keys(keys[0])) if keys else ()


_KEYS = ("bare_key", "quoted_key", "dotted_key")


def _keys(node: Node) -> Iterator[str]:
    match node.type:
        case "dotted_key":
            for part in _parts(node):
                yield from _keys(part)
        case "quoted_key":
            # Escapes in a key are read by the parser that reads the values.
            yield next(iter(tomllib.loads(f"{_text(node)} = 0")))
        case "bare_key":
            yield _text(node)
        case _:
            return


def _parts(dotted: Node) -> list[Node]:
    # "a.b.c" stands as ((a.b).c): a loop, for a line may hold more parts than Python nests calls
    parts: list[Node] = []
    rest = dotted
    while rest.type == "dotted_key":
        rest, last = rest.named_children
        parts.append(last)
    return [rest, *reversed(parts)]


def _text(node: Node) -> str:
    return (node.text or b"").decode()


def _note(path: Path, node: Node, lines: dict[Path, int]) -> None:
    for length in range(1, len(path) + 1):
        lines.setdefault(path[:length], node.start_point.row + 1)


def _table(node: Node, path: Path, lines: dict[Path, int]) -> None:
    _note(path, node, lines)
    for child in node.named_children:
        if child.type == "pair":
            _pair(child, path, lines)


def _pair(node: Node, above: Path, lines: dict[Path, int]) -> None:
    children = [child for child in node.named_children if child.type != "comment"]
    if not children or children[0].type not in _KEYS:
        return
    path = (*above, *_keys(children[0]))
    _note(path, node, lines)
    if len(children) > 1:
        _value(children[1], path, lines)


def _value(node: Node, path: Path, lines: dict[Path, int]) -> None:
    match node.type:
        case "inline_table":
            for child in node.named_children:
                if child.type == "pair":
                    _pair(child, path, lines)
        case "array":
            items = (child for child in node.named_children if child.type != "comment")
            for index, child in enumerate(items):
                _note((*path, index), child, lines)
                _value(child, (*path, index), lines)
        case _:
            return
