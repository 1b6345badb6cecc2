"""Which of the offered languages serves a tag, where its lines begin, and what keeps a value from reordering them."""

import pytest

from bot.languages import pack, say
from bot.languages.tags import direction, isolated, nearest

OFFERED = ("ar", "en", "pt-BR", "zh-Hans")


@pytest.mark.parametrize(
    ("wanted", "offered", "found"),
    [
        ("zh", OFFERED, "zh-Hans"),
        ("zh-CN", OFFERED, "zh-Hans"),
        ("zh_SG", OFFERED, "zh-Hans"),
        ("zh-Hans-CN", OFFERED, "zh-Hans"),
        # another script of the same language is nearer than another language
        ("zh-TW", OFFERED, "zh-Hans"),
        ("zh-HK", ("zh-Hans", "zh-Hant"), "zh-Hant"),
        ("zh-MY", ("zh-Hant", "zh-Hans"), "zh-Hans"),
        ("pt", OFFERED, "pt-BR"),
        ("pt-PT", OFFERED, "pt-BR"),
        ("pt-PT", ("pt-BR", "pt"), "pt"),
        ("PT_br", ("pt", "pt-BR"), "pt-BR"),
        ("ar-EG", OFFERED, "ar"),
        ("sr-Latn", ("sr", "sr-Latn-RS"), "sr-Latn-RS"),
        ("vi", OFFERED, None),
        ("", OFFERED, None),
        ("?!", OFFERED, None),
        ("en", (), None),
    ],
)
def test_nearest(wanted: str, offered: tuple[str, ...], found: str | None) -> None:
    assert nearest(wanted, offered) == found


@pytest.mark.parametrize(("locale", "found"), [("zh-TW", "zh-Hans"), ("pt", "pt-BR"), ("ar-MA", "ar"), ("xx", "en")])
def test_the_nearest_pack_is_spoken(locale: str, found: str) -> None:
    assert pack(locale).locale == found


@pytest.mark.parametrize(
    ("tag", "side"),
    [("ar", "rtl"), ("AR_eg", "rtl"), ("fa-IR", "rtl"), ("he", "rtl"), ("pa-PK", "rtl"), ("pa", "ltr"), ("\0", "ltr")],
)
def test_direction(tag: str, side: str) -> None:
    assert direction(tag) == side


@pytest.mark.parametrize(
    ("value", "tag", "kept"),
    [
        ("Lan (VIP)", "ar", "\u2068Lan (VIP)\u2069"),
        ("+44 20", "ar", "\u2068+44 20\u2069"),
        ("١٢", "ar", "١٢"),
        ("https://a.example/1", "ar", "https://a.example/1"),
        ("", "ar", ""),
        ("سارة", "en", "\u2068سارة\u2069"),
        ("Nguyễn", "en", "Nguyễn"),
        ("田中", "ja", "田中"),
    ],
)
def test_isolated(value: str, tag: str, kept: str) -> None:
    assert isolated(value, tag) == kept


def test_a_latin_name_in_an_arabic_sentence_moves_nothing() -> None:
    assert say("ar", "history.claimed", who="Anna") == "استلم \u2068Anna\u2069 الحالة"
