"""SQL said once for both databases, and the procedures that speak it.

A *procedure* is a generator: it yields what it asks of the database and returns its result. It does no I/O, so
one text serves the thread that owns SQLite and the tasks that own PostgreSQL's connections, and PostgreSQL may
run many procedures side by side, with one statement for all that ask the same.

Parameters are written ``:name``. A statement becomes ``?1`` for SQLite, ``$1`` for PostgreSQL, and a column of
``unnest(...)`` where PostgreSQL runs it for many rows at once.
"""

import re
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar

T = TypeVar("T")

_PARAMETER = re.compile(r"(?<![:\w]):([a-z_]+)")

Row = Sequence[Any]
Values = tuple[Any, ...]


def _columns(text: str) -> tuple[tuple[str, str], ...]:
    """``"id:text turn:bigint"`` -> (("id", "text"), ("turn", "bigint"))."""
    pairs = [part.partition(":") for part in text.split()]
    return tuple((name, kind or "text") for name, _, kind in pairs)


def _numbered(sql: str, columns: Sequence[tuple[str, str]], mark: Callable[[int, str], str]) -> str:
    places = {name: mark(n, kind) for n, (name, kind) in enumerate(columns, 1)}
    return _PARAMETER.sub(lambda found: places[found.group(1)], sql)


def _unnest(columns: Sequence[tuple[str, str]]) -> str:
    """The rows of a batch as a table ``b`` with their place as ``b.n_``."""
    arrays = ", ".join(f"${n}::{kind}[]" for n, (_, kind) in enumerate(columns, 1))
    names = ", ".join(name for name, _ in columns)
    return f"unnest({arrays}) WITH ORDINALITY AS b({names}, n_)"


def _in_batch(sql: str) -> str:
    return _PARAMETER.sub(lambda found: f"b.{found.group(1)}", sql)


@dataclass(frozen=True, eq=False)
class Query:
    """Something that returns rows.

    ``batch`` answers it for many parameter rows, the row's place coming first; empty where that cannot be.
    """

    sqlite: str
    postgres: str
    batch: str


def query(sql: str, parameters: str = "", *, postgres: str | None = None, changes: bool = False) -> Query:
    """``postgres`` is its own text where the dialects differ too much; what ``changes`` rows is asked one by one."""
    columns = _columns(parameters)
    theirs = postgres or sql
    batch = f"SELECT b.n_, q.* FROM {_unnest(columns)} CROSS JOIN LATERAL ({_in_batch(theirs)}) q"
    if changes or not columns:
        batch = ""
    return Query(
        sqlite=_numbered(sql, columns, lambda n, _: f"?{n}"),
        postgres=_numbered(theirs, columns, lambda n, kind: f"${n}::{kind}"),
        batch=batch,
    )


@dataclass(frozen=True, eq=False)
class Op:
    """Something that changes rows: for one row on SQLite, for any number of rows on PostgreSQL.

    ``rank`` is the order in which PostgreSQL runs what a batch holds: first what may lose a race, last the counts,
    whose rows everyone wants. ``key`` holds the places of the parameters that tell rows apart: two statements with
    one key may not share a batch. ``returns`` says what PostgreSQL gives back: the place of each changed row, its
    key, or nothing since every row changes. ``alone``: SQLite is told of its rows one by one.
    """

    table: str
    rank: int
    sqlite: str
    batch: str
    width: int
    key: tuple[int, ...] = ()
    returns: str = "nothing"
    alone: bool = False


def insert(table: str, parameters: str, *, rank: int = 5, key: str = "", conflict: str = "", unless: str = "") -> Op:
    """An INSERT; with ``conflict`` ("DO NOTHING", "DO UPDATE SET ...") over the unique columns ``key``.

    ``unless`` is a query: where it finds a row, nothing is inserted; two rows of one ``key`` then see each other.
    """
    columns = _columns(parameters)
    names = ", ".join(name for name, _ in columns)
    clause = f" ON CONFLICT ({', '.join(key.split())}) {conflict}" if conflict else ""
    always = conflict.startswith("DO UPDATE ") and " WHERE " not in conflict
    returned = ", ".join(f"{table}.{name}" for name in key.split()) if conflict and not always else ""
    returning = f" RETURNING {returned}" if returned else ""
    marks = ", ".join(f"?{n}" for n in range(1, len(columns) + 1))
    source = ", ".join(f"b.{name}" for name, _ in columns)
    # Rows that others may want too in the order of their key, so that no two batches wait for each other.
    order = ", ".join(f"b.{name}" for name in key.split()) if conflict else "b.n_"
    found = _numbered(unless, columns, lambda n, _: f"?{n}")
    return Op(
        table=table,
        rank=rank,
        sqlite=f"INSERT INTO {table} ({names}) SELECT {marks} WHERE NOT EXISTS ({found}){clause}"
        if unless
        else f"INSERT INTO {table} ({names}) VALUES ({marks}){clause}",
        batch=f"INSERT INTO {table} ({names}) SELECT {source} FROM {_unnest(columns)} "
        # locked, so that the row found is still what it was when this commits
        + (f"WHERE NOT EXISTS ({_in_batch(unless)} FOR UPDATE) " if unless else "")
        + f"ORDER BY {order}{clause}{returning}",
        width=len(columns),
        key=tuple([name for name, _ in columns].index(name) for name in key.split()),
        returns="key" if conflict and not always else "nothing",
        alone=bool(unless),
    )


