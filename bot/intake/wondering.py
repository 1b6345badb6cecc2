"""What an agent is told who wonders why somebody was or was not asked. Pure; nothing is written."""

from bot.config import FollowUpSettings
from bot.intake.moment import Moment
from bot.languages.voice import Voice
from bot.messages import AgentWonders
from bot.ports import Decision, Facts, Outcome, Read, Said
from bot.reports.explaining import agents_zone, explain_all, language_line, shown

#: how many decisions are told at once, and in how many characters: Slack shows no more than 3,000 in one piece
MOST = 5
LONGEST = 2900


def what_to_read(event: AgentWonders) -> Read:
    """The decisions about a name, and whether a customer has it."""
    query = event.query.strip()
    return Read(explain=query, known_as=query) if query else Read()


def decide(event: AgentWonders, facts: Facts, moment: Moment) -> Outcome:
    """The newest decisions in words, in the agents' language; only in a room of the desk."""
    locale = moment.agents_speak
    if not _is_of_the_desk(event, moment.settings.followup):
        return Outcome(said=Said(kind="not_here", locale=locale))
    return Outcome(said=Said(kind="explained", text=_told(event.query.strip(), facts, moment), locale=locale))


def _is_of_the_desk(event: AgentWonders, followup: FollowUpSettings | None) -> bool:
    """What is told names customers: only who works their cases may read it."""
    if followup is None or event.agent.channel != followup.channel:
        return False
    return not followup.rooms().isdisjoint(event.rooms)


def _told(query: str, facts: Facts, moment: Moment) -> str:
    voice, zone = moment.voice, agents_zone(moment.settings)
    if not facts.decisions:
        key = "explain.nothing" if facts.namesake is None else "explain.never"
        return voice.say(key, query=shown(query) or voice.say("explain.unknown"))
    newest = _fitting(facts.decisions[:MOST], voice, zone)
    told = explain_all(newest, voice=voice, zone=zone)
    if len(newest) < len(facts.decisions):
        told = f"{told}\n{voice.say('explain.more', n=len(newest))}"
    language = language_line(facts.namesake, voice=voice)
    return f"{told}\n{language}" if language else told


def _fitting(decisions: tuple[Decision, ...], voice: Voice, zone: str) -> tuple[Decision, ...]:
    """As many of the newest as there is room for, one at least."""
    while len(decisions) > 1 and len(explain_all(decisions, voice=voice, zone=zone)) > LONGEST:
        decisions = decisions[:-1]
    return decisions
