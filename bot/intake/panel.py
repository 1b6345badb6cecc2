"""The advisory panel: who says yes joins it, may be invited to more, and leaves whenever they like. Pure."""

from collections.abc import Iterable, Mapping

import msgspec

from bot.conversations.answers import Chosen, Value
from bot.conversations.events import Answered, Retracted
from bot.conversations.invitations import end_of_quiet
from bot.conversations.prompts import fill, lane_of
from bot.conversations.questions import PanelInvitation, Texts, tag_of
from bot.ids import InteractionId
from bot.intake.moment import Moment
from bot.intake.opening import Step
from bot.intake.people import sentence, speaks
from bot.languages import FALLBACK
from bot.messages import Address, Link, Outbound, Text
from bot.ports import (
    Customer,
    Facts,
    Interaction,
    JoinPanel,
    LeavePanel,
    Outcome,
    PanelMember,
    Queue,
    Read,
    Said,
    SaveInteraction,
    Write,
)

#: What conditions of questions and reports may look at: "yes" for who is on the panel.
ON_PANEL = "panel"

#: Who reports what a member was invited to.
_SOURCE = "panel"
_YES = Chosen(options=("yes",))


class Talk(msgspec.Struct, frozen=True, kw_only=True):
    """An invitation to a conversation, in words: the same ``name`` reaches each member once.

    ``texts`` are by language and may use {company} and {customer|…}; ``link`` leads to where a time is chosen, if to
    anywhere.
    """

    name: str
    texts: Texts
    link: Link | None = None


def memberships(step: Step, moment: Moment) -> Iterable[Write]:
    """What a turn changes about the respondent's place on the panel."""
    customer, conversation = step.facts.customer, step.turn.conversation
    for event in step.turn.events:
        if not isinstance(event, Answered | Retracted):
            continue
        if not isinstance(step.flow.flow.question(event.question), PanelInvitation):
            continue
        before: Value | None = event.before.value if event.before is not None else None
        says_yes = isinstance(event, Answered) and event.answer.value == _YES
        if says_yes and (customer is None or customer.panel_since is None):
            member = PanelMember(
                id=moment.ids(),
                customer=conversation.customer,
                address=conversation.address,
                flow=step.flow.flow.id,
                version=step.flow.hash,
                question=event.question,
                locale=conversation.locale,
                joined_at=moment.now,
            )
            yield JoinPanel(member=member)
        elif not says_yes and before == _YES:
            yield LeavePanel(customer=conversation.customer, by="customer", at=moment.now)


def attributes_of(customer: Customer, attributes: Mapping[str, str]) -> Mapping[str, str]:
    """A survey's attributes with what is known of the customer's place on the panel, whatever was reported."""
    others = {name: value for name, value in attributes.items() if name != ON_PANEL}
    return others if customer.panel_since is None else {**others, ON_PANEL: "yes"}


def leave(customer: Customer, sender: Address, moment: Moment) -> Outcome:
    """The customer asks to leave; who is not on it is told so."""
    said = Said(locale=speaks(customer))
    if customer.panel_since is None:
        return Outcome(said=said, writes=(sentence(sender, speaks(customer), "panel.not_on_it", moment),))
    left = LeavePanel(customer=customer.id, by="customer", at=moment.now)
    return Outcome(said=said, writes=(left, sentence(sender, speaks(customer), "panel.left", moment)))


# ---- what the company does --------------------------------------------------------------------------------


def what_a_talk_reads(talk: Talk, member: PanelMember) -> Read:
    """What must be known to invite a member to a talk."""
    return Read(address=member.address, reported=(_SOURCE, _reference(talk, member)), asks=True)


def _reference(talk: Talk, member: PanelMember) -> str:
    return f"talk:{talk.name}:{member.customer}"


def invite(talk: Talk, member: PanelMember, facts: Facts, moment: Moment) -> Outcome:
    """Invite a member, after their quiet hours; ``said.text`` is why not, where they are not invited."""
    customer = facts.customer
    if facts.interaction is not None:
        return Outcome(said=Said(kind="duplicate", text="invited before"))
    why = _why_not(customer, member)
    if why or customer is None:
        return Outcome(said=Said(kind="not_asked", text=why))
    asking = moment.settings.asking
    zone = customer.time_zone or asking.time_zone
    awake = end_of_quiet(moment.now, asking.quiet_from, asking.quiet_until, zone)
    locale = customer.locale or member.locale
    known = {"company": moment.settings.company, "customer": customer.name or ""}
    tag = tag_of(talk.texts, locale, FALLBACK)
    text = fill(talk.texts.get(tag, ""), known, tag)
    content = Text(text=text, locale=locale, links=() if talk.link is None else (talk.link,))
    outbound = Outbound(
        kind="post",
        to=member.address,
        lane=lane_of(member.address),
        slot=f"talk:{moment.ids()}",
        content=content,
    )
    said = Said(kind="asked" if awake is None else "deferred", text="" if awake is None else awake.isoformat())
    # events are forgotten after a week, and this name is for good
    mark = Interaction(
        id=InteractionId(moment.ids()),
        source=_SOURCE,
        reference=_reference(talk, member),
        flow="",
        address=member.address,
        closed_at=moment.now,
        reported_at=moment.now,
    )
    marked = SaveInteraction(interaction=mark, was_revision=None)
    return Outcome(said=said, writes=(marked, Queue(outbound=outbound, at=awake or moment.now)))


def _why_not(customer: Customer | None, member: PanelMember) -> str:
    if customer is None or customer.panel_since is None or customer.id != member.customer:
        return "left the panel"
    if customer.opted_out_at is not None:
        return "opted out"
    return "" if customer.reachable else "cannot be reached"
