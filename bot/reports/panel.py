"""The advisory panel as a table for a terminal, and as rows for other programs. Pure."""

import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from bot.conversations.flow import PinnedFlow
from bot.conversations.questions import in_locale
from bot.ports import ListedMember
from bot.reports.figures import table

_HEADS = ("member", "name", "joined", "said yes to", "channel", "language", "state")
_BREAKS = "\t\r\n"
#: controls, marks of direction and joining, spaces
_UNSEEN = ("Cc", "Cf", "Zs", "Zl", "Zp")
#: A spreadsheet takes a cell that begins so for a formula: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")


class ToldMember(msgspec.Struct, frozen=True, kw_only=True):
    """One membership as it is told; times are UTC.

    ``member`` is what the commands take: the company's own reference of the customer, or else our id.
    """

    member: str
    customer: str
    reference: str | None
    name: str | None
    channel: str
    address: str
    language: str
    joined_at: datetime
    #: to what they said yes: the flow, its version, the question, and the words that they read in their language
    flow: str
    version: str
    question: str
    text: str
    left_at: datetime | None
    left_by: str | None
    opted_out: bool
    reachable: bool

    @property
    def state(self) -> str:
        """What stands in the way of an invitation, in words; empty where nothing does."""
        if self.left_at is not None:
            return f"left {self.left_at:%Y-%m-%d}" + (", removed by us" if self.left_by == "company" else "")
        return "opted out" if self.opted_out else "" if self.reachable else "cannot be reached"


def told_member(listed: ListedMember, flow: PinnedFlow | None) -> ToldMember:
    """A membership with the words that were agreed to, of the flow version that asked."""
    member, customer = listed.member, listed.customer
    question = None if flow is None else flow.flow.question(member.question)
    text = "" if flow is None or question is None else in_locale(question.text, member.locale, flow.flow.locale)
    return ToldMember(
        member=customer.reference or customer.id,
        customer=customer.id,
        reference=customer.reference,
        name=customer.name,
        channel=member.address.channel,
        address=member.address.key,
        language=customer.locale or member.locale,
        joined_at=member.joined_at.astimezone(UTC),
        flow=member.flow,
        version=member.version,
        question=member.question,
        text=text,
        left_at=None if member.left_at is None else member.left_at.astimezone(UTC),
        left_by=member.left_by,
        opted_out=customer.opted_out_at is not None,
        reachable=customer.reachable,
    )


def panel_table(members: Sequence[ToldMember]) -> str:
    """One member a line.

    >>> print(panel_table([]))
    Nobody.
    """
    if not members:
        return "Nobody."
    return table(_HEADS, [_line(each) for each in members])


def _line(member: ToldMember) -> tuple[str, ...]:
    joined = f"{member.joined_at:%Y-%m-%d}"
    return (member.member, member.name or "-", joined, member.flow, member.channel, member.language, member.state)


COLUMNS = tuple(field.name for field in msgspec.structs.fields(ToldMember))


def cells(member: ToldMember) -> tuple[str, ...]:
    """A row for a spreadsheet, in the order of COLUMNS: no cell is taken for a formula."""
    values = msgspec.to_builtins(member)
    return tuple(unformulated("" if values[name] is None else str(values[name])) for name in COLUMNS)


def unformulated(text: str) -> str:
    """A cell that spreadsheets show and never compute, without the controls that other programs may obey.

    Wide signs count as what they stand for: some programs take them for it.

    >>> unformulated("=1+1"), unformulated("\uff1d1+1"), unformulated("La\\x1bn")
    ("'=1+1", "'\uff1d1+1", 'Lan')
    """
    kept = "".join(each for each in text if each in _BREAKS or unicodedata.category(each) not in ("Cc", "Cs"))
    seen = unicodedata.normalize("NFKC", kept)
    # what nobody sees before a sign hides it from us alone
    first = next((each for each in seen if unicodedata.category(each) not in _UNSEEN), "")
    return f"'{kept}" if seen.startswith(_FORMULAS) or first.startswith(_FORMULAS) else kept
