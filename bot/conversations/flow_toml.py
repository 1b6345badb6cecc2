"""Flows as admins write them in TOML, turned into flows with nothing left to fill in. Pure.

Everything that is wrong is collected; built-in labels and thanks come from the language packs, so that a flow
version holds all that its customers will read.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from bot.conversations.condition_toml import BANDS, read_bands
from bot.conversations.flow import Flow, Review, Thanks
from bot.conversations.inheriting import Source, alone, inherited, told
from bot.conversations.presets import PRESETS, every_language, preset
from bot.conversations.question_toml import answers_said, read_questions
from bot.conversations.questions import BandName, InBand, Question, Rating, Texts, scale_of
from bot.conversations.sentences_toml import for_flow, read_sentences
from bot.conversations.text_toml import (
    ATTRIBUTES,
    LABEL_LENGTH,
    Speech,
    from_packs,
    may_stay_empty,
    read_locales,
    read_texts,
    variables_of,
)
from bot.languages.voice import NONE, Sentences
from bot.scoring.scales import band
from bot.toml_journal import AnyText, OneOf, Share
from bot.toml_tables import ANY_NUMBER, LINE, Findings, Path, Table, describe, did_you_mean

_BY_BAND = ("good", "middling", "poor")
_SHARE = re.compile(r"([0-9]{1,2}|100) ?%")
#: How one begins; for whoever listens, ``opens`` knows more.
_LINK = r"[Hh][Tt][Tt][Pp][Ss]?://\S+"
#: Telegram and Slack take longer ones; browsers may not.
_LONGEST_LINK = 2_000


class Around(msgspec.Struct, frozen=True, kw_only=True):
    """What the flows of a file have in common: the names of the configured channels, and the author's own sentences."""

    channels: Collection[str] = ()
    sentences: Sentences = NONE


def read_flows(tables: Sequence[Table], channels: Collection[str] = (), sentences: Sentences = NONE) -> list[Flow]:
    """The flows of a file, in its order; those with findings are left out, or hold less than they should.

    ``channels`` are the names of the configured channels, for conditions on them; ``sentences`` are the author's own
    for all flows.
    """
    around = Around(channels=channels, sentences=sentences)
    flows: list[Flow] = []
    seen: dict[str, Path] = {}
    by_id = {str(table.data.get("id", "")): table for table in reversed(tables)}
    for table in tables:
        flow = _read_variant(table, by_id, around) if "variant_of" in table.data else _read_flow(table, around)
        if flow.id and flow.id in seen:
            wrong = f"there is another flow '{flow.id}' on line {LINE}"
            right = "Give each flow an id of its own."
            table.findings.add((*table.path, "id"), wrong, right, (*seen[flow.id], "id"))
        seen.setdefault(flow.id, table.path)
        flows.append(flow)
    _report_shares(tables, flows)
    return [flow for flow in flows if flow.id]


def flow_from(data: Mapping[str, object], findings: Findings | None = None) -> Flow:
    """One flow from the parsed TOML of its own table; findings go into the collection given."""
    return read_flow(Table(data, (), Findings() if findings is None else findings))


def read_flow(table: Table, channels: Collection[str] = (), sentences: Sentences = NONE) -> Flow:
    """One flow; whole and right only if nothing was found."""
    return _read_flow(table, Around(channels=channels, sentences=sentences))


def _read_flow(table: Table, around: Around) -> Flow:
    base = _preset_of(table, around)
    if base is None:
        return _read(alone(table), around)
    at = (*table.path, "preset")
    source = inherited(table, base, at)
    flow = _read(source, around)
    told(source, table, base, at)
    return flow


def _preset_of(table: Table, around: Around) -> Mapping[str, Any] | None:
    """The flow that a preset names; None where none is named, or there is no such."""
    table.note("preset", OneOf(allowed=tuple(PRESETS)))
    if not table.has("preset"):
        return None
    # in place of one that there is not, so that nothing is said to be missing which a preset has
    name = table.one_of("preset", tuple(PRESETS), "") or next(iter(PRESETS))
    languages = table.data.get("languages")
    named = [tag for tag in languages if isinstance(tag, str)] if isinstance(languages, list) else every_language()
    quiet = Table(table.data, table.path, Findings())
    own = for_flow(around.sentences, read_sentences(quiet, named, of_a_flow=True), named)
    return preset(name, Speech(locales=tuple(named), own=own))


