"""Which rule a case meets, and which rules can never be met."""

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.conversations.questions import ScaleName
from bot.followup.routing import RoutingRule, Signals, match, opening, shadowed, tags_of

CASE = Signals(
    flow="support",
    channel="telegram",
    language="pt-BR",
    tags=("Express", "late"),
    scale="csat5",
    score=2,
    words="I want a REFUND,\nplease. Don't tell me it is nonrefundable!",
)

# label: the rule's conditions, whether they hold of the case
HOLDS: dict[str, tuple[dict[str, Any], bool]] = {
    "asks nothing": ({}, True),
    "its flow": ({"flows": ("delivery", "support")}, True),
    "another flow": ({"flows": ("delivery",)}, False),
    "its channel": ({"channels": ("telegram",)}, True),
    "another channel": ({"channels": ("web", "slack")}, False),
    "its language": ({"languages": ("pt-BR",)}, True),
    "its language, written otherwise": ({"languages": ("pt_br",)}, True),
    "its base language": ({"languages": ("pt",)}, True),
    "another kind of its language": ({"languages": ("pt-PT",)}, False),
    "the beginning of a language's name": ({"languages": ("p",)}, False),
    "one of its tags": ({"tags": ("late", "vip")}, True),
    "a tag in other letters": ({"tags": ("EXPRESS",)}, True),
    "another tag": ({"tags": ("lat",)}, False),
    "its scale": ({"scale": "csat5"}, True),
    "another scale": ({"scale": "nps"}, False),
    "at most its score": ({"score_at_most": 2}, True),
    "at most less": ({"score_at_most": 1}, False),
    "at least its score": ({"score_at_least": 2}, True),
    "at least more": ({"score_at_least": 3}, False),
    "no VIP": ({"vip": False}, True),
    "a VIP": ({"vip": True}, False),
    "all of it": ({"flows": ("support",), "score_at_most": 2, "words": ("refund",)}, True),
    "all but one": ({"flows": ("support",), "score_at_most": 2, "words": ("lawyer",)}, False),
    "a word": ({"words": ("refund",)}, True),
    "one of several words": ({"words": ("lawyer", "Refund")}, True),
    "a part of a word": ({"words": ("refundable",)}, False),
    "the beginning of a word": ({"words": ("non",)}, False),
    "a phrase over a line break": ({"words": ("refund, please",)}, True),
    "a phrase with other spaces": ({"words": ("want  a refund",)}, True),
    "an apostrophe of another shape": ({"words": ("don’t",)}, True),
    "an empty word": ({"words": ("",)}, False),
}


@pytest.mark.parametrize(("conditions", "holds"), HOLDS.values(), ids=HOLDS)
def test_conditions(conditions: dict[str, Any], holds: bool) -> None:
    rule = RoutingRule(id="r", **conditions)
    assert match([rule], CASE) is (rule if holds else None)


# label: the rule's word, what the customer wrote, whether it stands there
WORDS: dict[str, tuple[str, str, bool]] = {
    "German capitals": ("große", "GROSSE Verspätung", True),
    "Vietnamese phrase": ("hoàn tiền", "Tôi muốn HOÀN TIỀN ngay", True),
    "Vietnamese, decomposed": ("hoàn tiền", "toi muon hoa\u0300n tie\u0302\u0300n", True),
    "Vietnamese, a part of a syllable": ("hoa", "hoàn", False),
    "Vietnamese, other marks": ("ma", "mã giảm giá", False),
    "Polish": ("zwrot", "Proszę o zwrot!", True),
    "Polish, another form": ("zwrot", "zwrotu nie ma", False),
    "Chinese inside a sentence": ("退款", "我要求退款谢谢", True),
    "Thai inside a sentence": ("คืนเงิน", "ขอคืนเงินด้วย", True),
    "Latin beside Chinese": ("refund", "我要refund谢谢", True),
    "full width": ("refund", "ｒｅｆｕｎｄ", True),
    "a digit beside it": ("iban", "iban2", False),
    "punctuation on both sides": ("refund", "(refund)", True),
    "a hyphen": ("refund", "re-refund", True),
    "the second place counts": ("refund", "prerefund refund", True),
    "a symbol": ("100%", "lost 100% of it", True),
    "an emoji": ("😡", "why😡why", True),
    "nothing said": ("refund", "", False),
    "very long words": ("refund", "a\u0301" * 40_000 + " refund", True),
}


@pytest.mark.parametrize(("word", "text", "found"), WORDS.values(), ids=WORDS)
def test_words(word: str, text: str, found: bool) -> None:
    rule = RoutingRule(id="r", words=(word,))
    assert bool(match([rule], replace(CASE, words=text))) == found


def test_the_first_rule_wins() -> None:
    rules = [RoutingRule(id="vip", vip=True), RoutingRule(id="low", score_at_most=2), RoutingRule(id="all")]
    assert [
        rule.id
        for signals in (CASE, replace(CASE, score=4), replace(CASE, vip=True))
        if (rule := match(rules, signals))
    ] == [
        "low",
        "all",
        "vip",
    ]
    assert match(rules[:1], CASE) is None


def test_only_rules_that_open_cases_open_one() -> None:
    rules = [RoutingRule(id="all"), RoutingRule(id="lawyer", words=("lawyer",), opens=True)]
    assert opening(rules, CASE) is None
    assert opening(rules, replace(CASE, words="My lawyer will call")) is rules[1]


def test_a_case_without_a_score_meets_no_rule_about_scores() -> None:
    silent = replace(CASE, scale=None, score=None)
    rules = [RoutingRule(id="high", score_at_least=0), RoutingRule(id="low", score_at_most=10)]
    assert match(rules, silent) is None
    assert match([RoutingRule(id="nps", scale="nps")], silent) is None


