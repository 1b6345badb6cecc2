"""What a message looks like where it is read, as lines for a terminal: drawn by the channel's own drawing. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any, assert_never

import msgspec

from bot.channels.fallback import as_text, ends
from bot.channels.slack import drawing as slack
from bot.channels.telegram import drawing as telegram
from bot.config import (
    ChannelSettings,
    PageSettings,
    SlackSettings,
    TelegramSettings,
    WebchatSettings,
    WebhookChatSettings,
)
from bot.messages import Alert, AlertOf, Button, Card, Content, IncidentOf, Remark, Text


class Press(msgspec.Struct, frozen=True, kw_only=True):
    """A button as it is read, and what pressing it sends, or the address that it opens."""

    label: str
    token: str = ""
    url: str = ""


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """A message as text and rows of buttons."""

    text: str
    rows: tuple[tuple[Press, ...], ...] = ()


def look_of(content: Content, channel: ChannelSettings) -> Look:
    """A message as a customer of this channel, or an agent, sees it."""
    match content:
        case Alert() | Remark():
            return _in_slack(content)
        case AlertOf() | IncidentOf():
            return Look(text="")
        case Text() | Card():
            pass
        case _:
            assert_never(content)
    match channel:
        case TelegramSettings():
            return _in_telegram(content)
        case SlackSettings():
            return _in_slack(content)
        case WebchatSettings() | PageSettings():
            return _in_a_window(content)
        case WebhookChatSettings(buttons=True):
            return _in_a_window(content)
        case WebhookChatSettings():
            return Look(text=as_text(content) if isinstance(content, Card) else _with_addresses(content))
        case _:
            assert_never(channel)


def _in_telegram(content: Text | Card) -> Look:
    fields = telegram.draw(content)
    keyboard: list[list[Mapping[str, Any]]] = fields.get("reply_markup", {}).get("inline_keyboard", [])
    rows = tuple(
        tuple(Press(label=key["text"], token=key.get("callback_data", ""), url=key.get("url", "")) for key in row)
        for row in keyboard
    )
    return Look(text=fields["text"], rows=rows)


def _in_slack(content: Text | Card | Remark | Alert) -> Look:
    blocks = slack.draw(content).blocks
    rows = (
        tuple(
            Press(label=_words(each), token=each.get("value", ""), url=each.get("url", ""))
            for each in block["elements"]
        )
        for block in blocks
        if block["type"] == "actions"
    )
    texts = (_block(block) for block in blocks if block["type"] != "actions")
    return Look(text="\n\n".join(text for text in texts if text), rows=tuple(row for row in rows if row))


def _block(block: Mapping[str, Any]) -> str:
    parts = [block[key] for key in ("text",) if key in block]
    parts += [*block.get("fields", ()), *block.get("elements", ())]
    return "\n".join(line for part in parts for line in _lines(part))


def _lines(part: Mapping[str, Any]) -> Iterable[str]:
    if part.get("type") == "rich_text_quote":
        yield from (f"| {line}" for line in "".join(each.get("text", "") for each in part["elements"]).splitlines())
    elif part.get("elements"):
        yield "".join(each.get("text", "") for each in part["elements"])
    elif isinstance(part.get("text"), str):
        yield part["text"]


def _pressed(element: Mapping[str, Any]) -> Press:
    return Press(label=_words(element), token=element.get("value", ""), url=element.get("url", ""))


def _words(element: Mapping[str, Any]) -> str:
    said: Mapping[str, Any] = element.get("text") or element.get("placeholder") or {}
    return str(said.get("text", ""))


def _in_a_window(content: Text | Card) -> Look:
    """The widget, the survey page and other people's chat windows draw what the card says."""
    if isinstance(content, Text):
        return Look(text=_with_addresses(content))
    if content.chosen is not None:
        return Look(text=_joined(content.text, f"✓ {content.chosen}"), rows=_rows(content.buttons))
    hint = content.hint if not content.buttons else ""
    return Look(text=_joined(content.text, ends(content), hint), rows=_rows((*content.buttons, content.decline)))


def _rows(rows: Iterable[tuple[Button, ...]]) -> tuple[tuple[Press, ...], ...]:
    return tuple(
        tuple(Press(label=f"✓ {each.label}" if each.selected else each.label, token=each.token) for each in row)
        for row in rows
        if row
    )


def _with_addresses(content: Text) -> str:
    return content.text


def _joined(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)
