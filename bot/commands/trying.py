"""``afterchat try``: plays a flow in the terminal, with the real engine; nothing of it is kept."""

import argparse
import asyncio
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
from babel import Locale

from bot.commands.places import config_path, span
from bot.commands.terminal import Look, look_of
from bot.commands.trial import KINDS, Delivered, Trial, channel_of, kind_of
from bot.config import PageSettings, load
from bot.conversations.flow import Flow
from bot.conversations.questions import AttributeIs
from bot.conversations.text_toml import ATTRIBUTES, variables_of
from bot.demo import with_placeholders
from bot.languages import pack
from bot.languages.voice import Voice
from bot.messages import Outbound
from bot.ports import DropAnswer, KeepWords, OptOut, Outcome, SaveAnswer, SaveCase, Write
from bot.preview.looks import Press
from bot.preview.replies import conditions
from bot.toml_tables import did_you_mean

_HELP = (
    "Type what a customer would type. #2 taps button 2, #3.2 that of message 3; #wait 24h lets time pass; #quit ends."
)
_INDENT = "    "
#: attributes that rules and alerts look at, whatever the flow
_OF_ALERTS = frozenset({"vip", "link", "url"})
#: notices that a customer is shown as an edit of the message anyway
_SILENT = frozenset({"nothing", "duplicate", "asked", "not_asked", "kept_aside"})


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Join the command to the parser."""
    trying = commands.add_parser("try", help="play a flow in the terminal as a customer; nothing is kept")
    trying.add_argument("flow", nargs="?", help="the id of the flow (default: the first one)")
    trying.add_argument("--lang", metavar="vi", help="the customer's language (default: the flow's first)")
    told = f"the name of a channel of the config, or one of {', '.join(KINDS)} (default: the config's first)"
    trying.add_argument("--channel", help=told)
    trying.add_argument(
        "--with",
        dest="attributes",
        type=_attribute,
        action="append",
        default=[],
        metavar="agent=Minh",
        help="what the chat is reported with: agent, order, tag, …; may be repeated",
    )
    trying.add_argument("--config", type=Path, default=None, help="the config file (default: config.toml)")
    trying.set_defaults(run=_try, default_config=None)


def _attribute(text: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    if not (found and name.strip()):
        raise argparse.ArgumentTypeError(f"{text!r} is no attribute; write agent=Minh")
    return name.strip(), value.strip()


async def _try(options: argparse.Namespace) -> int:
    path = config_path(argparse.Namespace(config=options.config, default_config=None))
    settings = load(path, with_placeholders(path, os.environ))
    pinned = settings.flow(options.flow) if options.flow else settings.flow_or_first("")
    if pinned is None:
        known = [each.flow.id for each in settings.flows]
        print(f"There is no flow {options.flow!r} in {path}. {did_you_mean(options.flow, known)}", file=sys.stderr)
        return 2
    wanted = options.channel or (kind_of(settings.channels[0]) if settings.channels else "telegram")
    channel = channel_of(wanted, settings)
    if channel is None:
        known = [*(each.name for each in settings.channels), *KINDS]
        print(f"There is no channel {wanted!r}. {did_you_mean(wanted, known)}", file=sys.stderr)
        return 2
    if pinned.flow.variant_of is not None and isinstance(channel, PageSettings):
        told = f"The survey page asks everybody {pinned.flow.variant_of} itself: {pinned.flow.id} is for chats."
        print(f"{told} Name another --channel.", file=sys.stderr)
        return 2
    if options.config is None:
        print(f"From {path}:")
    if options.lang and (unspoken := _unspoken(options.lang, pinned.flow)):
        print(unspoken, file=sys.stderr)
    attributes = dict(options.attributes)
    known_there = known_to(pinned.flow)
    for name in sorted(attributes.keys() - known_there):
        told = f"Nothing in {pinned.flow.id} depends on {name!r}: only agents are shown it."
        print(f"{told} {did_you_mean(name, known_there)}", file=sys.stderr)
    async with Trial.open(settings, pinned.flow, channel) as trial:
        await Play(trial, pinned.flow).run(options.lang, attributes)
    return 0


def known_to(flow: Flow) -> frozenset[str]:
    """The attributes of an interaction that texts or conditions of a flow name, and those that are always known."""
    # whatever kind of text it is, its variables stand in braces, in which nothing else of JSON has a letter
    said = variables_of({flow.locale: msgspec.json.encode(flow).decode()})
    asked = (each.name for each in conditions(flow) if isinstance(each, AttributeIs))
    return frozenset((*said, *asked, *ATTRIBUTES, *_OF_ALERTS))


def _unspoken(locale: str, flow: Flow) -> str:
    """What to know of a language that the flow is not in; empty for one that it has."""
    if locale in flow.locales or locale.partition("-")[0] in flow.locales:
        return ""
    return (
        f"{flow.id} is not in {locale!r}, so these customers are asked in {_named(flow.locale)}. "
        f"Its languages: {', '.join(flow.locales)}."
    )


def _named(tag: str) -> str:
    return Locale.parse(tag, sep="-").get_display_name("en") or tag


class Play:
    """Reads lines and prints what a customer would see, and what would be saved."""

    def __init__(self, trial: Trial, flow: Flow) -> None:
        self._trial = trial
        self._flow = flow
        #: message number -> its buttons as they are now
        self._buttons: dict[int, list[Press]] = {}
        self._newest = 0

    async def run(self, locale: str | None, attributes: Mapping[str, str]) -> None:
        """Until the input ends or says so."""
        name = self._flow.title.get("en") or self._flow.title.get(self._flow.locale, "")
        form = f", a variant of {self._flow.variant_of}," if self._flow.variant_of else ""
        print(f"{self._flow.id}{f' ({name})' if name else ''}{form} on {self._trial.channel.name}. {_HELP}")
        others = [each.flow.id for each in self._trial.settings.flows if each.flow.variant_of == self._flow.id]
        if others:
            print(f"Some customers get a variant of it instead, to be tried by its own name: {', '.join(others)}.")
        print()
        await self._trial.begin(locale, attributes)
        if not await self._show():
            print(f"Nobody is asked. {await self._trial.why()}")
            return
        while (line := await _line()) is not None:
            if line.strip() in ("#quit", "#q", "#exit"):
                break
            await self._said(line)
        print("\nNothing of this was kept.")

    async def _said(self, line: str) -> None:
        text = line.strip()
        if not text:
            return
        if text.startswith("#wait"):
            self._wait(text.removeprefix("#wait").strip())
        elif text.startswith("#"):
            press = self._press(text[1:])
            if press is None:
                print(f"{_INDENT}There is no button {text}. {_HELP}\n")
                return
            if press.url:
                print(f"{_INDENT}· opens {press.url}\n")
                return
            self._tell(await self._trial.tap(press.token))
        else:
            self._tell(await self._trial.write(line))
        await self._show()

    def _wait(self, told: str) -> None:
        try:
            self._trial.wait(span(told))
        except argparse.ArgumentTypeError as error:
            print(f"{_INDENT}{error}\n")
            return
        print(f"{_INDENT}· it is {self._trial.now():%A, %H:%M} UTC now\n")

    def _press(self, told: str) -> Press | None:
        message, _, button = told.rpartition(".")
        if not (button.isdecimal() and (not message or message.isdecimal())):
            return None
        buttons = self._buttons.get(int(message) if message else self._newest, [])
        return buttons[int(button) - 1] if 1 <= int(button) <= len(buttons) else None

    def _tell(self, outcome: Outcome) -> None:
        """What is shown in passing, and what would be saved."""
        said = outcome.said
        # what has no sentence of its own is told by the message that follows
        if said.kind not in _SILENT and f"reply.{said.kind}" in pack(said.locale).sentences:
            settings = self._trial.settings
            voice = Voice(said.locale, said.own or settings.sentences)
            told = voice.say(f"reply.{said.kind}", n=said.text, company=settings.company)
            print(f"{_INDENT}· {told}")
        for line in dict.fromkeys(_saved(outcome.writes)):
            print(f"{_INDENT}· {line}")
        print()

    async def _show(self) -> bool:
        shown = await self._trial.delivered()
        for each in shown:
            self._print(each)
        return bool(shown)

    def _print(self, sent: Delivered) -> None:
        outbound = sent.outbound
        look = look_of(outbound.content, self._trial.channel)
        print(_heading(sent, self._trial.for_the_customer(outbound)))
        for line in look.text.splitlines():
            print(f"{_INDENT}{line}".rstrip())
        if self._trial.for_the_customer(outbound):
            self._buttons[sent.number] = [press for row in look.rows for press in row]
            if look.rows and (self._newest not in self._buttons or not _is_answered(outbound)):
                self._newest = sent.number
            rows = _numbered(look, "" if sent.number == self._newest else f"{sent.number}.")
        else:
            rows = ("   ".join(f"[{press.label}]" for press in row) for row in look.rows)
        for line in rows:
            print(f"{_INDENT}{line}")
        print()


def _is_answered(outbound: Outbound) -> bool:
    return getattr(outbound.content, "chosen", None) is not None


def _heading(sent: Delivered, for_the_customer: bool) -> str:
    if for_the_customer:
        return f"[{sent.number}]{' now reads' if sent.again else ''}"
    where = f"{sent.outbound.to.channel} {sent.outbound.to.key}"
    return f"[{sent.number}] for the agents, in {where}{', now reads' if sent.again else ''}"


def _numbered(look: Look, message: str) -> Iterable[str]:
    """The rows of buttons with what taps each: #2, or #3.2 where the message has to be named."""
    number = 0
    for row in look.rows:
        labels = []
        for press in row:
            number += 1
            labels.append(f"#{message}{number} {press.label}")
        yield "   ".join(labels)


def _saved(writes: Iterable[Write]) -> Iterable[str]:
    for write in writes:
        match write:
            case SaveAnswer(question=question, skipped=True):
                yield f"saved: {question} was skipped"
            case SaveAnswer(question=question, score=int(score)):
                yield f"saved: {question} = {score}"
            case SaveAnswer(question=question, options=options) if options:
                yield f"saved: {question} = {', '.join(options)}"
            case SaveAnswer(question=question):
                yield f"saved: {question}, in the customer's words"
            case DropAnswer(question=question):
                yield f"taken back: {question}"
            case KeepWords(words=words):
                yield f"kept: “{words.text}”"
            case OptOut(at=at):
                yield "saved: never ask again" if at is not None else "saved: may be asked again"
            case SaveCase(case=case, was_revision=None):
                yield f"a case is opened for the agents, priority {case.priority}"
            case _:
                continue


async def _line() -> str | None:
    """The next line; None at the end of the input. What is piped in is shown, as if it had been typed."""
    try:
        line = await asyncio.to_thread(input, "> ")
    except EOFError:
        return None
    if not sys.stdin.isatty():
        print(line)
    return line
