"""Any other helpdesk or program: the config says where in its body each field stands. Signed by Standard Webhooks."""

from collections.abc import Sequence

from bot.config import TriggerSettings
from bot.conversations.dealings import Author, Beside, Ended, Happening, Resumed, Spoke
from bot.triggers.bodies import Delivery, Node
from bot.triggers.helpdesk import Helpdesk
from bot.triggers.signing import standard_signed
from bot.triggers.tellings import Telling, beside, known, not_understood
from bot.triggers.templates import words

_AUTHORS: dict[str, Author] = {"customer": "customer", "agent": "agent", "bot": "bot"}


def _read(event: Node, delivery: Delivery, settings: TriggerSettings) -> Sequence[Telling]:
    fields = _Fields(event, settings)
    kind, reference = fields["event"].text, fields["reference"].text
    happening = _happening(kind, fields, settings)
    if not reference and not isinstance(happening, Beside):
        happening = not_understood(kind, f'{settings.fields.get("reference", "reference")}=""')
    return [
        Telling(
            happening=happening,
            reference=reference,
            event=fields["id"].text or delivery.header("webhook-id"),
            name=fields["name"].text,
            locale=fields["locale"].text,
            time_zone=fields["time_zone"].text,
            tags=fields["tags"].texts("name"),
            attributes=known(agent=fields["agent"].text),
        )
    ]


class _Fields:
    """The values that the config's key paths lead to."""

    def __init__(self, event: Node, settings: TriggerSettings) -> None:
        self._event = event
        self._paths = settings.fields

    def __getitem__(self, name: str) -> Node:
        path = self._paths.get(name)
        return self._event.at(path) if path else Node(None)


def _happening(kind: str, fields: _Fields, settings: TriggerSettings) -> Happening:
    at, word = fields["at"].time, " ".join(kind.casefold().split())
    by = _AUTHORS.get(fields["by"].word)
    if "event" not in settings.fields or word in words(settings.ended, frozenset()):
        return Ended(
            at=at,
            messages=fields["messages"].count,
            human_answered=fields["human_answered"].flag,
            started_by=_AUTHORS.get(fields["started_by"].word),
        )
    if word in words(settings.resumed, frozenset()):
        return Resumed(at=at)
    if word in words(settings.spoke, frozenset()):
        return not_understood(kind, f'by="{fields["by"].text}"') if by is None else Spoke(by=by, at=at)
    return beside(kind) if kind else not_understood("", f'{settings.fields["event"]}=""')


GENERIC = Helpdesk(read=_read, signed=standard_signed)
