"""A column type that Tortoise lacks."""

from typing import Any

from tortoise.fields.base import Field


class Key(Field[str], str):  # type: ignore[misc]  # the base declares __new__ for its descriptors
    """Text of any length that may be a key or stand in an index.

    Tortoise's TextField refuses both; its CharField has a length, which PostgreSQL enforces and SQLite does not.
    """

    SQL_TYPE = "TEXT"

    def __init__(self, *, primary_key: bool | None = None, **options: Any) -> None:
        super().__init__(primary_key=primary_key, **options)
