"""A flow as the page shows it: its questions, under each its messages, and of each how every window draws it. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal

import msgspec
from msgspec.structs import replace

from bot.advice.showing import consider_texts
from bot.advice.walking import consider_ways
from bot.config import Settings
from bot.config.considered import Considered
from bot.conversations.flow import Flow
from bot.conversations.prompts import Wording
from bot.conversations.questions import Question, Rating
from bot.languages import locales, pack
from bot.languages.tags import direction
from bot.messages import Card
from bot.preview.looks import Look, look_in
from bot.preview.scenes import Kind, Scene, Setting, Step, scenes
from bot.web.preview.asked import PANES, Asked, Pane
from bot.web.survey.showing import Shown, card_shown

_TITLES: Mapping[Kind, str] = {
    "asked": "Asked",
    "unreached": "Never asked: no answers lead here",
    "ticked": "With options ticked",
    "answered": "Answered",
    "reopened": "After Change",
    "again": "After words that are no answer",
    "thanks": "Thanks",
    "reminded": "The reminder, where nobody answered",
    "refused": "After “{chosen}”",
    "never": "After “{chosen}”",
    "goodbye": "Goodbye",
}
#: these change a message that is there, which a window of words alone does not show
_EDITS: frozenset[Kind] = frozenset({"ticked", "answered", "reopened", "refused", "never"})
#: whoever opens a survey page was not sent an invitation
_INVITED: frozenset[Kind] = frozenset({"reminded", "refused", "never", "goodbye"})
_TYPES = {
    "choice": "one of several",
    "choices": "any of several",
    "text": "open text",
    "contact": "contact",
    "consent": "consent",
    "panel": "invitation to the panel",
}


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One message in one window and language; without ``look`` and ``shown`` it is not sent there, and why."""

    pane: Pane
    locale: str
    dir: Literal["ltr", "rtl"]
    say: Callable[..., str]
    look: Look | None = None
    shown: Shown | None = None
    missing: str = ""

    @property
    def cut(self) -> int:
        """How many of its buttons a phone cuts."""
        rows = () if self.look is None else self.look.rows
        return sum(bool(press.cut) for row in rows for press in row.presses)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    head: str
    #: the language of the head, or what it is in
    cells: tuple[Cell, ...]


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """One message in all windows and languages."""

    title: str
    way: tuple[Step, ...]
    where: tuple[str, ...]
    heads: tuple[str, ...]
    lines: tuple[Line, ...]


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A question, or what is said at the end."""

    id: str
    title: str
    about: str
    warnings: tuple[str, ...]
    frames: tuple[Frame, ...]


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """A whole flow; ``warnings`` are about no single question."""

    warnings: tuple[str, ...]
    groups: tuple[Group, ...]


def endonym(tag: str) -> str:
    """A language as its own people call it; the tag of one that has no pack."""
    return pack(tag).endonym if tag in locales() else tag


def board_of(asked: Asked, settings: Settings) -> Board:
    """Everything that the page shows of a flow."""
    flow = asked.flow.flow
    wording = Wording(
        company=settings.company, decline=settings.asking.decline_buttons, languages=settings.asking.language_button
    )
    played = {
        locale: {
            scene.key: scene
            for scene in scenes(flow, Setting(locale=locale, wording=wording, filled=asked.values == "examples"))
        }
        for locale in asked.languages
    }
    order = list(dict.fromkeys(key for found in played.values() for key in found))
    framed = [_frame(asked, {locale: found.get(key) for locale, found in played.items()}) for key in order]
    found = [*consider_ways(flow, settings), *consider_texts(flow, settings)]
    groups = [
        Group(
            id=question.id,
            title=question.id,
            about=_about(question),
            warnings=_warnings(found, flow, asked.languages, question.id),
            frames=tuple(frame for scene, frame in framed if scene.question == question.id and not _is_last(scene)),
        )
        for question in flow.questions
    ]
    groups += [
        Group(id="", title=title, about="", warnings=(), frames=frames)
        for title, kinds in (("At the end", {"thanks"}), ("Where nobody answers, or somebody says no", _INVITED))
        if (frames := tuple(frame for scene, frame in framed if scene.kind in kinds))
    ]
    return Board(warnings=_warnings(found, flow, asked.languages, ""), groups=tuple(groups))


def _is_last(scene: Scene) -> bool:
    return scene.kind == "thanks" or scene.kind in _INVITED


def _about(question: Question) -> str:
    told = question.scale if isinstance(question, Rating) else _TYPES[str(question.__struct_config__.tag)]
    return f"{told}, optional" if question.optional else told


def _frame(asked: Asked, by_language: Mapping[str, Scene | None]) -> tuple[Scene, Frame]:
    scene = next(each for each in by_language.values() if each is not None)
    if asked.across == "channels":
        heads = tuple(PANES[pane] for pane in asked.panes)
        lines = [
            Line(head=endonym(locale), cells=tuple(_cell(asked, pane, locale, each) for pane in asked.panes))
            for locale, each in by_language.items()
        ]
    else:
        heads = tuple(map(endonym, by_language))
        lines = [
            Line(head=PANES[pane], cells=tuple(_cell(asked, pane, *each) for each in by_language.items()))
            for pane in asked.panes
        ]
    where = tuple(f"{name} {value}" for name, value in scene.where.items())
    chosen = scene.content.chosen if isinstance(scene.content, Card) else None
    title = _TITLES[scene.kind].replace("{chosen}", chosen or "")
    return scene, Frame(title=title, way=scene.way, where=where, heads=heads, lines=tuple(lines))


def _cell(asked: Asked, pane: Pane, locale: str, scene: Scene | None) -> Cell:
    cell = Cell(pane=pane, locale=locale, dir=direction(locale), say=asked.flow.flow.voice(locale).say)
    if scene is None:
        return replace(cell, missing="not in this language")
    if pane == "text" and scene.kind in _EDITS:
        return replace(cell, missing="no new message")
    if pane != "page":
        return replace(cell, look=look_in(pane, scene.content))
    if scene.kind in _INVITED:
        return replace(cell, missing="not on the survey page")
    if isinstance(scene.content, Card):
        # nobody was invited who opens a link, so there is nothing to decline
        return replace(cell, shown=card_shown(replace(scene.content, decline=()), scene.slot, asked.flow))
    return replace(cell, shown=Shown(kind="said", text=scene.content.text, locale=locale, links=scene.content.links))


def _warnings(found: Iterable[Considered], flow: Flow, languages: Sequence[str], question: str) -> tuple[str, ...]:
    """What ``afterchat check`` says of a question, or with no id of the rest of the flow, in the chosen languages."""
    return tuple(dict.fromkeys(_said(found, flow, languages, question)))


def _said(found: Iterable[Considered], flow: Flow, languages: Sequence[str], question: str) -> Iterator[str]:
    for each in found:
        about = each.path[3] if len(each.path) > 3 and each.path[2] == "question" else ""
        locale = next((part for part in each.path[4:] if part in flow.locales), "")
        if about == question and (not locale or locale in languages):
            place = ".".join(map(str, each.path[4:] if question else each.path[2:]))
            yield f"{place}: {each.wrong}. {each.right}" if place else f"{each.wrong}. {each.right}"
