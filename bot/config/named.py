"""Lists that name something of the same file: channels, languages, tags."""

from collections.abc import Collection, Mapping

from bot.toml_tables import Path, Table, did_you_mean


def several(table: Table, key: str) -> tuple[str, ...]:
    """A list of texts; an empty one would ask nothing, which nobody means who writes it."""
    values = table.texts(key, ())
    if table.data.get(key) == []:
        table.report(key, "is empty", "Name something, or leave it out: then it asks nothing.")
    return values


def each_with_path(table: Table, key: str, values: Collection[str]) -> list[tuple[Path, str]]:
    """Where each of these values stands in the list under a key."""
    listed = table.data.get(key)
    return [((*table.path, key, listed.index(each)), each) for each in values] if isinstance(listed, list) else []


def read_channel_names(table: Table, channels: Mapping[str, bool]) -> tuple[str, ...]:
    """Names of channels under ``channels``; the mapping tells of each channel of the file whether it is switched on."""
    named = several(table, "channels")
    for path, name in each_with_path(table, "channels", named):
        if name not in channels:
            table.findings.add(path, f"there is no channel '{name[:40]}'", did_you_mean(name, channels))
        elif not channels[name]:
            table.findings.add(path, f"'{name}' is switched off", "Set enabled = true there, or leave it out here.")
    return named


def read_languages(table: Table, spoken: Collection[str], whose: str) -> tuple[str, ...]:
    """Language tags under ``languages``, each of which is spoken; "pt" stands for "pt-BR" too.

    With nothing spoken nothing is checked: the flows could not be read. ``whose``: "the flow is not".
    """
    named = several(table, "languages")
    for path, tag in each_with_path(table, "languages", named):
        if spoken and not any(f"{each}-".lower().startswith(f"{tag}-".lower()) for each in spoken):
            table.findings.add(path, f"{whose} in '{tag[:40]}'", did_you_mean(tag, spoken))
    return named
