"""What agents' desks need of the Slack stand-in: menus, people, forms that keep what was typed, threads, files."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import SlackStandIn
from bot.sandbox.slack_blocks import problems
from bot.sandbox.slack_state import Member, StoredFile, Workspace

TOKEN = "xoxb-1"
ANNA = Member(id="U0ANNA", name="anna", real_name="Anna Nowak")
BEN = Member(id="U0BEN", name="ben", real_name="Ben Ito")
DESK = "#desk"
Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def option(value: str, label: str = "") -> Json:
    return {"text": plain(label or value), "value": value}


def menu(**fields: Any) -> Json:
    return {"type": "static_select", "action_id": "menu", "placeholder": plain("Snooze"), **fields}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def typing(block_id: str = "text", **fields: Any) -> Json:
    element = {"type": "plain_text_input", "action_id": "text", **fields}
    return {"type": "input", "block_id": block_id, "label": plain("Text"), "element": element}


def modal(*blocks: Json) -> Json:
    return {"type": "modal", "title": plain("Reply"), "submit": plain("Send"), "blocks": list(blocks)}


GROUPS = [
    {"label": plain("Sorry"), "options": [option("late", "It is late")]},
    {"label": plain("Fixes"), "options": [option("again", "We send it again")]},
]
TEMPLATES = {
    "type": "input",
    "block_id": "template",
    "label": plain("Template"),
    "dispatch_action": True,
    "optional": True,
    "element": menu(action_id="template", option_groups=GROUPS),
}


@dataclass
class Desk:
    """A Slack, the app's client, and the bodies that the app was sent."""

    service: SlackStandIn
    client: AsyncWebClient
    told: list[Json] = field(default_factory=list)
    #: what the next submission is answered
    answer: Json = field(default_factory=dict)

    async def hook(self, request: web.BaseRequest) -> web.Response:
        form = await request.post() if request.content_type != "application/json" else {}
        self.told.append(orjson.loads(str(form["payload"]) if form else await request.read()))
        return web.json_response(self.answer)

    async def post(self, *blocks: Json) -> str:
        sent = await self.client.chat_postMessage(channel=DESK, text="New case", blocks=list(blocks))
        return str(sent["ts"])

    async def opens(self, view: Json) -> None:
        await self.client.views_open(trigger_id=self.service.world.trigger(ANNA.id), view=view)

    def held(self) -> Json:
        """What the fields of Anna's form hold, by block."""
        view = self.service.opened_view(ANNA)
        assert view is not None
        return {block: next(iter(value.values())) for (block, _), value in view.entered.items()}


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with SlackStandIn(Workspace(bot_token=TOKEN), signing_secret="s", echoes=False) as service:
        service.channel("desk", [ANNA, BEN])
        async with aiohttp.ClientSession() as session:
            client = AsyncWebClient(token=TOKEN, base_url=service.base_url, session=session, retry_handlers=[])
            one = Desk(service, client)
            runner = web.ServerRunner(web.Server(one.hook))
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            service.connect(f"http://127.0.0.1:{runner.addresses[0][1]}/")
            yield one
            await runner.cleanup()


async def test_a_menu_and_a_menu_of_people(desk: Desk) -> None:
    people = {"type": "users_select", "action_id": "assign", "placeholder": plain("Assign to")}
    ts = await desk.post(actions(menu(options=[option("1h", "One hour"), option("morning")]), people))
    await desk.service.user_selects(ANNA, DESK, ts, "Snooze", "One hour")
    await desk.service.user_picks_person(ANNA, DESK, ts, "Assign to", BEN)
    chosen, picked = (body["actions"][0] for body in desk.told)
    assert (chosen["type"], chosen["selected_option"]["value"]) == ("static_select", "1h")
    assert (picked["type"], picked["action_id"], picked["selected_user"]) == ("users_select", "assign", BEN.id)
    with pytest.raises(LookupError, match="no option 'never'"):
        await desk.service.user_selects(ANNA, DESK, ts, "Snooze", "never")


async def test_a_form_keeps_what_was_typed_where_its_block_keeps_its_name(desk: Desk) -> None:
    await desk.opens(modal(TEMPLATES, typing(initial_value="Hello")))
    assert desk.held() == {"template": None, "text": "Hello"}
    desk.service.user_fills(ANNA, {"text": "Dear Lan"})
    await desk.service.user_clicks_in_view(ANNA, "template", "It is late")
    told = desk.told[-1]["view"]
    assert told["state"]["values"]["text"]["text"]["value"] == "Dear Lan"
    assert told["state"]["values"]["template"]["template"]["selected_option"]["value"] == "late"
    view_id, stamp = told["id"], told["hash"]
    await desk.client.views_update(view_id=view_id, hash=stamp, view=modal(TEMPLATES, typing(initial_value="Sorry")))
    assert desk.held()["text"] == "Dear Lan"
    await desk.client.views_update(view_id=view_id, view=modal(TEMPLATES, typing("text.2", initial_value="Sorry")))
    assert desk.held() == {"template": option("late", "It is late"), "text.2": "Sorry"}
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await desk.client.views_update(view_id=view_id, hash=stamp, view=modal(TEMPLATES))


