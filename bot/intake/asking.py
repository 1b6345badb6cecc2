"""What to do about what is told of a dealing: plan its question, ask it, cancel it, and let it end by silence. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import assert_never

from msgspec.structs import replace

from bot.conversations import engine
from bot.conversations.dealings import Beside, Dealing, Ended, Heard, Told, hear
from bot.conversations.flow import PinnedFlow
from bot.conversations.invitations import (
    Invitation,
    Occasion,
    PastSurvey,
    Rule,
    Standing,
    TriggerKind,
    decide_invitation,
    planned_for,
    ruled_out,
    share_of,
)
from bot.ids import CustomerId, InteractionId
from bot.intake.beginning import Survey, begin
from bot.intake.deciding import newly, settled
from bot.intake.identity import must_write_first, proven
from bot.intake.moment import Moment
from bot.intake.opening import Step
from bot.intake.people import speaks
from bot.intake.recording import record
from bot.messages import Address, ChannelName
from bot.ports import (
    Customer,
    Decision,
    DropDue,
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

#: in place of an address where none is known
NOWHERE = Address(channel=ChannelName(""), key="")


def what_to_read(told: Told) -> Read:
    event = f"told:{told.source}:{told.event}" if told.event else None
    return Read(
        event=event, address=told.address, reported=(told.source, told.reference), known_as=told.customer or None
    )


def decide_told(told: Told, trigger: TriggerKind, facts: Facts, moment: Moment) -> Outcome:
    """One telling. Each ending asks once, whatever is told again and in whatever order."""
    if isinstance(told.happening, Beside):
        return _beside(told, told.happening, facts, moment)
    if facts.seen:
        return _told_again(facts)
    old = facts.interaction
    heard = hear(Dealing() if old is None else old.dealing, told.happening, moment.now)
    match heard.meaning:
        case "ended before":
            return _told_again(facts)
        case "ended" | "resumed since":
            return _ended(told, heard, trigger, facts, moment)
        case "resumed" | "customer went on":
            return _went_on(told, heard, facts, moment)
        case "noted":
            return _noted(told, heard, facts, moment)
        case _:
            assert_never(heard.meaning)


def _beside(told: Told, beside: Beside, facts: Facts, moment: Moment) -> Outcome:
    """No end of a chat: nobody is asked, and the ledger says what came instead."""
    said = Said(kind="not_asked", text=beside.why)
    if facts.seen:
        return Outcome(said=said)
    inputs = {"event": beside.kind, "detail": beside.detail} if beside.detail else {"event": beside.kind}
    nothing = Invitation(verdict="not asked", rule=beside.why, inputs=inputs)
    decision = Decision(
        key=f"event:{moment.ids()}",
        trigger="event",
        flow=told.flow,
        address=told.address or NOWHERE,
        customer=None if facts.customer is None else facts.customer.id,
        interaction=None if facts.interaction is None else facts.interaction.id,
        source=told.source,
        reference=told.reference,
        known_as=told.customer,
        verdict=nothing.verdict,
        rule=nothing.rule,
        inputs=nothing.inputs,
        triggered_at=moment.now,
        at=moment.now,
    )
    return Outcome(said=said, writes=(RecordDecision(decision=decision),))


def _told_again(facts: Facts) -> Outcome:
    said, decision = Said(kind="not_asked", text="reported before"), facts.decision
    ref = "" if facts.interaction is None else facts.interaction.id
    if decision is None:
        return Outcome(said=said, ref=ref)
    again = replace(decision, repeats=decision.repeats + 1)
    return Outcome(said=said, writes=(RecordDecision(decision=again),), ref=ref)


def _ended(told: Told, heard: Heard, trigger: TriggerKind, facts: Facts, moment: Moment) -> Outcome:
    customer, address, known = _customer(told, facts, moment)
    flow = _flow(told, facts, moment)
    interaction = _interaction(told, heard.dealing, address, flow, facts, moment)
    writes: list[Write] = [*known, *_superseded(facts, moment), DropDue(key=_idle_key(interaction))]
    occasion = _occasion(told, heard, trigger, interaction, customer, flow, moment)
    decided, dues = _planned(heard, interaction, occasion, flow, moment)
    key = f"{interaction.id}:{interaction.dealing.endings}"
    first = newly(key, trigger, interaction, customer, decided, moment)
    decision = replace(first, known_as=told.customer or first.known_as, occasion=occasion)
    save = SaveInteraction(
        interaction=interaction, was_revision=None if facts.interaction is None else facts.interaction.revision
    )
    return Outcome(
        said=Said(kind="deferred" if decided.verdict == "deferred" else "not_asked", text=decided.rule),
        writes=(*writes, save, *dues, RecordDecision(decision=decision)),
        ref=interaction.id,
    )


def _planned(
    heard: Heard, interaction: Interaction, occasion: Occasion, flow: PinnedFlow | None, moment: Moment
) -> tuple[Invitation, tuple[Write, ...]]:
    """What is decided when it ends: mostly to wait a little, unless something speaks against it for good."""
    if heard.meaning == "resumed since":
        return Invitation(verdict="not asked", rule="resumed since"), ()
    if flow is None:
        return Invitation(verdict="not asked", rule="the flow is gone"), ()
    rules = moment.settings.asking_rules(flow.flow)
    against = ruled_out(occasion, rules, moment.now)
    if against is not None:
        return against, (DropDue(key=_ask_key(interaction)),)
    due_at = planned_for(occasion, rules)
    until = Invitation(verdict="deferred", rule="delay", inputs={"until": due_at.isoformat()}, again_at=due_at)
    return until, (PutDue(due=_ask_at(interaction, due_at)),)


def _went_on(told: Told, heard: Heard, facts: Facts, moment: Moment) -> Outcome:
    """The dealing goes on: what was planned for its end is cancelled."""
    outcome = _noted(told, heard, facts, moment)
    rule: Rule = "the customer went on" if heard.meaning == "customer went on" else "it was resumed"
    interaction, decision = facts.interaction, facts.decision
    cancelled: list[Write] = [] if interaction is None else [DropDue(key=_ask_key(interaction))]
    if decision is not None and decision.verdict == "deferred":
        over = Invitation(verdict="not asked", rule=rule)
        cancelled.append(RecordDecision(decision=settled(decision, over, moment)))
    return replace(outcome, said=Said(kind="not_asked", text=rule), writes=(*outcome.writes, *cancelled))


def _noted(told: Told, heard: Heard, facts: Facts, moment: Moment) -> Outcome:
    """Keep what is known of the dealing, and see to it that a silent one counts as ended."""
    old = facts.interaction
    if old is not None and old.dealing == heard.dealing:
        return Outcome(said=Said(kind="nothing"), ref=old.id)
    _, address, known = _customer(told, facts, moment)
    interaction = _interaction(told, heard.dealing, address, _flow(told, facts, moment), facts, moment)
    writes: list[Write] = [
        *known,
        SaveInteraction(interaction=interaction, was_revision=None if old is None else old.revision),
    ]
    if told.idle_after is not None and heard.dealing.is_open and heard.dealing.heard:
        due_at = moment.now + told.idle_after
        writes.append(PutDue(due=Due(key=_idle_key(interaction), kind="idle", ref=interaction.id, due_at=due_at)))
    return Outcome(said=Said(kind="nothing"), writes=tuple(writes), ref=interaction.id)


def _superseded(facts: Facts, moment: Moment) -> tuple[Write, ...]:
    """An earlier ending that was still waiting for its question: only the newest one is asked about."""
    decision = facts.decision
    if decision is None or decision.verdict != "deferred":
        return ()
    over = Invitation(verdict="not asked", rule="it was resumed")
    return (RecordDecision(decision=settled(decision, over, moment)),)


def _flow(told: Told, facts: Facts, moment: Moment) -> PinnedFlow | None:
    named = told.flow or (facts.interaction.flow if facts.interaction else "")
    if not named:
        return moment.settings.flows[0] if moment.settings.flows else None
    return moment.settings.flow(named)


def _interaction(
    told: Told, dealing: Dealing, address: Address, flow: PinnedFlow | None, facts: Facts, moment: Moment
) -> Interaction:
    old = facts.interaction
    attributes = {**(old.attributes if old else {}), **told.attributes}
    flow_id = told.flow if flow is None else flow.flow.id
    if old is None:
        return Interaction(
            id=InteractionId(moment.ids()),
            source=told.source,
            reference=told.reference,
            flow=flow_id,
            address=address,
            closed_at=dealing.ended_at or moment.now,
            reported_at=moment.now,
            attributes=attributes,
            dealing=dealing,
        )
    return replace(
        old,
        flow=flow_id or old.flow,
        address=old.address if address == NOWHERE else address,
        closed_at=dealing.ended_at or old.closed_at,
        reported_at=moment.now,
        attributes=attributes,
        dealing=dealing,
        revision=old.revision + 1,
    )


def _occasion(
    told: Told,
    heard: Heard,
    trigger: TriggerKind,
    interaction: Interaction,
    customer: Customer | None,
    flow: PinnedFlow | None,
    moment: Moment,
) -> Occasion:
    ended = told.happening if isinstance(told.happening, Ended) else Ended()
    dealing, attributes = heard.dealing, interaction.attributes
    by_word = dealing.heard > 0
    tags = attributes.get("tags") or attributes.get("tag") or ""
    who = told.customer or (f"{interaction.address.channel}:{interaction.address.key}")
    return Occasion(
        trigger=trigger,
        at=moment.now,
        closed_at=interaction.closed_at,
        channel=interaction.address.channel,
        language=speaks(customer, flow),
        tags=tuple(tag.strip() for tag in tags.split(",") if tag.strip()),
        vip=attributes.get("vip", "").casefold() in ("true", "yes", "1"),
        messages=ended.messages if ended.messages is not None else (dealing.heard if by_word else None),
        human_answered=ended.human_answered
        if ended.human_answered is not None
        else (dealing.human_at is not None if by_word else None),
        started_by=dealing.started_by,
        mere_thanks=heard.mere_thanks,
        share=share_of(who, interaction.source, interaction.reference, interaction.flow),
    )


# ---- whose dealing it is ----------------------------------------------------------------------------------


def _customer(told: Told, facts: Facts, moment: Moment) -> tuple[Customer | None, Address, tuple[Write, ...]]:
    """The customer, where they would be asked, and what to write of them.

    The company's own reference is proof: an address that is reported with it belongs to the customer of that reference.
    An address that another reference was reported for stays that one's: then the two are different people.
    """
    here, namesake = facts.customer, facts.namesake
    address = told.address or (facts.addresses[0] if facts.addresses else None)
    if address is None:
        known = facts.interaction.address if facts.interaction is not None else NOWHERE
        return here or namesake, known, ()
    writes: tuple[Write, ...] = ()
    if told.address is None and namesake is not None:
        here = namesake
    else:
        here, writes = proven(told.customer, address, facts, moment)
    if here is None:
        made = _reported(Customer(id=CustomerId(moment.ids()), reachable=not must_write_first(address, moment)), told)
        return made, address, (SaveCustomer(customer=made, address=address, at=moment.now),)
    new = _reported(here, told)
    if new != here:
        writes = (*writes, SaveCustomer(customer=new, address=address, at=moment.now))
    return new, address, writes


def _reported(customer: Customer, told: Told) -> Customer:
    """What a report says of a customer counts for more than a channel's profile, and less than their own word."""
    new = replace(customer, name=told.name or customer.name, reference=customer.reference or told.customer)
    if told.locale and customer.locale_source != "customer":
        new = replace(new, locale=told.locale, locale_source="report")
    if told.time_zone and customer.time_zone_source != "customer":
        new = replace(new, time_zone=told.time_zone, time_zone_source="report")
    return new


