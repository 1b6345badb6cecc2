"""What private rooms are called: a slash command tells only the id of one."""

import asyncio
import logging
from collections.abc import Callable

from msgspec.structs import replace
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.channels.slack.plain import text_at
from bot.channels.slack.sending import code_of
from bot.messages import AgentWonders, Inbound

log = logging.getLogger(__name__)

#: seconds that a command waits for the name: Slack waits for three
PATIENCE = 1.0
_ROOMS = ("C", "G")


class Rooms:
    """The names of rooms that Slack does not tell by itself."""

    def __init__(self, client: Callable[[], AsyncWebClient]) -> None:
        self._client = client

    async def named(self, inbound: Inbound) -> Inbound:
        """The same event with the name of the room that it comes from, as far as Slack tells it within a second."""
        match inbound:
            case AgentWonders(rooms=(room,)) if room.startswith(_ROOMS):
                name = await self._look_up(room)
                return replace(inbound, rooms=(room, f"#{name}")) if name else inbound
            case _:
                return inbound

    async def _look_up(self, room: str) -> str:
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await self._client().conversations_info(channel=room)
        except Exception as error:
            what = code_of(error) if isinstance(error, SlackApiError) else type(error).__name__
            log.warning("Slack: the name of a private room is not known (%s)", what)
            return ""
        return text_at(answer.data, "channel", "name")
