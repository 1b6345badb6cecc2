"""``afterchat panel``: who is on the advisory panel; export them, invite them to a flow or a talk, let them leave."""

import argparse
import csv
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bot.app import ids_of, real_clock
from bot.commands.places import add_place, count, settings_and_database
from bot.commands.talks import read_talk
from bot.config import Settings
from bot.conversations.dealings import Ended, Told
from bot.conversations.flow import PinnedFlow
from bot.errors import AfterchatError, ConfigError
from bot.ids import FlowHash
from bot.intake import Intake
from bot.intake.anonymity import keyed
from bot.intake.panel import Talk
from bot.ports import LeavePanel, ListedMember, Outcome, Read
from bot.reports.figures import harmless, json_for_terminal
from bot.reports.panel import COLUMNS, ToldMember, cells, panel_table, told_member
from bot.storage import Storage, open_storage
from bot.toml_tables import did_you_mean

_LONGEST_NAME = 60


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Join the command to the parser."""
    panel = commands.add_parser("panel", help="the advisory panel: list, export, invite, remove")
    add_place(panel, None)
    panel.add_argument("--left", action="store_true", help="those who left, instead")
    panel.set_defaults(run=_list)
    more = panel.add_subparsers(metavar="export | invite | remove")

    export = more.add_parser("export", help="write the members to a .csv or .jsonl file")
    export.add_argument("file", type=Path, help="where to; its ending says how")
    export.add_argument("--left", action="store_true", default=argparse.SUPPRESS, help="those who left, instead")
    add_place(export, argparse.SUPPRESS)
    export.set_defaults(run=_export)

    invite = more.add_parser("invite", help="invite members to a flow or to a talk, each once")
    invite.add_argument("name", help="what this invitation is called: repeated under one name, nobody is invited twice")
    what = invite.add_mutually_exclusive_group(required=True)
    what.add_argument("--flow", help="ask them this flow; cool-downs do not count, quiet hours do")
    what.add_argument("--talk", type=Path, metavar="FILE", help="a TOML file with text.<language>, link and button")
    invite.add_argument("--only", action="append", default=[], metavar="MEMBER", help="only this one; may be repeated")
    invite.add_argument("--language", help="only those of this language")
    invite.add_argument("--channel", help="only those on this channel")
    invite.add_argument("--most", type=count, metavar="N", help="no more than this many, who joined first come first")
    invite.add_argument("--dry-run", action="store_true", help="say who would be invited, and write nothing")
    add_place(invite, argparse.SUPPRESS)
    invite.set_defaults(run=_invite)

    remove = more.add_parser("remove", help="end a membership")
    remove.add_argument("member", help="the customer's reference or id, as the list shows it")
    add_place(remove, argparse.SUPPRESS)
    remove.set_defaults(run=_remove)


async def _list(options: argparse.Namespace) -> int:
    _, members = await _members(options)
    if options.json:
        print(json_for_terminal(members))
        return 0
    print(panel_table(members))
    if members and not options.left:
        print(f"\nOn the panel: {len(members)}")
    return 0


async def _export(options: argparse.Namespace) -> int:
    form = options.file.suffix.lower()
    if form not in (".csv", ".jsonl"):
        raise ConfigError(f"{options.file}: name a file that ends in .csv or .jsonl")
    _, members = await _members(options)
    try:
        if form == ".csv":
            # With the mark that tells spreadsheets that this is UTF-8.
            with options.file.open("w", encoding="utf-8-sig", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(COLUMNS)
                writer.writerows(cells(member) for member in members)
        else:
            options.file.write_bytes(b"".join(msgspec.json.encode(member) + b"\n" for member in members))
    except OSError as error:
        raise AfterchatError(f"{options.file} cannot be written: {error.strerror}") from error
    print(f"{options.file}: {len(members)} members")
    return 0


async def _members(options: argparse.Namespace) -> tuple[Settings, list[ToldMember]]:
    settings, url = settings_and_database(options)
    storage = await open_storage(url, clock=real_clock)
    try:
        return settings, [told for _, told in await _told(storage, left=bool(options.left))]
    finally:
        await storage.close()


async def _told(storage: Storage, *, left: bool = False) -> list[tuple[ListedMember, ToldMember]]:
    versions: dict[FlowHash, PinnedFlow | None] = {}
    found = await storage.panel.members(left=left)
    for version in {each.member.version for each in found}:
        versions[version] = await storage.flow_version(version)
    return [(each, told_member(each, versions[each.member.version])) for each in found]


# ---- invite -------------------------------------------------------------------------------------------------


async def _invite(options: argparse.Namespace) -> int:
    settings, url = settings_and_database(options)
    name = options.name.strip()
    if not name or len(name) > _LONGEST_NAME:
        raise ConfigError(f"name the invitation in 1 to {_LONGEST_NAME} characters")
    talk = None if options.talk is None else read_talk(options.talk, name, settings.company)
    flow = None if options.flow is None else _flow(options.flow, settings)
    storage = await open_storage(url, clock=real_clock)
    try:
        chosen = _chosen(await _told(storage), options)
        if options.dry_run:
            print(panel_table([told for _, told in chosen]))
            print(f"\nWould be invited: {sum(not told.state for _, told in chosen)}")
            return 0
        await storage.activate_flows(settings.flows, real_clock())
        outcomes = Counter[str]()
        intake = _intake(settings, storage)
        for listed, told in chosen:
            outcome = await _invited(listed, told, intake, talk, flow, name)
            outcomes[outcome] += 1
            print(f"{harmless(told.member, lines=False)}: {outcome}")
    finally:
        await storage.close()
    print(f"\n{', '.join(f'{outcome}: {n}' for outcome, n in sorted(outcomes.items())) or 'Nobody is on the panel.'}")
    return 0


def _flow(id: str, settings: Settings) -> PinnedFlow:
    """The flow to invite to; variants are given by lot, and cannot be asked for."""
    known = {pinned.flow.id: pinned for pinned in settings.askable()}
    if id in known:
        return known[id]
    variant = settings.flow(id)
    if variant is not None:
        base = variant.flow.variant_of
        raise ConfigError(
            f"{id!r} is a variant of {base!r}. Write --flow {base}: its share of those invited get {id!r}."
        )
    raise ConfigError(f"there is no flow {id!r}. {did_you_mean(id, tuple(known))}")


def _intake(settings: Settings, storage: Storage) -> Intake:
    pseudonym = keyed(storage.key_for("references"))
    return Intake(
        store=storage, settings=lambda: settings, clock=real_clock, ids=ids_of(real_clock), pseudonym=pseudonym
    )


def _chosen(
    members: Sequence[tuple[ListedMember, ToldMember]], options: argparse.Namespace
) -> list[tuple[ListedMember, ToldMember]]:
    unknown = [each for each in options.only if not any(each in (told.member, told.customer) for _, told in members)]
    if unknown:
        raise ConfigError(f"{unknown[0]!r} is not on the panel; 'afterchat panel' lists who is")
    found = [
        (listed, told)
        for listed, told in members
        if (not options.only or told.member in options.only or told.customer in options.only)
        and (not options.language or options.language in (told.language, told.language.partition("-")[0]))
        and (not options.channel or told.channel == options.channel)
    ]
    return found[: options.most]


async def _invited(
    listed: ListedMember, told: ToldMember, intake: Intake, talk: Talk | None, flow: PinnedFlow | None, name: str
) -> str:
    """What became of inviting one member, in words."""
    if told.state:
        # not even told of it: once nothing stands in the way any more, the same name may invite them
        return f"not invited, {told.state}"
    if talk is not None:
        return _in_words(await intake.invite(talk, listed.member))
    telling = Told(
        source="panel",
        reference=f"{name}:{listed.member.customer}",
        event=f"{name}:{listed.member.customer}",
        happening=Ended(),
        flow="" if flow is None else flow.flow.id,
        address=listed.member.address,
    )
    return _in_words(await intake.tell(telling, "panel"))


def _in_words(outcome: Outcome) -> str:
    said = outcome.said
    match said.kind:
        case "asked":
            return "invited"
        case "deferred":
            return "invited" if not said.text[:4].isdigit() else f"invited, to be sent at {said.text}"
        case "duplicate":
            return "invited before"
        case _:
            return "invited before" if said.text == "reported before" else f"not invited, {said.text}"


# ---- remove -------------------------------------------------------------------------------------------------


async def _remove(options: argparse.Namespace) -> int:
    _, url = settings_and_database(options)
    storage = await open_storage(url, clock=real_clock)
    try:
        found = [
            each
            for each in await storage.panel.members()
            if options.member in (each.customer.reference, each.customer.id)
        ]
        if not found:
            print(f"{options.member!r} is not on the panel; 'afterchat panel' lists who is.", file=sys.stderr)
            return 1
        member = found[0].member
        left = LeavePanel(customer=member.customer, by="company", at=real_clock())
        await storage.run(Read(address=member.address), lambda _: Outcome(writes=(left,)))
    finally:
        await storage.close()
    print(f"{harmless(options.member, lines=False)} is no longer on the panel")
    return 0
