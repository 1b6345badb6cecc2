"""What follows when somebody uses a link: a flow begins, for a personal link once, and proves who they are. Pure.

A link comes as ``/start <its id>``, whatever the channel: a deep link, a QR code, or the page behind a survey link,
which may name the dealing beside it (``/start <id> <reference>``). That name proves nothing: anybody can write one.
"""

import re

import msgspec
from msgspec.structs import replace

from bot.config import PageSettings
from bot.conversations.conversation import Conversation
from bot.conversations.events import Ask
from bot.conversations.flow import PinnedFlow
from bot.conversations.invitations import Rule
from bot.conversations.prompts import Wording, word
from bot.ids import ConversationId
from bot.intake.beginning import Survey, begin, decision_about
from bot.intake.commands import wanted
from bot.intake.identity import proven, with_reference
from bot.intake.moment import Moment
from bot.intake.people import known_customer, learned, sentence, speaks
from bot.messages import Address, Commanded
from bot.ports import (
    Customer,
    Decision,
    Facts,
    KeepLink,
    Link,
    Outcome,
    Queue,
    Read,
    RecordDecision,
    Said,
    SaveCustomer,
    Write,
)

_ID = re.compile(r"[A-Za-z0-9_-]{22}")
#: characters of a dealing's name beside a link
LONGEST_REFERENCE = 200


class Carried(msgspec.Struct, frozen=True, kw_only=True):
    """The link that a command carries, and the name of a dealing beside it."""

    id: str
    event: str
    sender: Address
    reference: str = ""


def carried_by(event: Commanded, moment: Moment) -> Carried | None:
    """The link of ``/start <id>``; a flow's own id is none, whatever it looks like."""
    id, _, reference = event.argument.partition(" ")
    if event.command != "start" or moment.settings.flow(event.argument) is not None or not _ID.fullmatch(id):
        return None
    return Carried(id=id, event=event.event, sender=event.sender, reference=reference.strip()[:LONGEST_REFERENCE])


def look(facts: Facts) -> Outcome:
    """Only tell which conversation a link began, so that the next step can read it."""
    return Outcome(ref="" if facts.link is None else facts.link.conversation or "")


def what_to_read(carried: Carried, began: str) -> Read:
    """What must be known to decide about the use of a link; ``began`` is the conversation that it began, if any."""
    return Read(
        event=carried.event,
        address=carried.sender,
        link=carried.id,
        conversation=ConversationId(began) if began else None,
    )


def decide(carried: Carried, event: Commanded, facts: Facts, moment: Moment) -> Outcome:
    """One use of a link. The customer wants it, so nothing that guards them from being asked applies."""
    link = facts.link
    flow = None if link is None or is_over(link, moment) else moment.settings.flow(link.flow)
    if link is None or flow is None:
        return _over(event, facts, moment)
    if _begun_elsewhere(link, carried.sender, facts):
        return _not_theirs(carried, link, flow, event, facts, moment)
    customer, writes = _customer(link, event, facts, moment)
    survey = _survey(carried, link, flow, customer)
    if link.customer is None and not _on_page(event.sender, moment):
        outcome = wanted(survey, facts, moment)
    else:
        outcome = _once(link, survey, facts, moment)
    return replace(outcome, writes=(*writes, *outcome.writes))


def is_over(link: Link, moment: Moment) -> bool:
    return link.expires_at is not None and link.expires_at <= moment.now


def _over(event: Commanded, facts: Facts, moment: Moment) -> Outcome:
    """Nothing stands behind it any more, or never did."""
    customer, known = known_customer(facts, event.sender, event.profile, moment)
    link = facts.link
    why = "unknown" if link is None else "expired" if is_over(link, moment) else "its flow is gone"
    decision = Decision(
        key=f"wanted:{moment.ids()}",
        trigger="link",
        flow="" if link is None else link.flow,
        address=event.sender,
        customer=customer.id,
        interaction=None,
        verdict="not asked",
        rule="the flow is gone" if why == "its flow is gone" else "not understood",
        inputs={"event": "link", "detail": why},
        known_as=customer.reference,
        triggered_at=moment.now,
        at=moment.now,
    )
    told = sentence(event.sender, speaks(customer), "link.over", moment)
    said = Said(kind="not_asked", text=decision.rule, locale=speaks(customer))
    return Outcome(said=said, writes=(*known, RecordDecision(decision=decision), told))


# ---- who it is --------------------------------------------------------------------------------------------


def _customer(link: Link, event: Commanded, facts: Facts, moment: Moment) -> tuple[Customer, tuple[Write, ...]]:
    """Who uses it. A personal link was given to one customer alone, so who has it is proven to be that customer."""
    owner: Customer | None = facts.customer
    joined: tuple[Write, ...] = ()
    if link.customer is not None:
        owner, joined = proven(link.customer, event.sender, facts, moment)
    customer, _ = known_customer(replace(facts, customer=owner), event.sender, event.profile, moment)
    customer = with_reference(customer, link.customer)
    customer = learned(customer, "link", locale=link.locale)
    if customer == facts.customer:
        return customer, ()
    others = [each for each in joined if not isinstance(each, SaveCustomer)]
    return customer, (*others, SaveCustomer(customer=customer, address=event.sender, at=moment.now))


def _survey(carried: Carried, link: Link, flow: PinnedFlow, customer: Customer) -> Survey:
    named = {"reference": carried.reference} if carried.reference else {}
    return Survey(
        customer=customer,
        address=carried.sender,
        flow=flow,
        trigger="link",
        # what the company says of the dealing counts for more than what stands in an address
        attributes={**named, **link.attributes},
    )


# ---- what is answered once --------------------------------------------------------------------------------


def _begun_elsewhere(link: Link, address: Address, facts: Facts) -> bool:
    """Whether a personal link is another address's already: it was forwarded, or opened in two places at once.

    What it began an instant ago was not read along, so it is nobody's that is known here.
    """
    if link.customer is None or link.conversation is None:
        return False
    before = facts.conversation
    return before is None or before.id != link.conversation or before.address != address


def _not_theirs(
    carried: Carried, link: Link, flow: PinnedFlow, event: Commanded, facts: Facts, moment: Moment
) -> Outcome:
    """Told politely, and nothing else: who comes second proves nothing, is joined to nobody and goes on nowhere."""
    customer, known = known_customer(facts, event.sender, event.profile, moment)
    before = facts.conversation
    answered = before is not None and before.id == link.conversation and bool(before.answers)
    rule: Rule = "answered before" if answered else "a survey is under way"
    decision = decision_about(_survey(carried, link, flow, customer), moment, verdict="not asked", rule=rule)
    told = sentence(event.sender, speaks(customer), "link.used" if answered else "link.over", moment)
    said = Said(kind="already_counted" if answered else "not_asked", text=rule, locale=speaks(customer))
    return Outcome(said=said, writes=(*known, told, RecordDecision(decision=decision)))


def _once(link: Link, survey: Survey, facts: Facts, moment: Moment) -> Outcome:
    """A personal link, or a page of its own: what was begun there before is neither begun nor answered twice."""
    before = _begun(link, survey, facts, moment)
    if before is None:
        outcome = begin(survey, facts, moment)
        if link.customer is None or not outcome.ref:
            return outcome
        keep = KeepLink(link=replace(link, conversation=ConversationId(outcome.ref)))
        return replace(outcome, writes=(*outcome.writes, keep))
    waits = before.status == "waiting"
    said = Said(kind="asked" if waits else "already_counted", locale=before.locale)
    if _on_page(survey.address, moment):
        # the page shows it as it stands
        return Outcome(said=said, ref=before.id)
    again = _asked_again(before, facts, moment) if waits else ()
    told = again or (sentence(survey.address, speaks(survey.customer), "link.used", moment),)
    rule: Rule = "a survey is under way" if waits else "answered before"
    decision = decision_about(survey, moment, verdict="not asked", rule=rule)
    return Outcome(said=said, writes=(*told, RecordDecision(decision=decision)), ref=before.id)


def _begun(link: Link, survey: Survey, facts: Facts, moment: Moment) -> Conversation | None:
    """The conversation that was begun by it and goes on, or has answers; one that nobody answered was none."""
    before = facts.conversation
    if before is None or (before.id != link.conversation and not _on_page(survey.address, moment)):
        return None
    return before if before.answers or before.status == "waiting" else None


def _asked_again(conversation: Conversation, facts: Facts, moment: Moment) -> tuple[Write, ...]:
    """The question that waits, once more and below what was said since."""
    if conversation.asked is None or facts.flow is None:
        return ()
    wording = Wording(company=moment.settings.company)
    outbound = word(Ask(question=conversation.asked), conversation, facts.flow.flow, wording)
    return (Queue(outbound=outbound, at=moment.now),)


def _on_page(address: Address, moment: Moment) -> bool:
    """Whether the address is a survey page, which belongs to one link alone."""
    return any(
        isinstance(channel, PageSettings) and channel.name == address.channel for channel in moment.settings.channels
    )
