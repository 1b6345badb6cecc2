"""Flows that begin as others: a preset in one line, and variants that replace some of their base."""

import tomllib

import msgspec
import pytest

from bot.conversations.flow import Flow, structure_key
from bot.conversations.flow_toml import flow_from, read_flows
from bot.conversations.presets import PRESETS, REASONS, every_language
from bot.conversations.questions import Choices, Contact, OpenText, PanelInvitation, Question, Rating
from bot.languages import locales
from bot.toml_tables import Findings, Table


def flows_of(text: str) -> dict[str, Flow]:
    findings = Findings()
    data = tomllib.loads(text)["flow"]
    tables = [Table(each, ("flow", index), findings) for index, each in enumerate(data)]
    flows = read_flows(tables, ("web",))
    assert list(findings) == []
    return {flow.id: flow for flow in flows}


def found(flow: Flow, id: str) -> Question:
    question = flow.question(id)
    assert question is not None
    return question


# ---- presets ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_a_whole_flow_in_all_languages(name: str) -> None:
    findings = Findings()
    flow = flow_from({"id": "support", "preset": name}, findings)
    assert list(findings) == []
    assert flow.locales == tuple(every_language())
    assert set(flow.locales) == set(locales())
    assert flow.locale == "en"
    assert [question.id for question in flow.questions] == ["score", "reasons", "comment"]
    for question in flow.questions:
        assert set(question.text) == set(flow.locales)
        by_band = question.by_band
        if by_band is not None:
            assert [set(texts) for texts in (by_band.good, by_band.middling, by_band.poor)] == [set(flow.locales)] * 3
    reasons = found(flow, "reasons")
    assert isinstance(reasons, Choices)
    assert tuple(option.id for option in reasons.options) == REASONS
    assert [option.id for option in reasons.options if option.last] == ["else"]
    assert [option.id for option in reasons.options if option.when] == ["problem"]


def test_what_stands_beside_a_preset_replaces_it_key_by_key() -> None:
    flow = flows_of("""
        [[flow]]
        id = "support"
        preset = "csat"
        languages = ["en"]
        title = "Chats"
        [flow.thanks]
        good = "Great!"
        [[flow.question]]
        id = "score"
        look = "stars"
        [[flow.question]]
        id = "where"
        type = "contact"
        wants = "email"
        [[flow.question]]
        id = "comment"
        text_poor = "Why?"
    """)["support"]
    assert flow.title == {"en": "Chats"}
    assert [question.id for question in flow.questions] == ["score", "reasons", "comment", "where"]
    score, comment, where = found(flow, "score"), found(flow, "comment"), found(flow, "where")
    assert isinstance(score, Rating)
    assert isinstance(comment, OpenText)
    assert isinstance(where, Contact)
    assert (score.scale, score.look) == ("csat5", "stars")
    assert comment.by_band is not None
    assert comment.by_band.poor == {"en": "Why?"}
    assert comment.by_band.good == {"en": "Is there anything that you would like to add?"}
    assert where.text == {"en": "At which e-mail address can we reach you?"}
    assert flow.thanks.good == {"en": "Great!"}


def test_the_author_s_own_sentences_are_the_preset_s() -> None:
    flow = flows_of("""
        [[flow]]
        id = "support"
        preset = "csat"
        languages = ["en"]
        [flow.sentences]
        "preset.csat.question".en = "Happy?"
        "preset.comment.poor".en = "What happened?"
        "reason.price".en = "The bill"
    """)["support"]
    reasons, comment = found(flow, "reasons"), found(flow, "comment")
    assert found(flow, "score").text == {"en": "Happy?"}
    assert comment.by_band is not None
    assert comment.by_band.poor == {"en": "What happened?"}
    assert isinstance(reasons, Choices)
    assert {"en": "The bill"} in [option.text for option in reasons.options]


