"""Several unhappy answers of one cause become one incident with one alert."""

from datetime import timedelta

from msgspec.structs import replace

from bot.followup.clocks import Team
from bot.followup.incidents import Incident, IncidentRules
from bot.messages import Address, ChannelName, Remark
from tests.intake.world import AGENTS, DESK, SETTINGS, World

MAI, NAM = AGENTS
RULES = IncidentRules(window=timedelta(hours=1), cause=3, agent=0, product=0)


def shop(rules: IncidentRules = RULES, team: Team | None = None) -> World:
    teams = (team,) if team else (Team(name="support"),)
    followup = replace(SETTINGS.followup, incidents=rules, teams=teams) if SETTINGS.followup else None
    return World(replace(SETTINGS, followup=followup))


def who(number: int) -> Address:
    return Address(channel=ChannelName("web"), key=f"customer {number}")


def complain(world: World, number: int, reason: str = "Slow reply", **attributes: str) -> str:
    """A customer rates 1 and gives a reason; returns the case."""
    world.ask(who(number), **attributes)
    world.tap("😞", who(number))
    world.write(reason, who(number))
    world.run_dues()
    world.deliver()
    return next(case.id for case in world.store.cases.values() if case.address == who(number))


def incident(world: World) -> Incident:
    (found,) = world.store.incidents.values()
    return found


def sent(world: World) -> list[tuple[str, str]]:
    return [
        (row.outbound.kind, row.outbound.slot.partition(":")[0])
        for row in world.store.queue.values()
        if row.outbound.to == DESK
    ]


def test_words_in_the_thread_of_an_incident_reach_nobody_and_who_wrote_them_is_told() -> None:
    world = shop()
    cases = [complain(world, number) for number in range(3)]
    thread = world.store.remotes[f"incident:{incident(world).id}"]
    before = len(world.store.queue)
    outcome = world.handle(replace(world.in_thread(cases[0], "To all: we are on it"), thread=thread))
    assert (outcome.said.kind, outcome.writes) == ("incident_thread", ())
    internal = world.handle(replace(world.in_thread(cases[0], "// who takes it?"), thread=thread))
    assert (internal.said.kind, internal.writes) == ("kept_internal", ())
    assert len(world.store.queue) == before


def test_the_third_of_a_cause_founds_an_incident_and_the_fourth_joins_it() -> None:
    world = shop()
    cases = [complain(world, number) for number in range(3)]
    found = incident(world)
    assert (found.dimension, found.value, found.label, found.cases) == ("cause", "slow", "Slow reply", 3)
    assert [world.case(case).incident for case in cases] == [found.id] * 3
    # ten minutes lie between two customers, so the alerts of the first two were posted; the third's never is
    assert sent(world).count(("post", "alert")) == 2
    assert sent(world).count(("post", "incident")) == 1
    assert world.notes(cases[2]) == ["opened", "folded"]
    assert world.store.notes[-1].detail == "Slow reply"
    last = complain(world, 4)
    assert (incident(world).cases, incident(world).last_at) == (4, world.now)
    assert world.case(last).incident == found.id
    assert sent(world).count(("post", "incident")) == 1
    assert ("edit", "incident") in sent(world)
    world.later(minutes=10)
    assert sent(world).count(("post", "alert")) == 2


def test_another_cause_stands_alone() -> None:
    world = shop()
    for number in range(2):
        complain(world, number)
    assert world.case(complain(world, 3, "Not friendly")).incident is None
    assert world.store.incidents == {}


def test_after_the_window_there_is_nothing_to_join() -> None:
    world = shop()
    for number in range(3):
        complain(world, number)
    world.later(hours=1, minutes=1)
    late = complain(world, 4)
    assert world.case(late).incident is None
    assert len(world.store.incidents) == 1


def test_an_agent_is_found_with_the_rating() -> None:
    world = shop(IncidentRules(agent=2, cause=0, product=0))
    for number in range(2):
        world.ask(who(number), agent="Minh")
        world.tap("😞", who(number))
        world.run_dues()
    assert (incident(world).dimension, incident(world).label) == ("agent", "Minh")


