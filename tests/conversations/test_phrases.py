"""What customers write in each language, in tables: understood as that score and comment, or asked again."""

import tomllib
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from bot.conversations.questions import Rating, ScaleName
from bot.conversations.typed import Rated, read_rating
from bot.languages import locales, pack

FOLDER = Path(__file__).parent / "phrases"
#: how many of each kind a table has at least: the languages that we began with, and others
SEEDS, LEAST = {"en": (60, 40), "vi": (60, 40), "it": (60, 40), "pl": (60, 40)}, (20, 20)
SCALES = get_args(ScaleName)


class Phrases(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One language's table."""

    #: scale, text, score, comment that is kept
    accepted: tuple[tuple[ScaleName, str, int, str], ...]
    #: scale, text
    refused: tuple[tuple[ScaleName, str], ...]


TABLES = {
    path.stem: msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Phrases)
    for path in sorted(FOLDER.glob("*.toml"))
}


def read(scale: ScaleName, text: str, locale: str) -> Rated | None:
    return read_rating(text, Rating(id="r", text={"en": "?"}, scale=scale), pack(locale))


def test_every_language_has_a_table() -> None:
    assert set(TABLES) == set(locales())


@pytest.mark.parametrize("locale", TABLES)
def test_a_table_is_long_enough_and_says_nothing_twice(locale: str) -> None:
    table = TABLES[locale]
    accepted, refused = SEEDS.get(locale, LEAST)
    said = [(scale, text) for scale, text, *_ in table.accepted] + list(table.refused)
    assert len(set(said)) == len(said)
    assert len(table.accepted) >= accepted
    assert len(table.refused) >= refused
    assert {scale for scale, *_ in table.accepted} == set(SCALES)


@pytest.mark.parametrize("locale", TABLES)
def test_accepted(locale: str) -> None:
    expected = {(scale, text): Rated(score=score, comment=kept) for scale, text, score, kept in TABLES[locale].accepted}
    assert {(scale, text): read(scale, text, locale) for scale, text in expected} == expected


@pytest.mark.parametrize("locale", TABLES)
def test_refused(locale: str) -> None:
    guessed = {(scale, text): read(scale, text, locale) for scale, text in TABLES[locale].refused}
    assert {each: rated for each, rated in guessed.items() if rated is not None} == {}
