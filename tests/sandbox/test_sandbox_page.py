"""The demo page: its addresses, and in a browser the whole of what a visitor does with it."""

import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web
from playwright.async_api import Page, async_playwright, expect
from slack_sdk.web.async_client import AsyncWebClient
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup

from bot.sandbox.demo import Demo, FlowChoice, Shortened
from bot.sandbox.page import Sandbox
from bot.sandbox.slack import SlackStandIn
from bot.sandbox.slack_state import Workspace
from bot.sandbox.telegram import TelegramStandIn
from tests.sandbox.still_program import StillProgram

TOKEN = "1001:sandbox"
CHROMIUM = os.environ.get("AFTERCHAT_CHROMIUM") or shutil.which("chromium") or ""
ROW = {
    "flow": "csat",
    "title": "After a chat",
    "metric": "csat",
    "current": True,
    "n": 12,
    "display": "85% [60%, 95%] n=12",
}


@dataclass(kw_only=True)
class Shop:
    """A demo whose app notes what it is told and does what a test says."""

    telegram: TelegramStandIn
    slack: SlackStandIn
    sandbox: Sandbox
    app_url: str = ""
    reports: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    heard: list[dict[str, Any]] = field(default_factory=list)
    signed_in: list[dict[str, Any]] = field(default_factory=list)

    async def interactions(self, request: web.Request) -> web.Response:
        report = await request.json()
        self.reports.append((request.headers["Authorization"], report))
        if report.get("flow") == "gone":
            return web.json_response({"error": {"message": "There is no flow 'gone'."}}, status=422)
        return web.json_response({"decision": "asked"}, status=202)

    async def from_slack(self, request: web.Request) -> web.Response:
        form = await request.post()
        self.heard.append(dict(form))
        return web.json_response({})

    async def sign_in(self, request: web.Request) -> web.Response:
        self.signed_in.append(dict(await request.post()))
        response = web.Response(status=303, headers={"Location": "/cases"})
        response.set_cookie("afterchat", "signed", httponly=True, samesite="Lax")
        return response

    async def deed(self, deed: dict[str, Any], **options: Any) -> tuple[int, dict[str, Any]]:
        url = f"{self.sandbox.url}sandbox/deeds"
        async with aiohttp.ClientSession() as http, http.post(url, json=deed, **options) as response:
            return response.status, await response.json(content_type=None)


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with (
        TelegramStandIn({TOKEN: "shop_bot"}) as telegram,
        SlackStandIn(Workspace(bot_token="xoxb-1"), signing_secret="s") as slack,
    ):
        app = web.Application()
        runner = web.AppRunner(app, access_log=None)
        one = Shop(telegram=telegram, slack=slack, sandbox=Sandbox.__new__(Sandbox))
        app.router.add_post("/api/v1/interactions", one.interactions)
        app.router.add_get("/api/v1/report", _rows)
        app.router.add_post("/slack", one.from_slack)
        app.router.add_get("/widget.js", _widget)
        app.router.add_get("/sign-in", _sign_in_form)
        app.router.add_post("/sign-in", one.sign_in)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        one.app_url = url
        slack.connect(f"{url}/slack")
        demo = Demo(
            app_url=url,
            api_key="key",
            bot=TOKEN,
            desk="support",
            widget='data-channel="web" data-language="{language}"',
            program=StillProgram(),
            flows=(FlowChoice(id="csat", title="After a chat"),),
            shortened=(Shortened(what="Delay", normal="10 minutes", here="none"),),
        )
        one.sandbox = Sandbox(telegram, slack, demo)
        await one.sandbox.start()
        yield one
        await one.sandbox.stop()
        await runner.cleanup()


async def _rows(_request: web.Request) -> web.Response:
    return web.json_response([ROW])


async def _sign_in_form(_request: web.Request) -> web.Response:
    page = '<form><input type="hidden" name="form" value="a&#34;b"></form>'
    return web.Response(text=page, content_type="text/html")


async def _widget(_request: web.Request) -> web.Response:
    headers = "{headers: {Authorization: 'Bearer visitor-1.proof'}}"
    script = f"fetch(new URL('/nowhere', document.currentScript.src), {headers}).catch(() => undefined)"
    return web.Response(text=script, content_type="text/javascript")


