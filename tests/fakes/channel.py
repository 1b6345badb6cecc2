"""A complete channel in memory: shows what was posted and edited, and fails as it is told."""

import asyncio
from collections import deque
from collections.abc import Callable

from bot.errors import SendFailed
from bot.messages import ChannelName, Content, Outbound, Receipt
from bot.ports import File, Handle, Limits, Raw, Reply


class FakeChannel:
    """Messages by remote id, as a service would show them; ``calls`` are all sends in the order of their arrival."""

    def __init__(
        self, name: str = "fake", *, per_second: float = 0.0, posts_per_second: float = 0.0, at_once: int = 0
    ) -> None:
        self.name = ChannelName(name)
        self.limits = Limits(
            buttons=100,
            text=4096,
            button_label=64,
            token_bytes=64,
            edits=True,
            per_second=per_second,
            posts_per_second=posts_per_second,
            at_once=at_once,
        )
        self.shown: dict[str, Content] = {}
        self.calls: list[tuple[Outbound, str | None, bool]] = []
        #: the thread of each call
        self.threads: list[str | None] = []
        #: what customers sent, by the reference of their attachments
        self.files: dict[str, File] = {}
        #: failures for the next sends, first come first served
        self.failures: deque[SendFailed] = deque()
        #: decides about every send; None: it succeeds
        self.fails: Callable[[Outbound], SendFailed | None] = lambda _: None
        #: while clear, sends hang
        self.open = asyncio.Event()
        self.open.set()

    async def receive(self, raw: Raw, handle: Handle) -> Reply:
        return Reply(status=404)

    async def send(
        self, message: Outbound, remote: str | None, *, again: bool = False, thread: str | None = None
    ) -> Receipt:
        self.calls.append((message, remote, again))
        self.threads.append(thread)
        await self.open.wait()
        failure = self.failures.popleft() if self.failures else self.fails(message)
        if failure is not None:
            raise failure
        if message.kind == "edit":
            assert remote is not None, "an edit without a message to edit"
            self.shown[remote] = message.content
            return Receipt(remote=remote)
        made = f"{message.to.key}:{len(self.shown) + 1}"
        self.shown[made] = message.content
        return Receipt(remote=made)

    async def fetch(self, reference: str) -> File | None:
        failure = self.failures.popleft() if self.failures else None
        if failure is not None:
            raise failure
        return self.files.get(reference)

    async def run(self, handle: Handle) -> None:
        return

    async def close(self) -> None:
        self.open.set()
