"""A case's history in words that a manager can read."""

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from bot.followup.cases import CaseNote, NoteKind
from bot.followup.history import LONGEST_DETAIL, history_line, lasted, told
from bot.ids import CaseId
from bot.languages import locales
from bot.languages.formats import moment
from bot.languages.voice import Voice

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def a_note(what: NoteKind, who: str | None = None, detail: str = "") -> CaseNote:
    return CaseNote(case=CaseId("k"), what=what, who=who, detail=detail, at=AT)


NOTES: dict[str, tuple[CaseNote, str]] = {
    "opened": (a_note("opened"), "Case opened"),
    "corrected": (
        a_note("corrected", detail="😞 1/5>😀 5/5"),
        "The customer changed the score from 😞 1/5 to 😀 5/5",
    ),
    "scored": (a_note("scored", detail="😞 1/5"), "The customer gave 😞 1/5"),
    "wanted a person": (a_note("wanted_human"), "The customer asked for a person"),
    "commented": (a_note("commented"), "The customer added a comment"),
    "claimed": (a_note("claimed", "Mai"), "Mai claimed the case"),
    "released": (a_note("released", "Mai"), "Mai released the case"),
    "assigned": (a_note("assigned", "Mai", "Nam"), "Mai assigned the case to Nam"),
    "replied": (a_note("replied", "Mai", "I am sorry,\n that was us"), "Mai replied: “I am sorry, that was us”"),
    "replied, the words are erased": (a_note("replied", "Mai"), "Mai replied"),
    "answered": (a_note("answered"), "The customer wrote back"),
    "undelivered": (
        a_note("undelivered", detail="Forbidden: bot was blocked by the user"),
        "An answer did not reach the customer: they blocked us",
    ),
    "undelivered, nobody knows why": (
        a_note("undelivered"),
        "An answer did not reach the customer: for an unknown reason",
    ),
    "snoozed": (
        a_note("snoozed", "Mai", "2026-03-03T08:00:00+00:00"),
        "Mai snoozed the reminders until Mar 3, 2026, 9:00 AM CET",
    ),
    "snoozed, badly written": (a_note("snoozed", "Mai", "soon"), "Mai snoozed the reminders until soon"),
    "woken": (a_note("woken"), "The snooze is over"),
    "resolved": (
        a_note("resolved", "Mai", "Billing>Refunded > 20 euros"),
        "Mai resolved the case. Cause: Billing. Done: Refunded > 20 euros",
    ),
    "asked": (a_note("asked"), "The customer was asked whether it is fixed"),
    "not asked": (
        a_note("not_asked", detail="opted_out"),
        "The customer was not asked whether it is fixed: they want no more messages",
    ),
    "recovered": (a_note("recovered"), "The customer says that it is fixed"),
    "not fixed": (a_note("not_fixed"), "The customer says that it is not fixed"),
    "unconfirmed": (a_note("unconfirmed"), "Case closed without the customer's answer"),
    "escalated": (
        a_note("escalated", detail="first_word"),
        "Escalated: nobody has written to the customer yet",
    ),
    "escalated again": (a_note("escalated", detail="resolved"), "Escalated: the case is not resolved yet"),
    "folded": (a_note("folded", detail="Slow reply"), "The case became part of the incident “Slow reply”"),
    "withdrawn": (a_note("withdrawn"), "Case withdrawn: the customer changed the answer"),
    "reopened": (a_note("reopened"), "Case opened again"),
    "reopened by an agent": (a_note("reopened_by", who="Mai"), "Mai opened the case again"),
    "done by nobody known": (a_note("claimed"), "Somebody claimed the case"),
}


@pytest.mark.parametrize(("note", "sentence"), NOTES.values(), ids=NOTES)
def test_told(note: CaseNote, sentence: str) -> None:
    assert told(note, Voice("en"), "Europe/Rome") == sentence


def test_every_kind_of_note_is_in_the_table() -> None:
    assert {note.what for note, _ in NOTES.values()} == set(get_args(NoteKind))


@pytest.mark.parametrize("locale", locales())
@pytest.mark.parametrize("note", [note for note, _ in NOTES.values()], ids=NOTES)
def test_every_language_can_tell_it(note: CaseNote, locale: str) -> None:
    sentence = told(note, Voice(locale), "Europe/Rome")
    assert sentence.strip()
    assert "{" not in sentence
    assert not note.who or note.who in sentence


def test_a_line_says_when_by_the_teams_clock() -> None:
    assert history_line(NOTES["opened"][0], Voice("en"), "Europe/Rome") == "Mar 2, 2026, 10:00 AM CET · Case opened"


@pytest.mark.parametrize("text", ["x" * 70_000, "{who} {words}", "%s", "<!channel>"])
def test_hostile_words_break_no_line(text: str) -> None:
    line = told(a_note("replied", text, text), Voice("en"), "UTC")
    assert len(line) <= 2 * LONGEST_DETAIL
    assert text[:20] in line


TIMES = {
    "winter": (AT, "Europe/Rome", "Mar 2, 2026, 10:00 AM CET"),
    "summer": (AT + timedelta(days=90), "Europe/Rome", "May 31, 2026, 11:00 AM CEST"),
    "a zone without a name of its own": (AT, "Asia/Ho_Chi_Minh", "Mar 2, 2026, 4:00 PM UTC+07"),
    "another day": (AT, "Pacific/Auckland", "Mar 2, 2026, 10:00 PM NZDT"),
    "UTC": (AT, "UTC", "Mar 2, 2026, 9:00 AM UTC"),
}


@pytest.mark.parametrize(("at", "zone", "text"), TIMES.values(), ids=TIMES)
def test_moment(at: datetime, zone: str, text: str) -> None:
    assert moment(at, zone, "en") == text


DURATIONS = {
    "nothing": (timedelta(0), "less than a minute"),
    "before it began": (timedelta(minutes=-5), "less than a minute"),
    "seconds": (timedelta(seconds=59), "less than a minute"),
    "minutes": (timedelta(minutes=12, seconds=59), "12 min"),
    "whole hours": (timedelta(hours=2), "2 h"),
    "hours": (timedelta(hours=2, minutes=5), "2 h 5 min"),
    "days": (timedelta(days=3, hours=4, minutes=50), "3 d 4 h"),
    "days and minutes": (timedelta(days=3, minutes=50), "3 d"),
}


@pytest.mark.parametrize(("time", "text"), DURATIONS.values(), ids=DURATIONS)
def test_lasted(time: timedelta, text: str) -> None:
    assert lasted(time, Voice("en")) == text
