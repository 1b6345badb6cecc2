"""What passes between channels and the rest: inbound events, outbound messages, addresses, button tokens.

Small and closed. Channels translate to and from these types and nothing else travels across that border.
"""

from datetime import datetime
from typing import Literal, NewType

import msgspec

from bot.ids import CaseId, ConversationId

ChannelName = NewType("ChannelName", str)


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """How one channel names one person; ``Address(channel="telegram", key="5512")``.

    The key is what the channel's own service needs to reach the person: a Telegram user id, or
    ``<chat id>/<user id>`` in a group; a Slack user id, or a Slack channel id for the agents' room;
    a web-chat session id.
    """

    channel: ChannelName
    key: str


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What a channel tells of a sender: a name to show and an IETF language tag, where it knows them."""

    name: str | None = None
    language: str | None = None


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A file, photo or voice note by the channel's own reference."""

    kind: Literal["photo", "voice", "file"]
    reference: str
    name: str | None = None


# ---- inbound -----------------------------------------------------------------------------------------
# `event` is the dedupe key: unique per channel instance and kind, such as "telegram:update:812".


class Tapped(msgspec.Struct, frozen=True, kw_only=True, tag="tapped"):
    """A customer pressed one of our buttons; ``token`` is the text that the button carried."""

    event: str
    sender: Address
    token: str
    at: datetime
    profile: Profile = Profile()


class Wrote(msgspec.Struct, frozen=True, kw_only=True, tag="wrote"):
    """A customer wrote words or sent a file."""

    event: str
    sender: Address
    text: str
    at: datetime
    profile: Profile = Profile()
    attachments: tuple[Attachment, ...] = ()


CommandName = Literal["start", "feedback", "stop"]


class Commanded(msgspec.Struct, frozen=True, kw_only=True, tag="commanded"):
    """A customer used a command of the channel: ``/start <argument>``, ``/feedback``, ``/stop``."""

    event: str
    sender: Address
    command: CommandName
    at: datetime
    argument: str = ""
    profile: Profile = Profile()


class Left(msgspec.Struct, frozen=True, kw_only=True, tag="left"):
    """A customer blocked us, or was found gone when we sent: an opt-out."""

    event: str
    sender: Address
    at: datetime


class Returned(msgspec.Struct, frozen=True, kw_only=True, tag="returned"):
    """A customer unblocked us."""

    event: str
    sender: Address
    at: datetime


class Moved(msgspec.Struct, frozen=True, kw_only=True, tag="moved"):
    """A chat got a new key (Telegram's group migration)."""

    event: str
    sender: Address
    to: Address
    at: datetime


class AgentPressed(msgspec.Struct, frozen=True, kw_only=True, tag="agent_pressed"):
    """A support agent pressed a button of an alert; ``token`` is the text that the button carried."""

    event: str
    agent: Address
    agent_name: str
    token: str
    at: datetime


class Unread(msgspec.Struct, frozen=True, kw_only=True, tag="unread"):
    """A validly signed body that nobody here understands: kept aside for the operator, never retried."""

    event: str
    channel: ChannelName
    at: datetime
    why: str
    body: bytes


Inbound = Tapped | Wrote | Commanded | Left | Returned | Moved | AgentPressed | Unread


# ---- outbound ----------------------------------------------------------------------------------------


class Button(msgspec.Struct, frozen=True, kw_only=True):
    """One tappable answer; ``selected`` marks what is ticked in a multiple choice."""

    label: str
    token: str
    selected: bool = False


class Text(msgspec.Struct, frozen=True, kw_only=True, tag="text"):
    """Words alone. Always plain text: a channel escapes whatever its service would read as markup."""

    text: str
    locale: str = "en"


