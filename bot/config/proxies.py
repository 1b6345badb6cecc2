"""The key trusted_proxies of [server]: whose word on a visitor's address is taken."""

import ipaddress

from bot.toml_tables import Table

_KEY = "trusted_proxies"
_EXAMPLE = 'Write it as in "10.0.0.7" or "172.18.0.0/16".'


def read_proxies(table: Table) -> tuple[str, ...]:
    """Addresses and networks, as ``ipaddress.ip_network`` takes them."""
    proxies = table.texts(_KEY, ())
    listed = table.data.get(_KEY)
    for proxy in proxies:
        problem = _problem_with(proxy)
        if problem is not None and isinstance(listed, list):
            table.findings.add((*table.path, _KEY, listed.index(proxy)), *problem)
    return proxies


def _problem_with(proxy: str) -> tuple[str, str] | None:
    """What is wrong and what would be right, or None."""
    named = f"'{proxy[:60]}'"
    try:
        network = ipaddress.ip_network(proxy, strict=False)
    except ValueError:
        return f"{named} is no address and no network", _EXAMPLE
    if network.prefixlen == 0:
        return f"{named} is everybody, who could then claim any address", "Name your reverse proxy alone."
    try:
        ipaddress.ip_network(proxy)
    except ValueError:
        return f"{named} is no address and no network", f"Did you mean '{network}'?"
    return None
