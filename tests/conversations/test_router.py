"""Who gets a customer's next words."""

from datetime import UTC, datetime
from typing import get_args

import pytest
from msgspec.structs import replace

from bot.conversations.conversation import Conversation, Status
from bot.conversations.router import Route, route
from bot.ids import ConversationId, CustomerId, FlowHash
from bot.languages import locales, stop_words
from bot.messages import Address, ChannelName
from tests.conversations.golden import flow_named

AT = datetime(2026, 3, 2, tzinfo=UTC)
WAITING = Conversation(
    id=ConversationId("c"),
    flow=FlowHash("f"),
    customer=CustomerId("k"),
    address=Address(channel=ChannelName("web"), key="s1"),
    locale="en",
    asked="score",
    started_at=AT,
    touched_at=AT,
)
DONE = replace(WAITING, status="completed", asked=None)
CHANGING = replace(DONE, reopened="score")
EXPIRED = replace(WAITING, status="expired", asked=None)
STOPPED = replace(EXPIRED, status="stopped")
ITALIAN = replace(WAITING, locale="it")
SUPPORT = flow_named("support").flow
#: asked "What could we do better?", an optional open text
WORDS = replace(WAITING, asked="comment")
#: the same, with the score being corrected
BOTH = replace(WORDS, reopened="score")

# label: words, language of the customer, conversation, is a case open, opted out, who gets them
ROUTES: dict[str, tuple[str, str, Conversation | None, bool, bool, Route]] = {
    "a survey waits": ("too slow", "en", WAITING, False, False, "survey"),
    "a survey waits, and a case is open": ("too slow", "en", WAITING, True, False, "survey"),
    "nothing but a photo, a survey waits": ("", "en", WAITING, False, False, "survey"),
    "an answer is being corrected": ("5", "en", CHANGING, False, False, "survey"),
    "an answer is being corrected, a case is open": ("5", "en", CHANGING, True, False, "survey"),
    "after the survey": ("and one more thing", "en", DONE, False, False, "nobody"),
    "after the survey, a case is open": ("and one more thing", "en", DONE, True, False, "case"),
    "after expiry": ("5", "en", EXPIRED, False, False, "nobody"),
    "after expiry, a case is open": ("5", "en", EXPIRED, True, False, "case"),
    "after stopping": ("5", "en", STOPPED, False, True, "nobody"),
    "never asked": ("hello", "en", None, False, False, "nobody"),
    "stop during a survey": ("STOP", "en", WAITING, True, False, "stop"),
    "stop with nothing under way": ("Stop!", "en", None, False, False, "stop"),
    "stop while correcting": ("stop", "en", CHANGING, False, False, "stop"),
    "stop, said again": ("stop", "en", STOPPED, False, True, "stop"),
    "stop in the customer's language": ("dừng lại", "vi", None, False, False, "stop"),
    "stop in English by a Vietnamese": ("unsubscribe", "vi", None, False, False, "stop"),
    "stop in the customer's language, asked in another": ("dừng", "vi", WAITING, False, False, "stop"),
    "stop in the survey's language, not the customer's": ("basta", "vi", ITALIAN, False, False, "stop"),
    "a clear stop in a language that nobody here speaks": ("disiscrivimi", "en", WORDS, False, False, "stop"),
    "a doubtful one": ("basta", "en", WAITING, False, False, "survey"),
    "stop at an open text": ("STOP", "it", WORDS, False, False, "stop"),
    "enough at an open text": ("Basta.", "it", WORDS, False, False, "survey"),
    "enough at an open text in Polish": ("koniec", "pl", WORDS, False, False, "survey"),
    "enough at an open text, in English": ("enough", "vi", WORDS, False, False, "survey"),
    "enough at a rating": ("Basta.", "it", WAITING, False, False, "stop"),
    "enough while correcting beside an open text": ("Basta.", "it", BOTH, False, False, "survey"),
    "enough with nothing under way": ("koniec", "pl", None, False, False, "stop"),
    "enough after the survey": ("koniec", "pl", DONE, True, False, "stop"),
    "stop in a sentence": ("please stop the noise", "en", WAITING, False, False, "survey"),
    "start by one who opted out": ("START", "en", STOPPED, False, True, "start"),
    "start in Polish by one who opted out": ("wznów", "pl", None, False, True, "start"),
    "start is an ordinary word for others": ("start", "en", WAITING, False, False, "survey"),
    "start with nothing under way": ("start", "en", None, False, False, "nobody"),
    "feedback": ("feedback", "en", None, False, False, "feedback"),
    "feedback after the survey": ("Góp ý", "vi", DONE, True, False, "feedback"),
    "feedback during a survey is an answer": ("Góp ý", "vi", WAITING, False, False, "survey"),
    "complaint, to what went wrong": ("complaint", "en", WORDS, True, False, "survey"),
    "a complaint in Polish, to what went wrong": ("reklamacja", "pl", WORDS, True, False, "survey"),
    "feedback while correcting": ("comment", "en", CHANGING, True, False, "survey"),
    "feedback by one who opted out": ("feedback", "en", STOPPED, False, True, "feedback"),
    "skip is the survey's": ("skip", "en", WAITING, False, False, "survey"),
    "a language without a pack": ("stop", "xx", None, False, False, "stop"),
}  # fmt: skip


@pytest.mark.parametrize(("words", "locale", "conversation", "case", "out", "expected"), ROUTES.values(), ids=ROUTES)
def test_route(
    words: str, locale: str, conversation: Conversation | None, case: bool, out: bool, expected: Route
) -> None:
    assert route(words, locale, conversation, SUPPORT, open_case=case, opted_out=out) == expected


def test_every_route_has_a_case() -> None:
    assert {row[-1] for row in ROUTES.values()} == set(get_args(Route))


@pytest.mark.parametrize("locale", locales())
@pytest.mark.parametrize("status", get_args(Status))
def test_stop_is_always_heard(locale: str, status: Status) -> None:
    for asked in ("score", "comment"):
        conversation = replace(WAITING, status=status, locale=locale, asked=asked)
        for word in stop_words():
            assert route(word.upper(), locale, conversation, SUPPORT, open_case=True, opted_out=False) == "stop"
