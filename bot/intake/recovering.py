"""Asks the customer whether a resolved case is fixed, once for each resolution, and hears the answer. Pure.

The question is no survey: it stands outside all throttles, but keeps the quiet hours, and who opted out or cannot be
written to is not asked. Only the person whose case it is can answer.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never

from msgspec.structs import replace

from bot.conversations.invitations import end_of_quiet
from bot.followup import cases
from bot.followup.cases import Case, CaseNote, NoteKind
from bot.followup.history import reason
from bot.followup.recovery import fixed_outbound, read_recovery
from bot.intake.clocking import ripe
from bot.intake.moment import Moment
from bot.intake.people import sentence, speaks, words_of
from bot.intake.remarks import Heard, customer_said, happened
from bot.intake.settling import settle_case
from bot.messages import Address, Outbound, RecoveryToken, RecoveryValue, Wrote
from bot.ports import Customer, Due, Facts, KeepWords, Outcome, PutDue, Queue, Said, SaidKind, SettleDue, Write

# ---- the question -------------------------------------------------------------------------------------------


def ask(due: Due, settled: SettleDue, facts: Facts, moment: Moment) -> Outcome:
    """It is time to ask: now, when the quiet hours are over, or not at all."""
    case, outcome = ripe(due, settled, facts, moment)
    if case is None:
        return outcome
    customer = facts.customer
    why = _not_to_ask(customer)
    if why:
        return Outcome(writes=(settled, *unconfirmed(case, why, facts, moment)), ref=case.id)
    awake = _end_of_quiet(customer, moment)
    if awake is not None:
        return Outcome(writes=(settled, PutDue(due=replace(due, due_at=awake))))
    known = customer is not None and customer.locale is not None
    asked = cases.asked_recovery(cases.spoken_to_in(case, speaks(customer)) if known else case, moment.now)
    card = Queue(outbound=fixed_outbound(asked, moment.settings.voice(asked.locale), "post"), at=moment.now)
    note = CaseNote(case=case.id, what="asked", who=None, at=moment.now)
    writes = settle_case(asked, case, (note,), moment, incident=facts.incident)
    return Outcome(writes=(settled, card, *writes), ref=case.id)


def _not_to_ask(customer: Customer | None) -> str:
    """Why the customer is not asked; empty: nothing speaks against it."""
    if customer is None or not customer.reachable:
        return "unreachable"
    return "opted_out" if customer.opted_out_at is not None else ""


def _end_of_quiet(customer: Customer | None, moment: Moment) -> datetime | None:
    asking = moment.settings.asking
    zone = (customer.time_zone if customer else None) or asking.time_zone
    return end_of_quiet(moment.now, asking.quiet_from, asking.quiet_until, zone)


def expire(due: Due, settled: SettleDue, facts: Facts, moment: Moment) -> Outcome:
    """Nobody answered: the case ends unconfirmed."""
    case, outcome = ripe(due, settled, facts, moment)
    if case is None:
        return outcome
    return Outcome(writes=(settled, *unconfirmed(case, "", facts, moment)), ref=case.id)


def unconfirmed(case: Case, why: str, facts: Facts, moment: Moment) -> tuple[Write, ...]:
    """The end of a case whose customer did not say whether it is fixed, or was not asked: then ``why`` says so."""
    ended = cases.unconfirmed(case, moment.now)
    notes = [CaseNote(case=case.id, what="unconfirmed", who=None, at=moment.now)]
    if why:
        notes.insert(0, CaseNote(case=case.id, what="not_asked", who=None, detail=why, at=moment.now))
        told = happened(case, "thread.not_asked", moment, why=reason(why, moment.voice))
    else:
        told = happened(case, "thread.unconfirmed", moment)
    return settle_case(ended, case, notes, moment, incident=facts.incident, remarks=told)


# ---- the answer ---------------------------------------------------------------------------------------------


def is_answer(text: str, case: Case, moment: Moment) -> bool:
    """Whether a text, as a whole, answers the question that a case's customer was asked, or takes back their "Yes"."""
    read = read_recovery(text, moment.settings.voice(case.locale))
    return read is not None and _counts(read[0], case, moment)


def _counts(value: RecoveryValue, case: Case, moment: Moment) -> bool:
    """Whether an answer still changes anything: the first one does, and a "Not yet" soon after a "Yes"."""
    if cases.awaits_recovery(case):
        return True
    return value == "no" and cases.may_take_back(case, moment.now, moment.settings.asking.correction)


def tapped(token: RecoveryToken, sender: Address, facts: Facts, moment: Moment) -> Outcome:
    """A button of the question: good once, for the last resolution, and for the one who was asked."""
    case, locale = facts.case, speaks(facts.customer)
    if case is None or token.resolution > case.asked_resolution:
        return Outcome(said=Said(kind="unknown_button", locale=locale))
    if case.address != sender:
        return Outcome(said=Said(kind="not_yours", locale=locale))
    if token.resolution != case.resolution or not _counts(token.value, case, moment):
        return Outcome(said=Said(kind="already_counted", locale=case.locale))
    return _take(token.value, case, (), facts, moment)


def answered(event: Wrote, case: Case, customer: Customer, facts: Facts, moment: Moment) -> Outcome:
    """The answer in words; what stands beside a "no" says what is still wrong."""
    read = read_recovery(event.text, moment.settings.voice(case.locale))
    if read is None:
        return Outcome()
    value, beside = read
    if not beside and not event.attachments:
        return _take(value, case, (), facts, moment)
    kept = words_of(event, customer, case.conversation, moment)
    said = customer_said(case, kept.id, Heard.of(event, customer), moment)
    outcome = _take(value, case, said, facts, moment)
    return replace(outcome, writes=(KeepWords(words=kept), *outcome.writes))


def _take(value: RecoveryValue, case: Case, said: Sequence[Outbound], facts: Facts, moment: Moment) -> Outcome:
    """Yes: recovered. Not yet: open again, and the customer is asked what is still wrong, unless they ``said`` it."""
    what: NoteKind
    match value:
        case "yes":
            changed, what, key = cases.recovered(case, moment.now), "recovered", "recovery.thanks"
        case "no":
            key = "recovery.sorry" if said else "recovery.what"
            changed, what = cases.not_fixed(case, moment.now), "not_fixed"
        case _:
            assert_never(value)
    kind: SaidKind = "fixed" if value == "yes" else "not_fixed"
    note = CaseNote(case=case.id, what=what, who=None, at=moment.now)
    told = (*happened(changed, f"thread.{kind}", moment), *said)
    writes = settle_case(changed, case, (note,), moment, incident=facts.incident, remarks=told)
    answer = sentence(case.address, case.locale, key, moment)
    return Outcome(said=Said(kind=kind, locale=case.locale), writes=(*writes, answer), ref=case.id)
