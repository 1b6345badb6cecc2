"""What we send, as Slack's blocks with a plain fallback. Pure; nobody's words become markup.

Words stand in ``plain_text`` objects, and quotations in ``rich_text``, where Slack parses nothing. The fallback,
which notifications and screen readers show, is markup to Slack and is escaped.
"""

from collections.abc import Iterable, Sequence
from typing import Any, assert_never

import msgspec

from bot.channels.fallback import as_text, ends
from bot.channels.slack.plain import cut, escaped, pieces, shown
from bot.messages import Alert, Button, Card, Text

Block = dict[str, Any]

SECTION = 3_000
HEADER = 150
LABEL = 75
FIELD = 2_000
QUOTE = 1_500
FIELDS = 10
BLOCKS = 50
ELEMENTS = 25
#: lines of an alert's history, and quotations in it, that are shown; the newest ones
HISTORY = 10
QUOTES = 5
#: Slack refuses a message whose blocks hold more than about 13,000 characters (undocumented, "msg_blocks_too_long").
ROOM = 9_000
#: what is tried when Slack found even that too long, since it may count escaped characters
LITTLE_ROOM = 1_500


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """A message as chat.postMessage and chat.update take it: blocks, and the escaped text that stands in for them."""

    text: str
    blocks: tuple[Block, ...]


def draw(content: Text | Card | Alert, room: int = ROOM) -> Drawn:
    """Draw a message within about ``room`` characters of words; longer ones end in an ellipsis."""
    match content:
        case Text(text=text):
            return _drawn(text, _sections(text, room))
        case Card():
            return _drawn(as_text(content), _card(content, room))
        case Alert():
            return _drawn(content.summary, _alert(content, room))
        case _:
            assert_never(content)


def _drawn(fallback: str, blocks: Iterable[Block]) -> Drawn:
    return Drawn(text=_escaped_within(fallback, SECTION), blocks=tuple(blocks)[:BLOCKS])


def _escaped_within(text: str, length: int) -> str:
    """Escaped text of at most ``length`` characters, never cut within an entity."""
    plain = shown(text, length)
    while len(escape := escaped(plain)) > length:
        plain = cut(plain, len(plain) - max(1, (len(escape) - length) // 5))
    return escape


def _card(card: Card, room: int) -> Iterable[Block]:
    yield from _sections(card.text, room)
    if card.chosen is not None:
        yield _section(f"✓ {card.chosen}")
    else:
        notes = [note for note in (ends(card), card.hint) if note.strip()]
        if notes:
            yield _context(notes)
    yield from _actions(card.buttons)


def _alert(alert: Alert, room: int) -> Iterable[Block]:
    # A finished case is drawn in ordinary letters and asks nothing of anybody.
    if alert.closed:
        yield _section(alert.summary)
    else:
        yield {"type": "header", "text": _plain(alert.summary, HEADER)}
    for start in range(0, len(alert.facts), FIELDS):
        facts = alert.facts[start : start + FIELDS]
        yield {"type": "section", "fields": [_plain(f"{fact.label}: {fact.text}", FIELD) for fact in facts]}
    quotes = alert.quotes[-QUOTES:]
    for quote in quotes:
        yield _quotation(shown(quote.text, min(QUOTE, room // len(quotes))))
    if alert.history:
        yield _context(["\n".join(alert.history[-HISTORY:])])
    if not alert.closed:
        yield from _actions((alert.buttons,))


def _sections(text: str, room: int) -> list[Block]:
    most = max(1, room // SECTION)
    return [_section(piece) for piece in pieces(text, min(SECTION, room), most)]


def _section(text: str) -> Block:
    return {"type": "section", "text": _plain(text, SECTION)}


def _quotation(text: str) -> Block:
    quote = {"type": "rich_text_quote", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "elements": [quote]}


def _context(lines: Sequence[str]) -> Block:
    return {"type": "context", "elements": [_plain(line, FIELD) for line in lines[:FIELDS]]}


def _actions(rows: Sequence[Sequence[Button]]) -> Iterable[Block]:
    for number, row in enumerate(rows):
        for start in range(0, len(row), ELEMENTS):
            buttons = row[start : start + ELEMENTS]
            elements = [_button(button, f"{number}.{start + place}") for place, button in enumerate(buttons)]
            yield {"type": "actions", "elements": elements}


def _button(button: Button, action: str) -> Block:
    label = f"✓ {button.label}" if button.selected else button.label
    drawn: Block = {"type": "button", "action_id": action, "text": _plain(label, LABEL), "value": button.token}
    return {**drawn, "style": "primary"} if button.selected else drawn


def _plain(text: str, length: int) -> Block:
    # With "emoji" false Slack shows the code of an emoji in place of the emoji.
    return {"type": "plain_text", "text": shown(text, length), "emoji": True}
