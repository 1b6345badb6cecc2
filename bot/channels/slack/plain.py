"""Between Slack's markup and plain text: what a person typed, and what a person shall read."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

#: what stands for words of which nothing can be shown
NOTHING_VISIBLE = "…"

_ANGLED = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")
_EMOJI = re.compile(r":([a-z0-9_+'-]+):(?::skin-tone-[2-6]:)?")
# Slack refuses them or loses them: control characters but tab and newline, and halves of surrogate pairs.
_UNSHOWABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def typed(text: str, blocks: object = None) -> str:
    """What a person typed, from the ``text`` of their message and its ``blocks``.

    Slack escapes ``& < >``, makes links of addresses, ids of mentions and names of emoji; only the blocks tell
    which character an emoji was, so ":star::star:" becomes "⭐⭐" with them and stays as it is without.

    >>> typed("5 &gt; 4, see <http://a.example|a.example> or <mailto:b@c.example|b@c.example>")
    '5 > 4, see a.example or b@c.example'
    """
    plain = _ANGLED.sub(_without_angles, text)
    if ":" in plain and (characters := dict(_emoji_in(blocks))):
        plain = _EMOJI.sub(lambda found: characters.get(found[0], characters.get(found[1], found[0])), plain)
    return plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").replace("\0", "")


def _without_angles(found: re.Match[str]) -> str:
    target, label = found[1], found[2]
    if target.startswith(("@", "#")):
        return target[0] + (label or target[1:])
    if target.startswith("!"):
        command = target[1:].partition("^")[0]
        return label or f"@{command}"
    return labelled(target, label)


def labelled(target: str, label: str | None) -> str:
    """A link as words: its address, and beside it what stood in its place if that says something else."""
    address = target.removeprefix("mailto:").removeprefix("tel:")
    if not label or label == address:
        return address
    bare = address.partition("://")[2].rstrip("/")
    return label if bare == label.rstrip("/") else f"{label} ({address})"


def _emoji_in(blocks: object, depth: int = 0) -> Iterator[tuple[str, str]]:
    if depth > 8:
        return
    match blocks:
        case list():
            for block in blocks:
                yield from _emoji_in(block, depth + 1)
        case {"type": "emoji", "name": str(name), **more}:
            if character := emoji_of(blocks):
                tone = more.get("skin_tone")
                yield (f":{name}::skin-tone-{tone}:" if tone else name), character
        case {"elements": elements}:
            yield from _emoji_in(elements, depth + 1)
        case _:
            return


def emoji_of(element: object) -> str:
    """The character of an emoji in rich text, such as that of "1f44d-1f3fb"; empty for one of the workspace's own."""
    code = text_at(element, "unicode")
    if not code:
        return ""
    try:
        return "".join(chr(int(point, 16)) for point in code.split("-"))
    except (ValueError, OverflowError):
        return ""


def shown(text: str, length: int) -> str:
    """Words as Slack accepts them: without unshowable characters, at most ``length`` long, never empty.

    Slack does not say whether it counts characters or UTF-16 units; the latter are never fewer.
    """
    visible = _UNSHOWABLE.sub("", text)
    return cut(visible, length) if visible.strip() else NOTHING_VISIBLE


def cut(text: str, length: int) -> str:
    """At most ``length`` UTF-16 units; what was cut is replaced by an ellipsis.

    >>> cut("abcdef", 4), cut("😀😀", 3), cut("😀😀", 4)
    ('abc…', '😀…', '😀😀')
    """
    return text if _units(text) <= length else _head(text, length - 1) + "…"


def pieces(text: str, length: int, most: int) -> list[str]:
    """A long text in at most ``most`` pieces of at most ``length`` UTF-16 units; the last one may end in an ellipsis.

    >>> pieces("one two three four", 9, 2)
    ['one two ', 'three fo…']
    """
    parts: list[str] = []
    rest = shown(text, _units(text))
    while len(parts) < most - 1 and _units(rest) > length:
        head = _head(rest, length)
        space = max(head.rfind(" "), head.rfind("\n")) + 1
        head = head[:space] if space > length // 2 else head
        parts.append(head)
        rest = rest[len(head) :]
    parts.append(cut(rest, length))
    # a piece of blanks alone would be refused, and nobody misses it
    return [part for part in parts if part.strip()]


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _head(text: str, units: int) -> str:
    return text.encode("utf-16-le", "surrogatepass")[: 2 * units].decode("utf-16-le", "ignore")


def escaped(text: str) -> str:
    """Text that says the same where Slack reads markup: no mention, link or entity comes alive.

    >>> escaped("<!channel> & co")
    '&lt;!channel&gt; &amp; co'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def found(value: object, *path: str) -> Mapping[str, Any]:
    """The object at a path within a body from outside; empty where there is none."""
    here: Any = value
    for key in path:
        here = here.get(key) if isinstance(here, dict) else None
    return here if isinstance(here, dict) else {}


def text_at(value: object, *path: str) -> str:
    """The text at a path within a body from outside; empty where there is none."""
    *parents, last = path
    text = found(value, *parents).get(last)
    return text if isinstance(text, str) else ""
