"""Who is before a survey page, as far as its address tells: which link, which session, which language."""

import re
from collections.abc import Mapping
from urllib.parse import urlencode

import msgspec
from multidict import MultiMapping

from bot.channels.limits import network_of
from bot.channels.names import shown_name
from bot.channels.page import PageChannel
from bot.config import Settings
from bot.conversations.flow import PinnedFlow
from bot.intake.linked import LONGEST_REFERENCE
from bot.languages import locales
from bot.messages import Address, Card, Text
from bot.ports import ChatLine, Link
from bot.web.survey.drawing import spoken
from bot.web.survey.proofs import WITHOUT, Proofs

_ID = re.compile(r"[A-Za-z0-9_-]{22}")
#: what a mail system was to fill in and did not: then every copy of the e-mail would be one page
_UNFILLED = re.compile(r"\{\{|\{%|\[\[|%7B%7B", re.IGNORECASE)


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What a page's address names: a link, and one session of it."""

    link: Link
    session: str
    #: the query that leads here again: ``ref`` or ``s``, or neither
    query: Mapping[str, str]
    reference: str = ""
    #: whether who is there may read what was said, and go on; else they may only begin, where nobody has
    proven: bool = True
    #: a proof that the browser is to keep from now on
    new_proof: str = ""

    @property
    def path(self) -> str:
        return self.with_query()

    def with_query(self, **more: str) -> str:
        """The address of the page, with something beside it."""
        query = urlencode({**self.query, **more})
        return f"/s/{self.link.id}?{query}" if query else f"/s/{self.link.id}"


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """A person, or a program, before a page."""

    place: Place
    address: Address
    #: None: the link is over, so nothing begins here any more
    flow: PinnedFlow | None
    locale: str
    lines: tuple[ChatLine, ...] = ()
    letter: str = ""
    proofs: Proofs

    @property
    def is_closed(self) -> bool:
        """Somebody else's: only that something was received may be told."""
        return bool(self.lines) and not self.place.proven

    @property
    def newest(self) -> int:
        return max((line.id for line in self.lines), default=0)


def is_id(text: str) -> bool:
    """Whether a text may be the id of a link at all."""
    return _ID.fullmatch(text) is not None


def place_of(link: Link, query: MultiMapping[str], proofs: Proofs, channel: PageChannel) -> Place:
    """The session that an address names, or a new one.

    A name of a dealing that anybody may write tells pages of one link apart and proves nothing.
    """
    reference = shown_name(query.get("ref", ""), LONGEST_REFERENCE) or ""
    if _UNFILLED.search(reference):
        reference = ""
    named = {"ref": reference} if reference else {}
    if link.customer is not None:
        return Place(link=link, session=channel.session_of(link.id), query=named, reference=reference)
    proof = proofs.in_address()
    without = dict([WITHOUT]) if proofs.kept is None else {}
    if reference:
        session = channel.session_of(link.id, reference)
        proven = proofs.of(session, channel)
        if proven and without:
            named |= {"s": proof, **without}
        return Place(link=link, session=session, query=named, reference=reference, proven=proven)
    known = channel.proven(proof)
    if known is not None:
        return Place(link=link, session=known, query={"s": proof, **without})
    proof = channel.new_session()
    return Place(link=link, session=channel.proven(proof) or "", query={"s": proof}, new_proof=proof)


def let_in(visit: Visit, channel: PageChannel) -> Visit:
    """The page for the browser that began it, which can prove that from now on."""
    place = visit.place
    proof = channel.proof_of(place.session)
    query = place.query if visit.proofs.kept is not None else {**place.query, "s": proof, **dict([WITHOUT])}
    return msgspec.structs.replace(
        visit, place=msgspec.structs.replace(place, query=query, proven=True, new_proof=proof)
    )


def letter_of(place: Place, remote: str) -> str:
    """What all links of one e-mail have in common.

    Who reads a signature or scans a code shares the link with all others, so there only one network's fetches count.
    """
    own = place.reference or place.link.customer
    return f"{place.link.id} {place.reference}" if own else f"{place.link.id} from {network_of(remote)}"


def locale_of(link: Link | None, flow: PinnedFlow | None, lines: tuple[ChatLine, ...], accept: str) -> str:
    """The language of a page: that of what was said there last, else the link's, else the browser's."""
    said = [line.content.locale for line in lines if line.author == "us" and isinstance(line.content, Card | Text)]
    if said:
        return said[-1]
    offered, usual = (locales(), "en") if flow is None else (flow.flow.locales, flow.flow.locale)
    return spoken(offered, usual, None if link is None else link.locale, accept)


def flow_of(link: Link, settings: Settings, over: bool) -> PinnedFlow | None:
    """The flow that would begin, unless the link is over."""
    return None if over else settings.flow(link.flow)
