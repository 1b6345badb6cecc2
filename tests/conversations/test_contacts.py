"""What counts as an e-mail address or a phone number, and what is kept of it; nothing is looked up in any network."""

import pytest

from bot.conversations.contacts import read_contact
from bot.conversations.questions import Contact, Wanted
from tests.conversations.test_hostile_text import PIECES, SIZE

TAKEN: dict[str, tuple[Wanted, str, str, str]] = {
    "an address": ("email", "en", "anna@example.com", "anna@example.com"),
    "its domain in capitals": ("email", "en", " Anna.B@EXAMPLE.com\n", "Anna.B@example.com"),
    "in angle brackets": ("email", "en", "<anna@example.com>.", "anna@example.com"),
    "as a link": ("email", "en", "mailto:anna@example.com", "anna@example.com"),
    "wide letters of an input method": ("email", "ja", "anna＠example．com", "anna@example.com"),
    "letters of other scripts": ("email", "vi", "anna@bücher.example.com", "anna@bücher.example.com"),
    "in a sentence": ("email", "en", "try anna@example.com first", "anna@example.com (try anna@example.com first)"),
    "where either will do": ("either", "en", "anna@example.com", "anna@example.com"),
    "a number of the language's country": ("phone", "it", "06 69821234", "+39 06 6982 1234"),
    "of the language's region": ("phone", "pt-BR", "(11) 96123-4567", "+55 11 96123-4567"),
    "of a language with a script": ("phone", "zh-Hans", "131 2345 6789", "+86 131 2345 6789"),
    "a Vietnamese mobile": ("phone", "vi", "0912.345.678", "+84 912 345 678"),
    "a Polish one": ("phone", "pl", "601-234-567", "+48 601 234 567"),
    "with a country code": ("phone", "it", "+48 601 234 567", "+48 601 234 567"),
    "digits of another script": ("phone", "it", "٠٦ ٦٩٨٢ ١٢٣٤", "+39 06 6982 1234"),
    "with slashes between groups": ("phone", "pl", "601/234/567", "+48 601 234 567"),
    "digit by digit": ("phone", "vi", "0 9 1 2 3 4 5 6 7 8", "+84 912 345 678"),
    "the first of two": (
        "phone",
        "vi",
        "0912345678/0987654321",
        "+84 912 345 678 (0912345678/0987654321)",
    ),
    "a number in a sentence": ("either", "vi", "gọi 0912345678 sau 6h", "+84 912 345 678 (gọi 0912345678 sau 6h)"),
}
REFUSED: dict[str, tuple[Wanted, str, str]] = {
    "nothing": ("either", "en", " "),
    "words": ("either", "en", "call me"),
    "no domain": ("email", "en", "anna@"),
    "a host of our own network": ("email", "en", "anna@localhost"),
    "two signs": ("email", "en", "anna@@example.com"),
    "a number where an address is wanted": ("email", "it", "06 6982 1234"),
    "an address where a number is wanted": ("phone", "it", "anna@example.com"),
    "too few digits": ("phone", "it", "0669"),
    "an order": ("either", "en", "order 12345"),
    "a score": ("phone", "vi", "10"),
    "one answer over and over": ("phone", "vi", "8/8/8/8/8/8/8/8/8"),
    "more of it than a number has": ("phone", "vi", "8/8/8/8/8/8/8/8/8/8/8/8/8/8/8/8/8/"),
    "answers with full stops": ("phone", "it", "3.5.2.1.4.4.4.5.5.5"),
    "a part of something longer": ("phone", "vi", "12/0912345678"),
    "its beginning": ("phone", "vi", "0912345678-12"),
    "a country that there is not": ("phone", "it", "+999 123 456 789"),
}


@pytest.mark.parametrize(("wants", "locale", "text", "kept"), TAKEN.values(), ids=TAKEN)
def test_taken(wants: Wanted, locale: str, text: str, kept: str) -> None:
    assert read_contact(text, Contact(id="where", text={}, wants=wants), locale) == kept


@pytest.mark.parametrize(("wants", "locale", "text"), REFUSED.values(), ids=REFUSED)
def test_refused(wants: Wanted, locale: str, text: str) -> None:
    assert read_contact(text, Contact(id="where", text={}, wants=wants), locale) is None


def test_the_country_of_the_question_goes_before_the_language_s() -> None:
    assert read_contact("06 6982 1234", Contact(id="where", text={}, region="IT"), "en") == "+39 06 6982 1234"


@pytest.mark.parametrize("piece", PIECES.values(), ids=PIECES)
def test_no_text_is_too_long_or_too_strange(piece: str) -> None:
    assert read_contact(piece * (SIZE // len(piece)), Contact(id="where", text={}), "it") is None
