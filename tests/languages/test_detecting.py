"""The language of what customers write is told offline: what is believed is right, what says nothing is not read."""

import tomllib
import unicodedata
from pathlib import Path

import pytest

from bot.languages import locales
from bot.languages.detecting import BELIEVED, Detected, detect

WRITTEN: dict[str, list[str]] = tomllib.loads(Path(__file__).with_name("written.toml").read_text(encoding="utf-8"))
NOTHING = WRITTEN.pop("nothing")
SPOKEN = sorted(WRITTEN.keys() & set(locales()))
#: the share of the phrases that must be believed, by language; those in a script of their own cannot be mistaken
TOLD = {"es": 0.8, "pt-BR": 0.75, "pl": 0.85, "ar": 1.0, "ja": 1.0, "zh-Hans": 1.0}


def believed(text: str) -> str | None:
    found = detect(text)
    return found.locale if found is not None and found.confidence >= BELIEVED else None


@pytest.mark.parametrize("tag", SPOKEN)
def test_most_of_what_is_written_is_told(tag: str) -> None:
    phrases = WRITTEN[tag]
    assert len(phrases) >= 30
    assert sum(believed(phrase) == tag for phrase in phrases) >= TOLD.get(tag, 0.9) * len(phrases)


def test_fewer_than_one_in_a_hundred_is_taken_for_another_language() -> None:
    cases = [
        (tag, spelled) for tag in SPOKEN for each in WRITTEN[tag] for spelled in (each, each.lower(), each.upper())
    ]
    false = [(tag, text) for tag, text in cases if believed(text) not in (None, tag)]
    assert len(false) < 0.01 * len(cases), false


@pytest.mark.parametrize("text", NOTHING)
def test_what_says_nothing_is_not_believed(text: str) -> None:
    assert believed(text) is None


@pytest.mark.parametrize(
    "text",
    ["", " ", "10", "👍 👍", "8/10!", "ok", "https://example.com/ho-aspettato-un-ora", "anna@example.com", "/feedback"],
)
def test_without_words_there_is_no_guess(text: str) -> None:
    assert detect(text) is None


def test_each_pack_has_phrases_to_be_told_by() -> None:
    assert set(locales()) <= WRITTEN.keys()


@pytest.mark.parametrize(
    ("text", "locale"),
    [
        ("Zażółć gęślą jaźń, proszę o szybką odpowiedź", "pl"),
        ("Ho\naspettato\0un'ora\nal telefono", "it"),
        ("I waited an hour on the phone " * 200, "en"),
        (unicodedata.normalize("NFD", "Tôi đã đợi cả tiếng đồng hồ"), "vi"),
    ],
    ids=["letters of its own", "line breaks and a NUL", "very long", "decomposed"],
)
def test_odd_texts_are_read(text: str, locale: str) -> None:
    found = detect(text)
    assert isinstance(found, Detected)
    assert (found.locale, found.confidence <= 1.0) == (locale, True)


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("対応最悪", "ja"),
        ("不満", "ja"),
        ("再登録", "ja"),
        ("满意", "zh-Hans"),
        ("很好", "zh-Hans"),
        ("我要退款", "zh-Hans"),
        # words of both: a reader of Japanese must not be written to in Chinese for them, nor the other way round
        ("普通", None),
        ("再開", None),
        ("配達完了", None),
        ("不想参加", None),
    ],
)
def test_characters_alone_tell_chinese_from_japanese_or_nothing(text: str, tag: str | None) -> None:
    assert believed(text) == tag


def test_half_a_character_is_passed_over() -> None:
    assert believed("It was \ud800 far too slow again") == "en"
