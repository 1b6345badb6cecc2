"""Forms in which typed text is compared: cut first, because normalizing takes time by the square of a text's length."""

import re
import unicodedata

#: a longer text is no bare score and no command, and what stands behind that many characters is a comment
LONGEST = 60
_QUOTES = "\"'“”„«»‘’`「」『』¡"
#: What is drawn with the character before it or not at all: variation selectors, the keycap's frame, skin tones, marks
#: of direction. The two overriding directions are not among them: with these, what is read is not what was written.
INVISIBLE = (
    "\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202c\u2060-\u2064\u2066-\u2069\ufe00-\ufe0f\ufeff\u20e3"
    "\U0001f3fb-\U0001f3ff"
)
_UNSEEN = re.compile(f"[{INVISIBLE}]")
#: Arabic vowel signs and the stroke that only makes a word longer: written by few, and never the same
_VOWELS = re.compile("[\u0640\u064b-\u0652\u0670]")
_SPACELESS = re.compile("[\u3005-\u3007\u3040-\u30ff\u3400-\u9fff]")
_APOSTROPHES = str.maketrans("’‘´", "'''")


def _without_accents() -> dict[int, str]:
    """Latin letters with accents, and the Arabic ones that people exchange, by the bare letter; one for one."""
    folded = {ord("đ"): "d", ord("ł"): "l", ord("ı"): "i", ord("ø"): "o"}
    for code in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00)):
        base = unicodedata.normalize("NFD", chr(code))
        if len(base) > 1 and base[0].isascii():
            folded[code] = base[0]
    return folded | {ord(each): bare for each, bare in zip("أإآٱىةی", "اااايهي", strict=True)}


_FOLDED = _without_accents()


def plain(text: str) -> str:
    """A short text with one form for each character and nothing invisible."""
    if text.isascii():
        return text.strip()
    return _UNSEEN.sub("", unicodedata.normalize("NFKC", text)).strip()


def bare(text: str) -> str:
    """A short text without the quotation marks and the closing punctuation that people put around an answer."""
    return plain(text).lstrip(_QUOTES).rstrip(f"{_QUOTES}!.。 ").strip()


def key(text: str) -> str:
    """The form in which texts and a pack's words are compared: no case, single spaces, none in Chinese and Japanese."""
    bared = bare(text).casefold()
    if bared.isascii():
        return " ".join(bared.split())
    lowered = _VOWELS.sub("", unicodedata.normalize("NFC", bared).translate(_APOSTROPHES))
    return ("" if _SPACELESS.search(lowered) else " ").join(lowered.split())


def folded(keyed: str) -> str:
    """A key without accents, letter for letter: as it is written where the keyboard has none.

    >>> folded("rất hài lòng"), folded("źle")
    ('rat hai long', 'zle')
    """
    return keyed if keyed.isascii() else keyed.translate(_FOLDED)


def spaceless(text: str) -> bool:
    """Whether a text has characters that are written without spaces between words."""
    return _SPACELESS.search(text) is not None


def spoken(text: str) -> str:
    """The words that a text begins with and nothing between them: "No, thank you!" -> "no thank you"."""
    lowered = bare(text.strip()[:LONGEST]).casefold().translate(_APOSTROPHES)
    if not lowered.isascii():
        lowered = "".join(each for each in lowered if unicodedata.category(each) != "Mn")
    return " ".join("".join(each if each.isalnum() or each == "'" else " " for each in lowered).split())
