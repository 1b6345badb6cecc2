"""What the chat windows' channels share: JSON as an answer, text that a database takes, what a customer may see."""

from collections.abc import Mapping
from typing import assert_never

import msgspec

from bot.errors import SendFailed
from bot.messages import Alert, AlertOf, Card, Content, IncidentOf, Remark, Text
from bot.ports import Reply


def without_nul(text: str) -> str:
    """PostgreSQL takes no NUL; Unicode's sign for an unreadable character shows that something stood there."""
    return text.replace("\0", "\ufffd")


def json_reply(status: int, value: object, headers: Mapping[str, str] | None = None) -> Reply:
    """Any value that msgspec can write, as the body of an answer."""
    return Reply(
        status=status, body=msgspec.json.encode(value), headers={"Content-Type": "application/json", **(headers or {})}
    )


def for_customers(content: Content) -> Text | Card:
    """What a customer may see of a message. Raises SendFailed for what is the agents'."""
    match content:
        case Text() | Card():
            return content
        case Alert() | AlertOf() | IncidentOf() | Remark():
            raise SendFailed(reason="the web chat is no desk: alerts go to a Slack channel", retryable=False)
        case _:
            assert_never(content)
