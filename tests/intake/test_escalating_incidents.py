"""What the team hears of an incident's cases that nobody has: together, in thread and room, and of later ones too."""

from datetime import timedelta

from msgspec.structs import replace

from bot.config import Settings
from bot.followup.clocks import Team
from bot.followup.incidents import IncidentRules
from bot.followup.routing import RoutingRule
from bot.messages import Address, ChannelName, Outbound, Remark, Text
from tests.intake.world import AGENTS, DESK, SETTINGS, World

LEADS = Address(channel=DESK.channel, key="#leads")
TEAM = Team(name="support", lead="U9", room=LEADS.key)
#: where their cases are told is the same room
VIETNAM = Team(name="vietnam", lead="U7", room="#vietnam", first_word=timedelta(hours=2))
RULES = IncidentRules(window=timedelta(hours=1), cause=3, agent=0, product=0)


def shop() -> World:
    rules = (RoutingRule(id="vi", tags=("vn",), team=VIETNAM.name),)
    followup = SETTINGS.followup and replace(SETTINGS.followup, incidents=RULES, teams=(TEAM, VIETNAM), rules=rules)
    return World(replace(SETTINGS, followup=followup))


def who(number: int) -> Address:
    return Address(channel=ChannelName("web"), key=f"customer {number}")


def complain(world: World, *numbers: int, **attributes: str) -> list[str]:
    """Customers rate 1 and give the same reason, at one time; returns their cases."""
    for number in numbers:
        world.report(who(number), attributes=attributes)
    world.later(minutes=10)
    for number in numbers:
        world.tap("😞", who(number))
        world.write("Slow reply", who(number))
    world.run_dues()
    world.deliver()
    cases = {case.address: str(case.id) for case in world.store.cases.values()}
    return [cases[who(number)] for number in numbers]


def incident(world: World) -> str:
    (found,) = world.store.incidents.values()
    return found.id


def in_thread(world: World) -> list[tuple[str, tuple[str, ...]]]:
    """What was said in the thread of the incident, and who was called."""
    sent = [row.outbound for row in world.store.queue.values() if row.outbound.thread == f"incident:{incident(world)}"]
    return [(each.content.text, each.content.mentions) for each in sent if isinstance(each.content, Remark)]


def in_room(world: World, room: str = LEADS.key) -> list[str]:
    found: list[Outbound] = world.messages(Address(channel=DESK.channel, key=room))
    return [each.content.text for each in found if isinstance(each.content, Text)]


def escalated(world: World) -> int:
    return sum("escalated" in world.notes(case) for case in world.store.cases)


def test_the_room_hears_of_all_of_them_once() -> None:
    world = shop()
    cases = complain(world, 1, 2, 3, 4)
    assert not any(world.case(case).alerted for case in cases)
    world.later(hours=3, minutes=13)
    ((text, called),) = in_thread(world)
    waiting = "4 cases here are still waiting for somebody to take them."
    assert text == f"{waiting} The first word is due Mar 2, 2026, 1:10 PM UTC."
    assert called == ("U9",)
    (room,) = in_room(world)
    assert room.startswith("Incident “Slow reply”: 4 cases are still waiting for somebody to take them. ")
    assert room.endswith("http://127.0.0.1:8080/cases")
    assert escalated(world) == 4


def test_a_case_with_an_alert_of_its_own_is_told_of_in_its_own_thread() -> None:
    world = shop()
    (first,) = complain(world, 1)
    world.later(minutes=2)
    complain(world, 2, 3)
    assert world.case(first).alerted
    world.later(hours=3, minutes=30)
    assert [(remark.text[:34], remark.mentions) for remark in world.thread(first)] == [
        ("Nobody has written to the customer", ("U9",))
    ]
    assert len(in_room(world)) == len(in_thread(world)) == 1


def test_a_case_that_somebody_has_is_told_of_as_any_other() -> None:
    world = shop()
    mine, *_ = complain(world, 1, 2, 3)
    world.press(mine, "claim", AGENTS[0])
    world.later(hours=3, minutes=30)
    assert len(world.thread(mine)) == 1
    assert sorted(text.split(" ")[0] for text in in_room(world)) == ["A", "Incident"]


def test_cases_that_join_later_are_told_of_within_the_hour_and_are_not_said_to_be_told_of_before() -> None:
    world = shop()
    complain(world, 1, 2, 3)
    for number in (4, 5, 6):
        world.later(minutes=40)
        complain(world, number)
    # the first three are due; those since then have their time still, but are waiting too
    world.later(minutes=45)
    assert [text.split(" ")[0] for text, _ in in_thread(world)] == ["6"]
    assert escalated(world) == 3
    (late,) = complain(world, 7)
    # the fourth was counted when the team was told, and the hour is not over
    world.later(minutes=38)
    assert (len(in_thread(world)), escalated(world)) == (1, 4)
    world.later(hours=1, minutes=45)
    assert (len(in_thread(world)), len(in_room(world)), escalated(world)) == (2, 2, 6)
    assert "escalated" not in world.notes(late)
    world.later(minutes=55)
    assert (len(in_thread(world)), escalated(world)) == (2, 7)


def test_a_case_that_joined_since_the_team_was_told_waits_for_the_next_time() -> None:
    world = shop()
    complain(world, 1, 2, 3)
    world.later(minutes=45)
    complain(world, 4)
    world.later(minutes=45)
    complain(world, 5)
    world.later(minutes=45)
    complain(world, 7)
    world.later(minutes=28)
    told_at = world.now
    assert len(in_thread(world)) == 1
    world.settings = faster(world)
    (late,) = complain(world, 6)
    world.later(minutes=30)
    assert (len(in_thread(world)), "escalated" in world.notes(late)) == (1, False)
    assert world.store.due_rows[f"first_word:{late}"].due_at == told_at + timedelta(hours=1)
    world.later(minutes=20)
    assert (len(in_thread(world)), "escalated" in world.notes(late)) == (2, True)


def faster(world: World) -> Settings:
    """The same, with a first word promised within half an hour."""
    teams = (replace(TEAM, first_word=timedelta(minutes=30)), VIETNAM)
    return replace(world.settings, followup=world.settings.followup and replace(world.settings.followup, teams=teams))


def test_teams_are_told_each_by_itself() -> None:
    world = shop()
    complain(world, 1, 2, 3)
    complain(world, 4, 5, tag="vn")
    world.later(hours=4)
    assert sorted(called for _, called in in_thread(world)) == [("U7",), ("U9",)]
    assert [len(in_room(world)), len(in_room(world, VIETNAM.room))] == [1, 1]
    assert ": 2 cases " in in_room(world, VIETNAM.room)[0]
    assert ": 3 cases " in in_room(world)[0]
