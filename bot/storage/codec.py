"""How values stand in columns: times as microseconds, structures as JSON text, and text both databases can hold."""

import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

#: A longer key is kept as its hash: PostgreSQL's indexes hold no more than 2,700 bytes of a row.
_KEY_LENGTH = 300

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SURROGATES = re.compile("[\ud800-\udfff]")
#: What stands for text that is no text, as in any decoder.
REPLACEMENT = "\ufffd"


def to_micros(at: datetime) -> int:
    """Microseconds since 1970 UTC; exact. Raises TypeError for a time without a zone."""
    since = at - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def from_micros(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)


def maybe_micros(at: datetime | None) -> int | None:
    return None if at is None else to_micros(at)


def maybe_time(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)


def clean_text(text: str) -> str:
    """The text without NUL, and with lone surrogates replaced.

    PostgreSQL refuses both and SQLite swallows the first: the same words must be kept everywhere.
    """
    if "\0" in text:
        text = text.replace("\0", "")
    if text.isascii():
        return text
    return _SURROGATES.sub(REPLACEMENT, text)


def clean(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Parameters fit for either database; nearly always the very same."""
    for value in values:
        if type(value) is str and ("\0" in value or not value.isascii()):
            return tuple([clean_text(value) if type(value) is str else value for value in values])
    return values


def encode(value: Any) -> str:
    """A structure as JSON text, its texts cleaned."""
    try:
        data = msgspec.json.encode(value, order="deterministic")
    except UnicodeEncodeError:
        data = b"\\u0000"
    if b"\\u0000" in data:
        data = msgspec.json.encode(_cleaned(msgspec.to_builtins(value)), order="deterministic")
    return data.decode()


def _cleaned(value: Any) -> Any:
    match value:
        case str():
            return clean_text(value)
        case dict():
            return {_cleaned(key): _cleaned(item) for key, item in value.items()}
        case list() | tuple():
            return [_cleaned(item) for item in value]
        case _:
            return value


def short_key(text: str) -> str:
    """The key under which an event is remembered, or a value found."""
    return text if len(text) <= _KEY_LENGTH else f"{text[:64]}#{digest(text)}"


def digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
