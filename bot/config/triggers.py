"""The [triggers.<name>] blocks: helpdesks whose webhooks tell of their conversations."""

import base64
import binascii
import re
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import get_args
from urllib.parse import urlsplit

import msgspec

from bot.config.channels import SECRET_LENGTH
from bot.config.environment import Environment, Wanted
from bot.config.key_paths import parse_key_path
from bot.config.settings import TriggerKindName, TriggerSettings
from bot.messages import ChannelName
from bot.toml_journal import AnyText
from bot.toml_tables import Table, did_you_mean

KINDS: tuple[TriggerKindName, ...] = get_args(TriggerKindName)
#: helpdesks that sign nothing, or whose one secret comes as it is
_UNSIGNED: Mapping[TriggerKindName, str] = {
    "freshdesk": "Freshdesk",
    "liveagent": "LiveAgent",
    "rocketchat": "Rocket.Chat",
}
#: helpdesks that tell a status, or what the admin calls it
_BY_WORDS = ("zendesk", "freshdesk", "liveagent", "zammad", "generic")
#: what [triggers.<name>.fields] of a generic trigger may tell of a dealing, beside attributes
TOLD = ("reference", "event", "id", "at", "by", "messages", "human_answered", "started_by")
_PERSON = ("name", "locale", "time_zone")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_ATTRIBUTE = re.compile(r"[a-z][a-z0-9_]{0,39}")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,60}")
_BLANK = re.compile(r"\{([^{}]*)\}")
_EXAMPLE_PATH = 'Write it as in "ticket.requester.id" or "tags[0].name".'


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """What else of the file a trigger names: flows by their ids, and channels with whether they are switched on."""

    flows: Collection[str]
    channels: Mapping[str, bool]


def read_triggers(root: Table, environment: Environment, beside: Beside) -> tuple[TriggerSettings, ...]:
    """The triggers that are switched on, in the order of the file."""
    block = root.table("triggers")
    if block is None:
        return ()
    found = []
    for name in block.names(_NAME.pattern, "helpdesk"):
        table = block.table(name)
        if table is not None:
            trigger = _read(table, name, environment, beside)
            found += [trigger] if trigger is not None else []
    return tuple(found)


def _read(table: Table, name: str, environment: Environment, beside: Beside) -> TriggerSettings | None:
    if not _NAME.fullmatch(name):
        right = "Use at most 32 of a-z, 0-9, _ and -, and begin with a letter or digit: it ends the address."
        table.report("", f"'{name[:60]}' is no name for a trigger", right)
    kind = next((each for each in KINDS if each == table.one_of("kind", KINDS)), None)
    if kind is None:
        return None
    live = table.flag("enabled", True)
    secrets, signing = _secrets(table, kind, name, environment, live)
    channel, address = _channel(table, beside.channels)
    trigger = TriggerSettings(
        name=name,
        kind=kind,
        secrets=secrets,
        signing_secrets=signing,
        header=_header(table),
        flow=_flow(table, beside.flows),
        channel=channel,
        address=address,
        customer=_path(table, "customer"),
        proves_identity=table.flag("proves_identity", False),
        fields=_fields(table, kind),
        link=_link(table),
        ended=_words(table, "ended", kind),
        resumed=_words(table, "resumed", kind),
        spoke=_words(table, "spoke", kind),
        idle_after=table.maybe_duration("idle_after", timedelta(days=30), timedelta(minutes=1)),
    )
    _report_incomplete(table, trigger)
    table.finish()
    return trigger if live else None


# ---- secrets ----------------------------------------------------------------------------------------------


