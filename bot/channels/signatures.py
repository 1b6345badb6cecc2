"""Signatures of what passes between us and others: Standard Webhooks, and the sessions of our own widget."""

import base64
import hashlib
import hmac

from bot.webhook_signatures import LONGEST_ID, TOLERANCE, Refusal, octets, refuse_webhook, sign_webhook, webhook_key

__all__ = [
    "LONGEST_ID",
    "TOLERANCE",
    "Refusal",
    "refuse_webhook",
    "session_in",
    "session_token",
    "sign_webhook",
    "webhook_key",
]


def session_token(secret: str, session: str) -> str:
    """The proof that we made a web-chat session: ``<session>.<HMAC-SHA256 in base64url>``."""
    return f"{session}.{_session_digest(secret, session)}"


def session_in(secret: str, token: str) -> str | None:
    """The session that a token proves, or None for a forged one or one signed with another secret."""
    session, _, digest = token.partition(".")
    proven = hmac.compare_digest(octets(digest), _session_digest(secret, session).encode())
    return session if session and proven else None


def _session_digest(secret: str, session: str) -> str:
    signed = hmac.new(secret.encode(), b"afterchat web session " + octets(session), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(signed).decode().rstrip("=")
