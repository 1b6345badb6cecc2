"""What each helpdesk's events tell, by bodies as its documentation has them."""

import re
from pathlib import Path

import pytest

from bot.conversations.dealings import Beside
from bot.triggers import Telling
from tests.triggers.desks import PAYLOADS, in_short, kind_of, payload, told_by, trigger_of

#: a field and its value, or one word of the helpdesk
_DATA = re.compile(r"([a-z_.]+(=|→).*)?|\w+")
#: file -> what it tells, with its own id of the telling in brackets
TELLS = [
    ("chatwoot_contact_created", ["not the end of a chat: contact_created"]),
    ("chatwoot_conversation_created", ["resumed 09:00:00"]),
    ("chatwoot_conversation_opened", ["resumed 09:07:00"]),
    (
        "chatwoot_conversation_opened_but_resolved",
        ["the event disagrees with itself: conversation_opened (status=resolved)"],
    ),
    ("chatwoot_conversation_resolved", ["ended 09:06:00, answered"]),
    (
        "chatwoot_conversation_resolved_but_open",
        ["the event disagrees with itself: conversation_resolved (status=open)"],
    ),
    ("chatwoot_conversation_updated", ["not the end of a chat: conversation_updated"]),
    ("chatwoot_conversation_updated_resolved", ["ended 09:06:00, answered"]),
    ("chatwoot_lists_for_objects", ["ended 09:06:00, answered"]),
    ("chatwoot_message_first", ["customer spoke 09:00:01 first [message:501]"]),
    ("chatwoot_message_incoming", ["customer spoke 09:04:00 [message:503]"]),
    ("chatwoot_message_of_a_bot", ["bot spoke 09:02:00 [message:505]"]),
    ("chatwoot_message_of_a_rule", ["bot spoke 09:02:00 [message:506]"]),
    ("chatwoot_message_outgoing", ["agent spoke 09:02:00 [message:502]"]),
    ("chatwoot_message_outgoing_as_numbers", ["agent spoke 09:02:00 [message:509]"]),
    ("chatwoot_message_private", ["not the end of a chat: message_created (private=true) [message:504]"]),
    ("chatwoot_message_template", ["not the end of a chat: message_created (template) [message:507]"]),
    ("chatwoot_message_updated", ["not the end of a chat: message_updated"]),
    ("chatwoot_nobody_answered", ["ended 09:06:00, unanswered"]),
    ("chatwoot_old_release", ["ended"]),
    ("chatwoot_status_changed_open", ["resumed 09:08:00"]),
    ("chatwoot_status_changed_resolved", ["ended 09:06:00, answered"]),
    (
        "chatwoot_status_changed_resolved_but_open",
        ["the event disagrees with itself: conversation_status_changed (status→resolved, status=open)"],
    ),
    ("chatwoot_status_changed_snoozed", ["not the end of a chat: conversation_status_changed (status=snoozed)"]),
    ("chatwoot_visitor_claims_a_reference", ["ended 09:06:00, answered"]),
    ("chatwoot_visitor_is_vouched_for", ["ended 09:06:00, answered"]),
    ("freshdesk_closed_days_later", ["not the end of a chat: status (status=4→5)"]),
    ("freshdesk_own_status", ["not the end of a chat: status (status=erledigt)"]),
    ("freshdesk_pending", ["not the end of a chat: status (status=pending)"]),
    ("freshdesk_reopened", ["resumed"]),
    ("freshdesk_resolved", ["ended"]),
    ("freshdesk_template_reply", ["customer spoke"]),
    ("freshdesk_waiting_after_resolved", ["resumed"]),
    ("freshdesk_without_status", ['not understood: status (ticket_status="")']),
    ("front_archive", ["ended 09:06:00 [evt_1]"]),
    ("front_archive_but_open", ["the event disagrees with itself: archive (status=assigned) [evt_1]"]),
    ("front_archive_of_an_application", ["ended 09:06:00 [evt_1]"]),
    ("front_comment", ["not the end of a chat: comment [evt_7]"]),
    ("front_inbound", ["customer spoke 09:04:00 [evt_3]"]),
    ("front_inbound_first", ["customer spoke 09:00:00 first [evt_4]"]),
    ("front_out_reply", ["agent spoke 09:02:00 [evt_5]"]),
    ("front_reopen", ["resumed 09:07:00 [evt_2]"]),
    ("front_reopen_but_archived", ["the event disagrees with itself: reopen (status=archived) [evt_2]"]),
    ("front_reply_of_a_rule", ["bot spoke 09:02:00 [evt_6]"]),
    ("front_sync", ["not the end of a chat: sync"]),
    ("front_trash", ["not the end of a chat: trash [evt_8]"]),
    ("generic_delivered", ["ended 09:06:00, 4 messages [d-1]"]),
    ("generic_message", ["customer spoke 09:06:00 [d-1]"]),
    ("generic_packed", ["not the end of a chat: packed [d-1]"]),
    ("generic_returned", ["resumed 09:06:00 [d-1]"]),
    ("generic_without_event", ['not understood: ? (event="") [d-1]']),
    ("intercom_admin_closed", ["ended 09:06:00, begun by customer [notif_1]"]),
    (
        "intercom_admin_closed_but_open",
        ["the event disagrees with itself: conversation.admin.closed (state=open) [notif_1]"],
    ),
    ("intercom_admin_noted", ["not the end of a chat: conversation.admin.noted [notif_8]"]),
    ("intercom_admin_opened", ["resumed 09:07:00 [notif_2]"]),
    (
        "intercom_admin_opened_but_closed",
        ["the event disagrees with itself: conversation.admin.opened (state=closed) [notif_2]"],
    ),
    ("intercom_admin_replied", ["agent spoke 09:02:00 [notif_5]"]),
    ("intercom_admin_started", ["agent spoke 09:00:00 first [notif_7]"]),
    ("intercom_bot_replied", ["bot spoke 09:02:00 [notif_6]"]),
    ("intercom_closed_newer", ["ended 09:06:00, answered, begun by customer [notif_1]"]),
    ("intercom_closed_unanswered", ["ended 09:06:00, unanswered, begun by agent [notif_1]"]),
    ("intercom_contacts_as_list", ["ended 09:06:00, answered, begun by customer [notif_1]"]),
    ("intercom_lead", ["ended 09:06:00, begun by customer [notif_1]"]),
    ("intercom_ping", ["not the end of a chat: ping"]),
    ("intercom_user_created", ["customer spoke 09:00:01 first [notif_3]"]),
    ("intercom_user_replied", ["customer spoke 09:04:00 [notif_4]"]),
    ("liveagent_message", ["agent spoke"]),
    ("liveagent_resolved", ["ended"]),
    ("rocketchat_agent_message", ["agent spoke 09:02:00 [message:m3]"]),
    ("rocketchat_closing_message", ["not the end of a chat: Message (messages=[])"]),
    ("rocketchat_session", ["ended 09:06:00, 3 messages, answered, begun by customer"]),
    ("rocketchat_session_nobody_answered", ["ended 09:06:00, 1 messages, unanswered, begun by customer"]),
    ("rocketchat_start", ["resumed 09:00:00"]),
    ("rocketchat_taken", ["not the end of a chat: LivechatSessionTaken"]),
    ("rocketchat_visitor_message", ["customer spoke 09:05:00 [message:m4]"]),
    ("zammad_closed", ["ended 09:06:00, 5 messages, answered, begun by customer"]),
    (
        "zammad_closed_with_a_word",
        ["agent spoke 09:05:00 [article:105]", "ended 09:06:00, 5 messages, answered, begun by customer"],
    ),
    ("zammad_customer_replied", ["customer spoke 09:04:00 [article:103]", "resumed 09:04:00"]),
    ("zammad_first_word", ["customer spoke 09:00:00 first [article:101]", "resumed 09:00:00"]),
    ("zammad_merged", ["not the end of a chat: ticket (state=merged)"]),
    ("zammad_note", ["not the end of a chat: ticket (state=pending reminder)"]),
    ("zammad_without_a_ticket", ['not understood: ticket (ticket.number="")']),
    ("zendesk_another_word", ["not the end of a chat: escalated"]),
    ("zendesk_comment_of_agent", ["agent spoke"]),
    ("zendesk_comment_of_customer", ["customer spoke"]),
    ("zendesk_comment_of_nobody", ['not understood: comment (by="")']),
    (
        "zendesk_event_closed_days_later",
        ["not the end of a chat: ticket.status_changed (status=solved→closed) [cbe4028c-7239]"],
    ),
    ("zendesk_event_comment_of_agent", ["agent spoke 09:06:00 [9b0a]"]),
    ("zendesk_event_comment_of_customer", ["customer spoke 09:06:00 [9b0a]"]),
    ("zendesk_event_created", ["resumed 09:06:00 [cbe4028c-7239]"]),
    ("zendesk_event_of_a_user", ["not the end of a chat: user.active_changed [2b24]"]),
    ("zendesk_event_private_comment", ["not the end of a chat: ticket.comment_added (is_public=false) [9b0a]"]),
    ("zendesk_event_reopened", ["resumed 09:06:00 [cbe4028c-7239]"]),
    ("zendesk_event_solved", ["ended 09:06:00 [cbe4028c-7239]"]),
    (
        "zendesk_event_solved_but_open",
        ["the event disagrees with itself: ticket.status_changed (status=open) [cbe4028c-7239]"],
    ),
    ("zendesk_reopened", ["resumed"]),
    ("zendesk_solved", ["ended"]),
    ("zendesk_solved_but_open", ["the event disagrees with itself: solved (status=open)"]),
    ("zendesk_without_a_ticket", ['not understood: solved (ticket.id="")']),
]


