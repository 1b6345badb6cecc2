"""What Unicode's CLDR knows of a language, by way of Babel."""

from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.numbers import format_decimal

#: what CLDR puts between a time and AM or PM, and into French numbers; many fonts have no picture of it
_NARROW, _NO_BREAK = "\u202f", "\u00a0"


@lru_cache(maxsize=512)
def known(locale: str) -> Locale:
    """What CLDR has of a language tag, of its base language, or of English.

    >>> str(known("pt_BR")), str(known("en-XX")), str(known("tlh-x-piglatin"))
    ('pt_BR', 'en', 'en')
    """
    tag = locale.replace("_", "-")
    for each in (tag, tag.partition("-")[0]):
        try:
            return Locale.parse(each, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale.parse("en")


@lru_cache(maxsize=4096)
def number(value: float, locale: str, decimals: int = 2) -> str:
    """A number with at most so many decimals, its thousands apart as a language writes them.

    >>> number(12345.678, "en"), number(12345.678, "it"), number(3.0, "pl")
    ('12,345.68', '12.345,68', '3')
    """
    return plain(format_decimal(round(value, decimals), format=f"#,##0.{'#' * decimals}", locale=known(locale)))


def plain(text: str) -> str:
    """A text of CLDR's with a space that every font has."""
    return text.replace(_NARROW, _NO_BREAK)
