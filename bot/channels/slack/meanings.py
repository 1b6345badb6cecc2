"""What reading a body from Slack comes to, and what all readers need for it."""

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

from bot.channels.names import shown_name
from bot.channels.slack.forms import OpenForm
from bot.channels.slack.plain import text_at
from bot.messages import ChannelName, Inbound

ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_KEY = re.compile(r"[!-~]{1,120}", re.ASCII)


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where something was done, so that the person there can be answered at once.

    A *command* and a *submission* are answered in the response's own body, a *choice* by changing its form.
    """

    kind: Literal["message", "thread", "press", "choice", "submission", "command", "shortcut"]
    user: str
    conversation: str = ""
    #: the ts of the thread that it was done in
    thread: str = ""
    #: whether that thread stands under a message of our bot's
    of_ours: bool = False
    response_url: str = ""
    #: the right to open a form, for three seconds
    trigger: str = ""
    form: OpenForm | None = None


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """What every inbound event tells of how it came."""

    channel: ChannelName
    at: datetime
    raw: bytes
    #: our bot's user id, if it is known
    bot: str = ""

    def key(self, kind: str, id: str) -> str:
        """The dedupe key; a body without a usable id is known by its content."""
        return f"slack:{self.channel}:{kind}:{id if _KEY.fullmatch(id) else digest(self.raw)}"


class Meant(msgspec.Struct, frozen=True, kw_only=True):
    inbound: Inbound
    origin: Origin


class Hint(msgspec.Struct, frozen=True, kw_only=True):
    """Something that needs no deciding: a sentence of the language packs for whoever did it."""

    key: str
    origin: Origin


class Nothing(msgspec.Struct, frozen=True, kw_only=True):
    """Understood, and none of our business; ``alarm`` is for the operator's log."""

    alarm: str = ""


class Unknown(msgspec.Struct, frozen=True, kw_only=True):
    why: str


Reading = Meant | Hint | Nothing | Unknown


def digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()[:32]


def name_of(person: Mapping[str, Any], *keys: str) -> str | None:
    """The first of these names of which something can be seen."""
    names = (shown_name(text_at(person, key)) for key in keys)
    return next((name for name in names if name), None)
