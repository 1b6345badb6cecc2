"""Arabic in a real browser: the widget, the survey page and the agents' queue begin on the right.

The low end of a scale stands where a line begins, so 1 is the rightmost button and the words for it stand below it.
"""

import os
from pathlib import Path

import pytest
from msgspec.structs import replace
from playwright.async_api import Locator, Page, expect

from bot.languages import say
from bot.messages import Card, Text
from tests.web.dashboard_site import FOLLOWUP, KEY, settings
from tests.web.scripted_site import Parts, chosen, faces, numbers, refusable, serving
from tests.web.test_dashboard_browser import opened
from tests.web.test_survey_browser import reading
from tests.web.test_widget_browser import open_shop

pytestmark = pytest.mark.browser

LOW, HIGH = say("ar", "scale.csat5.1"), say("ar", "scale.csat5.5")
QUESTION = "كيف كانت محادثتكم مع Minh (الطلب T-81)؟"


async def middle(element: Locator) -> float:
    """How far from the window's left side an element's middle is, in pixels."""
    box = await element.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2


async def picture(page: Page, name: str) -> None:
    if "AFTERCHAT_PICTURES" in os.environ:
        await page.screenshot(path=Path(os.environ["AFTERCHAT_PICTURES"]) / f"rtl-{name}.png")


def arabic_faces(turn: int) -> Card:
    return replace(faces(turn, "ar", QUESTION), low=LOW, high=HIGH)


@pytest.mark.parametrize("language", ["ar", "en"])
async def test_a_scale_of_the_widget_begins_where_the_questions_language_does(language: str) -> None:
    """Also where the page around it is in another one."""
    parts = Parts()
    async with serving(parts.application()) as bot_port, open_shop(parts, bot_port) as shop:
        page = await shop.visit(language)
        await page.evaluate("Afterchat.open()")
        session = await shop.talk(page)
        await parts.bot.say(session, "long", Text(text="شكرًا لكم! أرسلنا الطلب T-81 إلى Nguyễn Huệ 12."))
        await parts.bot.say(session, "rated", chosen(arabic_faces(1), "😕 2/5", 1))
        await parts.bot.say(session, "rating", refusable(arabic_faces(2), 2))
        assert await page.evaluate("document.querySelector('afterchat-widget').dir") == (
            "rtl" if language == "ar" else "ltr"
        )
        one, five = page.get_by_role("button", name="1/5"), page.get_by_role("button", name="5/5")
        low, high = page.locator(".ends span").first, page.locator(".ends span").last
        assert await middle(one) > await middle(five)
        assert await middle(low) > await middle(high)
        assert (await low.inner_text(), await high.inner_text()) == (LOW, HIGH)
        await one.focus()
        await page.keyboard.press("ArrowLeft")
        await expect(page.get_by_role("button", name="2/5")).to_be_focused()
        await picture(page, f"widget-{language}")


async def test_an_english_scale_in_an_arabic_widget_keeps_its_own_order() -> None:
    parts = Parts()
    async with serving(parts.application()) as bot_port, open_shop(parts, bot_port) as shop:
        page = await shop.visit("ar")
        await page.evaluate("Afterchat.open()")
        session = await shop.talk(page)
        await parts.bot.say(session, "rating", replace(numbers(1), locale="en"))
        zero, ten = (page.get_by_role("button", name=name, exact=True) for name in ("0: Not at all likely", "2"))
        assert await middle(zero) < await middle(ten)
        await zero.focus()
        await page.keyboard.press("ArrowRight")
        await expect(page.get_by_role("button", name="1", exact=True)).to_be_focused()


async def test_a_scale_of_the_survey_page_begins_on_the_right(tmp_path: Path, sqlite_tables: Path) -> None:
    async with reading(tmp_path, sqlite_tables, viewport={"width": 700, "height": 800}) as reader:
        page = await reader.opens(await reader.site.link("arabic", locale="ar"))
        one, five = (page.locator(f'button[name="token"][value$=".{score}"]') for score in (1, 5))
        assert await page.evaluate("document.dir") == "rtl"
        assert await middle(one) > await middle(five)
        ends = page.locator(".ends span")
        assert await middle(ends.first) > await middle(ends.last)
        await picture(page, "survey")
        await one.click()
        await expect(page.locator(".answered")).to_be_visible()
        tick, kept = page.locator(".answered .tick"), page.locator(".answered strong")
        assert await middle(tick) > await middle(kept)
        await picture(page, "survey-answered")


async def test_the_queue_of_arabic_agents_is_drawn_from_the_right() -> None:
    async with opened(viewport={"width": 1280, "height": 900}) as room:
        room.current.swap(settings(followup=replace(FOLLOWUP, locale="ar")))
        room.desk.add(1, "Lan Pham (VIP)", "The parcel T-81 was late!", priority="urgent")
        room.desk.add(2, "سارة العلي", "تأخر الطلب T-81 كثيرًا!", language="ar", owner="anna")
        page = await room.context.new_page()
        await page.goto(room.url + "/cases")
        await page.get_by_label(say("ar", "page.sign_in.name")).fill("منى")
        await page.get_by_label(say("ar", "page.sign_in.key")).fill(KEY)
        await page.get_by_role("button", name=say("ar", "page.sign_in")).click()
        assert await page.evaluate("document.dir") == "rtl"
        row = page.locator(".row").first
        assert await row.evaluate("each => getComputedStyle(each).borderRightWidth") == "5px"
        assert await middle(row.locator("h2")) > await middle(row.locator(".when"))
        assert await middle(page.locator(".brand")) > await middle(page.locator(".out"))
        await picture(page, "queue")
        await page.get_by_role("link", name="Lan Pham").click()
        await expect(page.locator("h1")).to_contain_text("Lan Pham")
        # An English customer's words are read from the left, the page around them from the right.
        assert await page.locator("blockquote").evaluate("each => getComputedStyle(each).direction") == "ltr"
        assert await middle(page.locator(".story")) > await middle(page.locator(".acts"))
        await picture(page, "case")
