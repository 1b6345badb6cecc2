"""Reasons by score, required words, a contact, consent, the panel and a review on survey pages, without a script."""

from collections.abc import AsyncIterator

import pytest

from tests.conftest import SetClock
from tests.web.survey_site import Survey, survey_at

REVIEW = 'href="https://reviews.example/lotus" target="_blank" rel="noopener noreferrer"'


@pytest.fixture
async def site(storage_url: str, clock: SetClock) -> AsyncIterator[Survey]:
    async with survey_at(storage_url, clock=clock) as opened:
        yield opened


async def test_a_promoter_joins_the_panel_and_is_offered_a_review(site: Survey) -> None:
    page = await site.send(await site.get(await site.link("product")), "10")
    assert "What did you like most?" in page.words
    assert "The design" in page.words
    assert "The noise" not in page.words
    page = await site.send(page, "Skip")
    page = await site.send(page, text="Quiet and light")
    assert "customer panel" in page.words
    page = await site.send(page, "Yes, gladly")
    assert "Welcome to the panel!" in page.words
    assert REVIEW in page.text
    assert "Write a review" in page.words


async def test_a_detractor_must_say_why_and_leaves_an_address(site: Survey) -> None:
    link = await site.link("product", attributes={"tag": "<b>mower</b>"})
    page = await site.send(await site.get(link), "2")
    assert "A problem that I met" in page.words
    page = await site.send(page, "Skip")
    assert "You gave us 2/10 because of: no reason. What happened?" in page.words
    assert "Skip" not in page.buttons()
    page = await site.send(page, text="no")
    assert "Please tell us in a few words" in page.words
    page = await site.send(page, text="It broke")
    assert "How can we reach you?" in page.words
    page = await site.send(page, text="anna@example.com")
    assert "May we keep this address for a month?" in page.words
    page = await site.send(page, "I do not agree")
    assert "We are sorry that we let you down" in page.words
    assert REVIEW not in page.text
