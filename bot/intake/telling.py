"""What to do about what is told of a dealing: plan its question, cancel it, and let a silence end it. Pure.

Whoever writes about an ending in the ledger writes the interaction too: its revision tells those who decide at the same
moment of each other.
"""

from datetime import datetime
from typing import assert_never

import msgspec
from msgspec.structs import replace

from bot.conversations.dealings import Beside, Dealing, Ended, Heard, Told, hear
from bot.conversations.flow import PinnedFlow
from bot.conversations.invitations import (
    Invitation,
    Occasion,
    TriggerKind,
    WentOn,
    planned_for,
    ruled_out,
    share_of,
)
from bot.ids import InteractionId
from bot.intake.deciding import (
    as_heard,
    ask_key,
    ask_row,
    dealing_of,
    ending_key,
    newly,
    of_ending,
    settled,
    told_again,
    waiting,
)
from bot.intake.identity import NOWHERE, Whose, whose
from bot.intake.moment import Moment
from bot.intake.people import speaks
from bot.messages import Address
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
    SaveInteraction,
    SettleDue,
    Write,
)


def what_to_read(told: Told) -> Read:
    event = f"told:{told.source}:{told.event}" if told.event else None
    reported, known_as = (told.source, told.reference), told.customer or None
    keeps = not told.proves
    return Read(event=event, address=told.address, keeps_address=keeps, reported=reported, known_as=known_as)


def decide_told(told: Told, trigger: TriggerKind, facts: Facts, moment: Moment) -> Outcome:
    """One telling. Each ending asks once, whatever is told again and in whatever order."""
    if isinstance(told.happening, Beside):
        return _beside(told, told.happening, facts, moment)
    # an invitation by name ends nothing a second time, however long ago it was
    if facts.seen or (trigger == "panel" and facts.interaction is not None):
        return _ended_before(told, facts, moment) if isinstance(told.happening, Ended) else _DUPLICATE
    heard = hear(dealing_of(facts.interaction), told.happening, moment.now)
    match heard.meaning:
        case "ended before":
            return _ended_before(told, facts, moment, heard.dealing)
        case "ended" | "resumed since":
            return _ended(told, heard, trigger, facts, moment)
        case "resumed" | "customer went on":
            return _went_on(told, heard, facts, moment)
        case "noted":
            return _noted(told, heard, facts, moment)
        case _:
            assert_never(heard.meaning)


def fall_idle(due: SettleDue, facts: Facts, moment: Moment) -> Outcome:
    """Nobody said anything for a while: the chat counts as ended."""
    interaction = facts.interaction
    if interaction is None or not interaction.dealing.is_open:
        return Outcome(writes=(due,))
    # by then it was silent, whenever we come to look
    silence = Ended(at=due.due.due_at, by_silence=True)
    told = Told(source=interaction.source, reference=interaction.reference, happening=silence)
    outcome = decide_told(told, "idle", facts, moment)
    # the row that is settled is the one that an ending drops
    kept = (write for write in outcome.writes if write != DropDue(key=due.due.key))
    return replace(outcome, writes=(due, *kept))


_DUPLICATE = Outcome(said=Said(kind="duplicate"))


def _beside(told: Told, beside: Beside, facts: Facts, moment: Moment) -> Outcome:
    """No end of a chat: nobody is asked, and the ledger says what came instead."""
    said = Said(kind="not_asked", text=beside.why)
    if facts.seen:
        return Outcome(said=said)
    inputs = {"event": beside.kind, "detail": beside.detail} if beside.detail else {"event": beside.kind}
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
        verdict="not asked",
        rule=beside.why,
        inputs=inputs,
        triggered_at=moment.now,
        at=moment.now,
    )
    return Outcome(said=said, writes=(RecordDecision(decision=decision),))


# ---- it ended -----------------------------------------------------------------------------------------------


class _Ending(msgspec.Struct, frozen=True, kw_only=True):
    """An ending and what is known with it."""

    heard: Heard
    interaction: Interaction
    was_revision: int | None
    whose: Whose
    flow: PinnedFlow | None
    occasion: Occasion


def _ended(told: Told, heard: Heard, trigger: TriggerKind, facts: Facts, moment: Moment) -> Outcome:
    found, flow = whose(told, facts, moment), _flow(told, facts, moment)
    interaction = _interaction(told, heard.dealing, found.address, flow, facts, moment)
    ending = _Ending(
        heard=heard,
        interaction=interaction,
        was_revision=None if facts.interaction is None else facts.interaction.revision,
        whose=found,
        flow=flow,
        occasion=_occasion(told, heard, trigger, interaction, moment, language=speaks(found.customer, flow)),
    )
    planned = _plan(ending, moment)
    key = ending_key(interaction)
    first = newly(key, trigger, interaction, found.customer, planned, moment)
    occasion = ending.occasion if planned.verdict == "deferred" else as_heard(ending.occasion, heard.dealing)
    decision = replace(first, known_as=_known_as(told.customer, found), occasion=occasion)
    earlier = (*_superseded(facts, moment), DropDue(key=_idle_key(interaction)))
    return _decided(ending, decision, planned, earlier)


