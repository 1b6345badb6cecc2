"""What stands behind a deep link, a QR code or a survey link."""

import msgspec

from bot.ids import ConversationId
from bot.ports import Link
from bot.storage.codec import encode, from_micros, maybe_micros, maybe_time, to_micros
from bot.storage.engine import Engine
from bot.storage.ops import Job, Procedure, Row, Statement, ask, do, insert, query

_KEEP = insert(
    "link",
    "id flow_id known_as locale attributes made_at:bigint expires_at:bigint conversation",
    key="id",
    conflict="DO UPDATE SET flow_id = excluded.flow_id, known_as = excluded.known_as, locale = excluded.locale, "
    "attributes = excluded.attributes, made_at = excluded.made_at, expires_at = excluded.expires_at, "
    "conversation = excluded.conversation",
)
_FIND = query(
    "SELECT l.id, l.flow_id, l.known_as, l.locale, l.attributes, l.made_at, l.expires_at, l.conversation FROM link l "
    "WHERE l.id = :id",
    "id",
)

_attributes = msgspec.json.Decoder(dict[str, str])


class StoredLinks:
    """The Links port."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def keep(self, link: Link) -> None:
        await self._engine.write(Job(lambda: do([keep(link)]), frozenset({link_lock(link.id)})))

    async def find(self, id: str) -> Link | None:
        return await self._engine.read(lambda: link_named(id))


def link_lock(id: str) -> str:
    return f"link {id}"


def keep(link: Link) -> Statement:
    """The row of a link, in place of the one that is there."""
    about = (link.id, link.flow, link.customer, link.locale, encode(link.attributes))
    return Statement(_KEEP, (*about, to_micros(link.made_at), maybe_micros(link.expires_at), link.conversation))


def link_named(id: str) -> Procedure[Link | None]:
    rows = yield from ask(_FIND, id)
    return _link_of(rows[0]) if rows else None


def _link_of(row: Row) -> Link:
    id, flow, customer, locale, attributes, made_at, expires_at, conversation = row
    return Link(
        id=id,
        flow=flow,
        customer=customer,
        locale=locale,
        attributes=_attributes.decode(attributes),
        made_at=from_micros(made_at),
        expires_at=maybe_time(expires_at),
        conversation=None if conversation is None else ConversationId(conversation),
    )
