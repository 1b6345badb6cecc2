"""What becomes of a helpdesk's deliveries: one decision for each end, whatever is sent twice, late or made up."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from bot.config import TriggerKindName
from bot.errors import StoreRefused, StoreUnavailable
from bot.messages import Address, ChannelName
from bot.ports import Decision
from bot.web.triggers import TriggerFigures, Triggers
from tests.intake.world import World, at_once
from tests.triggers.desks import KINDS, PAYLOADS, SHARED, kind_of, payload, trigger_of

#: a minute after the newest of the payloads' times
NOW = datetime(2026, 3, 2, 9, 9, tzinfo=UTC)
BEARER = {"authorization": f"Bearer {SHARED}", "content-type": "application/json"}
LAN = Address(channel=ChannelName("telegram"), key="7001")


class Desk:
    """A shop in memory with a trigger of each kind."""

    def __init__(self) -> None:
        self.world = World()
        self.world.now = NOW
        telegram = {"channel": LAN.channel, "address": "meta.sender.custom_attributes.telegram_id"}
        triggers = tuple(trigger_of(kind, **(telegram if kind == "chatwoot" else {})) for kind in KINDS)
        self.world.settings = replace(self.world.settings, triggers=triggers)
        self.triggers = Triggers(
            intake=self.world.intake, settings=lambda: self.world.settings, clock=lambda: self.world.now
        )

    def sends(self, body: bytes, kind: TriggerKindName = "chatwoot", headers: Mapping[str, str] = BEARER) -> int:
        trigger = self.triggers.named(kind)
        assert trigger is not None
        return at_once(self.triggers.take(trigger, headers, body)).status

    def tells(self, *names: str) -> None:
        for name in names:
            assert self.sends(payload(name), kind_of(PAYLOADS / name)) in (200, 202)

    def decisions(self) -> list[Decision]:
        return list(self.world.store.decisions)

    def rules(self) -> list[str]:
        return [" > ".join([*(step.rule for step in one.steps), one.rule]) for one in self.decisions()]

    def figures(self, kind: TriggerKindName = "chatwoot") -> TriggerFigures:
        return next(figures for figures in self.triggers.figures() if figures.name == kind)


@pytest.fixture
def desk() -> Desk:
    return Desk()


TALK = ("chatwoot_message_first", "chatwoot_message_outgoing", "chatwoot_message_incoming")
ENDS = ("chatwoot_status_changed_resolved", "chatwoot_conversation_resolved")
#: what is sent, in this order -> the rules of each decision
STORIES = [
    ("an end", [*TALK, ENDS[0]], ["delay"]),
    ("told by two events", [*TALK, *ENDS], ["delay"]),
    ("everything sent twice", [*TALK, *TALK, *ENDS, *ENDS, *TALK], ["delay"]),
    ("words that come after the end they were said before", [ENDS[0], *TALK], ["delay"]),
    ("opened again", [*TALK, ENDS[0], "chatwoot_status_changed_open"], ["delay > it was resumed"]),
    ("opened again, told by both", [*TALK, *ENDS, "chatwoot_conversation_opened"], ["delay > it was resumed"]),
    ("the reopening comes before the end", ["chatwoot_status_changed_open", *ENDS], ["resumed since"]),
    ("nobody answered", [TALK[0], "chatwoot_nobody_answered"], ["no human answered"]),
    ("a bot answered", [TALK[0], "chatwoot_message_of_a_bot", "chatwoot_nobody_answered"], ["no human answered"]),
    (
        "the end of what is open",
        ["chatwoot_conversation_resolved_but_open"] * 3,
        ["the event disagrees with itself"],
    ),
    ("a label", ["chatwoot_conversation_updated"], []),
    ("a private note", ["chatwoot_message_private"], ["not the end of a chat"]),
    ("no address is known", ["zendesk_solved"], ["no address known"]),
]


@pytest.mark.parametrize(("sent", "rules"), [story[1:] for story in STORIES], ids=[story[0] for story in STORIES])
def test_a_story(desk: Desk, sent: list[str], rules: list[str]) -> None:
    desk.tells(*sent)
    assert desk.rules() == rules


def test_words_that_we_counted_are_looked_at_when_the_question_is_due(desk: Desk) -> None:
    """A helpdesk may tell the last of them a moment after the end."""
    desk.world.write("hello", LAN)
    desk.tells(*TALK[:2], ENDS[0])
    desk.world.later(minutes=10)
    assert desk.rules() == ["delay > too few messages"]


def test_a_decision_knows_whom_and_what_it_is_about(desk: Desk) -> None:
    desk.tells(*TALK, *ENDS, *ENDS)
    desk.world.later(minutes=10)
    (decision,) = desk.decisions()
    assert (decision.trigger, decision.source, decision.reference) == ("helpdesk", "chatwoot", "81")
    assert (decision.address, decision.known_as, decision.repeats) == (LAN, "C-7", 3)
    assert decision.occasion is not None
    assert (decision.occasion.messages, decision.occasion.human_answered) == (3, True)
    assert (decision.occasion.vip, decision.occasion.tags) == (True, ("refund", "vip-desk"))
    assert decision.occasion.started_by == "customer"
    (interaction,) = desk.world.store.interactions.values()
    assert interaction.attributes == {
        "reference": "81",
        "agent": "Minh",
        "team": "Orders",
        "vip": "true",
        "tag": "refund",
        "tags": "refund, vip-desk",
    }


def test_the_figures_of_a_trigger(desk: Desk) -> None:
    desk.tells(*TALK, *ENDS, "chatwoot_conversation_resolved_but_open")
    assert desk.sends(b"{}", headers={}) == 401
    assert desk.sends(b"{") == 202
    assert desk.figures() == TriggerFigures(
        name="chatwoot",
        kind="chatwoot",
        path="/triggers/chatwoot",
        deliveries=7,
        refused=1,
        planned=1,
        not_asked=1,
        repeated=1,
        noted=3,
        not_understood=1,
        ignored=0,
        last_at=NOW,
    )
    assert desk.figures("zendesk").deliveries == 0


@pytest.mark.parametrize("kind", KINDS)
def test_who_is_not_believed_leaves_nothing(desk: Desk, kind: TriggerKindName) -> None:
    untouched = Desk().world.store
    for file in PAYLOADS.glob(f"{kind}_*.json"):
        assert desk.sends(file.read_bytes(), kind, {**BEARER, "authorization": "Bearer guessed"}) == 401
    store = desk.world.store
    assert (store.decisions, store.interactions, store.aside, store.seen) == (
        untouched.decisions,
        untouched.interactions,
        untouched.aside,
        untouched.seen,
    )
    assert desk.figures(kind).refused == len(list(PAYLOADS.glob(f"{kind}_*.json"))) > 0
    assert desk.figures(kind).last_at is None


def test_what_is_not_understood_is_kept_aside_once(desk: Desk) -> None:
    assert [desk.sends(b'{"event": "conver') for _ in range(3)] == [202, 202, 202]
    (aside,) = desk.world.store.aside
    assert (aside.channel, aside.why, aside.body) == ("triggers/chatwoot", "not understood", b'{"event": "conver')
    assert desk.rules() == ["not understood"]
    assert desk.decisions()[0].inputs == {"event": "POST", "detail": "≠ JSON"}


def test_what_the_database_cannot_keep_is_kept_aside(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object) -> None:
        raise StoreRefused("a value")

    monkeypatch.setattr(desk.world.intake, "tell", refuse)
    assert desk.sends(payload(ENDS[0])) == 202
    assert len(desk.world.store.aside) == 1


def test_while_the_database_is_away_the_helpdesk_is_to_try_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(desk.world.intake, "tell", away)
    with pytest.raises(StoreUnavailable):
        desk.sends(payload(ENDS[0]))


def test_front_is_sent_its_challenge_only_if_it_is_believed(desk: Desk) -> None:
    trigger = desk.triggers.named("front")
    assert trigger is not None
    challenge = {"x-front-challenge": "c0ffee"}
    answer = at_once(desk.triggers.take(trigger, {**BEARER, **challenge}, b'{"type": "sync"}'))
    assert (answer.status, answer.text, answer.content_type) == (200, "c0ffee", "text/plain")
    assert at_once(desk.triggers.take(trigger, challenge, b'{"type": "sync"}')).status == 401
    assert desk.decisions() == []


# ---- what is passed on -------------------------------------------------------------------------------------

ADDRESSES = [
    ("an id", "7001", LAN),
    ("a number", 7001, LAN),
    ("in a list", [7001], LAN),
    ("a name", "@lan", None),
    ("nothing", "", None),
    ("none", None, None),
    ("an object", {"id": 7001}, None),
    ("too large", 2**70, None),
    ("with a control character", "7001\x00", None),
]


@pytest.mark.parametrize(("key", "address"), [case[1:] for case in ADDRESSES], ids=[case[0] for case in ADDRESSES])
def test_an_address_is_one_or_none(desk: Desk, key: object, address: Address | None) -> None:
    body = json.loads(payload(ENDS[0]))
    body["meta"]["sender"]["custom_attributes"]["telegram_id"] = key
    desk.tells(*TALK)
    desk.world.store.interactions.clear()
    assert desk.sends(json.dumps(body).encode()) == 200
    (decision,) = desk.decisions()
    assert (decision.address == address) if address else (decision.rule == "no address known")


def test_names_and_words_are_cleaned(desk: Desk) -> None:
    body = json.loads(payload(ENDS[0]))
    body["meta"]["assignee"]["name"] = "Minh\n\u202eadmin\x00" + "x" * 500
    body["labels"] = ["a,b", "\u200b", "x" * 900, *(f"t{number}" for number in range(200))]
    body["meta"]["sender"] |= {"name": "Lan\r\n\ud800", "identifier": "C" * 900}
    body["id"] = "8" * 900
    desk.world.settings = replace(
        desk.world.settings,
        triggers=(replace(desk.world.settings.triggers[0], fields={"link": "custom_attributes.order", "note": "id"}),),
    )
    assert desk.sends(json.dumps(body).encode()) == 200
    (interaction,) = desk.world.store.interactions.values()
    (decision,) = desk.decisions()
    attributes = interaction.attributes
    assert attributes["agent"].startswith("Minh admin")
    assert len(attributes["agent"]) == 80
    assert attributes["tag"] == "a b"
    assert len(attributes["tags"]) <= 2000
    assert "link" not in attributes, "what is no address is no link"
    assert len(interaction.reference) < 200
    assert interaction.reference == attributes["reference"]
    assert decision.known_as is not None
    assert len(decision.known_as) < 200


def test_a_reference_that_is_too_long_stays_the_same_one(desk: Desk) -> None:
    bodies = [json.loads(payload(ENDS[0])) | {"id": "8" * 900 + last} for last in ("", "", "1")]
    for body in bodies:
        assert desk.sends(json.dumps(body).encode()) == 200
    assert len({one.reference for one in desk.world.store.interactions.values()}) == 2


def test_a_chat_that_falls_silent_is_an_end(desk: Desk) -> None:
    silent = replace(desk.world.settings.triggers[0], idle_after=timedelta(hours=2))
    desk.world.settings = replace(desk.world.settings, triggers=(silent,))
    desk.tells(*TALK)
    assert [(due.kind, due.due_at - NOW) for due in desk.world.store.due_rows.values()] == [
        ("idle", timedelta(hours=2))
    ]
