"""What the Slack stand-in sends, received by slack-bolt over HTTP and over Socket Mode."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.faults import BadSignature, Duplicate, Reorder, ResetAfter
from bot.sandbox.slack import SlackStandIn
from bot.sandbox.slack_state import Member, Workspace

TOKEN = "xoxb-1"
ANNA = Member(id="U0ANNA", name="anna", real_name="Anna Nowak")
REPLY = {
    "type": "modal",
    "callback_id": "reply",
    "private_metadata": "case 1",
    "title": {"type": "plain_text", "text": "Reply"},
    "submit": {"type": "plain_text", "text": "Send"},
    "blocks": [
        {
            "type": "input",
            "block_id": "words",
            "label": {"type": "plain_text", "text": "Your words"},
            "element": {"type": "plain_text_input", "action_id": "text", "multiline": True},
        },
        {
            "type": "input",
            "block_id": "cause",
            "optional": True,
            "label": {"type": "plain_text", "text": "Cause"},
            "element": {
                "type": "static_select",
                "action_id": "pick",
                "options": [{"text": {"type": "plain_text", "text": "Late"}, "value": "late"}],
            },
        },
    ],
}
CASE: list[dict[str, Any]] = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "*New case*"}},
    {
        "type": "actions",
        "elements": [
            {"type": "button", "action_id": "claim", "value": "7", "text": {"type": "plain_text", "text": "Claim"}},
            {"type": "button", "action_id": "reply", "text": {"type": "plain_text", "text": "Reply"}},
        ],
    },
]


@dataclass(kw_only=True)
class App:
    """A Bolt app that notes what it hears."""

    service: SlackStandIn
    bolt: AsyncApp
    heard: list[str] = field(default_factory=list)
    event_ids: list[str] = field(default_factory=list)
    retries: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    fail: int = 0

    def hear(self, what: str) -> None:
        self.heard.append(what)
        self.service.journal.changed()

    async def hook(self, request: web.Request) -> web.StreamResponse:
        self.retries.append(request.headers.get("X-Slack-Retry-Num", ""))
        if self.fail:
            self.fail -= 1
            return web.Response(status=500)
        response = await to_aiohttp_response(await self.bolt.async_dispatch(await to_bolt_request(request)))
        self.statuses.append(response.status)
        return response


@pytest.fixture
async def app() -> AsyncIterator[App]:
    service = SlackStandIn(
        Workspace(bot_token=TOKEN), signing_secret="s", app_token="xapp-1", retry_delays=(0, 0.01, 0.02)
    )
    await service.start()
    service.channel("desk", [ANNA, "U0BEN"])
    client = AsyncWebClient(token=TOKEN, base_url=service.base_url)

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=None, team_id="T0SANDBOX", bot_token=TOKEN, bot_user_id="U0AFTERCHAT", bot_id="B0AFTERCHAT"
        )

    bolt = AsyncApp(signing_secret="s", client=client, authorize=authorize, process_before_response=True)
    one = App(service=service, bolt=bolt)
    listen(one)
    yield one
    await service.stop()


def listen(app: App) -> None:
    bolt = app.bolt

    async def message(event: dict[str, Any], body: dict[str, Any]) -> None:
        app.event_ids.append(body["event_id"])
        app.hear(event.get("text") or event["subtype"])

    async def claim(ack: Any, body: dict[str, Any], action: dict[str, Any], respond: Any, client: Any) -> None:
        await ack()
        app.hear(f"claim {action['value']} by {body['user']['id']}")
        await respond(text="You have it", response_type="ephemeral", replace_original=False)
        await client.chat_update(channel=body["channel"]["id"], ts=body["message"]["ts"], text="Claimed")

    async def reply(ack: Any, body: dict[str, Any], client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=REPLY)

    async def submit(ack: Any, view: dict[str, Any]) -> None:
        values = view["state"]["values"]
        text = values["words"]["text"]["value"]
        if text == "no":
            await ack(response_action="errors", errors={"words": "Say more"})
            return
        await ack()
        picked = values["cause"]["pick"]["selected_option"]
        app.hear(f"{view['private_metadata']}: {text} ({picked and picked['value']})")

    async def feedback(ack: Any, command: dict[str, Any]) -> None:
        await ack(f"How was it? {command['text']}")
        app.hear(command["command"])

    async def shortcut(ack: Any, shortcut: dict[str, Any]) -> None:
        await ack()
        app.hear(f"{shortcut['type']} {shortcut.get('message', {}).get('text', '')}".strip())

    bolt.event("message")(message)
    bolt.event("app_mention")(message)
    bolt.action("claim")(claim)
    bolt.action("reply")(reply)
    bolt.view("reply")(submit)
    bolt.command("/feedback")(feedback)
    bolt.shortcut("ask")(shortcut)


@asynccontextmanager
async def over_http(app: App) -> AsyncIterator[None]:
    server = web.Application()
    server.router.add_post("/slack", app.hook)
    runner = web.AppRunner(server, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    route = app.service.connect(f"http://127.0.0.1:{runner.addresses[0][1]}/slack")
    assert await route.verify()
    app.retries.clear()
    app.statuses.clear()
    yield
    await runner.cleanup()


@asynccontextmanager
async def over_sockets(app: App) -> AsyncIterator[None]:
    handler = AsyncSocketModeHandler(app.bolt, "xapp-1", web_client=app.bolt.client, ping_interval=0.05)
    await handler.connect_async()  # type: ignore[no-untyped-call]
    await app.service.wait_for(lambda: app.service.socket.connections)
    yield
    await handler.close_async()  # type: ignore[no-untyped-call]


@pytest.fixture
async def http(app: App) -> AsyncIterator[App]:
    async with over_http(app):
        yield app


@pytest.fixture
async def sockets(app: App) -> AsyncIterator[App]:
    async with over_sockets(app):
        yield app


@pytest.fixture(params=[over_http, over_sockets])
async def either(request: pytest.FixtureRequest, app: App) -> AsyncIterator[App]:
    async with request.param(app):
        yield app


async def test_what_people_write(either: App) -> None:
    service = either.service
    service.user_sends(ANNA, None, "5 <b> & https://x.example")
    ts = service.user_sends(ANNA, "#desk", "hello @afterchat")
    await service.settled()
    service.user_edits(ANNA, "#desk", ts, "bye")
    await service.wait_for(lambda: len(either.heard) == 4)
    assert either.heard == [
        "5 &lt;b&gt; &amp; <https://x.example>",
        "hello <@U0AFTERCHAT>",
        "hello <@U0AFTERCHAT>",
        "message_changed",
    ]
    await service.settled()
    assert not service.deliveries.given_up


async def test_a_button_claims_and_answers(either: App) -> None:
    service = either.service
    sent = await either.bolt.client.chat_postMessage(channel="#desk", text="New case", blocks=CASE)
    ack = await service.user_clicks(ANNA, "#desk", sent["ts"], "Claim")
    assert ack.good
    assert either.heard[-1] == "claim 7 by U0ANNA"
    assert [post.text for post in service.ephemerals(ANNA)] == ["You have it"]
    assert [post.text for post in service.messages("#desk")] == ["Claimed"]
    with pytest.raises(LookupError, match="nothing is called 'claim'"):
        await service.user_clicks(ANNA, "#desk", sent["ts"], "claim")
    await service.settled()


async def test_a_view_is_filled_in(either: App) -> None:
    service = either.service
    sent = await either.bolt.client.chat_postMessage(channel="#desk", text="New case", blocks=CASE)
    await service.user_clicks(ANNA, "#desk", sent["ts"], "reply")
    assert len(service.views(ANNA)) == 1
    assert (await service.user_submits_view(ANNA)).reason == "incomplete"
    assert service.views(ANNA)[0].errors == {"words": "Please complete this required field."}
    await service.user_submits_view(ANNA, {"words": "no"})
    assert service.views(ANNA)[0].errors == {"words": "Say more"}
    await service.user_submits_view(ANNA, {"words": "We are sorry", "cause": "Late"})
    assert service.views(ANNA) == []
    assert either.heard[-1] == "case 1: We are sorry (late)"
    await service.settled()


async def test_a_command_and_shortcuts(either: App) -> None:
    service = either.service
    await service.user_commands(ANNA, None, "/feedback", "now")
    assert [post.text for post in service.ephemerals(ANNA)] == ["How was it? now"]
    ts = service.user_sends(ANNA, "#desk", "this one")
    await service.settled()
    await service.user_shortcut(ANNA, "ask")
    await service.user_shortcut(ANNA, "ask", "#desk", ts)
    assert either.heard == ["/feedback", "this one", "shortcut", "message_action this one"]


async def test_nobody_listens(http: App) -> None:
    service = http.service
    ack = await service.user_commands(ANNA, None, "/unknown")
    assert (ack.status, ack.reason) == (404, "http_error")
    assert [(trouble.what, trouble.error) for trouble in service.troubles] == [("/unknown", "http_error")]


async def test_an_event_is_tried_again(http: App) -> None:
    http.fail = 3
    http.service.user_sends(ANNA, None, "5")
    await http.service.settled()
    assert (http.retries, http.heard) == (["", "1", "2", "3"], ["5"])
    http.fail = 4
    http.service.user_sends(ANNA, None, "6")
    await http.service.settled()
    assert [given.payload["event"]["text"] for given in http.service.deliveries.given_up] == ["6"]


async def test_a_bad_signature_has_no_effect(http: App) -> None:
    http.service.faults.next("events", BadSignature())
    http.service.user_sends(ANNA, None, "5")
    await http.service.settled()
    assert (http.statuses, http.heard) == ([401, 200], ["5"])


@pytest.mark.parametrize("concurrent", [False, True])
async def test_the_same_event_twice(either: App, concurrent: bool) -> None:
    either.service.faults.next("events", Duplicate(concurrent=concurrent))
    either.service.user_sends(ANNA, None, "5")
    await either.service.settled()
    assert either.heard == ["5", "5"]
    assert len(set(either.event_ids)) == 1


async def test_an_event_that_overtakes(either: App) -> None:
    either.service.faults.next("events", Reorder())
    for text in ("first", "second", "third"):
        either.service.user_sends(ANNA, None, text)
    await either.service.settled()
    assert either.heard == ["second", "first", "third"]


async def test_an_answer_that_is_lost(either: App) -> None:
    either.service.faults.next("events", ResetAfter())
    either.service.user_sends(ANNA, None, "5")
    await either.service.settled()
    assert either.heard == ["5", "5"]


async def test_any_event_and_any_body(http: App) -> None:
    http.service.inject_event({"type": "never_heard_of"})
    await http.service.settled()
    ack = await http.service.inject("interactivity", {"type": "odd"})
    assert (http.statuses, ack.status) == ([404, 404, 404, 404, 404], 404)


async def test_a_socket_that_is_asked_to_connect_anew(sockets: App) -> None:
    app = sockets
    await app.service.socket.disconnect()
    app.service.user_sends(ANNA, None, "while away")
    await app.service.settled()
    assert app.heard == ["while away"]
    assert len(app.service.journal.of("apps.connections.open")) == 2


async def test_what_a_dropped_socket_did_not_acknowledge(sockets: App) -> None:
    app = sockets
    gate, started = asyncio.Event(), asyncio.Event()

    async def slow(ack: Any, body: dict[str, Any]) -> None:
        started.set()
        await gate.wait()
        app.hear(body["event_id"])

    app.bolt.event("app_home_opened")(slow)
    app.service.user_opens_home(ANNA)
    await started.wait()
    await app.service.socket.drop()
    gate.set()
    await app.service.settled()
    assert len(app.heard) == 2
    assert len(set(app.heard)) == 1


async def test_nobody_is_connected(app: App) -> None:
    app.service.use_socket_mode()
    ack = await app.service.user_commands(ANNA, None, "/feedback")
    assert ack.reason == "no_connection"
