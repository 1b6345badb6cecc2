"""What the demo page draws: both stand-ins as plain JSON, with Slack's texts already read."""

from collections.abc import Mapping
from typing import Any

from bot.sandbox import slack_views
from bot.sandbox.demo import Demo
from bot.sandbox.slack import SlackStandIn
from bot.sandbox.slack_state import Channel, Json, Post, View
from bot.sandbox.slack_text import rendered
from bot.sandbox.telegram import TelegramStandIn
from bot.sandbox.telegram_state import Message


def snapshot(telegram: TelegramStandIn, slack: SlackStandIn, demo: Demo) -> Json:
    """All that the page shows, as it is now."""
    return {
        "telegram": _telegram(telegram, demo),
        "slack": _slack(slack, demo),
        "faults": [
            {"where": service, "method": method, "fault": type(fault).__name__}
            for service, faults in (("Telegram", telegram.faults), ("Slack", slack.faults))
            for method, _, fault in faults.waiting()
        ],
    }


def _telegram(telegram: TelegramStandIn, demo: Demo) -> Json:
    chat_id = int(demo.telegram.key)
    chat = telegram.world.bot(demo.bot).chats.get(chat_id)
    answers = [one for one in telegram.answers(demo.bot) if one.user_id == chat_id]
    toast = answers[-1] if answers else None
    return {
        "bot": telegram.world.bot(demo.bot).username,
        "begun": bool(chat and chat.messages),
        "blocked": bool(chat and chat.blocked),
        "language": telegram.user(chat_id).language_code,
        "messages": [_message(message) for message in telegram.messages(demo.bot, chat_id)],
        "answered": len(answers),
        "toast": {"text": toast.text, "alert": toast.show_alert} if toast and toast.text else None,
    }


def _message(message: Message) -> Json:
    return {
        "id": message.message_id,
        "mine": not message.from_bot,
        "text": message.text or "",
        "at": message.date,
        "edited": message.edit_date is not None,
        "buttons": [
            [{"text": button.text, "data": button.callback_data, "url": button.url} for button in row]
            for row in message.buttons
        ],
    }


def _slack(slack: SlackStandIn, demo: Demo) -> Json:
    desk = slack.channel(demo.desk)
    people = [demo.slack.key, *(agent.id for agent in demo.agents)]
    direct = slack.direct(demo.slack.key)
    return {
        "people": {member.id: member.real_name or member.name for member in slack.world.members.values()},
        "direct": {"id": direct.id, "posts": _posts(slack, direct)},
        "desk": {"id": desk.id, "name": desk.name, "posts": _posts(slack, desk)},
        "private": {person: _private(slack, person) for person in people},
        "views": {person: _view(slack, slack.views(person)[-1]) if slack.views(person) else None for person in people},
    }


def _posts(slack: SlackStandIn, channel: Channel) -> list[Json]:
    return [_post(slack, post) for post in channel.posts.values()]


def _post(slack: SlackStandIn, post: Post) -> Json:
    return {
        "ts": post.ts,
        "user": post.user,
        "bot": post.bot_id is not None,
        "thread": post.thread_ts if post.thread_ts != post.ts else None,
        "edited": post.edited is not None and post.bot_id is None,
        "spans": _spans(slack, post.text),
        # what a person typed is shown as it was read, which their rich text repeats
        "blocks": _read(slack, post.blocks) if post.bot_id else [],
        "files": [{"name": file["name"], "kind": file["mimetype"]} for file in post.files],
        "reactions": [{"name": name, "count": len(users)} for name, users in post.reactions.items()],
    }


def _private(slack: SlackStandIn, person: str) -> list[Json]:
    """What only this person sees: ephemerals of the app, and what Slack says when the app did not answer."""
    posts = [
        {**_post(slack, post), "channel": channel.id}
        for channel in slack.world.channels.values()
        for post in channel.ephemerals
        if post.visible_to == person
    ]
    troubles = [
        {"ts": one.ts, "trouble": f"{one.what} did not work: {one.error}"}
        for one in slack.troubles
        if one.user == person
    ]
    return [*posts, *troubles]


def _view(slack: SlackStandIn, view: View) -> Json:
    return {
        "id": view.id,
        "hash": view.hash,
        "errors": view.errors,
        "title": view.body["title"]["text"],
        "submit": (view.body.get("submit") or {}).get("text"),
        "close": (view.body.get("close") or {}).get("text") or "Cancel",
        "blocks": _read(slack, view.body["blocks"]),
        # what is in the fields, as an app would be told
        "values": slack_views.values(view, {}),
    }


def _read(slack: SlackStandIn, value: Any) -> Any:
    """Blocks in which every mrkdwn text has its spans."""
    match value:
        case {"type": "mrkdwn", "text": str(text)}:
            return {**value, "spans": _spans(slack, text)}
        case Mapping():
            return {key: _read(slack, inner) for key, inner in value.items()}
        case list():
            return [_read(slack, inner) for inner in value]
        case _:
            return value


def _spans(slack: SlackStandIn, text: str) -> list[Json]:
    return [
        {
            "kind": span.kind,
            "text": _name(slack, span.target, span.text) if span.kind in ("user", "channel") else span.text,
            "target": span.target,
        }
        for span in rendered(text)
    ]


def _name(slack: SlackStandIn, target: str, text: str) -> str:
    if member := slack.world.members.get(target):
        return f"@{member.real_name or member.name}"
    if channel := slack.world.channels.get(target):
        return f"#{channel.name}"
    return text
