"""Long polling that loses nothing: an update is confirmed only after what it caused was committed."""

import asyncio
import logging
import traceback
from collections.abc import Callable, Sequence
from typing import Any, Final

from telegram.error import Conflict, TelegramError

from bot.channels.telegram.api import Api
from bot.channels.telegram.patience import Patience
from bot.channels.telegram.updates import WANTED, Me, Reading, keep_aside, lane_of, read_update, update_id
from bot.errors import AfterchatError, StoreUnavailable
from bot.ports import Clock, Handle, Said

log = logging.getLogger(__name__)

_ANSWER_MARGIN: Final = 10.0
#: An update that cannot be handled is kept aside after so many attempts; a database that is away does not count.
ATTEMPTS: Final = 3

#: puts the answer to a tap on its way, without waiting for it
Answer = Callable[[str, Said], None]


class Stuck(AfterchatError):
    """Telegram answers in a way that would make us ask again and again without a pause."""


class Polling:
    """Asks for raw updates and hands them on, those of one chat in order, those of different chats side by side.

    ``me`` is asked anew for each update: the bot's username may come to be known later. ``seconds`` is how long
    Telegram holds a request for which it has nothing.
    """

    def __init__(
        self, api: Api, *, me: Callable[[], Me], clock: Clock, answer: Answer, patience: Patience, seconds: int
    ) -> None:
        self._api = api
        self._me = me
        self._clock = clock
        self._answer = answer
        self._patience = patience
        self._seconds = seconds
        self._offset: int | None = None
        self._failures: dict[str, int] = {}

    async def run(self, handle: Handle) -> None:
        """Poll until cancelled. A webhook is taken down first: while there is one, Telegram refuses to be asked."""
        await self._drop_webhook()
        while True:
            try:
                await self._round(handle)
            except Conflict as error:
                # a webhook that another process set would refuse us for ever
                await self._patience.failed(error)
                await self._drop_webhook()
            except Exception as error:
                await self._patience.failed(error)

    async def _drop_webhook(self) -> None:
        try:
            await self._api.bot.delete_webhook()
        except TelegramError as error:
            await self._patience.failed(error)

    async def _round(self, handle: Handle) -> None:
        started = asyncio.get_running_loop().time()
        updates = await self._fetch()
        failure = await self._take_all(updates, handle)
        if not updates and asyncio.get_running_loop().time() - started < self._seconds / 10:
            raise Stuck("Telegram holds no request: nothing came, at once")
        if failure is not None:
            raise failure
        self._patience.succeeded()

    async def _fetch(self) -> list[Any]:
        fields: dict[str, Any] = {"timeout": self._seconds, "allowed_updates": WANTED}
        if self._offset is not None:
            fields["offset"] = self._offset
        updates = await self._api.call("getUpdates", fields, timeout=self._seconds + _ANSWER_MARGIN)
        if not isinstance(updates, list):
            raise TypeError("getUpdates answered no list")
        return sorted(updates, key=lambda update: update_id(update) or 0)

    async def _take_all(self, updates: Sequence[Any], handle: Handle) -> Exception | None:
        lanes: dict[str, list[Any]] = {}
        for update in updates:
            lanes.setdefault(lane_of(update), []).append(update)
        stuck = [one for one in await asyncio.gather(*(self._take(lane, handle) for lane in lanes.values())) if one]
        numbers = [number for update in updates if (number := update_id(update)) is not None]
        if stuck:
            self._offset = min((number for number, _ in stuck if number is not None), default=None)
            return stuck[0][1]
        self._failures.clear()
        # none after an empty batch: numbers may start again lower after an idle week, and Telegram throws away what
        # is below an offset
        self._offset = max(numbers) + 1 if numbers else None
        return Stuck("no update has a number") if updates and not numbers else None

    async def _take(self, updates: Sequence[Any], handle: Handle) -> tuple[int | None, Exception] | None:
        """Handle the updates of one lane in order; the number and error of the one where it got stuck."""
        for update in updates:
            reading = read_update(update, self._me(), self._clock())
            try:
                said = await self._handle(reading, update, handle)
            except Exception as error:
                return update_id(update), error
            if reading.query is not None:
                self._answer(reading.query, said)
        return None

    async def _handle(self, reading: Reading, update: Any, handle: Handle) -> Said:
        inbound = reading.inbound
        if inbound is None:
            return Said()
        try:
            return (await handle(inbound)).said
        except StoreUnavailable:
            raise
        except Exception as error:
            failures = self._failures[inbound.event] = self._failures.get(inbound.event, 0) + 1
            if failures < ATTEMPTS:
                raise
            # where it happened, not what the error says: that may hold a customer's words
            where = "".join(traceback.format_tb(error.__traceback__))
            log.error("an update could not be handled and is kept aside: %s\n%s", type(error).__name__, where)
            why = f"handling failed: {type(error).__name__}"
            return (await handle(keep_aside(update, inbound.event, self._me(), self._clock(), why))).said
