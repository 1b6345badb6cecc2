"""What a message looks like where a customer reads it: the channels' own drawing, as texts and buttons. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, assert_never

import msgspec

from bot.advice.showing import head, width_of
from bot.channels.fallback import as_text, ends, with_links
from bot.channels.slack import drawing as slack
from bot.channels.telegram import drawing as telegram
from bot.conversations import engine
from bot.conversations.steering import SPEAK
from bot.messages import Alert, Button, Card, Link, Remark, Text, Token, parse_token

#: Where customers read: two services, a chat window with buttons, and one without.
Window = Literal["telegram", "slack", "web", "text"]
#: *ticked*: chosen among several; *done* ends these; *quiet* is no answer, such as Skip; a *link* opens a page.
Style = Literal["plain", "ticked", "done", "quiet", "link"]

#: what a phone shows of one row of Telegram's buttons, in letters, two of them for the edges of each button
_TELEGRAM_ROW = telegram.LABEL_WIDTH + 2
#: "text may truncate with ~30 characters", says Slack's reference of its buttons
_SLACK_LABEL = 30
#: labels of a scale are shorter
_SCALE_LABEL = 5


class Press(msgspec.Struct, frozen=True, kw_only=True):
    """A button as it is read, and what pressing it sends, or the address that it opens."""

    label: str
    token: str = ""
    url: str = ""
    style: Style = "plain"
    #: what a phone shows of the label, where that is less; empty: all of it
    cut: str = ""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """Buttons side by side; a *scale* of numbers or of *faces* fills its row, and *refusals* are smaller."""

    presses: tuple[Press, ...]
    kind: Literal["plain", "scale", "faces", "refusals"] = "plain"


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """A message in its order: texts, what was chosen, notes in smaller letters, rows of buttons, the scale's ends."""

    texts: tuple[str, ...]
    chosen: str = ""
    notes: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    low: str = ""
    high: str = ""

    @property
    def text(self) -> str:
        """All that is no button, in paragraphs."""
        chosen = f"✓ {self.chosen}" if self.chosen else ""
        return "\n\n".join(part for part in (*self.texts, chosen, *self.notes) if part)


def look_in(window: Window, content: Card | Text) -> Look:
    """A message as a customer reads it there."""
    match window:
        case "telegram":
            return _in_telegram(content)
        case "slack":
            return in_slack(content)
        case "web":
            return _in_a_window(content)
        case "text":
            return Look(texts=(as_text(content) if isinstance(content, Card) else with_links(content),))
        case _:
            assert_never(window)


def _in_telegram(content: Card | Text) -> Look:
    fields = telegram.draw(content)
    keyboard: list[list[Mapping[str, Any]]] = fields.get("reply_markup", {}).get("inline_keyboard", [])
    return Look(texts=(fields["text"],), rows=tuple(_keyboard_row(row) for row in keyboard))


def _keyboard_row(row: list[Mapping[str, Any]]) -> Row:
    room = _TELEGRAM_ROW // len(row) - 2
    presses = (
        _press(key["text"], key.get("callback_data", ""), key.get("url", ""), room if len(key["text"]) > 2 else 2)
        for key in row
    )
    return Row(presses=tuple(presses))


def in_slack(content: Card | Text | Remark | Alert) -> Look:
    """A message as a customer or an agent reads it in Slack."""
    blocks = slack.draw(content).blocks
    texts = [_block(block) for block in blocks if block["type"] not in ("actions", "context")]
    notes = [_block(block) for block in blocks if block["type"] == "context"]
    rows = [
        Row(presses=tuple(_element(each) for each in block["elements"]))
        for block in blocks
        if block["type"] == "actions" and block["elements"]
    ]
    return Look(texts=tuple(filter(None, texts)), notes=tuple(filter(None, notes)), rows=tuple(rows))


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


def _element(element: Mapping[str, Any]) -> Press:
    said: Mapping[str, Any] = element.get("text") or element.get("placeholder") or {}
    press = _press(str(said.get("text", "")), element.get("value", ""), element.get("url", ""), _SLACK_LABEL)
    return msgspec.structs.replace(press, style="ticked") if element.get("style") == "primary" else press


def _press(label: str, token: str, url: str, room: int) -> Press:
    cut = head(label, room) if width_of(label) > room else ""
    return Press(label=label, token=token, url=url, style="link" if url else "plain", cut=cut)


# ---- the widget, and other people's windows ------------------------------------------------------------------


def _in_a_window(content: Card | Text) -> Look:
    """The widget and other people's chat windows draw what the card says."""
    if isinstance(content, Text):
        return Look(texts=(content.text,), rows=tuple(_open(link) for link in content.links))
    rows = tuple(_row(row) for row in content.buttons if row)
    if content.chosen is not None:
        return Look(texts=(content.text,), chosen=content.chosen, rows=rows)
    refusals = (Row(presses=tuple(map(_answer, content.decline)), kind="refusals"),) if content.decline else ()
    return Look(texts=(content.text,), rows=(*rows, *refusals), low=content.low, high=content.high)


def _open(link: Link) -> Row:
    return Row(presses=(Press(label=link.label, url=link.url, style="link"),))


def _row(buttons: tuple[Button, ...]) -> Row:
    presses = tuple(map(_answer, buttons))
    if len(buttons) < 2 or any(len(button.label) >= _SCALE_LABEL for button in buttons):
        return Row(presses=presses)
    faces = not any(character.isalnum() or character == "★" for button in buttons for character in button.label)
    return Row(presses=presses, kind="faces" if faces else "scale")


def _answer(button: Button) -> Press:
    token = parse_token(button.token)
    value = token.value if isinstance(token, Token) else ""
    style: Style = "plain"
    if value == engine.DONE:
        style = "done"
    elif value.startswith("~") and not value.startswith(SPEAK):
        style = "quiet"
    elif button.selected:
        style = "ticked"
    return Press(label=button.label, token=button.token, style=style)


def hint_of(content: Card | Text) -> str:
    """What a window of words alone says of a card beside its buttons: the ends of its scale, else how to answer."""
    if isinstance(content, Text) or content.chosen is not None:
        return ""
    return "\n\n".join(part for part in (ends(content), "" if content.buttons else content.hint) if part)
