"""Bodies of webhooks: JSON and forms of any shape, read without ever raising."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from bot.config.key_paths import DEEPEST, KeyPath, parse_key_path
from bot.triggers.broken_templates import read_broken

#: Earlier times are mistakes, and so are later ones than a clock can be off.
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
#: larger numbers are milliseconds: as seconds they would be in the year 5138
_MILLISECONDS = 100_000_000_000
_YES = frozenset({"true", "yes", "1", "on"})
_NO = frozenset({"false", "no", "0", "off"})
_MOST_FIELDS = 1000
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One webhook as it came; header names are in lower case, ``at`` is our clock's time."""

    headers: Mapping[str, str]
    body: bytes
    at: datetime

    def header(self, name: str) -> str:
        return self.headers.get(name, "")


class Node:
    """Some value in a body, whatever it is; what is not there is a node of None."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value

    def at(self, path: str) -> "Node":
        """What stands at a key path. Where a list stands in place of an object, its first element is meant."""
        return self.follow(parse_key_path(path) or ())

    def follow(self, steps: KeyPath) -> "Node":
        value = self.value
        for step in steps:
            if isinstance(step, int):
                value = value[step] if isinstance(value, list) and step < len(value) else None
                continue
            if isinstance(value, list):
                value = value[0] if value else None
            value = value.get(step) if isinstance(value, dict) else None
        return Node(value)

    def first(self, *paths: str) -> "Node":
        """What stands at the first of these paths that holds anything."""
        return next((node for path in paths if (node := self.at(path)).is_something), Node(None))

    @property
    def is_something(self) -> bool:
        return self.value is not None and self.value not in ("", [], {})

    @property
    def is_object(self) -> bool:
        return isinstance(self.value, dict)

    def has(self, key: str) -> bool:
        return isinstance(self.value, dict) and key in self.value

    @property
    def text(self) -> str:
        """A text or a number as text; of a list the first element; empty for everything else."""
        value = self.value
        if isinstance(value, list) and value and not isinstance(value[0], list):
            value = value[0]
        if isinstance(value, str):
            return value.strip()
        if isinstance(value, bool) or not isinstance(value, int | float):
            return ""
        if isinstance(value, float):
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else ""
        # Python writes no number of more than some thousand digits; no id has that many.
        return str(value) if value.bit_length() <= 128 else ""

    @property
    def word(self) -> str:
        """A text for comparing: small letters, single spaces."""
        return " ".join(self.text.casefold().split())

    @property
    def many(self) -> Sequence["Node"]:
        """The elements of a list, or the one thing that stands in place of a list."""
        if isinstance(self.value, list):
            return [Node(each) for each in self.value]
        return [self] if self.is_something else []

    def texts(self, key: str = "", between: str | None = ",") -> Sequence[str]:
        """The texts of a list, or each element's text under ``key``; a text with commas is a list, too.

        ``between`` is what stands between them in a text; None: white space.
        """
        if isinstance(self.value, str):
            return [part.strip() for part in self.value.split(between) if part.strip()]
        nodes = [node.at(key) if key and node.is_object else node for node in self.many]
        return [node.text for node in nodes if node.text]

    @property
    def flag(self) -> bool | None:
        if isinstance(self.value, bool):
            return self.value
        return True if self.word in _YES else False if self.word in _NO else None

    @property
    def count(self) -> int | None:
        """A number of things; None where none stands."""
        text = self.text
        return int(text) if text.isascii() and text.isdigit() and len(text) <= 6 else None

    @property
    def time(self) -> datetime | None:
        """A point in time: seconds or milliseconds since 1970, or ISO 8601; without a zone it is UTC."""
        try:
            at = _time(self.value)
        except (ValueError, OverflowError, OSError):
            return None
        return at if at is not None and at >= _EARLIEST else None


def _time(value: object) -> datetime | None:
    if isinstance(value, str):
        text = value.strip()
        try:
            value = float(text)
        except ValueError:
            at = datetime.fromisoformat(text.removesuffix(" UTC"))
            return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return datetime.fromtimestamp(value / 1000 if value > _MILLISECONDS else value, UTC)


# ---- from bytes -----------------------------------------------------------------------------------------


def body_of(delivery: Delivery, *, template: bool = False) -> object:
    """What a body holds: JSON, or a form, whose field ``payload`` may hold the JSON. Raises ValueError for neither.

    Where it is a ``template`` that the helpdesk fills in, texts in it may have broken the JSON.
    """
    text = delivery.body.decode("utf-8", "replace").removeprefix("\ufeff")
    if delivery.header("content-type").partition(";")[0].strip().lower() == _FORM:
        fields = _form(text)
        payload = fields.get("payload")
        return _json(payload) if isinstance(payload, str) else fields
    try:
        return _json(text)
    except ValueError:
        if not template:
            raise
        return read_broken(text)


def _json(text: str) -> object:
    """JSON, with line breaks in its texts, too. Of two equal keys the first counts, as in a form.

    A text that was put into a template without escaping can add keys, but only after those that stand before it.
    """
    try:
        return json.loads(text, strict=False, object_pairs_hook=lambda pairs: dict(reversed(pairs)))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _form(text: str) -> dict[str, object]:
    """A form's fields; ``ticket[id]`` is a field of the object ``ticket``. Of a field sent twice the first counts."""
    fields: dict[str, object] = {}
    for name, value in parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS):
        head, *rest = name.replace("]", "").split("[")
        if head and len(rest) < DEEPEST:
            _put(fields, (head, *rest), value)
    if not fields:
        raise ValueError("no field of a form")
    return fields


def _put(fields: dict[str, object], steps: Sequence[str], value: str) -> None:
    *outer, last = steps
    for step in outer:
        inner = fields.setdefault(step, {})
        if not isinstance(inner, dict):
            return
        fields = inner
    fields.setdefault(last, value)


def events_in(body: object, at_most: int) -> Iterator[Node]:
    """The events of a body: mostly one, and each of a list of them."""
    if isinstance(body, list):
        yield from (Node(each) for each in body[:at_most])
    else:
        yield Node(body)
