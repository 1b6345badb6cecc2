"""The demo in a real browser, as a newcomer meets it; with AFTERCHAT_PICTURES it takes the README's pictures.

``AFTERCHAT_PICTURES=docs/pictures`` (what ``make pictures`` sets) writes them; otherwise nothing is written.
"""

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Frame, Locator, Page, async_playwright, expect

from bot.demo import Demo
from tests.acceptance.world import DESK, ROOT

CHROMIUM = os.environ.get("AFTERCHAT_CHROMIUM") or shutil.which("chromium") or ""
PICTURES = os.environ.get("AFTERCHAT_PICTURES")
pytestmark = pytest.mark.browser


#: twenty minutes a second: a busy machine that stops for seconds makes no question too late
FAST = 1200.0
at_speed = pytest.mark.parametrize("demo", [FAST], indirect=True)


@pytest.fixture
async def demo(tmp_path: Path, sqlite_tables: Path, request: pytest.FixtureRequest) -> AsyncIterator[Demo]:
    shutil.copy(sqlite_tables, tmp_path / "demo.db")
    database, speed = f"sqlite:///{tmp_path}/demo.db", getattr(request, "param", 1.0)
    path = ROOT / "config.example.toml"
    async with Demo.open(path, app_port=0, database=database, environ={}, speed=speed) as running:
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
        await expect(page.locator(".toast")).to_have_count(0)
        await page.wait_for_timeout(700)  # the widget's motion
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

    # an agent claims
    await alert.get_by_role("button", name="Claim").click()
    await expect(alert).to_contain_text("Claimed by Anna Nowak")
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


async def writes(chat: Locator, text: str) -> None:
    field = chat.locator("form.write input[name=text]")
    await field.fill(text)
    await field.press("Enter")


async def resolves(page: Page, alert: Locator, action: str) -> None:
    await alert.get_by_role("button", name="Resolve").click()
    await page.get_by_label("What was the cause?").select_option(index=1)
    await page.get_by_label("What was done about it?").fill(action)
    await page.locator("dialog .primary").click()
    await expect(page.locator("dialog[open]")).to_have_count(0)


async def unhappy_mai(page: Page) -> Locator:
    """Mai rates 1 in the Telegram-like chat and says why; her alert."""
    telegram = chat_of(page, "telegram")
    await page.click("#telegram .end")
    await telegram.get_by_role("button", name="😞").click(timeout=10_000)
    await telegram.get_by_role("button", name="Slow reply").click()
    await telegram.get_by_role("button", name="Done").click()
    await expect(telegram.get_by_text("Please tell us what happened")).to_be_visible()
    await writes(telegram, "Nobody answered for two days <!channel>")
    alert = chat_of(page, "desk").locator(".post", has_text="Nobody answered for two days <!channel>").first
    await expect(alert).to_contain_text("Mai Tran", timeout=10_000)
    return alert


async def test_a_visitor_plays_the_whole_story_of_a_rescue(page: Page) -> None:
    desk, telegram = chat_of(page, "desk"), chat_of(page, "telegram")
    alert = await unhappy_mai(page)
    await picture(page, "alert")
    await alert.get_by_role("button", name="Claim").click()
    await expect(alert).to_contain_text("Claimed by Anna Nowak")

    # from the form, with a ready answer under what was written already
    await alert.get_by_role("button", name="Reply").click()
    await page.get_by_label("Your answer").fill("Hello again!")
    await page.get_by_label("Ready answers").select_option(index=1)
    await expect(page.get_by_label("Your answer")).to_have_value(re.compile(r"Hello again!\n\nDear Mai"))
    await picture(page, "reply")
    await page.locator("dialog .primary").click()
    await expect(telegram.get_by_text("Hello again!")).to_be_visible()
    await writes(telegram, "It is order A-1042")
    await expect(desk.locator(".post.reply", has_text="It is order A-1042")).to_be_visible()

    # from the thread; what is for colleagues stays with them
    field = desk.get_by_label("Reply in the thread")
    for text in ("// she is a regular, be generous", "A new one leaves today"):
        await field.fill(text)
        await field.press("Enter")
    await expect(telegram.get_by_text("A new one leaves today")).to_be_visible()
    await expect(desk.locator(".post.internal")).to_contain_text("not sent to the customer")
    await expect(telegram.get_by_text("she is a regular")).to_have_count(0)
    await picture(page, "thread")

    # resolved, not yet, resolved, yes
    await resolves(page, alert, "Sent a new one")
    await telegram.get_by_role("button", name="Not yet").click(timeout=10_000)
    await expect(alert).to_contain_text("Reopened")
    await writes(telegram, "The new one is broken, too")
    await expect(desk.locator(".post.reply", has_text="The new one is broken, too")).to_be_visible()
    await resolves(page, alert, "Gave the money back")
    await telegram.get_by_role("button", name="Yes").click(timeout=10_000)
    await expect(alert).to_contain_text("Recovered")
    await expect(alert.get_by_role("button", name="Claim")).to_have_count(0)
    await picture(page, "recovered")


