"""The rows of the ledger: how a decision is written, and how it is read and found again."""

from typing import cast

import msgspec

from bot.conversations.invitations import Occasion, Rule, TriggerKind, Verdict
from bot.ids import ConversationId, CustomerId, InteractionId
from bot.messages import Address, ChannelName
from bot.ports import Decision, DecisionStep
from bot.storage.codec import encode, from_micros, maybe_time, short_key, to_micros
from bot.storage.ops import Procedure, Row, Statement, ask, insert, query

#: How many of the decisions about somebody or something a step may look at.
NEWEST_DECISIONS = 20
#: Stands before the number of a row that an earlier release wrote without a key.
OLD = "old:"
#: What an earlier release called the trigger of everything that was reported.
REPORTED_BEFORE = "interaction"

_COLUMNS = (
    "trigger flow_id channel address_key customer interaction conversation verdict rule inputs at:bigint key steps "
    "source reference known_as repeats:bigint occasion triggered_at:bigint"
)
_RECORD = insert(
    "decision",
    _COLUMNS,
    key="key",
    conflict="DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in (part.partition(":")[0] for part in _COLUMNS.split())),
)
#: What ``decision_of`` reads.
COLUMNS = ", ".join(f"d.{part.partition(':')[0]}" for part in ("id", *_COLUMNS.split()))
#: The rows about whatever a name names, each by an index. Its parameters: about, about_channel, about_key.
ABOUT = """d.id IN (
      SELECT k.id FROM decision k WHERE k.known_as = :about
      UNION SELECT k.id FROM decision k WHERE k.reference = :about
      UNION SELECT k.id FROM decision k WHERE k.customer = :about
      UNION SELECT k.id FROM decision k WHERE k.interaction = :about
      UNION SELECT k.id FROM decision k WHERE k.address_key = :about
      UNION SELECT k.id FROM decision k WHERE k.channel = :about_channel AND k.address_key = :about_key
      UNION SELECT k.id FROM customer c JOIN decision k ON k.customer = c.id WHERE c.reference = :about
      UNION SELECT k.id FROM interaction i JOIN decision k ON k.interaction = i.id WHERE i.reference = :about
    )"""
ABOUT_PARAMETERS = "about about_channel about_key"

# What else was told of a dealing, and what its customer wanted by themselves, is no decision about an ending of it.
_ABOUT_ENDING = "k.key IS NOT NULL AND k.trigger <> 'event' AND substr(k.key, 1, 7) <> 'wanted:'"
#: The same, with what an earlier release decided about it: that it was told again was a decision of its own then.
_ABOUT_ANY_ENDING = (
    "k.trigger <> 'event' AND k.rule <> 'reported before' AND (k.key IS NULL OR substr(k.key, 1, 7) <> 'wanted:')"
)
#: An earlier release wrote "deferred" for good: what stands now has a row of its own.
STANDS = f"""(d.key IS NOT NULL OR d.verdict <> 'deferred' OR NOT EXISTS (
      SELECT 1 FROM decision k WHERE k.interaction = d.interaction AND {_ABOUT_ENDING}
    ))"""

_NEWEST_ABOUT = query(
    f"SELECT {COLUMNS} FROM decision d WHERE {ABOUT} AND {STANDS} ORDER BY d.id DESC LIMIT {NEWEST_DECISIONS}",
    ABOUT_PARAMETERS,
)
_OF_DEALING = query(
    f"""
    SELECT {COLUMNS} FROM decision d
    WHERE d.id = (
      SELECT k.id FROM decision k
      WHERE k.interaction = :interaction AND {_ABOUT_ANY_ENDING} ORDER BY k.id DESC LIMIT 1
    )
    """,
    "interaction",
)


class _Step(msgspec.Struct, frozen=True, kw_only=True):
    """A step as it is kept: a later release may know rules of which this one knows nothing."""

    verdict: str
    rule: str
    inputs: dict[str, str]
    at: int


_inputs = msgspec.json.Decoder(dict[str, str])
_steps = msgspec.json.Decoder(tuple[_Step, ...])
_occasions = msgspec.json.Decoder(Occasion)


def record(d: Decision) -> Statement:
    """The row of a trigger, in place of the one that is there."""
    about = (d.trigger, d.flow, d.address.channel, d.address.key, d.customer, d.interaction)
    decided = (d.conversation, d.verdict, d.rule, encode(d.inputs), to_micros(d.at))
    steps = [_Step(verdict=s.verdict, rule=s.rule, inputs=dict(s.inputs), at=to_micros(s.at)) for s in d.steps]
    known_as = None if d.known_as is None else short_key(d.known_as)
    told = (d.key, encode(steps) if steps else None, d.source, short_key(d.reference), known_as, d.repeats)
    occasion = None if d.occasion is None else encode(d.occasion)
    return Statement(_RECORD, (*about, *decided, *told, occasion, to_micros(d.triggered_at)))


def decision_of(row: Row) -> Decision:
    """From COLUMNS."""
    id, trigger, flow, channel, address_key, customer, interaction, conversation, verdict, rule, inputs, at = row[:12]
    key, steps, source, reference, known_as, repeats, occasion, triggered_at = row[12:]
    return Decision(
        key=f"{OLD}{id}" if key is None else key,
        trigger=_trigger(trigger),
        flow=flow,
        address=Address(channel=ChannelName(channel), key=address_key),
        customer=None if customer is None else CustomerId(customer),
        interaction=None if interaction is None else InteractionId(interaction),
        conversation=None if conversation is None else ConversationId(conversation),
        verdict=cast(Verdict, verdict),
        rule=cast(Rule, rule),
        inputs=_inputs.decode(inputs),
        at=from_micros(at),
        steps=() if steps is None else tuple(_step(step) for step in _steps.decode(steps)),
        source=source or "",
        reference=reference or "",
        known_as=known_as,
        repeats=repeats or 0,
        occasion=_occasion(occasion),
        triggered_at=maybe_time(triggered_at) or from_micros(at),
    )


def _step(step: _Step) -> DecisionStep:
    return DecisionStep(
        verdict=cast(Verdict, step.verdict), rule=cast(Rule, step.rule), inputs=step.inputs, at=from_micros(step.at)
    )


def _trigger(name: str) -> TriggerKind:
    """Whatever was reported was reported over the API when there was no other way."""
    return cast(TriggerKind, "api" if name == REPORTED_BEFORE else name)


def _occasion(text: str | None) -> Occasion | None:
    """None also for one that only a later release understands."""
    if text is None:
        return None
    try:
        return _occasions.decode(text)
    except msgspec.ValidationError:
        return None


def about_values(about: str) -> tuple[str, str | None, str | None]:
    """The values of ABOUT's parameters."""
    channel, colon, key = about.partition(":")
    return (short_key(about), channel, key) if colon else (short_key(about), None, None)


def newest_about(about: str) -> Procedure[tuple[Decision, ...]]:
    rows = yield from ask(_NEWEST_ABOUT, *about_values(about))
    return tuple(decision_of(row) for row in rows)


def of_dealing(interaction: InteractionId) -> Procedure[Decision | None]:
    """The newest about an ending of the dealing."""
    rows = yield from ask(_OF_DEALING, interaction)
    return decision_of(rows[0]) if rows else None
