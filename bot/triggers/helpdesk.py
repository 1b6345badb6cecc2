"""What a helpdesk's module hands over."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.config import TriggerSettings
from bot.triggers.bodies import Delivery, Node
from bot.triggers.signing import IsSigned, never_signed
from bot.triggers.tellings import Telling

#: One event -> what it tells: mostly one thing, at times two (a last word and the end), never nothing.
Read = Callable[[Node, Delivery, TriggerSettings], Sequence[Telling]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Helpdesk:
    """How one vendor's webhooks are believed and read."""

    read: Read
    signed: IsSigned = never_signed
    #: headers of the vendor's own that carry a shared secret, in lower case
    secret_headers: tuple[str, ...] = ()
    #: whether an admin writes the body, and the helpdesk puts texts into it as they are
    template: bool = False
    #: a header that must be sent back in the answer, in lower case
    challenge: str = ""
    #: where the conversation stands in some of the events: key paths of the config are looked up there, too
    inner: tuple[str, ...] = ()
