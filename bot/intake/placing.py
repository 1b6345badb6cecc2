"""Where a case goes and how urgent it is: what is known of it, held against the rules of the settings. Pure.

How urgent a case is by itself; a rule's own priority only raises that:

| score | VIP | others |
|---|---|---|
| the lowest of its scale | urgent | high with a comment, normal without |
| any other | high | normal |
| none: they asked for a person | urgent | high |

VIP is who has the attribute ``vip`` with one of ``true``, ``yes``, ``1`` or ``vip``.
"""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from bot.conversations.answers import Scored, Worded
from bot.conversations.conversation import Conversation
from bot.conversations.flow import PinnedFlow
from bot.conversations.questions import ScaleName
from bot.conversations.variants import base_id
from bot.followup import cases
from bot.followup.cases import PRIORITIES, Case, Priority
from bot.followup.incidents import shared_values
from bot.followup.routing import RoutingRule, Signals, match, tags_of
from bot.intake.moment import Moment
from bot.ports import Words

_VIP = ("true", "yes", "1", "vip")
_LOWEST: Mapping[ScaleName, int] = {"nps": 0, "csat5": 1, "csat10": 1, "ces7": 1, "thumbs": 0}


def signals_of(conversation: Conversation, flow: PinnedFlow, words: Sequence[Words]) -> Signals:
    """What rules may look at, as it is now; words that were taken back with their question do not count."""
    rating = flow.flow.score_question()
    answer = None if rating is None else conversation.answers.get(rating.id)
    score = answer.value.score if answer is not None and isinstance(answer.value, Scored) else None
    standing = {answer.value.words for answer in conversation.answers.values() if isinstance(answer.value, Worded)}
    return Signals(
        flow=base_id(flow),
        channel=conversation.address.channel,
        language=conversation.locale,
        tags=tags_of(",".join(conversation.attributes.get(name, "") for name in ("tag", "tags"))),
        # without a score no scale either: what a rule asks of one is not true of a case that has none
        scale=None if rating is None or score is None else rating.scale,
        score=score,
        vip=conversation.attributes.get("vip", "").strip().casefold() in _VIP,
        words="\n".join(each.text for each in words if each.question is None or each.id in standing),
    )


def placed(case: Case, signals: Signals, moment: Moment) -> Case:
    """The case in the room, group and team that the first matching rule gives it; only until its alert goes out."""
    rule = match(moment.followup.rules, signals)
    there = replace(
        case,
        desk=moment.desk(rule.room if rule else ""),
        group=rule.group if rule else "",
        team=(rule.team if rule else "") or moment.followup.team,
        rule=rule.id if rule else "",
    )
    return cases.raised(there, _priority(case, signals, rule))


def may_be_several(case: Case, conversation: Conversation, moment: Moment) -> bool:
    """Whether a case has something that others may have too, and is in no incident yet."""
    return (
        case.incident is None
        and case.wanted_at is None
        and bool(shared_values(conversation, moment.followup.incidents))
    )


def urged(case: Case, signals: Signals, moment: Moment) -> Case:
    """The case as urgent as what is known now makes it, and never less than it was."""
    return cases.raised(case, _priority(case, signals, match(moment.followup.rules, signals)))


def _priority(case: Case, signals: Signals, rule: RoutingRule | None) -> Priority:
    own: Priority = "normal"
    lowest = signals.scale is not None and signals.score == _LOWEST[signals.scale]
    wants_human = case.wanted_at is not None
    if signals.vip:
        own = "urgent" if lowest or wants_human else "high"
    elif wants_human or (lowest and signals.words.strip()):
        own = "high"
    ruled: Priority = (rule.priority if rule else None) or "normal"
    return max(own, ruled, key=PRIORITIES.index)
