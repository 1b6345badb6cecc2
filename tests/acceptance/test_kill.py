"""kill -9 at any moment: nothing acknowledged is lost, and at most one message of a chat is repeated by each kill."""

import asyncio
import contextlib
import json
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from bot.reports import ReportRow
from bot.sandbox.slack import SlackStandIn
from bot.sandbox.slack_state import Post, Workspace
from bot.sandbox.telegram import TelegramStandIn
from bot.sandbox.telegram_state import Message
from tests.acceptance.world import ANNA, DESK, ENVIRONMENT, ROOT, TOKEN, free_port, opened, shown

CUSTOMERS = range(8001, 8009)
KILLS = 4


@dataclass
class Stage:
    telegram: TelegramStandIn
    slack: SlackStandIn
    database: str
    port: int

    @asynccontextmanager
    async def program(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """The program as a process of its own, ready to serve; killed at the end."""
        places = {
            "telegram": self.telegram.base_url,
            "slack": self.slack.base_url,
            "database": self.database,
            "port": self.port,
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.acceptance.killable",
            json.dumps(places),
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
        )
        try:
            assert process.stdout is not None
            line = await asyncio.wait_for(process.stdout.readline(), 20)
            assert line == b"ready\n"
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)
            await process.wait()


@asynccontextmanager
async def stage(database: str) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        telegram = await stack.enter_async_context(TelegramStandIn({TOKEN: "afterchat_bot"}, backoff=(0.05, 0.1, 0.2)))
        slack = await stack.enter_async_context(
            SlackStandIn(
                Workspace(bot_token=ENVIRONMENT["SLACK_BOT_TOKEN"]),
                signing_secret=ENVIRONMENT["SLACK_SIGNING_SECRET"],
                app_token=ENVIRONMENT["SLACK_APP_TOKEN"],
            )
        )
        slack.channel(DESK.removeprefix("#"), (ANNA,))
        yield Stage(telegram, slack, database, free_port())


async def customer(set_up: Stage, user: int) -> None:
    """Ask to rate, tap the worst face, name a reason in words, comment; wait however long the program is away."""
    telegram = set_up.telegram

    def seen(text: str) -> Message | None:
        return next((each for each in telegram.messages(TOKEN, user) if text in (each.text or "")), None)

    telegram.user_sends(TOKEN, user, "/feedback")
    question = await telegram.wait_for(lambda: seen("How was your chat"), timeout=60)
    assert question is not None
    telegram.user_taps(TOKEN, user, question.message_id, "😞")
    await telegram.wait_for(lambda: seen("What went wrong"), timeout=60)
    telegram.user_sends(TOKEN, user, "1, 2")
    await telegram.wait_for(lambda: seen("✓ Slow reply"), timeout=60)
    telegram.user_sends(TOKEN, user, f"I am {user} and I am angry")


async def killer(set_up: Stage, chance: random.Random, done: asyncio.Event) -> int:
    """Start the program again and again, and kill it while customers are busy."""
    for _ in range(KILLS):
        async with set_up.program():
            await asyncio.sleep(0.05 + 0.6 * chance.random())
    async with set_up.program():
        await done.wait()
    return KILLS


async def finished(set_up: Stage) -> None:
    """Everybody was thanked and every comment reached the desk."""

    def all_there() -> bool:
        text = "\n".join(shown(post) for post in desk(set_up))
        return all(f"I am {user} and" in text for user in CUSTOMERS)

    await set_up.slack.wait_for(all_there, timeout=60)
    await asyncio.sleep(0.5)


def desk(set_up: Stage) -> list[Post]:
    return [post for post in set_up.slack.messages(DESK) if post.bot_id]


async def test_killed_again_and_again_it_loses_nothing_and_repeats_at_most_one_message_each_time(
    storage_url: str,
) -> None:
    async with stage(storage_url) as set_up:
        done = asyncio.Event()
        killing = asyncio.create_task(killer(set_up, random.Random(7), done))
        try:
            await asyncio.gather(*(customer(set_up, user) for user in CUSTOMERS))
            await finished(set_up)
        finally:
            done.set()
            kills = await killing

        for user in CUSTOMERS:
            said = [each.text or "" for each in set_up.telegram.messages(TOKEN, user) if each.from_bot]
            repeated = sum(count - 1 for count in Counter(text.partition("\n")[0] for text in said).values())
            assert repeated <= kills, said
        alerts = Counter(user for post in desk(set_up) for user in CUSTOMERS if f"Customer {user}" in shown(post))
        assert set(alerts) == set(CUSTOMERS), "every case has its alert"
        assert sum(alerts.values()) - len(CUSTOMERS) <= kills

        app = await opened(set_up.telegram, set_up.slack, storage_url, hooks=False)
        try:
            report: list[ReportRow] = await app.report()
            assert not await app.storage.verify_counts()
        finally:
            await app.stop()
        assert report[0].distribution == ((1, len(CUSTOMERS)), (2, 0), (3, 0), (4, 0), (5, 0))
