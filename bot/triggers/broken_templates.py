"""Bodies that a helpdesk filled in without escaping: a quotation mark in a name or a title breaks the JSON.

The template around the texts is known to be an object of texts and objects, so a text ends where the template goes on.
Nothing here makes a body safer to believe: who can write a text can also write JSON, and only what stands before it is
beyond their reach. Hence the first of two equal keys counts, here as in whole JSON.
"""

import json
import re
from collections.abc import Mapping

from bot.config.key_paths import DEEPEST

_KEY = r'"[A-Za-z0-9_.-]{1,60}"\s*+:'
_NEXT_KEY = re.compile(r'\s*+,?\s*+"(?P<key>[A-Za-z0-9_.-]{1,60})"\s*+:\s*+')
#: a quotation mark after which the template goes on: with the next key, or with what closes it
_TEXT_ENDS = re.compile(rf'"(?=\s*+(?:,\s*+{_KEY}|\}}[\s}}]*+(?:\Z|,\s*+{_KEY})))')
_PLAIN = re.compile(r"(?P<value>-?[0-9]{1,18}|true|false|null)(?=\s*+[,}])")
_SPACE = re.compile(r"\s*+")
_CLOSES = re.compile(r"\s*+\}")


def read_broken(text: str) -> Mapping[str, object]:
    """What can be read of a filled-in template, up to where it makes no sense. Raises ValueError where that is nothing.

    >>> read_broken('{"ticket": {"id": "81"}, "customer": {"name": "Lan "L" Vu"}}')
    {'ticket': {'id': '81'}, 'customer': {'name': 'Lan "L" Vu'}}
    """
    found, _ = _Reader(text).object_at(_after_space(text, 0), 1)
    if not found:
        raise ValueError("no template")
    return found


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text

    def object_at(self, at: int, depth: int) -> tuple[dict[str, object], int | None]:
        """The object whose brace stands here, and where the text goes on; None: nobody knows."""
        found: dict[str, object] = {}
        if not self._text.startswith("{", at) or depth > DEEPEST:
            return found, None
        end: int | None = at + 1
        while end is not None:
            closes = _CLOSES.match(self._text, end)
            if closes is not None:
                return found, closes.end()
            key = _NEXT_KEY.match(self._text, end)
            if key is None:
                return found, None
            value, end = self._value_at(key.end(), depth)
            if value is not None:
                found.setdefault(key["key"], value)
        return found, None

    def _value_at(self, at: int, depth: int) -> tuple[object, int | None]:
        if self._text.startswith('"', at):
            return self._text_at(at + 1)
        if self._text.startswith("{", at):
            return self.object_at(at, depth + 1)
        plain = _PLAIN.match(self._text, at)
        return (None, None) if plain is None else (json.loads(plain["value"]), plain.end())

    def _text_at(self, at: int) -> tuple[str | None, int | None]:
        ends = _TEXT_ENDS.search(self._text, at)
        if ends is None:
            return None, None
        written = self._text[at : ends.start()]
        try:
            value = json.loads(f'"{written}"', strict=False)
        except ValueError:
            value = written
        return value, ends.end()


def _after_space(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return at if space is None else space.end()
