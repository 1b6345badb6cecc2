"""What was found by looking at the settings as a whole, put where it stands in the file."""

from collections.abc import Callable, Iterable, Mapping

from msgspec.structs import replace

from bot.config.settings import Settings
from bot.toml_tables import Finding, Path, Table

#: Looks at settings and finds what is hardly meant. In the paths of its findings an id stands for the place in a list:
#: ("flow", "csat", "question", "score", "text", "vi").
Consider = Callable[[Settings], Iterable[Finding]]


def add_considered(root: Table, settings: Settings, consider: Consider) -> None:
    """Add these findings to those of a file, but for what has errors itself: who mends them sees the rest then."""
    wrong = root.findings
    found = [
        replace(each, path=_place(each.path, root.data), beside=_place(each.beside, root.data))
        for each in consider(settings)
    ]
    for finding in found:
        if not wrong.under(_whole(finding.path)):
            wrong.warn(finding)


def _whole(path: Path) -> Path:
    """The block that a path is in: one flow of the list, one channel, or all of [asking]."""
    return path[:2] if path[:1] in (("flow",), ("channels",), ("triggers",)) else path[:1]


def _place(path: Path, data: Mapping[str, object]) -> Path:
    """A path with places for ids, as far as it is in the file: what a preset adds stands nowhere."""
    here: object = data
    found: Path = ()
    for part in path:
        if isinstance(here, list):
            ids = [each.get("id") if isinstance(each, Mapping) else None for each in here]
            if part not in ids:
                break
            part = ids.index(part)  # noqa: PLW2901
            here = here[part]
        elif isinstance(here, Mapping) and part in here:
            here = here[part]
        else:
            break
        found = (*found, part)
    return found
