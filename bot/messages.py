"""What passes between channels and the rest: inbound events, outbound messages, addresses, button tokens.

Small and closed. Channels translate to and from these types and nothing else travels across that border.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, NewType

import msgspec

from bot.ids import CaseId, ConversationId, IncidentId

ChannelName = NewType("ChannelName", str)


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """How one channel names one person; ``Address(channel="telegram", key="5512")``.

    The key is what the channel's own service needs to reach the person: a Telegram user id, or
    ``<chat id>/<user id>`` in a group; a Slack user id, or a Slack channel id for the agents' room;
    a web-chat session id.
    """

    channel: ChannelName
    key: str


def in_group(address: Address) -> bool:
    """Whether others read along there: everybody of the group sees what this person is sent."""
    return "/" in address.key


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


#: How a customer's words are to be taken: as *said*; as what they *showed* in place of words, such as where they are,
#: which answers nothing but a question for words; or as what they *edited* afterwards, which answers nothing at all.
Manner = Literal["said", "showed", "edited"]


class Wrote(msgspec.Struct, frozen=True, kw_only=True, tag="wrote"):
    """A customer wrote words or sent a file."""

    event: str
    sender: Address
    text: str
    at: datetime
    profile: Profile = Profile()
    attachments: tuple[Attachment, ...] = ()
    #: names what came together in several messages, such as the pictures of an album: all of it is one reply
    group: str = ""
    manner: Manner = "said"


CommandName = Literal["start", "feedback", "stop", "human", "language"]


class Commanded(msgspec.Struct, frozen=True, kw_only=True, tag="commanded"):
    """A customer used a command of the channel: ``/start <argument>``, ``/feedback``, ``/human``, ``/language it``."""

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


# What an agent may do with a case, however they said it: by a button, a form, a thread, the API or the page.


class Claim(msgspec.Struct, frozen=True, kw_only=True, tag="claim"):
    """Take a case that nobody has."""


class Release(msgspec.Struct, frozen=True, kw_only=True, tag="release"):
    """Give a case back."""


class Assign(msgspec.Struct, frozen=True, kw_only=True, tag="assign"):
    """Give a case to someone."""

    to: Address
    to_name: str


class Relay(msgspec.Struct, frozen=True, kw_only=True, tag="relay"):
    """Say something to the customer, in the company's name; ``template`` is the ready answer it began as."""

    text: str
    template: str = ""


class Snooze(msgspec.Struct, frozen=True, kw_only=True, tag="snooze"):
    """Hear no reminders until a time; ``until`` None: the next morning of the team."""

    until: datetime | None


class Resolve(msgspec.Struct, frozen=True, kw_only=True, tag="resolve"):
    """Say what the cause was (an id of the settings) and what was done about it."""

    cause: str
    action: str


class Reopen(msgspec.Struct, frozen=True, kw_only=True, tag="reopen"):
    """Work again on a case that is resolved, came to its end, or was withdrawn."""


Deed = Claim | Release | Assign | Relay | Snooze | Resolve | Reopen


class AgentDid(msgspec.Struct, frozen=True, kw_only=True, tag="agent_did"):
    """A support agent did something with a case.

    ``agent.channel`` tells from where: the Slack channel instance of the desk, or ``api`` for the HTTP API and page.
    """

    event: str
    agent: Address
    agent_name: str
    case: CaseId
    deed: Deed
    at: datetime


class AgentWrote(msgspec.Struct, frozen=True, kw_only=True, tag="agent_wrote"):
    """Someone wrote in a thread of a room where agents work; ``thread`` is the remote id of its first message.

    Words that begin with ``//`` stay among the agents.
    """

    event: str
    agent: Address
    agent_name: str
    thread: str
    text: str
    at: datetime
    attachments: tuple[Attachment, ...] = ()
    #: what the message said before it was changed; None: it is new
    was: str | None = None


class AgentAsks(msgspec.Struct, frozen=True, kw_only=True, tag="agent_asks"):
    """A support agent wants a customer to be asked now; ``about`` is the channel's name of what it is about."""

    event: str
    agent: Address
    agent_name: str
    customer: Address
    about: str
    at: datetime
    profile: Profile = Profile()
    #: a flow's id; empty: the first flow of the settings
    flow: str = ""
    #: whether they are of the desk, who alone may; None: that could not be told in time
    of_the_desk: bool | None = None