async def test_only_this_computer_may_ask(shop: Shop) -> None:
    status, _ = await shop.deed({"do": "telegram.start"}, headers={"Host": "evil.example"})
    assert status == 403
    async with aiohttp.ClientSession() as http:
        plain = await http.post(f"{shop.sandbox.url}sandbox/deeds", data='{"do": "telegram.start"}')
        assert plain.status == 415
        for path in ("static/..%2Fpage.py", "static/none.js"):
            assert (await http.get(f"{shop.sandbox.url}{path}")).status == 404


FOREIGN = ["evil.example", "127.0.0.1.evil.example:80", "localhost@evil.example", "192.168.0.7:8090", "[::2]:80", ""]


@pytest.mark.parametrize("host", FOREIGN)
async def test_page_that_rebinds_its_name_drives_neither_page_nor_stand_ins(shop: Shop, host: str) -> None:
    telegram, slack = shop.telegram.base_url, shop.slack.base_url
    said = {"chat_id": 7001, "text": "sent by a stranger"}
    async with aiohttp.ClientSession() as http:
        for url in (
            f"{shop.sandbox.url}sandbox/setting",
            f"{telegram}{TOKEN}/sendMessage",
            f"{slack}chat.postMessage",
            f"{slack.removesuffix('api/')}link/?ticket=1",
        ):
            assert (await http.post(url, json=said, headers={"Host": host})).status == 403
    assert (shop.telegram.calls, shop.slack.calls) == ([], [])


async def test_this_computer_may_be_named_as_one_likes(shop: Shop) -> None:
    port = shop.sandbox.url.rstrip("/").rpartition(":")[2]
    async with aiohttp.ClientSession() as http:
        for host in ("127.0.0.1", "localhost", "LocalHost", "[::1]", f"localhost:{port}", f"[::1]:{port}"):
            assert (await http.get(f"{shop.sandbox.url}sandbox/setting", headers={"Host": host})).status == 200
            answer = await http.get(f"{shop.telegram.base_url}{TOKEN}/getMe", headers={"Host": host})
            assert answer.status == 200


async def test_shop_allows_the_widget_and_nothing_else(shop: Shop) -> None:
    async with aiohttp.ClientSession() as http:
        answer = await http.get(f"{shop.sandbox.url}shop")
    rules = dict(rule.strip().split(" ", 1) for rule in answer.headers["Content-Security-Policy"].split(";"))
    app = shop.app_url
    assert (rules["default-src"], rules["frame-ancestors"], rules["base-uri"]) == ("'none'", "'self'", "'none'")
    assert (rules["script-src"], rules["connect-src"]) == (f"'self' {app}", app)


WRONG: dict[str, dict[str, Any]] = {
    "unknown deed": {"do": "telegram.sing"},
    "unknown service": {"do": "x.y"},
    "nothing": {},
    "somebody else": {"do": "slack.send", "as": "U404", "channel": "desk", "text": "x"},
    "no message": {"do": "slack.click", "as": "U0ANNA", "channel": "desk", "ts": "1.2", "action": "a"},
    "unknown language": {"do": "chat.language", "chat": "telegram", "language": "xx"},
    "unknown fault": {"do": "fault.next", "service": "slack", "fault": "fire"},
}


@pytest.mark.parametrize("deed", WRONG.values(), ids=WRONG)
async def test_deeds_that_cannot_be(shop: Shop, deed: dict[str, Any]) -> None:
    status, answer = await shop.deed(deed)
    assert (status, answer["ok"]) == (400, False)


async def test_the_end_of_a_chat_is_reported(shop: Shop) -> None:
    _, answer = await shop.deed(
        {"do": "chat.end", "chat": "telegram", "flow": "csat", "language": "vi", "agent": "Ben"}
    )
    assert answer["ok"]
    key, report = shop.reports[0]
    assert (key, report.pop("reference")[:5]) == ("Bearer key", "demo-")
    address = {"channel": "telegram", "key": "7001"}
    assert report == {
        "customer": {
            "address": address,
            "name": "Mai Tran",
            "language": "vi",
            "time_zone": "Asia/Ho_Chi_Minh",
            "reference": "customer-2",
        },
        "agent": "Ben",
        "flow": "csat",
        "source": "demo",
        "closed_at": "2026-03-02T12:30:00+00:00",
        "attributes": {"order": "A-1042"},
    }
    _, answer = await shop.deed({"do": "chat.end", "chat": "web"})
    assert answer["error"].startswith("Open the chat in the shop first")
    _, answer = await shop.deed({"do": "chat.end", "chat": "slack", "flow": "gone"})
    assert answer["error"] == "There is no flow 'gone'."


