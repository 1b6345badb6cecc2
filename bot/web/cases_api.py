"""The follow-up over HTTP: list and show cases, do with them what agents do, and read the figures."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import msgspec
from aiohttp import web

from bot.config import Settings
from bot.delivery import FileLink
from bot.delivery.drawing import files_of
from bot.followup.cases import CaseState, Priority
from bot.ids import CaseId
from bot.ports import CaseQuery, Cases, CaseView, Clock, Handle, Said
from bot.reports import FollowUpRow, make_followup_report
from bot.reports.cases import ToldCase, told_case, whole_case
from bot.reports.filters import unknown_filter
from bot.reports.followup import FollowUpDimension
from bot.web.api import Refused, json_response, problem, read_body_as, read_query_as
from bot.web.deeds import SPAN_PATTERN, Body, Filter, Moment, did, in_utc, span_of
from bot.web.repeats import KeyReused, Repeats

MOST_CASES = 200
_LONGEST_KEY = 200

ID_PATTERN = "^[0-9a-hjkmnp-tv-z]{16}$"
SINCE_PATTERN = (
    rf"({SPAN_PATTERN})|(^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[Tt][0-9:.]{{8,16}}([Zz]|[+-][0-9]{{2}}:[0-9]{{2}})$)"
)
KEY_PATTERN = "^[!-~]([ -~]{0,198}[!-~])?$"

Id = Annotated[str, msgspec.Meta(pattern=ID_PATTERN, description="the id of a case")]


# ---- what is sent ----------------------------------------------------------------------------------------------


class CasesAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which cases to list, newest first; whatever is left out asks nothing."""

    #: several with commas
    state: tuple[CaseState, ...] = ()
    priority: tuple[Priority, ...] = ()
    channel: Filter = ""
    language: Filter = ""
    flow: Filter = ""
    team: Filter = ""
    cause: Filter = ""
    owner: Annotated[Filter, msgspec.Meta(description="the owner's name; - for cases that nobody has")] = ""
    opened_since: Moment | None = None
    opened_before: Moment | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST_CASES)] = 50
    after: Annotated[Id, msgspec.Meta(description="`next` of the page before")] | None = None


class FollowUpAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of which cases, by what."""

    dimension: FollowUpDimension = "all"
    since: (
        Annotated[
            str,
            msgspec.Meta(
                pattern=SINCE_PATTERN, description="cases opened so long ago or later (30d), or since a time (RFC 3339)"
            ),
        ]
        | None
    ) = None
    flow: Filter | None = None


# ---- what is answered, beside the shapes of bot.reports -----------------------------------------------------------


class CasePage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the queue; ``next`` is what ``after`` of the next page is, null on the last one."""

    cases: tuple[ToldCase, ...]
    next: str | None


