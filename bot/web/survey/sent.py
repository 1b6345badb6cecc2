"""What people send from a survey page, as inbound events: presses, ticks and words. Pure."""

import re
import secrets
from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec

from bot.conversations.engine import DONE, TICK, UNTICK
from bot.ids import ConversationId
from bot.messages import Address, Profile, Tapped, Token, Wrote, format_token, parse_token
from bot.web.survey.showing import NOT_BEGUN, Shown

_ONCE = re.compile(r"[A-Za-z0-9_-]{8,64}")
_TICKED = "o."


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """Who sent a form: from which page, in which language, and when."""

    address: Address
    locale: str
    at: datetime
    #: the same when one form is sent twice
    once: str

    def event(self, what: str) -> str:
        return f"page:{self.address.channel}:{self.address.key}:{self.once}:{what}"

    @property
    def profile(self) -> Profile:
        return Profile(language=self.locale)


def once_of(form: Mapping[str, str]) -> str:
    """What tells a form that is sent twice from two forms."""
    once = form.get("once", "")
    return once if _ONCE.fullmatch(once) else secrets.token_urlsafe(12)


def presses(
    form: Mapping[str, str], sender: Sender, begun: ConversationId | None, page: tuple[Shown, ...]
) -> Iterator[Tapped]:
    """The presses that a form stands for, in their order; ``begun`` is what began with it."""
    if form.get("token"):
        yield _tapped(_aimed(form["token"], begun), sender)
    elif form.get("several"):
        token = parse_token(form["several"])
        if not isinstance(token, Token):
            return
        for value in _ticks(form, page):
            own = format_token(msgspec.structs.replace(token, value=value))
            yield _tapped(_aimed(own, begun), sender)


def _ticks(form: Mapping[str, str], page: tuple[Shown, ...]) -> Iterator[str]:
    """The boxes to tick and those to untick, and that this is all."""
    wanted = {name.removeprefix(_TICKED) for name in form if name.startswith(_TICKED)}
    known = [choice for each in page if each.kind == "several" for choice in each.choices]
    yield from sorted(UNTICK + each.value[1:] for each in known if each.ticked and each.value[1:] not in wanted)
    yield from sorted(TICK + id for id in wanted)
    yield DONE


def wrote(form: Mapping[str, str], sender: Sender) -> Wrote:
    return Wrote(
        event=sender.event("words"),
        sender=sender.address,
        text=form.get("text", ""),
        at=sender.at,
        profile=sender.profile,
    )


def _tapped(token: str, sender: Sender) -> Tapped:
    return Tapped(event=sender.event(token), sender=sender.address, token=token, at=sender.at, profile=sender.profile)


def _aimed(token: str, begun: ConversationId | None) -> str:
    """The token of a question that was drawn before its conversation began, as one of that conversation."""
    parsed = parse_token(token)
    if begun is None or not isinstance(parsed, Token) or parsed.conversation != NOT_BEGUN:
        return token
    return format_token(msgspec.structs.replace(parsed, conversation=begun))