def _short(telling: Telling) -> str:
    return f"{in_short(telling.happening)}{f' [{telling.event}]' if telling.event else ''}"


@pytest.mark.parametrize(("name", "tells"), TELLS, ids=[name for name, _ in TELLS])
def test_what_an_event_tells(name: str, tells: list[str]) -> None:
    file = PAYLOADS / f"{name}.json"
    assert [_short(telling) for telling in told_by(file.read_bytes(), trigger_of(kind_of(file)))] == tells


def test_every_payload_is_in_the_table() -> None:
    assert sorted(file.stem for file in PAYLOADS.glob("*.json")) == [name for name, _ in TELLS]


# ---- who, and about what ---------------------------------------------------------------------------------

LAN = {"name": "Lan Phạm", "customer": "C-7"}
#: file -> reference, customer and attributes of what it tells
KNOWS = [
    (
        "chatwoot_status_changed_resolved",
        "81",
        LAN | {"locale": "vi", "agent": "Minh", "team": "Orders", "vip": "true", "tags": "refund|vip-desk"},
    ),
    (
        "chatwoot_message_outgoing",
        "81",
        LAN | {"locale": "vi", "agent": "Minh", "team": "Orders", "vip": "true", "tags": "refund|vip-desk"},
    ),
    (
        "chatwoot_visitor_claims_a_reference",
        "81",
        {"name": "Lan Phạm", "locale": "vi", "agent": "Minh", "team": "Orders", "vip": "true"}
        | {"tags": "refund|vip-desk"},
    ),
    (
        "zendesk_solved",
        "4711",
        LAN
        | {"locale": "vi", "time_zone": "Asia/Ho_Chi_Minh", "agent": "Minh", "tags": "refund|vip_customer"}
        | {"link": "https://lotus.zendesk.com/agent/tickets/4711"},
    ),
    ("zendesk_event_solved", "4711", {"subject": "Order A7", "tags": "refund"}),
    (
        "intercom_admin_closed",
        "2133",
        LAN
        | {"agent": "Minh", "tags": "refund", "subject": "<p>Order A7</p>"}
        | {"link": "https://app.intercom.com/a/apps/lotus/conversations/2133"},
    ),
    (
        "intercom_closed_newer",
        "2133",
        LAN | {"agent": "Minh", "tags": "refund", "subject": "Order A7"},
    ),
    (
        "intercom_lead",
        "2133",
        {"name": "Lan Phạm", "agent": "Minh", "tags": "refund", "subject": "<p>Order A7</p>"}
        | {"link": "https://app.intercom.com/a/apps/lotus/conversations/2133"},
    ),
    (
        "freshdesk_resolved",
        "11",
        LAN
        | {"agent": "Minh", "team": "Orders", "product": "Tea set", "subject": "Order A7", "tags": "refund|gold"}
        | {"link": "https://lotus.freshdesk.com/a/tickets/11"},
    ),
    ("liveagent_resolved", "ABC-XYZAB-123", LAN | {"agent": "Minh", "subject": "Order A7"}),
    (
        "zammad_closed",
        "202603",
        {"name": "Lan Phạm", "agent": "Minh Ngo", "team": "Orders", "subject": "Order A7", "vip": "true"},
    ),
    ("zammad_first_word", "202603", {"name": "Lan Phạm", "team": "Orders", "subject": "Order A7", "vip": "true"}),
    (
        "front_archive",
        "cnv_55",
        {"name": "Lan Phạm", "agent": "Minh Ngo", "subject": "Order A7", "tags": "refund"}
        | {"link": "https://app.frontapp.com/open/cnv_55"},
    ),
    (
        "rocketchat_session",
        "room7",
        {"name": "Lan Phạm", "agent": "Minh", "team": "Orders", "subject": "Order A7", "vip": "true"}
        | {"tags": "refund"},
    ),
    (
        "generic_delivered",
        "A7",
        {"name": "Lan Phạm", "customer": "7", "locale": "vi", "time_zone": "Asia/Ho_Chi_Minh", "agent": "Minh"}
        | {"product": "Tea set", "gift": "true", "tags": "refund|gold"},
    ),
]