class FollowUpReport(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of the follow-up, the value with most cases first."""

    rows: tuple[FollowUpRow, ...]


# ---- the requests ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Queue:
    """What stands behind the follow-up over HTTP."""

    cases: Cases
    repeats: Repeats
    clock: Clock
    #: makes the address under which agents get a customer's file
    file_link: FileLink


@dataclass(frozen=True, kw_only=True, slots=True)
class CasesApi:
    """Answers requests whose API key was checked."""

    queue: Queue
    handle: Handle
    settings: Callable[[], Settings]

    async def list(self, request: web.Request) -> web.StreamResponse:
        asked = read_query_as(request.query, CasesAsked)
        if isinstance(asked, web.Response):
            return asked
        query = _query(asked)
        await self._know(query)
        found = await self.queue.cases.list(query)
        now, shown = self.queue.clock(), found[: asked.limit]
        more = len(found) > asked.limit
        page = CasePage(
            cases=tuple(told_case(each, now) for each in shown), next=shown[-1].case.id if more and shown else None
        )
        return json_response(page)

    async def followup(self, request: web.Request) -> web.StreamResponse:
        asked = read_query_as(request.query, FollowUpAsked)
        if isinstance(asked, web.Response):
            return asked
        await self._know(CaseQuery(flow=asked.flow or ""))
        since = None if asked.since is None else _since(asked.since, self.queue.clock())
        times = await self.queue.cases.times(since, None, asked.flow or None)
        return json_response(FollowUpReport(rows=tuple(make_followup_report(times, dimension=asked.dimension))))

    async def _know(self, query: CaseQuery) -> None:
        """Refuse what nothing has: whoever mistypes a filter must not read that there are no cases. Raises Refused."""
        unknown = await unknown_filter(query, self.settings(), self.queue.cases)
        if unknown is not None:
            raise Refused(unknown.message, field=unknown.field)

    async def show(self, request: web.Request) -> web.StreamResponse:
        view = await self._view(_case_id(request))
        return _no_case() if view is None else self._whole(view)

    async def act(self, request: web.Request, kind: type[Body], body: bytes) -> web.StreamResponse:
        """Do what an agent asks for, once for each idempotency key, and show the case as it is then."""
        key = idempotency_key(request)
        case, read = _case_id(request), read_body_as(body, kind)
        if isinstance(read, web.Response):
            return read
        if case is None:
            return _no_case()
        deed = did(case, read, self.settings(), self.queue.clock())
        try:
            outcome = await self.queue.repeats.once(
                key, [case, kind.__name__, read], lambda event: self.handle(msgspec.structs.replace(deed, event=event))
            )
        except KeyReused:
            message = "This key came with another request before; take a new one for each."
            return problem(422, "key_reused", message, field="Idempotency-Key")
        view = await self._view(case)
        if view is None:
            return _no_case()
        return refusal(outcome.said, view) or self._whole(view)

    async def _view(self, case: CaseId | None) -> CaseView | None:
        return None if case is None else await self.queue.cases.view(case)

    def _whole(self, view: CaseView) -> web.Response:
        settings = self.settings()
        voice, link = settings.agents_voice(), self.queue.file_link
        whole = whole_case(view, settings, self.queue.clock(), files=lambda words: files_of(words, voice, link))
        return json_response(whole)


def _case_id(request: web.Request) -> CaseId | None:
    """The id in the address; None for what cannot be one, which no database is asked for."""
    try:
        return CaseId(msgspec.convert(request.match_info["id"], Id))
    except msgspec.ValidationError:
        return None


def idempotency_key(request: web.Request) -> str | None:
    """The key that the sender gave, if any. Raises Refused."""
    keys = request.headers.getall("Idempotency-Key", [])
    if not keys:
        return None
    key = keys[0].strip(" \t")
    if len(keys) > 1 or not key or len(key) > _LONGEST_KEY or not (key.isascii() and key.isprintable()):
        message = f"A key is 1 to {_LONGEST_KEY} printable ASCII characters, given once."
        raise Refused(message, field="Idempotency-Key")
    return key


def _query(asked: CasesAsked) -> CaseQuery:
    return CaseQuery(
        states=asked.state,
        priorities=asked.priority,
        channel=asked.channel,
        language=asked.language,
        flow=asked.flow,
        team=asked.team,
        cause=asked.cause,
        owner=asked.owner,
        opened_since=in_utc(asked.opened_since, "opened_since"),
        opened_before=in_utc(asked.opened_before, "opened_before"),
        # one more tells whether there is another page
        limit=asked.limit + 1,
        after=None if asked.after is None else CaseId(asked.after),
    )


def _since(text: str, now: datetime) -> datetime | None:
    if text[-1] in "mhd":
        return now - span_of(text)
    try:
        return in_utc(msgspec.convert(text, Moment), "since")
    except msgspec.ValidationError:
        raise Refused(
            "This is no time; write it like 2026-03-01T09:30:00Z, or a span like 30d.", field="since"
        ) from None


def refusal(said: Said, view: CaseView) -> web.Response | None:
    """Why a deed was not done, as a response; None where it was, now or by the same request before."""
    owner = said.text or view.case.owner_name or "Someone else"
    match said.kind:
        case "done" | "claimed" | "duplicate" | "nothing" | "text_only":
            return None
        case "already_claimed":
            return problem(409, said.kind, f"{owner} has this case.")
        case "already_resolved":
            return problem(409, said.kind, f"{owner} has resolved this case.")
        case "case_closed":
            return problem(409, said.kind, "This case has come to its end.")
        case "not_owner":
            return problem(
                409, said.kind, f"Only its owner may give a case back, and that is {owner}; assign it instead."
            )
        case "unreachable":
            return problem(409, said.kind, "The customer cannot be written to any more.")
        case "no_case":
            return _no_case()
        case "empty":
            return problem(422, said.kind, "There is nothing in this text.", field=said.text)
        case "too_long":
            return problem(422, said.kind, "This is longer than is taken.", field=said.text)
        case "kept_internal":
            message = "Words that begin with // stay among the agents in Slack; nothing was sent to the customer."
            return problem(422, said.kind, message, field="text")
        case "in_the_past":
            return problem(422, said.kind, "A snooze ends later than now.", field=said.text or "until")
        case "kept_aside":
            return problem(422, "refused", "The database cannot keep one of these values; nothing was kept.")
        case _:
            raise AssertionError(f"an agent's deed was answered with {said.kind}")


def _no_case() -> web.Response:
    return problem(404, "no_case", "There is no such case.")
