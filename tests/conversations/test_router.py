"""Who gets a customer's next words."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
from msgspec.structs import replace

from bot.conversations.answers import Answer, Scored
from bot.conversations.conversation import Conversation, Status
from bot.conversations.questions import Choice, Option
from bot.conversations.router import Following, Route, human_words, route
from bot.followup.recovery import read_recovery
from bot.ids import ConversationId, CustomerId, FlowHash
from bot.languages import locales, pack, stop_words
from bot.languages.voice import Voice
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
#: what the customer did not ask for; the same after an answer, while that is corrected, and over
INVITED = replace(WAITING, invited=True)
ANSWERED = replace(
    INVITED,
    asked="comment",
    answers={"score": Answer(value=Scored(score=3), turn=2, at=AT)},
    prompts={"score": 2, "comment": 3},
)
CORRECTED = replace(ANSWERED, reopened="score")
FINISHED = replace(ANSWERED, status="completed", asked=None)
SUPPORT = flow_named("support").flow
#: asked "What could we do better?", an optional open text
WORDS = replace(WAITING, asked="comment")
INVITED_WORDS = replace(INVITED, asked="comment")
#: the same, with the score being corrected
BOTH = replace(WORDS, reopened="score")

HOUR = timedelta(hours=1)
REASONS = replace(WAITING, asked="reasons")
NEWER = replace(WAITING, touched_at=AT + 2 * HOUR)
NEWER_WORDS = replace(NEWER, asked="comment")
#: a case that listens; one whose agent spoke after AT, and before; one whose customer was asked "Is it fixed?"
OPEN = Following()
TALKS = Following(spoken_at=AT + HOUR)
TALKED = Following(spoken_at=AT - HOUR)
ASKED = Following(fixed_asked_at=AT + HOUR)
#: one whose customer asked for a person after AT
PROMISED = Following(wanted_at=AT + HOUR)
#: the same, and what was written answers it no way
WONDERED = Following(fixed_open_since=AT + HOUR)
#: and an agent had spoken before
UNFIXED = replace(WONDERED, spoken_at=AT)

# label: words, language of the customer, conversation, the case, opted out, who gets them
ROUTES: dict[str, tuple[str, str, Conversation | None, Following | None, bool, Route]] = {
    "a survey waits": ("too slow", "en", WAITING, None, False, "survey"),
    "a survey waits, and a case is open": ("too slow", "en", WAITING, OPEN, False, "survey"),
    "nothing but a photo, a survey waits": ("", "en", WAITING, None, False, "survey"),
    "an answer is being corrected": ("5", "en", CHANGING, None, False, "survey"),
    "an answer is being corrected, a case is open": ("5", "en", CHANGING, OPEN, False, "survey"),
    "after the survey": ("and one more thing", "en", DONE, None, False, "nobody"),
    "after the survey, a case is open": ("and one more thing", "en", DONE, OPEN, False, "case"),
    "after expiry": ("5", "en", EXPIRED, None, False, "nobody"),
    "after expiry, a case is open": ("5", "en", EXPIRED, OPEN, False, "case"),
    "after stopping": ("5", "en", STOPPED, None, True, "nobody"),
    "never asked": ("hello", "en", None, None, False, "nobody"),
    "stop during a survey": ("STOP", "en", WAITING, OPEN, False, "stop"),
    "stop with nothing under way": ("Stop!", "en", None, None, False, "stop"),
    "stop while correcting": ("stop", "en", CHANGING, None, False, "stop"),
    "stop, said again": ("stop", "en", STOPPED, None, True, "stop"),
    "stop in the customer's language": ("dừng lại", "vi", None, None, False, "stop"),
    "stop in English by a Vietnamese": ("unsubscribe", "vi", None, None, False, "stop"),
    "stop in the customer's language, asked in another": ("dừng", "vi", WAITING, None, False, "stop"),
    "stop in the survey's language, not the customer's": ("basta", "vi", ITALIAN, None, False, "stop"),
    "a clear stop in a language that nobody here speaks": ("disiscrivimi", "en", WORDS, None, False, "stop"),
    "a doubtful one": ("basta", "en", WAITING, None, False, "survey"),
    "stop at an open text": ("STOP", "it", WORDS, None, False, "stop"),
    "enough at an open text": ("Basta.", "it", WORDS, None, False, "survey"),
    "enough at an open text in Polish": ("koniec", "pl", WORDS, None, False, "survey"),
    "enough at an open text, in English": ("enough", "vi", WORDS, None, False, "survey"),
    "enough at a rating": ("Basta.", "it", WAITING, None, False, "stop"),
    "enough while correcting beside an open text": ("Basta.", "it", BOTH, None, False, "survey"),
    "enough with nothing under way": ("koniec", "pl", None, None, False, "stop"),
    "enough after the survey": ("koniec", "pl", DONE, OPEN, False, "stop"),
    "stop in a sentence": ("please stop the noise", "en", WAITING, None, False, "survey"),
    "not now, to what nobody asked for": ("Not now!", "en", INVITED, None, False, "decline"),
    "not now, with a phone's apostrophe": ("I’m busy.", "en", INVITED, None, False, "decline"),
    "not now in the customer's language": ("để sau", "vi", INVITED, OPEN, False, "decline"),
    "not now in the survey's language": ("non ora", "vi", replace(INVITED, locale="it"), None, False, "decline"),
    "not now in English, by a Pole": ("later", "pl", replace(INVITED, locale="pl"), None, False, "decline"),
    "not now in a language that nobody here speaks": ("nie teraz", "en", INVITED, None, False, "survey"),
    "not now, to what the customer asked for": ("not now", "en", WAITING, None, False, "survey"),
    "not now, after an answer": ("not now", "en", ANSWERED, None, False, "survey"),
    "not now, while correcting": ("not now", "en", CORRECTED, None, False, "survey"),
    "not now, after the survey": ("not now", "en", replace(DONE, invited=True), None, False, "nobody"),
    "not now, with nothing under way": ("not now", "en", None, None, False, "nobody"),
    "not now, to an open text": ("not now", "en", INVITED_WORDS, None, False, "survey"),
    "not now, to an agent who spoke since": ("not now", "en", INVITED, TALKS, False, "case"),
    "not now, to a survey after an agent's words": ("not now", "en", INVITED, TALKED, False, "decline"),
    "not now, in a sentence": ("not now, the parcel is late", "en", INVITED, None, False, "survey"),
    "no, which may be an answer": ("no", "en", INVITED, None, False, "survey"),
    "no thanks, to what nobody asked for": ("No, thanks!", "en", INVITED, None, False, "decline"),
    "no thanks, in a language that nobody here speaks": ("nie, dziękuję", "en", INVITED, None, False, "decline"),
    "no thanks, to an open text that nobody asked for": ("no thanks", "en", INVITED_WORDS, None, False, "decline"),
    "no thanks, to what the customer asked for": ("no thanks", "en", WAITING, None, False, "survey"),
    "no thanks, after an answer": ("no thanks", "en", ANSWERED, None, False, "survey"),
    "no thanks, while correcting": ("no thanks", "en", CORRECTED, None, False, "survey"),
    "no thanks, after the survey": ("no thanks", "en", replace(DONE, invited=True), None, False, "nobody"),
    "no thanks, to an agent who spoke since": ("no thanks", "en", INVITED, TALKS, False, "case"),
    "no thanks, in a sentence": ("no thanks, where is my parcel?", "en", INVITED, None, False, "survey"),
    "no thanks, asked since whether it is fixed": ("no thanks", "en", INVITED, WONDERED, False, "case"),
    "no thanks, asked before that": ("no thanks", "en", replace(NEWER, invited=True), WONDERED, False, "decline"),
    "never again, to a rating": ("never again", "en", INVITED, None, False, "stop"),
    "never again in Italian": ("Mai più!", "it", replace(INVITED, locale="it"), None, False, "stop"),
    "never again in Polish": ("nigdy więcej", "pl", replace(INVITED, locale="pl"), None, False, "stop"),
    "never again in Vietnamese": ("Không bao giờ nữa", "vi", replace(INVITED, locale="vi"), None, False, "stop"),
    "never again, to a rating that they asked for": ("never again", "en", WAITING, OPEN, False, "stop"),
    "never again, to what went wrong": ("Never again!", "en", WORDS, None, False, "survey"),
    "never again, with nothing under way": ("never again", "en", DONE, None, False, "stop"),
    "never again, after a survey that opened a case": ("never again", "en", DONE, OPEN, False, "case"),
    "never again, to an agent": ("never again", "en", DONE, TALKS, False, "case"),
    "please stop": ("Please stop.", "en", WORDS, TALKS, False, "stop"),
    "stop please": ("stop please", "en", WAITING, None, False, "stop"),
    "stop, thanks": ("Stop, thanks!", "vi", None, None, False, "stop"),
    "please stop in Vietnamese": ("Vui lòng dừng lại", "vi", INVITED, None, False, "stop"),
    "please stop in Italian": ("Stop, per favore", "it", INVITED, None, False, "stop"),
    "please stop in Polish": ("Proszę przestać", "pl", INVITED, None, False, "stop"),
    "a button's label that says never": ("Stop asking me", "en", INVITED, None, False, "stop"),
    "never ask me again": ("Please don’t ask me again.", "en", INVITED, None, False, "stop"),
    "never ask me again, in Vietnamese": ("Đừng hỏi tôi nữa", "en", INVITED, TALKS, False, "stop"),
    "start by one who opted out": ("START", "en", STOPPED, None, True, "start"),
    "start in Polish by one who opted out": ("wznów", "pl", None, None, True, "start"),
    "start is an ordinary word for others": ("start", "en", WAITING, None, False, "survey"),
    "start with nothing under way": ("start", "en", None, None, False, "nobody"),
    "feedback": ("feedback", "en", None, None, False, "feedback"),
    "feedback after the survey": ("Góp ý", "vi", DONE, OPEN, False, "feedback"),
    "feedback during a survey is an answer": ("Góp ý", "vi", WAITING, None, False, "survey"),
    "complaint, to what went wrong": ("complaint", "en", WORDS, OPEN, False, "survey"),
    "a complaint in Polish, to what went wrong": ("reklamacja", "pl", WORDS, OPEN, False, "survey"),
    "feedback while correcting": ("comment", "en", CHANGING, OPEN, False, "survey"),
    "feedback by one who opted out": ("feedback", "en", STOPPED, None, True, "feedback"),
    "skip is the survey's": ("skip", "en", WAITING, None, False, "survey"),
    "a language without a pack": ("stop", "xx", None, None, False, "stop"),
    "a relay after the survey's question": ("where is it?", "en", WAITING, TALKS, False, "case"),
    "a relay after the survey's question, a score": ("4", "en", WAITING, TALKS, False, "survey"),
    "a relay after the survey's question, a score in words": ("four!", "en", WAITING, TALKS, False, "survey"),
    "a relay after the survey's question, a score and more": ("4, where is it?", "en", WAITING, TALKS, False, "case"),
    "a relay after the survey's question, off the scale": ("7", "en", WAITING, TALKS, False, "case"),
    "a relay after the survey's choice, an option": ("Slow reply", "en", REASONS, TALKS, False, "survey"),
    "a relay after the survey's choice, its number": ("1, 3", "en", REASONS, TALKS, False, "survey"),
    "a relay after the survey's choice, other words": ("it is slow", "en", REASONS, TALKS, False, "case"),
    "a relay after the survey's open text": ("too slow", "en", WORDS, TALKS, False, "case"),
    "a relay after the survey's open text, skip": ("skip", "en", WORDS, TALKS, False, "case"),
    "a photo after a relay": ("", "en", WAITING, TALKS, False, "case"),
    "a correction after a relay": ("5", "en", replace(CHANGING, touched_at=AT + HOUR), TALKED, False, "survey"),
    "a relay while correcting": ("where is it?", "en", CHANGING, TALKS, False, "case"),
    "a survey's question after a relay": ("where is it?", "en", WAITING, TALKED, False, "survey"),
    "a survey's open text after a relay": ("too slow", "en", WORDS, TALKED, False, "survey"),
    "after the survey, with an agent": ("where is it?", "en", DONE, TALKS, False, "case"),
    "never asked here, with an agent": ("where is it?", "en", None, TALKS, False, "case"),
    "stop, to an agent": ("stop", "en", DONE, TALKS, False, "stop"),
    "enough, to an agent": ("enough", "en", DONE, TALKS, False, "case"),
    "complaint, to an agent": ("complaint", "en", DONE, TALKS, False, "case"),
    "opted out, to an agent": ("where is it?", "en", STOPPED, TALKS, True, "case"),
    "start by one who opted out, to an agent": ("START", "en", STOPPED, TALKS, True, "start"),
    "fixed": ("yes", "en", DONE, ASKED, False, "recovery"),
    "fixed, an older survey waits": ("2", "en", WAITING, ASKED, False, "recovery"),
    "fixed, an older survey waits for words": ("no", "en", WORDS, ASKED, False, "recovery"),
    "fixed, a newer survey waits for this": ("2", "en", NEWER, ASKED, False, "survey"),
    "fixed, a newer survey waits for something else": ("not yet", "en", NEWER, ASKED, False, "recovery"),
    "fixed, a newer survey waits for words": ("no", "en", NEWER_WORDS, ASKED, False, "survey"),
    "fixed, by one who opted out": ("yes", "en", STOPPED, ASKED, True, "recovery"),
    "a person, to a rating": ("Talk to a human!", "en", WAITING, None, False, "human"),
    "a person, of a stranger": ("człowiek", "en", None, None, False, "human"),
    "a person, in another language than the survey's": ("người thật", "en", WAITING, None, False, "human"),
    "a person, after the survey": ("operatore", "it", DONE, None, False, "human"),
    "a person, with a case that nobody has answered in": ("agent", "en", DONE, OPEN, False, "human"),
    "a person, asked for again": ("agent", "en", WAITING, PROMISED, False, "human"),
    "a person, by one who opted out": ("agent", "en", STOPPED, None, True, "human"),
    "a person, while correcting": ("agent", "en", CHANGING, None, False, "human"),
    "a person, in place of what went wrong": ("agent", "en", WORDS, None, False, "human"),
    "a person, in a phrase at a comment": ("I want to talk to a human!", "en", WORDS, None, False, "human"),
    "the staff, or a person": ("nhân viên", "vi", WAITING, None, False, "human"),
    "the staff, as what went wrong": ("nhân viên", "vi", WORDS, None, False, "survey"),
    "an exchange, as what went wrong": ("đổi", "vi", WORDS, None, False, "survey"),
    "a person, to an agent": ("agent", "en", DONE, TALKS, False, "case"),
    "a person, when asked whether it is fixed": ("agent", "en", DONE, UNFIXED, False, "human"),
    "a person, in a sentence": ("the agent was rude", "en", WAITING, None, False, "survey"),
    "what it is about, after asking for a person": ("my parcel is lost", "en", WAITING, PROMISED, False, "case"),
    "what it is about, to an open text before": ("my parcel is lost", "en", WORDS, PROMISED, False, "case"),
    "a score, after asking for a person": ("4", "en", WAITING, PROMISED, False, "survey"),
    "back, after an answer": ("back", "en", ANSWERED, None, False, "back"),
    "back, in the customer's language": ("indietro", "it", ANSWERED, None, False, "back"),
    "back, after the survey": ("Undo!", "en", FINISHED, OPEN, False, "back"),
    "back, while correcting": ("back", "en", CORRECTED, None, False, "back"),
    "back, where nothing was answered": ("back", "en", WAITING, None, False, "survey"),
    "back, with nothing under way": ("back", "en", None, None, False, "nobody"),
    "back, after it expired": ("back", "en", EXPIRED, None, False, "nobody"),
    "back, to an agent": ("back", "en", FINISHED, TALKS, False, "case"),
    "a language beside other words": ("Can I write in italiano?", "en", WAITING, None, False, "survey"),
    "a language by its name": ("Tiếng Việt", "en", WAITING, None, False, "speak"),
    "a language, to an open text": ("po polsku", "en", WORDS, None, False, "speak"),
    "a language, with nothing under way": ("in italiano", "en", None, None, False, "speak"),
    "a language, with a case": ("in italiano", "en", DONE, OPEN, False, "speak"),
    "a language, to an agent": ("english", "vi", DONE, TALKS, False, "case"),
    "another language": ("Language", "en", WAITING, None, False, "language"),
    "another language, in one's own": ("lingua", "it", None, None, False, "language"),
    "another language, or what went wrong": ("language", "en", WORDS, None, False, "survey"),
    "another language, to an agent": ("language", "en", DONE, TALKS, False, "case"),
    "leaving the panel": ("leave panel", "en", WAITING, None, False, "leave_panel"),
    "stop, when asked whether it is fixed": ("stop", "en", DONE, ASKED, False, "stop"),
}  # fmt: skip


@pytest.mark.parametrize(("words", "locale", "conversation", "case", "out", "expected"), ROUTES.values(), ids=ROUTES)
def test_route(
    words: str, locale: str, conversation: Conversation | None, case: Following | None, out: bool, expected: Route
) -> None:
    assert route(words, locale, conversation, SUPPORT, case=case, opted_out=out) == expected


def test_every_route_has_a_case() -> None:
    assert {row[-1] for row in ROUTES.values()} == set(get_args(Route))


def test_a_word_for_a_person_or_a_language_is_an_option_where_one_is_called_so() -> None:
    where = Choice(
        id="score",
        text={"en": "What was it about?"},
        options=(Option(id="staff", text={"en": "Agent"}), Option(id="tongue", text={"en": "English"})),
    )
    flow = replace(SUPPORT, questions=(where,))
    said = [route(words, "en", WAITING, flow, case=None, opted_out=False) for words in ("agent", "english", "human")]
    assert said == ["survey", "survey", "human"]


@pytest.mark.parametrize("locale", locales())
def test_the_words_for_a_person_are_heard_in_every_language(locale: str) -> None:
    asked = replace(WAITING, locale=locale)
    for word in human_words():
        for conversation in (None, DONE, asked):
            assert route(word.upper(), locale, conversation, SUPPORT, case=OPEN, opted_out=True) == "human"


def test_not_now_is_an_option_where_one_is_called_so() -> None:
    when = Choice(
        id="score",
        text={"en": "When may we call?"},
        options=(Option(id="now", text={"en": "Now"}), Option(id="later", text={"en": "Later"})),
    )
    flow = replace(SUPPORT, questions=(when,))
    said = {words: route(words, "en", INVITED, flow, case=None, opted_out=False) for words in ("later", "not now")}
    assert said == {"later": "survey", "not now": "decline"}


OWN = replace(
    SUPPORT,
    sentences={"button.decline": {"en": "Maybe later, friends"}, "button.never": {"en": "Don’t write me"}},
)
# label: what is typed, the conversation, the case, where it goes
OWN_LABELS: dict[str, tuple[str, Conversation, Following | None, Route]] = {
    "not this one": ("maybe later, FRIENDS!", INVITED, None, "decline"),
    "not this one, in words": ("Maybe later, friends", INVITED_WORDS, None, "decline"),
    "not this one, of what was asked for": ("Maybe later, friends", WAITING, None, "survey"),
    "not this one, after an answer": ("Maybe later, friends", ANSWERED, None, "survey"),
    "never again": ("don't write me.", INVITED, None, "stop"),
    "never again, in words": ("Don’t write me", INVITED_WORDS, None, "stop"),
    "never again, while a score waits": ("Don’t write me", WAITING, None, "stop"),
    "never again, as what went wrong": ("Don’t write me", WORDS, None, "survey"),
    "never again, with nothing under way": ("Don’t write me", DONE, None, "nobody"),
    "never again, to an agent": ("Don’t write me", DONE, TALKS, "case"),
    "ours are heard beside them": ("not this time", INVITED, None, "decline"),
    "ours are heard beside them, for good": ("stop asking me", INVITED, None, "stop"),
}


@pytest.mark.parametrize(("words", "conversation", "case", "expected"), OWN_LABELS.values(), ids=OWN_LABELS)
def test_what_the_author_writes_on_a_button_is_understood(
    words: str, conversation: Conversation, case: Following | None, expected: Route
) -> None:
    assert route(words, "en", conversation, OWN, case=case, opted_out=False) == expected


def test_what_the_author_writes_on_a_button_is_an_option_where_one_is_called_so() -> None:
    options = (Option(id="a", text={"en": "Don't write me"}), Option(id="b", text={"en": "Maybe later, friends"}))
    flow = replace(OWN, questions=(Choice(id="score", text={"en": "What then?"}, options=options),))
    for words in ("Don't write me", "Maybe later, friends"):
        assert route(words, "en", INVITED, flow, case=None, opted_out=False) == "survey"


@pytest.mark.parametrize("locale", locales())
def test_the_words_for_not_now_and_no_thanks_end_a_survey_and_no_other_word_does(locale: str) -> None:
    conversation = replace(INVITED, locale=locale)
    spoken = pack(locale)
    for word in (*spoken.commands["not_now"], *spoken.commands["no_thanks"]):
        assert route(word.upper(), locale, conversation, SUPPORT, case=None, opted_out=False) == "decline"
    for word in (*spoken.yes, *spoken.no, *spoken.number_words, *spoken.commands["skip"]):
        assert route(word, locale, conversation, SUPPORT, case=None, opted_out=False) == "survey"


@pytest.mark.parametrize("locale", locales())
@pytest.mark.parametrize("status", get_args(Status))
def test_stop_is_always_heard(locale: str, status: Status) -> None:
    for asked in ("score", "comment"):
        conversation = replace(WAITING, status=status, locale=locale, asked=asked)
        for word in stop_words():
            for case in (None, OPEN, TALKS, ASKED):
                assert route(word.upper(), locale, conversation, SUPPORT, case=case, opted_out=False) == "stop"


# ---- the tables that admins read ------------------------------------------------------------------------------

PAGE = (Path(__file__).parents[2] / "docs" / "who-hears-what.md").read_text("utf-8")
#: which of two cases it is no router knows: tests/intake tries the rest of the page
ROUTED = PAGE.partition("### They have two cases")[0]
HEARERS: dict[str, Route] = {
    "nobody": "nobody",
    "the comment card": "feedback",
    "the surveys stop": "stop",
    "this survey ends": "decline",
    "the survey": "survey",
    "the case": "case",
    "the question whether it is fixed": "recovery",
    "a person is called": "human",
    "the answer before opens again": "back",
    "the language changes": "speak",
    "the choice of languages": "language",
}
#: the page's situation -> the conversation, the case, and when the customer was asked whether it is fixed
SITUATIONS: dict[str, tuple[Conversation | None, Following | None, datetime | None]] = {
    "nothing is under way": (DONE, None, None),
    "a survey waits for a score": (WAITING, None, None),
    "a survey waits for words": (WORDS, None, None),
    "a survey that they did not ask for waits for a score": (INVITED, None, None),
    "a survey that they did not ask for waits for words": (INVITED_WORDS, None, None),
    "they have answered its first question": (ANSWERED, None, None),
    "they have just answered all of it": (FINISHED, OPEN, None),
    "they have asked for a person": (WAITING, PROMISED, None),
    "such a survey waited for a score when an agent answered": (INVITED, TALKS, None),
    "a case is open and nobody has answered": (DONE, OPEN, None),
    "a case is open, and its survey waits for words": (WORDS, OPEN, None),
    "an agent has answered": (DONE, TALKS, None),
    "a survey waited for a score when an agent answered": (WAITING, TALKS, None),
    "a survey waited for words when an agent answered": (WORDS, TALKS, None),
    "an agent had answered when a survey asked for a score": (WAITING, TALKED, None),
    "an agent had answered when a survey asked for words": (WORDS, TALKED, None),
    "they were asked whether it is fixed": (DONE, TALKED, AT + HOUR),
    "a survey waited for a score when they were asked": (WAITING, TALKED, AT + HOUR),
    "a survey asked for a score after that": (NEWER, TALKED, AT + HOUR),
    "a survey asked for words after that": (NEWER_WORDS, TALKED, AT + HOUR),
}
PROMISES = [
    tuple(cell.strip() for cell in line.strip("|\n").split("|"))
    for line in ROUTED.splitlines()
    if line.startswith("|") and not line.startswith(("|---", "| situation"))
]


@pytest.mark.parametrize(("situation", "words", "hearer"), PROMISES)
def test_the_page_for_admins_says_what_happens(situation: str, words: str, hearer: str) -> None:
    conversation, case, asked_at = SITUATIONS[situation]
    if case is not None and asked_at is not None and read_recovery(words, Voice("en")) is not None:
        case = replace(case, fixed_asked_at=asked_at)
    assert route(words, "en", conversation, SUPPORT, case=case, opted_out=False) == HEARERS[hearer]


def test_the_page_has_every_situation_and_hearer() -> None:
    assert {row[0] for row in PROMISES} == set(SITUATIONS)
    assert {row[2] for row in PROMISES} == set(HEARERS)
