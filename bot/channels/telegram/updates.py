"""Reads the few fields that we need from an update as it comes, whatever its shape. Pure.

The library's own parser raises on updates of older or newer shape, and costs a hundred times as much.
"""

import re
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, get_args

import msgspec
import orjson

from bot.channels.names import shown_name
from bot.channels.telegram.shown import shown
from bot.messages import (
    Address,
    Attachment,
    ChannelName,
    Commanded,
    CommandName,
    Inbound,
    Left,
    Moved,
    Profile,
    Returned,
    Tapped,
    Unread,
    Wrote,
)

Json = dict[str, Any]

#: what we ask Telegram for
WANTED: Final = ("message", "edited_message", "callback_query", "my_chat_member")

#: Kinds of update that carry nothing for us: acknowledged, not kept. Kinds in neither list are kept aside.
SILENT_KINDS: Final = frozenset(
    {
        "channel_post", "edited_channel_post", "inline_query", "chosen_inline_result",
        "shipping_query", "pre_checkout_query", "purchased_paid_media", "poll", "poll_answer", "chat_member",
        "chat_join_request", "chat_boost", "removed_chat_boost", "message_reaction", "message_reaction_count",
        "business_connection", "business_message", "edited_business_message", "deleted_business_messages",
        "guest_message", "managed_bot",
    }
)  # fmt: skip

#: What a message of a private chat may hold that is no reply to us: acknowledged, not kept. A message that holds
#: nothing of this and no words is kept aside.
SILENT_CONTENT: Final = frozenset(
    {
        "sticker", "dice", "game", "poll", "checklist", "contact", "location", "venue", "story", "invoice",
        "paid_media", "giveaway", "giveaway_winners", "giveaway_created", "giveaway_completed", "gift", "unique_gift",
        "gift_upgrade_sent", "successful_payment", "refunded_payment", "passport_data", "web_app_data",
        "users_shared", "user_shared", "chat_shared", "connected_website", "write_access_allowed", "pinned_message",
        "new_chat_members", "new_chat_member", "new_chat_participant", "left_chat_member", "left_chat_participant",
        "new_chat_title", "new_chat_photo", "delete_chat_photo", "group_chat_created", "supergroup_chat_created",
        "channel_chat_created", "migrate_from_chat_id", "message_auto_delete_timer_changed",
        "proximity_alert_triggered", "boost_added", "chat_background_set", "checklist_tasks_done",
        "checklist_tasks_added", "direct_message_price_changed", "paid_message_price_changed", "forum_topic_created",
        "forum_topic_edited", "forum_topic_closed", "forum_topic_reopened", "general_forum_topic_hidden",
        "general_forum_topic_unhidden", "video_chat_scheduled", "video_chat_started", "video_chat_ended",
        "video_chat_participants_invited", "suggested_post_approved", "suggested_post_approval_failed",
        "suggested_post_declined", "suggested_post_paid", "suggested_post_refunded", "chat_owner_left",
        "chat_owner_changed", "poll_option_added", "poll_option_deleted", "community_chat_added",
    }
)  # fmt: skip

_GROUPS: Final = ("group", "supergroup")
_COMMANDS: Final[dict[str, CommandName]] = {name: name for name in get_args(CommandName)}
_COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@(\w{1,64}))?(?:\s+(.*))?", re.DOTALL)
#: an animation stands under "document" too
_FILES: Final = ("voice", "video_note", "video", "audio", "document")
_LONGEST_ID = 2**63


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """This bot: its channel, its user id and, once known, its username."""

    channel: ChannelName
    id: int | None = None
    username: str | None = None


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What one update means: an inbound event or none, and the tap that waits to be answered."""

    inbound: Inbound | None = None
    query: str | None = None


class _Update(msgspec.Struct, frozen=True, kw_only=True):
    me: Me
    event: str
    at: datetime
    body: bytes

    def unread(self, why: str) -> Reading:
        return Reading(
            inbound=Unread(event=self.event, channel=self.me.channel, at=self.at, why=why, body=self.body),
        )

    def address(self, key: str) -> Address:
        return Address(channel=self.me.channel, key=key)


def read_body(body: bytes, me: Me, at: datetime) -> Reading:
    """The meaning of a webhook's body; what is no JSON is Unread."""
    try:
        update = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _Update(me=me, event=_digest(me, body), at=at, body=body).unread("no JSON")
    return read_update(update, me, at, body)


