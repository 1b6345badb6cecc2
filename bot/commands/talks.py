"""The file of an invitation to a talk, checked as strictly as a flow: what is wrong is told with its line."""

from pathlib import Path

from bot.config.positions import line_of, lines_of
from bot.config.sources import Source
from bot.config.syntax import Document, Mistake, parse
from bot.conversations.flow_toml import opens
from bot.conversations.questions import Texts
from bot.conversations.text_toml import (
    ALWAYS_KNOWN,
    LABEL_LENGTH,
    Speech,
    may_stay_empty,
    not_a_language,
    read_texts,
    variables_of,
)
from bot.errors import ConfigError
from bot.intake.panel import Talk
from bot.languages import FALLBACK
from bot.messages import Link
from bot.toml_tables import Findings, Table, did_you_mean, path_text
from bot.toml_tables import Path as KeyPath

#: What the text may speak of.
VARIABLES = ALWAYS_KNOWN | {"customer"}
_EXAMPLE = 'Write text.en = "…", and one line more for each language of the panel.'


def read_talk(path: Path, name: str, company: str) -> Talk:
    """The talk of a file, under the name of its invitation. Raises ConfigError with all that is wrong."""
    document = _document(path)
    findings = Findings()
    table = Table(document.data, (), findings)
    texts, link = _texts(table), _link(table, company)
    table.finish()
    if len(findings):
        lines = lines_of(document.text)
        told = [
            f"{path}:{line_of(each.path, lines)}: {path_text(each.path)}: {each.wrong}. {each.right}".rstrip()
            for each in findings
        ]
        raise ConfigError("\n".join(told))
    return Talk(name=name, texts=texts, link=link)


def _document(path: Path) -> Document:
    try:
        source = Source(name=str(path), body=path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path}: {error}") from error
    found = parse(source)
    if isinstance(found, Mistake):
        raise ConfigError(f"{path}:{found.line}: {found.wrong}. {found.right}".rstrip())
    return found


def _texts(table: Table) -> Texts:
    value = table.raw("text")
    if not isinstance(value, str | dict) or not value:
        table.report("text", "must be a text for each language", _EXAMPLE)
        return {}
    given = {FALLBACK: value} if isinstance(value, str) else value
    for tag in given:
        right = not_a_language(tag)
        if right is not None:
            table.findings.add(("text", tag), f"'{tag[:40]}' is no language tag", right)
    for tag, text in given.items():
        _check_variables(table, ("text",) if isinstance(value, str) else ("text", tag), text)
    # what a flow would advise about its interactions' attributes helps nobody here
    named = variables_of({tag: text for tag, text in given.items() if isinstance(text, str)})
    return read_texts(table, "text", Speech(locales=tuple(given), attributes=VARIABLES | named))


def _check_variables(table: Table, path: KeyPath, text: object) -> None:
    if not isinstance(text, str):
        return
    for name in sorted(variables_of({"": text}) - VARIABLES):
        table.findings.add(path, f"there is no variable {{{name}}}", did_you_mean(name, VARIABLES))
    if any(variable == "customer" for _, variable in may_stay_empty({"": text})):
        right = "Write {customer|…} with words for those who gave no name."
        table.findings.add(path, "{customer} may stay empty", right)


def _link(table: Table, company: str) -> Link | None:
    """Where a time is chosen, if anywhere."""
    url = table.text("link", "")
    label = read_texts(
        table, "button", Speech(locales=(FALLBACK,)), required=False, variables=False, longest=LABEL_LENGTH
    )
    if not url:
        if label and not table.has("link"):
            table.report("button", "has no link to open", 'Write link = "https://…", or remove it.')
        return None
    if not opens(url):
        table.report("link", "is no address of a page", "Write it as browsers show it, beginning with https://.")
    return Link(label=label.get(FALLBACK) or company[:LABEL_LENGTH], url=url)
