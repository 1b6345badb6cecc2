"""What a message of ours looks like in Telegram: text and inline keyboard, as fields of the Bot API. Pure."""

from typing import Any, assert_never

from bot.channels.fallback import ends
from bot.errors import SendFailed
from bot.messages import Alert, AlertOf, Button, Card, Content, IncidentOf, Remark, Text

#: UTF-16 code units, as Telegram counts
TEXT_LENGTH = 4096
TOAST_LENGTH = 200
ROW_LENGTH = 8
#: what a phone shows of one row of buttons, in characters, with two for the edges of each button
_ROW_WIDTH = 32
_LABEL_LENGTH = 64
#: what a phone shows of a label alone in its row
LABEL_WIDTH = _ROW_WIDTH - 2
_ELLIPSIS = "…"


def draw(content: Content) -> dict[str, Any]:
    """The fields ``text`` and, where there are buttons, ``reply_markup``. Never a parse mode: all text is plain.

    Text beyond 4,096 UTF-16 units is cut with an ellipsis; of a card its question is cut, never its choice.
    Raises SendFailed for what this channel cannot show.
    """
    match content:
        case Text():
            return _text(content)
        case Card():
            return _card(content)
        case Alert() | AlertOf() | IncidentOf() | Remark():
            raise SendFailed(reason="Telegram is no desk: alerts and what belongs to them go to Slack", retryable=False)
        case _:
            assert_never(content)


def _text(content: Text) -> dict[str, Any]:
    fields: dict[str, Any] = {"text": cut(content.text, TEXT_LENGTH)}
    if content.links:
        keyboard = [[{"text": cut(link.label, _LABEL_LENGTH), "url": link.url}] for link in content.links]
        fields["reply_markup"] = {"inline_keyboard": keyboard}
    return fields


def _card(card: Card) -> dict[str, Any]:
    below = cut("".join(f"\n\n{part}" for part in _below(card) if part), TEXT_LENGTH // 2)
    fields: dict[str, Any] = {"text": cut(card.text, TEXT_LENGTH - utf16_length(below)) + below}
    keyboard = [[_button(button) for button in row] for rows in (*card.buttons, card.decline) for row in wrapped(rows)]
    if keyboard:
        fields["reply_markup"] = {"inline_keyboard": keyboard}
    return fields


def _below(card: Card) -> tuple[str, ...]:
    if card.chosen is not None:
        return (f"✓ {card.chosen}",)
    # beside answers to tap the hint would say what everyone sees
    return (ends(card), "" if card.buttons else card.hint)


def wrapped(row: tuple[Button, ...]) -> list[tuple[Button, ...]]:
    """A row as the rows that a phone can show, of nearly equal length: 0-10 becomes 6 and 5.

    At most 8 buttons a row, fewer where labels are long.
    """
    if not row:
        return []
    longest = max(len(_label(button)) for button in row)
    widest = min(ROW_LENGTH, max(1, _ROW_WIDTH // (longest + 2)))
    rows = -(-len(row) // widest)
    size = -(-len(row) // rows)
    return [row[start : start + size] for start in range(0, len(row), size)]


def _label(button: Button) -> str:
    return f"✓ {button.label}" if button.selected else button.label


def _button(button: Button) -> dict[str, str]:
    return {"text": cut(_label(button), _LABEL_LENGTH), "callback_data": button.token}


def utf16_length(text: str) -> int:
    """The length that Telegram counts."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, length: int) -> str:
    """The text in at most ``length`` UTF-16 units, without what no JSON can carry.

    >>> cut("a long story", 7), cut("👍👍", 3)
    ('a long…', '👍…')
    """
    text = text.replace("\0", "")
    if text.isascii():
        return text if len(text) <= length else text[: length - 1] + _ELLIPSIS
    encoded = text.encode("utf-16-le", "surrogatepass")
    if len(encoded) <= 2 * length:
        return encoded.decode("utf-16-le", "replace")
    head = encoded[: 2 * (length - 1)]
    # half of a pair of surrogates at the edge is dropped, not shown as a replacement character
    if 0xD8 <= head[-1] <= 0xDB:
        head = head[:-2]
    return head.decode("utf-16-le", "replace") + _ELLIPSIS
