"""What answers a person's deed: a response_url, or the body that acknowledges a command or a view."""

from collections.abc import Callable
from typing import Any

from bot.sandbox import slack_views
from bot.sandbox.serving import Fields
from bot.sandbox.slack_blocks import named
from bot.sandbox.slack_methods import Ask, Declined, content
from bot.sandbox.slack_state import (
    RESPONSE_LIFETIME,
    RESPONSE_USES,
    Channel,
    Json,
    Post,
    ResponseUrl,
    SlackWorld,
    View,
)

Happened = Callable[[Channel, Json], None]


def respond(world: SlackWorld, url: ResponseUrl, fields: Fields, happened: Happened) -> None:
    """Carry out what was posted to a response_url; Declined once it is old or used up."""
    if world.clock() - url.at > RESPONSE_LIFETIME:
        raise Declined("expired_url")
    if url.uses >= RESPONSE_USES:
        raise Declined("used_url")
    url.uses += 1
    answer(world, url, fields, happened)


def answer(world: SlackWorld, url: ResponseUrl, fields: Fields, happened: Happened) -> None:
    """Delete, replace or add a message, where a person did something."""
    original = url.post
    if fields.get("delete_original"):
        if original is not None:
            _remove(url.channel, original)
        return
    ask = Ask(world=world, workspace=url.workspace, fields=fields, happened=happened)
    text, blocks = content(ask)
    if fields.get("replace_original") and original is not None:
        original.text, original.blocks = text, blocks
        original.edited = {"user": url.workspace.bot_user_id, "ts": world.next_ts()}
        return
    post = Post(
        ts=world.next_ts(),
        user=url.workspace.bot_user_id,
        text=text,
        blocks=blocks,
        thread_ts=fields.get("thread_ts"),
        bot_id=url.workspace.bot_id,
        app_id=world.app_id,
        team_id=url.workspace.team_id,
    )
    if fields.get("response_type") == "in_channel":
        world.add(url.channel, post)
        happened(url.channel, post.to_json())
    else:
        post.visible_to = url.user
        url.channel.ephemerals.append(post)
    url.post = post


def _remove(channel: Channel, post: Post) -> None:
    channel.posts.pop(post.ts, None)
    if post in channel.ephemerals:
        channel.ephemerals.remove(post)


def submitted(world: SlackWorld, view: View, body: Json) -> None:
    """Do to a submitted view what its acknowledgement says; Declined if that is no valid view."""
    match body.get("response_action"):
        case "errors":
            view.errors = _errors(view, body.get("errors"))
        case "update":
            slack_views.replaced(world, view, slack_views.checked(world, body.get("view")))
        case "push":
            slack_views.shown(world, view.user, slack_views.checked(world, body.get("view")), below=view)
        case "clear":
            for one in world.stack(view.user):
                del world.views[one.id]
        case _:
            world.views.pop(view.id, None)


def _errors(view: View, errors: Any) -> dict[str, str]:
    """The app's complaints by block id; Declined where Slack has no field to show one at."""
    inputs = {block["block_id"] for block in view.body["blocks"] if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors or not errors.keys() <= inputs:
        raise Declined("invalid_arguments", "[ERROR] unknown block in errors")
    return {str(key): str(value) for key, value in errors.items()}


def typed_blocks(world: SlackWorld, text: str) -> list[Json]:
    """The rich text block that Slack adds to what a person typed."""
    section: dict[str, Any] = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    return named([{"type": "rich_text", "elements": [section]}], lambda: world.next_id("b"))
