"""Filters that can find nothing: values that neither the settings nor any case knows."""

from collections.abc import Collection

import msgspec
from msgspec.structs import replace

from bot.config import Settings
from bot.followup.templates import causes_or_default
from bot.ports import CaseQuery, Cases


class Unknown(msgspec.Struct, frozen=True, kw_only=True):
    """A filter, the value that nothing has, and those that there are."""

    field: str
    value: str
    known: tuple[str, ...]

    @property
    def message(self) -> str:
        there = f"There are: {', '.join(self.known)}." if self.known else "There is none."
        return f"There is no {self.field} {self.value[:60]!r}. {there}"


async def unknown_filter(query: CaseQuery, settings: Settings, cases: Cases) -> Unknown | None:
    """The first filter of a query that means nothing; a value that only old cases have is known, too."""
    asked = {
        "channel": query.channel,
        "language": query.language,
        "flow": query.flow,
        "team": query.team,
        "cause": query.cause,
    }
    for field, value in asked.items():
        known = _known(field, settings)
        if value and value not in known and not await cases.list(replace(CaseQuery(limit=1), **{field: value})):
            return Unknown(field=field, value=value, known=tuple(known))
    return None


def _known(field: str, settings: Settings) -> Collection[str]:
    followup, flows = settings.followup, [pinned.flow for pinned in settings.flows]
    match field:
        case "channel":
            return [str(channel.name) for channel in settings.channels]
        case "language":
            return list(dict.fromkeys(tag for flow in flows for tag in flow.locales))
        case "flow":
            return [flow.id for flow in flows]
        case "team":
            return [team.name for team in followup.teams] if followup else []
        case _:
            causes = causes_or_default(followup.causes if followup else (), settings.agents_voice())
            return [cause.id for cause in causes]