def add_up(table: str, parameters: str, *, key: str, column: str, rank: int = 9) -> Op:
    """An INSERT that adds ``column`` to the row that is there. A batch adds up its own rows first, in key order."""
    columns = _columns(parameters)
    names = ", ".join(name for name, _ in columns)
    keys = ", ".join(key.split())
    clause = f" ON CONFLICT ({keys}) DO UPDATE SET {column} = {table}.{column} + excluded.{column}"
    marks = ", ".join(f"?{n}" for n in range(1, len(columns) + 1))
    rest = [name for name, _ in columns if name != column]
    source = ", ".join(f"sum(b.{name})::bigint" if name == column else f"b.{name}" for name, _ in columns)
    grouped = ", ".join(f"b.{name}" for name in rest)
    ordered = ", ".join(f"b.{name}" for name in key.split())
    return Op(
        table=table,
        rank=rank,
        sqlite=f"INSERT INTO {table} ({names}) VALUES ({marks}){clause}",
        batch=f"INSERT INTO {table} ({names}) SELECT {source} FROM {_unnest(columns)} "
        f"GROUP BY {grouped} ORDER BY {ordered}{clause}",
        width=len(columns),
    )


def _change(table: str, parameters: str, verb: str, join: str, where: str, rank: int, key: str) -> Op:
    columns = _columns(parameters)
    names = [name for name, _ in columns]
    return Op(
        table=table,
        rank=rank,
        sqlite=_numbered(f"{verb} WHERE {where}", columns, lambda n, _: f"?{n}"),
        batch=f"{_in_batch(verb)} {join} {_unnest(columns)} WHERE {_in_batch(where)} RETURNING b.n_",
        width=len(columns),
        key=tuple(names.index(name) for name in key.split()),
        returns="place",
    )


def update(table: str, parameters: str, *, change: str, where: str, key: str, rank: int = 6) -> Op:
    """An UPDATE of the rows that ``where`` finds; the table is called ``t`` there."""
    return _change(table, parameters, f"UPDATE {table} AS t SET {change}", "FROM", where, rank, key)


def set_all(parameters: str) -> str:
    """Each of these columns set to its parameter: ``"a b:bigint"`` -> ``"a = :a, b = :b"``."""
    return ", ".join(f"{name} = :{name}" for name, _ in _columns(parameters))


def delete(table: str, parameters: str, *, where: str, key: str, rank: int = 2) -> Op:
    """A DELETE of the rows that ``where`` finds; the table is called ``t`` there."""
    return _change(table, parameters, f"DELETE FROM {table} AS t", "USING", where, rank, key)


# ---- what a procedure yields ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ask:
    """Rows, please."""

    query: Query
    values: Values


@dataclass(frozen=True, slots=True)
class Statement:
    """One row for an Op; with ``must_change`` the procedure has lost a race if no row changed."""

    op: Op
    values: Values
    must_change: bool = False


@lru_cache(maxsize=1024)
def for_rows(op: Op, rows: int) -> str:
    """The INSERT of an Op for several rows on SQLite: one call instead of many."""
    head, values, tail = op.sqlite.partition(" VALUES ")
    _, conflict, rest = tail.partition(" ON CONFLICT ")
    row = f"({', '.join('?' * op.width)})"
    return f"{head}{values}{', '.join([row] * rows)}{conflict}{rest}"


@dataclass(frozen=True, slots=True)
class Do:
    """Change rows; the answer tells of each statement whether a row changed. ``wakes`` are told after the commit."""

    statements: Sequence[Statement]
    wakes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Hold:
    """Let nobody else decide about these until the commit. SQLite has but one writer and needs none of it."""

    keys: frozenset[str]


Call = Ask | Do | Hold
Procedure = Generator[Call, Any, T]


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A procedure to be begun, perhaps several times, and what nobody else may touch meanwhile."""

    begin: Callable[[], Procedure[Any]]
    keys: frozenset[str] = field(default=frozenset())


class LostRace(Exception):
    """A compare-and-set changed no row; the procedure is begun again on fresh facts."""


def ask(query: Query, *values: Any) -> Procedure[list[Row]]:
    rows: list[Row] = yield Ask(query, values)
    return rows


def do(statements: Sequence[Statement], wakes: frozenset[str] = frozenset()) -> Procedure[list[bool]]:
    changed: list[bool] = yield Do(statements, wakes)
    return changed
