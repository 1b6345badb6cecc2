"""What an address key must look like: one that no channel would ever make is refused before it becomes a customer."""

import re
from typing import assert_never

from bot.config import (
    ChannelSettings,
    PageSettings,
    SlackSettings,
    TelegramSettings,
    WebchatSettings,
    WebhookChatSettings,
)

_TELEGRAM = re.compile(r"(?:-[1-9][0-9]{0,18}/)?[1-9][0-9]{0,18}")
_LARGEST_ID = 2**63 - 1
_SLACK = re.compile(r"[UW][A-Z0-9]{2,30}")
#: ``secrets.token_urlsafe(16)``
_SESSION = re.compile(r"[A-Za-z0-9_-]{22}")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


def problem_with(channel: ChannelSettings, key: str) -> str | None:
    """Why a key cannot be a customer's address in a channel, in words for whoever sent it; None if it can."""
    match channel:
        case TelegramSettings():
            numbers = [abs(int(part)) for part in key.split("/")] if _TELEGRAM.fullmatch(key) else []
            if numbers and max(numbers) <= _LARGEST_ID:
                return None
            return "In Telegram it is the person's numeric id, written plainly, such as 7001."
        case SlackSettings():
            return None if _SLACK.fullmatch(key) else "In Slack it is the person's user id, such as U024BE7LH."
        case WebchatSettings():
            fits = _SESSION.fullmatch(key)
            return None if fits else "In the web chat it is the session, as Afterchat.session() in the page tells it."
        case PageSettings():
            fits = _SESSION.fullmatch(key)
            return None if fits else "On the survey page it is a session, which nobody but the page itself makes."
        case WebhookChatSettings():
            return "It holds a control character; leave it out." if _CONTROL.search(key) else None
        case _:
            assert_never(channel)
