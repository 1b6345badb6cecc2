"""Links to customers' files: who may make them, how long they hold, and how the file is given out."""

import asyncio
import base64
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from pytest_aiohttp import AiohttpClient

from bot.config import FollowUpSettings, Settings
from bot.errors import SendFailed
from bot.messages import Attachment, ChannelName
from bot.ports import File
from bot.web.files import AT_ONCE, LASTS, FileLinks, Named, add_files
from tests.fakes.channel import FakeChannel

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY, OTHER_KEY = bytes(32), bytes(range(32))
TELEGRAM = ChannelName("telegram")
PICTURE = Attachment(kind="photo", reference="AgACAgUAAxk", name='hóa đơn "7".jpg')


class Scene:
    """A desk that reads Polish, one channel with files, and a clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = NOON
        self.channel = FakeChannel("telegram")
        self.links = self.made_with(KEY)

    def made_with(self, key: bytes) -> FileLinks:
        return FileLinks(key, clock=lambda: self.now, public_url=lambda: "https://shop.example")

    def application(self) -> web.Application:
        app = web.Application()
        followup = FollowUpSettings(channel=ChannelName("slack"), room="#desk", locale="pl")
        settings = Settings(company="Lotus Home", followup=followup)
        add_files(app, self.links, {self.channel.name: self.channel}, lambda: settings)
        return app

    def path(self, attachment: Attachment = PICTURE, channel: ChannelName = TELEGRAM) -> str:
        return self.links.link(channel, attachment).removeprefix("https://shop.example")


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
async def client(scene: Scene, aiohttp_client: AiohttpClient) -> "TestClient[web.Request, web.Application]":
    return await aiohttp_client(scene.application())


def token(link: str) -> str:
    return link.rpartition("/")[2]


def test_a_link_names_what_it_was_made_for(scene: Scene) -> None:
    link = scene.links.link(TELEGRAM, PICTURE)
    assert link.startswith("https://shop.example/files/")
    assert scene.links.read(token(link)) == Named(channel=TELEGRAM, reference="AgACAgUAAxk", name='hóa đơn "7".jpg')


def test_a_link_made_by_another_process_of_the_same_database_holds(scene: Scene) -> None:
    assert isinstance(scene.made_with(KEY).read(token(scene.links.link(TELEGRAM, PICTURE))), Named)


def test_a_link_expires(scene: Scene) -> None:
    made = token(scene.links.link(TELEGRAM, PICTURE))
    scene.now = NOON + LASTS - timedelta(seconds=1)
    assert isinstance(scene.links.read(made), Named)
    scene.now = NOON + LASTS
    assert scene.links.read(made) == "expired"


def _forged() -> dict[str, str]:
    scene = Scene()
    good = token(scene.links.link(TELEGRAM, PICTURE))
    raw = base64.urlsafe_b64decode(good + "=" * (-len(good) % 4))
    other = raw.replace(b"AgACAgUAAxk", b"BgACAgUAAxk")
    later = raw.replace(b'"]', b'"]').replace(str(int((NOON + LASTS).timestamp())).encode(), b"9999999999")
    return {
        "empty": "",
        "no base64": "%%%",
        "not ascii": "é" * 60,
        "a wrong length of base64": "a",
        "shorter than a signature": "QUJD",
        "no body": base64.urlsafe_b64encode(raw[:32]).decode(),
        "another file": base64.urlsafe_b64encode(other).decode().rstrip("="),
        "a later end": base64.urlsafe_b64encode(later).decode().rstrip("="),
        "another key": token(scene.made_with(OTHER_KEY).link(TELEGRAM, PICTURE)),
        "one character more": f"{good}AA",
        "one character less": good[:-2],
    }


@pytest.mark.parametrize("forged", _forged().values(), ids=_forged().keys())
def test_a_forged_link_names_nothing(scene: Scene, forged: str) -> None:
    assert scene.links.read(forged) == "unknown"


async def test_a_file_is_to_be_saved_under_its_own_name_and_runs_nothing(
    scene: Scene, client: "TestClient[web.Request, web.Application]"
) -> None:
    scene.channel.files["AgACAgUAAxk"] = File(name="file_1.jpg", kind="image/jpeg", body=b"a picture")
    answer = await client.get(scene.path())
    assert (answer.status, await answer.read()) == (200, b"a picture")
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Content-Disposition"] == (
        "attachment; filename=\"h_a __n _7_.jpg\"; filename*=UTF-8''h%C3%B3a%20%C4%91%C6%A1n%20%227%22.jpg"
    )
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer.headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize(
    ("told", "given"),
    [
        ("image/png", "image/png"),
        ("IMAGE/JPEG", "image/jpeg"),
        ("audio/ogg; codecs=opus", "audio/ogg"),
        ("audio/x-wav", "audio/x-wav"),
        ("application/pdf", "application/pdf"),
        ("image/svg+xml", "application/octet-stream"),
        ("text/html", "application/octet-stream"),
        ("application/javascript", "application/octet-stream"),
        ("audio/ogg\r\nSet-Cookie: a=b", "application/octet-stream"),
        ("", "application/octet-stream"),
        ("nonsense", "application/octet-stream"),
    ],
)
async def test_only_what_shows_without_running_keeps_its_type(
    scene: Scene, client: "TestClient[web.Request, web.Application]", told: str, given: str
) -> None:
    scene.channel.files["AgACAgUAAxk"] = File(name="x", kind=told, body=b"<script>")
    assert (await client.get(scene.path())).headers["Content-Type"] == given


@pytest.mark.parametrize(
    "name", ['a"; filename="b.exe', "..\\..\\etc/passwd", "line\r\nSet-Cookie: a=b", "", "  ", "\ud800", "%41"]
)
async def test_a_hostile_name_stays_a_name(
    scene: Scene, client: "TestClient[web.Request, web.Application]", name: str
) -> None:
    scene.channel.files["AgACAgUAAxk"] = File(name=name, kind="image/png", body=b"x")
    answer = await client.get(scene.path(Attachment(kind="photo", reference="AgACAgUAAxk")))
    disposition = answer.headers["Content-Disposition"]
    assert answer.status == 200
    assert disposition.startswith('attachment; filename="')
    assert disposition.count('"') == 2
    assert "/" not in disposition
    assert "Set-Cookie" not in answer.headers


async def test_what_there_is_not_is_told_in_the_agents_language(
    scene: Scene, client: "TestClient[web.Request, web.Application]"
) -> None:
    gone, elsewhere = scene.path(), scene.path(channel=ChannelName("removed"))
    answers = {"forged": await client.get(f"{gone}x"), "gone": await client.get(gone)}
    answers["elsewhere"] = await client.get(elsewhere)
    scene.now = NOON + LASTS
    answers["expired"] = await client.get(gone)
    assert {name: answer.status for name, answer in answers.items()} == {
        "forged": 404,
        "gone": 410,
        "elsewhere": 410,
        "expired": 410,
    }
    assert (await answers["forged"].text()).strip() == "Nie ma takiego pliku."
    assert "wygasł" in await answers["expired"].text()


@pytest.mark.parametrize(
    ("failure", "status", "words"),
    [
        (SendFailed(reason="no answer in time", retryable=True), 503, "za kilka minut"),
        (SendFailed(reason="the file is larger than 20 MB", retryable=False), 502, "larger than 20 MB"),
    ],
    ids=["may pass", "will not"],
)
async def test_trouble_with_the_service_is_told(
    scene: Scene,
    client: "TestClient[web.Request, web.Application]",
    failure: SendFailed,
    status: int,
    words: str,
) -> None:
    scene.channel.failures.append(failure)
    answer = await client.get(scene.path())
    assert answer.status == status
    assert words in await answer.text()


async def test_only_a_few_files_are_in_memory_at_once(scene: Scene, aiohttp_client: AiohttpClient) -> None:
    held, most, go_on = 0, 0, asyncio.Event()

    class Slow(FakeChannel):
        async def fetch(self, reference: str) -> File | None:
            nonlocal held, most
            held += 1
            most = max(most, held)
            await go_on.wait()
            held -= 1
            return None

    scene.channel = Slow("telegram")
    client = await aiohttp_client(scene.application())
    asked = [asyncio.create_task(client.get(scene.path())) for _ in range(3 * AT_ONCE)]
    while held < AT_ONCE:  # noqa: ASYNC110 - the fake rings no bell
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    go_on.set()
    assert {answer.status for answer in await asyncio.gather(*asked)} == {410}
    assert most == AT_ONCE