def _known(telling: Telling) -> dict[str, str]:
    own = {
        "name": telling.name,
        "customer": telling.customer,
        "locale": telling.locale,
        "time_zone": telling.time_zone,
        "tags": "|".join(telling.tags),
    }
    return {name: value for name, value in {**own, **telling.attributes}.items() if value}


@pytest.mark.parametrize(("name", "reference", "known"), KNOWS, ids=[name for name, *_ in KNOWS])
def test_whom_and_what_it_is_about(name: str, reference: str, known: dict[str, str]) -> None:
    for telling in told_by(payload(name), trigger_of(kind_of(PAYLOADS / name))):
        assert telling.reference == reference
        assert _known(telling) == known


# ---- what the config adds ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["chatwoot_message_incoming", "chatwoot_conversation_resolved"])
def test_key_paths_hold_for_words_and_for_the_end(name: str) -> None:
    trigger = trigger_of(
        "chatwoot",
        address="meta.sender.custom_attributes.telegram_id",
        customer="meta.sender.id",
        fields={"order": "custom_attributes.order", "agent": "meta.assignee.available_name", "locale": "nowhere"},
        link="https://chat.example/app/accounts/1/conversations/{reference}?from={channel}",
    )
    (telling,) = told_by(payload(name), trigger)
    assert (telling.address, telling.customer, telling.locale) == ("7001", "7", "vi")
    assert telling.attributes["order"] == "A7"
    wanted = "https://chat.example/app/accounts/1/conversations/81?from=Channel%3A%3ATelegram"
    assert telling.attributes["link"] == wanted


