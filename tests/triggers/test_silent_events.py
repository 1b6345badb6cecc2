"""What a helpdesk sends by the thousand and means nothing by: it is counted, and leaves no row."""

import json

import pytest

from bot.config import TriggerKindName
from tests.triggers.test_trigger_stories import Desk

_BODIES: list[tuple[str, TriggerKindName, object]] = [
    ("somebody types", "chatwoot", {"event": "conversation_typing_on", "conversation": {"id": 81}}),
    ("a contact changes", "chatwoot", {"event": "contact_updated", "id": 7, "name": "Lan"}),
    ("words are read", "chatwoot", {"event": "message_updated", "id": 5, "conversation": {"id": 81}}),
    (
        "a label",
        "chatwoot",
        {"event": "conversation_updated", "id": 81, "changed_attributes": [{"label_list": {"current_value": ["a"]}}]},
    ),
    ("a contact of Intercom's", "intercom", {"topic": "contact.tag.created", "id": "n1", "data": {"item": {}}}),
    ("words are read there", "intercom", {"topic": "conversation.read", "id": "n2", "data": {"item": {"id": "81"}}}),
    ("tags of a ticket", "zendesk", {"type": "zen:event-type:ticket.tags_changed", "detail": {"id": "81"}}),
    ("a tag in Front", "front", {"type": "tag", "id": "e", "conversation": {"id": "cnv_1"}}),
    ("an agent takes a chat", "rocketchat", {"type": "LivechatSessionTaken", "_id": "r"}),
]
_NOT_SILENT: list[tuple[str, TriggerKindName, object]] = [
    ("an unknown event", "chatwoot", {"event": "conversation_dreamt", "id": 81}),
    (
        "a state that is none of ours",
        "chatwoot",
        {"event": "conversation_status_changed", "id": 81, "status": "snoozed"},
    ),
    ("an unknown topic", "intercom", {"topic": "conversation.dreamt", "id": "n3", "data": {"item": {"id": "81"}}}),
    ("the name of another helpdesk's", "front", {"type": "contact_updated", "id": "e", "conversation": {"id": "c"}}),
    ("the state of a ticket", "intercom", {"topic": "ticket.state.updated", "id": "n4", "data": {"item": {"id": "9"}}}),
]


@pytest.mark.parametrize(("kind", "body"), [each[1:] for each in _BODIES], ids=[each[0] for each in _BODIES])
def test_what_says_nothing_is_only_counted(kind: TriggerKindName, body: object) -> None:
    desk = Desk()
    assert [desk.sends(json.dumps(body).encode(), kind) for _ in range(2)] == [200, 200]
    store = desk.world.store
    assert (list(store.decisions), list(store.interactions), store.aside, store.seen) == ([], [], [], set())
    assert (desk.figures(kind).ignored, desk.figures(kind).not_asked) == (2, 0)


@pytest.mark.parametrize(("kind", "body"), [each[1:] for each in _NOT_SILENT], ids=[each[0] for each in _NOT_SILENT])
def test_what_may_matter_has_its_decision(kind: TriggerKindName, body: object) -> None:
    desk = Desk()
    assert desk.sends(json.dumps(body).encode(), kind) == 200
    assert desk.rules() == ["not the end of a chat"]
    assert desk.figures(kind).ignored == 0
