"""The settings: one frozen snapshot, swapped as a whole when the file changes."""

from collections.abc import Mapping
from datetime import time, timedelta
from typing import Literal

import msgspec

from bot.conversations.flow import Flow, PinnedFlow
from bot.conversations.invitations import AskingRules
from bot.conversations.questions import ScaleName
from bot.followup.cases import CASE_AT_MOST
from bot.followup.clocks import Team
from bot.followup.incidents import IncidentRules
from bot.followup.routing import RoutingRule
from bot.followup.templates import Cause, Template, default_templates
from bot.languages import FALLBACK
from bot.languages.voice import Sentences, Voice
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
    #: the bot's name without "@", for links to it; empty: asked of Telegram when a link is made
    username: str = ""


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


class PageSettings(msgspec.Struct, frozen=True, kw_only=True, tag="page"):
    """The page behind survey links: a chat that works without a script."""

    name: ChannelName
    #: title of the page per language; the company's name where there is none
    title: Mapping[str, str] = {}
    #: a CSS colour for the buttons
    colour: str = "#2563eb"


ChannelSettings = TelegramSettings | SlackSettings | WebchatSettings | WebhookChatSettings | PageSettings


TriggerKindName = Literal[
    "chatwoot", "zendesk", "intercom", "freshdesk", "liveagent", "zammad", "front", "rocketchat", "generic"
]


class TriggerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A helpdesk that tells of its conversations by webhooks to ``/triggers/<name>``.

    A request is believed if the vendor's own signature is right by one of ``signing_secrets``, or if it carries one of
    ``secrets`` as ``Authorization: Bearer``, as ``X-Afterchat-Secret`` or in ``header``.
    """

    name: str
    kind: TriggerKindName
    secrets: tuple[str, ...] = ()
    signing_secrets: tuple[str, ...] = ()
    #: a header of the sender's own that carries the shared secret
    header: str = ""
    #: a flow's id; empty: the first flow of the settings
    flow: str = ""
    #: where customers are asked: the channel, and the key path in the body of their key there. Without them, wherever
    #: the customer of the reference is known.
    channel: ChannelName | None = None
    address: str = ""
    #: the key path of the company's own reference of the customer; empty: the vendor's usual one
    customer: str = ""
    #: whether its word proves that the customer of a reference is at the address told with it
    proves_identity: bool = False
    #: attribute -> key path, beside what the vendor's module reads; for "generic" also the fields of a telling
    fields: Mapping[str, str] = {}
    #: the address of a conversation in the helpdesk, where its events tell none: "https://desk.example/{reference}",
    #: or with a key path in the braces
    link: str = ""
    #: which values of the field "event" mean what ("generic"), or which words of a status do in place of the usual ones
    ended: tuple[str, ...] = ()
    resumed: tuple[str, ...] = ()
    spoke: tuple[str, ...] = ()
    #: without any word for so long, a conversation counts as ended; None: never
    idle_after: timedelta | None = None


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
    #: what should have been asked earlier than this, and was not since the server was off, is dropped
    late_at_most: timedelta = timedelta(hours=4)
    #: of customer and agents together, where the reporter counts them
    min_messages: int = 3
    #: ask only where a human answered, where the reporter tells
    human_answered: bool = True
    #: ask after chats that an agent began, too
    agent_started: bool = False
    #: an invitation that nobody answered is repeated once after this; None: never
    reminder: timedelta | None = None
    #: buttons "not this one" and "never again" under the first question of what the customer did not ask for
    decline_buttons: bool = True
    #: a button "Language" there, where the flow is written in several
    language_button: bool = True
    #: keep no names, and the company's references only as keyed hashes
    anonymous: bool = False


class FlowAsking(msgspec.Struct, frozen=True, kw_only=True):
    """When one flow may be asked, where it differs from the others: ``[flow.asking]``. Empty lists ask nothing."""

    delay: timedelta | None = None
    #: between two surveys of this flow
    cool_down: timedelta = timedelta(0)
    min_messages: int | None = None
    channels: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    without_tags: tuple[str, ...] = ()
    vip: Literal["any", "only", "never"] = "any"
    #: in 0 < sample <= 1
    sample: float = 1.0


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
    #: whether agents are offered the program's own ready answers where ``templates`` has none
    built_in_templates: bool = True
    #: what agents choose from when they resolve a case
    causes: tuple[Cause, ...] = ()

    def ready_answers(self, voice: Voice) -> tuple[Template, ...]:
        """What agents may choose under *Reply*; ``voice`` is theirs."""
        if self.templates or not self.built_in_templates:
            return self.templates
        return default_templates(voice)

    def rooms(self) -> frozenset[str]:
        """All rooms of the desk: who is in one of them works cases."""
        rooms = (self.room, *(rule.room for rule in self.rules), *(team.room for team in self.teams))
        return frozenset(room for room in rooms if room)


class OpsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where operators are told of settings that cannot be used: a Slack channel instance and a room in it."""

    channel: ChannelName
    room: str


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
    #: in place of min_messages, of all flows
    min_messages: int | None = None
    #: False: everybody is in every flow's sample
    sample: bool = True


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    company: str
    server: ServerSettings = ServerSettings()
    storage: StorageSettings = StorageSettings()
    channels: tuple[ChannelSettings, ...] = ()
    asking: AskingSettings = AskingSettings()
    followup: FollowUpSettings | None = None
    ops: OpsSettings | None = None
    commands: CommandSettings | None = None
    delivery: DeliverySettings = DeliverySettings()
    flows: tuple[PinnedFlow, ...] = ()
    #: flow id -> what is its own of [asking]
    flow_asking: Mapping[str, FlowAsking] = {}
    triggers: tuple[TriggerSettings, ...] = ()
    sandbox: SandboxSettings = SandboxSettings()
    #: what the author says differently from the packs
    sentences: Sentences = {}

    def voice(self, locale: str) -> Voice:
        """How the program speaks a language outside of conversations."""
        return Voice(locale, self.sentences)

    def agents_voice(self) -> Voice:
        """How the program speaks to the agents."""
        return self.voice(self.followup.locale if self.followup else FALLBACK)

    def flow(self, id: str) -> PinnedFlow | None:
        return next((pinned for pinned in self.flows if pinned.flow.id == id), None)

    def flow_or_first(self, id: str) -> PinnedFlow | None:
        """The flow of this id that somebody may be asked; where none is named, the first one of the settings.

        Variants cannot be asked for: who is asked a flow is given one of its forms.
        """
        return next((each for each in self.askable() if id in ("", each.flow.id)), None)

    def askable(self) -> tuple[PinnedFlow, ...]:
        """The flows that are no variants of others."""
        return tuple(each for each in self.flows if each.flow.variant_of is None)

    def asking_rules(self, flow: Flow) -> AskingRules:
        """What decides whether someone is asked this flow."""
        all_flows, own, rating = self.asking, self.flow_asking.get(flow.id, FlowAsking()), flow.score_question()
        return AskingRules(
            flow=flow.id,
            is_nps=rating is not None and rating.scale == "nps",
            delay=all_flows.delay if own.delay is None else own.delay,
            cool_down=all_flows.cool_down,
            cool_down_nps=all_flows.cool_down_nps,
            cool_down_flow=own.cool_down,
            quiet_from=all_flows.quiet_from,
            quiet_until=all_flows.quiet_until,
            defer_at_most=all_flows.defer_at_most,
            closed_at_most=all_flows.closed_at_most,
            late_at_most=all_flows.late_at_most,
            min_messages=all_flows.min_messages if own.min_messages is None else own.min_messages,
            human_answered=all_flows.human_answered,
            agent_started=all_flows.agent_started,
            channels=frozenset(own.channels),
            languages=frozenset(own.languages),
            tags=frozenset(own.tags),
            without_tags=frozenset(own.without_tags),
            vip=own.vip,
            sample=own.sample,
        )


class CurrentSettings:
    """Holds the snapshot in force; whoever needs a setting asks at the moment of use: a swap takes effect at once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __call__(self) -> Settings:
        return self._settings

    def swap(self, settings: Settings) -> None:
        self._settings = settings
