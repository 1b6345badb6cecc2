"""What the sandbox's page asks of the running app, without an app: its time stands still until it is moved."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot.sandbox.demo import Customer, LedgerRow, SettingsNow


@dataclass(kw_only=True)
class StillProgram:
    """A `Program` whose ledger holds what a test puts there."""

    time: datetime = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)
    rows: list[LedgerRow] = field(default_factory=list)
    part: float = 1.0
    #: one for each chat that is looked at
    shares: Iterator[float] = field(default_factory=lambda: itertools.repeat(0.99))

    in_force: SettingsNow = field(default_factory=lambda: SettingsNow(file="config.toml", flows=()))

    def settings(self) -> SettingsNow:
        return self.in_force

    def now(self) -> datetime:
        return self.time

    def skip(self, span: timedelta) -> None:
        self.time += span

    def share(self, source: str, reference: str, flow: str) -> float:
        return next(self.shares)

    def sample(self, part: float | None) -> float:
        self.part = self.part if part is None else part
        return self.part

    async def ledger(self, limit: int) -> Sequence[LedgerRow]:
        return self.rows[:limit]

    async def email(self, customer: Customer, flow: str, known: Mapping[str, str]) -> str:
        return f"<p>{customer.name}: {flow} ({customer.language}, {known})</p>"
