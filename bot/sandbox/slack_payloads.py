"""The payloads that Slack makes of what people do."""

from bot.sandbox.slack_blocks import all_options, elements
from bot.sandbox.slack_state import Channel, Json, Member, Post, SlackWorld, Workspace

#: the deprecated verification token, which real payloads still carry
_TOKEN = "verification-token"  # noqa: S105


def event_callback(world: SlackWorld, team_id: str, event: Json) -> Json:
    """The envelope of an event."""
    event_id = world.next_id("Ev")
    authorization = {
        "enterprise_id": None,
        "team_id": team_id,
        "user_id": world.by_team[team_id].bot_user_id,
        "is_bot": True,
        "is_enterprise_install": False,
    }
    return {
        "token": _TOKEN,
        "team_id": team_id,
        "api_app_id": world.app_id,
        "event": event,
        "type": "event_callback",
        "event_id": event_id,
        "event_time": int(world.clock()),
        "authorizations": [authorization],
        "is_ext_shared_channel": False,
        "event_context": f"4-{event_id}",
    }


def message_event(channel: Channel, message: Json, now: str) -> Json:
    """The event of a message that is new, changed or gone."""
    ts = now if message.get("subtype", "").startswith("message_") else message["ts"]
    kinds = {"im": "im", "channel": "channel", "group": "group"}
    return {
        **_in_thread(channel, message),
        "type": "message",
        "ts": ts,
        "channel": channel.id,
        "event_ts": ts,
        "channel_type": kinds[channel.kind],
    }


def _in_thread(channel: Channel, message: Json) -> Json:
    """The message with the author of the one that it answers, and so within a change of it."""
    told = dict(message)
    for part in ("message", "previous_message"):
        if part in told:
            told[part] = _in_thread(channel, told[part])
    parent = channel.posts.get(told.get("thread_ts", ""))
    if parent is not None and parent.ts != told.get("ts"):
        told["parent_user_id"] = parent.user
    return told


def interaction(world: SlackWorld, kind: str, user: Member, trigger_id: str) -> Json:
    """What all interactions have in common."""
    workspace = world.by_team[user.team_id]
    return {
        "type": kind,
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team_id},
        "api_app_id": world.app_id,
        "token": _TOKEN,
        "trigger_id": trigger_id,
        "team": {"id": workspace.team_id, "domain": workspace.domain},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def on_message(channel: Channel, post: Post) -> Json:
    """Where an action on a message happened."""
    return {
        "container": {
            "type": "message",
            "message_ts": post.ts,
            "channel_id": channel.id,
            "is_ephemeral": post.visible_to is not None,
            **({"thread_ts": post.thread_ts} if post.thread_ts else {}),
        },
        "channel": {"id": channel.id, "name": channel.name},
        "message": post.to_json(),
        "state": {"values": {}},
    }


def action(block: Json, element: Json, value: str | None, ts: str) -> Json:
    """One entry of `actions`; `value` picks an option by its value or label, or is the id of a person."""
    done: Json = {
        "type": element["type"],
        "action_id": element["action_id"],
        "block_id": block["block_id"],
        "action_ts": ts,
    }
    if element["type"] == "button":
        return done | {key: element[key] for key in ("text", "value", "style", "url") if key in element}
    if element["type"] == "users_select":
        return done | {"selected_user": value}
    for option in all_options(element):
        if value in (option.get("value"), option["text"]["text"]):
            return done | {"selected_option": option}
    raise LookupError(f"{element['action_id']} has no option {value!r}")


def find_element(blocks: list[Json], wanted: str) -> tuple[Json, Json]:
    """The block and element that `wanted` names by action id or label; LookupError says which there are."""
    seen = []
    for block in blocks:
        for element in elements(block):
            label = element.get("text", {}).get("text") or element.get("placeholder", {}).get("text")
            if wanted in (element["action_id"], label):
                return block, element
            seen.append(label or element["action_id"])
    raise LookupError(f"nothing is called {wanted!r}, only {seen}")


def command(world: SlackWorld, workspace: Workspace, channel: Channel, user: Member, name: str, text: str) -> Json:
    """The fields of a slash command, without its trigger and response_url."""
    return {
        "token": _TOKEN,
        "team_id": workspace.team_id,
        "team_domain": workspace.domain,
        "channel_id": channel.id,
        # Slack tells the names of public rooms only
        "channel_name": {"im": "directmessage", "group": "privategroup"}.get(channel.kind, channel.name),
        "user_id": user.id,
        "user_name": user.name,
        "command": name,
        "text": text,
        "api_app_id": world.app_id,
        "is_enterprise_install": "false",
    }
