"""What happened to a case, in words that a manager can read; times of day and durations. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import assert_never
from zoneinfo import ZoneInfo

from bot.followup.cases import CaseNote
from bot.languages import pack, say

#: characters of a name, and of somebody's words, in a line of history
LONGEST_NAME, LONGEST_DETAIL = 80, 200
#: what services answer when a message cannot arrive, in part, and what it means
_SAID_BY_SERVICES: Mapping[str, str] = {
    "user is deactivated": "deactivated",
    "blocked by the user": "blocked",
    "chat not found": "chat_gone",
    "bot was kicked": "removed",
    "can't initiate conversation": "never_wrote",
    "user_not_found": "deactivated",
    "account_inactive": "deactivated",
}
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def history_line(note: CaseNote, locale: str, time_zone: str) -> str:
    """One line of a case's history: "2026-03-02 10:00 CET · anna claimed the case"."""
    return f"{local_time(note.at, time_zone)} · {told(note, locale, time_zone)}"


def told(note: CaseNote, locale: str, time_zone: str) -> str:
    """What a note says, as a sentence in the agents' language, without when it happened."""
    who = cut(note.who or say(locale, "history.nobody"), LONGEST_NAME)
    detail = cut(" ".join(note.detail.split()), LONGEST_DETAIL)
    match note.what:
        case "opened" | "commented" | "answered" | "woken" | "asked" | "recovered" | "not_fixed" | "unconfirmed":
            return say(locale, f"history.{note.what}")
        case "withdrawn" | "reopened":
            return say(locale, f"history.{note.what}")
        case "wanted_human":
            return say(locale, "history.wanted_human")
        case "scored":
            return say(locale, "history.scored", score=detail)
        case "claimed" | "released" | "reopened_by":
            return say(locale, f"history.{note.what}", who=who)
        case "corrected":
            old, _, new = detail.partition(">")
            return say(locale, "history.corrected", old=old, new=new)
        case "assigned":
            return say(locale, "history.assigned", who=who, to=detail)
        case "replied":
            key = "history.replied.words" if detail else "history.replied"
            return say(locale, key, who=who, words=detail)
        case "undelivered" | "not_asked":
            return say(locale, f"history.{note.what}", why=reason(detail, locale))
        case "snoozed":
            return say(locale, "history.snoozed", who=who, at=_until(note.detail, time_zone))
        case "resolved":
            cause, _, action = detail.partition(">")
            return say(locale, "history.resolved", who=who, cause=cause, action=action)
        case "escalated":
            stage = "resolved" if note.detail == "resolved" else "first_word"
            return say(locale, f"history.escalated.{stage}")
        case "folded":
            return say(locale, "history.folded", label=detail)
        case _:
            assert_never(note.what)


def reason(why: str, locale: str) -> str:
    """Why something was not done: what is known, in the agents' language, else as a service said it.

    >>> reason("opted_out", "en"), reason("Forbidden: bot was blocked by the user", "en"), reason("Teapot", "en")
    ('they want no more messages', 'they blocked us', 'Teapot')
    """
    folded = why.casefold()
    key = next((key for said, key in _SAID_BY_SERVICES.items() if said in folded), why or "unknown")
    return pack(locale).sentences.get(f"why.{key}", why)


def local_time(at: datetime, time_zone: str) -> str:
    """A moment as the team's clock shows it.

    >>> from datetime import UTC
    >>> local_time(datetime(2026, 3, 2, 9, tzinfo=UTC), "Europe/Rome")
    '2026-03-02 10:00 CET'
    >>> local_time(datetime(2026, 3, 2, 9, tzinfo=UTC), "Asia/Ho_Chi_Minh")
    '2026-03-02 16:00 UTC+07'
    """
    local = at.astimezone(ZoneInfo(time_zone))
    name = local.tzname() or ""
    return f"{local.isoformat(' ', 'minutes')[:16]} {name if name[:1].isalpha() else f'UTC{name}'}"


def lasted(time: timedelta, locale: str) -> str:
    """A duration in its two largest units, rounded down: "3 d 4 h", "2 h 5 min", "12 min"."""
    if time < _MINUTE:
        return say(locale, "duration.moment")
    days, rest = divmod(time, _DAY)
    hours, rest = divmod(rest, _HOUR)
    units = (("days", days), ("hours", hours), ("minutes", rest // _MINUTE))
    first = next(index for index, (_, n) in enumerate(units) if n)
    return " ".join(say(locale, f"duration.{unit}", n=n) for unit, n in units[first : first + 2] if n)


def cut(text: str, most: int) -> str:
    """A text of at most so many characters, with an ellipsis where something is left out.

    >>> cut("too slow", 8), cut("too slow", 5)
    ('too slow', 'too …')
    """
    return text if len(text) <= most else text[: most - 1] + "…"


def _until(detail: str, time_zone: str) -> str:
    try:
        return local_time(datetime.fromisoformat(detail), time_zone)
    except ValueError:
        return cut(detail, LONGEST_NAME)
