"""What each Write does to the tables: pure, one dialect-neutral form for both databases."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import assert_never

import msgspec

from bot.followup.cases import Case, awaits_recovery, is_silent
from bot.messages import Address, AlertOf, Attachment, ChannelName, IncidentOf, Outbound
from bot.ports import (
    CountScore,
    Customer,
    DropAnswer,
    DropDue,
    Due,
    JoinPanel,
    KeepAside,
    KeepLink,
    KeepReply,
    KeepWords,
    LeavePanel,
    LoseReply,
    MergeCustomers,
    MoveAddress,
    NoteCase,
    OptOut,
    PutDue,
    Queue,
    RecordDecision,
    RecordShown,
    RecordStaleTap,
    SaveAnswer,
    SaveCase,
    SaveConversation,
    SaveCustomer,
    SaveIncident,
    SaveInteraction,
    SetReachable,
    SettleDue,
    ShareValues,
    Words,
    Write,
)
from bot.storage.codec import encode, maybe_micros, short_key, to_micros
from bot.storage.decisions import record
from bot.storage.links import keep
from bot.storage.merging import merge
from bot.storage.ops import Statement, add_up, delete, insert, set_all, update
from bot.storage.panel import join, leave


class SentAlong(msgspec.Struct, frozen=True, kw_only=True):
    """What came with a customer's words, by the reference of the channel that brought it."""

    source: ChannelName
    attachments: tuple[Attachment, ...]


#: Count rows hold this many microseconds: 15 minutes, so that local days sum right in every time zone.
BUCKET = 15 * 60 * 1_000_000
#: The score of a skipped rating in count rows; no scale goes below 0.
SKIPPED = -1
#: Where a case has no score: in the column only, the body tells it as it is.
NO_SCORE = -1
#: Dedupe keys are good for a week: a service's ids may restart lower after that.
SEEN_FOR = 7 * 24 * 3600 * 1_000_000

#: Names what is kept of a person: a keyed hash of the customer's id.
Person = Callable[[str], str]

