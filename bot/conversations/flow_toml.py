"""Flows as admins write them in TOML, turned into flows with nothing left to fill in. Pure.

Everything that is wrong is collected; built-in labels and thanks come from the language packs, so that a flow
version holds all that its customers will read.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, cast, get_args

from bot.conversations.condition_toml import Before, read_when
from bot.conversations.flow import Flow, Thanks
from bot.conversations.questions import (
    Choice,
    Choices,
    Look,
    OpenText,
    Option,
    Question,
    Rating,
    ScaleName,
    Texts,
    scale_of,
)
from bot.conversations.sentences_toml import for_flow, read_sentences
from bot.conversations.text_toml import (
    ATTRIBUTES,
    LABEL_LENGTH,
    Speech,
    from_packs,
    may_stay_empty,
    read_locales,
    read_texts,
)
from bot.toml_journal import AnyText, Blocks, OneOf, Whole
from bot.languages.voice import NONE, Sentences
from bot.toml_tables import ANY_NUMBER, LINE, Findings, Path, Table, did_you_mean

#: Slack's block of buttons takes 25, and *Done* and *Skip* stand below the options.
MOST_OPTIONS = 20
MOST_QUESTIONS = 30

_SCALES: tuple[str, ...] = get_args(ScaleName)
_TYPES = (*_SCALES, "choice", "choices", "text")
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
    "at_least": "Only choices questions have it; a condition goes into when = { … }.",
    "at_most": "Only choices questions have it; a condition goes into when = { … }.",
    "band": "A condition goes into when = { … }.",
}


def read_flows(tables: Sequence[Table], channels: Collection[str] = (), sentences: Sentences = NONE) -> list[Flow]:
    """The flows of a file, in its order; those with findings are left out, or hold less than they should.

    ``channels`` are the names of the configured channels, for conditions on them; ``sentences`` are the author's own
    for all flows.
    """
    flows: list[Flow] = []
    seen: dict[str, Path] = {}
    for table in tables:
        flow = read_flow(table, channels, sentences)
        if flow.id and flow.id in seen:
            wrong = f"there is another flow '{flow.id}' on line {LINE}"
            right = "Give each flow an id of its own."
            table.findings.add((*table.path, "id"), wrong, right, (*seen[flow.id], "id"))
        seen.setdefault(flow.id, table.path)
        flows.append(flow)
    return [flow for flow in flows if flow.id]


def flow_from(data: Mapping[str, object], findings: Findings | None = None) -> Flow:
    """One flow from the parsed TOML of its own table; findings go into the collection given."""
    return read_flow(Table(data, (), Findings() if findings is None else findings))


def read_flow(table: Table, channels: Collection[str] = (), sentences: Sentences = NONE) -> Flow:
    """One flow; whole and right only if nothing was found."""
    id = table.id()
    locales = read_locales(table, "languages")
    attributes = frozenset(table.texts("attributes", ()))
    own = for_flow(sentences, read_sentences(table, locales, of_a_flow=True), locales)
    speech = Speech(locales=locales, attributes=ATTRIBUTES | attributes, own=own)
    title = read_texts(table, "title", speech, variables=False, longest=80)
    questions = _read_questions(table, speech, channels)
    intro = read_texts(table, "intro", speech, required=False)
    score = _read_score(table, questions)
    # When it may be asked stands beside the flow, and is no part of the version that customers are asked.
    table.table("asking")
    flow = Flow(
        id=id,
        title=title,
        locales=locales or ("en",),
        questions=questions,
        score=score,
        case_at_most=_read_case(table, questions, score),
        intro=intro,
        sentences=own,
        thanks=_read_thanks(table, speech, rated=any(isinstance(each, Rating) for each in questions)),
    )
    table.finish()
    return flow


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
    by_band = {key: read_texts(own, key, speech, required=False) for key in ("good", "middling", "poor")}
    own.finish()
    if rated:
        by_band = {key: texts or otherwise or from_packs(f"thanks.{key}", speech) for key, texts in by_band.items()}
    return Thanks(otherwise=otherwise or from_packs("thanks.otherwise", speech), **by_band)


# ---- questions -------------------------------------------------------------------------------------------


def _read_questions(table: Table, speech: Speech, channels: Collection[str]) -> tuple[Question, ...]:
    table.note("question", Blocks(fewest=1, most=MOST_QUESTIONS))
    tables = table.tables("question")
    if not tables and not table.findings.under((*table.path, "question")):
        table.miss("question", "is missing", "Add a [[flow.question]] with id, type and text.")
    if len(tables) > MOST_QUESTIONS:
        table.report("question", f"there are {len(tables)} questions", f"Ask at most {MOST_QUESTIONS}.")
    ids = [str(each.data.get("id", "")) for each in tables]
    earlier: dict[str, Question | None] = {}
    for index, each in enumerate(tables):
        later = tuple(id for id in ids[index:] if id not in earlier)
        before = Before(speech=speech, earlier=dict(earlier), later=later, channels=channels)
        question = _read_question(each, before)
        if ids[index] and ids[index] in earlier:
            each.report("id", f"there is another question '{ids[index][:60]}' above", "Give each question its own id.")
        else:
            earlier[ids[index] or f"({index})"] = question
    return tuple(question for question in earlier.values() if question is not None)


def _read_question(table: Table, before: Before) -> Question | None:
    id = table.id()
    kind = table.one_of("type", _TYPES)
    when = read_when(table, before)
    common: dict[str, Any] = {
        "id": id,
        "text": read_texts(table, "text", before.speech),
        "when": when,
        "optional": table.flag("optional", kind == "text"),
    }
    question: Question | None = None
    if kind in _SCALES:
        question = _read_rating(table, cast(ScaleName, kind), before.speech, common)
    elif kind == "choice":
        question = Choice(options=_read_options(table, before.speech), **common)
    elif kind == "choices":
        question = _read_choices(table, before.speech, common)
    elif kind == "text":
        question = OpenText(**common)
    else:
        # Without a type nobody can tell which other keys are right.
        return None
    table.finish(_ELSEWHERE)
    return question if id else None


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


def _read_options(table: Table, speech: Speech) -> tuple[Option, ...]:
    table.note("options", Blocks(fewest=2, most=MOST_OPTIONS))
    if not table.has("options"):
        table.missing("options", 'options = [ { id = "…", text.en = "…" }, … ]')
        return ()
    tables = table.tables("options")
    if len(tables) < 2 and not table.findings.under((*table.path, "options")):
        table.report("options", "a choice needs at least two options")
    if len(tables) > MOST_OPTIONS:
        right = f"Offer at most {MOST_OPTIONS}: chat services show no more buttons."
        table.report("options", f"there are {len(tables)} options", right)
    options: list[Option] = []
    for each in tables:
        id = each.id()
        if id and any(option.id == id for option in options):
            each.report("id", f"there is another option '{id}' above", "Give each option its own id.")
        if id.isdigit():
            # in words, options are numbered from 1, whatever their ids: "2" would mean two things
            each.report("id", "an option's id cannot be a number", "Name what it stands for, such as 'slow'.")
        text = read_texts(each, "text", speech, variables=False, longest=LABEL_LENGTH)
        _report_same_label(each, text, options)
        each.finish()
        options.append(Option(id=id, text=text))
    return tuple(options)


def _report_same_label(table: Table, text: Texts, above: list[Option]) -> None:
    """Two options that read alike cannot be told apart by someone who types the label."""
    for tag, label in text.items():
        other = next((each for each in above if each.text.get(tag, "").casefold() == label.casefold() != ""), None)
        if other is not None:
            path = (*table.path, "text", tag) if isinstance(table.data.get("text"), Mapping) else (*table.path, "text")
            table.findings.add(path, f"reads the same as option '{other.id}'")


def _read_choices(table: Table, speech: Speech, common: dict[str, Any]) -> Choices:
    options = _read_options(table, speech)
    most = max(len(options), 1)
    table.note("at_least", Whole(low=1, high=MOST_OPTIONS), 1)
    table.note("at_most", Whole(low=1, high=MOST_OPTIONS))
    at_least = table.whole("at_least", 1, 1, most)
    at_most = table.maybe_whole("at_most", 1, most)
    if at_most is not None and at_least > at_most:
        table.report("at_most", f"is less than at_least, which is {at_least}")
    return Choices(options=options, at_least=at_least, at_most=at_most, **common)


# ---- for flows that a command starts -----------------------------------------------------------------------


def unknown_to_commands(flow: Flow) -> Iterator[tuple[Path, str]]:
    """Where a flow's texts use what only a reported interaction knows: (path below the flow, variable)."""
    for index, question in enumerate(flow.questions):
        for tag, name in may_stay_empty(question.text):
            yield ("question", index, "text", tag), name
    for tag, name in may_stay_empty(flow.intro):
        yield ("intro", tag), name
    for key in ("good", "middling", "poor", "otherwise"):
        for tag, name in may_stay_empty(getattr(flow.thanks, key)):
            yield ("thanks", key, tag), name
