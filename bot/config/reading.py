"""Reading config.toml: every problem at once, each with file, line, key path, what is wrong and what would be right."""

import re
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path as FilePath
from urllib.parse import urlsplit

import msgspec

from bot.config.asking import Around, read_asking, read_flow_asking
from bot.config.channels import SECRET_LENGTH, kinds_of, read_channels, read_url
from bot.config.environment import Environment, SecretName, Wanted
from bot.config.followup import Surroundings, read_followup
from bot.config.positions import line_of, lines_of
from bot.config.proxies import read_proxies
from bot.config.sandbox import with_sandbox
from bot.config.settings import (
    DEFAULT_DATABASE,
    CommandSettings,
    DeliverySettings,
    SandboxSettings,
    ServerSettings,
    Settings,
    StorageSettings,
)
from bot.config.triggers import Beside, read_triggers
from bot.conversations.flow import Flow, pin
from bot.conversations.flow_toml import read_flows, unknown_to_commands
from bot.errors import ConfigError
from bot.languages import locales
from bot.toml_tables import LINE, Findings, Path, Table, did_you_mean, path_text

_DAY = timedelta(days=1)
_AT_LINE = re.compile(r" ?\(at (?:line (\d+), column \d+|end of document)\)$")


_DOTTED = re.compile(r"\s*([\w-]+)\.[\w-]+\s*=")
_BARE = re.compile(r"\s*([\w.-]+)\s*=\s*(.*)")
_SPAN_TEXT = re.compile(r"\d+ ?[smhd]\s*$")
_QUOTES = "“”„‘’«»'\""
_FLAGS = {"yes": "true", "on": "true", "true": "true", "no": "false", "off": "false", "false": "false"}


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

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: {self.path}: " if self.path else f"{self.file}:{self.line}: "
        return f"{place}{self.wrong}{f'. {self.right}' if self.right else ''}"


def load(path: FilePath | str, environ: Mapping[str, str], *, sandbox: bool = False) -> Settings:
    """The settings of a file, with its [sandbox] block applied if asked for. Raises ConfigError with every problem."""
    settings, problems, _ = _read(FilePath(path), environ)
    if problems:
        raise ConfigError("\n".join(str(problem) for problem in problems))
    return with_sandbox(settings) if sandbox else settings


def check(path: FilePath | str, environ: Mapping[str, str]) -> list[Problem]:
    """Everything that is wrong with a file, in the order of its lines; an empty list if it can be used."""
    return _read(FilePath(path), environ)[1]


def secrets_named(path: FilePath | str) -> tuple[SecretName, ...]:
    """The environment variables that a file takes secrets from, set or not; empty for a file that cannot be read."""
    return tuple(_read(FilePath(path), {})[2])


def _read(path: FilePath, environ: Mapping[str, str]) -> tuple[Settings, list[Problem], list[SecretName]]:
    environment = Environment(environ)
    try:
        # Editors on Windows put a byte order mark before the text.
        text = path.read_bytes().decode("utf-8-sig")
        data = tomllib.loads(text)
    except OSError as error:
        wrong = f"cannot be read: {error.strerror or 'no such file'}"
        return _NOTHING, [Problem(file=path.name, line=1, path="", wrong=wrong)], []
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        return (
            _NOTHING,
            [Problem(file=path.name, line=line, path="", wrong="is not UTF-8", right="Save it as UTF-8.")],
            [],
        )
    except RecursionError:
        return _NOTHING, [Problem(file=path.name, line=1, path="", wrong="is nested too deeply")], []
    except ValueError as error:
        return _NOTHING, [_syntax(path.name, text, error)], []
    findings = Findings()
    settings = _settings(Table(data, (), findings), environment)
    lines = lines_of(text) if findings else {}
    problems = [
        Problem(
            file=path.name,
            line=line_of(finding.path, lines),
            path=path_text(finding.path),
            wrong=finding.wrong.replace(LINE, str(line_of(finding.beside, lines)) if finding.beside else LINE),
            right=finding.right,
        )
        for finding in findings
    ]
    return settings, sorted(problems, key=lambda problem: problem.line), environment.named