async def test_two_agents_press_claim_and_one_reads_who_was_first(demo: Demo, page: Page) -> None:
    alert = await unhappy_mai(page)
    (post,) = (each for each in demo.slack.messages(DESK) if each.blocks)
    await asyncio.gather(*(demo.slack.user_clicks(who, DESK, post.ts, "Claim") for who in ("U0ANNA", "U0BEN")))
    await expect(alert).to_contain_text("Claimed by")
    first, second = ("Anna Nowak", "Ben Carter")
    if "Claimed by Ben" in await alert.inner_text():
        first, second = second, first
    told = chat_of(page, "desk").locator(".post.only")
    await page.locator(".agents").get_by_text(second).click()
    await expect(told).to_contain_text(f"{first} has already claimed this case")
    await page.locator(".agents").get_by_text(first).click()
    await expect(told).to_have_count(0)


async def test_menus_of_an_alert_and_the_queue_as_a_page(page: Page) -> None:
    alert = await unhappy_mai(page)
    await alert.get_by_label("Assign to").select_option(label="Ben Carter")
    await expect(alert).to_contain_text("Claimed by Ben Carter")
    await alert.get_by_label("Snooze").select_option(label="Until another time…")
    await expect(page.get_by_label("No reminders until")).not_to_have_value("")
    await page.locator("dialog .primary").click()
    await expect(alert).to_contain_text("no reminders until")

    # the link of the alert, and of the page's head: signed in as the agent whom one plays
    async with page.context.expect_page() as opened:
        await alert.get_by_role("link", name="Open in dashboard").click()
    case = await opened.value
    await expect(case.get_by_role("heading", name="Mai Tran gave")).to_be_visible()
    await expect(case.locator(".top")).to_contain_text("Anna Nowak")
    await case.get_by_label("Your answer").fill("Hello from the page")
    await picture(case, "case")
    await case.get_by_role("button", name="Send").click()
    await expect(chat_of(page, "telegram").get_by_text("Hello from the page")).to_be_visible()
    await page.locator(".agents").get_by_text("Lea Fischer").click()
    async with page.context.expect_page() as opened:
        await page.get_by_role("link", name="open the queue").click()
    queue = await opened.value
    await expect(queue.locator(".top")).to_contain_text("Lea Fischer")
    await expect(queue.locator(".row")).to_contain_text("Ben Carter")
    await picture(queue, "queue")


async def test_feedback_at_any_time_is_one_click_away(page: Page) -> None:
    await page.click("#telegram .command")
    await page.click("#direct .command")
    for chat in ("telegram", "direct"):
        await expect(chat_of(page, chat).get_by_role("button", name="😞")).to_be_visible(timeout=10_000)
    widget = shop(page)
    await widget.get_by_role("button").first.click()
    await widget.get_by_role("button", name="Give feedback").click()
    await expect(widget.get_by_role("button", name=re.compile("^1"))).to_be_visible(timeout=10_000)


async def decided(page: Page, rule: str) -> Locator:
    """The newest decision of the ledger, once this rule gave it."""
    newest = page.locator("#ledger > li").first
    await expect(newest).to_have_attribute("data-rule", rule, timeout=20_000)
    return newest


async def plays(page: Page, outcome: str, rule: str) -> Locator:
    button = page.locator(f"[data-outcome={outcome}]")
    await button.click()
    await expect(button).to_be_enabled(timeout=20_000)
    return await decided(page, rule)


OUTCOMES = [
    ("stop", "opted out", "not asked", "The customer does not want to be asked."),
    ("few", "too few messages", "not asked", "It was too short. Messages: 2; needed: 3."),
    ("bot", "no human answered", "not asked", "No human had answered the customer."),
    ("old", "closed too long ago", "not asked", "nobody is asked about it any more"),
    ("writes", "the customer went on", "not asked", "The customer wrote again before the question was due."),
    ("cool", "cool-down", "not asked", "between two surveys there are at least 7"),
    ("night", "quiet hours", "later", "when the quiet hours in Asia/Ho_Chi_Minh end"),
]


