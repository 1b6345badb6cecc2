"""The survey that every measured bot holds: who answers what, and what each customer must then have received."""

import re

#: the flow's id, what ``/start`` is followed by
FLOW = "survey"
QUESTION = "How likely are you to recommend our shop to a friend?"
WHY = "What is the main reason for your score?"
THANKS = "Thank you. Your answer helps us."
#: the 11 buttons of the question
SCORES = range(11)
#: a score of this or less brings an alert to the agents
UNHAPPY = 6

TOKEN = "7000001:benchmark-token"  # noqa: S105 - no service knows it
SECRET = "benchmark-secret"  # noqa: S105
SLACK_TOKEN = "xoxb-benchmark"  # noqa: S105
#: where the webhook of every measured bot is
WEBHOOK = "/channels/telegram"
ROOM = "C0AGENTS"

_FIRST_CHAT = 5_000_000_001
_COMMENT = re.compile(rb"reason of customer (\d+):")


def chat_of(customer: int) -> int:
    """A Telegram user id beyond 32 bits, as new accounts have."""
    return _FIRST_CHAT + customer


def customer_of(chat: int) -> int:
    return chat - _FIRST_CHAT


def score_of(customer: int) -> int:
    """Every score as often as any other."""
    return SCORES[customer % len(SCORES)]


def is_unhappy(customer: int) -> bool:
    return score_of(customer) <= UNHAPPY


def comment_of(customer: int) -> str:
    """Ordinary words, by which an alert can be told to be about this customer."""
    return f"reason of customer {customer}: the parcel came two days late & nobody told me <why>."


def commented(body: bytes) -> int | None:
    """The customer whose words a message holds."""
    found = _COMMENT.search(body)
    return int(found[1]) if found else None
