"""Links to surveys: made with an id that nobody can guess, and what leads to them from a chat, a page or an e-mail."""

import re
import secrets
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit

import msgspec

from bot.config import PageSettings, Settings
from bot.conversations.flow import PinnedFlow
from bot.conversations.questions import Rating
from bot.errors import AfterchatError
from bot.languages.tags import direction
from bot.messages import Address, ChannelName
from bot.ports import Link
from bot.web.survey.drawing import TEMPLATES, spoken
from bot.web.survey.showing import Choice, Shown, first_question, not_begun

#: A placeholder that a mail system fills in: in an address it needs no escaping, and ends none.
_PLACEHOLDER = re.compile(r"""[^"'<>&\\\s][^"'<>&\\\r\n]{0,199}""")
_HERE_ONLY = ("localhost", "127.", "0.0.0.0", "[::1]")  # noqa: S104 - an address that nobody else can open


class NoLetter(AfterchatError):
    """An e-mail cannot offer the first question of this flow."""


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """What an e-mail is to hold: the scale of a flow's first question, in one language."""

    link: Link
    flow: PinnedFlow
    locale: str
    #: such as ``{{ticket.id}}``: what a mail system puts in its place names the dealing
    reference: str = ""


def new_link(
    flow: str,
    now: datetime,
    *,
    customer: str | None = None,
    locale: str | None = None,
    attributes: Mapping[str, str] | None = None,
    expires_at: datetime | None = None,
) -> Link:
    """A link that was not there before; ``customer`` is the company's reference as it is kept."""
    return Link(
        id=secrets.token_urlsafe(16),
        flow=flow,
        customer=customer,
        locale=locale,
        attributes=attributes or {},
        made_at=now,
        expires_at=expires_at,
    )


def page_of(settings: Settings) -> PageSettings | None:
    """The channel of survey pages, if there is one."""
    return next((channel for channel in settings.channels if isinstance(channel, PageSettings)), None)


def page_address(settings: Settings, link: Link) -> str:
    return f"{settings.server.public_url}/s/{link.id}"


def deep_link(username: str, link: Link) -> str:
    """What opens the chat with a bot of Telegram and uses the link there."""
    return f"https://t.me/{username}?start={link.id}"


def only_here(public_url: str) -> bool:
    """Whether an address can be opened on this computer alone.

    >>> only_here("http://127.0.0.1:8080"), only_here("https://feedback.example")
    (True, False)
    """
    host = urlsplit(public_url).netloc
    return host.startswith(_HERE_ONLY)


def answers_of(letter: Letter, settings: Settings) -> tuple[Choice, ...]:
    """The values of the first question, each with its label. Raises NoLetter where that is no rating."""
    return _first(letter, settings)[1]


def answer_address(letter: Letter, settings: Settings, value: str) -> str:
    """The address whose click answers with a value."""
    named = f"&ref={letter.reference}" if letter.reference else ""
    return f"{page_address(settings, letter.link)}?a={value}{named}"


def html_of(letter: Letter, settings: Settings) -> str:
    """The scale as a piece of an e-mail: tables and inline styles alone, as Outlook and Gmail need them.

    Raises NoLetter.
    """
    if letter.reference and not _PLACEHOLDER.fullmatch(letter.reference):
        raise NoLetter(f"{letter.reference!r} is no placeholder: leave out quotes, <, >, & and line breaks.")
    if page_of(settings) is None:
        raise NoLetter('There is no survey page: add a channel of kind = "page" to the config.')
    question, choices = _first(letter, settings)
    # a bare number says little to who hears it: "7/10"
    of = f"/{choices[-1].value}"
    cells = [
        {
            "label": choice.label,
            "name": f"{choice.value} – {choice.name}" if choice.name else choice.value + of,
            # the address as HTML writes it; what the mail system is to fill in stays as it is
            "href": answer_address(letter, settings, choice.value).replace("&", "&amp;"),
        }
        for choice in choices
    ]
    return TEMPLATES.get_template("letter.html").render(
        lang=letter.locale,
        dir=direction(letter.locale),
        question=question.text,
        low=question.low,
        high=question.high,
        cells=cells,
        faces=question.faces,
    )


def language_of(flow: PinnedFlow, wanted: str | None) -> str:
    """The language of an e-mail: the one that is wanted if the flow has it, else the flow's own."""
    return spoken(flow.flow.locales, flow.flow.locale, wanted, "")


def _first(letter: Letter, settings: Settings) -> tuple[Shown, tuple[Choice, ...]]:
    """The flow's first question as the page would ask it, and its answers."""
    page = page_of(settings)
    address = Address(channel=page.name if page else ChannelName("page"), key="")
    now = letter.link.made_at
    conversation = not_begun(letter.flow, address, letter.locale, letter.link.attributes, now)
    question = first_question(conversation, letter.flow, settings.company, "")
    if question is None or not isinstance(letter.flow.flow.questions[0], Rating) or question.kind != "one":
        raise NoLetter(f"The first question of {letter.flow.flow.id!r} is no rating, so an e-mail cannot offer it.")
    return question, question.choices
