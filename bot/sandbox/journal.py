"""What a stand-in was asked, in order, and a way to wait until something has happened."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from bot.sandbox.faults import Fault

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request that reached a stand-in: `Call(order=3, method="sendMessage", fields={"chat_id": "7"}, ...)`."""

    #: 1, 2, 3, ... over all methods
    order: int
    #: monotonic seconds
    at: float
    #: the caller's token, "" if it sent none
    token: str
    method: str
    fields: Mapping[str, Any]
    #: the fault that this request met
    fault: Fault | None
    via: Literal["http", "webhook reply", "response_url"]


class Journal:
    """The calls received and a version that grows with every change of what people see."""

    def __init__(self, keep: int | None = None) -> None:
        self.calls: deque[Call] = deque(maxlen=keep)
        self.version = 0
        self._count = 0
        self._next: asyncio.Future[None] | None = None

    def record(
        self,
        method: str,
        fields: Mapping[str, Any],
        *,
        token: str,
        fault: Fault | None,
        via: Literal["http", "webhook reply", "response_url"] = "http",
    ) -> None:
        """Add one call; waiters look again."""
        self._count += 1
        self.calls.append(
            Call(
                order=self._count,
                at=time.monotonic(),
                token=token,
                method=method,
                fields=fields,
                fault=fault,
                via=via,
            )
        )
        self.changed()

    def of(self, method: str) -> list[Call]:
        """The calls of one method, oldest first."""
        return [call for call in self.calls if call.method == method]

    def changed(self) -> None:
        """Say that something that people see, or a call, is new."""
        self.version += 1
        if self._next is not None:
            if not self._next.done():
                self._next.set_result(None)
            self._next = None

    async def next_change(self, seen: int | None = None) -> None:
        """Wait for the next change, or not at all if there was one since version `seen`."""
        if seen is not None and seen != self.version:
            return
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._next)

    async def wait_for(self, found: Callable[[], T], timeout: float = 5.0) -> T:
        """Wait until `found()` is true and return it; a TimeoutError lists the latest calls."""
        try:
            async with asyncio.timeout(timeout):
                while not (result := found()):
                    await self.next_change()
                return result
        except TimeoutError:
            latest = [f"{call.method} {dict(call.fields)}" for call in list(self.calls)[-5:]]
            raise TimeoutError(f"not seen in {timeout} s; latest calls: {latest}") from None