async def test_a_language_is_what_the_services_tell(shop: Shop) -> None:
    await shop.deed({"do": "chat.language", "chat": "telegram", "language": "pl"})
    await shop.deed({"do": "chat.language", "chat": "slack", "language": "it"})
    assert shop.telegram.user(7001).language_code == "pl"
    assert shop.slack.member("U0GIULIA").locale == "it"


@pytest.fixture
async def page(shop: Shop) -> AsyncIterator[Page]:
    if not CHROMIUM:
        pytest.skip("no Chromium was found")
    options = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        view = await browser.new_page(viewport={"width": 1280, "height": 800})
        problems: list[str] = []
        view.on("pageerror", lambda error: problems.append(str(error)))
        await view.goto(shop.sandbox.url)
        await expect(view.locator("#line")).to_have_text("live")
        yield view
        await browser.close()
        assert problems == []


@pytest.mark.browser
async def test_a_rating_from_tap_to_claim(shop: Shop, page: Page) -> None:
    async with Bot(TOKEN, base_url=shop.telegram.base_url) as bot:
        rating = InlineKeyboardMarkup([[InlineKeyboardButton("😞", callback_data="1")]])
        sent = await bot.send_message(7001, "How was it? <b>x</b>", reply_markup=rating)
        await page.click("#telegram .keyboard button")
        tap = (await bot.get_updates())[-1].callback_query
        assert tap is not None
        assert tap.data == "1"
        await bot.answer_callback_query(tap.id, text="Counted")
        await expect(page.locator(".toast", has_text="Counted")).to_be_visible()
        await bot.edit_message_text("How was it? 😞", chat_id=7001, message_id=sent.message_id)
    await expect(page.locator("#telegram .keyboard")).to_have_count(0)
    client = AsyncWebClient(token="xoxb-1", base_url=shop.slack.base_url)
    button = {"type": "button", "action_id": "claim", "text": {"type": "plain_text", "text": "Claim"}}
    words = {"type": "section", "text": {"type": "mrkdwn", "text": "&lt;!channel&gt; *late*"}}
    blocks: list[dict[str, Any]] = [words, {"type": "actions", "elements": [button]}]
    await client.chat_postMessage(channel="#support", text="New case", blocks=blocks)
    await expect(page.locator("#desk .post", has_text="<!channel> late")).to_be_visible()
    await page.get_by_text("Ben Carter").click()
    await page.click("#desk .slack-button")
    claim = await shop.slack.wait_for(lambda: [one for one in shop.heard if "payload" in one])
    assert '"id":"U0BEN"' in claim[0]["payload"]


@pytest.mark.browser
async def test_a_modal_is_filled_in(shop: Shop, page: Page) -> None:
    client = AsyncWebClient(token="xoxb-1", base_url=shop.slack.base_url)
    field = {
        "type": "input",
        "block_id": "words",
        "label": {"type": "plain_text", "text": "Your words"},
        "element": {"type": "plain_text_input", "action_id": "text", "multiline": True},
    }
    title, submit = {"type": "plain_text", "text": "Reply"}, {"type": "plain_text", "text": "Send"}
    view = {"type": "modal", "title": title, "submit": submit, "blocks": [field]}
    await client.views_open(trigger_id=shop.slack.world.trigger("U0ANNA"), view=view)
    await page.locator("dialog .primary").click()
    await expect(page.locator("dialog .error")).to_have_text("Please complete this required field.")
    await page.get_by_label("Your words").fill("We are sorry")
    await page.locator("dialog .primary").click()
    await expect(page.locator("dialog[open]")).to_have_count(0)
    assert "We are sorry" in shop.heard[-1]["payload"]


