"""Who is of the desk: the people in the rooms of its alerts, looked up every few minutes."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.channels.slack.plain import found, text_at
from bot.channels.slack.sending import code_of

log = logging.getLogger(__name__)

#: seconds that whatever was done waits for the answer: Slack waits for three
PATIENCE = 1.0
#: seconds for which those who were there are of the desk, and for which those who were not are not
KEPT = 300.0
FRESH = 10.0
#: people or rooms in one answer of Slack's, and answers at most
_PAGE = 999
_PAGES = 20


class Desk:
    """The members of the desk's rooms (ids, or "#name"); one look-up at a time."""

    def __init__(
        self,
        client: Callable[[], AsyncWebClient],
        rooms: Callable[[], Collection[str]],
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._rooms = rooms
        self._now = now
        self._members: frozenset[str] = frozenset()
        #: of which rooms these are the members, and since when
        self._of: frozenset[str] = frozenset()
        self._since = -KEPT
        self._asking: asyncio.Task[bool] | None = None

    async def has(self, user: str) -> bool | None:
        """Whether somebody is of the desk; None where Slack does not tell it within a second."""
        rooms = frozenset(self._rooms())
        if not rooms:
            return False
        if (known := self._known(user, rooms)) is not None:
            return known
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._look_up(rooms))
        # it goes on for whoever comes next
        await asyncio.wait((self._asking,), timeout=PATIENCE)
        told = self._asking.done() and not self._asking.cancelled() and self._asking.result()
        return self._known(user, rooms) if told else None

    async def close(self) -> None:
        """Ask no more."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    def _known(self, user: str, rooms: frozenset[str]) -> bool | None:
        age = self._now() - self._since
        if rooms != self._of or age >= KEPT:
            return None
        if user in self._members:
            return True
        # whoever joined a moment ago shall not wait for minutes
        return False if age < FRESH else None

    async def _look_up(self, rooms: frozenset[str]) -> bool:
        """Learn who is in the rooms; whether Slack told it of all of them."""
        try:
            ids = {room for room in rooms if not room.startswith("#")}
            names = {room.removeprefix("#") for room in rooms - ids}
            if names:
                ids |= await self._ids_of(names)
            members = {user for room in sorted(ids) async for user in self._members_of(room)}
        except Exception as error:
            what = code_of(error) if isinstance(error, SlackApiError) else type(error).__name__
            log.warning("Slack: who is in the rooms of the alerts is not known (%s)", what)
            return False
        self._members, self._of, self._since = frozenset(members), rooms, self._now()
        return True

    async def _ids_of(self, names: Collection[str]) -> set[str]:
        """The ids of rooms, of those that our bot is in: it posts there. Raises LookupError where one is missing."""
        ids: dict[str, str] = {}
        async for answer in _pages(
            lambda cursor: self._client().users_conversations(
                types="public_channel,private_channel", exclude_archived=True, limit=_PAGE, cursor=cursor
            )
        ):
            shown = answer.get("channels")
            rooms = [found(room) for room in shown] if isinstance(shown, list) else []
            ids |= {text_at(room, "name"): text_at(room, "id") for room in rooms if text_at(room, "name") in names}
        if len(ids) < len(names):
            raise LookupError("the app is not in all rooms of the alerts")
        return set(ids.values())

    async def _members_of(self, room: str) -> AsyncIterator[str]:
        async for answer in _pages(
            lambda cursor: self._client().conversations_members(channel=room, limit=_PAGE, cursor=cursor)
        ):
            shown = answer.get("members")
            for user in shown if isinstance(shown, list) else []:
                if isinstance(user, str):
                    yield user


async def _pages(ask: Callable[[str], Any]) -> AsyncIterator[Mapping[str, Any]]:
    cursor = ""
    for _ in range(_PAGES):
        answer = found((await ask(cursor)).data)
        yield answer
        cursor = text_at(answer, "response_metadata", "next_cursor")
        if not cursor:
            return
    raise LookupError("there are more than can be read")