REMEMBER = insert(
    "seen_event",
    "key at:bigint",
    rank=1,
    key="key",
    conflict=f"DO UPDATE SET at = excluded.at WHERE seen_event.at < excluded.at - {SEEN_FOR}",
)
_NEW_CONVERSATION = insert(
    "conversation",
    "id flow flow_id customer channel address_key status turn:bigint interaction state started_at:bigint "
    "touched_at:bigint",
    rank=1,
    key="id",
    conflict="DO NOTHING",
)
# Whose it is and what it is about stay as they are: a customer may have become another one meanwhile.
_CHANGE_CONVERSATION = update(
    "conversation",
    "id flow flow_id channel address_key status turn:bigint state touched_at:bigint was:bigint",
    rank=0,
    key="id",
    change="flow = :flow, flow_id = :flow_id, channel = :channel, address_key = :address_key, "
    "status = :status, turn = :turn, state = :state, touched_at = :touched_at",
    where="t.id = :id AND t.turn = :was",
)
# What lists and figures ask for, and what the alert's address and score are found by; the body holds all of it.
_CASE = (
    "channel address_key score:bigint state revision:bigint body owner_name language priority team cause why "
    "first_word_at:bigint first_resolved_at:bigint closed_at:bigint incident spoke_at:bigint fixed_asked_at:bigint"
)
_NEW_CASE = insert(
    "followup_case",
    f"id conversation customer flow_id opened_at:bigint {_CASE}",
    rank=1,
    key="id",
    conflict="DO NOTHING",
)
_CHANGE_CASE = update(
    "followup_case",
    f"id {_CASE} was:bigint",
    rank=0,
    key="id",
    change=set_all(_CASE),
    where="t.id = :id AND t.revision = :was",
)
_INCIDENT = "channel address_key cases:bigint last_at:bigint revision:bigint body"
_NEW_INCIDENT = insert(
    "incident",
    f"id dimension value opened_at:bigint {_INCIDENT}",
    rank=1,
    key="id",
    conflict="DO NOTHING",
)
_CHANGE_INCIDENT = update(
    "incident",
    f"id {_INCIDENT} was:bigint",
    rank=0,
    key="id",
    change=set_all(_INCIDENT),
    where="t.id = :id AND t.revision = :was",
)
_SHARE = insert(
    "shared_value", "case_id dimension value opened_at:bigint", key="case_id dimension value", conflict="DO NOTHING"
)
_SHARE_NO_MORE = delete("shared_value", "case_id", key="case_id", where="t.case_id = :case_id")
_SETTLE_DUE = delete("due", "key due_at:bigint", rank=0, key="key", where="t.key = :key AND t.due_at = :due_at")
_DROP_DUE = delete("due", "key", key="key", where="t.key = :key")
_PUT_DUE = insert(
    "due",
    "key kind ref due_at:bigint",
    key="key",
    conflict="DO UPDATE SET kind = excluded.kind, ref = excluded.ref, due_at = excluded.due_at",
)
# Two steps at two addresses of one customer may write at once: a reference stays, a proven one whatever is claimed, and
# only an opt-out opts out or in.
_STAYS = (
    "excluded.reference IS NULL OR (coalesce(excluded.reference_claimed, false) "
    "AND customer.reference IS NOT NULL AND NOT coalesce(customer.reference_claimed, false))"
)
_CUSTOMER = insert(
    "customer",
    "id person locale locale_source locale_sureness:bigint time_zone time_zone_source reference "
    "reference_claimed:boolean opted_out_at:bigint created_at:bigint updated_at:bigint",
    rank=3,
    key="id",
    conflict="DO UPDATE SET locale = excluded.locale, locale_source = excluded.locale_source, "
    "locale_sureness = excluded.locale_sureness, "
    "time_zone = excluded.time_zone, time_zone_source = excluded.time_zone_source, "
    f"reference = CASE WHEN {_STAYS} THEN customer.reference ELSE excluded.reference END, reference_claimed = "
    f"CASE WHEN {_STAYS} THEN customer.reference_claimed ELSE excluded.reference_claimed END, "
    "updated_at = excluded.updated_at",
)
#: An address never changes hands here: whoever read it as free or as another's decides again.
_ADDRESS = insert(
    "address",
    "channel key customer reachable:boolean at:bigint",
    rank=3,
    key="channel key",
    conflict="DO UPDATE SET reachable = excluded.reachable WHERE address.customer = excluded.customer",
)
_NAME = insert("name", "person text", rank=4, key="person", conflict="DO UPDATE SET text = excluded.text")
_FORGET_NAME = delete("name", "person", key="person", where="t.person = :person")
# Who opted out at two addresses at once is told so once, and an opt-out is never lost to a merging of customers.
_OPT_OUT = update(
    "customer",
    "id at:bigint",
    rank=4,
    key="id",
    change="opted_out_at = :at",
    where="t.id = :id AND (t.opted_out_at IS NULL) = (:at IS NOT NULL)",
)
_REACHABLE = update(
    "address",
    "channel key reachable:boolean",
    rank=4,
    key="channel key",
    change="reachable = :reachable",
    where="t.channel = :channel AND t.key = :key",
)
_ANSWER = insert(
    "answer",
    "conversation question flow_id structure customer at:bigint score:bigint options words skipped:boolean",
    key="conversation question",
    conflict="DO UPDATE SET flow_id = excluded.flow_id, structure = excluded.structure, "
    "customer = excluded.customer, at = excluded.at, score = excluded.score, options = excluded.options, "
    "words = excluded.words, skipped = excluded.skipped",
)
_DROP_ANSWER = delete(
    "answer",
    "conversation question",
    key="conversation question",
    where="t.conversation = :conversation AND t.question = :question",
)
_WORDS = insert("words", "id person conversation question text at:bigint attachments in_thread:boolean")
_REPLY = insert("reply", "id case_id person author text at:bigint lost:boolean")
_LOSE_REPLY = update("reply", "id", key="id", change="lost = true", where="t.id = :id")
_COUNT = add_up(
    "score_count",
    "dimension bucket_at:bigint structure question value score:bigint flow_id scale n:bigint",
    key="dimension bucket_at structure question value score",
    column="n",
)
_QUEUED = (
    "lane channel address_key kind slot content thread state due_at:bigint attempts:bigint maybe_delivered:boolean "
    "queued_at:bigint"
)
_QUEUE = insert("outbox", _QUEUED, rank=7)
# An alert, of a case or an incident, is drawn when it is sent: while one that nobody sends yet waits for its turn,
# another would show the same.
_QUEUE_ALERT_EDIT = insert(
    "outbox",
    _QUEUED,
    rank=7,
    key="lane slot",
    unless="SELECT 1 FROM outbox o WHERE o.lane = :lane AND o.slot = :slot AND o.state = 'queued' "
    "AND o.leased_until IS NULL",
)
_NOTE = insert("case_note", "case_id what who detail at:bigint")
_DEALING = "flow_id channel address_key closed_at:bigint reported_at:bigint attributes dealing revision:bigint"
_NEW_INTERACTION = insert(
    "interaction",
    f"id source reference {_DEALING}",
    rank=1,
    key="source reference",
    conflict="DO NOTHING",
)
_CHANGE_INTERACTION = update(
    "interaction",
    f"id {_DEALING} was:bigint",
    rank=0,
    key="id",
    change=set_all(_DEALING),
    where="t.id = :id AND coalesce(t.revision, 0) = :was",
)
_SHOWN = insert("shown", "customer flow_id is_nps:boolean at:bigint")
_STALE_TAP = insert("stale_tap", "conversation turn:bigint value at:bigint")
_ASIDE = insert("aside", "channel why body:bytea at:bigint")

