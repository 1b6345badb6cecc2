"""Begins a survey: its first question, and what is remembered of having asked. Pure."""

from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from bot.config import PageSettings
from bot.conversations import engine
from bot.conversations.conversation import Conversation
from bot.conversations.flow import PinnedFlow
from bot.conversations.invitations import Rule, TriggerKind
from bot.conversations.variants import base_id, form_of
from bot.ids import ConversationId, InteractionId
from bot.intake.moment import Moment
from bot.intake.opening import Step
from bot.intake.panel import attributes_of
from bot.intake.people import speaks
from bot.intake.recording import expiry, record, reminder
from bot.messages import Address
from bot.ports import (
    Customer,
    Decision,
    DecisionVerdict,
    Facts,
    Outcome,
    PutDue,
    RecordDecision,
    RecordShown,
    Said,
    Shown,
    Write,
)

#: What the customer starts for themselves is no asking of ours: whoever used the comment card may be asked tomorrow.
_UNASKED = "command"


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """One survey to begin: of which flow, with whom, where, and what it is about."""

    customer: Customer
    address: Address
    flow: PinnedFlow
    trigger: TriggerKind
    interaction: InteractionId | None = None
    attributes: Mapping[str, str] = {}
    #: the customer did not ask for it
    invited: bool = False


def begin(survey: Survey, facts: Facts, moment: Moment, *, decided: Decision | None = None) -> Outcome:
    """Ask the first question of a flow. A survey still waiting there ends first, with its answers kept."""
    decision = decided or decision_about(survey, moment, verdict="asked", rule="the customer wanted to")
    survey = _in_its_form(survey, moment)
    if survey.flow.flow.variant_of is not None:
        decision = replace(decision, inputs={**decision.inputs, "variant": survey.flow.flow.id})
    conversation = conversation_of(survey, moment)
    turn = engine.start(conversation, survey.flow.flow)
    if turn.conversation.asked is None:
        decision = replace(decision, verdict="not asked", rule="no question fits")
        return Outcome(said=Said(kind="not_asked", text=decision.rule), writes=(RecordDecision(decision=decision),))
    ended: tuple[Write, ...] = ()
    if facts.conversation is not None and facts.flow is not None:
        expired = engine.expire(facts.conversation, moment.now)
        ended = record(Step(turn=expired, facts=facts, flow=facts.flow), moment)
    return Outcome(
        said=Said(kind="asked", locale=conversation.locale),
        writes=(
            *ended,
            *record(Step(turn=turn, facts=Facts(), flow=survey.flow), moment),
            *_shown(survey, moment),
            *(PutDue(due=due) for due in (expiry(conversation, moment), reminder(conversation, moment)) if due),
            RecordDecision(decision=replace(decision, conversation=conversation.id)),
        ),
        ref=conversation.id,
    )


def _in_its_form(survey: Survey, moment: Moment) -> Survey:
    """The survey in the form that its customer is given.

    On a page the first question was there before anybody was known, perhaps in an e-mail: it stays what it is.
    """
    at = survey.address.channel
    if any(isinstance(each, PageSettings) and each.name == at for each in moment.settings.channels):
        return survey
    return replace(survey, flow=form_of(survey.flow, survey.customer.id, moment.settings.flows))


def decision_about(
    survey: Survey, moment: Moment, *, verdict: DecisionVerdict, rule: Rule, inputs: Mapping[str, str] | None = None
) -> Decision:
    """What was decided about a survey that the customer wants."""
    return Decision(
        key=f"wanted:{moment.ids()}",
        trigger=survey.trigger,
        flow=survey.flow.flow.id,
        address=survey.address,
        customer=survey.customer.id,
        interaction=survey.interaction,
        verdict=verdict,
        rule=rule,
        inputs=inputs or {},
        known_as=survey.customer.reference,
        reference=survey.attributes.get("reference", ""),
        triggered_at=moment.now,
        at=moment.now,
    )


def conversation_of(survey: Survey, moment: Moment) -> Conversation:
    """A new conversation, before its first question."""
    return Conversation(
        id=ConversationId(moment.ids()),
        flow=survey.flow.hash,
        customer=survey.customer.id,
        address=survey.address,
        locale=speaks(survey.customer, survey.flow),
        interaction=survey.interaction,
        invited=survey.invited,
        attributes=attributes_of(survey.customer, survey.attributes),
        started_at=moment.now,
        touched_at=moment.now,
    )


def _shown(survey: Survey, moment: Moment) -> tuple[Write, ...]:
    """What counts for the cool-down."""
    if survey.trigger == _UNASKED:
        return ()
    rating = survey.flow.flow.score_question()
    is_nps = rating is not None and rating.scale == "nps"
    shown = Shown(flow=base_id(survey.flow), is_nps=is_nps, at=moment.now)
    return (RecordShown(customer=survey.customer.id, shown=shown),)
