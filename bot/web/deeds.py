"""What an agent asks for over HTTP, as the event that the intake decides about."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, assert_never

import msgspec

from bot.channels.names import shown_name
from bot.config import FollowUpSettings, Settings
from bot.followup.templates import causes_or_default, default_templates
from bot.ids import CaseId
from bot.intake.agents import API
from bot.intake.deeds import LONGEST_ACTION, LONGEST_RELAY, LONGEST_SNOOZE
from bot.languages import FALLBACK
from bot.languages.voice import Voice
from bot.messages import Address, AgentDid, Assign, ChannelName, Claim, Deed, Relay, Release, Reopen, Resolve, Snooze
from bot.web.api import Name, Refused

SPAN_PATTERN = "^[0-9]{1,5}[mhd]$"

Span = Annotated[str, msgspec.Meta(pattern=SPAN_PATTERN, description="minutes, hours or days: 45m, 12h, 30d")]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Filter = Annotated[str, msgspec.Meta(max_length=200)]
SlackId = Annotated[
    str, msgspec.Meta(pattern="^[UW][A-Z0-9]{1,40}$", description="the id of a member of the desk's Slack workspace")
]


class ActingAgent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who acts: the member of the desk's Slack workspace with this ``id``, or without one whoever has this name."""

    name: Name
    id: SlackId | None = None


class ClaimBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Take a case that nobody has."""

    agent: ActingAgent


class ReleaseBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Give a case back; only its owner may."""

    agent: ActingAgent


class AssignBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Give a case to someone, whoever has it."""

    agent: ActingAgent
    to: ActingAgent


class ReplyBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Say something to the customer, in the company's name; who speaks on a case that nobody has takes it."""

    agent: ActingAgent
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_RELAY)]
    #: the id of the ready answer that it began as
    template: Filter = ""


class SnoozeBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Hear no reminders until a time or for a while; with neither, until the team's next morning."""

    agent: ActingAgent
    until: Moment | None = None
    span: Span | None = msgspec.field(default=None, name="for")


class ResolveBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Say what the cause was (an id of the settings) and what was done about it."""

    agent: ActingAgent
    cause: Filter
    action: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_ACTION)]


class ReopenBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Work again on a case that is resolved, came to its end or was withdrawn; who reopens what nobody has takes it."""

    agent: ActingAgent


Body = ClaimBody | ReleaseBody | AssignBody | ReplyBody | SnoozeBody | ResolveBody | ReopenBody

DEEDS: Mapping[str, type[Body]] = {
    "claim": ClaimBody,
    "release": ReleaseBody,
    "assign": AssignBody,
    "reply": ReplyBody,
    "snooze": SnoozeBody,
    "resolve": ResolveBody,
    "reopen": ReopenBody,
}


def did(case: CaseId, body: Body, settings: Settings, now: datetime) -> AgentDid:
    """What is said as an event without its name. Raises Refused."""
    address, name = _agent(body.agent, settings, "agent")
    return AgentDid(event="", agent=address, agent_name=name, case=case, deed=_deed(body, settings, now), at=now)


def _agent(agent: ActingAgent, settings: Settings, field: str) -> tuple[Address, str]:
    name = shown_name(agent.name)
    if name is None:
        raise Refused("There is nothing to see in this name.", field=f"{field}.name")
    if agent.id is None:
        return Address(channel=ChannelName(API), key=name.casefold()), name
    if settings.followup is None:
        raise Refused("No desk is configured, so nobody works there; leave the id out.", field=f"{field}.id")
    return Address(channel=settings.followup.channel, key=agent.id), name


def _deed(body: Body, settings: Settings, now: datetime) -> Deed:
    match body:
        case ClaimBody():
            return Claim()
        case ReleaseBody():
            return Release()
        case AssignBody(to=to):
            address, name = _agent(to, settings, "to")
            return Assign(to=address, to_name=name)
        case ReplyBody(text=text, template=template):
            _refuse_template(template, settings.followup)
            _refuse_blank(text, "text")
            return Relay(text=text, template=template)
        case SnoozeBody():
            return Snooze(until=_until(body, now))
        case ResolveBody(cause=cause, action=action):
            _refuse_cause(cause, settings.followup)
            _refuse_blank(action, "action")
            return Resolve(cause=cause, action=action)
        case ReopenBody():
            return Reopen()
        case _:
            assert_never(body)


def _refuse_blank(text: str, field: str) -> None:
    if not text.strip():
        raise Refused("There is nothing in this text.", field=field)


def _refuse_template(template: str, followup: FollowUpSettings | None) -> None:
    voice = Voice(FALLBACK)
    offered = followup.ready_answers(voice) if followup else default_templates(voice)
    known = [each.id for each in offered]
    if template and template not in known:
        raise Refused(f"There is no template {template!r}; there are: {', '.join(known) or 'none'}.", field="template")


def _refuse_cause(cause: str, followup: FollowUpSettings | None) -> None:
    known = [each.id for each in causes_or_default(followup.causes if followup else (), Voice(FALLBACK))]
    if cause not in known:
        raise Refused(f"There is no cause {cause!r}; there are: {', '.join(known)}.", field="cause")


def _until(body: SnoozeBody, now: datetime) -> datetime | None:
    if body.until is not None and body.span is not None:
        raise Refused("Say 'until' or 'for', not both.", field="for")
    field = "until" if body.span is None else "for"
    until = in_utc(body.until, "until") if body.span is None else now + span_of(body.span)
    if until is not None and until - now > LONGEST_SNOOZE:
        raise Refused(f"A case is snoozed for at most {LONGEST_SNOOZE.days} days.", field=field)
    return until


def in_utc(at: datetime | None, field: str) -> datetime | None:
    try:
        return None if at is None else at.astimezone(UTC)
    except OverflowError:
        raise Refused("This time lies outside the years 1 to 9999.", field=field) from None


def span_of(text: str) -> timedelta:
    """A span of time as people write it.

    >>> span_of("45m"), span_of("30d")
    (datetime.timedelta(seconds=2700), datetime.timedelta(days=30))
    """
    return int(text[:-1]) * {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}[text[-1]]
