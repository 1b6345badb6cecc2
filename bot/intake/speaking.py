"""In which language a customer is written to: chosen by them, by word or button, or told by what they write. Pure.

What they choose is the surest and lasts. A guess from their words counts for less than what the company reports, and
for more than the language of an app's menus.
"""

from msgspec.structs import replace

from bot.conversations import engine, steering
from bot.conversations.conversation import Conversation
from bot.conversations.events import Reply, Show, Turn
from bot.conversations.flow import Flow, PinnedFlow
from bot.conversations.language_card import endonym, language_card, languages_outbound, offered
from bot.conversations.router import asked_for
from bot.conversations.rules import Rules
from bot.conversations.steering import SPEAK
from bot.followup import cases
from bot.intake.moment import Moment
from bot.intake.opening import Step
from bot.intake.people import learned, sentence, speaks
from bot.intake.recording import record
from bot.intake.relaying import listening
from bot.intake.settling import settle_case
from bot.languages import locales
from bot.languages.detecting import BELIEVED, detect
from bot.languages.tags import nearest, written
from bot.messages import Address, LanguageToken, Wrote
from bot.ports import Customer, Facts, Outcome, Queue, Said, SaveCustomer, Write

#: the sureness, in per cent, of a language in which the last message was not
_DOUBTED = 0
_FAR_SURER = 10

# ---- by what they write -------------------------------------------------------------------------------------


def heard(event: Wrote, customer: Customer) -> Customer:
    """The customer with the language of their words, where these tell it surely enough and nothing surer is known."""
    found = detect(event.text) if event.manner == "said" else None
    if found is None or found.confidence < BELIEVED:
        return customer
    sureness = min(99, int(found.confidence * 100))
    known = customer.locale
    if known is None or not _alike(known, found.locale):
        if _speaks_for_now(customer, sureness):
            return replace(customer, locale_sureness=_DOUBTED)
        return learned(customer, "written", locale=found.locale, sureness=sureness)
    if customer.locale_source == "written" and sureness <= (customer.locale_sureness or 0):
        return customer
    # a kind of the language, such as en-GB, says more than a guess
    return learned(customer, "written", locale=known, sureness=sureness)


def _speaks_for_now(customer: Customer, sureness: int) -> bool:
    """Whether words in another language than the words before are too little to change it yet.

    Who mixes two languages would be answered in each by turns: the second message in a row tells, or a guess that is
    far surer than the one before.
    """
    known = customer.locale_sureness
    return customer.locale_source == "written" and bool(known) and sureness < (known or 0) + _FAR_SURER


def _alike(one: str, other: str) -> bool:
    return one.partition("-")[0].lower() == other.partition("-")[0].lower()


def receive(
    conversation: Conversation, flow: PinnedFlow, reply: Reply, customer: Customer, moment: Moment, rules: Rules
) -> Turn:
    """Take a reply, in the language that its words are in where the flow has that."""
    wanted = speaks(customer, flow)
    if customer.locale_source != "written" or customer.locale is None or not _alike(wanted, customer.locale):
        return engine.receive(conversation, flow.flow, reply, at=moment.now, rules=rules)
    spoken = steering.speak(conversation, flow.flow, wanted, moment.now)
    turn = engine.receive(spoken.conversation, flow.flow, reply, at=moment.now, rules=rules)
    after = turn.conversation
    drawn = {prompt.question for prompt in turn.prompts if isinstance(prompt, Show)}
    left = (
        prompt
        for prompt in spoken.prompts
        if isinstance(prompt, Show)
        and prompt.question in (after.asked, after.reopened)
        and prompt.question not in drawn
    )
    return replace(turn, events=(*spoken.events, *turn.events), prompts=(*left, *turn.prompts))


# ---- by word ------------------------------------------------------------------------------------------------


def language(facts: Facts, customer: Customer, sender: Address, moment: Moment, *, wanted: str = "") -> Outcome:
    """Write in the language that is asked for, by its tag or name; without one, show which there are."""
    if not wanted.strip():
        return _choice(facts, customer, sender, moment)
    tag = _tag(wanted, facts, moment)
    unknown = sentence(sender, speaks(customer), "language.unknown", moment)
    if tag is None:
        return Outcome(writes=(unknown,))
    if listening(facts, moment) is None and nearest(tag, _offered(facts, moment)) is None and _waits(facts):
        choice = _choice(facts, customer, sender, moment)
        return replace(choice, writes=(unknown, *choice.writes))
    return _changed(tag, facts, customer, sender, moment)


def _tag(wanted: str, facts: Facts, moment: Moment) -> str | None:
    """The tag of a survey's language, or of one of our packs, that is meant; None: we do not write that language.

    Who asks for one script by name is not served in another.
    """
    asked = wanted.strip().replace("_", "-")
    named = asked_for(asked)
    if named is not None:
        return named
    found = nearest(asked, (*_offered(facts, moment), *locales()))
    return found if found is not None and written(found) == written(asked) else None


