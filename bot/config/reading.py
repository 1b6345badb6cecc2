"""Reading config.toml: every problem at once, each with file, line, key path, what is wrong and what would be right."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path as FilePath
from urllib.parse import urlsplit

import msgspec

from bot.config.asking import Around, read_asking, read_flow_asking
from bot.config.channels import SECRET_LENGTH, kinds_of, read_channels, read_url
from bot.config.considered import Consider, add_considered
from bot.config.environment import Environment, SecretName, Wanted
from bot.config.followup import Surroundings, read_followup
from bot.config.joining import Joined
from bot.config.proxies import read_proxies
from bot.config.sandbox import SHORTENED, with_sandbox
from bot.config.settings import (
    DEFAULT_DATABASE,
    CommandSettings,
    DeliverySettings,
    OpsSettings,
    SandboxSettings,
    ServerSettings,
    Settings,
    StorageSettings,
)
from bot.config.slack_names import read_room, read_slack
from bot.config.sources import MOST_FILES, MOST_FOLDERS, Sources, gather
from bot.config.syntax import Mistake, parse
from bot.config.triggers import Beside, read_triggers
from bot.conversations.flow import Flow, pin
from bot.conversations.flow_toml import read_flows, unknown_to_commands
from bot.conversations.sentences_toml import read_sentences
from bot.errors import ConfigError
from bot.languages import locales
from bot.languages.voice import Sentences
from bot.toml_tables import LINE, Finding, Findings, Path, Severity, Table, did_you_mean, path_text

_DAY = timedelta(days=1)
#: far more than anybody asks; each takes some milliseconds to read, at every change of a file
MOST_FLOWS = 500


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a config file.

    ``str()`` gives "config.toml:12: flow[0].question[1].when.question: there is no question 'scor'. Did you mean
    'score'?"
    """

    file: str
    line: int
    path: str
    wrong: str
    right: str = ""
    severity: Severity = "error"

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: {self.path}: " if self.path else f"{self.file}:{self.line}: "
        mark = "warning: " if self.severity == "warning" else ""
        return f"{place}{mark}{self.wrong}{f'. {self.right}' if self.right else ''}"


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in some files. With errors among the problems, nothing of the settings may be used."""

    settings: Settings
    problems: tuple[Problem, ...] = ()
    #: the environment variables that secrets are taken from, set or not
    secrets: tuple[SecretName, ...] = ()

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity == "warning")


def load(path: FilePath | str, environ: Mapping[str, str], *, sandbox: bool = False) -> Settings:
    """The settings of a file, changed as its [sandbox] says if asked for. Raises ConfigError with every error."""
    reading = read(gather(FilePath(path)), environ)
    if reading.errors:
        raise ConfigError("\n".join(str(problem) for problem in reading.errors))
    return with_sandbox(reading.settings) if sandbox else reading.settings


def check(path: FilePath | str, environ: Mapping[str, str], consider: Consider | None = None) -> list[Problem]:
    """Everything that is wrong with a file and its flow files, file by file in the order of their lines.

    Without errors among it they can be used. ``consider`` looks at the settings as a whole, for what is hardly meant.
    """
    return list(read(gather(FilePath(path)), environ, consider).problems)


def secrets_named(path: FilePath | str) -> tuple[SecretName, ...]:
    """The environment variables that a file takes secrets from, set or not; empty for a file that cannot be read."""
    return read(gather(FilePath(path)), {}).secrets


def read(sources: Sources, environ: Mapping[str, str], consider: Consider | None = None) -> Reading:
    """The settings of files that were gathered, with every problem; ``consider`` as in ``check``."""
    root = parse(sources.root)
    if isinstance(root, Mistake):
        problem = Problem(file=root.name, line=root.line, path="", wrong=root.wrong, right=root.right)
        return Reading(settings=_NOTHING, problems=(problem,))
    environment, findings = Environment(environ), Findings()
    joined = Joined(root, [parse(source) for source in sources.flows], findings)
    for index in sources.unmatched:
        right = f"It is looked for from the folder of {root.name}."
        findings.add(("flow_files", index), "there is no such file", right)
    for index in sources.boundless:
        right = f"Name the folder of the flows: at most {MOST_FILES:,} files are read, from {MOST_FOLDERS:,} folders."
        findings.add(("flow_files", index), "there are too many files, or folders to look for them in", right)
    table = Table(joined.data, (), findings)
    settings = read_settings(table, environment)
    if consider is not None:
        add_considered(table, settings, consider)
    problems = sorted(
        (_problem(finding, joined) for finding in findings), key=lambda each: (joined.order(each.file), each.line)
    )
    if findings.more:
        wrong = f"and there is more that is wrong, in {findings.more:,} places"
        problems.append(Problem(file=root.name, line=1, path="", wrong=wrong, right="Mend these first."))
    return Reading(settings=settings, problems=tuple(problems), secrets=tuple(environment.named))


_NOTHING = Settings(company="")


def _problem(finding: Finding, joined: Joined) -> Problem:
    file, line, path = joined.place(finding.path)
    wrong = finding.wrong
    if finding.beside:
        other, beside, _ = joined.place(finding.beside)
        wrong = wrong.replace(LINE, str(beside) if other == file else f"{beside} of {other}")
    return Problem(
        file=file, line=line, path=path_text(path), wrong=wrong, right=finding.right, severity=finding.severity
    )


def read_settings(root: Table, environment: Environment) -> Settings:
    """The settings of a parsed file; whole and right only if no error was found."""
    # Which files they are was known before; here it is said that each is a text.
    root.texts("flow_files", ())
    company = root.text("company", example='company = "…", the name that customers know')
    server = _server(root, environment)
    storage = _storage(root, environment)
    channels = read_channels(root, environment, public_url=server.public_url)
    kinds = kinds_of(root)
    asking = read_asking(_block(root, "asking"))
    sentences = read_sentences(root)
    flows = _flows(root, tuple(kinds), sentences)
    followup = read_followup(root, Surroundings(flows=flows, kinds=kinds, time_zone=asking.time_zone))
    live = {name: on for name, (_, on) in kinds.items()}
    flow_asking = read_flow_asking(root, Around(flows=flows, channels=live, asking=asking))
    _report_no_packs(root)
    triggers = read_triggers(root, environment, Beside(flows=_askable(flows), channels=live))
    ops = _ops(root, kinds)
    commands = _commands(root, flows)
    delivery = _delivery(root)
    sandbox = _sandbox(root)
    root.finish()
    return Settings(
        company=company,
        server=server,
        storage=storage,
        channels=channels,
        asking=asking,
        followup=followup,
        ops=ops,
        commands=commands,
        delivery=delivery,
        triggers=triggers,
        flows=tuple(pin(flow) for flow in flows),
        flow_asking=flow_asking,
        sandbox=sandbox,
        sentences=sentences,
    )


def _block(root: Table, key: str) -> Table:
    """A table of the file, or an empty one, whose settings then have their defaults."""
    return root.table(key) or Table({}, (key,), root.findings)


def _server(root: Table, environment: Environment) -> ServerSettings:
    table, default = _block(root, "server"), ServerSettings()
    listed = environment.secret(table, Wanted(kind="server", key="api_keys", suggested="AFTERCHAT_API_KEYS"))
    keys = tuple(key.strip() for key in listed.split(",") if key.strip())
    if any(len(key) < SECRET_LENGTH for key in keys):
        table.report("api_keys", "holds a key that is too short", f"Use at least {SECRET_LENGTH} random characters.")
    server = ServerSettings(
        host=environment.setting(table, "host", default.host),
        port=table.whole("port", default.port, 0, 65_535),
        public_url=read_url(table, "public_url", default.public_url, environment),
        api_keys=keys,
        max_body=table.whole("max_body", default.max_body, 16_384, 67_108_864),
        trusted_proxies=read_proxies(table),
    )
    table.finish()
    return server


def _storage(root: Table, environment: Environment) -> StorageSettings:
    table = _block(root, "storage")
    from_file = isinstance(table.data.get("url"), str)
    url = environment.setting(table, "url", DEFAULT_DATABASE)
    try:
        parts = urlsplit(url)
        scheme, password = parts.scheme, parts.password or "password=" in parts.query
    except ValueError:
        scheme, password = "", None
    if password and from_file:
        right = 'Move the address to the environment and write url = { env = "AFTERCHAT_DATABASE_URL" }.'
        table.report("url", "a password does not belong in this file", right)
    elif scheme not in ("sqlite", "postgres", "postgresql") or "://" not in url:
        right = "Write sqlite:///folder/file.db or postgresql://user@host/database."
        table.report("url", "is no address of a database", right)
    elif scheme == "sqlite" and (parts.netloc or len(parts.path) < 2):
        table.report(
            "url", "names no file", "Write sqlite:///folder/file.db, or sqlite:////folder/file.db from the root."
        )
    table.finish()
    return StorageSettings(url=url)


def _flows(root: Table, channels: tuple[str, ...], sentences: Sentences) -> list[Flow]:
    tables = root.tables("flow")
    if not tables and not any(root.findings.under((key,)) for key in ("flow", "flow_files")):
        # Not ``miss``: flow files may have them all.
        root.report("flow", "is missing", "Add a [[flow]] with its questions.")
    if len(tables) > MOST_FLOWS:
        root.report("flow", f"there are {len(tables):,} flows", f"Keep at most {MOST_FLOWS:,} in use.")
    return read_flows(tables[:MOST_FLOWS], channels, sentences)


def _report_no_packs(root: Table) -> None:
    """Buttons, hints and the words that opt out come from language packs: without one they would be in English."""
    known = {tag.partition("-")[0] for tag in locales()}
    for table in root.tables("flow"):
        languages = table.data.get("languages")
        for index, tag in enumerate(languages if isinstance(languages, list) else ()):
            path = (*table.path, "languages", index)
            if isinstance(tag, str) and not root.findings.under(path) and tag.partition("-")[0] not in known:
                wrong = f"there is no language pack for '{tag[:40]}': buttons and replies would be in English"
                root.findings.add(path, wrong, f"There are packs for {', '.join(locales())}.")


def _ops(root: Table, kinds: Mapping[str, tuple[str, bool]]) -> OpsSettings | None:
    table = root.table("ops")
    if table is None:
        return None
    ops = OpsSettings(channel=read_slack(table, kinds, "remove [ops]"), room=read_room(table))
    table.finish()
    return ops


def _askable(flows: list[Flow]) -> list[str]:
    """The ids of the flows that commands and triggers may name: variants are given in place of these."""
    return [flow.id for flow in flows if flow.variant_of is None]


def _commands(root: Table, flows: list[Flow]) -> CommandSettings | None:
    table = root.table("commands")
    if table is None:
        return None
    feedback = table.text("feedback", example='feedback = "…", the id of a flow')
    start = table.texts("start", ())
    places: dict[Path, str] = {(*table.path, "feedback"): feedback}
    places |= {(*table.path, "start", index): id for index, id in enumerate(start)}
    ids = _askable(flows)
    for path, id in places.items():
        base = next((flow.variant_of for flow in flows if flow.id == id and flow.variant_of), None)
        if base is not None:
            wrong = f"'{id}' is a variant, which some of those get who are asked '{base}'"
            table.findings.add(path, wrong, f"Name '{base}'.")
        elif id and id not in ids and not (root.findings.under(("flow",)) and not ids):
            table.findings.add(path, f"there is no flow '{id[:60]}'", did_you_mean(id, ids))
    for index, flow in enumerate(flows):
        for where, name in unknown_to_commands(flow) if {flow.id, flow.variant_of} & set(places.values()) else ():
            wrong = f"a command starts this flow, and then {{{name}}} is not known"
            table.findings.add(("flow", index, *where), wrong, f"Say what stands in its place: {{{name}|…}}.")
    table.finish()
    return CommandSettings(feedback=feedback, start=start)


def _delivery(root: Table) -> DeliverySettings:
    table, default = _block(root, "delivery"), DeliverySettings()
    second = timedelta(seconds=1)
    delivery = DeliverySettings(
        attempts=table.whole("attempts", default.attempts, 1, 100),
        first_wait=table.duration("first_wait", default.first_wait, timedelta(hours=1), second),
        longest_wait=table.duration("longest_wait", default.longest_wait, _DAY, second),
        give_up_after=table.duration("give_up_after", default.give_up_after, 30 * _DAY, second),
        timeout=table.duration("timeout", default.timeout, timedelta(minutes=5), second),
        at_once=table.whole("at_once", default.at_once, 1, 1_000),
    )
    if delivery.first_wait > delivery.longest_wait:
        table.report("first_wait", "is longer than longest_wait")
    table.finish()
    return delivery


def _sandbox(root: Table) -> SandboxSettings:
    table = _block(root, "sandbox")
    sandbox = SandboxSettings(
        delay=table.maybe_duration("delay", 7 * _DAY),
        hold=table.maybe_duration("hold", timedelta(hours=1)),
        recovery=table.maybe_duration("recovery", 30 * _DAY),
        quiet_hours=table.flag("quiet_hours", True),
        cool_down=table.flag("cool_down", True),
        business_hours=table.flag("business_hours", True),
        rooms=table.flag("rooms", True),
        min_messages=table.maybe_whole("min_messages", 0, 1_000),
        sample=table.flag("sample", True),
    )
    table.finish()
    return sandbox if "sandbox" in root.data else SHORTENED
