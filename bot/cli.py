"""The command ``afterchat``: parse arguments, call, print. Nothing is decided here."""

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Coroutine, Sequence
from functools import partial
from typing import get_args

from bot import __version__
from bot.advice import consider
from bot.app import App, real_clock, report_of, run
from bot.commands import asking, links, panel, preview, schema, trying
from bot.commands.places import (
    EXAMPLE,
    SANDBOX,
    add_config,
    add_place,
    config_path,
    count,
    settings_and_database,
    span,
)
from bot.config import Settings, check, load
from bot.config.reading import read
from bot.demo import Demo, with_placeholders
from bot.errors import AfterchatError, ConfigError
from bot.followup.cases import PRIORITIES, CaseState
from bot.followup.templates import causes_or_default
from bot.ids import CaseId
from bot.live.settings import LiveSettings
from bot.ports import CaseQuery
from bot.reports import as_table, followup_table, make_followup_report
from bot.reports.case_text import case_text, cases_table
from bot.reports.cases import told_case, whole_case
from bot.reports.figures import json_for_terminal
from bot.reports.filters import unknown_filter
from bot.reports.trouble import Trouble, trouble_text
from bot.storage import open_storage
from bot.toml_tables import did_you_mean

#: set by people who want the real thing; the demo then steps aside
TOKENS = ("TELEGRAM_TOKEN", "SLACK_BOT_TOKEN")
#: these write addresses that hold tokens, or each tick
_QUIET = ("httpx", "httpcore", "apscheduler", "telegram", "slack_bolt", "slack_sdk", "aiohttp.access", "watchfiles")
_DIMENSIONS = ("channel", "language", "agent", "team", "tag")
_BY = "group by; cause only with --followup, agent, team and tag only without"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command. Exit codes: 0 done, 1 failed, 2 a mistake in the config or on the command line.

    141 (that of a pipe that was closed) where nobody reads on.
    """
    options = _parser().parse_args(arguments)
    _log(options)
    try:
        code = run(options.run(options))
        sys.stdout.flush()
    except BrokenPipeError:
        # who reads the output has read enough, as `head` does; the interpreter writes what is left when it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 141
    except ConfigError as error:
        print(error, file=sys.stderr)
        code = 2
    except AfterchatError as error:
        print(f"afterchat: {error}", file=sys.stderr)
        code = 1
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="afterchat", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--version", action="version", version=f"afterchat {__version__}")
    parser.add_argument("--log", choices=("debug", "info", "warning"), default="info", help="how much to log")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    serve = commands.add_parser("run", help="serve customers: the real thing, with the tokens in the environment")
    add_config(serve)
    serve.set_defaults(run=_run)

    demo = commands.add_parser("demo", help="try everything in a browser, with stand-ins for Telegram and Slack")
    add_config(demo, EXAMPLE)
    demo.add_argument("--port", type=int, help="port of the page (default 8090; 0 takes a free one)", default=8090)
    demo.add_argument("--speed", type=float, default=1.0, help="let the program's clock run this many times as fast")
    demo.add_argument("--sandbox", action="store_true", help="run the sandbox even where real tokens are set")
    demo.set_defaults(run=_demo)

    checked = commands.add_parser("check", help="report every mistake in the config, with file and line")
    add_config(checked)
    checked.add_argument("--strict", action="store_true", help="fail for warnings, too")
    checked.add_argument(
        "--no-secrets", action="store_true", help="as if all secrets were set: for whoever writes flows elsewhere"
    )
    checked.set_defaults(run=_check)

    report = commands.add_parser("report", help="print the figures: n, interval, small-n flags")
    add_config(report)
    report.add_argument("--database", help="address of the database, instead of the config's")
    report.add_argument("--sandbox", action="store_true", help=SANDBOX)
    report.add_argument("--json", action="store_true", help="print JSON")
    report.add_argument("--followup", action="store_true", help="the follow-up instead: who was won back, and how fast")
    report.add_argument("--by", default="all", choices=("all", *_DIMENSIONS, "cause"), help=_BY)
    report.add_argument(
        "--since", type=span, metavar="30d", help="only answers (or cases) of this long ago and later (m, h, d)"
    )
    report.add_argument("--flow", help="only this flow")
    report.set_defaults(run=_report)

    _add_cases(commands)
    asking.add(commands)
    links.add(commands)
    schema.add(commands)
    trying.add(commands)
    preview.add(commands)
    panel.add(commands)

    operator = commands.add_parser(
        "trouble", help="what an operator should look at: what waits, was given up, kept aside or miscounted"
    )
    add_config(operator)
    operator.add_argument("--database", help="address of the database, instead of the config's")
    operator.add_argument("--sandbox", action="store_true", help=SANDBOX)
    operator.add_argument("--limit", type=int, default=20, help="how many of each (default 20)")
    operator.set_defaults(run=_trouble)
    return parser


def _add_cases(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    cases = commands.add_parser("cases", help="the queue of unhappy customers: list it, or show one case")
    add_place(cases, None)
    for name, of in (("state", get_args(CaseState)), ("priority", PRIORITIES)):
        told = f"only these, several with commas: {', '.join(of)}"
        cases.add_argument(f"--{name}", type=partial(_several, of=of), default=(), help=told, metavar="A,B")
    for name in ("channel", "language", "flow", "team", "cause"):
        cases.add_argument(f"--{name}", default="", help=f"only of this {name}")
    cases.add_argument("--owner", default="", help="only this agent's, by name; - for cases that nobody has")
    cases.add_argument("--since", type=span, metavar="30d", help="only opened this long ago and later (m, h, d)")
    cases.add_argument("--limit", type=count, default=50, help="how many at most (default 50)")
    cases.set_defaults(run=_cases)
    more = cases.add_subparsers(metavar="show")
    show = more.add_parser("show", help="everything that is known of one case, its history included")
    show.add_argument("id", help="the id of the case")
    # Not given here means not given at all: these may stand before "show", too.
    add_place(show, argparse.SUPPRESS)
    show.set_defaults(run=_show_case)


def _several(text: str, of: Sequence[str]) -> tuple[str, ...]:
    found = tuple(each.strip() for each in text.split(",") if each.strip())
    for each in found:
        if each not in of:
            raise argparse.ArgumentTypeError(f"there is no {each!r}; choose from {', '.join(of)}")
    return found


def _log(options: argparse.Namespace) -> None:
    logging.basicConfig(
        level=getattr(logging, options.log.upper()),
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        stream=sys.stderr,
    )
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


# ---- run and demo -----------------------------------------------------------------------------------------


async def _run(options: argparse.Namespace) -> int:
    path, environ = config_path(options), dict(os.environ)
    settings = load(path, environ)
    told = _told_to_stop()
    app = await _unless(told, App.open(settings))
    if app is None:
        return 0
    try:
        await _started(app, settings)
        _read_anew_when_told(app.follow(path, lambda sources: read(sources, environ, consider)), told)
        print(f"afterchat serves on {settings.server.host}:{app.port} as {settings.server.public_url}", flush=True)
        for channel in settings.channels:
            print(f"  {channel.name}: {_where(channel, settings)}", flush=True)
        await told.wait()
        print("stopping", flush=True)
    finally:
        await app.stop()
    return 0


async def _unless(told: asyncio.Event, opening: Coroutine[object, object, App]) -> App | None:
    """What is opened, or None where we are told to stop first: a database may take its time to answer."""
    task, stop = asyncio.create_task(opening), asyncio.create_task(told.wait())
    await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if task.done():
        return await task
    task.cancel()
    await asyncio.wait({task}, timeout=5)
    return None


async def _started(app: App, settings: Settings) -> None:
    try:
        await app.start()
    except OSError as error:
        place = f"{settings.server.host}:{settings.server.port}"
        reason = error.strerror or str(error)
        raise AfterchatError(f"cannot listen on {place}: {reason}. Choose another [server] port.") from error


def _where(channel: object, settings: Settings) -> str:
    kind, name = type(channel).__name__.removesuffix("Settings"), getattr(channel, "name", "")
    mode = getattr(channel, "mode", "")
    if mode in ("polling", "socket"):
        return f"{kind}, {mode}"
    return f"{kind}, {settings.server.public_url}/channels/{name}"


def _told_to_stop() -> asyncio.Event:
    """Set by Ctrl-C and by a service manager's SIGTERM, from now on."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    return told


