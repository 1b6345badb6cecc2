"""Language tags as IETF and CLDR have them: the nearest of those that are offered, and where lines begin."""

import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

from babel import Locale, UnknownLocaleError
from babel.core import get_global, parse_locale

_ISOLATE, _END = "\u2068", "\u2069"


def nearest(wanted: str, offered: Iterable[str]) -> str | None:
    """The offered tag that a reader of another one understands best, as it is spelt there; None where none does.

    The same tag, else the same language in the same script, else the same language: a reader of Traditional Chinese
    is served better by Simplified Chinese than by a language of somebody else's. CLDR knows which script a language
    has where its tag does not say.

    >>> nearest("zh-SG", ("en", "zh-Hans")), nearest("pt-PT", ("pt-BR",)), nearest("vi", ("en",))
    ('zh-Hans', 'pt-BR', None)
    """
    return _nearest(wanted, tuple(offered))


@lru_cache(maxsize=4096)
def _nearest(wanted: str, offered: tuple[str, ...]) -> str | None:
    language, script = written(wanted)
    kin = [tag for tag in offered if written(tag)[0] == language]
    spelt = _plain(wanted)
    same = [tag for tag in kin if _plain(tag) == spelt]
    # "pt" before "pt-BR" for "pt-PT": what says less fits more readers
    alike = sorted((tag for tag in kin if written(tag)[1] == script), key=lambda tag: tag.count("-") + tag.count("_"))
    return next(iter([*same, *alike, *kin]), None)


@lru_cache(maxsize=4096)
def written(tag: str) -> tuple[str, str]:
    """A tag's language, in lower case, and the script that it is written in ("Hant"); "" where nobody knows.

    >>> written("zh-TW"), written("zh_Hans_HK"), written("en-GB"), written("?")
    (('zh', 'Hant'), ('zh', 'Hans'), ('en', 'Latn'), ('?', ''))
    """
    language, territory, script = _parts(tag)
    if not script:
        likely = get_global("likely_subtags")
        full = likely.get(f"{language}_{territory}") or likely.get(language) or ""
        script = next((part for part in full.split("_")[1:] if len(part) == 4), "")
    return language, script


def direction(tag: str) -> Literal["ltr", "rtl"]:
    """Where lines begin in a language.

    >>> direction("ar-EG"), direction("vi"), direction("pa-Arab-PK"), direction("")
    ('rtl', 'ltr', 'rtl', 'ltr')
    """
    return "rtl" if _is_from_the_right(tag) else "ltr"


def isolated(value: str, tag: str) -> str:
    """A value for a sentence of a language, kept from changing the order of the words around it.

    In a line that runs from the right, a Latin name or a phone number would otherwise take punctuation and numbers
    beside it along to its own side, and so would an Arabic name in a line that runs from the left. Digits need nothing,
    and a link takes every character behind it for its own.

    >>> isolated("T-81", "ar") == "\\u2068T-81\\u2069", isolated("T-81", "en"), isolated("8", "ar")
    (True, 'T-81', '8')
    """
    if not value or value.isdecimal() or value.startswith(("http://", "https://")):
        return value
    foreign = _is_from_the_right(tag) or (not value.isascii() and any(map(_runs_from_the_right, value)))
    return f"{_ISOLATE}{value}{_END}" if foreign else value


def _runs_from_the_right(character: str) -> bool:
    return unicodedata.bidirectional(character) in ("R", "AL")


@lru_cache(maxsize=512)
def _is_from_the_right(tag: str) -> bool:
    language, script = written(tag)
    for name in (f"{language}_{script}", language):
        try:
            return Locale.parse(name).character_order == "right-to-left"
        except (ValueError, UnknownLocaleError):
            continue
    return False


def _plain(tag: str) -> str:
    return tag.replace("_", "-").lower()


def _parts(tag: str) -> tuple[str, str, str]:
    """Language, territory and script; the tag itself where it is none."""
    try:
        found = parse_locale(tag.replace("-", "_"))
    except ValueError:
        return _plain(tag).partition("-")[0], "", ""
    return found[0].lower(), found[1] or "", found[2] or ""
