"""Decisions as the ledger keeps them: one for each trigger, with what was decided before. Pure."""

from msgspec.structs import replace

from bot.conversations.invitations import Invitation, TriggerKind
from bot.intake.moment import Moment
from bot.ports import Customer, Decision, DecisionStep, Interaction


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
