"""The widget in a real browser, on a page of another origin with a strict Content-Security-Policy."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import escape

import pytest
from aiohttp import web
from playwright.async_api import Browser, BrowserContext, Page, Route, async_playwright, expect

from bot.channels.limits import Allowance, Rate
from bot.channels.webchat import WebchatChannel
from bot.languages import say
from bot.messages import Card, Commanded, Link, Tapped, Text, Wrote
from bot.ports import Clock, Raw
from tests.conftest import SetClock
from tests.web.scripted_site import Parts, chosen, chromium, faces, now, numbers, refusable, serving

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=alert(1)> & *bold* \u202eabc 😡"


class Shop:
    """A browser, the bot's server, and a page of someone else's that embeds the widget."""

    def __init__(self, context: BrowserContext, parts: Parts, page_port: int, bot_port: int) -> None:
        self.context, self.parts, self.page_port, self.bot_port = context, parts, page_port, bot_port
        self.errors: list[str] = []

    async def visit(self, language: str = "en", customer: str = "", more: str = "") -> Page:
        page = await self.context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("dialog", lambda dialog: self.errors.append(dialog.message))
        page.on("console", lambda message: self._hear(message.text))
        query = f"?language={language}&customer={customer}&port={self.bot_port}{more}"
        await page.goto(f"http://127.0.0.1:{self.page_port}/{query}")
        await expect(page.locator("afterchat-widget")).to_be_attached()
        return page

    async def talk(self, page: Page) -> str:
        """The page's session, with its stream open."""
        session = str(await page.evaluate("Afterchat.session()"))
        await self.parts.bot.say(session, "hello", Text(text="Hello"))
        await expect(page.locator(".bubble", has_text="Hello")).to_have_count(1)
        return session

    def _hear(self, text: str) -> None:
        if "Content Security Policy" in text:
            self.errors.append(text)


async def shop_page(request: web.Request) -> web.Response:
    """Allows scripts and connections of the bot's origin only, and no inline style or script at all."""
    query = {name: escape(value) for name, value in request.query.items()}
    bot = f"http://127.0.0.1:{int(query['port'])}"
    tag = f"""<script src="{bot}/widget.js" data-channel="web" data-language="{query["language"]}"
        data-customer="{query["customer"]}" async></script>"""
    html = f"""<!doctype html><html lang="en"><head><title>Shop</title>
      <meta name="viewport" content="width=device-width, initial-scale=1"></head><body><h1>Shop</h1>
      {tag * (2 if "twice" in query else 1)}</body></html>"""
    policy = f"default-src 'none'; script-src {bot}; connect-src {bot}; require-trusted-types-for 'script'"
    return web.Response(text=html, content_type="text/html", headers={"Content-Security-Policy": policy})


@asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def open_shop(parts: Parts, bot_port: int) -> AsyncIterator[Shop]:
    page_app = web.Application()
    page_app.router.add_get("/", shop_page)
    async with serving(page_app) as page_port, launched() as browser:
        context = await browser.new_context(viewport={"width": 900, "height": 700})
        context.set_default_timeout(15_000)
        shop = Shop(context, parts, page_port, bot_port)
        yield shop
        await context.close()
        assert shop.errors == []


@pytest.fixture
def parts() -> Parts:
    expect.set_options(timeout=15_000)
    return Parts()


@pytest.fixture
async def shop(parts: Parts) -> AsyncIterator[Shop]:
    async with serving(parts.application()) as bot_port, open_shop(parts, bot_port) as shop:
        yield shop


