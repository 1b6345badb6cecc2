"""Brings a database's tables up to date, safely with several processes starting at once and with a crash between.

Tortoise's own command writes "applied" after the migration's transaction and takes no lock. Here each migration and
its record are one transaction, and whoever comes second finds nothing left to do. Migrations only add (a test sees
to it): on SQLite, Tortoise's change of a column drops rows, indexes and unique keys of the tables around it.
"""

import asyncio
import contextlib
import importlib
import pkgutil
import sqlite3
from typing import Any

import asyncpg
from tortoise.context import TortoiseContext
from tortoise.exceptions import BaseORMException
from tortoise.migrations.executor import MigrationExecutor
from tortoise.migrations.graph import MigrationKey
from tortoise.migrations.recorder import MigrationRecorder
from tortoise.migrations.schema_generator.state import State
from tortoise.migrations.schema_generator.state_apps import StateApps
from tortoise.transactions import in_transaction

from bot.errors import StoreUnavailable
from bot.storage.location import PostgresAt, SqliteAt

APP = "storage"
#: The advisory lock that makes replicas migrate one after the other.
LOCK = 0x61667465726368
TRIES = 20

PACKAGE = "bot.storage.migrations"

_NO_ANSWER = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

_MADE_MEANWHILE = ("already exists", "duplicate column name", "locked")

# Asked before Tortoise is begun with: nearly every start finds nothing to do.
_APPLIED = f"SELECT name FROM tortoise_migrations WHERE app = '{APP}'"


async def migrate(location: SqliteAt | PostgresAt, package: str = PACKAGE) -> None:
    """Apply what is missing of the migrations in a package. Raises StoreUnavailable.

    In a task of its own: Tortoise keeps its state in a context variable, and cancelling it inside a transaction
    leaves its lock held for good.
    """
    task = asyncio.create_task(_migrate(location, package))
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        if not task.done():
            await asyncio.wait({task})
        raise


async def _migrate(location: SqliteAt | PostgresAt, package: str) -> None:
    match location:
        case SqliteAt():
            await _migrate_sqlite(location, package)
        case PostgresAt():
            await _migrate_postgres(location, package)


def _migrations(package: str) -> set[str]:
    folder = importlib.import_module(package).__path__
    return {module.name for module in pkgutil.iter_modules(folder) if module.name[0].isdigit()}


def _applied_sqlite(at: SqliteAt) -> set[str]:
    """Which migrations a file has; none of a file that is new, and whatever is wrong with it shows later."""
    try:
        with contextlib.closing(sqlite3.connect(f"{at.path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return {name for (name,) in connection.execute(_APPLIED)}
    except sqlite3.Error:
        return set()


async def _migrate_sqlite(at: SqliteAt, package: str) -> None:
    if _migrations(package) <= _applied_sqlite(at):
        return
    credentials = {"file_path": str(at.path), "busy_timeout": 10_000, "synchronous": "FULL"}
    for attempt in range(1, TRIES + 1):
        try:
            await _apply("tortoise.backends.sqlite", credentials, package)
            break
        except (BaseORMException, sqlite3.Error) as error:
            # Another process may have made the same a moment ago: then there is nothing left to do.
            if attempt == TRIES or not any(said in str(error) for said in _MADE_MEANWHILE):
                raise StoreUnavailable(f"the tables could not be made: {error}") from error
            await asyncio.sleep(0.05 * attempt)


async def _migrate_postgres(at: PostgresAt, package: str) -> None:
    try:
        guard = await asyncpg.connect(**connect_options(at))
    except _NO_ANSWER as error:
        raise StoreUnavailable(f"the database does not answer: {error}") from error
    try:
        await guard.execute(f"SELECT pg_advisory_lock({LOCK})")
        if _migrations(package) <= await _applied_postgres(guard):
            return
        credentials = {**connect_options(at), "minsize": 1, "maxsize": 2}
        await _apply("tortoise.backends.asyncpg", credentials, package)
    except (BaseORMException, *_NO_ANSWER) as error:
        raise StoreUnavailable(f"the tables could not be made: {error}") from error
    finally:
        with contextlib.suppress(*_NO_ANSWER):
            await guard.close(timeout=5)


async def _applied_postgres(connection: Any) -> set[str]:
    if await connection.fetchval("SELECT to_regclass('tortoise_migrations')") is None:
        return set()
    return {row[0] for row in await connection.fetch(_APPLIED)}


def connect_options(at: PostgresAt) -> dict[str, Any]:
    """What asyncpg needs to connect, without what is not given."""
    options = {"host": at.host, "port": at.port, "user": at.user, "password": at.password, "database": at.database}
    if at.ssl is not None:
        options["ssl"] = at.ssl
    return {name: value for name, value in options.items() if value is not None}


async def _apply(engine: str, credentials: dict[str, Any], package: str) -> None:
    apps = {APP: {"models": ["bot.storage.models"], "default_connection": "default", "migrations": package}}
    config = {"connections": {"default": {"engine": engine, "credentials": credentials}}, "apps": apps}
    async with TortoiseContext() as context:
        # The context closes its connections however this ends: aiosqlite's thread would keep the process alive.
        await context.init(config=config, init_connections=False)
        connection = context.connections.get("default")
        # Here and not at the first statement: failing there, Tortoise keeps its lock, and the second one hangs.
        await connection.create_connection(with_db=True)
        await _Executor(connection, apps).apply_missing()


class _Executor(MigrationExecutor):
    async def apply_missing(self) -> None:
        await self.loader.build_graph()
        await self.recorder.ensure_schema(self._schema_editor(atomic=False))
        state = await self._so_far(set(await self.recorder.applied_migrations()))
        for step in await self.plan():
            async with in_transaction("default") as transaction:
                editor = self._schema_editor(atomic=True)
                editor.client = transaction
                await step.migration.apply(state, schema_editor=editor)
                record = MigrationRecorder(transaction)
                await record.record_applied(step.migration.app_label, step.migration.name)

    async def _so_far(self, applied: set[MigrationKey]) -> State:
        state = _GrowingState(models={}, apps=_TablesOnly(default_connections={APP: "default"}))
        for key in self._full_plan():
            migration = self.loader.graph.nodes[key]
            if key in applied and migration is not None:
                await migration.apply(state, dry_run=True)
        return state


class _GrowingState(State):
    """What the tables are like so far; not copied, because nothing that only adds asks what they were like before."""

    def clone(self) -> State:
        return self


class _TablesOnly(StateApps):
    """Models to make tables of, never to be queried: what queries need costs many times as much as all else."""

    def _build_initial_querysets(self) -> None:
        pass
