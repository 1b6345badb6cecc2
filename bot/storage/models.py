"""The tables. Statements of our own read and write them (rows.py, facts.py); migrations are made from here.

Times are microseconds since 1970 UTC. There are no foreign keys: Tortoise gives them no index, and a rebuilt parent
table on SQLite would cascade into its children.
"""

from tortoise import fields
from tortoise.indexes import Index, PartialIndex
from tortoise.models import Model

from bot.storage.fields import Key


class Customer(Model):
    id = Key(primary_key=True)
    # a keyed hash of the id, under which names and words are kept
    person = Key()
    locale = Key(null=True)
    time_zone = Key(null=True)
    # how they are known; null where an earlier release wrote the row
    locale_source = Key(null=True)
    # how sure the guess is, in per cent, where they were heard writing it
    locale_sureness = fields.BigIntField(null=True)
    time_zone_source = Key(null=True)
    reference = Key(null=True)
    # nobody proved it; null: somebody did, as in earlier releases
    reference_claimed = fields.BooleanField(null=True)
    opted_out_at = fields.BigIntField(null=True)
    # since when they are on the advisory panel
    panel_since = fields.BigIntField(null=True)
    created_at = fields.BigIntField()
    updated_at = fields.BigIntField()

    class Meta:
        table = "customer"
        # Not unique: earlier releases made a customer of each address that one reference was reported for.
        indexes = (Index(fields=("reference",), name="customer_of_reference"),)


class Address(Model):
    id = fields.BigIntField(primary_key=True)
    channel = Key()
    key = Key()
    customer = Key(db_index=True)
    reachable = fields.BooleanField()
    at = fields.BigIntField()

    class Meta:
        table = "address"
        unique_together = (("channel", "key"),)


class Name(Model):
    person = Key(primary_key=True)
    text = fields.TextField()

    class Meta:
        table = "name"


class Words(Model):
    id = Key(primary_key=True)
    person = Key(db_index=True)
    conversation = Key(null=True, db_index=True)
    question = Key(null=True)
    text = fields.TextField()
    at = fields.BigIntField()
    # JSON: what came with them, and over which channel
    attachments = fields.TextField(null=True)
    # they stand in a thread of the agents'; null: no, as in earlier releases
    in_thread = fields.BooleanField(null=True)

    class Meta:
        table = "words"


class Reply(Model):
    # the slot of the message
    id = Key(primary_key=True)
    case_id = Key(db_index=True)
    person = Key(db_index=True)
    author = Key()
    text = fields.TextField()
    at = fields.BigIntField()
    lost = fields.BooleanField()

    class Meta:
        table = "reply"


class Conversation(Model):
    id = Key(primary_key=True)
    flow = Key()
    flow_id = Key()
    customer = Key(db_index=True)
    channel = Key()
    address_key = Key()
    status = Key()
    turn = fields.BigIntField()
    interaction = Key(null=True)
    state = fields.TextField()
    started_at = fields.BigIntField()
    touched_at = fields.BigIntField()

    class Meta:
        table = "conversation"
        indexes = (Index(fields=("channel", "address_key", "started_at"), name="conversation_of_address"),)


class Answer(Model):
    id = fields.BigIntField(primary_key=True)
    conversation = Key()
    question = Key()
    flow_id = Key()
    structure = Key()
    customer = Key(db_index=True)
    at = fields.BigIntField()
    score = fields.BigIntField(null=True)
    # option ids as JSON, or null
    options = fields.TextField(null=True)
    words = Key(null=True)
    skipped = fields.BooleanField()

    class Meta:
        table = "answer"
        unique_together = (("conversation", "question"),)
        indexes = (Index(fields=("flow_id", "at"), name="answer_of_flow"),)


class ScoreCount(Model):
    id = fields.BigIntField(primary_key=True)
    dimension = Key()
    # the start of its 15 minutes
    bucket_at = fields.BigIntField()
    structure = Key()
    question = Key()
    value = Key()
    # -1 for a skipped rating: a null would make no two keys equal
    score = fields.BigIntField()
    flow_id = Key()
    scale = Key()
    n = fields.BigIntField()

    class Meta:
        table = "score_count"
        # In this order a report reads one dimension's stretch of time and nothing else.
        unique_together = (("dimension", "bucket_at", "structure", "question", "value", "score"),)