async def test_survey_by_keyboard_alone(shop: Shop) -> None:
    page = await shop.visit()
    keys = page.keyboard
    await keys.press("Tab")
    await expect(page.get_by_role("button", name="Open the chat")).to_be_focused()
    await keys.press("Enter")
    await expect(page.get_by_role("dialog", name="Ask Lotus Bank")).to_be_visible()
    for _ in range(3):
        await keys.press("Tab")
    await expect(page.get_by_role("button", name="Give feedback")).to_be_focused()
    await keys.press("Space")

    first = page.get_by_role("button", name="1/5 😞: Very bad")
    await expect(first).to_be_visible()
    await keys.press("Tab")
    await keys.press("Shift+Tab")
    await first.focus()
    await keys.press("ArrowRight")
    await expect(page.get_by_role("button", name="2/5 😕")).to_be_focused()
    await keys.press("End")
    await expect(page.get_by_role("button", name="5/5 😀: Very good")).to_be_focused()
    await keys.press("Home")
    await keys.press("ArrowRight")
    await keys.press("Enter")
    # The answered card keeps the focus, so that Tab goes on to its Change button and the next question.
    await expect(page.locator(".chosen", has_text="😕 2/5")).to_be_visible()
    await keys.press("Tab")
    await expect(page.get_by_role("button", name="Change")).to_be_focused()
    await keys.press("Tab")
    slow = page.get_by_role("button", name="Slow reply")
    await expect(slow).to_be_focused()
    await expect(slow).to_have_attribute("aria-pressed", "false")
    await keys.press("Enter")
    await expect(slow).to_have_attribute("aria-pressed", "true")
    await expect(page.get_by_role("button", name="Done")).to_be_visible()
    await expect(slow).to_be_focused()
    await keys.press("End")
    await keys.press("Enter")
    await expect(page.locator(".chosen", has_text="Slow reply")).to_be_visible()

    await page.get_by_role("textbox", name="Write a message").focus()
    await keys.type("Line one")
    await keys.press("Shift+Enter")
    await keys.type("line two")
    await keys.press("Enter")
    await expect(page.get_by_text("Thank you for your words.")).to_be_visible()
    await keys.press("Escape")
    await expect(page.get_by_role("dialog")).to_be_hidden()
    await expect(page.get_by_role("button", name="Open the chat")).to_be_focused()

    heard = shop.parts.bot.heard
    assert [type(each) for each in heard] == [Commanded, Tapped, Tapped, Tapped, Wrote]
    assert [each.token.rsplit(".", 1)[1] for each in heard if isinstance(each, Tapped)] == ["2", "+r0", "~done"]
    assert [each.text for each in heard if isinstance(each, Wrote)] == ["Line one\nline two"]
    assert {each.profile.language for each in heard if isinstance(each, Tapped | Wrote | Commanded)} == {"en"}


async def test_links_under_a_text_open_pages_and_nothing_else(shop: Shop) -> None:
    page = await shop.visit()
    session = await shop.talk(page)
    links = (
        Link(label="Write a <review>", url="https://reviews.example/lotus?a=1&b=2"),
        Link(label="Not this", url="javascript:alert(1)"),
    )
    await shop.parts.bot.say(session, "t:1", Text(text="Thank you!", links=links))
    await expect(page.locator(".bubble", has_text="Thank you!")).to_have_count(1)
    link = page.locator(".line a")
    await expect(link).to_have_count(1)
    await expect(link).to_have_text("Write a <review>")
    assert await link.get_attribute("href") == "https://reviews.example/lotus?a=1&b=2"
    assert (await link.get_attribute("target"), await link.get_attribute("rel")) == ("_blank", "noopener noreferrer")


async def test_is_named_for_those_who_do_not_see_it(shop: Shop) -> None:
    page = await shop.visit("it")
    await page.evaluate("Afterchat.open()")
    session = await shop.talk(page)
    await shop.parts.bot.say(session, "nps", numbers(1))
    await expect(page.get_by_role("group", name="How likely are you to recommend us to a friend?")).to_be_visible()
    names = (
        await page.get_by_role("group")
        .get_by_role("button")
        .evaluate_all("all => all.map((each) => each.ariaLabel || each.textContent)")
    )
    assert names == ["0: Not at all likely", *map(str, range(1, 10)), "10: Extremely likely", "Skip"]
    log = page.get_by_role("log")
    await expect(log).to_have_attribute("aria-live", "polite")
    await expect(page.get_by_role("button", name="Chiudi la chat")).to_be_visible()
    await expect(page.get_by_role("textbox", name="Scriva un messaggio")).to_be_visible()
    nameless = await page.evaluate(
        """() => [...document.querySelector("afterchat-widget").shadowRoot.querySelectorAll("button, textarea, svg")]
             .filter((each) => each.tagName === "svg" ? each.ariaHidden !== "true" && !each.closest("[aria-label]")
                                                      : !each.ariaLabel && !each.textContent)
             .map((each) => each.outerHTML)"""
    )
    assert [each for each in nameless if "teaser" not in each] == []


