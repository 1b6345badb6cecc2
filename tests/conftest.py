"""What tests of several areas ask for."""

import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.storage import Storage, open_storage
from tests.databases import PostgresServer, migrated_sqlite, postgres_server, sqlite_url


class SetClock:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **span: float) -> datetime:
        self.now += timedelta(**span)
        return self.now


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The PostgreSQL server of this test process, started when first asked for."""
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def sqlite_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite database with all tables."""
    return migrated_sqlite(tmp_path_factory.mktemp("tables"))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def storage_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """A database with all tables and no rows, once of each kind."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_tables"), tmp_path / "afterchat.db")
        yield sqlite_url(tmp_path)
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    async with server.database() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """A database without tables, once of each kind."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path / "folder" / "to be made")
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    async with server.database(empty=True) as url:
        yield url


@pytest.fixture
async def storage(storage_url: str, clock: SetClock) -> AsyncIterator[Storage]:
    """An open store, once on each database, on a clock that stands still."""
    opened = await open_storage(storage_url, clock=clock)
    yield opened
    await opened.close()
