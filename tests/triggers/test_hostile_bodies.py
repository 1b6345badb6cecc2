"""Bodies of any shape: none makes reading raise, and each tells at least one thing."""

import copy
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.config import Settings, TelegramSettings, TriggerKindName, TriggerSettings
from bot.conversations.dealings import Beside
from bot.messages import ChannelName
from bot.triggers import read_delivery
from bot.triggers.bodies import Node
from bot.web.triggers import referred, told_from
from tests.triggers.desks import KINDS, PAYLOADS, delivery_of, in_short, kind_of, told_by, trigger_of

SETTINGS = Settings(company="Lotus Home", channels=(TelegramSettings(name=ChannelName("telegram"), token="1:a"),))
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u202e]")
FILES = sorted(PAYLOADS.glob("*.json"))
ODD: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(
        ["", "\x00", "\ud800", "x" * 5000, 10**400, -1, "1e999", "99999-01-01", [], {}, [[]], [{}], {"id": []}]
    ),
)
JSON = st.recursive(
    ODD, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)


def _places(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield here
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _places(inner, (*here, key))


def _read_all(body: bytes, kind: TriggerKindName) -> None:
    address = {"channel": ChannelName("telegram"), "address": "meta.sender.custom_attributes.telegram_id"}
    link = "https://desk.example/{reference}?of={meta.sender.name}"
    is_readable(body, trigger_of(kind, link=link, **address))


def is_readable(body: bytes, trigger: TriggerSettings) -> None:
    """Whether all that is told of a body is clean, without an error being hidden."""
    telling = list(read_delivery(delivery_of(body), trigger))
    assert telling
    for told in (told_from(referred(each), trigger, SETTINGS) for each in telling):
        texts = [told.reference, told.event, told.name or "", told.customer or "", *told.attributes.values()]
        texts += [told.happening.detail, told.happening.kind] if isinstance(told.happening, Beside) else []
        assert all(len(text) <= 2000 and not _UNSEEN.search(text) for text in texts), texts
        assert isinstance(told.happening, Beside) or told.reference


@settings(max_examples=150, deadline=None)
@given(JSON, st.sampled_from(KINDS))
def test_any_json(value: Any, kind: TriggerKindName) -> None:
    _read_all(json.dumps(value).encode(), kind)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_real_body_with_something_else_in_one_place(data: st.DataObject) -> None:
    file = data.draw(st.sampled_from(FILES))
    body = changed_somewhere(data, json.loads(file.read_bytes()), JSON)
    _read_all(json.dumps(body).encode(), kind_of(file))


def changed_somewhere(data: st.DataObject, body: Any, to: st.SearchStrategy[Any]) -> Any:
    *outer, last = data.draw(st.sampled_from([place for place in _places(body) if place]))
    changed = inner = copy.deepcopy(body)
    for key in outer:
        inner = inner[key]
    inner[last] = data.draw(to)
    return changed


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(KINDS))
def test_any_bytes(body: bytes, kind: TriggerKindName) -> None:
    _read_all(body, kind)


NOT_UNDERSTOOD = [
    ("nothing", b"", "not understood: POST (≠ JSON)"),
    ("broken off", b'{"event": "conver', "not understood: POST (≠ JSON)"),
    ("no UTF-8", b"\xff\xfe{}", "not understood: POST (≠ JSON)"),
    ("nested deeply", b"[" * 100_000, "not understood: POST (≠ JSON)"),
    ("a text", b'"resolved"', "not understood: POST (≠ {…})"),
    ("null", b"null", "not understood: POST (≠ {…})"),
    ("an empty list", b"[]", "not understood: POST ([])"),
    ("an empty object", b"{}", "not the end of a chat: ?"),
]


@pytest.mark.parametrize(
    ("body", "said"), [case[1:] for case in NOT_UNDERSTOOD], ids=[case[0] for case in NOT_UNDERSTOOD]
)
def test_what_is_no_event(body: bytes, said: str) -> None:
    assert [in_short(telling.happening) for telling in told_by(body, trigger_of("chatwoot"))] == [said]


def test_a_list_of_events_is_each_of_them() -> None:
    events = [{"event": "conversation_opened", "id": number, "status": "open"} for number in range(3)]
    assert [telling.reference for telling in told_by(events, trigger_of("chatwoot"))] == ["0", "1", "2"]


def test_a_list_without_end_is_not_read_to_its_end() -> None:
    told = told_by([{"event": "conversation_opened", "id": 1}] * 5000, trigger_of("chatwoot"))
    assert len(told) == 101
    assert in_short(told[-1].happening) == "not understood: POST ([5000])"


FORM = "application/x-www-form-urlencoded; charset=utf-8"


@pytest.mark.parametrize(
    "body",
    [
        b"freshdesk_webhook%5Bticket_id%5D=11&freshdesk_webhook%5Bticket_status%5D=Resolved",
        b"payload=%7B%22freshdesk_webhook%22%3A%7B%22ticket_id%22%3A11%2C%22ticket_status%22%3A%22Resolved%22%7D%7D",
        b"event=resolved&ticket%5Bid%5D=11&ticket%5Bid%5D=12",
    ],
    ids=["fields", "payload", "template"],
)
def test_a_form(body: bytes) -> None:
    (telling,) = told_by(body, trigger_of("freshdesk"), content_type=FORM)
    assert (in_short(telling.happening), telling.reference) == ("ended", "11")


@pytest.mark.parametrize("body", [b"", b"&&&", b"a[b]=1&a=2&a[b][c]=3", b"x=1&" * 2000, b"[[[]]]=1"])
def test_a_form_of_any_shape(body: bytes) -> None:
    (telling,) = told_by(body, trigger_of("freshdesk"), content_type=FORM)
    assert isinstance(telling.happening, Beside)


TIMES = [
    (1772442360, "2026-03-02T09:06:00"),
    (1772442360.5, "2026-03-02T09:06:00.500000"),
    (1772442360500, "2026-03-02T09:06:00.500000"),
    ("1772442360", "2026-03-02T09:06:00"),
    ("2026-03-02T09:06:00Z", "2026-03-02T09:06:00"),
    ("2026-03-02T16:06:00+07:00", "2026-03-02T09:06:00"),
    ("2026-03-02 09:06:00 UTC", "2026-03-02T09:06:00"),
    ("2026-03-02T09:06:00", "2026-03-02T09:06:00"),
    (0, None),
    ("yesterday", None),
    (True, None),
    (1e300, None),
    (float("nan"), None),
    ("0001-01-01T00:00:00+14:00", None),
    ({}, None),
    (None, None),
]


@pytest.mark.parametrize(("value", "wanted"), TIMES, ids=[repr(value) for value, _ in TIMES])
def test_times(value: object, wanted: str | None) -> None:
    at = None if wanted is None else datetime.fromisoformat(wanted).replace(tzinfo=UTC)
    assert Node(value).time == at
