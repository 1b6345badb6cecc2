"""In which language a customer writes, in the agents' words. Pure."""

from babel import Locale

from bot.languages.formats import percent
from bot.languages.voice import Voice


def written(tag: str, sureness: int, voice: Voice) -> str:
    """Which language a customer writes, and how sure that is in per cent.

    >>> written("it", 97, Voice("en"))
    'Italian (97% sure, by what they write)'
    """
    named = Locale.parse(tag, sep="-").get_display_name(Locale.parse(voice.locale, sep="-")) or tag
    return voice.say("desk.language", language=named, percent=percent(sureness / 100, voice.locale, decimals=0))
