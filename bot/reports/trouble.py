"""What an operator should look at, as plain text for a terminal. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from bot.messages import ChannelName
from bot.reports.figures import harmless
from bot.storage.reports import Backlog, Difference, GivenUp, SetAside, Stuck


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """All that was found."""

    stuck: Sequence[Stuck]
    backlog: Sequence[Backlog]
    given_up: Sequence[GivenUp]
    aside: Sequence[SetAside]
    wrong: Sequence[Difference]

    @property
    def needs_somebody(self) -> bool:
        """Whether something will not mend by itself, or not yet: what was given up or kept aside is over."""
        return bool(self.stuck or self.wrong)


def trouble_text(found: Trouble) -> str:
    """One section for each kind of trouble, also where there is none."""
    sections = (
        ("messages that wait behind a refused one", [*map(_stuck, found.stuck), *_behind(found)]),
        (
            "messages given up",
            [f"{_moment(row.given_up_at)}  {row.to.channel} {row.to.key}  {row.error}" for row in found.given_up],
        ),
        (
            "bodies kept aside",
            [f"{_moment(row.at)}  {row.channel}  {row.why}: {row.body[:200]!r}" for row in found.aside],
        ),
        (
            "counts that differ from the answers",
            [
                f"{_moment(row.bucket_at)}  {row.question} = {row.score}: "
                f"counted {row.counted}, answered {row.answered}"
                for row in found.wrong
            ],
        ),
    )
    return "\n".join(line for title, lines in sections for line in _section(title, lines))


def _stuck(row: Stuck) -> str:
    waits = "1 message waits" if row.messages == 1 else f"{row.messages:,} messages wait"
    return (
        f"{row.to.channel} {row.to.key}: {waits} since {_moment(row.since)}: {row.error} (again {_moment(row.due_at)})"
    )


def _behind(found: Trouble) -> Iterator[str]:
    """What waits for others of a channel in trouble: when all of it is paused, only a few were tried and refused."""
    told = Counter[ChannelName]()
    for row in found.stuck:
        told[row.to.channel] += row.messages
    for each in found.backlog:
        others = each.messages - told[each.channel]
        if each.channel in told and others > 0:
            yield f"{each.channel}: {others:,} more for others; the oldest of all waits since {_moment(each.since)}"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    yield f"{title}: {len(lines) or 'none'}"
    for line in lines:
        yield f"  {harmless(line, lines=False)}"
