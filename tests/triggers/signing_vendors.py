"""How each vendor signs, written once more from its documentation: what the program checks must not check itself."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import datetime

Sign = Callable[[bytes, str, datetime], Mapping[str, str]]


def _base64(key: str, signed: bytes, by: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), signed, by).digest()).decode()


def chatwoot(body: bytes, key: str, at: datetime) -> Mapping[str, str]:
    seconds = str(int(at.timestamp()))
    digest = hmac.new(key.encode(), f"{seconds}.".encode() + body, "sha256").hexdigest()
    return {"x-chatwoot-timestamp": seconds, "x-chatwoot-signature": f"sha256={digest}"}


def zendesk(body: bytes, key: str, at: datetime) -> Mapping[str, str]:
    written = at.isoformat().replace("+00:00", "Z")
    signature = _base64(key, written.encode() + body, "sha256")
    return {"x-zendesk-webhook-signature-timestamp": written, "x-zendesk-webhook-signature": signature}


def hub(body: bytes, key: str, at: datetime) -> Mapping[str, str]:
    return {"x-hub-signature": f"sha1={hmac.new(key.encode(), body, hashlib.sha1).hexdigest()}"}


def front_rule(body: bytes, key: str, at: datetime) -> Mapping[str, str]:
    return {"x-front-signature": _base64(key, body, "sha1")}


def front_application(body: bytes, key: str, at: datetime) -> Mapping[str, str]:
    milliseconds = str(int(at.timestamp() * 1000))
    signature = _base64(key, f"{milliseconds}:".encode() + body, "sha256")
    return {"x-front-request-timestamp": milliseconds, "x-front-signature": signature}


def standard(body: bytes, key: str, at: datetime) -> Mapping[str, str]:
    seconds = str(int(at.timestamp()))
    raw = base64.b64decode(key.removeprefix("whsec_"))
    digest = base64.b64encode(hmac.new(raw, f"msg_1.{seconds}.".encode() + body, "sha256").digest()).decode()
    return {"webhook-id": "msg_1", "webhook-timestamp": seconds, "webhook-signature": f"v1,{digest}"}
