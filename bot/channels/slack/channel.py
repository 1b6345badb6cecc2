"""The Slack channel: one workspace, over HTTP or Socket Mode."""

import asyncio
import logging
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from typing import Any, assert_never

import aiohttp
import orjson
from msgspec.structs import replace
from slack_bolt.async_app import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.channels.slack.client import CALL_TIMEOUT, Taking, bolt, web_client
from bot.channels.slack.desk import Desk
from bot.channels.slack.drawing import LITTLE_ROOM, Drawn, draw
from bot.channels.slack.files import fetched
from bot.channels.slack.fleeting import Fleeting
from bot.channels.slack.installation import Installation
from bot.channels.slack.listening import Answer, Listener
from bot.channels.slack.meanings import Hint, Meant, Nothing, Origin, Unknown
from bot.channels.slack.people import People
from bot.channels.slack.reading import read, unread
from bot.channels.slack.replying import form_answer, wording
from bot.channels.slack.rooms import Rooms
from bot.channels.slack.sending import (
    MESSAGE_LOST,
    THREAD_LOST,
    TOO_LONG,
    UNCHANGED,
    code_of,
    failure,
    fields_of,
)
from bot.channels.slack.signing import is_ssl_check, parsed, signed
from bot.config import SlackSettings
from bot.errors import SendFailed, StoreUnavailable
from bot.languages import FALLBACK
from bot.languages.voice import Voice
from bot.messages import AgentAsks, AgentDid, Alert, AlertOf, Card, Inbound, IncidentOf, Outbound, Receipt, Remark, Text
from bot.ports import Clock, File, Handle, Limits, Raw, Reply, Said

log = logging.getLogger(__name__)

# a person's id begins with U or W
_ROOMS = ("#", "C", "G")

_Drawable = Text | Card | Remark | Alert

#: seconds; a message of ours that is older is known, or will never be
RECENT = 60.0
#: forms whose refusals are remembered
_REFUSALS = 1_000


