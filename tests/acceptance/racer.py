"""One of several processes that tap at the same moment: ``python -m tests.acceptance.racer <number> <url> <taps>``."""

import asyncio
import json
import random
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from bot.app import ids_of, real_clock
from bot.config import Settings, load
from bot.demo import with_placeholders
from bot.intake import Intake
from bot.messages import Address, ChannelName, Tapped
from bot.storage import open_storage

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
#: what each process answers to the same question: an unhappy one, another unhappy one, a happy one
SCORES = ("1", "2", "5")


def example() -> Settings:
    return load(EXAMPLE, with_placeholders(EXAMPLE, {}), sandbox=True)


async def main(number: int, url: str, file: str) -> None:
    storage = await open_storage(url, clock=real_clock)
    settings = example()
    intake = Intake(store=storage, settings=lambda: settings, clock=real_clock, ids=ids_of(real_clock))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    start_at = float(await asyncio.to_thread(sys.stdin.readline))
    taps = json.loads(Path(file).read_text())
    # everybody meets the conversations in another order, a few at a time
    random.Random(number).shuffle(taps)
    said: dict[str, str] = {}

    async def tap(key: str, prefix: str) -> None:
        event = Tapped(
            event=f"race:{number}:{key}",
            sender=Address(channel=ChannelName("telegram"), key=key),
            token=f"{prefix}.{SCORES[number]}",
            at=datetime.now(UTC),
        )
        said[key] = (await intake.handle(event)).said.kind

    try:
        await asyncio.sleep(start_at - time.time())
        for first in range(0, len(taps), 5):
            await asyncio.gather(*(tap(key, prefix) for key, prefix in taps[first : first + 5]))
        sys.stdout.write(json.dumps(said) + "\n")
    finally:
        await storage.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