def folded() -> tuple[World, str]:
    """An incident, and a case of it that was never posted by itself."""
    world = shop(team=Team(name="support", lead="U9"))
    cases = [complain(world, number) for number in range(3)]
    assert not world.case(cases[2]).alerted
    return world, cases[2]


def test_a_comment_on_a_folded_case_posts_no_alert_but_a_claim_does() -> None:
    world, case = folded()
    before = sent(world)
    world.write("It took a day!", who(2))
    assert sent(world)[len(before) :] == [("edit", "incident")]
    world.deliver()
    assert world.press(case, "claim", NAM).said.kind == "claimed"
    assert sent(world)[len(before) + 1 :] == [("post", "alert"), ("edit", "incident")]
    assert (world.case(case).state, world.case(case).alerted) == ("claimed", True)


def test_a_folded_case_that_is_withdrawn_says_nothing() -> None:
    world, case = folded()
    world.tap("Change", who(2), on=":score")
    world.tap("😀", who(2))
    assert world.case(case).state == "withdrawn"
    world.later(hours=1)
    assert not world.case(case).alerted


def test_clocks_of_cases_that_nobody_has_are_told_once_in_the_incidents_thread() -> None:
    world, case = folded()
    world.press(case, "claim", MAI)
    world.later(hours=4)
    told = [row.outbound for row in world.store.queue.values() if isinstance(row.outbound.content, Remark)]
    lanes = [(each.lane, each.thread) for each in told]
    assert lanes.count((f"incident:{incident(world).id}", f"incident:{incident(world).id}")) == 1
    assert lanes.count((f"case:{case}", f"alert:{case}")) == 1
    assert [each.stage for each in incident(world).escalations] == ["first_word"]
    assert all(each.escalated == ("first_word",) for each in world.store.cases.values())


def test_two_that_come_at_once_found_one_incident() -> None:
    world = shop(replace(RULES, cause=2))
    for number in range(2):
        world.ask(who(number))
        world.tap("😞", who(number))
        world.write("Slow reply", who(number))
    world.store.meanwhile = world.run_dues
    world.run_dues()
    assert incident(world).cases == 2


def test_without_a_desk_there_are_no_incidents() -> None:
    world = World(replace(SETTINGS, followup=None))
    for number in range(6):
        complain(world, number, agent="Minh")
    assert world.store.incidents == {}
    assert not [due for due in world.store.due_rows.values() if due.kind == "incident"]


def backlog(world: World, *numbers: int, words: str = "Too slow!") -> list[str]:
    """All that customers said while the program was away comes at once: their scores, reasons and words."""
    for number in numbers:
        world.tap("😞", who(number))
        world.write("Slow reply", who(number))
        world.write(words, who(number))
    cases = {case.address: str(case.id) for case in world.store.cases.values()}
    return [cases[who(number)] for number in numbers]


def asked(*numbers: int) -> World:
    world = shop()
    for number in numbers:
        world.report(who(number))
    world.later(minutes=10)
    return world


def test_a_backlog_with_comments_is_one_incident_and_no_alerts() -> None:
    world = asked(1, 2, 3, 4)
    cases = backlog(world, 1, 2, 3, 4)
    world.run_dues()
    world.later(minutes=5)
    assert [world.case(case).alerted for case in cases] == [False] * 4
    assert [kind for kind in sent(world) if kind[0] == "post"] == [("post", "incident")]
    assert incident(world).cases == 4


def test_of_too_few_for_an_incident_each_is_told_a_second_after_its_opening_with_the_words() -> None:
    world = asked(1, 2)
    cases = backlog(world, 1, 2)
    world.run_dues()
    assert sent(world) == []
    assert {world.store.due_rows[f"alert:{case}"].due_at for case in cases} == {world.now + timedelta(seconds=1)}
    world.later(seconds=1)
    assert sent(world) == [("post", "alert")] * 2


def test_a_comment_that_comes_later_lets_the_alert_go_out_at_once() -> None:
    world = asked(1)
    world.tap("😞", who(1))
    world.write("Slow reply", who(1))
    world.run_dues()
    world.now += timedelta(seconds=1)
    world.write("Too slow!", who(1))
    assert sent(world) == [("post", "alert")]
