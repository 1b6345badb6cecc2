"""What differs between two snapshots of the settings, in words that an admin knows. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import time, timedelta

import msgspec
from msgspec.structs import replace

from bot.config.settings import Settings
from bot.toml_tables import duration_text

#: so many are told; the rest is counted
MOST = 12
#: What is shown of a changed value is for eyes that may see a log: no secret, and no address with one.
_HIDDEN = frozenset(
    {
        "api_keys",
        "app_token",
        "bot_token",
        "secret",
        "secrets",
        "signing_secret",
        "signing_secrets",
        "token",
        "url",
        "webhook_secret",
    }
)
#: what has tables of its own in the file, beside the blocks
_NAMED = ("channels", "triggers")
_LONGEST = 40
_GONE = object()


def changes(old: Settings, new: Settings) -> tuple[str, ...]:
    """One entry for each flow, block, channel and trigger that differs; none where nothing does.

    ``("support_csat: text of 'score' in vi changed, question 'why' added", "[asking] delay 10m -> 5m")``
    """
    return (*_flows(old, new), *_blocks(old, new))


def until_restart(running: Settings, wanted: Settings) -> tuple[Settings, tuple[str, ...]]:
    """The wanted settings without what only a start can change, and what that is: "[server] port 8080 -> 8081"."""
    server = replace(wanted.server, host=running.server.host, port=running.server.port)
    now = replace(wanted, server=server, storage=running.storage)
    return now, tuple(_blocks(now, wanted))


def in_one_line(changed: Sequence[str]) -> str:
    """The changes, separated by semicolons; of very many only the first.

    >>> in_one_line(["[asking] delay 10m -> 5m", "flow 'nps' added"])
    "[asking] delay 10m -> 5m; flow 'nps' added"
    """
    more = len(changed) - MOST
    told = changed if more <= 0 else [*changed[:MOST], f"and {more} more"]
    return "; ".join(told)


def _flows(old: Settings, new: Settings) -> Iterator[str]:
    before = {pinned.flow.id: pinned for pinned in old.flows}
    after = {pinned.flow.id: pinned for pinned in new.flows}
    for id, pinned in after.items():
        if id not in before:
            yield f"flow '{id}' added"
            continue
        told = list(_compared(before[id].flow, pinned.flow))
        told += [f"asking.{each}" for each in _compared(old.flow_asking.get(id), new.flow_asking.get(id))]
        if told:
            yield f"{id}: {', '.join(told)}"
    yield from (f"flow '{id}' removed" for id in before if id not in after)
    if [id for id in before if id in after] != [id for id in after if id in before]:
        yield "flows in another order"


def _blocks(old: Settings, new: Settings) -> Iterator[str]:
    for name in Settings.__struct_fields__:
        before, after = getattr(old, name), getattr(new, name)
        if name in ("flows", "flow_asking") or before == after:
            continue
        if name in _NAMED:
            yield from _listed(name, before, after, "")
        elif isinstance(after, msgspec.Struct) and isinstance(before, msgspec.Struct):
            yield f"[{name}] {', '.join(_compared(before, after))}"
        elif before is None or after is None:
            yield f"[{name}] {'added' if before is None else 'removed'}"
        elif isinstance(after, Mapping):
            yield f"[{name}] {', '.join(_mapped(before, after, ''))}"
        else:
            yield _value(name, before, after, "")


def _compared(old: object, new: object, within: str = "", of: str = "") -> Iterator[str]:
    """What differs in two structs; ``within`` is the key path to them, ``of`` names what has an id: " of 'score'"."""
    if not (isinstance(old, msgspec.Struct) and isinstance(new, msgspec.Struct)):
        if old != new:
            yield f"{within.removesuffix('.') or 'rules'}{of} {_how(old, new)}"
        return
    if type(old) is not type(new):
        yield f"'{getattr(new, 'id', within)}' is of another type"
        return
    for field in new.__struct_fields__:
        before, after = getattr(old, field), getattr(new, field)
        if before == after:
            continue
        name = f"{within}{field}"
        if _is_listed(before) and _is_listed(after):
            yield from _listed(field, before, after, of)
        elif isinstance(before, msgspec.Struct) and type(before) is type(after) and field not in ("when",):
            yield from _compared(before, after, f"{name}.", of)
        elif isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from _mapped(before, after, of, name)
        else:
            yield _value(name, before, after, of)


def _is_listed(values: object) -> bool:
    return isinstance(values, tuple) and all(isinstance(each, msgspec.Struct) and _id(each) for each in values)


def _id(value: object) -> str:
    return str(getattr(value, "id", None) or getattr(value, "name", None) or "")


def _listed(field: str, old: Sequence[object], new: Sequence[object], of: str) -> Iterator[str]:
    """Things with ids or names: which came, went, or differ."""
    what = field.removesuffix("s")
    before, after = {_id(each): each for each in old}, {_id(each): each for each in new}
    for id, value in after.items():
        path = f"{of[5:-1]}.{id}" if of else id
        if id not in before:
            yield f"{what} '{path}' added"
        elif before[id] != value:
            told = list(_compared(before[id], value, "", f" of '{path}'"))
            yield from (f"[{field}.{id}] {', '.join(_compared(before[id], value))}",) if field in _NAMED else told
    yield from (f"{what} '{f'{of[5:-1]}.{id}' if of else id}' removed" for id in before if id not in after)
    if [id for id in before if id in after] != [id for id in after if id in before]:
        yield f"{field}{of} in another order"


def _mapped(old: Mapping[str, object], new: Mapping[str, object], of: str, name: str = "") -> Iterator[str]:
    """Texts by language, and others by key: which keys differ."""
    changed = [str(key) for key in dict.fromkeys([*old, *new]) if old.get(key, _GONE) != new.get(key, _GONE)]
    yield f"{name}{of}{' in' if name else ''} {', '.join(changed[:MOST])} changed".strip()


def _value(name: str, old: object, new: object, of: str) -> str:
    if name.rpartition(".")[2] in _HIDDEN:
        return f"{name}{of} changed"
    before, after = _text(old), _text(new)
    if before is None or after is None:
        return f"{name}{of} {_how(old, new)}"
    return f"{name}{of} {before} -> {after}"


def _how(old: object, new: object) -> str:
    return "added" if old in (None, ()) else "removed" if new in (None, ()) else "changed"


def _text(value: object) -> str | None:
    """A value as the file writes it; None for what is too long or no plain value."""
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case timedelta():
            return duration_text(value)
        case time():
            return f"{value:%H:%M}"
        case int() | float() | str():
            text = str(value) or "none"
        case tuple() if value and all(isinstance(each, str) for each in value):
            text = ", ".join(value)
        case ():
            text = "none"
        case _:
            return None
    return text if len(text) <= _LONGEST and "\n" not in text else None
