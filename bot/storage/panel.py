"""The advisory panel: who said yes, to what and when, and who left."""

from collections.abc import Iterable, Sequence

from bot.ids import CustomerId, FlowHash
from bot.messages import Address, ChannelName
from bot.ports import Customer, JoinPanel, LeavePanel, ListedMember, PanelMember
from bot.storage.codec import from_micros, maybe_time, to_micros
from bot.storage.engine import Engine
from bot.storage.identity import customer_of
from bot.storage.ops import Procedure, Row, Statement, ask, insert, query, update

_JOIN = insert(
    "panel_member",
    "id customer channel address_key flow_id version question locale joined_at:bigint",
    key="id",
    conflict="DO NOTHING",
)
_JOINED = update(
    "customer",
    "id at:bigint",
    rank=4,
    key="id",
    change="panel_since = coalesce(t.panel_since, :at)",
    where="t.id = :id",
)
_LEAVE = update(
    "panel_member",
    "customer by at:bigint",
    key="customer",
    change="left_at = :at, left_by = :by",
    where="t.customer = :customer AND t.left_at IS NULL",
)
_LEFT = update("customer", "id", rank=4, key="id", change="panel_since = NULL", where="t.id = :id")
_COLUMNS = """
    m.id, m.customer, m.channel, m.address_key, m.flow_id, m.version, m.question, m.locale, m.joined_at, m.left_at,
    m.left_by, c.id, n.text, c.locale, c.locale_source, c.locale_sureness, c.time_zone, c.time_zone_source,
    c.reference, c.reference_claimed, c.opted_out_at, c.panel_since, a.reachable
    FROM panel_member m
    JOIN customer c ON c.id = m.customer
    LEFT JOIN name n ON n.person = c.person
    LEFT JOIN address a ON a.channel = m.channel AND a.key = m.address_key
"""
# Two customers who joined and turned out to be one have two rows: the earlier one counts.
_MEMBERS = query(
    f"""
    SELECT {_COLUMNS}
    WHERE m.left_at IS NULL AND NOT EXISTS (
      SELECT 1 FROM panel_member o WHERE o.customer = m.customer AND o.left_at IS NULL
        AND (o.joined_at < m.joined_at OR (o.joined_at = m.joined_at AND o.id < m.id)))
    ORDER BY m.joined_at, m.id
    """
)
_GONE = query(f"SELECT {_COLUMNS} WHERE m.left_at IS NOT NULL ORDER BY m.joined_at, m.id")


class StoredPanel:
    """The Panel port."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def members(self, *, left: bool = False) -> Sequence[ListedMember]:
        return await self._engine.read(lambda: _members(left=left), long=True)


def _members(*, left: bool) -> Procedure[list[ListedMember]]:
    rows = yield from ask(_GONE if left else _MEMBERS)
    return [_listed(row) for row in rows]


def _listed(row: Row) -> ListedMember:
    id, customer, channel, key, flow, version, question, locale, joined_at, left_at, left_by = row[:11]
    member = PanelMember(
        id=id,
        customer=CustomerId(customer),
        address=Address(channel=ChannelName(channel), key=key),
        flow=flow,
        version=FlowHash(version),
        question=question,
        locale=locale,
        joined_at=from_micros(joined_at),
        left_at=maybe_time(left_at),
        left_by=left_by,
    )
    return ListedMember(member=member, customer=customer_of(row[11:]) or Customer(id=member.customer))


def join(write: JoinPanel) -> Iterable[Statement]:
    """A membership, and the mark of it on the customer; who became another customer meanwhile is looked at again."""
    m = write.member
    at = to_micros(m.joined_at)
    place = (m.address.channel, m.address.key)
    yield Statement(_JOIN, (m.id, m.customer, *place, m.flow, m.version, m.question, m.locale, at))
    yield Statement(_JOINED, (m.customer, at), must_change=True)


def leave(write: LeavePanel) -> Iterable[Statement]:
    """Every membership of a customer ends; who became another customer meanwhile is looked at again."""
    yield Statement(_LEAVE, (write.customer, write.by, to_micros(write.at)))
    yield Statement(_LEFT, (write.customer,), must_change=True)
