"""Small programs that tests run as processes of their own: ``python -m tests.storage.programs <name> <url> ...``."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime

from msgspec.structs import replace

from bot.conversations.answers import Answer, Scored
from bot.conversations.conversation import Conversation
from bot.ids import ConversationId
from bot.ports import Facts, Outcome, Read, RecordStaleTap, SaveAnswer, SaveCase, SaveConversation
from bot.storage import Storage, open_storage
from tests.storage.samples import FLOW, NOON, address, case, conversation, counted, queued, write

CONVERSATIONS = 200


def now() -> datetime:
    return datetime.now(UTC)


async def start(url: str) -> None:
    """Open, do one step, close."""
    storage = await open_storage(url, clock=now)
    await write(storage, event=f"started by {id(storage)}")
    await storage.close()


async def crash(url: str) -> None:
    """Do one step and fall over, closing nothing."""
    storage = await open_storage(url, clock=now)
    await write(storage, *queued("kept"), event="kept")
    raise SystemExit(3)


async def work(url: str) -> None:
    """Eight callers that tell of each step once it is kept, until killed."""
    storage = await open_storage(url, clock=now)

    async def caller(name: int) -> None:
        for n in range(1_000_000):
            event = f"{name}-{n}"
            await write(storage, *queued(event, lane=event), event=event, address=address(str(name)))
            sys.stdout.write(f"{event}\n")
            sys.stdout.flush()

    await asyncio.gather(*(caller(name) for name in range(8)))


async def race(url: str, score: str) -> None:
    """Tap a score of our own in every conversation, at the same time as the others do."""
    storage = await open_storage(url, clock=now)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    gate = asyncio.Semaphore(8)

    async def one(n: int) -> None:
        async with gate:
            await tap(storage, ConversationId(f"talk {n}"), str(n), int(score))

    await asyncio.gather(*(one(n) for n in range(CONVERSATIONS)))
    await storage.close()


async def tap(storage: Storage, talk: ConversationId, key: str, score: int) -> None:
    """What intake does with a tap on turn 0: the first counts, each later one is a stale tap."""

    def decide(facts: Facts) -> Outcome:
        found = facts.conversation
        assert found is not None
        if found.turn != 0:
            return Outcome(writes=(RecordStaleTap(conversation=talk, turn=0, value=str(score), at=NOON),))
        answered = replace(
            found, turn=1, asked="why", answers={"score": Answer(value=Scored(score=score), turn=0, at=NOON)}
        )
        return Outcome(
            writes=(
                SaveConversation(conversation=answered, flow_id="delivery", was_turn=0),
                SaveAnswer(
                    conversation=talk,
                    question="score",
                    flow_id="delivery",
                    structure=FLOW.structure,
                    customer=found.customer,
                    at=NOON,
                    score=score,
                ),
                counted(score, language="en"),
                *queued(f"{talk} why", lane=key),
                SaveCase(case=case(f"case {key} {score}", of=found, score=score), was_revision=None),
            )
        )

    await storage.run(Read(event=f"tap {score} {talk}", address=address(key), conversation=talk), decide)


def waiting_talk(n: int) -> Conversation:
    return conversation(f"talk {n}", key=str(n))


PROGRAMS: dict[str, Callable[..., Coroutine[None, None, None]]] = {
    "start": start,
    "crash": crash,
    "work": work,
    "race": race,
}

if __name__ == "__main__":
    asyncio.run(PROGRAMS[sys.argv[1]](*sys.argv[2:]))
