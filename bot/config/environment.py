"""Settings that come from the environment: secrets always, other texts where the admin wants it."""

import re
from collections.abc import Mapping

import msgspec

from bot.toml_journal import Secret, Setting
from bot.toml_tables import Table, path_text

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")


class SecretName(msgspec.Struct, frozen=True, kw_only=True):
    """Which environment variable a key of the file takes its value from: ``channels.telegram.token``, TELEGRAM_TOKEN.

    ``kind`` and ``key`` tell what the secret is for: ("telegram", "token"), ("server", "api_keys").
    """

    path: str
    variable: str
    kind: str
    key: str


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A secret that a block may name.

    ``suggested`` is a variable's name for advice; ``needed`` says why the key may not be missing, or nothing.
    """

    kind: str
    key: str
    suggested: str
    needed: str = ""


class Environment:
    """Gives the values of environment variables, and remembers which were asked for."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.named: list[SecretName] = []

    def setting(self, table: Table, key: str, default: str) -> str:
        """A text that stands in the file, or ``{ env = "NAME", default = "..." }``."""
        table.note(key, Setting(), default or None)
        if not isinstance(table.raw(key), Mapping):
            return table.text(key, default)
        reference = table.table(key)
        if reference is None:
            return default
        name = _name(reference)
        instead = reference.text("default", "")
        reference.finish()
        value = self._values.get(name, "").strip() or instead
        if name and not value:
            right = f'Set it, or write a default: {key} = {{ env = "{name}", default = "…" }}.'
            table.report(key, f"{name} is not set in the environment", right)
        return value or default

    def secret(self, table: Table, wanted: Wanted, *, live: bool = True) -> str:
        """The value of a secret; never in a finding, and never from the file.

        What is not live (a channel with enabled = false, a secret of a mode that is not in use) need not be set.
        """
        key, suggested = wanted.key, wanted.suggested
        advice = f'{key} = {{ env = "{suggested}" }}'
        table.note(key, Secret())
        value = table.raw(key)
        if isinstance(value, Mapping):
            return self._referred(table, wanted, live)
        if value is not None:
            right = f"Move it to the environment, write {advice}, and replace it if others have seen this file."
            table.report(key, "a secret does not belong in this file", right)
        elif wanted.needed:
            right = f"Write {advice} and set {suggested} in the environment."
            table.miss(key, f"is missing: {wanted.needed}", right)
        return ""

    def _referred(self, table: Table, wanted: Wanted, live: bool) -> str:
        key = wanted.key
        reference = table.table(key)
        name = _name(reference) if reference else ""
        if reference:
            reference.finish({"default": "A secret has no default in the file."})
        if not name or not live:
            return ""
        self.named.append(SecretName(path=path_text((*table.path, key)), variable=name, kind=wanted.kind, key=key))
        found = self._values.get(name, "").strip()
        if not found:
            switch = {"channels": "channel", "triggers": "trigger"}.get(str(table.path[0]))
            instead = f"switch the {switch} off with enabled = false" if switch else f"remove {key}"
            table.report(key, f"{name} is not set in the environment", f"Set it, or {instead}.")
        return found


def _name(reference: Table) -> str:
    name = reference.raw("env")
    if name is None:
        reference.missing("env", 'env = "NAME_OF_A_VARIABLE"')
        return ""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        # The value is not repeated: it may be the secret itself.
        reference.report("env", "is no name of an environment variable", "Use letters, digits and _.")
        return ""
    return name
