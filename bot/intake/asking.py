"""What to do about a reported interaction: plan its question, ask it, and let it end by silence. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import assert_never

import msgspec
from msgspec.structs import replace

from bot.config import TelegramSettings
from bot.conversations import engine
from bot.conversations.flow import PinnedFlow
from bot.conversations.invitations import (
    AskingRules,
    Candidate,
    Invitation,
    PastSurvey,
    decide_invitation,
)
from bot.conversations.questions import Rating
from bot.ids import CustomerId
from bot.intake.beginning import Survey, begin
from bot.intake.moment import Moment
from bot.intake.opening import Step
from bot.intake.recording import record
from bot.messages import Address
from bot.ports import (
    Customer,
    Due,
    Facts,
    Interaction,
    Outcome,
    PutDue,
    Read,
    RecordDecision,
    Said,
    SaveCustomer,
    SaveInteraction,
    SettleDue,
    Write,
)


class ReportedCustomer(msgspec.Struct, frozen=True, kw_only=True):
    """What a reporter tells of the customer."""

    name: str | None = None
    locale: str | None = None
    time_zone: str | None = None
    reference: str | None = None


def what_to_read(interaction: Interaction) -> Read:
    return Read(address=interaction.address, reported=(interaction.source, interaction.reference))


def decide_report(
    interaction: Interaction, who: ReportedCustomer, trigger: str, facts: Facts, moment: Moment
) -> Outcome:
    """Keep a reported interaction and plan to ask after the delay; one closing asks once, whatever is redelivered."""
    if facts.interaction is not None:
        decision = _decision(
            facts.interaction,
            facts.customer,
            trigger,
            Invitation(verdict="not asked", rule="reported before", inputs={"reference": interaction.reference}),
            moment,
        )
        said = Said(kind="not_asked", text="reported before")
        return Outcome(said=said, writes=(decision,), ref=facts.interaction.id)
    customer, saved = _customer(facts, interaction.address, who, moment)
    due_at = _first_due(interaction, moment)
    planned = Invitation(verdict="deferred", rule="delay", inputs={"until": due_at.isoformat()}, again_at=due_at)
    return Outcome(
        said=Said(kind="deferred", text=planned.rule),
        writes=(
            *saved,
            SaveInteraction(interaction=interaction),
            PutDue(due=_ask_at(interaction, planned)),
            _decision(interaction, customer, trigger, planned, moment),
        ),
        ref=interaction.id,
    )


def _customer(
    facts: Facts, address: Address, who: ReportedCustomer, moment: Moment
) -> tuple[Customer, tuple[Write, ...]]:
    old = facts.customer
    if old is None:
        made = Customer(
            id=CustomerId(moment.ids()),
            name=who.name,
            locale=who.locale,
            time_zone=who.time_zone,
            reference=who.reference,
            reachable=not _must_write_first(address, moment),
        )
        return made, (SaveCustomer(customer=made, address=address, at=moment.now),)
    new = replace(
        old,
        name=who.name or old.name,
        locale=who.locale or old.locale,
        time_zone=who.time_zone or old.time_zone,
        reference=who.reference or old.reference,
    )
    return new, () if new == old else (SaveCustomer(customer=new, address=address, at=moment.now),)


def _must_write_first(address: Address, moment: Moment) -> bool:
    """Telegram lets a bot write only to people who wrote to it before."""
    return any(
        isinstance(channel, TelegramSettings) and channel.name == address.channel
        for channel in moment.settings.channels
    )


def _first_due(interaction: Interaction, moment: Moment) -> datetime:
    """When the customer would be asked if nothing spoke against it."""
    return max(interaction.closed_at + moment.settings.asking.delay, interaction.reported_at)


def _ask_at(interaction: Interaction, invitation: Invitation) -> Due:
    due_at = invitation.again_at
    if due_at is None:
        raise ValueError("only a deferral has a time")
    return Due(key=f"ask:{interaction.id}", kind="ask", ref=interaction.id, due_at=due_at)


def _decision(
    interaction: Interaction,
    customer: Customer | None,
    trigger: str,
    invitation: Invitation,
    moment: Moment,
    looked_at: Mapping[str, str] | None = None,
) -> RecordDecision:
    return RecordDecision(
        trigger=trigger,
        flow=interaction.flow,
        address=interaction.address,
        customer=None if customer is None else customer.id,
        interaction=interaction.id,
        verdict=invitation.verdict,
        rule=invitation.rule,
        inputs={**(looked_at or {}), **invitation.inputs},
        at=moment.now,
    )


# ---- when it is time ----------------------------------------------------------------------------------------


def ask(settled: SettleDue, facts: Facts, moment: Moment) -> Outcome:
    """The delay after an interaction is over: ask now, later or not at all, and say why."""
    interaction = facts.interaction
    if interaction is None:
        return Outcome(writes=(settled,))
    flow, customer = moment.settings.flow(interaction.flow), facts.customer
    if flow is None or customer is None:
        gone = Invitation(verdict="not asked", rule="the flow is gone" if flow is None else "the customer is gone")
        return Outcome(
            said=Said(kind="not_asked", text=gone.rule),
            writes=(settled, _decision(interaction, customer, "interaction", gone, moment)),
        )
    candidate = _candidate(interaction, flow, customer, facts, moment)
    invitation = decide_invitation(candidate, _asking_rules(moment), moment.now)
    decision = _decision(interaction, customer, "interaction", invitation, moment, _looked_at(candidate))
    match invitation.verdict:
        case "asked":
            survey = Survey(
                customer=customer,
                address=interaction.address,
                flow=flow,
                trigger="interaction",
                interaction=interaction.id,
                attributes=interaction.attributes,
            )
            outcome = begin(survey, facts, moment, decided=decision)
            return replace(outcome, writes=(settled, *outcome.writes))
        case "deferred":
            again = PutDue(due=_ask_at(interaction, invitation))
            return Outcome(said=Said(kind="not_asked", text=invitation.rule), writes=(settled, again, decision))
        case "not asked":
            return Outcome(said=Said(kind="not_asked", text=invitation.rule), writes=(settled, decision))
        case _:
            assert_never(invitation.verdict)


def _asking_rules(moment: Moment) -> AskingRules:
    asking = moment.settings.asking
    return AskingRules(
        cool_down=asking.cool_down,
        cool_down_nps=asking.cool_down_nps,
        quiet_from=asking.quiet_from,
        quiet_until=asking.quiet_until,
        defer_at_most=asking.defer_at_most,
        closed_at_most=asking.closed_at_most,
    )


def _candidate(
    interaction: Interaction, flow: PinnedFlow, customer: Customer, facts: Facts, moment: Moment
) -> Candidate:
    conversation, rating = facts.conversation, flow.flow.score_question()
    return Candidate(
        flow=flow.flow.id,
        is_nps=isinstance(rating, Rating) and rating.scale == "nps",
        closed_at=interaction.closed_at,
        first_due=_first_due(interaction, moment),
        opted_out=customer.opted_out_at is not None,
        reachable=customer.reachable,
        surveyed_now=conversation is not None and conversation.status == "waiting",
        past=[PastSurvey(flow=past.flow, is_nps=past.is_nps, at=past.at) for past in facts.shown],
        time_zone=customer.time_zone or moment.settings.asking.time_zone,
    )


def _looked_at(who: Candidate) -> dict[str, str]:
    """What the rules looked at, for the record: nobody can say it later."""
    return {
        "closed": who.closed_at.isoformat(),
        "opted_out": str(who.opted_out).lower(),
        "reachable": str(who.reachable).lower(),
        "surveyed_now": str(who.surveyed_now).lower(),
        "surveys": ", ".join(f"{past.flow} {past.at.isoformat()}" for past in who.past[:5]),
        "time_zone": who.time_zone,
    }


def expire(due: Due, settled: SettleDue, facts: Facts, moment: Moment) -> Outcome:
    """An invitation without any answer waits longer than a survey that stopped half-way."""
    conversation, flow = facts.conversation, facts.flow
    if conversation is None or flow is None or conversation.status != "waiting":
        return Outcome(writes=(settled,))
    asking = moment.settings.asking
    if conversation.answers:
        ends_at = conversation.touched_at + asking.expire_idle
    else:
        ends_at = conversation.started_at + asking.expire_invitation
    if ends_at > moment.now:
        return Outcome(writes=(settled, PutDue(due=replace(due, due_at=ends_at))))
    turn = engine.expire(conversation, moment.now)
    return Outcome(writes=(settled, *record(Step(turn=turn, facts=facts, flow=flow), moment)))
