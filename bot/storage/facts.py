"""Reads what a decision needs to know, and runs one whole step: read, decide, write. Procedures, no I/O."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from bot.conversations.conversation import Conversation
from bot.conversations.dealings import Dealing
from bot.conversations.flow import Flow, PinnedFlow
from bot.followup.cases import Case, CaseState
from bot.followup.incidents import Incident
from bot.ids import CaseId, ConversationId, CustomerId, FlowHash, IncidentId, InteractionId, WordsId
from bot.messages import Address, ChannelName
from bot.ports import Customer, Due, Facts, Interaction, Neighbour, Outcome, Read, Shown, Words
from bot.storage.codec import from_micros, maybe_time, short_key, to_micros
from bot.storage.decisions import newest_about, of_dealing
from bot.storage.identity import (
    address_lock,
    customer_of,
    customers_asked_or_stopped,
    hold_customer_at,
    hold_customers,
    read_link,
    read_namesake,
    reference_lock,
)
from bot.storage.merging import as_one
from bot.storage.ops import Hold, Job, Procedure, Row, ask, do, query
from bot.storage.rows import SEEN_FOR, Person, SentAlong, remember, statements, wakes

#: How many of a customer's newest surveys a decision may look at.
RECENT_SHOWN = 50
#: How many cases, and incidents, a decision about an incident may look at.
MOST_NEIGHBOURS = 500
#: How many of the words said in a conversation a decision may look at.
NEWEST_WORDS = 20
#: The slot of an alert begins so, and the id of the case or the incident follows.
ALERT_SLOT, INCIDENT_SLOT = "alert:", "incident:"
#: What a decision about incidents holds: two at once would each begin an incident of their own.
INCIDENTS_LOCK = "incidents"

# One statement, so that what it finds belongs together.
_FACTS = query(
    """
    SELECT
      (SELECT 1 FROM seen_event e WHERE e.key = :event AND e.at >= :horizon) AS seen,
      (SELECT 1 FROM seen_event s WHERE s.key = :of_group AND s.at >= :horizon) AS group_seen,
      c.id AS customer, n.text AS name, c.locale, c.locale_source, c.locale_sureness, c.time_zone, c.time_zone_source,
      c.reference AS reference, c.reference_claimed, c.opted_out_at, c.panel_since, a.reachable,
      v.state, v.channel AS v_channel, v.address_key AS v_key, v.customer AS v_customer,
      f.body, f.channel AS f_channel, f.address_key AS f_key, f.customer AS f_customer,
      o.body AS open_body, o.channel AS o_channel, o.address_key AS o_key, o.customer AS o_customer
    FROM (SELECT 1 AS one) AS base
    LEFT JOIN address a ON a.channel = :channel AND a.key = :key
    LEFT JOIN customer c ON c.id = a.customer
    LEFT JOIN name n ON n.person = c.person
    LEFT JOIN conversation v ON v.id = CASE
      WHEN :conversation IS NOT NULL THEN :conversation
      WHEN :case_id IS NOT NULL THEN (SELECT g.conversation FROM followup_case g WHERE g.id = :case_id)
      ELSE (
        SELECT w.id FROM conversation w WHERE w.channel = :channel AND w.address_key = :key
        ORDER BY CASE WHEN w.status = 'waiting' THEN 0 ELSE 1 END, w.touched_at DESC, w.id DESC LIMIT 1
      ) END
    LEFT JOIN followup_case f ON f.id = CASE
      WHEN :case_id IS NOT NULL THEN :case_id
      ELSE (
        SELECT g.id FROM followup_case g WHERE g.conversation = v.id ORDER BY g.opened_at DESC, g.id DESC LIMIT 1
      ) END
    LEFT JOIN followup_case o ON o.id = (
      SELECT h.id FROM followup_case h
      WHERE h.channel = :channel AND h.address_key = :key AND (h.spoke_at IS NOT NULL OR h.state <> 'withdrawn')
      ORDER BY
        CASE WHEN h.state IN ('recovered', 'unconfirmed', 'withdrawn') THEN 1 ELSE 0 END,
        CASE WHEN h.state IN ('recovered', 'unconfirmed', 'withdrawn')
          THEN coalesce(h.closed_at, h.opened_at) ELSE coalesce(h.spoke_at, h.opened_at) END DESC,
        h.opened_at DESC, h.id DESC
      LIMIT 1
    )
    """,
    "event of_group horizon:bigint channel key conversation case_id",
)
# Asked only where there is a case.
_ASKED = query(
    """
    SELECT f.body, f.channel, f.address_key, f.customer FROM followup_case f
    WHERE f.channel = :channel AND f.address_key = :key AND f.fixed_asked_at IS NOT NULL
    ORDER BY CASE WHEN f.state = 'resolved' THEN 0 ELSE 1 END, f.fixed_asked_at DESC, f.id DESC LIMIT 1
    """,
    "channel key",
)
_SHOWN = query(
    f"""
    SELECT s.flow_id, s.is_nps, s.at FROM shown s WHERE s.customer = :customer
    ORDER BY s.at DESC LIMIT {RECENT_SHOWN}
    """,
    "customer",
)
_SURVEYED = query(
    "SELECT 1 FROM conversation v WHERE v.customer = :customer AND v.status = 'waiting' LIMIT 1", "customer"
)
_DUE = query("SELECT d.key, d.kind, d.ref, d.due_at FROM due d WHERE d.key = :key", "key")
_INTERACTION_COLUMNS = (
    "i.id, i.source, i.reference, i.flow_id, i.channel, i.address_key, i.closed_at, i.reported_at, i.attributes, "
    "i.dealing, i.revision"
)
_INTERACTION = query(f"SELECT {_INTERACTION_COLUMNS} FROM interaction i WHERE i.id = :id", "id")
_REPORTED = query(
    f"SELECT {_INTERACTION_COLUMNS} FROM interaction i WHERE i.source = :source AND i.reference = :reference",
    "source reference",
)
_HOME = query(
    """
    SELECT v.channel, v.address_key FROM conversation v WHERE v.id = CASE
      WHEN :conversation IS NOT NULL THEN :conversation
      ELSE (SELECT g.conversation FROM followup_case g WHERE g.id = :case_id) END
    """,
    "conversation case_id",
)
# A reposted alert is another message: of the slot, only the newest is kept.
_THREAD = query(
    f"""
    SELECT r.slot FROM remote_message r
    WHERE r.channel = :channel AND r.remote = :remote AND (
      substr(r.slot, 1, {len(ALERT_SLOT)}) = '{ALERT_SLOT}'
      OR substr(r.slot, 1, {len(INCIDENT_SLOT)}) = '{INCIDENT_SLOT}')
    ORDER BY r.at DESC, r.slot LIMIT 1
    """,
    "channel remote",
)
# CROSS JOIN for SQLite, which then keeps to this order: from the few that have something in common to their rows.
_NEIGHBOURS = query(
    f"""
    SELECT f.body, f.channel, f.address_key, f.customer, v.state, v.channel, v.address_key, v.customer
    FROM (
      SELECT DISTINCT o.case_id AS id FROM shared_value m
      JOIN shared_value o ON o.dimension = m.dimension AND o.value = m.value AND o.opened_at >= :since
      WHERE m.case_id = :case_id
    ) AS near
    CROSS JOIN followup_case f CROSS JOIN conversation v
    WHERE f.id = near.id AND v.id = f.conversation AND f.incident IS NULL AND f.state <> 'withdrawn'
    ORDER BY f.opened_at DESC, f.id DESC LIMIT {MOST_NEIGHBOURS}
    """,
    "case_id since:bigint",
)
_INCIDENTS = query(
    f"""
    SELECT i.body, i.channel, i.address_key FROM incident i WHERE i.last_at >= :since
    ORDER BY i.last_at DESC, i.id DESC LIMIT {MOST_NEIGHBOURS}
    """,
    "since:bigint",
)
_WAITING = query(
    """
    SELECT f.state, count(*) FROM followup_case f
    WHERE f.incident = :incident AND f.team = :team AND f.owner_name IS NULL
      AND f.state IN ('open', 'claimed', 'contacted', 'reopened')
    GROUP BY f.state
    """,
    "incident team",
)
_INCIDENT = query("SELECT i.body, i.channel, i.address_key FROM incident i WHERE i.id = :id", "id")
_NEWEST_WORDS = query(
    f"""
    SELECT w.id, w.conversation, w.question, w.text, w.at, w.attachments, w.in_thread FROM words w
    WHERE w.conversation = :conversation AND w.person = :person ORDER BY w.at DESC, w.id DESC LIMIT {NEWEST_WORDS}
    """,
    "conversation person",
)
_WROTE_AT = query("SELECT max(w.at) FROM words w WHERE w.person = :person", "person")
_FLOW = query("SELECT w.content, w.structure FROM flow_version w WHERE w.hash = :hash", "hash")

_conversations = msgspec.json.Decoder(Conversation)
_cases = msgspec.json.Decoder(Case)
_incidents = msgspec.json.Decoder(Incident)
_flows = msgspec.json.Decoder(Flow)
_sent_along = msgspec.json.Decoder(SentAlong)
_attributes = msgspec.json.Decoder(dict[str, str])
_dealings = msgspec.json.Decoder(Dealing)

#: Flow versions never change, so each is parsed once.
FlowCache = dict[FlowHash, PinnedFlow]


class Steps:
    """Makes a job of each step. Holds what all steps share: the flow versions and the name of a person."""

    def __init__(self, flows: FlowCache, person: Person) -> None:
        self.flows = flows
        self.person = person

    def job(self, read: Read, decide: Callable[[Facts], Outcome], now: datetime) -> Job:
        return Job(lambda: self._step(read, decide, now), lock_keys(read))

    def _step(self, read: Read, decide: Callable[[Facts], Outcome], now: datetime) -> Procedure[Outcome]:
        facts = yield from self.facts(read, now)
        outcome = decide(facts)
        writes = as_one(outcome.writes)
        if not facts.seen:
            yield from hold_customers(customers_asked_or_stopped(writes))
        rows = [] if read.event is None or facts.seen else [remember(read.event, now)]
        if rows and read.group is not None and not facts.group_seen:
            rows.append(remember(read.group, now))
        for write in writes:
            rows.extend(statements(write, self.person))
        if rows:
            yield from do(rows, wakes(outcome.writes))
        return outcome

    def facts(self, read: Read, now: datetime) -> Procedure[Facts]:
        interaction = yield from _interaction(read)
        threads_case, threads_incident = yield from _of_thread(read)
        named = read.case or threads_case
        address = None if _is_known_at(interaction, read) else read.address
        address = address or (yield from _home(read.conversation, named, interaction))
        link = None if read.link is None else (yield from read_link(read.link))
        known_as = read.known_as or (None if link is None else link.customer)
        namesake, addresses = (None, ()) if known_as is None else (yield from read_namesake(known_as, address))
        event, group = (None if key is None else short_key(key) for key in (read.event, read.group))
        if read.asks and address is not None:
            yield from hold_customer_at(address)
        place = (None, None) if address is None else (address.channel, address.key)
        horizon = to_micros(now) - SEEN_FOR
        (row,) = yield from ask(_FACTS, event, group, horizon, *place, read.conversation, named)
        customer = customer_of(row[2:14])
        shown = [] if customer is None else (yield from ask(_SHOWN, customer.id))
        conversation = conversation_of(*row[14:18])
        case, open_case = case_of(*row[18:22]), case_of(*row[22:26])
        neighbours, incidents = yield from _neighbourhood(read, named)
        return Facts(
            seen=row[0] is not None,
            group_seen=row[1] is not None,
            customer=customer,
            conversation=conversation,
            flow=None if conversation is None else (yield from self.flow(conversation.flow)),
            case=case,
            open_case=open_case,
            asked_case=None if open_case is None else (yield from _asked_case(*place)),
            interaction=interaction,
            decision=None if interaction is None else (yield from of_dealing(interaction.id)),
            namesake=namesake,
            addresses=addresses,
            link=link,
            wrote_at=(yield from self._wrote_at(customer)) if read.wrote else None,
            decisions=() if read.explain is None else (yield from newest_about(read.explain)),
            due=None if read.due is None else _due(*(yield from ask(_DUE, read.due))),
            surveyed=bool((yield from ask(_SURVEYED, customer.id))) if read.asks and customer is not None else False,
            shown=tuple(Shown(flow=flow, is_nps=bool(is_nps), at=from_micros(at)) for flow, is_nps, at in shown),
            neighbours=neighbours,
            incidents=incidents,
            incident=(yield from (_or_none(threads_incident) if case is None else incident_of_case(case))),
            words=(yield from self._words(conversation)) if read.words else (),
            waiting=(yield from _waiting(case)) if read.waiting else {},
        )

    def _wrote_at(self, customer: Customer | None) -> Procedure[datetime | None]:
        if customer is None:
            return None
        ((at,),) = yield from ask(_WROTE_AT, self.person(customer.id))
        return maybe_time(at)

    def _words(self, conversation: Conversation | None) -> Procedure[tuple[Words, ...]]:
        if conversation is None:
            return ()
        rows = yield from ask(_NEWEST_WORDS, conversation.id, self.person(conversation.customer))
        return tuple(words_of(row, conversation.customer) for row in rows)

    def flow(self, version: FlowHash) -> Procedure[PinnedFlow | None]:
        """A flow version, active or not."""
        if version in self.flows:
            return self.flows[version]
        rows = yield from ask(_FLOW, version)
        if not rows:
            return None
        pinned = pinned_flow(version, *rows[0])
        self.flows[version] = pinned
        return pinned


def pinned_flow(version: str, content: str, structure: str) -> PinnedFlow:
    return PinnedFlow(flow=_flows.decode(content), hash=FlowHash(version), structure=structure)


def lock_keys(read: Read) -> frozenset[str]:
    """What nobody else may decide about at the same time."""
    keys = []
    if read.address is not None:
        keys.append(address_lock(read.address))
    if read.conversation is not None:
        keys.append(f"conversation {read.conversation}")
    if read.case is not None:
        keys.append(case_lock(read.case))
    if read.interaction is not None:
        keys.append(interaction_lock(read.interaction))
    if read.reported is not None:
        keys.append(f"reported {read.reported[0]} {read.reported[1]}")
    if read.known_as is not None:
        keys.append(reference_lock(read.known_as))
    if read.due is not None:
        keys.append(due_lock(read.due))
    if read.neighbours_since is not None:
        keys.append(INCIDENTS_LOCK)
    return frozenset(keys)


def case_lock(case: CaseId) -> str:
    return f"case {case}"


def interaction_lock(interaction: InteractionId) -> str:
    return f"interaction {interaction}"


def due_lock(key: str) -> str:
    return f"due {key}"


def _interaction(read: Read) -> Procedure[Interaction | None]:
    """The dealing; from here on nobody else decides about it, by whatever it was named."""
    if read.interaction is not None:
        rows = yield from ask(_INTERACTION, read.interaction)
        return interaction_of(rows[0]) if rows else None
    if read.reported is None:
        return None
    rows = yield from ask(_REPORTED, *read.reported)
    if not rows:
        return None
    yield Hold(frozenset({interaction_lock(InteractionId(rows[0][0]))}))
    rows = yield from ask(_REPORTED, *read.reported)
    return interaction_of(rows[0])


def _of_thread(read: Read) -> Procedure[tuple[CaseId | None, IncidentId | None]]:
    """The case or the incident whose alert a thread stands under; from here on nobody else decides about the case."""
    if read.thread is None:
        return None, None
    rows = yield from ask(_THREAD, *read.thread)
    slot = str(rows[0][0]) if rows else ""
    if slot.startswith(INCIDENT_SLOT):
        return None, IncidentId(slot.removeprefix(INCIDENT_SLOT))
    if not slot:
        return None, None
    case = CaseId(slot.removeprefix(ALERT_SLOT))
    yield Hold(frozenset({case_lock(case)}))
    return case, None


def _home(
    conversation: ConversationId | None, case: CaseId | None, interaction: Interaction | None
) -> Procedure[Address | None]:
    """The customer's address where the caller could not know it; from here on nobody else decides there."""
    address = None
    if conversation is not None or case is not None:
        rows = yield from ask(_HOME, conversation, case)
        address = Address(channel=rows[0][0], key=rows[0][1]) if rows else None
    if address is None and interaction is not None:
        address = interaction.address
    if address is not None:
        yield Hold(frozenset({address_lock(address)}))
    return address


