"""Which room, group and team gets a case, and how urgent it is: rules in order, the first match wins. Pure."""

import msgspec

from bot.conversations.questions import ScaleName
from bot.followup.cases import Priority


class RoutingRule(msgspec.Struct, frozen=True, kw_only=True):
    """What must be true of a case (an empty tuple, None or "" asks nothing), and what then holds for it.

    ``words``: one of these stands in what the customer wrote, whatever its case and with anything around it.
    ``opens``: the rule opens a case even for a score that would not; for words that no score should hide.
    """

    id: str
    flows: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    scale: ScaleName | None = None
    score_at_least: int | None = None
    score_at_most: int | None = None
    vip: bool | None = None
    words: tuple[str, ...] = ()
    opens: bool = False
    #: empty or None: as the settings have it for all
    room: str = ""
    group: str = ""
    team: str = ""
    priority: Priority | None = None
