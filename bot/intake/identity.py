"""Who a customer is: one person at several addresses, joined only where the company's own reference proves it. Pure."""

import msgspec
from msgspec.structs import replace

from bot.config import PageSettings, TelegramSettings
from bot.conversations.dealings import Told
from bot.ids import CustomerId
from bot.intake.moment import Moment
from bot.intake.people import learned
from bot.messages import Address, ChannelName, in_group
from bot.ports import Customer, Facts, KnownFrom, MergeCustomers, SaveCustomer, Write

#: in place of an address where none is known
NOWHERE = Address(channel=ChannelName(""), key="")

#: how an earlier release knew what it knew: mostly by a report
_UNSAID: KnownFrom = "report"


class Whose(msgspec.Struct, frozen=True, kw_only=True):
    """Whose dealing it is, where they would be asked, and what to write of them."""

    customer: Customer | None
    address: Address
    writes: tuple[Write, ...] = ()
    #: the address is another customer's, of this reference: it was told of for two
    also_of: str | None = None
    #: the reference that was told, and that this customer was not taken for
    not_believed: str | None = None


def whose(told: Told, facts: Facts, moment: Moment) -> Whose:
    """The customer of a dealing, known, made or brought up to date by what is told of them.

    An address that another reference was proven for stays that one's: who is asked there is that customer. So does each
    address, and each customer, whatever reference is told by whose word proves nothing.
    """
    told = _askable_at(told, facts, moment)
    address = _told_of(told, facts, moment)
    known, writes = _known_there(address, told, facts, moment)
    if address == NOWHERE:
        return Whose(customer=known, address=address)
    old = known or Customer(id=CustomerId(moment.ids()), reachable=not must_write_first(address, moment))
    new = reported(old, told, facts)
    if writes or new != known:
        merges = [write for write in writes if not isinstance(write, SaveCustomer)]
        writes = (*merges, SaveCustomer(customer=new, address=address, at=moment.now))
    other = new.reference if told.customer is not None and new.reference != told.customer else None
    found = Whose(customer=new, address=address, writes=writes, also_of=other, not_believed=_not_believed(new, told))
    return _reachable(found, facts, moment)


def _not_believed(customer: Customer, told: Told) -> str | None:
    return None if told.proves or customer.reference == told.customer else told.customer


def _askable_at(told: Told, facts: Facts, moment: Moment) -> Told:
    """Without an address where nobody can be written to, if the reference leads to another one and proves nothing."""
    stranger = facts.customer is None and told.address is not None and must_write_first(told.address, moment)
    if told.proves or not stranger or not _askable(facts, moment):
        return told
    return replace(told, address=None)


def _told_of(told: Told, facts: Facts, moment: Moment) -> Address:
    """The address that is told, or else the one where the dealing is known, or else the newest of its customer.

    By whose word proves nothing, a dealing stays where it is known.
    """
    known_at = NOWHERE if facts.interaction is None else facts.interaction.address
    if known_at != NOWHERE and not told.proves:
        return known_at
    if told.address is not None:
        return told.address
    here = facts.customer
    if here is not None and (told.customer is None or here.reference in (None, told.customer)):
        return known_at
    return next(iter(_askable(facts, moment)), known_at)


def _known_there(
    address: Address, told: Told, facts: Facts, moment: Moment
) -> tuple[Customer | None, tuple[Write, ...]]:
    here, namesake = facts.customer, facts.namesake
    if told.address is None and address in facts.addresses:
        here = namesake
    if address == NOWHERE:
        return here or namesake, ()
    unproven = told.address is None and here is not None and here.reference_claimed
    if told.customer is None or not told.proves or unproven:
        return here, ()
    return proven(told.customer, address, replace(facts, customer=here), moment)


def _askable(facts: Facts, moment: Moment) -> list[Address]:
    """Where the customer of the reference can be asked: nobody looks at a survey page again, and in a group others
    would read along.
    """
    channels = {channel.name for channel in moment.settings.channels if not isinstance(channel, PageSettings)}
    return [address for address in facts.addresses if address.channel in channels and not in_group(address)]


def _reachable(found: Whose, facts: Facts, moment: Moment) -> Whose:
    """Who cannot be written to at the address that was told may be known at another one."""
    customer, namesake = found.customer, facts.namesake
    if customer is None or customer.reachable or namesake is None or namesake.id != customer.id:
        return found
    other = next((each for each in _askable(facts, moment) if each != found.address), None)
    if other is None:
        return found
    return replace(found, customer=replace(customer, reachable=True), address=other)


def proven(
    reference: str | None, address: Address, facts: Facts, moment: Moment
) -> tuple[Customer | None, tuple[Write, ...]]:
    """The customer at an address that is proven to be of a reference; None where nobody is known by either.

    ``facts.customer`` is who is known at the address, ``facts.namesake`` who is known by the reference. An address that
    another reference was proven for stays that one's: then the two are different people. What is only claimed counts
    for nothing beside it.
    """
    here, namesake = facts.customer, facts.namesake
    if namesake is None or (namesake.reference_claimed and (here is None or here.id != namesake.id)):
        return here, ()
    if here is None:
        there = replace(namesake, reachable=not must_write_first(address, moment))
        return there, (SaveCustomer(customer=there, address=address, at=moment.now),)
    another = here.reference not in (None, reference) and not here.reference_claimed
    if here.id == namesake.id or another:
        return here, ()
    return merged(namesake, here), (MergeCustomers(gone=here.id, kept=namesake.id, at=moment.now),)


def merged(kept: Customer, gone: Customer) -> Customer:
    """One customer from two; at the address of the one who is gone. Who opted out in either stays so."""
    both = replace(
        kept,
        name=kept.name or gone.name,
        opted_out_at=max((at for at in (kept.opted_out_at, gone.opted_out_at) if at is not None), default=None),
        reachable=gone.reachable,
    )
    for source, of in ((gone, gone.locale_source), (kept, kept.locale_source)):
        both = learned(both, of or _UNSAID, locale=source.locale, sureness=source.locale_sureness)
    for source, of in ((gone, gone.time_zone_source), (kept, kept.time_zone_source)):
        both = learned(both, of or _UNSAID, time_zone=source.time_zone)
    return both


def reported(customer: Customer, told: Told, facts: Facts) -> Customer:
    """The customer with what a report says of them; what proves nothing only fills in what nobody knows."""
    if told.proves:
        told_with_address = told.address is not None or customer.reference is None
        known = with_reference(customer, told.customer) if told_with_address else customer
        known = replace(known, name=told.name or known.name)
    else:
        known = replace(customer, name=customer.name or told.name)
        if told.customer is not None and known.reference is None and facts.namesake is None:
            known = replace(known, reference=told.customer, reference_claimed=True)
    return learned(known, "report", locale=told.locale, time_zone=told.time_zone)


def with_reference(customer: Customer, proven: str | None) -> Customer:
    """The customer with a reference that is proven; one that was proven before stays."""
    if proven is None or (customer.reference is not None and not customer.reference_claimed):
        return customer
    return replace(customer, reference=proven, reference_claimed=False)


def must_write_first(address: Address, moment: Moment) -> bool:
    """Telegram lets a bot write only to people who wrote to it before, and in groups that it is in."""
    return not in_group(address) and any(
        isinstance(channel, TelegramSettings) and channel.name == address.channel
        for channel in moment.settings.channels
    )