def _decided(ending: _Ending, decision: Decision, planned: Invitation, earlier: tuple[Write, ...]) -> Outcome:
    interaction = ending.interaction
    due: Write = DropDue(key=ask_key(interaction))
    if planned.again_at is not None:
        due = PutDue(due=ask_row(interaction, planned.again_at))
    return Outcome(
        said=Said(kind="deferred" if planned.verdict == "deferred" else "not_asked", text=planned.rule),
        writes=(
            *ending.whose.writes,
            *earlier,
            SaveInteraction(interaction=interaction, was_revision=ending.was_revision),
            due,
            RecordDecision(decision=decision),
        ),
        ref=interaction.id,
    )


def _plan(ending: _Ending, moment: Moment) -> Invitation:
    """What is decided when it ends: mostly to wait a little, unless something speaks against it for good."""
    invitation = _planned(ending, moment)
    doubts = {"also_of": ending.whose.also_of, "not_believed": ending.whose.not_believed}
    told = {name: reference for name, reference in doubts.items() if reference is not None}
    return replace(invitation, inputs={**invitation.inputs, **told}) if told else invitation


def _known_as(told: str | None, found: Whose) -> str | None:
    """The customer's reference: as it was told, unless that was not believed."""
    own = None if found.customer is None else found.customer.reference
    return own if found.not_believed is not None else told or own


def _planned(ending: _Ending, moment: Moment) -> Invitation:
    if ending.heard.meaning == "resumed since":
        return Invitation(verdict="not asked", rule="resumed since")
    if ending.flow is None:
        return Invitation(verdict="not asked", rule="the flow is gone")
    rules = moment.settings.asking_rules(ending.flow.flow)
    # what rests on the words that we heard is looked at when the question is due: some may be told only now
    against = ruled_out(replace(ending.occasion, mere_thanks=False), rules, moment.now)
    if against is not None:
        return replace(against, inputs={**_who(ending.whose.customer), **against.inputs})
    due_at = planned_for(ending.occasion, rules)
    return Invitation(verdict="deferred", rule="delay", inputs={"until": due_at.isoformat()}, again_at=due_at)


def _who(customer: Customer | None) -> dict[str, str]:
    """What other settings would have to respect: a simulation cannot know it later."""
    if customer is None:
        return {}
    opted_out, reachable = customer.opted_out_at is not None, customer.reachable
    return {"opted_out": str(opted_out).lower(), "reachable": str(reachable).lower()}


def _superseded(facts: Facts, moment: Moment) -> tuple[Write, ...]:
    """An earlier ending that was still waiting for its question: only the newest one is asked about."""
    decision = waiting(facts, moment)
    if decision is None:
        return ()
    over = Invitation(verdict="not asked", rule="it was resumed")
    return (RecordDecision(decision=settled(decision, over, moment)),)


def _ended_before(told: Told, facts: Facts, moment: Moment, dealing: Dealing | None = None) -> Outcome:
    """The ending that is known: it is counted, and asked about after all if only now we hear where."""
    interaction, decision = facts.interaction, of_ending(facts)
    said = Said(kind="not_asked", text="reported before")
    if interaction is None or decision is None:
        return Outcome(said=said, ref="" if interaction is None else interaction.id)
    interaction = interaction if dealing is None else replace(interaction, dealing=dealing)
    if decision.occasion is not None and _may_change(decision, facts):
        found = whose(told, facts, moment)
        if found.address != NOWHERE:
            again = replace(decision, repeats=decision.repeats + 1)
            flow = _flow(told, facts, moment)
            return _decided_again(found, flow, again, decision.occasion, interaction, moment)
    return Outcome(said=said, writes=told_again(decision, interaction), ref=interaction.id)


def _may_change(decision: Decision, facts: Facts) -> bool:
    """Whether telling an ending again is worth deciding again.

    Who invites by hand saw the refusal and mended what stood in the way.
    """
    if decision.trigger == "panel":
        return decision.verdict == "not asked"
    return decision.rule == "no address known" and not facts.seen


def _decided_again(
    found: Whose,
    flow: PinnedFlow | None,
    decision: Decision,
    occasion: Occasion,
    interaction: Interaction,
    moment: Moment,
) -> Outcome:
    flow_id = interaction.flow if flow is None else flow.flow.id
    ending = _Ending(
        heard=Heard(dealing=interaction.dealing, meaning="ended"),
        interaction=replace(interaction, flow=flow_id, address=found.address, revision=interaction.revision + 1),
        was_revision=interaction.revision,
        whose=found,
        flow=flow,
        occasion=replace(
            occasion,
            at=moment.now,
            channel=found.address.channel,
            language=speaks(found.customer, flow),
        ),
    )
    planned = _plan(ending, moment)
    decision = replace(
        settled(decision, planned, moment),
        flow=flow_id,
        occasion=ending.occasion,
        address=found.address,
        customer=None if found.customer is None else found.customer.id,
        known_as=_known_as(decision.known_as, found),
    )
    return _decided(ending, decision, planned, ())


