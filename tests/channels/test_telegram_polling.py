"""Long polling on the local stand-in: what was not committed comes again, and nothing is asked for in a frenzy."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from telegram.error import Conflict, NetworkError, RetryAfter

from bot.channels.telegram import TelegramChannel
from bot.channels.telegram.patience import Patience
from bot.config import TelegramSettings
from bot.errors import StoreUnavailable
from bot.messages import ChannelName, Inbound, Tapped, Unread, Wrote
from bot.ports import Outcome, Said
from bot.sandbox.faults import Duplicate, Hang, RateLimited, Refused, Reorder, ResetAfter, ServerError
from bot.sandbox.telegram import TelegramStandIn
from bot.sandbox.telegram_state import User

TOKEN = "4321:sandbox"
MAI = User(id=5512, first_name="Mai", language_code="vi")
ANNA = User(id=6, first_name="Anna", language_code="it")
TOKEN_TEXT = "1.0k3f9x2m7q8d4h1z.3.9"


@dataclass
class Core:
    """A store that knows what it saw: ``kept`` holds the words that took effect, each event once.

    ``before`` runs before the commit and ``after`` after it; either may raise.
    """

    kept: list[str] = field(default_factory=list)
    aside: list[Unread] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    before: Callable[[Inbound], Awaitable[None]] | None = None
    after: Callable[[Inbound], Awaitable[None]] | None = None

    async def handle(self, inbound: Inbound) -> Outcome:
        if self.before is not None:
            await self.before(inbound)
        self.seen[inbound.event] += 1
        if self.seen[inbound.event] == 1:
            match inbound:
                case Wrote():
                    self.kept.append(inbound.text)
                case Tapped():
                    self.kept.append(inbound.token)
                case Unread():
                    self.aside.append(inbound)
        if self.after is not None:
            await self.after(inbound)
        return Outcome(said=Said(kind="taken", locale="en"))

    @property
    def redelivered(self) -> list[str]:
        return [event for event, times in self.seen.items() if times > 1]


@dataclass
class Poller:
    service: TelegramStandIn
    core: Core
    tasks: list[tuple[TelegramChannel, asyncio.Task[None]]] = field(default_factory=list)

    def start(self) -> None:
        settings = TelegramSettings(
            name=ChannelName("shop"), token=TOKEN, api_url=self.service.base_url.removesuffix("/bot")
        )
        channel = TelegramChannel(
            settings,
            clock=lambda: datetime.now(UTC),
            public_url="http://127.0.0.1",
            first_wait=0.01,
            longest_wait=0.02,
            poll=1,
            timeout=2,
        )
        task = asyncio.create_task(channel.run(self.core.handle))
        self.tasks.append((channel, task))

    async def stop(self) -> None:
        for channel, task in self.tasks:
            task.cancel()
            await asyncio.wait((task,))
            await channel.close()
        self.tasks.clear()

    async def settled(self) -> None:
        """Everything is confirmed, and nothing ended the loop."""
        await self.service.settled(TOKEN)
        assert not any(task.done() for _, task in self.tasks)


@pytest.fixture
async def poller() -> AsyncIterator[Poller]:
    async with TelegramStandIn({TOKEN: "shop_bot"}) as service:
        poller = Poller(service=service, core=Core())
        yield poller
        service.faults.clear()
        await poller.stop()


async def test_updates_are_handled_in_order_and_confirmed(poller: Poller) -> None:
    for n in range(5):
        poller.service.user_sends(TOKEN, MAI, f"{n}")
    poller.start()
    await poller.settled()
    poller.service.user_sends(TOKEN, MAI, "later")
    await poller.settled()
    assert poller.core.kept == ["0", "1", "2", "3", "4", "later"]
    assert poller.core.redelivered == []


async def test_a_webhook_is_taken_down_first(poller: Poller) -> None:
    poller.service.updates(TOKEN).set_webhook({"url": "http://127.0.0.1:9/old"})
    poller.service.user_sends(TOKEN, MAI, "hi")
    poller.start()
    await poller.settled()
    assert poller.service.updates(TOKEN).webhook is None
    assert poller.core.kept == ["hi"]
    assert [call.method for call in poller.service.calls if call.method.endswith(("Webhook", "Updates"))][:2] == [
        "deleteWebhook",
        "getUpdates",
    ]


async def test_a_webhook_that_someone_sets_meanwhile_is_taken_down_again(poller: Poller) -> None:
    poller.start()
    await poller.service.wait_for(lambda: poller.service.journal.of("getUpdates"))
    poller.service.updates(TOKEN).set_webhook({"url": "http://127.0.0.1:9/other"})
    poller.service.user_sends(TOKEN, MAI, "hi")
    await poller.settled()
    assert poller.core.kept == ["hi"]


async def test_a_tap_is_answered_after_the_commit(poller: Poller) -> None:
    message = poller.service.user_starts(TOKEN, MAI)
    query = poller.service.user_taps(TOKEN, MAI, message, TOKEN_TEXT, stale=True)
    poller.start()
    answers = await poller.service.wait_for(lambda: poller.service.answers(TOKEN))
    assert [(one.query_id, one.text) for one in answers] == [(query, "Thank you!")]
    assert poller.core.kept == [TOKEN_TEXT]


async def test_an_answer_that_hangs_or_fails_is_not_repeated_and_holds_up_nothing(poller: Poller) -> None:
    poller.service.faults.next("answerCallbackQuery", Hang(), ServerError(status=500))
    for user in (MAI, ANNA):
        message = poller.service.user_starts(TOKEN, user)
        poller.service.user_taps(TOKEN, user, message, TOKEN_TEXT, stale=True)
        poller.service.user_sends(TOKEN, user, "and more")
    poller.start()
    await poller.settled()
    assert sorted(poller.core.kept) == [TOKEN_TEXT, TOKEN_TEXT, "and more", "and more"]
    assert len(poller.service.journal.of("answerCallbackQuery")) == 2
    assert poller.service.answers(TOKEN) == []


async def test_killed_between_commit_and_offset_it_comes_once_more_and_counts_once(poller: Poller) -> None:
    async def die(inbound: Inbound) -> None:
        poller.tasks[0][1].cancel()

    poller.core.after = die
    poller.service.user_sends(TOKEN, MAI, "8")
    poller.start()
    await asyncio.wait((poller.tasks[0][1],))
    assert poller.core.kept == ["8"]
    assert len(poller.service.updates(TOKEN).pending) == 1
    await poller.stop()
    poller.core.after = None
    poller.start()
    await poller.settled()
    assert poller.core.kept == ["8"]
    assert list(poller.core.seen.values()) == [2]


async def test_what_could_not_be_kept_comes_again_while_others_go_on(poller: Poller) -> None:
    away = asyncio.Event()

    async def refuse_mai(inbound: Inbound) -> None:
        if isinstance(inbound, Wrote) and inbound.sender.key == "5512" and not away.is_set():
            raise StoreUnavailable("the database is away")

    poller.core.before = refuse_mai
    for n in range(3):
        poller.service.user_sends(TOKEN, MAI, f"mai {n}")
        poller.service.user_sends(TOKEN, ANNA, f"anna {n}")
    first = min(poller.service.updates(TOKEN).pending)
    poller.start()
    # it is asked for again and again, which no count of attempts ends
    await poller.service.wait_for(lambda: len(poller.service.journal.of("getUpdates")) > 6)
    assert poller.core.kept == ["anna 0", "anna 1", "anna 2"]
    assert first in poller.service.updates(TOKEN).pending
    assert poller.core.aside == []
    away.set()
    await poller.settled()
    assert poller.core.kept == ["anna 0", "anna 1", "anna 2", "mai 0", "mai 1", "mai 2"]


async def test_an_update_that_can_never_be_handled_is_kept_aside(
    poller: Poller, caplog: pytest.LogCaptureFixture
) -> None:
    async def choke(inbound: Inbound) -> None:
        if isinstance(inbound, Wrote) and inbound.text.startswith("my order"):
            raise ZeroDivisionError(inbound.text)

    poller.core.before = choke
    for text in ("before", "my order 5 is late", "after"):
        poller.service.user_sends(TOKEN, MAI, text)
    poller.start()
    await poller.settled()
    assert poller.core.kept == ["before", "after"]
    assert [(one.why, b"order 5" in one.body) for one in poller.core.aside] == [
        ("handling failed: ZeroDivisionError", True)
    ]
    assert "kept aside: ZeroDivisionError" in caplog.text
    assert "order 5" not in caplog.text


async def test_an_update_of_unknown_shape_stops_nothing(poller: Poller) -> None:
    poller.service.user_sends(TOKEN, MAI, "before")
    poller.service.inject(TOKEN, {"message": {"message_id": "x", "chat": [], "from": 7}})
    poller.service.user_sends(TOKEN, MAI, "after")
    poller.start()
    await poller.settled()
    assert poller.core.kept == ["before", "after"]
    assert [one.why for one in poller.core.aside] == ["a message without a chat"]


async def test_numbers_that_start_again_lower_lose_nothing(poller: Poller) -> None:
    poller.service.user_sends(TOKEN, MAI, "before the idle week")
    poller.start()
    await poller.settled()
    # the poll that follows the confirmation came back empty: only then can numbers start again
    await poller.service.wait_for(lambda: poller.service.journal.of("getUpdates")[-1].fields.get("offset"), 10)
    await poller.service.wait_for(lambda: "offset" not in poller.service.journal.of("getUpdates")[-1].fields, 10)
    lower = {"message_id": 900, "date": 1, "chat": {"id": 5512, "type": "private"}, "text": "after it"}
    poller.service.inject(TOKEN, {"update_id": 17, "message": lower})
    await poller.service.wait_for(lambda: "after it" in poller.core.kept)


SURVIVED = {
    "rate limit": (RateLimited(retry_after=0),),
    "broken service": (ServerError(status=502), ServerError(status=500)),
    "another poller": (Refused(status=409, error="Conflict: terminated by other getUpdates request"),),
    "token refused for a while": (Refused(status=401, error="Unauthorized"),),
    "connection lost after updates were sent": (ResetAfter(),),
    "no JSON": (ServerError(status=200),),
}


@pytest.mark.parametrize("faults", SURVIVED.values(), ids=SURVIVED)
async def test_polling_survives(poller: Poller, faults: tuple[RateLimited, ...]) -> None:
    poller.service.faults.next("getUpdates", *faults)
    poller.service.user_sends(TOKEN, MAI, "8")
    poller.start()
    await poller.settled()
    assert poller.core.kept == ["8"]


async def test_an_unreachable_service_at_the_start_is_waited_for(poller: Poller) -> None:
    for method in ("deleteWebhook", "getUpdates", "getMe"):
        poller.service.faults.next(method, ResetAfter(), ResetAfter())
    poller.service.user_sends(TOKEN, MAI, "8")
    poller.start()
    await poller.settled()
    assert poller.core.kept == ["8"]


@pytest.mark.parametrize("fault", [Duplicate(copies=3), Reorder()], ids=["thrice", "backwards"])
async def test_a_batch_that_comes_twice_or_backwards_counts_once_and_in_order(
    poller: Poller, fault: Duplicate | Reorder
) -> None:
    poller.service.faults.next("updates", fault)
    for n in range(4):
        poller.service.user_sends(TOKEN, MAI, f"{n}")
    poller.start()
    await poller.settled()
    assert poller.core.kept == ["0", "1", "2", "3"]
    assert (len(poller.core.redelivered) == 4) == isinstance(fault, Duplicate)


# ---- patience -------------------------------------------------------------------------------------------


@dataclass
class Naps:
    taken: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.taken.append(seconds)


def patience(naps: Naps) -> Patience:
    return Patience(logging.getLogger("bot.test"), "Telegram", first=1, longest=60, sleep=naps.sleep)


async def test_waits_grow_to_a_limit_and_start_anew() -> None:
    naps = Naps()
    patient = patience(naps)
    for _ in range(40):
        await patient.failed(NetworkError("no connection"))
    expected = [min(60, 2**n) for n in range(40)]
    assert all(most / 2 <= nap <= most for nap, most in zip(naps.taken, expected, strict=True))
    assert len(set(naps.taken[-20:])) > 1
    patient.succeeded()
    await patient.failed(NetworkError("no connection"))
    assert naps.taken[-1] <= 1


async def test_telegrams_wish_is_the_least_that_is_waited() -> None:
    naps = Naps()
    await patience(naps).failed(RetryAfter(200))
    assert naps.taken == [200]


async def test_trouble_is_logged_when_it_changes(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    patient = patience(Naps())
    patient.succeeded()
    for error in (NetworkError("a"), NetworkError("b"), Conflict("c"), KeyError("customer's words"), NetworkError("d")):
        await patient.failed(error)
    patient.succeeded()
    patient.succeeded()
    assert [record.getMessage() for record in caplog.records] == [
        "Telegram: a",
        "Telegram: c",
        "Telegram: KeyError",
        "Telegram: d",
        "Telegram: works again",
    ]