def read_update(update: object, me: Me, at: datetime, body: bytes | None = None) -> Reading:
    """The meaning of one update, of any shape. ``at`` is when it came; ``body`` is what to keep aside of it."""
    if body is None:
        body = _dumped(update)
    # some serialisers write every field that there could be, as null, 0 or false
    fields = {name: value for name, value in _object(update).items() if value is not None}
    number = update_id(update)
    event = _digest(me, body) if number is None else f"telegram:{me.channel}:{number}"
    context = _Update(me=me, event=event, at=at, body=body)
    match fields:
        case {"edited_message": dict(message)}:
            return _read_change(message, context)
        case {"callback_query": dict(query)}:
            return _read_query(query, context)
        case {"message": dict(message)}:
            return _read_message(message, context)
        case {"my_chat_member": dict(change)}:
            return _read_membership(change, context)
        case _ if not SILENT_KINDS.isdisjoint(fields):
            return Reading()
        case _:
            kinds = ", ".join(sorted(kind for kind in fields if kind != "update_id"))
            return context.unread(f"unknown kind of update: {_clean(kinds)[:100] or 'none'}")


def keep_aside(update: object, event: str, me: Me, at: datetime, why: str) -> Unread:
    """An update as it came, for the operator."""
    return Unread(event=event, channel=me.channel, at=at, why=why, body=_dumped(update))


def update_id(update: object) -> int | None:
    """The update's number, by which it is confirmed."""
    return _id(_object(update).get("update_id"))


def lane_of(update: object) -> str:
    """Updates of one lane keep their order: the chat's or, without one, the sender's."""
    for kind, value in _object(update).items():
        if kind != "update_id":
            inner = _object(value)
            message = _object(inner.get("message")) or inner
            for who in (message.get("chat"), inner.get("from")):
                if (number := _id(_object(who).get("id"))) is not None:
                    return str(number)
    return ""


# ---- taps -----------------------------------------------------------------------------------------------


def _read_query(query: Json, context: _Update) -> Reading:
    waiting = _text(query, "id") or None
    sender = _object(query.get("from"))
    user = _id(sender.get("id"))
    if user is None:
        return msgspec.structs.replace(context.unread("a tap without a sender"), query=waiting)
    token = _text(query, "data")
    if not token:
        # a game's button, or one of another maker
        return Reading(query=waiting)
    chat = _object(_object(query.get("message")).get("chat"))
    tapped = Tapped(
        event=context.event,
        sender=context.address(_key(chat, user)),
        token=token,
        at=context.at,
        profile=_profile(sender),
    )
    return Reading(inbound=tapped, query=waiting)


def _key(chat: Json, user: int) -> str:
    # the chat is missing where the message is too old: then it was a private one, or the tap's token tells
    number = _id(chat.get("id"))
    private = number is None or number == user or chat.get("type") == "private"
    return str(user) if private else f"{number}/{user}"


# ---- messages -------------------------------------------------------------------------------------------


def _read_message(message: Json, context: _Update) -> Reading:
    chat = _object(message.get("chat"))
    number = _id(chat.get("id"))
    if number is None:
        return context.unread("a message without a chat")
    moved = _id(message.get("migrate_to_chat_id"))
    if moved:
        # every address of the group begins with the group's id
        old, new = context.address(str(number)), context.address(str(moved))
        return Reading(inbound=Moved(event=context.event, sender=old, to=new, at=context.at))
    sender = _object(message.get("from"))
    # bots, anonymous admins and channels speaking through a group are nobody whom we could ask
    if sender.get("is_bot") is True or message.get("sender_chat"):
        return Reading()
    kind = chat.get("type")
    if kind == "private":
        return _read_private(message, _id(sender.get("id")) or number, sender, context)
    user = _id(sender.get("id"))
    if kind in _GROUPS and user is not None:
        return _read_group(message, f"{number}/{user}", sender, context)
    return Reading()


def _read_private(message: Json, user: int, sender: Json, context: _Update) -> Reading:
    address = context.address(str(user))
    inbound = _command(message, address, sender, context) or _words(message, address, sender, context)
    if inbound is None and not any(_holds(message, content) for content in SILENT_CONTENT):
        return context.unread("a message of unknown content")
    return Reading(inbound=inbound)


def _holds(message: Json, content: str) -> bool:
    # a closed topic is an empty object
    value = message.get(content)
    return bool(value) or value == {}


