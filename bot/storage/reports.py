"""What reports and the operator read: counts of scores, their proof, what was kept aside or given up."""

from datetime import datetime

import msgspec

from bot.conversations.questions import Rating
from bot.messages import Address, ChannelName
from bot.ports import CountRow
from bot.storage.codec import from_micros, maybe_micros, to_micros
from bot.storage.facts import Steps
from bot.storage.flows import of_structures
from bot.storage.ops import Procedure, Row, ask, query
from bot.storage.rows import BUCKET, SEEN_FOR, SKIPPED

_COUNTS = query(
    """
    SELECT k.flow_id, k.structure, k.question, k.scale, k.value, k.score, sum(k.n)
    FROM score_count k
    WHERE k.dimension = :dimension AND k.bucket_at >= :since AND k.bucket_at < :until
    AND (:flow IS NULL OR k.flow_id = :flow)
    GROUP BY k.flow_id, k.structure, k.question, k.scale, k.value, k.score
    HAVING sum(k.n) <> 0
    ORDER BY k.flow_id, k.structure, k.question, k.value, k.score
    """,
    "dimension since:bigint until:bigint flow",
)
_TOTALS = query(
    """
    SELECT k.dimension, k.bucket_at, k.structure, k.question, k.score, sum(k.n)
    FROM score_count k GROUP BY k.dimension, k.bucket_at, k.structure, k.question, k.score
    """
)
_ANSWERED = query(
    f"""
    SELECT a.at - a.at % {BUCKET}, a.structure, a.question, coalesce(a.score, {SKIPPED}), count(*)
    FROM answer a WHERE a.score IS NOT NULL OR a.skipped GROUP BY 1, 2, 3, 4
    """
)
_ASIDE = query("SELECT a.id, a.channel, a.why, a.body, a.at FROM aside a ORDER BY a.id DESC LIMIT :most", "most:bigint")
_WAITING = query(
    "SELECT o.id, o.channel, o.address_key, o.kind, o.slot, o.attempts, o.error, o.queued_at, o.due_at "
    "FROM outbox o WHERE o.state = 'queued' AND o.error IS NOT NULL ORDER BY o.id LIMIT :most",
    "most:bigint",
)
# Messages of a room stand behind the one that was refused: they wait for the same reason, and no error is told of them.
_STUCK = query(
    """
    SELECT s.channel, s.address_key, s.messages, s.since, e.error, e.due_at FROM (
      SELECT o.channel, o.address_key, count(*) AS messages, min(o.queued_at) AS since,
        max(CASE WHEN o.error IS NOT NULL THEN o.id END) AS refused
      FROM outbox o WHERE o.state = 'queued' GROUP BY o.channel, o.address_key
    ) s JOIN outbox e ON e.id = s.refused
    ORDER BY s.since, s.channel, s.address_key LIMIT :most
    """,
    "most:bigint",
)
_BACKLOG = query(
    "SELECT o.channel, count(*), min(o.queued_at) FROM outbox o WHERE o.state = 'queued' "
    "GROUP BY o.channel ORDER BY o.channel"
)
_GIVEN_UP = query(
    """
    SELECT o.id, o.channel, o.address_key, o.kind, o.slot, o.attempts, o.error, o.queued_at, o.settled_at
    FROM outbox o WHERE o.state = 'given up' ORDER BY o.id DESC LIMIT :most
    """,
    "most:bigint",
)

_REMEMBERED = query(
    "SELECT e.key FROM seen_event e WHERE e.key >= :first AND e.key < :last AND e.at >= :horizon ORDER BY e.key",
    "first last horizon:bigint",
)

#: Before and after every time that a column can hold.
_FIRST, _LAST = -(1 << 62), 1 << 62

_Key = tuple[int, str, str, int]


class SetAside(msgspec.Struct, frozen=True, kw_only=True):
    """A body that nobody here understood."""

    id: int
    channel: ChannelName
    why: str
    body: bytes
    at: datetime


class GivenUp(msgspec.Struct, frozen=True, kw_only=True):
    """A message that will never arrive, and why. Its content is left out: it may quote a customer."""

    id: int
    to: Address
    kind: str
    slot: str
    attempts: int
    error: str
    queued_at: datetime
    given_up_at: datetime


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A message that was refused and waits to be tried again, and why."""

    id: int
    to: Address
    kind: str
    slot: str
    attempts: int
    error: str
    queued_at: datetime
    due_at: datetime


class Stuck(msgspec.Struct, frozen=True, kw_only=True):
    """A room or person whose messages wait because one of them was refused: how many, since when, why, until when."""

    to: Address
    messages: int
    since: datetime
    error: str
    due_at: datetime


class Backlog(msgspec.Struct, frozen=True, kw_only=True):
    """All messages that wait for a channel, and since when the oldest does."""

    channel: ChannelName
    messages: int
    since: datetime


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Counts that do not agree with the answers kept: ``counted`` says the one, ``answered`` the other."""

    dimension: str
    bucket_at: datetime
    structure: str
    question: str
    score: int | None
    counted: int
    answered: int