@at_speed
async def test_ledger_says_why_of_each_outcome_that_is_played(page: Page) -> None:
    await expect(page.locator("#settings-here")).to_contain_text("The real settings")
    for outcome, rule, verdict, sentence in OUTCOMES:
        newest = await plays(page, outcome, rule)
        await expect(newest.locator(".verdict")).to_have_text(verdict)
        await expect(newest.locator(".sentence")).to_contain_text(sentence)
    await expect(page.locator("#ask").get_by_label("Messages")).to_have_value("6")
    await picture(page, "when-to-ask")

    # in the morning the question comes; the story behind the decision opens by key and stays open
    night = page.locator("#ledger > li").first
    await night.locator("summary").focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Jump to 10:00").click()
    await expect(night).to_have_attribute("data-rule", "nothing speaks against it", timeout=20_000)
    await expect(night.locator(".story-of")).to_contain_text("quiet hours")
    await expect(night.locator(".story-of")).to_be_visible()
    telegram = chat_of(page, "telegram")
    await telegram.get_by_role("button", name="Not this time").click()
    await expect(telegram.get_by_role("button", name="Not this time")).to_have_count(0, timeout=10_000)


@at_speed
async def test_chat_of_any_kind_ends_as_its_fields_say(page: Page) -> None:
    form = page.locator("#ask")
    await page.get_by_role("button", name="Jump to 10:00").click()
    await expect(page.locator("#clock-local")).to_contain_text("where Mai is")
    await form.get_by_label(re.compile("^Customer")).select_option("slack")
    await expect(page.locator("#clock-local")).to_contain_text("where Giulia is")
    await form.get_by_label("Begun by").select_option("agent")
    await form.get_by_role("button", name="The chat ends").click()
    newest = await decided(page, "an agent began it")
    await expect(newest).to_contain_text("Giulia Rossi")
    await form.get_by_role("button", name="Tell it again").click()
    await expect(newest).to_contain_text("told 2 times")
    await page.get_by_role("button", name="Jump to 10:00").click()
    await form.get_by_role("button", name="Agent asks now").press("Enter")
    await decided(page, "nothing speaks against it")
    await expect(chat_of(page, "direct").get_by_role("button", name="😀")).to_be_visible(timeout=10_000)


@at_speed
async def test_answer_in_an_email_is_taken_and_by_whom_is_known(page: Page) -> None:
    face = page.frame_locator("#email").get_by_role("link", name=re.compile("^1"))
    async with page.context.expect_page() as opened:
        await face.click()
    survey = await opened.value
    await expect(survey.get_by_text("Your answer is chosen")).to_be_visible(timeout=10_000)
    await survey.mouse.move(200, 200)
    await survey.mouse.move(220, 210)
    await expect(survey.get_by_text("What went wrong?")).to_be_visible(timeout=10_000)
    newest = await decided(page, "the customer wanted to")
    await expect(newest).to_contain_text("Mai Tran")


async def test_agent_asks_for_a_rating_of_what_a_customer_wrote(page: Page) -> None:
    direct = chat_of(page, "direct")
    await direct.get_by_label("More actions").first.click()
    await direct.get_by_role("button", name="Ask for a rating").first.click()
    await expect(direct.get_by_role("button", name="😀")).to_be_visible(timeout=10_000)
    await expect(direct.locator(".post.only")).to_contain_text("Only visible to Anna Nowak")


async def test_panel_opens_by_key_says_what_is_shortened_and_fits_a_phone(page: Page) -> None:
    panel, opener = page.locator("#asking"), page.get_by_role("button", name="When to ask")
    await expect(panel).to_be_hidden()
    await opener.press("Enter")
    await expect(opener).to_have_attribute("aria-expanded", "true")
    await expect(page.locator("#settings-here")).to_contain_text("afterchat demo --speed 3600")
    await expect(page.locator("[data-outcome=night]")).to_be_disabled()
    await plays(page, "agent", "an agent began it")
    high = "document.documentElement.scrollHeight <= innerHeight"
    wide = "document.documentElement.scrollWidth <= innerWidth"
    assert await page.evaluate(f"{high} && {wide}")
    await page.set_viewport_size({"width": 390, "height": 844})
    assert await page.evaluate(wide)
    await opener.click()
    await expect(panel).to_be_hidden()
    await opener.click()
    await expect(page.get_by_role("button", name="The chat ends")).to_be_in_viewport()
