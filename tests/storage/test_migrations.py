"""Migrations only add, lose nothing, and may be interrupted. On both databases."""

import importlib
import pkgutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from tortoise import fields
from tortoise.context import TortoiseContext
from tortoise.fields.base import DB_DEFAULT_NOT_SET, Field
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.autodetector import MigrationAutodetector
from tortoise.migrations.recorder import MigrationRecorder

import bot.storage.migrations
from bot.storage import open_storage
from bot.storage.fields import Key
from bot.storage.location import parse_location
from bot.storage.migrate import APP, PACKAGE, migrate
from tests.conftest import SetClock
from tests.storage.samples import NOON, answer, begin_talk, counted, look, queued, write

LATER = """
from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from bot.storage.fields import Key

class Migration(migrations.Migration):
    dependencies = [("storage", "0006_asked_for_a_person")]
    operations = [
        ops.AddField(model_name="Answer", name="agent", field=Key(null=True)),
        ops.AddField(model_name="Outbox", name="weight", field=fields.BigIntField(db_default=1)),
        ops.AddIndex(model_name="Answer", index=Index(fields=["agent", "at"], name="answer_of_agent")),
        ops.CreateModel(name="Team", fields=[("id", Key(primary_key=True))], options={"table": "team"}),
    ]
"""


def adds_only(operation: object) -> bool:
    """Whether an operation cannot lose rows, indexes or unique keys, on SQLite either."""
    match operation:
        case ops.CreateModel() | ops.AddIndex():
            return True
        case ops.AddField(field=field):
            return isinstance(field, Field) and (field.null or field.db_default is not DB_DEFAULT_NOT_SET)
        case _:
            return False


OPERATIONS = {
    "a new table": (ops.CreateModel(name="Team", fields=[("id", Key(primary_key=True))]), True),
    "a new index": (ops.AddIndex(model_name="Answer", index=Index(fields=["at"], name="x")), True),
    "a column that may be empty": (ops.AddField(model_name="Answer", name="x", field=Key(null=True)), True),
    "a column with a default": (
        ops.AddField(model_name="Answer", name="x", field=fields.BigIntField(db_default=0)),
        True,
    ),
    "a column that only Python fills": (
        ops.AddField(model_name="Answer", name="x", field=fields.BigIntField(default=0)),
        False,
    ),
    "a changed column": (ops.AlterField(model_name="Answer", name="at", field=Key(null=True)), False),
    "a removed column": (ops.RemoveField(model_name="Answer", name="at"), False),
    "a removed table": (ops.DeleteModel(name="Answer"), False),
    "a removed index": (ops.RemoveIndex(model_name="Answer", name="answer_of_flow"), False),
    "statements of one's own": (ops.RunSQL(sql="DELETE FROM answer"), False),
}


@pytest.mark.parametrize(("operation", "allowed"), OPERATIONS.values(), ids=OPERATIONS.keys())
def test_what_a_migration_may_do(operation: object, allowed: bool) -> None:
    assert adds_only(operation) is allowed


@pytest.mark.parametrize("name", [module.name for module in pkgutil.iter_modules(bot.storage.migrations.__path__)])
def test_every_migration_only_adds(name: str) -> None:
    """Changing a column on SQLite silently drops the rows of child tables, the indexes and the unique keys."""
    migration = importlib.import_module(f"{PACKAGE}.{name}").Migration
    assert [operation for operation in migration.operations if not adds_only(operation)] == []


async def test_the_migrations_make_what_the_models_say(tmp_path: Path) -> None:
    apps = {APP: {"models": ["bot.storage.models"], "default_connection": "default", "migrations": PACKAGE}}
    sqlite = {"engine": "tortoise.backends.sqlite", "credentials": {"file_path": str(tmp_path / "none.db")}}
    config = {"connections": {"default": sqlite}, "apps": apps}
    async with TortoiseContext() as context:
        await context.init(config=config, init_connections=False)
        assert context.apps is not None
        assert await MigrationAutodetector(context.apps, apps).changes() == []


@pytest.fixture
def later_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The migrations of a later release: ours and one more."""
    folder = tmp_path / "later_release"
    folder.mkdir()
    for module in Path(bot.storage.migrations.__path__[0]).glob("[0-9]*.py"):
        (folder / module.name).write_text(module.read_text())
    (folder / "__init__.py").write_text("")
    (folder / "0005_more.py").write_text(LATER)
    monkeypatch.syspath_prepend(tmp_path)
    yield folder.name
    importlib.invalidate_caches()


async def schema(url: str) -> set[str]:
    """The definitions of all indexes and unique keys."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        rows = connection.execute("SELECT tbl_name || ': ' || coalesce(sql, name) FROM sqlite_master").fetchall()
        connection.close()
    else:
        server = await asyncpg.connect(url)
        rows = await server.fetch("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'")
        await server.close()
    return {row[0] for row in rows if "TABLE" not in row[0]}


async def test_an_upgrade_keeps_rows_indexes_and_unique_keys(
    storage_url: str, clock: SetClock, later_package: str
) -> None:
    storage = await open_storage(storage_url, clock=clock)
    await begin_talk(storage)
    await write(storage, answer(3), counted(3), *queued("q1", "q2"), event="update:1")
    await storage.close()
    before = await schema(storage_url)
    await migrate(parse_location(storage_url), later_package)
    after = await schema(storage_url)
    assert before - after == set()
    assert [name for name in after if "answer_of_agent" in name] != []
    storage = await open_storage(storage_url, clock=clock)
    assert await storage.verify_counts() == []
    assert (await look(storage, event="update:1")).seen
    assert len(await storage.outbox.claim(NOON, limit=9, lease_until=NOON)) == 1
    await storage.close()


async def test_a_crash_while_a_migration_is_recorded_undoes_it(
    empty_url: str, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tortoise records a migration after its transaction: what was applied is then applied again, and fails."""

    async def crash(*_: object) -> None:
        raise KeyError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(MigrationRecorder, "record_applied", crash)
        with pytest.raises(KeyError):
            await open_storage(empty_url, clock=clock)
    storage = await open_storage(empty_url, clock=clock)
    await write(storage, event="update:1")
    await storage.close()
