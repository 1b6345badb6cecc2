"""The queue of cases, to look at: a page of it, one case, and the times that figures are made from."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from bot.ids import CaseId
from bot.ports import CaseQuery, CaseTimes, CaseView, ListedCase
from bot.storage.codec import encode, from_micros, maybe_micros, maybe_time
from bot.storage.engine import Engine
from bot.storage.facts import Steps, case_of
from bot.storage.ops import Procedure, Query, Row, ask, query
from bot.storage.views import case_view

#: The owner's name that stands for cases that nobody has.
NOBODY = "-"

_PLACE = query("SELECT f.opened_at FROM followup_case f WHERE f.id = :id", "id")
_TIMES = query(
    """
    SELECT f.state, f.channel, coalesce(f.language, ''), coalesce(f.cause, ''), coalesce(f.why, 'score'), f.opened_at,
      f.first_word_at, f.first_resolved_at
    FROM followup_case f
    WHERE f.opened_at >= :since AND f.opened_at < :until AND f.state <> 'withdrawn'
    AND (:flow IS NULL OR f.flow_id = :flow)
    ORDER BY f.opened_at, f.id
    """,
    "since:bigint until:bigint flow",
)
#: Before and after every time that a column can hold.
_FIRST, _LAST = -(1 << 62), 1 << 62

_ONE_OF = "IN (SELECT value FROM json_each(:{0}))"
_ONE_OF_POSTGRES = "IN (SELECT jsonb_array_elements_text(:{0}::jsonb))"
# What each thing that may be asked adds to the statement, and its parameters; of what is not asked nothing is added, so
# that an index can serve the rest.
_CONDITIONS = {
    "states": ("f.state {one_of}", "states"),
    "priorities": ("f.priority {one_of}", "priorities"),
    "channel": ("f.channel = :channel", "channel"),
    "language": ("f.language = :language", "language"),
    "flow": ("f.flow_id = :flow", "flow"),
    "team": ("f.team = :team", "team"),
    "cause": ("f.cause = :cause", "cause"),
    "why": ("coalesce(f.why, 'score') = :why", "why"),
    "owner": ("f.owner_name = :owner", "owner"),
    "nobody": ("f.owner_name IS NULL", ""),
    "since": ("f.opened_at >= :since", "since:bigint"),
    "before": ("f.opened_at < :before", "before:bigint"),
    "place": ("(f.opened_at, f.id) < (:place, :after)", "place:bigint after"),
}


@lru_cache(maxsize=256)
def _listing(asked: tuple[str, ...]) -> Query:
    """The statement of a page that asks for these things."""

    def where(one_of: str) -> str:
        said = [_CONDITIONS[name][0].format(one_of=one_of.format(name)) for name in asked]
        return f"WHERE {' AND '.join(said)}" if said else ""

    def sql(one_of: str) -> str:
        return f"""
            SELECT f.body, f.channel, f.address_key, f.customer, n.text
            FROM followup_case f
            LEFT JOIN customer c ON c.id = f.customer
            LEFT JOIN name n ON n.person = c.person
            {where(one_of)}
            ORDER BY f.opened_at DESC, f.id DESC LIMIT :most
        """

    parameters = " ".join([*(_CONDITIONS[name][1] for name in asked), "most:bigint"])
    return query(sql(_ONE_OF), parameters, postgres=sql(_ONE_OF_POSTGRES))


class StoredCases:
    """The Cases port."""

    def __init__(self, engine: Engine, steps: Steps) -> None:
        self._engine = engine
        self._steps = steps

    async def list(self, query: CaseQuery) -> Sequence[ListedCase]:
        return await self._engine.read(lambda: _page(query))

    async def view(self, case: CaseId) -> CaseView | None:
        return await self._engine.read(lambda: case_view(case, self._steps))

    async def times(
        self, since: datetime | None, until: datetime | None, flow: str | None = None
    ) -> Sequence[CaseTimes]:
        start, end = maybe_micros(since), maybe_micros(until)
        span = (_FIRST if start is None else start, _LAST if end is None else end)
        rows = await self._engine.read(lambda: ask(_TIMES, *span, flow), long=True)
        return [_times(row) for row in rows]


def _page(wanted: CaseQuery) -> Procedure[list[ListedCase]]:
    asked = _asked(wanted)
    if wanted.after is not None:
        found = yield from ask(_PLACE, wanted.after)
        if not found:
            return []
        asked["place"] = (found[0][0], wanted.after)
    values = [value for name in asked for value in asked[name]]
    rows = yield from ask(_listing(tuple(asked)), *values, wanted.limit)
    listed = ((case_of(*row[0:4]), row[4]) for row in rows)
    return [ListedCase(case=case, customer_name=name) for case, name in listed if case is not None]


def _asked(wanted: CaseQuery) -> dict[str, tuple[Any, ...]]:
    """What a query asks for, with the values of its parameters."""
    nobody = wanted.owner == NOBODY
    given: dict[str, Any] = {
        "states": encode(wanted.states) if wanted.states else None,
        "priorities": encode(wanted.priorities) if wanted.priorities else None,
        "channel": wanted.channel or None,
        "language": wanted.language or None,
        "flow": wanted.flow or None,
        "team": wanted.team or None,
        "cause": wanted.cause or None,
        "why": wanted.why,
        "owner": None if nobody else wanted.owner.casefold() or None,
        "since": maybe_micros(wanted.opened_since),
        "before": maybe_micros(wanted.opened_before),
    }
    asked: dict[str, tuple[Any, ...]] = {name: (value,) for name, value in given.items() if value is not None}
    return asked | {"nobody": ()} if nobody else asked


def _times(row: Row) -> CaseTimes:
    state, channel, language, cause, why, opened_at, first_word_at, first_resolved_at = row
    return CaseTimes(
        state=state,
        channel=channel,
        language=language,
        cause=cause,
        why=why,
        opened_at=from_micros(opened_at),
        first_word_at=maybe_time(first_word_at),
        first_resolved_at=maybe_time(first_resolved_at),
    )
