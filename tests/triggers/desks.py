"""Triggers and payloads for tests: one trigger of each kind, and what a body tells in short."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from bot.config import TriggerKindName, TriggerSettings
from bot.conversations.dealings import Beside, Ended, Happening, Resumed, Spoke
from bot.triggers import Delivery, Telling, read_delivery

PAYLOADS = Path(__file__).parents[1] / "payloads" / "helpdesk"
SHARED = "a-shared-secret-of-the-tests"
SIGNING = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
KINDS: tuple[TriggerKindName, ...] = get_args(TriggerKindName)
GENERIC = {
    "event": "event",
    "reference": "order.id",
    "id": "delivery_id",
    "at": "time",
    "by": "by",
    "messages": "count",
    "name": "order.customer.name",
    "locale": "order.customer.language",
    "time_zone": "order.customer.zone",
    "agent": "order.courier",
    "tags": "order.labels",
    "product": "order.lines[0].product",
    "gift": "order.gift",
}


def trigger_of(kind: TriggerKindName, **changes: object) -> TriggerSettings:
    """A trigger as an admin would write it."""
    generic = {
        "fields": GENERIC,
        "customer": "order.customer.number",
        "ended": ("delivered",),
        "resumed": ("returned",),
        "spoke": ("message",),
    }
    plain = {"name": kind, "kind": kind, "secrets": (SHARED,), "signing_secrets": (SIGNING,)}
    return TriggerSettings(**{**plain, **(generic if kind == "generic" else {}), **changes})  # type: ignore[arg-type]


def kind_of(file: Path) -> TriggerKindName:
    return next(kind for kind in KINDS if file.stem.startswith(kind))


def payload(name: str) -> bytes:
    return (PAYLOADS / f"{name}.json").read_bytes()


def delivery_of(body: bytes | object, **headers: str) -> Delivery:
    """A delivery; header names are written with _ for -."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Delivery(headers={"content-type": "application/json", **named}, body=raw, at=NOON)


def told_by(body: bytes | object, trigger: TriggerSettings, **headers: str) -> list[Telling]:
    return list(read_delivery(delivery_of(body, **headers), trigger))


def in_short(happening: Happening) -> str:
    """A happening in one line; times of the day they are all from, words only if they are told."""
    match happening:
        case Ended():
            words = [
                "" if happening.messages is None else f"{happening.messages} messages",
                {True: "answered", False: "unanswered", None: ""}[happening.human_answered],
                f"begun by {happening.started_by}" if happening.started_by else "",
            ]
            return ", ".join([f"ended{_at(happening.at)}", *filter(None, words)])
        case Resumed():
            return f"resumed{_at(happening.at)}"
        case Spoke():
            return f"{happening.by} spoke{_at(happening.at)}{' first' if happening.first else ''}"
        case Beside():
            return f"{happening.why}: {happening.kind}{f' ({happening.detail})' if happening.detail else ''}"


def _at(at: datetime | None) -> str:
    if at is None:
        return ""
    assert at.date() == NOON.date(), at
    return f" {at:%H:%M:%S}"
