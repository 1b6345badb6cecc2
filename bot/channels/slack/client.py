"""Slack's own libraries, set up so that they retry nothing, log nobody's words and leave answering to us."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient
from yarl import URL

from bot.config import SlackSettings

#: seconds; delivery has a shorter deadline of its own
CALL_TIMEOUT = 20


class Taking:
    """What Bolt hands through to the catch-all: what to do with the body, and whether it was done."""

    def __init__(self, take: Callable[[], Awaitable[BoltResponse]]) -> None:
        self.reached = False
        self._take = take

    async def __call__(self) -> BoltResponse:
        self.reached = True
        return await self._take()


class _CatchAll(AsyncMiddleware):
    """Answers everything that Bolt did not: Bolt says 404 to whatever has no listener."""

    async def async_process(self, *, req: AsyncBoltRequest, resp: BoltResponse, next: Any) -> BoltResponse:  # noqa: A002, ARG002
        taking: Taking = req.context["taking"]
        return await taking()


class _Discreet(logging.Filter):
    """Lets through where the libraries met trouble, and nothing of what they say: bodies, words, tokens."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[0] if record.exc_info else None
        record.msg = f"Slack's library, in {record.module}.{record.funcName}: {error.__name__ if error else 'trouble'}"
        record.args, record.exc_info, record.exc_text = (), None, None
        return True


discreet = logging.getLogger(f"{__name__}.library")
discreet.setLevel(logging.ERROR)
discreet.addFilter(_Discreet())


def bolt(settings: SlackSettings) -> AsyncApp:
    """An app whose every request ends in the ``taking`` of its context, unless Slack itself asks something."""

    async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        # One workspace, whose token we have: nothing to look up, and no auth.test while Slack waits.
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=settings.bot_token)

    app = AsyncApp(
        name="afterchat",
        logger=discreet,
        client=web_client(settings.api_url, None),
        authorize=authorize,
        # an event is acknowledged after its commit
        process_before_response=True,
        request_verification_enabled=False,
        # it refuses where the environment happens to hold Slack's old verification token
        ssl_check_enabled=False,
        ignoring_self_events_enabled=False,
        attaching_function_token_enabled=False,
        attaching_conversation_kwargs_enabled=False,
    )
    app.use(_CatchAll())
    return app


def web_client(api_url: str, token: str | None) -> AsyncWebClient:
    """A client of the Web API; its default retries repeat a message that may have arrived, so it has none."""
    client = AsyncWebClient(
        token=token,
        base_url=f"{api_url.rstrip('/')}/api/",
        timeout=CALL_TIMEOUT,
        logger=discreet,
        retry_handlers=[],
    )
    client.proxy = proxy_for(api_url, client.proxy)
    return client


def proxy_for(url: str, proxy: str | None) -> str | None:
    """The proxy of the environment, which the SDK would use for loopback too."""
    return None if URL(url).host in {"127.0.0.1", "localhost", "::1"} else proxy
