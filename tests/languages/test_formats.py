"""Numbers, dates and times are written as readers of each language write them."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from bot.languages import formats, locales

AT = datetime(2026, 3, 2, 15, 5, 59, tzinfo=UTC)

MOMENTS = {
    "en": "Mar 2, 2026, 4:05 PM CET",
    "en-GB": "2 Mar 2026, 16:05 CET",
    "vi": "16:05 2 thg 3, 2026 CET",
    "it": "2 mar 2026, 16:05 CET",
    "pl": "2 mar 2026, 16:05 CET",
    "de": "02.03.2026, 16:05 CET",
    "fr": "2 mars 2026, 16:05 CET",
    "es": "2 mar 2026, 16:05 CET",
    "pt-BR": "2 de mar. de 2026 16:05 CET",
    "ja": "2026/03/02 16:05 CET",
    "zh-Hans": "2026年3月2日 16:05 CET",
    "ar": "02\u200f/03\u200f/2026، 4:05 م CET",
    "xx": "Mar 2, 2026, 4:05 PM CET",
    "": "Mar 2, 2026, 4:05 PM CET",
}


@pytest.mark.parametrize(("locale", "written"), MOMENTS.items(), ids=[tag or "no language" for tag in MOMENTS])
def test_a_moment(locale: str, written: str) -> None:
    assert formats.moment(AT, "Europe/Rome", locale) == written
    assert formats.moment(AT, "Europe/Rome", locale, with_zone=False) == written.removesuffix(" CET")


@pytest.mark.parametrize(
    ("zone", "written"),
    [
        ("UTC", "2 mar 2026, 15:05 UTC"),
        ("Asia/Ho_Chi_Minh", "2 mar 2026, 22:05 UTC+07"),
        ("Pacific/Auckland", "3 mar 2026, 04:05 NZDT"),
        ("Nowhere/At-All", "2 mar 2026, 15:05 UTC"),
    ],
)
def test_the_zone_is_named(zone: str, written: str) -> None:
    assert formats.moment(AT, zone, "it") == written


def test_a_zone_may_be_one_of_pythons() -> None:
    assert formats.moment(AT, timezone(timedelta(hours=5, minutes=30)), "en") == "Mar 2, 2026, 8:35 PM UTC+05:30"


@pytest.mark.parametrize("locale", locales())
def test_every_language_writes_western_digits_and_no_unusual_spaces(locale: str) -> None:
    written = [
        formats.moment(AT, "UTC", locale),
        formats.clock(AT, "UTC", locale),
        formats.day(AT, locale),
        formats.short_day(date(2026, 3, 2), locale),
        formats.weekday(AT, locale),
        formats.number(-1234567.25, locale),
        formats.percent(0.0125, locale),
    ]
    digits = {character for text in written for character in text if character.isdigit()}
    assert digits <= set("0123456789")
    assert not any("\u202f" in text for text in written)
    assert len(set(written)) == len(written)


@pytest.mark.parametrize(
    ("locale", "number", "share"),
    [
        ("en", "12,345.68", "12.5%"),
        ("vi", "12.345,68", "12,5%"),
        ("it", "12.345,68", "12,5%"),
        ("pl", "12\u00a0345,68", "12,5%"),
        ("de", "12.345,68", "12,5\u00a0%"),
        ("fr", "12\u00a0345,68", "12,5\u00a0%"),
        ("ja", "12,345.68", "12.5%"),
    ],
)
def test_numbers_and_shares(locale: str, number: str, share: str) -> None:
    assert formats.number(12345.678, locale) == number
    assert formats.percent(0.125, locale) == share
    assert formats.number(3, locale) == formats.number(3.0, locale) == "3"


def test_a_day_is_that_of_the_moments_own_zone() -> None:
    late = datetime(2026, 3, 2, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
    assert formats.day(late, "en") == "Mar 2, 2026"
    assert formats.clock(late, "UTC", "de") == "04:30"
