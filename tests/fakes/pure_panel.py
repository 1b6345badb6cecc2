"""The Panel port over the rows of a store in dicts."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec.structs import replace

from bot.ids import CustomerId
from bot.ports import LeftBy, ListedMember, PanelMember
from tests.fakes.rows import Journal, Rows

if TYPE_CHECKING:
    from tests.fakes.pure_store import PureStore


class PurePanel:
    def __init__(self, store: "PureStore", journal: Journal) -> None:
        self._store = store
        self.rows: Rows[str, PanelMember] = Rows(journal, customer=lambda row: [row.customer])

    def join(self, member: PanelMember) -> None:
        if self.rows.get(member.id) is None:
            self.rows[member.id] = member

    def leave(self, customer: CustomerId, by: LeftBy, at: datetime) -> None:
        for id in self.rows.keys_by("customer", customer):
            if self.rows[id].left_at is None:
                self.rows[id] = replace(self.rows[id], left_at=at, left_by=by)

    async def members(self, *, left: bool = False) -> Sequence[ListedMember]:
        found = sorted(self.rows.values(), key=lambda row: (row.joined_at, row.id))
        if left:
            return [self._listed(row) for row in found if row.left_at is not None]
        first = {row.customer: row for row in reversed(found) if row.left_at is None}
        return [self._listed(row) for row in found if row is first.get(row.customer)]

    def _listed(self, member: PanelMember) -> ListedMember:
        customer = self._store.customers[member.customer]
        reachable = self._store.reachable.get(member.address) is True
        return ListedMember(member=member, customer=replace(customer, reachable=reachable))
