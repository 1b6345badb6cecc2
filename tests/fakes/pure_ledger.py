"""The Ledger and Links ports over the rows of a store in dicts."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from bot.ids import CustomerId
from bot.ports import Decision, DecisionQuery, Link, Shown
from tests.fakes.rows import Journal, Rows

if TYPE_CHECKING:
    from tests.fakes.pure_store import PureStore


class PureLedger:
    """The decisions, by their key; ``rows`` keeps the order of their first writing."""

    def __init__(self, store: "PureStore", journal: Journal) -> None:
        self._store = store
        self.rows: Rows[str, Decision] = Rows(
            journal,
            interaction=lambda row: [row.interaction],
            customer=lambda row: [row.customer],
            about=_found_by,
        )
        #: by key: how many were written before
        self._places: dict[str, int] = {}

    def record(self, decision: Decision) -> None:
        self._places.setdefault(decision.key, len(self._places))
        self.rows[decision.key] = decision

    def of_dealing(self, interaction: str) -> Decision | None:
        """The newest about an ending of the dealing; what else was told of it in between is none of that."""
        of_endings = (row for row in reversed(self.rows.by("interaction", interaction)) if _is_of_ending(row))
        return next(of_endings, None)

    def about(self, name: str) -> list[Decision]:
        """Newest first, also those from before the customer was known by that name."""
        keys = set(self.rows.keys_by("about", name))
        for customer in self._store.customers.keys_by("reference", name):
            keys |= set(self.rows.keys_by("customer", customer))
        for dealing in self._store.interactions.keys_by("reference", name):
            keys |= set(self.rows.keys_by("interaction", dealing))
        return [self.rows[key] for key in sorted(keys, key=self._place, reverse=True)]

    def _place(self, key: str) -> int:
        return self._places[key]

    async def list(self, query: DecisionQuery) -> Sequence[Decision]:
        found = self.about(query.about) if query.about else reversed(self.rows.values())
        wanted = [row for row in found if _asked_for(query, row)]
        if query.after is not None:
            last = self._places.get(query.after, -1)
            wanted = [row for row in wanted if self._place(row.key) < last]
        return wanted[: query.limit]

    async def count(self, since: datetime) -> int:
        return len(self._occasions(since))

    async def replay(self, since: datetime) -> AsyncIterator[Decision]:
        for row in sorted(self._occasions(since), key=lambda row: (row.triggered_at, self._place(row.key))):
            yield row

    def _occasions(self, since: datetime) -> Sequence[Decision]:
        return [row for row in self.rows.values() if row.occasion is not None and row.triggered_at >= since]

    async def shown(self, since: datetime) -> Mapping[CustomerId, Sequence[Shown]]:
        later = {who: [past for past in shown if past.at >= since] for who, shown in self._store.shown.items()}
        return {who: sorted(shown, key=lambda past: past.at) for who, shown in later.items() if shown}

    async def time_zones(self) -> Mapping[CustomerId, str]:
        return {who: known.time_zone for who, known in self._store.customers.items() if known.time_zone is not None}


class PureLinks:
    """Links by their id."""

    def __init__(self, journal: Journal) -> None:
        self.rows: Rows[str, Link] = Rows(journal)

    async def keep(self, link: Link) -> None:
        self.rows[link.id] = link

    async def find(self, id: str) -> Link | None:
        return self.rows.get(id)


def _is_of_ending(row: Decision) -> bool:
    return row.trigger != "event" and not row.key.startswith(("event:", "wanted:"))


def _found_by(row: Decision) -> Iterable[str]:
    names = {row.known_as, row.customer, row.interaction, row.reference, row.address.key}
    if row.address.channel:
        names.add(f"{row.address.channel}:{row.address.key}")
    return {name for name in names if name}


def _asked_for(query: DecisionQuery, row: Decision) -> bool:
    return (
        query.verdict in (None, row.verdict)
        and query.rule in ("", row.rule)
        and query.trigger in ("", row.trigger)
        and query.flow in ("", row.flow)
        and query.channel in ("", row.address.channel)
        and (query.since is None or row.triggered_at >= query.since)
        and (query.before is None or row.triggered_at < query.before)
    )
