"""How much one anonymous visitor, and one network address, may do: token buckets in the memory of one process."""

import ipaddress
from collections import OrderedDict
from datetime import datetime

import msgspec


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """``burst`` at once, then ``per_second``."""

    burst: int
    per_second: float


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """What the visitors of a web chat may do; "address" is a network address, which an office may share.

    The defaults leave room for people and none for a flood of the agents' channel or of the figures.
    """

    #: sessions that one address opens
    sessions: Rate = Rate(burst=10, per_second=1 / 60)
    #: requests of one session
    requests: Rate = Rate(burst=20, per_second=1.0)
    #: surveys that visitors start by themselves
    surveys_of_session: Rate = Rate(burst=3, per_second=3 / 3600)
    surveys_of_address: Rate = Rate(burst=10, per_second=10 / 3600)
    #: bytes that one address sends
    octets_of_address: Rate = Rate(burst=1_000_000, per_second=1_000_000 / 600)


class Buckets:
    """Token buckets by key; the least used of too many are dropped.

    >>> from datetime import UTC
    >>> buckets, noon = Buckets(Rate(burst=1, per_second=0.5)), datetime(2026, 1, 1, 12, tzinfo=UTC)
    >>> buckets.wait("a", noon), buckets.wait("a", noon), buckets.wait("b", noon)
    (0.0, 2.0, 0.0)
    """

    def __init__(self, rate: Rate, *, most: int = 10_000) -> None:
        self._rate, self._most = rate, most
        self._levels: OrderedDict[str, tuple[float, datetime]] = OrderedDict()

    def wait(self, key: str, now: datetime, amount: int = 1) -> float:
        """Seconds until this much is allowed; 0.0 when it is, and then it counts.

        More than the bucket holds counts as all that it holds.
        """
        burst, per_second = float(self._rate.burst), self._rate.per_second
        wanted = min(float(amount), burst)
        level, at = self._levels.pop(key, (burst, now))
        passed = max(0.0, (now - at).total_seconds())
        level = min(burst, level + passed * per_second)
        # What flows back in small parts never adds up to a whole exactly.
        allowed = level >= wanted - 1e-6
        self._levels[key] = (max(0.0, level - wanted) if allowed else level, now)
        if len(self._levels) > self._most:
            self._levels.popitem(last=False)
        return 0.0 if allowed else (wanted - level) / per_second

    def give_back(self, key: str) -> None:
        """Uncount one that was allowed and then did not happen."""
        if key in self._levels:
            level, at = self._levels[key]
            self._levels[key] = (min(float(self._rate.burst), level + 1.0), at)


def network_of(address: str) -> str:
    """What to count a network address by: an IPv6 visitor has 2**64 of them, so their network counts as one.

    >>> network_of("203.0.113.7"), network_of("2001:db8:0:7:1::9"), network_of("::ffff:203.0.113.7"), network_of("")
    ('203.0.113.7', '2001:db8:0:7::/64', '203.0.113.7', '')
    """
    try:
        read = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(read, ipaddress.IPv4Address):
        return str(read)
    if read.ipv4_mapped is not None:
        return str(read.ipv4_mapped)
    return str(ipaddress.ip_network((int(read) >> 64 << 64, 64)))
