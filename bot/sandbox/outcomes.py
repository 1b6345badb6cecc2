"""What became of a chat's end, and why: the outcomes that the page plays with one click."""

from dataclasses import dataclass
from typing import Literal

#: What happens in a play, in order. "rested" and "opted in" bring a customer into a state in which they may be asked,
#: "by day" and "at night" move the clock to 10:00 and 22:00 of their own day, "off" is the app's being off for a while.
Step = Literal[
    "opted in",
    "rested",
    "by day",
    "at night",
    "all",
    "one in ten",
    "talk",
    "end",
    "again",
    "asked",
    "answers",
    "stops",
    "writes",
    "opens",
    "off",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """What kind of chat it was, as the page's fields say; None: nobody told us."""

    #: a key of `Demo.customers()`
    chat: str = "telegram"
    flow: str = ""
    messages: int | None = 6
    human: bool | None = True
    began: Literal["customer", "agent"] | None = "customer"
    tags: tuple[str, ...] = ()
    vip: bool = False
    #: seconds since it was closed
    ago: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One outcome to try: `Outcome(id="few", title="Too few messages", rule="too few messages", ...)`."""

    id: str
    title: str
    #: what stands in the ledger at the end
    rule: str
    chat: Chat = Chat()
    steps: tuple[Step, ...] = ("all", "opted in", "end")
    #: seen only where the settings are the real ones
    real: bool = False


_READY: tuple[Step, ...] = ("all", "opted in", "rested", "by day")
_DAY = 86_400


def _after_an_end(id: str, title: str, rule: str, *then: Step) -> Outcome:
    """What comes of a chat that might be asked about."""
    return Outcome(id=id, title=title, rule=rule, steps=(*_READY, "end", *then))


OUTCOMES: tuple[Outcome, ...] = (
    _after_an_end("asked", "A good long chat: asked after the delay", "nothing speaks against it"),
    Outcome(
        id="night",
        title="Ended at 22:00: deferred to the morning",
        rule="quiet hours",
        steps=("all", "opted in", "rested", "at night", "end"),
        real=True,
    ),
    _after_an_end(
        "again", "The helpdesk tells it three times: asked once", "nothing speaks against it", "again", "again"
    ),
    _after_an_end("writes", "The customer writes within the delay", "the customer went on", "writes"),
    _after_an_end("opens", "Opened again within the delay", "it was resumed", "opens"),
    Outcome(
        id="cool",
        title="A second chat in the same week",
        rule="cool-down",
        steps=(*_READY, "end", "asked", "answers", "end"),
        real=True,
    ),
    Outcome(id="few", title="Too few messages", rule="too few messages", chat=Chat(messages=2), real=True),
    Outcome(id="bot", title="Only a bot answered", rule="no human answered", chat=Chat(human=False)),
    Outcome(id="agent", title="An agent began it", rule="an agent began it", chat=Chat(began="agent")),
    Outcome(id="old", title="Closed eight days ago", rule="closed too long ago", chat=Chat(ago=8 * _DAY)),
    Outcome(
        id="thanks",
        title="Opened again by a mere thank-you",
        rule="a mere thank-you",
        chat=Chat(chat="slack"),
        steps=(*_READY, "talk", "end", "asked", "writes", "end"),
    ),
    Outcome(
        id="stop",
        title="The customer has said STOP",
        rule="opted out",
        chat=Chat(chat="slack"),
        steps=("all", "rested", "by day", "stops", "end"),
    ),
    Outcome(
        id="stranger",
        title="Never wrote to the Telegram bot",
        rule="cannot be reached",
        chat=Chat(chat="stranger"),
        steps=("all", "by day", "end"),
    ),
    _after_an_end("late", "The program was off for twelve hours", "too late", "off"),
    Outcome(
        id="sample",
        title="One in ten is asked: not this one",
        rule="not in the sample",
        steps=("one in ten", "opted in", "end"),
    ),
)
