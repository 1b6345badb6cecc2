"""Numbers, dates and times as each language writes them, by CLDR. Pure, and remembered where it is slow.

A locale may be more than a pack's tag: "en-GB" has 24 hours where "en" has 12. What no region is known of is written
as CLDR writes the language. Digits are Western in all of them, as on the buttons that people answer with.
"""

from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, get_datetime_format, get_time_format
from babel.numbers import format_decimal

from bot.languages import pack

#: what CLDR puts between a time and AM or PM, and into French numbers; many fonts have no picture of it
_NARROW, _NO_BREAK = "\u202f", "\u00a0"


def number(value: float, locale: str, *, decimals: int = 2) -> str:
    """A number with at most so many decimals, its thousands apart.

    >>> number(12345.678, "en"), number(12345.678, "it"), number(3.0, "pl")
    ('12,345.68', '12.345,68', '3')
    """
    return _number(value, locale, decimals)


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
    return _plain(format_skeleton("MMMd", at, locale=_known(locale)))


def clock(at: datetime, time_zone: str | tzinfo, locale: str) -> str:
    """The time of day to the minute, on the clock of a time zone.

    >>> clock(datetime(2026, 3, 2, 15, 5, tzinfo=UTC), "UTC", "en").replace("\\xa0", " ")
    '3:05 PM'
    """
    return _clock(at.astimezone(_zone(time_zone)), _known(locale))


def weekday(at: date, locale: str) -> str:
    """The day of the week, short.

    >>> weekday(date(2026, 3, 2), "en"), weekday(date(2026, 3, 2), "vi")
    ('Mon', 'Th 2')
    """
    return _plain(format_date(at, "EEE", locale=_known(locale)))


@lru_cache(maxsize=4096)
def _number(value: float, locale: str, decimals: int) -> str:
    return _plain(format_decimal(round(value, decimals), format=f"#,##0.{'#' * decimals}", locale=_known(locale)))


@lru_cache(maxsize=4096)
def _percent(share: float, locale: str, decimals: int) -> str:
    known = _known(locale)
    pattern = known.percent_formats[None].pattern.replace("#,##0", f"#,##0.{'#' * decimals}")
    return _plain(format_decimal(round(share, decimals + 2), format=pattern, locale=known))


@lru_cache(maxsize=4096)
def _moment(at: datetime, zone: tzinfo, locale: str, with_zone: bool) -> str:
    known, local = _known(locale), at.astimezone(zone)
    told = str(get_datetime_format("medium", known))
    told = told.replace("{1}", _day(local.date(), locale)).replace("{0}", _clock(local, known))
    return f"{told} {_name(local)}" if with_zone else told


@lru_cache(maxsize=1024)
def _day(at: date, locale: str) -> str:
    return _plain(format_date(at, "medium", locale=_known(locale)))


def _clock(local: datetime, known: Locale) -> str:
    return _plain(get_time_format("short", known).apply(local, known))


def _name(local: datetime) -> str:
    """How a zone is called at a moment; many have but an offset."""
    name = local.tzname() or ""
    return name if name[:1].isalpha() else f"UTC{name}"


def _plain(text: str) -> str:
    return text.replace(_NARROW, _NO_BREAK)


@lru_cache(maxsize=512)
def _known(locale: str) -> Locale:
    """What CLDR has of a language tag, of its base language, or of the pack that stands in for it."""
    tag = locale.replace("_", "-")
    for each in (tag, tag.partition("-")[0]):
        try:
            return Locale.parse(each, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale.parse(pack(tag).locale, sep="-")


@lru_cache(maxsize=512)
def _zone(time_zone: str | tzinfo) -> tzinfo:
    if isinstance(time_zone, tzinfo):
        return time_zone
    try:
        return ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC
