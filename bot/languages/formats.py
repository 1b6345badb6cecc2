"""Numbers, dates and times as each language writes them, by CLDR. Pure, and remembered where it is slow.

A locale may be more than a pack's tag: "en-GB" has 24 hours where "en" has 12. What no region is known of is written
as CLDR writes the language. Digits are Western in all of them, as on the buttons that people answer with.
"""

from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from babel.dates import format_date, format_skeleton, get_datetime_format, get_time_format
from babel.numbers import format_decimal

from bot.languages.cldr import known, number, plain

__all__ = ["clock", "day", "moment", "number", "percent", "short_day", "weekday"]


def percent(share: float, locale: str, *, decimals: int = 1) -> str:
    """A share of 1 as a percentage.

    >>> percent(0.125, "en"), percent(0.125, "it"), percent(1, "de")
    ('12.5%', '12,5%', '100\\xa0%')
    """
    return _percent(share, locale, decimals)


def moment(at: datetime, time_zone: str | tzinfo, locale: str, *, with_zone: bool = True) -> str:
    """A date and the time of day to the minute, on the clock of a time zone, which is named.

    >>> moment(datetime(2026, 3, 2, 9, tzinfo=UTC), "Europe/Rome", "it")
    '2 mar 2026, 10:00 CET'
    >>> moment(datetime(2026, 3, 2, 9, tzinfo=UTC), "Asia/Ho_Chi_Minh", "vi")
    '16:00 2 thg 3, 2026 UTC+07'
    """
    return _moment(at.astimezone(UTC).replace(second=0, microsecond=0), _zone(time_zone), locale, with_zone)


def day(at: date, locale: str) -> str:
    """A date; of a moment, the one in its own time zone.

    >>> day(date(2026, 3, 2), "en"), day(date(2026, 3, 2), "de")
    ('Mar 2, 2026', '02.03.2026')
    """
    return _day(at.date() if isinstance(at, datetime) else at, locale)


def short_day(at: date, locale: str) -> str:
    """A date without its year.

    >>> short_day(date(2026, 3, 2), "en"), short_day(date(2026, 3, 2), "pl")
    ('Mar 2', '2 mar')
    """
    return plain(format_skeleton("MMMd", at, locale=known(locale)))


def clock(at: datetime, time_zone: str | tzinfo, locale: str) -> str:
    """The time of day to the minute, on the clock of a time zone.

    >>> clock(datetime(2026, 3, 2, 15, 5, tzinfo=UTC), "UTC", "en")
    '3:05 PM'
    """
    return _clock(at.astimezone(_zone(time_zone)), known(locale))


def weekday(at: date, locale: str) -> str:
    """The day of the week, short.

    >>> weekday(date(2026, 3, 2), "en"), weekday(date(2026, 3, 2), "vi")
    ('Mon', 'Th 2')
    """
    return plain(format_date(at, "EEE", locale=known(locale)))


@lru_cache(maxsize=4096)
def _percent(share: float, locale: str, decimals: int) -> str:
    of = known(locale)
    pattern = of.percent_formats[None].pattern.replace("#,##0", f"#,##0.{'#' * decimals}")
    return plain(format_decimal(round(share, decimals + 2), format=pattern, locale=of))


@lru_cache(maxsize=4096)
def _moment(at: datetime, zone: tzinfo, locale: str, with_zone: bool) -> str:
    of, local = known(locale), at.astimezone(zone)
    told = str(get_datetime_format("medium", of))
    told = told.replace("{1}", _day(local.date(), locale)).replace("{0}", _clock(local, of))
    return f"{told} {_name(local)}" if with_zone else told


@lru_cache(maxsize=1024)
def _day(at: date, locale: str) -> str:
    return plain(format_date(at, "medium", locale=known(locale)))


def _clock(local: datetime, of: Locale) -> str:
    # "3:05 PM" is found again by whoever types it
    return plain(get_time_format("short", of).apply(local, of)).replace("\u00a0", " ")


def _name(local: datetime) -> str:
    """How a zone is called at a moment; many have but an offset."""
    name = local.tzname() or ""
    return name if name[:1].isalpha() else f"UTC{name}"


@lru_cache(maxsize=512)
def _zone(time_zone: str | tzinfo) -> tzinfo:
    if isinstance(time_zone, tzinfo):
        return time_zone
    try:
        return ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC
