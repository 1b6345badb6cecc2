"""What several commands share: which config file and database they mean, and how spans and counts are written."""

import argparse
import os
import re
from datetime import timedelta
from pathlib import Path

from bot.config import Settings, load
from bot.demo import DATABASE, with_placeholders
from bot.errors import ConfigError

EXAMPLE = "config.example.toml"
CONFIG = "config.toml"
MOST = 10_000
_SPAN = re.compile(r"(\d{1,5})([mhd])")
SANDBOX = "of the sandbox: its settings and, unless another is named, its database"


def add_place(parser: argparse.ArgumentParser, missing: object = None) -> None:
    """The options that say where to look; ``missing`` stands for what is not given."""
    parser.add_argument("--config", type=Path, default=missing, help=f"the config file (default: {CONFIG})")
    parser.add_argument("--database", default=missing, help="address of the database, instead of the config's")
    parser.add_argument("--sandbox", action="store_true", default=missing, help=SANDBOX)
    parser.add_argument("--json", action="store_true", default=missing, help="print JSON")
    if missing is None:
        parser.set_defaults(default_config=None)


def add_config(parser: argparse.ArgumentParser, default: str | None = None) -> None:
    """The config file, named by itself or as an option."""
    told = f"the config file (default: {default or CONFIG})"
    parser.add_argument("config", nargs="?", type=Path, default=None, help=told)
    parser.add_argument("--config", dest="named_config", type=Path, default=None, help="likewise")
    parser.set_defaults(default_config=default)


def config_path(options: argparse.Namespace) -> Path:
    """The file named, or the one that is there: config.toml, else the example."""
    named: Path | None = getattr(options, "named_config", None)
    if named is not None:
        if options.config not in (None, named):
            raise ConfigError(f"{named} and {options.config}: name one config file.")
        return named
    if options.config is not None:
        return Path(options.config)
    for name in [options.default_config] if options.default_config else [CONFIG, EXAMPLE]:
        if Path(name).exists():
            return Path(name)
    name = options.default_config or CONFIG
    raise ConfigError(
        f"{name}: there is no such file in {Path.cwd()}. Name one, or copy {EXAMPLE} to {CONFIG} and edit it."
    )


def settings_and_database(options: argparse.Namespace) -> tuple[Settings, str]:
    """The settings, and where the answers are. Who only reads needs no channel's secrets: missing ones are made up."""
    path = config_path(options)
    settings = load(path, with_placeholders(path, os.environ), sandbox=bool(options.sandbox))
    return settings, options.database or (f"sqlite:///{DATABASE}" if options.sandbox else settings.storage.url)


def span(text: str) -> timedelta:
    """A span of time as people write it: 45m, 12h, 30d."""
    found = _SPAN.fullmatch(text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no span of time; write 45m, 12h or 30d")
    number = int(found[1])
    return {"m": timedelta(minutes=number), "h": timedelta(hours=number), "d": timedelta(days=number)}[found[2]]


def count(text: str) -> int:
    """How many at most."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= MOST):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to {MOST:,}")
    return int(text)