def _ask_key(interaction: Interaction) -> str:
    return f"ask:{interaction.id}"


def _idle_key(interaction: Interaction) -> str:
    return f"idle:{interaction.id}"


def _ask_at(interaction: Interaction, due_at: datetime) -> Due:
    return Due(key=_ask_key(interaction), kind="ask", ref=interaction.id, due_at=due_at)


# ---- when it is time ----------------------------------------------------------------------------------------


def fall_idle(settled_due: SettleDue, facts: Facts, moment: Moment) -> Outcome:
    """Nobody said anything for a while: the chat counts as ended."""
    interaction = facts.interaction
    if interaction is None or not interaction.dealing.is_open:
        return Outcome(writes=(settled_due,))
    told = Told(source=interaction.source, reference=interaction.reference, happening=Ended(at=moment.now))
    outcome = decide_told(told, "idle", replace(facts, seen=False), moment)
    # the row that is settled is the one that an ending drops
    kept = (write for write in outcome.writes if write != DropDue(key=settled_due.due.key))
    return replace(outcome, writes=(settled_due, *kept))


def ask(due: SettleDue, facts: Facts, moment: Moment) -> Outcome:
    """The delay after an interaction is over: ask now, later or not at all, and say why."""
    interaction = facts.interaction
    if interaction is None:
        return Outcome(writes=(due,))
    before = facts.decision or _from_before(interaction, facts, moment)
    flow, customer = moment.settings.flow(interaction.flow), facts.customer
    if flow is None or customer is None:
        gone = Invitation(verdict="not asked", rule="the flow is gone" if flow is None else "the customer is gone")
        return _said(gone, due, settled(before, gone, moment))
    occasion = before.occasion or _occasion_from_before(interaction, customer, flow)
    standing = _standing(due.due.due_at, facts, customer, moment)
    invitation = decide_invitation(occasion, standing, moment.settings.asking_rules(flow.flow), moment.now)
    invitation = replace(invitation, inputs={**_looked_at(occasion, standing), **invitation.inputs})
    decision = settled(replace(before, customer=customer.id), invitation, moment)
    match invitation.verdict:
        case "asked":
            return _ask_now(due, decision, interaction, flow, customer, facts, moment)
        case "deferred" if invitation.again_at is not None:
            outcome = _said(invitation, due, decision)
            return replace(outcome, writes=(*outcome.writes, PutDue(due=_ask_at(interaction, invitation.again_at))))
        case "deferred" | "not asked":
            return _said(invitation, due, decision)
        case _:
            assert_never(invitation.verdict)


