"""The Slack channel: one workspace, over HTTP or Socket Mode."""

import asyncio
import logging
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, assert_never

import aiohttp
import orjson
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient
from yarl import URL

from bot.channels.slack.drawing import LITTLE_ROOM, Drawn, draw
from bot.channels.slack.listening import Answer, Listener
from bot.channels.slack.reading import Meant, Nothing, Origin, Unknown, read, unread
from bot.channels.slack.replying import wording
from bot.channels.slack.sending import MESSAGE_LOST, TOO_LONG, UNCHANGED, code_of, failure
from bot.channels.slack.signing import is_ssl_check, parsed, signed
from bot.config import SlackSettings
from bot.errors import SendFailed, StoreUnavailable
from bot.messages import Alert, AlertOf, Card, Inbound, Outbound, Receipt, Text
from bot.ports import Clock, Handle, Limits, Raw, Reply

log = logging.getLogger(__name__)

# a person's id begins with U or W
_ROOMS = ("#", "C", "G")

#: seconds; delivery has a shorter deadline of its own
CALL_TIMEOUT = 20
#: seconds for the fleeting replies under way when the channel closes
GRACE = 5.0


class SlackChannel:
    """One Slack workspace as a ``Channel``: customers in direct messages, agents in rooms.

    A customer's address is their user id; a room's is its id or "#name". The remote id of a message is
    ``<conversation id>:<ts>``. Nothing is asked of Slack while one of its requests waits for our answer.
    """

    def __init__(self, settings: SlackSettings, *, clock: Clock) -> None:
        self.name = settings.name
        self.limits = Limits(buttons=25, text=3_000, button_label=75, token_bytes=2_000, edits=True)
        self._settings = settings
        self._clock = clock
        self._client = _web_client(settings.api_url, settings.bot_token)
        self._app = _bolt(settings)
        self._session: aiohttp.ClientSession | None = None
        self._fleeting: set[asyncio.Task[None]] = set()

    # ---- what comes in

    async def receive(self, raw: Raw, handle: Handle) -> Reply:
        """Answer one HTTP request of Slack's: 200 once it is committed, 5xx when it was not kept, 401 for a forgery.

        Events, interactions and commands may all come here, whatever the path.
        """
        if is_ssl_check(raw):
            return Reply()
        # Not our clock, which a simulation may speed up: Slack signs by the time of day.
        if not signed(raw, self._settings.signing_secret, time.time()):
            return Reply(status=401)
        body = parsed(raw)
        if body is None:
            return _reply(await self._aside(raw.body, "a body that is neither JSON nor a form", handle))
        return _reply(await self._dispatch(body, raw.body, handle))

    async def run(self, handle: Handle) -> None:
        """Listen in Socket Mode until cancelled; in HTTP mode return at once."""
        if self._settings.mode != "socket":
            return

        async def take(payload: object, raw: bytes) -> Answer | None:
            if isinstance(payload, dict):
                response = await self._dispatch(payload, raw, handle)
            else:
                response = await self._aside(raw, "an envelope without a body", handle)
            if response.status >= 300:
                return None
            return dict(orjson.loads(response.body)) if response.body.startswith("{") else {}

        client = self._opened()
        listener = Listener(
            client=client, session=self._session_of(client), app_token=self._settings.app_token, take=take
        )
        await listener.run()

    async def _dispatch(self, body: Mapping[str, Any], raw: bytes, handle: Handle) -> BoltResponse:
        """Let Bolt answer what Slack itself asks (url_verification), and take the rest."""
        taking = _Taking(lambda: self._take(body, raw, handle))
        try:
            # "socket_mode" is Bolt's word for a body that was verified and parsed before
            request = AsyncBoltRequest(body=dict(body), mode="socket_mode", context={"taking": taking})
            response = await self._app.async_dispatch(request)
        except Exception:
            response = BoltResponse(status=404)
        if not taking.reached and response.status >= 300:
            # Bolt expects shapes that no signature promises
            return await self._take(body, raw, handle)
        return response

    async def _take(self, body: Mapping[str, Any], raw: bytes, handle: Handle) -> BoltResponse:
        """Handle one verified body and answer it."""
        reading = read(body, raw, self.name, self._clock())
        match reading:
            case Meant(inbound=inbound, origin=origin):
                return await self._handled(inbound, origin, handle)
            case Unknown(why=why):
                return await self._aside(raw, why, handle)
            case Nothing(alarm=alarm):
                if alarm:
                    log.warning("Slack (%s) says: %s", self.name, alarm)
                return BoltResponse(status=200)
            case _:
                assert_never(reading)

    async def _aside(self, raw: bytes, why: str, handle: Handle) -> BoltResponse:
        return await self._handled(unread(raw, self.name, self._clock(), why), None, handle)

    async def _handled(self, inbound: Inbound, origin: Origin | None, handle: Handle) -> BoltResponse:
        try:
            outcome = await handle(inbound)
        except StoreUnavailable:
            log.warning("Slack (%s): %s was not kept, the database did not answer", self.name, type(inbound).__name__)
            return BoltResponse(status=503)
        except Exception as error:
            # the error's own text may hold a customer's words
            lines = "".join(traceback.format_tb(error.__traceback__))
            kind = type(inbound).__name__
            log.error("Slack (%s): %s was not kept: %s\n%s", self.name, kind, type(error).__name__, lines)
            return BoltResponse(status=500)
        words = wording(inbound, outcome.said) if origin else ""
        if not words or origin is None:
            return BoltResponse(status=200)
        if origin.kind == "command":
            return BoltResponse(status=200, body={"response_type": "ephemeral", **_message(draw(Text(text=words)))})
        self._tell(origin, words)
        return BoltResponse(status=200)

    # ---- fleeting replies

    def _tell(self, origin: Origin, words: str) -> None:
        task = asyncio.create_task(self._whisper(origin, draw(Text(text=words))))
        self._fleeting.add(task)
        task.add_done_callback(self._fleeting.discard)

    async def _whisper(self, origin: Origin, drawn: Drawn) -> None:
        """Say something to one person once; whatever goes wrong, it is not said again."""
        client = self._opened()
        message = _message(drawn)
        try:
            if _is_of(self._settings.api_url, origin.response_url):
                hook = AsyncWebhookClient(
                    origin.response_url,
                    timeout=CALL_TIMEOUT,
                    session=client.session,
                    logger=_discreet,
                    retry_handlers=[],
                )
                hook.proxy = _proxy(origin.response_url, hook.proxy)
                answer = await hook.send_dict({"response_type": "ephemeral", "replace_original": False, **message})
                if answer.status_code >= 300:
                    log.warning("Slack (%s): a fleeting reply was refused (%d)", self.name, answer.status_code)
            elif origin.kind == "press" and origin.conversation:
                await client.chat_postEphemeral(channel=origin.conversation, user=origin.user, **message)
            else:
                await client.chat_postMessage(channel=origin.user, **message)
        except Exception as error:
            what = code_of(error) if isinstance(error, SlackApiError) else type(error).__name__
            log.warning("Slack (%s): a fleeting reply was lost (%s)", self.name, what)

    # ---- what goes out

    async def send(self, message: Outbound, remote: str | None, *, again: bool = False) -> Receipt:  # noqa: ARG002
        """Post a message, or change the one that ``remote`` names; raises SendFailed.

        ``again`` makes no difference: Slack knows no idempotency key, and a second copy carries the same tokens.
        """
        content = message.content
        if isinstance(content, AlertOf):
            raise SendFailed(reason="an alert that was not drawn from its case", retryable=False)
        try:
            return await self._sent(message, content, remote)
        except Exception as error:
            to_desk = isinstance(content, Alert) or message.to.key.startswith(_ROOMS)
            raise failure(error, to_desk=to_desk) from None

    async def _sent(self, message: Outbound, content: Text | Card | Alert, remote: str | None) -> Receipt:
        place = _place(remote) if message.kind == "edit" else None
        try:
            return await self._written(message.to.key, place, draw(content))
        except SlackApiError as error:
            code = code_of(error)
            if code in TOO_LONG:
                return await self._written(message.to.key, place, draw(content, LITTLE_ROOM))
            if place is None or remote is None or code not in UNCHANGED | MESSAGE_LOST:
                raise
            if code in MESSAGE_LOST and isinstance(content, Alert) and not content.closed:
                # The team must see an open case, even if someone deleted its first alert. A question that its
                # customer deleted is not put again, and a finished case needs no second message.
                return await self._written(message.to.key, None, draw(content))
            return Receipt(remote=remote)

    async def _written(self, to: str, place: tuple[str, str] | None, drawn: Drawn) -> Receipt:
        client = self._opened()
        if place is None:
            answer = await client.chat_postMessage(
                channel=to, unfurl_links=False, unfurl_media=False, **_message(drawn)
            )
        else:
            answer = await client.chat_update(channel=place[0], ts=place[1], **_message(drawn))
        return Receipt(remote=f"{answer['channel']}:{answer['ts']}")

    async def close(self) -> None:
        """Let fleeting replies arrive, then close the connections."""
        if self._fleeting:
            _, late = await asyncio.wait(self._fleeting, timeout=GRACE)
            for task in late:
                task.cancel()
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> AsyncWebClient:
        # aiohttp's sessions belong to a running loop, and channels are built before there is one
        if self._session is None or self._session.closed:
            timeout = aiohttp.ClientTimeout(total=CALL_TIMEOUT, sock_connect=5)
            self._session = self._client.session = aiohttp.ClientSession(timeout=timeout)
        return self._client

    @staticmethod
    def _session_of(client: AsyncWebClient) -> aiohttp.ClientSession:
        if client.session is None:
            raise RuntimeError("the channel is not opened")
        return client.session


