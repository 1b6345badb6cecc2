"""Texts in several languages, read from TOML: complete, not empty, with variables that exist."""

import re
from collections.abc import Iterator

import msgspec

from bot.conversations.questions import Texts
from bot.languages import locales as packs
from bot.languages import pack
from bot.languages.voice import NONE, Sentences, Voice
from bot.toml_journal import AnyText, PerLanguage, Several
from bot.toml_tables import Path, Table, did_you_mean, quoted

#: What a report of an interaction may carry besides its channel and language; a flow may name more.
ATTRIBUTES = frozenset({"agent", "order", "product", "reference", "tag", "team"})
#: Known in every conversation, however it was started.
ALWAYS_KNOWN = frozenset({"company"})
#: Slack takes 3,000 characters in a section and Telegram 4,096 in a message; both must hold an intro too.
TEXT_LENGTH = 1_500
#: Slack's buttons take 75 characters; a tick needs two.
LABEL_LENGTH = 72

#: with more languages than this, a preset's may be meant, which an author did not name
_MANY = 6
_REGION = "(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?"
_TAG = re.compile(rf"[a-z]{{2,3}}{_REGION}")
_VARIABLE = re.compile(r"\{([a-z_][a-z0-9_]*)(\|[^{}]*)?\}")
#: Codes of countries that are no codes of languages, and the language that is meant.
_COUNTRIES = {"cn": "zh", "cz": "cs", "dk": "da", "gr": "el", "jp": "ja", "ua": "uk", "vn": "vi"}


class Speech(msgspec.Struct, frozen=True, kw_only=True):
    """The languages that a flow is in, and the names of its interactions' attributes; or those of all flows."""

    locales: tuple[str, ...]
    attributes: frozenset[str] = ATTRIBUTES
    of_all_flows: bool = False
    #: what the author says differently from the packs
    own: Sentences = NONE
    #: ids of questions whose answers a text may say again
    answers: frozenset[str] = frozenset()
    #: ids of the others: not answered yet, or in words, which no text says again
    unsaid: frozenset[str] = frozenset()

    @property
    def variables(self) -> frozenset[str]:
        return self.attributes | ALWAYS_KNOWN | self.answers


def read_locales(table: Table, key: str) -> tuple[str, ...]:
    """A list of language tags, at least one; those that are none are reported and left out."""
    table.note(key, Several(item=AnyText(pattern=_spoken(), what="a language"), fewest=1))
    tags = table.texts(key, example=f'{key} = ["en"]')
    if not tags and not table.findings.under((*table.path, key)):
        table.report(key, "is empty", f'Write {key} = ["en"].')
    good = []
    for index, tag in enumerate(tags):
        wrong = not_a_language(tag)
        if wrong is None:
            good.append(tag)
        else:
            table.findings.add((*table.path, key, index), f"'{tag[:40]}' is no language tag", wrong)
    return tuple(good)


def _spoken() -> str:
    """A pattern of the tags of those languages that there are packs for, wherever they are spoken."""
    return f"(?:{'|'.join(sorted({tag.partition('-')[0] for tag in packs()}))}){_REGION}"


def not_a_language(tag: str) -> str | None:
    """What to write in place of a tag that is none, as a sentence; None for one that is."""
    meant = _COUNTRIES.get(tag.lower())
    if meant is not None:
        return f"Did you mean '{meant}'?"
    if _TAG.fullmatch(tag):
        return None
    language, _, region = tag.replace("_", "-").partition("-")
    mended = f"{language.lower()}-{region.upper()}" if region else language.lower()
    return f"Did you mean '{mended}'?" if _TAG.fullmatch(mended) else "Write it as in 'en', 'vi' or 'pt-BR'."


