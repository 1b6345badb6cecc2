"""The customers: each starts the survey, taps a score as soon as the question is there, and gives a reason."""

import asyncio
import itertools
import time
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from benchmarks.services import Services
from benchmarks.survey import FLOW, QUESTION, SECRET, WEBHOOK, chat_of, comment_of, score_of
from benchmarks.wire import Caller

_NOW = 1760000000


class Crowd:
    """``at_once`` customers at a time, each with a connection of Telegram's to the bot's webhook."""

    def __init__(self, services: Services, callers: list[Caller]) -> None:
        self._services = services
        self._callers = callers
        self._updates = itertools.count(812_000_000)

    @classmethod
    async def arrive(cls, services: Services, port: int, at_once: int) -> "Crowd":
        headers = {"Content-Type": "application/json", "X-Telegram-Bot-Api-Secret-Token": SECRET}
        callers = [await Caller.connect(port, WEBHOOK, headers) for _ in range(at_once)]
        return cls(services, callers)

    def leave(self) -> None:
        for caller in self._callers:
            caller.close()

    async def play(self, customers: Iterable[int]) -> list[float]:
        """Everybody's survey; the seconds from each update to the message that it led to."""
        waiting = iter(customers)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._play_some(caller, waiting)) for caller in self._callers]
        return [seconds for task in tasks for seconds in task.result()]

    async def _play_some(self, caller: Caller, waiting: Iterator[int]) -> list[float]:
        return [seconds for customer in waiting for seconds in await self._play_one(caller, customer)]

    async def _play_one(self, caller: Caller, customer: int) -> list[float]:
        box = self._services.mailbox(customer)
        first = await self._say(caller, customer, _message(customer, f"/start {FLOW}"))
        if len(box.tokens) <= score_of(customer):
            raise AssertionError(f"the question has {len(box.tokens)} buttons: {box.texts}")
        second = await self._say(caller, customer, _tap(customer, box.tokens[score_of(customer)]))
        third = await self._say(caller, customer, _message(customer, comment_of(customer)))
        return [first, second, third]

    async def _say(self, caller: Caller, customer: int, update: dict[str, Any]) -> float:
        """Post one update; returns after its response and the message that it led to."""
        body = orjson.dumps({"update_id": next(self._updates), **update})
        message = self._services.mailbox(customer).next_message()
        began = time.perf_counter()
        response = await caller.post(body)
        if response.start[1] != b"200":
            raise AssertionError(f"the webhook answered {response.start} {response.body!r}")
        if response.body.startswith(b"{"):
            self._services.take_answer(customer, orjson.loads(response.body)["method"])
        return await message - began


def _sender(customer: int) -> dict[str, Any]:
    return {"id": chat_of(customer), "is_bot": False, "first_name": f"Customer {customer}", "language_code": "en"}


def _chat(customer: int) -> dict[str, Any]:
    return {"id": chat_of(customer), "first_name": f"Customer {customer}", "type": "private"}


def _message(customer: int, text: str) -> dict[str, Any]:
    message = {"message_id": 1, "from": _sender(customer), "chat": _chat(customer), "date": _NOW, "text": text}
    if text.startswith("/"):
        message["entities"] = [{"offset": 0, "length": len(text.split(maxsplit=1)[0]), "type": "bot_command"}]
    return {"message": message}


def _tap(customer: int, token: str) -> dict[str, Any]:
    bot = {"id": 7000001, "is_bot": True, "first_name": "Benchmark", "username": "benchmark_bot"}
    message = {"message_id": 2, "from": bot, "chat": _chat(customer), "date": _NOW, "text": QUESTION}
    query = {"id": str(customer), "from": _sender(customer), "message": message, "chat_instance": "1", "data": token}
    return {"callback_query": query}
