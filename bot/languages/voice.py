"""How the program speaks: in a customer's or agent's language, with the author's own sentences where there are some."""

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType

import msgspec

from bot.languages import Sentence, fill, form_of, pack, shown
from bot.languages.tags import nearest

#: key -> language tag -> the author's sentence
Sentences = Mapping[str, Mapping[str, Sentence]]

NONE: Sentences = MappingProxyType({})


class Voice(msgspec.Struct, frozen=True):
    """A language to speak, and what the author says differently from the packs.

    >>> Voice("vi", {"reply.taken": {"vi": "Dạ, cảm ơn anh chị!"}}).say("reply.taken")
    'Dạ, cảm ơn anh chị!'
    """

    locale: str
    own: Sentences = NONE

    def say(self, key: str, **variables: object) -> str:
        """The sentence of a key, filled in. Raises KeyError for a key that no pack has."""
        return fill(self.text(key, variables.get("n")), shown(variables, self.locale))

    def text(self, key: str, count: object = None) -> str:
        """The sentence of a key with its variables still in it. Raises KeyError for a key that no pack has."""
        theirs = self.own.get(key) if self.own else None
        tag = spoken_in(self.locale, theirs) if theirs else None
        if theirs and tag:
            return form_of(theirs[tag], tag, count)
        spoken = pack(self.locale)
        return form_of(spoken.plurals.get(key, spoken.sentences[key]), spoken.locale, count)


#: gives the voice of a language
Speak = Callable[[str], Voice]


def spoken_in(locale: str, offered: Collection[str]) -> str | None:
    """The offered tag whose text a reader of a language is shown: the nearest, else that of the pack; None for neither.

    >>> spoken_in("it-CH", ("en", "it")), spoken_in("sv", ("en", "it")), spoken_in("vi", ("en", "it"))
    ('it', 'en', None)
    """
    tag = nearest(locale, offered) or pack(locale).locale
    return tag if tag in offered else None
