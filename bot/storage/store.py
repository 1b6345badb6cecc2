"""The store: one unit of work at a time, and everything else that is kept."""

import asyncio
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta

from bot.conversations.flow import PinnedFlow
from bot.errors import StoreUnavailable
from bot.ids import FlowHash
from bot.ports import Clock, CountRow, Facts, Outcome, Read
from bot.storage import flows, keyring, reports, retention, upgrade
from bot.storage.cases import StoredCases
from bot.storage.chat import StoredChatLog
from bot.storage.dues import StoredDues
from bot.storage.engine import Engine
from bot.storage.facts import FlowCache, Steps
from bot.storage.ledger import StoredLedger
from bot.storage.links import StoredLinks
from bot.storage.listener import Listener
from bot.storage.location import PostgresAt, SqliteAt, parse_location
from bot.storage.migrate import migrate
from bot.storage.notices import StoredNotices
from bot.storage.ops import Job, ask, query
from bot.storage.outbox import StoredOutbox
from bot.storage.panel import StoredPanel
from bot.storage.postgres import PostgresEngine
from bot.storage.reports import Backlog, Difference, GivenUp, SetAside, Stuck, Waiting
from bot.storage.sqlite import SqliteEngine
from bot.storage.wakes import Bell

#: How long sent messages are kept for the operator, unless the config says otherwise.
KEEP_SENT = timedelta(days=7)
#: Seconds in which a healthy database answers.
HEALTHY = 5.0

_ALIVE = query("SELECT 1")


class Storage:
    """The Store port; ``outbox``, ``dues``, ``cases``, ``ledger``, ``links``, ``chat`` and ``wakes`` are others."""

    def __init__(
        self,
        engine: Engine,
        steps: Steps,
        bell: Bell,
        clock: Clock,
        keep_sent: timedelta,
        listener: Listener | None,
        key: bytes,
    ) -> None:
        self._engine = engine
        self._key = key
        self._steps = steps
        self._clock = clock
        self._keep_sent = keep_sent
        self._listener = listener
        self.outbox = StoredOutbox(engine, steps)
        self.dues = StoredDues(engine)
        self.cases = StoredCases(engine, steps)
        self.ledger = StoredLedger(engine)
        self.links = StoredLinks(engine)
        self.panel = StoredPanel(engine)
        self.notices = StoredNotices(engine, steps)
        self.chat = StoredChatLog(engine, bell)
        self.wakes = bell

    async def run(self, read: Read, decide: Callable[[Facts], Outcome]) -> Outcome:
        outcome: Outcome = await self._engine.write(self._steps.job(read, decide, self._clock()))
        return outcome

    def key_for(self, purpose: str) -> bytes:
        """A key of this database for one purpose, the same in every process: 32 bytes."""
        return keyring.derived(self._key, purpose)

    async def activate_flows(self, active: Sequence[PinnedFlow], at: datetime) -> None:
        """Keep these versions for ever and make them the active set."""
        await self._engine.write(Job(lambda: flows.activate(active, at), flows.LOCK))
        self._steps.flows.update({flow.hash: flow for flow in active})

    async def active_flows(self) -> tuple[PinnedFlow, ...]:
        """The active set, in the order of the file."""
        return await self._engine.read(lambda: flows.active(self._steps.flows))

    async def versions(self, structures: Collection[str]) -> Mapping[str, PinnedFlow]:
        """A flow version of each structure, also of those that are no longer active."""
        return await self._engine.read(lambda: flows.of_structures(structures, self._steps))

    async def flow_version(self, version: FlowHash) -> PinnedFlow | None:
        """A flow version, active or not."""
        return await self._engine.read(lambda: self._steps.flow(version))

    async def score_counts(
        self, since: datetime | None, until: datetime | None, *, dimension: str = "all", flow: str | None = None
    ) -> Sequence[CountRow]:
        """The counts of the quarters of an hour that begin in ``since <= t < until``."""
        return await self._engine.read(lambda: reports.score_counts(since, until, dimension, flow), long=True)

    async def verify_counts(self) -> Sequence[Difference]:
        """Where counts and answers disagree: nowhere, if all is well. Reads every answer."""
        return await self._engine.read(lambda: reports.verify_counts(self._steps), long=True)

    async def aside(self, limit: int) -> Sequence[SetAside]:
        """The newest bodies that nobody here understood."""
        return await self._engine.read(lambda: reports.aside(limit))

    async def waiting(self, limit: int) -> Sequence[Waiting]:
        """The oldest messages that were refused and will be tried again."""
        return await self._engine.read(lambda: reports.waiting(limit))

    async def stuck(self, limit: int) -> Sequence[Stuck]:
        """The rooms and people whose messages wait since one was refused, the longest waiting first."""
        return await self._engine.read(lambda: reports.stuck(limit))

    async def backlog(self) -> Sequence[Backlog]:
        """How many messages wait for each channel."""
        return await self._engine.read(reports.backlog)

    async def remembered(self, first: str, last: str) -> Sequence[str]:
        """The events seen in the last week in ``first <= event < last``, which differ in digits only."""
        return await self._engine.read(lambda: reports.remembered(first, last, self._clock()))

    async def given_up(self, limit: int) -> Sequence[GivenUp]:
        """The newest messages that will never arrive."""
        return await self._engine.read(lambda: reports.given_up(limit))

    async def health(self) -> None:
        """Ask whoever writes. Raises StoreUnavailable."""
        try:
            async with asyncio.timeout(HEALTHY):
                await self._engine.write(Job(lambda: ask(_ALIVE)))
        except TimeoutError:
            raise StoreUnavailable(f"the database did not answer within {HEALTHY:g} s") from None

    async def sweep(self, now: datetime) -> None:
        """Forget what is old, in small steps between which others have their turn."""
        more = True
        while more:
            more = await self._engine.write(Job(lambda: retention.sweep(now, self._keep_sent)))

    async def close(self) -> None:
        """Finish what is under way and let go of the database; returns within a bounded time, also when repeated."""
        if self._listener is not None:
            await self._listener.close()
        await self._engine.close()


async def open_storage(url: str, *, clock: Clock, keep_sent: timedelta = KEEP_SENT) -> Storage:
    """Bring the database up to date and open it. Raises ConfigError for a bad URL, StoreUnavailable.

    ``sqlite:///folder/file.db`` (the folder is made) or ``postgresql://user@host/database``.
    """
    location = parse_location(url)
    if isinstance(location, SqliteAt):
        _make_folder(location)
    await migrate(location)
    bell = Bell()
    origin = secrets.token_hex(6)
    engine, listener = await _engine(location, bell, origin)
    try:
        key = await engine.write(Job(lambda: keyring.secret(clock())))
        await upgrade.fill_cases(engine)
        if listener is not None:
            await listener.started(HEALTHY)
    except BaseException:
        if listener is not None:
            await listener.close()
        await engine.close()
        raise
    cache: FlowCache = {}
    return Storage(engine, Steps(cache, keyring.person_by(key)), bell, clock, keep_sent, listener, key)


async def _engine(location: SqliteAt | PostgresAt, bell: Bell, origin: str) -> tuple[Engine, Listener | None]:
    if isinstance(location, SqliteAt):
        return SqliteEngine(location.path, bell), None
    engine = PostgresEngine(location, bell, origin)
    await engine.start()
    return engine, Listener(location, bell, origin)


def _make_folder(at: SqliteAt) -> None:
    try:
        at.path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailable(f"the folder of the database cannot be made: {error}") from error
