"""``afterchat explain`` and ``afterchat simulate``: why somebody was or was not asked, and who would have been."""

import argparse
import sys
from collections.abc import Callable
from datetime import datetime, timedelta

from bot.app import real_clock
from bot.commands.places import add_place, count, settings_and_database, span
from bot.config import Settings
from bot.conversations.invitations import PastSurvey
from bot.conversations.simulation import Simulation
from bot.intake.anonymity import keyed
from bot.languages import say
from bot.ports import Decision, DecisionQuery, Ledger, Outcome, Read
from bot.reports.explaining import ENGLISH, agents_zone, explain_all, language_line, shown
from bot.reports.figures import json_for_terminal
from bot.reports.simulation import SimulationReport, Tally, settings_of, simulation_text, trigger_of
from bot.storage import Storage, open_storage
from bot.web.decisions_api import told_decision

#: after how many triggers the line of progress is written anew
_STEP = 200


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Join both commands to the parser."""
    why = commands.add_parser("explain", help="why somebody was or was not asked, the newest first")
    why.add_argument(
        "about",
        type=_name,
        help="a customer (the company's reference or our id), the reference of a conversation or order, an address "
        "key, or CHANNEL:KEY",
    )
    add_place(why)
    why.add_argument("--limit", type=count, default=10, help="how many at most (default 10)")
    why.set_defaults(run=_explain)

    simulated = commands.add_parser(
        "simulate", help="who would have been asked with the settings at hand; nothing is written"
    )
    add_place(simulated)
    simulated.add_argument(
        "--since", type=span, default=timedelta(days=30), metavar="30d", help="what was told this long ago and later"
    )
    simulated.set_defaults(run=_simulate)


def _name(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("name a customer, a conversation, an order or an address")
    return text


# ---- explain ------------------------------------------------------------------------------------------------


async def _explain(options: argparse.Namespace) -> int:
    settings, url = settings_and_database(options)
    storage = await open_storage(url, clock=real_clock)
    try:
        found = await _about(options.about.strip(), options.limit + 1, storage, settings)
        known = found or await _is_known(options.about.strip(), storage, settings)
        language = await _language(found, storage)
    finally:
        await storage.close()
    zone = agents_zone(settings)
    listed = found[: options.limit]
    if options.json:
        print(json_for_terminal([told_decision(each, voice=ENGLISH, zone=zone) for each in listed]))
    elif listed:
        print("\n".join(filter(None, (explain_all(listed, zone=zone), language))))
    if not found:
        print(_nothing(options.about, known=bool(known)), file=sys.stderr)
        return 1
    if len(found) > options.limit:
        print(f"There are more than these {options.limit}; see --limit.", file=sys.stderr)
    return 0


async def _about(name: str, limit: int, storage: Storage, settings: Settings) -> list[Decision]:
    found = list(await storage.ledger.list(DecisionQuery(about=name, limit=limit)))
    if found or not settings.asking.anonymous:
        return found
    return list(await storage.ledger.list(DecisionQuery(about=_kept_as(name, storage, settings), limit=limit)))


def _kept_as(name: str, storage: Storage, settings: Settings) -> str:
    """A customer's reference as it is kept: where no names are, only what stands for it."""
    return keyed(storage.key_for("references"))(name) if settings.asking.anonymous else name


async def _is_known(name: str, storage: Storage, settings: Settings) -> bool:
    read = Read(known_as=_kept_as(name, storage, settings))
    known = await storage.run(read, lambda facts: Outcome(ref="" if facts.namesake is None else "known"))
    return bool(known.ref)


async def _language(found: list[Decision], storage: Storage) -> str:
    """The language that the customer of the newest decision writes, if that is how it is known."""
    there = next((each.address for each in found if each.address.key), None)
    if there is None:
        return ""
    told = await storage.run(Read(address=there), lambda facts: Outcome(ref=language_line(facts.customer)))
    return told.ref


def _nothing(name: str, *, known: bool) -> str:
    if known:
        return say("en", "explain.never", query=shown(name))
    hint = (
        "'afterchat simulate --since 30d' counts what was told; 'afterchat trouble' has what could not be understood."
    )
    return f"{say('en', 'explain.nothing', query=shown(name))}\n{hint}"


# ---- simulate -----------------------------------------------------------------------------------------------


async def _simulate(options: argparse.Namespace) -> int:
    settings, url = settings_and_database(options)
    storage = await open_storage(url, clock=real_clock)
    try:
        now = real_clock()
        report = await simulate(storage.ledger, settings, now - options.since, now, _progress(sys.stderr.isatty()))
    finally:
        await storage.close()
    print(json_for_terminal(report) if options.json else simulation_text(report))
    return 0


async def simulate(
    ledger: Ledger, settings: Settings, since: datetime, now: datetime, progress: Callable[[int, int], None]
) -> SimulationReport:
    """Decide everything since then anew, reading a page at a time; ``progress`` is told how many of how many."""
    total = await ledger.count(since)
    longest = max(settings.asking.cool_down, settings.asking.cool_down_nps, *_own_cool_downs(settings))
    past = await ledger.shown(since - longest)
    zones = {str(customer): zone for customer, zone in (await ledger.time_zones()).items()}
    simulation = Simulation(
        settings_of(settings),
        {who: [PastSurvey(flow=s.flow, is_nps=s.is_nps, at=s.at) for s in each] for who, each in past.items()},
    )
    tally, done = Tally(), 0
    async for decision in ledger.replay(since):
        trigger = trigger_of(decision, zones)
        if trigger is not None:
            for simulated in simulation.take(trigger):
                tally.add(simulated)
        done += 1
        if done % _STEP == 0 or done == total:
            progress(done, total)
    for simulated in simulation.finish(now):
        tally.add(simulated)
    return tally.report(since, now)


def _own_cool_downs(settings: Settings) -> list[timedelta]:
    return [timedelta(0), *(own.cool_down for own in settings.flow_asking.values())]


def _progress(shows: bool) -> Callable[[int, int], None]:
    """Writes one line anew, where somebody looks at it."""

    def tell(done: int, total: int) -> None:
        if shows:
            end = "\n" if done >= total else ""
            print(f"\r{done:,} of {total:,} triggers ({100 * done // max(total, 1)} %)", end=end, file=sys.stderr)

    return tell