def _secrets(
    table: Table, kind: TriggerKindName, name: str, environment: Environment, live: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Shared secrets and those that sign; without either nobody could be believed."""
    shared, signs = table.has("secrets"), table.has("signing_secrets")
    prefix = name.upper().replace("-", "_")
    by_signature = kind not in (*_UNSIGNED, "generic")
    needed = "" if shared or signs else "without it nobody is believed"
    wanted = Wanted(kind=kind, key="secrets", suggested=f"{prefix}_SECRETS", needed="" if by_signature else needed)
    secrets = _listed(environment.secret(table, wanted, live=live))
    if any(len(secret) < SECRET_LENGTH for secret in secrets):
        table.report("secrets", "holds one that is too short", f"Use at least {SECRET_LENGTH} random characters.")
    if signs and kind in _UNSIGNED:
        right = "Remove it; secrets is what it sends in a header."
        table.report("signing_secrets", f"{_UNSIGNED[kind]} signs nothing", right)
        return secrets, ()
    wanted = Wanted(
        kind=kind,
        key="signing_secrets",
        suggested=f"{prefix}_SIGNING_SECRETS",
        needed=needed if by_signature else "",
    )
    signing = _listed(environment.secret(table, wanted, live=live))
    if kind == "generic" and not all(_is_standard(secret) for secret in signing):
        right = "Write whsec_ and the base64 of 24 to 64 random bytes; several with commas between them."
        table.report("signing_secrets", "holds a secret that is none of Standard Webhooks", right)
    return secrets, signing


def _listed(secrets: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in secrets.split(",") if part.strip())


def _is_standard(secret: str) -> bool:
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        return False
    return secret.startswith("whsec_") and 24 <= len(key) <= 64


# ---- what it names ----------------------------------------------------------------------------------------


def _header(table: Table) -> str:
    table.note("header", AnyText(pattern=_HEADER.pattern, what="a header's name"))
    header = table.text("header", "")
    if header and not _HEADER.fullmatch(header):
        table.report("header", f"'{header[:60]}' is no name of a header", 'Write it as in "X-Helpdesk-Token".')
    return header


def _flow(table: Table, flows: Collection[str]) -> str:
    flow = table.text("flow", "")
    if flow and flows and flow not in flows:
        table.report("flow", f"there is no flow '{flow[:60]}'", did_you_mean(flow, flows))
    return flow


def _channel(table: Table, channels: Mapping[str, bool]) -> tuple[ChannelName | None, str]:
    channel, address = table.text("channel", ""), _path(table, "address")
    if channel and channel not in channels:
        table.report("channel", f"there is no channel '{channel[:40]}'", did_you_mean(channel, channels))
    elif channel and not channels[channel]:
        table.report("channel", f"'{channel}' is switched off", "Set enabled = true there, or leave it out here.")
    if channel and not address and not table.has("address"):
        right = 'Write address = "…", the key path of their key there, or leave channel out.'
        table.report("channel", "names a channel, and nothing says who the customer is there", right)
    if address and not channel:
        table.report("address", "nothing says in which channel that is", 'Write channel = "…", the name of a channel.')
    return (ChannelName(channel) if channel else None), address


def _path(table: Table, key: str) -> str:
    table.note(key, AnyText(what="a key path"))
    path = table.text(key, "")
    if path and parse_key_path(path) is None:
        table.report(key, f"'{path[:60]}' is no key path", _EXAMPLE_PATH)
    return path


def _link(table: Table) -> str:
    link = table.text("link", "")
    if not link:
        return ""
    try:
        parts = urlsplit(_BLANK.sub("x", link))
        good = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        good = False
    if not good or any(character.isspace() for character in link):
        table.report("link", f"'{link[:100]}' is no web address", "Begin it with https:// and the name of the host.")
    elif not _BLANK.search(link):
        table.report("link", "leads to the same page for all", "Write {reference} where its number goes.")
    for blank in _BLANK.findall(link):
        if blank != "reference" and parse_key_path(blank) is None:
            table.report("link", f"'{blank[:60]}' is no key path", _EXAMPLE_PATH)
    return link


def _words(table: Table, key: str, kind: TriggerKindName) -> tuple[str, ...]:
    words = table.texts(key, ())
    if words and kind not in _BY_WORDS:
        table.report(key, f'is of no use: kind = "{kind}" tells what happened by itself', "Leave it out.")
    return words


def _fields(table: Table, kind: TriggerKindName) -> Mapping[str, str]:
    block = table.table("fields")
    if block is None:
        return {}
    own = (*TOLD, *_PERSON) if kind == "generic" else _PERSON
    fields = {}
    for name in block.names(_ATTRIBUTE.pattern, "agent"):
        if not _ATTRIBUTE.fullmatch(name):
            block.report(name, f"'{name[:60]}' is no name", "Use at most 40 of a-z, 0-9 and _.")
        elif name in TOLD and name not in own:
            right = 'Leave it out, or use kind = "generic".'
            block.report(name, f'kind = "{kind}" reads it by itself', right)
        fields[name] = _path(block, name)
    block.finish()
    return fields


def _report_incomplete(table: Table, trigger: TriggerSettings) -> None:
    """A generic trigger knows nothing but what the file says."""
    if trigger.kind != "generic" or table.findings.under((*table.path, "fields")):
        return
    if "reference" not in trigger.fields:
        right = 'Write fields.reference = "…", the key path of the number of the ticket, order or chat.'
        table.report("fields", "names no reference", right)
    by_event = "event" in trigger.fields
    if by_event and not trigger.ended and not table.findings.under((*table.path, "ended")):
        right = 'Write ended = ["…"], the values of fields.event that mean that it is over.'
        table.report("ended", "is missing: without it nobody would ever be asked", right)
    if not by_event and (trigger.resumed or trigger.spoke or trigger.ended):
        right = 'Write fields.event = "…", the key path of the event\'s name.'
        table.report("fields", "names no event, so each request means an end", right)
    if trigger.spoke and "by" not in trigger.fields:
        right = 'Write fields.by = "…", the key path of customer, agent or bot.'
        table.report("spoke", "nothing says who spoke", right)