def test_standard_texts_without_a_preset() -> None:
    flow = flows_of("""
        [[flow]]
        id = "product"
        languages = ["it", "pl"]
        title.it = "Prodotto"
        title.pl = "Produkt"
        [[flow.question]]
        id = "score"
        type = "nps"
        [[flow.question]]
        id = "why"
        type = "reasons"
        options = ["speed", "else"]
        [[flow.question]]
        id = "board"
        type = "panel"
    """)["product"]
    why, board = found(flow, "why"), found(flow, "board")
    assert set(found(flow, "score").text) == {"it", "pl"}
    assert isinstance(why, Choices)
    assert isinstance(board, PanelInvitation)
    assert [(option.id, option.last) for option in why.options] == [("speed", False), ("else", True)]
    assert why.optional
    assert why.by_band is not None
    assert [option.id for option in board.options] == ["yes", "no"]
    assert set(board.joined) == {"it", "pl"}


# ---- variants ---------------------------------------------------------------------------------------------

TWO = """
    [[flow]]
    id = "support_b"
    variant_of = "support"
    share = "50%"
    title = "B"
    [flow.thanks]
    poor = "Sorry!"
    [flow.review]
    bands = ["satisfied", "neutral", "dissatisfied"]
    [[flow.question]]
    id = "comment"
    required_below = 3
    [[flow.question]]
    id = "more"
    type = "text"
    text = "More?"

    [[flow]]
    id = "support"
    preset = "csat"
    languages = ["en"]
    intro = "Hello"
    [flow.thanks]
    good = "Great!"
    poor = "Oh!"
    [flow.review]
    url = "https://reviews.example/lotus"
    [flow.asking]
    cool_down = "30d"
"""


def test_a_variant_inherits_what_it_does_not_name() -> None:
    flows = flows_of(TWO)
    base, variant = flows["support"], flows["support_b"]
    assert (variant.variant_of, variant.share, base.variant_of, base.share) == ("support", 50, None, 0)
    assert (variant.title, variant.intro, variant.locales) == ({"en": "B"}, base.intro, base.locales)
    assert (variant.thanks.good, variant.thanks.poor) == ({"en": "Great!"}, {"en": "Sorry!"})
    assert base.review is not None
    assert variant.review is not None
    assert (base.review.bands, base.review.url) == (("satisfied",), variant.review.url)
    assert set(variant.review.bands) == {"satisfied", "neutral", "dissatisfied"}
    assert [question.id for question in variant.questions] == ["score", "reasons", "comment", "more"]
    assert variant.questions[:2] == base.questions[:2]
    comment = found(variant, "comment")
    assert isinstance(comment, OpenText)
    assert comment.required_when is not None
    assert comment.by_band == found(base, "comment").by_band


def test_the_figures_of_a_variant_are_its_own() -> None:
    flows = flows_of(TWO)
    assert structure_key(flows["support"]) != structure_key(flows["support_b"])


# ---- flows that were stored before --------------------------------------------------------------------------

STORED = b"""{"schema":1,"id":"support","title":{"en":"Support"},"locales":["en"],"questions":[
{"type":"rating","id":"score","text":{"en":"How was it?"},"scale":"csat5","look":"numbers","low":{},"high":{},
"positive_from":null,"when":null,"optional":false},
{"type":"choices","id":"why","text":{"en":"Why?"},"options":[{"id":"slow","text":{"en":"Slow"}},
{"id":"rude","text":{"en":"Rude"}}],"at_least":1,"at_most":null,
"when":{"type":"band","question":"score","bands":["dissatisfied"]},"optional":true},
{"type":"text","id":"words","text":{"en":"More?"},"when":null,"optional":true}],
"score":null,"case_at_most":null,"intro":{},"thanks":{"good":{},"middling":{},"poor":{},"otherwise":{"en":"Thanks"}}}"""


def test_a_flow_stored_by_an_earlier_release_is_read() -> None:
    flow = msgspec.json.decode(STORED, type=Flow)
    assert (flow.review, flow.variant_of, flow.share) == (None, None, 0)
    assert [question.by_band for question in flow.questions] == [None, None, None]
    why, words = flow.questions[1:]
    assert isinstance(why, Choices)
    assert isinstance(words, OpenText)
    assert [(option.when, option.last) for option in why.options] == [(None, False)] * 2
    assert (why.shuffle, words.required_when) == (False, None)


def test_a_flow_with_everything_new_is_stored_and_read() -> None:
    for flow in flows_of(TWO).values():
        assert msgspec.json.decode(msgspec.json.encode(flow), type=Flow) == flow