def test_tags_in_one_text() -> None:
    body = {"event": "solved", "ticket": {"id": "1", "tags": "big spender, refund"}}
    (liveagent,) = told_by(body, trigger_of("liveagent"))
    (zendesk,) = told_by({**body, "ticket": {"id": "1", "tags": "big_spender  refund"}}, trigger_of("zendesk"))
    assert (list(liveagent.tags), list(zendesk.tags)) == (["big spender", "refund"], ["big_spender", "refund"])


def test_statuses_of_the_accounts_own() -> None:
    trigger = trigger_of("freshdesk", ended=("Erledigt",), resumed=("Wieder  offen",))
    assert [in_short(one.happening) for one in told_by(payload("freshdesk_own_status"), trigger)] == ["ended"]
    body = {"freshdesk_webhook": {"ticket_id": "11", "ticket_status": "wieder offen"}}
    assert [in_short(one.happening) for one in told_by(body, trigger)] == ["resumed"]
    (other,) = told_by(payload("freshdesk_resolved"), trigger)
    assert in_short(other.happening) == "not the end of a chat: status (status=resolved)"


def test_without_a_field_for_the_event_each_request_is_an_end() -> None:
    trigger = trigger_of("generic", fields={"reference": "order.id"}, ended=(), resumed=(), spoke=())
    assert [in_short(one.happening) for one in told_by(payload("generic_returned"), trigger)] == ["ended"]


def test_zendesk_says_when_it_sent_a_body_of_ours() -> None:
    sent = {"x_zendesk_webhook_signature_timestamp": "2026-03-02T09:06:01Z", "x_zendesk_webhook_invocation_id": "inv-1"}
    (telling,) = told_by(payload("zendesk_solved"), trigger_of("zendesk"), **sent)
    assert (in_short(telling.happening), telling.event) == ("ended 09:06:01", "inv-1")


def test_chatwoots_deliveries_have_ids_and_its_messages_have_better_ones() -> None:
    delivered = {"x_chatwoot_delivery": "0c7a"}
    (ended,) = told_by(payload("chatwoot_conversation_resolved"), trigger_of("chatwoot"), **delivered)
    (spoke,) = told_by(payload("chatwoot_message_incoming"), trigger_of("chatwoot"), **delivered)
    assert (ended.event, spoke.event) == ("0c7a", "message:503")


@pytest.mark.parametrize("file", sorted(PAYLOADS.glob("*.json")), ids=lambda file: file.stem)
def test_a_detail_is_data_for_sentences_of_any_language(file: Path) -> None:
    told = told_by(file.read_bytes(), trigger_of(kind_of(file)))
    details = [telling.happening.detail for telling in told if isinstance(telling.happening, Beside)]
    assert [one for one in details if not _DATA.fullmatch(one)] == []
