"""The [[followup.template]] and [[followup.cause]] blocks: what agents choose from."""

from collections.abc import Sequence
from typing import cast, get_args

from bot.conversations.text_toml import Speech, read_texts
from bot.followup.templates import Cause, Template, TemplateKind
from bot.toml_journal import AnyText, Blocks
from bot.toml_tables import Table

#: A menu of Slack's takes so many.
MOST = 100
#: Slack's menus cut longer texts.
TITLE_LENGTH = 75
_KINDS: tuple[str, ...] = get_args(TemplateKind)


def read_templates(table: Table, speech: Speech) -> tuple[Template, ...]:
    """The ready answers in the order of the file, each with a text in all languages of ``speech``."""
    tables, templates = _tables(table, "template", "templates"), []
    ids: dict[str, str] = {}
    for each in tables:
        template = Template(
            id=each.id(),
            kind=cast(TemplateKind, each.one_of("kind", _KINDS)),
            title=_title(each),
            text=read_texts(each, "text", speech),
        )
        _report_twice(each, "template", template.id, template.title, ids)
        each.finish()
        templates.append(template)
    return tuple(templates)


def read_causes(table: Table) -> tuple[Cause, ...]:
    """The causes in the order of the file."""
    causes = []
    ids: dict[str, str] = {}
    for each in _tables(table, "cause", "causes"):
        cause = Cause(id=each.id(), title=_title(each))
        _report_twice(each, "cause", cause.id, cause.title, ids)
        each.finish()
        causes.append(cause)
    return tuple(causes)


def _tables(table: Table, key: str, plural: str) -> Sequence[Table]:
    table.note(key, Blocks(most=MOST))
    tables = table.tables(key)
    if len(tables) > MOST:
        table.report(key, f"there are {len(tables)} {plural}", f"Keep at most {MOST}: Slack's menus hold no more.")
    return tables


def _title(table: Table) -> str:
    table.note("title", AnyText(longest=TITLE_LENGTH))
    title = table.text("title", example='title = "…", what agents read in the menu')
    if len(title) > TITLE_LENGTH:
        table.report("title", f"is {len(title)} characters long", f"Use at most {TITLE_LENGTH}: Slack cuts the rest.")
    return title


def _report_twice(table: Table, what: str, id: str, title: str, above: dict[str, str]) -> None:
    """Tell an id or a title that another has; ``above`` (id -> title) then holds this one, too."""
    same = next((other for other, read in above.items() if title and read.casefold() == title.casefold()), None)
    if id and id in above:
        table.report("id", f"there is another {what} '{id}' above", f"Give each {what} an id of its own.")
    elif same is not None:
        table.report("title", f"reads the same as {what} '{same}'", "Agents could not tell them apart.")
    if id:
        above.setdefault(id, title)


def declared_attributes(flows: Sequence[Table]) -> frozenset[str]:
    """The names that any flow declares its interactions to carry, right or wrong otherwise."""
    lists = (each.data.get("attributes") for each in flows)
    return frozenset(name for named in lists if isinstance(named, list) for name in named if isinstance(name, str))
