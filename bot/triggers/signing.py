"""The signatures that helpdesks make, and shared secrets."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal

from bot.triggers.bodies import Delivery, Node
from bot.webhook_signatures import octets, refuse_webhook, webhook_key

#: Whether one of the secrets signed this delivery, lately.
IsSigned = Callable[[Delivery, Sequence[str]], bool]

#: A signed time this much before or after ours is refused.
TOLERANCE = timedelta(minutes=5)
_Hash = Literal["sha1", "sha256"]
_HASHES = {"sha1": hashlib.sha1, "sha256": hashlib.sha256}


def same(offered: str, right: str | bytes) -> bool:
    """Whether two texts are the same, in a time that tells nothing of where they differ."""
    return hmac.compare_digest(octets(offered), right if isinstance(right, bytes) else octets(right))


def mac(secret: str, signed: bytes, by: _Hash) -> bytes:
    return hmac.new(octets(secret), signed, _HASHES[by]).digest()


def hex_mac(secret: str, signed: bytes, by: _Hash) -> str:
    return mac(secret, signed, by).hex()


def base64_mac(secret: str, signed: bytes, by: _Hash) -> str:
    return base64.b64encode(mac(secret, signed, by)).decode()


def any_same(offered: str, right: Iterable[str]) -> bool:
    """Whether one of several is right; all are compared, for the same reason."""
    matches = [same(offered, each) for each in right]
    return bool(offered) and any(matches)


def lately(at: datetime | None, now: datetime) -> bool:
    return at is not None and abs(now - at) <= TOLERANCE


def time_in(header: str) -> datetime | None:
    """The time in a header: seconds, milliseconds or ISO 8601."""
    return Node(header[:40]).time if header else None


def never_signed(_delivery: Delivery, _secrets: Sequence[str]) -> bool:
    """For helpdesks that sign nothing: only a shared secret is believed."""
    return False


def hub_signed(delivery: Delivery, secrets: Sequence[str]) -> bool:
    """``X-Hub-Signature: sha1=<hex of HMAC-SHA1 of the body>`` (Intercom, Zammad)."""
    offered = delivery.header("x-hub-signature").strip()
    return any_same(offered, [f"sha1={hex_mac(secret, delivery.body, 'sha1')}" for secret in secrets])


def standard_signed(delivery: Delivery, secrets: Sequence[str]) -> bool:
    """Standard Webhooks; what is no secret of that scheme signs nothing."""
    keys = []
    for secret in secrets:
        try:
            keys.append(webhook_key(secret))
        except ValueError:
            continue
    return refuse_webhook(keys, delivery.headers, delivery.body, delivery.at) is None


def carries_secret(delivery: Delivery, secrets: Sequence[str], headers: Sequence[str]) -> bool:
    """Whether a shared secret came as a bearer token, as X-Afterchat-Secret, or in one of these headers."""
    scheme, _, token = delivery.header("authorization").strip().partition(" ")
    offered = [token.strip() if scheme.lower() == "bearer" else ""]
    offered += [delivery.header(name.lower()).strip() for name in ("X-Afterchat-Secret", *headers)]
    matches = [any_same(each, secrets) for each in offered]
    return any(matches)
