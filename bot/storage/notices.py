"""What the operators are told, once however many processes want to tell it."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal

import msgspec

from bot.messages import Outbound
from bot.ports import Queue
from bot.storage.codec import from_micros, to_micros
from bot.storage.engine import Engine
from bot.storage.facts import Steps
from bot.storage.ops import Job, Procedure, Statement, ask, do, insert, query
from bot.storage.rows import statements

NoticeState = Literal["well", "broken"]


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What was told last of a topic: in the message of a slot, about what has this digest."""

    slot: str
    state: NoticeState
    digest: str
    at: datetime


#: From what was told last, what to tell now: what to keep of it, and the message where there is one. None: nothing.
Tell = Callable[[Notice | None], tuple[Notice, Outbound | None] | None]

_SAVE = insert(
    "notice",
    "topic slot state digest at:bigint",
    key="topic",
    conflict="DO UPDATE SET slot = excluded.slot, state = excluded.state, digest = excluded.digest, at = excluded.at",
)
_FIND = query("SELECT n.slot, n.state, n.digest, n.at FROM notice n WHERE n.topic = :topic", "topic")


class StoredNotices:
    """Keeps what was told, in one transaction with its message."""

    def __init__(self, engine: Engine, steps: Steps) -> None:
        self._engine = engine
        self._steps = steps

    async def tell(self, topic: str, tell: Tell) -> None:
        """Let ``tell``, which is pure, look at what was told last of a topic, and do what it says.

        Processes do so one after the other. Raises StoreUnavailable.
        """
        await self._engine.write(Job(lambda: self._told(topic, tell), frozenset({f"notice {topic}"})))

    def _told(self, topic: str, tell: Tell) -> Procedure[None]:
        rows = yield from ask(_FIND, topic)
        before = None
        if rows:
            slot, state, digest, at = rows[0]
            before = Notice(slot=slot, state=state, digest=digest, at=from_micros(at))
        told = tell(before)
        if told is None:
            return
        notice, outbound = told
        save = Statement(_SAVE, (topic, notice.slot, notice.state, notice.digest, to_micros(notice.at)))
        queue = () if outbound is None else statements(Queue(outbound=outbound, at=notice.at), self._steps.person)
        yield from do([save, *queue], frozenset({"outbox"}) if outbound is not None else frozenset())
