"""One bot's way to the Bot API: the library's Bot, and its request object for what is sent often."""

import logging
from typing import Any

from telegram import Bot
from telegram.request import RequestData
from telegram.request._requestparameter import RequestParameter

from bot.channels.telegram.request import Request
from bot.config import TelegramSettings

# At lower levels the library logs what customers write, and httpx logs the token with each address.
for _name in ("telegram", "httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)


class Api:
    """Calls methods of the Bot API; errors are the library's (telegram.error), whatever else is raised is a misreading.

    ``bot`` is for what is called now and then. Messages go through ``call``: the library builds and parses an
    object for each part of a message and of the answer, four times the processor time of the whole exchange.
    """

    def __init__(self, settings: TelegramSettings, *, timeout: float) -> None:
        self._request = Request(timeout=timeout)
        base_url = f"{settings.api_url.rstrip('/')}/bot"
        self.bot = Bot(settings.token, base_url=base_url, request=self._request, get_updates_request=self._request)

    async def call(self, method: str, fields: dict[str, Any], *, timeout: float | None = None) -> Any:
        """The result of one method; ``fields`` hold JSON values, ``timeout`` is in seconds."""
        data = RequestData([RequestParameter(name, value, None) for name, value in fields.items()])
        seconds = self._request.read_timeout if timeout is None else timeout
        return await self._request.post(f"{self.bot.base_url}/{method}", data, read_timeout=seconds)

    async def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        await self._request.shutdown()
