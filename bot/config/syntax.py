"""A file's bytes as TOML; where they are none, the line, what is wrong with it, and what was most likely meant."""

import re
import tomllib
from collections.abc import Mapping

import msgspec

from bot.config.sources import Source

_AT_LINE = re.compile(r" ?\(at (?:line (\d+), column \d+|end of document)\)$")
_DOTTED = re.compile(r"\s*([\w-]+)\.[\w-]+\s*=")
_BARE = re.compile(r"\s*([\w.-]+)\s*=\s*(.*)")
_SPAN_TEXT = re.compile(r"\d+ ?[smhd]\s*$")
_QUOTES = "“”„‘’«»'\""
_FLAGS = {"yes": "true", "on": "true", "true": "true", "no": "false", "off": "false", "false": "false"}


#: tables and lists in each other; what we read has not half as many, but for conditions in conditions
DEEPEST = 60


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is TOML."""

    name: str
    text: str
    data: Mapping[str, object]


class Mistake(msgspec.Struct, frozen=True, kw_only=True):
    """Why a file is none; ``right`` is a full sentence, or nothing."""

    name: str
    line: int = 1
    wrong: str
    right: str = ""


def parse(source: Source) -> Document | Mistake:
    """One file, parsed."""
    name = source.name
    if source.error:
        return Mistake(name=name, wrong=f"cannot be read: {source.error}")
    try:
        # Editors on Windows put a byte order mark before the text.
        text = source.body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        return Mistake(name=name, line=line, wrong="is not UTF-8", right="Save it as UTF-8.")
    try:
        data = tomllib.loads(text)
        if _depth(data) <= DEEPEST:
            return Document(name=name, text=text, data=data)
        return Mistake(name=name, wrong="is nested too deeply")
    except RecursionError:
        return Mistake(name=name, wrong="is nested too deeply")
    except ValueError as error:
        return _syntax(name, text, str(error))


def _depth(data: object) -> int:
    """How many tables and lists hold each other, as far as DEEPEST and one more. ``a.b.c = 1`` makes three."""
    level, depth = [data], 0
    while level and depth <= DEEPEST:
        inside: list[object] = []
        for each in level:
            held = each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()
            inside += (one for one in held if isinstance(one, dict | list))
        level, depth = inside, depth + 1
    return depth


def _syntax(name: str, text: str, message: str) -> Mistake:
    found = _AT_LINE.search(message)
    line = int(found[1]) if found and found[1] else max(len(text.splitlines()), 1) if found else 1
    wrong = _AT_LINE.sub("", message)
    source = text.splitlines()[line - 1] if text else ""
    right = _advice(wrong, source)
    return Mistake(name=name, line=line, wrong=f"is no TOML: {wrong[:1].lower()}{wrong[1:]}", right=right)


def _advice(wrong: str, source: str) -> str:
    """What is most often meant by a line that is no TOML; nothing where one cannot tell."""
    dotted, bare = _DOTTED.match(source), _BARE.match(source)
    if wrong == "Cannot overwrite a value" and dotted is not None:
        key = dotted[1]
        return f"A key has one text, or one for each language: write {key}.en = … and {key}.it = …, each once."
    if wrong == "Cannot overwrite a value" and bare is not None:
        return f"There is a {bare[1]} above: keep one of them."
    if wrong == "Invalid value" and bare is not None:
        key, value = bare[1], bare[2].strip()
        if not value:
            return f"Write a value after {key} =, or put # before the line."
        if value.startswith("#"):
            return f'Outside of quotes # begins a comment: write {key} = "{value[:40]}".'
        if value.lower() in _FLAGS:
            return f"Write {key} = {_FLAGS[value.lower()]}."
        return f'Texts stand in straight quotes: write {key} = "{value.strip(_QUOTES)[:40]}".'
    if wrong.startswith("Expected newline or end of document") and bare is not None and _SPAN_TEXT.match(bare[2]):
        return f'Texts stand in quotes: write {bare[1]} = "{bare[2].strip().replace(" ", "")}".'
    return ""
