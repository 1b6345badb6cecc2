"""Flows that begin as another one, a preset or the flow that they are a variant of, and replace some of it. Pure.

A key given in the flow replaces the whole value of the same key. Questions are held together by their ids, and their
keys replaced one by one; so are the keys of ``thanks``, ``review`` and ``sentences``. New questions stand behind those.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from bot.toml_tables import Findings, Path, Table

#: Tables of a flow whose keys are replaced one by one.
_TABLES = ("thanks", "review", "sentences")
#: What is never inherited: it names the flow, or says how it begins, or stands beside it.
_OWN = frozenset({"id", "preset", "variant_of", "share", "asking"})


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A flow to read, and its questions; each stands where it is written."""

    table: Table
    questions: list[Table]


def alone(table: Table) -> Source:
    """A flow that begins as nothing else."""
    return Source(table=table, questions=table.tables("question"))


def inherited(own: Table, base: Mapping[str, Any], at: Path) -> Source:
    """The flow ``own`` laid over ``base``, whose own questions stand under the path ``at``.

    Findings go into a collection of their own, because what is wrong with ``base`` is no fault of ``own``; ``told``
    passes on the others.
    """
    findings = Findings(own.findings.journal)
    merged = {key: value for key, value in base.items() if key not in _OWN} | dict(own.data)
    for key in _TABLES:
        mine, theirs = own.data.get(key), base.get(key)
        if isinstance(mine, Mapping) and isinstance(theirs, Mapping):
            merged[key] = {**theirs, **mine}
    table = Table(merged, own.path, findings)
    return Source(table=table, questions=_questions(own, base, at, findings))


def _questions(own: Table, base: Mapping[str, Any], at: Path, findings: Findings) -> list[Table]:
    mine = Table(own.data, own.path, findings).tables("question")
    ids = ((each.data.get("id"), each) for each in reversed(mine))
    by_id = {id: each for id, each in ids if isinstance(id, str)}
    found = []
    for place, theirs in enumerate(_tables(base)):
        each = by_id.pop(str(theirs.get("id")), None)
        if each is None:
            found.append(Table(theirs, (*at, "question", place), findings))
        else:
            found.append(Table({**theirs, **each.data}, each.path, findings))
    replaced = {each.path for each in found}
    return found + [each for each in mine if each.path not in replaced]


def _tables(data: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    questions = data.get("question")
    return [each for each in questions if isinstance(each, Mapping)] if isinstance(questions, list) else []


def told(source: Source, own: Table, base: Mapping[str, Any], at: Path) -> None:
    """Pass on what was found of a flow laid over another, but for what only its base is to blame for."""
    for finding in source.table.findings:
        if not _of_the_base(finding.path, own, base, at):
            own.findings.add(finding.path, finding.wrong, finding.right, finding.beside)


def _of_the_base(path: Path, own: Table, base: Mapping[str, Any], at: Path) -> bool:
    if path[: len(own.path)] != own.path or path[: len(at)] == at != own.path:
        return True
    below = path[len(own.path) :]
    if not below or below[0] in _OWN:
        return False
    if below[0] != "question" or len(below) < 3:
        return below[0] in base and below[0] not in own.data
    questions = own.data.get("question")
    mine = questions[below[1]] if isinstance(questions, list) and isinstance(below[1], int) else {}
    theirs = next((each for each in _tables(base) if each.get("id") == mine.get("id")), {})
    return below[2] in theirs and below[2] not in mine