def _read_anew_when_told(live: LiveSettings, told: asyncio.Event) -> None:
    """SIGHUP reads the files at once, as people expect who know other servers; from a closed terminal it is the end."""
    if not hasattr(signal, "SIGHUP"):
        return
    in_terminal = sys.stdin is not None and sys.stdin.isatty()

    def hear() -> None:
        if in_terminal and not os.isatty(0):
            told.set()
        else:
            live.read_anew()

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hear)


async def _demo(options: argparse.Namespace) -> int:
    tokens = [name for name in TOKENS if os.environ.get(name)]
    if tokens and not options.sandbox:
        print(
            f"{' and '.join(tokens)} set: this starts the real thing with {config_path(options)}."
            " For the sandbox, add --sandbox.",
            flush=True,
        )
        return await _run(options)
    path = config_path(options)
    told = _told_to_stop()
    async with Demo.open(path, page_port=options.port, speed=options.speed) as demo:
        print(demo.greeting(), flush=True)
        await told.wait()
        print("stopping", flush=True)
    return 0


# ---- reports ----------------------------------------------------------------------------------------------


async def _check(options: argparse.Namespace) -> int:
    path = config_path(options)
    environ = with_placeholders(path, os.environ) if options.no_secrets else os.environ
    problems = check(path, environ, consider)
    for problem in problems:
        print(problem)
    errors = sum(problem.severity == "error" for problem in problems)
    counts = ((errors, "problem"), (len(problems) - errors, "warning"))
    told = " and ".join(f"{count} {what}{'s' if count != 1 else ''}" for count, what in counts if count)
    print(f"{told} in {path}" if told else f"{path} is in order")
    return 2 if errors or (problems and options.strict) else 0


