"""A parsed TOML table, read key by key: what is wrong is collected, so that all of it is told at once."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from difflib import get_close_matches
from typing import Literal, TypeVar

import msgspec

from bot.toml_journal import (
    AnyText,
    Block,
    Blocks,
    Clock,
    Duration,
    Flag,
    Journal,
    Names,
    OneOf,
    Path,
    Several,
    Shape,
    Unknown,
    Whole,
)

__all__ = [
    "ANY_NUMBER",
    "ID_LENGTH",
    "LINE",
    "Finding",
    "Findings",
    "Path",
    "Severity",
    "Table",
    "describe",
    "did_you_mean",
    "duration_text",
    "parse_duration",
    "path_text",
    "quoted",
]

T = TypeVar("T")

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ID = re.compile(r"[a-z0-9][a-z0-9_-]*")
#: Bounds that only other keys of the file know.
ANY_NUMBER = 10**9
#: nobody reads more at once, and a file of nothing but mistakes should be refused as fast as any other
MOST_FINDINGS = 200
#: With this length an option's button text stays within 64 bytes: "1.<16>.<4>." and a tick take 25 of them.
ID_LENGTH = 39
#: What stands for the line of another place in a finding's words.
LINE = "{line}"
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_DURATION = re.compile(r"(?:[0-9]{1,6}[smhd] ?)+")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


#: An error is why a file cannot be used; with warnings it can, but hardly as it was meant.
Severity = Literal["error", "warning"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong at a key path, and what would be right (a full sentence, or nothing).

    ``beside`` is the path of something else in the file that it has to do with; its line stands for LINE in ``wrong``.
    """

    path: Path
    wrong: str
    right: str = ""
    beside: Path = ()
    severity: Severity = "error"


class Findings:
    """Collects findings, each once; a journal, where there is one, hears what is asked of the tables.

    Of errors and of warnings it keeps the first MOST_FINDINGS; ``more`` is how many there were beyond those.
    """

    def __init__(self, journal: Journal | None = None) -> None:
        self._found: dict[Finding, None] = {}
        self._kept: dict[Severity, int] = {"error": 0, "warning": 0}
        self._more: set[int] = set()
        self._wrong: set[Path] = set()
        self.journal = journal

    def add(self, path: Path, wrong: str, right: str = "", beside: Path = ()) -> None:
        self._take(Finding(path=path, wrong=wrong, right=right, beside=beside))

    def warn(self, finding: Finding) -> None:
        """Take what was found by looking at the settings as a whole."""
        self._take(finding)

    def _take(self, finding: Finding) -> None:
        if finding in self._found:
            return
        if self._kept[finding.severity] == MOST_FINDINGS:
            self._more.add(hash(finding))
            return
        self._kept[finding.severity] += 1
        self._found[finding] = None
        if finding.severity == "error":
            self._wrong |= {finding.path[:length] for length in range(len(finding.path) + 1)}

    @property
    def full(self) -> bool:
        """Whether no further error will be told, so that no advice on it is worth its time."""
        return self._kept["error"] == MOST_FINDINGS

    @property
    def more(self) -> int:
        return len(self._more)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def under(self, path: Path) -> bool:
        """Whether anything wrong was found at a path or below it."""
        return path in self._wrong


def path_text(path: Path) -> str:
    """A key path as people write it.

    >>> path_text(("flow", 0, "question", 1, "text", "pt-BR")), path_text(("channels", "my shop"))
    ('flow[0].question[1].text.pt-BR', 'channels."my shop"')
    """
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (part if _BARE.fullmatch(part) else f'"{part}"')
    return text


def quoted(words: Collection[str]) -> str:
    """Words as a list in a sentence, in the order given.

    >>> quoted(["en"]), quoted(["en", "vi", "it"])
    ("'en'", "'en', 'vi' and 'it'")
    """
    each = [f"'{word}'" for word in words]
    return each[0] if len(each) == 1 else f"{', '.join(each[:-1])} and {each[-1]}" if each else "nothing"


def did_you_mean(word: str, known: Collection[str], otherwise: str = "", *, nearness: float = 0.72) -> str:
    """A question that names the nearest known word; without a near one the text given, else all known words.

    ``nearness`` is the share of the characters that must agree, from 0 to 1.
    """
    folded = {each.casefold(): each for each in sorted(known, reverse=True)}
    near = get_close_matches(word.casefold(), sorted(folded), n=1, cutoff=nearness)
    if near:
        return f"Did you mean '{folded[near[0]]}'?"
    return otherwise or (f"Known here: {', '.join(sorted(known))}." if known else "")