def _is_known_at(interaction: Interaction | None, read: Read) -> bool:
    """Whether where a dealing is known counts for more than the address that is read."""
    return read.keeps_address and interaction is not None and interaction.address.channel != ""


def _asked_case(channel: str | None, key: str | None) -> Procedure[Case | None]:
    rows = yield from ask(_ASKED, channel, key)
    return case_of(*rows[0]) if rows else None


def _neighbourhood(read: Read, case: CaseId | None) -> Procedure[tuple[tuple[Neighbour, ...], tuple[Incident, ...]]]:
    if read.neighbours_since is None:
        return (), ()
    since = to_micros(read.neighbours_since)
    rows = [] if case is None else (yield from ask(_NEIGHBOURS, case, since))
    found = [(case_of(*row[0:4]), conversation_of(*row[4:8])) for row in rows]
    incidents = yield from ask(_INCIDENTS, since)
    neighbours = (Neighbour(case=case, conversation=talk) for case, talk in found if case and talk)
    return tuple(neighbours), tuple(incident_of(row) for row in incidents)


def _waiting(case: Case | None) -> Procedure[dict[CaseState, int]]:
    if case is None or case.incident is None:
        return {}
    rows = yield from ask(_WAITING, case.incident, case.team)
    return {state: int(n) for state, n in rows}


