"""Events that are known to say nothing of a conversation's end and to bring no words: nobody needs to read why none of
them asked anybody, and some helpdesks send more of them than of all others.
"""

from collections.abc import Mapping

import msgspec

from bot.config import TriggerKindName
from bot.conversations.dealings import Beside, Happening


class _Known(msgspec.Struct, frozen=True, kw_only=True):
    """By their own names, or by how these begin; a name that is not here is taken for one that may matter."""

    names: frozenset[str] = frozenset()
    beginnings: tuple[str, ...] = ()


_SILENT: Mapping[TriggerKindName, _Known] = {
    "chatwoot": _Known(
        names=frozenset(
            {
                # labels, assignees, attributes: what changes the status is told with it
                "conversation_updated",
                # words that were told before: sent, delivered, read
                "message_updated",
                "webwidget_triggered",
            }
        ),
        beginnings=("conversation_typing_", "contact_", "inbox_"),
    ),
    "intercom": _Known(
        names=frozenset(
            {
                "conversation.read",
                "conversation.admin.assigned",
                "conversation.priority.updated",
                "conversation.contact.attached",
                "conversation.contact.detached",
                "conversation_part.tag.created",
            }
        ),
        beginnings=("contact.", "user.", "visitor.", "company.", "admin.", "event.", "content_stat."),
    ),
    "zendesk": _Known(
        names=frozenset(
            {
                "ticket.tags_changed",
                "ticket.priority_changed",
                "ticket.agent_assignment_changed",
                "ticket.group_assignment_changed",
                "ticket.followers_changed",
                "ticket.email_ccs_changed",
            }
        ),
        beginnings=("user.", "organization.", "agent."),
    ),
    "front": _Known(names=frozenset({"assign", "unassign", "tag", "untag", "link_added", "link_removed"})),
    "rocketchat": _Known(
        names=frozenset(
            {"LivechatSessionTaken", "LivechatSessionForwarded", "LivechatSessionQueued", "LivechatEdit", "LeadCapture"}
        )
    ),
}


def is_silent(happening: Happening, kind: TriggerKindName) -> bool:
    """Whether nothing is lost where the event is only counted.

    >>> is_silent(Beside(kind="contact_updated"), "chatwoot"), is_silent(Beside(kind="contact_updated"), "generic")
    (True, False)
    """
    known = _SILENT.get(kind)
    if known is None or not isinstance(happening, Beside) or happening.why != "not the end of a chat":
        return False
    # with a detail it says something of the conversation: "status=snoozed"
    return not happening.detail and (happening.kind in known.names or happening.kind.startswith(known.beginnings))