def _said(invitation: Invitation, due: SettleDue, decision: Decision) -> Outcome:
    said = Said(kind="not_asked", text=invitation.rule)
    return Outcome(said=said, writes=(due, RecordDecision(decision=decision)))


def _ask_now(
    due: SettleDue,
    decision: Decision,
    interaction: Interaction,
    flow: PinnedFlow,
    customer: Customer,
    facts: Facts,
    moment: Moment,
) -> Outcome:
    survey = Survey(
        customer=customer,
        address=interaction.address,
        flow=flow,
        trigger=decision.trigger,
        interaction=interaction.id,
        attributes=interaction.attributes,
        invited=True,
    )
    outcome = begin(survey, facts, moment, decided=decision)
    dealing = replace(interaction.dealing, asked_ending=interaction.dealing.endings)
    asked = replace(interaction, dealing=dealing, revision=interaction.revision + 1)
    save = SaveInteraction(interaction=asked, was_revision=interaction.revision)
    return replace(outcome, writes=(due, save, *outcome.writes))


def _standing(planned: datetime, facts: Facts, customer: Customer, moment: Moment) -> Standing:
    conversation = facts.conversation
    return Standing(
        opted_out=customer.opted_out_at is not None,
        reachable=customer.reachable,
        surveyed_now=conversation is not None and conversation.status == "waiting",
        past=[PastSurvey(flow=past.flow, is_nps=past.is_nps, at=past.at) for past in facts.shown],
        time_zone=customer.time_zone or moment.settings.asking.time_zone,
        planned_for=planned,
        wrote_at=facts.wrote_at,
    )


