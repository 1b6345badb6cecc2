"""Halves of characters and characters that nobody sees: nothing fails, and nobody is taken for somebody else."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.config import TriggerKindName, TriggerSettings
from bot.conversations.dealings import Beside
from bot.messages import ChannelName
from bot.triggers import Delivery, Telling
from bot.web import triggers as taking
from tests.triggers.desks import KINDS, PAYLOADS, kind_of, payload, trigger_of
from tests.triggers.test_hostile_bodies import ODD, changed_somewhere, is_readable
from tests.triggers.test_trigger_stories import BEARER, ENDS, TALK, Desk

LINK = "https://chat.example/{reference}?of={meta.sender.name}&in={ticket.customer.firstname}"
PATH = "meta.sender.custom_attributes.telegram_id"


def every_setting_of(kind: TriggerKindName) -> TriggerSettings:
    """A trigger with each key of its block set."""
    usual = trigger_of(kind)
    names = ("name", "locale", "time_zone", "tags", "agent", "order", "link", "vip")
    full = replace(
        usual,
        header="X-Helpdesk-Token",
        flow="csat",
        channel=ChannelName("telegram"),
        address=PATH,
        customer=usual.customer or "meta.sender.identifier",
        link=LINK,
        fields={**usual.fields, **{name: usual.fields.get(name, "meta.sender.name") for name in names}},
        ended=usual.ended or ("resolved", "solved", "closed"),
        resumed=usual.resumed or ("open", "reopened"),
        spoke=usual.spoke or ("comment",),
        idle_after=timedelta(hours=2),
    )
    unset = [name for name in full.__struct_fields__ if getattr(full, name) in ("", (), None, {})]
    assert unset == []
    return full


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_nothing_fails_with_every_setting_set(data: st.DataObject) -> None:
    file = data.draw(st.sampled_from(sorted(PAYLOADS.glob("*.json"))))
    body = changed_somewhere(data, json.loads(file.read_bytes()), ODD)
    is_readable(json.dumps(body).encode(), every_setting_of(kind_of(file)))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(KINDS), st.sampled_from(["\ud800", "\udfff8", "8\x00", "\u202e", "Lan \ud83d"]))
def test_nothing_fails_with_damaged_texts_everywhere(kind: TriggerKindName, text: str) -> None:
    for file in sorted(PAYLOADS.glob(f"{kind}_*.json")):
        body = _everywhere(json.loads(file.read_bytes()), text)
        is_readable(json.dumps(body).encode(), every_setting_of(kind))


def _everywhere(value: Any, text: str) -> Any:
    """The body with its names, numbers and addresses damaged; what happened stays readable."""
    match value:
        case dict():
            kept = ("event", "type", "topic", "status", "state")
            return {
                key: each if key in kept and isinstance(each, str) else _everywhere(each, text)
                for key, each in value.items()
            }
        case list():
            return [_everywhere(each, text) for each in value]
        case str():
            return f"{value}{text}"
        case _:
            return text


@pytest.mark.parametrize("id", ["\ud800", "\x00", "\u200b\u202e", "\u3164"])
def test_a_conversation_without_a_visible_name_is_not_understood(id: str) -> None:
    desk = Desk()
    desk.world.settings = replace(desk.world.settings, triggers=(trigger_of("chatwoot", link=LINK),))
    body = json.dumps({"event": "conversation_resolved", "id": id, "status": "resolved"}).encode()
    assert desk.sends(body) == 202
    assert desk.rules() == ["not understood"]
    assert len(desk.world.store.aside) == 1
    assert desk.world.store.interactions == {}


@pytest.mark.parametrize("damaged", ["C-7\ud800", "C-7\x00", "\u200bC-7", "C\u202e-7", "C-7\ufeff"])
def test_a_damaged_proof_proves_nothing(damaged: str) -> None:
    desk = Desk()
    body = json.loads(payload(ENDS[0]))
    body["meta"]["sender"]["identifier"] = damaged
    assert desk.sends(json.dumps(body).encode()) == 200
    assert [decision.known_as for decision in desk.decisions()] == [None]


@pytest.mark.parametrize("damage", ["\ud800", "\x00", "\u202e"])
def test_a_damaged_link_leads_nowhere(damage: str) -> None:
    trigger = trigger_of("chatwoot")
    telling = Telling(happening=Beside(kind="x"), attributes={"link": f"https://chat.example/8{damage}1"})
    assert "link" not in taking.told_from(telling, trigger, Desk().world.settings).attributes


def test_a_reader_that_fails_loses_nothing_and_tells_the_log_no_words(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(delivery: Delivery, _trigger: TriggerSettings) -> list[Telling]:
        raise KeyError(delivery.body.decode())

    monkeypatch.setattr(taking, "read_delivery", fail)
    desk = Desk()
    body = payload(ENDS[0])
    assert [desk.sends(body, headers=BEARER) for _ in range(2)] == [202, 202]
    assert [aside.body for aside in desk.world.store.aside] == [body]
    assert desk.figures().not_understood == 2
    assert "chatwoot" in caplog.text
    assert "resolved" not in caplog.text
    monkeypatch.undo()
    desk.tells(*TALK, ENDS[0])
    assert desk.rules() == ["not understood", "delay"]
