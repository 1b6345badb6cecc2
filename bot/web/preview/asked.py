"""What somebody wants to see of the flows: read from an address, and chosen for who named nothing. Pure."""

from collections.abc import Mapping, Sequence
from typing import Literal, TypeVar, get_args

import msgspec

from bot.config import (
    PageSettings,
    Settings,
    SlackSettings,
    TelegramSettings,
    WebchatSettings,
    WebhookChatSettings,
)
from bot.conversations.flow import PinnedFlow

#: The columns: where customers read, the survey page among them.
Pane = Literal["telegram", "slack", "web", "page", "text"]
Across = Literal["channels", "languages"]
Values = Literal["examples", "none"]
Width = Literal["phone", "wide"]

PANES: Mapping[Pane, str] = {
    "telegram": "Telegram",
    "slack": "Slack",
    "web": "Chat widget",
    "page": "Survey page",
    "text": "Plain text",
}
#: shown side by side until somebody chooses
_LANGUAGES = 2
_Chosen = TypeVar("_Chosen", bound=str)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What to show: one flow, in some languages and windows."""

    flow: PinnedFlow
    languages: tuple[str, ...]
    panes: tuple[Pane, ...]
    across: Across = "channels"
    values: Values = "examples"
    width: Width = "phone"


#: name -> all values of a form's fields
Fields = Mapping[str, Sequence[str]]


def read_asked(fields: Fields, settings: Settings) -> Asked | None:
    """What an address asks for; what it does not know is left out. None: there is no such flow."""
    wanted = _last(fields, "flow")
    flow = settings.flow(wanted) if wanted else next(iter(settings.flows), None)
    if flow is None:
        return None
    offered = flow.flow.locales
    languages = tuple(tag for tag in offered if tag in fields.get("language", ()))
    panes = tuple(pane for pane in PANES if pane in fields.get("channel", ()))
    return Asked(
        flow=flow,
        languages=languages or offered[:_LANGUAGES],
        panes=panes or panes_of(settings),
        across=_one_of(fields, "across", get_args(Across)),
        values=_one_of(fields, "values", get_args(Values)),
        width=_one_of(fields, "width", get_args(Width)),
    )


def panes_of(settings: Settings) -> tuple[Pane, ...]:
    """The windows of the channels that there are; where there are none, those that most have."""
    found = {_pane(channel) for channel in settings.channels}
    return tuple(pane for pane in PANES if pane in found) or ("telegram", "slack", "web")


def _pane(channel: object) -> Pane:
    match channel:
        case TelegramSettings():
            return "telegram"
        case SlackSettings():
            return "slack"
        case PageSettings():
            return "page"
        case WebhookChatSettings(buttons=False):
            return "text"
        case WebchatSettings() | WebhookChatSettings():
            return "web"
        case _:
            raise TypeError(f"{type(channel).__name__} is no channel")


def _last(fields: Fields, name: str) -> str:
    return next(iter(fields.get(name, ())[-1:]), "")


def _one_of(fields: Fields, name: str, known: tuple[_Chosen, ...]) -> _Chosen:
    said = _last(fields, name)
    return next((each for each in known if each == said), known[0])
