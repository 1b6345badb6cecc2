"""The words for scores in each pack are in the form that is compared, and mean one thing."""

import unicodedata
from collections import Counter

import pytest

from bot.conversations.plain_text import key
from bot.conversations.questions import ScaleName
from bot.languages import Pack, locales, no_thanks_words, numbers_heard, pack, stop_words, thanks_heard, variables_in

PACKS = [pytest.param(pack(locale), id=locale) for locale in locales()]
POINTS = {"satisfaction": {1, 2, 3, 4, 5}, "ease": {1, 4, 7}, "likelihood": {0, 10}, "thumbs": {0, 1}}


def commands(one: Pack) -> set[str]:
    return {word for words in one.commands.values() for word in words}


def opinions(one: Pack) -> list[tuple[str, str, int]]:
    return [(name, word, point) for name, points in one.opinions.items() for word, point in points.items()]


@pytest.mark.parametrize("one", PACKS)
def test_a_phrase_has_one_score_and_at_most_one_end(one: Pack) -> None:
    phrases = [*one.score_phrases, *one.star_phrases]
    assert len(set(phrases)) == len(phrases)
    for phrase in phrases:
        assert variables_in(phrase) <= {"score", "end"}
        assert phrase.count("{score}") == 1
        assert phrase.count("{end}") <= 1
        assert phrase == " ".join(unicodedata.normalize("NFC", phrase).casefold().split())
        assert not any(character.isdecimal() for character in phrase)
        assert phrase != "{score}"


@pytest.mark.parametrize("one", PACKS)
def test_there_is_a_way_to_put_a_score_of_its_end_and_in_stars(one: Pack) -> None:
    assert any("{end}" in phrase for phrase in one.score_phrases)
    assert one.star_phrases
    assert len(one.joins) >= 4
    assert len(one.courtesies) >= 5


@pytest.mark.parametrize("one", PACKS)
def test_an_opinion_is_one_point_of_its_scale(one: Pack) -> None:
    assert set(one.opinions) == set(POINTS)
    for name, points in one.opinions.items():
        assert set(points.values()) <= POINTS[name]
        assert {min(POINTS[name]), max(POINTS[name])} <= set(points.values())
        meanings = {(key(word), point) for word, point in points.items()}
        assert [word for word, times in Counter(word for word, _ in meanings).items() if times > 1] == []
    for _, word, _ in opinions(one):
        assert word == " ".join(unicodedata.normalize("NFC", word).casefold().split())
        assert len(word) <= 60


@pytest.mark.parametrize("one", PACKS)
def test_an_opinion_is_no_command_and_no_number(one: Pack) -> None:
    words = {word for _, word, _ in opinions(one)}
    english = {word for name, said in pack("en").commands.items() if name in ("stop", "not_now") for word in said}
    assert words.isdisjoint(commands(one) | english | stop_words() | no_thanks_words())
    assert words.isdisjoint(numbers_heard(one.locale))


@pytest.mark.parametrize("one", PACKS)
def test_an_opinion_that_is_a_yes_or_a_no_leans_the_same_way(one: Pack) -> None:
    for name, word, point in opinions(one):
        middle = (min(POINTS[name]) + max(POINTS[name])) / 2
        assert word not in one.yes or point > middle, word
        assert word not in one.no or point < middle, word


@pytest.mark.parametrize("one", PACKS)
def test_what_stands_around_a_score_is_none_and_refuses_nothing(one: Pack) -> None:
    around = {*one.joins, *one.courtesies}
    assert around.isdisjoint([*one.number_words, *one.no, *one.units])
    assert around.isdisjoint(word for name in ("stop", "never", "not_now", "no_thanks") for word in one.commands[name])
    assert set(one.joins).isdisjoint(one.yes)


@pytest.mark.parametrize("one", PACKS)
def test_words_that_are_heard_as_a_whole_have_no_wide_punctuation(one: Pack) -> None:
    """It is narrowed in what customers write before the two are compared."""
    heard = {
        *commands(one),
        *one.yes,
        *one.no,
        *one.asked_for_by,
        *(w for words in one.recovery.values() for w in words),
    }
    assert {word for word in heard if unicodedata.normalize("NFKC", word) != word} == set()


@pytest.mark.parametrize("one", PACKS)
def test_what_asks_for_a_language_means_nothing_else_in_any(one: Pack) -> None:
    """It is heard in every language."""
    asked = set(one.asked_for_by)
    for other in (pack(locale) for locale in locales()):
        said = {*commands(other), *other.yes, *other.no, *other.number_words, *other.units, *other.joins}
        said |= {*other.courtesies, *(word for _, word, _ in opinions(other))}
        said |= {word for words in other.recovery.values() for word in words}
        assert asked.isdisjoint(said)
        assert other is one or asked.isdisjoint(other.asked_for_by)


LABELS: dict[ScaleName, tuple[str, ...]] = {
    "nps": ("low", "high"),
    "csat5": ("1", "2", "3", "4", "5"),
    "csat10": ("low", "high"),
    "ces7": ("low", "high"),
    "thumbs": ("0", "1"),
}


@pytest.mark.parametrize("one", PACKS)
def test_a_scales_points_have_names_of_their_own(one: Pack) -> None:
    for scale, ends in LABELS.items():
        names = [key(one.sentences[f"scale.{scale}.{end}"]) for end in ends]
        assert len(set(names)) == len(names)


@pytest.mark.parametrize("one", PACKS)
def test_what_takes_a_score_back_is_no_score_and_no_courtesy(one: Pack) -> None:
    taken = {*one.takes_back, *one.denials}
    assert taken.isdisjoint([*one.yes, *one.joins, *one.courtesies, *one.number_words, *one.praise, *one.blame])
    assert taken.isdisjoint(word for _, word, _ in opinions(one))
    assert taken.isdisjoint(thanks_heard(one.locale))


@pytest.mark.parametrize("one", PACKS)
def test_how_a_service_may_be_is_said_in_words_that_count_nothing(one: Pack) -> None:
    said = {*one.very, *one.too, *one.praise, *one.blame}
    assert said.isdisjoint([*one.units, *one.number_words])
    assert set(one.praise).isdisjoint(one.blame)
    assert set(one.articles) <= set(one.number_words)


@pytest.mark.parametrize("one", PACKS)
def test_thanks_of_other_languages_mean_nothing_here(one: Pack) -> None:
    foreign = set(thanks_heard(one.locale)) - set(one.recovery["thanks"])
    assert foreign.isdisjoint([*one.yes, *one.no, *one.units, *one.joins, *one.number_words, *commands(one)])
    assert foreign.isdisjoint(word for _, word, _ in opinions(one))