def score_counts(
    since: datetime | None, until: datetime | None, dimension: str, flow: str | None
) -> Procedure[list[CountRow]]:
    start, end = maybe_micros(since), maybe_micros(until)
    rows = yield from ask(_COUNTS, dimension, _FIRST if start is None else start, _LAST if end is None else end, flow)
    return [_count(dimension, row) for row in rows]


def _count(dimension: str, row: Row) -> CountRow:
    flow_id, structure, question, scale, value, score, n = row
    return CountRow(
        flow_id=flow_id,
        structure=structure,
        question=question,
        scale=scale,
        dimension=dimension,
        value=value,
        score=_score(score),
        n=int(n),
    )


def _score(kept: int) -> int | None:
    return None if kept == SKIPPED else kept


def verify_counts(steps: Steps) -> Procedure[list[Difference]]:
    """Where the counts do not follow from the answers.

    The dimension *all* must agree to the last answer. Of another dimension an answer may have no value (no agent was
    named) or several (tags), so only what no answers could add up to is told: less than none, or some of nothing.
    """
    answered = yield from _answered(steps)
    rows = yield from ask(_TOTALS)
    counted: dict[str, dict[_Key, int]] = {"all": {}}
    for dimension, bucket, structure, question, score, n in rows:
        counted.setdefault(dimension, {})[int(bucket), structure, question, int(score)] = int(n)
    return [
        _difference(dimension, key, counts.get(key, 0), answered.get(key, 0))
        for dimension, counts in sorted(counted.items())
        for key in sorted(counts.keys() | (answered.keys() if dimension == "all" else set()))
        if not _agrees(dimension, counts.get(key, 0), answered.get(key, 0))
    ]


def _agrees(dimension: str, counted: int, answered: int) -> bool:
    if dimension == "all":
        return counted == answered
    return counted == 0 or (counted > 0 and answered > 0)


def _difference(dimension: str, key: _Key, counted: int, answered: int) -> Difference:
    bucket, structure, question, score = key
    return Difference(
        dimension=dimension,
        bucket_at=from_micros(bucket),
        structure=structure,
        question=question,
        score=_score(score),
        counted=counted,
        answered=answered,
    )


def _answered(steps: Steps) -> Procedure[dict[_Key, int]]:
    rows = yield from ask(_ANSWERED)
    ratings = yield from _ratings({row[1] for row in rows}, steps)
    return {
        (int(bucket), structure, question, int(score)): int(n)
        for bucket, structure, question, score, n in rows
        if (structure, question) in ratings
    }


def _ratings(structures: set[str], steps: Steps) -> Procedure[set[tuple[str, str]]]:
    """Which questions of which structure are ratings: a skipped one counts, a skipped open text does not."""
    versions = yield from of_structures(structures, steps)
    return {
        (structure, question.id)
        for structure, pinned in versions.items()
        for question in pinned.flow.questions
        if isinstance(question, Rating)
    }


def aside(limit: int) -> Procedure[list[SetAside]]:
    """The newest first."""
    rows = yield from ask(_ASIDE, limit)
    return [
        SetAside(id=id, channel=channel, why=why, body=bytes(body), at=from_micros(at))
        for id, channel, why, body, at in rows
    ]


def given_up(limit: int) -> Procedure[list[GivenUp]]:
    """The newest first."""
    rows = yield from ask(_GIVEN_UP, limit)
    return [
        GivenUp(
            id=id,
            to=Address(channel=channel, key=key),
            kind=kind,
            slot=slot,
            attempts=attempts,
            error=error or "",
            queued_at=from_micros(queued_at),
            given_up_at=from_micros(settled_at),
        )
        for id, channel, key, kind, slot, attempts, error, queued_at, settled_at in rows
    ]


def waiting(limit: int) -> Procedure[list[Waiting]]:
    """The oldest first."""
    rows = yield from ask(_WAITING, limit)
    return [
        Waiting(
            id=id,
            to=Address(channel=channel, key=key),
            kind=kind,
            slot=slot,
            attempts=attempts,
            error=error,
            queued_at=from_micros(queued_at),
            due_at=from_micros(due_at),
        )
        for id, channel, key, kind, slot, attempts, error, queued_at, due_at in rows
    ]


def stuck(limit: int) -> Procedure[list[Stuck]]:
    """The longest waiting first."""
    rows = yield from ask(_STUCK, limit)
    return [
        Stuck(
            to=Address(channel=channel, key=key),
            messages=int(messages),
            since=from_micros(since),
            error=error,
            due_at=from_micros(due_at),
        )
        for channel, key, messages, since, error, due_at in rows
    ]


def backlog() -> Procedure[list[Backlog]]:
    rows = yield from ask(_BACKLOG)
    return [Backlog(channel=channel, messages=int(n), since=from_micros(since)) for channel, n, since in rows]


def remembered(first: str, last: str, now: datetime) -> Procedure[list[str]]:
    """The events seen in the last week whose keys are in ``first <= key < last``.

    Keys that are compared so hold digits where they differ: letters have another order in each language.
    """
    rows = yield from ask(_REMEMBERED, first, last, to_micros(now) - SEEN_FOR)
    return [row[0] for row in rows]
