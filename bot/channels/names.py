"""Names of people and things as agents and customers see them: one short visible line."""

import re
import unicodedata

#: characters of a name that is shown
LONGEST_NAME = 80

#: Controls that are no white space, halves of surrogate pairs, and what shows nothing but moves, joins or hides what
#: stands beside it: direction marks and embeddings, zero-width characters, tags.
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
#: letters and a symbol that are drawn as nothing
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")


def shown_name(name: str | None, longest: int = LONGEST_NAME) -> str | None:
    """A name as one line of at most ``longest`` characters, or None where nothing of it is visible.

    Names stand beside words of ours in alerts and questions, where a line break, a direction mark or a great length
    would let them pass for more than a name.

    >>> shown_name(" Anna\\n\\tNowak\\u202e "), shown_name("\\u200b\\u3164"), shown_name("Anna Maria", longest=6)
    ('Anna Nowak', None, 'Anna…')
    """
    line = " ".join(_UNSEEN.sub("", name or "").split())
    if not any(character not in _BLANK and unicodedata.category(character)[0] in "LNPS" for character in line):
        return None
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"
