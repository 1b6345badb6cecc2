"""Why somebody was or was not asked, in words. Pure.

What outsiders made up (names, references, events) is data: it stays on one line, without anything that a terminal
obeys. The texts are plain; a channel escapes what its service would read as markup.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.config import Settings
from bot.conversations.invitations import BY_HAND, Rule, TriggerKind, Verdict
from bot.followup.spoken import written
from bot.languages import FALLBACK, fill, has_sentence, variables_in
from bot.languages.formats import moment, percent
from bot.languages.voice import Voice
from bot.ports import Customer, Decision
from bot.reports.figures import harmless

#: how whoever runs the program is told it, in the terminal
ENGLISH = Voice(FALLBACK)

_TIMES = frozenset({"until", "last", "closed_at", "planned_for"})
#: these are promised to the customer's clock, so they are told by it
_QUIET: frozenset[str] = frozenset({"quiet hours", "quiet hours for too long"})
_NAME = re.compile(r"[^a-z0-9-]+")
_LONGEST = 120


def explain(decision: Decision, *, voice: Voice = ENGLISH, zone: str = "UTC") -> str:
    """What became of one trigger: what it is about, the verdict, what was told and when, and the steps before.

    Several lines; ``zone`` is an IANA name, and times are told in it but for the ends of quiet hours, which are told in
    the customer's.
    """
    return "\n".join([*_lines(decision, voice, zone_of(zone)), voice.say("explain.zone", zone=_zone_name(zone))])


def explain_all(decisions: Sequence[Decision], *, voice: Voice = ENGLISH, zone: str = "UTC") -> str:
    """Several of them, with an empty line between, and the time zone once."""
    if not decisions:
        return ""
    told = ["\n".join(_lines(decision, voice, zone_of(zone))) for decision in decisions]
    return "\n\n".join([*told, voice.say("explain.zone", zone=_zone_name(zone))])


def language_line(customer: Customer | None, *, voice: Voice = ENGLISH) -> str:
    """Which language a customer writes and how sure that is, as a line; empty where nobody had to guess."""
    told = None if customer is None else customer.writes
    return "" if told is None else f"{voice.say('page.language')}: {written(*told, voice)}"


def in_words(decision: Decision, *, voice: Voice = ENGLISH, zone: str = "UTC") -> str:
    """The reason alone, as one sentence."""
    return _sentence(decision.rule, decision.inputs, decision, voice, zone_of(zone))


def agents_zone(settings: Settings) -> str:
    """The time zone that agents are told it in: that of the team of all cases that no rule gives to another."""
    followup = settings.followup
    teams = followup.teams if followup else ()
    team = next((team for team in teams if followup and team.name == followup.team), None)
    return settings.asking.time_zone if team is None else team.hours.time_zone


def shown(text: str) -> str:
    """What an outsider called something, as one line of bounded length.

    >>> shown("ticket\\n81")
    'ticket 81'
    """
    line = harmless(text, lines=False).strip()
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def rule_key(rule: str) -> str:
    """Under which key the packs have a rule's sentence.

    >>> rule_key("NPS cool-down"), rule_key("a mere thank-you")
    ('rule.nps_cool-down', 'rule.a_mere_thank-you')
    """
    return f"rule.{_NAME.sub('_', rule.lower())}"


def zone_of(name: str) -> tzinfo:
    """The zone of a name, or UTC for one that is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def _zone_name(name: str) -> str:
    return str(zone_of(name))


def _lines(decision: Decision, voice: Voice, zone: tzinfo) -> Iterator[str]:
    yield _about(decision, voice)
    reason = _sentence(decision.rule, decision.inputs, decision, voice, zone)
    yield f"{_verdict(decision.verdict, voice)} ({_time(decision.at, voice, zone)}): {reason}"
    yield f"{voice.say('explain.before')}:"
    yield f"  {_time(decision.triggered_at, voice, zone)}  {_trigger(decision.trigger, decision, voice)}"
    for at, told in _steps(decision, voice, zone):
        yield f"  {_time(at, voice, zone)}  {told}"
    if decision.repeats:
        yield voice.say("explain.repeats", n=decision.repeats)