@pytest.mark.browser
async def test_what_a_visitor_sees_at_once(shop: Shop, page: Page) -> None:
    await expect(page.locator(".banner")).to_have_text("Sandbox: nothing here leaves this computer")
    await expect(page.locator(".figure .value span").first).to_have_text("85%")
    await page.click("#shortened summary")
    await expect(page.locator("#shortened tbody tr")).to_have_text("Delay10 minutesnone")
    fits = "document.documentElement.scrollHeight <= innerHeight && document.documentElement.scrollWidth <= innerWidth"
    assert await page.evaluate(fits)
    await expect(page.frame_locator("#shop").locator("h2")).to_have_text("Your order A-1042")
    await page.locator("#web .end").click()
    await expect(page.locator(".toast")).to_have_text("The chat with Jan Kowalski is over; the app was told.")
    assert shop.reports[0][1]["customer"]["address"] == {"channel": "web", "key": "visitor-1"}


@pytest.mark.browser
async def test_misbehaviour_and_slash_commands(shop: Shop, page: Page) -> None:
    await page.click("#misbehave summary")
    await page.click("[data-fault='429']")
    await expect(page.locator("#pending li")).to_have_text("Telegram: the next sendMessage meets RateLimited")
    await page.click("#behave")
    await expect(page.locator("#pending li")).to_have_count(0)
    await page.fill("#direct input[name=text]", "/feedback now")
    await page.press("#direct input[name=text]", "Enter")
    heard = await shop.slack.wait_for(lambda: [one for one in shop.heard if "command" in one])
    assert (heard[0]["command"], heard[0]["text"]) == ("/feedback", "now")


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def option(text: str) -> dict[str, Any]:
    return {"text": plain(text), "value": text.lower()}


async def posted(shop: Shop, elements: list[dict[str, Any]]) -> str:
    client = AsyncWebClient(token="xoxb-1", base_url=shop.slack.base_url)
    blocks: list[dict[str, Any]] = [{"type": "actions", "elements": elements}]
    sent = await client.chat_postMessage(channel="#support", text="New case", blocks=blocks)
    return str(sent["ts"])


async def last_action(shop: Shop) -> dict[str, Any]:
    heard = await shop.slack.wait_for(lambda: [one for one in shop.heard if "payload" in one])
    payload: dict[str, Any] = orjson.loads(heard[-1]["payload"])
    return payload


@pytest.mark.browser
async def test_menus_and_links_of_an_alert(shop: Shop, page: Page) -> None:
    snooze: dict[str, Any] = {"type": "static_select", "action_id": "snooze", "placeholder": plain("Snooze…")}
    snooze |= {"option_groups": [{"label": plain("Soon"), "options": [option("Hour")]}]}
    people: dict[str, Any] = {"type": "users_select", "action_id": "assign", "placeholder": plain("Assign to…")}
    link: dict[str, Any] = {
        "type": "button",
        "action_id": "open",
        "text": plain("Open"),
        "url": f"{shop.app_url}/cases/0k3f?a=b",
    }
    await posted(shop, [snooze, people, link])
    menu = page.get_by_label("Snooze…")
    await menu.select_option(label="Hour")
    assert (await last_action(shop))["actions"][0]["selected_option"]["value"] == "hour"
    await expect(menu).to_have_value("")
    shop.heard.clear()
    await page.get_by_label("Assign to…").select_option(label="Lea Fischer")
    assert (await last_action(shop))["actions"][0]["selected_user"] == "U0LEA"
    await page.locator(".agents").get_by_text("Ben Carter").click()
    anchor = page.get_by_role("link", name="Open", exact=True)
    await anchor.focus()
    assert await anchor.get_attribute("href") == "/sandbox/queue?as=U0BEN&to=%2Fcases%2F0k3f%3Fa%3Db"


