"""Front: webhooks of rules and of applications.

Both sign as ``X-Front-Signature``: a rule's is the base64 of HMAC-SHA1 of the body with the API secret
(dev.frontapp.com/docs/rule-webhooks), an application's that of HMAC-SHA256 of ``<timestamp>:<body>``, the timestamp in
milliseconds in ``X-Front-Request-Timestamp`` (dev.frontapp.com/docs/application-webhooks). An application's webhook is
tried with a challenge when it is saved.
"""

from collections.abc import Sequence

from bot.config import TriggerSettings
from bot.conversations.dealings import Beside, Ended, Happening, Resumed, Spoke
from bot.triggers.bodies import Delivery, Node
from bot.triggers.helpdesk import Helpdesk
from bot.triggers.signing import any_same, base64_mac, lately, time_in
from bot.triggers.tellings import Telling, at_odds, beside, full_name, known, not_understood, soon_after
from bot.webhook_signatures import octets

_ENDED = ("archive", "conversation_archived", "resolve", "conversation_resolved")
_RESUMED = ("reopen", "restore", "conversation_reopened", "conversation_restored")
_IN, _OUT = ("inbound", "inbound_received"), ("outbound", "out_reply", "outbound_sent")
#: statuses and categories of a conversation that is over
_OVER = ("archived", "resolved")


def _signed(delivery: Delivery, secrets: Sequence[str]) -> bool:
    offered, written = delivery.header("x-front-signature").strip(), delivery.header("x-front-request-timestamp")
    if not written:
        return any_same(offered, [base64_mac(secret, delivery.body, "sha1") for secret in secrets])
    signed = octets(written.strip()) + b":" + delivery.body
    right = [base64_mac(secret, signed, "sha256") for secret in secrets]
    return lately(time_in(written), delivery.at) and any_same(offered, right)


def _read(event: Node, _delivery: Delivery, _settings: TriggerSettings) -> Sequence[Telling]:
    inner = event.at("payload")
    if inner.is_object and not event.at("conversation").is_object:
        kind, event = inner.at("type").text or event.at("type").text, inner
    else:
        kind = event.at("type").text
    conversation = event.at("conversation")
    happening, reference = _happening(kind, event, conversation), conversation.at("id").text
    if not reference and not isinstance(happening, Beside):
        happening = not_understood(kind, 'conversation.id=""')
    return [
        Telling(
            happening=happening,
            reference=reference,
            event=event.at("id").text,
            name=conversation.at("recipient.name").text,
            tags=conversation.at("tags").texts("name"),
            attributes=known(
                agent=full_name(conversation.at("assignee")),
                subject=conversation.at("subject").text,
                link=f"https://app.frontapp.com/open/{reference}" if reference else "",
            ),
        )
    ]


def _happening(kind: str, event: Node, conversation: Node) -> Happening:
    at, status = event.at("emitted_at").time, conversation.at("status").word
    over = status in _OVER or conversation.at("status_category").word in _OVER
    if kind in _ENDED:
        return Ended(at=at) if over or not status else at_odds(kind, f"status={status}")
    if kind in _RESUMED:
        return at_odds(kind, f"status={status}") if over else Resumed(at=at)
    if kind not in (*_IN, *_OUT):
        return beside(kind)
    first = soon_after(event.at("target.data.created_at").time or at, conversation.at("created_at").time)
    if kind in _IN:
        return Spoke(by="customer", at=at, first=first)
    # Rules answer without an author.
    human = event.at("target.data.author").is_something and event.at("source._meta.type").word not in ("rule", "api")
    return Spoke(by="agent" if human else "bot", at=at, first=first)


FRONT = Helpdesk(read=_read, signed=_signed, challenge="x-front-challenge", inner=("payload",))