async def test_change_opens_the_question_again(shop: Shop) -> None:
    page = await shop.visit()
    await page.evaluate("Afterchat.feedback()")
    await page.get_by_role("button", name="5/5").click()
    await page.get_by_role("button", name="Change").click()
    await page.get_by_role("button", name="1/5").click()
    await expect(page.locator(".chosen", has_text="😞 1/5")).to_be_visible()
    await expect(page.get_by_text("How was our service?")).to_have_count(1)


async def test_whoever_did_not_ask_can_say_no_by_keyboard(shop: Shop) -> None:
    page = await shop.visit()
    await page.evaluate("Afterchat.open()")
    session = await shop.talk(page)
    await shop.parts.bot.say(session, "rating", refusable(faces(1), 1))
    face, no = (page.get_by_role("button", name=name) for name in ("5/5", "Not this time"))
    above, below = await face.bounding_box(), await no.bounding_box()
    assert above
    assert below
    assert below["y"] >= above["y"] + above["height"]
    assert below["height"] >= 24
    await face.focus()
    await page.keyboard.press("Tab")
    await expect(no).to_be_focused()
    await page.keyboard.press("ArrowRight")
    await expect(page.get_by_role("button", name="Stop asking me")).to_be_focused()
    await page.keyboard.press("ArrowLeft")
    await page.keyboard.press("Enter")
    await expect(page.locator(".chosen", has_text="Not this time")).to_be_visible()
    await expect(page.get_by_role("button", name="5/5")).to_have_count(0)
    await expect(page.get_by_role("button", name="Stop asking me")).to_have_count(0)
    taps = [event.token for event in shop.parts.bot.heard if isinstance(event, Tapped)]
    assert [each.rpartition(".")[2] for each in taps] == ["~decline"]


async def test_question_in_words_can_be_refused_too(shop: Shop) -> None:
    page = await shop.visit("ar")
    await page.evaluate("Afterchat.open()")
    session = await shop.talk(page)
    await shop.parts.bot.say(session, "why", refusable(Card(text="What happened?"), 1))
    first, second = (page.get_by_role("button", name=name) for name in ("Not this time", "Stop asking me"))
    box, beside = await first.bounding_box(), await second.bounding_box()
    assert box
    assert beside
    assert box["x"] > beside["x"]


async def test_reminder_is_a_new_message_at_the_end(shop: Shop) -> None:
    page = await shop.visit()
    session = await shop.talk(page)
    await shop.parts.bot.say(session, "rating", faces(1))
    await shop.parts.bot.say(session, "later", Text(text="Your parcel is on its way"))
    await expect(page.get_by_role("button", name="Open the chat. New message: 3")).to_be_visible()
    await shop.parts.bot.say(session, "rating", Card(text="How was our service?", typing=False), edit=True)
    await shop.parts.bot.say(session, "rating", faces(1, text="A short reminder.\n\nHow was our service?"))
    for _ in range(2):
        await expect(page.locator(".bubble")).to_have_text(
            ["Hello", "Your parcel is on its way", "A short reminder.\n\nHow was our service?"]
        )
        await expect(page.get_by_role("button", name="Open the chat. New message: 4")).to_be_visible()
        await page.reload()
    await shop.parts.bot.say(session, "rating", chosen(faces(1), "🙂 4/5", 1), edit=True)
    await expect(page.locator(".bubble").last).to_have_text("How was our service?")


