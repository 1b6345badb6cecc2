"""The demo in a real browser, as a newcomer meets it; with AFTERCHAT_PICTURES it takes the README's pictures.

``AFTERCHAT_PICTURES=docs/pictures`` (what ``make pictures`` sets) writes them; otherwise nothing is written.
"""

import os
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Frame, Locator, Page, async_playwright, expect

from bot.demo import Demo
from tests.acceptance.world import ROOT

CHROMIUM = os.environ.get("AFTERCHAT_CHROMIUM") or shutil.which("chromium") or ""
PICTURES = os.environ.get("AFTERCHAT_PICTURES")
pytestmark = pytest.mark.browser


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[Demo]:
    database = f"sqlite:///{tmp_path}/demo.db"
    async with Demo.open(ROOT / "config.example.toml", app_port=0, database=database, environ={}) as running:
        yield running


@pytest.fixture
async def page(demo: Demo) -> AsyncIterator[Page]:
    flags = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        page = await browser.new_page(viewport={"width": 1440, "height": 900}, device_scale_factor=1)
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
        await page.goto(demo.page.url)
        await expect(page.locator("#line")).to_have_text("live")
        yield page
        await browser.close()
        assert problems == []


async def picture(page: Page, name: str) -> None:
    if PICTURES:
        await page.mouse.move(700, 5)
        await page.wait_for_timeout(700)  # toasts and the widget's motion
        Path(PICTURES).mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=f"{PICTURES}/{name}.png")


def shop(page: Page) -> Frame:
    frame = next(frame for frame in page.frames if frame.url.endswith("/shop") or "/shop?" in frame.url)
    assert frame is not None
    return frame


def chat_of(page: Page, chat: str) -> Locator:
    return page.locator(f"#{chat}")


async def test_a_newcomer_sees_three_customers_rated_a_detractor_claimed_and_the_score_change(page: Page) -> None:
    desk, telegram, direct = chat_of(page, "desk"), chat_of(page, "telegram"), chat_of(page, "direct")
    widget = shop(page)
    await widget.get_by_role("button").first.click()
    for chat in ("web", "telegram", "direct"):
        await page.locator(f"#{chat} .end").click()

    # the web widget: an unhappy customer, with a reason and words
    await widget.get_by_role("button", name=re.compile("^1")).click(timeout=10_000)
    await expect(widget.get_by_text("What went wrong?")).to_be_visible()
    await widget.get_by_text("Slow reply").click()
    await widget.get_by_text("Done", exact=True).click()
    await expect(widget.get_by_text("Please tell us what happened")).to_be_visible()
    words = "I waited twenty minutes and was told to read the FAQ."
    await widget.get_by_placeholder(re.compile("message", re.IGNORECASE)).fill(words)
    await widget.get_by_placeholder(re.compile("message", re.IGNORECASE)).press("Enter")
    alert = desk.locator(".post", has_text=words)
    await expect(alert).to_be_visible(timeout=5_000)
    await expect(alert).to_contain_text("Jan Kowalski")
    await expect(alert).to_contain_text("1/5")

    # the Telegram-like chat: a happy one; the Slack-like chat: in words
    await telegram.get_by_role("button", name="😀").click()
    await expect(telegram.get_by_text("✓ 😀 5/5")).to_be_visible()
    await direct.get_by_label(re.compile("as customer on Slack")).fill("4/5")
    await direct.get_by_label(re.compile("as customer on Slack")).press("Enter")
    await expect(direct.get_by_text("✓ 🙂 4/5")).to_be_visible()
    await expect(page.locator("#score")).to_contain_text("n=3")
    await picture(page, "sandbox")

    # an agent claims; the second one reads who was first
    await alert.get_by_role("button", name="Claim").click()
    await expect(alert).to_contain_text("Claimed by anna")
    await picture(page, "claimed")

    # the happy customer changes their mind: the score follows, a second alert arrives after the hold
    await telegram.get_by_role("button", name="Change").click()
    await telegram.get_by_role("button", name="😞").click()
    await expect(telegram.get_by_text("✓ 😞 1/5")).to_be_visible()
    await expect(telegram.get_by_text("What went wrong?")).to_be_visible()
    await expect(desk.locator(".post", has_text="Mai Tran")).to_be_visible(timeout=15_000)
    await picture(page, "changed")


async def test_the_widget_restores_its_conversation_after_a_reload(page: Page) -> None:
    widget = shop(page)
    await widget.get_by_role("button").first.click()
    await page.locator("#web .end").click()
    await widget.get_by_role("button", name=re.compile("^5")).click(timeout=10_000)
    await expect(widget.get_by_text("5/5").first).to_be_visible()
    await page.reload()
    await expect(page.locator("#line")).to_have_text("live")
    widget = shop(page)
    await widget.get_by_role("button").first.click()
    await expect(widget.get_by_text("5/5").first).to_be_visible()
