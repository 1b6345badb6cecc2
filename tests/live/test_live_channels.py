"""Channels come, go and are replaced while others run on."""

import asyncio
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from bot.config import ChannelSettings, ServerSettings, Settings, TelegramSettings, WebchatSettings
from bot.live.channels import RunningChannels
from bot.messages import ChannelName, Outbound, Receipt
from bot.ports import File, Handle, Limits, Raw, Reply

WEB = WebchatSettings(name=ChannelName("web"), secret="0123456789abcdef")
BOT = TelegramSettings(name=ChannelName("bot"), token="1:a")
HOOK = replace(BOT, name=ChannelName("hook"), mode="webhook", webhook_secret="s")
BOTH = Settings(company="Lotus Home", channels=(WEB, BOT))


class Kept:
    """A channel that notes what happens to it."""

    limits = Limits(buttons=0, text=0, button_label=0, token_bytes=0, edits=False)

    def __init__(self, settings: ChannelSettings, log: list[str]) -> None:
        self.name = settings.name
        self.settings = settings
        self._log = log

    async def receive(self, raw: Raw, handle: Handle) -> Reply:
        raise NotImplementedError

    async def send(
        self, message: Outbound, remote: str | None, *, again: bool = False, thread: str | None = None
    ) -> Receipt:
        raise NotImplementedError

    async def fetch(self, reference: str) -> File | None:
        raise NotImplementedError

    async def run(self, handle: Handle) -> None:
        raise NotImplementedError

    async def listen(self) -> None:
        self._log.append(f"{self.name} listens")
        try:
            await asyncio.Event().wait()
        finally:
            self._log.append(f"{self.name} hushes")

    async def close(self) -> None:
        self._log.append(f"{self.name} closes")


class Running:
    def __init__(self, settings: Settings = BOTH) -> None:
        self.log: list[str] = []
        self.sent = asyncio.Event()
        self.sent.set()
        self.refuses = ""
        self.channels = RunningChannels(build=self._build, listen=self._listen, passed=self._passed)
        self.channels.put_in_place(self.channels.plan(settings))

    def _build(self, settings: ChannelSettings, _all: Settings) -> Kept:
        if settings.name == self.refuses:
            raise ValueError("it cannot be built")
        return Kept(settings, self.log)

    async def _listen(self, channel: object) -> None:
        assert isinstance(channel, Kept)
        await channel.listen()

    async def _passed(self) -> None:
        await self.sent.wait()

    async def use(self, settings: Settings) -> None:
        change = self.channels.put_in_place(self.channels.plan(settings))
        await self.channels.finish(change)

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not holds():  # noqa: ASYNC110 - a list is no event
                await asyncio.sleep(0.01)


async def started(settings: Settings = BOTH) -> Running:
    running = Running(settings)
    running.channels.start()
    await running.until(lambda: len(running.log) == len(settings.channels))
    running.log.clear()
    return running


async def test_what_does_not_change_goes_on() -> None:
    running = await started()
    before = dict(running.channels.by_name)
    await running.use(replace(BOTH, company="Lotus"))
    assert running.channels.by_name == before
    assert running.log == []


async def test_a_new_one_is_started() -> None:
    running = await started()
    web = running.channels.by_name[WEB.name]
    await running.use(replace(BOTH, channels=(WEB, BOT, HOOK)))
    await running.until(lambda: running.log == ["hook listens"])
    assert running.channels.by_name[WEB.name] is web


async def test_one_that_goes_is_closed_once_nothing_is_sent_over_it() -> None:
    running = await started()
    running.sent.clear()
    await running.use(replace(BOTH, channels=(WEB,)))
    assert list(running.channels.by_name) == [WEB.name]
    assert running.log == ["bot hushes"]
    running.sent.set()
    await running.until(lambda: running.log == ["bot hushes", "bot closes"])


async def test_one_that_changes_is_replaced_and_never_listens_twice() -> None:
    running = await started()
    await running.use(replace(BOTH, channels=(WEB, replace(BOT, token="2:b"))))
    await running.until(lambda: len(running.log) == 3)
    assert running.log.index("bot hushes") < running.log.index("bot listens")
    assert "bot closes" in running.log


async def test_the_public_address_concerns_webhooks_only() -> None:
    running = await started(replace(BOTH, channels=(WEB, BOT, HOOK)))
    server = ServerSettings(public_url="https://feedback.example")
    await running.use(replace(BOTH, channels=(WEB, BOT, HOOK), server=server))
    await running.until(lambda: len(running.log) == 3)
    assert {line.partition(" ")[0] for line in running.log} == {"hook"}


async def test_what_cannot_be_built_changes_nothing() -> None:
    running = await started()
    before = dict(running.channels.by_name)
    running.refuses = "hook"
    with pytest.raises(ValueError, match="cannot be built"):
        running.channels.plan(replace(BOTH, channels=(HOOK,)))
    assert running.channels.by_name == before
    assert running.log == []


async def test_all_end_with_the_program() -> None:
    running = await started()
    running.sent.clear()
    await running.use(replace(BOTH, channels=(WEB,)))
    await running.channels.stop()
    await running.channels.close()
    assert sorted(running.log) == ["bot closes", "bot hushes", "web closes", "web hushes"]


async def test_before_the_start_nothing_listens() -> None:
    running = Running()
    await running.use(replace(BOTH, channels=(WEB, HOOK)))
    await running.until(lambda: "bot closes" in running.log)
    assert running.log == ["bot closes"]