async def test_a_refused_form_keeps_its_words_and_an_accepted_one_goes(desk: Desk) -> None:
    await desk.opens(modal(typing(max_length=10)))
    empty = await desk.service.user_submits(ANNA)
    long = await desk.service.user_submits(ANNA, values={"text": "x" * 11})
    assert (empty.reason, long.reason, desk.told) == ("incomplete", "incomplete", [])
    desk.answer = {"response_action": "errors", "errors": {"text": "No."}}
    await desk.service.user_submits(ANNA, values={"text": "Sorry"})
    view = desk.service.opened_view(ANNA)
    assert view is not None
    assert (view.errors, desk.held()) == ({"text": "No."}, {"text": "Sorry"})
    desk.answer = {"response_action": "errors", "errors": {"nowhere": "No."}}
    await desk.service.user_submits(ANNA)
    assert [trouble.error for trouble in desk.service.troubles] == ["invalid_arguments"]
    desk.answer = {"response_action": "clear"}
    await desk.service.user_submits(ANNA, view)
    assert desk.service.opened_view(ANNA) is None
    assert [body["type"] for body in desk.told] == ["view_submission"] * 3


async def test_a_time_is_chosen(desk: Desk) -> None:
    picker = {"type": "datetimepicker", "action_id": "until", "initial_date_time": 1_790_000_000}
    await desk.opens(modal({"type": "input", "block_id": "until", "label": plain("Until"), "element": picker}))
    await desk.service.user_submits(ANNA, values={"until": 1_790_003_600})
    assert desk.told[-1]["view"]["state"]["values"]["until"]["until"] == {
        "type": "datetimepicker",
        "selected_date_time": 1_790_003_600,
    }


async def test_words_and_files_in_a_thread(desk: Desk) -> None:
    ts = await desk.post({"type": "section", "text": plain("New case")})
    desk.service.user_writes(ANNA, DESK, ts, "// <between> us")
    picture = StoredFile(id="F1", name="a lamp.png", mimetype="image/png", body=b"png")
    desk.service.user_sends(BEN, DESK, "", ts, [picture])
    await desk.service.settled()
    words, sent = (body["event"] for body in desk.told)
    assert (words["thread_ts"], words["text"], words["channel_type"]) == (ts, "// &lt;between&gt; us", "channel")
    assert (sent["subtype"], sent["thread_ts"], sent["files"][0]["id"]) == ("file_share", ts, "F1")
    assert [post.user for post in desk.service.thread(DESK, ts)] == [ANNA.id, BEN.id]


async def test_a_file_is_handed_out_to_who_shows_the_token(desk: Desk) -> None:
    desk.service.user_sends(ANNA, None, "", files=[StoredFile(id="F1", name="x.txt", mimetype="text/plain", body=b"x")])
    told = (await desk.client.files_info(file="F1"))["file"]
    async with aiohttp.ClientSession() as session:
        for headers, status in (({"Authorization": f"Bearer {TOKEN}"}, 200), ({}, 302)):
            async with session.get(told["url_private"], headers=headers, allow_redirects=False) as response:
                assert response.status == status
    assert (told["mimetype"], told["size"]) == ("text/plain", 1)
    with pytest.raises(SlackApiError, match="file_not_found"):
        await desk.client.files_info(file="F2")


async def test_a_reply_without_its_first_message_stands_in_the_channel(desk: Desk) -> None:
    answer = await desk.client.chat_postMessage(channel=DESK, text="late", thread_ts="1.000001")
    assert "thread_ts" not in answer["message"]
    assert [(post.text, post.thread_ts) for post in desk.service.messages(DESK)] == [("late", None)]


REFUSED: dict[str, tuple[Json, str]] = {
    "no options": (actions(menu(options=[])), "must provide at least one option"),
    "no options at all": (actions(menu()), "must provide at least one option"),
    "101 options": (actions(menu(options=[option(str(n)) for n in range(101)])), "no more than 100 items allowed"),
    "a long option": (actions(menu(options=[option("a", "x" * 76)])), "must be less than 76 characters"),
    "a long value": (actions(menu(options=[option("x" * 151, "a")])), "must be less than 151 characters"),
    "no value": (actions(menu(options=[{"text": plain("a")}])), "missing required field: value"),
    "markup in an option": (
        actions(menu(options=[{"text": {"type": "mrkdwn", "text": "*a*"}, "value": "a"}])),
        "unsupported type",
    ),
    "no groups": (actions(menu(option_groups=[])), "must provide 1 to 100 groups"),
    "an empty group": (
        actions(menu(option_groups=[{"label": plain("x"), "options": []}])),
        "must provide at least one option",
    ),
    "a long group": (
        actions(menu(option_groups=[{"label": plain("x" * 76), "options": [option("a")]}])),
        "must be less than 76 characters",
    ),
    "options and groups": (actions(menu(options=[option("a")], option_groups=GROUPS)), "only one of"),
    "another first option": (
        actions(menu(options=[option("a")], initial_option=option("b"))),
        "must be one of the options",
    ),
    "a long placeholder": (
        actions(menu(options=[option("a")], placeholder=plain("x" * 151))),
        "must be less than 151 characters",
    ),
    "a link to nowhere": (actions({"type": "button", "text": plain("x"), "url": "nowhere"}), "must be a valid URL"),
    "a long beginning": (typing(initial_value="x" * 11, max_length=10), "must be less than 11 characters"),
    "room for too much": (typing(max_length=3_001), "must be between 1 and 3000"),
    "a time of milliseconds": (
        {
            "type": "input",
            "label": plain("x"),
            "element": {"type": "datetimepicker", "initial_date_time": 1_790_000_000_000},
        },
        "must be a UNIX timestamp of 10 digits",
    ),
    "an empty quotation": (
        {"type": "rich_text", "elements": [{"type": "rich_text_quote", "elements": [{"type": "text", "text": ""}]}]},
        "missing required field: text",
    ),
    "an empty rich text": ({"type": "rich_text", "elements": []}, "must provide at least one element"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_blocks_that_a_desk_must_not_draw(name: str) -> None:
    block, said = REFUSED[name]
    (problem,) = problems([block], 50)
    assert said in problem
