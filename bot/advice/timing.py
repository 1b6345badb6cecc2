"""Spans that leave nobody to be asked, or undo each other, although each is in its range."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta

from bot.config import Settings
from bot.config.considered import Considered
from bot.conversations.flow import Flow
from bot.toml_tables import Path, duration_text

_DAY = timedelta(days=1)
#: A chat of more messages than this is rare in any shop.
_MANY_MESSAGES = 40
#: Who is asked again after longer than this is hardly the same customer.
_LONG_COOL_DOWN = timedelta(days=365)


def consider_times(settings: Settings) -> Iterator[Considered]:
    """What [asking] and the flows' own spans make of each other."""
    asking = settings.asking
    night = length_of_night(asking.quiet_from, asking.quiet_until)
    yield from _nights(settings, night)
    if asking.reminder is not None and night and asking.reminder + night > asking.expire_invitation:
        wrong = f"a reminder that falls into quiet hours ({_span(night)}) waits beyond expire_invitation, and none goes"
        right = f'Shorten it, or write expire_invitation = "{_span(asking.reminder + night)}" or more.'
        if asking.reminder < asking.expire_invitation:
            yield Considered(path=("asking", "reminder"), wrong=wrong, right=right)
    yield from _cool_down(asking.cool_down, ("asking", "cool_down"))
    yield from _few(asking.min_messages, ("asking", "min_messages"))
    for pinned in settings.askable():
        yield from _flow(pinned.flow, settings, night)


def length_of_night(quiet_from: time, quiet_until: time) -> timedelta:
    """How long quiet hours last: none where they end as they begin.

    >>> length_of_night(time(21), time(8))
    datetime.timedelta(seconds=39600)
    """
    day = datetime(2000, 1, 1)  # noqa: DTZ001 - two readings of one clock on a wall
    return (datetime.combine(day, quiet_until) - datetime.combine(day, quiet_from)) % _DAY


def _nights(settings: Settings, night: timedelta) -> Iterator[Considered]:
    asking = settings.asking
    if night and asking.delay + night > asking.closed_at_most > asking.delay:
        wrong = f"who is put off by quiet hours ({_span(night)}) is then too late to be asked"
        right = f'Write "{_span(asking.delay + night)}" or more.'
        yield Considered(path=("asking", "closed_at_most"), wrong=wrong, right=right)
    if night and asking.expire_invitation < night:
        wrong = f"is shorter than a night ({_span(night)}): who is asked in the evening finds the survey closed"
        yield Considered(path=("asking", "expire_invitation"), wrong=wrong, right='Write "24h" or more.')


def _flow(flow: Flow, settings: Settings, night: timedelta) -> Iterator[Considered]:
    own, asking = settings.flow_asking.get(flow.id), settings.asking
    if own is None:
        return
    here: Path = ("flow", flow.id, "asking")
    yield from _cool_down(own.cool_down, (*here, "cool_down"))
    if own.min_messages is not None:
        yield from _few(own.min_messages, (*here, "min_messages"))
    if own.delay is not None and night and own.delay + night > asking.closed_at_most > own.delay:
        wrong = f"who is put off by quiet hours ({_span(night)}) is then too late to be asked"
        right = f'Shorten it, or write asking.closed_at_most = "{_span(own.delay + night)}" or more.'
        yield Considered(path=(*here, "delay"), wrong=wrong, right=right)


def _cool_down(span: timedelta, path: Path) -> Iterator[Considered]:
    if span > _LONG_COOL_DOWN:
        wrong = f"nobody is asked twice within {duration_text(span)}, so figures will hardly move"
        yield Considered(path=path, wrong=wrong, right='Most shops take "7d" to "90d".')


def _few(messages: int, path: Path) -> Iterator[Considered]:
    if messages > _MANY_MESSAGES:
        wrong = f"hardly any chat has {messages} messages, so hardly anybody would be asked"
        yield Considered(path=path, wrong=wrong, right="3 to 10 leave out greetings and mere thanks.")


def _span(span: timedelta) -> str:
    """Hours and minutes as the file writes them: "9h 30m"."""
    hours, rest = divmod(span, timedelta(hours=1))
    if not rest:
        return duration_text(span)
    return f"{hours}h {rest // timedelta(minutes=1)}m"
