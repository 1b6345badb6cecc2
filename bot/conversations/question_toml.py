"""Questions of flows, read from TOML, each with nothing left to fill in: standard sentences come from the packs."""

from collections.abc import Collection, Sequence
from typing import Any, cast, get_args

import phonenumbers
from msgspec.structs import replace

from bot.conversations.condition_toml import Before, read_when
from bot.conversations.option_toml import MOST_OPTIONS, read_options, yes_or_no
from bot.conversations.presets import standard_question, standard_reasons
from bot.conversations.questions import (
    ByBand,
    Choice,
    Choices,
    Condition,
    Consent,
    Contact,
    Look,
    OpenText,
    PanelInvitation,
    Question,
    Rating,
    ScaleName,
    ScoreBetween,
    Texts,
    Wanted,
    scale_of,
)
from bot.conversations.text_toml import Speech, from_packs, read_texts
from bot.toml_journal import AnyText, Block, Blocks, OneOf, Whole
from bot.toml_tables import ANY_NUMBER, Table, did_you_mean

MOST_QUESTIONS = 30

_SCALES: tuple[str, ...] = get_args(ScaleName)
_TYPES = (*_SCALES, "choice", "choices", "reasons", "text", "contact", "consent", "panel")
_LOOKS: dict[str, tuple[str, ...]] = {
    "nps": ("numbers",),
    "csat5": ("numbers", "emoji", "stars"),
    "csat10": ("numbers", "stars"),
    "ces7": ("numbers",),
    "thumbs": (),
}
#: The pack's labels of a scale's two ends.
_ENDS = {
    "nps": ("scale.nps.low", "scale.nps.high"),
    "csat5": ("scale.csat5.1", "scale.csat5.5"),
    "csat10": ("scale.csat10.low", "scale.csat10.high"),
    "ces7": ("scale.ces7.low", "scale.ces7.high"),
    "thumbs": ("scale.thumbs.0", "scale.thumbs.1"),
}
_ELSEWHERE = {
    "look": "Only nps, csat5, csat10 and ces7 questions have a look.",
    "low": "Only ratings have ends to label.",
    "high": "Only ratings have ends to label.",
    "positive_from": "Only csat10 questions have it.",
    "options": "Only choice and choices questions have options.",
    "shuffle": "Only choice, choices and reasons questions have options to shuffle.",
    "at_least": "Only choices questions have it; a condition goes into when = { … }.",
    "at_most": "Only choices questions have it; a condition goes into when = { … }.",
    "required_when": "Only text questions have it; others are required unless they say optional = true.",
    "required_below": "Only text questions have it; others are required unless they say optional = true.",
    "wants": "Only contact questions have it.",
    "region": "Only contact questions have it.",
    "yes": "Only consent and panel questions have it.",
    "no": "Only consent and panel questions have it.",
    "joined": "Only panel questions have it.",
    "band": "A condition goes into when = { … }.",
}

#: What may be left out unless the flow says otherwise.
_OPTIONAL = frozenset({"text", "reasons", "contact"})
_BANDS = ("good", "middling", "poor")


def read_questions(
    table: Table, tables: Sequence[Table], speech: Speech, channels: Collection[str]
) -> tuple[Question, ...]:
    """The questions of the flow ``table``, in the order of ``tables``."""
    table.note("question", Blocks(fewest=1, most=MOST_QUESTIONS))
    table.has("question")
    if not tables and not table.findings.under((*table.path, "question")):
        table.miss("question", "is missing", "Add a [[flow.question]] with id, type and text.")
    if len(tables) > MOST_QUESTIONS:
        table.report("question", f"there are {len(tables)} questions", f"Ask at most {MOST_QUESTIONS}.")
    ids = [str(each.data.get("id", "")) for each in tables]
    earlier: dict[str, Question | None] = {}
    for index, each in enumerate(tables):
        later = tuple(id for id in ids[index:] if id not in earlier)
        said = answers_said(earlier.values())
        known = replace(speech, answers=said, unsaid=frozenset(ids) - said)
        before = Before(speech=known, earlier=dict(earlier), later=later, channels=channels)
        question = _read_question(each, before)
        if ids[index] and ids[index] in earlier:
            each.report("id", f"there is another question '{ids[index][:60]}' above", "Give each question its own id.")
        else:
            earlier[ids[index] or f"({index})"] = question
    return tuple(question for question in earlier.values() if question is not None)


def answers_said(questions: Collection[Question | None]) -> frozenset[str]:
    """The ids of those questions whose answers may stand in texts: nobody's own words."""
    return frozenset(each.id for each in questions if each is not None and not isinstance(each, OpenText | Contact))


def _read_question(table: Table, before: Before) -> Question | None:
    id = table.id()
    kind = table.one_of("type", _TYPES)
    when = read_when(table, before)
    text, by_band = _read_text(table, kind, before)
    common: dict[str, Any] = {
        "id": id,
        "text": text,
        "by_band": by_band,
        "when": when,
        "optional": table.flag("optional", kind in _OPTIONAL),
    }
    question: Question | None = None
    if kind in _SCALES:
        question = _read_rating(table, cast(ScaleName, kind), before.speech, common)
    elif kind == "choice":
        options = read_options(table, before, when)
        question = Choice(options=options, shuffle=table.flag("shuffle", False), **common)
    elif kind in ("choices", "reasons"):
        question = _read_choices(table, before, common, standard=kind == "reasons")
    elif kind == "text":
        question = OpenText(required_when=_read_required(table, before), **common)
    elif kind == "contact":
        question = _read_contact(table, common)
    elif kind == "consent":
        question = Consent(options=yes_or_no(table, before, "consent"), **common)
    elif kind == "panel":
        joined = read_texts(table, "joined", before.speech, required=False)
        joined = joined or from_packs("panel.joined", before.speech)
        question = PanelInvitation(options=yes_or_no(table, before, "panel"), joined=joined, **common)
    else:
        # Without a type nobody can tell which other keys are right; what no type has is wrong all the same.
        table.finish(maybe=_ELSEWHERE)
        return None
    table.finish(_ELSEWHERE)
    return question if id else None


