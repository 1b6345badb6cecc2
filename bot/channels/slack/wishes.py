"""What agents ask of us beside their work on cases: that a customer be asked for a rating, and why one was or was not.

| what comes                                                 | becomes                                        |
|------------------------------------------------------------|------------------------------------------------|
| message shortcut "ask_for_rating" on somebody's words      | AgentAsks: its writer is the customer          |
| the same on a message of a bot, of Slack or of their own   | a hint                                         |
| slash command /afterchat explain <customer or reference>   | AgentWonders                                   |
| /afterchat with anything else, or with nothing             | a hint how to use it                           |
"""

import re
from collections.abc import Mapping
from typing import Any

from bot.channels.slack.meanings import ID, Arrival, Hint, Meant, Origin, Reading, Unknown, name_of
from bot.channels.slack.plain import cut, found, text_at, typed
from bot.channels.slack.spoken import of_a_person
from bot.messages import Address, AgentAsks, AgentWonders, Profile

Body = Mapping[str, Any]

#: the id of the message shortcut, and the command, as the app's manifest has them
ASK = "ask_for_rating"
WONDER = "/afterchat"

#: what Slack calls every room whose name it does not tell; also a group's and a direct conversation
NAMELESS = frozenset({"privategroup", "directmessage"})

#: as long as a reference may be
_LONGEST = 200
_EXPLAIN = re.compile(r"explain\s+(\S.*)", re.IGNORECASE | re.DOTALL)
_MENTION = re.compile(r"<@([UW][A-Z0-9]{1,30})(?:\|[^<>]*)?>")


def read_message_shortcut(body: Body, here: Arrival) -> Reading:
    """A shortcut that somebody chose on a message."""
    if text_at(body, "callback_id") != ASK:
        return Unknown(why="a message shortcut of another app")
    agent, message = text_at(body, "user", "id"), found(body, "message")
    room, ts = text_at(body, "channel", "id"), text_at(body, "message_ts") or text_at(message, "ts")
    if not (ID.fullmatch(agent) and ID.fullmatch(room) and ts):
        return Unknown(why="a message shortcut without a person or a message")
    author, ours = text_at(message, "user"), frozenset({here.bot} - {""})
    origin = Origin(
        kind="shortcut",
        user=agent,
        conversation=room,
        thread=text_at(message, "thread_ts"),
        response_url=text_at(body, "response_url"),
    )
    if not of_a_person(message, ours):
        return Hint(key="told.ask_of_bot", origin=origin)
    if not ID.fullmatch(author):
        return Hint(key="told.ask_of_nobody", origin=origin)
    if author == agent:
        return Hint(key="told.ask_of_self", origin=origin)
    asks = AgentAsks(
        event=here.key("ask", text_at(body, "trigger_id")),
        agent=Address(channel=here.channel, key=agent),
        agent_name=name_of(found(body, "user"), "name", "username") or agent,
        customer=Address(channel=here.channel, key=author),
        about=f"{room}/{ts}",
        at=here.at,
        profile=Profile(name=name_of(found(message, "user_profile"), "display_name", "real_name", "name")),
    )
    return Meant(inbound=asks, origin=origin)


def read_wonder(body: Body, origin: Origin, here: Arrival) -> Reading:
    """The command /afterchat, by whom ``origin`` says."""
    query = _EXPLAIN.fullmatch(text_at(body, "text").strip())
    if query is None:
        return Hint(key="told.explain_usage", origin=origin)
    room, name = origin.conversation, text_at(body, "channel_name")
    wonders = AgentWonders(
        event=here.key("command", text_at(body, "trigger_id")),
        agent=Address(channel=here.channel, key=origin.user),
        agent_name=name_of(body, "user_name") or origin.user,
        rooms=(room,) if not name or name in NAMELESS else (room, f"#{name}"),
        query=_named(query[1]),
        at=here.at,
    )
    return Meant(inbound=wonders, origin=origin)


def _named(query: str) -> str:
    """Whom or what the words name; a mention names a person by their id."""
    mention = _MENTION.fullmatch(query.strip())
    return mention[1] if mention else cut(typed(query).strip(), _LONGEST)