@pytest.mark.parametrize(
    ("text", "tags"), [("", ()), ("vip", ("vip",)), (" vip , Late delivery,,", ("vip", "Late delivery"))]
)
def test_tags(text: str, tags: tuple[str, ...]) -> None:
    assert tags_of(text) == tags


# ---- hidden rules ------------------------------------------------------------------------------------------------

# label: the earlier rule, the later one, whether nothing is left for the later one
HIDDEN: dict[str, tuple[dict[str, Any], dict[str, Any], bool]] = {
    "behind one that asks nothing": ({}, {"flows": ("a",)}, True),
    "the same": ({"words": ("refund",)}, {"words": ("refund",)}, True),
    "one that asks nothing": ({"flows": ("a",)}, {}, False),
    "a longer list before a shorter one": ({"channels": ("a", "b")}, {"channels": ("b",)}, True),
    "a shorter list before a longer one": ({"channels": ("b",)}, {"channels": ("a", "b")}, False),
    "tags in other letters": ({"tags": ("VIP",)}, {"tags": ("vip",)}, True),
    "a base language": ({"languages": ("pt",)}, {"languages": ("pt-BR", "pt-PT")}, True),
    "a base language behind its kinds": ({"languages": ("pt-BR", "pt-PT")}, {"languages": ("pt",)}, False),
    "a wider range of scores": ({"score_at_most": 6}, {"score_at_most": 3}, True),
    "a narrower range of scores": ({"score_at_most": 3}, {"score_at_most": 6}, False),
    "a range as wide as the scale": ({"score_at_most": 5}, {"scale": "csat5"}, True),
    "a range not as wide as the scale": ({"score_at_most": 4}, {"scale": "csat5"}, False),
    "any range behind scores of all scales": ({"score_at_least": 0}, {}, False),
    "one scale before a range of its own": ({"scale": "nps"}, {"score_at_most": 6}, False),
    "a VIP before anybody": ({"vip": True}, {}, False),
    "anybody before a VIP": ({}, {"vip": True}, True),
    "a word before its phrase": ({"words": ("refund",)}, {"words": ("full refund", "refund now")}, True),
    "a phrase before its word": ({"words": ("full refund",)}, {"words": ("refund",)}, False),
    "a part of a word": ({"words": ("fund",)}, {"words": ("refund",)}, False),
    "other conditions differ": ({"flows": ("a",), "vip": True}, {"flows": ("a",), "vip": False}, False),
    "one that opens cases behind one that does not": ({}, {"words": ("refund",), "opens": True}, False),
    "one that opens cases behind another": ({"opens": True}, {"words": ("refund",), "opens": True}, True),
    "one that contradicts itself is told elsewhere": ({}, {"score_at_least": 5, "score_at_most": 2}, False),
}


@pytest.mark.parametrize(("earlier", "later", "hidden"), HIDDEN.values(), ids=HIDDEN)
def test_shadowed(earlier: dict[str, Any], later: dict[str, Any], hidden: bool) -> None:
    rules = [RoutingRule(id="none", flows=("elsewhere",)), RoutingRule(id="1", **earlier), RoutingRule(id="2", **later)]
    assert shadowed(rules) == ([(2, 1)] if hidden else [])


def _some(*values: str) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), max_size=2, unique=True).map(tuple)


SCORES = st.none() | st.integers(-1, 11)
SCALES: tuple[ScaleName, ...] = ("nps", "csat5", "thumbs")
RULES = st.lists(
    st.builds(
        RoutingRule,
        id=st.just("r"),
        flows=_some("a", "b"),
        languages=_some("pt", "pt-BR"),
        tags=_some("x", "y"),
        scale=st.none() | st.sampled_from(SCALES),
        score_at_least=SCORES,
        score_at_most=SCORES,
        vip=st.none() | st.booleans(),
        words=_some("refund", "full refund", "fund"),
        opens=st.booleans(),
    ),
    max_size=4,
)
_SPAN: dict[ScaleName, range] = {"nps": range(11), "csat5": range(1, 6), "csat10": range(1, 11), "thumbs": range(2)}
EVERY = [
    Signals(flow=flow, channel="c", language=language, tags=tags, scale=scale, score=score, vip=vip, words=words)
    for flow in ("a", "c")
    for language in ("pt", "pt-BR", "en")
    for tags in ((), ("x",))
    for scale, span in _SPAN.items()
    for score in (span[0], span[len(span) // 2], span[-1])
    for vip in (False, True)
    for words in ("", "refund", "a full refund", "fund")
]


@settings(max_examples=25, deadline=None)
@given(RULES)
def test_a_rule_that_is_called_hidden_is_never_met(rules: list[RoutingRule]) -> None:
    named = [replace(rule, id=str(index)) for index, rule in enumerate(rules)]
    met = {rule.id for signals in EVERY for rule in (match(named, signals), opening(named, signals)) if rule}
    hidden = shadowed(named)
    assert met.isdisjoint({str(index) for index, _ in hidden})
    assert all(hider < index for index, hider in hidden)


@settings(max_examples=25, deadline=None)
@given(RULES.filter(bool))
def test_a_rule_that_another_hides_is_found(rules: list[RoutingRule]) -> None:
    wide = replace(rules[0], flows=(), languages=(), words=(), opens=True)
    narrow = replace(rules[0], flows=("a",), words=("full refund",))
    assume(any(match([narrow], signals) for signals in EVERY))
    assert shadowed([wide, narrow]) == [(1, 0)]
