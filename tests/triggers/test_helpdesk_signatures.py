"""Who is believed: each vendor's own signature, and shared secrets in a header."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from bot.config import TriggerKindName
from bot.triggers import Delivery, challenged_with, is_believed
from tests.triggers import signing_vendors as by
from tests.triggers.desks import KINDS, NOON, SHARED, SIGNING, trigger_of

BODY = '{"event": "đóng"}'.encode()
OTHER = "whsec_OTg3NjU0MzIxMDk4NzY1NDMyMTA5ODc2"
SCHEMES: list[tuple[TriggerKindName, by.Sign, bool]] = [
    ("chatwoot", by.chatwoot, True),
    ("zendesk", by.zendesk, True),
    ("intercom", by.hub, False),
    ("zammad", by.hub, False),
    ("front", by.front_rule, False),
    ("front", by.front_application, True),
    ("generic", by.standard, True),
]
IDS = [f"{kind}-{sign.__name__}" for kind, sign, _ in SCHEMES]


def believed(kind: TriggerKindName, headers: Mapping[str, str], body: bytes = BODY, **changes: object) -> bool:
    return is_believed(Delivery(headers=headers, body=body, at=NOON), trigger_of(kind, **changes))


@pytest.mark.parametrize(("kind", "sign", "timed"), SCHEMES, ids=IDS)
def test_a_vendors_own_signature(kind: TriggerKindName, sign: by.Sign, timed: bool) -> None:
    right = sign(BODY, SIGNING, NOON)
    assert believed(kind, right)
    assert believed(kind, right, signing_secrets=(OTHER, SIGNING)), "a secret that is being replaced"
    assert not believed(kind, right, BODY + b" "), "another body"
    assert not believed(kind, right, signing_secrets=(OTHER,)), "another secret"
    assert not believed(kind, right, signing_secrets=()), "no secret that signs"
    assert not believed(kind, sign(BODY, OTHER, NOON)), "signed by somebody else"
    for name in right:
        assert not believed(kind, {**right, name: ""}), f"nothing in {name}"
        assert not believed(kind, {other: value for other, value in right.items() if other != name}), f"no {name}"
    for off, good in ((timedelta(minutes=4), True), (timedelta(minutes=6), not timed)):
        assert believed(kind, sign(BODY, SIGNING, NOON - off)) is good
        assert believed(kind, sign(BODY, SIGNING, NOON + off)) is good


@pytest.mark.parametrize("kind", ["freshdesk", "liveagent", "rocketchat"])
def test_who_signs_nothing_is_believed_by_no_signature(kind: TriggerKindName) -> None:
    for sign in (by.chatwoot, by.zendesk, by.hub, by.front_rule, by.standard):
        assert not believed(kind, sign(BODY, SIGNING, NOON))


WAYS = [
    ("bearer", {"authorization": f"Bearer {SHARED}"}, True),
    ("bearer in small letters", {"authorization": f"bearer  {SHARED} "}, True),
    ("our own header", {"x-afterchat-secret": SHARED}, True),
    ("the header of the config", {"x-desk-token": SHARED}, True),
    ("another header", {"x-token": SHARED}, False),
    ("another scheme", {"authorization": f"Basic {SHARED}"}, False),
    ("no scheme", {"authorization": SHARED}, False),
    ("a beginning of it", {"authorization": f"Bearer {SHARED[:-1]}"}, False),
    ("more than it", {"authorization": f"Bearer {SHARED}x"}, False),
    ("nothing", {}, False),
    ("an empty secret", {"authorization": "Bearer ", "x-afterchat-secret": "", "x-desk-token": ""}, False),
    ("stray bytes", {"authorization": "Bearer \udcff\udc00", "x-afterchat-secret": "\udcff"}, False),
    ("wrong here and right there", {"authorization": "Bearer wrong", "x-afterchat-secret": SHARED}, True),
    ("a wrong signature and the right secret", {"x-hub-signature": "sha1=00", "x-afterchat-secret": SHARED}, True),
]


@pytest.mark.parametrize(("headers", "good"), [way[1:] for way in WAYS], ids=[way[0] for way in WAYS])
@pytest.mark.parametrize("kind", KINDS)
def test_a_shared_secret(kind: TriggerKindName, headers: Mapping[str, str], good: bool) -> None:
    assert believed(kind, headers, header="X-Desk-Token") is good
    assert not believed(kind, headers, header="X-Desk-Token", secrets=())


def test_rocket_chat_sends_its_secret_in_a_header_of_its_own() -> None:
    assert believed("rocketchat", {"x-rocketchat-livechat-token": SHARED})
    assert not believed("chatwoot", {"x-rocketchat-livechat-token": SHARED})


@pytest.mark.parametrize(
    "headers",
    [
        {"x-chatwoot-timestamp": "9" * 400, "x-chatwoot-signature": "sha256=" + "0" * 64},
        {"x-chatwoot-timestamp": "nan", "x-chatwoot-signature": "sha256=\udcff"},
        {"x-zendesk-webhook-signature-timestamp": "2026-13-40T99:99:99Z", "x-zendesk-webhook-signature": "AA=="},
        {"x-zendesk-webhook-signature-timestamp": "1e400", "x-zendesk-webhook-signature": "\udcff"},
        {"x-front-request-timestamp": "-1", "x-front-signature": "===="},
        {"x-front-request-timestamp": "\udcff", "x-front-signature": "é"},
        {"x-hub-signature": "sha1=" + "é" * 50},
        {"webhook-id": "\udcff", "webhook-timestamp": "²", "webhook-signature": "v1,\udcff"},
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_hostile_headers_are_only_wrong(kind: TriggerKindName, headers: Mapping[str, str]) -> None:
    assert not believed(kind, headers)


def test_front_wants_its_challenge_back() -> None:
    def challenged(kind: TriggerKindName, challenge: str) -> str:
        return challenged_with(
            Delivery(headers={"x-front-challenge": challenge}, body=b"{}", at=NOON), trigger_of(kind)
        )

    assert challenged("front", "c0ffee-42") == "c0ffee-42"
    assert challenged("front", "<script>") == ""
    assert challenged("front", "x" * 201) == ""
    assert challenged("intercom", "c0ffee-42") == ""
