"""The forms that agents fill in: what stands in them for this case. Pure."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from bot.followup import cases
from bot.followup.alerts import REPLY, RESOLVE, SNOOZE_CUSTOM
from bot.followup.cases import WORKING, Case
from bot.followup.history import cut
from bot.followup.templates import causes_or_default, fill, variables_of
from bot.intake.moment import Moment
from bot.intake.remarks import name_of
from bot.messages import in_group
from bot.ports import Facts, Form, FormKind, FormOption, Said

USE = "use:"
#: characters of the customer's newest words
LONGEST_ABOUT = 300
#: how far ahead of now a form proposes to snooze, at the next half hour
_PROPOSED, _STEP = timedelta(hours=3), timedelta(minutes=30)


def form_for(action: str, case: Case, agent_name: str, facts: Facts, moment: Moment) -> Said | None:
    """The form that a button opens, or why it opens none; None for a button of another kind."""
    if action == REPLY:
        return _reply(case, agent_name, facts, moment)
    if action.startswith(USE):
        return _reply(case, agent_name, facts, moment, template=action.removeprefix(USE))
    if action == RESOLVE:
        return _resolve(case, facts, moment)
    if action == SNOOZE_CUSTOM:
        return _snooze(case, facts, moment)
    return None


def _reply(case: Case, agent_name: str, facts: Facts, moment: Moment, *, template: str = "") -> Said:
    refused = reply_refused(case, facts, moment)
    if refused is not None:
        return refused
    options = _templates(case, agent_name, facts, moment)
    text = next((option.text for option in options if option.id == template), "")
    if template and not text:
        return Said(kind="unknown_button", locale=moment.agents_speak)
    return _said(replace(_form("reply", case, facts, moment), options=options, text=text), moment)


def reply_refused(case: Case, facts: Facts, moment: Moment) -> Said | None:
    """Why nothing can be said to the customer of a case now, if so.

    Who opted out of surveys may still be answered. After the end of a case the customer's answer would reach nobody.
    """
    if not cases.listens(case, moment.now):
        return Said(kind="case_closed", locale=moment.agents_speak)
    if facts.customer is None or not facts.customer.reachable:
        return Said(kind="unreachable", locale=moment.agents_speak)
    return None


def _templates(case: Case, agent_name: str, facts: Facts, moment: Moment) -> tuple[FormOption, ...]:
    conversation = facts.conversation
    if conversation is None:
        return ()
    name = facts.customer.name if facts.customer else None
    variables = variables_of(conversation, name, agent_name, moment.settings.company)
    return tuple(
        FormOption(
            id=template.id,
            label=template.title,
            text=fill(template, case.locale, variables),
            kind=template.kind,
        )
        for template in moment.followup.ready_answers(moment.voice)
    )


def _resolve(case: Case, facts: Facts, moment: Moment) -> Said:
    if case.state not in WORKING:
        return not_working(case, moment)
    causes = causes_or_default(moment.followup.causes, moment.voice)
    options = tuple(FormOption(id=cause.id, label=cause.title) for cause in causes)
    return _said(replace(_form("resolve", case, facts, moment), options=options), moment)


def _snooze(case: Case, facts: Facts, moment: Moment) -> Said:
    if case.state not in WORKING:
        return not_working(case, moment)
    team = moment.team(case)
    zone = team.hours.time_zone if team is not None else "UTC"
    proposed = replace(_form("snooze", case, facts, moment), until=_proposed(moment.now), time_zone=zone)
    return _said(proposed, moment)


def _form(kind: FormKind, case: Case, facts: Facts, moment: Moment) -> Form:
    """An empty form of a kind, with who the customer is and what they said last."""
    newest = facts.words[0].text if facts.words else ""
    return Form(
        kind=kind,
        case=case.id,
        title=name_of(facts.customer, moment.voice),
        about=cut(" ".join(newest.split()), LONGEST_ABOUT),
        group=in_group(case.address),
    )


def _said(form: Form, moment: Moment) -> Said:
    return Said(kind="form", form=form, locale=moment.agents_speak)


def _proposed(now: datetime) -> datetime:
    """A time some hours from now, at the full or half hour."""
    early = now + _PROPOSED
    return early + (-timedelta(minutes=early.minute, seconds=early.second, microseconds=early.microsecond)) % _STEP


def not_working(case: Case, moment: Moment) -> Said:
    """What is told of a case in which nothing is left to do."""
    if case.state == "resolved":
        return Said(kind="already_resolved", text=case.resolved_by or case.owner_name or "", locale=moment.agents_speak)
    return Said(kind="case_closed", locale=moment.agents_speak)