def incident_of_case(case: Case) -> Procedure[Incident | None]:
    """What a case is folded into; asks nothing of a case that is folded into none."""
    return None if case.incident is None else (yield from incident_named(case.incident))


def _or_none(id: IncidentId | None) -> Procedure[Incident | None]:
    return None if id is None else (yield from incident_named(id))


def incident_named(id: IncidentId) -> Procedure[Incident | None]:
    rows = yield from ask(_INCIDENT, id)
    return incident_of(rows[0]) if rows else None


def conversation_of(state: str | None, channel: str, key: str, customer: str) -> Conversation | None:
    """The columns know best whose and where: a chat may have moved, a customer become another one, since then."""
    return None if state is None else _of(_conversations.decode(state), channel, key, customer)


def case_of(body: str | None, channel: str, key: str, customer: str) -> Case | None:
    return None if body is None else _of(_cases.decode(body), channel, key, customer)


def incident_of(row: Row) -> Incident:
    body, channel, key = row
    return msgspec.structs.replace(_incidents.decode(body), desk=Address(channel=channel, key=key))


def _of(thing: Any, channel: str, key: str, customer: str) -> Any:
    address = thing.address
    if address.key == key and address.channel == channel and thing.customer == customer:
        return thing
    moved = Address(channel=ChannelName(channel), key=key)
    return msgspec.structs.replace(thing, address=moved, customer=CustomerId(customer))


def words_of(row: Row, customer: CustomerId) -> Words:
    id, conversation, question, text, at, attachments, in_thread = row
    sent = None if attachments is None else _sent_along.decode(attachments)
    return Words(
        id=WordsId(id),
        customer=customer,
        conversation=ConversationId(conversation),
        question=question,
        text=text,
        at=from_micros(at),
        attachments=() if sent is None else sent.attachments,
        source=None if sent is None else sent.source,
        in_thread=bool(in_thread),
    )


def interaction_of(row: Row) -> Interaction:
    id, source, reference, flow, channel, key, closed_at, reported_at, attributes, dealing, revision = row
    return Interaction(
        id=InteractionId(id),
        source=source,
        reference=reference,
        flow=flow,
        address=Address(channel=channel, key=key),
        closed_at=from_micros(closed_at),
        reported_at=from_micros(reported_at),
        attributes=_attributes.decode(attributes),
        dealing=Dealing() if dealing is None else _dealings.decode(dealing),
        revision=revision or 0,
    )


def _due(row: Row | None = None) -> Due | None:
    return None if row is None else due_of(row)


def due_of(row: Row) -> Due:
    key, kind, ref, due_at = row
    return Due(key=key, kind=kind, ref=ref, due_at=from_micros(due_at))
