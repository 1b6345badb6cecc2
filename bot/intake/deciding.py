"""Decisions as the ledger keeps them: one for each trigger, with what was decided before. Pure."""

from datetime import datetime

from msgspec.structs import replace

from bot.conversations.dealings import Dealing
from bot.conversations.invitations import Invitation, Occasion, TriggerKind
from bot.intake.moment import Moment
from bot.ports import (
    Customer,
    Decision,
    DecisionStep,
    Due,
    Facts,
    Interaction,
    RecordDecision,
    SaveInteraction,
    Write,
)


def ending_key(interaction: Interaction) -> str:
    """Of the decision about a dealing's newest ending."""
    return f"{interaction.id}:{dealing_of(interaction).endings}"


def of_ending(facts: Facts) -> Decision | None:
    """The decision about the newest ending of the dealing at hand; one about anything else of it is none of that."""
    interaction, decision = facts.interaction, facts.decision
    if interaction is None or decision is None or decision.key != ending_key(interaction):
        return None
    return decision


def waiting(facts: Facts, moment: Moment) -> Decision | None:
    """The decision about the newest ending that waits still, also one that an earlier release planned."""
    decision, interaction = of_ending(facts) or facts.decision, facts.interaction
    if interaction is None or (decision is not None and decision.verdict != "deferred"):
        return None
    if decision is not None and decision.key == ending_key(interaction):
        return decision
    # a release whose ledger had no keys asked about one ending of each dealing
    return from_before(interaction, facts, moment) if dealing_of(interaction).endings == 1 else None


def from_before(interaction: Interaction, facts: Facts, moment: Moment) -> Decision:
    """What an earlier release planned, as a decision of this one."""
    waited = Invitation(verdict="deferred", rule="delay")
    return newly(ending_key(interaction), "api", interaction, facts.customer, waited, moment)


def as_heard(occasion: Occasion, dealing: Dealing) -> Occasion:
    """The occasion with what we heard ourselves of the talk, where its reporter did not count.

    Words that were told a moment after the end count, so this is looked at as late as can be. Only who was told of a
    talk from its start knows that there were no others.
    """
    all_heard = dealing.heard > 0 and dealing.from_the_start and (dealing.tells_words or dealing.by_silence)
    answered = True if dealing.human_answered else (False if all_heard else None)
    return replace(
        occasion,
        messages=dealing.heard if occasion.messages is None and all_heard else occasion.messages,
        human_answered=answered if occasion.human_answered is None else occasion.human_answered,
        started_by=occasion.started_by or dealing.started_by,
        mere_thanks=occasion.mere_thanks and not _answered_since(dealing),
    )


def _answered_since(dealing: Dealing) -> bool:
    """Whether a human said something between the survey before and the end."""
    said, asked, ended = dealing.human_at, dealing.asked_at, dealing.ended_at
    return said is not None and asked is not None and ended is not None and asked < said <= ended


def dealing_of(interaction: Interaction | None) -> Dealing:
    """What is known of a dealing; an earlier release kept only that it had ended."""
    if interaction is None:
        return Dealing()
    if interaction.dealing == Dealing():
        return Dealing(endings=1, ended_at=interaction.closed_at)
    return interaction.dealing


def ask_key(interaction: Interaction) -> str:
    return f"ask:{interaction.id}"


def ask_row(interaction: Interaction, due_at: datetime) -> Due:
    """When to decide whether to ask about a dealing."""
    return Due(key=ask_key(interaction), kind="ask", ref=interaction.id, due_at=due_at)


def told_again(decision: Decision, interaction: Interaction) -> tuple[Write, ...]:
    """Count one more telling of what was decided; the interaction is written too, for its revision guards both."""
    counted = replace(decision, repeats=decision.repeats + 1)
    touched = replace(interaction, revision=interaction.revision + 1)
    save = SaveInteraction(interaction=touched, was_revision=interaction.revision)
    return save, RecordDecision(decision=counted)


def newly(
    key: str,
    trigger: TriggerKind,
    interaction: Interaction,
    customer: Customer | None,
    invitation: Invitation,
    moment: Moment,
) -> Decision:
    """The first decision about a dealing's ending."""
    return Decision(
        key=key,
        trigger=trigger,
        flow=interaction.flow,
        address=interaction.address,
        customer=None if customer is None else customer.id,
        interaction=interaction.id,
        source=interaction.source,
        reference=interaction.reference,
        known_as=None if customer is None else customer.reference,
        verdict=invitation.verdict,
        rule=invitation.rule,
        inputs=invitation.inputs,
        triggered_at=moment.now,
        at=moment.now,
    )


def settled(before: Decision, invitation: Invitation, moment: Moment) -> Decision:
    """What stands now, with what stood before among its steps."""
    step = DecisionStep(verdict=before.verdict, rule=before.rule, inputs=before.inputs, at=before.at)
    return replace(
        before,
        verdict=invitation.verdict,
        rule=invitation.rule,
        inputs=invitation.inputs,
        at=moment.now,
        steps=(*before.steps, step),
    )