class AgentWonders(msgspec.Struct, frozen=True, kw_only=True, tag="agent_wonders"):
    """A support agent wants to know why someone was or was not asked.

    ``query`` is a reference of a customer or of a dealing, or an address key. ``rooms`` names the room in which
    they ask, by its id and its name as ``#name``: only who is in a room of the desk is told.
    """

    event: str
    agent: Address
    agent_name: str
    rooms: tuple[str, ...]
    query: str
    at: datetime


class NotDelivered(msgspec.Struct, frozen=True, kw_only=True, tag="not_delivered"):
    """An agent's words did not reach the customer and will not; ``why`` is fit for the agents' eyes."""

    event: str
    case: CaseId
    #: the slot of the message that was given up
    slot: str
    why: str
    at: datetime
    #: only not yet: they are still tried
    yet: bool = False


class Unread(msgspec.Struct, frozen=True, kw_only=True, tag="unread"):
    """A validly signed body that nobody here understands: kept aside for the operator, never retried."""

    event: str
    channel: ChannelName
    at: datetime
    why: str
    body: bytes


Inbound = (
    Tapped
    | Wrote
    | Commanded
    | Left
    | Returned
    | Moved
    | AgentPressed
    | AgentDid
    | AgentWrote
    | AgentAsks
    | AgentWonders
    | NotDelivered
    | Unread
)


# ---- outbound ----------------------------------------------------------------------------------------


class Button(msgspec.Struct, frozen=True, kw_only=True):
    """One tappable answer; ``selected`` marks what is ticked in a multiple choice."""

    label: str
    token: str
    selected: bool = False


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """Something to open: an http or https address."""

    label: str
    url: str


class Text(msgspec.Struct, frozen=True, kw_only=True, tag="text"):
    """Words alone. Always plain text: a channel escapes whatever its service would read as markup.

    ``links`` stand below as buttons that open a page; where there are none, as "label: address".
    """

    text: str
    locale: str = "en"
    links: tuple[Link, ...] = ()


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
    #: ways to say no to the whole survey, drawn below the answers and smaller where a channel can; never numbered
    decline: tuple[Button, ...] = ()
    #: what the flow's author says differently of ``decline``, for channels that put it in words
    own: Mapping[str, Mapping[str, str | Mapping[str, str]]] = {}


class AlertOf(msgspec.Struct, frozen=True, kw_only=True, tag="alert_of"):
    """The alert of a case as the case is at the moment of sending, so that a late retry cannot bring back old text."""

    case: CaseId


class IncidentOf(msgspec.Struct, frozen=True, kw_only=True, tag="incident_of"):
    """The alert of an incident as it is at the moment of sending."""

    incident: IncidentId


class Remark(msgspec.Struct, frozen=True, kw_only=True, tag="remark"):
    """Something said in an alert's thread: a customer's words, or what happened.

    With ``author`` the text is that person's, and is shown as a quotation; else it is ours. ``mentions`` are ids of
    people (U…, W…) and groups (S…) of Slack who are to be notified.
    """

    text: str
    author: str = ""
    mentions: tuple[str, ...] = ()
    #: what came with the words, by the reference of the channel ``source``; links are made of it when it is sent
    attachments: tuple[Attachment, ...] = ()
    source: ChannelName | None = None
    files: tuple[Link, ...] = ()
    locale: str = "en"
    #: what the settings' author says differently of what channels add; filled in when it is sent
    own: Mapping[str, Mapping[str, str | Mapping[str, str]]] = {}


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """One labelled line of an alert, such as ``Fact(label="Agent", text="Minh")``."""

    label: str
    text: str


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """Words of a customer, shown as a quotation; ``at`` is when they were written."""

    text: str
    at: datetime
    #: what came with the words, by the reference of the channel ``source``; links are made of it when it is sent
    attachments: tuple[Attachment, ...] = ()
    source: ChannelName | None = None
    files: tuple[Link, ...] = ()
    #: the words stand in the alert's thread too
    in_thread: bool = False


class AlertItem(msgspec.Struct, frozen=True, kw_only=True):
    """One case among those of an incident, with its button."""

    text: str
    button: Button | None = None


