"""What readers ask of a TOML file, written down while they read: schema and reference are made from it."""

from datetime import timedelta

import msgspec

#: Keys and list positions from the top of the file: ("flow", 0, "question", 1, "when").
Path = tuple[str | int, ...]

#: What stands in a general path for a position in a list, and for a name that the admin chooses.
EACH = "[]"
NAME = "<name>"


class AnyText(msgspec.Struct, frozen=True, kw_only=True, tag="text"):
    """A text; ``pattern`` is a regular expression for the whole of it, ``longest`` counts characters."""

    pattern: str = ""
    longest: int | None = None
    #: what is meant, for people: "an id"
    what: str = "text"


class OneOf(msgspec.Struct, frozen=True, kw_only=True, tag="one_of"):
    """One of these texts."""

    allowed: tuple[str, ...]


class Whole(msgspec.Struct, frozen=True, kw_only=True, tag="whole"):
    """A whole number in ``low..high``, both included; None: other keys say how far it goes."""

    low: int | None = None
    high: int | None = None


class Flag(msgspec.Struct, frozen=True, kw_only=True, tag="flag"):
    """true or false."""


class Duration(msgspec.Struct, frozen=True, kw_only=True, tag="duration"):
    """A time span in quotes: "90s", "24h"."""

    shortest: timedelta
    longest: timedelta


class Clock(msgspec.Struct, frozen=True, kw_only=True, tag="clock"):
    """A time of day, "21:00", or TOML's own."""


class Share(msgspec.Struct, frozen=True, kw_only=True, tag="share"):
    """A percentage in quotes; ``number``: a number up to 1 does, too."""

    low: str
    high: str
    number: bool = False


class Dates(msgspec.Struct, frozen=True, kw_only=True, tag="dates"):
    """Days, in quotes or TOML's own: one or a list."""


class Several(msgspec.Struct, frozen=True, kw_only=True, tag="several"):
    """A list of texts, none empty and none twice; ``or_one``: a text alone does, too."""

    item: AnyText | OneOf = AnyText()
    fewest: int = 0
    or_one: bool = False


class PerLanguage(msgspec.Struct, frozen=True, kw_only=True, tag="per_language"):
    """A text, or one for each language; ``variables``: whether {agent} and its like are filled in."""

    longest: int
    variables: bool


class Secret(msgspec.Struct, frozen=True, kw_only=True, tag="secret"):
    """{ env = "NAME" } and nothing else."""


class Setting(msgspec.Struct, frozen=True, kw_only=True, tag="setting"):
    """A text, or { env = "NAME", default = "…" }."""


class Block(msgspec.Struct, frozen=True, kw_only=True, tag="block"):
    """A table of its own."""


class Blocks(msgspec.Struct, frozen=True, kw_only=True, tag="blocks"):
    """A list of tables; ``or_named``: texts that may stand in it in place of a table."""

    fewest: int = 0
    most: int | None = None
    or_named: tuple[str, ...] = ()


class Either(msgspec.Struct, frozen=True, kw_only=True, tag="either"):
    """Any of these."""

    shapes: tuple["Shape", ...]


class Unknown(msgspec.Struct, frozen=True, kw_only=True, tag="unknown"):
    """A reader looked at the value and said nothing of it."""


Shape = (
    AnyText
    | OneOf
    | Whole
    | Flag
    | Duration
    | Clock
    | Share
    | Dates
    | Several
    | PerLanguage
    | Secret
    | Setting
    | Block
    | Blocks
    | Either
    | Unknown
)


class Asked(msgspec.Struct, kw_only=True):
    """What was asked of one key of one table; ``default`` None: nothing stands in its place."""

    shape: Shape
    default: object = None
    present: bool = False
    #: it was not there, and a reader said that it is missing
    missed: bool = False


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """The keys of a table are names of the admin's own: ``pattern`` for the whole of one, and one that is good."""

    pattern: str
    example: str


class Journal:
    """Hears one reading of one file. Of several questions about a key the first counts: it knows most of it."""

    def __init__(self) -> None:
        #: real path of a table -> key -> what was asked
        self.tables: dict[Path, dict[str, Asked]] = {}
        self.named: dict[Path, Names] = {}
        #: real path of a table -> the name of its shape, where it may hold itself
        self.shaped: dict[Path, str] = {}

    def ask(self, path: Path, key: str, shape: Shape, default: object, *, present: bool) -> None:
        asked = self.tables.setdefault(path, {})
        before = asked.get(key)
        if before is None or isinstance(before.shape, Unknown):
            missed = before.missed if before else False
            asked[key] = Asked(shape=shape, default=default, present=present, missed=missed)

    def miss(self, path: Path, key: str) -> None:
        asked = self.tables.setdefault(path, {})
        asked.setdefault(key, Asked(shape=Unknown())).missed = True

    def general(self, path: Path) -> tuple[str, ...]:
        """A path without positions and names: ("channels", "<name>"), ("condition",) for what may hold itself."""
        return (self.shaped[path],) if path in self.shaped else self.outside(path)

    def outside(self, path: Path) -> tuple[str, ...]:
        """Where a table of a named shape stands; the same as the general path for any other."""
        if not path:
            return ()
        above, last = path[:-1], path[-1]
        return (*self.general(above), EACH if isinstance(last, int) else NAME if above in self.named else last)