def _about(decision: Decision, voice: Voice) -> str:
    """What the trigger was about: the names that others gave, labelled."""
    source = f" ({shown(decision.source)})" if decision.source else ""
    named = (
        ("desk.reference", f"{shown(decision.reference)}{source}" if decision.reference else ""),
        ("desk.who", shown(decision.known_as or "")),
        ("desk.channel", shown(f"{decision.address.channel} {decision.address.key}")),
        ("desk.flow", shown(_in_its_form(decision))),
    )
    return " · ".join(f"{voice.say(key)}: {value}" for key, value in named if value)


def _in_its_form(decision: Decision) -> str:
    variant = decision.inputs.get("variant")
    return f"{decision.flow} → {variant}" if variant else decision.flow


def _steps(decision: Decision, voice: Voice, zone: tzinfo) -> Iterator[tuple[datetime, str]]:
    for step in decision.steps:
        reason = _sentence(step.rule, step.inputs, decision, voice, zone)
        yield step.at, f"{_verdict(step.verdict, voice)}: {reason}"


def _verdict(verdict: Verdict, voice: Voice) -> str:
    return voice.say(f"explain.{verdict.replace(' ', '_')}")


def _trigger(trigger: TriggerKind, decision: Decision, voice: Voice) -> str:
    unknown = voice.say("explain.unknown")
    return voice.say(
        f"trigger.{trigger}",
        source=shown(decision.source) or unknown,
        reference=shown(decision.reference) or unknown,
    )


def _sentence(rule: Rule, inputs: Mapping[str, str], decision: Decision, voice: Voice, zone: tzinfo) -> str:
    """The rule's sentence with its numbers; a rule of an earlier release, which no pack has, is told by its name."""
    key = next(filter(has_sentence, (_special_key(rule, inputs, decision), rule_key(rule))), None)
    if key is None:
        return shown(rule)
    text = voice.text(key)
    theirs = zone_of(inputs.get("time_zone", "UTC")) if rule in _QUIET else zone
    known = {"channel": shown(decision.address.channel), "flow": shown(decision.flow)}
    known |= {name: _value(name, value, voice, theirs) for name, value in inputs.items()}
    # an earlier release wrote less down
    unknown = voice.say("explain.unknown")
    told = fill(text, {name: known.get(name) or unknown for name in variables_in(text)})
    # what ends in a full stop of its own, as units do in some languages, needs no other
    return f"{told[:-2]}." if told.endswith("..") and not told.endswith("...") else told


def _special_key(rule: Rule, inputs: Mapping[str, str], decision: Decision) -> str:
    """The sentence that tells more than that of the rule, where there is one."""
    match rule:
        case "cannot be reached":
            return f"explain.unreachable.{inputs.get('because', '')}"
        case "delay" if decision.trigger in BY_HAND:
            return f"explain.delay.{decision.trigger}"
        case "not the end of a chat" if inputs.get("detail"):
            return "explain.beside.detail"
        case _:
            return ""


def _value(name: str, value: str, voice: Voice, zone: tzinfo) -> str:
    match name:
        case "days" | "hours":
            return _span(name, value, voice)
        case "share" | "sample":
            return _percent(value, voice)
        case "vip":
            return voice.say(f"explain.vip.{'true' if value == 'true' else 'false'}")
        case "tags" | "language":
            return shown(value) or voice.say("explain.none")
        case _ if name in _TIMES:
            return _moment(value, voice, zone)
        case _:
            return shown(value)


def _span(unit: str, value: str, voice: Voice) -> str:
    """A span of days or hours in the unit that it is a whole number of."""
    try:
        span = timedelta(days=float(value)) if unit == "days" else timedelta(hours=float(value))
    except (ValueError, OverflowError):
        return shown(value)
    for name, one in (("days", timedelta(days=1)), ("hours", timedelta(hours=1))):
        if span % one == timedelta(0):
            return voice.say(f"duration.{name}", n=span // one)
    return voice.say("duration.minutes", n=span / timedelta(minutes=1))


def _percent(value: str, voice: Voice) -> str:
    try:
        return percent(float(value), voice.locale, decimals=2)
    except ValueError:
        return shown(value)


def _moment(value: str, voice: Voice, zone: tzinfo) -> str:
    try:
        return _time(datetime.fromisoformat(value), voice, zone)
    except ValueError:
        return shown(value)


def _time(at: datetime, voice: Voice, zone: tzinfo) -> str:
    return moment(at, zone, voice.locale, with_zone=False)
