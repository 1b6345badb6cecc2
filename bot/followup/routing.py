"""Which room, group and team gets a case, and how urgent it is: rules in order, the first match wins. Pure."""

import re
import unicodedata
from collections.abc import Callable, Collection, Sequence
from functools import cache, lru_cache

import msgspec

from bot.conversations.questions import Rating, ScaleName, scale_of
from bot.followup.cases import CASE_AT_MOST, Priority

#: Scripts that put no spaces between words: Thai, Lao, Myanmar, Khmer, kana, Han. A word may stand anywhere there.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
#: To normalize takes time by the square of a word's length, and anybody may write anything: it is taken in pieces.
_PIECE = 500
_APOSTROPHES = str.maketrans("’‘ʼ", "'''")


class RoutingRule(msgspec.Struct, frozen=True, kw_only=True):
    """What must be true of a case (an empty tuple, None or "" asks nothing), and what then holds for it.

    ``words``: one of these stands in what the customer wrote, whatever its case and with anything around it.
    ``opens``: the rule opens a case even for a score that would not; for words that no score should hide.
    """

    id: str
    flows: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    scale: ScaleName | None = None
    score_at_least: int | None = None
    score_at_most: int | None = None
    vip: bool | None = None
    words: tuple[str, ...] = ()
    opens: bool = False
    #: empty or None: as the settings have it for all
    room: str = ""
    group: str = ""
    team: str = ""
    priority: Priority | None = None


