"""The rows of cases in a dict, with the Cases port and what alerts show over them."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from bot.conversations.questions import Rating
from bot.followup.cases import Case
from bot.ids import CaseId, IncidentId
from bot.ports import (
    AgentWords,
    CaseQuery,
    CaseTimes,
    CaseView,
    FoldedCase,
    IncidentView,
    ListedCase,
    PastScore,
    SaveAnswer,
    Words,
)
from tests.fakes.rows import Journal, Rows

if TYPE_CHECKING:
    from tests.fakes.pure_store import PureStore


class PureCases(Rows[CaseId, Case]):
    """The rows of cases by their id, and the Cases port over them."""

    def __init__(self, store: "PureStore", journal: Journal) -> None:
        super().__init__(
            journal,
            address=lambda case: [case.address],
            conversation=lambda case: [case.conversation],
            customer=lambda case: [case.customer],
            incident=lambda case: [case.incident],
        )
        self._store = store

    async def view(self, case: CaseId) -> CaseView | None:
        found, store = self.get(case), self._store
        if found is None:
            return None
        conversation = store.conversations[found.conversation]
        return CaseView(
            case=found,
            flow=store.flows[conversation.flow],
            customer=store.customer_at(conversation.address) or store.customers[found.customer],
            conversation=conversation,
            words=self._words(found),
            notes=tuple(each for each in store.notes if each.case == case),
            replies=tuple(sorted(self._replies(case), key=lambda each: (each.at, each.id))),
            scores=self._past_scores(found),
            incident=store.incident_of(found),
        )

    def incident_view(self, incident: IncidentId) -> IncidentView | None:
        """What the outbox tells of an incident."""
        found = self._store.incidents.get(incident)
        if found is None:
            return None
        folded = sorted(self.by("incident", incident), key=lambda case: (case.opened_at, case.id), reverse=True)
        return IncidentView(incident=found, cases=tuple(self._folded(case) for case in folded[:10]))

    async def times(
        self, since: datetime | None, until: datetime | None, flow: str | None = None
    ) -> Sequence[CaseTimes]:
        return [
            CaseTimes(
                state=case.state,
                channel=case.address.channel,
                language=case.locale,
                cause=case.cause,
                why=case.why,
                opened_at=case.opened_at,
                first_word_at=case.first_word_at,
                first_resolved_at=case.first_resolved_at,
            )
            for case in reversed(self._newest_first())
            if case.state != "withdrawn" and flow in (None, case.flow) and _within(case, since, until)
        ]

    async def list(self, query: CaseQuery) -> Sequence[ListedCase]:
        found = [case for case in self._newest_first() if _asked_for(query, case)]
        if query.after is not None:
            last = self.get(query.after)
            found = [case for case in found if last and (case.opened_at, case.id) < (last.opened_at, last.id)]
        return [ListedCase(case=case, customer_name=self._name(case)) for case in found[: query.limit]]

    def _newest_first(self) -> Sequence[Case]:
        return sorted(self.values(), key=lambda case: (case.opened_at, case.id), reverse=True)

    def _folded(self, case: Case) -> FoldedCase:
        store, said = self._store, self._words(case)
        flow = store.flows[store.conversations[case.conversation].flow]
        return FoldedCase(case=case, flow=flow, customer_name=self._name(case), words=said[-1].text if said else "")

    def _name(self, case: Case) -> str | None:
        customer = self._store.customers.get(case.customer)
        return None if customer is None else customer.name

    def _replies(self, case: CaseId) -> Sequence[AgentWords]:
        return [each for each in self._store.replies.by("customer", self[case].customer) if each.case == case]

    def _words(self, case: Case) -> tuple[Words, ...]:
        """All that the customer said in the case's conversation, also outside a question."""
        theirs = self._store.words.by("customer", case.customer)
        said = [each for each in theirs if each.conversation == case.conversation]
        return tuple(sorted(said, key=lambda each: (each.at, each.id)))

    def _past_scores(self, case: Case) -> tuple[PastScore, ...]:
        """The last three of other conversations; of two at one time the later written comes first."""
        given = enumerate(self._store.answers.by("customer", case.customer))
        theirs = [(each.at, place, each) for place, each in given]
        found = (self._past_score(each) for _, _, each in sorted(theirs, reverse=True, key=lambda row: row[:2]))
        elsewhere = [past for past in found if past is not None and past[0] != case.conversation]
        return tuple(past for _, past in elsewhere[:3])

    def _past_score(self, given: SaveAnswer) -> tuple[str, PastScore] | None:
        store = self._store
        question = store.flows[store.conversations[given.conversation].flow].flow.question(given.question)
        if given.score is None or not isinstance(question, Rating):
            return None
        past = PastScore(
            flow=given.flow_id, question=given.question, scale=question.scale, score=given.score, at=given.at
        )
        return given.conversation, past


def _within(case: Case, since: datetime | None, until: datetime | None) -> bool:
    return (since is None or case.opened_at >= since) and (until is None or case.opened_at < until)


def _asked_for(query: CaseQuery, case: Case) -> bool:
    owner = "-" if case.owner_name is None else case.owner_name.casefold()
    return (
        (not query.states or case.state in query.states)
        and (not query.priorities or case.priority in query.priorities)
        and query.channel in ("", case.address.channel)
        and query.language in ("", case.locale)
        and query.flow in ("", case.flow)
        and query.team in ("", case.team)
        and query.cause in ("", case.cause)
        and query.why in (None, case.why)
        and query.owner.casefold() in ("", owner)
        and _within(case, query.opened_since, query.opened_before)
    )
