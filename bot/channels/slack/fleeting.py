"""What expires in seconds: words for one person alone, and forms. Sent once after the commit, never again."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.channels.slack.client import CALL_TIMEOUT, discreet, proxy_for
from bot.channels.slack.drawing import draw
from bot.channels.slack.files import is_of
from bot.channels.slack.forms import draw_form
from bot.channels.slack.meanings import Origin
from bot.channels.slack.sending import code_of, fields_of
from bot.languages.voice import Voice
from bot.messages import ChannelName, Text
from bot.ports import Form

log = logging.getLogger(__name__)

#: seconds for what is under way when the channel closes
GRACE = 5.0


class Fleeting:
    """Says things to one person at once, beside whatever else is going on; a failure is logged and forgotten."""

    def __init__(self, name: ChannelName, api_url: str, client: Callable[[], AsyncWebClient]) -> None:
        self._name = name
        self._api_url = api_url
        self._client = client
        self._under_way: set[asyncio.Task[None]] = set()

    def tell(self, origin: Origin, words: str) -> None:
        """Words that only this person sees, where they are."""
        self._spawn(self._whisper(origin, words))

    def show(self, origin: Origin, form: Form, voice: Voice) -> None:
        """A form in front of this person, or a change of the one that they chose something in."""
        self._spawn(self._show(origin, form, voice))

    async def close(self) -> None:
        """Let what is under way arrive."""
        if self._under_way:
            _, late = await asyncio.wait(self._under_way, timeout=GRACE)
            for task in late:
                task.cancel()

    def _spawn(self, errand: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(errand)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _show(self, origin: Origin, form: Form, voice: Voice) -> None:
        client = self._client()
        view = draw_form(form, voice, origin.form)
        try:
            if origin.form is not None:
                await client.views_update(view_id=origin.form.id, hash=origin.form.hash, view=view)
            else:
                await client.views_open(trigger_id=origin.trigger, view=view)
        except Exception as error:
            log.warning("Slack (%s): a form was not shown (%s)", self._name, _what(error))
            if origin.form is None:
                await self._whisper(origin, voice.say("told.form_expired"))

    async def _whisper(self, origin: Origin, words: str) -> None:
        client = self._client()
        message = fields_of(draw(Text(text=words)))
        in_thread: dict[str, Any] = {"thread_ts": origin.thread} if origin.thread else {}
        try:
            if is_of(self._api_url, origin.response_url):
                await self._respond(client, origin.response_url, {**message, **in_thread})
            elif origin.kind in ("press", "thread") and origin.conversation:
                await client.chat_postEphemeral(channel=origin.conversation, user=origin.user, **message, **in_thread)
            else:
                await client.chat_postMessage(channel=origin.user, **message)
        except Exception as error:
            log.warning("Slack (%s): a fleeting reply was lost (%s)", self._name, _what(error))

    async def _respond(self, client: AsyncWebClient, url: str, message: dict[str, Any]) -> None:
        hook = AsyncWebhookClient(url, timeout=CALL_TIMEOUT, session=client.session, logger=discreet, retry_handlers=[])
        hook.proxy = proxy_for(url, hook.proxy)
        answer = await hook.send_dict({"response_type": "ephemeral", "replace_original": False, **message})
        if answer.status_code >= 300:
            log.warning("Slack (%s): a fleeting reply was refused (%d)", self._name, answer.status_code)


def _what(error: Exception) -> str:
    return code_of(error) if isinstance(error, SlackApiError) else type(error).__name__