def read_texts(
    table: Table,
    key: str,
    speech: Speech,
    *,
    required: bool = True,
    variables: bool = True,
    longest: int = TEXT_LENGTH,
) -> Texts:
    """One text for each of the flow's languages; a flow in one language may write a plain text."""
    table.note(key, PerLanguage(longest=longest, variables=variables))
    value = table.raw(key)
    if value is None:
        if required and speech.locales:
            table.missing(key, ", ".join(f'{key}.{tag} = "…"' for tag in speech.locales))
        return {}
    if isinstance(value, str) and len(speech.locales) > 1:
        right = f"Write {', '.join(f'{key}.{tag}' for tag in speech.locales)}."
        if len(speech.locales) > _MANY and not speech.of_all_flows:
            right = f'Write {key}.{speech.locales[0]} and so on, or name fewer: languages = ["{speech.locales[0]}"].'
        whose = "the flows are" if speech.of_all_flows else "the flow is"
        table.report(key, f"is one text, but {whose} in {len(speech.locales)} languages", right)
        return {}
    if isinstance(value, str):
        _check(table, (*table.path, key), value, speech, variables=variables, longest=longest)
        return {tag: value.strip() for tag in speech.locales}
    each = table.table(key)
    return {} if each is None else _read_each(each, speech, variables=variables, longest=longest)


def _read_each(table: Table, speech: Speech, *, variables: bool, longest: int) -> Texts:
    texts: dict[str, str] = {}
    for tag, text in table.data.items():
        path = (*table.path, tag)
        if tag not in speech.locales:
            if speech.locales:
                wrong = f"no flow is in '{tag[:40]}'" if speech.of_all_flows else f"the flow is not in '{tag[:40]}'"
                more = f"Add it to {'a' if speech.of_all_flows else 'the'} flow's languages or remove this text."
                table.findings.add(path, wrong, did_you_mean(_COUNTRIES.get(tag, tag), speech.locales, more))
        elif isinstance(text, str):
            _check(table, path, text, speech, variables=variables, longest=longest)
            texts[tag] = text.strip()
        else:
            table.findings.add(path, "must be a text in quotes")
    absent = [tag for tag in speech.locales if tag not in table.data]
    if absent:
        right = f"Add {', '.join(f'{table.path[-1]}.{tag}' for tag in absent)}."
        table.report("", f"has no text in {quoted(absent)}", right)
    return {tag: texts[tag] for tag in speech.locales if tag in texts}


def _check(table: Table, path: Path, text: str, speech: Speech, *, variables: bool, longest: int) -> None:
    if not text.strip():
        table.findings.add(path, "is empty")
    if len(text) > longest:
        table.findings.add(
            path, f"is {len(text)} characters long", f"Use at most {longest}: chat services cut the rest."
        )
    if not variables:
        if "{" in text or "}" in text:
            table.findings.add(path, "has braces, but no variables are filled in here", "Write it without { and }.")
        return
    rest = _VARIABLE.sub("", text)
    brace = re.search(r"\{[^{}]{0,30}\}?|\}", rest)
    if brace:
        right = "Write a variable as {agent} or, with words for where it is not known, {agent|our team}."
        table.findings.add(path, f"'{brace[0]}' is no variable", right)
    for name in sorted({found[1] for found in _VARIABLE.finditer(text)} - speech.variables):
        flow = "a flow" if speech.of_all_flows else "the flow"
        more = f'If your interactions carry it, add it to {flow}: attributes = ["{name}"].'
        if name in speech.unsaid:
            right = "A text can say an answer after it was given, and never what somebody wrote."
        else:
            right = did_you_mean(name, speech.variables, more)
        table.findings.add(path, f"there is no variable {{{name}}}", right)


def may_stay_empty(texts: Texts) -> Iterator[tuple[str, str]]:
    """The (language, variable) of each variable that has neither a value in every conversation nor words instead."""
    for tag, text in texts.items():
        for found in _VARIABLE.finditer(text):
            if not found[2] and found[1] not in ALWAYS_KNOWN:
                yield tag, found[1]


def variables_of(texts: Texts) -> frozenset[str]:
    """The names of all variables in the languages of a text."""
    return frozenset(found[1] for text in texts.values() for found in _VARIABLE.finditer(text))


def from_packs(key: str, speech: Speech) -> Texts:
    """A built-in sentence, as the author has it, in those of the flow's languages that are spoken."""
    texts = {}
    for tag in speech.locales:
        if tag.partition("-")[0] == pack(tag).locale.partition("-")[0] or tag in speech.own.get(key, {}):
            texts[tag] = Voice(tag, speech.own).say(key)
    return texts
