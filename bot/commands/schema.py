"""``afterchat schema``: the JSON Schema of the config for editors, and the reference of all its keys."""

import argparse
import json
from pathlib import Path

from bot.commands.places import EXAMPLE
from bot.config.reference import reference
from bot.config.schema import config_schema, flows_schema
from bot.errors import AfterchatError


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the parser."""
    schema = commands.add_parser("schema", help="print the JSON Schema of the config, for editors that check it")
    what = schema.add_mutually_exclusive_group()
    what.add_argument("--flows", action="store_true", help="the schema of a file that holds [[flow]] tables only")
    what.add_argument("--reference", action="store_true", help="every key in words instead, as Markdown")
    schema.add_argument("--output", type=Path, metavar="FILE", help="write it to a file")
    schema.set_defaults(run=_schema)


async def _schema(options: argparse.Namespace) -> int:
    text = reference_text() if options.reference else schema_text(flows=options.flows)
    if options.output is None:
        print(text, end="")
    else:
        _write(options.output, text)
    return 0


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise AfterchatError(f"{path}: {error.strerror}") from error


def reference_text() -> str:
    """docs/reference.md, with examples out of the example's file where that is here."""
    example = Path(EXAMPLE)
    return reference(example.read_text("utf-8") if example.exists() else "")


def schema_text(*, flows: bool = False) -> str:
    """The schema as the file has it."""
    schema = flows_schema() if flows else config_schema()
    return json.dumps(schema, ensure_ascii=False, indent=1) + "\n"
