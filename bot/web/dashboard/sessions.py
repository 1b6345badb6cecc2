"""Who is signed in: a cookie signed with a key that is made of the API key, so it ends when that key is removed."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from bot.messages import Address, ChannelName

#: how long one stays signed in
LASTS = timedelta(hours=12)
#: agents of the page and of the HTTP API have their addresses on it
API_CHANNEL = ChannelName("api")
#: no name of a person is longer, and a cookie holds 4,096 bytes
LONGEST_NAME = 60
_LONGEST_COOKIE = 1_000


class _Signed(msgspec.Struct, frozen=True, kw_only=True):
    """What the cookie carries."""

    id: str
    name: str
    until: datetime


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A signed-in agent; ``form_token`` stands in each of their forms and in nobody else's."""

    name: str
    form_token: str

    @property
    def address(self) -> Address:
        return Address(channel=API_CHANNEL, key=self.name.casefold())


def matching_key(offered: str, keys: Sequence[str]) -> str | None:
    """The API key that was offered; all are compared, so that the time taken tells nothing of which one came close."""
    octets = offered.encode("utf-8", "surrogatepass")
    found = [key for key in keys if key and hmac.compare_digest(octets, key.encode())]
    return found[0] if found else None


def new_cookie(key: str, name: str, now: datetime) -> str:
    """The cookie of somebody who signs in with an API key."""
    signed = _Signed(id=secrets.token_urlsafe(16), name=name, until=now + LASTS)
    body = base64.urlsafe_b64encode(msgspec.json.encode(signed)).decode()
    return f"{body}.{_mac(key, f'session:{body}')}"


def read_cookie(cookie: str, keys: Sequence[str], now: datetime) -> Session | None:
    """The session of a cookie, if one of the configured keys signed it and it is not over."""
    if len(cookie) > _LONGEST_COOKIE or not cookie.isascii():
        return None
    body, _, mac = cookie.partition(".")
    signers = [key for key in keys if key and hmac.compare_digest(_mac(key, f"session:{body}"), mac)]
    if not signers:
        return None
    try:
        signed = msgspec.json.decode(base64.urlsafe_b64decode(body), type=_Signed)
    except (ValueError, msgspec.DecodeError):
        return None
    if signed.until <= now:
        return None
    return Session(name=signed.name, form_token=_mac(signers[0], f"form:{signed.id}"))


def clean_name(text: str) -> str:
    """A name as it is shown: one line, nothing invisible, at most 60 characters.

    >>> clean_name("  Anna\\u202e   Nowak\\n")
    'Anna Nowak'
    """
    visible = "".join(each if each.isprintable() or each.isspace() else "" for each in text)
    return " ".join(visible.split())[:LONGEST_NAME].rstrip()


def _mac(key: str, text: str) -> str:
    signing = hmac.digest(key.encode(), b"afterchat: pages for agents", hashlib.sha256)
    return base64.urlsafe_b64encode(hmac.digest(signing, text.encode(), hashlib.sha256)).decode().rstrip("=")
