"""Survey pages over HTTP, without a script, on both databases: what is asked, what counts, and what changes nothing."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.channels.limits import Allowance, Rate
from bot.config import AskingSettings
from bot.messages import Address, ChannelName, Commanded, Outbound, Text
from bot.ports import Outcome, Queue, Read
from bot.storage.ops import ask, query
from tests.conftest import SetClock
from tests.web.scripted_site import KEY
from tests.web.survey_site import PAGE, Survey, everything_in, rows_of, survey_at

ROOMY = Allowance(
    requests=Rate(burst=1_000, per_second=100.0),
    surveys_of_address=Rate(burst=1_000, per_second=100.0),
    octets_of_address=Rate(burst=100_000_000, per_second=1e6),
)


@pytest.fixture
async def site(storage_url: str, clock: SetClock) -> AsyncIterator[Survey]:
    async with survey_at(storage_url, clock=clock, allowance=ROOMY) as opened:
        yield opened


# ---- nothing changes without a person -----------------------------------------------------------------------


async def test_fetching_every_link_of_an_email_changes_nothing(site: Survey) -> None:
    paths = [await site.link(customer="C-1"), await site.link(), await site.link("delivery") + "?ref=T-1"]
    begun = await site.link()
    await site.send(await site.get(f"{begun}?a=2&ref=T-9"), "Dissatisfied")
    before = await everything_in(site.storage)
    for _ in range(10):
        for value in range(6):
            for path in [*paths, f"{begun}?ref=T-9"]:
                page = await site.get(f"{path}{'&' if '?' in path else '?'}a={value}", **{"Sec-Purpose": "prefetch"})
                assert page.status == 200
            async with site.client.head(f"{site.url}{paths[0]}?a={value}") as answer:
                assert answer.status == 200
    assert await everything_in(site.storage) == before


async def test_who_fetches_every_answer_is_asked_for_a_press(site: Survey, clock: SetClock) -> None:
    path = await site.link() + "?ref=T-1"
    shown = [(await site.get(f"{path}&a={value}")).text.count("data-by-itself") for value in (1, 2, 2, 3)]
    assert shown == [1, 1, 1, 0]
    other = await site.get(path.replace("T-1", "T-2") + "&a=4")
    assert "data-by-itself" in other.text
    refused = await site.post(path, (await site.get(f"{path}&a=1")).form("Dissatisfied") | {"by": "script"})
    assert refused.status == 200
    assert await site.count("conversation") == 0
    clock.advance(minutes=2)
    assert "data-by-itself" in (await site.get(f"{path}&a=4")).text
    pressed = await site.send(await site.get(f"{path}&a=4"), "Satisfied")
    assert "✓ 🙂 4/5" in pressed.words


async def test_what_a_script_sends_in_vain_stays_chosen_and_waits_for_a_press(site: Survey) -> None:
    path = await site.link() + "?ref=T-1"
    read = await site.get(f"{path}&a=4")
    for value in (1, 2, 3):
        await site.get(f"{path}&a={value}")
    page = await site.post(read.action, read.form("Satisfied") | {"by": "script"})
    assert "Please press the button to send your answer." in page.words
    assert "Your answer: 🙂 Satisfied" in page.words
    assert await site.count("conversation") == 0
    assert "✓ 🙂 4/5" in (await site.send(page, "Satisfied")).words


@pytest.mark.parametrize(
    ("networks", "shown"),
    [
        (["203.0.113.1", "203.0.113.2", "203.0.113.3", "203.0.113.4"], [1, 1, 1, 1]),
        (["203.0.113.1", "203.0.113.1", "203.0.113.1", "203.0.113.2"], [1, 1, 0, 1]),
    ],
)
async def test_readers_of_one_signature_are_no_scanner(
    storage_url: str, clock: SetClock, networks: list[str], shown: list[int]
) -> None:
    async with survey_at(storage_url, clock=clock, allowance=ROOMY, behind="127.0.0.1") as site:
        path = await site.link()
        pages = [await site.get(f"{path}?a={n}", **{"X-Forwarded-For": of}) for n, of in enumerate(networks, 1)]
        assert [page.text.count("data-by-itself") for page in pages] == shown


async def test_two_answers_are_all_that_a_thumb_has(site: Survey) -> None:
    path = await site.link("thumbs") + "?ref=T-1"
    shown = [(await site.get(f"{path}&a={value}")).text.count("data-by-itself") for value in (0, 1)]
    assert shown == [1, 0]


# ---- the way through ------------------------------------------------------------------------------------------


async def test_an_answer_is_taken_and_the_flow_goes_on_to_its_end(site: Survey) -> None:
    path = await site.link(attributes={"agent": "Minh"})
    page = await site.get(f"{path}?a=2")
    assert "How was your chat with Minh?" in page.words
    assert "Your answer: 😕 Dissatisfied" in page.words
    page = await site.send(page, "Dissatisfied")
    assert "Thank you, your answer has been noted." in page.words
    assert "✓ 😕 2/5" in page.words
    page = await site.send(page, **{"o.slow": "on", "o.rude": "on"})
    assert "✓ Slow reply, Not friendly" in page.words
    page = await site.send(page, text="It took <b>days</b>\r\nand days")
    assert "It took <b>days</b> and days" in page.words
    assert "<b>days" not in page.text
    assert "Write to us" in page.words
    assert [row[0] for row in await rows_of(site.storage, "answer")] != []
    assert await site.count("answer") == 3
    assert await site.count("conversation") == 1


async def test_skipping_and_changing(site: Survey) -> None:
    page = await site.send(await site.get(await site.link() + "?a=3"), "Neither satisfied nor dissatisfied")
    page = await site.send(page, "Change")
    assert "How was your chat" in page.words
    assert "<textarea" not in page.text, "words would be taken for the answer that is being corrected"
    page = await site.send(page, "Dissatisfied")
    assert "✓ 😕 2/5" in page.words
    page = await site.send(page, "Skip")
    assert "Skipped" in page.words
    page = await site.send(page, **{"o.slow": "on"})
    assert "✓ Slow reply" in page.words
    assert await site.count("answer") == 3


@pytest.mark.parametrize(("filled", "told"), [({}, "choose at least one"), ({"text": " \u200b "}, "write a few words")])
async def test_what_is_wrong_is_said_in_words_beside_the_field(site: Survey, filled: dict[str, str], told: str) -> None:
    page = await site.send(await site.get(await site.link() + "?a=2"), "Dissatisfied")
    if filled:
        page = await site.send(page, **{"o.slow": "on"})
    page = await site.send(page, **filled)
    assert page.status == 422
    assert told in page.words
    assert 'role="alert"' in page.text
    named = re.findall(r'aria-describedby="(error\d+)"', page.text)
    assert f'id="{named[0]}"' in page.text


async def test_words_that_are_too_long_are_refused_and_shown_again(site: Survey) -> None:
    page = await site.send(await site.get(await site.link() + "?a=3"), "Neither satisfied nor dissatisfied")
    page = await site.send(page, text="a" * 65_537)
    assert (page.status, "too long" in page.words) == (413, True)
    assert "a" * 65_537 in page.text


async def test_an_agents_words_stand_there_later_and_can_be_answered(site: Survey) -> None:
    path = await site.link(customer="C-1")
    await site.send(await site.get(f"{path}?a=5"), "Very satisfied")
    address = Address(channel=PAGE, key=site.channel.session_of(path.removeprefix("/s/")))
    relay = Outbound(kind="relay", to=address, lane="l", slot="a:1", content=Text(text="Hello, this is Minh."))
    await site.storage.run(Read(), lambda _: Outcome(writes=(Queue(outbound=relay, at=site.app.clock()),)))
    page = await site.get(path)
    async with asyncio.timeout(10):
        while "Minh" not in page.words:
            await asyncio.sleep(0.05)
            page = await site.get(path)
    page = await site.send(page, text="Thanks, Minh!")
    assert page.words.index("this is Minh") < page.words.index("Thanks, Minh!")
    assert await site.count("words") == 1


# ---- once ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["?a=4", "?a=4&ref=T-1"])
async def test_a_form_that_is_sent_many_times_at_once_counts_once(site: Survey, query: str) -> None:
    page = await site.get(await site.link() + query)
    pages = await asyncio.gather(*(site.send(page, "Satisfied") for _ in range(6)))
    assert {each.status for each in pages} == {200}
    assert await site.count("conversation") == 1
    assert await site.count("answer") == 1
    assert "✓ 🙂 4/5" in (await site.get(pages[0].path)).words


async def test_two_tabs_with_two_answers_count_one(site: Survey) -> None:
    path = await site.link(customer="C-1")
    one, other = await site.get(f"{path}?a=4"), await site.get(f"{path}?a=1")
    await asyncio.gather(site.send(one, "Satisfied"), site.send(other, "Very dissatisfied"))
    assert await site.count("conversation") == 1
    assert await site.count("answer") == 1


async def test_a_personal_link_that_is_used_at_two_places_at_once_begins_one_survey(site: Survey) -> None:
    async def in_a_chat(path: str, n: int) -> None:
        sender = Address(channel=ChannelName("web"), key=f"visitor {n}")
        used = Commanded(
            event=f"used {n}", sender=sender, command="start", argument=path.removeprefix("/s/"), at=site.app.clock()
        )
        await site.app.intake.handle(used)

    paths = [await site.link(customer=f"C-{n}") for n in range(8)]
    pages = [await site.get(path) for path in paths]
    await asyncio.gather(
        *(in_a_chat(path, n) for n, path in enumerate(paths)), *(site.send(page, "Satisfied") for page in pages)
    )
    assert await site.count("conversation") == 8
    known = await site.storage._engine.read(
        lambda: ask(query("SELECT c.reference FROM customer c JOIN address a ON a.customer = c.id", ""))
    )
    assert sorted(row[0] for row in known if row[0] is not None) == [f"C-{n}" for n in range(8)]


async def test_without_names_a_personal_link_keeps_only_what_stands_for_a_reference(
    storage_url: str, clock: SetClock
) -> None:
    async with survey_at(storage_url, clock=clock, allowance=ROOMY, asking=AskingSettings(anonymous=True)) as site:
        body = {"links": [{"customer": "customer-1042"}]}
        headers = {"Authorization": f"Bearer {KEY}"}
        async with site.client.post(f"{site.url}/api/v1/links", json=body, headers=headers) as answer:
            made = (await answer.json())["links"][0]
        await site.send(await site.get(f"/s/{made['id']}"), "Satisfied")
        kept = await site.storage.links.find(made["id"])
        assert kept is not None
        assert kept.customer == site.app.intake.known_as("customer-1042")
        everything = await everything_in(site.storage)
        assert kept.customer in " ".join(everything["customer"])
        assert "customer-1042" not in repr(everything)


async def test_a_survey_that_began_without_its_answer_takes_it_when_it_is_sent_again(site: Survey) -> None:
    """As after a crash between the two steps."""
    path = await site.link(customer="C-1")
    page = await site.get(f"{path}?a=4")
    begun = page.form("Satisfied") | {"token": "1.new.9.4"}
    await site.post(page.action, begun)
    assert (await site.count("conversation"), await site.count("answer")) == (1, 0)
    await site.send(page, "Satisfied")
    assert (await site.count("conversation"), await site.count("answer")) == (1, 1)


async def test_another_answer_of_the_same_email_offers_to_change_for_a_while(site: Survey, clock: SetClock) -> None:
    path = await site.link() + "?ref=T-1"
    async with site.browser() as own:
        await own.send(await own.get(f"{path}&a=4"), "Satisfied")
        page = await own.get(f"{path}&a=1")
        assert "already noted your answer" in page.words
        assert "Change" in page.buttons()
        await own.send(await own.send(page, "Change"), "Very dissatisfied")
        assert "✓ 😞 1/5" in (await own.get(f"{path}&a=5")).words
        clock.advance(minutes=16)
        page = await own.get(f"{path}&a=1")
        assert "has already been counted" in page.words
        assert "Change" not in page.buttons()
    assert await site.count("answer") == 1


# ---- whose page it is ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cookies", [True, False])
async def test_who_guesses_a_tickets_number_reads_and_writes_nothing(site: Survey, cookies: bool) -> None:
    path = await site.link() + "?ref=T-81"
    async with site.browser() as one, site.browser() as other:
        owner, guesser = (one, other) if cookies else (site, site)
        opened = await guesser.get(path)
        page = await owner.send(await owner.get(f"{path}&a=2"), "Dissatisfied")
        page = await owner.send(page, **{"o.slow": "on"})
        tokens = [{"token": token} for token in page.buttons().values()]
        page = await owner.send(page, text="My boiler leaks")
        seen = await guesser.get(f"{path}&a=5")
        assert seen.words == "Your feedback Thank you, we have already received your answer."
        before = [
            await rows_of(site.storage, table) for table in ("conversation", "answer", "words", "customer", "chat_line")
        ]
        forms = [opened.form("Very satisfied"), {"text": "STOP"}, {"text": "STOP", "begin": "1"}, *tokens]
        assert len(forms) > 3
        for form in forms:
            said = await guesser.post(path, form)
            assert (said.status, "boiler" in said.text, "already received" in said.words) == (200, False, True)
        after = [
            await rows_of(site.storage, table) for table in ("conversation", "answer", "words", "customer", "chat_line")
        ]
        assert after == before
        assert "My boiler leaks" in (await owner.get(page.path)).words
        assert "Write to us" in (await owner.get(page.path)).words


async def test_a_browser_with_cookies_needs_nothing_in_the_address(site: Survey) -> None:
    path = await site.link() + "?ref=T-1"
    async with site.browser() as own:
        page = await own.send(await own.get(f"{path}&a=4"), "Satisfied")
        assert page.path == f"{path}&n=noted"
        other = await own.send(await own.get(path.replace("T-1", "T-2")), "Very satisfied")
        assert "5/5" in other.words
        assert "4/5" in (await own.get(path)).words, "another ticket's page does not forget this one"
    assert "4/5" not in (await site.get(page.path)).words


@pytest.mark.parametrize("begun", [True, False])
@pytest.mark.parametrize("query", ["", "?ref=T-1"])
@pytest.mark.parametrize("known", [True, False])
async def test_nobody_goes_on_in_a_page_that_somebody_else_sent(
    site: Survey, begun: bool, query: str, known: bool
) -> None:
    path = await site.link()
    sent = await site.get(path + query)
    if begun:
        sent = await site.send(sent, "Very dissatisfied")
    bait = sent.path if begun else sent.action
    bait += f"{'&' if '?' in bait else '?'}c=0&a=4"
    before = await site.count("answer")
    async with site.browser() as reader:
        if known:
            await reader.get(path)
        page = await reader.get(bait)
        if "begin" in page.form():
            page = await reader.send(page, "Satisfied")
            assert "✓ 🙂 4/5" in page.words
            assert await site.count("answer") == before + 1
        elif "<form" in page.text:
            page = await reader.send(page, "Change")
            assert await site.count("answer") == before
        again = await site.get(bait.replace("&a=4", ""))
        assert "4/5" not in again.words
        assert ("✓ 😞 1/5" in again.words) == begun


@pytest.mark.parametrize("where", ["?ref=T-1", ""])
async def test_a_form_that_is_sent_again_a_little_later_still_shows_what_came_of_it(site: Survey, where: str) -> None:
    """As by a second press, while the answer to the first is on a slow way."""
    page = await site.get(await site.link() + where)
    await site.send(page, "Satisfied")
    assert "✓ 🙂 4/5" in (await site.send(page, "Satisfied")).words
    assert await site.count("conversation") == 1


@pytest.mark.parametrize(("public_url", "secure"), [("https://feedback.example", True), ("http://127.0.0.1:1", False)])
async def test_a_proof_is_for_no_script_and_for_no_other_page(
    storage_url: str, clock: SetClock, public_url: str, secure: bool
) -> None:
    async with survey_at(storage_url, clock=clock, allowance=ROOMY, public_url=public_url) as site:
        path = await site.link()
        page = await site.get(f"{path}?ref=T-1")
        async with site.client.post(
            f"{site.url}{path}?ref=T-1", data=page.form("Satisfied"), allow_redirects=False
        ) as answer:
            cookie = answer.cookies["afterchat-pages"]
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", path)
        assert bool(cookie["secure"]) == secure
        personal = await site.get(await site.link(customer="C-1"))
        assert "Set-Cookie" not in personal.headers


async def test_visitors_of_one_link_do_not_share_a_page(site: Survey) -> None:
    path = await site.link()
    first = await site.send(await site.get(f"{path}?a=5"), "Very satisfied")
    assert "s=" in first.path
    assert "5/5" not in (await site.get(path)).words
    assert "5/5" in (await site.get(first.path)).words
    await site.send(await site.get(f"{path}?a=1"), "Very dissatisfied")
    await site.send(await site.get(f"{path}?ref=T-1&a=1"), "Very dissatisfied")
    await site.send(await site.get(f"{path}?ref=T-2&a=1"), "Very dissatisfied")
    assert await site.count("conversation") == 4
    assert await site.count("customer") == 4


async def test_a_forged_session_is_none(site: Survey) -> None:
    path = await site.link()
    first = await site.send(await site.get(f"{path}?a=5"), "Very satisfied")
    forged = first.path.replace("&n=noted", "")[:-4] + "AAAA"
    page = await site.get(forged)
    assert page.status == 200
    assert "5/5" not in page.words


async def test_a_placeholder_that_nobody_filled_in_names_no_dealing(site: Survey) -> None:
    path = await site.link()
    for _ in range(2):
        await site.send(await site.get(f"{path}?a=5&ref={{{{ticket.id}}}}"), "Very satisfied")
    assert await site.count("conversation") == 2


# ---- whom it speaks to -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("locale", "accept", "lang", "side", "text"),
    [
        (None, "", "en", "ltr", "How was your chat"),
        (None, "de, it;q=0.8, en;q=0.5", "it", "ltr", "La Sua opinione"),
        ("vi", "it", "vi", "ltr", "Ý kiến của quý khách"),
        (None, "ar-EG, en;q=0.2", "ar", "rtl", "كيف كانت محادثتك معنا؟"),
        (None, ";;q=,,q;=1", "en", "ltr", "How was your chat"),
    ],
)
async def test_it_speaks_the_language_of_the_link_or_of_the_browser(
    site: Survey, locale: str | None, accept: str, lang: str, side: str, text: str
) -> None:
    path = await site.link("arabic", locale=locale)
    page = await site.get(path, **{"Accept-Language": accept})
    assert f'<html lang="{lang}" dir="{side}">' in page.text
    assert text in page.words


# ---- strangers, and what is over -----------------------------------------------------------------------------------


async def test_a_link_that_leads_nowhere_says_so(site: Survey, clock: SetClock) -> None:
    expired = await site.link(lasts=timedelta(days=1))
    gone = await site.link("gone")
    page = await site.get(expired)
    clock.advance(days=2)
    for path in (expired, gone, "/s/nothing", f"/s/{'A' * 22}"):
        found = await site.get(path, **{"Accept-Language": "it"})
        assert (found.status, "non è più valido" in found.words) == (404, True)
    assert (await site.send(page, "Satisfied")).status == 404
    assert await site.count("conversation") == 0


async def test_a_page_that_began_can_be_read_after_its_link_is_over(site: Survey, clock: SetClock) -> None:
    path = await site.link(lasts=timedelta(days=1), customer="C-1")
    await site.send(await site.get(path), "Satisfied")
    clock.advance(days=2)
    page = await site.get(path)
    assert (page.status, "🙂 4/5" in page.words) == (200, True)


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Sec-Fetch-Site": "cross-site"}, 403), ({"Origin": "https://evil.example"}, 403), ({}, 200)],
)
async def test_a_form_of_another_site_is_refused(site: Survey, headers: dict[str, str], status: int) -> None:
    page = await site.get(await site.link())
    answer = await site.post(page.action, page.form("Satisfied"), **headers)
    assert answer.status == status
    assert await site.count("conversation") == (1 if status == 200 else 0)


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"token": "nonsense"},
        {"token": "1.0k3f9x2m7q8d4h1z.1.5"},
        {"begin": "1", "token": "1.new.1.99"},
        {"several": "x", "o.slow": "on"},
        {"text": "\0\0"},
        {"begin": "1", "once": "<script>", "token": "c1.x.claim"},
    ],
)
async def test_forms_that_nobody_made_change_no_answer(site: Survey, form: dict[str, str]) -> None:
    page = await site.get(await site.link() + "?ref=T-1")
    answer = await site.post(page.action, form)
    assert answer.status in (200, 422)
    assert await site.count("answer") == 0


async def test_pages_are_kept_by_no_cache_and_no_search_engine_and_load_nothing_elsewhere(site: Survey) -> None:
    page = await site.get(await site.link() + "?a=4")
    assert page.headers["Cache-Control"] == "no-store"
    assert "noindex" in page.headers["X-Robots-Tag"]
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "'unsafe-inline'" not in page.headers["Content-Security-Policy"]
    assert re.findall(r'(?:src|href|action)="(?!/s/|/survey/)', page.text) == []
    for name in ("page.css", "page.js"):
        found = await site.get(f"/survey/{name}")
        assert found.status == 200
        assert (await site.get(f"/survey/{name}", **{"If-None-Match": found.headers["ETag"]})).status == 304
    assert "--brand:#2563eb" in (await site.get("/survey/page.css")).text
    assert (await site.get("/survey/pages.py")).status == 404


async def test_the_channel_itself_receives_nothing(site: Survey) -> None:
    assert (await site.post("/channels/page", {"do": "open"})).status == 404


async def test_one_network_begins_only_so_many_surveys_of_a_link_for_all(storage_url: str, clock: SetClock) -> None:
    tight = Allowance(surveys_of_address=Rate(burst=2, per_second=0.001))
    async with survey_at(storage_url, clock=clock, allowance=tight) as site:
        path = await site.link()
        pages = [await site.send(await site.get(path), "Satisfied") for _ in range(3)]
        assert [page.status for page in pages] == [200, 200, 429]
        assert "a little later" in pages[-1].words
        assert int(pages[-1].headers["Retry-After"]) > 0
        again = await site.send(await site.get(pages[0].path), "Change")
        assert again.status == 200
        personal = await site.send(await site.get(await site.link(customer="C-1")), "Satisfied")
        assert personal.status == 200
