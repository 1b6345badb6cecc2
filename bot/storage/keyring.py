"""The secret under which people's names and words are found, and from which other keys are made."""

import hashlib
import hmac
import secrets
from datetime import datetime

from bot.storage.codec import to_micros
from bot.storage.ops import Procedure, Statement, ask, do, insert, query
from bot.storage.rows import Person

_MAKE = insert("keyring", "id:bigint secret at:bigint", key="id", conflict="DO NOTHING")
_SECRET = query("SELECT k.secret FROM keyring k WHERE k.id = 1")


def secret(now: datetime) -> Procedure[bytes]:
    """The one of this database, made at the first start."""
    rows = yield from ask(_SECRET)
    if not rows:
        yield from do([Statement(_MAKE, (1, secrets.token_hex(32), to_micros(now)))])
        rows = yield from ask(_SECRET)
    return bytes.fromhex(rows[0][0])


def derived(key: bytes, purpose: str) -> bytes:
    """A key for one purpose (32 bytes): who learns it learns neither this database's secret nor any other key."""
    return hmac.digest(key, f"afterchat {purpose}".encode(), "sha256")


def person_by(key: bytes) -> Person:
    """A customer's id as 32 hexadecimal digits that nobody can turn back without the key."""
    return lambda customer: hashlib.blake2b(customer.encode(), key=key, digest_size=16).hexdigest()
