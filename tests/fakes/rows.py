"""Rows in a dict that are found by what is in them, and that can be taken back."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar, overload

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_NONE: Any = object()


class Journal:
    """What changed since ``begin``, so that it can be taken back at the price of the change."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], object]] | None = None

    def begin(self) -> None:
        self._undo = []

    def note(self, undo: Callable[[], object]) -> None:
        if self._undo is not None:
            self._undo.append(undo)

    def keep(self) -> None:
        self._undo = None

    def take_back(self) -> None:
        undo, self._undo = self._undo or [], None
        for step in reversed(undo):
            step()


class Rows(dict[K, V]):
    """A dict with indexes: ``Rows(journal, address=lambda row: [row.address]).by("address", there)``.

    An index gives for each row what it is found by. What is found comes in the order of its first writing, as long
    as it has been found by the same.
    """

    def __init__(self, journal: Journal, **indexes: Callable[[V], Iterable[Hashable]]) -> None:
        super().__init__()
        self._journal = journal
        self._indexes = indexes
        self._found: dict[tuple[str, Hashable], dict[K, None]] = {}

    def by(self, index: str, value: Hashable) -> list[V]:
        return [self[key] for key in self._found.get((index, value), ())]

    def keys_by(self, index: str, value: Hashable) -> list[K]:
        return list(self._found.get((index, value), ()))

    def __setitem__(self, key: K, row: V) -> None:
        old = self.get(key, _NONE)
        super().__setitem__(key, row)
        before, after = self._places(old), self._places(row)
        self._forget(key, before - after)
        for place in after - before:
            self._found.setdefault(place, {})[key] = None
        self._journal.note((lambda: self.pop(key)) if old is _NONE else (lambda: self.__setitem__(key, old)))

    def __delitem__(self, key: K) -> None:
        old = self[key]
        super().__delitem__(key)
        self._forget(key, self._places(old))
        self._journal.note(lambda: self.__setitem__(key, old))

    def _places(self, row: V) -> set[tuple[str, Hashable]]:
        if row is _NONE:
            return set()
        return {(name, value) for name, values_of in self._indexes.items() for value in values_of(row)}

    def _forget(self, key: K, places: Iterable[tuple[str, Hashable]]) -> None:
        for place in places:
            self._found[place].pop(key)
            if not self._found[place]:
                del self._found[place]

    def pop(self, key: K, default: Any = _NONE) -> Any:
        if key not in self and default is not _NONE:
            return default
        row = self[key]
        del self[key]
        return row

    def setdefault(self, key: K, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, other: Any = (), /, **more: Any) -> None:
        for key, row in dict(other, **more).items():
            self[key] = row

    def __ior__(self, other: Mapping[K, V]) -> "Rows[K, V]":  # type: ignore[override, misc]
        self.update(other)
        return self

    def clear(self) -> None:
        for key in list(self):
            del self[key]


class Listed(Sequence[V], Generic[V]):
    """The rows of a dict as a list, in the order of their first writing."""

    def __init__(self, rows: dict[Any, V]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[V]:
        return iter(self._rows.values())

    @overload
    def __getitem__(self, place: int) -> V: ...
    @overload
    def __getitem__(self, place: slice) -> list[V]: ...
    def __getitem__(self, place: int | slice) -> V | list[V]:
        if place == -1 and self._rows:
            return next(reversed(self._rows.values()))
        return list(self._rows.values())[place]

    def __eq__(self, other: object) -> bool:
        return list(self) == other

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(list(self))
