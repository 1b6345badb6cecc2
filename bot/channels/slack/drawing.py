"""What we send, as Slack's blocks with a plain fallback. Pure; nobody's words become markup.

Words stand in ``plain_text`` objects, and quotations in ``rich_text``, where Slack parses nothing. The fallback,
which notifications and screen readers show, is markup to Slack and is escaped. The only markup is the line that
calls people and groups by their ids.
"""

from collections.abc import Iterable, Sequence
from typing import Any, assert_never

import msgspec

from bot.channels.fallback import as_text, ends, with_links
from bot.channels.slack.parts import (
    FIELD,
    FIELDS,
    LABEL,
    SECTION,
    Block,
    button,
    context,
    escaped_within,
    mentioned,
    menu,
    openable,
    plain,
    quotation,
    quoted,
    rows_of,
    section,
)
from bot.channels.slack.plain import pieces, shown
from bot.languages.voice import Voice
from bot.messages import Alert, AlertItem, AlertMenu, Button, Card, CaseToken, Fact, Link, Remark, Text, parse_token

HEADER = 150
QUOTE = 1_500
BLOCKS = 50
#: lines of an alert's history, and quotations, facts and cases in it, that are shown; of what grows, the newest ones
HISTORY = 10
QUOTES = 5
FACTS = 30
ITEMS = 12
FILES = 10
#: Slack refuses a message whose blocks hold more than about 13,000 characters (undocumented, "msg_blocks_too_long").
ROOM = 9_000
#: what is tried when Slack found even that too long, since it may count escaped characters
LITTLE_ROOM = 1_500
#: even a crowd of facts is told with this much of each
SHORTEST_FACT = 40


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """A message as chat.postMessage and chat.update take it: blocks, and the escaped text that stands in for them."""

    text: str
    blocks: tuple[Block, ...]


def draw(content: Text | Card | Remark | Alert, room: int = ROOM) -> Drawn:
    """Draw a message within about ``room`` characters of words; longer ones end in an ellipsis."""
    match content:
        case Text():
            return _drawn(with_links(content), [*_sections(content.text, room), *rows_of(_links(content.links))])
        case Card():
            return _drawn(as_text(content), _card(content, room))
        case Remark():
            return _drawn(_as_said(content), _remark(content, room), calling=content.mentions)
        case Alert():
            return _drawn(content.summary, _alert(content, room), calling=content.mentions)
        case _:
            assert_never(content)


def _drawn(fallback: str, blocks: Iterable[Block], calling: Sequence[str] = ()) -> Drawn:
    calls = mentioned(calling)
    lead = f"{calls} " if calls else ""
    return Drawn(text=lead + escaped_within(fallback, SECTION - len(lead)), blocks=tuple(blocks)[:BLOCKS])


# ---- questions -------------------------------------------------------------------------------------------------


def _card(card: Card, room: int) -> Iterable[Block]:
    yield from _sections(card.text, room)
    if card.chosen is not None:
        yield section(f"✓ {card.chosen}")
    else:
        notes = [note for note in (ends(card), card.hint) if note.strip()]
        if notes:
            yield context(notes)
    for number, row in enumerate(card.buttons):
        yield from rows_of([_answer(each, f"{number}.{place}") for place, each in enumerate(row)])
    yield from rows_of([_answer(each, f"decline.{place}") for place, each in enumerate(card.decline)])


def _answer(answer: Button, action: str) -> Block:
    label = f"✓ {answer.label}" if answer.selected else answer.label
    return button(label, action, value=answer.token, primary=answer.selected)


# ---- alerts ----------------------------------------------------------------------------------------------------