@pytest.mark.browser
async def test_thread_of_an_alert_is_written_in_below_it(shop: Shop, page: Page) -> None:
    ts = await posted(shop, [{"type": "button", "action_id": "claim", "text": plain("Claim")}])
    field = page.get_by_label("Reply in the thread")
    for text in ("Dear customer", "// not for them", "/remind me"):
        await field.fill(text)
        await field.press("Enter")
    await expect(page.locator("#desk .post.reply")).to_have_count(3)
    await expect(page.locator("#desk .post.internal")).to_have_count(1)
    await expect(page.locator("#desk .post.internal")).to_contain_text("not sent to the customer")
    assert [post.text for post in shop.slack.thread("#support", ts)] == [
        "Dear customer",
        "// not for them",
        "/remind me",
    ]
    # what arrives meanwhile takes no words away from who is writing
    await field.fill("half a sen")
    shop.slack.user_sends("U0BEN", "#support", "and I say", ts)
    await expect(page.locator("#desk .post.reply")).to_have_count(4)
    await expect(field).to_have_value("half a sen")
    await expect(field).to_be_focused()


@pytest.mark.browser
async def test_form_tells_what_is_typed_with_a_choice_and_keeps_it_when_redrawn(shop: Shop, page: Page) -> None:
    client = AsyncWebClient(token="xoxb-1", base_url=shop.slack.base_url)
    choose: dict[str, Any] = {"type": "static_select", "action_id": "template", "placeholder": plain("Choose")}
    choose |= {"option_groups": [{"label": plain("Apologies"), "options": [option("Sorry")]}]}
    template: dict[str, Any] = {
        "type": "input",
        "block_id": "template",
        "label": plain("Ready answers"),
        "element": choose,
    }
    template |= {"optional": True, "dispatch_action": True}
    words: dict[str, Any] = {"type": "plain_text_input", "action_id": "text", "multiline": True}
    text: dict[str, Any] = {"type": "input", "block_id": "text", "label": plain("Your words"), "element": words}
    until: dict[str, Any] = {"type": "input", "block_id": "until", "label": plain("Until")}
    until |= {"element": {"type": "datetimepicker", "action_id": "until", "initial_date_time": 1_900_000_020}}
    view = {"type": "modal", "title": plain("Reply"), "submit": plain("Send"), "blocks": [template, text, until]}
    await client.views_open(trigger_id=shop.slack.world.trigger("U0ANNA"), view=view)
    await page.get_by_label("Your words").fill("Hello!")
    await page.get_by_label("Ready answers").select_option(label="Sorry")
    told = await last_action(shop)
    assert told["view"]["state"]["values"]["text"]["text"]["value"] == "Hello!"
    fresh = {**text, "block_id": "text.2", "element": {**words, "initial_value": "Hello! Sorry."}}
    await client.views_update(view_id=told["view"]["id"], view={**view, "blocks": [template, fresh, until]})
    await expect(page.get_by_label("Your words")).to_have_value("Hello! Sorry.")
    await expect(page.get_by_label("Ready answers")).to_have_value("sorry")
    await expect(page.get_by_label("Ready answers")).to_be_focused()
    await page.get_by_label("Your words").fill("")
    await page.locator("dialog .primary").click()
    await expect(page.locator("dialog .error")).to_have_text("Please complete this required field.")
    await page.get_by_label("Your words").fill("Sorry.")
    await page.locator("dialog .primary").click()
    await expect(page.locator("dialog[open]")).to_have_count(0)
    values = (await last_action(shop))["view"]["state"]["values"]
    assert values["text.2"]["text"]["value"] == "Sorry."
    assert values["until"]["until"]["selected_date_time"] == 1_900_000_020


async def test_queue_is_opened_signed_in_on_this_computer_only(shop: Shop) -> None:
    async with aiohttp.ClientSession() as http:
        url = f"{shop.sandbox.url}sandbox/queue"
        async with http.get(url, params={"as": "U0BEN", "to": "/cases/0k3f?a=b"}, allow_redirects=False) as answer:
            assert answer.status == 303
            assert answer.headers["Location"] == f"{shop.app_url}/cases/0k3f?a=b"
            cookie = answer.cookies["afterchat"]
            assert (cookie.value, cookie["httponly"], cookie["samesite"]) == ("signed", True, "Lax")
        assert shop.signed_in == [{"form": 'a"b', "name": "Ben Carter", "key": "key", "next": "/cases"}]
        for page in ("//evil.example", "https://evil.example/cases", "/sign-out"):
            async with http.get(url, params={"to": page}, allow_redirects=False) as answer:
                assert answer.status == 400
        async with http.get(url, headers={"Host": "evil.example"}, allow_redirects=False) as answer:
            assert answer.status == 403
