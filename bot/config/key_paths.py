"""Key paths: where a value stands in somebody else's JSON, as ``ticket.requester.email`` or ``tags[0].name``."""

import re
from functools import lru_cache

KeyPath = tuple[str | int, ...]

#: deeper than any helpdesk nests
DEEPEST = 20
_STEP = re.compile(r"([^.\[\]]+)((?:\[[0-9]{1,4}\])*)")
_INDEX = re.compile(r"\[([0-9]+)\]")


@lru_cache(maxsize=1024)
def parse_key_path(text: str) -> KeyPath | None:
    """The steps of a key path: names and places in lists; None for what is none.

    >>> parse_key_path("ticket.tags[0].name"), parse_key_path("a..b"), parse_key_path("a[x]")
    (('ticket', 'tags', 0, 'name'), None, None)
    """
    steps: list[str | int] = []
    for part in text.split("."):
        found = _STEP.fullmatch(part)
        if found is None or found[1] != found[1].strip():
            return None
        steps.append(found[1])
        steps += [int(index) for index in _INDEX.findall(found[2])]
    return tuple(steps) if len(steps) <= DEEPEST else None
