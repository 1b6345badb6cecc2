"""What was found by looking at the settings as a whole, put where it stands in the file."""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from bot.config.settings import Settings
from bot.toml_tables import Finding, Path, Severity, Table


class Considered(msgspec.Struct, frozen=True, kw_only=True):
    """One thing found by looking at the settings as a whole.

    In ``path`` an id stands for the place in a list: ("flow", "csat", "question", "score", "text", "vi"). ``own``: only
    what stands in the file itself is meant, and nothing that a preset or a language pack says in its place.
    """

    path: Path
    wrong: str
    right: str = ""
    own: bool = False
    severity: Severity = "warning"


#: Looks at settings and finds what is hardly meant.
Consider = Callable[[Settings], Iterable[Considered]]


def add_considered(root: Table, settings: Settings, consider: Consider) -> None:
    """Add these findings to those of a file, but for what has errors itself: who mends them sees the rest then."""
    wrong = root.findings
    flows_are_wrong = bool(wrong.under(("flow",)))
    for each in list(consider(settings)):
        path, whole = _place(each.path, root.data)
        if flows_are_wrong and path[:1] == ("followup",):
            # whether any flow has a rating shows once all can be read
            continue
        if (whole or not each.own) and not wrong.under(_block(path)):
            wrong.warn(Finding(path=path, wrong=each.wrong, right=each.right, severity=each.severity))


def _block(path: Path) -> Path:
    """The block that a path is in: one flow of the list, one channel, or all of [asking]."""
    return path[:2] if path[:1] in (("flow",), ("channels",), ("triggers",)) else path[:1]


def _place(path: Path, data: Mapping[str, object]) -> tuple[Path, bool]:
    """A path with places for ids, as far as it is in the file, and whether all of it is: a preset's texts are not."""
    here: object = data
    found: Path = ()
    for part in path:
        if isinstance(here, list):
            ids = [each.get("id") if isinstance(each, Mapping) else None for each in here]
            if part not in ids:
                return found, False
            part = ids.index(part)  # noqa: PLW2901
            here = here[part]
        elif isinstance(here, Mapping) and part in here:
            here = here[part]
        else:
            # Where there is but one language, a text may stand where its languages would.
            return found, isinstance(here, str)
        found = (*found, part)
    return found, True
