"""What the chat windows' channels share: JSON as the answer to a request, and text without what no database takes."""

from collections.abc import Mapping

import msgspec

from bot.ports import Reply


def without_nul(text: str) -> str:
    """PostgreSQL takes no NUL; Unicode's sign for an unreadable character shows that something stood there."""
    return text.replace("\0", "\ufffd")


def json_reply(status: int, value: object, headers: Mapping[str, str] | None = None) -> Reply:
    """Any value that msgspec can write, as the body of an answer."""
    return Reply(
        status=status, body=msgspec.json.encode(value), headers={"Content-Type": "application/json", **(headers or {})}
    )
