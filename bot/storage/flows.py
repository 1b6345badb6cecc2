"""Flow versions, kept for ever, and which of them are active."""

from collections.abc import Collection, Sequence
from datetime import datetime

from bot.conversations.flow import PinnedFlow
from bot.storage.codec import encode, to_micros
from bot.storage.facts import FlowCache, Steps, pinned_flow
from bot.storage.ops import Procedure, Statement, ask, delete, do, insert, query

#: Replicas that start together change the active set one after the other.
LOCK = frozenset({"active flows"})

_KEEP = insert("flow_version", "hash flow_id structure content at:bigint", key="hash", conflict="DO NOTHING")
_ACTIVATE = insert(
    "active_flow",
    "position:bigint hash at:bigint",
    key="position",
    conflict="DO UPDATE SET hash = excluded.hash, at = excluded.at",
)
_SHORTEN = delete("active_flow", "length:bigint", key="length", where="t.position >= :length")
_ACTIVE = query(
    "SELECT w.hash, w.content, w.structure FROM active_flow f JOIN flow_version w ON w.hash = f.hash "
    "ORDER BY f.position"
)
_OF_STRUCTURES = query(
    "SELECT w.structure, max(w.hash) FROM flow_version w WHERE w.structure IN (SELECT value FROM json_each(:wanted)) "
    "GROUP BY w.structure",
    "wanted",
    postgres="SELECT w.structure, max(w.hash) FROM flow_version w "
    "WHERE w.structure IN (SELECT jsonb_array_elements_text(:wanted::jsonb)) GROUP BY w.structure",
)


def activate(flows: Sequence[PinnedFlow], at: datetime) -> Procedure[None]:
    """Make these the active set, unless they are already."""
    active = yield from ask(_ACTIVE)
    if [row[0] for row in active] == [flow.hash for flow in flows]:
        return
    now = to_micros(at)
    rows = [Statement(_KEEP, (f.hash, f.flow.id, f.structure, encode(f.flow), now)) for f in _once(flows)]
    rows += [Statement(_ACTIVATE, (place, flow.hash, now)) for place, flow in enumerate(flows)]
    rows.append(Statement(_SHORTEN, (len(flows),)))
    yield from do(rows)


def active(cache: FlowCache) -> Procedure[tuple[PinnedFlow, ...]]:
    rows = yield from ask(_ACTIVE)
    for version, content, structure in rows:
        if version not in cache:
            cache[version] = pinned_flow(version, content, structure)
    return tuple(cache[row[0]] for row in rows)


def of_structures(structures: Collection[str], steps: Steps) -> Procedure[dict[str, PinnedFlow]]:
    """One version of each structure: they differ in texts alone."""
    found = yield from ask(_OF_STRUCTURES, encode(sorted(structures)))
    versions = {}
    for structure, version in found:
        flow = yield from steps.flow(version)
        if flow is not None:
            versions[structure] = flow
    return versions


def _once(flows: Sequence[PinnedFlow]) -> list[PinnedFlow]:
    return list({flow.hash: flow for flow in flows}.values())
