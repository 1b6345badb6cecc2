"""Cases as plain text, for a terminal: the queue as a table, one case with everything in words. Pure.

What customers and agents wrote is made harmless: a terminal obeys control characters, and direction marks reorder it.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from bot.reports.cases import ToldAgent, ToldCase, ToldClock, ToldMessage, WholeCase
from bot.reports.figures import harmless, table
from bot.scoring.display import duration

_LONGEST_NAME = 24
_HEADS = ("id", "opened", "state", "priority", "score", "channel", "language", "owner", "customer")
_MARGIN = 13


def cases_table(cases: Sequence[ToldCase]) -> str:
    """The queue, one case a line.

    >>> print(cases_table([]))
    No cases.
    """
    if not cases:
        return "No cases."
    return table(_HEADS, [_line(case) for case in cases])


def _line(case: ToldCase) -> tuple[str, ...]:
    state = f"{case.state} (snoozed)" if case.snoozed_until else case.state
    return (
        case.id,
        f"{case.opened_at.astimezone(UTC):%Y-%m-%d %H:%M}",
        state,
        case.priority,
        "-" if case.score is None else str(case.score),
        case.channel,
        case.language,
        _cut(case.owner.name) if case.owner else "-",
        _cut(case.customer or "-"),
    )


def case_text(whole: WholeCase, now: datetime) -> str:
    """Everything that is known of a case; times are UTC, those in the history the team's."""
    return "\n".join(_lines(whole, now))


def _lines(whole: WholeCase, now: datetime) -> Iterator[str]:
    case = whole.case
    yield f"Case {case.id}"
    for label, value in _facts(whole, now):
        if value:
            yield f"  {label:<{_MARGIN}}{harmless(value, lines=False)}"
    for clock in whole.clocks:
        yield f"  {'clock':<{_MARGIN}}{_clock(clock, now)}"
    yield "Words"
    for message in whole.messages:
        yield from _message(message)
    if not whole.messages:
        yield "  none"
    if whole.scores:
        yield "Earlier scores"
    for score in whole.scores:
        yield f"  {_moment(score.at)}  {harmless(score.flow, lines=False)}  {score.score} ({score.scale})"
    yield "History"
    for event in whole.history:
        yield f"  {_moment(event.at)}  {harmless(event.text, lines=False)}"


def _facts(whole: WholeCase, now: datetime) -> Iterator[tuple[str, str]]:
    case, customer = whole.case, whole.customer
    yield "customer", f"{customer.name or 'without a name'} · {customer.channel} {customer.key} · {case.language}"
    if customer.language_sureness is not None:
        yield "", f"writes {customer.language}, {customer.language_sureness} % sure"
    if customer.opted_out_at is not None or not customer.reachable:
        yield "", "cannot be written to" if not customer.reachable else "has opted out of surveys"
    yield "score", " · ".join([whole.score, ", ".join(filter(None, (case.flow, case.question)))])
    yield "a person", f"asked for one {_moment(case.wanted_at)}" if case.wanted_at else ""
    yield "state", case.state + (f" · snoozed until {_moment(case.snoozed_until)}" if case.snoozed_until else "")
    yield "priority", case.priority
    yield "owner", _agent(case.owner)
    yield "team", f"{case.team} · rule {case.rule}" if case.rule else case.team
    yield "opened", f"{_moment(case.opened_at)} · {_ago(case.opened_at, now)}"
    for label, at in (("first word", case.first_word_at), ("resolved", case.resolved_at), ("closed", case.closed_at)):
        yield label, _moment(at) if at else ""
    yield "cause", case.cause
    yield "action", case.action
    for answer in whole.answers:
        yield "answer", f"{answer.question}: {', '.join(answer.options)}" if answer.options else ""
    for name, value in whole.attributes.items():
        yield harmless(name, lines=False), value
    if whole.incident is not None:
        yield "incident", f"{whole.incident.label} · {whole.incident.cases} cases"
    yield "page", whole.url


def _agent(owner: ToldAgent | None) -> str:
    return "nobody" if owner is None else f"{owner.name} ({owner.channel})"


def _clock(clock: ToldClock, now: datetime) -> str:
    stage = {"first_word": "first word", "resolved": "resolution"}[clock.stage]
    by = f"{stage} due {_moment(clock.due_at)}"
    if clock.overdue:
        by += f", {duration((now - clock.due_at).total_seconds())} overdue"
    return f"{by}, the lead was told" if clock.escalated else by


def _message(message: ToldMessage) -> Iterator[str]:
    if message.by == "agent":
        beside = f"  {message.name} to the customer{'' if message.delivered else ', not delivered'}"
    else:
        beside = f" to {message.question}" if message.question else ""
    yield f"  {_moment(message.at)}{harmless(beside, lines=False)}"
    for line in harmless(message.text).split("\n"):
        yield f"    | {line}".rstrip()


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _ago(at: datetime, now: datetime) -> str:
    return f"{duration(max(0.0, (now - at).total_seconds()))} ago"


def _cut(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
