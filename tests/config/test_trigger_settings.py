"""[triggers.<name>]: what is read of a helpdesk's block, and which secrets it needs."""

from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest

from bot.config import TriggerKindName, TriggerSettings, check, load
from bot.config.key_paths import parse_key_path
from bot.demo import with_placeholders
from bot.triggers.registry import HELPDESKS

REST = """
company = "Lotus Home"

[channels.web]
kind = "webchat"
secret = { env = "WEBCHAT_SECRET" }

[[flow]]
id = "csat"
languages = ["en"]
title = "Support chat"

[[flow.question]]
id = "score"
type = "csat5"
text = "How was it?"

"""
ENVIRONMENT = {
    "WEBCHAT_SECRET": "0123456789abcdef",
    "SHARED": "first-shared-secret, second-shared-secret",
    "SIGNING": "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz",
}


def triggers(tmp_path: Path, block: str, environ: dict[str, str] | None = None) -> tuple[TriggerSettings, ...]:
    file = tmp_path / "config.toml"
    file.write_text(REST + block, "utf-8")
    return load(file, ENVIRONMENT if environ is None else environ).triggers


def test_every_key_is_read(tmp_path: Path) -> None:
    block = """
[triggers.shop]
kind = "generic"
secrets = { env = "SHARED" }
signing_secrets = { env = "SIGNING" }
header = "X-Shop"
flow = "csat"
channel = "web"
address = "order.session"
customer = "order.customer[0].number"
link = "https://shop.example/orders/{reference}?of={order.customer[0].number}"
ended = ["delivered"]
resumed = ["returned"]
spoke = ["message"]
idle_after = "2h"
fields.event = "event"
fields.reference = "order.id"
fields.by = "by"
"""
    (shop,) = triggers(tmp_path, block)
    assert shop == TriggerSettings(
        name="shop",
        kind="generic",
        secrets=("first-shared-secret", "second-shared-secret"),
        signing_secrets=(ENVIRONMENT["SIGNING"],),
        header="X-Shop",
        flow="csat",
        channel=shop.channel,
        address="order.session",
        customer="order.customer[0].number",
        fields={"event": "event", "reference": "order.id", "by": "by"},
        link="https://shop.example/orders/{reference}?of={order.customer[0].number}",
        ended=("delivered",),
        resumed=("returned",),
        spoke=("message",),
        idle_after=timedelta(hours=2),
    )
    assert shop.channel == "web"


@pytest.mark.parametrize("kind", get_args(TriggerKindName))
def test_every_kind_needs_a_shared_secret_only(kind: TriggerKindName, tmp_path: Path) -> None:
    more = 'fields.reference = "id"\n' if kind == "generic" else ""
    block = f'[triggers.desk]\nkind = "{kind}"\nsecrets = {{ env = "SHARED" }}\n{more}'
    (desk,) = triggers(tmp_path, block)
    assert (desk.kind, desk.signing_secrets) == (kind, ())
    assert kind in HELPDESKS


def test_what_is_switched_off_needs_no_secret_and_is_left_out(tmp_path: Path) -> None:
    block = '[triggers.desk]\nkind = "zendesk"\nenabled = false\nsigning_secrets = { env = "NOT_SET" }\n'
    assert triggers(tmp_path, block) == ()


def test_the_sandbox_makes_up_secrets_of_every_kind(tmp_path: Path) -> None:
    block = "".join(
        f'[triggers.{kind}]\nkind = "{kind}"\n{key} = {{ env = "{kind.upper()}" }}\n'
        for kind in get_args(TriggerKindName)
        for key in (["secrets"] if kind in ("freshdesk", "liveagent", "rocketchat") else ["signing_secrets"])
    )
    block += 'fields.reference = "id"\n'
    file = tmp_path / "config.toml"
    file.write_text(REST + block, "utf-8")
    assert check(file, with_placeholders(file, {})) == []


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("id", ("id",)),
        ("ticket.requester.email", ("ticket", "requester", "email")),
        ("tags[0]", ("tags", 0)),
        ("a[1][2].b", ("a", 1, 2, "b")),
        ("Straße.mit Leerzeichen.x", ("Straße", "mit Leerzeichen", "x")),
        ("", None),
        (".a", None),
        ("a.", None),
        ("a[", None),
        ("a[-1]", None),
        ("a]b", None),
        ("[0]", None),
        ("a[0]b", None),
        (" a", None),
        (".".join("x" * 21), None),
    ],
)
def test_key_paths(text: str, steps: tuple[str | int, ...] | None) -> None:
    assert parse_key_path(text) == steps
