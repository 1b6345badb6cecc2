"""The key that reports group by: kept for ever in count rows, so nothing but ids, scales and conditions may move it."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from bot.conversations.flow import Flow, Thanks, structure_key
from bot.conversations.questions import Choice, Choices, InBand, OpenText, Option, Rating

FLOW = Flow(
    id="support",
    title={"en": "Support"},
    locales=("en",),
    questions=(
        Rating(id="score", text={"en": "How was it?"}, scale="csat5"),
        Choice(
            id="who", text={"en": "Who?"}, options=(Option(id="a", text={"en": "A"}), Option(id="b", text={"en": "B"}))
        ),
        Choices(
            id="why",
            text={"en": "Why?"},
            options=(Option(id="slow", text={"en": "Slow"}), Option(id="rude", text={"en": "Rude"})),
            when=InBand(question="score", bands=("dissatisfied",)),
        ),
        OpenText(id="words", text={"en": "Anything else?"}),
    ),
)


def test_the_key_of_a_flow_never_changes() -> None:
    assert structure_key(FLOW) == "5b2edc4fc7110ccfe1889a62e70e7834"


TEXTS: dict[str, Callable[[Flow], Flow]] = {
    "title": lambda flow: replace(flow, title={"en": "Help"}),
    "languages": lambda flow: replace(flow, locales=("en", "vi")),
    "thanks": lambda flow: replace(flow, thanks=Thanks(otherwise={"en": "Bye"})),
    "a question's text": lambda flow: replace(
        flow, questions=(replace(flow.questions[0], text={"en": "How did it go?"}), *flow.questions[1:])
    ),
}


@pytest.mark.parametrize("change", TEXTS.values(), ids=TEXTS.keys())
def test_texts_do_not_move_it(change: Callable[[Flow], Flow]) -> None:
    assert structure_key(change(FLOW)) == structure_key(FLOW)


STRUCTURE: dict[str, Callable[[Flow], Flow]] = {
    "another scale": lambda flow: replace(
        flow, questions=(Rating(id="score", text={"en": "?"}, scale="csat10"), *flow.questions[1:])
    ),
    "another condition": lambda flow: replace(
        flow, questions=(*flow.questions[:3], OpenText(id="words", text={}, when=flow.questions[2].when))
    ),
    "a question fewer": lambda flow: replace(flow, questions=flow.questions[:-1]),
    "one choice instead of several": lambda flow: replace(
        flow,
        questions=tuple(
            Choice(id=q.id, text=q.text, options=q.options, when=q.when) if isinstance(q, Choices) else q
            for q in flow.questions
        ),
    ),
}


@pytest.mark.parametrize("change", STRUCTURE.values(), ids=STRUCTURE.keys())
def test_structure_moves_it(change: Callable[[Flow], Flow]) -> None:
    assert structure_key(change(FLOW)) != structure_key(FLOW)
