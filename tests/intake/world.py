"""A whole shop in memory: intake over a store of dicts, with a clock and ids that a test moves."""

from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime, time, timedelta
from types import MappingProxyType
from typing import Any, TypeVar

from bot.config import (
    AskingSettings,
    CommandSettings,
    FollowUpSettings,
    Settings,
    SlackSettings,
    TelegramSettings,
    WebchatSettings,
)
from bot.conversations.conversation import Conversation
from bot.conversations.dealings import Ended, Happening, Told
from bot.conversations.invitations import TriggerKind
from bot.followup.cases import Case
from bot.ids import CaseId
from bot.intake import Intake
from bot.intake.anonymity import keyed
from bot.messages import (
    Address,
    AgentDid,
    AgentPressed,
    AgentWrote,
    Attachment,
    Button,
    Card,
    CaseToken,
    ChannelName,
    Commanded,
    CommandName,
    Deed,
    Inbound,
    Outbound,
    Profile,
    Receipt,
    Remark,
    Tapped,
    Text,
    Wrote,
    format_token,
)
from bot.ports import Decision, Interaction, Outcome, Sent
from tests.conversations.golden import flow_named
from tests.fakes.pure_store import PureStore

T = TypeVar("T")

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ANN = Address(channel=ChannelName("web"), key="ann")
BEN = Address(channel=ChannelName("telegram"), key="5512")
DESK = Address(channel=ChannelName("slack"), key="#unhappy")
AGENTS = (Address(channel=ChannelName("slack"), key="U1"), Address(channel=ChannelName("slack"), key="U2"))

SETTINGS = Settings(
    company="Lotus",
    channels=(
        WebchatSettings(name=ChannelName("web"), secret="s"),
        TelegramSettings(name=ChannelName("telegram"), token="t"),
        SlackSettings(name=ChannelName("slack"), bot_token="b"),
    ),
    asking=AskingSettings(quiet_from=time(21), quiet_until=time(8)),
    followup=FollowUpSettings(channel=DESK.channel, room=DESK.key),
    commands=CommandSettings(feedback="support", start=("delivery",)),
    flows=tuple(flow_named(name) for name in ("support", "delivery", "thumbs", "stars")),
)