def _alert(alert: Alert, room: int) -> Iterable[Block]:
    # A finished case is drawn in ordinary letters.
    if alert.closed:
        yield section(alert.summary)
    else:
        yield {"type": "header", "text": plain(alert.summary, HEADER)}
    yield from _calling(alert.mentions)
    yield from _facts(alert.facts[:FACTS], room)
    quotes = alert.quotes[-QUOTES:]
    for quote in quotes:
        yield quotation(quote.text, min(QUOTE, room // len(quotes)))
        yield from _files(quote.files)
    yield from _items(alert.items[:ITEMS], room, closed=alert.closed)
    if alert.history:
        yield context(["\n".join(alert.history[-HISTORY:])])
    # what is left of a finished case's buttons begins it anew
    yield from rows_of([*_deeds(alert.buttons), *([] if alert.closed else _menus(alert.menus))])
    yield from rows_of(_links(alert.links))


def _calling(mentions: Sequence[str]) -> Iterable[Block]:
    if calls := mentioned(mentions):
        yield {"type": "section", "text": {"type": "mrkdwn", "text": calls}}


def _facts(facts: Sequence[Fact], room: int) -> Iterable[Block]:
    each = min(FIELD, max(SHORTEST_FACT, room // (2 * max(1, len(facts)))))
    for start in range(0, len(facts), FIELDS):
        fields = [plain(f"{fact.label}: {fact.text}", each) for fact in facts[start : start + FIELDS]]
        yield {"type": "section", "fields": fields}


def _items(items: Sequence[AlertItem], room: int, *, closed: bool) -> Iterable[Block]:
    each = min(SECTION, room // max(1, len(items)))
    for number, item in enumerate(items):
        beside = None if closed or item.button is None else _deed(item.button, f"item.{number}")
        yield section(shown(item.text, each), beside)


def _deeds(buttons: Sequence[Button]) -> list[Block]:
    return [_deed(each, f"deed.{number}") for number, each in enumerate(buttons)]


def _deed(deed: Button, action: str) -> Block:
    token = parse_token(deed.token)
    # what stands out is what somebody should do first
    first = deed.selected or (isinstance(token, CaseToken) and token.action == "claim")
    return button(deed.label, action, value=deed.token, primary=first)


def _menus(menus: Sequence[AlertMenu]) -> list[Block]:
    drawn = []
    for number, each in enumerate(menus):
        if each.people and each.token:
            # whoever is chosen comes back beside this token
            drawn.append({"type": "users_select", "action_id": each.token, "placeholder": plain(each.label, LABEL)})
        elif not each.people:
            drawn.append(menu(each.label, f"menu.{number}", each.options))
    return [each for each in drawn if each.get("options") != []]


def _links(links: Sequence[Link]) -> list[Block]:
    good = [link for link in links if openable(link.url)]
    return [button(link.label, f"link.{number}", url=link.url) for number, link in enumerate(good[:FIELDS])]


# ---- in the thread of an alert -----------------------------------------------------------------------------------


def _remark(remark: Remark, room: int) -> Iterable[Block]:
    yield from _calling(remark.mentions)
    files = list(_files(remark.files))
    if remark.author:
        yield from _said_by(remark, room)
    elif remark.text.strip() or not files:
        yield from _sections(remark.text, room)
    yield from files


def _said_by(remark: Remark, room: int) -> Iterable[Block]:
    """Somebody's words in whole, as far as a message holds them: what they wrote stands nowhere else in Slack."""
    name = {"type": "text", "text": shown(remark.author, LABEL), "style": {"bold": True}}
    parts: list[Block] = [{"type": "rich_text_section", "elements": [name]}]
    said = pieces(remark.text, min(SECTION, room), max(1, room // SECTION))
    if remark.text.strip() or not remark.files:
        parts.append(quoted(said[0], SECTION))
    yield {"type": "rich_text", "elements": parts}
    yield from (quotation(piece, SECTION) for piece in said[1:])
    if not shown(remark.text, 2 * len(remark.text)).rstrip().endswith(said[-1].rstrip()):
        yield context([Voice(remark.locale, remark.own).say("desk.more_words")])


def _files(links: Sequence[Link]) -> Iterable[Block]:
    good = [link for link in links if openable(link.url)][:FILES]
    if good:
        yield {"type": "rich_text", "elements": [_file(link) for link in good]}


def _file(link: Link) -> Block:
    shape: dict[str, Any] = {"type": "link", "url": link.url, "text": shown(link.label, LABEL)}
    return {"type": "rich_text_section", "elements": [{"type": "text", "text": "📎 "}, shape]}


def _as_said(remark: Remark) -> str:
    words = remark.text if remark.text.strip() else ", ".join(link.label for link in remark.files)
    return f"{remark.author}: {words}" if remark.author else words


def _sections(text: str, room: int) -> list[Block]:
    most = max(1, room // SECTION)
    return [section(piece) for piece in pieces(text, min(SECTION, room), most)]