def describe(value: object) -> str:
    """What a TOML value is, in words."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {str(value)[:40]}"
        case str():
            return f"the text '{value[:40]}'" if value else "an empty text"
        case datetime() | date() | time():
            return "a date or time"
        case Mapping():
            return "a table"
        case list():
            return "a list"
        case _:
            return "something else"


def parse_duration(text: str) -> timedelta | None:
    """A time span from a number and a unit, or several; None for anything else.

    >>> parse_duration("90s"), parse_duration("1h 30m"), parse_duration("10 min")
    (datetime.timedelta(seconds=90), datetime.timedelta(seconds=5400), None)
    """
    if not _DURATION.fullmatch(text):
        return None
    parts = re.findall(r"([0-9]+)([smhd])", text)
    return timedelta(seconds=sum(int(number) * _UNITS[unit] for number, unit in parts))


def duration_text(span: timedelta) -> str:
    """A time span as the file writes it.

    >>> duration_text(timedelta(minutes=90)), duration_text(timedelta(days=7)), duration_text(timedelta(0))
    ('90m', '7d', '0s')
    """
    seconds = int(span.total_seconds())
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _numbers(low: int, high: int) -> Whole:
    known = high < ANY_NUMBER
    return Whole(low=low if known else None, high=high if known else None)


class Table:
    """A table under reading. It remembers which keys were asked for; ``finish`` reports all others.

    A reader that finds a value wrong reports it and returns the default, or an empty value of the right type:
    with a finding nothing of the file is used, and reading goes on only to find what else is wrong.
    """

    def __init__(self, data: Mapping[str, object], path: Path, findings: Findings) -> None:
        self.data = data
        self.path = path
        self.findings = findings
        self._asked: set[str] = set()

    def report(self, key: str, wrong: str, right: str = "") -> None:
        self.findings.add((*self.path, key) if key else self.path, wrong, right)

    def note(self, key: str, shape: Shape, default: object = None) -> None:
        """Say what a key is for whoever listens; readers that do more than the methods below do so before they read."""
        if self.findings.journal is not None:
            self.findings.journal.ask(self.path, key, shape, default, present=key in self.data)

    def is_a(self, shape: str) -> None:
        """Say that this table is of a named shape, whose tables may hold tables of that shape."""
        if self.findings.journal is not None:
            self.findings.journal.shaped[self.path] = shape

    def names(self, pattern: str, example: str) -> list[str]:
        """The keys of a table in which any name may stand; ``pattern`` is for whoever listens, and checks nothing."""
        if self.findings.journal is not None:
            self.findings.journal.named[self.path] = Names(pattern=pattern, example=example)
        return list(self.data)

    def raw(self, key: str) -> object:
        """The value as it was parsed; None where there is none."""
        self._asked.add(key)
        self.note(key, Unknown())
        return self.data.get(key)

    def has(self, key: str) -> bool:
        self._asked.add(key)
        self.note(key, Unknown())
        return key in self.data

    def missing(self, key: str, example: str) -> None:
        self.miss(key, "is missing", f"Write {example}.")

    def miss(self, key: str, wrong: str, right: str) -> None:
        """Report that a key has to be there and is not."""
        if self.findings.journal is not None:
            self.findings.journal.miss(self.path, key)
        self.report(key, wrong, right)

    def _typed(self, key: str, kind: type[T], what: str) -> T | None:
        value = self.raw(key)
        if value is None:
            return None
        # bool is an int in Python, not in TOML.
        if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
            return value
        self.report(key, f"must be {what}, not {describe(value)}")
        return None

    # ---- single values -----------------------------------------------------------------------------------

    def text(self, key: str, default: str | None = None, *, example: str = "") -> str:
        """A text that is not empty. Without a default it is required."""
        self.note(key, AnyText(), default or None)
        if not self.has(key):
            if default is None:
                self.missing(key, example or f'{key} = "…"')
            return default or ""
        value = self._typed(key, str, "a text in quotes")
        if value is not None and not value.strip():
            self.report(key, "is empty", f"Write {example}." if example else "")
        return (value or "").strip()

    def id(self, key: str = "id") -> str:
        """An id of ours: short, and safe in buttons, addresses of pages and deep links."""
        self.note(key, AnyText(pattern=_ID.pattern, longest=ID_LENGTH, what="an id: a-z, 0-9, _ and -"))
        value = self.text(key, example=f'{key} = "short_name"')
        if value and not _ID.fullmatch(value):
            right = "Use a-z, 0-9, _ and -, and begin with a letter or digit."
            self.report(key, f"'{value[:60]}' is no id", right)
            return ""
        if len(value) > ID_LENGTH:
            self.report(
                key, f"is {len(value)} characters long", f"Use at most {ID_LENGTH}: it is part of button texts."
            )
            return ""
        return value

    def one_of(self, key: str, allowed: Sequence[str], default: str | None = None) -> str:
        self.note(key, OneOf(allowed=tuple(allowed)), default or None)
        value = self.text(key, default, example=f'{key} = "{allowed[0]}", or one of {", ".join(allowed[1:])}')
        if value and value not in allowed:
            self.report(key, f"there is no {key} '{value[:60]}'", did_you_mean(value, allowed))
            return default or ""
        return value

    def whole(self, key: str, default: int, low: int, high: int) -> int:
        self.note(key, _numbers(low, high), default)
        value = self.maybe_whole(key, low, high)
        return default if value is None else value

    def maybe_whole(self, key: str, low: int, high: int) -> int | None:
        self.note(key, _numbers(low, high))
        value = self._typed(key, int, "a whole number")
        if value is not None and not low <= value <= high:
            self.report(key, f"{str(value)[:40]} is out of range", f"Choose from {low} to {high}.")
            return None
        return value

    def flag(self, key: str, default: bool) -> bool:
        self.note(key, Flag(), default)
        value = self.maybe_flag(key)
        return default if value is None else value

    def maybe_flag(self, key: str) -> bool | None:
        self.note(key, Flag())
        return self._typed(key, bool, "true or false, without quotes")

    def duration(
        self, key: str, default: timedelta, longest: timedelta, shortest: timedelta = timedelta(0)
    ) -> timedelta:
        self.note(key, Duration(shortest=shortest, longest=longest), default)
        value = self.maybe_duration(key, longest, shortest)
        return default if value is None else value

    def maybe_duration(self, key: str, longest: timedelta, shortest: timedelta = timedelta(0)) -> timedelta | None:
        self.note(key, Duration(shortest=shortest, longest=longest))
        text = self._typed(key, str, 'a duration in quotes, such as "90s" or "10m"')
        if text is None:
            return None
        span = parse_duration(text)
        if span is None:
            self.report(key, f"'{text[:60]}' is no duration", "Write a number and s, m, h or d: 90s, 10m, 24h, 7d.")
        elif not shortest <= span <= longest:
            right = f"Choose from {duration_text(shortest)} to {duration_text(longest)}."
            self.report(key, f"{text} is out of range", right)
        else:
            return span
        return None

    def clock(self, key: str, default: time) -> time:
        self.note(key, Clock(), default)
        value = self.raw(key)
        if isinstance(value, time):
            return value.replace(second=0, microsecond=0)
        text = self._typed(key, str, 'a time of day in quotes, such as "21:00"')
        if text is None:
            return default
        found = _CLOCK.fullmatch(text)
        if found is None:
            self.report(key, f"'{text[:60]}' is no time of day", 'Write hours and minutes, such as "08:00" or "21:30".')
            return default
        return time(int(found[1]), int(found[2]))

    # ---- lists and tables --------------------------------------------------------------------------------

    def texts(self, key: str, default: tuple[str, ...] | None = None, *, example: str = "") -> tuple[str, ...]:
        """A list of texts, none empty, none twice. Without a default it is required."""
        self.note(key, Several(), default)
        if not self.has(key):
            if default is None:
                self.missing(key, example or f'{key} = ["…"]')
            return default or ()
        values = self._typed(key, list, "a list of texts") or []
        good: list[str] = []
        for index, value in enumerate(values):
            if not isinstance(value, str):
                self.findings.add((*self.path, key, index), f"must be a text in quotes, not {describe(value)}")
            elif not value.strip():
                self.findings.add((*self.path, key, index), "is empty")
            elif value in good:
                self.findings.add((*self.path, key, index), f"'{value[:60]}' stands here twice")
            else:
                good.append(value)
        return tuple(good)

    def table(self, key: str) -> "Table | None":
        self.note(key, Block())
        value = self._typed(key, dict, "a table")
        return None if value is None else Table(value, (*self.path, key), self.findings)

    def tables(self, key: str) -> list["Table"]:
        """A list of tables; what is no table in it is reported and left out."""
        self.note(key, Blocks())
        if isinstance(self.raw(key), Mapping):
            self.report(key, "must be a list of tables, not a table", "Write its name in two pairs of brackets: [[…]].")
            return []
        values = self._typed(key, list, "a list of tables") or []
        good = []
        for index, value in enumerate(values):
            path = (*self.path, key, index)
            if isinstance(value, dict):
                good.append(Table(value, path, self.findings))
            else:
                self.findings.add(path, f"must be a table, not {describe(value)}")
        return good

    def finish(self, elsewhere: Mapping[str, str] | None = None, *, maybe: Collection[str] = ()) -> None:
        """Report every key that nobody asked for; ``elsewhere`` explains keys that have their place, but not here.

        ``maybe`` are keys that may be right: that depends on another one, which is wrong.
        """
        for key in self.data:
            if key in self._asked or key in maybe:
                continue
            if elsewhere and key in elsewhere:
                self.report(key, "does not belong here", elsewhere[key])
            else:
                advice = "" if self.findings.full else did_you_mean(key[:60], {*self._asked, *maybe})
                self.report(key, f"there is no setting '{key[:60]}'", advice)
