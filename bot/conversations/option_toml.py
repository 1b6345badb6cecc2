"""Options of questions, read from TOML: an admin's own and the standard reasons, each perhaps for some scores only."""

from collections.abc import Iterator, Mapping
from typing import Any

from bot.conversations.condition_toml import BANDS, Before, is_possible, read_bands, read_when
from bot.conversations.presets import REASONS, reason
from bot.conversations.questions import AllOf, Condition, Option, Texts
from bot.conversations.text_toml import LABEL_LENGTH, from_packs, read_texts
from bot.toml_journal import Blocks
from bot.toml_tables import Table, describe, did_you_mean

#: Slack's block of buttons takes 25, and *Done* and *Skip* stand below the options.
MOST_OPTIONS = 20


def read_options(table: Table, before: Before, when: Condition | None, *, standard: bool = False) -> tuple[Option, ...]:
    """The options of a question that is asked under ``when``.

    ``standard``: a text in the list is the id of a standard reason, and without a list all of these are offered.
    """
    table.note("options", Blocks(fewest=2, most=MOST_OPTIONS, or_named=REASONS if standard else ()))
    if not table.has("options"):
        if standard:
            return tuple(reason(id, before.speech, before.rating) for id in REASONS)
        table.missing("options", 'options = [ { id = "…", text.en = "…" }, … ]')
        return ()
    options: list[Option] = []
    for each in _listed(table, before) if standard else table.tables("options"):
        option = each if isinstance(each, Option) else _read_option(each, before, when, options)
        if isinstance(each, Option) and any(other.id == each.id for other in options):
            table.report("options", f"holds '{each.id}' twice", "Give each option its own id.")
        options.append(option)
    if len(options) < 2 and not table.findings.under((*table.path, "options")):
        table.report("options", "a choice needs at least two options")
    if len(options) > MOST_OPTIONS:
        right = f"Offer at most {MOST_OPTIONS}: chat services show no more buttons."
        table.report("options", f"there are {len(options)} options", right)
    return tuple(options)


def _listed(table: Table, before: Before) -> Iterator[Table | Option]:
    """Standard reasons by their ids, and tables of others, in one list."""
    values = table.data.get("options")
    if not isinstance(values, list):
        table.report("options", f"must be a list, not {describe(values)}", f"Choose from {', '.join(REASONS)}.")
        return
    for index, value in enumerate(values):
        path = (*table.path, "options", index)
        if isinstance(value, Mapping):
            yield Table(value, path, table.findings)
        elif value in REASONS:
            yield reason(str(value), before.speech, before.rating)
        elif isinstance(value, str):
            right = did_you_mean(value, REASONS)
            table.findings.add(path, f"there is no standard reason '{value[:40]}'", right)
        else:
            table.findings.add(path, f"must be the id of a standard reason or a table, not {describe(value)}")


def _read_option(table: Table, before: Before, when: Condition | None, above: list[Option]) -> Option:
    id = table.id()
    if id and any(option.id == id for option in above):
        table.report("id", f"there is another option '{id}' above", "Give each option its own id.")
    if id.isdigit():
        # in words, options are numbered from 1, whatever their ids: "2" would mean two things
        table.report("id", "an option's id cannot be a number", "Name what it stands for, such as 'slow'.")
    text = read_texts(table, "text", before.speech, variables=False, longest=LABEL_LENGTH)
    own = _read_condition(table, before, when)
    _report_same_label(table, text, own, above, before)
    last = table.flag("last", False)
    table.finish({"band": 'Write bands = ["…"], a list.'})
    return Option(id=id, text=text, when=own, last=last)


def _read_condition(table: Table, before: Before, asked_when: Condition | None) -> Condition | None:
    """Where an option is offered; None: wherever its question is asked."""
    table.note("bands", BANDS)
    if not table.has("bands"):
        key, condition = "when", read_when(table, before, never="so this option would never be offered")
    elif table.has("when"):
        table.report("bands", "stands beside when", "Join both in when = { all = [ … ] }.")
        return None
    elif before.rating is None:
        if before.unrated:
            right = "Ask for a score first, or leave bands out."
            table.report("bands", "there is no rating before this question", right)
        return None
    else:
        key, condition = "bands", read_bands(table, before.rating)
    if condition is None or asked_when is None or table.findings.under((*table.path, key)):
        return condition
    if not is_possible(AllOf(conditions=(asked_when, condition)), before):
        table.report(key, "cannot be true where this question is asked, so this option would never be offered")
    return condition


def _report_same_label(table: Table, text: Texts, when: Condition | None, above: list[Option], before: Before) -> None:
    """Two options that read alike cannot be told apart by someone who types the label."""
    for tag, label in text.items():
        for other in above:
            if other.text.get(tag, "").casefold() != label.casefold() or not label:
                continue
            conditions = tuple(each for each in (when, other.when) if each is not None)
            if conditions and not is_possible(AllOf(conditions=conditions), before):
                # never offered together
                continue
            data: Any = table.data.get("text")
            path = (*table.path, "text", tag) if isinstance(data, Mapping) else (*table.path, "text")
            table.findings.add(path, f"reads the same as option '{other.id}'")
            break


def yes_or_no(table: Table, before: Before, kind: str) -> tuple[Option, ...]:
    """The two answers to a question that wants consent; ``kind`` begins the keys of the packs' labels."""
    return tuple(
        Option(
            id=id,
            text=read_texts(table, id, before.speech, required=False, variables=False, longest=LABEL_LENGTH)
            or from_packs(f"{kind}.{id}", before.speech),
        )
        for id in ("yes", "no")
    )