def _read_group(message: Json, key: str, sender: Json, context: _Update) -> Reading:
    address = context.address(key)
    inbound = _command(message, address, sender, context)
    if inbound is None and _answers_us(message, context.me):
        inbound = _words(message, address, sender, context)
    # what people in a group say to each other is not ours to read
    return Reading(inbound=inbound)


def _answers_us(message: Json, me: Me) -> bool:
    author = _object(_object(message.get("reply_to_message")).get("from"))
    return me.id is not None and _id(author.get("id")) == me.id


def _command(message: Json, address: Address, sender: Json, context: _Update) -> Inbound | None:
    text = _text(message, "text")
    found = _COMMAND.fullmatch(text) if text.startswith("/") else None
    name = _COMMANDS.get(found[1].lower()) if found else None
    if found is None or name is None or not _is_for(found[2], context.me):
        return None
    return Commanded(
        event=context.event,
        sender=address,
        command=name,
        argument=(found[3] or "").strip(),
        at=context.at,
        profile=_profile(sender),
    )


def _is_for(mention: str | None, me: Me) -> bool:
    return mention is None or me.username is None or mention.lower() == me.username.lower()


def _read_change(message: Json, context: _Update) -> Reading:
    """Other words in a message that stands already; a place that moves on, a picture that is another, tell nothing."""
    inbound = _read_message(message, context).inbound
    if not isinstance(inbound, Wrote) or inbound.manner != "said" or not inbound.text.strip():
        return Reading()
    return Reading(inbound=msgspec.structs.replace(inbound, manner="edited", attachments=(), group=""))


def _words(message: Json, address: Address, sender: Json, context: _Update) -> Inbound | None:
    text = _text(message, "text") or _text(message, "caption")
    attachments = _attachments(message)
    showed = "" if text or attachments else shown(message)
    if not text and not attachments and not showed:
        return None
    return Wrote(
        event=context.event,
        sender=address,
        text=text or showed,
        manner="showed" if showed else "said",
        at=context.at,
        profile=_profile(sender),
        attachments=attachments,
        group=_album(message, address, context),
    )


def _album(message: Json, address: Address, context: _Update) -> str:
    # the pictures of one album are one reply, although each comes as a message
    group = _text(message, "media_group_id")[:64]
    return f"telegram:{context.me.channel}:album:{address.key}:{group}" if group else ""


def _attachments(message: Json) -> tuple[Attachment, ...]:
    sizes = message.get("photo")
    if isinstance(sizes, list) and sizes and (reference := _text(_object(sizes[-1]), "file_id")):
        return (Attachment(kind="photo", reference=reference),)
    for field in _FILES:
        file = _object(message.get(field))
        if reference := _text(file, "file_id"):
            name = shown_name(_text(file, "file_name"))
            return (Attachment(kind="voice" if field == "voice" else "file", reference=reference, name=name),)
    return ()


# ---- comings and goings ---------------------------------------------------------------------------------


def _read_membership(change: Json, context: _Update) -> Reading:
    chat = _object(change.get("chat"))
    user = _id(chat.get("id"))
    if chat.get("type") != "private" or user is None:
        # a group that throws us out is noticed when we write to it
        return Reading()
    address = context.address(str(user))
    match _object(change.get("new_chat_member")).get("status"):
        case "kicked":
            return Reading(inbound=Left(event=context.event, sender=address, at=context.at))
        case "member":
            return Reading(inbound=Returned(event=context.event, sender=address, at=context.at))
        case _:
            return Reading()


# ---- fields ---------------------------------------------------------------------------------------------


def _object(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _id(value: object) -> int | None:
    # what does not fit into 64 bits is no id of Telegram's and would not fit into a database either
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and -_LONGEST_ID <= value < _LONGEST_ID else None  # type: ignore[operator, return-value]


def _text(fields: Json, name: str) -> str:
    value = fields.get(name)
    return _clean(value) if isinstance(value, str) else ""


def _clean(text: str) -> str:
    # no PostgreSQL text can hold a NUL
    return text.replace("\0", "") if "\0" in text else text


def _profile(sender: Json) -> Profile:
    names = (_text(sender, "first_name"), _text(sender, "last_name"))
    return Profile(name=shown_name(" ".join(names)), language=_text(sender, "language_code")[:35] or None)


def _digest(me: Me, body: bytes) -> str:
    return f"telegram:{me.channel}:body:{sha256(body).hexdigest()[:32]}"


def _dumped(update: object) -> bytes:
    try:
        return orjson.dumps(update)
    except orjson.JSONEncodeError:
        return b"an update that is nested too deeply to be written down"
