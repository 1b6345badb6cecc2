"""Whether a request comes from Slack, and what its body holds."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson

from bot.ports import Raw

#: seconds; an older signature may be a replay
WINDOW = 300


def signed(raw: Raw, secret: str, now: float) -> bool:
    """Whether the signature is Slack's and was made within five minutes of ``now`` (Unix seconds, by the wall clock).

    The SDK's verifier raises on a timestamp that is no number and on a body that is no UTF-8, so it is not used.
    """
    timestamp = raw.headers.get("x-slack-request-timestamp", "")
    if not secret or not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16):
        return False
    if abs(now - int(timestamp)) > WINDOW:
        return False
    mac = hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + raw.body, hashlib.sha256)
    claimed = raw.headers.get("x-slack-signature", "").encode("utf-8", "surrogateescape")
    return hmac.compare_digest(b"v0=" + mac.hexdigest().encode(), claimed)


def parsed(raw: Raw) -> Mapping[str, Any] | None:
    """The body as an object, from JSON, a form, or a form's ``payload``; None for anything else.

    Bolt's own parser takes a command whose words contain "payload" for an empty body, so it is not used.
    """
    try:
        if raw.headers.get("content-type", "").startswith("application/json") or raw.body.lstrip()[:1] in (b"{", b"["):
            body = orjson.loads(raw.body)
        else:
            fields = dict(parse_qsl(raw.body.decode(), keep_blank_values=True, max_num_fields=200))
            body = orjson.loads(fields["payload"]) if "payload" in fields else fields
    except ValueError:
        return None
    return body if isinstance(body, dict) and body else None


def is_ssl_check(raw: Raw) -> bool:
    """Whether Slack only looks at our certificate, which has no effect and may come without a signature."""
    return raw.body.startswith(b"ssl_check=1&") or raw.body == b"ssl_check=1"
