"""Emoji by the names that Slack gives them: a form's text field may hold ":tada:" where its writer saw 🎉. Pure."""

import re
from functools import lru_cache

import emoji

# not within a time such as 10:100:30, nor at the end of a word
_NAMED = re.compile(r"(?<![0-9A-Za-z]):([a-z0-9_+'-]{1,60}):(?::skin-tone-([2-6]):)?")
_FLAG = re.compile(r"flag-([a-z]{2})")
#: where Slack's name is none of those that the library has
_OTHERWISE = {"simple_smile": "slightly_smiling_face"}
_REGIONAL_A = 0x1F1E6
_LIGHTEST = 0x1F3FB


def named(text: str) -> str:
    """The text with its emoji as characters; a name that nobody but its workspace knows stays as it is.

    >>> named("Sorry :pray::skin-tone-3: see you at 10:30:15 :our-logo:")
    'Sorry 🙏🏼 see you at 10:30:15 :our-logo:'
    """
    return _NAMED.sub(_character, text) if ":" in text else text


def _character(found: re.Match[str]) -> str:
    character = character_of(found[1])
    if not character:
        return found[0]
    return character + chr(_LIGHTEST + int(found[2]) - 2) if found[2] else character


@lru_cache(maxsize=1_000)
def character_of(name: str) -> str:
    """The emoji of a name, such as "+1"; empty for one of the workspace's own."""
    if flag := _FLAG.fullmatch(name):
        return "".join(chr(_REGIONAL_A + ord(letter) - ord("a")) for letter in flag[1])
    name = _OTHERWISE.get(name, name)
    for spelling in (name, name.replace("-", "_")):
        shortcode = f":{spelling}:"
        if (character := emoji.emojize(shortcode, language="alias")) != shortcode:
            return character
    return ""
