"""The JSON Schema of the config (draft 7, which editors' TOML plugins know best), made from what its readers ask.

It refuses nothing that the readers take. They refuse more: what rests on other keys is for ``afterchat check``.
"""

from collections.abc import Mapping
from datetime import time, timedelta
from typing import Any, assert_never

from bot.config.described import about, described
from bot.config.hearing import Heard, Key, Place, below, heard
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

Schema = dict[str, Any]

_DRAFT = "http://json-schema.org/draft-07/schema#"
#: Readers take blanks around a text away.
_AROUND = r"^\s*(?:{})\s*$"
#: More than 0% and at most 100%.
_PERCENT = (
    r"^(0{0,2}[1-9](\.[0-9]{1,4})?|0?[1-9][0-9](\.[0-9]{1,4})?|100(\.0{1,4})?|0{1,3}\.[0-9]{0,3}[1-9][0-9]{0,3}) ?%$"
)
_NOT_EMPTY: Schema = {"type": "string", "minLength": 1, "pattern": r"\S"}
_VARIABLE: Schema = {
    "type": "string",
    "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,99}$",
    "description": "The name of an environment variable.",
}


_FLOW: Place = ("flow", EACH)
#: Questions whose text no pack has, and those whose options none has.
_WITH_WORDS = ("choice", "choices", "text", "consent")
_WITH_OPTIONS = ("choice", "choices")


def config_schema() -> Schema:
    """The schema of config.toml."""
    schema = _object(heard().blocks[()])
    # Flow files may hold all the flows.
    schema |= {"anyOf": [{"required": ["flow"]}, {"required": ["flow_files"]}]}
    return {"$schema": _DRAFT, "title": "Afterchat's settings", **schema, "definitions": _definitions()}


def flows_schema() -> Schema:
    """The schema of a file that holds [[flow]] tables and nothing else."""
    whole = heard().blocks[()]
    flow = _property(whole, whole.keys["flow"])
    return {
        "$schema": _DRAFT,
        "title": "Flows for Afterchat",
        "type": "object",
        "properties": {"flow": flow},
        "required": ["flow"],
        "additionalProperties": False,
        "definitions": _definitions(),
    }


def _definitions() -> Schema:
    """The blocks that may hold themselves."""
    return {shape: _object(heard().blocks[(shape,)]) for shape in dict.fromkeys(heard().shaped.values())}


# ---- blocks -----------------------------------------------------------------------------------------------


def _object(block: Heard) -> Schema:
    schema: Schema = {"type": "object"}
    if text := about(block.place):
        schema["description"] = text
    if block.names is not None:
        named = _property(block, block.keys[NAME]) if NAME in block.keys else {}
        schema |= {"propertyNames": {"pattern": _AROUND.format(block.names.pattern)}, "additionalProperties": named}
        return schema
    schema["properties"] = {name: _property(block, key) for name, key in block.keys.items()}
    schema["additionalProperties"] = False
    schema["required"] = [name for name, key in block.keys.items() if key.needed]
    if block.place == _FLOW:
        schema |= _beginnings()
    if block.deciding:
        schema["allOf"] = [_branch(block, value, keys) for value, keys in block.branches.items()]
    return schema


def _beginnings() -> Schema:
    """What a flow needs that begins as no other one; a preset and the base of a variant have it already."""
    own_words = {"anyOf": [{"required": ["text"]}, {"required": ["text_good", "text_middling", "text_poor"]}]}
    question = {
        "required": ["type"],
        "allOf": [
            {"if": _of_type(_WITH_WORDS), "then": own_words},
            {"if": _of_type(_WITH_OPTIONS), "then": {"required": ["options"]}},
        ],
    }
    return {
        "dependencies": {"share": ["variant_of"], "variant_of": ["share"]},
        "if": {"not": {"anyOf": [{"required": ["preset"]}, {"required": ["variant_of"]}]}},
        "then": {
            "required": ["languages", "title", "question"],
            "properties": {"question": {"items": question}},
        },
    }


def _of_type(types: tuple[str, ...]) -> Schema:
    return {"properties": {"type": {"enum": list(types)}}, "required": ["type"]}