class Outbox(Model):
    id = fields.BigIntField(primary_key=True)
    lane = Key()
    channel = Key()
    address_key = Key()
    kind = Key()
    slot = Key()
    content = fields.TextField()
    # the slot of the message in whose thread it stands
    thread = Key(null=True)
    # queued, sent or given up
    state = Key()
    due_at = fields.BigIntField()
    attempts = fields.BigIntField()
    leased_until = fields.BigIntField(null=True)
    maybe_delivered = fields.BooleanField()
    error = fields.TextField(null=True)
    queued_at = fields.BigIntField()
    settled_at = fields.BigIntField(null=True)

    class Meta:
        table = "outbox"
        indexes = (
            PartialIndex(fields=("lane", "id"), name="outbox_lane", condition={"state": "queued"}),
            PartialIndex(fields=("due_at", "id"), name="outbox_due", condition={"state": "queued"}),
            PartialIndex(fields=("id", "channel"), name="outbox_queued", condition={"state": "queued"}),
            PartialIndex(fields=("settled_at",), name="outbox_sent", condition={"state": "sent"}),
            PartialIndex(fields=("id",), name="outbox_given_up", condition={"state": "given up"}),
        )


class RemoteMessage(Model):
    slot = Key(primary_key=True)
    channel = Key()
    address_key = Key()
    remote = Key()
    at = fields.BigIntField()

    class Meta:
        table = "remote_message"
        indexes = (Index(fields=("channel", "remote"), name="message_of_remote"),)


class Due(Model):
    key = Key(primary_key=True)
    kind = Key()
    ref = Key()
    due_at = fields.BigIntField(db_index=True)

    class Meta:
        table = "due"


class FollowupCase(Model):
    id = Key(primary_key=True)
    conversation = Key(unique=True)
    customer = Key(db_index=True)
    channel = Key()
    address_key = Key()
    flow_id = Key()
    # NO_SCORE where none was given: SQLite lets no column be null that was not, without making the table anew
    score = fields.BigIntField()
    state = Key()
    revision = fields.BigIntField()
    opened_at = fields.BigIntField()
    body = fields.TextField()
    # What lists and figures ask for, beside the body. Null where a release wrote the row that had no such columns; the
    # language is never null otherwise, and so tells which rows are still to be filled in.
    # in the form that names are compared in; null: nobody has it
    owner_name = Key(null=True)
    language = Key(null=True)
    priority = Key(null=True)
    team = Key(null=True)
    cause = Key(null=True)
    # why it opened; null where a release wrote the row that knew of one reason only: a score
    why = Key(null=True)
    first_word_at = fields.BigIntField(null=True)
    first_resolved_at = fields.BigIntField(null=True)
    closed_at = fields.BigIntField(null=True)
    incident = Key(null=True)
    # when somebody last spoke to the customer about it; null: it does not listen
    spoke_at = fields.BigIntField(null=True)
    # when the customer was asked whether it is fixed, until they say "not yet"
    fixed_asked_at = fields.BigIntField(null=True)

    class Meta:
        table = "followup_case"
        indexes = (
            Index(fields=("channel", "address_key"), name="case_of_address"),
            Index(fields=("state", "opened_at"), name="case_by_state"),
            Index(fields=("opened_at", "id"), name="case_by_time"),
            Index(fields=("language", "opened_at"), name="case_by_language"),
            Index(fields=("owner_name", "opened_at"), name="case_by_owner"),
            Index(fields=("incident", "opened_at"), name="case_of_incident"),
        )


class Incident(Model):
    id = Key(primary_key=True)
    dimension = Key()
    value = Key()
    # the desk that it is told to
    channel = Key()
    address_key = Key()
    cases = fields.BigIntField()
    opened_at = fields.BigIntField()
    # an incident is live for a while after its last case
    last_at = fields.BigIntField(db_index=True)
    revision = fields.BigIntField()
    body = fields.TextField()

    class Meta:
        table = "incident"


# What a case that is folded into no incident may have in common with others.
class SharedValue(Model):
    id = fields.BigIntField(primary_key=True)
    case_id = Key()
    dimension = Key()
    value = Key()
    opened_at = fields.BigIntField()

    class Meta:
        table = "shared_value"
        unique_together = (("case_id", "dimension", "value"),)
        indexes = (Index(fields=("dimension", "value", "opened_at"), name="shared_by_cases"),)


class CaseNote(Model):
    id = fields.BigIntField(primary_key=True)
    case_id = Key(db_index=True)
    what = Key()
    who = Key(null=True)
    detail = fields.TextField()
    at = fields.BigIntField()

    class Meta:
        table = "case_note"


class Interaction(Model):
    id = Key(primary_key=True)
    source = Key()
    reference = Key()
    flow_id = Key()
    channel = Key()
    address_key = Key()
    closed_at = fields.BigIntField()
    reported_at = fields.BigIntField()
    # JSON
    attributes = fields.TextField()
    # JSON, and what a write compares against; null: nothing yet, as in earlier releases
    dealing = fields.TextField(null=True)
    revision = fields.BigIntField(null=True)

    class Meta:
        table = "interaction"
        unique_together = (("source", "reference"),)
        indexes = (
            Index(fields=("channel", "address_key"), name="interaction_of_address"),
            Index(fields=("reference",), name="interaction_of_reference"),
        )


