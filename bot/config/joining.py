"""Several files as one table: the flows of the flow files stand behind the root's, each still at its own line."""

from collections.abc import Sequence
from functools import cached_property

from bot.config.positions import line_of, lines_of
from bot.config.syntax import Document, Mistake
from bot.toml_tables import Findings, Path, describe

_ONLY_FLOWS = "Flow files hold [[flow]] tables and nothing else: move it to {root}."


class Joined:
    """The root and its flow files. ``data`` is what is read; findings about files themselves are added at once.

    What is wrong with flow file ``k`` as a whole stands under ``("flow", -1 - k)``: nobody then takes the flows for
    complete.
    """

    def __init__(self, root: Document, files: Sequence[Document | Mistake], findings: Findings) -> None:
        self._root = _Lines(root.name, root.text)
        self._files = [_Lines(file.name, file.text if isinstance(file, Document) else "") for file in files]
        self._mistakes = {index: file.line for index, file in enumerate(files) if isinstance(file, Mistake)}
        own = root.data.get("flow", [])
        flows = list(own) if isinstance(own, list) else []
        self._firsts: list[int] = []
        for index, file in enumerate(files):
            self._firsts.append(len(flows))
            flows += _flows_of(file, (*_FLOW, -1 - index), root.name, findings)
        self.data = dict(root.data)
        if files and isinstance(own, list):
            self.data["flow"] = flows

    def place(self, path: Path) -> tuple[str, int, Path]:
        """The file, the line there, and the key path as that file has it, of a path in ``data``."""
        if len(path) < 2 or path[0] != "flow" or not isinstance(path[1], int):
            return self._root.place(path)
        index = path[1]
        if index < 0:
            number = -1 - index
            if number in self._mistakes:
                return self._files[number].name, self._mistakes[number], ()
            return self._files[number].place(path[2:])
        for number in range(len(self._firsts) - 1, -1, -1):
            if index >= self._firsts[number]:
                return self._files[number].place(("flow", index - self._firsts[number], *path[2:]))
        return self._root.place(path)

    def order(self, file: str) -> int:
        """The root comes first."""
        return [self._root.name, *(each.name for each in self._files)].index(file)


_FLOW: Path = ("flow",)


class _Lines:
    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self._text = text

    @cached_property
    def _lines(self) -> dict[Path, int]:
        return dict(lines_of(self._text))

    def place(self, path: Path) -> tuple[str, int, Path]:
        return self.name, line_of(path, self._lines), path


def _flows_of(file: Document | Mistake, path: Path, root: str, findings: Findings) -> list[object]:
    if isinstance(file, Mistake):
        findings.add(path, file.wrong, file.right)
        return []
    for key in file.data:
        if key != "flow":
            findings.add((*path, key), "does not belong in a flow file", _ONLY_FLOWS.format(root=root))
    flows = file.data.get("flow")
    if isinstance(flows, list):
        return flows
    if flows is not None:
        right = "Write its name in two pairs of brackets: [[flow]]."
        findings.add((*path, "flow"), f"must be a list of tables, not {describe(flows)}", right)
    elif not file.data:
        findings.add(path, "holds no flow", "Write a [[flow]], or remove the file.")
    return []
