"""A web-chat log in memory."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Literal

from bot.errors import StoreUnavailable
from bot.messages import ChannelName, Content
from bot.ports import ChatLine


class FakeChatLog:
    """Keeps lines for as long as the test runs; ``broken`` makes it behave like a database that is away."""

    def __init__(self) -> None:
        self.lines: list[tuple[ChannelName, ChatLine]] = []
        self.broken = False
        #: set while nobody follows any session
        self.unfollowed = asyncio.Event()
        self.unfollowed.set()
        self._followers: set[tuple[ChannelName, str, asyncio.Event]] = set()

    async def append(
        self,
        channel: ChannelName,
        session: str,
        author: Literal["us", "customer"],
        slot: str,
        content: Content,
        at: datetime,
    ) -> int:
        self._answer()
        for line in self.of(session) if author == "customer" else ():
            if (line.author, line.slot) == (author, slot):
                return line.id
        id = len(self.lines) + 1
        line = ChatLine(id=id, session=session, author=author, slot=slot, content=content, at=at)
        self.lines.append((channel, line))
        for followed_channel, followed_session, news in self._followers:
            if (followed_channel, followed_session) == (channel, session):
                news.set()
        return id

    async def since(self, channel: ChannelName, session: str, after: int, limit: int = 200) -> Sequence[ChatLine]:
        self._answer()
        found = [line for of, line in self.lines if of == channel and line.session == session and line.id > after]
        return found[:limit]

    async def follow(self, channel: ChannelName, session: str) -> AsyncIterator[None]:
        news = asyncio.Event()
        follower = (channel, session, news)
        self._followers.add(follower)
        self.unfollowed.clear()
        try:
            while True:
                await news.wait()
                news.clear()
                yield
        finally:
            self._followers.discard(follower)
            if not self._followers:
                self.unfollowed.set()

    def of(self, session: str) -> list[ChatLine]:
        """The lines of one session, oldest first."""
        return [line for _, line in self.lines if line.session == session]

    def _answer(self) -> None:
        if self.broken:
            raise StoreUnavailable("the log is away")
