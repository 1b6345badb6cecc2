"""Who a customer is, what they speak, and a sentence of ours to them. Pure."""

from typing import get_args

from msgspec.structs import replace

from bot.conversations.flow import PinnedFlow
from bot.conversations.prompts import lane_of
from bot.ids import ConversationId, CustomerId, WordsId
from bot.intake.moment import Moment
from bot.languages import locales
from bot.languages.tags import nearest
from bot.messages import Address, Outbound, Profile, Text, Wrote
from bot.ports import Customer, Facts, KnownFrom, Queue, SaveCustomer, Words, Write

#: the surest first
_SOURCES: tuple[KnownFrom, ...] = get_args(KnownFrom)


def known_customer(facts: Facts, address: Address, profile: Profile, moment: Moment) -> tuple[Customer, list[Write]]:
    """The customer at an address, made or brought up to date by what the channel says of them."""
    old = facts.customer
    if old is None:
        made = Customer(id=CustomerId(moment.ids()), name=profile.name)
        made = learned(made, "profile", locale=_tag(profile.language))
        return made, [SaveCustomer(customer=made, address=address, at=moment.now)]
    # a name that was reported counts for more than a handle
    new = replace(old, name=old.name or profile.name, reachable=True)
    new = learned(new, "profile", locale=_tag(profile.language))
    return new, [] if new == old else [SaveCustomer(customer=new, address=address, at=moment.now)]


def learned(
    customer: Customer,
    source: KnownFrom,
    *,
    locale: str | None = None,
    sureness: int | None = None,
    time_zone: str | None = None,
) -> Customer:
    """The customer with the language and the time zone that a source tells, unless a surer source told of them.

    The newest telling of one source counts. The language of an app's menus says least. ``sureness`` is that of a guess
    at the language, in per cent.
    """
    if locale and (not customer.locale or _is_as_sure(source, customer.locale_source)):
        customer = replace(customer, locale=locale, locale_source=source, locale_sureness=sureness)
    if time_zone and (not customer.time_zone or _is_as_sure(source, customer.time_zone_source)):
        customer = replace(customer, time_zone=time_zone, time_zone_source=source)
    return customer


def _is_as_sure(source: KnownFrom, known: KnownFrom | None) -> bool:
    # an earlier release did not keep how it knew: mostly by a report
    return _SOURCES.index(source) <= _SOURCES.index(known or "report")


def _tag(language: str | None) -> str | None:
    tag = (language or "").strip().replace("_", "-")[:35]
    return tag if tag and tag.replace("-", "").isalnum() and tag.isascii() else None


def speaks(customer: Customer | None, pinned: PinnedFlow | None = None) -> str:
    """The language to use with a customer: theirs if the flow (or else a pack) has it, else the nearest there is."""
    wanted = customer.locale if customer and customer.locale else ""
    offered = pinned.flow.locales if pinned else locales()
    return nearest(wanted, offered) or (pinned.flow.locale if pinned else "en")


def sentence(to: Address, locale: str, key: str, moment: Moment) -> Queue:
    """A built-in sentence on its way, with a slot of its own: it is never edited."""
    text = Text(text=moment.settings.voice(locale).say(key, company=moment.settings.company), locale=locale)
    outbound = Outbound(kind="post", to=to, lane=lane_of(to), slot=f"s:{moment.ids()}", content=text)
    return Queue(outbound=outbound, at=moment.now)


def said_by(event: Wrote) -> str:
    """What was written, and in words how and with what: agents should know of a picture that they cannot see yet."""
    shown = [f"[{each.kind}: {each.name}]" if each.name else f"[{each.kind}]" for each in event.attachments]
    said = ["[edited]", event.text] if event.manner == "edited" else [event.text]
    return " ".join([*said, *shown]) if event.text.strip() else " ".join(shown)


def words_of(event: Wrote, customer: Customer, conversation: ConversationId, moment: Moment) -> Words:
    """What was written, to be kept outside any question."""
    return Words(
        id=WordsId(moment.ids()),
        customer=customer.id,
        conversation=conversation,
        question=None,
        text=said_by(event),
        at=moment.now,
        attachments=event.attachments,
        source=event.sender.channel if event.attachments else None,
    )
