"""A Chatwoot conversation over real HTTP, from its first word to the question in Telegram, on both databases."""

import io
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from msgspec.structs import replace

from bot.config import TriggerSettings
from bot.messages import ChannelName
from bot.ports import Decision, DecisionQuery
from bot.reports.explaining import explain
from tests.acceptance.world import API_KEY, World, world
from tests.triggers import signing_vendors as by
from tests.triggers.desks import SHARED, SIGNING, payload

#: the moment of the payloads that becomes now
THEN = datetime(2026, 3, 2, 9, 8, tzinfo=UTC)
CHATWOOT = TriggerSettings(
    name="chatwoot",
    kind="chatwoot",
    signing_secrets=(SIGNING,),
    flow="support_csat",
    channel=ChannelName("telegram"),
    address="meta.sender.custom_attributes.telegram_id",
    link="https://chat.example/app/accounts/1/conversations/{reference}",
)
FRESHDESK = TriggerSettings(name="freshdesk", kind="freshdesk", secrets=(SHARED,))
TALK = ("chatwoot_message_first", "chatwoot_message_outgoing", "chatwoot_message_incoming")


@pytest.fixture
async def running(storage_url: str) -> AsyncIterator[World]:
    async with world(storage_url) as everything:
        yield everything


def ask_after(running: World, delay: timedelta) -> None:
    settings = running.app.settings()
    asking = replace(settings.asking, delay=delay)
    running.app.settings.swap(replace(settings, asking=asking, triggers=(CHATWOOT, FRESHDESK)))


def of_today(value: Any, by: timedelta) -> Any:
    """A body with all its times moved."""
    match value:
        case dict():
            return {key: of_today(inner, by) for key, inner in value.items()}
        case list():
            return [of_today(inner, by) for inner in value]
        case str() if value.startswith("2026-"):
            return (datetime.fromisoformat(value) + by).isoformat()
        case int() | float() if not isinstance(value, bool) and 1_772_000_000 < value < 1_773_000_000:
            return value + by.total_seconds()
        case _:
            return value


async def sends(running: World, *names: str) -> list[Mapping[str, Any]]:
    """What Chatwoot is answered, for each of these events."""
    moved = running.app.clock() - THEN
    answers = []
    for name in names:
        body = json.dumps(of_today(json.loads(payload(name)), moved)).encode()
        headers = {"Content-Type": "application/json", **by.chatwoot(body, SIGNING, running.app.clock())}
        async with running.client.post(f"{running.url}/triggers/chatwoot", data=body, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            answers.append(await answer.json())
    return answers


async def decisions(running: World) -> Sequence[Decision]:
    return await running.app.storage.ledger.list(DecisionQuery(about="81"))


async def test_a_conversation_is_asked_about_once(running: World) -> None:
    await running.lan_starts()
    ask_after(running, timedelta(seconds=0.5))
    told = await sends(running, *TALK, "chatwoot_status_changed_resolved", "chatwoot_conversation_resolved")
    assert [(each["decision"], each["rule"]) for each in told[3:]] == [
        ("deferred", "delay"),
        ("not_asked", "reported before"),
    ]
    await running.sees("cuộc trò chuyện với Minh")
    await sends(running, "chatwoot_conversation_resolved", *TALK)
    (decision,) = await decisions(running)
    assert (decision.verdict, [step.rule for step in decision.steps]) == ("asked", ["delay"])
    assert decision.occasion is not None
    assert (decision.occasion.messages, decision.occasion.human_answered) == (3, True)
    assert len([message for message in running.chat() if "cuộc trò chuyện với Minh" in (message.text or "")]) == 1


async def test_one_that_goes_on_is_not_and_the_ledger_says_why(running: World) -> None:
    await running.lan_starts()
    ask_after(running, timedelta(seconds=600))
    await sends(running, *TALK, "chatwoot_status_changed_resolved")
    (planned,) = await decisions(running)
    assert (planned.verdict, planned.rule) == ("deferred", "delay")
    (opened,) = await sends(running, "chatwoot_status_changed_open")
    assert (opened["decision"], opened["rule"]) == ("not_asked", "it was resumed")
    (decision,) = await decisions(running)
    assert (decision.verdict, decision.rule) == ("not asked", "it was resumed")
    assert "81" in explain(decision)
    assert await running.app.storage.dues.next_due() is None


async def test_what_the_address_answers(running: World) -> None:
    ask_after(running, timedelta(0))
    body = payload("chatwoot_conversation_resolved")
    right = {"Content-Type": "application/json", **by.chatwoot(body, SIGNING, running.app.clock())}
    freshdesk = {"Authorization": f"Bearer {SHARED}", "Content-Type": "application/json"}

    async def status(path: str, data: bytes | io.BytesIO, headers: Mapping[str, str], method: str = "POST") -> int:
        async with running.client.request(method, f"{running.url}{path}", data=data, headers=headers) as answer:
            return answer.status

    assert await status("/triggers/chatwoot", body + b" ", right) == 401
    assert await status("/triggers/chatwoot", body, freshdesk) == 401
    assert await status("/triggers/groove", body, right) == 404
    assert await status("/triggers/chatwoot", b"", right, "GET") == 405
    assert await status("/triggers/freshdesk", io.BytesIO(b"x" * 5_000_000), freshdesk) == 413
    assert await status("/triggers/freshdesk", body, {**freshdesk, "Content-Encoding": "gzip"}) == 415
    assert await running.app.storage.ledger.list(DecisionQuery()) == []
    assert await status("/triggers/freshdesk", b'{"freshdesk_webhook": {', freshdesk) == 202
    assert await status("/triggers/freshdesk", b'{"freshdesk_webhook": {', freshdesk) == 202
    assert [one.rule for one in await running.app.storage.ledger.list(DecisionQuery())] == ["not understood"]
    assert await status("/api/v1/triggers", b"", {}, "GET") == 401
    chatwoot, other = await figures(running.client, running.url)
    assert (chatwoot["name"], chatwoot["refused"], chatwoot["deliveries"]) == ("chatwoot", 2, 0)
    assert (other["refused"], other["deliveries"], other["not_understood"]) == (0, 2, 2)


async def figures(client: aiohttp.ClientSession, url: str) -> list[Mapping[str, Any]]:
    async with client.get(f"{url}/api/v1/triggers", headers={"X-Api-Key": API_KEY}) as answer:
        assert answer.status == 200
        return list((await answer.json())["triggers"])