class Decision(Model):
    id = fields.BigIntField(primary_key=True)
    trigger = Key()
    flow_id = Key()
    channel = Key()
    address_key = Key()
    customer = Key(null=True, db_index=True)
    interaction = Key(null=True)
    # what was begun, where it was
    conversation = Key(null=True)
    verdict = Key()
    rule = Key()
    # JSON
    inputs = fields.TextField()
    at = fields.BigIntField(db_index=True)
    # Null in what follows: an earlier release wrote the row, one for each verdict.
    key = Key(null=True, unique=True)
    # JSON: what was decided before, oldest first
    steps = fields.TextField(null=True)
    source = Key(null=True)
    reference = Key(null=True)
    known_as = Key(null=True)
    repeats = fields.BigIntField(null=True)
    # JSON; null also where there was nothing to decide
    occasion = fields.TextField(null=True)
    triggered_at = fields.BigIntField(null=True)

    class Meta:
        table = "decision"
        indexes = (
            Index(fields=("channel", "address_key"), name="decision_of_address"),
            Index(fields=("interaction",), name="decision_of_interaction"),
            Index(fields=("reference",), name="decision_of_reference"),
            Index(fields=("known_as",), name="decision_of_known"),
            Index(fields=("address_key",), name="decision_of_key"),
            Index(fields=("triggered_at", "id"), name="decision_by_trigger"),
            PartialIndex(fields=("at",), name="decision_of_event", condition={"trigger": "event"}),
        )


class Link(Model):
    id = Key(primary_key=True)
    flow_id = Key()
    # the reference of the customer whom it was given to
    known_as = Key(null=True)
    locale = Key(null=True)
    # JSON
    attributes = fields.TextField()
    made_at = fields.BigIntField()
    expires_at = fields.BigIntField(null=True, db_index=True)
    conversation = Key(null=True)

    class Meta:
        table = "link"


class PanelMember(Model):
    id = Key(primary_key=True)
    customer = Key(db_index=True)
    channel = Key()
    address_key = Key()
    # to what they said yes
    flow_id = Key()
    version = Key()
    question = Key()
    locale = Key()
    joined_at = fields.BigIntField()
    left_at = fields.BigIntField(null=True)
    left_by = Key(null=True)

    class Meta:
        table = "panel_member"


class Shown(Model):
    id = fields.BigIntField(primary_key=True)
    customer = Key()
    flow_id = Key()
    is_nps = fields.BooleanField()
    at = fields.BigIntField()

    class Meta:
        table = "shown"
        indexes = (Index(fields=("customer", "at"), name="shown_to_customer"),)


class SeenEvent(Model):
    key = Key(primary_key=True)
    at = fields.BigIntField(db_index=True)

    class Meta:
        table = "seen_event"


class StaleTap(Model):
    id = fields.BigIntField(primary_key=True)
    conversation = Key()
    turn = fields.BigIntField()
    value = Key()
    at = fields.BigIntField()

    class Meta:
        table = "stale_tap"


class Aside(Model):
    id = fields.BigIntField(primary_key=True)
    channel = Key()
    why = fields.TextField()
    body = fields.BinaryField()
    at = fields.BigIntField()

    class Meta:
        table = "aside"


class FlowVersion(Model):
    hash = Key(primary_key=True)
    flow_id = Key()
    structure = Key(db_index=True)
    content = fields.TextField()
    at = fields.BigIntField()

    class Meta:
        table = "flow_version"


class ActiveFlow(Model):
    position = fields.BigIntField(primary_key=True)
    hash = Key()
    at = fields.BigIntField()

    class Meta:
        table = "active_flow"


class ChatLine(Model):
    id = fields.BigIntField(primary_key=True)
    channel = Key()
    session = Key()
    author = Key()
    slot = Key()
    content = fields.TextField()
    at = fields.BigIntField()

    class Meta:
        table = "chat_line"
        indexes = (Index(fields=("channel", "session", "id"), name="chat_line_of_session"),)


class Keyring(Model):
    id = fields.BigIntField(primary_key=True)
    secret = Key()
    at = fields.BigIntField()

    class Meta:
        table = "keyring"


# What the operators were told last about something, so that several processes tell it once.
class Notice(Model):
    topic = Key(primary_key=True)
    # of the message that tells it
    slot = Key()
    state = Key()
    # of what it is about
    digest = Key()
    at = fields.BigIntField()

    class Meta:
        table = "notice"
