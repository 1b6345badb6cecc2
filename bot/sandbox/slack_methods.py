"""The Web API's methods that concern messages, channels and people, with the refusals of the real one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from bot.sandbox.serving import Fields
from bot.sandbox.slack_blocks import MAX_MESSAGE_BLOCKS, named, problems
from bot.sandbox.slack_state import Channel, Json, Member, Post, SlackWorld, Workspace

MAX_TEXT = 40_000


class Declined(Exception):
    """The API says no: `Declined("channel_not_found")`."""

    def __init__(self, error: str, *messages: str) -> None:
        super().__init__(error)
        self.error = error
        self.messages = messages


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request of the app, and how to send it the events that follow."""

    world: SlackWorld
    workspace: Workspace
    fields: Fields
    #: sends an event of a channel to the app
    happened: Callable[[Channel, Json], None]

    def text(self, name: str) -> str:
        """A field as text, "" if it is missing."""
        return str(self.fields.get(name) or "")


Method = Callable[[Ask], Json]


def nested(fields: Fields, name: str) -> Any:
    """A field that is an object or a list, which forms carry as JSON text."""
    value = fields.get(name)
    if not isinstance(value, str) or value == "":
        return value or None
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        raise Declined(f"invalid_{name}_format" if name == "blocks" else "invalid_arguments") from None


def find_channel(ask: Ask, *, by_user: bool = False) -> Channel:
    """The channel of a request, by id, name or (where the method allows it) user id."""
    wanted = ask.text("channel")
    channel = ask.world.channels.get(wanted) or ask.world.names.get((ask.workspace.team_id, wanted.removeprefix("#")))
    if channel is None and by_user and _of_workspace(ask, ask.world.members.get(wanted)):
        channel = ask.world.direct(wanted)
    if channel is None or channel.team_id != ask.workspace.team_id:
        raise Declined("channel_not_found")
    return channel


def _of_workspace(ask: Ask, member: Member | None) -> bool:
    return member is not None and member.team_id == ask.workspace.team_id and not member.is_bot


def _writable(ask: Ask) -> Channel:
    channel = find_channel(ask, by_user=True)
    if channel.archived:
        raise Declined("is_archived")
    if ask.workspace.bot_user_id not in channel.members:
        raise Declined("not_in_channel")
    return channel


def content(ask: Ask) -> tuple[str, list[Json]]:
    """The checked text and blocks of a request."""
    text, blocks = ask.text("text"), nested(ask.fields, "blocks")
    if blocks:
        found = problems(blocks, MAX_MESSAGE_BLOCKS)
        if found:
            raise Declined("invalid_blocks", *found)
        blocks = named(blocks, lambda: ask.world.next_id("b"))
    if not text and not blocks and not nested(ask.fields, "attachments"):
        raise Declined("no_text")
    if len(text) > MAX_TEXT:
        raise Declined("msg_too_long")
    return text, blocks or []


def _bot_post(ask: Ask) -> Post:
    text, blocks = content(ask)
    return Post(
        ts=ask.world.next_ts(),
        user=ask.workspace.bot_user_id,
        text=text,
        blocks=blocks,
        thread_ts=ask.text("thread_ts") or None,
        bot_id=ask.workspace.bot_id,
        app_id=ask.world.app_id,
        team_id=ask.workspace.team_id,
    )


def auth_test(ask: Ask) -> Json:
    """auth.test."""
    here = ask.workspace
    return {
        "url": f"https://{here.domain}.slack.com/",
        "team": here.name,
        "user": here.bot_name,
        "team_id": here.team_id,
        "user_id": here.bot_user_id,
        "bot_id": here.bot_id,
        "is_enterprise_install": False,
    }


def post_message(ask: Ask) -> Json:
    """chat.postMessage."""
    channel = _writable(ask)
    post = _bot_post(ask)
    if post.thread_ts and post.thread_ts not in channel.posts:
        # the real one says nothing of it either: without its first message, a reply stands in the channel itself
        post.thread_ts = None
    ask.world.add(channel, post)
    ask.happened(channel, post.to_json())
    return {"channel": channel.id, "ts": post.ts, "message": post.to_json()}


def post_ephemeral(ask: Ask) -> Json:
    """chat.postEphemeral."""
    channel = _writable(ask)
    user = ask.text("user")
    if user not in channel.members:
        raise Declined("user_not_in_channel")
    post = _bot_post(ask)
    post.visible_to = user
    channel.ephemerals.append(post)
    return {"message_ts": post.ts}


def _own_post(ask: Ask, refusal: str) -> tuple[Channel, Post]:
    channel = find_channel(ask)
    post = channel.posts.get(ask.text("ts"))
    if post is None:
        raise Declined("message_not_found")
    if post.bot_id != ask.workspace.bot_id:
        raise Declined(refusal)
    return channel, post


def update(ask: Ask) -> Json:
    """chat.update."""
    channel, post = _own_post(ask, "cant_update_message")
    text, blocks = content(ask)
    before = post.to_json()
    post.text, post.blocks = text, blocks
    post.edited = {"user": ask.workspace.bot_user_id, "ts": ask.world.next_ts()}
    ask.happened(channel, {"subtype": "message_changed", "message": post.to_json(), "previous_message": before})
    return {"channel": channel.id, "ts": post.ts, "text": text, "message": post.to_json()}


