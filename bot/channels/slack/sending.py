"""What Slack's refusals and the network's failures mean for a message: whether to try again, and whose fault it is."""

from collections.abc import Mapping
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError

from bot.channels.slack.drawing import Drawn
from bot.errors import SendFailed

#: seconds to wait for something that a person must repair (a token, a missing room)
UNTIL_REPAIRED = 300.0
#: seconds to wait when Slack names no time
UNTOLD = 30.0
LONGEST_WAIT = 3_600.0

RATE_LIMITED = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
# account_inactive is the token's account, not the recipient's: it must never opt customers out.
OUR_ACCESS = frozenset(
    {
        "access_denied",
        "account_inactive",
        "accesslimited",
        "as_user_not_supported",
        "ekm_access_denied",
        "invalid_auth",
        "messages_tab_disabled",
        "missing_scope",
        "no_permission",
        "not_allowed_token_type",
        "not_authed",
        "org_login_required",
        "team_access_not_granted",
        "team_added_to_org",
        "token_expired",
        "token_revoked",
        "two_factor_setup_required",
    }
)
NO_SUCH_PLACE = frozenset(
    {
        "cannot_dm_bot",
        "channel_not_found",
        "is_archived",
        "not_in_channel",
        "restricted_action",
        "restricted_action_read_only_channel",
        "user_disabled",
        "user_not_found",
        "user_not_visible",
        "users_not_found",
    }
)
OUR_MISTAKE = frozenset(
    {
        "attachment_payload_limit_exceeded",
        "invalid_arg_name",
        "invalid_arguments",
        "invalid_array_arg",
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_charset",
        "invalid_form_data",
        "invalid_json",
        "invalid_post_type",
        "invalid_ts_format",
        "json_not_object",
        "method_deprecated",
        "missing_post_type",
        "msg_blocks_too_long",
        "msg_too_long",
        "no_text",
        "unknown_method",
    }
)
# Slack's reference says of these that some aspect of the operation may have succeeded.
PERHAPS_DONE = frozenset({"fatal_error", "internal_error", "request_timeout"})

#: An edit that finds its message as it should be.
UNCHANGED = frozenset({"message_not_modified", "not_modified"})
#: An edit whose message is not there any more, or for ever as it is.
MESSAGE_LOST = frozenset({"cant_update_message", "edit_window_closed", "message_not_found"})
#: A reply whose first message is gone, or takes none any more.
THREAD_LOST = frozenset(
    {
        "cannot_reply_to_message",
        "invalid_thread_ts",
        "message_not_found",
        "restricted_action_thread_locked",
        "thread_not_found",
    }
)
#: Blocks that Slack finds too long, although each of them is within its limit.
TOO_LONG = frozenset({"msg_blocks_too_long", "msg_too_long"})


def failure(error: Exception, *, to_desk: bool) -> SendFailed:
    """The failure of a send as delivery understands it.

    ``to_desk``: the message was for the agents, so a missing room is to be repaired and not a customer who left.
    """
    match error:
        case SlackApiError():
            return _refused(code_of(error), _status(error), _wait(error), to_desk=to_desk)
        case aiohttp.ClientConnectorError() | aiohttp.ConnectionTimeoutError() | aiohttp.InvalidURL():
            return SendFailed(reason=f"Slack was not reached ({type(error).__name__})", retryable=True)
        case _:
            reason = f"Slack's answer was lost ({type(error).__name__})"
            return SendFailed(reason=reason, retryable=True, maybe_delivered=True)


def _refused(code: str, status: int, wait: float | None, *, to_desk: bool) -> SendFailed:
    reason = f"Slack refused: {code or f'status {status}'}"
    if code in RATE_LIMITED or status == 429:
        return SendFailed(reason=reason, retryable=True, retry_after=wait or UNTOLD, whole_channel=True)
    if code in OUR_ACCESS:
        return SendFailed(reason=reason, retryable=True, retry_after=UNTIL_REPAIRED, whole_channel=True)
    if code in NO_SUCH_PLACE:
        if to_desk:
            return SendFailed(reason=reason, retryable=True, retry_after=UNTIL_REPAIRED, whole_room=True)
        return SendFailed(reason=reason, retryable=False, recipient_gone=True)
    if code in OUR_MISTAKE:
        return SendFailed(reason=reason, retryable=False)
    # An unknown refusal may pass; delivery gives up after so many attempts.
    unsure = code in PERHAPS_DONE or (not code and (status >= 500 or status < 300))
    # Slack is in trouble itself where it gives no word, or one that says so; any other word is about this message.
    down = not code or code in PERHAPS_DONE or code == "service_unavailable"
    return SendFailed(
        reason=reason,
        retryable=True,
        retry_after=wait,
        maybe_delivered=unsure,
        whole_channel=down and wait is not None,
        of_message=not down,
    )


def fields_of(drawn: Drawn) -> dict[str, Any]:
    """The fields of any message of ours: what looks like an address or a name in it stays text."""
    return {
        "text": drawn.text,
        "blocks": list(drawn.blocks),
        "mrkdwn": False,
        "parse": "none",
        "link_names": False,
    }


def code_of(error: SlackApiError) -> str:
    """Slack's word for a refusal, such as "channel_not_found"; empty where the answer was no JSON of Slack's."""
    data = getattr(error.response, "data", error.response)
    code = data.get("error") if isinstance(data, Mapping) else None
    return code[:80] if isinstance(code, str) else ""


def _status(error: SlackApiError) -> int:
    # an answer that was no JSON comes as aiohttp's own response, with another name for its status
    response: Any = error.response
    status = getattr(response, "status_code", getattr(response, "status", 0))
    return status if isinstance(status, int) else 0


def _wait(error: SlackApiError) -> float | None:
    headers = getattr(error.response, "headers", None) or {}
    try:
        seconds = float(headers.get("Retry-After", ""))
    except ValueError:
        return None
    return min(max(seconds, 1.0), LONGEST_WAIT) if seconds == seconds else None  # noqa: PLR0124
