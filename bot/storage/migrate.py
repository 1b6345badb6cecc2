"""Brings a database's tables up to date, safely with several processes starting at once and with a crash between.

Tortoise's own command writes "applied" after the migration's transaction and takes no lock. Here each migration and
its record are one transaction, and whoever comes second finds nothing left to do. Migrations only add (a test sees
to it): on SQLite, Tortoise's change of a column drops rows, indexes and unique keys of the tables around it.
"""

import asyncio
from typing import Any

import asyncpg
from tortoise.context import TortoiseContext
from tortoise.exceptions import BaseORMException
from tortoise.migrations.executor import MigrationExecutor
from tortoise.migrations.graph import MigrationKey
from tortoise.migrations.recorder import MigrationRecorder
from tortoise.transactions import in_transaction

from bot.errors import StoreUnavailable
from bot.storage.location import PostgresAt, SqliteAt

APP = "storage"
#: The advisory lock that makes replicas migrate one after the other.
LOCK = 0x61667465726368
TRIES = 20

_APPS: dict[str, dict[str, Any]] = {
    APP: {
        "models": ["bot.storage.models"],
        "default_connection": "default",
        "migrations": "bot.storage.migrations",
    }
}


async def migrate(location: SqliteAt | PostgresAt) -> None:
    """Apply what is missing. Raises StoreUnavailable.

    In a task of its own: Tortoise keeps its state in a context variable, and cancelling it inside a transaction
    leaves its lock held for good.
    """
    task = asyncio.create_task(_migrate(location))
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        if not task.done():
            await asyncio.wait({task})
        raise


async def _migrate(location: SqliteAt | PostgresAt) -> None:
    match location:
        case SqliteAt():
            await _migrate_sqlite(location)
        case PostgresAt():
            await _migrate_postgres(location)


async def _migrate_sqlite(at: SqliteAt) -> None:
    credentials = {"file_path": str(at.path), "busy_timeout": 10_000, "synchronous": "FULL"}
    for attempt in range(1, TRIES + 1):
        try:
            await _apply("tortoise.backends.sqlite", credentials)
            break
        except BaseORMException as error:
            # Another process may have made the same table a moment ago: then there is nothing left to do.
            if attempt == TRIES or not any(said in str(error) for said in ("already exists", "locked")):
                raise StoreUnavailable(f"the tables could not be made: {error}") from error
            await asyncio.sleep(0.05 * attempt)


async def _migrate_postgres(at: PostgresAt) -> None:
    try:
        guard = await asyncpg.connect(**connect_options(at))
    except (OSError, asyncpg.PostgresError, TimeoutError) as error:
        raise StoreUnavailable(f"the database does not answer: {error}") from error
    try:
        await guard.execute(f"SELECT pg_advisory_lock({LOCK})")
        credentials = {**connect_options(at), "minsize": 1, "maxsize": 2}
        await _apply("tortoise.backends.asyncpg", credentials)
    except (BaseORMException, OSError, asyncpg.PostgresError) as error:
        raise StoreUnavailable(f"the tables could not be made: {error}") from error
    finally:
        guard.terminate()


def connect_options(at: PostgresAt) -> dict[str, Any]:
    """What asyncpg needs to connect, without what is not given."""
    options = {"host": at.host, "port": at.port, "user": at.user, "password": at.password, "database": at.database}
    if at.ssl is not None:
        options["ssl"] = at.ssl
    return {name: value for name, value in options.items() if value is not None}


async def _apply(engine: str, credentials: dict[str, Any]) -> None:
    config = {"connections": {"default": {"engine": engine, "credentials": credentials}}, "apps": _APPS}
    async with TortoiseContext() as context:
        # The context closes its connections however this ends: aiosqlite's thread would keep the process alive.
        await context.init(config=config, init_connections=False)
        await _Executor(context.connections.get("default"), _APPS).apply_missing()


class _Executor(MigrationExecutor):
    async def apply_missing(self) -> None:
        await self.loader.build_graph()
        await self.recorder.ensure_schema(self._schema_editor(atomic=False))
        applied = set(await self.recorder.applied_migrations())
        for step in await self.plan():
            state = await self._project_state(applied)
            async with in_transaction("default") as transaction:
                editor = self._schema_editor(atomic=True)
                editor.client = transaction
                await step.migration.apply(state, schema_editor=editor)
                record = MigrationRecorder(transaction)
                await record.record_applied(step.migration.app_label, step.migration.name)
            applied.add(MigrationKey(app_label=step.migration.app_label, name=step.migration.name))
