"""Helpdesks' webhooks: is one believed, and what does it tell. Nothing here waits, keeps or logs anything."""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from msgspec.structs import replace

from bot.config import TriggerSettings
from bot.triggers.bodies import Delivery, Node, body_of, events_in
from bot.triggers.registry import HELPDESKS
from bot.triggers.signing import carries_secret
from bot.triggers.tellings import NAMELESS, Telling, not_understood

__all__ = ["NAMELESS", "Delivery", "Telling", "challenged_with", "is_believed", "not_understood", "read_delivery"]

#: events of one delivery that are read; who sends more sends no events
MOST_EVENTS = 100
#: fields of the config that are no attributes
OWN_FIELDS = frozenset(
    {
        *("reference", "event", "id", "at", "by", "messages", "human_answered", "started_by"),
        *("name", "locale", "time_zone", "tags"),
    }
)
#: how a whole delivery is called where an event's name would stand
_A_BODY = "POST"
_CHALLENGE = re.compile(r"[A-Za-z0-9._~+/=-]{1,200}")
_BLANK = re.compile(r"\{([^{}]+)\}")


def is_believed(delivery: Delivery, settings: TriggerSettings) -> bool:
    """Whether the vendor signed it, or it carries a shared secret."""
    helpdesk = HELPDESKS[settings.kind]
    headers = (*helpdesk.secret_headers, *((settings.header,) if settings.header else ()))
    signed = helpdesk.signed(delivery, settings.signing_secrets) if settings.signing_secrets else False
    return signed or carries_secret(delivery, settings.secrets, headers)


def challenged_with(delivery: Delivery, settings: TriggerSettings) -> str:
    """What a believed delivery wants to read in the answer, by which a vendor tries a new webhook; mostly nothing."""
    header = HELPDESKS[settings.kind].challenge
    challenge = delivery.header(header).strip() if header else ""
    return challenge if _CHALLENGE.fullmatch(challenge) else ""


def read_delivery(delivery: Delivery, settings: TriggerSettings) -> Sequence[Telling]:
    """Everything that a delivery tells, at least one thing, whatever it holds."""
    try:
        body = body_of(delivery, template=HELPDESKS[settings.kind].template)
    except ValueError:
        return [Telling(happening=not_understood(_A_BODY, "≠ JSON"))]
    told = [telling for event in events_in(body, MOST_EVENTS) for telling in _read_event(event, delivery, settings)]
    if isinstance(body, list) and len(body) > MOST_EVENTS:
        told.append(Telling(happening=not_understood(_A_BODY, f"[{len(body)}]")))
    return told or [Telling(happening=not_understood(_A_BODY, "[]"))]


def _read_event(event: Node, delivery: Delivery, settings: TriggerSettings) -> Sequence[Telling]:
    if not event.is_object:
        return [Telling(happening=not_understood(_A_BODY, "≠ {…}"))]
    helpdesk = HELPDESKS[settings.kind]
    roots = [event, *(inner for path in helpdesk.inner if (inner := event.at(path)).is_object)]
    return [_as_configured(telling, _Roots(roots), settings) for telling in helpdesk.read(event, delivery, settings)]


class _Roots:
    """Where key paths of the config are looked up: in the event, and in what some of its kind wrap."""

    def __init__(self, roots: Sequence[Node]) -> None:
        self._roots = roots

    def at(self, path: str) -> Node:
        found = (root.at(path) for root in self._roots) if path else iter(())
        return next((node for node in found if node.is_something), Node(None))


def _as_configured(telling: Telling, roots: _Roots, settings: TriggerSettings) -> Telling:
    """The telling with what the config's own key paths lead to."""
    own = {name: text for name, path in settings.fields.items() if (text := _shown(roots.at(path)))}
    attributes = {name: text for name, text in own.items() if name not in OWN_FIELDS}
    link = _link(telling, roots, settings)
    return replace(
        telling,
        name=own.get("name", telling.name),
        locale=own.get("locale", telling.locale),
        time_zone=own.get("time_zone", telling.time_zone),
        tags=roots.at(settings.fields["tags"]).texts("name") if "tags" in settings.fields else telling.tags,
        customer=roots.at(settings.customer).text if settings.customer else telling.customer,
        address=roots.at(settings.address).text if settings.address else "",
        attributes={**telling.attributes, **link, **attributes},
    )


def _shown(node: Node) -> str:
    """A value as an attribute: true and false in words."""
    return str(node.value).lower() if isinstance(node.value, bool) else node.text


def _link(telling: Telling, roots: _Roots, settings: TriggerSettings) -> Mapping[str, str]:
    if not settings.link or not telling.reference:
        return {}

    def filled(blank: re.Match[str]) -> str:
        name = blank[1]
        return quote(telling.reference if name == "reference" else roots.at(name).text, safe="", errors="ignore")

    return {"link": _BLANK.sub(filled, settings.link)}