class SlackChannel:
    """One Slack workspace as a ``Channel``: customers in direct messages, agents in rooms.

    A customer's address is their user id; a room's is its id or "#name". The remote id of a message is
    ``<conversation id>:<ts>``. While one of its requests waits for our answer, Slack is asked for nothing but an
    agent's name and whether they are of the desk, and for no longer than a second.
    """

    def __init__(
        self,
        settings: SlackSettings,
        *,
        clock: Clock,
        agents_voice: Callable[[], Voice] = lambda: Voice(FALLBACK),
        desk_rooms: Callable[[], Collection[str]] = frozenset,
    ) -> None:
        self.name = settings.name
        self.limits = Limits(
            buttons=25,
            text=3_000,
            button_label=75,
            token_bytes=2_000,
            edits=True,
            posts_per_second=settings.posts_per_second,
            # several hundred messages a minute in a workspace are more than four at a time make
            at_once=4,
        )
        self._settings = settings
        self._clock = clock
        self._agents_voice = agents_voice
        self._client = web_client(settings.api_url, settings.bot_token)
        self._app = bolt(settings)
        self._session: aiohttp.ClientSession | None = None
        self._fleeting = Fleeting(settings.name, settings.api_url, self._opened)
        self._people = People(self._opened)
        self._rooms = Rooms(self._opened)
        self._desk = Desk(self._opened, desk_rooms)
        self._installation = Installation(settings.name, self._opened)
        #: how often each form was refused, by its id
        self._refused: OrderedDict[str, int] = OrderedDict()

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
        """Listen in Socket Mode until cancelled; in HTTP mode return once it is known whose the token is."""
        if self._settings.mode != "socket":
            await self._installation.learn()
            return
        async with asyncio.TaskGroup() as both:
            both.create_task(self._installation.learn())
            both.create_task(self._listen(handle))

    async def _listen(self, handle: Handle) -> None:
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
        taking = Taking(lambda: self._take(body, raw, handle))
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
        if why := self._installation.stranger(body):
            return await self._aside(raw, why, handle)
        known = self._installation.known
        reading = read(body, raw, self.name, self._clock(), bot=known.bot_user if known else "")
        match reading:
            case Meant(inbound=inbound, origin=origin):
                return await self._handled(inbound, origin, handle)
            case Hint(key=key, origin=origin):
                return self._told(origin, self._agents_voice().say(key))
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
            inbound = self._renewed(await self._completed(inbound), origin)
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
        return BoltResponse(status=200) if origin is None else self._answered(inbound, origin, outcome.said)

    async def _completed(self, inbound: Inbound) -> Inbound:
        """The event with what only Slack knows, as far as it tells that within a second."""
        if not isinstance(inbound, AgentAsks):
            return await self._rooms.named(await self._people.named(inbound))
        named, of_the_desk = await asyncio.gather(self._people.named(inbound), self._desk.has(inbound.agent.key))
        return replace(named, of_the_desk=of_the_desk) if isinstance(named, AgentAsks) else named

    def _answered(self, inbound: Inbound, origin: Origin, said: Said) -> BoltResponse:
        """Tell the person who did something, in the answer itself or beside it."""
        if origin.kind == "submission" and origin.form is not None:
            answer = form_answer(said, origin.form)
            if answer["response_action"] == "errors":
                self._refuse(origin.form.id)
            return BoltResponse(status=200, body=answer)
        if said.kind == "unknown_thread":
            return self._nobody_got_it(origin, said)
        if said.form is not None and origin.kind in ("press", "choice"):
            self._fleeting.show(origin, said.form, said.voice)
            return BoltResponse(status=200)
        return self._told(origin, wording(inbound, said))

    def _told(self, origin: Origin, words: str) -> BoltResponse:
        """An answer with words that only this person sees; without any where nothing is to be said."""
        if words and origin.kind == "command":
            told = fields_of(draw(Text(text=words)))
            return BoltResponse(status=200, body={"response_type": "ephemeral", **told})
        if words:
            self._fleeting.tell(origin, words)
        return BoltResponse(status=200)

    def _nobody_got_it(self, origin: Origin, said: Said) -> BoltResponse:
        """Words in a thread that belongs to no case: others' threads do not concern us."""
        if origin.of_ours and time.time() - float(origin.thread) < RECENT:
            # the alert that was just posted is not known yet, and Slack brings them again
            log.info("Slack (%s): words in the thread of a message that is not known yet", self.name)
            return BoltResponse(status=503)
        if origin.of_ours:
            self._fleeting.tell(origin, said.voice.say("told.unknown_thread"))
        return BoltResponse(status=200)

    def _renewed(self, inbound: Inbound, origin: Origin | None) -> Inbound:
        """A form that was refused and is sent again unchanged is no repetition: what stood in its way may be gone."""
        form = origin.form if origin is not None and origin.kind == "submission" else None
        times = self._refused.get(form.id, 0) if form is not None else 0
        return (
            replace(inbound, event=f"{inbound.event}.{times}") if times and isinstance(inbound, AgentDid) else inbound
        )

    def _refuse(self, form: str) -> None:
        self._refused[form] = self._refused.pop(form, 0) + 1
        if len(self._refused) > _REFUSALS:
            self._refused.popitem(last=False)

    # ---- what goes out

    async def send(
        self,
        message: Outbound,
        remote: str | None,
        *,
        again: bool = False,  # noqa: ARG002
        thread: str | None = None,
    ) -> Receipt:
        """Post a message, in a thread or not, or change the one that ``remote`` names; raises SendFailed.

        ``again`` makes no difference: Slack knows no idempotency key, and a second copy carries the same tokens.
        """
        content = message.content
        if isinstance(content, AlertOf | IncidentOf):
            raise SendFailed(reason="an alert that was not drawn from its case", retryable=False)
        room = _is_room(message.to.key)
        try:
            if message.kind == "edit" and (place := _place(remote)) is not None:
                return await self._edited(message.to.key, place, content)
            # the thread of a message to a customer is where the agents hear of its failure
            return await self._posted(message.to.key, _place(thread) if room else None, content)
        except Exception as error:
            raise failure(error, to_desk=room or isinstance(content, Alert | Remark)) from None

    async def fetch(self, reference: str) -> File | None:
        """A file that somebody sent, by its id; None where it is gone or lies outside of Slack. Raises SendFailed."""
        return await fetched(self._opened(), self._settings.api_url, reference)

    async def _posted(self, to: str, thread: tuple[str, str] | None, content: _Drawable) -> Receipt:
        try:
            try:
                return await self._post(to, thread, draw(content))
            except SlackApiError as error:
                if code_of(error) not in TOO_LONG:
                    raise
                return await self._post(to, thread, draw(content, LITTLE_ROOM))
        except SlackApiError as error:
            if thread is None or code_of(error) not in THREAD_LOST:
                raise
            # words in the wrong place are better than words lost
            return await self._posted(to, None, content)

    async def _post(self, to: str, thread: tuple[str, str] | None, drawn: Drawn) -> Receipt:
        answer = await self._opened().chat_postMessage(
            channel=thread[0] if thread else to,
            thread_ts=thread[1] if thread else None,
            unfurl_links=False,
            unfurl_media=False,
            **fields_of(drawn),
        )
        return Receipt(remote=f"{answer['channel']}:{answer['ts']}")

    async def _edited(self, to: str, place: tuple[str, str], content: _Drawable) -> Receipt:
        try:
            try:
                return await self._update(place, draw(content))
            except SlackApiError as error:
                if code_of(error) not in TOO_LONG:
                    raise
                return await self._update(place, draw(content, LITTLE_ROOM))
        except SlackApiError as error:
            code = code_of(error)
            if code in MESSAGE_LOST and isinstance(content, Alert) and not content.closed:
                # The team must see an open case, even if someone deleted its first alert. A question that its
                # customer deleted is not put again, and a finished case needs no second message.
                return await self._posted(to, None, content)
            if code not in UNCHANGED | MESSAGE_LOST:
                raise
            return Receipt(remote=f"{place[0]}:{place[1]}")

    async def _update(self, place: tuple[str, str], drawn: Drawn) -> Receipt:
        answer = await self._opened().chat_update(channel=place[0], ts=place[1], **fields_of(drawn))
        return Receipt(remote=f"{answer['channel']}:{answer['ts']}")

    async def close(self) -> None:
        """Let fleeting replies arrive, then close the connections."""
        await self._fleeting.close()
        await self._people.close()
        await self._desk.close()
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


def _place(remote: str | None) -> tuple[str, str] | None:
    conversation, _, ts = (remote or "").partition(":")
    return (conversation, ts) if conversation and ts else None


def _is_room(key: str) -> bool:
    return key.startswith(_ROOMS)


def _reply(response: BoltResponse) -> Reply:
    return Reply(status=response.status, body=response.body.encode(), headers=response.first_headers())