class Signals(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a case when it is routed; ``words`` is all that the customer wrote, one line each."""

    flow: str
    channel: str
    language: str
    tags: tuple[str, ...] = ()
    scale: ScaleName | None = None
    score: int | None = None
    vip: bool = False
    words: str = ""


def match(rules: Sequence[RoutingRule], signals: Signals) -> RoutingRule | None:
    """The first rule that holds of a case."""
    said = _folded(signals.words) if any(rule.words for rule in rules) else ""
    return next((rule for rule in rules if _holds(rule, signals, said)), None)


def opening(rules: Sequence[RoutingRule], signals: Signals) -> RoutingRule | None:
    """The first rule that opens a case whatever the score."""
    return match([rule for rule in rules if rule.opens], signals)


def tags_of(attribute: str) -> tuple[str, ...]:
    """The tags of an interaction, which come with commas between them.

    >>> tags_of("vip, Late delivery,,")
    ('vip', 'Late delivery')
    """
    return tuple(tag for each in attribute.split(",") if (tag := each.strip()))


def _holds(rule: RoutingRule, signals: Signals, said: str) -> bool:
    return (
        (not rule.flows or signals.flow in rule.flows)
        and (not rule.channels or signals.channel in rule.channels)
        and (not rule.languages or any(_speaks(signals.language, each) for each in rule.languages))
        and (not rule.tags or not _keys(rule.tags).isdisjoint(_keys(signals.tags)))
        and _scores(rule, signals.scale, signals.score)
        and rule.vip in (None, signals.vip)
        and (not rule.words or any(_stands_in(_of_rule(word), said) for word in rule.words))
    )


def _scores(rule: RoutingRule, scale: ScaleName | None, score: int | None) -> bool:
    if rule.scale not in (None, scale):
        return False
    if rule.score_at_least is not None and (score is None or score < rule.score_at_least):
        return False
    return rule.score_at_most is None or (score is not None and score <= rule.score_at_most)


def _speaks(language: str, asked: str) -> bool:
    """Whether a language is the one asked for, or a kind of it: "pt-BR" is "pt"."""
    tag, wanted = _tag(language), _tag(asked)
    return tag == wanted or tag.startswith(f"{wanted}-")


def _tag(language: str) -> str:
    return language.replace("_", "-").lower()


def _keys(tags: Collection[str]) -> set[str]:
    return {_folded(tag) for tag in tags}


@lru_cache(maxsize=4096)
def _of_rule(word: str) -> str:
    """A rule's word in the form that words are compared in: made once, for each of them is looked for in each text."""
    return _folded(word)


def _folded(text: str) -> str:
    """A text in the form that words are compared in: composed, case-folded, one space between words."""
    folded = ("".join(_fold(word[at : at + _PIECE]) for at in range(0, len(word), _PIECE)) for word in text.split())
    return " ".join(" ".join(folded).split())


def _fold(piece: str) -> str:
    plain = unicodedata.normalize("NFKC", piece).translate(_APOSTROPHES)
    return unicodedata.normalize("NFKC", plain.casefold())


def _stands_in(word: str, text: str) -> bool:
    """Whether a word or phrase stands in a text by itself: "refund" is in "a refund!", not in "nonrefundable"."""
    at = text.find(word) if word else -1
    while at >= 0:
        end = at + len(word)
        if not _joined(text[at - 1 : at], word[0]) and not _joined(word[-1], text[end : end + 1]):
            return True
        at = text.find(word, at + 1)
    return False


def _joined(left: str, right: str) -> bool:
    """Whether two neighbouring characters belong to one word."""
    return _in_word(left) and _in_word(right)


def _in_word(character: str) -> bool:
    if not character or _UNSPACED.match(character):
        return False
    return character.isalnum() or unicodedata.category(character).startswith("M")


# ---- rules that can never match ----------------------------------------------------------------------------------


def shadowed(rules: Sequence[RoutingRule]) -> list[tuple[int, int]]:
    """The rules that one earlier rule leaves nothing to, each with the first such rule: (unreachable, its hider).

    Never one that can match. Not told: a rule that only several earlier ones together hide, and one whose own
    conditions contradict each other.
    """
    found = []
    for index, rule in enumerate(rules):
        hider = next((before for before in range(index) if _hides(rules[before], rule)), None)
        if hider is not None and _points(rule):
            found.append((index, hider))
    return found


def may_open_for(opener: RoutingRule, rule: RoutingRule) -> bool:
    """Whether a rule opens cases that another one asks for; any tags and words may come together."""
    return (
        opener.opens
        and not (opener.flows and rule.flows and set(opener.flows).isdisjoint(rule.flows))
        and not (opener.channels and rule.channels and set(opener.channels).isdisjoint(rule.channels))
        and (not opener.languages or not rule.languages or _any_speaks_alike(opener.languages, rule.languages))
        and (opener.vip is None or rule.vip is None or opener.vip == rule.vip)
        and not (_points(opener) - {None}).isdisjoint(_points(rule))
    )


def _any_speaks_alike(some: Collection[str], others: Collection[str]) -> bool:
    return any(_speaks(one, other) or _speaks(other, one) for one in some for other in others)


def _hides(earlier: RoutingRule, later: RoutingRule) -> bool:
    """Whether everything that the later rule matches is matched by the earlier one. Each condition stands alone."""
    if later.opens and not earlier.opens:
        return False  # it still opens cases, which the earlier one does not
    return (
        _wider(earlier.flows, set(later.flows), set(earlier.flows))
        and _wider(earlier.channels, set(later.channels), set(earlier.channels))
        and _wider(earlier.tags, _keys(later.tags), _keys(earlier.tags))
        and _every(later.languages, earlier.languages, _speaks)
        and _points(later) <= _points(earlier)
        and earlier.vip in (None, later.vip)
        and _every(
            [_folded(word) for word in later.words],
            [_folded(word) for word in earlier.words],
            lambda narrow, wide: _stands_in(wide, narrow),
        )
    )


def _wider(earlier: Collection[str], narrow: set[str], wide: set[str]) -> bool:
    return not earlier or (bool(narrow) and narrow <= wide)


def _every(later: Sequence[str], earlier: Sequence[str], within: Callable[[str, str], bool]) -> bool:
    """Whether each value that the later rule asks for lies within one that the earlier rule asks for."""
    return not earlier or (bool(later) and all(any(within(narrow, wide) for wide in earlier) for narrow in later))


@cache
def _domain() -> tuple[tuple[ScaleName, int], ...]:
    """Every score of every scale."""
    scales = [(name, scale_of(Rating(id="", text={}, scale=name))) for name in CASE_AT_MOST]
    return tuple((name, score) for name, scale in scales for score in range(scale.low, scale.high + 1))


def _points(rule: RoutingRule) -> frozenset[tuple[ScaleName, int] | None]:
    """The scores that a rule asks for; None: a case without one."""
    points = {point for point in _domain() if _scores(rule, *point)}
    return frozenset(points | {None}) if _scores(rule, None, None) else frozenset(points)
