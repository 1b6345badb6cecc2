"""What a message that somebody wrote, or changed afterwards, means to us.

| what comes                                             | becomes                                            |
|--------------------------------------------------------|----------------------------------------------------|
| a message in a direct conversation, also with files    | Wrote                                              |
| the same message with other words                      | Wrote, marked as edited                            |
| a person's message in a thread of a channel            | AgentWrote                                         |
| the same message with other words                      | AgentWrote, with the words that it held before     |
| everything else: of bots and of Slackbot, our own,     | nothing                                            |
| deletions, joins, what is said in channels themselves  |                                                    |
"""

import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from bot.channels.slack.meanings import ID, Arrival, Meant, Nothing, Origin, Reading, Unknown, name_of
from bot.channels.slack.plain import cut, found, text_at, typed
from bot.channels.slack.rich import words_in
from bot.messages import Address, AgentWrote, Attachment, Profile, Wrote

Body = Mapping[str, Any]

#: the longest message that Slack delivers, in characters
LONGEST_MESSAGE = 40_000
MOST_FILES = 10

# A person's own words come without a subtype, or with one of these; every other one is Slack's.
_WORDS = frozenset({"", "file_share", "me_message", "thread_broadcast"})
_CHANGED = "message_changed"
_DIRECT = frozenset({"im", "app_home"})
_ROOMS = frozenset({"channel", "group"})
_TS = re.compile(r"\d{1,20}\.\d{1,10}", re.ASCII)


class _Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a message stands; ``thread`` is empty in a direct conversation."""

    conversation: str
    thread: str = ""


class _Said(msgspec.Struct, frozen=True, kw_only=True):
    """A person's message as far as it concerns us; ``was`` is what it said before it was changed."""

    event: str
    user: str
    words: str
    attachments: tuple[Attachment, ...]
    was: str | None
    profile: Body
    #: whether it answers a message of our bot's
    to_us: bool


def read_message(body: Body, event: Body, here: Arrival) -> Reading:
    """The meaning of a ``message`` event, ``event``, in its envelope."""
    changed = text_at(event, "subtype") == _CHANGED
    message = found(event, "message") if changed else event
    place = _place(event, message)
    ours = _our_bots(body, here)
    if place is None or not of_a_person(message, ours):
        return Nothing()
    # Slack also calls it a change when it adds a preview of a link, or counts replies
    if not found(message, "edited") if changed else event.get("hidden"):
        return Nothing()
    said = _Said(
        event=here.key("event", text_at(body, "event_id")),
        user=text_at(message, "user"),
        words=_words(message, place),
        attachments=_attachments(message.get("files")),
        was=_words(found(event, "previous_message"), place) if changed else None,
        profile=found(message, "user_profile"),
        to_us=text_at(message, "parent_user_id") in ours,
    )
    if not ID.fullmatch(said.user):
        return Unknown(why="a message without a sender" if place.thread else "a direct message without a sender")
    if said.was == said.words or not (said.words.strip() or said.attachments):
        return Nothing()
    return _in_thread(said, place, here) if place.thread else _to_us(said, place, here)


def _to_us(said: _Said, place: _Place, here: Arrival) -> Meant:
    wrote = Wrote(
        event=said.event,
        sender=Address(channel=here.channel, key=said.user),
        text=said.words,
        at=here.at,
        profile=Profile(name=name_of(said.profile, "display_name", "real_name", "name")),
        attachments=said.attachments if said.was is None else (),
        manner="said" if said.was is None else "edited",
    )
    return Meant(inbound=wrote, origin=Origin(kind="message", user=said.user, conversation=place.conversation))


def _in_thread(said: _Said, place: _Place, here: Arrival) -> Meant:
    wrote = AgentWrote(
        event=said.event,
        agent=Address(channel=here.channel, key=said.user),
        agent_name=name_of(said.profile, "real_name", "display_name", "name") or said.user,
        thread=f"{place.conversation}:{place.thread}",
        text=said.words,
        at=here.at,
        attachments=said.attachments,
        was=said.was,
    )
    where = Origin(
        kind="thread", user=said.user, conversation=place.conversation, thread=place.thread, of_ours=said.to_us
    )
    return Meant(inbound=wrote, origin=where)


def _place(event: Body, message: Body) -> _Place | None:
    """Where a message stands, if in a direct conversation or in a thread of a channel where agents may work."""
    conversation, thread = text_at(event, "channel"), text_at(message, "thread_ts")
    kind = text_at(event, "channel_type")
    if kind in _DIRECT or conversation.startswith("D"):
        return _Place(conversation=conversation)
    if not ID.fullmatch(conversation) or not _TS.fullmatch(thread) or thread == text_at(message, "ts"):
        return None
    room = kind in _ROOMS or (not kind and conversation.startswith(("C", "G")))
    return _Place(conversation=conversation, thread=thread) if room else None


def _words(message: Body, place: _Place) -> str:
    """What a message says. What agents write goes to customers, without the marks that only Slack reads."""
    blocks = message.get("blocks")
    words = words_in(blocks) if place.thread else ""
    return cut(words if words.strip() else typed(text_at(message, "text"), blocks), LONGEST_MESSAGE)


def of_a_person(message: Body, ours: frozenset[str]) -> bool:
    """Whether a message holds a person's own words; ``ours`` are our bots' user ids."""
    user = text_at(message, "user")
    if text_at(message, "subtype") not in _WORDS or message.get("bot_id") or message.get("bot_profile"):
        return False
    # what our bot says itself comes back as an event, too
    return user != "USLACKBOT" and user not in ours


def _our_bots(body: Body, here: Arrival) -> frozenset[str]:
    """The user ids of our bot, and of the bot that a delivery says it is for."""
    authorizations = body.get("authorizations")
    told = authorizations if isinstance(authorizations, list) else []
    return frozenset({here.bot, *(text_at(one, "user_id") for one in told if found(one).get("is_bot") is True)}) - {""}


def _attachments(files: object) -> tuple[Attachment, ...]:
    if not isinstance(files, list):
        return ()
    known = [file for file in files if ID.fullmatch(text_at(file, "id"))]
    return tuple(
        Attachment(kind=_kind(text_at(file, "mimetype")), reference=file["id"], name=name_of(file, "name", "title"))
        for file in known[:MOST_FILES]
    )


def _kind(mime: str) -> Literal["photo", "voice", "file"]:
    match mime.partition("/")[0]:
        case "image":
            return "photo"
        case "audio":
            return "voice"
        case _:
            return "file"