_NOTHING = Settings(company="")


def _syntax(file: str, text: str, error: ValueError) -> Problem:
    message = str(error)
    found = _AT_LINE.search(message)
    line = int(found[1]) if found and found[1] else max(len(text.splitlines()), 1) if found else 1
    wrong = _AT_LINE.sub("", message)
    source = text.splitlines()[line - 1] if text else ""
    right = _toml_advice(wrong, source)
    return Problem(file=file, line=line, path="", wrong=f"is no TOML: {wrong[:1].lower()}{wrong[1:]}", right=right)


def _toml_advice(wrong: str, source: str) -> str:
    """What is most often meant by a line that is no TOML; nothing where one cannot tell."""
    dotted, bare = _DOTTED.match(source), _BARE.match(source)
    if wrong == "Cannot overwrite a value" and dotted is not None:
        key = dotted[1]
        return f"A key has one text, or one for each language: write {key}.en = … and {key}.it = …, each once."
    if wrong == "Cannot overwrite a value" and bare is not None:
        return f"There is a {bare[1]} above: keep one of them."
    if wrong == "Invalid value" and bare is not None:
        key, value = bare[1], bare[2].strip()
        if not value:
            return f"Write a value after {key} =, or put # before the line."
        if value.startswith("#"):
            return f'Outside of quotes # begins a comment: write {key} = "{value[:40]}".'
        if value.lower() in _FLAGS:
            return f"Write {key} = {_FLAGS[value.lower()]}."
        return f'Texts stand in straight quotes: write {key} = "{value.strip(_QUOTES)[:40]}".'
    if wrong.startswith("Expected newline or end of document") and bare is not None and _SPAN_TEXT.match(bare[2]):
        return f'Texts stand in quotes: write {bare[1]} = "{bare[2].strip().replace(" ", "")}".'
    return ""


def _settings(root: Table, environment: Environment) -> Settings:
    company = root.text("company", example='company = "…", the name that customers know')
    server = _server(root, environment)
    storage = _storage(root, environment)
    channels = read_channels(root, environment, public_url=server.public_url)
    kinds = kinds_of(root)
    asking = read_asking(_block(root, "asking"))
    flows = _flows(root, tuple(kinds))
    followup = read_followup(root, Surroundings(flows=flows, kinds=kinds, time_zone=asking.time_zone))
    live = {name: on for name, (_, on) in kinds.items()}
    flow_asking = read_flow_asking(root, Around(flows=flows, channels=live, asking=asking))
    _report_no_packs(root)
    triggers = read_triggers(root, environment, Beside(flows=[flow.id for flow in flows], channels=live))
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
        commands=commands,
        delivery=delivery,
        triggers=triggers,
        flows=tuple(pin(flow) for flow in flows),
        flow_asking=flow_asking,
        sandbox=sandbox,
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


def _flows(root: Table, channels: tuple[str, ...]) -> list[Flow]:
    tables = root.tables("flow")
    if not tables and not root.findings.under(("flow",)):
        root.report("flow", "is missing", "Add a [[flow]] with its questions.")
    return read_flows(tables, channels)


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


def _commands(root: Table, flows: list[Flow]) -> CommandSettings | None:
    table = root.table("commands")
    if table is None:
        return None
    feedback = table.text("feedback", example='feedback = "…", the id of a flow')
    start = table.texts("start", ())
    places: dict[Path, str] = {(*table.path, "feedback"): feedback}
    places |= {(*table.path, "start", index): id for index, id in enumerate(start)}
    ids = [flow.id for flow in flows]
    for path, id in places.items():
        if id and id not in ids and not (root.findings.under(("flow",)) and not ids):
            table.findings.add(path, f"there is no flow '{id[:60]}'", did_you_mean(id, ids))
    for index, flow in enumerate(flows):
        for where, name in unknown_to_commands(flow) if flow.id in places.values() else ():
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
    return sandbox
