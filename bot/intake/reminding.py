"""Asks an invitation's question once more, once, where nobody answered it in any way. Pure.

It is no new invitation: no rule is asked again but those about the hour, it counts for no cool-down, and the ledger
says nothing of it.
"""

from datetime import datetime

from msgspec.structs import replace

from bot.conversations import engine
from bot.conversations.invitations import end_of_quiet
from bot.intake.moment import Moment
from bot.intake.opening import Step
from bot.intake.recording import record, reminder
from bot.intake.relaying import listening
from bot.ports import Customer, Due, Facts, Outcome, PutDue, SettleDue


def remind(due: Due, settled: SettleDue, facts: Facts, moment: Moment) -> Outcome:
    """It is time to remind: now, when the quiet hours are over, or not at all."""
    conversation, flow, customer = facts.conversation, facts.flow, facts.customer
    if conversation is None or flow is None or customer is None or _not_to_remind(customer, facts, moment):
        return Outcome(writes=(settled,))
    planned = reminder(conversation, moment)
    turn = engine.remind(conversation, moment.now)
    if planned is None or turn.conversation is conversation:
        return Outcome(writes=(settled,))
    if planned.due_at > moment.now:
        # the settings give more time than they did
        return Outcome(writes=(settled, PutDue(due=planned)))
    asking = moment.settings.asking
    if moment.now - due.due_at > asking.late_at_most:
        return Outcome(writes=(settled,))
    awake = _end_of_quiet(customer, moment)
    over = min(planned.due_at + asking.defer_at_most, conversation.started_at + asking.expire_invitation)
    if (awake or moment.now) >= over:
        return Outcome(writes=(settled,))
    if awake is not None:
        return Outcome(writes=(settled, PutDue(due=replace(due, due_at=awake))))
    return Outcome(writes=(settled, *record(Step(turn=turn, facts=facts, flow=flow), moment)), ref=conversation.id)


def _not_to_remind(customer: Customer, facts: Facts, moment: Moment) -> bool:
    """Whether they want no questions, cannot be written to, or talk with an agent."""
    if customer.opted_out_at is not None or not customer.reachable:
        return True
    case = listening(facts, moment)
    return case is not None and case.closed_at is None and case.spoke_at > case.opened_at


def _end_of_quiet(customer: Customer, moment: Moment) -> datetime | None:
    asking = moment.settings.asking
    return end_of_quiet(moment.now, asking.quiet_from, asking.quiet_until, customer.time_zone or asking.time_zone)
