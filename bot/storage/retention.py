"""What is forgotten, a little at a time."""

from datetime import datetime, timedelta

from bot.storage.codec import to_micros
from bot.storage.ops import Procedure, Statement, delete, do
from bot.storage.rows import SEEN_FOR

#: Rows of a kind that one sweep forgets at most, so that it never holds up what waits behind it.
AT_ONCE = 1_000

_SEEN = delete(
    "seen_event",
    "before:bigint",
    key="before",
    where=f"t.key IN (SELECT e.key FROM seen_event e WHERE e.at < :before ORDER BY e.at LIMIT {AT_ONCE})",
)
_SENT = delete(
    "outbox",
    "before:bigint",
    key="before",
    where="t.id IN (SELECT o.id FROM outbox o WHERE o.state = 'sent' AND o.settled_at < :before "
    f"ORDER BY o.settled_at LIMIT {AT_ONCE})",
)


def sweep(now: datetime, keep_sent: timedelta) -> Procedure[None]:
    """Forget events seen more than a week ago, and messages sent longer ago than they are kept."""
    at = to_micros(now)
    yield from do([Statement(_SEEN, (at - SEEN_FOR,)), Statement(_SENT, (to_micros(now - keep_sent),))])
