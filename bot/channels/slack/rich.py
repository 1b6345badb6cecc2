"""What a person typed, as plain words, from the rich text that Slack makes of it. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from bot.channels.slack.emoji_names import named
from bot.channels.slack.plain import emoji_of, found, labelled, text_at

_DEEPEST = 8


def words_in(blocks: object) -> str:
    """The words of a message's rich text, without what only marks them up; empty where there is no rich text.

    Lists keep their bullets and numbers; a mention is shown as the id that stands for it.
    """
    if not isinstance(blocks, list):
        return ""
    rich = [found(block) for block in blocks if text_at(block, "type") == "rich_text"]
    parts = (part for block in rich for part in _parts(block, 0))
    return "\n".join(part.removesuffix("\n") for part in parts).replace("\0", "")


def _parts(container: Mapping[str, Any], depth: int) -> Iterable[str]:
    """The paragraphs, quotations and lists of a rich text, each on lines of its own."""
    if depth > _DEEPEST:
        return
    offset = container.get("offset")
    number = offset if isinstance(offset, int) else 0
    for element in _elements(container):
        kind = text_at(element, "type")
        if kind == "rich_text_list":
            yield from _parts(element, depth + 1)
        elif text_at(container, "type") == "rich_text_list":
            number += 1
            mark = f"{number}. " if text_at(container, "style") == "ordered" else "• "
            yield mark + _line(element)
        else:
            yield _line(element)


def _line(section: Mapping[str, Any]) -> str:
    return "".join(_word(element) for element in _elements(section))


def _elements(container: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    inside = container.get("elements")
    return [found(each) for each in inside] if isinstance(inside, list) else []


def _word(element: Mapping[str, Any]) -> str:
    match element:
        case {"type": "emoji", "name": str(name)}:
            return emoji_of(element) or named(f":{name}:")
        case {"type": "link", "url": str(url)}:
            return labelled(url, text_at(element, "text"))
        case {"type": "user", "user_id": str(id)} | {"type": "usergroup", "usergroup_id": str(id)}:
            return f"@{id}"
        case {"type": "channel", "channel_id": str(id)}:
            return f"#{id}"
        case {"type": "broadcast", "range": str(name)}:
            return f"@{name}"
        case {"text": str(text)} | {"fallback": str(text)} | {"value": str(text)}:
            return text
        case _:
            return ""
