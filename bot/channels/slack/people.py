"""What people are called: their names as they show them, looked up once an hour, with the handle meanwhile."""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable

from msgspec.structs import replace
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.channels.slack.meanings import name_of
from bot.channels.slack.plain import found
from bot.channels.slack.sending import code_of
from bot.messages import AgentAsks, AgentDid, AgentPressed, AgentWrote, Assign, Inbound

log = logging.getLogger(__name__)

#: seconds that whatever was done waits for a name: Slack waits for three
PATIENCE = 1.0
#: seconds for which a name is good, and for which nobody is asked again after a failure
KEPT = 3_600.0
AFTER_FAILURE = 300.0
MOST = 10_000


class People:
    """The names of a workspace's people; one look-up per person at a time."""

    def __init__(self, client: Callable[[], AsyncWebClient], *, now: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._now = now
        #: name ("" if unknown) and until when it is good
        self._known: OrderedDict[str, tuple[str, float]] = OrderedDict()
        #: who is being looked up, and since when
        self._asking: dict[str, tuple[asyncio.Task[str], float]] = {}

    async def named(self, inbound: Inbound) -> Inbound:
        """The same event with the names of the agents in it, as far as they are known within a second."""
        match inbound:
            case AgentDid(deed=Assign() as deed):
                agent, to = await asyncio.gather(
                    self._name(inbound.agent.key, inbound.agent_name), self._name(deed.to.key, deed.to_name)
                )
                return replace(inbound, agent_name=agent, deed=replace(deed, to_name=to))
            case AgentPressed() | AgentDid() | AgentWrote() | AgentAsks():
                return replace(inbound, agent_name=await self._name(inbound.agent.key, inbound.agent_name))
            case _:
                return inbound

    async def close(self) -> None:
        """Ask nobody any more."""
        tasks = [task for task, _ in self._asking.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _name(self, user: str, handle: str) -> str:
        name, until = self._known.get(user, ("", 0.0))
        if until > self._now():
            return name or handle
        if user not in self._asking:
            asked = asyncio.create_task(self._look_up(user))
            self._asking[user] = asked, self._now()
            asked.add_done_callback(lambda _: self._asking.pop(user, None))
        task, since = self._asking[user]
        # one second for each look-up, not for each event; it goes on for whoever comes next
        if (left := since + PATIENCE - self._now()) > 0:
            await asyncio.wait((task,), timeout=left)
        shown = task.result() if task.done() and not task.cancelled() else ""
        return shown or name or handle

    async def _look_up(self, user: str) -> str:
        name, kept = "", AFTER_FAILURE
        try:
            answer = await self._client().users_info(user=user)
            person = found(answer.data, "user")
            name = (
                name_of(person, "real_name")
                or name_of(found(person, "profile"), "real_name", "display_name")
                or name_of(person, "name")
                or ""
            )
            kept = KEPT
        except Exception as error:
            what = code_of(error) if isinstance(error, SlackApiError) else type(error).__name__
            log.warning("Slack: a person's name is not known, their handle is shown (%s)", what)
        # a name of an hour ago is better than none
        self._known[user] = (name or self._known.get(user, ("", 0.0))[0], self._now() + kept)
        self._known.move_to_end(user)
        if len(self._known) > MOST:
            self._known.popitem(last=False)
        return self._known[user][0] if user in self._known else name