async def test_tap_shows_at_once_and_comes_free_again_when_it_did_not_count(shop: Shop) -> None:
    page = await shop.visit()
    await page.evaluate("Afterchat.open()")
    session = await shop.talk(page)
    await shop.parts.bot.say(session, "old", faces(99))
    face = page.get_by_role("button", name="3/5")

    async def slowly(route: object) -> None:
        await expect(face).to_have_attribute("aria-pressed", "true")
        await expect(page.get_by_role("button", name="4/5")).to_have_attribute("aria-disabled", "true")
        await route.continue_()  # type: ignore[attr-defined]

    await page.route("**/channels/web", slowly)
    await face.click()
    await expect(page.get_by_text("Your answer was already counted.")).to_be_visible()
    await expect(face).not_to_have_attribute("aria-pressed", re.compile(".*"))
    await expect(page.get_by_role("button", name="4/5")).not_to_have_attribute("aria-disabled", re.compile(".*"))


async def test_reload_restores_the_conversation(shop: Shop) -> None:
    page = await shop.visit()
    await page.evaluate("Afterchat.open()")
    session = await shop.talk(page)
    await shop.parts.bot.say(session, "rating", faces(1))
    await shop.parts.bot.say(session, "rating", chosen(faces(1), "🙂 4/5", 1), edit=True)
    await page.get_by_role("textbox").fill(HOSTILE)
    await page.get_by_role("button", name="Send").click()
    await expect(page.get_by_text("Thank you for your words.")).to_be_visible()
    before = await page.locator(".bubble, .chosen").all_inner_texts()

    await page.reload()
    await expect(page.locator(".bubble", has_text="Thank you")).to_have_count(1)
    assert await page.locator(".bubble, .chosen").all_text_contents() == before
    assert before == ["Hello", "How was our service?", "🙂 4/5", HOSTILE, "Thank you for your words."]
    assert await page.evaluate("Afterchat.session()") == session
    await expect(page.get_by_role("dialog")).to_be_hidden()
    assert await page.locator("img").count() == 0


async def test_second_tab_shows_the_same(shop: Shop) -> None:
    one, two = await shop.visit(), await shop.visit()
    for page in (one, two):
        await page.evaluate("Afterchat.open()")
    await expect_same_session(one, two)
    await shop.talk(one)
    await one.get_by_role("textbox").fill("From the first tab")
    await one.keyboard.press("Enter")
    for page in (one, two):
        await expect(page.locator(".customer .bubble", has_text="From the first tab")).to_have_count(1)
        await expect(page.get_by_text("Thank you for your words.")).to_have_count(1)


async def test_tabs_that_each_opened_a_session_agree_on_one(shop: Shop) -> None:
    """Storage reaches other tabs late: here each tab asks for a session before it knows of the other's."""
    one, two = await shop.visit(), await shop.visit()
    asked = {page: asyncio.Event() for page in (one, two)}

    async def hold(route: Route) -> None:
        asked[one if route.request.frame.page is one else two].set()
        await asyncio.gather(*(each.wait() for each in asked.values()))
        await route.continue_()

    for page in (one, two):
        await page.route("**/channels/web", hold)
        await page.evaluate("void (navigator.locks.request = (name, open) => open())")
        await page.evaluate("void (Storage.prototype.getItem = () => null)")
        await page.evaluate("void Afterchat.session()")
    await asyncio.gather(*(each.wait() for each in asked.values()))
    for page in (one, two):
        await page.unroute("**/channels/web")
        await page.evaluate("Afterchat.session()")
    await expect_same_session(one, two)
    await shop.parts.bot.say(str(await one.evaluate("Afterchat.session()")), "hello", Text(text="Hello both"))
    for page in (one, two):
        await expect(page.locator(".bubble", has_text="Hello both")).to_have_count(1)


async def expect_same_session(one: Page, two: Page) -> None:
    for _ in range(100):
        if await one.evaluate("Afterchat.session()") == await two.evaluate("Afterchat.session()"):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the tabs still have a session each")


async def test_people_who_share_a_browser_have_a_chat_each(shop: Shop) -> None:
    sessions = [await (await shop.visit(customer=each)).evaluate("Afterchat.session()") for each in ("a", "b", "a")]
    assert sessions[0] != sessions[1]
    assert sessions[0] == sessions[2]


