"""What the person at the page does: one JSON object per deed, carried out on the stand-ins or the app."""

import re
from dataclasses import replace

import aiohttp

from bot.sandbox.asking import NOBODY, Asking
from bot.sandbox.demo import Demo
from bot.sandbox.faults import Duplicate, Fault, Faults, Hang, RateLimited, Refused, ServerError
from bot.sandbox.slack import SlackStandIn
from bot.sandbox.slack_outgoing import Ack
from bot.sandbox.slack_state import Json
from bot.sandbox.telegram import TelegramStandIn
from bot.sandbox.telling import Telling, customer_of

_COMMAND = re.compile(r"/[^\s/]")
#: the app's message shortcut, as its manifest names it
_ASK = "ask_for_rating"
#: seconds for which the drawer's hanging request waits, if nobody releases it
_HANG = 30.0


class Deeds:
    """Carries out deeds; each returns what the page may say of it, and LookupError or KeyError where it cannot be."""

    def __init__(self, telegram: TelegramStandIn, slack: SlackStandIn, demo: Demo, app: aiohttp.ClientSession) -> None:
        self._telegram = telegram
        self._slack = slack
        self._demo = demo
        self.asking = Asking(telegram, slack, demo, Telling(demo, app))

    async def carry_out(self, deed: Json) -> Json:
        """Carry out `{"do": "telegram.tap", ...}`."""
        service, _, verb = str(deed["do"]).partition(".")
        match service:
            case "telegram":
                return self._on_telegram(verb, deed)
            case "slack":
                return _said(await self._on_slack(verb, deed))
            case "chat":
                return await self._end(deed) if verb == "end" else self._speak(deed)
            case "ask":
                return await self.asking.carry_out(verb, deed)
            case "fault":
                return self._misbehave(verb, deed)
            case _:
                raise KeyError(service)

    def _on_telegram(self, verb: str, deed: Json) -> Json:
        bot, user, people = self._demo.bot, int(self._demo.telegram.key), self._telegram
        match verb:
            case "send":
                people.user_sends(bot, user, str(deed["text"])[:4096])
            case "start":
                people.user_starts(bot, user)
            case "tap":
                people.user_taps(bot, user, int(deed["message"]), str(deed["data"]), stale=True)
            case "block":
                people.user_blocks(bot, user)
            case "unblock":
                people.user_unblocks(bot, user)
            case _:
                raise KeyError(verb)
        return {"ok": True}

    async def _on_slack(self, verb: str, deed: Json) -> Ack:
        person = self._person(str(deed["as"]))
        channel = None if deed.get("channel") == "direct" else f"#{self._demo.desk}"
        match verb:
            case "send" if _COMMAND.match(str(deed["text"])) and not deed.get("thread"):
                command, _, text = str(deed["text"]).partition(" ")
                return await self._slack.user_commands(person, channel, command, text)
            case "send":
                self._slack.user_sends(person, channel, str(deed["text"])[:40_000], deed.get("thread"))
                return Ack(status=200)
            case "click":
                return await self._slack.user_clicks(person, channel, deed["ts"], deed["action"], deed.get("value"))
            case "ask":
                # a message shortcut, on words of the customer
                return await self._slack.user_shortcut(person, _ASK, self._direct(), str(deed["ts"]))
            case "click_view":
                # what stands in the other fields is told with the click
                self._slack.user_fills(person, deed.get("values") or {}, self._slack.world.views[deed["view"]])
                return await self._slack.user_clicks_in_view(person, deed["action"], deed.get("value"), deed["view"])
            case "submit":
                return await self._slack.user_submits_view(person, deed["values"], deed["view"])
            case "close":
                return await self._slack.user_closes_view(person, deed["view"])
            case _:
                raise KeyError(verb)

    def _direct(self) -> str:
        return self._slack.direct(self._demo.slack.key).id

    def _person(self, wanted: str) -> str:
        if wanted not in (self._demo.slack.key, *(agent.id for agent in self._demo.agents)):
            raise LookupError(f"nobody here is {wanted}")
        return wanted

    def _speak(self, deed: Json) -> Json:
        """Change the language that a customer's app tells."""
        language = str(deed["language"])
        if language not in self._demo.languages:
            raise LookupError(f"no language {language}")
        if deed["chat"] == "telegram":
            users = self._telegram.world.users
            user_id = int(self._demo.telegram.key)
            users[user_id] = replace(users[user_id], language_code=language)
        elif deed["chat"] == "slack":
            members, key = self._slack.world.members, self._demo.slack.key
            members[key] = replace(members[key], locale=language)
        return {"ok": True}

    async def _end(self, deed: Json) -> Json:
        """Tell the app that a support chat is over, as a helpdesk would that knows no more of it."""
        customer = customer_of(self._demo, deed)
        if not customer.key:
            return {"ok": False, "error": NOBODY}
        told = {name: deed[name] for name in ("flow", "agent", "language") if deed.get(name)}
        return await self.asking.end(str(deed["chat"]), customer, told)

    def _misbehave(self, verb: str, deed: Json) -> Json:
        services: dict[str, Faults] = {"telegram": self._telegram.faults, "slack": self._slack.faults}
        faults = services[str(deed["service"])]
        if verb == "clear":
            faults.clear()
        elif verb == "next":
            on_telegram = deed["service"] == "telegram"
            fault = _fault(str(deed["fault"]), on_telegram)
            if isinstance(fault, Duplicate):
                for kind in ("updates",) if on_telegram else ("events", "interactivity"):
                    faults.next(kind, fault)
            else:
                faults.next("sendMessage" if on_telegram else "chat.postMessage", fault)
        else:
            raise KeyError(verb)
        self._telegram.journal.changed()
        return {"ok": True}


def _fault(name: str, on_telegram: bool) -> Fault:
    blocked = "Forbidden: bot was blocked by the user" if on_telegram else "account_inactive"
    faults: dict[str, Fault] = {
        "429": RateLimited(retry_after=5),
        "blocked": Refused(error=blocked),
        "500": ServerError(),
        "hang": Hang(seconds=_HANG),
        "duplicate": Duplicate(),
    }
    return faults[name]


def _said(ack: Ack) -> Json:
    if ack.good or ack.reason == "incomplete":
        return {"ok": True}
    return {"ok": False, "error": f"The app did not take it: {ack.reason}."}
