"""The files that settings are read from, as they were at one moment: what is compared is what is read."""

import glob
import hashlib
import os
import tomllib
from functools import lru_cache
from pathlib import Path

import msgspec

#: a file that is larger was not written by hand, and would hold everybody up
LARGEST = 4 * 1024 * 1024


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One file: ``Source(name="flows/nps.toml", body=b"…")``; ``error`` says why it could not be read, or nothing."""

    name: str
    body: bytes = b""
    error: str = ""


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """A config file and the flow files that it names, sorted; ``unmatched`` are places of patterns without files."""

    root: Source
    flows: tuple[Source, ...] = ()
    unmatched: tuple[int, ...] = ()
    #: the folders that there are in which a change of any of them shows
    folders: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Names what the files hold: 32 hexadecimal digits, the same wherever the same files lie."""
        told = msgspec.msgpack.encode([self.root, *self.flows, self.unmatched])
        return hashlib.blake2b(told, digest_size=16).hexdigest()


def gather(path: Path) -> Sources:
    """The files as they are now. Never raises: what cannot be read says so itself."""
    root, folder = _read(path, path.name), path.parent
    flows: dict[str, Source] = {}
    unmatched: list[int] = []
    folders = [str(folder)]
    own = os.path.realpath(path)
    for index, pattern in enumerate(_patterns(root.body)):
        matched = [name for name in _matches(pattern, folder) if os.path.realpath(folder / name) != own]
        if not matched:
            unmatched.append(index)
        folders += [str(folder / _fixed(pattern)), *(str((folder / name).parent) for name in matched)]
        flows |= {name: _read(folder / name, name) for name in matched if name not in flows}
    return Sources(
        root=root,
        flows=tuple(flows[name] for name in sorted(flows)),
        unmatched=tuple(unmatched),
        folders=tuple(each for each in dict.fromkeys(map(os.path.normpath, folders)) if Path(each).is_dir()),
    )


@lru_cache(maxsize=4)
def _patterns(body: bytes) -> tuple[str, ...]:
    """What flow_files names; nothing where the file is no TOML, or names something else: its reader says so."""
    try:
        listed = tomllib.loads(body.decode("utf-8-sig")).get("flow_files")
    except (ValueError, RecursionError):
        return ()
    return tuple(each if isinstance(each, str) else "" for each in listed) if isinstance(listed, list) else ()


def _matches(pattern: str, folder: Path) -> list[str]:
    """The files that a pattern names, from the folder of the config, with forward slashes."""
    if not pattern or "\0" in pattern:
        return []
    # Unlike Path.glob it takes absolute patterns, and leaves out the hidden files of editors and of mounted volumes.
    found = glob.glob(pattern, root_dir=folder, recursive=True)  # noqa: PTH207
    return sorted(os.path.normpath(name).replace(os.sep, "/") for name in found if not (folder / name).is_dir())


def _fixed(pattern: str) -> str:
    """The folder of a pattern, as far as it is named: "flows/*/*.toml" -> "flows"."""
    parts = Path(pattern.partition("\0")[0]).parts[:-1]
    fixed = next((index for index, part in enumerate(parts) if glob.has_magic(part)), len(parts))
    return str(Path(*parts[:fixed]))


def _read(path: Path, name: str) -> Source:
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            # None: a pipe whose writer says nothing
            body = file.read(LARGEST + 1) or b""
    except (OSError, ValueError) as error:
        return Source(name=name, error=getattr(error, "strerror", None) or "no such file")
    if len(body) > LARGEST:
        return Source(name=name, error=f"is larger than {LARGEST // 1024**2} MB")
    return Source(name=name, body=body)


def _without_waiting(path: str, flags: int) -> int:
    """Open a file; a pipe that nobody writes to must not hold us up for ever."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
