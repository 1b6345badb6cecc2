"""The files that settings are read from, as they were at one moment: what is compared is what is read."""

import fnmatch
import glob
import hashlib
import os
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import msgspec

#: a file that is larger was not written by hand, and would hold everybody up
LARGEST = 1024 * 1024
#: more flow files than anybody writes, or more folders to look for them in: a pattern from the root of a disk
MOST_FILES = 500
MOST_FOLDERS = 10_000


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One file: ``Source(name="flows/nps.toml", body=b"…")``; ``error`` says why it could not be read, or nothing."""

    name: str
    body: bytes = b""
    error: str = ""


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """A config file and the flow files that it names, sorted, each once, whatever links lead to it.

    ``unmatched`` are places of patterns without files, ``boundless`` of those with more than we read, which then give
    none.
    """

    root: Source
    flows: tuple[Source, ...] = ()
    unmatched: tuple[int, ...] = ()
    boundless: tuple[int, ...] = ()
    #: the folders that there are in which a change of any of them shows
    folders: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Names what the files hold: 32 hexadecimal digits, the same wherever the same files lie."""
        told = msgspec.msgpack.encode([self.root, *self.flows, self.unmatched, self.boundless])
        return hashlib.blake2b(told, digest_size=16).hexdigest()


def gather(path: Path) -> Sources:
    """The files as they are now. Never raises: what cannot be read says so itself."""
    root, folder = _read(path, path.name), path.parent
    flows: list[Source] = []
    unmatched: list[int] = []
    boundless: list[int] = []
    folders = [str(folder)]
    own = os.path.realpath(path)
    seen = {own}
    for index, pattern in enumerate(_patterns(root.body)):
        folders.append(str(folder / _fixed(pattern)))
        try:
            matched = _matches(pattern, folder)
        except _TooMany:
            boundless.append(index)
            continue
        real = {name: os.path.realpath(folder / name) for name in matched}
        if not set(real.values()) - {own}:
            unmatched.append(index)
        folders += [str((folder / name).parent) for name in matched]
        for name in matched:
            if real[name] not in seen:
                seen.add(real[name])
                flows.append(_read(folder / name, name))
    return Sources(
        root=root,
        flows=tuple(sorted(flows, key=lambda each: each.name)),
        unmatched=tuple(unmatched),
        boundless=tuple(boundless),
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


class _TooMany(Exception):
    pass


def _matches(pattern: str, folder: Path) -> list[str]:
    """The files that a pattern names, from the folder of the config, with forward slashes; hidden ones are none."""
    # Not glob: "**" there follows links in circles, which takes for ever where two of them lead up.
    if not pattern or "\0" in pattern:
        return []
    *above, last = Path(pattern).parts or (".",)
    found = [""]
    for part in above:
        found = _below(found, folder) if part == "**" else _once(_named(found, part, folder), folder)
    if last == "**":
        found, last = _below(found, folder), "*"
    names = {os.path.normpath(name).replace(os.sep, "/") for name in _named(found, last, folder)}
    files = sorted(name for name in names if not (folder / name).is_dir())
    if len(files) > MOST_FILES:
        raise _TooMany
    return files


def _named(folders: list[str], part: str, root: Path) -> Iterator[str]:
    """What one part of a pattern names in some folders, be it a file, a folder, or a link that leads nowhere."""
    for each in folders:
        if glob.has_magic(part):
            names = fnmatch.filter(sorted(_inside(root / each)), part)
            yield from (os.path.join(each, name) for name in names if part[0] == "." or name[0] != ".")  # noqa: PTH118
        elif os.path.lexists(root / each / part):
            yield os.path.join(each, part)  # noqa: PTH118


def _inside(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208
    except (OSError, ValueError):
        return []


def _once(names: Iterator[str], root: Path) -> list[str]:
    """Those that are folders, each once, whatever links lead to it."""
    found: dict[str, str] = {}
    for name in names:
        if (root / name).is_dir():
            found.setdefault(os.path.realpath(root / name), name)
        if len(found) > MOST_FOLDERS:
            raise _TooMany
    return list(found.values())


def _below(folders: list[str], root: Path) -> list[str]:
    """Folders and all below them, each once; one that both a link and its own path lead to goes by its path."""
    found: dict[str, str] = {}
    ahead, links = folders, list[str]()
    while ahead or links:
        if not ahead:
            ahead, links = links, []
        here = [name for name in _once(iter(ahead), root) if os.path.realpath(root / name) not in found]
        found |= {os.path.realpath(root / name): name for name in here}
        if len(found) > MOST_FOLDERS:
            raise _TooMany
        next_ones = [name for name in _named(here, "*", root) if (root / name).is_dir()]
        links += [name for name in next_ones if (root / name).is_symlink()]
        ahead = [name for name in next_ones if not (root / name).is_symlink()]
    return list(found.values())


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
