"""Flows of every shape that the configuration allows, for property-based tests."""

from hypothesis import strategies as st
from msgspec.structs import replace

from bot.conversations.flow import Flow
from bot.conversations.questions import (
    AllOf,
    AnyOf,
    AttributeIs,
    ByBand,
    Choice,
    Choices,
    Chose,
    Condition,
    Consent,
    Contact,
    InBand,
    Not,
    OpenText,
    Option,
    PanelInvitation,
    Question,
    Rating,
    ScoreBetween,
    WasAnswered,
    scale_of,
)
from bot.toml_tables import ID_LENGTH

#: the longest id that the configuration allows, so that buttons are as full as they can be
LONGEST = "x" * ID_LENGTH
_OPTIONS = tuple(Option(id=id, text={"en": f"Option {id[:2]}"}) for id in ("a", "b", LONGEST))
_YES_OR_NO = tuple(Option(id=id, text={"en": id}) for id in ("yes", "no"))
_BANDS = ("promoter", "passive", "detractor", "satisfied", "neutral", "dissatisfied")


@st.composite
def flows(draw: st.DrawFn) -> Flow:
    """A flow of one to five questions with conditions on earlier ones; the first is always asked."""
    questions: list[Question] = []
    for index in range(draw(st.integers(1, 5))):
        conditions = st.none() | _conditions(questions) if index else st.none()
        rating = next((each.id for each in reversed(questions) if isinstance(each, Rating)), None)
        question = draw(_questions(f"q{index}", draw(conditions), conditions))
        texts = {"en": f"Question {index} with {{q{index - 1}|nothing}}?"}
        if rating is not None and draw(st.booleans()):
            question = replace(question, by_band=ByBand(question=rating, poor=texts))
        questions.append(question)
    return Flow(id="any", title={"en": "Any"}, locales=("en",), questions=tuple(questions))


def _questions(
    id: str, when: Condition | None, conditions: st.SearchStrategy[Condition | None]
) -> st.SearchStrategy[Question]:
    text = {"en": f"Question {id}?"}
    optional = st.booleans()
    options = st.tuples(*(st.builds(replace, st.just(option), when=conditions) for option in _OPTIONS))
    return st.one_of(
        st.builds(
            Rating,
            id=st.just(id),
            text=st.just(text),
            scale=st.sampled_from(("nps", "csat5", "csat10", "ces7", "thumbs")),
            look=st.sampled_from(("numbers", "emoji", "stars")),
            when=st.just(when),
            optional=optional,
        ),
        st.builds(
            Choice,
            id=st.just(id),
            text=st.just(text),
            options=options,
            when=st.just(when),
            optional=optional,
            shuffle=st.booleans(),
        ),
        st.builds(
            Choices,
            id=st.just(id),
            text=st.just(text),
            options=options,
            shuffle=st.booleans(),
            at_least=st.integers(1, 2),
            at_most=st.sampled_from((None, 2, 3)),
            when=st.just(when),
            optional=optional,
        ),
        st.builds(
            OpenText,
            id=st.just(id),
            text=st.just(text),
            when=st.just(when),
            optional=optional,
            required_when=conditions,
        ),
        st.builds(Contact, id=st.just(id), text=st.just(text), when=st.just(when), optional=optional),
        *(
            st.builds(
                kind,
                id=st.just(id),
                text=st.just(text),
                options=st.just(_YES_OR_NO),
                when=st.just(when),
                optional=optional,
            )
            for kind in (Consent, PanelInvitation)
        ),
    )


def _conditions(earlier: list[Question]) -> st.SearchStrategy[Condition]:
    about = [_about(question) for question in earlier]
    leaves = st.one_of(*about, st.builds(AttributeIs, name=st.just("channel"), values=st.just(("web",))))
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(Not, condition=inner),
            st.builds(AllOf, conditions=st.tuples(inner, inner)),
            st.builds(AnyOf, conditions=st.tuples(inner, inner)),
        ),
        max_leaves=3,
    )


def _about(question: Question) -> st.SearchStrategy[Condition]:
    id = st.just(question.id)
    answered: st.SearchStrategy[Condition] = st.builds(WasAnswered, question=id)
    if isinstance(question, Rating):
        scale = scale_of(question)
        middle = (scale.low + scale.high) // 2
        return st.one_of(
            answered,
            st.builds(ScoreBetween, question=id, low=st.just(scale.low), high=st.just(middle)),
            st.builds(InBand, question=id, bands=st.tuples(st.sampled_from(_BANDS))),
        )
    if isinstance(question, Choice | Choices):
        chose = st.builds(Chose, question=id, options=st.tuples(st.sampled_from([each.id for each in _OPTIONS])))
        return st.one_of(answered, chose)
    if isinstance(question, Consent | PanelInvitation):
        return st.one_of(answered, st.builds(Chose, question=id, options=st.just(("yes",))))
    return answered
