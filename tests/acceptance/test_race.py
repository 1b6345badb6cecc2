"""Three processes, 200 conversations, different taps at the same moment: each conversation takes one of them."""

import asyncio
import json
import sys
import time
from asyncio.subprocess import PIPE
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.app import ids_of, real_clock
from bot.intake import Intake
from bot.messages import Address, Card, ChannelName, Commanded, Outbound, Receipt
from bot.ports import Facts, Outcome, Read, Sent
from bot.storage import Storage, open_storage
from tests.acceptance.racer import SCORES, example
from tests.acceptance.world import ROOT

CONVERSATIONS = 200


async def asked(storage: Storage) -> list[tuple[str, str]]:
    """Start a survey with 200 customers; gives each one's key and their first question's token without the value."""
    settings = example()
    intake = Intake(store=storage, settings=lambda: settings, clock=real_clock, ids=ids_of(real_clock))
    keys = [str(9000 + number) for number in range(CONVERSATIONS)]
    for key in keys:
        sender = Address(channel=ChannelName("telegram"), key=key)
        await intake.handle(Commanded(event=f"start:{key}", sender=sender, command="feedback", at=datetime.now(UTC)))
    posted = await everything_queued(storage)
    first = {message.to.key: message.content for message in posted}
    return [(key, card.buttons[0][0].token.rpartition(".")[0]) for key in keys if isinstance(card := first[key], Card)]


async def everything_queued(storage: Storage) -> list[Outbound]:
    """Take all messages out of the outbox, lane after lane, as delivery would."""
    found: list[Outbound] = []
    while True:
        now = real_clock()
        claimed = await storage.outbox.claim(now, limit=500, lease_until=now + timedelta(minutes=1))
        if not claimed:
            return found
        found.extend(delivery.outbound for delivery in claimed)
        await asyncio.gather(
            *(storage.outbox.settle(each, Sent(receipt=Receipt(remote=f"{each.id}")), now) for each in claimed)
        )


async def race(url: str, taps: Path) -> list[dict[str, str]]:
    """What each process was told, by customer."""
    racers = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.acceptance.racer",
            str(number),
            url,
            str(taps),
            stdin=PIPE,
            stdout=PIPE,
            cwd=ROOT,
        )
        for number in range(len(SCORES))
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert await racer.stdout.readline() == b"ready\n"
    go = f"{time.time() + 0.5}\n".encode()
    ended = await asyncio.gather(*(racer.communicate(go) for racer in racers))
    assert [racer.returncode for racer in racers] == [0, 0, 0]
    return [json.loads(out) for out, _ in ended]


async def facts_of(storage: Storage, key: str) -> Facts:
    found: list[Facts] = []

    def look(facts: Facts) -> Outcome:
        found.append(facts)
        return Outcome()

    await storage.run(Read(address=Address(channel=ChannelName("telegram"), key=key)), look)
    return found[-1]


async def test_simultaneous_taps_of_three_processes_leave_one_answer_one_question_and_one_case(
    storage_url: str, tmp_path: Path
) -> None:
    storage = await open_storage(storage_url, clock=real_clock)
    try:
        await storage.activate_flows(example().flows, real_clock())
        taps = tmp_path / "taps.json"
        starts = await asked(storage)
        taps.write_text(json.dumps(starts))
        said = await race(storage_url, taps)

        told = {key: [process[key] for process in said] for key, _ in starts}
        assert all(sorted(kinds) == ["already_counted", "already_counted", "taken"] for kinds in told.values())

        queued = await everything_queued(storage)
        posts = Counter(message.to.key for message in queued if message.kind == "post")
        rows = await storage.score_counts(None, None)
        scores = Counter({row.score: row.n for row in rows})
        assert scores.total() == CONVERSATIONS
        for key, kinds in told.items():
            facts = await facts_of(storage, key)
            assert facts.conversation is not None
            winner = int(SCORES[kinds.index("taken")])
            assert [answer.value.score for answer in facts.conversation.answers.values()] == [winner]  # type: ignore[union-attr]
            assert posts[key] == 1, "one next question"
            assert (facts.case is not None) == (winner <= 2)
        assert not await storage.verify_counts()
    finally:
        await storage.close()
