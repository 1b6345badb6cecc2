"""What customers sent, fetched from Telegram for their agents; on the local stand-in."""

import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from bot.channels.telegram import TelegramChannel, api
from bot.config import TelegramSettings
from bot.errors import SendFailed
from bot.messages import ChannelName
from bot.ports import File
from bot.sandbox.faults import RateLimited, Refused, ResetBefore, ServerError
from bot.sandbox.telegram import TelegramStandIn

TOKEN = "4321:sandbox-secret"


class Scene:
    def __init__(self, service: TelegramStandIn) -> None:
        self.service = service
        self.files = service.world.files
        settings = TelegramSettings(
            name=ChannelName("shop"), token=TOKEN, api_url=service.base_url.removesuffix("/bot")
        )
        self.channel = TelegramChannel(settings, clock=lambda: datetime.now(UTC), public_url="http://127.0.0.1")


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with TelegramStandIn({TOKEN: "shop_bot"}) as service:
        made = Scene(service)
        yield made
        await made.channel.close()


@pytest.mark.parametrize(
    ("id", "kind"),
    [
        ("file_1.jpg", "image/jpeg"),
        ("hóa đơn 7 #1?.pdf", "application/pdf"),
        ("voice.oga", "audio/ogg"),
        ("AgACAgUAAxk", "application/octet-stream"),
    ],
)
async def test_a_file_comes_as_it_was_sent(scene: Scene, id: str, kind: str) -> None:
    scene.files[id] = bytes(range(256)) * 1000
    assert await scene.channel.fetch(id) == File(name=id, kind=kind, body=bytes(range(256)) * 1000)


async def test_a_file_that_telegram_does_not_know_any_more_is_none(scene: Scene) -> None:
    assert await scene.channel.fetch("AgACgone") is None


async def test_a_file_that_vanished_between_the_two_requests_is_none(scene: Scene) -> None:
    class Vanishing(dict[str, bytes]):
        def get(self, key: str, default: object = None) -> bytes | None:  # type: ignore[override]
            return self.pop(key, None)

    scene.service.world.files = Vanishing(AgAC=b"a picture")
    assert await scene.channel.fetch("AgAC") is None


@pytest.mark.parametrize("size", [11, 5_000_000], ids=["as it says itself", "far beyond"])
async def test_a_file_that_is_too_large_is_not_taken(scene: Scene, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(api, "LARGEST_FILE", 10)
    scene.files["AgAC"] = bytes(size)
    with pytest.raises(SendFailed, match="larger than") as failed:
        await scene.channel.fetch("AgAC")
    assert not failed.value.retryable


async def test_a_file_that_telegram_finds_too_large_is_not_asked_for_again(scene: Scene) -> None:
    scene.service.faults.next("getFile", Refused(status=400, error="Bad Request: file is too big"))
    with pytest.raises(SendFailed, match="larger than") as failed:
        await scene.channel.fetch("AgAC")
    assert not failed.value.retryable


@pytest.mark.parametrize("fault", [ServerError(), ResetBefore(), RateLimited(retry_after=3)], ids=str)
async def test_trouble_is_told_without_the_token_and_may_pass(
    scene: Scene, fault: ServerError | ResetBefore | RateLimited, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    scene.files["AgAC"] = b"a picture"
    scene.service.faults.next("getFile", fault)
    with pytest.raises(SendFailed) as failed:
        await scene.channel.fetch("AgAC")
    assert failed.value.retryable
    assert failed.value.__cause__ is None
    assert "sandbox-secret" not in f"{failed.value!r}{caplog.text}"
    assert await scene.channel.fetch("AgAC") is not None
