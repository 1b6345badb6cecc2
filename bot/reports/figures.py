"""What all reports share: how one figure is written, and how rows become a table for a terminal."""

import json
import re
import unicodedata
from collections.abc import Sequence

import msgspec

from bot.scoring.display import display
from bot.scoring.estimates import Estimate, Flag

#: What a terminal obeys instead of showing it, and what moves or hides its neighbours: controls, direction marks and
#: embeddings, zero-width characters, separators of lines, halves of pairs, tags. A zero-width joiner makes emoji.
_OBEYED = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180b-\u180f\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
_LINES = re.compile("[\t-\r\x85\u2028\u2029]+")


class ReportInterval(msgspec.Struct, frozen=True, kw_only=True):
    low: float
    high: float
    confidence: float
    method: str


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One number with what is needed to judge it; shares in [0, 1], durations in seconds, ``display`` is rounded text.

    ``value`` is null without data, never 0; ``interval`` is null where so little data gives none.
    """

    value: float | None
    n: int
    interval: ReportInterval | None
    flags: tuple[Flag, ...]
    display: str


def figure(estimate: Estimate) -> Figure:
    return Figure(
        value=estimate.value,
        n=estimate.n,
        interval=interval_of(estimate),
        flags=tuple(estimate.flags),
        display=display(estimate).text,
    )


def interval_of(estimate: Estimate) -> ReportInterval | None:
    found = estimate.interval
    if found is None:
        return None
    return ReportInterval(low=found.low, high=found.high, confidence=found.confidence, method=found.method)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns side by side under a rule, each cell one harmless line.

    >>> print(table(("id", "who"), [("1", "Lan"), ("22", "花")]))
    id  who
    --  ---
    1   Lan
    22  花
    """
    lines = [[harmless(cell, lines=False) for cell in line] for line in (heads, *rows)]
    widths = [max(columns(line[place]) for line in lines) for place in range(len(heads))]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join("  ".join(map(_padded, line, widths)).rstrip() for line in lines)


def harmless(text: str, *, lines: bool = True) -> str:
    """A text with what a terminal would obey made visible; line breaks and tabs stay where ``lines`` may.

    >>> print(harmless("rm\\x1b[2J\\u202e\\nnow"))
    rm\\x1b[2J\\u202e
    now
    >>> print(harmless("one\\r\\ntwo", lines=False))
    one two
    """
    if not lines:
        return _OBEYED.sub(_written, _LINES.sub(" ", text))
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ")
    return "\n".join(_OBEYED.sub(_written, line) for line in text.split("\n"))


def _written(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def json_for_terminal(value: object) -> str:
    """A value as indented JSON that a terminal only shows: what it would obey is escaped, everything else readable.

    >>> print(json_for_terminal({"name": "Lân\x9b\u202e"}))
    {
      "name": "Lân\\u009b\\u202e"
    }
    """
    text = json.dumps(msgspec.to_builtins(value), ensure_ascii=False, indent=2)
    return _OBEYED.sub(lambda found: found[0] if found[0] == "\n" else json.dumps(found[0])[1:-1], text)


def columns(text: str) -> int:
    """How many columns of a terminal a text takes.

    >>> columns("Lan"), columns("花子"), columns("e\\u0301")
    (3, 4, 1)
    """
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character) or character in "\u200d\ufe0e\ufe0f":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _padded(cell: str, width: int) -> str:
    return cell + " " * (width - columns(cell))
