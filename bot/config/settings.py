"""The settings: one frozen snapshot, swapped as a whole when the file changes."""

from collections.abc import Mapping
from datetime import time, timedelta
from typing import Literal

import msgspec

from bot.conversations.flow import PinnedFlow
from bot.conversations.questions import ScaleName
from bot.followup.cases import CASE_AT_MOST
from bot.followup.clocks import Team
from bot.followup.incidents import IncidentRules
from bot.followup.routing import RoutingRule
from bot.followup.templates import Cause, Template
from bot.messages import ChannelName

DEFAULT_DATABASE = "sqlite:///data/afterchat.db"


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True):
    host: str = "127.0.0.1"
    port: int = 8080
    #: the address that customers and services reach us under, without a trailing slash
    public_url: str = "http://127.0.0.1:8080"
    #: API keys that may report interactions and read reports
    api_keys: tuple[str, ...] = ()
    #: the largest request body in bytes
    max_body: int = 1_048_576
    #: addresses and networks of reverse proxies whose X-Forwarded-For is believed: "10.0.0.7", "172.18.0.0/16"
    trusted_proxies: tuple[str, ...] = ()


class StorageSettings(msgspec.Struct, frozen=True, kw_only=True):
    #: "sqlite:///data/afterchat.db" (relative to the working folder) or "postgres://user:password@host/database"
    url: str = DEFAULT_DATABASE


class TelegramSettings(msgspec.Struct, frozen=True, kw_only=True, tag="telegram"):
    name: ChannelName
    token: str
    #: sent back by Telegram with each update; needed for the webhook
    webhook_secret: str = ""
    mode: Literal["polling", "webhook"] = "polling"
    api_url: str = "https://api.telegram.org"
    #: over all chats; Telegram takes about 30; 0: as many as there are
    messages_per_second: float = 25.0


class SlackSettings(msgspec.Struct, frozen=True, kw_only=True, tag="slack"):
    name: ChannelName
    bot_token: str
    signing_secret: str = ""
    #: for Socket Mode
    app_token: str = ""
    mode: Literal["socket", "http"] = "socket"
    #: new messages in one room, one after the other; Slack takes about one, and short bursts; 0: as many as there are,
    #: in no particular order
    posts_per_second: float = 1.0
    api_url: str = "https://slack.com"


class WebchatSettings(msgspec.Struct, frozen=True, kw_only=True, tag="webchat"):
    """Our own widget."""

    name: ChannelName
    #: signs the widget's sessions
    secret: str
    #: pages that may embed the widget, such as "https://shop.example"; ("*",) for any
    origins: tuple[str, ...] = ("*",)
    #: title of the widget's window per language
    title: Mapping[str, str] = {}
    #: a CSS colour for the button and the customer's bubbles
    colour: str = "#2563eb"


class WebhookChatSettings(msgspec.Struct, frozen=True, kw_only=True, tag="webhook"):
    """Someone else's chat window, by a pair of signed webhooks (Standard Webhooks)."""

    name: ChannelName
    #: where our messages are posted
    url: str
    #: "whsec_<base64>"; more than one while a secret is being replaced; the first one signs
    secrets: tuple[str, ...]
    #: whether that window can draw buttons; else numbered text is sent
    buttons: bool = True
    #: whether it can change a message that it showed
    edits: bool = True


ChannelSettings = TelegramSettings | SlackSettings | WebchatSettings | WebhookChatSettings


class AskingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """When someone may be asked. Quiet hours are in the customer's time zone, else in ``time_zone``.

    With ``quiet_from`` and ``quiet_until`` equal there are none.
    """

    delay: timedelta = timedelta(minutes=10)
    cool_down: timedelta = timedelta(days=7)
    cool_down_nps: timedelta = timedelta(days=90)
    quiet_from: time = time(21)
    quiet_until: time = time(8)
    defer_at_most: timedelta = timedelta(hours=24)
    closed_at_most: timedelta = timedelta(days=7)
    expire_invitation: timedelta = timedelta(days=7)
    expire_idle: timedelta = timedelta(hours=24)
    correction: timedelta = timedelta(minutes=15)
    time_zone: str = "UTC"


class FollowUpSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where alerts go: a Slack channel instance and a room in it (an id, or "#name")."""

    channel: ChannelName
    room: str
    hold: timedelta = timedelta(seconds=90)
    #: the language that the agents read the alerts in
    locale: str = "en"
    #: a score at or below this opens a case, where the flow does not say itself
    case_at_most: Mapping[ScaleName, int] = msgspec.field(default_factory=lambda: dict(CASE_AT_MOST))
    #: from Resolve to "Is it fixed?", and from there to *unconfirmed*
    recovery_after: timedelta = timedelta(hours=24)
    recovery_expires: timedelta = timedelta(hours=72)
    teams: tuple[Team, ...] = (Team(name="support"),)
    #: the team of a case that no rule gives to another
    team: str = "support"
    rules: tuple[RoutingRule, ...] = ()
    incidents: IncidentRules = IncidentRules()
    templates: tuple[Template, ...] = ()
    #: what agents choose from when they resolve a case
    causes: tuple[Cause, ...] = ()


class CommandSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the customer's own commands start: flow ids."""

    feedback: str
    #: flows that /start <flow id> may start
    start: tuple[str, ...] = ()


class DeliverySettings(msgspec.Struct, frozen=True, kw_only=True):
    """How often and for how long a message is tried; what is for the agents is tried for ever."""

    #: an agent's words to a customer are tried until they are too old
    attempts: int = 12
    first_wait: timedelta = timedelta(seconds=1)
    longest_wait: timedelta = timedelta(minutes=30)
    #: a message to a customer that is older is given up at its next failure, whoever asked us to wait
    give_up_after: timedelta = timedelta(hours=48)
    #: one send may take this long
    timeout: timedelta = timedelta(seconds=15)
    at_once: int = 32


class SandboxSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Changes for the demo only; None and True leave the real setting in place."""

    delay: timedelta | None = None
    hold: timedelta | None = None
    #: in place of recovery_after
    recovery: timedelta | None = None
    quiet_hours: bool = True
    cool_down: bool = True
    business_hours: bool = True
    #: False: all alerts go to the one room of [followup], and nobody needs to have the others
    rooms: bool = True


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    company: str
    server: ServerSettings = ServerSettings()
    storage: StorageSettings = StorageSettings()
    channels: tuple[ChannelSettings, ...] = ()
    asking: AskingSettings = AskingSettings()
    followup: FollowUpSettings | None = None
    commands: CommandSettings | None = None
    delivery: DeliverySettings = DeliverySettings()
    flows: tuple[PinnedFlow, ...] = ()
    sandbox: SandboxSettings = SandboxSettings()

    def flow(self, id: str) -> PinnedFlow | None:
        return next((pinned for pinned in self.flows if pinned.flow.id == id), None)


class CurrentSettings:
    """Holds the snapshot in force; whoever needs a setting asks at the moment of use: a swap takes effect at once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __call__(self) -> Settings:
        return self._settings

    def swap(self, settings: Settings) -> None:
        self._settings = settings