def _looked_at(occasion: Occasion, standing: Standing) -> Mapping[str, str]:
    """What the rules looked at, for the record: nobody can say it later."""
    return {
        "closed": occasion.closed_at.isoformat(),
        "opted_out": str(standing.opted_out).lower(),
        "reachable": str(standing.reachable).lower(),
        "surveyed_now": str(standing.surveyed_now).lower(),
        "surveys": ", ".join(f"{past.flow} {past.at.isoformat()}" for past in standing.past[:5]),
        "time_zone": standing.time_zone,
    }


def _from_before(interaction: Interaction, facts: Facts, moment: Moment) -> Decision:
    """What was planned by a release whose ledger had no keys."""
    waited = Invitation(verdict="deferred", rule="delay")
    customer = facts.customer
    return newly(
        f"{interaction.id}:{max(interaction.dealing.endings, 1)}",
        "api",
        interaction,
        customer,
        waited,
        moment,
    )


def _occasion_from_before(interaction: Interaction, customer: Customer, flow: PinnedFlow) -> Occasion:
    return Occasion(
        trigger="api",
        at=interaction.reported_at,
        closed_at=interaction.closed_at,
        channel=interaction.address.channel,
        language=speaks(customer, flow),
    )


def expire(due: Due, settled_due: SettleDue, facts: Facts, moment: Moment) -> Outcome:
    """An invitation without any answer waits longer than a survey that stopped half-way."""
    conversation, flow = facts.conversation, facts.flow
    if conversation is None or flow is None or conversation.status != "waiting":
        return Outcome(writes=(settled_due,))
    asking = moment.settings.asking
    if conversation.answers:
        ends_at = conversation.touched_at + asking.expire_idle
    else:
        ends_at = conversation.started_at + asking.expire_invitation
    if ends_at > moment.now:
        return Outcome(writes=(settled_due, PutDue(due=replace(due, due_at=ends_at))))
    turn = engine.expire(conversation, moment.now)
    return Outcome(writes=(settled_due, *record(Step(turn=turn, facts=facts, flow=flow), moment)))
