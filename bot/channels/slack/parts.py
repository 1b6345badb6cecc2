"""The blocks and elements that messages and forms are put together from. Pure; nobody's words become markup."""

import re
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

from bot.channels.slack.plain import cut, escaped, shown
from bot.messages import Button

Block = dict[str, Any]

SECTION = 3_000
LABEL = 75
FIELD = 2_000
FIELDS = 10
ELEMENTS = 25
OPTIONS = 100
PLACEHOLDER = 150
URL = 3_000
#: an option's value may be shorter than a button's
OPTION_VALUE = 150
MENTIONS = 20

_PERSON_OR_GROUP = re.compile(r"[SUW][A-Z0-9]{1,30}", re.ASCII)


def plain(text: str, length: int) -> Block:
    """Words in which Slack parses nothing but the names of emoji."""
    # With "emoji" false Slack shows the code of an emoji in place of the emoji.
    return {"type": "plain_text", "text": shown(text, length), "emoji": True}


def section(text: str, accessory: Block | None = None) -> Block:
    drawn: Block = {"type": "section", "text": plain(text, SECTION)}
    return drawn if accessory is None else {**drawn, "accessory": accessory}


def context(lines: Sequence[str]) -> Block:
    return {"type": "context", "elements": [plain(line, FIELD) for line in lines[:FIELDS]]}


def quotation(text: str, length: int) -> Block:
    """Somebody's words, set off as theirs."""
    return {"type": "rich_text", "elements": [quoted(text, length)]}


def quoted(text: str, length: int) -> Block:
    return {"type": "rich_text_quote", "elements": [{"type": "text", "text": shown(text, length)}]}


def button(label: str, action: str, *, value: str = "", url: str = "", primary: bool = False) -> Block:
    drawn: Block = {"type": "button", "action_id": action, "text": plain(label, LABEL)}
    drawn |= {"url": url} if url else {"value": value}
    return {**drawn, "style": "primary"} if primary else drawn


def menu(label: str, action: str, options: Sequence[Button]) -> Block:
    """A list to choose from; the value of an option is its token."""
    return {
        "type": "static_select",
        "action_id": action,
        "placeholder": plain(label, PLACEHOLDER),
        "options": [option(each.label, each.token) for each in options if len(each.token) <= OPTION_VALUE][:OPTIONS],
    }


def option(label: str, value: str) -> Block:
    return {"text": plain(label, LABEL), "value": value}


def rows_of(elements: Sequence[Block]) -> Iterable[Block]:
    """Interactive elements as blocks, as many to each as Slack takes."""
    for start in range(0, len(elements), ELEMENTS):
        yield {"type": "actions", "elements": list(elements[start : start + ELEMENTS])}


def mentioned(ids: Iterable[str]) -> str:
    """Slack's markup that notifies people (U…, W…) and groups (S…); whatever is no such id is left out.

    >>> mentioned(["S0SUPPORT", "U0ANNA", "U0ANNA", "!channel", "U1> <!here"])
    '<!subteam^S0SUPPORT> <@U0ANNA>'
    """
    known = [id for id in dict.fromkeys(ids) if _PERSON_OR_GROUP.fullmatch(id)]
    return " ".join(f"<!subteam^{id}>" if id.startswith("S") else f"<@{id}>" for id in known[:MENTIONS])


def openable(url: str) -> bool:
    """Whether an address may be made a link: http or https, with a host, and nothing that Slack would refuse."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False
    return good and len(url) <= URL and url.isprintable() and not any(mark in url for mark in ' <>|\\"')


def escaped_within(text: str, length: int) -> str:
    """Escaped text of at most ``length`` characters, never cut within an entity."""
    readable = shown(text, length)
    while len(escape := escaped(readable)) > length:
        readable = cut(readable, len(readable) - max(1, (len(escape) - length) // 5))
    return escape
