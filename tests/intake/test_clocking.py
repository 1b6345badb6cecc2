"""Clocks and snoozes: once per stage, whatever the clock on the wall and restarts do."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from bot.followup.clocks import Team
from bot.messages import Address, Relay, Resolve, Snooze, Text
from bot.ports import Due, DueKind
from tests.intake.world import AGENTS, ANN, DESK, SETTINGS, START, World

MAI, NAM = AGENTS
LEADS = Address(channel=DESK.channel, key="#leads")
TEAM = Team(name="support", lead="U9", room=LEADS.key)
FIRST_WORD, RESOLVED = timedelta(hours=3, minutes=12), timedelta(hours=38, minutes=24)


def unhappy(team: Team = TEAM) -> tuple[World, str]:
    """A case that was opened ten minutes after the start."""
    followup = replace(SETTINGS.followup, teams=(team,)) if SETTINGS.followup else None
    world = World(replace(SETTINGS, followup=followup))
    world.ask(ANN)
    world.tap("😞")
    return world, world.case().id


def due(world: World, kind: str) -> Due | None:
    return world.store.due_rows.get(f"{kind}:{world.case().id}")


def at(world: World, kind: str) -> datetime:
    row = due(world, kind)
    assert row is not None
    return row.due_at


def told(world: World) -> list[str]:
    return [remark.text for remark in world.thread(world.case().id)]


def go_to(world: World, moment: datetime) -> None:
    world.now = moment
    world.run_dues()
    world.deliver()


def test_the_clocks_are_set_when_a_case_opens() -> None:
    world, _ = unhappy()
    assert (at(world, "first_word"), at(world, "resolve")) == (world.now + FIRST_WORD, world.now + RESOLVED)


def test_each_stage_is_escalated_once() -> None:
    world, case = unhappy()
    opened = world.now
    go_to(world, opened + FIRST_WORD - timedelta(seconds=1))
    assert told(world) == []
    go_to(world, opened + FIRST_WORD)
    assert told(world) == ["Nobody has written to the customer yet. The first word is due Mar 2, 2026, 1:10 PM UTC."]
    assert world.thread(case)[0].mentions == ("U9",)
    (room,) = world.messages(LEADS)
    assert isinstance(room.content, Text)
    assert room.content.text.startswith("A customer (😞 1/5, Support chat) has not been answered yet.")
    assert room.content.text.endswith(f"http://127.0.0.1:8080/cases/{case}")
    assert room.lane != f"case:{case}", "a room that is gone holds up no alert"
    go_to(world, opened + RESOLVED)
    go_to(world, opened + timedelta(days=9))
    assert len(told(world)) == len(world.messages(LEADS)) == 2
    assert world.case().escalated == ("first_word", "resolved")
    assert [note.detail for note in world.store.notes if note.what == "escalated"] == ["first_word", "resolved"]


def test_a_word_stops_one_clock_and_a_resolution_both() -> None:
    world, case = unhappy()
    world.do(case, Relay(text="Sorry!"))
    assert due(world, "first_word") is None
    assert due(world, "resolve") is not None
    world.do(case, Resolve(cause="other", action="x"))
    assert due(world, "resolve") is None


def test_a_correction_stops_both_and_another_starts_them_again() -> None:
    world, _ = unhappy()
    before = {key: row for key, row in world.store.due_rows.items() if row.kind in ("first_word", "resolve")}
    world.tap("Change")
    world.tap("😀")
    assert (due(world, "first_word"), due(world, "resolve")) == (None, None)
    world.tap("Change")
    world.tap("😕")
    assert before.items() <= world.store.due_rows.items()


def test_the_clocks_run_anew_when_it_is_not_fixed() -> None:
    world, case = unhappy()
    go_to(world, world.now + FIRST_WORD)
    world.do(case, Relay(text="Sorry!"))
    world.do(case, Resolve(cause="other", action="x"))
    world.later(hours=24)
    world.tap("Not yet")
    assert (at(world, "first_word"), at(world, "resolve")) == (world.now + FIRST_WORD, world.now + RESOLVED)
    assert world.case().escalated == ()
    world.later(hours=4)
    assert world.case().escalated == ("first_word",)


@pytest.mark.parametrize("kind", ["first_word", "resolve"])
def test_a_clock_that_jumped_escalates_nothing_early(kind: str) -> None:
    """The row was written while the clock was wrong, or the clock was put back since."""
    world, _ = unhappy()
    row = due(world, kind)
    assert row is not None
    world.store.due_rows[row.key] = replace(row, due_at=world.now)
    world.run_dues()
    assert world.store.due_rows[row.key] == row
    assert told(world) == []


def test_a_longer_promise_in_the_settings_puts_the_clock_off() -> None:
    world, _ = unhappy()
    warned = at(world, "first_word")
    slow = replace(TEAM, first_word=timedelta(hours=10))
    followup = replace(world.settings.followup, teams=(slow,)) if world.settings.followup else None
    world.settings = replace(world.settings, followup=followup)
    go_to(world, warned)
    assert told(world) == []
    assert at(world, "first_word") == START + timedelta(minutes=10) + timedelta(hours=8)


def test_a_snooze_mutes_what_the_clocks_say_until_its_end() -> None:
    world, case = unhappy()
    opened = world.now
    world.press(case, "claim")
    until = opened + timedelta(hours=6)
    world.do(case, Snooze(until=until))
    assert (at(world, "first_word"), at(world, "snooze")) == (until, until)
    assert at(world, "resolve") == opened + RESOLVED
    go_to(world, opened + timedelta(hours=5))
    assert told(world) == []
    go_to(world, until)
    go_to(world, until)
    assert sorted(text[:10] for text in told(world)) == ["Nobody has", "The snooze"]
    woken = next(remark for remark in world.thread(case) if remark.text.startswith("The snooze"))
    assert woken.mentions == ("U1",)
    assert world.case().snoozed_until is None
    assert "woken" in world.notes()


def test_snoozes_until_the_morning_and_for_an_hour() -> None:
    world, case = unhappy()
    world.press(case, "snooze:1h")
    assert world.case().snoozed_until == world.now + timedelta(hours=1)
    world.press(case, "snooze:morning")
    assert world.case().snoozed_until == datetime(2026, 3, 3, 9, tzinfo=UTC)
    assert at(world, "snooze") == datetime(2026, 3, 3, 9, tzinfo=UTC)
    world.do(case, Resolve(cause="other", action="x"))
    assert due(world, "snooze") is None
    assert world.case().snoozed_until is None


def test_a_snooze_moved_back_wakes_nobody_early() -> None:
    world, case = unhappy()
    world.do(case, Snooze(until=world.now + timedelta(hours=6)))
    row = due(world, "snooze")
    assert row is not None
    world.store.due_rows[row.key] = replace(row, due_at=world.now)
    world.run_dues()
    assert world.store.due_rows[row.key] == row


def test_without_a_lead_the_owner_hears_of_it() -> None:
    world, case = unhappy(Team(name="support"))
    world.press(case, "claim", NAM)
    world.later(hours=4)
    assert world.thread(case)[0].mentions == ("U2",)
    assert world.messages(LEADS) == []


@pytest.mark.parametrize(("hours", "escalates"), [(1, True), (30 * 24, False)])
def test_a_case_of_an_earlier_release_gets_the_clocks_that_are_still_running(hours: int, escalates: bool) -> None:
    """Its rows are due since ever; who would be called of all that ran out before would be called of every old case."""
    world, case = unhappy()
    opened = world.case(case)
    world.store.cases[opened.id] = replace(opened, team="", opened_at=world.now - timedelta(hours=hours))
    wanted = world.store.due_rows.pop(f"first_word:{case}")
    del world.store.due_rows[f"resolve:{case}"]
    kinds: tuple[DueKind, ...] = ("first_word", "resolve")
    for kind in kinds:
        key = f"{kind}:{case}"
        world.store.due_rows[key] = Due(key=key, kind=kind, ref=case, due_at=datetime(1970, 1, 1, tzinfo=UTC))
    world.run_dues()
    assert world.notes(case) == ["opened"]
    assert (wanted.key in world.store.due_rows) == escalates
    world.later(days=7)
    assert ("escalated" in world.notes(case)) == escalates
    world.press(case, "claim")
    assert world.case(case).team == TEAM.name


def test_an_alert_that_is_held_goes_out_before_what_is_said_in_its_thread() -> None:
    world, case = unhappy(replace(TEAM, first_word=timedelta(seconds=10)))
    world.later(seconds=20)
    assert world.case().escalated == ("first_word",)
    slots = [message.slot for message in world.messages(DESK)]
    assert slots[0] == f"alert:{case}"
    assert [slot.partition(":")[0] for slot in slots] == ["alert", "told"]
    assert len(world.messages(LEADS)) == 1
