"""Signatures of webhooks by the Standard Webhooks scheme, made and checked.

The library of the Standard Webhooks project is not used: it reads the wall clock itself, and a hostile header makes it
raise ValueError, binascii.Error or UnicodeDecodeError beside its own error.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

#: A message this much older or newer than our clock is refused (standardwebhooks.com).
TOLERANCE = timedelta(minutes=5)
#: Longer ids are refused: the id is kept as a dedupe key.
LONGEST_ID = 256

Refusal = Literal["headers", "timestamp", "signature"]

_PREFIX = "whsec_"


def webhook_key(secret: str) -> bytes:
    """The signing key in a secret written ``whsec_<base64>`` (the prefix may be left out).

    Raises ValueError when it holds no base64, or less than 16 bytes.
    """
    text = secret.removeprefix(_PREFIX).rstrip("=")
    key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    if len(key) < 16:
        raise ValueError("a webhook secret holds at least 16 bytes, better 24, in base64 after 'whsec_'")
    return key


def sign_webhook(key: bytes, id: str, at: datetime, body: bytes) -> Mapping[str, str]:
    """The three headers that prove a webhook's origin; ``at`` has a time zone."""
    seconds = str(int(at.timestamp()))
    return {"webhook-id": id, "webhook-timestamp": seconds, "webhook-signature": _signature(key, id, seconds, body)}


def refuse_webhook(keys: Sequence[bytes], headers: Mapping[str, str], body: bytes, now: datetime) -> Refusal | None:
    """Why a webhook is not to be believed, or None when one of the keys signed it within the last five minutes.

    Header names are in lower case. Never raises, whatever the headers hold.
    """
    id, seconds = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    offered = headers.get("webhook-signature", "").split()
    if not (
        id and len(id) <= LONGEST_ID and seconds.isascii() and seconds.isdigit() and len(seconds) <= 12 and offered
    ):
        return "headers"
    if abs(now.timestamp() - int(seconds)) > TOLERANCE.total_seconds():
        return "timestamp"
    right = [_signature(key, id, seconds, body).encode() for key in keys]
    # Every pair is compared, so that the time taken tells nothing of which one came close.
    matches = [hmac.compare_digest(octets(each), ours) for each in offered[:8] for ours in right]
    return None if any(matches) else "signature"


def _signature(key: bytes, id: str, seconds: str, body: bytes) -> str:
    signed = hmac.new(key, octets(f"{id}.{seconds}.") + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"


def octets(header: str) -> bytes:
    """A header as bytes: its stray ones arrive as lone surrogates, which UTF-8 alone would refuse."""
    return header.encode("utf-8", "surrogatepass")
