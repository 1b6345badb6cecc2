"""What a due row reads, and who decides it once its time has come. Pure."""

from datetime import timedelta
from typing import assert_never

from bot.config import Settings
from bot.ids import CaseId, ConversationId, InteractionId
from bot.intake import asking, clocking, incidents, recovering, reminding, telling
from bot.intake.moment import Moment
from bot.intake.placing import placed, signals_of
from bot.intake.settling import settle_case
from bot.ports import Due, Facts, Outcome, Read, SettleDue


def what_to_read(due: Due, moment: Moment) -> Read:
    """What must be known to decide a due row; the row itself is read again, for it may be gone."""
    match due.kind:
        case "ask":
            return Read(due=due.key, interaction=InteractionId(due.ref), wrote=True, asks=True)
        case "idle":
            return Read(due=due.key, interaction=InteractionId(due.ref))
        case "expire" | "remind":
            return Read(due=due.key, conversation=ConversationId(due.ref))
        case "alert":
            return Read(due=due.key, case=CaseId(due.ref), words=True)
        case "incident":
            since = moment.now - moment.followup.incidents.window
            return Read(due=due.key, case=CaseId(due.ref), neighbours_since=since)
        case "first_word" | "resolve":
            return Read(due=due.key, case=CaseId(due.ref), waiting=True)
        case "recover" | "unconfirmed" | "snooze":
            return Read(due=due.key, case=CaseId(due.ref))
        case _:
            assert_never(due.kind)


def decide(facts: Facts, moment: Moment) -> Outcome:
    """One due row whose time has come, or that was moved or settled meanwhile."""
    due = facts.due
    if due is None or due.due_at > moment.now:
        return Outcome()
    settled = SettleDue(due=due)
    match due.kind:
        case "ask":
            return asking.ask(settled, facts, moment)
        case "idle":
            return telling.fall_idle(settled, facts, moment)
        case "remind":
            return reminding.remind(due, settled, facts, moment)
        case "expire":
            return asking.expire(due, settled, facts, moment)
        case "alert":
            return _alert(settled, facts, moment)
        case "incident":
            return incidents.look(settled, facts, moment)
        case "recover":
            return recovering.ask(due, settled, facts, moment)
        case "unconfirmed":
            return recovering.expire(due, settled, facts, moment)
        case "first_word" | "resolve":
            return clocking.escalate(due, settled, facts, moment)
        case "snooze":
            return clocking.wake(due, settled, facts, moment)
        case _:
            assert_never(due.kind)


def longest_wait(settings: Settings) -> timedelta:
    """How far ahead a row of the kinds "ask", "idle" and "remind" may lie."""
    delays = (settings.asking.delay, *(own.delay for own in settings.flow_asking.values() if own.delay is not None))
    silences = (each.idle_after for each in settings.triggers if each.idle_after is not None)
    return max(max(delays) + settings.asking.defer_at_most, settings.asking.reminder or timedelta(0), *silences)


def longest_survey(settings: Settings) -> timedelta:
    """How far ahead a row of the kind "expire" may lie."""
    return max(settings.asking.expire_idle, settings.asking.expire_invitation)


def _alert(settled: SettleDue, facts: Facts, moment: Moment) -> Outcome:
    """The hold is over without a comment: tell the team now, by the rules as they are now."""
    case = facts.case
    if case is None or case.alerted or case.desk is None or case.state == "withdrawn" or case.incident is not None:
        return Outcome(writes=(settled,))
    told = case
    if facts.conversation is not None and facts.flow is not None:
        told = placed(case, signals_of(facts.conversation, facts.flow, facts.words), moment)
    return Outcome(writes=(settled, *settle_case(told, case, (), moment, holds=False)), ref=case.id)