class Card(msgspec.Struct, frozen=True, kw_only=True, tag="card"):
    """A question, or a question that was answered.

    ``buttons`` are rows as they should stand where there is room (a channel may wrap them).
    ``chosen`` is the label of the answer given; then the only button left is *Change*, or none.
    ``hint`` says how to answer in words, for channels without buttons and for re-asking.
    ``low`` and ``high`` label the ends of a scale.
    """

    text: str
    buttons: tuple[tuple[Button, ...], ...] = ()
    chosen: str | None = None
    hint: str = ""
    low: str = ""
    high: str = ""
    locale: str = "en"
    #: whether words are an answer to this card (a chat window then offers its text field)
    typing: bool = True


class AlertOf(msgspec.Struct, frozen=True, kw_only=True, tag="alert_of"):
    """The alert of a case as the case is at the moment of sending, so that a late retry cannot bring back old text."""

    case: CaseId


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """One labelled line of an alert, such as ``Fact(label="Agent", text="Minh")``."""

    label: str
    text: str


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """Words of a customer, shown as a quotation; ``at`` is when they were written."""

    text: str
    at: datetime


class Alert(msgspec.Struct, frozen=True, kw_only=True, tag="alert"):
    """The message that tells the team of a case, ready for a channel to draw; all texts are plain."""

    case: CaseId
    #: one line for notifications and for clients that show no more
    summary: str
    facts: tuple[Fact, ...]
    quotes: tuple[Quote, ...]
    #: who did what, newest last
    history: tuple[str, ...]
    buttons: tuple[Button, ...]
    #: drawn as finished: withdrawn, resolved
    closed: bool = False


Content = Text | Card | AlertOf | Alert
OutboundKind = Literal["post", "edit", "relay"]


class Outbound(msgspec.Struct, frozen=True, kw_only=True):
    """One message on its way to one address.

    ``slot`` names the message for good: the remote message id of a *post* is remembered under it, and an
    *edit* of the same slot changes that message. ``lane`` is the order that it keeps. A *relay* is an agent's
    own words to a customer, or a customer's to the agents.
    """

    kind: OutboundKind
    to: Address
    lane: str
    slot: str
    content: Content
    #: names this message on its way, the same at each attempt: what a receiver may tell repetitions by
    key: str = ""


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What a service answered to a message that it took; ``remote`` is what an edit needs to find it again."""

    remote: str


# ---- tokens ------------------------------------------------------------------------------------------
# 1.<conversation>.<turn>.<value>   a customer's button
# c1.<case>.<action>                an agent's button
# The leading version lets a later release change the shape while old buttons go on working.

TOKEN_BYTES = 64


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """The text in a customer's button: which conversation, which of its turns asked, and the value."""

    conversation: ConversationId
    turn: int
    value: str


class CaseToken(msgspec.Struct, frozen=True, kw_only=True):
    """The text in an agent's button."""

    case: CaseId
    action: str


def format_token(token: Token | CaseToken) -> str:
    """The button text, at most 64 bytes for option ids of at most 40 bytes.

    >>> format_token(Token(conversation=ConversationId("0k3f9x2m7q8d4h1z"), turn=3, value="10"))
    '1.0k3f9x2m7q8d4h1z.3.10'
    """
    if isinstance(token, CaseToken):
        return f"c1.{token.case}.{token.action}"
    return f"1.{token.conversation}.{token.turn}.{token.value}"


def parse_token(text: str) -> Token | CaseToken | None:
    """The token in a button, or None for text of another maker, a later version or a forger."""
    if len(text.encode("utf-8", "surrogatepass")) > TOKEN_BYTES:
        return None
    version, _, rest = text.partition(".")
    if version == "c1":
        case, _, action = rest.partition(".")
        return CaseToken(case=CaseId(case), action=action) if case and action else None
    if version != "1":
        return None
    conversation, _, rest = rest.partition(".")
    turn, _, value = rest.partition(".")
    if not (conversation and value and turn.isascii() and turn.isdigit() and len(turn) <= 9):
        return None
    return Token(conversation=ConversationId(conversation), turn=int(turn), value=value)
