"""Who a customer is: one person at several addresses, joined only where the company's own reference proves it. Pure."""

from typing import get_args

from msgspec.structs import replace

from bot.config import TelegramSettings
from bot.intake.moment import Moment
from bot.messages import Address
from bot.ports import Customer, Facts, KnownFrom, MergeCustomers, SaveCustomer, Write

_SUREST_FIRST: tuple[KnownFrom, ...] = get_args(KnownFrom)


def proven(
    reference: str | None, address: Address, facts: Facts, moment: Moment
) -> tuple[Customer | None, tuple[Write, ...]]:
    """The customer at an address that is proven to be of a reference; None where nobody is known by either.

    ``facts.customer`` is who is known at the address, ``facts.namesake`` who is known by the reference. An address that
    another reference was proven for stays that one's: then the two are different people.
    """
    here, namesake = facts.customer, facts.namesake
    if namesake is None:
        return here, ()
    if here is None:
        there = replace(namesake, reachable=not must_write_first(address, moment))
        return there, (SaveCustomer(customer=there, address=address, at=moment.now),)
    if here.id == namesake.id or here.reference not in (None, reference):
        return here, ()
    return merged(namesake, here), (MergeCustomers(gone=here.id, kept=namesake.id, at=moment.now),)


def merged(kept: Customer, gone: Customer) -> Customer:
    """One customer from two; at the address of the one who is gone."""
    return replace(
        kept,
        name=kept.name or gone.name,
        locale=kept.locale or gone.locale,
        locale_source=kept.locale_source if kept.locale else gone.locale_source,
        time_zone=kept.time_zone or gone.time_zone,
        time_zone_source=kept.time_zone_source if kept.time_zone else gone.time_zone_source,
        opted_out_at=kept.opted_out_at or gone.opted_out_at,
        reachable=gone.reachable,
    )


def speaking(customer: Customer, locale: str | None, source: KnownFrom) -> Customer:
    """The customer with a language that we were told of, unless theirs is known from a surer source."""
    known = customer.locale_source
    surer = known is not None and _SUREST_FIRST.index(known) < _SUREST_FIRST.index(source)
    return customer if not locale or surer else replace(customer, locale=locale, locale_source=source)


def must_write_first(address: Address, moment: Moment) -> bool:
    """Telegram lets a bot write only to people who wrote to it before."""
    return any(
        isinstance(channel, TelegramSettings) and channel.name == address.channel
        for channel in moment.settings.channels
    )
