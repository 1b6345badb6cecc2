"""The web chat's log: what a customer should see is a row first."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from bot.messages import ChannelName, Content
from bot.ports import ChatLine
from bot.storage.codec import encode, from_micros, to_micros
from bot.storage.engine import Engine
from bot.storage.ops import Do, Job, Procedure, ask, query
from bot.storage.wakes import Bell, session_wake

_APPEND = query(
    "INSERT INTO chat_line (channel, session, author, slot, content, at) "
    "VALUES (:channel, :session, :author, :slot, :content, :at) RETURNING id",
    "channel session author slot content at:bigint",
    changes=True,
)
_SLOT = query(
    "SELECT l.id FROM chat_line l "
    "WHERE l.channel = :channel AND l.session = :session AND l.author = 'customer' AND l.slot = :slot LIMIT 1",
    "channel session slot",
)
_SINCE = query(
    "SELECT l.id, l.author, l.slot, l.content, l.at FROM chat_line l "
    "WHERE l.channel = :channel AND l.session = :session AND l.id > :after ORDER BY l.id LIMIT :most",
    "channel session after:bigint most:bigint",
)

_contents: msgspec.json.Decoder[Content] = msgspec.json.Decoder(Content)


class StoredChatLog:
    """The ChatLog port."""

    def __init__(self, engine: Engine, bell: Bell) -> None:
        self._engine = engine
        self._bell = bell

    async def append(
        self,
        channel: ChannelName,
        session: str,
        author: Literal["us", "customer"],
        slot: str,
        content: Content,
        at: datetime,
    ) -> int:
        wake = session_wake(channel, session)
        row = (channel, session, author, slot, encode(content), to_micros(at))
        # One after the other in a session: a reader that saw a higher id would miss a lower one committed later.
        known = (channel, session, slot) if author == "customer" else ()
        id: int = await self._engine.write(Job(lambda: _append(row, known, wake), frozenset({wake})))
        return id

    async def since(self, channel: ChannelName, session: str, after: int, limit: int = 200) -> Sequence[ChatLine]:
        rows = await self._engine.read(lambda: ask(_SINCE, channel, session, after, limit))
        return [
            ChatLine(
                id=id, session=session, author=author, slot=slot, content=_contents.decode(content), at=from_micros(at)
            )
            for id, author, slot, content, at in rows
        ]

    def follow(self, channel: ChannelName, session: str) -> AsyncIterator[None]:
        return self._bell.follow(session_wake(channel, session))


def _append(row: tuple[str | int, ...], known: tuple[str, ...], wake: str) -> Procedure[int]:
    for (id,) in (yield from ask(_SLOT, *known)) if known else ():
        return int(id)
    ((id,),) = yield from ask(_APPEND, *row)
    yield Do((), frozenset({wake}))
    return int(id)
