"""The queue: which cases wait, for whom, and until when; filtered, in order, page by page."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, TypeVar
from urllib.parse import urlencode

import msgspec
from msgspec.structs import replace

from bot.config import FollowUpSettings, Settings
from bot.conversations.questions import in_locale
from bot.followup.alerts import score_of, who_of
from bot.followup.cases import CLOSED, PRIORITIES, WORKING, Case, CaseState, Priority, is_snoozed
from bot.followup.clocks import Deadline, deadlines
from bot.ids import CaseId
from bot.languages.formats import moment
from bot.ports import CaseQuery, Cases, ListedCase
from bot.web.dashboard.drawing import Words, team_of

#: cases on one page
PAGE = 25
#: so many can be put in order of urgency; nobody works a longer queue from its top
MOST_SORTED = 500
#: the cases whose owners are offered as filters and for assigning
_RECENT = 200

Group = Literal["todo", "waiting", "closed", "all"]
Order = Literal["urgent", "newest"]
GROUPS: Mapping[Group, tuple[CaseState, ...]] = {"todo": WORKING, "waiting": ("resolved",), "closed": CLOSED, "all": ()}
#: in the place of an owner: cases that nobody has
NOBODY = "-"

Named = TypeVar("Named", bound=str)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody asked to see; whatever is unknown asks nothing."""

    group: Group = "todo"
    order: Order = "urgent"
    priority: Priority | Literal[""] = ""
    channel: str = ""
    language: str = ""
    flow: str = ""
    owner: str = ""
    #: of the newest first: the last case of the page before
    after: str = ""
    #: of the most urgent first: how many cases stand before this page
    skip: int = 0

    def link(self, **changes: str | int) -> str:
        """The address of the page with other wishes; those about the place in the list begin anew."""
        wishes = msgspec.structs.asdict(replace(self, after="", skip=0)) | changes
        usual = msgspec.structs.asdict(Asked())
        said = {name: value for name, value in wishes.items() if value != usual[name] or name == "order"}
        if said.get("order") == usual_order(wishes["group"]):
            del said["order"]
        return f"/cases?{urlencode(said)}" if said else "/cases"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One case of the list, in words."""

    id: CaseId
    who: str
    score: str
    flow: str
    channel: str
    language: str
    state: CaseState
    priority: Priority
    owner: str
    opened: str
    #: the clock that runs out first, and whether it has
    due: str
    overdue: bool
    snoozed: str


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    rows: tuple[Row, ...]
    #: the addresses of the pages before and after this one
    earlier: str = ""
    later: str = ""
    #: there are more cases than were put in order
    cut: bool = False


def usual_order(group: object) -> Order:
    """What is to be done stands by urgency, what is past by time."""
    return "urgent" if group == "todo" else "newest"


def read_query(query: Mapping[str, str]) -> Asked:
    """The wishes of an address; each that cannot be read is as if it were not there."""
    group = _one_of(query.get("group", ""), tuple(GROUPS), "todo")
    skip = query.get("skip", "")
    after = query.get("after", "")
    return Asked(
        group=group,
        order=_one_of(query.get("order", ""), ("urgent", "newest"), usual_order(group)),
        priority=_one_of(query.get("priority", ""), ("", *PRIORITIES), ""),
        channel=_wish(query, "channel"),
        language=_wish(query, "language"),
        flow=_wish(query, "flow"),
        owner=_wish(query, "owner"),
        after=after if after.isascii() and after.isalnum() and len(after) <= 32 else "",
        skip=min(int(skip), MOST_SORTED) if skip.isascii() and skip.isdigit() and len(skip) < 6 else 0,
    )


async def listed(cases: Cases, asked: Asked, settings: Settings, words: Words, now: datetime) -> Listed:
    """One page of the queue."""
    followup = settings.followup
    if followup is None:
        return Listed(rows=())
    query = CaseQuery(
        states=GROUPS[asked.group],
        priorities=(asked.priority,) if asked.priority else (),
        channel=asked.channel,
        language=asked.language,
        flow=asked.flow,
        owner=asked.owner,
    )
    if asked.order == "urgent":
        return await _by_urgency(cases, query, asked, settings, followup, words, now)
    after = CaseId(asked.after) if asked.after else None
    found = await cases.list(replace(query, limit=PAGE + 1, after=after))
    rows = tuple(row_of(each, settings, followup, words, now) for each in found[:PAGE])
    return Listed(
        rows=rows,
        earlier=asked.link() if asked.after else "",
        later=asked.link(after=rows[-1].id) if len(found) > PAGE else "",
    )


async def _by_urgency(
    cases: Cases,
    query: CaseQuery,
    asked: Asked,
    settings: Settings,
    followup: FollowUpSettings,
    words: Words,
    now: datetime,
) -> Listed:
    found = await cases.list(replace(query, limit=MOST_SORTED + 1))
    ordered = sorted(found[:MOST_SORTED], key=lambda each: _urgency(each.case, followup, now))
    there = ordered[asked.skip : asked.skip + PAGE]
    more = asked.skip + PAGE < len(ordered)
    return Listed(
        rows=tuple(row_of(each, settings, followup, words, now) for each in there),
        earlier=asked.link(skip=max(0, asked.skip - PAGE)) if asked.skip else "",
        later=asked.link(skip=asked.skip + PAGE) if more else "",
        cut=len(found) > MOST_SORTED,
    )


def _urgency(case: Case, followup: FollowUpSettings, now: datetime) -> tuple[int, int, float, str]:
    """What somebody should do first: what is not snoozed, then the higher priority, then what is due sooner."""
    clock = next_deadline(case, followup)
    at = clock.due_at if clock else (case.closed_at or case.resolved_at or case.opened_at)
    return int(is_snoozed(case, now)), -PRIORITIES.index(case.priority), at.timestamp(), case.id


def next_deadline(case: Case, followup: FollowUpSettings) -> Deadline | None:
    """The clock of a case that runs out first."""
    return min(deadlines(case, team_of(followup, case.team)), key=lambda each: each.due_at, default=None)


def row_of(listed: ListedCase, settings: Settings, followup: FollowUpSettings, words: Words, now: datetime) -> Row:
    """A case as the list shows it."""
    case = listed.case
    zone = team_of(followup, case.team).hours.time_zone
    clock = next_deadline(case, followup)
    pinned = settings.flow(case.flow)
    return Row(
        id=case.id,
        who=who_of(listed.customer_name, words.voice),
        score=score_of(case, pinned.flow if pinned else None, words.voice),
        flow=in_locale(pinned.flow.title, words.locale, pinned.flow.locale) if pinned else case.flow,
        channel=case.address.channel,
        language=case.locale,
        state=case.state,
        priority=case.priority,
        owner=case.owner_name or "",
        opened=moment(case.opened_at, zone, words.locale),
        due=_clock(clock, words, zone, now) if clock else "",
        overdue=clock is not None and clock.due_at <= now,
        snoozed=snooze_of(case, words, zone, now),
    )


def _clock(clock: Deadline, words: Words, zone: str, now: datetime) -> str:
    stage = words("desk.first_word" if clock.stage == "first_word" else "desk.resolution")
    due = moment(clock.due_at, zone, words.locale)
    return f"{stage}: {words('clock.overdue' if clock.due_at <= now else 'clock.due', at=due)}"


def snooze_of(case: Case, words: Words, zone: str, now: datetime) -> str:
    """Until when nobody is reminded of a case; empty where it is not snoozed."""
    if case.snoozed_until is None or not is_snoozed(case, now):
        return ""
    return words("desk.status.snoozed", at=moment(case.snoozed_until, zone, words.locale))


async def owners(cases: Cases) -> Sequence[Case]:
    """Of each agent who owns one of the newest cases, one case: it has their name and address."""
    found: dict[str, Case] = {}
    for each in await cases.list(CaseQuery(limit=_RECENT)):
        if each.case.owner_name:
            found.setdefault(each.case.owner_name.casefold(), each.case)
    return sorted(found.values(), key=lambda case: (case.owner_name or "").casefold())


def _wish(query: Mapping[str, str], name: str) -> str:
    return query.get(name, "").strip()[:100]


def _one_of(text: str, known: Sequence[Named], other: Named) -> Named:
    return next((each for each in known if each == text), other)
