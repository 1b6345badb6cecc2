"""The ledger: why who was asked, or was not, to look at and to ask again."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial
from typing import Any

from bot.ids import CustomerId
from bot.ports import Decision, DecisionQuery, Shown
from bot.storage.codec import from_micros, maybe_micros, to_micros
from bot.storage.decisions import (
    ABOUT,
    ABOUT_PARAMETERS,
    COLUMNS,
    OLD,
    REPORTED_BEFORE,
    STANDS,
    about_values,
    decision_of,
)
from bot.storage.engine import Engine
from bot.storage.ops import Procedure, Query, ask, query

#: Decisions that are read at once for a simulation.
AT_ONCE = 500


def _triggered(comparison: str) -> str:
    """By the index of their times. Those without are of an earlier release, which had a row for each verdict."""
    return f"""d.id IN (
      SELECT k.id FROM decision k WHERE k.triggered_at {comparison}
      UNION ALL SELECT k.id FROM decision k WHERE k.triggered_at IS NULL AND k.at {comparison}
    )"""


# What each thing that may be asked adds to the statement, and its parameters.
_CONDITIONS = {
    "about": (ABOUT, ABOUT_PARAMETERS),
    "verdict": ("d.verdict = :verdict", "verdict"),
    "rule": ("d.rule = :rule", "rule"),
    "trigger": (
        f"(d.trigger = :trigger OR (:trigger = 'api' AND d.trigger = '{REPORTED_BEFORE}'))",
        "trigger",
    ),
    "flow": ("d.flow_id = :flow", "flow"),
    "channel": ("d.channel = :channel", "channel"),
    "since": (_triggered(">= :since"), "since:bigint"),
    "before": (_triggered("< :before"), "before:bigint"),
    "place": ("d.id < :place", "place:bigint"),
}
_PLACE = query("SELECT d.id FROM decision d WHERE d.key = :key", "key")
_PLACE_OF_OLD = query("SELECT d.id FROM decision d WHERE d.id = :id AND d.key IS NULL", "id:bigint")
_COUNT = query(
    "SELECT count(*) FROM decision d WHERE d.triggered_at >= :since AND d.occasion IS NOT NULL", "since:bigint"
)
_REPLAY = query(
    f"SELECT {COLUMNS} FROM decision d WHERE (d.triggered_at, d.id) > (:at, :after) AND d.occasion IS NOT NULL "
    f"ORDER BY d.triggered_at, d.id LIMIT {AT_ONCE}",
    "at:bigint after:bigint",
)
_SHOWN = query(
    "SELECT s.customer, s.flow_id, s.is_nps, s.at FROM shown s WHERE s.at >= :since ORDER BY s.at, s.id", "since:bigint"
)
_TIME_ZONES = query("SELECT c.id, c.time_zone FROM customer c WHERE c.time_zone IS NOT NULL")


@lru_cache(maxsize=256)
def _listing(asked: tuple[str, ...]) -> Query:
    """The statement of a page that asks for these things; its order is that in which the triggers came."""
    where = " AND ".join([*(_CONDITIONS[name][0] for name in asked), STANDS])
    parameters = " ".join([*(_CONDITIONS[name][1] for name in asked), "most:bigint"])
    return query(f"SELECT {COLUMNS} FROM decision d WHERE {where} ORDER BY d.id DESC LIMIT :most", parameters)


class StoredLedger:
    """The Ledger port."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def list(self, query: DecisionQuery) -> Sequence[Decision]:
        # What is rare is looked for among all rows, unless a name leads to it.
        seeks = bool(_asked(query)) and not query.about
        return await self._engine.read(lambda: _page(query), long=seeks)

    async def count(self, since: datetime) -> int:
        ((n,),) = await self._engine.read(lambda: ask(_COUNT, to_micros(since)), long=True)
        return int(n)

    async def replay(self, since: datetime) -> AsyncIterator[Decision]:
        # A page at a time: a year of decisions is no one answer.
        place = (to_micros(since), -1)
        more = True
        while more:
            rows = await self._engine.read(partial(ask, _REPLAY, *place), long=True)
            for row in rows:
                decision = decision_of(row)
                place = (to_micros(decision.triggered_at), row[0])
                yield decision
            more = len(rows) == AT_ONCE

    async def shown(self, since: datetime) -> Mapping[CustomerId, Sequence[Shown]]:
        rows = await self._engine.read(lambda: ask(_SHOWN, to_micros(since)), long=True)
        shown: dict[CustomerId, list[Shown]] = {}
        for customer, flow, is_nps, at in rows:
            past = Shown(flow=flow, is_nps=bool(is_nps), at=from_micros(at))
            shown.setdefault(CustomerId(customer), []).append(past)
        return shown

    async def time_zones(self) -> Mapping[CustomerId, str]:
        rows = await self._engine.read(lambda: ask(_TIME_ZONES), long=True)
        return {CustomerId(id): zone for id, zone in rows}


def _page(wanted: DecisionQuery) -> Procedure[list[Decision]]:
    asked = _asked(wanted)
    if wanted.after is not None:
        place = yield from _place(wanted.after)
        if place is None:
            return []
        asked["place"] = (place,)
    values = [value for name in asked for value in asked[name]]
    rows = yield from ask(_listing(tuple(asked)), *values, wanted.limit)
    return [decision_of(row) for row in rows]


def _place(key: str) -> Procedure[int | None]:
    number = key.removeprefix(OLD)
    if key.startswith(OLD) and number.isascii() and number.isdigit() and len(number) < 19:
        rows = yield from ask(_PLACE_OF_OLD, int(number))
    else:
        rows = yield from ask(_PLACE, key)
    return int(rows[0][0]) if rows else None


def _asked(wanted: DecisionQuery) -> dict[str, tuple[Any, ...]]:
    """What a query asks for, with the values of its parameters."""
    given: dict[str, Any] = {
        "verdict": wanted.verdict,
        "rule": wanted.rule or None,
        "trigger": wanted.trigger or None,
        "flow": wanted.flow or None,
        "channel": wanted.channel or None,
        "since": maybe_micros(wanted.since),
        "before": maybe_micros(wanted.before),
    }
    asked: dict[str, tuple[Any, ...]] = {"about": about_values(wanted.about)} if wanted.about else {}
    return asked | {name: (value,) for name, value in given.items() if value is not None}
