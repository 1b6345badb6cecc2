"""Plays a conversation from a file and writes down what came out, as the customer would read it.

The files are tests/flows/<flow>.<case>.toml. Each step says when (hours:minutes:seconds since the start) and what
happened, one of:

    starts = true                     the survey is started
    taps = "label"                    a button that is on the screen now; on = "question" where several read alike
    taps_old = "label"                a button that was on the screen before and is no more
    forges = "value", on = "question" a button that nobody was shown, with a turn that is good
    types = "words"
    expires = true, stops = true, reminds = true

and then what came of it: the notice, the events, and the messages that were posted or changed. At the end stand the
status and the answers. With ``invited = true`` the customer did not ask for the survey. After a change that is meant,
AFTERCHAT_GOLDEN=write writes the files anew: read the diff.
"""

import json
import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, assert_never

from bot.conversations import engine
from bot.conversations.answers import Answer, Chosen, Scored, Skipped, Worded
from bot.conversations.conversation import Conversation
from bot.conversations.events import (
    Answered,
    Asked,
    Completed,
    Event,
    Expired,
    Resumed,
    Retracted,
    Said,
    Stopped,
    Tap,
    TappedStale,
    Turn,
    Typed,
)
from bot.conversations.flow import PinnedFlow, pin
from bot.conversations.flow_toml import flow_from
from bot.conversations.prompts import Wording, word
from bot.conversations.rules import Rules
from bot.ids import ConversationId, CustomerId, WordsId
from bot.messages import TOKEN_BYTES, Address, Button, Card, ChannelName, Outbound, Text, Token, parse_token
from bot.toml_tables import Findings

FLOWS = Path(__file__).parents[1] / "flows"
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_DEEDS = ("starts", "taps", "taps_old", "forges", "types", "expires", "stops", "reminds")


@cache
def flow_named(name: str) -> PinnedFlow:
    """A flow of tests/flows, read as an admin's would be."""
    findings = Findings()
    flow = flow_from(tomllib.loads((FLOWS / f"{name}.flow.toml").read_text("utf-8")), findings)
    assert not list(findings), list(findings)
    return pin(flow)


class Player:
    """One customer in front of one chat window, with the screen as a channel would show it."""

    def __init__(self, case: Mapping[str, Any]) -> None:
        self.flow = flow_named(case["flow"]).flow
        self.conversation = Conversation(
            id=ConversationId("0k3f9x2m7q8d4h1z"),
            flow=flow_named(case["flow"]).hash,
            customer=CustomerId("0k3f9x2m7q8d4h1c"),
            address=Address(channel=ChannelName(case.get("channel", "telegram")), key="5512"),
            locale=case.get("language", "en"),
            invited=case.get("invited", False),
            attributes=case.get("attributes", {}),
            started_at=START,
            touched_at=START,
        )
        #: slot -> its message now, in the order of their last posting
        self.screen: dict[str, Card | Text] = {}
        #: every button that was ever on the screen
        self.buttons: list[tuple[str, Button]] = []

    def play(self, step: Mapping[str, Any]) -> dict[str, Any]:
        """Do what a step says; returns what came of it."""
        at = START + _elapsed(step["at"])
        turn = self._turn(step, at)
        self.conversation = turn.conversation
        sent = [word(prompt, turn.conversation, self.flow, Wording(company="Lotus")) for prompt in turn.prompts]
        for message in sent:
            self._show(message)
        came: dict[str, Any] = {}
        if turn.notice != "nothing":
            came["notice"] = turn.notice if turn.number is None else f"{turn.notice} {turn.number}"
        came["events"] = [_event(event) for event in turn.events]
        came["messages"] = "\n".join(_message(message) for message in sent)
        return came

    def end(self) -> dict[str, Any]:
        answers = [f"{id}: {_value(answer)}" for id, answer in self.conversation.answers.items()]
        return {"status": self.conversation.status, "answers": answers}

    def _turn(self, step: Mapping[str, Any], at: datetime) -> Turn:
        (deed,) = (deed for deed in _DEEDS if deed in step)
        match deed:
            case "starts":
                return engine.start(self.conversation, self.flow)
            case "expires":
                return engine.expire(self.conversation, at)
            case "stops":
                return engine.stop(self.conversation, at)
            case "reminds":
                return engine.remind(self.conversation, at)
            case "types":
                words = WordsId(f"w{self.conversation.turn}")
                return self._receive(Typed(text=step["types"], words=words), at)
            case "forges":
                turn = self.conversation.prompts[step["on"]]
                return self._receive(Tap(turn=turn, value=step["forges"]), at)
            case _:
                button = self._button(step[deed], step.get("on", ""), old=deed == "taps_old")
                token = parse_token(button.token)
                assert isinstance(token, Token)
                return self._receive(Tap(turn=token.turn, value=token.value), at)

    def _receive(self, reply: Tap | Typed, at: datetime) -> Turn:
        return engine.receive(self.conversation, self.flow, reply, at=at, rules=Rules())

    def _button(self, label: str, question: str, *, old: bool) -> Button:
        now = {button.token for content in self.screen.values() for button in _buttons_of(content)}
        found = [
            button
            for slot, button in self.buttons
            if button.label == label and slot.endswith(f":{question}" if question else "")
            if (button.token in now) is not old
        ]
        assert found, f"no such button: {label}"
        return found[-1]

    def _show(self, message: Outbound) -> None:
        assert isinstance(message.content, Card | Text)
        if message.kind == "post":
            self.screen.pop(message.slot, None)
        else:
            assert message.slot in self.screen, "changes a message that was never posted"
        self.screen[message.slot] = message.content
        for button in _buttons_of(message.content):
            assert len(button.token.encode()) <= TOKEN_BYTES
            self.buttons.append((message.slot, button))


