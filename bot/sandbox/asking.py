"""When to ask: the end of a chat of any kind, what is told of it then, and the outcomes that play by themselves."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, assert_never
from zoneinfo import ZoneInfo

from bot.sandbox.demo import Customer, Demo, LedgerRow
from bot.sandbox.outcomes import OUTCOMES, Chat, Outcome, Step
from bot.sandbox.slack import SlackStandIn
from bot.sandbox.slack_state import Json
from bot.sandbox.telegram import TelegramStandIn
from bot.sandbox.telling import EVENTS, INTERACTIONS, Telling, customer_of

#: what the demo shop's page shows
ORDER = "A-1042"
#: what the page's reports call where they come from
SOURCE = "demo"
BUSY = "Another outcome is being played; wait until the ledger has it."
NOBODY = "Open the chat in the shop first: until then nobody is there to be asked."
#: longer than any cool-down between two surveys, and than an invitation waits
_RESTED = timedelta(days=8)
_OFF = timedelta(hours=12)
#: how long a play waits for what it needs, in real seconds
_PATIENCE = 8.0
_ONE_IN_TEN = 0.1
_DAY, _NIGHT = 10, 22
_AT_NIGHT, _IN_THE_MORNING = 20, 9


class Asking:
    """Carries out what the panel "When to ask" does; LookupError, KeyError and ValueError where it cannot be."""

    def __init__(self, telegram: TelegramStandIn, slack: SlackStandIn, demo: Demo, telling: Telling) -> None:
        self._telegram = telegram
        self._slack = slack
        self._demo = demo
        self._telling = telling
        self._started = int(time.time())
        self._numbers = itertools.count(1)
        #: by the name of the chat, what was told of its dealing at last
        self._last: dict[str, Json] = {}
        #: whom a play let say STOP
        self._stopped: set[str] = set()
        #: a play moves the clock: another at the same time would ruin both
        self._plays = False

    async def carry_out(self, verb: str, deed: Json) -> Json:
        """Carry out `{"do": "ask.end", "chat": "telegram", "messages": 6, ...}`."""
        if verb == "play":
            return await self._play_alone(str(deed["outcome"]), deed)
        customer = customer_of(self._demo, deed)
        match verb:
            case "sample":
                part = float(deed["part"])
                if not 0 < part <= 1:
                    raise ValueError("a part is more than 0 and at most 1")
                return {"ok": True, "sample": self._demo.program.sample(part)}
            case "skip":
                return self._skip(customer, deed)
            case _ if not customer.key:
                return {"ok": False, "error": NOBODY}
            case "end":
                return await self.end(str(deed["chat"]), customer, deed)
            case "again":
                return await self._telling.tell(INTERACTIONS, self._known(deed))
            case "now":
                return await self.end(str(deed["chat"]), customer, {**deed, "now": True})
            case "writes":
                return await self._happens("customer_wrote", str(deed["chat"]))
            case "opens":
                return await self._happens("resumed", str(deed["chat"]))
            case _:
                raise KeyError(verb)

    async def end(self, chat: str, customer: Customer, deed: Json, *, out_of: float | None = None) -> Json:
        """Tell the app that a support chat is over; what the deed does not say is not told.

        With `out_of` it is one that a sample of this part of all chats leaves out.
        """
        before = self._last.get(chat)
        # a dealing that was opened again ends again, under its old name
        reference = before["reference"] if before and before.get("open") else self._next_reference()
        while out_of is not None and self._share(reference, deed) < out_of:
            reference = self._next_reference()
        report = self._report(customer, reference, deed)
        self._last[chat] = report
        return await self._telling.tell(INTERACTIONS, report)

    def _report(self, customer: Customer, reference: str, deed: Json) -> Json:
        attributes = {"order": ORDER, **({"vip": "true"} if deed.get("vip") else {})}
        report: dict[str, Any] = {
            "customer": {
                "address": {"channel": customer.channel, "key": customer.key},
                "name": customer.name,
                "language": str(deed.get("language") or customer.language),
                "time_zone": customer.time_zone,
                "reference": customer.reference,
            },
            "agent": str(deed.get("agent") or self._demo.agents[0].real_name),
            "source": SOURCE,
            "reference": reference,
            "closed_at": (self._demo.program.now() - timedelta(seconds=int(deed.get("ago") or 0))).isoformat(),
            "attributes": attributes,
        }
        told = {
            "flow": deed.get("flow"),
            "messages": deed.get("messages"),
            "human_answered": deed.get("human"),
            "started_by": deed.get("began"),
            "tags": deed.get("tags"),
            "now": deed.get("now"),
        }
        return report | {name: value for name, value in told.items() if value not in (None, "", [], ())}

    def _share(self, reference: str, deed: Json) -> float:
        return self._demo.program.share(SOURCE, reference, str(deed.get("flow") or ""))

    def _next_reference(self) -> str:
        return f"demo-{self._started}-{next(self._numbers)}"

    def _known(self, deed: Json) -> Json:
        report = self._last.get(str(deed["chat"]))
        if report is None:
            raise LookupError("End the chat first: nothing was told of it yet.")
        return {name: value for name, value in report.items() if name != "open"}

    async def _happens(self, event: str, chat: str) -> Json:
        report = self._known({"chat": chat})
        body = {"source": report["source"], "reference": report["reference"], "event": event}
        answer = await self._telling.tell(EVENTS, body)
        if answer["ok"]:
            self._last[chat] = {**report, "open": True}
        return answer

    # ---- the clock ----

    def _skip(self, customer: Customer, deed: Json) -> Json:
        if "days" in deed:
            days = int(deed["days"])
            if not 0 < days <= 400:
                raise ValueError("only forward, and at most 400 days at once")
            self._demo.program.skip(timedelta(days=days))
        else:
            self._until(customer, int(deed["hour"]))
        return {"ok": True}

    def _until(self, customer: Customer, hour: int) -> None:
        """Move the clock to the next time that it is this hour where the customer is."""
        self._demo.program.skip(until_hour(self._demo.program.now(), hour, customer.time_zone))

    # ---- outcomes ----

    async def _play_alone(self, id: str, deed: Json) -> Json:
        if self._plays:
            return {"ok": False, "error": BUSY}
        self._plays = True
        try:
            return await self._play(id, deed)
        finally:
            self._plays = False

    async def _play(self, id: str, deed: Json) -> Json:
        outcome = next((each for each in OUTCOMES if each.id == id), None)
        if outcome is None:
            raise LookupError(f"no outcome {id}")
        customer = self._demo.customers()[outcome.chat.chat]
        self._last.pop(outcome.chat.chat, None)
        try:
            for step in outcome.steps:
                answer = await self._step(step, outcome, customer, deed)
                if answer is not None and not answer["ok"]:
                    return answer
            await _until_true(lambda: self._came_out(outcome))
        except TimeoutError:
            return {"ok": False, "error": "The app took too long; try it again."}
        return {"ok": True}

    async def _step(self, step: Step, outcome: Outcome, customer: Customer, deed: Json) -> Json | None:
        """One step; the answer of those that tell the app something."""
        program, chat = self._demo.program, outcome.chat.chat
        match step:
            case "all":
                program.sample(1.0)
            case "one in ten":
                program.sample(_ONE_IN_TEN)
            case "opted in":
                await self._opt_in(chat)
            case "rested":
                await self._rest(chat)
            case "by day":
                hour = program.now().astimezone(ZoneInfo(customer.time_zone)).hour
                if not _IN_THE_MORNING <= hour < _AT_NIGHT:
                    self._until(customer, _DAY)
            case "at night":
                self._until(customer, _NIGHT)
            case "end":
                out_of = _ONE_IN_TEN if "one in ten" in outcome.steps else None
                return await self.end(chat, customer, told_of(outcome.chat, deed), out_of=out_of)
            case "again":
                return await self._telling.tell(INTERACTIONS, self._known({"chat": chat}))
            case "talk":
                return await self._talk(chat, customer)
            case "asked":
                await _until_true(lambda: self._was_asked(chat))
            case "answers":
                await self._answer(int(customer.key))
            case "stops":
                await self._opt_out(chat)
            case "writes":
                return await self._happens("customer_wrote", chat)
            case "opens":
                return await self._happens("resumed", chat)
            case "off":
                program.skip(_OFF)
            case _:
                assert_never(step)
        return None

    async def _came_out(self, outcome: Outcome) -> bool:
        """Whether the ledger has what is played."""
        reference = self._last[outcome.chat.chat]["reference"]
        rows = await self._demo.program.ledger(100)
        return any(row.reference == reference and row.rule == outcome.rule for row in rows)

    async def _rows(self, chat: str) -> list[LedgerRow]:
        customer = self._demo.customers()[chat]
        rows = await self._demo.program.ledger(100)
        return [row for row in rows if row.customer == customer.name]

    async def _rest(self, chat: str) -> None:
        """Let a week pass if the customer was asked in it, or may be before the play has begun."""
        since = self._demo.program.now() - _RESTED
        if any(row.verdict != "not asked" and row.at > since for row in await self._rows(chat)):
            self._demo.program.skip(_RESTED)

    async def _was_asked(self, chat: str) -> bool:
        reference = self._last[chat]["reference"]
        return any(row.verdict == "asked" and row.reference == reference for row in await self._rows(chat))

    async def _opt_in(self, chat: str) -> None:
        rows = await self._rows(chat)
        if chat in self._stopped or (rows and rows[0].rule == "opted out"):
            self._stopped.discard(chat)
            await self._says(chat, "/start" if chat == "telegram" else "START")

    async def _opt_out(self, chat: str) -> None:
        if chat not in self._stopped:
            self._stopped.add(chat)
            await self._says(chat, "/stop" if chat == "telegram" else "STOP")

    async def _says(self, chat: str, text: str) -> None:
        """Write as the customer, and wait until the app has answered."""
        heard = self._answers(chat)
        if chat == "telegram":
            self._telegram.user_sends(self._demo.bot, int(self._demo.telegram.key), text)
        else:
            self._slack.user_sends(self._demo.slack.key, None, text)
        await _until_true(lambda: self._answers(chat) > heard)

    def _answers(self, chat: str) -> int:
        if chat == "telegram":
            return sum(each.from_bot for each in self._telegram.messages(self._demo.bot, int(self._demo.telegram.key)))
        return sum(post.bot_id is not None for post in self._slack.messages(self._direct()))

    def _direct(self) -> str:
        return self._slack.direct(self._demo.slack.key).id

    async def _talk(self, chat: str, customer: Customer) -> Json:
        """Both say something in a chat that is new to the app."""
        self._last[chat] = self._report(customer, self._next_reference(), {})
        answer = await self._happens("customer_wrote", chat)
        return await self._happens("agent_wrote", chat) if answer["ok"] else answer

    async def _answer(self, user: int) -> None:
        """Rate with the best face, and skip what is asked then."""
        for wanted in ("\N{GRINNING FACE}", "Skip"):
            await _until_true(lambda wanted=wanted: self._tap(user, wanted))

    def _tap(self, user: int, wanted: str) -> bool:
        """Tap the newest button with these words; whether there is one."""
        for message in reversed(self._telegram.messages(self._demo.bot, user)[-5:]):
            for button in (one for row in message.buttons for one in row):
                if wanted in button.text and button.callback_data:
                    self._telegram.user_taps(self._demo.bot, user, message.message_id, button.callback_data)
                    return True
        return False


def until_hour(now: datetime, hour: int, time_zone: str) -> timedelta:
    """How long it is until the clocks of a time zone show this hour next.

    >>> until_hour(datetime.fromisoformat("2026-03-01T12:30:00+00:00"), 22, "Europe/Rome")
    datetime.timedelta(seconds=30600)
    """
    local = now.astimezone(ZoneInfo(time_zone))
    then = local.replace(hour=hour, minute=0, second=0, microsecond=0)
    if then <= local:
        then += timedelta(days=1)
    return then.astimezone(now.tzinfo) - now


def told_of(chat: Chat, deed: Mapping[str, object]) -> Json:
    """A kind of chat as the fields of a deed, with whatever the page tells of the people."""
    fields = {
        "flow": chat.flow,
        "messages": chat.messages,
        "human": chat.human,
        "began": chat.began,
        "tags": list(chat.tags),
        "vip": chat.vip,
        "ago": chat.ago,
    }
    return fields | {name: deed[name] for name in ("agent", "language") if deed.get(name)}


async def _until_true(holds: Callable[[], bool] | Callable[[], Awaitable[bool]]) -> None:
    """Wait until something holds. Raises TimeoutError."""
    async with asyncio.timeout(_PATIENCE):
        while True:
            found = holds()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.05)
