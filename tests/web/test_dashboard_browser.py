"""The queue's pages in a real browser: by mouse, by keyboard alone, on a phone, and while others work on a case."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from msgspec.structs import replace
from playwright.async_api import BrowserContext, Page, async_playwright, expect

from bot.config import CurrentSettings
from bot.ids import WordsId
from bot.messages import Claim, Relay, Resolve
from tests.web.dashboard_site import HOSTILE, KEY, OTHER_KEY, Desk, settings
from tests.web.scripted_site import chromium

pytestmark = pytest.mark.browser


class Room:
    """A browser before the pages of a desk."""

    def __init__(self, context: BrowserContext, desk: Desk, current: CurrentSettings, port: int) -> None:
        self.context, self.desk, self.current = context, desk, current
        self.url = f"http://127.0.0.1:{port}"
        self.errors: list[str] = []

    async def page(self, path: str = "/cases", name: str = "Anna Nowak") -> Page:
        """A page that somebody signed in for."""
        page = await self.context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("dialog", lambda dialog: self.errors.append(dialog.message))
        page.on("console", lambda line: self.errors.append(line.text) if "Content Security" in line.text else None)
        await page.goto(self.url + path)
        if "/sign-in" in page.url:
            await page.get_by_label("Your name").fill(name)
            await page.get_by_label("API key").fill(KEY)
            await page.get_by_role("button", name="Sign in").click()
        return page


@asynccontextmanager
async def opened(**options: object) -> AsyncIterator[Room]:
    desk, current = Desk(), CurrentSettings(settings())
    expect.set_options(timeout=15_000)
    async with desk.serving(current) as port, async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        context = await browser.new_context(**options)  # type: ignore[arg-type]
        room = Room(context, desk, current, port)
        yield room
        await browser.close()
        assert room.errors == []


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    async with opened(viewport={"width": 1280, "height": 900}) as room:
        yield room


async def test_claim_reply_and_resolve(room: Room) -> None:
    id = room.desk.add(1, "Lan Pham", HOSTILE)
    page = await room.page()
    await page.get_by_role("link", name="Lan Pham").click()
    await expect(page.locator("blockquote")).to_have_text(HOSTILE)
    await page.get_by_role("button", name="Claim").click()
    await expect(page.get_by_text("The case is yours.")).to_be_visible()
    await page.get_by_label("Ready answers").select_option(label="Sorry for the wait")
    await expect(page.get_by_label("Your answer")).to_have_value("Dear Lan Pham, I am sorry. Anna Nowak")
    await page.get_by_label("Ready answers").select_option(label="Returns")
    await expect(page.get_by_label("Your answer")).to_have_value("You have 30 days & <b>no</b> fee.")
    await page.get_by_role("button", name="Send").click()
    await expect(page.get_by_text("on its way")).to_be_visible()
    await page.get_by_text("Resolve the case").click()
    await page.get_by_label("What was the cause?").select_option(label="Broken product")
    await page.get_by_label("What was done about it?").fill("Sent a new one")
    await page.get_by_role("button", name="Resolve").click()
    await expect(page.get_by_text("will be asked whether it is fixed")).to_be_visible()
    await expect(page.locator(".history li")).to_have_count(4)
    deeds = [did.deed for did in room.desk.heard]
    assert deeds == [
        Claim(),
        Relay(text="You have 30 days & <b>no</b> fee.", template="returns"),
        Resolve(cause="product", action="Sent a new one"),
    ]
    assert room.desk.views[id].case.state == "resolved"


async def test_a_ready_answer_is_put_under_what_was_written(room: Room) -> None:
    id = room.desk.add(1, "Lan Pham")
    page = await room.page(f"/cases/{id}")
    answer = page.get_by_label("Your answer")
    await answer.fill("Hello Lan!")
    await page.get_by_label("Ready answers").select_option(label="Returns")
    await expect(answer).to_have_value("Hello Lan!\n\nYou have 30 days & <b>no</b> fee.")
    await page.get_by_label("Ready answers").select_option(value="")
    await expect(answer).to_have_value("Hello Lan!")


async def test_by_keyboard_alone(room: Room) -> None:
    room.desk.add(1, "Lan Pham", "Too slow")
    page = await room.context.new_page()
    await page.goto(f"{room.url}/cases")
    keys = page.keyboard
    await expect(page.get_by_label("Your name")).to_be_focused()
    await keys.type("Anna Nowak")
    await keys.press("Tab")
    await keys.type(KEY)
    await keys.press("Enter")
    await expect(page.get_by_role("heading", name="Cases")).to_be_visible()
    await keys.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await keys.press("Enter")
    case = page.get_by_role("link", name="Lan Pham")
    for _ in range(8):
        await keys.press("Tab")
        if await case.evaluate("node => node === document.activeElement"):
            break
    await keys.press("Enter")
    await expect(page.get_by_role("heading", name="Lan Pham gave")).to_be_visible()
    claim = page.get_by_role("button", name="Claim")
    for _ in range(8):
        await keys.press("Tab")
        if await claim.evaluate("node => node === document.activeElement"):
            break
    await keys.press("Enter")
    await expect(page.get_by_text("The case is yours.")).to_be_visible()
    await page.get_by_label("Your answer").focus()
    await keys.type("// not for Lan")
    await keys.press("Tab")
    await keys.press("Enter")
    # what is wrong has the focus, and is read out with the field
    await expect(page.get_by_label("Your answer")).to_be_focused()
    await expect(page.get_by_label("Your answer")).to_have_accessible_description(
        "Words that begin with // are for colleagues only. Write them in the alert's thread in Slack."
    )


async def test_news_arrive_while_somebody_types(room: Room) -> None:
    id = room.desk.add(1, "Lan Pham", "Too slow")
    page = await room.page(f"/cases/{id}")
    answer = page.get_by_label("Your answer")
    await answer.fill("I am writing this when")
    view = room.desk.views[id]
    more = replace(view.words[0], id=WordsId("w9"), text=f"And now this {HOSTILE}", at=room.desk.now)
    room.desk.views[id] = replace(view, words=(*view.words, more))
    await expect(page.locator("blockquote").last).to_have_text(f"And now this {HOSTILE}")
    await expect(page.get_by_role("status").last).to_contain_text("changed meanwhile")
    await expect(answer).to_have_value("I am writing this when")
    await expect(answer).to_be_focused()
    room.desk.change(id, replace(view.case, state="withdrawn"), "withdrawn", None)
    await expect(page.get_by_role("button", name="Claim")).to_have_count(0)
    await expect(page.get_by_text("Snooze the reminders")).to_be_hidden()
    await expect(answer).to_have_value("I am writing this when")
    room.current.swap(settings(keys=(OTHER_KEY,)))
    await expect(page.get_by_role("status").last).to_have_text("You are not signed in any more")
    await expect(answer).to_have_value("I am writing this when")


async def test_queue_shows_a_new_case_by_itself(room: Room) -> None:
    room.desk.add(1, "Lan Pham")
    page = await room.page()
    await expect(page.locator(".row")).to_have_count(1)
    room.desk.add(2, "Mai Tran", priority="urgent")
    await expect(page.locator(".row")).to_have_count(2)
    await expect(page.locator(".row").first).to_contain_text("Mai Tran")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_fits_a_phone_and_can_be_read(scheme: str) -> None:
    async with opened(viewport={"width": 360, "height": 740}, color_scheme=scheme) as room:
        id = room.desk.add(1, "Anna-Maria " * 6, "x" * 400, HOSTILE, priority="urgent", ago=timedelta(days=2))
        page = await room.page()
        for path in ("/cases", f"/cases/{id}"):
            await page.goto(room.url + path)
            await expect(page.get_by_role("button", name="Sign out")).to_be_visible()
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        colours = await page.evaluate(
            "['color', 'backgroundColor'].map((each) => getComputedStyle(document.querySelector('.story'))[each]"
            ".match(/[0-9]+/g).slice(0, 3).reduce((sum, one) => sum + Number(one), 0))"
        )
        ink, paper = colours
        assert (ink < paper) == (scheme == "light")
        assert abs(ink - paper) > 450


async def test_without_script_everything_can_be_done() -> None:
    async with opened(java_script_enabled=False) as room:
        id = room.desk.add(1, "Lan Pham", "Too slow")
        page = await room.page(f"/cases/{id}")
        await page.get_by_label("Ready answers").select_option(label="Sorry for the wait")
        await page.get_by_role("button", name="Put it into the answer").click()
        await expect(page.get_by_label("Your answer")).to_have_value("Dear Lan Pham, I am sorry. Anna Nowak")
        await page.get_by_role("button", name="Send").click()
        await expect(page.get_by_text("on its way")).to_be_visible()
        assert room.desk.heard[-1].deed == Relay(text="Dear Lan Pham, I am sorry. Anna Nowak", template="sorry")
