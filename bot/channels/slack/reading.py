"""What a body from Slack means to us: one inbound event, nothing of ours, or something for the operator.

| what comes                                             | becomes                                            |
|--------------------------------------------------------|----------------------------------------------------|
| message in a direct conversation, also with files      | Wrote                                              |
| a person's message in a thread of a channel            | AgentWrote                                         |
| presses, choices and forms                             | see ``interactions``                               |
| slash command /feedback, /start, /stop                 | Commanded                                          |
| global shortcut "feedback"                             | Commanded                                          |
| messages of bots and of Slackbot, our own, edits,      | nothing                                            |
| deletions, joins, what is said in channels themselves  |                                                    |
| events about the workspace (EVENTS_OF_NO_CONCERN)      | nothing; loss of the token or of events is logged  |
| everything else: dialogs, other shortcuts and          | Unread                                             |
| commands, unknown types, no sender                     |                                                    |
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from bot.channels.slack.interactions import read_press, read_submission
from bot.channels.slack.meanings import ID, Arrival, Meant, Nothing, Origin, Reading, Unknown, digest, name_of
from bot.channels.slack.plain import cut, found, text_at, typed
from bot.messages import (
    Address,
    AgentWrote,
    Attachment,
    ChannelName,
    Commanded,
    CommandName,
    Profile,
    Unread,
    Wrote,
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
_ROOMS = frozenset({"channel", "group"})

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

_TS = re.compile(r"\d{1,20}\.\d{1,10}", re.ASCII)


def read(body: Body, raw: bytes, channel: ChannelName, at: datetime) -> Reading:
    """Tell what a verified body means; never raises, whatever the body holds.

    ``raw`` is the body as it came, by which a body without an id of its own is known again.
    """
    here = Arrival(channel=channel, at=at, raw=raw)
    kind = text_at(body, "type")
    if kind == "event_callback":
        return _event(body, here)
    if kind == "block_actions":
        return read_press(body, here)
    if kind == "view_submission":
        return read_submission(body, here)
    if kind == "shortcut":
        return _shortcut(body, here)
    if not kind and text_at(body, "command"):
        return _command(body, here)
    if kind in ALARMING:
        return Nothing(alarm=kind)
    if kind in {"hello", "goodbye", "view_closed"}:
        return Nothing()
    return Unknown(why=f"no use for a body of type {kind[:40]!r}" if kind else "a body without a type")


def unread(body: bytes, channel: ChannelName, at: datetime, why: str) -> Unread:
    """A body to keep aside; the same body again is the same event."""
    event = f"slack:{channel}:unread:{digest(body)}"
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
    conversation, thread = text_at(event, "channel"), text_at(event, "thread_ts")
    direct = text_at(event, "channel_type") in _DIRECT or conversation.startswith("D")
    if not direct and not _in_thread(event, conversation, thread):
        return Nothing()
    user = text_at(event, "user")
    if text_at(event, "subtype") not in _WORDS or event.get("hidden") or _by_a_bot(body, event, user):
        return Nothing()
    if not ID.fullmatch(user):
        return Unknown(why="a direct message without a sender" if direct else "a message without a sender")
    words = cut(typed(text_at(event, "text"), event.get("blocks")), LONGEST_MESSAGE)
    attachments = _attachments(event.get("files"))
    if not words.strip() and not attachments:
        return Nothing()
    key, sender = here.key("event", text_at(body, "event_id")), Address(channel=here.channel, key=user)
    name = name_of(found(event, "user_profile"), "real_name", "display_name", "name")
    if not direct:
        wrote_in = AgentWrote(
            event=key,
            agent=sender,
            agent_name=name or user,
            thread=f"{conversation}:{thread}",
            text=words,
            at=here.at,
            attachments=attachments,
        )
        return Meant(
            inbound=wrote_in, origin=Origin(kind="thread", user=user, conversation=conversation, thread=thread)
        )
    wrote = Wrote(
        event=key,
        sender=sender,
        text=words,
        at=here.at,
        profile=Profile(name=name_of(found(event, "user_profile"), "display_name", "real_name", "name")),
        attachments=attachments,
    )
    return Meant(inbound=wrote, origin=Origin(kind="message", user=user, conversation=conversation))


def _in_thread(event: Body, conversation: str, thread: str) -> bool:
    """Whether a message answers another one in a channel where agents may work."""
    if not ID.fullmatch(conversation) or not _TS.fullmatch(thread) or thread == text_at(event, "ts"):
        return False
    kind = text_at(event, "channel_type")
    return kind in _ROOMS or (not kind and conversation.startswith(("C", "G")))


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
    known = [file for file in files if ID.fullmatch(text_at(file, "id"))]
    return tuple(
        Attachment(kind=_kind(text_at(file, "mimetype")), reference=file["id"], name=name_of(file, "name", "title"))
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


def _command(body: Body, here: Arrival) -> Reading:
    command = COMMANDS.get(text_at(body, "command"))
    user = text_at(body, "user_id")
    if command is None:
        return Unknown(why="a slash command of another app")
    if not ID.fullmatch(user):
        return Unknown(why="a command without a sender")
    return Meant(
        inbound=Commanded(
            event=here.key("command", text_at(body, "trigger_id")),
            sender=Address(channel=here.channel, key=user),
            command=command,
            at=here.at,
            argument=cut(typed(text_at(body, "text")).strip(), LONGEST_MESSAGE),
            profile=Profile(name=name_of(body, "user_name")),
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
    if not ID.fullmatch(user):
        return Unknown(why="a shortcut without a person")
    return Meant(
        inbound=Commanded(
            event=here.key("shortcut", text_at(body, "trigger_id")),
            sender=Address(channel=here.channel, key=user),
            command=command,
            at=here.at,
            profile=Profile(name=name_of(found(body, "user"), "name", "username")),
        ),
        origin=Origin(kind="shortcut", user=user),
    )
