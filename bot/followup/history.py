"""What happened to a case, in words that a manager can read; times of day and durations. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import assert_never

from bot.followup.cases import CaseNote
from bot.languages import has_sentence
from bot.languages.formats import moment
from bot.languages.voice import Voice

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


def history_line(note: CaseNote, voice: Voice, time_zone: str) -> str:
    """One line of a case's history: "2 Mar 2026, 10:00 CET · anna claimed the case"."""
    return f"{moment(note.at, time_zone, voice.locale)} · {told(note, voice, time_zone)}"


def told(note: CaseNote, voice: Voice, time_zone: str) -> str:
    """What a note says, as a sentence in the agents' language, without when it happened."""
    who = cut(note.who or voice.say("history.nobody"), LONGEST_NAME)
    detail = cut(" ".join(note.detail.split()), LONGEST_DETAIL)
    match note.what:
        case "opened" | "commented" | "answered" | "woken" | "asked" | "recovered" | "not_fixed" | "unconfirmed":
            return voice.say(f"history.{note.what}")
        case "withdrawn" | "reopened":
            return voice.say(f"history.{note.what}")
        case "wanted_human":
            return voice.say("history.wanted_human")
        case "scored":
            return voice.say("history.scored", score=detail)
        case "claimed" | "released" | "reopened_by":
            return voice.say(f"history.{note.what}", who=who)
        case "corrected":
            old, _, new = detail.partition(">")
            return voice.say("history.corrected", old=old, new=new)
        case "assigned":
            return voice.say("history.assigned", who=who, to=detail)
        case "replied":
            key = "history.replied.words" if detail else "history.replied"
            return voice.say(key, who=who, words=detail)
        case "undelivered" | "not_asked":
            return voice.say(f"history.{note.what}", why=reason(detail, voice))
        case "snoozed":
            return voice.say("history.snoozed", who=who, at=_until(note.detail, voice, time_zone))
        case "resolved":
            cause, _, action = detail.partition(">")
            return voice.say("history.resolved", who=who, cause=cause, action=action)
        case "escalated":
            stage = "resolved" if note.detail == "resolved" else "first_word"
            return voice.say(f"history.escalated.{stage}")
        case "folded":
            return voice.say("history.folded", label=detail)
        case _:
            assert_never(note.what)


def reason(why: str, voice: Voice) -> str:
    """Why something was not done: what is known, in the agents' language, else as a service said it.

    >>> english = Voice("en")
    >>> reason("opted_out", english), reason("Forbidden: bot was blocked by the user", english), reason("Oh!", english)
    ('they want no more messages', 'they blocked us', 'Oh!')
    """
    folded = why.casefold()
    key = next((key for said, key in _SAID_BY_SERVICES.items() if said in folded), why or "unknown")
    return voice.say(f"why.{key}") if has_sentence(f"why.{key}") else why


def lasted(time: timedelta, voice: Voice) -> str:
    """A duration in its two largest units, rounded down: "3 d 4 h", "2 h 5 min", "12 min"."""
    if time < _MINUTE:
        return voice.say("duration.moment")
    days, rest = divmod(time, _DAY)
    hours, rest = divmod(rest, _HOUR)
    units = (("days", days), ("hours", hours), ("minutes", rest // _MINUTE))
    first = next(index for index, (_, n) in enumerate(units) if n)
    return " ".join(voice.say(f"duration.{unit}", n=n) for unit, n in units[first : first + 2] if n)


def cut(text: str, most: int) -> str:
    """A text of at most so many characters, with an ellipsis where something is left out.

    >>> cut("too slow", 8), cut("too slow", 5)
    ('too slow', 'too …')
    """
    return text if len(text) <= most else text[: most - 1] + "…"


def _until(detail: str, voice: Voice, time_zone: str) -> str:
    try:
        return moment(datetime.fromisoformat(detail), time_zone, voice.locale)
    except ValueError:
        return cut(detail, LONGEST_NAME)
