"""What is forgotten, a little at a time."""

from datetime import datetime, timedelta

from bot.storage.codec import to_micros
from bot.storage.ops import Procedure, ask, query
from bot.storage.rows import SEEN_FOR

#: Rows of a kind that one step forgets at most, so that it never holds up what waits behind it.
AT_ONCE = 500

_SEEN = query(
    "DELETE FROM seen_event WHERE key IN "
    f"(SELECT e.key FROM seen_event e WHERE e.at < :before ORDER BY e.at LIMIT {AT_ONCE}) RETURNING 1",
    "before:bigint",
    changes=True,
)
_SENT = query(
    "DELETE FROM outbox WHERE id IN (SELECT o.id FROM outbox o WHERE o.state = 'sent' AND o.settled_at < :before "
    f"ORDER BY o.settled_at LIMIT {AT_ONCE}) RETURNING 1",
    "before:bigint",
    changes=True,
)


def sweep(now: datetime, keep_sent: timedelta) -> Procedure[bool]:
    """Forget some events seen more than a week ago, and some messages sent too long ago; whether there may be more."""
    seen = yield from ask(_SEEN, to_micros(now) - SEEN_FOR)
    sent = yield from ask(_SENT, to_micros(now - keep_sent))
    return AT_ONCE in (len(seen), len(sent))
