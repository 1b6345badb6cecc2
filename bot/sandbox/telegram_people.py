"""What people do on Telegram and what they see: the part of the stand-in that tests and the page play."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from bot.sandbox.journal import Call, Journal
from bot.sandbox.telegram_state import (
    Bot,
    CallbackAnswer,
    CallbackQuery,
    Chat,
    Json,
    Message,
    User,
    World,
    utf16_length,
)
from bot.sandbox.telegram_updates import Updates

T = TypeVar("T")

#: taps that are remembered per bot
_KEPT_QUERIES = 10_000


class People:
    """The people of one Telegram; a bot is named by its token or username, a user by id or `User`."""

    def __init__(self, world: World, journal: Journal) -> None:
        self.world = world
        self.journal = journal
        self._updates: dict[str, Updates] = {}

    def user(self, user: User | int) -> User:
        """Make a user known; a known id is returned as it is."""
        if isinstance(user, User):
            return self.world.users.setdefault(user.id, user)
        return self.world.users.setdefault(user, User(id=user, first_name=f"Customer {user}"))

    def group(self, chat_id: int, title: str, bots: Iterable[str], members: Iterable[User | int]) -> None:
        """Make a supergroup (a negative id) with these bots and people in it."""
        chat = Chat(id=chat_id, type="supergroup", names={"title": title}, keep=self.world.keep_messages)
        chat.members.update(self.user(member).id for member in members)
        self.world.groups[chat_id] = chat
        for name in bots:
            self.world.bot(name).chats[chat_id] = chat

    def migrate(self, chat_id: int, new_id: int) -> None:
        """Give a group a new id, as an upgrade to a supergroup does; the old id is refused from then on."""
        old = self.world.groups[chat_id]
        new = Chat(id=new_id, type="supergroup", names=old.names, keep=old.keep, members=set(old.members))
        old.migrated_to = new_id
        self.world.groups[new_id] = new
        for bot in self.world.bots.values():
            if bot.chats.get(chat_id) is old:
                bot.chats[new_id] = new

    def user_sends(
        self,
        bot: str,
        user: User | int,
        text: str | None,
        chat: int | None = None,
        *,
        content: Mapping[str, Any] | None = None,
        reply_to: int | None = None,
    ) -> int:
        """Let a user write (or send `content`, other fields of the Bot API's Message); returns the message id."""
        known, person, where = self._place(bot, user, chat)
        fields = dict(content or {})
        if text is not None and text.startswith("/"):
            length = utf16_length(re.split(r"\s", text, maxsplit=1)[0])
            fields["entities"] = [{"type": "bot_command", "offset": 0, "length": length}]
        message = Message(
            message_id=where.next_message_id(),
            chat=where,
            sender=person.to_json(),
            date=self.world.now(),
            text=text,
            reply_to=where.messages.get(reply_to) if reply_to else None,
            content=fields,
        )
        where.add(message)
        self.journal.changed()
        for one in [known] if where.type == "private" else self.world.bots.values():
            if one.chats.get(where.id) is where and _reads(one, message):
                self._updates[one.token].put({"message": message.to_json()}, where.id)
        return message.message_id

    def user_starts(self, bot: str, user: User | int, payload: str = "") -> int:
        """Let a user press Start, with the payload of a `t.me/<bot>?start=` link."""
        return self.user_sends(bot, user, f"/start {payload}".rstrip())

    def user_edits(self, bot: str, user: User | int, message_id: int, text: str, chat: int | None = None) -> None:
        """Let a user change a message of theirs."""
        known, _, where = self._place(bot, user, chat)
        message = where.messages[message_id]
        message.text, message.edit_date = text, self.world.now()
        self._updates[known.token].put({"edited_message": message.to_json()}, where.id)
        self.journal.changed()

    def user_taps(
        self,
        bot: str,
        user: User | int,
        message_id: int,
        button: str,
        chat: int | None = None,
        *,
        stale: bool = False,
    ) -> str:
        """Let a user tap a button, named by its label or callback data; returns the query's id.

        LookupError if the message shows no such button; `stale=True` sends the data all the same, as an app does
        that has not yet seen the edit.
        """
        known, person, where = self._place(bot, user, chat)
        message = where.messages.get(message_id)
        shown = [one for row in (message.buttons if message else ()) for one in row]
        data = next((one.callback_data for one in shown if button in (one.text, one.callback_data)), None)
        if data is None and not stale:
            raise LookupError(f"message {message_id} has no button {button!r}, only {[b.text for b in shown]}")
        query_id = self.world.next_query_id()
        known.queries[query_id] = CallbackQuery(user_id=person.id, at=self.world.clock())
        if len(known.queries) > _KEPT_QUERIES:
            known.queries.popitem(last=False)
        gone: Json = {"message_id": message_id, "chat": where.to_json(), "date": 0}
        query = {
            "id": query_id,
            "from": person.to_json(),
            "message": message.to_json() if message else gone,
            "chat_instance": str(where.id * 7919),
            "data": button if data is None else data,
        }
        self._updates[known.token].put({"callback_query": query}, where.id)
        self.journal.changed()
        return query_id

    def user_blocks(self, bot: str, user: User | int) -> None:
        """Let a user block the bot."""
        self._set_blocked(bot, user, True)

    def user_unblocks(self, bot: str, user: User | int) -> None:
        """Let a user unblock the bot."""
        self._set_blocked(bot, user, False)

    def user_deactivates(self, user: User | int) -> None:
        """Let a user delete their account."""
        self.world.deactivated.add(self.user(user).id)

    def inject(self, bot: str, update: Json, lane: int = 0) -> int:
        """Deliver any update as it is; without an `update_id` it gets the next one. Returns the id."""
        return self._updates[self.world.bot(bot).token].put(dict(update), lane)

    # what people see, and what tests ask

    def messages(self, bot: str, chat: int) -> list[Message]:
        """What a chat shows, oldest first; empty if it was never begun."""
        found = self.world.bot(bot).chats.get(chat)
        return list(found.messages.values()) if found else []

    def last(self, bot: str, chat: int) -> Message:
        """The latest message of the bot in a chat; LookupError if there is none."""
        for message in reversed(self.messages(bot, chat)):
            if message.from_bot:
                return message
        raise LookupError(f"no message of {bot} in chat {chat}")

    def answers(self, bot: str) -> list[CallbackAnswer]:
        """What answered taps, oldest first."""
        return self.world.bot(bot).answers

    def updates(self, bot: str) -> Updates:
        """The updates of a bot: those pending, and the attempts at its webhook."""
        return self._updates[self.world.bot(bot).token]

    @property
    def calls(self) -> list[Call]:
        """Every request received, in order."""
        return list(self.journal.calls)

    async def wait_for(self, found: Callable[[], T], timeout: float = 5.0) -> T:
        """Wait until `found()` is true and return it."""
        return await self.journal.wait_for(found, timeout)

    async def settled(self, bot: str, timeout: float = 5.0) -> None:
        """Wait until every update of a bot is confirmed."""
        await self.wait_for(lambda: not self.updates(bot).pending, timeout)

    def _place(self, bot: str, user: User | int, chat: int | None) -> tuple[Bot, User, Chat]:
        known, person = self.world.bot(bot), self.user(user)
        if chat is None or chat == person.id:
            return known, person, self.world.private_chat(known, person)
        return known, person, self.world.groups[chat]

    def _set_blocked(self, bot: str, user: User | int, blocked: bool) -> None:
        known, person, where = self._place(bot, user, None)
        where.blocked = blocked
        before, after = ("member", "kicked") if blocked else ("kicked", "member")
        change = {
            "chat": where.to_json(),
            "from": person.to_json(),
            "date": self.world.now(),
            "old_chat_member": _member(known, before),
            "new_chat_member": _member(known, after),
        }
        self._updates[known.token].put({"my_chat_member": change}, where.id)
        self.journal.changed()


def _member(bot: Bot, status: str) -> Json:
    until = {"until_date": 0} if status == "kicked" else {}
    return {"user": bot.to_json(), "status": status, **until}


def _reads(bot: Bot, message: Message) -> bool:
    """Whether a bot gets a message: in groups only what is meant for it, unless it reads everything."""
    if message.chat.type == "private" or bot.reads_all_group_messages:
        return True
    text = message.text or ""
    answered = message.reply_to is not None and message.reply_to.sender["id"] == bot.id
    return text.startswith("/") or f"@{bot.username}" in text or answered
