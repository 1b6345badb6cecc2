"""Survey pages in a real browser: with the script and without, by keyboard, on a phone, in the dark, from the right."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Page, async_playwright, expect

from bot.channels.limits import Allowance, Rate
from tests.web.scripted_site import chromium
from tests.web.survey_site import Survey, everything_in, survey_at

pytestmark = pytest.mark.browser

ROOMY = Allowance(surveys_of_address=Rate(burst=1_000, per_second=100.0))
PHONE = {"width": 320, "height": 640}
#: the least contrast of small text, by WCAG 2
_CONTRAST = """() => {
  const light = (colour) => {
    const [r, g, b] = colour.match(/[0-9.]+/g).slice(0, 3).map((each) => {
      const share = each / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor;
      if (!/rgba\\(.*, 0\\)|transparent/.test(colour)) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const read = [...document.querySelectorAll("header p, h2, legend, label, p, button, span")].filter(
    (each) => each.textContent.trim() && each.checkVisibility() && !each.closest(".unseen"),
  );
  return Math.min(...read.map((each) => {
    const [one, other] = [light(getComputedStyle(each).color), light(behind(each))];
    return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  }));
}"""


class Reader:
    """A browser before the pages of the running program."""

    def __init__(self, context: BrowserContext, site: Survey) -> None:
        self.context, self.site = context, site
        self.errors: list[str] = []

    async def opens(self, path: str) -> Page:
        page = await self.context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda line: self.errors.append(line.text) if "Content Security" in line.text else None)
        await page.goto(self.site.url + path)
        return page


@asynccontextmanager
async def reading(folder: Path, template: Path, **options: object) -> AsyncIterator[Reader]:
    expect.set_options(timeout=15_000)
    url = f"sqlite:///{folder}/afterchat.db"
    async with survey_at(url, allowance=ROOMY) as site, async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        reader = Reader(await browser.new_context(**options), site)  # type: ignore[arg-type]
        yield reader
        await browser.close()
        assert reader.errors == []


@pytest.fixture
async def reader(tmp_path: Path, sqlite_tables: Path) -> AsyncIterator[Reader]:
    async with reading(tmp_path, sqlite_tables, viewport={"width": 900, "height": 800}) as opened:
        yield opened


async def test_who_reads_the_page_has_answered_and_goes_on(reader: Reader) -> None:
    page = await reader.opens(await reader.site.link(attributes={"agent": "Minh"}) + "?a=2&ref=T-81")
    await expect(page.get_by_text("Your answer: 😕")).to_be_visible()
    await page.mouse.move(5, 5)
    await page.mouse.move(90, 90)
    await expect(page.get_by_text("your answer has been noted")).to_be_visible()
    await expect(page.get_by_text("2/5")).to_be_visible()
    assert "a=2" not in page.url
    await page.get_by_label("Slow reply").check()
    await page.get_by_role("button", name="Send").click()
    await page.get_by_label("What could we do better?").fill("Answer <b>sooner</b>")
    await page.get_by_role("button", name="Send").click()
    await expect(page.get_by_text("Answer <b>sooner</b>")).to_be_visible()
    await expect(page.get_by_label("Write to us")).to_be_visible()
    assert await reader.site.count("answer") == 3


_AS_A_SCRIPT_DOES = """() => {
  document.body.style.minHeight = "5000px";
  scrollTo(0, 900);
  for (const [kind, of] of [["pointermove", PointerEvent], ["pointerdown", PointerEvent], ["keydown", KeyboardEvent],
                            ["wheel", WheelEvent], ["touchstart", Event], ["scroll", Event]])
    for (const target of [window, document, document.body]) target.dispatchEvent(new of(kind, { bubbles: true }));
}"""


async def test_a_program_that_stays_and_scrolls_has_answered_nothing(reader: Reader) -> None:
    before = await everything_in(reader.site.storage)
    path = await reader.site.link()
    before["link"] = (await everything_in(reader.site.storage))["link"]
    for value in (1, 4):
        page = await reader.opens(f"{path}?a={value}")
        await expect(page.get_by_text("Your answer is chosen.")).to_be_visible()
        await page.evaluate(_AS_A_SCRIPT_DOES)
        await page.wait_for_timeout(4_000)
        assert await everything_in(reader.site.storage) == before
    await page.mouse.wheel(0, 40)
    await expect(page.get_by_text("4/5")).to_be_visible()


async def test_a_browser_that_lets_time_fly_has_answered_nothing(reader: Reader, tmp_path: Path) -> None:
    """As scanners run pages: ten seconds pass for the page at once."""
    path = await reader.site.link() + "?ref=T-81"
    before = await everything_in(reader.site.storage)
    for value in (1, 2, 5):
        program = await asyncio.create_subprocess_exec(
            chromium(),
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            f"--user-data-dir={tmp_path}/scanner",
            "--virtual-time-budget=10000",
            "--dump-dom",
            f"{reader.site.url}{path}&a={value}",
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        dumped, _ = await program.communicate()
        assert b"Send this answer" in dumped
    assert await everything_in(reader.site.storage) == before


async def test_who_presses_another_answer_has_given_that_one(reader: Reader) -> None:
    page = await reader.opens(await reader.site.link() + "?a=5")
    await page.get_by_role("button", name="Dissatisfied", exact=True).click()
    await expect(page.get_by_text("2/5")).to_be_visible()
    assert await reader.site.count("answer") == 1


async def test_a_page_that_was_opened_by_a_scanner_waits_for_a_press(reader: Reader) -> None:
    path = await reader.site.link() + "?ref=T-81"
    for value in (1, 2, 3):
        await reader.site.get(f"{path}&a={value}")
    page = await reader.opens(f"{path}&a=4")
    await page.mouse.move(90, 90)
    await page.wait_for_timeout(1_000)
    assert await reader.site.count("conversation") == 0
    await page.get_by_role("button", name="Send this answer").click()
    await expect(page.get_by_text("4/5")).to_be_visible()


async def test_a_server_that_is_away_loses_nothing(reader: Reader) -> None:
    page = await reader.opens(await reader.site.link() + "?a=4")
    await page.route("**/s/*", lambda route: route.abort())
    await page.mouse.move(90, 90)
    await expect(page.get_by_text("Please press the button")).to_be_visible()
    await page.unroute_all()
    await page.get_by_role("button", name="Send this answer").click()
    await expect(page.get_by_text("4/5")).to_be_visible()


async def test_without_a_script_one_press_answers(tmp_path: Path, sqlite_tables: Path) -> None:
    async with reading(tmp_path, sqlite_tables, java_script_enabled=False) as reader:
        page = await reader.opens(await reader.site.link() + "?a=1")
        await page.get_by_role("button", name="Send this answer").click()
        await expect(page.get_by_text("1/5")).to_be_visible()
        await page.get_by_role("button", name="Send").click()
        await expect(page.get_by_role("alert")).to_contain_text("at least one")
        await page.get_by_label("Not friendly").check()
        await page.get_by_role("button", name="Send").click()
        await page.get_by_role("button", name="Skip").click()
        await expect(page.get_by_text("Skipped")).to_be_visible()
        assert await reader.site.count("answer") == 3


async def test_by_keyboard_alone(reader: Reader) -> None:
    page = await reader.opens(await reader.site.link())
    keys = page.keyboard
    await keys.press("Tab")
    await expect(page.get_by_role("button", name="Very dissatisfied")).to_be_focused()
    await keys.press("Tab")
    await keys.press("Enter")
    await expect(page.get_by_text("2/5")).to_be_visible()
    await expect(page.get_by_role("group", name="What went wrong?")).to_be_visible()
    for _ in range(2):
        await keys.press("Tab")
    await expect(page.get_by_label("Slow reply")).to_be_focused()
    await keys.press("Space")
    await keys.press("Enter")
    await expect(page.get_by_label("What could we do better?")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "ar"])
async def test_it_fits_a_phone_and_can_be_read(tmp_path: Path, sqlite_tables: Path, scheme: str, language: str) -> None:
    options = {"viewport": PHONE, "color_scheme": scheme, "java_script_enabled": True, "is_mobile": True}
    async with reading(tmp_path, sqlite_tables, **options) as reader:
        pictures = Path(os.environ["AFTERCHAT_PICTURES"]) if "AFTERCHAT_PICTURES" in os.environ else None
        for flow, answer in (("arabic", 2), ("delivery", 10)):
            page = await reader.opens(await reader.site.link(flow, locale=language) + f"?a={answer}&ref=T-1")
            for step in range(2):
                assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
                assert await page.evaluate(_CONTRAST) >= 4.5
                if pictures is not None:
                    await page.screenshot(path=pictures / f"survey-{flow}-{language}-{scheme}-{step}.png")
                if not step:
                    await page.locator("button.big").click()
                    await expect(page.locator(".answered")).to_be_visible()
        assert await page.evaluate("document.dir") in ("ltr", "rtl")
