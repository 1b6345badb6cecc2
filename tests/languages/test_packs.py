"""Each pack is complete, says the same things, and its words cannot be taken for each other."""

import re
import unicodedata
from collections import Counter

import pytest

from bot.conversations.typed import is_word
from bot.languages import (
    Pack,
    categories,
    fill,
    locales,
    no_thanks_words,
    numbers_heard,
    pack,
    say,
    stop_words,
    variables_in,
)

COMMANDS = {
    *("stop", "enough", "never", "not_now", "no_thanks", "start", "skip", "feedback", "back", "human"),
    *("change", "staff", "language", "leave_panel"),
}
_SPACED = re.compile(r"[^ \t\r\n]+")
#: sentences of one word that is the same word in English
SAME = {
    "de": {"priority.normal", "desk.team", "page.links"},
    "fr": {"desk.agent", "desk.cause", "desk.incident", "desk.question", "file.photo", "preset.csat.title"},
    "es": {"priority.normal", "duration.days"},
    "pt-BR": {"priority.normal", "duration.days", "page.links"},
}
PACKS = [pytest.param(pack(locale), id=locale) for locale in locales()]


def words_of(pack: Pack) -> list[str]:
    return [*(word for words in pack.commands.values() for word in words), *pack.yes, *pack.no, *pack.number_words]


def texts_of(one: Pack) -> dict[str, str]:
    """All texts, each form of a plural under a key of its own."""
    forms = {f"{key} ({form})": text for key, of_key in one.plurals.items() for form, text in of_key.items()}
    return {**one.sentences, **forms}


def test_the_languages_that_were_promised_are_there() -> None:
    assert set(locales()) >= {"en", "it", "pl", "vi"}


@pytest.mark.parametrize("one", PACKS)
def test_every_sentence_is_there_with_the_same_variables(one: Pack) -> None:
    english = pack("en").sentences
    assert sorted(one.sentences) == sorted(english)
    different = {
        key: text
        for key, text in one.sentences.items()
        if variables_in(text) != variables_in(english[key]) and not key.startswith("template.")
    }
    assert different == {}


@pytest.mark.parametrize("one", PACKS)
def test_a_ready_answer_names_only_what_is_known_of_a_case(one: Pack) -> None:
    """A language that would have to inflect the customer's name greets without it."""
    named = {key: variables_in(text) for key, text in one.sentences.items() if key.startswith("template.")}
    assert {key: names for key, names in named.items() if not names <= {"customer", "agent", "company"}} == {}
    assert all(names >= {"agent", "company"} for key, names in named.items() if key.endswith(".text"))


@pytest.mark.parametrize("one", PACKS)
def test_every_count_has_the_forms_of_its_language(one: Pack) -> None:
    """A form for exactly one or two things may leave the number out."""
    english = pack("en")
    assert sorted(one.plurals) == sorted(english.plurals)
    assert {key: set(forms) for key, forms in one.plurals.items() if set(forms) != categories(one.locale)} == {}
    for key, forms in one.plurals.items():
        for form, text in forms.items():
            left_out = variables_in(english.sentences[key]) - variables_in(text)
            assert left_out <= ({"n"} if form in ("zero", "one", "two") else set()), (key, form)
            assert variables_in(text) <= variables_in(english.sentences[key]), (key, form)


@pytest.mark.parametrize("one", PACKS)
def test_no_text_is_empty_or_badly_spaced_or_holds_a_stray_brace(one: Pack) -> None:
    # a no-break space is none of these: French sets it before its marks
    bad = {key: text for key, text in texts_of(one).items() if not text or text != " ".join(_SPACED.findall(text))}
    assert bad == {}
    emptied = {key: fill(text, dict.fromkeys(variables_in(text), "")) for key, text in texts_of(one).items()}
    assert {key: text for key, text in emptied.items() if "{" in text or "}" in text} == {}


@pytest.mark.parametrize("one", PACKS)
def test_only_english_is_in_english(one: Pack) -> None:
    english = pack("en").sentences
    same = {key for key, text in one.sentences.items() if text == english[key]}
    assert one.locale == "en" or same <= {"desk.status", "duration.minutes", "duration.hours"} | SAME.get(
        one.locale, set()
    )


