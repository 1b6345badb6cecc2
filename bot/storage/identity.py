"""Who somebody is: a customer's row, whoever has a company's reference, and the link that was given to them."""

from collections.abc import Iterable

from bot.ids import CustomerId
from bot.messages import Address, ChannelName
from bot.ports import Customer, Link, OptOut, RecordShown, Write
from bot.storage.codec import maybe_time
from bot.storage.links import link_lock, link_named
from bot.storage.ops import Hold, Procedure, Row, ask, query

# Who is proven to have it comes before who is only said to. An earlier release may have left several of one reference:
# then it is the one who is known longest.
_OLDEST = (
    "(SELECT o.id FROM customer o WHERE o.reference = :reference "
    "ORDER BY coalesce(o.reference_claimed, false), o.created_at, o.id LIMIT 1)"
)
_NAMESAKE = query(
    "SELECT c.id, n.text, c.locale, c.locale_source, c.locale_sureness, c.time_zone, c.time_zone_source, c.reference, "
    "c.reference_claimed, c.opted_out_at, c.panel_since "
    f"FROM customer c LEFT JOIN name n ON n.person = c.person WHERE c.id = {_OLDEST}",
    "reference",
)
# Of the two who may prove to be one: of the namesake, and of whoever is at the address.
_PLACES = query(
    f"""
    SELECT a.channel, a.key, a.reachable, a.customer FROM address a
    WHERE a.customer = {_OLDEST}
      OR a.customer = (SELECT h.customer FROM address h WHERE h.channel = :channel AND h.key = :key)
    ORDER BY a.at DESC, a.id DESC
    """,
    "reference channel key",
)
_WHOSE = query("SELECT a.customer FROM address a WHERE a.channel = :channel AND a.key = :key", "channel key")


def address_lock(address: Address) -> str:
    return f"address {address.channel} {address.key}"


def reference_lock(reference: str) -> str:
    return f"reference {reference}"


def customer_lock(customer: CustomerId) -> str:
    return f"customer {customer}"


def hold_customer_at(address: Address) -> Procedure[None]:
    """From here on nobody else asks the customer of an address anything, or hears them opt out, wherever they are.

    Whoever is at an address changes only under the address's own lock, which is held already.
    """
    rows = yield from ask(_WHOSE, address.channel, address.key)
    yield from hold_customers(frozenset(CustomerId(row[0]) for row in rows))


def hold_customers(customers: frozenset[CustomerId]) -> Procedure[None]:
    if customers:
        yield Hold(frozenset(customer_lock(customer) for customer in customers))


def customers_asked_or_stopped(writes: Iterable[Write]) -> frozenset[CustomerId]:
    """Whom a decision to ask at another of their addresses must see: it waits until this is committed."""
    return frozenset(write.customer for write in writes if isinstance(write, RecordShown | OptOut))


def read_link(id: str) -> Procedure[Link | None]:
    """A link. While somebody uses one that was given to them alone, nobody else does."""
    link = yield from link_named(id)
    if link is None or link.customer is None:
        return link
    yield Hold(frozenset({link_lock(id), reference_lock(link.customer)}))
    return (yield from link_named(id))


def read_namesake(reference: str, at: Address | None) -> Procedure[tuple[Customer | None, tuple[Address, ...]]]:
    """Who has that reference, and where they can be reached, the newest address first.

    From here on nobody else decides about them, nor about whoever is at the address ``at``, at any address of theirs:
    the two may be one, and what another step is about to write of the one would be lost.
    """
    place = (None, None) if at is None else (at.channel, at.key)
    known = yield from ask(_PLACES, reference, *place)
    there = [(Address(channel=ChannelName(row[0]), key=row[1]), bool(row[2]), row[3]) for row in known]
    yield Hold(frozenset(address_lock(address) for address, _, _ in there))
    rows = yield from ask(_NAMESAKE, reference)
    if not rows:
        return None, ()
    addresses = tuple(address for address, reachable, whose in there if reachable and whose == rows[0][0])
    return customer_of((*rows[0], bool(addresses))), addresses


def customer_of(row: Row) -> Customer | None:
    """A customer, from what is selected of them.

    Id, name, language (source, sureness), time zone (source), reference (claimed), opted out at, on the panel since,
    reachable.
    """
    id, name, locale, locale_source, sureness, time_zone, time_zone_source, reference, *rest = row
    claimed, opted_out_at, panel_since, reachable = rest
    if id is None:
        return None
    return Customer(
        id=CustomerId(id),
        name=name,
        locale=locale,
        locale_source=locale_source,
        locale_sureness=sureness,
        time_zone=time_zone,
        time_zone_source=time_zone_source,
        reference=reference,
        reference_claimed=bool(claimed),
        opted_out_at=maybe_time(opted_out_at),
        panel_since=maybe_time(panel_since),
        reachable=bool(reachable),
    )
