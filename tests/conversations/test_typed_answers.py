"""What people type, read as an answer or refused: the same on every channel, for each scale in each language."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversations.named_options import read_options
from bot.conversations.questions import Choice, Choices, Look, Option, Rating, ScaleName, scale_of
from bot.conversations.typed import Rated, is_word, read_rating
from bot.languages import fill, locales, pack

SCALES: tuple[ScaleName, ...] = ("nps", "csat5", "csat10", "ces7", "thumbs")
MIXES = [(scale, locale) for scale in SCALES for locale in locales()]
LOOKS: dict[ScaleName, tuple[Look, ...]] = {"csat5": ("numbers", "emoji", "stars"), "csat10": ("numbers", "stars")}


def rating(scale: ScaleName, look: Look = "numbers") -> Rating:
    return Rating(id="r", text={"en": "?"}, scale=scale, look=look)


def read(text: str, scale: ScaleName, locale: str = "en", look: Look = "numbers") -> Rated | None:
    return read_rating(text, rating(scale, look), pack(locale))


def accepted(scale: ScaleName, locale: str) -> dict[str, Rated]:
    """Every way to say each score in a language, made from its pack."""
    found: dict[str, Rated] = {}
    bounds, words = scale_of(rating(scale)), pack(locale)
    for score in range(bounds.low, bounds.high + 1):
        plain = [
            str(score),
            f" {score} ",
            f"{score}!",
            f"{score}.",
            f"“{score}”",
            f"{score}\ufe0f\u20e3",
            f"{score}!!!",
        ]
        plain += [f"{score}/{bounds.high}", f"{score} / {bounds.high}"]
        phrases = [phrase for phrase in words.score_phrases if scale != "thumbs" or "{end}" in phrase]
        phrases += words.star_phrases if scale == "csat5" else ()
        plain += [fill(phrase, {"score": str(score), "end": str(bounds.high)}) for phrase in phrases]
        for word, number in words.number_words.items():
            if number == score:
                plain += [word, word.upper(), f"{word}."]
                plain += [
                    fill(phrase, {"score": word, "end": str(bounds.high)}) for phrase in phrases if "{score} " in phrase
                ]
        if scale == "thumbs":
            plain += [form for word in (words.no, words.yes)[score] for form in (word, f"{word.capitalize()}!")]
            plain += ["👎" if score == 0 else "👍", "👎🏿" if score == 0 else "👍🏻\ufe0f"]
        if scale == "csat5":
            plain += ["⭐" * score, "★" * score + "☆" * (5 - score), ("😡", "🙁", "😐", "🙂", "😍")[score - 1]]
        found |= {text: Rated(score=score) for text in plain}
        found |= {
            f"{score}{mark}x & <b>y</b> 2 👍🏽": Rated(score=score, comment="x & <b>y</b> 2 👍🏽") for mark in MARKS
        }
    return found


MARKS = (", ", " - ", " – ", "— ", " -- ", ": ", "; ", "! ", "!! ", "\n", "\n\n", "\r\n")

#: no rating on any scale in any language
NO_RATING = (
    "", " ", "\n", ".", "!", "-", "?", "-5", "- 5", "−5", "+5", "3.7", "3,7", "3, 7", "5.0", "1e1", "0x5", "55",
    "99", "100", "005", "5a", "a5", "5%", "5?", "#5", "5th", "5 5", "5-10", "5 - 10", "5–10", "5, 6", "5: 6",
    "5. 6", "5\n6", "4 or 5", "between 4 and 5", "my order 5 is late", "5 is my order", "I waited 5 minutes",
    "order 5", "five hundred", "fivehundred", "5/0", "5/6", "5/100", "5/5/5", "5 out of", "out of 5", "/5",
    "5 of 3", "½", "5½", "5²", "Ⅴ", "null", "None", "NaN", "true", "https://example.com/5",
    "2026-03-01", "12:05", "\u202e5", "five-ish", "<b>5</b>", "Where is my parcel?",
    "⭐️⭐️⭐️⭐️⭐️⭐️⭐️⭐️⭐️⭐️⭐️", "⭐x", "☆☆☆", "👍👎", "😀😡", "😀👍", "💩", "5" * 40, "5 " * 5_000,
    "x" * 65_536,
)  # fmt: skip


@pytest.mark.parametrize(("scale", "locale"), MIXES)
def test_accepted(scale: ScaleName, locale: str) -> None:
    texts = accepted(scale, locale)
    assert len(texts) >= 30
    assert {text: read(text, scale, locale) for text in texts} == texts


@pytest.mark.parametrize(("scale", "locale"), MIXES)
def test_refused(scale: ScaleName, locale: str) -> None:
    bounds = scale_of(rating(scale))
    off = [str(n) for n in range(100) if n not in bounds]
    # "null" is German for zero, and "nan" is French for no
    own = {*pack(locale).number_words, *pack(locale).no}
    texts = [*(text for text in NO_RATING if text.casefold() not in own), *off, *(f"{n}, too slow" for n in off)]
    assert len(texts) >= 30
    looks = LOOKS.get(scale, ("numbers",))
    assert {text: read(text, scale, locale, look) for text in texts for look in looks} == dict.fromkeys(texts)


ODD = {
    "eight out of ten": ("nps", "en", "eight out of ten", Rated(score=8)),
    "full width": ("nps", "en", "７", Rated(score=7)),
    "full marks of another scale": ("nps", "en", "5/5", None),
    "ten of ten on five": ("csat5", "en", "10/10", None),
    "no is no zero": ("nps", "vi", "không", None),
    "zero has a word of its own": ("nps", "vi", "số không", Rated(score=0)),
    "later is no six": ("nps", "vi", "sau", None),
    "school marks": ("csat5", "pl", "Piątka!", Rated(score=5)),
    "decomposed letters": ("csat5", "vi", "na\u0306m", Rated(score=5)),
    "two scores": ("csat5", "en", "two, three", None),
    "a number and another face": ("csat5", "en", "5, 😡", None),
    "the same score twice": ("csat5", "en", "5, 😀", Rated(score=5)),
    "a word and a comment": ("csat5", "en", "Two - too slow", Rated(score=2, comment="too slow")),
    "a comment with numbers inside": ("csat5", "en", "2, order 55 is late", Rated(score=2, comment="order 55 is late")),
    "a comment that looks like a sum": ("csat5", "en", "5, -7", None),
    "a comment in several lines": ("csat5", "en", "1\nToo slow.\n\nBye", Rated(score=1, comment="Too slow.\n\nBye")),
    "a comment stays as it was written": ("csat5", "en", "1, ½ ﬁne™ ❤\ufe0f", Rated(score=1, comment="½ ﬁne™ ❤\ufe0f")),
    "yes, but": ("thumbs", "en", "Yes, but slow", Rated(score=1, comment="but slow")),
    "no thanks is no thumb": ("thumbs", "it", "no, grazie", None),
    "a number word in a sentence": ("csat5", "en", "one of your people was rude", None),
    "a long first part": ("csat5", "en", f"{'very ' * 20}good, 5", None),
}  # fmt: skip


@pytest.mark.parametrize(("scale", "locale", "text", "expected"), ODD.values(), ids=ODD)
def test_odd_ratings(scale: ScaleName, locale: str, text: str, expected: Rated | None) -> None:
    assert read(text, scale, locale) == expected


#: a score with words, or words that only begin with a number; label: language, text, what is read on a 1-5 scale
MIXED: dict[str, tuple[str, str, Rated | None]] = {
    "a comma": ("en", "2, too slow", Rated(score=2, comment="too slow")),
    "a colon": ("en", "2: too slow", Rated(score=2, comment="too slow")),
    "a semicolon": ("en", "2; too slow", Rated(score=2, comment="too slow")),
    "an exclamation mark": ("en", "5! Great people", Rated(score=5, comment="Great people")),
    "several": ("en", "5!! Great people", Rated(score=5, comment="Great people")),
    "a dash": ("en", "2 - too slow", Rated(score=2, comment="too slow")),
    "a typist's dash": ("en", "2 -- too slow", Rated(score=2, comment="too slow")),
    "an en dash": ("en", "2 – too slow", Rated(score=2, comment="too slow")),
    "an em dash without spaces": ("en", "2—too slow", Rated(score=2, comment="too slow")),
    "a hyphen without spaces": ("en", "2-too slow", None),
    "a line": ("en", "2\ntoo slow", Rated(score=2, comment="too slow")),
    "a full stop could be a list": ("en", "2. too slow", None),
    "so could a bracket": ("en", "2) too slow", None),
    "a full stop and a line": ("en", "2.\ntoo slow", None),
    "a full stop behind more than a number": ("en", "5/5. Great people", Rated(score=5, comment="Great people")),
    "a full stop behind a word": ("en", "Five. Great people", Rated(score=5, comment="Great people")),
    "a list": ("en", "1. The parcel was late\n2. nobody called", None),
    "a list of praise": ("en", "1. fast\n2. friendly", None),
    "a list with brackets": ("en", "1) fast\n2) friendly", None),
    "a list with dashes": ("en", "1 - fast\n2 - friendly", None),
    "a list with colons": ("en", "1: fast\n2: friendly", None),
    "a list whose numbers stand alone": ("en", "1\nfast\n2\nfriendly", None),
    "a list without spaces": ("en", "1, fast\n2.friendly", None),
    "a list after the score": ("en", "2\nwhat went wrong:\n1. slow\n2. rude", None),
    "a clock on a later line is no list": (
        "en", "2, late\n12:30 was agreed", Rated(score=2, comment="late\n12:30 was agreed"),
    ),
    "an amount on a later line is no list": (
        "en", "2, late\n3 days!", Rated(score=2, comment="late\n3 days!"),
    ),
    "an amount": ("en", "5 - minutes waiting was too long", None),
    "an amount in capitals": ("en", "5 – Minutes waiting was too long", None),
    "an amount on a line": ("en", "5\nminutes of waiting", None),
    "an amount in words": ("en", "five - days for a reply!", None),
    "an amount behind a clear score is a comment": (
        "en", "5/5 - minutes, not hours", Rated(score=5, comment="minutes, not hours"),
    ),
    "a word that begins like an amount": ("en", "1 - daylight robbery", Rated(score=1, comment="daylight robbery")),
    "an amount in Vietnamese": ("vi", "5 - phút chờ quá lâu", None),
    "an amount in Vietnamese, decomposed": ("vi", "5 - phu\u0301t chờ quá lâu", None),
    "an amount in Italian": ("it", "5 - minuti di attesa", None),
    "an amount in Polish": ("pl", "5 - minut czekania", None),
    "an amount of another language": ("pl", "5 - euros", Rated(score=5, comment="euros")),
}  # fmt: skip


@pytest.mark.parametrize(("locale", "text", "expected"), MIXED.values(), ids=MIXED)
def test_a_score_with_words(locale: str, text: str, expected: Rated | None) -> None:
    assert read(text, "csat5", locale) == expected


FOREIGN: dict[str, tuple[ScaleName, str, str, int | None]] = {
    # label: scale, language of the conversation, text, score
    "Italian in English": ("csat5", "en", "cinque", 5),
    "Polish in Vietnamese": ("nps", "vi", "Osiem", 8),
    "Vietnamese in Polish": ("csat5", "pl", "bốn", 4),
    "with a comment": ("csat5", "en", "cinque!", 5),
    "an English word first": ("nps", "en", "due", None),
    "a Polish word first": ("nps", "pl", "ten", None),
    "not where it is a number of one's own": ("nps", "it", "sei", 6),
    "no is nobody's number": ("nps", "en", "không", None),
    "nor is later": ("nps", "en", "sau", None),
}  # fmt: skip


@pytest.mark.parametrize(("scale", "locale", "text", "score"), FOREIGN.values(), ids=FOREIGN)
def test_number_words_of_other_languages(scale: ScaleName, locale: str, text: str, score: int | None) -> None:
    assert read(text, scale, locale) == (None if score is None else Rated(score=score))


STARS = {
    "five of ten could mean full marks": ("csat10", "numbers", "⭐⭐⭐⭐⭐", None),
    "five of seven too": ("ces7", "numbers", "★★★★★", None),
    "where we speak of stars they count": ("csat10", "stars", "⭐⭐⭐⭐⭐", 5),
    "empty stars say how long the scale is": ("csat10", "numbers", "★★★★★☆☆☆☆☆", 5),
    "of another length": ("csat5", "stars", "★★★☆", None),
    "all ten": ("csat10", "numbers", "★" * 10, 10),
    "with spaces": ("csat5", "stars", "⭐ ⭐ ⭐", 3),
    "no stars on this scale": ("nps", "numbers", "★★★", None),
}


@pytest.mark.parametrize(("scale", "look", "text", "score"), STARS.values(), ids=STARS)
def test_stars(scale: ScaleName, look: Look, text: str, score: int | None) -> None:
    assert read(text, scale, "en", look) == (None if score is None else Rated(score=score))


@given(st.text(max_size=80), st.sampled_from(MIXES))
def test_whatever_is_typed_stays_on_the_scale(text: str, mix: tuple[ScaleName, str]) -> None:
    scale, locale = mix
    rated = read(text, scale, locale)
    if rated is not None:
        assert rated.score in scale_of(rating(scale))
        assert rated.comment in text


# ---- options ----------------------------------------------------------------------------------------------

OPTIONS = tuple(
    Option(id=id, text=text)
    for id, text in {
        "slow": {"en": "Slow reply", "vi": "Trả lời chậm"},
        "rude": {"en": "Not friendly!", "vi": "Thiếu thân thiện"},
        "price": {"en": "Price, fees", "vi": "Giá"},
        "v2": {"en": "Version 2", "vi": "Bản 2"},
    }.items()
)

CHOSEN: dict[str, tuple[str, str, tuple[str, ...] | None, tuple[str, ...] | None]] = {
    # label: locale, text, as a single choice, as a multiple choice
    "a number": ("en", "2", ("rude",), ("rude",)),
    "a number with a full stop": ("en", "2.", ("rude",), ("rude",)),
    "a label": ("en", "slow reply", ("slow",), ("slow",)),
    "a label in quotation marks": ("en", "“Slow reply”.", ("slow",), ("slow",)),
    "a label with its punctuation": ("en", "Not friendly!", ("rude",), ("rude",)),
    "a label without its punctuation": ("en", "not friendly", ("rude",), ("rude",)),
    "a label with a comma": ("en", "price, fees", ("price",), ("price",)),
    "a label with a number": ("en", "version 2", ("v2",), ("v2",)),
    "a label of the language": ("vi", "trả lời chậm", ("slow",), ("slow",)),
    "a label of another language of the flow": ("vi", "slow reply", ("slow",), ("slow",)),
    "a number of another script": ("en", "２", ("rude",), ("rude",)),
    "an Arabic number": ("en", "٢", ("rude",), ("rude",)),
    "a Hindi number": ("en", "२", ("rude",), ("rude",)),
    "numbers of another script": ("en", "٣، ١", None, ("slow", "price")),
    "numbers between wide commas": ("en", "３，１", None, ("slow", "price")),
    "a power is no number": ("en", "²", None, None),
    "a language without texts has the flow's": ("it", "slow reply", ("slow",), ("slow",)),
    "numbers": ("en", "3, 1", None, ("slow", "price")),
    "numbers with spaces": ("en", "1 3", None, ("slow", "price")),
    "numbers on lines": ("en", "1\n3\n", None, ("slow", "price")),
    "a number and a label": ("en", "3; slow reply", None, ("slow", "price")),
    "the same twice": ("en", "1, 1", None, ("slow",)),
    "a number too high": ("en", "5", None, None),
    "zero": ("en", "0", None, None),
    "one good, one bad": ("en", "1, 9", None, None),
    "a sum": ("en", "1-3", None, None),
    "negative": ("en", "-1", None, None),
    "a fraction": ("en", "1.5", None, None),
    "words with a number in them": ("en", "I have 2 problems", None, None),
    "a part of a label": ("en", "slow", None, None),
    "an id": ("en", "rude", None, None),
    "nothing": ("en", "", None, None),
    "commas": ("en", ", ,", None, None),
    "64 KB": ("en", "1, " * 22_000 + "x", None, None),
}


@pytest.mark.parametrize(("locale", "text", "one", "many"), CHOSEN.values(), ids=CHOSEN)
def test_options(locale: str, text: str, one: tuple[str, ...] | None, many: tuple[str, ...] | None) -> None:
    single = Choice(id="q", text={"en": "?"}, options=OPTIONS)
    multiple = Choices(id="q", text={"en": "?"}, options=OPTIONS)
    assert read_options(text, single, locale, "en") == one
    assert read_options(text, multiple, locale, "en") == many


def test_a_name_of_two_options_is_none() -> None:
    """The label "2" of the first option and the number of the second: who types 2 is asked again."""
    options = (Option(id="a", text={"en": "2"}), Option(id="b", text={"en": "3"}), Option(id="c", text={"en": "many"}))
    question = Choice(id="q", text={"en": "?"}, options=options)
    named = {text: read_options(text, question, "en", "en") for text in ("1", "2", "3", "many")}
    assert named == {"1": ("a",), "2": None, "3": None, "many": ("c",)}


WORDS = {
    "the word": ("stop", True),
    "in capitals": ("STOP", True),
    "with an exclamation mark": ("Stop!", True),
    "with space before it": (" stop !", True),
    "in quotation marks": ("“STOP”", True),
    "full width": ("ＳＴＯＰ", True),
    "in a sentence": ("please stop", False),
    "with more behind": ("stop it", False),
    "a longer word": ("stopwatch", False),
    "nothing": ("", False),
}


@pytest.mark.parametrize(("text", "expected"), WORDS.values(), ids=WORDS)
def test_words(text: str, expected: bool) -> None:
    assert is_word(text, ("stop", "unsubscribe")) is expected
