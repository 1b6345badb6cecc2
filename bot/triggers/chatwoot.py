"""Chatwoot: account webhooks and those of API inboxes.

Events: chatwoot.com/hc/user-guide/articles/1677693021. Signed since 4.11.2 (API inboxes: 4.13) by
``X-Chatwoot-Signature: sha256=<hex>`` over ``<X-Chatwoot-Timestamp>.<body>``. An event is written down some time after
it happened, with the conversation as it is then: an event about the end may come with one that is open again.
"""

from collections.abc import Sequence
from datetime import datetime

from bot.config import TriggerSettings
from bot.conversations.dealings import Beside, Ended, Happening, Resumed, Spoke
from bot.triggers.bodies import Delivery, Node
from bot.triggers.helpdesk import Helpdesk
from bot.triggers.signing import any_same, hex_mac, lately, time_in
from bot.triggers.tellings import Telling, at_odds, beside, full_name, known, not_understood, soon_after, yes
from bot.webhook_signatures import octets

_GOES_ON = ("open", "pending")
_INCOMING, _OUTGOING = ("incoming", "0"), ("outgoing", "1")


def _signed(delivery: Delivery, secrets: Sequence[str]) -> bool:
    seconds = delivery.header("x-chatwoot-timestamp").strip()
    if not lately(time_in(seconds), delivery.at):
        return False
    signed = octets(seconds) + b"." + delivery.body
    right = [f"sha256={hex_mac(secret, signed, 'sha256')}" for secret in secrets]
    return any_same(delivery.header("x-chatwoot-signature").strip(), right)


def _read(event: Node, delivery: Delivery, _settings: TriggerSettings) -> Sequence[Telling]:
    kind = event.at("event").text
    if kind.startswith("message_"):
        return [_about(event.at("conversation"), _message(kind, event), _message_id(event))]
    if not kind.startswith("conversation_"):
        return [Telling(happening=beside(kind))]
    return [_about(event, _status(kind, event), delivery.header("x-chatwoot-delivery"))]


def _about(conversation: Node, happening: Happening, event: str) -> Telling:
    contact, reference = conversation.at("meta.sender"), conversation.at("id").text
    if not reference and not isinstance(happening, Beside):
        happening = not_understood(type(happening).__name__.lower(), 'conversation.id=""')
    browser = conversation.at("additional_attributes")
    return Telling(
        happening=happening,
        reference=reference,
        event=event,
        name=contact.at("name").text,
        locale=browser.first("conversation_language", "browser_language", "browser.language").text,
        customer=_identifier(conversation, contact),
        tags=conversation.at("labels").texts("title"),
        attributes=known(
            agent=full_name(conversation.at("meta.assignee")),
            team=conversation.at("meta.team.name").text,
            vip=yes(contact.at("custom_attributes.vip")),
        ),
    )


def _identifier(conversation: Node, contact: Node) -> str:
    """The company's own reference; a visitor of the site can claim any, unless the company vouches for it."""
    vouched = conversation.first("contact_inbox.hmac_verified", "meta.hmac_verified").flag
    from_the_site = conversation.at("channel").word == "channel::webwidget"
    return "" if from_the_site and vouched is False else contact.at("identifier").text


def _status(kind: str, event: Node) -> Happening:
    status, changed = event.at("status").word, _changed(event, "status").word
    if kind == "conversation_updated" and not changed:
        return beside(kind)
    if changed and status and changed != status:
        return at_odds(kind, f"status→{changed}, status={status}")
    told, at = _told(kind, changed or status), _changed_at(event)
    match told:
        case "resolved" if status in ("resolved", ""):
            answered = event.at("first_reply_created_at").is_something
            return Ended(at=at, human_answered=answered if event.has("first_reply_created_at") else None)
        case "open" | "pending" if kind == "conversation_created" and status in _GOES_ON:
            return Resumed(at=event.at("created_at").time or at)
        case "open" | "pending" if status in (*_GOES_ON, ""):
            return Resumed(at=at)
        case "resolved" | "open" | "pending":
            return at_odds(kind, f"status={status}")
        case _:
            return beside(kind, f"status={told}" if told else "")


def _told(kind: str, status: str) -> str:
    """The status that an event speaks of: some say it in their name."""
    return {"conversation_resolved": "resolved", "conversation_opened": "open", "conversation_created": "open"}.get(
        kind, status
    )


def _changed(event: Node, name: str) -> Node:
    """The value that an attribute was changed to; the changes are a list of objects with one key each."""
    found = (each.at(name) for each in event.at("changed_attributes").many)
    change = next((node for node in found if node.is_something), Node(None))
    return change.first("current_value", "[1]") if change.is_object else change


def _changed_at(event: Node) -> datetime | None:
    # "timestamp" is the time of the last message: a reopening would seem to be as old as the end before it.
    return _changed(event, "updated_at").time or event.at("updated_at").time


def _message(kind: str, event: Node) -> Happening:
    if kind != "message_created":
        return beside(kind)
    if event.at("private").flag:
        return beside(kind, "private=true")
    at, began = event.at("created_at").time, event.at("conversation.created_at").time
    sort, first = event.at("message_type").word, soon_after(at, began)
    if sort in _INCOMING:
        return Spoke(by="customer", at=at, first=first)
    if sort in _OUTGOING:
        return Spoke(by="agent" if _is_human(event) else "bot", at=at, first=first)
    return beside(kind, sort)


def _is_human(event: Node) -> bool:
    """Rules and campaigns write without a sender, or in an agent's name."""
    by_rule = event.first("content_attributes.automation_rule_id", "additional_attributes.campaign_id").is_something
    sender = event.at("sender.type").word or event.at("sender_type").word
    return sender == "user" and not by_rule


def _message_id(event: Node) -> str:
    # The account's webhook and the inbox's both bring a message, as two deliveries.
    id = event.at("id").text
    return f"message:{id}" if id and event.at("event").text == "message_created" else ""


CHATWOOT = Helpdesk(read=_read, signed=_signed, inner=("conversation",))
