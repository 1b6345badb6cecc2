"""One bot's way to the Bot API: the library's Bot, and its request object for what is sent often."""

import logging
from typing import Any, Final
from urllib.parse import quote

from telegram import Bot
from telegram.error import BadRequest, NetworkError
from telegram.request import RequestData
from telegram.request._requestparameter import RequestParameter

from bot.channels.telegram.request import Request, TooLarge
from bot.config import TelegramSettings

# At lower levels the library logs what customers write, and httpx logs the token with each address.
for _name in ("telegram", "httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

#: bytes: Telegram gives out no larger ones, a Bot API server of one's own does
LARGEST_FILE: Final = 20_000_000


class FileGone(Exception):
    """The service does not know this file, or not any more."""


class Api:
    """Calls methods of the Bot API; errors are the library's (telegram.error), whatever else is raised is a misreading.

    ``bot`` is for what is called now and then. Messages go through ``call``: the library builds and parses an
    object for each part of a message and of the answer, four times the processor time of the whole exchange.
    """

    def __init__(self, settings: TelegramSettings, *, timeout: float) -> None:
        self._request = Request(timeout=timeout)
        origin = settings.api_url.rstrip("/")
        self._files = f"{origin}/file/bot{settings.token}"
        self.bot = Bot(
            settings.token, base_url=f"{origin}/bot", request=self._request, get_updates_request=self._request
        )

    async def call(self, method: str, fields: dict[str, Any], *, timeout: float | None = None) -> Any:
        """The result of one method; ``fields`` hold JSON values, ``timeout`` is in seconds."""
        data = RequestData([RequestParameter(name, value, None) for name, value in fields.items()])
        seconds = self._request.read_timeout if timeout is None else timeout
        return await self._request.post(f"{self.bot.base_url}/{method}", data, read_timeout=seconds)

    async def file(self, id: str) -> tuple[str, str, bytes]:
        """A file that someone sent: (its name at the service, media type, body). Raises FileGone, TooLarge."""
        try:
            found = await self.call("getFile", {"file_id": id})
        except BadRequest as error:
            raise (TooLarge if "too big" in str(error.message).lower() else FileGone) from None
        path = str(found.get("file_path") or "")
        if not path or int(found.get("file_size") or 0) > LARGEST_FILE:
            raise TooLarge if path else FileGone
        status, kind, body = await self._request.download(f"{self._files}/{quote(path)}", largest=LARGEST_FILE)
        if status == 404:
            raise FileGone
        if status != 200:
            raise NetworkError(f"the file was not given out ({status})")
        return path.rpartition("/")[2], kind, body

    async def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        await self._request.shutdown()