class AlertMenu(msgspec.Struct, frozen=True, kw_only=True):
    """A list to choose from beside the buttons, such as for how long to snooze; each option is a Button.

    With ``people`` the options are the workspace's people, and the token of the chosen one is ``token``.
    """

    label: str
    options: tuple[Button, ...] = ()
    people: bool = False
    token: str = ""


class Alert(msgspec.Struct, frozen=True, kw_only=True, tag="alert"):
    """The message that tells the team of a case or an incident, ready for a channel to draw; all texts are plain."""

    case: CaseId | None = None
    #: one line for notifications and for clients that show no more
    summary: str
    facts: tuple[Fact, ...]
    quotes: tuple[Quote, ...]
    #: who did what, newest last
    history: tuple[str, ...]
    buttons: tuple[Button, ...] = ()
    menus: tuple[AlertMenu, ...] = ()
    links: tuple[Link, ...] = ()
    items: tuple[AlertItem, ...] = ()
    #: ids of people (U…, W…) and groups (S…) of Slack who are notified of it
    mentions: tuple[str, ...] = ()
    #: drawn as finished: withdrawn, recovered, unconfirmed; its buttons begin it anew
    closed: bool = False


Content = Text | Card | Remark | AlertOf | IncidentOf | Alert
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
    #: the slot of the message in whose thread this one stands, such as "alert:0k3f…"; a *relay* to a customer names
    #: the thread that is told when it cannot be delivered
    thread: str | None = None


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What a service answered to a message that it took; ``remote`` is what an edit needs to find it again."""

    remote: str


# ---- tokens ------------------------------------------------------------------------------------------
# 1.<conversation>.<turn>.<value>   a customer's button
# c1.<case>.<action>                an agent's button
# r1.<case>.<resolution>.<value>    a customer's button under "Is it fixed?"
# l1.<tag>                          a customer's button that chooses a language, whatever is under way
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


RecoveryValue = Literal["yes", "no"]


class RecoveryToken(msgspec.Struct, frozen=True, kw_only=True):
    """The text in a button under "Is it fixed?": which case, and which of its resolutions is asked about."""

    case: CaseId
    resolution: int
    value: RecoveryValue


class LanguageToken(msgspec.Struct, frozen=True, kw_only=True):
    """The text in a button of the choice of languages that belongs to no survey."""

    locale: str


AnyToken = Token | CaseToken | RecoveryToken | LanguageToken


def format_token(token: AnyToken) -> str:
    """The button text, at most 64 bytes for option ids of at most 40 bytes.

    >>> format_token(Token(conversation=ConversationId("0k3f9x2m7q8d4h1z"), turn=3, value="10"))
    '1.0k3f9x2m7q8d4h1z.3.10'
    """
    if isinstance(token, CaseToken):
        return f"c1.{token.case}.{token.action}"
    if isinstance(token, RecoveryToken):
        return f"r1.{token.case}.{token.resolution}.{token.value}"
    if isinstance(token, LanguageToken):
        return f"l1.{token.locale}"
    return f"1.{token.conversation}.{token.turn}.{token.value}"


def parse_token(text: str) -> AnyToken | None:
    """The token in a button, or None for text of another maker, a later version or a forger."""
    if len(text.encode("utf-8", "surrogatepass")) > TOKEN_BYTES:
        return None
    version, _, rest = text.partition(".")
    if version == "c1":
        case, _, action = rest.partition(".")
        return CaseToken(case=CaseId(case), action=action) if case and action else None
    if version == "r1":
        return _recovery_token(rest)
    if version == "l1":
        return LanguageToken(locale=rest) if rest.isascii() and rest.replace("-", "").isalnum() else None
    if version != "1":
        return None
    conversation, _, rest = rest.partition(".")
    turn, _, value = rest.partition(".")
    if not (conversation and value and turn.isascii() and turn.isdigit() and len(turn) <= 9):
        return None
    return Token(conversation=ConversationId(conversation), turn=int(turn), value=value)


def _recovery_token(rest: str) -> RecoveryToken | None:
    case, _, rest = rest.partition(".")
    resolution, _, value = rest.partition(".")
    if not (case and resolution.isascii() and resolution.isdigit() and len(resolution) <= 4):
        return None
    match value:
        case "yes" | "no":
            return RecoveryToken(case=CaseId(case), resolution=int(resolution), value=value)
        case _:
            return None
