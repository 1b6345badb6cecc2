"""The preview in a real browser: wide and on a phone, with and without scripts, by keyboard, light and dark.

With AFTERCHAT_PICTURES it takes the picture of the guide.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, async_playwright, expect

from tests.web.preview_site import CONFIG, previewing
from tests.web.scripted_site import chromium

pytestmark = pytest.mark.browser
THREE = "language=en&language=vi&language=ar&across=languages"
HOSTILE = '[[flow]]\nid = "hostile"'
FOUR = "channel=telegram&channel=slack&channel=web&channel=page"


@asynccontextmanager
async def looking(folder: Path, query: str, config: str = CONFIG, **options: object) -> AsyncIterator[Page]:
    """The page in a browser that tells of everything that its policy refused."""
    path = folder / "config.toml"
    path.write_text(config, encoding="utf-8")
    async with previewing(path) as url, async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        page = await browser.new_page(**options)  # type: ignore[arg-type]
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("dialog", lambda dialog: problems.append(dialog.message))
        page.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
        await page.goto(f"{url}/preview?{query}")
        yield page
        await browser.close()
        assert problems == []


async def middle(element: Locator) -> float:
    box = await element.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2


async def fits(page: Page) -> bool:
    return bool(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


async def test_three_languages_stand_side_by_side_as_each_channel_draws_them(tmp_path: Path) -> None:
    size = {"width": 1120, "height": 1440}
    async with looking(tmp_path, f"{THREE}&{FOUR}", CONFIG.partition(HOSTILE)[0], viewport=size) as page:
        first = page.locator(".frame").first
        await expect(first.locator("thead th")).to_have_text(["English", "Tiếng Việt", "العربية"])
        await expect(first.locator("tbody th")).to_have_text(["Telegram", "Slack", "Chat widget", "Survey page"])
        arabic = first.locator(".wg[lang=ar] .faces .key")
        english = first.locator(".wg[lang=en] .faces .key")
        assert await middle(arabic.first) > await middle(arabic.last)
        assert await middle(english.first) < await middle(english.last)
        brand = await first.locator(".wg .bar").first.evaluate("each => getComputedStyle(each).backgroundColor")
        assert brand == "rgb(11, 122, 117)"
        assert await fits(page)
        if "AFTERCHAT_PICTURES" in os.environ:
            await page.screenshot(path=Path(os.environ["AFTERCHAT_PICTURES"]) / "preview.png")


async def test_the_form_chooses_by_keyboard_and_without_scripts(tmp_path: Path) -> None:
    async with looking(tmp_path, "language=en", java_script_enabled=False) as page:
        await expect(page.get_by_label("English")).to_be_checked()
        await page.get_by_label("Tiếng Việt").focus()
        await page.keyboard.press("Space")
        await page.get_by_label("Plain text").focus()
        await page.keyboard.press("Space")
        await page.keyboard.press("Enter")
        await expect(page.locator(".frame").first.locator("tbody th")).to_have_text(["English", "Tiếng Việt"])
        await expect(page.locator(".frame").first.locator("thead th")).to_have_count(5)
        assert "language=en&language=vi" in page.url
        await page.get_by_label("Flow").select_option("hostile")
        await page.get_by_role("button", name="Show").click()
        await expect(page.locator(".tg .words").first).to_contain_text("<script>alert(1)</script>")


@pytest.mark.parametrize("colours", ["light", "dark"])
async def test_a_phone_scrolls_within_a_message_and_never_the_page(tmp_path: Path, colours: str) -> None:
    size = {"width": 360, "height": 740}
    async with looking(tmp_path, f"{THREE}&{FOUR}", viewport=size, color_scheme=colours) as page:
        assert await fits(page)
        strip = page.locator(".strip").first
        assert await strip.evaluate("each => each.scrollWidth > each.clientWidth")
        await strip.focus()
        await page.keyboard.press("ArrowRight")
        await expect(strip).not_to_have_js_property("scrollLeft", 0)
        ink, paper = await page.locator(".sl").first.evaluate(
            "each => [getComputedStyle(each).color, getComputedStyle(each).backgroundColor]"
        )
        assert (paper == "rgb(255, 255, 255)") == (colours == "light")
        assert ink != paper