_FROM_TO = "from_channel from_key channel key"


def _moving(column: str) -> tuple[str, str]:
    """The new key, and which rows move: those of the address, and of every person in a room of that key."""
    moved = f":key || substr(t.{column}, length(:from_key) + 1)"
    inside = f"substr(t.{column}, 1, length(:from_key) + 1) = :from_key || '/'"
    return moved, f"t.channel = :from_channel AND (t.{column} = :from_key OR {inside})"


_MOVED_KEY, _MOVING_ADDRESS = _moving("key")
_MOVED_ADDRESS_KEY, _MOVING_ROWS = _moving("address_key")
_MOVE_ADDRESS = update(
    "address",
    _FROM_TO,
    key="from_channel from_key",
    change=f"channel = :channel, key = {_MOVED_KEY}",
    where=f"{_MOVING_ADDRESS} AND NOT EXISTS "
    f"(SELECT 1 FROM address o WHERE o.channel = :channel AND o.key = {_MOVED_KEY})",
)
# The lane of an address (prompts.lane_of) moves too: what is queued from now on must come after what waits.
_MOVED_LANE = (
    f"CASE WHEN t.lane = :from_channel || ':' || t.address_key THEN :channel || ':' || {_MOVED_ADDRESS_KEY} "
    "ELSE t.lane END"
)
_MOVES = tuple(
    update(
        table,
        _FROM_TO,
        key="from_channel from_key",
        rank=8,
        change=f"channel = :channel, address_key = {_MOVED_ADDRESS_KEY}{also}",
        where=f"{_MOVING_ROWS}{more}",
    )
    for table, also, more in (
        ("conversation", "", ""),
        ("outbox", f", lane = {_MOVED_LANE}", " AND t.state = 'queued'"),
        ("followup_case", "", ""),
        ("interaction", "", ""),
        ("panel_member", "", ""),
        ("incident", "", ""),
    )
)


def remember(event: str, now: datetime) -> Statement:
    return Statement(REMEMBER, (short_key(event), to_micros(now)), must_change=True)


