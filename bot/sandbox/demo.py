"""Who plays in the demo, and what its page is told."""

from dataclasses import dataclass

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
    flows: tuple[FlowChoice, ...] = ()
    shortened: tuple[Shortened, ...] = ()
    #: the key of the web customer is what the widget says; "" until then
    web: Customer = Customer(channel="web", key="", name="Jan Kowalski")
    telegram: Customer = Customer(channel="telegram", key="7001", name="Mai Tran")
    slack: Customer = Customer(channel="slack", key="U0GIULIA", name="Giulia Rossi")
    agents: tuple[Member, ...] = (
        Member(id="U0ANNA", name="anna", real_name="Anna Nowak"),
        Member(id="U0BEN", name="ben", real_name="Ben Carter"),
        LEAD,
    )
    languages: tuple[str, ...] = ("en", "vi", "it", "pl")
    command: str = "/feedback"
    #: what the demo shop is called
    shop: str = "Lotus Home"
