"""What follows when an agent wants a customer to be asked now: what guards the customer holds for agents too. Pure."""

from msgspec.structs import replace

from bot.conversations.flow import PinnedFlow
from bot.conversations.invitations import Invitation, Occasion, share_of
from bot.ids import CustomerId, InteractionId
from bot.intake.asking import Question, carry_out, judge, standing
from bot.intake.commands import JUST_ASKED
from bot.intake.deciding import dealing_of, ending_key, newly, of_ending, told_again
from bot.intake.identity import must_write_first
from bot.intake.moment import Moment
from bot.intake.people import learned, speaks
from bot.messages import AgentAsks
from bot.ports import (
    Customer,
    Decision,
    Facts,
    Interaction,
    Outcome,
    Read,
    RecordDecision,
    Said,
    SaveCustomer,
    SaveInteraction,
    Write,
)
from bot.reports.explaining import agents_zone, in_words


def what_to_read(event: AgentAsks) -> Read:
    reported = (str(event.customer.channel), _reference(event))
    return Read(event=event.event, address=event.customer, reported=reported, wrote=True, asks=True)


def decide(event: AgentAsks, facts: Facts, moment: Moment) -> Outcome:
    """Ask at once, later, or not at all. What was asked about, or will be, is not asked about again.

    Who is not of the desk may not ask for it: they would spend a customer's patience, and learn why one is not asked.
    """
    if facts.seen:
        return Outcome(said=Said(kind="duplicate"))
    if not _may(event, moment):
        return Outcome(said=Said(kind="not_asked", text=_refusal(event, moment)))
    before, interaction = of_ending(facts), facts.interaction
    if before is not None and interaction is not None and before.verdict != "not asked":
        return _wanted_before(before, interaction, moment)
    customer, known = _customer(event, facts, moment)
    flow = moment.settings.flow_or_first(event.flow)
    interaction = _interaction(event, flow, facts, moment)
    outcome = _decide(event, interaction, customer, flow, facts, moment)
    return replace(outcome, writes=(*known, *outcome.writes))


def _may(event: AgentAsks, moment: Moment) -> bool:
    """Whether they are of the desk; of several workspaces only the desk's own counts."""
    desk = moment.desk()
    return desk is not None and event.agent.channel == desk.channel and event.of_the_desk is True


def _refusal(event: AgentAsks, moment: Moment) -> str:
    """Why somebody may not ask, in words; a room's id would tell nobody anything."""
    desk, voice = moment.desk(), moment.voice
    if desk is None or event.agent.channel != desk.channel:
        return voice.say("told.only_the_desk")
    if event.of_the_desk is None:
        return voice.say("told.desk_unknown")
    if desk.key.startswith("#"):
        return voice.say("told.only_members", room=desk.key)
    return voice.say("told.only_the_desk")


def in_agents_words(outcome: Outcome, moment: Moment) -> Outcome:
    """The outcome with its reason as the agent reads it: a sentence in the agents' language."""
    said, voice = outcome.said, moment.voice
    decision = next((write.decision for write in outcome.writes if isinstance(write, RecordDecision)), None)
    match said.text:
        case "reported before":
            text = voice.say("told.asked_before")
        case "asked a moment ago":
            text = voice.say("rule.asked_a_moment_ago")
        case _ if decision is not None and said.kind in ("deferred", "not_asked"):
            # never the rule's name: it is of the program's language
            text = in_words(decision, voice=voice, zone=agents_zone(moment.settings))
        case _:
            text = said.text
    return replace(outcome, said=replace(said, text=text, locale=voice.locale))


def _reference(event: AgentAsks) -> str:
    return event.about or event.event


def _wanted_before(before: Decision, interaction: Interaction, moment: Moment) -> Outcome:
    if before.verdict == "deferred":
        said = Said(kind="deferred", text=before.rule)
    else:
        lately = moment.now - before.at < JUST_ASKED
        said = Said(kind="not_asked", text="asked a moment ago" if lately else "reported before")
    return Outcome(said=said, writes=told_again(before, interaction), ref=interaction.id)


def _customer(event: AgentAsks, facts: Facts, moment: Moment) -> tuple[Customer, tuple[Write, ...]]:
    """Who is to be asked; a channel's word for them counts least."""
    old = facts.customer
    customer = old or Customer(id=CustomerId(moment.ids()), reachable=not must_write_first(event.customer, moment))
    customer = replace(customer, name=customer.name or event.profile.name)
    customer = learned(customer, "profile", locale=event.profile.language)
    if customer == old:
        return customer, ()
    return customer, (SaveCustomer(customer=customer, address=event.customer, at=moment.now),)


def _interaction(event: AgentAsks, flow: PinnedFlow | None, facts: Facts, moment: Moment) -> Interaction:
    """What the agent speaks of, as a dealing that ends now."""
    old = facts.interaction
    dealing = dealing_of(old)
    return Interaction(
        id=InteractionId(moment.ids()) if old is None else old.id,
        source=event.customer.channel,
        reference=_reference(event),
        flow=event.flow if flow is None else flow.flow.id,
        address=event.customer,
        closed_at=moment.now,
        reported_at=moment.now,
        attributes={**({} if old is None else old.attributes), "agent": event.agent_name},
        dealing=replace(dealing, endings=dealing.endings + 1, ended_at=moment.now),
        revision=0 if old is None else old.revision + 1,
    )


def _decide(
    event: AgentAsks,
    interaction: Interaction,
    customer: Customer,
    flow: PinnedFlow | None,
    facts: Facts,
    moment: Moment,
) -> Outcome:
    key, revision = ending_key(interaction), None if facts.interaction is None else facts.interaction.revision
    if flow is None:
        gone = Invitation(verdict="not asked", rule="the flow is gone", inputs={"agent": event.agent_name})
        record = RecordDecision(decision=newly(key, "agent", interaction, customer, gone, moment))
        save = SaveInteraction(interaction=interaction, was_revision=revision)
        return Outcome(said=Said(kind="not_asked", text=gone.rule), writes=(save, record), ref=interaction.id)
    occasion = Occasion(
        trigger="agent",
        at=moment.now,
        closed_at=moment.now,
        channel=interaction.address.channel,
        language=speaks(customer, flow),
        share=share_of(interaction.source, interaction.reference, interaction.flow),
    )
    question = Question(interaction=interaction, was_revision=revision, customer=customer, flow=flow, occasion=occasion)
    invitation = judge(question, standing(question, facts, moment), moment)
    invitation = replace(invitation, inputs={**invitation.inputs, "agent": event.agent_name})
    decision = replace(newly(key, "agent", interaction, customer, invitation, moment), occasion=occasion)
    return carry_out(question, invitation, decision, facts, moment)