def _changed(tag: str, facts: Facts, customer: Customer, sender: Address, moment: Moment) -> Outcome:
    new = learned(customer, "customer", locale=tag)
    told = sentence(sender, speaks(new), "language.changed", moment)
    return Outcome(
        said=Said(kind="spoken_to", locale=speaks(new)),
        writes=(
            SaveCustomer(customer=new, address=sender, at=moment.now),
            *_in_talk(facts, new, moment),
            *_in_case(facts, new, moment),
            told,
        ),
    )


def _in_talk(facts: Facts, customer: Customer, moment: Moment) -> tuple[Write, ...]:
    """The survey under way goes on in it, where it has such texts."""
    if facts.conversation is None or facts.flow is None:
        return ()
    turn = steering.speak(facts.conversation, facts.flow.flow, speaks(customer, facts.flow), moment.now)
    return record(Step(turn=turn, facts=facts, flow=facts.flow), moment)


def _in_case(facts: Facts, customer: Customer, moment: Moment) -> tuple[Write, ...]:
    """What agents send them ready-made, and "Is it fixed?", is in it from now on."""
    case = listening(facts, moment)
    if case is None or cases.awaits_recovery(case):
        return ()
    changed = cases.spoken_to_in(case, speaks(customer))
    return settle_case(changed, case, (), moment, incident=facts.incident) if changed is not case else ()


def _choice(facts: Facts, customer: Customer, sender: Address, moment: Moment) -> Outcome:
    tags = _offered(facts, moment)
    locale = speaks(customer)
    voice = moment.settings.voice(locale)
    card = Queue(outbound=languages_outbound(sender, "post", tags, voice), at=moment.now)
    return Outcome(said=Said(locale=locale), writes=(card,))


def _offered(facts: Facts, moment: Moment) -> tuple[str, ...]:
    """The languages of the survey that waits, else all that any survey of the settings has."""
    flows: tuple[Flow, ...] = tuple(pinned.flow for pinned in moment.settings.flows)
    if _waits(facts) and facts.flow is not None:
        flows = (facts.flow.flow,)
    return offered(flows)


def _waits(facts: Facts) -> bool:
    return facts.conversation is not None and facts.conversation.status == "waiting"


# ---- by button ----------------------------------------------------------------------------------------------


def chosen(token: LanguageToken, sender: Address, facts: Facts, moment: Moment) -> Outcome:
    """A button of the choice that belongs to no survey: good for ever, and shown as chosen."""
    customer = facts.customer
    tag = _tag(token.locale, facts, moment)
    if customer is None or tag is None:
        return Outcome(said=Said(kind="unknown_button", locale=speaks(customer)))
    outcome = _changed(tag, facts, customer, sender, moment)
    voice = moment.settings.voice(speaks(customer))
    card = Queue(outbound=languages_outbound(sender, "edit", (), voice, chosen=endonym(tag)), at=moment.now)
    return replace(outcome, writes=(card, *outcome.writes))


def tapped(value: str, question: str, facts: Facts, flow: PinnedFlow, moment: Moment) -> Outcome:
    """*Language* under a question that stands open turns it into the choice, and a language there back into itself."""
    conversation, customer = facts.conversation, facts.customer
    if conversation is None or customer is None:
        return Outcome(said=Said(kind="unknown_button", locale=speaks(customer)))
    tag = value.removeprefix(SPEAK)
    if not value.startswith(SPEAK):
        shown = replace(conversation, turn=conversation.turn + 1)
        card = Queue(outbound=language_card(shown, flow.flow, question), at=moment.now)
        asked = record(Step(turn=Turn(conversation=shown), facts=facts, flow=flow), moment)
        return Outcome(said=Said(locale=conversation.locale), writes=(*asked, card), ref=conversation.id)
    if tag not in flow.flow.locales:
        return Outcome(said=Said(kind="unknown_button", locale=conversation.locale))
    turn = steering.speak(conversation, flow.flow, tag, moment.now)
    if turn.conversation is conversation:
        # back to the question as it was, which chooses nothing
        said = Said(locale=conversation.locale)
        turn = steering.keep_speaking(conversation)
        kept: tuple[Write, ...] = ()
    else:
        said = Said(kind="spoken_to", locale=turn.conversation.locale)
        new = learned(customer, "customer", locale=tag)
        save = SaveCustomer(customer=new, address=conversation.address, at=moment.now)
        kept = (save, *_in_case(facts, new, moment))
    writes = (*record(Step(turn=turn, facts=facts, flow=flow), moment), *kept)
    return Outcome(said=said, writes=writes, ref=conversation.id)
