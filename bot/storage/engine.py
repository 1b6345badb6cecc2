"""What both databases offer to the rest of storage."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from bot.errors import StoreContended
from bot.storage.ops import Job, Procedure

T = TypeVar("T")

#: How often a step that lost a race, or hit a unique key, is decided again.
TRIES = 5
#: How many steps share one commit at most.
BATCH = 128


class Engine(Protocol):
    async def write(self, job: Job) -> Any:
        """Run a procedure in a savepoint of a transaction that others share; its result comes after the commit.

        Cancelling the caller does not cancel the job. Raises StoreUnavailable, StoreContended, StoreRefused, or
        what the procedure raised.
        """

    async def apart(self, begin: Callable[[], Procedure[T]]) -> T:
        """Run a procedure that skips what others have locked, so that it must not wait for them."""

    async def read(self, begin: Callable[[], Procedure[T]], *, long: bool = False) -> T:
        """Run a procedure that changes nothing, on one consistent view; ``long`` for scans."""

    async def close(self) -> None: ...


def contended(what: object) -> StoreContended:
    """What a step is told that met what others wrote at every try; ``what`` names a table or a key, not its value."""
    return StoreContended(f"decided {TRIES} times, each time against what others had written: {what}")
