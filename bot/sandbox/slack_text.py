"""How Slack reads and shows text: entities, mentions, links and formatting."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "text",
    "user",
    "channel",
    "broadcast",
    "link",
    "autolink",
    "bold",
    "italic",
    "strike",
    "code",
    "pre",
    "quote",
]

#: kinds that call people or lead somewhere: a customer's words must never become these
LIVE: frozenset[Kind] = frozenset(("user", "channel", "broadcast", "link", "autolink"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A piece of text as a reader sees it: `Span(kind="link", text="our shop", target="https://shop.example")`."""

    kind: Kind
    text: str
    #: the user, channel or address that the piece leads to
    target: str = ""


_MARKUP = re.compile(
    r"<(?P<angle>[^<>]+)>"
    r"|```(?P<pre>.+?)```"
    r"|`(?P<code>[^`\n]+)`"
    r"|(?P<url>https?://[^\s<>|]+)"
    r"|(?<![\w*])\*(?P<bold>[^*\s](?:[^*\n]*[^*\s])?)\*(?![\w*])"
    r"|(?<![\w_])_(?P<italic>[^_\s](?:[^_\n]*[^_\s])?)_(?![\w_])"
    r"|(?<![\w~])~(?P<strike>[^~\s](?:[^~\n]*[^~\s])?)~(?![\w~])"
    r"|^(?:&gt;|>)[ ]?(?P<quote>[^\n]*)",
    re.DOTALL | re.MULTILINE,
)


def escaped(text: str) -> str:
    """Text in which Slack finds no markup of its own: what a person types, as events carry it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescaped(text: str) -> str:
    """The three entities that Slack knows, as characters."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def rendered(text: str) -> list[Span]:
    """How Slack shows a mrkdwn text, as pieces in order; neighbouring plain pieces are one."""
    spans: list[Span] = []
    for span in _pieces(text):
        if span.kind == "text" and spans and spans[-1].kind == "text":
            spans[-1] = Span(kind="text", text=spans[-1].text + span.text)
        elif span.text or span.kind != "text":
            spans.append(span)
    return spans


def shown(text: str) -> str:
    """What a reader of a mrkdwn text sees, without how it looks."""
    return "".join(span.text for span in rendered(text))


def _pieces(text: str) -> Iterator[Span]:
    end = 0
    for match in _MARKUP.finditer(text):
        yield Span(kind="text", text=unescaped(text[end : match.start()]))
        yield _piece(match)
        end = match.end()
    yield Span(kind="text", text=unescaped(text[end:]))


def _piece(match: re.Match[str]) -> Span:
    content = match[match.lastgroup or 0]
    match match.lastgroup:
        case "angle":
            return _angle(content)
        case "url":
            return Span(kind="autolink", text=unescaped(content), target=unescaped(content))
        case "pre" | "code" | "bold" | "italic" | "strike" | "quote" as kind:
            return Span(kind=kind, text=unescaped(content))
        case other:
            raise AssertionError(f"unknown markup {other}")


def _angle(content: str) -> Span:
    target, bar, label = content.partition("|")
    words = unescaped(label) if bar else ""
    match target[0]:
        case "@":
            return Span(kind="user", text=words or target, target=target[1:])
        case "#":
            return Span(kind="channel", text=words or target, target=target[1:])
        case "!":
            name = target[1:].partition("^")[0]
            return Span(kind="broadcast", text=words or f"@{name}", target=target[1:])
        case _:
            return Span(kind="link", text=words or unescaped(target), target=unescaped(target))
