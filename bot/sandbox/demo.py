"""Who plays in the demo, and what its page is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from bot.sandbox.slack_state import Member

#: who is called when a clock runs out
LEAD = Member(id="U0LEA", name="lea", real_name="Lea Fischer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortened:
    """One waiting time that the demo makes shorter: `Shortened(what="delay", normal="10 minutes", here="none")`."""

    what: str
    normal: str
    here: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowChoice:
    """A flow that an ended chat may start."""

    id: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Someone who chats with the shop: `Customer(channel="telegram", key="7001", name="Mai Tran")`."""

    #: the configured channel and the person's key there, as the API's address takes them
    channel: str
    key: str
    name: str
    language: str = "en"
    time_zone: str = "Europe/Rome"
    #: what the shop calls them, in whatever channel
    reference: str


JAN = Customer(channel="web", key="", name="Jan Kowalski", time_zone="Europe/Warsaw", reference="customer-1")
MAI = Customer(channel="telegram", key="7001", name="Mai Tran", time_zone="Asia/Ho_Chi_Minh", reference="customer-2")
GIULIA = Customer(channel="slack", key="U0GIULIA", name="Giulia Rossi", reference="customer-3")
#: is on Telegram, too, and never wrote to the bot
TUAN = Customer(channel="telegram", key="7002", name="Tuan Pham", time_zone="Asia/Ho_Chi_Minh", reference="customer-4")


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """What the app decided about one trigger, in words: `LedgerRow(verdict="deferred", rule="delay", ...)`."""

    key: str
    #: when the trigger came, and when this was decided
    triggered_at: datetime
    at: datetime
    channel: str
    #: their name, or what else is known of them
    customer: str
    #: where it is told by their clock
    time_zone: str
    reference: str
    verdict: Literal["asked", "deferred", "not asked"]
    #: the rule's name in the ledger, and its sentence
    rule: str
    sentence: str
    #: all that the app tells of it, in lines: what was told and each step
    story: str
    #: how often the trigger was told again
    repeats: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsNow:
    """How the config file and what runs stand to each other: `SettingsNow(file="config.toml", flows=(...,))`."""

    file: str
    flows: tuple[FlowChoice, ...]
    #: what changed last while the app ran, and when; "": nothing yet
    changed: str = ""
    changed_at: datetime | None = None
    #: what is wrong with the file, line by line, since when; then the settings before go on
    problems: tuple[str, ...] = ()
    broken_since: datetime | None = None


class Program(Protocol):
    """What the page asks of the running app beside its HTTP API."""

    def settings(self) -> SettingsNow:
        """The flows as they are now, and what came of the last edit of the file."""

    def now(self) -> datetime:
        """The app's time, in UTC."""

    def skip(self, span: timedelta) -> None:
        """Move the app's clock forward."""

    def share(self, source: str, reference: str, flow: str) -> float:
        """Where in 0 to 1 the app's sampling puts the end of a dealing."""

    def sample(self, part: float | None) -> float:
        """Let every flow be asked about this part of all chats (None: leave it so); the part that holds now."""

    async def ledger(self, limit: int) -> Sequence[LedgerRow]:
        """The newest decisions, newest first."""

    async def email(self, customer: Customer, flow: str, known: Mapping[str, str]) -> str:
        """The snippet of HTML for an e-mail to a customer, in their language; `known` is for texts and figures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """All that the page needs to know of the app that it plays against."""

    #: where the app listens: `http://127.0.0.1:8080`
    app_url: str
    api_key: str
    #: the Telegram bot's token
    bot: str
    #: the agents' Slack channel, without "#"
    desk: str
    #: attributes of the widget's script tag, with {language} for the visitor's language: `data-channel="web"`
    widget: str
    program: Program
    #: how many times as fast as ours the app's clock runs
    speed: float = 1.0
    #: whether the settings about asking are those of the file, and nothing is shortened
    real: bool = False
    flows: tuple[FlowChoice, ...] = ()
    shortened: tuple[Shortened, ...] = ()
    #: the key of the web customer is what the widget says; "" until then
    web: Customer = JAN
    telegram: Customer = MAI
    slack: Customer = GIULIA
    stranger: Customer = TUAN
    agents: tuple[Member, ...] = (
        Member(id="U0ANNA", name="anna", real_name="Anna Nowak"),
        Member(id="U0BEN", name="ben", real_name="Ben Carter"),
        LEAD,
    )
    languages: tuple[str, ...] = ("en", "vi", "it", "pl")
    command: str = "/feedback"
    #: what the demo shop is called
    shop: str = "Lotus Home"

    def customers(self) -> dict[str, Customer]:
        """Those whom the page plays, by the name of their chat."""
        return {"web": self.web, "telegram": self.telegram, "slack": self.slack, "stranger": self.stranger}