# ---- what a question says ---------------------------------------------------------------------------------


def _read_text(table: Table, kind: str, before: Before) -> tuple[Texts, ByBand | None]:
    """A question's text and what it says instead by the band of the rating before it."""
    speech, rating = before.speech, before.rating
    by_band: dict[str, Texts] = {}
    for band in _BANDS if kind else ():
        key = f"text_{band}"
        by_band[band] = read_texts(table, key, speech, required=False)
        if key in table.data and before.unrated:
            table.report(key, "there is no rating before this question", "Write text, which is for everybody.")
    standard = _standard_text(table, kind)
    whole = standard is not None or all(by_band.values())
    text = read_texts(table, "text", speech, required=not whole and bool(kind))
    if kind == "reasons" and "text" not in table.data and rating is not None:
        by_band = {band: texts or from_packs(standard_reasons(band), speech) for band, texts in by_band.items()}
    if not text and "text" not in table.data:
        text = from_packs(standard, speech) if standard else by_band.get("middling", {})
    if rating is None or not any(by_band.values()):
        return text, None
    return text, ByBand(question=rating.id, **by_band)


def _standard_text(table: Table, kind: str) -> str | None:
    """The key of the sentence that such a question has where the flow gives none."""
    if kind in _SCALES:
        return standard_question(cast(ScaleName, kind))
    if kind == "contact":
        wants = table.data.get("wants")
        return f"preset.{wants}" if wants in ("email", "phone") else "preset.contact"
    return {"reasons": standard_reasons("middling"), "panel": "panel.question"}.get(kind)


# ---- one type each ----------------------------------------------------------------------------------------


def _read_rating(table: Table, scale: ScaleName, speech: Speech, common: dict[str, Any]) -> Rating:
    looks = _LOOKS[scale]
    if looks:
        table.note("look", OneOf(allowed=looks), "numbers")
    look = table.text("look", "numbers") if looks else "numbers"
    if looks and look not in looks:
        table.report("look", f"{scale} has no look '{look[:40]}'", did_you_mean(look, looks))
    low, high = (
        read_texts(table, key, speech, required=False, variables=False, longest=80) or from_packs(built_in, speech)
        for key, built_in in zip(("low", "high"), _ENDS[scale], strict=True)
    )
    # 1-4 are dissatisfied on this scale, whatever counts as satisfied.
    positive_from = table.maybe_whole("positive_from", 5, 10) if scale == "csat10" else None
    return Rating(scale=scale, look=cast(Look, look), low=low, high=high, positive_from=positive_from, **common)


def _read_choices(table: Table, before: Before, common: dict[str, Any], *, standard: bool) -> Choices:
    options = read_options(table, before, common["when"], standard=standard)
    most = max(len(options), 1)
    table.note("at_least", Whole(low=1, high=MOST_OPTIONS), 1)
    table.note("at_most", Whole(low=1, high=MOST_OPTIONS))
    at_least = table.whole("at_least", 1, 1, most)
    at_most = table.maybe_whole("at_most", 1, most)
    if at_most is not None and at_least > at_most:
        table.report("at_most", f"is less than at_least, which is {at_least}")
    shuffle = table.flag("shuffle", False)
    return Choices(options=options, at_least=at_least, at_most=at_most, shuffle=shuffle, **common)


def _read_required(table: Table, before: Before) -> Condition | None:
    """When words cannot be left out: ``required_when``, or ``required_below`` a score of the rating before."""
    table.note("required_when", Block())
    table.note("required_below", Whole())
    if table.has("required_when"):
        if table.has("required_below"):
            table.report("required_below", "stands beside required_when", "Keep one of them.")
        return read_when(table, before, "required_when", never="so these words would never be required")
    below = table.maybe_whole("required_below", -ANY_NUMBER, ANY_NUMBER)
    if below is None:
        return None
    if before.rating is None:
        if before.unrated:
            table.report("required_below", "there is no rating before this question", "Ask for a score first.")
        return None
    scale = scale_of(before.rating)
    if not scale.low < below <= scale.high:
        right = f"Choose from {scale.low + 1} to {scale.high}."
        table.report("required_below", f"no score of '{before.rating.id}' or every score is below {below}", right)
        return None
    return ScoreBetween(question=before.rating.id, low=scale.low, high=below - 1)


def _read_contact(table: Table, common: dict[str, Any]) -> Contact:
    wants = table.one_of("wants", get_args(Wanted), "either")
    table.note("region", AnyText(pattern="[A-Z]{2}", what="a country's two letters"))
    region = table.text("region", "")
    if region and region not in phonenumbers.SUPPORTED_REGIONS:
        known = region.upper() in phonenumbers.SUPPORTED_REGIONS
        right = f"Did you mean '{region.upper()}'?" if known else "Write it as in 'IT' or 'VN'."
        table.report("region", f"there is no country '{region[:40]}'", right)
    return Contact(wants=cast(Wanted, wants), region=region, **common)
