"""What a message looks like where it is read, as lines for a terminal: drawn by the channel's own drawing. Pure."""

from typing import assert_never

import msgspec

from bot.config import (
    ChannelSettings,
    PageSettings,
    SlackSettings,
    TelegramSettings,
    WebchatSettings,
    WebhookChatSettings,
)
from bot.messages import Alert, AlertOf, Card, Content, IncidentOf, Remark, Text
from bot.preview.looks import Look as Drawn
from bot.preview.looks import Press, Window, hint_of, in_slack, look_in


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """A message as text and rows of buttons."""

    text: str
    rows: tuple[tuple[Press, ...], ...] = ()


def look_of(content: Content, channel: ChannelSettings) -> Look:
    """A message as a customer of this channel, or an agent, sees it."""
    match content:
        case Alert() | Remark():
            return _in_lines(in_slack(content))
        case AlertOf() | IncidentOf():
            return Look(text="")
        case Text() | Card():
            window = window_of(channel)
            # the widget draws the ends of a scale beside it, which a terminal cannot
            hint = hint_of(content) if window == "web" else ""
            return _in_lines(look_in(window, content), hint)
        case _:
            assert_never(content)


def window_of(channel: ChannelSettings) -> Window:
    """How the customers of a channel read."""
    match channel:
        case TelegramSettings():
            return "telegram"
        case SlackSettings():
            return "slack"
        case WebchatSettings() | PageSettings() | WebhookChatSettings(buttons=True):
            return "web"
        case WebhookChatSettings():
            return "text"
        case _:
            assert_never(channel)


def _in_lines(drawn: Drawn, hint: str = "") -> Look:
    rows = (
        tuple(
            msgspec.structs.replace(press, label=f"✓ {press.label}")
            if press.style == "ticked" and not press.label.startswith("✓")
            else press
            for press in row.presses
        )
        for row in drawn.rows
    )
    return Look(text="\n\n".join(part for part in (drawn.text, hint) if part), rows=tuple(rows))