def _read(source: Source, around: Around) -> Flow:
    table = source.table
    id = table.id()
    table.has("preset")
    locales = read_locales(table, "languages")
    attributes = frozenset(table.texts("attributes", ()))
    own = for_flow(around.sentences, read_sentences(table, locales, of_a_flow=True), locales)
    speech = Speech(locales=locales, attributes=ATTRIBUTES | attributes, own=own)
    title = read_texts(table, "title", speech, variables=False, longest=80)
    questions = read_questions(table, source.questions, speech, around.channels)
    intro = read_texts(table, "intro", speech, required=False)
    score = _read_score(table, questions)
    # When it may be asked stands beside the flow, and is no part of the version that customers are asked.
    table.table("asking")
    said = answers_said(questions)
    closing = replace(speech, answers=said, unsaid=frozenset(each.id for each in questions) - said)
    variant_of, share = _read_place(table)
    flow = Flow(
        id=id,
        title=title,
        locales=locales or ("en",),
        questions=questions,
        score=score,
        case_at_most=_read_case(table, questions, score),
        intro=intro,
        sentences=own,
        thanks=_read_thanks(table, closing, rated=any(isinstance(each, Rating) for each in questions)),
        review=_read_review(table, closing, questions, score),
        variant_of=variant_of,
        share=share,
    )
    _report_two_meanings(flow, source.questions, speech.variables)
    table.finish()
    return flow


# ---- variants ---------------------------------------------------------------------------------------------


def _read_variant(table: Table, by_id: Mapping[str, Table], around: Around) -> Flow:
    """A flow that begins as another one of the file."""
    named = table.text("variant_of", example='variant_of = "…", the id of a flow')
    base = by_id.get(named)
    if base is None or named == table.data.get("id") or "variant_of" in base.data:
        known = [id for id, each in by_id.items() if id and "variant_of" not in each.data]
        if base is None:
            wrong = f"there is no flow '{named[:60]}'"
        else:
            wrong = "names itself" if named == table.data.get("id") else f"'{named[:60]}' is a variant itself"
        if named:
            table.report("variant_of", wrong, did_you_mean(named, [id for id in known if id != named]))
        # as if it were a preset, so that nothing is said to be missing which its base has
        return _read_flow(Table({**table.data, "preset": next(iter(PRESETS))}, table.path, table.findings), around)
    if "asking" in table.data:
        table.report("asking", "does not belong here", f"A variant is asked when '{named}' is: write it there.")
    if "preset" in table.data:
        table.report("preset", "stands beside variant_of", "A variant begins as the flow that it names.")
    data = _whole(base, around)
    source = inherited(table, data, base.path)
    flow = _read(source, around)
    told(source, table, data, base.path)
    return flow


def _whole(base: Table, around: Around) -> Mapping[str, Any]:
    """What a flow of the file is, with its preset filled in."""
    filling = _preset_of(Table(base.data, base.path, Findings()), around)
    if filling is None:
        return base.data
    source = inherited(base, filling, base.path)
    return {**source.table.data, "question": [each.data for each in source.questions]}


def _read_place(table: Table) -> tuple[str | None, int]:
    """Whose variant a flow is, and the percentage of the customers who get it."""
    table.note("share", Share(low="1%", high="100%"))
    table.note("variant_of", AnyText(what="the id of a flow"))
    named = table.text("variant_of", "") or None
    value = table.raw("share")
    if value is None:
        if named:
            table.missing("share", 'share = "50%"')
        return named, 0
    if named is None:
        table.report("share", "does not belong here", "Only a flow with variant_of has it.")
        return None, 0
    found = _SHARE.fullmatch(value) if isinstance(value, str) else None
    if found is None or int(found[1]) == 0:
        table.report("share", f"{describe(value)} is no percentage", 'Write a whole one from "1%" to "100%".')
        return named, 0
    return named, int(found[1])


def _report_shares(tables: Sequence[Table], flows: Sequence[Flow]) -> None:
    """Variants of one flow share its customers."""
    given: dict[str, int] = {}
    for table, flow in zip(tables, flows, strict=True):
        if flow.variant_of is None:
            continue
        given[flow.variant_of] = total = given.get(flow.variant_of, 0) + flow.share
        if total > 100 >= total - flow.share:
            wrong = f"the variants of '{flow.variant_of}' get {total}% of its customers"
            table.report("share", wrong, "Give them 100% together at most; the flow itself gets the rest.")


# ---- what stands around the questions ---------------------------------------------------------------------


def _read_score(table: Table, questions: tuple[Question, ...]) -> str | None:
    table.note("score", AnyText())
    if not table.has("score"):
        return None
    named = table.text("score")
    found = next((question for question in questions if question.id == named), None)
    if found is None and named and not table.findings.under((*table.path, "question")):
        known = [question.id for question in questions if isinstance(question, Rating)]
        table.report("score", f"there is no question '{named[:60]}'", did_you_mean(named, known))
    if found is not None and not isinstance(found, Rating):
        table.report("score", f"'{named}' is no rating", "Name a question with a scale, or leave score out.")
    return named or None


