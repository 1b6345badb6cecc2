"""The built-in sentences and words of each language, kept as data files and read once."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import msgspec

from bot.languages.cldr import known
from bot.languages.cldr import number as in_digits
from bot.languages.tags import isolated, nearest

#: A text, or a text by CLDR's plural category of the count ``{n}``: one, few, many, other.
Sentence = str | Mapping[str, str]

#: The pack that stands in for a language that has none.
FALLBACK = "en"
#: the pack's lists of words that stand in comments
_ABOUT_COMMENTS = ("takes_back", "denials", "corrections", "articles", "buts", "very", "too", "praise", "blame")
_VARIABLE = re.compile(r"\{([a-z][a-z0-9_]*)(?:\|([^{}]*))?\}")


class Pack(msgspec.Struct, frozen=True, kw_only=True):
    """One language. All words are in lower case and in Unicode's composed form (NFC).

    ``endonym`` is how the language calls itself; ``asked_for_by`` is what asks for it, heard in every language.
    ``score_phrases`` are ways to put a score in words, with ``{score}`` and perhaps ``{end}`` (the scale's end) in
    them; ``joins`` may stand between a score and a comment. ``opinions`` has the keys satisfaction (1-5), ease (1-7),
    likelihood (0-10) and thumbs (0, 1): words that are, as a whole, that point of the scale.

    ``commands`` has the keys stop, enough, never, not_now, no_thanks, start, skip, feedback, back, change,
    human, staff, language and leave_panel. *change* and *staff* go back and ask for a person, too, but are what
    somebody may have to say ("exchange it", "the staff"): they are heard only where nothing but a score is awaited.
    *stop* has only words that can mean nothing but "ask me no more" and are heard in every language; *enough* has those
    that may also mean "that is all", and *never* those that may be what somebody thinks of a shop: both end nothing
    while someone is asked for words. *not_now* ends one survey, before its first answer; so does *no_thanks*, which is
    written without punctuation, is heard in every language and is never a score, whatever stands behind it.
    """

    locale: str
    #: key such as "reply.taken" -> text, whose variables stand as ``{name}``
    sentences: Mapping[str, str]
    #: key -> CLDR's plural category of the count ``{n}`` -> text; ``sentences`` has the most general of these forms
    plurals: Mapping[str, Mapping[str, str]]
    #: "five" -> 5, for 0 to 10
    number_words: Mapping[str, int]
    #: number words of other packs that are everyday words here, such as Polish "ten" (this one)
    not_numbers: tuple[str, ...]
    #: words that make an amount of the number before them, as in "5 - minutes of waiting"
    units: tuple[str, ...]
    endonym: str
    asked_for_by: tuple[str, ...]
    score_phrases: tuple[str, ...]
    #: the same with stars in them: they are a score only where stars are counted
    star_phrases: tuple[str, ...] = ()
    joins: tuple[str, ...]
    #: greetings, thanks and particles that may stand around a score and are no comment
    courtesies: tuple[str, ...] = ()
    #: what shows that the score before it was not meant, where a comment begins with it: "just kidding", "if you"
    takes_back: tuple[str, ...]
    #: the same where it is all that a comment ends in: "not"
    denials: tuple[str, ...]
    #: behind which another score stands in the place of the first: "sorry", "I mean"
    corrections: tuple[str, ...]
    #: number words that are articles or verbs as well: numbers alone and in a phrase, never before a comment
    articles: tuple[str, ...] = ()
    #: joins behind which an opinion was meant, whatever follows
    buts: tuple[str, ...]
    #: words of degree; behind a number, those of too much can count nothing
    very: tuple[str, ...]
    too: tuple[str, ...] = ()
    #: how a service may be, never what may be counted
    praise: tuple[str, ...]
    blame: tuple[str, ...]
    #: "satisfaction" -> "very good" -> 5
    opinions: Mapping[str, Mapping[str, int]]
    commands: Mapping[str, tuple[str, ...]]
    yes: tuple[str, ...]
    no: tuple[str, ...]
    #: what answers "Is it fixed?": yes, no, thanks (says nothing beside a yes) and calm (a "no" with one is none)
    recovery: Mapping[str, tuple[str, ...]]


def say(locale: str, key: str, **variables: object) -> str:
    """A built-in sentence in a language, else in its base language, else in English.

    What the author of the settings may have put differently is said by a Voice. Raises KeyError for a key that no
    pack has.

    >>> say("en-GB", "hint.scale", low=1, high=5)
    'Tap a number or type one from 1 to 5.'
    """
    spoken = pack(locale)
    text = form_of(spoken.plurals.get(key, spoken.sentences[key]), spoken.locale, variables.get("n"))
    return fill(text, shown(variables, spoken.locale))


def shown(variables: Mapping[str, object], locale: str) -> Mapping[str, str]:
    """The values of variables as a reader takes them: numbers as the language writes them.

    >>> shown({"n": 12000, "who": "Anna"}, "it")
    {'n': '12.000', 'who': 'Anna'}
    """
    return {name: _shown(value, locale) for name, value in variables.items()}


def _shown(value: object, locale: str) -> str:
    return in_digits(value, locale) if isinstance(value, int | float) else isolated(str(value), locale)


def form_of(sentence: Sentence, locale: str, count: object = None) -> str:
    """The text of a sentence for a count; what is no whole number takes the most general form.

    >>> form_of({"one": "a case", "other": "{n} cases"}, "en", 1), form_of("cases: {n}", "en", 1)
    ('a case', 'cases: {n}')
    """
    if isinstance(sentence, str):
        return sentence
    whole = int(count) if isinstance(count, str) and count.isdecimal() and len(count) < 19 else count
    if isinstance(whole, int):
        named = sentence.get(known(locale).plural_form(whole))
        if named is not None:
            return named
    # Polish has whole numbers only in *many*, never in *other*.
    return sentence.get("other") or sentence.get("many") or next(iter(sentence.values()))


@cache
def categories(locale: str) -> frozenset[str]:
    """The plural categories that whole numbers of everyday size have in a language.

    A thousand are enough: beyond them, CLDR has only the "many" of millions in the Romance languages.

    >>> sorted(categories("pl")), sorted(categories("vi"))
    (['few', 'many', 'one'], ['other'])
    """
    form = known(locale).plural_form
    return frozenset(form(n) for n in range(1000))


def fill(text: str, variables: Mapping[str, str]) -> str:
    """Put values in the place of ``{name}`` or ``{name|else}``, in one pass; what has neither stays as it is.

    A value is never read again, so a customer's braces or percent signs are only characters.

    >>> fill("{agent} asks about {order} of {day|today}", {"agent": "{order}"})
    '{order} asks about {order} of today'
    """
    if "{" not in text:
        return text

    def put(found: re.Match[str]) -> str:
        name, otherwise = found.groups()
        return variables.get(name, found[0]) if otherwise is None else variables.get(name) or str(otherwise)

    return _VARIABLE.sub(put, text)


def variables_in(text: str) -> frozenset[str]:
    """The names of the variables that a text holds.

    >>> sorted(variables_in("{agent} and {order|that}, not {} or {9}"))
    ['agent', 'order']
    """
    return frozenset(found[1] for found in _VARIABLE.finditer(text))


@lru_cache(maxsize=512)
def pack(locale: str) -> Pack:
    """The pack of a language tag, of its base language, of another kind of the same language, or the English one.

    >>> pack("it-CH").locale, pack("zh_CN").locale, pack("xx").locale
    ('it', 'zh-Hans', 'en')
    """
    return _packs()[(nearest(locale, locales()) or FALLBACK).lower()]


def has_sentence(key: str) -> bool:
    """Whether the packs have a sentence of this key."""
    return key in pack(FALLBACK).sentences


def locales() -> tuple[str, ...]:
    """The language tags that have a pack, in alphabetical order."""
    return tuple(pack.locale for pack in _packs().values())


@cache
def numbers_heard(locale: str) -> Mapping[str, int]:
    """The number words of a language, and those of all others that mean nothing else in it.

    >>> numbers_heard("en")["cinque"], "due" in numbers_heard("en"), "sau" in numbers_heard("en")
    (5, False, False)
    """
    own = pack(locale)
    mine = {*own.yes, *own.no, *own.not_numbers, *(word for words in own.commands.values() for word in words)}
    meanings: dict[str, set[int]] = {}
    for other in _packs().values():
        for word, number in other.number_words.items():
            meanings.setdefault(word, set()).add(number)
    foreign = {word: min(numbers) for word, numbers in meanings.items() if len(numbers) == 1 and word not in mine}
    return MappingProxyType({**foreign, **own.number_words})


@cache
def stop_words() -> frozenset[str]:
    """The words of all languages that opt out whatever is under way."""
    return frozenset(word for each in _packs().values() for word in each.commands["stop"])


@cache
def thanks_heard(locale: str) -> tuple[str, ...]:
    """How a language says thanks, and how all others do, but for what is praise in any or means something else here.

    >>> "grazie mille" in thanks_heard("en"), "ottimo" in thanks_heard("en"), "great" in thanks_heard("en")
    (True, False, True)
    """
    own = pack(locale)
    mine = {*own.yes, *own.no, *own.joins, *own.units, *own.number_words, *own.praise, *own.blame, *own.buts}
    mine |= {word for points in own.opinions.values() for word in points}
    mine |= {word for words in own.commands.values() for word in words}
    praise = {word for each in _packs().values() for points in each.opinions.values() for word in points}
    praise |= {word for each in _packs().values() for word in each.praise}
    foreign = {word for each in _packs().values() for word in each.recovery["thanks"] if " " in word or len(word) > 3}
    return (*own.recovery["thanks"], *sorted(foreign - mine - praise - set(own.recovery["thanks"])))


@cache
def articles_heard() -> frozenset[str]:
    """The number words of all languages that are articles or verbs in their own."""
    return frozenset(word for each in _packs().values() for word in each.articles)


@cache
def no_thanks_words() -> frozenset[str]:
    """How all languages say no thanks, without punctuation."""
    return frozenset(word for each in _packs().values() for word in each.commands["no_thanks"])


@cache
def _packs() -> Mapping[str, Pack]:
    found = (entry for entry in files(__name__).joinpath("packs").iterdir() if entry.name.endswith(".toml"))
    read = (_read(tomllib.loads(entry.read_text(encoding="utf-8"))) for entry in found)
    return MappingProxyType({pack.locale.lower(): pack for pack in sorted(read, key=lambda pack: pack.locale)})


def _read(data: dict[str, Any]) -> Pack:
    sentences = data["sentences"]
    numbers = {word: number for number, words in data["numbers"].items() for word in words}
    return msgspec.convert(
        {
            "locale": data["locale"],
            "sentences": {key: form_of(text, data["locale"]) for key, text in sentences.items()},
            "plurals": {key: forms for key, forms in sentences.items() if not isinstance(forms, str)},
            "number_words": {word: int(number) for word, number in numbers.items()},
            "not_numbers": data["not_numbers"],
            "units": data["units"],
            "endonym": data["endonym"],
            "asked_for_by": data["asked_for_by"],
            "score_phrases": data["score"]["phrases"],
            "star_phrases": data["score"].get("stars", ()),
            "joins": data["score"]["joins"],
            "courtesies": data["score"].get("courtesies", ()),
            **{name: data["score"][name] for name in _ABOUT_COMMENTS if name in data["score"]},
            "opinions": {
                name: {word: int(point) for point, words in points.items() for word in words}
                for name, points in data["opinions"].items()
            },
            "commands": data["commands"],
            "yes": data["yes"],
            "no": data["no"],
            "recovery": data["recovery"],
        },
        Pack,
    )
