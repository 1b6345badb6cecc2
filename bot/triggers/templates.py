"""The body that an admin pastes into a helpdesk whose webhooks are templates: Zendesk, Freshdesk, LiveAgent.

    {"event": "solved", "by": "", "ticket": {"id": "81", "status": "", "tags": "refund vip", "link": "https://..."},
     "customer": {"reference": "C-7", "name": "Lan", "language": "vi"}, "agent": "Minh"}

What happened stands in it as a word of ours, written by the admin: a status comes in the account's own language.
"""

from datetime import datetime

from bot.config import TriggerSettings
from bot.conversations.dealings import Author, Beside, Ended, Happening, Resumed, Spoke
from bot.triggers.bodies import Node
from bot.triggers.tellings import CLOSED, OPEN, Telling, beside, ended_unless, full_name, known, not_understood, yes

_COMMENT = frozenset({"comment", "message", "reply", "said"})
_AUTHORS: dict[str, Author] = {
    "customer": "customer",
    "end-user": "customer",
    "end user": "customer",
    "requester": "customer",
    "agent": "agent",
    "admin": "agent",
    "bot": "bot",
    "system": "bot",
}


def read_template(event: Node, settings: TriggerSettings, at: datetime | None, id: str = "") -> Telling:
    """What a body of this shape tells. ``at``: when the helpdesk sent it; ``id``: its own id of this telling."""
    ticket, customer = event.at("ticket"), event.at("customer")
    reference, kind = ticket.first("id", "number").text.removeprefix("#"), event.at("event").word
    happening = _happening(kind, event, settings, event.at("at").time or at)
    if not reference and not isinstance(happening, Beside):
        happening = not_understood(kind, 'ticket.id=""')
    return Telling(
        happening=happening,
        reference=reference,
        event=event.at("id").text or id,
        name=customer.at("name").text,
        locale=customer.at("language").text,
        time_zone=customer.at("time_zone").text,
        customer=customer.at("reference").text,
        # Zendesk writes spaces between tags, and allows none in them.
        tags=ticket.at("tags").texts("name", None if settings.kind == "zendesk" else ","),
        attributes=known(
            agent=event.at("agent").text or full_name(event.at("agent")),
            subject=ticket.at("subject").text,
            product=ticket.at("product").text,
            link=ticket.at("link").text,
            vip=yes(customer.at("vip")),
        ),
    )


def _happening(kind: str, event: Node, settings: TriggerSettings, at: datetime | None) -> Happening:
    status = event.at("ticket.status").word
    if kind in words(settings.ended, CLOSED):
        return ended_unless(kind, status, _ended(event, at))
    if kind in words(settings.resumed, OPEN):
        return Resumed(at=at)
    if kind not in words(settings.spoke, _COMMENT):
        return beside(kind) if kind else not_understood("", 'event=""')
    if event.at("public").flag is False:
        return beside(kind, "public=false")
    author = _AUTHORS.get(event.at("by").word)
    return not_understood(kind, f'by="{event.at("by").text}"') if author is None else Spoke(by=author, at=at)


def _ended(event: Node, at: datetime | None) -> Ended:
    ticket = event.at("ticket")
    return Ended(
        at=at,
        messages=ticket.at("messages").count,
        human_answered=ticket.at("human_answered").flag,
        started_by=_AUTHORS.get(ticket.at("started_by").word),
    )


def words(configured: tuple[str, ...], usual: frozenset[str]) -> frozenset[str]:
    """The words of the config in place of the usual ones, for comparing."""
    return frozenset(" ".join(word.casefold().split()) for word in configured) if configured else usual
