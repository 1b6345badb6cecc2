"""What is said in the thread of an alert: a customer's words, an agent's, and what happened. Pure.

Nothing is said of a case that has no desk; whether its alert stands there already is known where it is settled.
"""

from collections.abc import Sequence

import msgspec

from bot.followup.alerts import remark_outbound
from bot.followup.cases import Case, CaseNote
from bot.followup.history import told
from bot.ids import WordsId
from bot.intake.moment import Moment
from bot.languages.voice import Voice
from bot.messages import Attachment, ChannelName, Outbound, Remark, Wrote
from bot.ports import Customer


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What a customer said in one message, as agents are to read it."""

    customer: Customer | None
    text: str
    attachments: tuple[Attachment, ...] = ()
    source: ChannelName
    #: whether it stands in place of what they said before
    edited: bool = False

    @classmethod
    def of(cls, event: Wrote, customer: Customer | None, text: str | None = None) -> "Heard":
        """What was written, or only a part of it."""
        return cls(
            customer=customer,
            text=event.text if text is None else text,
            attachments=event.attachments,
            source=event.sender.channel,
            edited=event.manner == "edited",
        )


def name_of(customer: Customer | None, voice: Voice) -> str:
    """The customer as agents know them."""
    return (customer.name if customer else None) or voice.say("desk.someone")


def owner_mention(case: Case) -> tuple[str, ...]:
    """The owner, where they work at the desk: a name of the API means nobody in Slack."""
    if case.owner is None or case.desk is None or case.owner.channel != case.desk.channel:
        return ()
    return (case.owner.key,)


def words_slot(words: WordsId) -> str:
    return f"words:{words}"


def customer_said(case: Case, words: WordsId, heard: Heard, moment: Moment) -> tuple[Outbound, ...]:
    """A customer's words for the thread, for the owner to notice."""
    who = name_of(heard.customer, moment.voice)
    remark = Remark(
        text=heard.text,
        author=moment.voice.say("thread.edited", who=who) if heard.edited else who,
        mentions=owner_mention(case),
        attachments=heard.attachments,
        source=heard.source if heard.attachments else None,
        locale=moment.agents_speak,
    )
    return _remark(case, words_slot(words), remark)


def agent_said(case: Case, agent_name: str, text: str, moment: Moment) -> tuple[Outbound, ...]:
    """What an agent said to the customer from elsewhere than the thread, so that the thread has the whole talk."""
    remark = Remark(text=text, author=agent_name, locale=moment.agents_speak)
    return _remark(case, f"said:{moment.ids()}", remark)


def happened(
    case: Case, key: str, moment: Moment, *, mentions: tuple[str, ...] | None = None, **variables: object
) -> tuple[Outbound, ...]:
    """Something that happened, in the agents' language, for the owner to notice (or whom ``mentions`` names)."""
    text = moment.voice.say(key, **variables)
    return _told(case, text, owner_mention(case) if mentions is None else mentions, moment)


def noted(case: Case, notes: Sequence[CaseNote], moment: Moment) -> tuple[Outbound, ...]:
    """What the history says of it, for the owner to notice at once."""
    team = moment.team(case)
    zone = team.hours.time_zone if team is not None else "UTC"
    text = ". ".join(told(note, moment.voice, zone) for note in notes)
    return _told(case, text, owner_mention(case), moment)


def _told(case: Case, text: str, mentions: tuple[str, ...], moment: Moment) -> tuple[Outbound, ...]:
    remark = Remark(text=text, mentions=mentions, locale=moment.agents_speak)
    return _remark(case, f"told:{moment.ids()}", remark)


def _remark(case: Case, slot: str, remark: Remark) -> tuple[Outbound, ...]:
    return () if case.desk is None else (remark_outbound(case, slot, remark),)