def statements(write: Write, person: Person) -> Iterable[Statement]:
    """The rows that a Write changes, in order."""
    match write:
        case SaveConversation():
            yield _conversation(write)
        case SaveAnswer():
            yield _answer(write)
        case DropAnswer():
            yield Statement(_DROP_ANSWER, (write.conversation, write.question))
        case CountScore():
            yield from _counts(write)
        case Queue(outbound=outbound, at=at):
            yield _queued(outbound, at)
        case SaveCustomer(customer=customer, address=address, at=at):
            yield from _customer(customer, address, to_micros(at), person)
        case KeepWords(words=w):
            said = (w.id, person(w.customer), w.conversation, w.question, w.text, to_micros(w.at))
            yield Statement(_WORDS, (*said, _sent_along(w), w.in_thread))
        case KeepReply(reply=r):
            kept = (r.id, r.case, person(r.customer), r.author, r.text, to_micros(r.at), r.lost)
            yield Statement(_REPLY, kept)
        case LoseReply(reply=lost):
            yield Statement(_LOSE_REPLY, (lost,))
        case PutDue(due=due):
            yield put_due(due)
        case DropDue(key=key):
            yield Statement(_DROP_DUE, (key,))
        case SettleDue(due=due):
            yield Statement(_SETTLE_DUE, (due.key, to_micros(due.due_at)), must_change=True)
        case SaveCase():
            yield _case(write)
        case SaveIncident():
            yield _incident(write)
        case ShareValues():
            yield from _shared(write)
        case NoteCase(note=note):
            yield Statement(_NOTE, (note.case, note.what, note.who, note.detail, to_micros(note.at)))
        case SaveInteraction():
            yield _interaction(write)
        case MergeCustomers(gone=gone, kept=kept, at=at):
            yield from merge(gone, kept, to_micros(at), person)
        case KeepLink(link=link):
            yield keep(link)
        case RecordDecision(decision=decision):
            yield record(decision)
        case RecordShown(customer=shown_to, shown=shown):
            yield Statement(_SHOWN, (shown_to, shown.flow, shown.is_nps, to_micros(shown.at)))
        case OptOut(customer=who, at=opted_out_at):
            yield Statement(_OPT_OUT, (who, maybe_micros(opted_out_at)), must_change=True)
        case JoinPanel():
            yield from join(write)
        case LeavePanel():
            yield from leave(write)
        case SetReachable(address=address, reachable=reachable):
            yield Statement(_REACHABLE, (address.channel, address.key, reachable))
        case MoveAddress(address=old, to=new):
            values = (old.channel, old.key, new.channel, new.key)
            yield Statement(_MOVE_ADDRESS, values)
            yield from (Statement(move, values) for move in _MOVES)
        case RecordStaleTap():
            yield Statement(_STALE_TAP, (write.conversation, write.turn, write.value, to_micros(write.at)))
        case KeepAside():
            yield Statement(_ASIDE, (write.channel, write.why, write.body, to_micros(write.at)))
        case _:
            assert_never(write)


def put_due(due: Due) -> Statement:
    return Statement(_PUT_DUE, (due.key, due.kind, due.ref, to_micros(due.due_at)))


def wakes(writes: Iterable[Write]) -> frozenset[str]:
    """Which loops have something to do once these are committed."""
    woken = set()
    for write in writes:
        if isinstance(write, Queue):
            woken.add("outbox")
        elif isinstance(write, PutDue):
            woken.add("dues")
    return frozenset(woken)


def _conversation(write: SaveConversation) -> Statement:
    c = write.conversation
    version, home = (c.id, c.flow, write.flow_id), (c.address.channel, c.address.key)
    touched = to_micros(c.touched_at)
    if write.was_turn is None:
        new = (*version, c.customer, *home, c.status, c.turn, c.interaction, encode(c))
        return Statement(_NEW_CONVERSATION, (*new, to_micros(c.started_at), touched), must_change=True)
    row = (*version, *home, c.status, c.turn, encode(c), touched, write.was_turn)
    return Statement(_CHANGE_CONVERSATION, row, must_change=True)


def _case(write: SaveCase) -> Statement:
    c = write.case
    if write.was_revision is None:
        new = (c.id, c.conversation, c.customer, c.flow, to_micros(c.opened_at))
        return Statement(_NEW_CASE, (*new, *_of_case(c)), must_change=True)
    return change_case(c, write.was_revision)


def change_case(case: Case, was: int) -> Statement:
    """The row of a case that has this revision now."""
    return Statement(_CHANGE_CASE, (case.id, *_of_case(case), was), must_change=True)