@pytest.mark.parametrize("one", PACKS)
def test_every_number_of_0_to_10_has_a_word(one: Pack) -> None:
    assert set(one.number_words.values()) == set(range(11))


@pytest.mark.parametrize("one", PACKS)
def test_no_word_means_two_things(one: Pack) -> None:
    counted = Counter(words_of(one))
    assert [word for word, times in counted.items() if times > 1] == []
    assert set(one.commands) == COMMANDS
    assert all(one.commands.values())


@pytest.mark.parametrize("one", PACKS)
def test_a_stop_word_means_nothing_else_in_any_language(one: Pack) -> None:
    """They are heard whatever language is spoken."""
    others = [word for name, words in one.commands.items() if name != "stop" for word in words]
    assert stop_words().isdisjoint([*others, *one.yes, *one.no, *one.number_words, *one.not_numbers, *one.units])
    assert stop_words() >= set(one.commands["stop"])


@pytest.mark.parametrize("one", PACKS)
def test_numbers_of_other_languages_change_no_meaning(one: Pack) -> None:
    heard = numbers_heard(one.locale)
    assert {word: heard[word] for word in one.number_words} == dict(one.number_words)
    assert heard.keys().isdisjoint(
        [*one.yes, *one.no, *one.not_numbers, *(word for words in one.commands.values() for word in words)]
    )
    for other in (pack(locale) for locale in locales()):
        assert len({heard[word] for word in other.number_words if word in heard}) >= 7


@pytest.mark.parametrize("one", PACKS)
def test_what_is_no_number_here_is_one_elsewhere(one: Pack) -> None:
    elsewhere = {word for locale in locales() if locale != one.locale for word in pack(locale).number_words}
    assert set(one.not_numbers) <= elsewhere
    assert len(set(one.units)) == len(one.units) >= 15


@pytest.mark.parametrize("one", PACKS)
def test_words_are_in_the_form_that_a_reader_compares(one: Pack) -> None:
    said_of_scores = (one.takes_back, one.denials, one.corrections, one.buts, one.very, one.too, one.praise, one.blame)
    listed = [one.joins, one.courtesies, one.units, one.not_numbers, one.articles, *said_of_scores]
    for word in [*words_of(one), *(word for words in listed for word in words)]:
        assert word == " ".join(unicodedata.normalize("NFC", word).casefold().split())
        assert not any(character.isdigit() for character in word)


@pytest.mark.parametrize("one", PACKS)
def test_the_words_that_the_sentences_teach_are_understood(one: Pack) -> None:
    def teaches(key: str, command: str) -> bool:
        return any(word.upper() in one.sentences[key] for word in one.commands[command])

    assert teaches("hint.skip", "skip")
    assert teaches("hint.decline", "not_now")
    assert teaches("hint.decline", "stop")
    assert teaches("hint.never", "stop")
    assert teaches("reply.opted_out", "start")
    assert teaches("reply.opted_in", "stop")
    assert teaches("reply.welcome", "stop")
    assert teaches("hint.language", "language")
    assert teaches("panel.joined", "leave_panel")
    for key in ("hint.consent", "again.consent"):
        assert all(any(word.upper() in one.sentences[key] for word in words) for words in (one.yes, one.no))
    for key in ("reply.already_counted", "reply.closed", "reply.too_late_to_change", "reply.welcome"):
        assert "/feedback" in one.sentences[key]
    assert one.sentences["button.done"] in one.sentences["hint.choices"]


@pytest.mark.parametrize("one", PACKS)
def test_what_telegram_shows_in_a_toast_fits_into_it(one: Pack) -> None:
    toasts = {key: text for key, text in texts_of(one).items() if key.startswith("reply.") and key != "reply.welcome"}
    assert {key: len(text) for key, text in toasts.items() if len(text) > 200} == {}