async def test_unread_message_is_announced_on_the_closed_widget(shop: Shop) -> None:
    page = await shop.visit()
    session = await shop.talk(page)
    launcher = page.get_by_role("button", name="Open the chat. New message: 1")
    await expect(launcher).to_be_visible()
    await shop.parts.bot.say(session, "hello", Text(text="Hello there"), edit=True)
    await shop.parts.bot.say(session, "rating", faces(1))
    await expect(page.get_by_role("button", name="Open the chat. New message: 2")).to_be_visible()
    await page.get_by_role("button", name="How was our service?").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.reload()
    await expect(page.locator(".bubble", has_text="Hello there")).to_have_count(1)
    await expect(page.get_by_role("button", name="Open the chat", exact=True)).to_be_visible()


async def test_stream_comes_back_after_the_server_was_restarted(parts: Parts) -> None:
    async with serving(parts.application()) as bot_port:
        holder = open_shop(parts, bot_port)
        shop = await holder.__aenter__()
        page = await shop.visit()
        await page.evaluate("Afterchat.open()")
        session = await shop.talk(page)
    await page.get_by_role("textbox").fill("Written while nobody was there")
    await page.keyboard.press("Enter")
    await expect(page.locator(".sending")).to_have_count(1)
    await expect(page.get_by_text("The connection was lost.")).to_be_visible()
    await parts.bot.say(session, "missed", Text(text="Said while nobody listened"))
    async with serving(parts.application(), bot_port):
        await expect(page.get_by_text("Said while nobody listened")).to_be_visible()
        await expect(page.get_by_text("Thank you for your words.")).to_be_visible()
        await expect(page.locator(".sending")).to_have_count(0)
        await expect(page.get_by_text("The connection was lost.")).to_be_hidden()
        await parts.bot.say(session, "after", Text(text="Said afterwards"))
        await expect(page.get_by_text("Said afterwards")).to_be_visible()
        assert [each.text for each in parts.bot.heard if isinstance(each, Wrote)] == ["Written while nobody was there"]
        await holder.__aexit__(None, None, None)


async def test_words_not_sent_yet_survive_a_reload(shop: Shop) -> None:
    page = await shop.visit()
    await page.evaluate("Afterchat.open()")
    await shop.talk(page)
    shop.parts.bot.broken = True
    await page.get_by_role("textbox").fill("Keep this")
    await page.keyboard.press("Enter")
    await expect(page.locator(".sending .bubble")).to_have_text("Keep this")
    await page.reload()
    shop.parts.bot.broken = False
    await page.evaluate("Afterchat.open()")
    await expect(page.get_by_text("Thank you for your words.")).to_be_visible()
    assert await page.locator(".bubble").all_text_contents() == ["Hello", "Keep this", "Thank you for your words."]
    assert len([each for each in shop.parts.bot.heard if isinstance(each, Wrote)]) == 1


async def test_session_of_a_replaced_secret_gives_way_to_a_new_one(shop: Shop) -> None:
    page = await shop.visit()
    await page.evaluate("Afterchat.open()")
    session = await shop.talk(page)
    await page.evaluate(
        """() => { for (const key of Object.keys(localStorage)) {
             const state = JSON.parse(localStorage[key]);
             localStorage[key] = JSON.stringify({ ...state, token: state.token + "x" }); } }"""
    )
    await page.reload()
    await page.evaluate("Afterchat.open()")
    await page.get_by_role("textbox").fill("Still here")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Thank you for your words.")).to_be_visible()
    assert await page.evaluate("Afterchat.session()") != session


async def test_reads_from_right_to_left(shop: Shop) -> None:
    page = await shop.visit("ar")
    await page.evaluate("Afterchat.open()")
    await shop.parts.bot.say(await shop.talk(page), "rating", faces(1, "ar"))
    await expect(page.get_by_role("button", name="1/5")).to_be_visible()
    box, panel = await page.get_by_role("button", name="1/5").bounding_box(), page.get_by_role("dialog")
    last, edge = await page.get_by_role("button", name="5/5").bounding_box(), await panel.bounding_box()
    assert box
    assert last
    assert edge
    assert box["x"] > last["x"]
    assert edge["x"] < 100
    await page.get_by_role("button", name="1/5").focus()
    await page.keyboard.press("ArrowLeft")
    await expect(page.get_by_role("button", name="2/5")).to_be_focused()


