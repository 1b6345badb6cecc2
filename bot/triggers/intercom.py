"""Intercom: notifications of the topics of an app.

Signed by ``X-Hub-Signature: sha1=<hex>`` with the app's client secret. Topics and models:
developers.intercom.com/docs/references/webhooks/webhook-models.
"""

from collections.abc import Sequence
from datetime import datetime

from bot.config import TriggerSettings
from bot.conversations.dealings import Author, Beside, Ended, Happening, Resumed, Spoke
from bot.triggers.bodies import Delivery, Node
from bot.triggers.helpdesk import Helpdesk
from bot.triggers.signing import hub_signed
from bot.triggers.tellings import Telling, at_odds, beside, full_name, known, not_understood

_CUSTOMERS = frozenset({"user", "lead", "contact"})
_STARTED: dict[str, Author] = {
    "customer_initiated": "customer",
    "admin_initiated": "agent",
    "campaigns_initiated": "agent",
    "operator_initiated": "bot",
    "automated": "bot",
}


def _read(event: Node, _delivery: Delivery, _settings: TriggerSettings) -> Sequence[Telling]:
    topic, item = event.at("topic").text, event.at("data.item")
    if not topic.startswith("conversation."):
        return [Telling(happening=beside(topic), event=event.at("id").text)]
    happening, reference = _happening(topic, item, _at(event, item)), item.at("id").text
    if not reference and not isinstance(happening, Beside):
        happening = not_understood(topic, 'data.item.id=""')
    contact = _contact(item)
    return [
        Telling(
            happening=happening,
            reference=reference,
            event=event.at("id").text,
            name=contact.at("name").text,
            locale=contact.first("language_override", "language", "locale").text,
            time_zone=contact.at("location_data.timezone").text,
            customer=_reference(contact),
            tags=item.at("tags.tags").texts("name"),
            attributes=known(
                agent=_agent(item),
                subject=item.first("title", "source.subject", "conversation_message.subject").text,
                link=item.at("links.conversation_web").text,
            ),
        )
    ]


def _happening(topic: str, item: Node, at: datetime | None) -> Happening:
    state = item.at("state").word or {True: "open", False: "closed", None: ""}[item.at("open").flag]
    match topic.removeprefix("conversation."):
        case "admin.closed" if state == "open":
            return at_odds(topic, "state=open")
        case "admin.closed":
            return Ended(at=at, human_answered=_answered(item), started_by=_started_by(item))
        case "admin.opened" if state == "closed":
            return at_odds(topic, "state=closed")
        case "admin.opened":
            return Resumed(at=at)
        case "user.created" | "contact.created":
            return Spoke(by="customer", at=at, first=True)
        case "user.replied" | "contact.replied":
            return Spoke(by="customer", at=at)
        case "admin.single.created":
            return Spoke(by="agent", at=at, first=True)
        case "admin.replied":
            return Spoke(by="bot" if _part(item).at("author.type").word == "bot" else "agent", at=at)
        case "operator.replied":
            return Spoke(by="bot", at=at)
        case _:
            return beside(topic)


def _part(item: Node) -> Node:
    parts = item.at("conversation_parts.conversation_parts").many
    return parts[-1] if parts else Node(None)


def _at(event: Node, item: Node) -> datetime | None:
    return _part(item).at("created_at").time or event.first("created_at", "first_sent_at").time


def _contact(item: Node) -> Node:
    """The customer; newer models keep little of them in a conversation, but their name stands with its first words."""
    contact = item.first("user", "contacts.contacts", "contacts")
    contact = contact.many[0] if contact.many else Node(None)
    author = item.at("source.author")
    if contact.at("name").text or author.at("type").word not in _CUSTOMERS:
        return contact
    return Node({**_fields(author), **_fields(contact), "name": author.at("name").text})


def _fields(node: Node) -> dict[str, object]:
    return node.value if isinstance(node.value, dict) else {}


def _reference(contact: Node) -> str:
    """The company's own reference; that of a lead is Intercom's invention."""
    if contact.at("type").word == "lead" or contact.at("role").word == "lead":
        return ""
    return contact.first("external_id", "user_id").text


def _agent(item: Node) -> str:
    assignee = item.at("assignee")
    if assignee.at("type").word == "admin":
        return full_name(assignee)
    author = _part(item).at("author")
    return full_name(author) if author.at("type").word == "admin" else ""


def _answered(item: Node) -> bool | None:
    statistics = item.at("statistics")
    return statistics.at("first_admin_reply_at").is_something if statistics.has("first_admin_reply_at") else None


def _started_by(item: Node) -> Author | None:
    told = _STARTED.get(item.at("source.delivered_as").word)
    if told is not None:
        return told
    author = item.first("source.author.type", "conversation_message.author.type").word
    if author in _CUSTOMERS:
        return "customer"
    return "agent" if author == "admin" else "bot" if author == "bot" else None


INTERCOM = Helpdesk(read=_read, signed=hub_signed, inner=("data.item",))