def at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never waits, as none does over dicts."""
    try:
        coroutine.send(None)
    except StopIteration as finished:
        result: T = finished.value
        return result
    raise AssertionError("something waited")


class World:
    def __init__(self, settings: Settings = SETTINGS) -> None:
        self.now = START
        self.settings = settings
        self.store = PureStore(settings.flows)
        self._numbers = iter(range(1, 10**9))
        self.intake = Intake(
            store=self.store,
            settings=lambda: self.settings,
            clock=lambda: self.now,
            ids=lambda: f"{self.number():016d}",
            pseudonym=keyed(b"key"),
        )

    def number(self) -> int:
        return next(self._numbers)

    # ---- what comes in ------------------------------------------------------------------------------------

    def handle(self, event: Inbound) -> Outcome:
        return at_once(self.intake.handle(event))

    def tapped(self, token: str, who: Address = ANN) -> Tapped:
        return Tapped(event=f"e{self.number()}", sender=who, token=token, at=self.now)

    def wrote(self, text: str, who: Address = ANN, profile: Profile | None = None) -> Wrote:
        return Wrote(event=f"e{self.number()}", sender=who, text=text, at=self.now, profile=profile or Profile())

    def commanded(self, command: CommandName, who: Address = ANN, argument: str = "") -> Commanded:
        return Commanded(event=f"e{self.number()}", sender=who, command=command, at=self.now, argument=argument)

    def pressed(self, case: str, agent: Address = AGENTS[0], action: str = "claim") -> AgentPressed:
        token = format_token(CaseToken(case=case, action=action))  # type: ignore[arg-type]
        return AgentPressed(event=f"e{self.number()}", agent=agent, agent_name=agent.key, token=token, at=self.now)

    def did(self, case: str, deed: Deed, agent: Address = AGENTS[0]) -> AgentDid:
        return AgentDid(
            event=f"e{self.number()}", agent=agent, agent_name=agent.key, case=CaseId(case), deed=deed, at=self.now
        )

    def in_thread(
        self, case: str, text: str, agent: Address = AGENTS[0], attachments: tuple[Attachment, ...] = ()
    ) -> AgentWrote:
        return AgentWrote(
            event=f"e{self.number()}",
            agent=agent,
            agent_name=agent.key,
            thread=self.store.remotes.get(f"alert:{case}", "none"),
            text=text,
            at=self.now,
            attachments=attachments,
        )

    def press(self, case: str, action: str, agent: Address = AGENTS[0]) -> Outcome:
        return self.handle(self.pressed(case, agent, action))

    def do(self, case: str, deed: Deed, agent: Address = AGENTS[0]) -> Outcome:
        return self.handle(self.did(case, deed, agent))

    def say_in_thread(self, case: str, text: str, agent: Address = AGENTS[0]) -> Outcome:
        self.deliver()
        return self.handle(self.in_thread(case, text, agent))

    def tap(self, label: str, who: Address = ANN, *, on: str = "") -> Outcome:
        return self.handle(self.tapped(self.button(label, who, on=on).token, who))

    def write(self, text: str, who: Address = ANN) -> Outcome:
        return self.handle(self.wrote(text, who))

    def command(self, command: CommandName, who: Address = ANN, argument: str = "") -> Outcome:
        return self.handle(self.commanded(command, who, argument))

    def tell(
        self,
        happening: Happening | None = None,
        who: Address | None = ANN,
        *,
        trigger: TriggerKind = "api",
        reference: str = "",
        **told: Any,
    ) -> Outcome:
        """Tell of a dealing; of nothing else, that it ended just now."""
        return at_once(
            self.intake.tell(
                Told(
                    source=told.pop("source", "api"),
                    reference=reference or f"t{self.number()}",
                    happening=happening or Ended(at=self.now),
                    address=who,
                    **told,
                ),
                trigger,
            )
        )

    def report(
        self,
        who: Address = ANN,
        flow: str = "support",
        reference: str = "",
        attributes: Mapping[str, str] = MappingProxyType({}),
        **told: Any,
    ) -> Outcome:
        """Report a dealing that ended just now."""
        return self.tell(None, who, flow=flow, reference=reference, attributes=dict(attributes), **told)

    def ask(self, who: Address = ANN, flow: str = "support", **attributes: str) -> None:
        """Report an interaction and let the delay pass."""
        self.report(who, flow, attributes=attributes)
        self.later(minutes=10)

    # ---- what time does -----------------------------------------------------------------------------------

    def later(self, **span: float) -> None:
        """Let time pass and everything come due that is."""
        self.now += timedelta(**span)
        self.run_dues()
        self.deliver()

    def run_dues(self) -> list[Outcome]:
        ripe = at_once(self.store.dues.due(self.now, 1_000))
        return [at_once(self.intake.come_due(due)) for due in ripe]

    def deliver(self) -> None:
        """Let every queued message arrive."""
        while claimed := at_once(
            self.store.outbox.claim(self.now, limit=100, lease_until=self.now + timedelta(minutes=1))
        ):
            for delivery in claimed:
                edited = delivery.remote if delivery.outbound.kind == "edit" else None
                sent = Sent(receipt=Receipt(remote=edited or f"m{delivery.id}"))
                assert at_once(self.store.outbox.settle(delivery, sent, self.now))

    # ---- what is to be seen -------------------------------------------------------------------------------

    def messages(self, to: Address = ANN) -> list[Outbound]:
        return [row.outbound for row in self.store.queue.values() if row.outbound.to == to]

    def screen(self, who: Address = ANN) -> dict[str, Outbound]:
        """The customer's messages as they are now, by slot."""
        return {message.slot: message for message in self.messages(who)}

    def buttons(self, who: Address = ANN, *, on: str = "") -> list[Button]:
        """The buttons on a customer's screen, or only those of one question's message."""
        shown = [message for slot, message in self.screen(who).items() if slot.endswith(on)]
        return [button for message in shown for button in buttons_of(message)]

    def button(self, label: str, who: Address = ANN, *, on: str = "") -> Button:
        return next(button for button in reversed(self.buttons(who, on=on)) if button.label == label)

    def case(self, id: str = "") -> Case:
        """The only case, or the one named."""
        if id:
            return self.store.cases[CaseId(id)]
        (case,) = self.store.cases.values()
        return case

    def interaction(self) -> Interaction:
        """The only one."""
        (interaction,) = self.store.interactions.values()
        return interaction

    def decision(self) -> Decision:
        """What stands about the newest trigger."""
        return self.store.decisions[-1]

    def verdict(self) -> tuple[str, str]:
        return self.decision().verdict, self.decision().rule

    def thread(self, case: str) -> list[Remark]:
        """What was said in the thread of a case's alert."""
        sent = [row.outbound for row in self.store.queue.values() if row.outbound.thread == f"alert:{case}"]
        return [outbound.content for outbound in sent if isinstance(outbound.content, Remark)]

    def notes(self, case: str = "") -> list[str]:
        return [note.what for note in self.store.notes if case in ("", note.case)]

    def heard(self, who: Address = ANN) -> list[str]:
        """The texts that a customer got, without questions."""
        return [message.content.text for message in self.messages(who) if isinstance(message.content, Text)]

    def conversation(self, who: Address = ANN) -> Conversation:
        here = [each for each in self.store.conversations.values() if each.address == who]
        return max(here, key=lambda each: each.id)


def buttons_of(message: Outbound) -> list[Button]:
    content = message.content
    return [button for row in content.buttons for button in row] if isinstance(content, Card) else []