def delete(ask: Ask) -> Json:
    """chat.delete."""
    channel, post = _own_post(ask, "cant_delete_message")
    del channel.posts[post.ts]
    if post.thread_ts and post.thread_ts in channel.posts:
        channel.posts[post.thread_ts].replies.remove(post.ts)
    gone = {"subtype": "message_deleted", "deleted_ts": post.ts, "previous_message": post.to_json()}
    ask.happened(channel, gone)
    return {"channel": channel.id, "ts": post.ts}


def get_permalink(ask: Ask) -> Json:
    """chat.getPermalink."""
    channel, ts = find_channel(ask), ask.text("message_ts")
    if ts not in channel.posts:
        raise Declined("message_not_found")
    link = f"https://{ask.workspace.domain}.slack.com/archives/{channel.id}/p{ts.replace('.', '')}"
    return {"channel": channel.id, "permalink": link}


def conversations_open(ask: Ask) -> Json:
    """conversations.open."""
    users = nested(ask.fields, "users") if ask.text("users").startswith("[") else ask.text("users").split(",")
    if not isinstance(users, list) or len(users) != 1 or not users[0]:
        raise Declined("users_list_not_supplied")
    member = ask.world.members.get(users[0])
    if member is None or not _of_workspace(ask, member):
        raise Declined("user_not_found")
    known = member.id in ask.world.directs
    channel = ask.world.direct(member.id)
    return {"channel": {"id": channel.id}, "already_open": known, "no_op": known}


def conversations_info(ask: Ask) -> Json:
    """conversations.info."""
    channel = find_channel(ask)
    return {"channel": {**channel.to_json(), "is_member": ask.workspace.bot_user_id in channel.members}}


def conversations_list(ask: Ask) -> Json:
    """conversations.list."""
    kinds = (ask.text("types") or "public_channel").split(",")
    names = {"channel": "public_channel", "group": "private_channel", "im": "im"}
    found = [
        {**channel.to_json(), "is_member": ask.workspace.bot_user_id in channel.members}
        for channel in ask.world.channels.values()
        if channel.team_id == ask.workspace.team_id and names[channel.kind] in kinds
    ]
    return {"channels": found, "response_metadata": {"next_cursor": ""}}


def conversations_members(ask: Ask) -> Json:
    """conversations.members."""
    return {"members": sorted(find_channel(ask).members), "response_metadata": {"next_cursor": ""}}


def conversations_history(ask: Ask) -> Json:
    """conversations.history."""
    channel = find_channel(ask)
    if ask.workspace.bot_user_id not in channel.members:
        raise Declined("not_in_channel")
    shown = [post.to_json() for post in channel.posts.values() if post.thread_ts in (None, post.ts)]
    limit = int(ask.text("limit") or 100)
    return {"messages": shown[::-1][:limit], "has_more": len(shown) > limit}


def conversations_replies(ask: Ask) -> Json:
    """conversations.replies."""
    channel, ts = find_channel(ask), ask.text("ts")
    parent = channel.posts.get(ts)
    if parent is None:
        raise Declined("thread_not_found")
    inside = [channel.posts[reply].to_json() for reply in parent.replies if reply in channel.posts]
    return {"messages": [parent.to_json(), *inside], "has_more": False}


def users_info(ask: Ask) -> Json:
    """users.info."""
    member = ask.world.members.get(ask.text("user"))
    if member is None or member.team_id != ask.workspace.team_id:
        raise Declined("user_not_found")
    return {"user": member.to_json()}


def users_conversations(ask: Ask) -> Json:
    """users.conversations: the rooms that the bot is in."""
    listed = conversations_list(ask)
    return listed | {"channels": [room for room in listed["channels"] if room["is_member"]]}


def bots_info(ask: Ask) -> Json:
    """bots.info."""
    here = ask.workspace
    if ask.text("bot") != here.bot_id:
        raise Declined("bot_not_found")
    bot = {"id": here.bot_id, "name": here.bot_name, "user_id": here.bot_user_id, "app_id": ask.world.app_id}
    return {"bot": {**bot, "deleted": False}}


def users_list(ask: Ask) -> Json:
    """users.list."""
    found = [m.to_json() for m in ask.world.members.values() if m.team_id == ask.workspace.team_id]
    return {"members": found, "response_metadata": {"next_cursor": ""}}


def files_info(ask: Ask) -> Json:
    """files.info."""
    file = ask.world.files.get(ask.text("file"))
    if file is None or file.team_id != ask.workspace.team_id:
        raise Declined("file_not_found")
    return {"file": file.to_json(ask.world.origin)}


def reactions_add(ask: Ask) -> Json:
    """reactions.add."""
    post = find_channel(ask).posts.get(ask.text("timestamp"))
    if post is None:
        raise Declined("message_not_found")
    name = ask.text("name").strip(":")
    if not name:
        raise Declined("invalid_name")
    users = post.reactions.setdefault(name, [])
    if ask.workspace.bot_user_id in users:
        raise Declined("already_reacted")
    users.append(ask.workspace.bot_user_id)
    return {}


METHODS: dict[str, Method] = {
    "auth.test": auth_test,
    "bots.info": bots_info,
    "chat.postMessage": post_message,
    "chat.postEphemeral": post_ephemeral,
    "chat.update": update,
    "chat.delete": delete,
    "chat.getPermalink": get_permalink,
    "conversations.open": conversations_open,
    "conversations.info": conversations_info,
    "conversations.list": conversations_list,
    "conversations.members": conversations_members,
    "conversations.history": conversations_history,
    "conversations.replies": conversations_replies,
    "users.conversations": users_conversations,
    "users.info": users_info,
    "users.list": users_list,
    "files.info": files_info,
    "reactions.add": reactions_add,
}
