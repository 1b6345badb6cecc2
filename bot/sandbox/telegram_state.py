"""What the Telegram stand-in remembers: people, chats, messages, bots."""

import itertools
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

#: control characters become spaces, carriage returns and bidirectional overrides vanish, as in real messages
_CLEANED: dict[int, str | None] = {code: " " for code in range(32) if code != 10}
_CLEANED.update({13: None, **dict.fromkeys(range(0x2028, 0x202F))})


def cleaned(text: str) -> str:
    """The text as Telegram stores it."""
    return text.translate(_CLEANED).strip()


def utf16_length(text: str) -> int:
    """The length that Telegram counts: UTF-16 code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person on Telegram: `User(id=7, first_name="Mai", language_code="vi")`."""

    id: int
    first_name: str = "Customer"
    last_name: str | None = None
    username: str | None = None
    language_code: str | None = "en"

    def to_json(self) -> Json:
        """The Bot API's User."""
        fields: Json = {"id": self.id, "is_bot": False, "first_name": self.first_name}
        for name in ("last_name", "username", "language_code"):
            if (value := getattr(self, name)) is not None:
                fields[name] = value
        return fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """One button of an inline keyboard."""

    text: str
    callback_data: str | None = None
    url: str | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class Message:
    """One message of a chat, as it is now."""

    message_id: int
    chat: "Chat"
    sender: Json
    date: int
    text: str | None
    #: the inline keyboard, rows of Bot API buttons
    keyboard: list[list[Json]] | None = None
    #: kept so that a test can assert that it was never used
    parse_mode: str | None = None
    edit_date: int | None = None
    reply_to: "Message | None" = None
    #: further fields of the Bot API: a sticker, a photo, a caption, entities
    content: Mapping[str, Any] = field(default_factory=dict)

    @property
    def from_bot(self) -> bool:
        """Whether a bot sent it."""
        return bool(self.sender["is_bot"])

    @property
    def buttons(self) -> list[list[Button]]:
        """The inline keyboard in rows, empty if there is none."""
        return [
            [Button(text=b["text"], callback_data=b.get("callback_data"), url=b.get("url")) for b in row]
            for row in self.keyboard or ()
        ]

    def to_json(self) -> Json:
        """The Bot API's Message."""
        fields: Json = {
            "message_id": self.message_id,
            "from": self.sender,
            "chat": self.chat.to_json(),
            "date": self.date,
        }
        if self.edit_date is not None:
            fields["edit_date"] = self.edit_date
        if self.reply_to is not None:
            fields["reply_to_message"] = {**self.reply_to.to_json(), "reply_to_message": None}
            del fields["reply_to_message"]["reply_to_message"]
        if self.text is not None:
            fields["text"] = self.text
        fields.update(self.content)
        if self.keyboard:
            fields["reply_markup"] = {"inline_keyboard": self.keyboard}
        return fields


@dataclass(slots=True, kw_only=True, eq=False)
class Chat:
    """A private chat of one bot with one user, or a group."""

    id: int
    type: str
    #: title, first_name and the like, as in the Bot API's Chat
    names: Json
    #: how many messages are kept; older ones are forgotten
    keep: int
    messages: OrderedDict[int, Message] = field(default_factory=OrderedDict)
    members: set[int] = field(default_factory=set)
    #: tokens of bots that were thrown out of the group
    kicked: set[str] = field(default_factory=set)
    migrated_to: int | None = None
    blocked: bool = False
    #: a reply keyboard or force reply that the bot put below the chat
    reply_markup: Json | None = None
    last_message_id: int = 0

    def to_json(self) -> Json:
        """The Bot API's Chat."""
        return {"id": self.id, "type": self.type, **self.names}

    def add(self, message: Message) -> None:
        """Show one more message."""
        self.messages[message.message_id] = message
        if len(self.messages) > self.keep:
            self.messages.popitem(last=False)

    def next_message_id(self) -> int:
        """The number of the chat's next message."""
        self.last_message_id += 1
        return self.last_message_id


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackAnswer:
    """What answered a tap: the spinner stops, and a toast or an alert may show."""

    query_id: str
    user_id: int
    text: str | None
    show_alert: bool
    #: the clock's seconds
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackQuery:
    """One tap that waits for its answer."""

    user_id: int
    at: float


@dataclass(slots=True, kw_only=True, eq=False)
class Bot:
    """One bot and the chats that it takes part in."""

    token: str
    id: int
    username: str
    reads_all_group_messages: bool
    chats: dict[int, Chat] = field(default_factory=dict)
    queries: OrderedDict[str, CallbackQuery] = field(default_factory=OrderedDict)
    answers: list[CallbackAnswer] = field(default_factory=list)
    commands: dict[str, list[Json]] = field(default_factory=dict)
    #: chat ids in which the bot showed that it is typing
    actions: list[tuple[int, str]] = field(default_factory=list)

    def to_json(self) -> Json:
        """The Bot API's User."""
        return {"id": self.id, "is_bot": True, "first_name": self.username, "username": self.username}


class World:
    """All that the stand-in knows; ids count up from fixed numbers, so that runs repeat."""

    def __init__(self, clock: Callable[[], float], keep_messages: int) -> None:
        self.clock = clock
        self.keep_messages = keep_messages
        self.bots: dict[str, Bot] = {}
        self.users: dict[int, User] = {}
        self.groups: dict[int, Chat] = {}
        self.deactivated: set[int] = set()
        self.files: dict[str, bytes] = {}
        self._query_ids = itertools.count(4_000_000_000_000_000)

    def now(self) -> int:
        """Unix seconds, as in the API's dates."""
        return int(self.clock())

    def bot(self, name: str) -> Bot:
        """The bot of a token or username; LookupError if there is none."""
        if bot := self.bots.get(name):
            return bot
        for bot in self.bots.values():
            if bot.username == name.removeprefix("@"):
                return bot
        raise LookupError(f"no bot {name!r}")

    def next_query_id(self) -> str:
        """The id of the next tap."""
        return str(next(self._query_ids))

    def private_chat(self, bot: Bot, user: User) -> Chat:
        """The chat of a user with a bot, begun if it is new."""
        chat = bot.chats.get(user.id)
        if chat is None:
            names = {key: value for key, value in user.to_json().items() if key.endswith("name")}
            chat = Chat(id=user.id, type="private", names=names, keep=self.keep_messages, members={user.id})
            bot.chats[user.id] = chat
        return chat
