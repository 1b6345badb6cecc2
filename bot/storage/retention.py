"""What is forgotten, a little at a time."""

from datetime import datetime, timedelta

from bot.followup.incidents import LONGEST_WINDOW
from bot.storage.codec import to_micros
from bot.storage.ops import Procedure, ask, query
from bot.storage.rows import SEEN_FOR

#: Rows of a kind that one step forgets at most, so that it never holds up what waits behind it.
AT_ONCE = 500
#: How long what asked nobody is kept, and a link after it expired.
MONTH = timedelta(days=30)

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
# In the order in which they came, which is nearly that of their times: it needs no index of its own.
_SHARED = query(
    "DELETE FROM shared_value WHERE id IN (SELECT s.id FROM "
    f"(SELECT o.id, o.opened_at FROM shared_value o ORDER BY o.id LIMIT {AT_ONCE}) AS s WHERE s.opened_at < :before) "
    "RETURNING 1",
    "before:bigint",
    changes=True,
)
# What was told and asked nobody: it says little once it is a month old, and there is much of it.
_EVENTS = query(
    "DELETE FROM decision WHERE id IN (SELECT d.id FROM decision d WHERE d.trigger = 'event' AND d.at < :before "
    f"ORDER BY d.at LIMIT {AT_ONCE}) RETURNING 1",
    "before:bigint",
    changes=True,
)
_LINKS = query(
    "DELETE FROM link WHERE id IN (SELECT l.id FROM link l WHERE l.expires_at < :before "
    f"ORDER BY l.expires_at LIMIT {AT_ONCE}) RETURNING 1",
    "before:bigint",
    changes=True,
)


def sweep(now: datetime, keep_sent: timedelta) -> Procedure[bool]:
    """Forget some of what is old enough: events and neighbours of a week ago, messages sent too long ago, and of a
    month ago what asked nobody and links that are over. Whether there may be more.
    """
    seen = yield from ask(_SEEN, to_micros(now) - SEEN_FOR)
    shared = yield from ask(_SHARED, to_micros(now - LONGEST_WINDOW))
    sent = yield from ask(_SENT, to_micros(now - keep_sent))
    events = yield from ask(_EVENTS, to_micros(now - MONTH))
    links = yield from ask(_LINKS, to_micros(now - MONTH))
    return AT_ONCE in (len(seen), len(shared), len(sent), len(events), len(links))