def _of_case(c: Case) -> tuple[object, ...]:
    head = (c.address.channel, c.address.key, NO_SCORE if c.score is None else c.score, c.state, c.revision, encode(c))
    owner = None if c.owner_name is None else c.owner_name.casefold()
    asked_for = (owner, c.locale, c.priority, c.team, c.cause, c.why)
    times = (maybe_micros(c.first_word_at), maybe_micros(c.first_resolved_at), maybe_micros(c.closed_at))
    asked = c.state == "recovered" or awaits_recovery(c)
    found_by = (None if is_silent(c) else to_micros(c.spoke_at), maybe_micros(c.asked_at) if asked else None)
    return (*head, *asked_for, *times, c.incident, *found_by)


def _incident(write: SaveIncident) -> Statement:
    i = write.incident
    now = (i.desk.channel, i.desk.key, i.cases, to_micros(i.last_at), i.revision, encode(i))
    if write.was_revision is None:
        new = (i.id, i.dimension, i.value, to_micros(i.opened_at))
        return Statement(_NEW_INCIDENT, (*new, *now), must_change=True)
    return Statement(_CHANGE_INCIDENT, (i.id, *now, write.was_revision), must_change=True)


def _shared(write: ShareValues) -> Iterable[Statement]:
    if not write.values:
        yield Statement(_SHARE_NO_MORE, (write.case,))
    opened_at = to_micros(write.opened_at)
    for dimension, value in write.values:
        yield Statement(_SHARE, (write.case, dimension, short_key(value), opened_at))


def _sent_along(words: Words) -> str | None:
    return encode(SentAlong(source=words.source, attachments=words.attachments)) if words.source else None


def _answer(write: SaveAnswer) -> Statement:
    options = encode(write.options) if write.options else None
    key = (write.conversation, write.question, write.flow_id, write.structure, write.customer, to_micros(write.at))
    return Statement(_ANSWER, (*key, write.score, options, write.words, write.skipped))


def _counts(write: CountScore) -> Iterable[Statement]:
    at = to_micros(write.at)
    bucket = at - at % BUCKET
    score = SKIPPED if write.score is None else write.score
    for dimension, value in write.dimensions.items():
        key = (dimension, bucket, write.structure, write.question, value, score)
        yield Statement(_COUNT, (*key, write.flow_id, write.scale, write.n))


def _queued(outbound: Outbound, at: datetime) -> Statement:
    to, now = outbound.to, to_micros(at)
    head = (outbound.lane, to.channel, to.key, outbound.kind, outbound.slot, encode(outbound.content))
    redraws = outbound.kind == "edit" and isinstance(outbound.content, AlertOf | IncidentOf)
    return Statement(_QUEUE_ALERT_EDIT if redraws else _QUEUE, (*head, outbound.thread, "queued", now, 0, False, now))


def _customer(customer: Customer, address: Address, at: int, person: Person) -> Iterable[Statement]:
    kept_as = person(customer.id)
    known = (
        *(customer.locale, customer.locale_source, customer.locale_sureness),
        *(customer.time_zone, customer.time_zone_source),
    )
    about = (*known, customer.reference, customer.reference_claimed, maybe_micros(customer.opted_out_at))
    yield Statement(_CUSTOMER, (customer.id, kept_as, *about, at, at))
    yield Statement(_ADDRESS, (address.channel, address.key, customer.id, customer.reachable, at), must_change=True)
    if customer.name is None:
        yield Statement(_FORGET_NAME, (kept_as,))
    else:
        yield Statement(_NAME, (kept_as, customer.name))


def _interaction(write: SaveInteraction) -> Statement:
    i = write.interaction
    times = (to_micros(i.closed_at), to_micros(i.reported_at))
    now = (i.flow, i.address.channel, i.address.key, *times, encode(i.attributes), encode(i.dealing), i.revision)
    if write.was_revision is None:
        return Statement(_NEW_INTERACTION, (i.id, i.source, i.reference, *now), must_change=True)
    return Statement(_CHANGE_INTERACTION, (i.id, *now, write.was_revision), must_change=True)
