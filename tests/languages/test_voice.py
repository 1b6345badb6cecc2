"""What the author says differently is said in the languages that it was written for; all else is the packs'."""

import pytest

from bot.languages import locales, pack, say
from bot.languages.voice import Sentences, Voice

OWN: Sentences = {
    "reply.taken": {"en": "Ta!", "vi": "Dạ, cảm ơn anh chị!"},
    "reply.choose_more": {"pl": {"one": "Choć jedną.", "few": "Choć {n} z nich.", "many": "Choć {n}."}, "en": "{n}+"},
}


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("en", "Ta!"),
        ("en-GB", "Ta!"),
        ("vi", "Dạ, cảm ơn anh chị!"),
        ("vi_VN", "Dạ, cảm ơn anh chị!"),
        ("it", "Grazie!"),
        ("xx", "Ta!"),
    ],
    ids=["the same tag", "a region of it", "another", "as Java writes it", "not overridden", "English stands in"],
)
def test_a_sentence_in_place_of_ours(locale: str, said: str) -> None:
    assert Voice(locale, OWN).say("reply.taken") == said


@pytest.mark.parametrize(("n", "said"), [(1, "Choć jedną."), (3, "Choć 3 z nich."), (5, "Choć 5."), ("5", "Choć 5.")])
def test_the_authors_plural_forms(n: object, said: str) -> None:
    assert Voice("pl", OWN).say("reply.choose_more", n=n) == said


def test_one_form_for_all_counts_and_ours_beside_it() -> None:
    assert Voice("en", OWN).say("reply.choose_more", n=1) == "1+"
    assert Voice("it", OWN).say("reply.choose_more", n=1) == say("it", "reply.choose_more", n=1)


@pytest.mark.parametrize("locale", locales())
def test_without_sentences_of_its_own_a_voice_is_the_pack(locale: str) -> None:
    for key in pack(locale).sentences:
        for n in (0, 1, 2, 3, 5, 11, 21, 100):
            assert Voice(locale).say(key, n=n) == say(locale, key, n=n)


@pytest.mark.parametrize(
    ("locale", "n", "said"),
    [
        ("en", 1, "1 problem:"),
        ("en", 2000, "2,000 problems:"),
        ("pl", 2, "2 problemy:"),
        ("pl", 12, "12 problemów:"),
        ("pl", 22, "22 problemy:"),
        ("vi", 1, "1 vấn đề:"),
        ("it", 1000000, "1.000.000 problemi:"),
    ],
)
def test_counts_take_the_form_and_the_digits_of_their_language(locale: str, n: int, said: str) -> None:
    assert say(locale, "ops.problems", n=n) == said


def test_an_unknown_key_is_an_error_of_the_program() -> None:
    with pytest.raises(KeyError):
        Voice("en", OWN).say("reply.nonsense")
