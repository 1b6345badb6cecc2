"""What a body from Slack means to us: one inbound event, nothing of ours, or something for the operator.

| what comes                                             | becomes                                            |
|--------------------------------------------------------|----------------------------------------------------|
| what somebody wrote, or changed afterwards             | see ``spoken``                                     |
| presses, choices and forms                             | see ``interactions``                               |
| slash command /feedback, /start, /stop, /human,        | Commanded                                          |
| /language                                              |                                                    |
| global shortcut "feedback", "human"                    | Commanded                                          |
| a shortcut on a message, and /afterchat                | see ``wishes``                                     |
| events about the workspace (EVENTS_OF_NO_CONCERN)      | nothing; loss of the token or of events is logged  |
| everything else: dialogs, other shortcuts and          | Unread                                             |
| commands, unknown types, no sender                     |                                                    |
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, get_args

from bot.channels.slack.interactions import read_press, read_submission
from bot.channels.slack.meanings import ID, Arrival, Meant, Nothing, Origin, Reading, Unknown, digest, name_of
from bot.channels.slack.plain import cut, found, text_at, typed
from bot.channels.slack.spoken import LONGEST_MESSAGE, read_message
from bot.channels.slack.wishes import WONDER, read_message_shortcut, read_wonder
from bot.messages import Address, ChannelName, Commanded, CommandName, Profile, Unread

Body = Mapping[str, Any]

COMMANDS: Mapping[str, CommandName] = {f"/{name}": name for name in get_args(CommandName)}
SHORTCUTS: Mapping[str, CommandName] = {"feedback": "feedback", "human": "human"}

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


def read(body: Body, raw: bytes, channel: ChannelName, at: datetime, *, bot: str = "") -> Reading:
    """Tell what a verified body means; never raises, whatever the body holds.

    ``raw`` is the body as it came, by which a body without an id of its own is known again; ``bot`` is our bot's user
    id where the channel knows it.
    """
    here = Arrival(channel=channel, at=at, raw=raw, bot=bot)
    kind = text_at(body, "type")
    if kind == "event_callback":
        return _event(body, here)
    if kind == "block_actions":
        return read_press(body, here)
    if kind == "view_submission":
        return read_submission(body, here)
    if kind == "message_action":
        return read_message_shortcut(body, here)
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
        return read_message(body, event, here)
    if kind in ALARMING:
        return Nothing(alarm=kind)
    if kind.startswith(EVENTS_OF_NO_CONCERN):
        return Nothing()
    return Unknown(why=f"no use for an event of type {kind[:40]!r}" if kind else "an event without a type")


def _command(body: Body, here: Arrival) -> Reading:
    name, user = text_at(body, "command"), text_at(body, "user_id")
    command = COMMANDS.get(name)
    if command is None and name != WONDER:
        return Unknown(why="a slash command of another app")
    if not ID.fullmatch(user):
        return Unknown(why="a command without a sender")
    origin = Origin(
        kind="command",
        user=user,
        conversation=text_at(body, "channel_id"),
        response_url=text_at(body, "response_url"),
    )
    if command is None:
        return read_wonder(body, origin, here)
    return Meant(
        inbound=Commanded(
            event=here.key("command", text_at(body, "trigger_id")),
            sender=Address(channel=here.channel, key=user),
            command=command,
            at=here.at,
            argument=cut(typed(text_at(body, "text")).strip(), LONGEST_MESSAGE),
            profile=Profile(name=name_of(body, "user_name")),
        ),
        origin=origin,
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