# ---- it goes on ---------------------------------------------------------------------------------------------


def _went_on(told: Told, heard: Heard, facts: Facts, moment: Moment) -> Outcome:
    """The dealing goes on: what was planned for its end is cancelled, and what was not, other settings may have."""
    outcome, decision = _noted(told, heard, facts, moment), of_ending(facts) or waiting(facts, moment)
    if facts.interaction is None or decision is None:
        return outcome
    went_on = WentOn(
        at=moment.now, rule="the customer went on" if heard.meaning == "customer went on" else "it was resumed"
    )
    known = _with_going_on(decision, went_on)
    if decision.verdict != "deferred":
        changed = () if known is decision else (RecordDecision(decision=known),)
        return replace(outcome, writes=(*outcome.writes, *changed))
    if known.occasion is not None:
        known = replace(known, occasion=as_heard(known.occasion, heard.dealing))
    over = settled(known, Invitation(verdict="not asked", rule=went_on.rule), moment)
    cancelled = (DropDue(key=ask_key(facts.interaction)), RecordDecision(decision=over))
    return replace(outcome, said=Said(kind="not_asked", text=went_on.rule), writes=(*outcome.writes, *cancelled))


def _with_going_on(decision: Decision, went_on: WentOn) -> Decision:
    """With the first time that it went on, where there is something to decide again."""
    occasion = decision.occasion
    if occasion is None or occasion.went_on is not None:
        return decision
    return replace(decision, occasion=replace(occasion, went_on=went_on))


def _noted(told: Told, heard: Heard, facts: Facts, moment: Moment) -> Outcome:
    """Keep what is known of the dealing, and see to it that a silent one counts as ended."""
    old = facts.interaction
    if old is not None and old.dealing == heard.dealing:
        return Outcome(ref=old.id)
    found = whose(told, facts, moment)
    interaction = _interaction(told, heard.dealing, found.address, _flow(told, facts, moment), facts, moment)
    save = SaveInteraction(interaction=interaction, was_revision=None if old is None else old.revision)
    writes: tuple[Write, ...] = (*found.writes, save)
    if told.idle_after is not None and heard.dealing.is_open and heard.dealing.heard:
        due_at = moment.now + told.idle_after
        writes = (*writes, PutDue(due=Due(key=_idle_key(interaction), kind="idle", ref=interaction.id, due_at=due_at)))
    return Outcome(writes=writes, ref=interaction.id)


def _idle_key(interaction: Interaction) -> str:
    return f"idle:{interaction.id}"


# ---- what is kept -------------------------------------------------------------------------------------------


def _flow(told: Told, facts: Facts, moment: Moment) -> PinnedFlow | None:
    return moment.settings.flow_or_first(told.flow or (facts.interaction.flow if facts.interaction else ""))


def _interaction(
    told: Told, dealing: Dealing, address: Address, flow: PinnedFlow | None, facts: Facts, moment: Moment
) -> Interaction:
    old = facts.interaction
    flow_id = told.flow if flow is None else flow.flow.id
    closed_at = _no_later(dealing.ended_at, moment.now)
    if old is None:
        return Interaction(
            id=InteractionId(moment.ids()),
            source=told.source,
            reference=told.reference,
            flow=flow_id,
            address=address,
            closed_at=closed_at or moment.now,
            reported_at=moment.now,
            attributes=dict(told.attributes),
            dealing=dealing,
        )
    return replace(
        old,
        flow=flow_id or old.flow,
        address=old.address if address == NOWHERE else address,
        closed_at=closed_at or old.closed_at,
        reported_at=moment.now,
        attributes={**old.attributes, **told.attributes},
        dealing=dealing,
        revision=old.revision + 1,
    )


def _no_later(at: datetime | None, now: datetime) -> datetime | None:
    return None if at is None else min(at, now)


def _occasion(
    told: Told, heard: Heard, trigger: TriggerKind, interaction: Interaction, moment: Moment, *, language: str
) -> Occasion:
    ended = told.happening if isinstance(told.happening, Ended) else Ended()
    dealing, attributes = heard.dealing, interaction.attributes
    tags = attributes.get("tags") or attributes.get("tag") or ""
    return Occasion(
        trigger=trigger,
        at=moment.now,
        closed_at=interaction.closed_at,
        channel=interaction.address.channel,
        language=language,
        tags=tuple(tag.strip() for tag in tags.split(",") if tag.strip()),
        vip=attributes.get("vip", "").strip().casefold() in ("true", "yes", "1"),
        messages=ended.messages,
        human_answered=ended.human_answered,
        started_by=ended.started_by,
        mere_thanks=heard.mere_thanks,
        share=share_of(interaction.source, interaction.reference, str(dealing.talk), interaction.flow),
    )
