"""Rocket.Chat: the webhook of Omnichannel. Its secret token comes as it is, in ``X-RocketChat-Livechat-Token``.

A chat's end brings all of its messages (docs.rocket.chat/docs/webhooks). What is not answered with 200 is sent again.
"""

from collections.abc import Iterable, Sequence

from bot.config import TriggerSettings
from bot.conversations.dealings import Author, Ended, Happening, Resumed, Spoke
from bot.triggers.bodies import Delivery, Node
from bot.triggers.helpdesk import Helpdesk
from bot.triggers.tellings import Telling, beside, each_told, full_name, not_understood, yes

#: the program's own account
_BOTS = frozenset({"rocket.cat"})


def _read(event: Node, _delivery: Delivery, _settings: TriggerSettings) -> Sequence[Telling]:
    kind, room = event.at("type").text, event.at("_id").text
    if kind == "Message":
        return _messages(event, room)
    happening = _happening(kind, event) if room else not_understood(kind, '_id=""')
    return _tellings([(happening, "")], room, event)


def _messages(event: Node, room: str) -> Sequence[Telling]:
    said = [
        (Spoke(by=author, at=message.at("ts").time), message.at("_id").text)
        for message in event.at("messages").many
        if (author := _author(message)) is not None
    ]
    if not room or not said:
        happening = beside("Message", "messages=[]") if room else not_understood("Message", '_id=""')
        return _tellings([(happening, "")], room, event)
    return _tellings([(spoke, f"message:{id}" if id else "") for spoke, id in said], room, event)


def _happening(kind: str, event: Node) -> Happening:
    match kind:
        case "LivechatSession":
            authors = [author for message in event.at("messages").many if (author := _author(message)) is not None]
            humans = [author for author in authors if author != "bot"]
            return Ended(
                at=event.at("closedAt").time,
                messages=len(humans) if event.has("messages") else None,
                human_answered="agent" in authors if event.has("messages") else None,
                started_by=authors[0] if authors else None,
            )
        case "LivechatSessionStart":
            return Resumed(at=event.at("createdAt").time)
        case _:
            return beside(kind)


def _author(message: Node) -> Author | None:
    """Who said it; None for what nobody says: closing remarks, and pages that a visitor went to."""
    if not message.is_object or message.at("closingMessage").flag or message.at("navigation").is_something:
        return None
    if message.at("username").word in _BOTS:
        return "bot"
    return "agent" if message.at("agentId").text else "customer"


def _tellings(told: Iterable[tuple[Happening, str]], room: str, event: Node) -> Sequence[Telling]:
    visitor = event.at("visitor")
    return each_told(
        told,
        room,
        person=visitor,
        locale=visitor.first("language", "customFields.language"),
        tags=event.at("tags"),
        agent=full_name(event.at("agent")) or event.first("agent.username", "servedBy.username").text,
        team=visitor.at("department").text,
        subject=event.at("topic").text,
        vip=yes(event.first("customFields.vip", "visitor.customFields.vip")),
    )


ROCKETCHAT = Helpdesk(read=_read, secret_headers=("x-rocketchat-livechat-token",))