class _Taking:
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
        taking: _Taking = req.context["taking"]
        return await taking()


class _Discreet(logging.Filter):
    """Lets through where the libraries met trouble, and nothing of what they say: bodies, words, tokens."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[0] if record.exc_info else None
        record.msg = f"Slack's library, in {record.module}.{record.funcName}: {error.__name__ if error else 'trouble'}"
        record.args, record.exc_info, record.exc_text = (), None, None
        return True


_discreet = logging.getLogger(f"{__name__}.library")
_discreet.setLevel(logging.ERROR)
_discreet.addFilter(_Discreet())


def _bolt(settings: SlackSettings) -> AsyncApp:
    async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        # One workspace, whose token we have: nothing to look up, and no auth.test while Slack waits.
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=settings.bot_token)

    app = AsyncApp(
        name="afterchat",
        logger=_discreet,
        client=_web_client(settings.api_url, None),
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


def _web_client(api_url: str, token: str | None) -> AsyncWebClient:
    # Its default retries repeat a message that may have arrived; the outbox decides on that.
    client = AsyncWebClient(
        token=token,
        base_url=f"{api_url.rstrip('/')}/api/",
        timeout=CALL_TIMEOUT,
        logger=_discreet,
        retry_handlers=[],
    )
    client.proxy = _proxy(api_url, client.proxy)
    return client


def _proxy(url: str, proxy: str | None) -> str | None:
    """The proxy of the environment, which the SDK would use for loopback too."""
    return None if URL(url).host in {"127.0.0.1", "localhost", "::1"} else proxy


def _message(drawn: Drawn) -> dict[str, Any]:
    return {
        "text": drawn.text,
        "blocks": list(drawn.blocks),
        "mrkdwn": False,
        "parse": "none",
        "link_names": False,
    }


def _place(remote: str | None) -> tuple[str, str] | None:
    conversation, _, ts = (remote or "").partition(":")
    return (conversation, ts) if conversation and ts else None


def _reply(response: BoltResponse) -> Reply:
    return Reply(status=response.status, body=response.body.encode(), headers=response.first_headers())


def _is_of(api_url: str, response_url: str) -> bool:
    """Whether an address that a body names is Slack's own (hooks.slack.com): we post nothing anywhere else."""
    try:
        api, hook = URL(api_url), URL(response_url)
    except ValueError:
        return False
    if api.host is None or hook.host is None or hook.scheme != api.scheme:
        return False
    return hook.host == api.host or hook.host.endswith(f".{api.host}")
