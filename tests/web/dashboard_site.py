"""The queue's pages over a desk that is kept in memory and decides with the real rules of cases."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

from aiohttp import web
from msgspec.structs import replace

from bot.config import CurrentSettings, FollowUpSettings, ServerSettings, Settings, TelegramSettings
from bot.conversations.answers import Answer, Scored
from bot.conversations.conversation import Conversation
from bot.errors import StoreUnavailable
from bot.followup import cases as rules
from bot.followup.cases import Case, CaseNote, CaseState, NoteKind, Priority
from bot.followup.clocks import Hours, Team
from bot.followup.templates import Cause, Template
from bot.ids import CaseId, ConversationId, CustomerId, WordsId
from bot.messages import (
    Address,
    AgentDid,
    Assign,
    ChannelName,
    Claim,
    Inbound,
    Relay,
    Release,
    Reopen,
    Resolve,
    Snooze,
)
from bot.ports import (
    CaseQuery,
    CaseTimes,
    CaseView,
    Customer,
    ListedCase,
    Outcome,
    Said,
    SaidKind,
    Words,
)
from bot.web.dashboard import add_dashboard
from bot.web.serving import listen, port_of
from tests.conversations.golden import flow_named
from tests.web.scripted_site import file_link

KEY, OTHER_KEY = "key-of-a-test", "another-key-of-a-test"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TELEGRAM = ChannelName("telegram")
FLOW = flow_named("support")
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)> & \"quoted\" '{{ 7*7 }}' \u202eabc 😡"
_DAY = ((time(9), time(17)),)

FOLLOWUP = FollowUpSettings(
    channel=ChannelName("slack"),
    room="#support-recovery",
    teams=(Team(name="support", hours=Hours(time_zone="Europe/Rome", week=(*([_DAY] * 5), (), ()))),),
    templates=(
        Template(
            id="sorry",
            kind="apology",
            title="Sorry for the wait",
            text={"en": "Dear {customer|customer}, I am sorry. {agent}", "vi": "Xin lỗi {customer|quý khách}. {agent}"},
        ),
        Template(id="returns", kind="policy", title="Returns", text={"en": "You have 30 days & <b>no</b> fee."}),
    ),
    causes=(Cause(id="speed", title="Too slow"), Cause(id="product", title="Broken product")),
)


def settings(
    *, keys: Sequence[str] = (KEY, OTHER_KEY), url: str = "", followup: FollowUpSettings | None = FOLLOWUP
) -> Settings:
    return Settings(
        company="Lotus Home",
        server=ServerSettings(api_keys=tuple(keys), public_url=url or "http://127.0.0.1:8080"),
        channels=(TelegramSettings(name=TELEGRAM, token="1:x"),),
        followup=followup,
        flows=(FLOW,),
    )


@dataclass
class Desk:
    """The cases, and what agents did: each deed is decided by ``bot.followup.cases`` and noted."""

    views: dict[CaseId, CaseView] = field(default_factory=dict)
    heard: list[AgentDid] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    away: bool = False
    #: what every deed is answered with
    refuses: SaidKind | None = None
    now: datetime = NOW

    def clock(self) -> datetime:
        return self.now

    def add(
        self,
        number: int,
        name: str | None = "Lan Pham",
        *words: str,
        state: CaseState = "open",
        priority: Priority = "normal",
        ago: timedelta = timedelta(minutes=30),
        owner: str = "",
        language: str = "en",
        group: str = "",
    ) -> CaseId:
        """Put a case on the desk."""
        at, id = self.now - ago, CaseId(f"case{number:012}")
        customer, address = CustomerId(f"p{number}"), Address(channel=TELEGRAM, key=f"{group}{number}")
        conversation = Conversation(
            id=ConversationId(f"talk{number}"),
            flow=FLOW.hash,
            customer=customer,
            address=address,
            locale=language,
            answers={"score": Answer(value=Scored(score=1), turn=2, at=at)},
            attributes={"agent": "Minh", "order": "A7", "link": f"https://help.example/t/{number}"},
            started_at=at,
            touched_at=at,
        )
        case = Case(
            id=id,
            conversation=conversation.id,
            customer=customer,
            address=address,
            flow=FLOW.flow.id,
            question="score",
            score=1,
            locale=language,
            state=state,
            priority=priority,
            desk=Address(channel=ChannelName("slack"), key="#support-recovery"),
            team="support",
            opened_at=at,
            owner=Address(channel=ChannelName("slack"), key=f"U{owner.upper()}") if owner else None,
            owner_name=owner or None,
        )
        said = tuple(
            Words(
                id=WordsId(f"w{number}{place}"),
                customer=customer,
                conversation=conversation.id,
                question=None,
                text=text,
                at=at + timedelta(minutes=place),
            )
            for place, text in enumerate(words)
        )
        self.views[id] = CaseView(
            case=case,
            flow=FLOW,
            customer=Customer(id=customer, name=name),
            conversation=conversation,
            words=said,
            notes=(CaseNote(case=id, what="opened", who=None, at=at),),
        )
        return id

    def change(self, id: CaseId, case: Case, what: NoteKind, who: str | None, detail: str = "") -> None:
        view = self.views[id]
        note = CaseNote(case=id, what=what, who=who, detail=detail, at=self.now)
        self.views[id] = replace(view, case=case, notes=(*view.notes, note))

    # ---- the Cases port

    async def list(self, query: CaseQuery) -> Sequence[ListedCase]:
        self._answer()
        found = sorted(self.views.values(), key=lambda view: (view.case.opened_at, view.case.id), reverse=True)
        if query.after is not None:
            places = [view.case.id for view in found]
            found = found[places.index(query.after) + 1 :]
        chosen = [view for view in found if _fits(view.case, query)]
        return [ListedCase(case=view.case, customer_name=view.customer.name) for view in chosen[: query.limit]]

    async def view(self, case: CaseId) -> CaseView | None:
        self._answer()
        return self.views.get(case)

    async def times(
        self, since: datetime | None, until: datetime | None, flow: str | None = None
    ) -> Sequence[CaseTimes]:
        raise AssertionError("the pages show no figures")

    # ---- intake

    async def handle(self, inbound: Inbound) -> Outcome:
        self._answer()
        assert isinstance(inbound, AgentDid)
        if inbound.event in self.seen:
            return Outcome(said=Said(kind="duplicate"))
        self.seen.add(inbound.event)
        self.heard.append(inbound)
        if self.refuses is not None:
            return Outcome(said=Said(kind=self.refuses))
        case = self.views[inbound.case].case
        changed, kind, what, detail = self._decide(case, inbound)
        if kind != "done":
            return Outcome(said=Said(kind=kind, text=case.owner_name or ""))
        self.change(case.id, changed, what, inbound.agent_name, detail)
        return Outcome(said=Said(kind="done"))

    def _decide(self, case: Case, did: AgentDid) -> tuple[Case, SaidKind, NoteKind, str]:
        agent, name, at = did.agent, did.agent_name, did.at
        match did.deed:
            case Claim():
                return *_told(rules.claim(case, agent, name, at)), "claimed", ""
            case Release():
                return *_told(rules.release(case, agent)), "released", ""
            case Assign(to=to, to_name=to_name):
                return *_told(rules.assign(case, to, to_name, at)), "assigned", to_name
            case Relay(text=text):
                if len(text) > 4000:
                    return case, "too_long", "replied", ""
                return rules.spoke(case, agent, name, at), "done", "replied", text
            case Snooze(until=until):
                if until is not None and until <= at:
                    return case, "in_the_past", "snoozed", ""
                end = until or at + timedelta(hours=24)
                return *_told(rules.snooze(case, end)), "snoozed", end.isoformat()
            case Resolve(cause=cause, action=action):
                done = rules.resolve(case, agent, name, cause=cause, action=action, at=at)
                return *_told(done), "resolved", f"{cause}>{action}"
            case Reopen():
                return *_told(rules.reopen(case, agent, name, at)), "reopened_by", ""

    def _answer(self) -> None:
        if self.away:
            raise StoreUnavailable("the database is away")

    # ---- the server

    @asynccontextmanager
    async def serving(self, current: CurrentSettings) -> AsyncIterator[int]:
        """The port that the pages listen on, until the block ends."""
        app = web.Application()
        add_dashboard(app, settings=current, cases=self, handle=self.handle, clock=self.clock, file_link=file_link)
        runner = await listen(app, "127.0.0.1", 0)
        try:
            yield port_of(runner)
        finally:
            await runner.cleanup()


def _told(result: tuple[Case, rules.DeedVerdict]) -> tuple[Case, SaidKind]:
    case, verdict = result
    return case, "done" if verdict == "unchanged" else verdict


def _fits(case: Case, query: CaseQuery) -> bool:
    return (
        (not query.states or case.state in query.states)
        and (not query.priorities or case.priority in query.priorities)
        and query.channel in ("", case.address.channel)
        and query.language in ("", case.locale)
        and query.flow in ("", case.flow)
        and (query.owner in ("", case.owner_name) or (query.owner == "-" and case.owner is None))
    )
