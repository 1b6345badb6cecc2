"""Changes of real files, saved in all the ways in which editors and volumes save them."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.config.sources import Sources
from bot.live.watching import Watch

SECONDS = 20.0


class Seen:
    """What a watch has yielded so far."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.all: list[Sources] = []
        self._more = asyncio.Event()

    async def collect(self) -> None:
        async for sources in self.watch.news():
            self.all.append(sources)
            self._more.set()

    async def until(self, holds: Callable[[Sources], bool]) -> Sources:
        async with asyncio.timeout(SECONDS):
            while not (self.all and holds(self.all[-1])):
                self._more.clear()
                await self._more.wait()
        return self.all[-1]

    async def text(self, text: str) -> Sources:
        return await self.until(lambda sources: sources.root.body.decode() == text)


@asynccontextmanager
async def watched(path: Path, *, every: float = 0.1, still: float = 0.2) -> AsyncIterator[Seen]:
    seen = Seen(Watch(path, every=every, still=still))
    task = asyncio.create_task(seen.collect())
    try:
        yield seen
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "config.toml"
    file.write_text("a = 1\n")
    return file


def by_rename(path: Path, text: str) -> None:
    beside = path.with_name(".config.toml.swp")
    beside.write_text(text)
    beside.replace(path)


def in_place(path: Path, text: str) -> None:
    path.write_text(text)


def by_backup(path: Path, text: str) -> None:
    path.rename(path.with_name("config.toml~"))
    path.write_text(text)


def same_size_and_time(path: Path, text: str) -> None:
    about = path.stat()
    path.write_text(text)
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))


@pytest.mark.parametrize("save", [by_rename, in_place, by_backup, same_size_and_time])
async def test_each_way_to_save_is_noticed(path: Path, save: Callable[[Path, str], None]) -> None:
    async with watched(path) as seen:
        await seen.text("a = 1\n")
        save(path, "a = 2\n")
        await seen.text("a = 2\n")
        save(path, "a = 3\n")
        await seen.text("a = 3\n")


async def test_what_is_reported_is_noticed_at_once(path: Path) -> None:
    async with watched(path, every=3600) as seen:
        await seen.text("a = 1\n")
        await asyncio.sleep(0.5)  # until the system listens
        by_rename(path, "a = 2\n")
        await seen.text("a = 2\n")


async def test_what_nobody_reports_is_noticed_too(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def deaf(*_paths: object, **_options: object) -> AsyncIterator[set[object]]:
        nothing: set[object]
        for nothing in ():
            yield nothing
        raise OSError("inotify limit reached")

    monkeypatch.setattr("bot.live.watching.awatch", deaf)
    async with watched(path) as seen:
        await seen.text("a = 1\n")
        in_place(path, "a = 2\n")
        await seen.text("a = 2\n")


async def test_a_file_that_is_written_in_two_halves_is_seen_whole(path: Path) -> None:
    async with watched(path, still=0.5) as seen:
        await seen.text("a = 1\n")
        with path.open("w") as file:
            for half in ("a = 2\n", "b = 3\n"):
                file.write(half)
                file.flush()
                await asyncio.sleep(0.1)
        await seen.text("a = 2\nb = 3\n")
        assert [sources.root.body for sources in seen.all] == [b"a = 1\n", b"a = 2\nb = 3\n"]


async def test_a_file_that_goes_and_comes_back(path: Path) -> None:
    async with watched(path) as seen:
        await seen.text("a = 1\n")
        path.unlink()
        gone = await seen.until(lambda sources: bool(sources.root.error))
        assert gone.root.error == "No such file or directory"
        path.write_text("a = 2\n")
        await seen.text("a = 2\n")


async def test_ten_quick_saves_are_one(path: Path) -> None:
    async with watched(path, still=0.5) as seen:
        await seen.text("a = 1\n")
        for number in range(10):
            by_rename(path, f"a = 1{number}\n")
            await asyncio.sleep(0.02)
        await seen.text("a = 19\n")
        assert len(seen.all) <= 3


async def test_a_volume_whose_link_is_put_elsewhere(tmp_path: Path) -> None:
    """As Kubernetes does it: config.toml -> ..data/config.toml, and ..data -> ..2026_1 is replaced as a whole."""

    def volume(name: str, text: str) -> None:
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.toml").write_text(text)
        fresh = tmp_path / "..data_tmp"
        fresh.symlink_to(name)
        fresh.replace(tmp_path / "..data")

    volume("..2026_1", "a = 1\n")
    (tmp_path / "config.toml").symlink_to("..data/config.toml")
    async with watched(tmp_path / "config.toml") as seen:
        await seen.text("a = 1\n")
        volume("..2026_2", "a = 2\n")
        await seen.text("a = 2\n")


async def test_a_folder_that_comes_later(tmp_path: Path) -> None:
    path = tmp_path / "later" / "config.toml"
    async with watched(path) as seen:
        await seen.until(lambda sources: bool(sources.root.error))
        path.parent.mkdir()
        path.write_text("a = 1\n")
        await seen.text("a = 1\n")


async def test_flow_files_that_come_change_and_go(path: Path) -> None:
    path.write_text('flow_files = ["flows/*.toml"]\n')
    flows = path.parent / "flows"
    async with watched(path) as seen:
        await seen.until(lambda sources: sources.unmatched == (0,))
        flows.mkdir()
        (flows / "a.toml").write_text("x = 1\n")
        await seen.until(lambda sources: [each.body for each in sources.flows] == [b"x = 1\n"])
        (flows / "a.toml").write_text("x = 2\n")
        (flows / "b.toml").write_text("y = 1\n")
        await seen.until(lambda sources: [each.body for each in sources.flows] == [b"x = 2\n", b"y = 1\n"])
        (flows / "a.toml").unlink()
        await seen.until(lambda sources: [each.name for each in sources.flows] == ["flows/b.toml"])


async def test_who_asks_gets_the_files_again(path: Path) -> None:
    async with watched(path) as seen:
        await seen.text("a = 1\n")
        count = len(seen.all)
        seen.watch.read_anew()
        await seen.until(lambda _: len(seen.all) > count)
        assert seen.all[-1] == seen.all[-2]


async def test_what_did_not_change_is_not_told(path: Path) -> None:
    async with watched(path) as seen:
        await seen.text("a = 1\n")
        (path.parent / "other.toml").write_text("b = 1\n")
        os.utime(path)
        await asyncio.sleep(1)
        assert len(seen.all) == 1
