"""The Slack stand-in's Web API, driven by slack-sdk."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.sandbox.faults import Fault, Hang, RateLimited, Refused, ResetAfter, ResetBefore, ServerError
from bot.sandbox.slack import SlackStandIn
from bot.sandbox.slack_state import Member, ResponseUrl, Workspace
from bot.sandbox.slack_text import LIVE, rendered, shown

TOKEN = "xoxb-1"
ANNA = Member(id="U0ANNA", name="anna", real_name="Anna Nowak")
DESK = "#desk"


@dataclass(kw_only=True)
class Clock:
    seconds: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.seconds


@dataclass(frozen=True, kw_only=True)
class Slack:
    service: SlackStandIn
    client: AsyncWebClient
    clock: Clock

    def texts(self) -> list[str]:
        return [post.text for post in self.service.messages(DESK)]


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    clock = Clock()
    async with SlackStandIn(Workspace(bot_token=TOKEN), signing_secret="s", clock=clock) as service:
        service.channel("desk", [ANNA])
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.5)) as session:
            client = AsyncWebClient(token=TOKEN, base_url=service.base_url, session=session, retry_handlers=[])
            yield Slack(service=service, client=client, clock=clock)


def button(text: str = "Claim", **fields: Any) -> dict[str, Any]:
    return {"type": "button", "text": {"type": "plain_text", "text": text}, **fields}


def actions(*elements: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements), **fields}


def section(text: str, **fields: Any) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **fields}


def modal(**fields: Any) -> dict[str, Any]:
    title = {"type": "plain_text", "text": "Reply"}
    return {"type": "modal", "title": title, "blocks": [section("x")], **fields}


async def test_a_message_its_edit_and_its_thread(slack: Slack) -> None:
    client, service = slack.client, slack.service
    sent = await client.chat_postMessage(
        channel=DESK, text="New case", blocks=[section("New *case*"), actions(button())]
    )
    post = service.messages(DESK)[0]
    assert (sent["ts"], post.blocks[1]["elements"][0]["text"]["text"]) == (post.ts, "Claim")
    await client.chat_postMessage(channel=sent["channel"], text="a reply", thread_ts=post.ts)
    await client.chat_update(channel=sent["channel"], ts=post.ts, text="Claimed by Anna")
    assert (post.text, post.blocks) == ("Claimed by Anna", [])
    assert [reply.text for reply in service.thread(DESK, post.ts)] == ["a reply"]
    inside = await client.conversations_replies(channel=sent["channel"], ts=post.ts)
    assert [message["text"] for message in inside["messages"]] == ["Claimed by Anna", "a reply"]
    history = await client.conversations_history(channel=sent["channel"])
    assert [message["text"] for message in history["messages"]] == ["Claimed by Anna"]
    link = await client.chat_getPermalink(channel=sent["channel"], message_ts=post.ts)
    assert link["permalink"].endswith(post.ts.replace(".", ""))
    await client.reactions_add(channel=sent["channel"], timestamp=post.ts, name="eyes")
    assert post.reactions == {"eyes": ["U0AFTERCHAT"]}
    await client.chat_delete(channel=sent["channel"], ts=post.ts)
    assert slack.texts() == ["a reply"]


async def test_direct_messages_and_what_only_one_person_sees(slack: Slack) -> None:
    opened = await slack.client.conversations_open(users=["U0ANNA"])
    sent = await slack.client.chat_postMessage(channel="U0ANNA", text="Hello")
    assert opened["channel"]["id"] == sent["channel"] == slack.service.direct(ANNA).id
    channel = slack.service.channel("desk").id
    await slack.client.chat_postEphemeral(channel=channel, user="U0ANNA", text="Only you")
    assert [post.text for post in slack.service.ephemerals(ANNA)] == ["Only you"]
    assert slack.texts() == []


async def test_who_and_where(slack: Slack) -> None:
    client = slack.client
    assert (await client.auth_test())["user_id"] == "U0AFTERCHAT"
    assert (await client.users_info(user="U0ANNA"))["user"]["real_name"] == "Anna Nowak"
    assert [user["name"] for user in (await client.users_list())["members"]] == ["afterchat", "anna"]
    channels = (await client.conversations_list())["channels"]
    assert [channel["name"] for channel in channels] == ["desk"]
    channel = channels[0]["id"]
    assert (await client.conversations_info(channel=channel))["channel"]["is_member"]
    assert (await client.conversations_members(channel=channel))["members"] == ["U0AFTERCHAT", "U0ANNA"]


Act = Callable[[AsyncWebClient], Awaitable[object]]

REFUSED: dict[str, tuple[Act, str]] = {
    "unknown channel": (lambda c: c.chat_postMessage(channel="C404", text="x"), "channel_not_found"),
    "bot not in it": (lambda c: c.chat_postMessage(channel="#elsewhere", text="x"), "not_in_channel"),
    "archived": (lambda c: c.chat_postMessage(channel="#old", text="x"), "is_archived"),
    "no text": (lambda c: c.api_call("chat.postMessage", params={"channel": DESK}), "no_text"),
    "text too long": (lambda c: c.chat_postMessage(channel=DESK, text="x" * 40_001), "msg_too_long"),
    "no message": (lambda c: c.chat_update(channel=DESK, ts="1.2", text="x"), "message_not_found"),
    "ephemeral to a stranger": (
        lambda c: c.chat_postEphemeral(channel=DESK, user="U404", text="x"),
        "user_not_in_channel",
    ),
    "unknown user": (lambda c: c.users_info(user="U404"), "user_not_found"),
    "unknown method": (lambda c: c.api_call("chat.nothing"), "unknown_method"),
    "no thread": (lambda c: c.conversations_replies(channel=DESK, ts="1.2"), "thread_not_found"),
    "no trigger": (lambda c: c.views_open(trigger_id="1.2.3", view=modal()), "invalid_trigger_id"),
    "no view": (lambda c: c.views_update(view_id="V404", view=modal()), "not_found"),
    "wrong token": (lambda c: c.api_call("auth.test", headers={"Authorization": "Bearer xoxb-2"}), "invalid_auth"),
    "app token": (lambda c: c.apps_connections_open(app_token=TOKEN), "not_allowed_token_type"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
async def test_what_slack_refuses(slack: Slack, case: tuple[Act, str]) -> None:
    act, error = case
    slack.service.channel("elsewhere", with_bot=False)
    slack.service.channel("old").archived = True
    with pytest.raises(SlackApiError) as caught:
        await act(slack.client)
    assert caught.value.response["error"] == error
    assert slack.texts() == []


async def test_a_message_of_somebody_else_and_no_token(slack: Slack) -> None:
    ts = slack.service.user_sends(ANNA, DESK, "mine")
    channel = slack.service.channel("desk").id
    with pytest.raises(SlackApiError, match="cant_update_message"):
        await slack.client.chat_update(channel=channel, ts=ts, text="x")
    with pytest.raises(SlackApiError, match="cant_delete_message"):
        await slack.client.chat_delete(channel=channel, ts=ts)
    with pytest.raises(SlackApiError, match="not_authed"):
        await AsyncWebClient(base_url=slack.service.base_url).auth_test()


BAD_BLOCKS: dict[str, tuple[list[dict[str, Any]], str]] = {
    "51 blocks": ([section("x")] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
    "3001 characters": ([section("x" * 3001)], "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
    "empty section": ([section("")], "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
    "26 buttons": ([actions(*[button()] * 26)], "no more than 25 items allowed [json-pointer:/blocks/0/elements]"),
    "no buttons": ([actions()], "must provide at least one element [json-pointer:/blocks/0/elements]"),
    "long label": (
        [actions(button("x" * 76))],
        "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]",
    ),
    "long value": (
        [actions(button(value="x" * 2001))],
        "must be less than 2001 characters [json-pointer:/blocks/0/elements/0/value]",
    ),
    "long action id": (
        [actions(button(action_id="x" * 256))],
        "must be less than 256 characters [json-pointer:/blocks/0/elements/0/action_id]",
    ),
    "same action id": (
        [actions(button(action_id="a"), button(action_id="a"))],
        "`action_id` must be unique within a block [json-pointer:/blocks/0/elements]",
    ),
    "same block id": (
        [section("x", block_id="b"), section("y", block_id="b")],
        "`block_id` b already exists [json-pointer:/blocks/1/block_id]",
    ),
    "unknown block": ([{"type": "heading"}], "unsupported type [json-pointer:/blocks/0/type]"),
    "long header": (
        [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}],
        "must be less than 151 characters [json-pointer:/blocks/0/text/text]",
    ),
}


@pytest.mark.parametrize("case", BAD_BLOCKS.values(), ids=BAD_BLOCKS)
async def test_blocks_that_slack_refuses(slack: Slack, case: tuple[list[dict[str, Any]], str]) -> None:
    blocks, said = case
    with pytest.raises(SlackApiError) as caught:
        await slack.client.chat_postMessage(channel=DESK, text="x", blocks=blocks)
    assert caught.value.response["error"] == "invalid_blocks"
    assert caught.value.response["response_metadata"]["messages"] == [f"[ERROR] {said}"]


async def test_a_trigger_opens_one_view_within_three_seconds(slack: Slack) -> None:
    world = slack.service.world
    trigger = world.trigger("U0ANNA")
    opened = await slack.client.views_open(trigger_id=trigger, view=modal(callback_id="reply"))
    assert [view.id for view in slack.service.views(ANNA)] == [opened["view"]["id"]]
    with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
        await slack.client.views_open(trigger_id=trigger, view=modal())
    late = world.trigger("U0ANNA")
    slack.clock.seconds += 3.1
    with pytest.raises(SlackApiError, match="expired_trigger_id"):
        await slack.client.views_open(trigger_id=late, view=modal())
    pushed = await slack.client.views_push(trigger_id=world.trigger("U0ANNA"), view=modal())
    assert pushed["view"]["previous_view_id"] == opened["view"]["id"]
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await slack.client.views_update(view_id=opened["view"]["id"], view=modal(), hash="1.2")
    await slack.client.views_publish(user_id="U0ANNA", view={"type": "home", "blocks": [section("Hello")]})
    assert world.homes["U0ANNA"].body["type"] == "home"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"title": {"type": "plain_text", "text": "x" * 25}},
            "less than 25 characters [json-pointer:/view/title/text]",
        ),
        ({"private_metadata": "x" * 3001}, "less than 3001 characters [json-pointer:/view/private_metadata]"),
        (
            {
                "blocks": [
                    {
                        "type": "input",
                        "label": {"type": "plain_text", "text": "x"},
                        "element": {"type": "plain_text_input"},
                    }
                ]
            },
            "`submit` is required when an `input` is in blocks [json-pointer:/view]",
        ),
    ],
)
async def test_views_that_slack_refuses(slack: Slack, fields: dict[str, Any], said: str) -> None:
    trigger = slack.service.world.trigger("U0ANNA")
    with pytest.raises(SlackApiError) as caught:
        await slack.client.views_open(trigger_id=trigger, view=modal(**fields))
    assert caught.value.response["response_metadata"]["messages"][0].endswith(said)


FAULTS: dict[str, tuple[Fault, type[Exception], list[str]]] = {
    "429": (RateLimited(retry_after=7), SlackApiError, []),
    "refused": (Refused(error="account_inactive"), SlackApiError, []),
    "500": (ServerError(), SlackApiError, []),
    "reset before": (ResetBefore(), aiohttp.ClientError, []),
    "reset after": (ResetAfter(), aiohttp.ClientError, ["x"]),
    "hang": (Hang(), TimeoutError, []),
    "hang after": (Hang(accepted=True), TimeoutError, ["x"]),
}


@pytest.mark.parametrize("case", FAULTS.values(), ids=FAULTS)
async def test_faults_as_the_client_sees_them(slack: Slack, case: tuple[Fault, type[Exception], list[str]]) -> None:
    fault, error, kept = case
    slack.service.faults.next("chat.postMessage", fault)
    with pytest.raises(error) as caught:
        await slack.client.chat_postMessage(channel=DESK, text="x")
    if isinstance(fault, RateLimited) and isinstance(caught.value, SlackApiError):
        assert (caught.value.response.status_code, caught.value.response.headers["Retry-After"]) == (429, "7")
        assert caught.value.response["error"] == "ratelimited"
    slack.service.faults.release()
    assert slack.texts() == kept
    await slack.client.chat_postMessage(channel=DESK, text="y")
    assert slack.texts()[-1] == "y"


async def test_a_response_url_dies_after_five_uses_or_half_an_hour(slack: Slack) -> None:
    world, service = slack.service.world, slack.service
    sent = await slack.client.chat_postMessage(channel=DESK, text="New case")
    channel = service.channel("desk")
    where = ResponseUrl(
        channel=channel,
        user="U0ANNA",
        workspace=world.by_token[TOKEN],
        at=slack.clock(),
        post=channel.posts[sent["ts"]],
    )
    world.urls["1"] = world.urls["2"] = where
    hook = AsyncWebhookClient(service.base_url.replace("/api/", "/actions/T0SANDBOX/1"))
    await hook.send(text="Claimed", replace_original=True)
    assert slack.texts() == ["Claimed"]
    await hook.send(text="Only you", response_type="ephemeral")
    assert [post.text for post in service.ephemerals(ANNA)] == ["Only you"]
    await hook.send(text="For all", response_type="in_channel")
    assert slack.texts() == ["Claimed", "For all"]
    await hook.send(delete_original=True)
    assert slack.texts() == ["Claimed"]
    assert (await hook.send(text="fifth")).status_code == 200
    assert "used_url" in (await hook.send(text="sixth")).body
    where.uses = 0
    slack.clock.seconds += 1801
    assert (await hook.send(text="late")).status_code == 404


async def test_two_workspaces(slack: Slack) -> None:
    other = Workspace(bot_token="xoxb-2", team_id="T2", bot_user_id="U2BOT", bot_id="B2", domain="two")
    slack.service.install([other])
    slack.service.channel("desk", team_id="T2")
    client = AsyncWebClient(token="xoxb-2", base_url=slack.service.base_url)
    assert (await client.auth_test())["team_id"] == "T2"
    with pytest.raises(SlackApiError, match="channel_not_found"):
        await client.chat_postMessage(channel="U0ANNA", text="x")
    await client.chat_postMessage(channel=DESK, text="over there")
    assert slack.texts() == []


TEXTS: dict[str, tuple[str, str, set[str]]] = {
    "plain": ("too slow", "too slow", set()),
    "entities": ("&lt;b&gt; &amp;amp;", "<b> &amp;", set()),
    "escaped mention": ("&lt;@U0ANNA&gt; &lt;!channel&gt;", "<@U0ANNA> <!channel>", set()),
    "mention": ("<@U0ANNA>", "@U0ANNA", {"user"}),
    "broadcast": ("<!channel> <!here|here>", "@channel here", {"broadcast"}),
    "link": ("<https://evil.example|our shop>", "our shop", {"link"}),
    "channel": ("<#C1|desk>", "desk", {"channel"}),
    "bare address": ("see https://x.example/a?b=1", "see https://x.example/a?b=1", {"autolink"}),
    "formatting": ("*a* _b_ ~c~ `d`", "a b c d", set()),
    "no formatting": ("2 * 3 * 4, snake_case_name", "2 * 3 * 4, snake_case_name", set()),
    "quote": ("&gt; said", "said", set()),
}


@pytest.mark.parametrize("case", TEXTS.values(), ids=TEXTS)
def test_how_slack_shows_a_text(case: tuple[str, str, set[str]]) -> None:
    text, seen, live = case
    assert shown(text) == seen
    assert {span.kind for span in rendered(text)} & LIVE == live


def test_formatting_is_told_apart() -> None:
    assert [span.kind for span in rendered("*a* _b_ ~c~ `d` x")] == [
        "bold",
        "text",
        "italic",
        "text",
        "strike",
        "text",
        "code",
        "text",
    ]
