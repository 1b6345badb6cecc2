"""An agent picks a customer's message in Slack and asks for a rating, and asks why somebody was or was not asked."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.channels.slack.wishes import ASK, WONDER
from bot.messages import ChannelName
from bot.sandbox.slack_state import Member, Post
from tests.acceptance.world import ANNA, BEN, DESK, LAN, TOKEN, World, shown, world

SHOPPER = Member(id="U0SHOPPER", name="lan", real_name="Lan Tran")


@pytest.fixture(params=["polling and sockets", "webhooks"])
async def running(request: pytest.FixtureRequest, storage_url: str) -> AsyncIterator[World]:
    async with world(storage_url, hooks=request.param == "webhooks") as everything:
        everything.slack.channel("hall", (ANNA, SHOPPER))
        yield everything


async def asks(running: World, ts: str, words: str) -> None:
    """Anna uses the shortcut on a message, and reads what comes of it."""
    before = len(running.slack.ephemerals(ANNA, "#hall"))
    ack = await running.slack.user_shortcut(ANNA, ASK, "#hall", ts)
    assert ack.status == 200
    await running.slack.wait_for(lambda: len(running.slack.ephemerals(ANNA, "#hall")) > before, timeout=10)
    assert running.slack.ephemerals(ANNA, "#hall")[-1].text == words


async def explained(running: World, query: str, room: str = DESK, agent: Member = ANNA) -> str:
    ack = await running.slack.user_commands(agent, room, WONDER, f"explain {query}")
    assert ack.status == 200
    return shown(running.slack.ephemerals(agent, room)[-1])


def question(running: World) -> Post | None:
    posts = running.slack.direct(SHOPPER).posts.values()
    return next((post for post in posts if "How was your chat with" in post.text), None)


async def test_by_a_shortcut_on_their_message(running: World) -> None:
    ts = running.slack.user_sends(SHOPPER, "#hall", "the lamp works now, thanks")
    await asks(running, ts, "The customer is asked for a rating now.")
    post = await running.slack.wait_for(lambda: question(running), timeout=10)
    assert post is not None
    # the same message is asked about once, whoever asks
    await asks(running, ts, "No question is sent. The customer was asked a moment ago.")
    place = running.slack.direct(SHOPPER)
    assert (await running.slack.user_clicks(SHOPPER, place.id, post.ts, "😀")).status == 200
    await running.slack.wait_for(lambda: "😀" in shown(place.posts[post.ts]), timeout=10)
    why = await explained(running, f"{running.slack.channel('hall').id}/{ts}")
    assert "Asked" in why
    assert "An agent asked for a rating" in why
    assert "Lan" not in await explained(running, f"<@{SHOPPER.id}|lan>", room="#hall")


async def test_not_of_one_who_opted_out(running: World) -> None:
    running.slack.user_sends(SHOPPER, None, "stop")
    await running.slack.wait_for(lambda: len(running.slack.direct(SHOPPER).posts) == 2, timeout=10)
    ts = running.slack.user_sends(SHOPPER, "#hall", "hello")
    await asks(running, ts, "No question is sent. The customer does not want to be asked.")
    assert question(running) is None
    why = await explained(running, f"<@{SHOPPER.id}|lan>")
    assert "The customer does not want to be asked." in why


async def test_why_is_told_to_the_desk_alone(running: World) -> None:
    await running.lan_starts()
    await running.end_chat("telegram", str(LAN), messages=8)
    await running.sees("How was your chat with")
    for query in (running.references[-1], str(LAN)):
        why = await explained(running, query)
        assert running.references[-1] in why
        assert "Nothing spoke against it." in why
    assert running.references[-1] not in await explained(running, running.references[-1], room="#hall")
    assert running.slack.ephemerals(BEN, DESK) == []
    assert "Nothing is known of T-000" in await explained(running, "T-000")


# ---- commands of customers


async def test_a_start_that_nobody_knows_is_answered(running: World) -> None:
    running.telegram.user_sends(TOKEN, LAN, "/start xyz")
    await running.sees("Lotus Home")
    running.telegram.user_sends(TOKEN, LAN, "/start delivery_nps")
    await running.sees("How likely are you to recommend")
    running.telegram.user_sends(TOKEN, LAN, "/stop now")
    await running.sees("We will not ask you")


async def test_commands_in_slack(running: World) -> None:
    ack = await running.slack.user_commands(SHOPPER, None, "/feedback", "it came late")
    assert ack.status == 200
    await running.slack.wait_for(lambda: question(running), timeout=10)
    for words, answer in (("/start", "xyz"), ("/stop", "for good")):
        assert (await running.slack.user_commands(SHOPPER, None, words, answer)).status == 200
    posts = running.slack.direct(SHOPPER).posts

    def told(sentence: str) -> bool:
        return any(sentence in post.text for post in posts.values())

    await running.slack.wait_for(lambda: told("this is Lotus Home") and told("We will not ask you"), timeout=10)


async def test_commands_in_the_widget(running: World) -> None:
    chat = f"{running.url}/channels/web"

    async def does(headers: dict[str, str], **body: Any) -> Any:
        async with running.client.post(chat, json=body, headers=headers) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json()

    opened = await does({}, do="open", language="en")
    mine = {"Authorization": f"Bearer {opened['token']}"}
    for number, (command, argument) in enumerate((("start", "xyz"), ("feedback", "late"), ("stop", "now"))):
        await does(mine, do="command", id=f"m{number}", command=command, argument=argument)
    await running.all_sent()
    lines = await running.app.storage.chat.since(ChannelName("web"), opened["session"], 0)
    for sentence in ("this is Lotus Home", "How was your chat with", "We will not ask you"):
        assert any(sentence in repr(line.content) for line in lines), lines
