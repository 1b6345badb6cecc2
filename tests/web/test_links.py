"""Links over HTTP, and the scale that goes into an e-mail."""

import html
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bot.config import Settings
from bot.conversations.questions import OpenText
from bot.web.links import Letter, NoLetter, answers_of, html_of, new_link
from bot.web.survey.scanners import Fetches
from tests.conftest import SetClock
from tests.intake.world import START
from tests.web.case_site import Shop, empty_database, shop_at
from tests.web.scripted_site import KEY
from tests.web.survey_site import DELIVERY, SUPPORT, THUMBS, settings_at

HEADERS = {"Authorization": f"Bearer {KEY}"}
SETTINGS: Settings = settings_at("sqlite://")


def letter(flow: str = "support", locale: str = "en", reference: str = "") -> Letter:
    pinned = next(each for each in SETTINGS.flows if each.flow.id == flow)
    return Letter(link=new_link(flow, START), flow=pinned, locale=locale, reference=reference)


# ---- e-mail -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flow", "values"),
    [(SUPPORT, range(1, 6)), (DELIVERY, range(11)), (THUMBS, range(2))],
)
def test_an_email_offers_the_whole_scale(flow: Any, values: range) -> None:
    written = letter(flow.flow.id)
    links = [html.unescape(each) for each in re.findall(r'href="([^"]+)"', html_of(written, SETTINGS))]
    assert links == [f"http://127.0.0.1:8080/s/{written.link.id}?a={value}" for value in values]
    assert [choice.value for choice in answers_of(written, SETTINGS)] == [str(value) for value in values]


def test_an_email_needs_no_style_sheet_no_script_and_no_picture() -> None:
    text = html_of(letter(), SETTINGS)
    assert re.findall(r"<(?!/?(?:table|tr|td|a)\b)[^>]*>", text) == []
    assert "class=" not in text
    assert text.count('role="presentation"') == text.count("<table")


def test_each_answer_has_a_name_for_those_who_hear_it() -> None:
    assert re.findall(r'aria-label="([^"]+)"', html_of(letter(locale="it"), SETTINGS))[0] == "1 – Molto male"
    assert re.findall(r'aria-label="([^"]+)"', html_of(letter("delivery"), SETTINGS))[7] == "7/10"


@pytest.mark.parametrize(("locale", "side"), [("en", "ltr"), ("ar", "rtl")])
def test_an_email_is_in_its_language_and_direction(locale: str, side: str) -> None:
    text = html_of(letter("arabic", locale), SETTINGS)
    assert f'lang="{locale}" dir="{side}"' in text
    assert ("كيف كانت محادثتك معنا؟" in text) == (locale == "ar")


def test_what_the_mail_system_fills_in_stays_as_it_is() -> None:
    text = html_of(letter(reference="{{ticket.id}}"), SETTINGS)
    assert text.count('&amp;ref={{ticket.id}}"') == 5


@pytest.mark.parametrize("reference", ['"><script>', "a&b", "a\nb", " {{x}}", "'"])
def test_what_is_no_placeholder_is_refused(reference: str) -> None:
    with pytest.raises(NoLetter, match="no placeholder"):
        html_of(letter(reference=reference), SETTINGS)


def test_only_a_rating_can_be_answered_from_an_email() -> None:
    words = replace(SUPPORT.flow, questions=(OpenText(id="comment", text={"en": "How was it?"}),))
    with pytest.raises(NoLetter, match="no rating"):
        html_of(replace(letter(), flow=replace(SUPPORT, flow=words)), SETTINGS)
    without_page = replace(SETTINGS, channels=SETTINGS.channels[:1])
    with pytest.raises(NoLetter, match="no survey page"):
        html_of(letter(), without_page)


# ---- HTTP ---------------------------------------------------------------------------------------------------


@pytest.fixture
async def shop(sqlite_tables: Path, tmp_path: Path, clock: SetClock) -> AsyncIterator[Shop]:
    async with shop_at(empty_database(sqlite_tables, tmp_path), clock) as opened:
        yield opened


async def ask(shop: Shop, body: object, **headers: str) -> tuple[int, Any]:
    assert shop.client is not None
    async with shop.client.post(f"{shop.url}/api/v1/links", json=body, headers=headers or HEADERS) as answer:
        return answer.status, await answer.json()


async def test_a_thousand_personal_links_are_made_at_once(shop: Shop) -> None:
    links = [{"customer": f"C-{n}", "language": "vi", "attributes": {"agent": " Minh\u202e "}} for n in range(1_000)]
    status, made = await ask(shop, {"links": links, "expires_at": "2027-01-01T00:00:00Z"})
    assert status == 201
    assert [each["customer"] for each in made["links"]] == [each["customer"] for each in links]
    assert len({each["id"] for each in made["links"]}) == 1_000
    last = made["links"][-1]
    assert last["telegram"] == f"https://t.me/lotus_bot?start={last['id']}"
    assert last["page"] is None, "there is no survey page in these settings"
    kept = await shop.storage.links.find(last["id"])
    assert kept is not None
    assert (kept.customer, kept.locale, dict(kept.attributes)) == ("C-999", "vi", {"agent": "Minh"})
    assert (kept.expires_at is not None, kept.conversation) == (True, None)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"links": []}, "links"),
        ({"links": [{}] * 1_001}, "links"),
        ({"links": [{}], "flow": "gone"}, "flow"),
        ({"links": [{}], "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"links": [{"custmer": "C-1"}]}, "links[0].custmer"),
        ({"links": [{"attributes": {"agent": "x" * 201}}]}, "links[0].attributes.agent"),
    ],
)
async def test_what_is_wrong_is_refused_and_nothing_is_kept(shop: Shop, body: object, field: str) -> None:
    status, said = await ask(shop, body)
    assert (status, said["error"]["field"]) == (422, field)


async def test_links_are_made_for_those_with_a_key(shop: Shop) -> None:
    status, _ = await ask(shop, {"links": [{}]}, Authorization="Bearer nobody's")
    assert status == 401


# ---- who fetches --------------------------------------------------------------------------------------------


def test_what_a_scanner_is(clock: SetClock) -> None:
    fetches = Fetches()
    for value, seconds in (("1", 0), ("2", 6), ("3", 6)):
        clock.advance(seconds=seconds)
        fetches.note("slow", value, clock(), values=5)
    assert not fetches.by_a_scanner("slow", clock()), "three answers in twelve seconds: somebody who cannot decide"
    for value in ("1", "2", "3"):
        fetches.note("quick", value, clock(), values=5)
    assert fetches.by_a_scanner("quick", clock())
    assert not fetches.by_a_scanner("another e-mail", clock())
    clock.advance(minutes=1)
    assert not fetches.by_a_scanner("quick", clock())


def test_only_so_many_are_remembered(clock: SetClock) -> None:
    fetches = Fetches()
    for page in range(10_001):
        for value in ("1", "2"):
            fetches.note(str(page), value, clock(), values=2)
    assert not fetches.by_a_scanner("0", clock())
    assert fetches.by_a_scanner("10000", clock())