@pytest.mark.parametrize("width", [320, 360, 1280])
async def test_fits_the_screen(shop: Shop, width: int) -> None:
    page = await shop.visit()
    await page.set_viewport_size({"width": width, "height": 640})
    await page.evaluate("Afterchat.open()")
    session = await shop.talk(page)
    await shop.parts.bot.say(session, "nps", numbers(1))
    for name in ("0: Not at all likely", "10: Extremely likely"):
        box = await page.get_by_role("button", name=name, exact=True).bounding_box()
        assert box
        assert (box["width"] >= 24, box["height"] >= 40) == (True, True)
        assert 0 <= box["x"] <= width - box["width"]
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@asynccontextmanager
async def sparing(parts: Parts, allowance: Allowance, clock: Clock = now) -> AsyncIterator[Shop]:
    """A shop whose visitors may do only so much."""
    settings = parts.bot.channel.settings
    parts.bot.channel = WebchatChannel(settings, clock=clock, chat=parts.chat, allowance=allowance)
    async with serving(parts.application()) as bot_port, open_shop(parts, bot_port) as shop:
        yield shop


async def test_visitor_who_asks_too_often_is_told_so_and_can_go_on(parts: Parts) -> None:
    async with sparing(parts, Allowance(surveys_of_session=Rate(burst=1, per_second=0.001))) as shop:
        page = await shop.visit("it")
        for _ in range(2):
            await page.evaluate("Afterchat.feedback()")
        await expect(page.locator(".note", has_text=say("it", "widget.too_often"))).to_be_visible()
        await page.get_by_role("button", name="3/5 😐").click()
        await expect(page.locator(".chosen", has_text="😐 3/5")).to_be_visible()


async def test_visitor_of_a_crowded_address_is_told_so_and_waits(parts: Parts) -> None:
    # The channel's time stands still until the visitor was told: a browser may take longer to start than the wait.
    clock = SetClock()
    async with sparing(parts, Allowance(sessions=Rate(burst=1, per_second=0.5)), clock) as shop:
        opening = Raw(path="/channels/web", headers={}, body=b'{"do": "open"}', remote="127.0.0.1")
        await parts.bot.channel.receive(opening, parts.bot.handle)
        page = await shop.visit("vi")
        await page.evaluate("Afterchat.feedback(), 0")
        told = page.locator(".note", has_text=say("vi", "widget.too_often"))
        await expect(told).to_be_visible()
        clock.advance(minutes=1)
        await expect(page.get_by_role("button", name="3/5 😐")).to_be_visible()
        await expect(told).to_be_hidden()


async def test_its_own_words_follow_the_language_that_the_customer_chose(shop: Shop) -> None:
    page = await shop.visit("en")
    await page.evaluate("Afterchat.open()")
    await shop.talk(page)
    await page.get_by_role("textbox").fill("in italiano")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name=say("it", "command.human"))).to_be_visible()
    await expect(page.get_by_role("textbox", name=say("it", "widget.write"))).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("button", name=say("it", "widget.open"))).to_be_visible()
    await page.evaluate("Afterchat.feedback()")
    heard = shop.parts.bot.heard[-1]
    assert isinstance(heard, Commanded)
    assert heard.profile.language == "it"


async def test_page_shortcuts_do_not_hear_what_is_typed(shop: Shop) -> None:
    page = await shop.visit()
    await page.evaluate("window.heard = []; document.addEventListener('keydown', (event) => heard.push(event.key))")
    await page.evaluate("Afterchat.open()")
    await page.get_by_role("textbox").press_sequentially("abc")
    assert await page.evaluate("heard") == []


async def test_second_script_tag_changes_nothing(shop: Shop) -> None:
    page = await shop.visit(more="&twice=1")
    await page.wait_for_load_state("load")
    assert await page.locator("script").count() == 2
    assert await page.locator("afterchat-widget").count() == 1
