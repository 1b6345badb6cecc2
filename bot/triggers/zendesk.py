"""Zendesk: webhooks of triggers, with the body that the documentation gives, and event subscriptions.

Signed by ``X-Zendesk-Webhook-Signature: <base64 of HMAC-SHA256 of timestamp and body>``, the timestamp in
``X-Zendesk-Webhook-Signature-Timestamp`` (developer.zendesk.com/documentation/webhooks/verifying). Events:
developer.zendesk.com/api-reference/webhooks/event-types/ticket-events.
"""

from collections.abc import Sequence

from bot.config import TriggerSettings
from bot.conversations.dealings import Beside, Ended, Happening, Resumed, Spoke
from bot.triggers.bodies import Delivery, Node
from bot.triggers.helpdesk import Helpdesk
from bot.triggers.signing import any_same, base64_mac, lately, time_in
from bot.triggers.tellings import CLOSED, Telling, beside, ended_unless, known, not_understood
from bot.triggers.templates import read_template
from bot.webhook_signatures import octets

_EVENT = "zen:event-type:"
_TIME = "x-zendesk-webhook-signature-timestamp"


def _signed(delivery: Delivery, secrets: Sequence[str]) -> bool:
    written = delivery.header(_TIME).strip()
    if not lately(time_in(written), delivery.at):
        return False
    signed = octets(written) + delivery.body
    right = [base64_mac(secret, signed, "sha256") for secret in secrets]
    return any_same(delivery.header("x-zendesk-webhook-signature").strip(), right)


def _read(event: Node, delivery: Delivery, settings: TriggerSettings) -> Sequence[Telling]:
    kind = event.at("type").text
    if kind.startswith(_EVENT):
        return [_event(kind.removeprefix(_EVENT), event)]
    # The placeholders for times are to the minute, which cannot tell a reopening from the end before it.
    sent, id = time_in(delivery.header(_TIME)), delivery.header("x-zendesk-webhook-invocation-id")
    return [read_template(event, settings, sent, id)]


def _event(kind: str, event: Node) -> Telling:
    ticket = event.at("detail")
    happening, reference = _happening(kind, event, ticket), ticket.at("id").text
    if not reference and not isinstance(happening, Beside):
        happening = not_understood(kind, 'detail.id=""')
    return Telling(
        happening=happening,
        reference=reference if kind.startswith("ticket.") else "",
        event=event.at("id").text,
        tags=ticket.at("tags").texts(),
        attributes=known(subject=ticket.at("subject").text),
    )


def _happening(kind: str, event: Node, ticket: Node) -> Happening:
    at = event.at("time").time
    match kind:
        case "ticket.created":
            return Resumed(at=at)
        case "ticket.status_changed":
            return _status(kind, event, ticket)
        case "ticket.comment_added":
            comment = event.at("event.comment")
            if comment.at("is_public").flag is not True:
                return beside(kind, "is_public=false")
            return Spoke(by="agent" if comment.at("author.is_staff").flag else "customer", at=at)
        case _:
            return beside(kind)


def _status(kind: str, event: Node, ticket: Node) -> Happening:
    before, now = event.at("event.previous").word, event.at("event.current").word
    if now not in CLOSED:
        return Resumed(at=event.at("time").time) if now else not_understood(kind, 'event.current=""')
    if before in CLOSED:
        # Zendesk closes what was solved some days later, by itself.
        return beside(kind, f"status={before}→{now}")
    return ended_unless(kind, ticket.at("status").word, Ended(at=event.at("time").time))


ZENDESK = Helpdesk(read=_read, signed=_signed, template=True, inner=("detail",))
