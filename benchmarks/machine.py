"""What the figures were measured on, and which core is whose."""

import os
import platform
import sqlite3
import sys
from importlib.metadata import version


def divide_cores() -> int | None:
    """Leave one core to the bot and take the others ourselves (and databases that we start); returns the bot's core.

    None where there is one core only, or a system that does not let processes be tied to one.
    """
    if not hasattr(os, "sched_setaffinity"):
        return None
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return None
    os.sched_setaffinity(0, cores[:-1])
    return cores[-1]


def describe(core: int | None) -> dict[str, str]:
    """Name -> fact, in the order in which they are printed."""
    placed = "not tied to a core" if core is None else f"tied to core {core}, customers and services on the others"
    return {
        "Machine": f"{os.cpu_count()} cores ({_processor()}), {platform.system()} {platform.release()}",
        "Python": f"{sys.version.split()[0]}, aiohttp {version('aiohttp')}",
        "Event loop": "asyncio's own for the bare handler; what Afterchat runs on for Afterchat (uvloop here)",
        "SQLite": f"{sqlite3.sqlite_version}, WAL",
        "Bot": f"one process, {placed}",
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123
            return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