async def _report(options: argparse.Namespace) -> int:
    if options.by in (("agent", "team", "tag") if options.followup else ("cause",)):
        print(f"--by {options.by} goes {'without' if options.followup else 'with'} --followup", file=sys.stderr)
        return 2
    settings, url = settings_and_database(options)
    if options.flow is not None and settings.flow(options.flow) is None:
        known = ", ".join(pinned.flow.id for pinned in settings.flows)
        print(
            f"There is no flow {options.flow!r} now; answers of an earlier one are shown. Known: {known}",
            file=sys.stderr,
        )
    storage = await open_storage(url, clock=real_clock)
    try:
        now = real_clock()
        if options.followup:
            since = None if options.since is None else now - options.since
            times = await storage.cases.times(since, None, options.flow)
            followup = make_followup_report(times, dimension=options.by)
            causes = settings.followup.causes if settings.followup else ()
            titles = {cause.id: cause.title for cause in causes_or_default(causes, settings.agents_voice())}
            print(json_for_terminal(followup) if options.json else followup_table(followup, titles))
        else:
            rows = await report_of(storage, settings, now, dimension=options.by, since=options.since, flow=options.flow)
            print(json_for_terminal(rows) if options.json else as_table(rows))
    finally:
        await storage.close()
    return 0


async def _cases(options: argparse.Namespace) -> int:
    settings, url = settings_and_database(options)
    now = real_clock()
    query = CaseQuery(
        states=options.state,
        priorities=options.priority,
        channel=options.channel,
        language=options.language,
        flow=options.flow,
        team=options.team,
        cause=options.cause,
        owner=options.owner,
        opened_since=None if options.since is None else now - options.since,
        limit=options.limit + 1,
    )
    storage = await open_storage(url, clock=real_clock)
    try:
        unknown = await unknown_filter(query, settings, storage.cases)
        found = [] if unknown else await storage.cases.list(query)
    finally:
        await storage.close()
    if unknown is not None:
        right = did_you_mean(unknown.value, unknown.known, " ").strip()
        print(f"{unknown.message} {right}".rstrip(), file=sys.stderr)
        return 2
    cases = [told_case(each, now) for each in found[: options.limit]]
    print(json_for_terminal(cases) if options.json else cases_table(cases))
    if len(found) > options.limit:
        print(f"There are more than these {options.limit}; see --limit.", file=sys.stderr)
    return 0


async def _show_case(options: argparse.Namespace) -> int:
    settings, url = settings_and_database(options)
    storage = await open_storage(url, clock=real_clock)
    try:
        view = await storage.cases.view(CaseId(options.id))
    finally:
        await storage.close()
    if view is None:
        print(f"There is no case {options.id!r}; 'afterchat cases' lists those that there are.", file=sys.stderr)
        return 1
    now = real_clock()
    whole = whole_case(view, settings, now)
    print(json_for_terminal(whole) if options.json else case_text(whole, now))
    return 0


async def _trouble(options: argparse.Namespace) -> int:
    _, url = settings_and_database(options)
    storage = await open_storage(url, clock=real_clock)
    try:
        found = Trouble(
            stuck=await storage.stuck(options.limit),
            backlog=await storage.backlog(),
            given_up=await storage.given_up(options.limit),
            aside=await storage.aside(options.limit),
            wrong=await storage.verify_counts(),
        )
    finally:
        await storage.close()
    print(trouble_text(found))
    return 1 if found.needs_somebody else 0