def _branch(block: Heard, value: str, keys: Mapping[str, Key]) -> Schema:
    """What holds where the deciding key has one value."""
    # What is the same in all branches is told above, and would be told twice where it is wrong.
    own = {name: _property(block, key, value) for name, key in keys.items() if name != block.deciding}
    own = {name: schema for name, schema in own.items() if schema != _property(block, block.keys[name])}
    return {
        "if": {"properties": {block.deciding: {"const": value}}, "required": [block.deciding]},
        "then": {
            "properties": own,
            "propertyNames": {"enum": list(keys)},
            "required": [name for name, key in keys.items() if key.needed],
        },
    }


def _property(block: Heard, key: Key, branch: str = "") -> Schema:
    place = below(block.place, key.name, key.shape)
    schema = _shape(key.shape, _inner(place))
    text = described(block, key.name, branch)
    if text:
        schema["description"] = text
    default = as_json(key.default)
    if default is not None:
        schema["default"] = default
    return schema


def _inner(place: Place | None) -> Schema:
    """The block at a place; a reference for what may hold itself."""
    if place is None:
        return {}
    shape = heard().shaped.get(place)
    return _object(heard().blocks[place]) if shape is None else {"$ref": f"#/definitions/{shape}"}


# ---- values -----------------------------------------------------------------------------------------------


def _shape(shape: Shape, inner: Schema) -> Schema:
    match shape:
        case AnyText():
            return _text(shape)
        case OneOf(allowed=allowed):
            return {"type": "string", "enum": list(allowed)}
        case Whole(low=low, high=high):
            bounds = {"minimum": low, "maximum": high}
            return {"type": "integer", **{name: bound for name, bound in bounds.items() if bound is not None}}
        case Flag():
            return {"type": "boolean"}
        case Duration():
            return {"type": "string", "pattern": r"^(?:[0-9]{1,6}[smhd] ?)+$"}
        case Clock():
            # TOML's own time of day has seconds.
            return {"type": "string", "pattern": r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?$"}
        case Share():
            percent: Schema = {"type": "string", "pattern": _PERCENT}
            return {"anyOf": [percent, {"type": "number", "minimum": 0.1, "maximum": 1}]} if shape.number else percent
        case Dates():
            day: Schema = {"type": "string", "pattern": _AROUND.format("[0-9]{4}-[0-9]{2}-[0-9]{2}")}
            return {"anyOf": [day, {"type": "array", "items": day}]}
        case Several():
            return _several(shape)
        case PerLanguage(longest=longest):
            text = {**_NOT_EMPTY, "maxLength": longest}
            return {"anyOf": [text, {"type": "object", "additionalProperties": text}]}
        case Secret():
            return _from_environment({})
        case Setting():
            return {"anyOf": [dict(_NOT_EMPTY), _from_environment({"default": dict(_NOT_EMPTY)})]}
        case Block():
            return dict(inner)
        case Blocks(fewest=fewest, most=most, or_named=named):
            item = {"anyOf": [{"type": "string", "enum": list(named)}, inner]} if named else inner
            # Those of names alone can be told apart by a schema; tables by their ids, which it does not compare.
            found: Schema = {"type": "array", "items": item} | ({"uniqueItems": True} if named else {})
            return found | ({"minItems": fewest} if fewest else {}) | ({} if most is None else {"maxItems": most})
        case Either(shapes=shapes):
            return {"anyOf": [_shape(each, inner) for each in shapes]}
        case Unknown():
            return {}
        case _:
            assert_never(shape)


def _text(shape: AnyText) -> Schema:
    schema = dict(_NOT_EMPTY)
    if shape.pattern:
        schema["pattern"] = _AROUND.format(shape.pattern)
    if shape.longest is not None:
        schema["maxLength"] = shape.longest
    return schema


def _several(shape: Several) -> Schema:
    item = _shape(shape.item, {})
    several: Schema = {"type": "array", "items": item, "uniqueItems": True}
    if shape.fewest:
        several["minItems"] = shape.fewest
    return {"anyOf": [item, several]} if shape.or_one else several


def _from_environment(more: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {"env": dict(_VARIABLE), **more},
        "required": ["env"],
        "additionalProperties": False,
    }


def as_json(value: object) -> object:
    """A default as the file would have it; None for none."""
    match value:
        case timedelta():
            return duration_text(value)
        case time():
            return f"{value:%H:%M}"
        case tuple():
            return list(value)
        case bool() | int() | float() | str():
            return value
        case _:
            return None