@pytest.mark.parametrize("one", PACKS)
def test_what_answers_is_it_fixed_means_one_thing(one: Pack) -> None:
    assert set(one.recovery) == {"yes", "no", "thanks", "calm"}
    counted = Counter(word for name in ("yes", "no") for word in one.recovery[name])
    assert [word for word, times in counted.items() if times > 1] == []
    assert set(one.recovery["no"]).isdisjoint([*one.recovery["thanks"], *one.recovery["calm"]])
    for word in (word for words in one.recovery.values() for word in words):
        assert word == " ".join(unicodedata.normalize("NFC", word).casefold().split())
        assert len(word) <= 60


@pytest.mark.parametrize("one", PACKS)
def test_the_label_of_a_button_that_says_no_means_the_same_in_words(one: Pack) -> None:
    assert is_word(one.sentences["button.decline"], one.commands["not_now"])
    assert is_word(one.sentences["button.never"], one.commands["stop"])


@pytest.mark.parametrize("one", PACKS)
def test_not_now_is_said_in_words_that_answer_nothing(one: Pack) -> None:
    """They are heard in the customer's language, the survey's and English."""
    others = [word for each in (one, pack("en")) for words in each.recovery.values() for word in words]
    english = [word for name, words in pack("en").commands.items() if name != "not_now" for word in words]
    assert set(one.commands["not_now"]).isdisjoint([*others, *english, *pack("en").yes, *pack("en").no])
    assert len(one.commands["not_now"]) >= 15
    assert all(len(word) <= 60 for name in ("stop", "not_now") for word in one.commands[name])


@pytest.mark.parametrize("one", PACKS)
def test_no_thanks_is_written_without_punctuation_and_answers_nothing(one: Pack) -> None:
    """It is heard whatever language is spoken."""
    for word in one.commands["no_thanks"]:
        assert all(each.isalnum() or each in " '" for each in word), word
    others = [word for name, words in one.commands.items() if name != "no_thanks" for word in words]
    answers = [word for words in one.recovery.values() for word in words]
    assert no_thanks_words().isdisjoint([*others, *answers, *one.yes, *one.no, *one.number_words])
    assert len(one.commands["no_thanks"]) >= 15


@pytest.mark.parametrize("one", PACKS)
def test_what_slack_bounds_fits(one: Pack) -> None:
    """Slack refuses a form whose title or buttons have more than 24 characters, and labels of more than 75."""
    titles = [f"form.{kind}{part}" for kind in ("reply", "resolve", "snooze") for part in ("", ".submit")]
    assert {key: one.sentences[key] for key in [*titles, "form.cancel"] if len(one.sentences[key]) > 24} == {}
    pressed = ("desk.claim", "desk.re", "desk.snooze", "desk.assign", "desk.dashboard", "desk.ticket", "recovery.no")
    labels = {key: text for key, text in one.sentences.items() if key.startswith((*pressed, "recovery.yes", "cause."))}
    assert {key: text for key, text in labels.items() if len(text) > 75} == {}


@pytest.mark.parametrize(
    ("locale", "found"),
    [
        ("it", "it"),
        ("it-CH", "it"),
        ("pl_PL", "pl"),
        ("VI", "vi"),
        ("pt-BR", "pt-BR"),
        ("pt", "pt-BR"),
        ("es_MX", "es"),
        ("", "en"),
        ("nonsense-in-a-tag", "en"),
    ],
)
def test_a_language_without_a_pack_falls_back(locale: str, found: str) -> None:
    assert pack(locale).locale == found


def test_a_customers_braces_are_only_characters() -> None:
    assert fill("{who}: {score}", {"who": "{score} {0} {who.__class__} %s", "score": "2"}) == (
        "{score} {0} {who.__class__} %s: 2"
    )
    assert say("en", "desk.summary", who="{flow}", score=3, flow="Chat") == "{flow} gave 3 · Chat"


def test_a_variable_without_a_value_stays() -> None:
    assert say("it", "reply.choose_more") == "La preghiamo di sceglierne almeno {n}."


def test_an_unknown_key_is_an_error_of_the_program() -> None:
    with pytest.raises(KeyError):
        say("en", "reply.nonsense")
