"""The ledger over HTTP: what became of each trigger, with its reason in words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, assert_never

import msgspec
from aiohttp import web

from bot.config import Settings
from bot.conversations.invitations import Rule, TriggerKind, Verdict
from bot.ids import ConversationId, CustomerId, InteractionId
from bot.languages.voice import Voice
from bot.messages import Address
from bot.ports import Decision, DecisionQuery, DecisionStep, Ledger
from bot.reports.explaining import agents_zone, explain, in_words
from bot.reports.filters import Unknown
from bot.web.api import Refused, Tag, json_response, read_query_as
from bot.web.deeds import Filter, Moment, in_utc

MOST_DECISIONS = 200
AFTER_PATTERN = "^[!-~]{1,120}$"

#: a verdict as the API writes it
ToldVerdict = Literal["asked", "deferred", "not_asked"]
_VERDICTS: Mapping[ToldVerdict, Verdict] = {"asked": "asked", "deferred": "deferred", "not_asked": "not asked"}


Name = Annotated[Filter, msgspec.Meta(pattern=r"\S")]


class DecisionsAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which decisions to list, newest first; whatever is left out asks nothing."""

    about: Annotated[
        Name,
        msgspec.Meta(
            description="a customer's reference or id, the reference of a dealing, an address key, or "
            "<channel>:<address key>"
        ),
    ] = ""
    verdict: ToldVerdict | None = None
    rule: Rule | None = None
    trigger: TriggerKind | None = None
    flow: Name = ""
    channel: Name = ""
    since: Annotated[Moment, msgspec.Meta(description="triggered then or later")] | None = None
    before: Annotated[Moment, msgspec.Meta(description="triggered before then")] | None = None
    language: Annotated[Tag, msgspec.Meta(description="of the explanations; the agents' own if left out")] | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST_DECISIONS)] = 50
    after: Annotated[str, msgspec.Meta(pattern=AFTER_PATTERN, description="`next` of the page before")] | None = None


class ToldStep(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided before, with its reason as a sentence."""

    verdict: ToldVerdict
    rule: str
    inputs: Mapping[str, str]
    at: datetime
    reason: str


class ToldDecision(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one trigger: what stands now, the steps before it, and all of it in words."""

    id: str
    trigger: TriggerKind
    verdict: ToldVerdict
    rule: str
    #: what the rule looked at
    inputs: Mapping[str, str]
    flow: str
    address: Address
    #: who told of it, and by what name
    source: str
    reference: str
    customer: CustomerId | None
    #: the company's own reference of the customer
    customer_reference: str | None
    interaction: InteractionId | None
    #: what was begun, where somebody was asked
    conversation: ConversationId | None
    triggered_at: datetime
    at: datetime
    #: how often the same was told again
    repeats: int
    steps: tuple[ToldStep, ...]
    reason: str
    explanation: str


class DecisionPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the ledger; ``next`` is what ``after`` of the next page is, null on the last one."""

    decisions: tuple[ToldDecision, ...]
    next: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DecisionsApi:
    """Answers requests whose API key was checked."""

    ledger: Ledger
    settings: Callable[[], Settings]
    #: the company's reference of a customer, as it is kept
    known_as: Callable[[str], str]

    async def list(self, request: web.Request) -> web.StreamResponse:
        asked = read_query_as(request.query, DecisionsAsked)
        if isinstance(asked, web.Response):
            return asked
        await self._know(asked)
        found = await self.ledger.list(await self._kept(_query(asked)))
        listed, settings = found[: asked.limit], self.settings()
        agents, zone = settings.agents_voice(), agents_zone(settings)
        voice = settings.voice(asked.language) if asked.language else agents
        page = DecisionPage(
            decisions=tuple(told_decision(each, voice=voice, zone=zone) for each in listed),
            next=listed[-1].key if len(found) > asked.limit and listed else None,
        )
        return json_response(page)

    async def _know(self, asked: DecisionsAsked) -> None:
        """Refuse what nothing has; what only old decisions have is known, too. Raises Refused."""
        settings = self.settings()
        flows = [pinned.flow.id for pinned in settings.flows]
        channels = [str(channel.name) for channel in settings.channels]
        for field, value, known in (("flow", asked.flow, flows), ("channel", asked.channel, channels)):
            query = msgspec.structs.replace(DecisionQuery(limit=1), **{field: value})
            if value and value not in known and not await self.ledger.list(query):
                raise Refused(Unknown(field=field, value=value, known=tuple(known)).message, field=field)

    async def _kept(self, query: DecisionQuery) -> DecisionQuery:
        """Where no names are kept, a customer's reference is found by what stands for it."""
        hashed = msgspec.structs.replace(query, about=self.known_as(query.about) if query.about else "")
        if hashed == query or not await self.ledger.list(DecisionQuery(about=hashed.about, limit=1)):
            return query
        return hashed


def told_decision(decision: Decision, *, voice: Voice, zone: str) -> ToldDecision:
    """A decision as programs and people are told it, over HTTP and as JSON in the terminal."""
    return ToldDecision(
        id=decision.key,
        trigger=decision.trigger,
        verdict=told_verdict(decision.verdict),
        rule=decision.rule,
        inputs=decision.inputs,
        flow=decision.flow,
        address=decision.address,
        source=decision.source,
        reference=decision.reference,
        customer=decision.customer,
        customer_reference=decision.known_as,
        interaction=decision.interaction,
        conversation=decision.conversation,
        triggered_at=decision.triggered_at,
        at=decision.at,
        repeats=decision.repeats,
        steps=tuple(_told_step(step, decision, voice, zone) for step in decision.steps),
        reason=in_words(decision, voice=voice, zone=zone),
        explanation=explain(decision, voice=voice, zone=zone),
    )


def _told_step(step: DecisionStep, decision: Decision, voice: Voice, zone: str) -> ToldStep:
    as_it_was = msgspec.structs.replace(decision, rule=step.rule, inputs=step.inputs)
    return ToldStep(
        verdict=told_verdict(step.verdict),
        rule=step.rule,
        inputs=step.inputs,
        at=step.at,
        reason=in_words(as_it_was, voice=voice, zone=zone),
    )


def told_verdict(verdict: Verdict) -> ToldVerdict:
    match verdict:
        case "asked" | "deferred":
            return verdict
        case "not asked":
            return "not_asked"
        case _:
            assert_never(verdict)


def _query(asked: DecisionsAsked) -> DecisionQuery:
    return DecisionQuery(
        about=asked.about,
        verdict=None if asked.verdict is None else _VERDICTS[asked.verdict],
        rule=asked.rule or "",
        trigger=asked.trigger or "",
        flow=asked.flow,
        channel=asked.channel,
        since=in_utc(asked.since, "since"),
        before=in_utc(asked.before, "before"),
        # one more tells whether there is another page
        limit=asked.limit + 1,
        after=asked.after,
    )
