"""Sentences of ours that the author puts differently, read from TOML: ``"hint.scale".vi = "…"``. Pure."""

import re
from collections.abc import Collection, Iterable, Mapping

from bot.languages import FALLBACK, Sentence, categories, locales, pack, variables_in
from bot.languages.bounds import longest
from bot.languages.voice import NONE, Sentences, spoken_in
from bot.toml_journal import Block, PerLanguage
from bot.toml_tables import Path, Table, did_you_mean, quoted

#: How the keys begin of what a conversation says, and a flow may say in its own way.
SAID_IN_CONVERSATIONS = (
    *("reminder", "bye.", "chosen.", "withdrawn", "button.", "hint.", "again.", "reply.", "thanks.", "scale."),
    *("consent.", "preset.", "reason.", "panel.", "review.", "language."),
)
_KEY = r"[a-z][a-z0-9_.-]*"
_BRACE = re.compile(r"\{[^{}]{0,30}\}?|\}")


def read_sentences(root: Table, languages: Iterable[str] = (), *, of_a_flow: bool = False) -> Sentences:
    """The [sentences] of a file, in the packs' and the flows' ``languages``, or those of one flow in its own."""
    root.note("sentences", Block())
    table = root.table("sentences")
    if table is None:
        return NONE
    builtin = pack(FALLBACK).sentences
    known = [key for key in builtin if not of_a_flow or key.startswith(SAID_IN_CONVERSATIONS)]
    tags = tuple(languages) if of_a_flow else tuple(dict.fromkeys((*locales(), *languages)))
    own: dict[str, Mapping[str, Sentence]] = {}
    for key in table.names(_KEY, '"hint.scale"'):
        table.note(key, PerLanguage(longest=longest(key), variables=True))
        if key not in known:
            table.report(key, f"there is no sentence '{key[:60]}'", _meant(key, known, builtin, table.data.get(key)))
            continue
        if isinstance(table.raw(key), str):
            tag = FALLBACK if FALLBACK in tags else next(iter(tags), FALLBACK)
            right = f'Write "{key}".{tag} = "…", and so on for each language.'
            table.report(key, "needs a language", right)
            continue
        each = table.table(key)
        if each is not None:
            own[key] = _in_languages(each, key, tags, of_a_flow=of_a_flow)
    return own


def _meant(key: str, known: Collection[str], builtin: Collection[str], value: object) -> str:
    if isinstance(value, Mapping) and any(each.startswith(f"{key}.") for each in known):
        return f"""Put the whole name in quotes: "{next(each for each in known if each.startswith(f"{key}."))}".en."""
    if key in builtin:
        return "No conversation says it: put it into [sentences], which is for all flows."
    return did_you_mean(key, known, "The reference lists all of them.")


def _in_languages(table: Table, key: str, tags: tuple[str, ...], *, of_a_flow: bool) -> Mapping[str, Sentence]:
    said: dict[str, Sentence] = {}
    for tag in table.data:
        if tag not in tags:
            wrong = f"the flow is not in '{tag[:40]}'" if of_a_flow else f"there is no language pack for '{tag[:40]}'"
            table.report(tag, wrong, did_you_mean(tag, tags))
            continue
        value = table.raw(tag)
        if isinstance(value, str):
            _check(table, (*table.path, tag), value, key)
            said[tag] = value.strip()
        elif isinstance(value, Mapping):
            said[tag] = _forms(Table(value, (*table.path, tag), table.findings), key, tag)
        else:
            table.report(tag, "must be a text in quotes")
    return said


def _forms(table: Table, key: str, tag: str) -> Mapping[str, str]:
    """A text for each plural form of a language; the form for exactly one thing may leave the number out."""
    forms, wanted = {}, categories(tag)
    if "n" not in variables_in(pack(FALLBACK).sentences[key]):
        table.report("", "this sentence counts nothing, so it has one form", 'Write a text in quotes: "…".')
        return {}
    for form, text in table.data.items():
        if form not in wanted:
            right = did_you_mean(form, wanted, f"It has {quoted(sorted(wanted))}.")
            table.report(form, f"'{tag}' has no plural form '{form[:20]}'", right)
        elif not isinstance(text, str):
            table.report(form, "must be a text in quotes")
        else:
            _check(table, (*table.path, form), text, key)
            forms[form] = text.strip()
    absent = sorted(wanted - table.data.keys())
    if absent:
        table.report("", f"has no form {quoted(absent)}", f"In '{tag}', whole numbers have {quoted(sorted(wanted))}.")
    return forms


def _check(table: Table, path: Path, text: str, key: str) -> None:
    if not text.strip():
        table.findings.add(path, "is empty")
    most = longest(key)
    if len(text.strip()) > most:
        table.findings.add(path, f"is {len(text.strip())} characters long", f"Use at most {most}.")
    known = variables_in(pack(FALLBACK).sentences[key])
    names = ", ".join(f"{{{name}}}" for name in sorted(known))
    right = f"Here there are {names}." if known else "This sentence has none."
    for name in sorted(variables_in(text) - known):
        table.findings.add(path, f"there is no variable {{{name}}}", did_you_mean(name, known, right))
    brace = _BRACE.search(re.sub(r"\{[a-z][a-z0-9_]*(\|[^{}]*)?\}", "", text))
    if brace:
        table.findings.add(path, f"'{brace[0]}' is no variable", right)


def for_flow(of_all: Sentences, of_this: Sentences, languages: Iterable[str]) -> Sentences:
    """What a flow version holds: the flow's own sentences over those of all flows, as far as conversations say them."""
    spoken = tuple(languages)
    merged: dict[str, Mapping[str, Sentence]] = {}
    for key in sorted({*of_all, *of_this}):
        if key.startswith(SAID_IN_CONVERSATIONS):
            both = {**of_all.get(key, {}), **of_this.get(key, {})}
            tags = {spoken_in(language, both) for language in spoken}
            said = {tag: both[tag] for tag in sorted(both) if tag in tags}
            if said:
                merged[key] = said
    return merged
