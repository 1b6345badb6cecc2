"""What each kind of real update means to us: a labelled table over recorded shapes, and any JSON at all."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.telegram.updates import (
    SILENT_CONTENT,
    SILENT_KINDS,
    WANTED,
    Me,
    Reading,
    lane_of,
    read_body,
    read_update,
)
from bot.messages import (
    Address,
    Attachment,
    ChannelName,
    Commanded,
    CommandName,
    Inbound,
    Left,
    Manner,
    Moved,
    Profile,
    Returned,
    Tapped,
    Unread,
    Wrote,
)

PAYLOADS = Path(__file__).parent.parent / "payloads" / "telegram"
AT = datetime(2024, 11, 21, 14, 40, tzinfo=UTC)
SHOP = ChannelName("shop")
ME = Me(channel=SHOP, id=4321, username="shop_bot")
MAI = Profile(name="Mai Trần", language="vi")
QUERY = "4382bfdwdsb323b2d9"
TOKEN = "1.0k3f9x2m7q8d4h1z.3.9"
GROUP_KEY = "-1009988/5512"


def address(key: str = "5512") -> Address:
    return Address(channel=SHOP, key=key)


def wrote(
    text: str,
    *attachments: Attachment,
    key: str = "5512",
    group: str = "",
    profile: Profile = MAI,
    number: int = 812,
    manner: Manner = "said",
) -> Reading:
    inbound = Wrote(
        event=f"telegram:shop:{number}",
        sender=address(key),
        text=text,
        at=AT,
        profile=profile,
        attachments=attachments,
        group=f"telegram:shop:album:{key}:{group}" if group else "",
        manner=manner,
    )
    return Reading(inbound=inbound)


def commanded(command: CommandName, argument: str = "", key: str = "5512") -> Reading:
    inbound = Commanded(
        event="telegram:shop:812", sender=address(key), command=command, argument=argument, at=AT, profile=MAI
    )
    return Reading(inbound=inbound)


def tapped(key: str = "5512") -> Reading:
    inbound = Tapped(event="telegram:shop:813", sender=address(key), token=TOKEN, at=AT, profile=MAI)
    return Reading(inbound=inbound, query=QUERY)


def photo(reference: str) -> Attachment:
    return Attachment(kind="photo", reference=reference)


BILL = Attachment(kind="file", reference="D1", name="bill.pdf")
CAT = Attachment(kind="file", reference="A1", name="cat.mp4")
NOTHING = Reading()

READ: Mapping[str, Reading] = {
    "words": wrote("8 out of 10 😀"),
    "words_old_client": wrote("Ciao", profile=Profile(name="Mai")),
    "words_without_from": wrote("fine", profile=Profile()),
    "words_with_nul": wrote("ab"),
    "words_forwarded": wrote("ok"),
    "words_from_a_bot": NOTHING,
    "words_all_fields_written": wrote("see this", BILL),
    "command_start": commanded("start", "chat_vi-7"),
    "command_start_bare": commanded("start"),
    "command_stop": commanded("stop"),
    "command_feedback_named": commanded("feedback", key=GROUP_KEY),
    "command_of_another_bot": NOTHING,
    "command_unknown": wrote("/10 would not buy again"),
    "group_chatter": NOTHING,
    "group_reply_to_us": wrote("8", key=GROUP_KEY),
    "group_reply_to_someone": NOTHING,
    "group_anonymous_admin": NOTHING,
    "group_moved": Reading(
        inbound=Moved(event="telegram:shop:812", sender=address("-5511"), to=address("-1009988"), at=AT)
    ),
    "group_moved_from": NOTHING,
    "photo": wrote("broken", photo("P-large")),
    "photo_wordless": wrote("", photo("P1")),
    "album_part": wrote("", photo("P2"), group="13370001"),
    "album_part_with_words": wrote("all of these", photo("P3"), group="13370001"),
    "voice": wrote("", Attachment(kind="voice", reference="V1")),
    "document": wrote("", BILL),
    "animation": wrote("", CAT),
    "sticker": wrote("[sticker 👍]", manner="showed"),
    "poll": wrote("[poll: ?]", manner="showed"),
    "location": wrote("[location 41.9, 12.496366]", manner="showed"),
    "venue": wrote("[place: Lotus Home, 12 Lê Lợi, 10.77, 106.7]", manner="showed"),
    "contact": wrote("[contact: Lan Phạm, +84 90 1234567]", manner="showed"),
    "dice": wrote("[dice 🎲 4]", manner="showed"),
    "topic_closed": NOTHING,
    "tap": tapped(),
    "tap_on_old_message": tapped(),
    "tap_without_message": tapped(),
    "tap_in_group": tapped(GROUP_KEY),
    "tap_without_data": Reading(query=QUERY),
    "blocked": Reading(inbound=Left(event="telegram:shop:814", sender=address(), at=AT)),
    "unblocked": Reading(inbound=Returned(event="telegram:shop:814", sender=address(), at=AT)),
    "removed_from_group": NOTHING,
    "edited_words": wrote("no, 3", number=815, manner="edited"),
    "edited_location": NOTHING,
    "channel_post": NOTHING,
    "poll_answer": NOTHING,
}

KEPT_ASIDE: Mapping[str, str] = {
    "words_without_chat": "a message without a chat",
    "content_of_tomorrow": "a message of unknown content",
    "tap_without_from": "a tap without a sender",
    "kind_of_tomorrow": "unknown kind of update: telepathy",
    "kind_missing": "unknown kind of update: none",
    "message_is_a_number": "unknown kind of update: message",
    "user_too_large": "a message without a chat",
}


def payload(name: str) -> bytes:
    return (PAYLOADS / f"{name}.json").read_bytes()


@pytest.mark.parametrize(("name", "reading"), READ.items(), ids=READ)
def test_an_update_is_read(name: str, reading: Reading) -> None:
    assert read_body(payload(name), ME, AT) == reading


@pytest.mark.parametrize(("name", "why"), KEPT_ASIDE.items(), ids=KEPT_ASIDE)
def test_what_nobody_understands_is_kept_aside_as_it_came(name: str, why: str) -> None:
    body = payload(name)
    number = orjson.loads(body)["update_id"]
    unread = Unread(event=f"telegram:shop:{number}", channel=SHOP, at=AT, why=why, body=body)
    assert read_body(body, ME, AT).inbound == unread


def test_every_recorded_shape_is_in_a_table() -> None:
    others = {"number_too_large", "number_missing"}
    assert {path.stem for path in PAYLOADS.glob("*.json")} == READ.keys() | KEPT_ASIDE.keys() | others


def test_a_tap_that_is_kept_aside_is_answered_all_the_same() -> None:
    assert read_body(payload("tap_without_from"), ME, AT).query == QUERY


@pytest.mark.parametrize("name", ["number_missing", "number_too_large"])
def test_an_update_without_a_usable_number_is_known_by_its_body(name: str) -> None:
    first, again = (read_body(payload(name), ME, AT).inbound for _ in range(2))
    other = read_body(payload(name).replace(b'"hi"', b'"ho"'), ME, AT).inbound
    assert first is not None
    assert other is not None
    assert first == again
    assert first.event.startswith("telegram:shop:body:")
    assert first.event != other.event


def test_a_command_for_any_name_is_ours_while_we_do_not_know_our_own() -> None:
    unknown = Me(channel=SHOP, id=4321)
    assert read_body(payload("command_of_another_bot"), unknown, AT) == commanded("feedback", key=GROUP_KEY)


BROKEN = {
    "empty": b"",
    "half an object": b'{"update_id": 1, "message": {',
    "no UTF-8": b'{"update_id": 1, "message": "\xff\xfe"}',
    "too deep": b"[" * 5000,
    "a list": b"[]",
    "null": b"null",
    "a lone surrogate": rb'{"update_id": 1, "message": {"text": "\ud800"}}',
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_a_broken_body_is_kept_aside(body: bytes) -> None:
    inbound = read_body(body, ME, AT).inbound
    assert isinstance(inbound, Unread)
    assert inbound.body == body


def test_what_we_ask_for_is_read_and_not_silent() -> None:
    assert SILENT_KINDS.isdisjoint(WANTED)
    assert SILENT_CONTENT.isdisjoint({"text", "caption", "photo", "voice", "document"})


LANES = {
    "a message's chat": ("words", "5512"),
    "a group": ("group_reply_to_us", "-1009988"),
    "a tap's chat, as its card's": ("tap", "5512"),
    "a tap's sender without a chat": ("tap_without_message", "5512"),
    "a changed message's chat": ("edited_words", "5512"),
    "a blocking user's chat": ("blocked", "5512"),
    "nobody's": ("kind_of_tomorrow", ""),
}


@pytest.mark.parametrize(("name", "lane"), LANES.values(), ids=LANES)
def test_the_lane_of_an_update(name: str, lane: str) -> None:
    assert lane_of(orjson.loads(payload(name))) == lane


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=12,
)
ids: st.SearchStrategy[Any] = st.sampled_from([0, 5512, -1009988, 4321, 2**63, True, "5512", None, {}, 1.5])
FIELDS = [
    *("message", "chat", "from", "id", "type", "text", "caption", "photo", "voice", "document", "sticker", "file_id"),
    *("sender_chat", "reply_to_message", "data", "entities", "is_bot", "first_name", "language_code", "date"),
    *("media_group_id", "migrate_to_chat_id", "new_chat_member", "status", "location", "venue", "latitude", "poll"),
]
values = (
    ids
    | st.sampled_from(["private", "supergroup", "/start x", "/feedback@shop_bot", "kicked", "hi", "a\0b"])
    | json_values
)
shapes = st.recursive(
    values,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=6),
    max_leaves=25,
)
KINDS = [*WANTED, "channel_post", "telepathy"]
updates = st.dictionaries(st.sampled_from(["update_id", *KINDS]), shapes, max_size=3) | json_values


@given(updates)
def test_any_json_is_read_without_an_error(update: Any) -> None:
    inbound: Inbound | None = read_update(update, ME, AT).inbound
    lane_of(update)
    if inbound is not None:
        assert inbound.event.startswith("telegram:shop:")
    if isinstance(inbound, Wrote | Tapped | Commanded):
        assert inbound.sender.key
        assert rb"\u0000" not in msgspec.json.encode(inbound)


def test_a_later_shape_of_a_known_field_changes_nothing_else() -> None:
    update = orjson.loads(payload("words"))
    update["message"] |= {"chat": {**update["message"]["chat"], "aura": [1]}, "rich": {"text": 1}, "entities": "none"}
    assert read_update(update, ME, AT) == wrote("8 out of 10 😀")
