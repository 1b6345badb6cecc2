"""What a body from Slack means to us: one inbound event, nothing of ours, or something for the operator.

| what comes                                             | becomes                                            |
|--------------------------------------------------------|----------------------------------------------------|
| message in a direct conversation, also with files      | Wrote                                              |
| button press with an agents' token                     | AgentPressed                                       |
| any other press of a button that carries a value       | Tapped                                             |
| slash command /feedback, /start, /stop                 | Commanded                                          |
| global shortcut "feedback"                             | Commanded                                          |
| messages of bots and of Slackbot, our own, edits,      | nothing                                            |
| deletions, joins, everything said in channels          |                                                    |
| events about the workspace (EVENTS_OF_NO_CONCERN)      | nothing; loss of the token or of events is logged  |
| everything else: modals, menus, dialogs, other         | Unread                                             |
| shortcuts and commands, unknown types, no sender       |                                                    |
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

from bot.channels.names import shown_name
from bot.channels.slack.plain import cut, found, text_at, typed
from bot.messages import (
    Address,
    AgentPressed,
    Attachment,
    CaseToken,
    ChannelName,
    Commanded,
    CommandName,
    Inbound,
    Profile,
    Tapped,
    Unread,
    Wrote,
    parse_token,
)

Body = Mapping[str, Any]

#: the longest message that Slack delivers, in characters
LONGEST_MESSAGE = 40_000
MOST_FILES = 10

COMMANDS: Mapping[str, CommandName] = {"/feedback": "feedback", "/start": "start", "/stop": "stop"}
SHORTCUTS: Mapping[str, CommandName] = {"feedback": "feedback"}

# A person's own words come without a subtype, or with one of these; every other one is Slack's or an edit's.
_WORDS = frozenset({"", "file_share", "me_message", "thread_broadcast"})
_DIRECT = frozenset({"im", "app_home"})

#: Families of events that an app may be subscribed to and that tell us nothing.
EVENTS_OF_NO_CONCERN = (
    "app_",
    "assistant_",
    "bot_",
    "call_",
    "canvas_",
    "channel_",
    "commands_",
    "dnd_",
    "email_domain_",
    "emoji_",
    "external_org_",
    "file_",
    "goodbye",
    "grid_",
    "group_",
    "hello",
    "im_",
    "invite_",
    "link_shared",
    "list_",
    "member_",
    "message_metadata_",
    "mpim_",
    "pin_",
    "pref_",
    "reaction_",
    "scope_",
    "shared_channel_",
    "star_",
    "sub_team",
    "subteam_",
    "team_",
    "tokens_revoked",
    "user_",
)
#: What an operator must hear of although it asks nothing of us.
ALARMING = frozenset({"tokens_revoked", "app_uninstalled", "app_rate_limited"})

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_KEY = re.compile(r"[!-~]{1,120}")


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where something was done, so that the person there can be answered at once."""

    #: a command is answered in the response's own body
    kind: Literal["message", "press", "command", "shortcut"]
    user: str
    conversation: str = ""
    response_url: str = ""


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """What every inbound event tells of how it came."""

    channel: ChannelName
    at: datetime
    raw: bytes

    def key(self, kind: str, id: str) -> str:
        """The dedupe key; a body without a usable id is known by its content."""
        return f"slack:{self.channel}:{kind}:{id if _KEY.fullmatch(id) else _digest(self.raw)}"


class Meant(msgspec.Struct, frozen=True, kw_only=True):
    inbound: Inbound
    origin: Origin


class Nothing(msgspec.Struct, frozen=True, kw_only=True):
    """Understood, and none of our business; ``alarm`` is for the operator's log."""

    alarm: str = ""


class Unknown(msgspec.Struct, frozen=True, kw_only=True):
    why: str


Reading = Meant | Nothing | Unknown


def read(body: Body, raw: bytes, channel: ChannelName, at: datetime) -> Reading:
    """Tell what a verified body means; never raises, whatever the body holds.

    ``raw`` is the body as it came, by which a body without an id of its own is known again.
    """
    here = Arrival(channel=channel, at=at, raw=raw)
    kind = text_at(body, "type")
    if kind == "event_callback":
        return _event(body, here)
    if kind == "block_actions":
        return _press(body, here)
    if kind == "shortcut":
        return _shortcut(body, here)
    if not kind and text_at(body, "command"):
        return _command(body, here)
    if kind in ALARMING:
        return Nothing(alarm=kind)
    if kind in {"hello", "goodbye"}:
        return Nothing()
    return Unknown(why=f"no use for a body of type {kind[:40]!r}" if kind else "a body without a type")


def unread(body: bytes, channel: ChannelName, at: datetime, why: str) -> Unread:
    """A body to keep aside; the same body again is the same event."""
    event = f"slack:{channel}:unread:{_digest(body)}"
    return Unread(event=event, channel=channel, at=at, why=why, body=body)


