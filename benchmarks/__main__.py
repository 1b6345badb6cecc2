"""``python -m benchmarks``: surveys through the Telegram webhook, Afterchat beside a bare handler, in one run.

Customer: ``/start survey``, a tap, some words; bot: the question, an answered tap and "why?", thanks, and for a score
of 6 or less an alert to the agents. 64 customers at once, on loopback. After every round all rows and messages are
checked; a bot that missed or doubled one has no figures.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec

from benchmarks import machine
from benchmarks.databases import Database, PostgresServer, SqliteFile
from benchmarks.figures import as_text, figures, ratios
from benchmarks.rounds import AT_ONCE, Contender, Failed, Round, run_round
from benchmarks.rows import AFTERCHAT, BARE

_BARE, _AFTERCHAT = "benchmarks.bots.bare", "benchmarks.bots.afterchat"
CONTENDERS = (
    Contender(
        name="bare-normal",
        title="bare aiohttp + sqlite3, NORMAL",
        module=_BARE,
        database="file",
        queries=BARE,
        synchronous="NORMAL",
    ),
    Contender(name="bare-full", title="bare aiohttp + sqlite3, FULL", module=_BARE, database="file", queries=BARE),
    Contender(
        name="sqlite",
        title="Afterchat, SQLite (FULL)",
        module=_AFTERCHAT,
        database="sqlite",
        queries=AFTERCHAT,
        edits=True,
    ),
    Contender(
        name="postgres",
        title="Afterchat, PostgreSQL",
        module=_AFTERCHAT,
        database="postgres",
        queries=AFTERCHAT,
        edits=True,
    ),
)
_BARE_NAMES = tuple(each.name for each in CONTENDERS if each.module == _BARE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print. Exit codes: 0 done, 1 a bot did not do its work."""
    options = _parser().parse_args(arguments)
    try:
        print(asyncio.run(_measure(options)))
    except Failed as failed:
        print(failed, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [each.name for each in CONTENDERS]
    parser.add_argument("--surveys", type=_positive, default=2000, metavar="N", help="in each round (default 2000)")
    parser.add_argument("--rounds", type=_positive, default=3, metavar="N", help="of each bot, by turns (default 3)")
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="BOT", help=f"of {', '.join(names)}")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


async def _measure(options: argparse.Namespace) -> str:
    chosen = [each for each in CONTENDERS if each.name in options.only]
    core = machine.divide_cores()
    facts = machine.describe(core)
    rounds: dict[str, list[Round]] = {each.name: [] for each in chosen}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="afterchat-benchmark-")))
        server = None
        if any(each.database == "postgres" for each in chosen):
            server = stack.enter_context(PostgresServer())
            facts["PostgreSQL"] = await server.describe()
        for number in range(1, options.rounds + 1):
            for each in chosen:
                print(f"round {number} of {options.rounds}: {each.title}", file=sys.stderr, flush=True)
                database = await _new_database(each, folder, server, number)
                rounds[each.name].append(await run_round(each, database, options.surveys, core))
    facts["Load"] = (
        f"{options.surveys} surveys a round, {AT_ONCE} customers at once; medians of {options.rounds} rounds"
    )
    measured = [figures(each.name, each.title, rounds[each.name]) for each in chosen]
    compared = ratios(measured, _BARE_NAMES)
    if options.json:
        return msgspec.json.encode({"facts": facts, "figures": measured, "ratios": compared}).decode()
    return as_text(measured, compared, facts)


async def _new_database(contender: Contender, folder: Path, server: PostgresServer | None, number: int) -> Database:
    name = f"{contender.name.replace('-', '_')}_{number}"
    if contender.database == "postgres":
        assert server is not None
        return await server.create(name)
    return SqliteFile(folder, name, as_url=contender.database == "sqlite")


if __name__ == "__main__":
    sys.exit(main())
