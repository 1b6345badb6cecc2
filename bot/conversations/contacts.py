"""An e-mail address or a phone number in what somebody wrote. Pure: nothing is looked up in any network."""

import re
import unicodedata

import phonenumbers
from babel.core import get_global
from email_validator import EmailNotValidError, validate_email

from bot.conversations.questions import Contact

#: in a longer text nobody would look for an address
_LONGEST = 1_000
#: marks of answers, dates or parts of one number: digits one by one with marks between them
_SPELLED_OUT = re.compile(r"(?<!\d)\d[/.,-]\d(?!\d)")
#: Nearly every number has more digits than this; with fewer, what is joined to one makes both something else.
_FEW = 5
_JOINED_BEFORE = re.compile(rf"(?<!\d)\d{{1,{_FEW}}}[/.,:-]?$")
_JOINED_BEHIND = re.compile(rf"[/.,:-]?\d{{1,{_FEW}}}(?!\d)")
_AROUND = "\"'“”„«»‘’`<>()[]{}.,;:!?"


def read_contact(text: str, question: Contact, locale: str) -> str | None:
    """What to keep of a text that gives the contact which a question wants; None where it gives none.

    An address alone is kept as it is usually written; in a sentence it stands before the whole sentence.

    >>> where = Contact(id="where", text={})
    >>> read_contact("Anna@Example.com ", where, "en"), read_contact("06 6982 1234", where, "it")
    ('Anna@example.com', '+39 06 6982 1234')
    >>> read_contact("it is anna@example.com, after six", where, "en"), read_contact("no idea", where, "en")
    ('anna@example.com (it is anna@example.com, after six)', None)
    """
    said = text.strip()
    plain = unicodedata.normalize("NFKC", said[:_LONGEST])
    found = None
    if question.wants != "phone":
        found = _email(plain)
    if found is None and question.wants != "email":
        found = _phone(plain, question.region or region_of(locale))
    if found is None:
        return None
    contact, alone = found
    return contact if alone else f"{contact} ({said})"


def region_of(locale: str) -> str:
    """The country that a language tag names, or where most speak it; phone numbers without a country code are its.

    >>> region_of("pt-BR"), region_of("vi"), region_of("zh-Hans")
    ('BR', 'VN', 'CN')
    """
    parts = locale.replace("-", "_").split("_")
    named = next((part for part in parts[1:] if len(part) == 2), "")
    likely = get_global("likely_subtags")
    whole = str(likely.get("_".join(parts)) or likely.get(parts[0]) or "")
    return (named or whole.rpartition("_")[2]).upper()


def _email(text: str) -> tuple[str, bool] | None:
    for word in re.split(r"[\s,;]+", text):
        bare = word.strip(_AROUND).removeprefix("mailto:")
        if "@" not in bare:
            continue
        try:
            address = validate_email(bare, check_deliverability=False).normalized
        except EmailNotValidError:
            continue
        return address, not text.replace(word, "", 1).strip()
    return None


def _phone(text: str, region: str) -> tuple[str, bool] | None:
    for match in phonenumbers.PhoneNumberMatcher(text, region or None):
        before, behind = text[: match.start], text[match.end :]
        if _SPELLED_OUT.search(match.raw_string) or _JOINED_BEFORE.search(before) or _JOINED_BEHIND.match(behind):
            continue
        number = phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
        return number, not any(character.isalnum() for character in before + behind)
    return None
