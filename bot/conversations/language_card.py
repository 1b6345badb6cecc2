"""The choice of languages: in the place of a question, or as a message of its own. Pure."""

from collections.abc import Iterable, Sequence

from bot.conversations.conversation import Conversation
from bot.conversations.flow import Flow
from bot.conversations.prompts import lane_of, question_slot
from bot.conversations.steering import SPEAK
from bot.languages import pack
from bot.languages.voice import Voice
from bot.messages import Address, Button, Card, LanguageToken, Outbound, OutboundKind, Token, format_token


def endonym(tag: str) -> str:
    """How a language calls itself; the tag where no pack knows it.

    >>> endonym("vi"), endonym("it-CH"), endonym("xx")
    ('Tiếng Việt', 'Italiano', 'xx')
    """
    known = pack(tag)
    return known.endonym if known.locale.partition("-")[0] == tag.partition("-")[0].lower() else tag


def offered(flows: Iterable[Flow]) -> tuple[str, ...]:
    """The languages that any of the flows has texts in, in the order in which their author named them."""
    return tuple(dict.fromkeys(tag for flow in flows for tag in flow.locales))


def language_card(conversation: Conversation, flow: Flow, question: str) -> Outbound:
    """The message of an open question as a choice of the flow's languages; each of its buttons leads back to it."""

    voice = flow.voice(conversation.locale)

    def button(label: str, tag: str) -> Button:
        token = Token(conversation=conversation.id, turn=conversation.prompts[question], value=f"{SPEAK}{tag}")
        return Button(label=label, token=format_token(token), selected=False)

    rows = [(button(endonym(tag), tag),) for tag in flow.locales]
    back = button(voice.say("button.back"), conversation.locale)
    card = Card(
        text=voice.say("language.ask"),
        buttons=(*rows, (back,)),
        locale=conversation.locale,
        typing=False,
    )
    return Outbound(
        kind="edit",
        to=conversation.address,
        lane=lane_of(conversation.address),
        slot=question_slot(conversation, question),
        content=card,
    )


def languages_outbound(
    to: Address, kind: OutboundKind, tags: Sequence[str], voice: Voice, *, chosen: str | None = None
) -> Outbound:
    """The choice as a message of its own, or the edit that shows what was chosen and takes the buttons away."""
    rows = tuple((Button(label=endonym(tag), token=format_token(LanguageToken(locale=tag))),) for tag in tags)
    card = Card(text=voice.say("language.ask"), buttons=rows, chosen=chosen, locale=voice.locale, typing=False)
    return Outbound(kind=kind, to=to, lane=lane_of(to), slot=f"language:{to.channel}:{to.key}", content=card)
