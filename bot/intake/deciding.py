"""Decisions as the ledger keeps them: one for each trigger, with what was decided before. Pure."""

from datetime import datetime

from msgspec.structs import replace

from bot.conversations.dealings import Dealing
from bot.conversations.invitations import Invitation, TriggerKind
from bot.intake.moment import Moment
from bot.ports import Customer, Decision, DecisionStep, Due, Facts, Interaction


def ending_key(interaction: Interaction) -> str:
    """Of the decision about a dealing's newest ending."""
    return f"{interaction.id}:{dealing_of(interaction).endings}"


def of_ending(facts: Facts) -> Decision | None:
    """The decision about the newest ending of the dealing at hand; one about anything else of it is none of that."""
    interaction, decision = facts.interaction, facts.decision
    if interaction is None or decision is None or decision.key != ending_key(interaction):
        return None
    return decision


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
