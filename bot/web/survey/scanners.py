"""Programs that fetch every link of an e-mail before its reader sees it: told from people by how much they fetch.

Kept in memory and by each process alone: whoever is not caught here still changes nothing, because only a POST does.
"""

from collections import OrderedDict
from datetime import datetime, timedelta

#: So many different answers of one e-mail within this time are no person's choice.
ANSWERS, WITHIN = 3, timedelta(seconds=10)
#: For so long a page of that e-mail then waits for a press.
WARY_FOR = timedelta(minutes=1)
_MOST = 10_000


class Fetches:
    """Which answers of which e-mail were fetched lately; the least used of too many are forgotten."""

    def __init__(self) -> None:
        self._fetched: OrderedDict[str, dict[str, datetime]] = OrderedDict()
        self._wary: OrderedDict[str, datetime] = OrderedDict()

    def note(self, page: str, value: str, now: datetime, *, values: int) -> None:
        """The link of a value was fetched; ``values`` is how many the e-mail has."""
        lately = {each: at for each, at in self._fetched.pop(page, {}).items() if abs(now - at) <= WITHIN}
        self._fetched[page] = {**lately, value: now}
        _bound(self._fetched)
        if len(self._fetched[page]) >= min(ANSWERS, values):
            self._wary[page] = now + WARY_FOR
            _bound(self._wary)

    def by_a_scanner(self, page: str, now: datetime) -> bool:
        """Whether the page should wait for a press."""
        until = self._wary.get(page)
        return until is not None and now < until


def _bound(kept: OrderedDict[str, dict[str, datetime]] | OrderedDict[str, datetime]) -> None:
    while len(kept) > _MOST:
        kept.popitem(last=False)
