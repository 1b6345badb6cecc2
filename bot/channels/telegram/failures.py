"""What an error of the Bot API means for a delivery: whether to try again, when, and whether it may have arrived."""

from datetime import timedelta

from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    EndPointNotFound,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)

from bot.channels.telegram.request import MaybeSent
from bot.errors import SendFailed

#: parts of the descriptions of refusals after which nothing sent there will ever arrive
_GONE = ("chat not found", "user not found", "peer_id_invalid", "user_deactivated", "chat was deleted")
_REASON_LENGTH = 200


def failure(error: Exception) -> SendFailed:
    """The error as a SendFailed.

    BadRequest is a NetworkError to the library, but no retry mends it. A rate limit is this chat's: where it is
    the whole bot's, each lane hears so by itself. What is no TelegramError came out of an answer that the library
    could not read: the message was probably taken.
    """
    reason = reason_of(error)
    match error:
        case RetryAfter():
            return SendFailed(reason=reason, retryable=True, retry_after=seconds_to_wait(error))
        case Forbidden():
            return SendFailed(reason=reason, retryable=False, recipient_gone=True)
        case BadRequest():
            gone = any(part in reason.lower() for part in _GONE)
            return SendFailed(reason=reason, retryable=False, recipient_gone=gone)
        case InvalidToken() | EndPointNotFound():
            return SendFailed(reason=reason, retryable=True, whole_channel=True)
        case Conflict() | ChatMigrated():
            return SendFailed(reason=reason, retryable=True)
        case NetworkError():
            return SendFailed(reason=reason, retryable=True, maybe_delivered=isinstance(error.__cause__, MaybeSent))
        case _:
            return SendFailed(reason=reason, retryable=True, maybe_delivered=True)


def seconds_to_wait(error: RetryAfter) -> float:
    """How long Telegram asked us to wait."""
    wait = error.retry_after
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)


def reason_of(error: Exception) -> str:
    """The error in a line fit for a log: Telegram's description, without the body of an answer."""
    if not isinstance(error, TelegramError):
        return f"an answer that cannot be read ({type(error).__name__})"
    return str(error.message).partition(". Parsing the server response")[0][:_REASON_LENGTH]