def _buttons_of(content: Card | Text) -> Sequence[Button]:
    return (
        [button for row in (*content.buttons, content.decline) for button in row] if isinstance(content, Card) else []
    )


def _elapsed(text: str) -> timedelta:
    hours, minutes, seconds = (int(part) for part in text.split(":"))
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


# ---- what came out, in words ------------------------------------------------------------------------------


def _message(message: Outbound) -> str:
    kind, _, question = message.slot.partition(":")[0], None, message.slot.rpartition(":")[2]
    name = {"q": question, "r": "how to answer", "t": "thanks"}[kind]
    content = message.content
    assert isinstance(content, Card | Text)
    lines = [f"{message.kind} {name}", *(f"  {line}".rstrip() for line in content.text.split("\n"))]
    if isinstance(content, Card):
        lines += [f"  = {content.chosen}"] if content.chosen is not None else []
        lines += [f"  {content.low} … {content.high}"] if content.low or content.high else []
        lines += ["  " + " ".join(_label(button) for button in row) for row in content.buttons]
        lines += ["  " + " ".join(f"<{button.label}>" for button in content.decline)] if content.decline else []
        lines += [f"  ({content.hint})"] if content.hint else []
    else:
        lines += [f"  [{link.label}] {link.url}" for link in content.links]
    return "\n".join(lines) + "\n"


def _label(button: Button) -> str:
    return f"[✓ {button.label}]" if button.selected else f"[{button.label}]"


def _event(event: Event) -> str:
    match event:
        case Asked(question=question):
            return f"asked {question}"
        case Answered(question=question, answer=answer, before=before):
            was = f" (was {_value(before)})" if before else ""
            return f"answered {question}: {_value(answer)}{was}"
        case Retracted(question=question, before=before):
            return f"took back {question}: {_value(before)}"
        case Said(question=question, text=text):
            return f"said for {question}: {text}" if question else f"said: {text}"
        case TappedStale():
            return "tapped in vain"
        case Completed() | Resumed() | Stopped() | Expired():
            return type(event).__name__.lower()
        case _:
            assert_never(event)


def _value(answer: Answer) -> str:
    match answer.value:
        case Scored(score=score):
            return str(score)
        case Chosen(options=options):
            return ", ".join(options)
        case Worded():
            return "words"
        case Skipped():
            return "skipped"
        case _:
            assert_never(answer.value)


# ---- writing a file anew ----------------------------------------------------------------------------------


def to_toml(case: Mapping[str, Any]) -> str:
    """A case as its file, steps and end included."""
    lines = [f"{key} = {_toml(value)}" for key, value in case.items() if key not in ("step", "end")]
    for step in case["step"]:
        lines += ["", "[[step]]", *(f"{key} = {_toml(value)}" for key, value in step.items())]
    lines += ["", "[end]", *(f"{key} = {_toml(value)}" for key, value in case["end"].items())]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str() if "\n" in value:
            return f"'''\n{value}'''"
        case list():
            items = [_toml(item) for item in value]
            return f"[{', '.join(items)}]" if len(items) < 2 else "[\n" + "".join(f"  {i},\n" for i in items) + "]"
        case dict():
            return "{ " + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + " }"
        case _:
            return json.dumps(value, ensure_ascii=False)
