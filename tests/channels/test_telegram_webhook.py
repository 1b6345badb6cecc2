"""The webhook: who is let in, what is answered, and the whole way over the local stand-in."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import orjson
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.telegram import TelegramChannel
from bot.channels.telegram.channel import answer
from bot.config import TelegramSettings
from bot.errors import StoreUnavailable
from bot.languages import locales, say
from bot.messages import ChannelName, Inbound, Tapped, Unread, Wrote
from bot.ports import Outcome, Raw, Reply, Said, SaidKind
from bot.sandbox.faults import BadSignature, RateLimited, Refused, ServerError
from bot.sandbox.telegram import TelegramStandIn
from bot.sandbox.telegram_state import User

PAYLOADS = Path(__file__).parent.parent / "payloads" / "telegram"
TOKEN = "4321:sandbox"
SECRET = "hook-secret"
HEADER = "x-telegram-bot-api-secret-token"
MAI = User(id=5512, first_name="Mai", language_code="vi")


@dataclass
class Core:
    """Takes what a channel hands on; ``said`` is its outcome; it raises each of ``errors`` once before that."""

    said: Said = field(default_factory=Said)
    errors: list[Exception] = field(default_factory=list)
    taken: list[Inbound] = field(default_factory=list)

    async def handle(self, inbound: Inbound) -> Outcome:
        if self.errors:
            raise self.errors.pop()
        self.taken.append(inbound)
        return Outcome(said=self.said)


def make_channel(secret: str = SECRET, api_url: str = "", public_url: str = "", wait: float = 0.01) -> TelegramChannel:
    settings = TelegramSettings(
        name=ChannelName("shop"), token=TOKEN, webhook_secret=secret, mode="webhook", api_url=api_url
    )
    return TelegramChannel(
        settings, clock=lambda: datetime.now(UTC), public_url=public_url, first_wait=wait, longest_wait=wait
    )


def signed(body: bytes, secret: str = SECRET) -> Raw:
    return Raw(path="/channels/shop", headers={HEADER: secret}, body=body)


def payload(name: str) -> bytes:
    return (PAYLOADS / f"{name}.json").read_bytes()


STRANGERS = {
    "no secret": (SECRET, {}),
    "a wrong one": (SECRET, {HEADER: "guess"}),
    "only its beginning": (SECRET, {HEADER: SECRET[:-1]}),
    "letters that no secret has": (SECRET, {HEADER: "sécret\udcff"}),
    "an empty one where none is configured": ("", {HEADER: ""}),
    "none where none is configured": ("", {}),
}


@pytest.mark.parametrize(("secret", "headers"), STRANGERS.values(), ids=STRANGERS)
async def test_a_stranger_has_no_effect(secret: str, headers: dict[str, str]) -> None:
    core = Core()
    raw = Raw(path="/channels/shop", headers=headers, body=payload("words"))
    assert await make_channel(secret).receive(raw, core.handle) == Reply(status=403)
    assert core.taken == []


async def test_words_are_handed_on_and_acknowledged() -> None:
    core = Core()
    assert await make_channel().receive(signed(payload("words")), core.handle) == Reply()
    assert [inbound.text for inbound in core.taken if isinstance(inbound, Wrote)] == ["8 out of 10 😀"]


async def test_what_carries_nothing_for_us_is_acknowledged_alone() -> None:
    core = Core()
    assert await make_channel().receive(signed(payload("edited_location")), core.handle) == Reply()
    assert core.taken == []


async def test_a_broken_body_is_kept_aside_and_acknowledged() -> None:
    core = Core()
    assert await make_channel().receive(signed(b'{"update_id'), core.handle) == Reply()
    assert [(type(inbound), inbound.body) for inbound in core.taken if isinstance(inbound, Unread)] == [
        (Unread, b'{"update_id')
    ]


@pytest.mark.parametrize("name", ["words", "tap", "kind_of_tomorrow", "blocked"])
async def test_what_could_not_be_kept_must_come_again(name: str) -> None:
    core = Core(errors=[StoreUnavailable("away")])
    assert await make_channel().receive(signed(payload(name)), core.handle) == Reply(status=503)


async def test_an_error_of_ours_is_not_acknowledged() -> None:
    with pytest.raises(ZeroDivisionError):
        await make_channel().receive(signed(payload("words")), Core(errors=[ZeroDivisionError()]).handle)


@pytest.mark.parametrize("path", sorted(PAYLOADS.glob("*.json")), ids=lambda path: path.stem)
async def test_every_recorded_shape_is_acknowledged(path: Path) -> None:
    assert (await make_channel().receive(signed(path.read_bytes()), Core().handle)).status == 200


@given(st.binary(max_size=60))
async def test_any_body_is_acknowledged(body: bytes) -> None:
    core = Core()
    assert (await make_channel().receive(signed(body), core.handle)).status == 200


TOASTS: dict[str, tuple[Said, dict[str, Any]]] = {
    "taken": (Said(kind="taken", text="9/10"), {"text": "Thank you!"}),
    "in the customer's language": (Said(kind="taken", locale="pl"), {"text": say("pl", "reply.taken")}),
    "how many are needed": (Said(kind="choose_more", text="2"), {"text": "Please choose at least 2."}),
    "someone else's card": (
        Said(kind="not_yours"),
        {"text": "This question is for someone else.", "show_alert": True},
    ),
    "nothing to say": (Said(kind="nothing"), {}),
    "handled before": (Said(kind="duplicate"), {}),
    "a survey follows as a message": (Said(kind="asked"), {}),
}


@pytest.mark.parametrize(("said", "fields"), TOASTS.values(), ids=TOASTS)
async def test_a_tap_is_answered_in_the_webhooks_reply(said: Said, fields: dict[str, Any]) -> None:
    reply = await make_channel().receive(signed(payload("tap")), Core(said=said).handle)
    method = {"method": "answerCallbackQuery", "callback_query_id": "4382bfdwdsb323b2d9"}
    assert orjson.loads(reply.body) == method | fields
    assert reply.headers == {"content-type": "application/json"}


async def test_a_tap_of_another_makers_button_is_answered_without_words() -> None:
    core = Core()
    reply = await make_channel().receive(signed(payload("tap_without_data")), core.handle)
    assert orjson.loads(reply.body)["callback_query_id"] == "4382bfdwdsb323b2d9"
    assert core.taken == []


@pytest.mark.parametrize("locale", [*locales(), "xx"])
@pytest.mark.parametrize("kind", get_args(SaidKind))
def test_each_outcome_has_an_answer_in_each_language(kind: SaidKind, locale: str) -> None:
    fields = answer("1", Said(kind=kind, text="3", locale=locale))
    assert fields["callback_query_id"] == "1"
    assert "{" not in fields.get("text", "")


# ---- the whole way --------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Hooked:
    service: TelegramStandIn
    core: Core
    channel: TelegramChannel


@pytest.fixture
async def hooked() -> AsyncIterator[Hooked]:
    core = Core()
    receive: list[Callable[[Raw], Awaitable[Reply]]] = []

    async def serve(request: web.BaseRequest) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        reply = await receive[0](Raw(path=request.path, headers=headers, body=await request.read()))
        return web.Response(status=reply.status, body=reply.body, headers=dict(reply.headers))

    runner = web.ServerRunner(web.Server(serve, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with TelegramStandIn({TOKEN: "shop_bot"}, backoff=(0.01,)) as service:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        channel = make_channel(api_url=service.base_url.removesuffix("/bot"), public_url=url)
        receive.append(lambda raw: channel.receive(raw, core.handle))
        yield Hooked(service=service, core=core, channel=channel)
        await channel.close()
    await runner.cleanup()


async def test_run_sets_the_webhook_and_the_commands_and_returns(hooked: Hooked) -> None:
    await hooked.channel.run(hooked.core.handle)
    webhook = hooked.service.updates(TOKEN).webhook
    assert webhook is not None
    assert webhook.url.endswith("/channels/shop")
    assert webhook.secret == SECRET
    assert webhook.allowed == ("message", "edited_message", "callback_query", "my_chat_member")
    commands = hooked.service.world.bot(TOKEN).commands
    offered = ["feedback", "human", "language", "stop"]
    assert [[one["command"] for one in known] for known in commands.values()] == [offered] * len(locales())


async def test_the_webhook_is_set_again_and_again_until_it_holds(
    hooked: Hooked, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    broken = [ServerError(status=500)] * 3
    refusal = Refused(status=400, error="Bad Request: bad webhook: failed to resolve host")
    hooked.service.faults.next("setWebhook", *broken, refusal, RateLimited(retry_after=0))
    await hooked.channel.run(hooked.core.handle)
    assert hooked.service.updates(TOKEN).webhook is not None
    told = [record.getMessage() for record in caplog.records if record.name.startswith("bot.")]
    assert len(told) == 4
    assert "500" in told[0]
    assert "failed to resolve host" in told[1]
    assert told[3].endswith("works again")


async def test_commands_that_cannot_be_set_stop_nothing(hooked: Hooked) -> None:
    hooked.service.faults.next("setMyCommands", ServerError(status=500))
    await hooked.channel.run(hooked.core.handle)
    assert hooked.service.updates(TOKEN).webhook is not None


async def test_a_tap_goes_all_the_way(hooked: Hooked) -> None:
    hooked.core.said = Said(kind="too_late_to_change", locale="vi")
    await hooked.channel.run(hooked.core.handle)
    message = hooked.service.user_starts(TOKEN, MAI)
    query = hooked.service.user_taps(TOKEN, MAI, message, "1.0k3f9x2m7q8d4h1z.3.9", stale=True)
    await hooked.service.settled(TOKEN)
    answered = await hooked.service.wait_for(lambda: hooked.service.answers(TOKEN))
    assert [(one.query_id, one.show_alert) for one in answered] == [(query, True)]
    assert "/feedback" in str(answered[0].text)
    assert [type(inbound).__name__ for inbound in hooked.core.taken] == ["Commanded", "Tapped"]


async def test_a_wrong_secret_on_the_way_loses_nothing(hooked: Hooked) -> None:
    await hooked.channel.run(hooked.core.handle)
    hooked.service.faults.next("updates", BadSignature())
    hooked.service.user_sends(TOKEN, MAI, "8")
    await hooked.service.settled(TOKEN)
    assert [one.status for one in hooked.service.updates(TOKEN).attempts] == [403, 200]
    assert len(hooked.core.taken) == 1


async def test_what_could_not_be_kept_comes_again_with_the_same_key(hooked: Hooked) -> None:
    await hooked.channel.run(hooked.core.handle)
    hooked.core.errors = [StoreUnavailable("away"), StoreUnavailable("away")]
    hooked.service.user_sends(TOKEN, MAI, "8")
    await hooked.service.settled(TOKEN)
    assert [one.status for one in hooked.service.updates(TOKEN).attempts] == [503, 503, 200]
    (update,) = {one.update_id for one in hooked.service.updates(TOKEN).attempts}
    assert [inbound.event for inbound in hooked.core.taken] == [f"telegram:shop:{update}"]


async def test_our_username_is_known_after_run(hooked: Hooked) -> None:
    await hooked.channel.run(hooked.core.handle)
    hooked.service.group(-1009988, "Shop customers", [TOKEN], [MAI])
    hooked.service.inject(TOKEN, orjson.loads(payload("command_of_another_bot")))
    hooked.service.inject(TOKEN, orjson.loads(payload("command_feedback_named")) | {"update_id": 813})
    await hooked.service.settled(TOKEN)
    assert [inbound.event for inbound in hooked.core.taken] == ["telegram:shop:813"]


async def test_taps_of_one_card_by_two_people_are_told_apart(hooked: Hooked) -> None:
    await hooked.channel.run(hooked.core.handle)
    hooked.service.group(-1009988, "Shop customers", [TOKEN], [MAI, 6])
    for user in (MAI, 6):
        hooked.service.user_taps(TOKEN, user, 1, "1.0k3f9x2m7q8d4h1z.3.9", chat=-1009988, stale=True)
    await hooked.service.settled(TOKEN)
    keys = [inbound.sender.key for inbound in hooked.core.taken if isinstance(inbound, Tapped)]
    assert keys == ["-1009988/5512", "-1009988/6"]