def _read_case(table: Table, questions: tuple[Question, ...], score: str | None) -> int | None:
    limit = table.maybe_whole("case_at_most", -ANY_NUMBER, ANY_NUMBER)
    if limit is None or table.findings.under((*table.path, "question")):
        return limit
    ratings = [each for each in questions if isinstance(each, Rating) and score in (None, each.id)]
    if not ratings:
        table.report("case_at_most", "this flow has no rating", "Remove it, or add a question with a scale.")
        return None
    scale = scale_of(ratings[0])
    if limit not in scale:
        right = f"It runs from {scale.low} to {scale.high}."
        table.report("case_at_most", f"{limit} is not on the scale of '{ratings[0].id}'", right)
    return limit


def _read_thanks(table: Table, speech: Speech, *, rated: bool) -> Thanks:
    """The author's thanks; what is not given is the author's ``otherwise``, or else the pack's."""
    own = table.table("thanks") or Table({}, (*table.path, "thanks"), table.findings)
    otherwise = read_texts(own, "otherwise", speech, required=False)
    by_band = {key: read_texts(own, key, speech, required=False) for key in _BY_BAND}
    own.finish()
    if rated:
        by_band = {key: texts or otherwise or from_packs(f"thanks.{key}", speech) for key, texts in by_band.items()}
    return Thanks(otherwise=otherwise or from_packs("thanks.otherwise", speech), **by_band)


def _read_review(table: Table, speech: Speech, questions: tuple[Question, ...], score: str | None) -> Review | None:
    """Where customers may tell others, for those bands of the score that are best unless the flow says otherwise."""
    own = table.table("review")
    if own is None:
        return None
    own.note("url", AnyText(pattern=_LINK, what="an address of a page"))
    url = own.text("url", example='url = "https://…"')
    if url and not opens(url):
        own.report("url", "is no address of a page", "Write it as browsers show it, beginning with https://.")
    rating = next((each for each in questions if isinstance(each, Rating) and score in (None, each.id)), None)
    bands: tuple[BandName, ...] = ()
    own.note("bands", BANDS)
    if rating is not None and own.has("bands"):
        named = read_bands(own, rating)
        bands = named.bands if isinstance(named, InBand) else ()
    elif rating is not None:
        best = band(scale_of(rating).high, scale_of(rating)).value
        bands = ("promoter",) if best == "promoter" else ("satisfied",)
    elif own.has("bands") and not table.findings.under((*table.path, "question")):
        own.report("bands", "this flow has no rating", "Remove it, or add a question with a scale.")
    review = Review(
        url=url,
        text=read_texts(own, "text", speech, required=False) or from_packs("review.ask", speech),
        button=read_texts(own, "button", speech, required=False, variables=False, longest=LABEL_LENGTH)
        or from_packs("review.button", speech),
        bands=bands,
    )
    own.finish()
    return review


def opens(url: str) -> bool:
    """Whether every chat service takes an address for a button that opens a page."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False
    return good and len(url) <= _LONGEST_LINK and url.isprintable() and not any(mark in url for mark in ' <>|\\"')


# ---- what texts speak of ----------------------------------------------------------------------------------


def _texts(flow: Flow) -> Iterator[tuple[Path, Texts]]:
    """The texts in which variables are filled in, by their paths below the flow."""
    for index, question in enumerate(flow.questions):
        yield ("question", index, "text"), question.text
        for key in _BY_BAND if question.by_band is not None else ():
            yield ("question", index, f"text_{key}"), getattr(question.by_band, key)
    yield ("intro",), flow.intro
    yield from ((("thanks", key), getattr(flow.thanks, key)) for key in (*_BY_BAND, "otherwise"))
    if flow.review is not None:
        yield ("review", "text"), flow.review.text


def unknown_to_commands(flow: Flow) -> Iterator[tuple[Path, str]]:
    """Where a flow's texts use what only a reported interaction knows: (path below the flow, variable)."""
    for path, texts in _texts(flow):
        for tag, name in may_stay_empty(texts):
            if flow.question(name) is None:
                yield (*path, tag), name


def _report_two_meanings(flow: Flow, questions: Sequence[Table], attributes: Collection[str]) -> None:
    """A variable that is the name of an attribute and of a question could mean either."""
    used = set().union(*(variables_of(texts) for _, texts in _texts(flow)))
    for each in questions:
        id = each.data.get("id")
        if isinstance(id, str) and id in attributes and id in used:
            right = f"Give the question another id, so that {{{id}}} means one thing."
            each.report("id", f"'{id}' is the name of an attribute, too, and a text says {{{id}}}", right)
