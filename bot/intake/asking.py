"""When it is time: ask about a dealing now, later or not at all, and say why; and let a survey end by silence. Pure."""

from collections.abc import Mapping
from datetime import timedelta
from typing import assert_never

import msgspec
from msgspec.structs import replace

from bot.conversations import engine
from bot.conversations.flow import PinnedFlow
from bot.conversations.invitations import Invitation, Occasion, PastSurvey, Standing, decide_invitation
from bot.intake.beginning import Survey, begin
from bot.intake.deciding import as_heard, ask_row, dealing_of, settled, waiting
from bot.intake.identity import must_write_first
from bot.intake.moment import Moment
from bot.intake.opening import Step
from bot.intake.people import speaks
from bot.intake.recording import record
from bot.ports import (
    Customer,
    Decision,
    Due,
    Facts,
    Interaction,
    Outcome,
    PutDue,
    RecordDecision,
    Said,
    SaidKind,
    SaveInteraction,
    SettleDue,
    Write,
)


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody may be asked about, and with which flow; ``was_revision`` None: the interaction is new."""

    interaction: Interaction
    was_revision: int | None
    customer: Customer
    flow: PinnedFlow
    occasion: Occasion


def ask(due: SettleDue, facts: Facts, moment: Moment) -> Outcome:
    """The delay after an interaction is over: ask now, later or not at all, and say why."""
    interaction = facts.interaction
    if interaction is None:
        return Outcome(writes=(due,))
    before = waiting(facts, moment)
    if before is None:
        return Outcome(writes=(due,))
    outcome = _ask(before, interaction, due, facts, moment)
    return replace(outcome, writes=(due, *outcome.writes))


def _ask(before: Decision, interaction: Interaction, due: SettleDue, facts: Facts, moment: Moment) -> Outcome:
    flow, customer = moment.settings.flow(interaction.flow), facts.customer
    changed = replace(interaction, revision=interaction.revision + 1)
    if flow is None or customer is None:
        gone = Invitation(verdict="not asked", rule="the flow is gone" if flow is None else "the customer is gone")
        save = SaveInteraction(interaction=changed, was_revision=interaction.revision)
        record = RecordDecision(decision=settled(before, gone, moment))
        return Outcome(said=Said(kind="not_asked", text=gone.rule), writes=(save, record))
    channel, language = interaction.address.channel, speaks(customer, flow)
    question = Question(
        interaction=changed,
        was_revision=interaction.revision,
        customer=customer,
        flow=flow,
        # all of it may have become known, or changed, since the ending
        occasion=replace(_occasion(before, interaction), channel=channel, language=language),
    )
    if question.occasion.trigger != "agent" and dealing_of(interaction).is_open:
        # whoever told of that cancelled it; this holds if they could not
        invitation = Invitation(verdict="not asked", rule="it was resumed")
    else:
        invitation = judge(question, standing(question, facts, moment, due.due), moment)
    decision = replace(
        settled(before, invitation, moment),
        customer=customer.id,
        address=interaction.address,
        known_as=before.known_as or customer.reference,
        occasion=question.occasion,
    )
    return carry_out(question, invitation, decision, facts, moment)


def _occasion(before: Decision, interaction: Interaction) -> Occasion:
    occasion = before.occasion
    if occasion is None:
        # an earlier release planned it
        return Occasion(trigger="api", at=interaction.reported_at, closed_at=interaction.closed_at)
    return occasion if occasion.trigger == "agent" else as_heard(occasion, dealing_of(interaction))


def standing(question: Question, facts: Facts, moment: Moment, due: Due | None = None) -> Standing:
    """How things stand with who would be asked; ``due`` is the row that it was planned by, None: it is wanted now."""
    customer, conversation = question.customer, facts.conversation
    channels = {channel.name for channel in moment.settings.channels}
    return Standing(
        opted_out=customer.opted_out_at is not None,
        reachable=customer.reachable and question.interaction.address.channel in channels,
        surveyed_now=facts.surveyed or (conversation is not None and conversation.status == "waiting"),
        past=[PastSurvey(flow=past.flow, is_nps=past.is_nps, at=past.at) for past in facts.shown],
        time_zone=customer.time_zone or moment.settings.asking.time_zone,
        planned_for=moment.now if due is None else due.due_at,
        wrote_at=facts.wrote_at,
    )


def judge(question: Question, stands: Standing, moment: Moment) -> Invitation:
    """What the rules say, with all that they looked at: nobody can say it later."""
    rules = moment.settings.asking_rules(question.flow.flow)
    invitation = decide_invitation(question.occasion, stands, rules, moment.now)
    because = {"because": _unreachable(question, moment)} if invitation.rule == "cannot be reached" else {}
    return replace(invitation, inputs={**_looked_at(question.occasion, stands), **because, **invitation.inputs})


def _unreachable(question: Question, moment: Moment) -> str:
    """As much as can be known of why nobody can be written to there."""
    address = question.interaction.address
    if all(channel.name != address.channel for channel in moment.settings.channels):
        return "channel"
    return "stranger" if must_write_first(address, moment) else "gone"


def _looked_at(occasion: Occasion, stands: Standing) -> Mapping[str, str]:
    return {
        "closed": occasion.closed_at.isoformat(),
        "opted_out": str(stands.opted_out).lower(),
        "reachable": str(stands.reachable).lower(),
        "surveyed_now": str(stands.surveyed_now).lower(),
        "surveys": ", ".join(f"{past.flow} {past.at.isoformat()}" for past in stands.past[:5]),
        "time_zone": stands.time_zone,
        "wrote": "" if stands.wrote_at is None else stands.wrote_at.isoformat(),
    }


def carry_out(question: Question, invitation: Invitation, decision: Decision, facts: Facts, moment: Moment) -> Outcome:
    """Begin the survey, or plan to decide again, or leave it; the decision says which."""
    interaction = question.interaction
    match invitation.verdict:
        case "asked":
            outcome = _begin(question, decision, facts, moment)
            if outcome.said.kind == "asked":
                interaction = _asked(interaction, moment)
        case "deferred" if invitation.again_at is not None:
            put: tuple[Write, ...] = (PutDue(due=ask_row(interaction, invitation.again_at)),)
            outcome = _said("deferred", decision, put)
        case "deferred" | "not asked":
            outcome = _said("not_asked", decision, ())
        case _:
            assert_never(invitation.verdict)
    save = SaveInteraction(interaction=interaction, was_revision=question.was_revision)
    return replace(outcome, writes=(save, *outcome.writes), ref=outcome.ref or interaction.id)


def _begin(question: Question, decision: Decision, facts: Facts, moment: Moment) -> Outcome:
    survey = Survey(
        customer=question.customer,
        address=question.interaction.address,
        flow=question.flow,
        trigger=decision.trigger,
        interaction=question.interaction.id,
        attributes=question.interaction.attributes,
        invited=True,
    )
    return begin(survey, facts, moment, decided=decision)


def _asked(interaction: Interaction, moment: Moment) -> Interaction:
    dealing = dealing_of(interaction)
    return replace(interaction, dealing=replace(dealing, asked_ending=dealing.endings, asked_at=moment.now))


def _said(kind: SaidKind, decision: Decision, writes: tuple[Write, ...]) -> Outcome:
    said = Said(kind=kind, text=decision.rule)
    return Outcome(said=said, writes=(*writes, RecordDecision(decision=decision)))


# ---- surveys that nobody goes on with -------------------------------------------------------------------------


#: What seems to have happened so much later than now was asked by a clock that has been put back since.
AHEAD = timedelta(days=1)


def expire(due: Due, settled_due: SettleDue, facts: Facts, moment: Moment) -> Outcome:
    """An invitation without any answer waits longer than a survey that stopped half-way."""
    conversation, flow = facts.conversation, facts.flow
    if conversation is None or flow is None or conversation.status != "waiting":
        return Outcome(writes=(settled_due,))
    asking = moment.settings.asking
    if conversation.answers:
        since, waits = conversation.touched_at, asking.expire_idle
    else:
        since, waits = conversation.started_at, asking.expire_invitation
    ends_at = since + waits
    if ends_at > moment.now and since - moment.now < AHEAD:
        return Outcome(writes=(settled_due, PutDue(due=replace(due, due_at=ends_at))))
    turn = engine.expire(conversation, moment.now)
    return Outcome(writes=(settled_due, *record(Step(turn=turn, facts=facts, flow=flow), moment)))
