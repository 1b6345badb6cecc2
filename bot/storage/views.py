"""What the alert of a case or an incident shows, and what a page or a command tells of a case. Procedures, no I/O."""

from bot.conversations.questions import Rating
from bot.followup.cases import Case, CaseNote
from bot.ids import CaseId, ConversationId, CustomerId, FlowHash, IncidentId
from bot.ports import AgentWords, CaseView, Customer, FoldedCase, IncidentView, PastScore
from bot.storage.codec import from_micros
from bot.storage.facts import Steps, case_of, conversation_of, incident_named, incident_of_case, words_of
from bot.storage.identity import customer_of
from bot.storage.ops import Procedure, ask, query

#: How many of a customer's earlier scores an alert tells.
PAST_SCORES = 3
#: How many cases of an incident its alert lists.
FOLDED_CASES = 10

_VIEW = query(
    """
    SELECT f.body, f.channel, f.address_key, f.customer, v.state, v.channel, v.address_key, v.customer,
      c.id, n.text, c.locale, c.locale_source, c.locale_sureness, c.time_zone, c.time_zone_source, c.reference,
      c.reference_claimed, c.opted_out_at, c.panel_since, a.reachable
    FROM followup_case f
    JOIN conversation v ON v.id = f.conversation
    LEFT JOIN customer c ON c.id = f.customer
    LEFT JOIN name n ON n.person = c.person
    LEFT JOIN address a ON a.channel = f.channel AND a.key = f.address_key
    WHERE f.id = :id
    """,
    "id",
)
# Words said outside a question are kept with the conversation too.
_WORDS = query(
    "SELECT w.id, w.conversation, w.question, w.text, w.at, w.attachments, w.in_thread FROM words w "
    "WHERE w.conversation = :conversation AND w.person = :person ORDER BY w.at, w.id",
    "conversation person",
)
_NOTES = query("SELECT n.what, n.who, n.detail, n.at FROM case_note n WHERE n.case_id = :id ORDER BY n.at, n.id", "id")
_REPLIES = query(
    "SELECT r.id, r.author, r.text, r.at, r.lost FROM reply r WHERE r.case_id = :id ORDER BY r.at, r.id", "id"
)
_SCORES = query(
    f"""
    SELECT v.flow, a.flow_id, a.question, a.score, a.at
    FROM answer a JOIN conversation v ON v.id = a.conversation
    WHERE a.customer = :customer AND a.conversation <> :conversation AND a.score IS NOT NULL
    ORDER BY a.at DESC, a.id DESC LIMIT {PAST_SCORES}
    """,
    "customer conversation",
)
_FOLDED = query(
    f"""
    SELECT f.body, f.channel, f.address_key, f.customer, v.flow, n.text,
      (SELECT w.text FROM words w WHERE w.conversation = f.conversation AND w.person = c.person
       ORDER BY w.at DESC, w.id DESC LIMIT 1)
    FROM followup_case f
    JOIN conversation v ON v.id = f.conversation
    LEFT JOIN customer c ON c.id = f.customer
    LEFT JOIN name n ON n.person = c.person
    WHERE f.incident = :incident ORDER BY f.opened_at DESC, f.id DESC LIMIT {FOLDED_CASES}
    """,
    "incident",
)


def case_view(id: CaseId, steps: Steps) -> Procedure[CaseView | None]:
    """Everything that is known of a case, as it is now."""
    rows = yield from ask(_VIEW, id)
    if not rows:
        return None
    row = rows[0]
    case, conversation = case_of(*row[0:4]), conversation_of(*row[4:8])
    if case is None or conversation is None:
        return None
    flow = yield from steps.flow(conversation.flow)
    if flow is None:
        return None
    words = yield from ask(_WORDS, conversation.id, steps.person(case.customer))
    notes = yield from ask(_NOTES, id)
    return CaseView(
        case=case,
        flow=flow,
        customer=customer_of(row[8:20]) or Customer(id=case.customer),
        conversation=conversation,
        words=tuple(words_of(word, case.customer) for word in words),
        notes=tuple(CaseNote(case=id, what=what, who=who, detail=d, at=from_micros(at)) for what, who, d, at in notes),
        replies=(yield from _replies(case)),
        scores=(yield from _past_scores(case.customer, conversation.id, steps)),
        incident=(yield from incident_of_case(case)),
    )


def _replies(case: Case) -> Procedure[tuple[AgentWords, ...]]:
    rows = yield from ask(_REPLIES, case.id)
    return tuple(
        AgentWords(
            id=id,
            case=case.id,
            customer=case.customer,
            author=author,
            text=text,
            at=from_micros(at),
            lost=bool(lost),
        )
        for id, author, text, at, lost in rows
    )


def incident_view(id: IncidentId, steps: Steps) -> Procedure[IncidentView | None]:
    """An incident and its newest cases, newest first."""
    incident = yield from incident_named(id)
    if incident is None:
        return None
    rows = yield from ask(_FOLDED, id)
    cases = []
    for row in rows:
        case, flow = case_of(*row[0:4]), (yield from steps.flow(FlowHash(row[4])))
        if case is not None and flow is not None:
            cases.append(FoldedCase(case=case, flow=flow, customer_name=row[5], words=row[6] or ""))
    return IncidentView(incident=incident, cases=tuple(cases))


def _past_scores(customer: CustomerId, but_of: ConversationId, steps: Steps) -> Procedure[tuple[PastScore, ...]]:
    rows = yield from ask(_SCORES, customer, but_of)
    scores = []
    for version, flow_id, id, score, at in rows:
        pinned = yield from steps.flow(FlowHash(version))
        question = None if pinned is None else pinned.flow.question(id)
        if isinstance(question, Rating):
            past = PastScore(flow=flow_id, question=id, scale=question.scale, score=score, at=from_micros(at))
            scores.append(past)
    return tuple(scores)