def _event(body: Body, here: Arrival) -> Reading:
    event = found(body, "event")
    kind = text_at(event, "type")
    if kind == "message":
        return _message(body, event, here)
    if kind in ALARMING:
        return Nothing(alarm=kind)
    if kind.startswith(EVENTS_OF_NO_CONCERN):
        return Nothing()
    return Unknown(why=f"no use for an event of type {kind[:40]!r}" if kind else "an event without a type")


def _message(body: Body, event: Body, here: Arrival) -> Reading:
    conversation = text_at(event, "channel")
    if not (text_at(event, "channel_type") in _DIRECT or conversation.startswith("D")):
        return Nothing()
    user = text_at(event, "user")
    if text_at(event, "subtype") not in _WORDS or event.get("hidden") or _by_a_bot(body, event, user):
        return Nothing()
    if not _ID.fullmatch(user):
        return Unknown(why="a direct message without a sender")
    words = cut(typed(text_at(event, "text"), event.get("blocks")), LONGEST_MESSAGE)
    attachments = _attachments(event.get("files"))
    if not words.strip() and not attachments:
        return Nothing()
    return Meant(
        inbound=Wrote(
            event=here.key("event", text_at(body, "event_id")),
            sender=Address(channel=here.channel, key=user),
            text=words,
            at=here.at,
            profile=Profile(name=_name(found(event, "user_profile"), "display_name", "real_name", "name")),
            attachments=attachments,
        ),
        origin=Origin(kind="message", user=user, conversation=conversation),
    )


def _by_a_bot(body: Body, event: Body, user: str) -> bool:
    if event.get("bot_id") or event.get("bot_profile") or user == "USLACKBOT":
        return True
    authorizations = body.get("authorizations")
    # the bot that this delivery is for; what it says itself comes back as an event, too
    ours = authorizations if isinstance(authorizations, list) else []
    return any(found(one).get("is_bot") is True and text_at(one, "user_id") == user != "" for one in ours)


def _attachments(files: object) -> tuple[Attachment, ...]:
    if not isinstance(files, list):
        return ()
    known = [file for file in files if _ID.fullmatch(text_at(file, "id"))]
    return tuple(
        Attachment(kind=_kind(text_at(file, "mimetype")), reference=file["id"], name=_name(file, "name", "title"))
        for file in known[:MOST_FILES]
    )


def _kind(mime: str) -> Literal["photo", "voice", "file"]:
    match mime.partition("/")[0]:
        case "image":
            return "photo"
        case "audio":
            return "voice"
        case _:
            return "file"


def _press(body: Body, here: Arrival) -> Reading:
    user = text_at(body, "user", "id")
    actions = body.get("actions")
    action = found(actions[0]) if isinstance(actions, list) and actions else {}
    token = text_at(action, "value")
    if not _ID.fullmatch(user):
        return Unknown(why="a press without a person")
    if text_at(action, "type") != "button" or not token:
        return Unknown(why="an action that is no button of ours")
    name = _name(found(body, "user"), "name", "username")
    event = here.key("action", text_at(body, "trigger_id"))
    who = Address(channel=here.channel, key=user)
    inbound: Inbound
    if isinstance(parse_token(token), CaseToken):
        inbound = AgentPressed(event=event, agent=who, agent_name=name or user, token=token, at=here.at)
    else:
        inbound = Tapped(event=event, sender=who, token=token, at=here.at, profile=Profile(name=name))
    conversation = text_at(body, "channel", "id") or text_at(body, "container", "channel_id")
    origin = Origin(kind="press", user=user, conversation=conversation, response_url=text_at(body, "response_url"))
    return Meant(inbound=inbound, origin=origin)


def _command(body: Body, here: Arrival) -> Reading:
    command = COMMANDS.get(text_at(body, "command"))
    user = text_at(body, "user_id")
    if command is None:
        return Unknown(why="a slash command of another app")
    if not _ID.fullmatch(user):
        return Unknown(why="a command without a sender")
    return Meant(
        inbound=Commanded(
            event=here.key("command", text_at(body, "trigger_id")),
            sender=Address(channel=here.channel, key=user),
            command=command,
            at=here.at,
            argument=cut(typed(text_at(body, "text")).strip(), LONGEST_MESSAGE),
            profile=Profile(name=_name(body, "user_name")),
        ),
        origin=Origin(
            kind="command",
            user=user,
            conversation=text_at(body, "channel_id"),
            response_url=text_at(body, "response_url"),
        ),
    )


def _shortcut(body: Body, here: Arrival) -> Reading:
    command = SHORTCUTS.get(text_at(body, "callback_id"))
    user = text_at(body, "user", "id")
    if command is None:
        return Unknown(why="a shortcut of another app")
    if not _ID.fullmatch(user):
        return Unknown(why="a shortcut without a person")
    return Meant(
        inbound=Commanded(
            event=here.key("shortcut", text_at(body, "trigger_id")),
            sender=Address(channel=here.channel, key=user),
            command=command,
            at=here.at,
            profile=Profile(name=_name(found(body, "user"), "name", "username")),
        ),
        origin=Origin(kind="shortcut", user=user),
    )


def _name(person: Body, *keys: str) -> str | None:
    names = (shown_name(text_at(person, key)) for key in keys)
    return next((name for name in names if name), None)


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()[:32]
