"""Ready answers: apologies, fixes, and the company's policies, with variables. Pure."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from bot.conversations import prompts
from bot.conversations.conversation import Conversation
from bot.conversations.questions import tag_of
from bot.languages import FALLBACK, locales
from bot.languages.voice import Voice

TemplateKind = Literal["apology", "fix", "policy"]


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """One ready answer: its title for agents, and its text per language of customers."""

    id: str
    kind: TemplateKind
    title: str
    text: Mapping[str, str]


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that can have gone wrong, as agents choose it when they resolve a case."""

    id: str
    title: str


#: what can have gone wrong, where the settings name nothing: after the attributes that studies of satisfaction name
DEFAULT_CAUSES = ("product", "speed", "price", "courtesy", "billing", "bug", "other")


#: the ready answers where the settings have none
DEFAULT_TEMPLATES: Mapping[str, TemplateKind] = {
    "sorry": "apology",
    "sorry_late": "apology",
    "sorry_words": "apology",
    "fixed": "fix",
    "replacement": "fix",
    "refund": "fix",
    "call": "fix",
}


def causes_or_default(causes: Sequence[Cause], voice: Voice) -> tuple[Cause, ...]:
    """The causes of the settings, or the built-in ones in the agents' language."""
    return tuple(causes) or tuple(Cause(id=id, title=voice.say(f"cause.{id}")) for id in DEFAULT_CAUSES)


def default_templates(voice: Voice) -> tuple[Template, ...]:
    """The built-in ready answers: titled for agents, in all languages that we speak."""
    # the first language is what a customer reads who speaks none of them
    tags = tuple(dict.fromkeys((FALLBACK, *locales())))
    return tuple(
        Template(
            id=id,
            kind=kind,
            title=voice.say(f"template.{id}.title"),
            text={tag: Voice(tag, voice.own).text(f"template.{id}.text") for tag in tags},
        )
        for id, kind in DEFAULT_TEMPLATES.items()
    )


def fill(template: Template, locale: str, variables: Mapping[str, str]) -> str:
    """A template's text for a customer's language, with its variables; ``{order|your order}`` where one has no value.

    A value is never read again: a customer called "{order}" is called that.
    """
    tag = tag_of(template.text, locale, "")
    return prompts.fill(template.text.get(tag, ""), variables, tag)


def variables_of(
    conversation: Conversation, customer_name: str | None, agent_name: str, company: str
) -> Mapping[str, str]:
    """What a template's variables stand for; ``agent`` is the support agent who answers now.

    The interaction's attributes are variables too, under their own names. What is not known is left out.
    """
    named = {"customer": customer_name or "", "agent": agent_name, "company": company}
    found = {**conversation.attributes, "language": conversation.locale, **named}
    return {name: text for name, value in found.items() if (text := value.strip())}
