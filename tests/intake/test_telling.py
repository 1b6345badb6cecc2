"""What is told of dealings, as it comes: cancelled, superseded, found late, fallen silent, by wrong clocks."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from bot.config import AskingSettings, FlowAsking
from bot.conversations.dealings import Author, Beside, Dealing, Ended, Resumed, Spoke
from bot.conversations.invitations import Invitation, Occasion
from bot.intake.deciding import newly
from bot.intake.dues import longest_survey, longest_wait
from bot.intake.moment import Moment
from bot.messages import Address
from bot.ports import Due, Outcome
from tests.intake.test_asking import steps
from tests.intake.world import ANN, BEN, SETTINGS, World, at_once

CHAT = Occasion(trigger="api", at=datetime(2026, 3, 2, tzinfo=UTC), closed_at=datetime(2026, 3, 2, tzinfo=UTC))
ASKED = ("asked", "nothing speaks against it")
EVENING = datetime(2026, 3, 2, 20, 55, tzinfo=UTC)
NO_COOL_DOWN = replace(SETTINGS, asking=AskingSettings(cool_down=timedelta(0), cool_down_nps=timedelta(0)))


def end(world: World, who: Address | None = ANN, **told: object) -> Outcome:
    return world.tell(Ended(at=world.now), who, reference="t", **told)  # type: ignore[arg-type]


def resume(world: World) -> Outcome:
    return world.tell(Resumed(at=world.now), reference="t")


def speak(world: World, by: Author = "customer", *, first: bool = False, **told: object) -> Outcome:
    return world.tell(Spoke(by=by, at=world.now, first=first), reference="t", **told)  # type: ignore[arg-type]


def verdicts(world: World) -> list[tuple[str, str]]:
    return [(decision.verdict, decision.rule) for decision in world.store.decisions]


# ---- cancelled ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("goes_on", "rule"), [(resume, "it was resumed"), (speak, "the customer went on")])
def test_what_goes_on_is_not_asked_about(goes_on: object, rule: str) -> None:
    world = World()
    end(world)
    world.later(minutes=5)
    assert callable(goes_on)
    outcome = goes_on(world)
    assert (outcome.said.kind, outcome.said.text) == ("not_asked", rule)
    assert world.store.due_rows == {}
    world.later(hours=1)
    assert (verdicts(world), world.messages()) == ([("not asked", rule)], [])
    assert steps(world) == ["delay", rule]


def test_what_was_asked_stays_asked_when_it_goes_on() -> None:
    world = World()
    end(world)
    world.later(minutes=10)
    assert resume(world).said.kind == "nothing"
    assert verdicts(world) == [ASKED]


def test_words_of_an_agent_cancel_nothing() -> None:
    world = World()
    end(world)
    speak(world, "agent")
    world.later(minutes=10)
    assert verdicts(world) == [ASKED]


def test_closed_again_after_a_cancelled_question_asks() -> None:
    world = World()
    end(world)
    world.later(minutes=5)
    speak(world)
    world.later(minutes=1)
    end(world)
    world.later(minutes=10)
    assert verdicts(world) == [("not asked", "the customer went on"), ASKED]
    assert len(world.messages()) == 1


def test_a_thank_you_after_the_survey_asks_no_more() -> None:
    world = World(NO_COOL_DOWN)
    for by in ("customer", "agent", "customer"):
        speak(world, by)
        world.later(minutes=1)
    end(world, attributes={"agent": "Minh"})
    world.later(minutes=11)
    world.tap("😀")
    world.later(hours=1)
    speak(world)
    world.later(minutes=1)
    end(world)
    world.later(minutes=1)
    speak(world, "agent")
    world.later(hours=1)
    assert verdicts(world) == [ASKED, ("not asked", "a mere thank-you")]


def test_a_question_that_waits_for_the_morning_gives_way_to_the_next_ending() -> None:
    world = World()
    world.now = EVENING
    end(world)
    world.later(minutes=10)
    assert world.verdict() == ("deferred", "quiet hours")
    world.later(hours=1)
    resume(world)
    world.later(hours=1)
    end(world)
    world.later(minutes=10)
    world.later(hours=12)
    assert verdicts(world) == [("not asked", "it was resumed"), ASKED]
    assert len(world.messages()) == 1


def test_a_second_ending_without_a_reopening_takes_the_place_of_the_first_that_waits() -> None:
    world = World()
    world.now = EVENING
    end(world)
    world.later(minutes=10)
    world.later(hours=1)
    speak(world, "agent")
    world.later(hours=1)
    end(world)
    assert [due.kind for due in world.store.due_rows.values()] == ["ask"]
    world.later(minutes=10)
    world.later(hours=9)
    assert verdicts(world) == [("not asked", "it was resumed"), ASKED]


def test_a_second_ending_that_is_ruled_out_takes_the_plan_of_the_first_along() -> None:
    world = World()
    world.now = EVENING
    end(world)
    world.later(hours=1)
    speak(world, "agent")
    world.later(hours=1)
    world.tell(Ended(at=world.now, started_by="agent"), reference="t")
    assert world.store.due_rows == {}
    assert verdicts(world) == [("not asked", "it was resumed"), ("not asked", "an agent began it")]


def test_what_is_cancelled_while_it_is_decided_is_not_asked() -> None:
    world = World()
    end(world)
    world.now += timedelta(minutes=10)
    world.store.meanwhile = lambda: resume(world)
    world.run_dues()
    assert (verdicts(world), world.messages()) == ([("not asked", "it was resumed")], [])


def test_what_is_decided_while_it_is_told_again_stays_decided() -> None:
    """Else the row would say "deferred" for ever."""
    world = World()
    end(world)
    world.now += timedelta(minutes=10)
    world.store.meanwhile = world.run_dues
    end(world)
    assert verdicts(world) == [ASKED]
    assert world.decision().repeats == 1


def test_what_is_not_asked_while_it_is_cancelled_keeps_its_step() -> None:
    world = World()
    end(world)
    world.write("stop")
    world.now += timedelta(minutes=10)
    world.store.meanwhile = world.run_dues
    resume(world)
    assert steps(world) == ["delay", "opted out"]


def test_a_row_that_is_left_over_asks_nothing_twice() -> None:
    world = World(NO_COOL_DOWN)
    end(world)
    world.later(minutes=10)
    interaction = world.interaction()
    key = f"ask:{interaction.id}"
    world.store.due_rows[key] = Due(key=key, kind="ask", ref=interaction.id, due_at=world.now)
    world.store.conversations.clear()
    world.run_dues()
    assert len(world.messages()) == 1
    assert key not in world.store.due_rows


# ---- told again, and beside -------------------------------------------------------------------------------------


def test_an_event_told_again_counts_for_its_ending_only() -> None:
    world = World()
    for _ in range(3):
        end(world, event="closed 1")
    for _ in range(3):
        world.tell(Spoke(by="agent"), reference="t", event="said 1")
    assert (world.decision().repeats, world.interaction().dealing.heard) == (2, 1)


def test_something_else_is_one_decision_and_no_part_of_the_ending() -> None:
    world = World()
    end(world)
    world.tell(Beside(kind="label_changed"), reference="t", event="label 1")
    world.tell(Beside(kind="label_changed"), reference="t", event="label 1")
    world.now += timedelta(minutes=1)
    resume(world)
    assert verdicts(world) == [("not asked", "it was resumed"), ("not asked", "not the end of a chat")]
    assert world.store.due_rows == {}


@pytest.mark.parametrize("why", ["the event disagrees with itself", "not understood"])
def test_what_makes_no_sense_is_told_in_the_ledger(why: str) -> None:
    world = World()
    world.tell(Beside(kind="resolved", why=why, detail="status: open"), None, reference="t")  # type: ignore[arg-type]
    assert verdicts(world) == [("not asked", why)]
    assert world.decision().inputs == {"event": "resolved", "detail": "status: open"}
    assert world.store.interactions == {}


# ---- where to ask -----------------------------------------------------------------------------------------------


def test_an_address_that_comes_with_the_next_telling_of_the_ending_is_asked_at() -> None:
    world = World()
    assert end(world, None).said.text == "no address known"
    world.later(minutes=5)
    assert end(world, ANN).said.kind == "deferred"
    world.later(minutes=5)
    assert verdicts(world) == [ASKED]
    assert steps(world) == ["no address known", "delay", "nothing speaks against it"]
    assert world.decision().repeats == 1
    assert len(world.messages(ANN)) == 1


def test_an_address_told_with_words_before_the_end_is_asked_at() -> None:
    world = World()
    world.tell(Spoke(by="customer", first=True), ANN, reference="t")
    world.tell(Spoke(by="agent"), None, reference="t")
    world.tell(Ended(messages=4), None, reference="t")
    world.later(minutes=10)
    assert len(world.messages(ANN)) == 1


def test_nobody_is_asked_where_no_address_is_ever_known() -> None:
    world = World()
    end(world, None, customer="c-1")
    end(world, None, customer="c-1")
    world.later(days=1)
    assert verdicts(world) == [("not asked", "no address known")]
    assert (world.decision().known_as, world.decision().repeats) == ("c-1", 1)


def test_a_dealing_that_is_handed_to_another_customer_asks_that_one() -> None:
    world = World()
    end(world, ANN)
    world.now += timedelta(minutes=1)
    resume(world)
    world.now += timedelta(hours=2)
    web = replace(ANN, key="eve")
    end(world, web)
    world.later(minutes=10)
    assert (len(world.messages(ANN)), len(world.messages(web))) == (0, 1)
    assert world.decision().customer == world.store.homes[web]


# ---- silence ----------------------------------------------------------------------------------------------------


def idle(world: World, by: Author, **told: object) -> None:
    speak(world, by, idle_after=timedelta(hours=1), attributes={"agent": "Minh"}, **told)  # type: ignore[arg-type]


def test_a_chat_that_falls_idle_counts_as_ended() -> None:
    world = World()
    for by in ("customer", "agent", "customer"):
        idle(world, by)
        world.later(minutes=50)
    assert world.store.decisions == []
    world.later(minutes=10)
    assert world.verdict() == ("deferred", "delay")
    world.later(minutes=10)
    assert verdicts(world) == [ASKED]
    assert world.decision().trigger == "idle"


def test_a_chat_that_is_closed_waits_for_no_silence() -> None:
    world = World()
    for by in ("customer", "agent", "customer"):
        idle(world, by)
    end(world)
    assert [due.kind for due in world.store.due_rows.values()] == ["ask"]


def test_words_while_it_falls_idle_keep_it_going() -> None:
    world = World()
    idle(world, "customer")
    world.now += timedelta(hours=1)
    world.store.meanwhile = lambda: idle(world, "agent")
    world.run_dues()
    assert (world.interaction().dealing.is_open, world.store.decisions) == (True, [])
    assert [due.due_at - world.now for due in world.store.due_rows.values()] == [timedelta(hours=1)]


def test_few_words_and_silence_ask_nobody() -> None:
    world = World()
    idle(world, "customer", first=True)
    world.later(hours=1)
    world.later(minutes=10)
    assert world.verdict() == ("not asked", "no human answered")


@pytest.mark.parametrize("days", [0.3, 3, 12])
def test_a_chat_that_fell_idle_while_the_server_was_off_asks_nobody_days_later(days: float) -> None:
    world = World()
    for by in ("customer", "agent", "customer"):
        idle(world, by)
    world.later(days=days)
    world.later(minutes=10)
    rule = "closed too long ago" if days > 7 else "too late"
    assert (verdicts(world), world.messages()) == ([("not asked", rule)], [])


# ---- what was said in it ----------------------------------------------------------------------------------------


def test_who_hears_only_the_end_of_a_talk_knows_of_no_missing_words() -> None:
    world = World()
    speak(world, "customer")
    end(world)
    world.later(minutes=10)
    assert verdicts(world) == [ASKED]


def test_a_talk_that_was_heard_from_its_start_is_too_short() -> None:
    world = World()
    speak(world, "customer", first=True)
    speak(world, "agent")
    world.now += timedelta(minutes=1)
    end(world)
    world.later(minutes=10)
    assert verdicts(world) == [("not asked", "too few messages")]
    assert (world.decision().occasion or CHAT).messages == 2


def test_words_told_a_moment_after_the_end_count() -> None:
    world = World()
    began, world.now = world.now, world.now + timedelta(minutes=5)
    world.tell(Spoke(by="customer", at=began, first=True), reference="t")
    end(world)
    for by in ("agent", "customer"):
        world.tell(Spoke(by=by, at=began + timedelta(minutes=1)), reference="t")
    world.later(minutes=10)
    assert verdicts(world) == [ASKED]
    assert (world.decision().occasion or CHAT).messages == 3


def test_words_between_two_tellings_of_one_ending_that_come_last_cancel_nothing() -> None:
    world = World()
    closed, world.now = world.now, world.now + timedelta(minutes=6)
    world.tell(Ended(at=closed), reference="t")
    world.tell(Ended(at=world.now), reference="t")
    world.tell(Spoke(by="customer", at=closed + timedelta(minutes=2)), reference="t")
    world.later(minutes=10)
    assert verdicts(world) == [ASKED]


def test_what_is_told_in_one_go_after_an_outage_is_heard_to_its_end() -> None:
    world = World()
    closed, world.now = world.now, world.now + timedelta(hours=1)
    world.tell(Ended(at=closed), reference="t")
    world.later(seconds=1)
    world.tell(Resumed(at=closed + timedelta(minutes=30)), reference="t")
    world.later(hours=1)
    assert (verdicts(world), world.messages()) == ([("not asked", "it was resumed")], [])


def test_what_was_taken_for_silence_and_is_closed_later_asks_once() -> None:
    world = World(NO_COOL_DOWN)
    for by in ("customer", "agent", "customer"):
        idle(world, by)
    world.later(hours=1)
    world.later(minutes=10)
    world.tap("😀")
    world.later(hours=20)
    assert end(world).said.text == "reported before"
    assert verdicts(world) == [ASKED]


# ---- clocks and outages -----------------------------------------------------------------------------------------


def test_after_a_day_off_nobody_is_asked_too_late_and_each_is_told_why() -> None:
    world = World()
    people = [replace(ANN, key=f"p{n}") for n in range(200)]
    for n, who in enumerate(people):
        world.now += timedelta(minutes=1)
        world.report(who, reference=f"t{n}")
    world.now += timedelta(days=1)
    while world.run_dues():
        pass
    assert verdicts(world) == [("not asked", "too late")] * 200
    assert world.store.queue == {}
    assert all(decision.inputs["planned_for"] for decision in world.store.decisions)


def test_after_an_hour_off_all_are_asked() -> None:
    world = World()
    world.report(ANN)
    world.later(hours=3)
    assert verdicts(world) == [ASKED]


def test_a_clock_set_forward_by_a_day_asks_nobody_too_late() -> None:
    world = World()
    world.report(ANN)
    world.later(days=1)
    assert verdicts(world) == [("not asked", "too late")]


def test_a_clock_put_back_by_a_year_holds_up_no_question() -> None:
    world = World()
    world.now += timedelta(days=365)
    world.report(ANN)
    world.now -= timedelta(days=365)
    latest = world.now + longest_wait(SETTINGS)
    assert at_once(world.store.dues.rewind(world.now, latest=latest)) == 1
    world.run_dues()
    assert verdicts(world) == [ASKED]


@pytest.mark.parametrize("ahead", [40, 365])
def test_who_was_asked_by_a_clock_that_ran_ahead_can_be_asked_again(ahead: int) -> None:
    world = World()
    right = world.now
    world.now += timedelta(days=ahead)
    world.report(ANN)
    world.later(minutes=10)
    assert verdicts(world) == [ASKED]
    world.now = right
    waits, lasts = world.now + longest_wait(SETTINGS), world.now + longest_survey(SETTINGS)
    at_once(world.store.dues.rewind(world.now, latest=waits, expiry=lasts))
    world.later(days=7)
    assert world.conversation().status == "expired"
    world.report(ANN)
    world.later(minutes=10)
    assert world.verdict() == ASKED


def test_a_survey_that_waits_at_another_address_is_under_way() -> None:
    world = World(NO_COOL_DOWN)
    world.write("hello", BEN)
    world.report(ANN, customer="c-1")
    world.report(BEN, customer="c-1")
    world.later(minutes=10)
    assert sorted(verdicts(world)) == [ASKED, ("not asked", "a survey is under way")]


def test_the_longest_wait_is_that_of_the_slowest_flow() -> None:
    flows = {"support": FlowAsking(delay=timedelta(days=2)), "delivery": FlowAsking()}
    assert longest_wait(SETTINGS) == timedelta(hours=24, minutes=10)
    assert longest_wait(replace(SETTINGS, flow_asking=flows)) == timedelta(days=3)
    reminding = replace(SETTINGS, asking=AskingSettings(reminder=timedelta(days=5)))
    assert longest_wait(reminding) == timedelta(days=5)


# ---- what an earlier release left ---------------------------------------------------------------------------------


def test_what_an_earlier_release_planned_is_asked_and_its_next_ending_is_another() -> None:
    world = World(NO_COOL_DOWN)
    end(world)
    old = replace(world.interaction(), dealing=Dealing(), revision=0)
    world.store.interactions[old.id] = old
    world.store.ledger.rows.clear()
    world.later(minutes=10)
    assert verdicts(world) == [ASKED]
    world.tap("😀")
    world.later(hours=1)
    resume(world)
    world.later(hours=1)
    end(world)
    world.later(minutes=10)
    assert [decision.key for decision in world.store.decisions] == [f"{old.id}:1", f"{old.id}:2"]


@pytest.mark.parametrize(("goes_on", "rule"), [(resume, "it was resumed"), (speak, "the customer went on")])
def test_what_an_earlier_release_planned_is_cancelled_when_it_goes_on(goes_on: object, rule: str) -> None:
    world = planned_before()
    assert callable(goes_on)
    goes_on(world)
    assert world.store.due_rows == {}
    world.later(minutes=10)
    assert (verdicts(world), world.messages()) == ([("not asked", rule)], [])
    assert steps(world) == ["delay", rule]


def test_what_an_earlier_release_asked_stays_asked_when_it_goes_on() -> None:
    world = planned_before()
    world.later(minutes=10)
    asked = replace(world.decision(), key="old:7")
    world.store.ledger.rows.clear()
    world.store.ledger.rows[asked.key] = asked
    world.store.interactions[asked.interaction] = replace(world.interaction(), dealing=Dealing())  # type: ignore[index]
    resume(world)
    assert world.store.decisions == [asked]


def test_a_plan_that_was_left_asks_nobody_while_it_goes_on() -> None:
    world = World()
    end(world)
    open_again = replace(world.interaction().dealing, resumed_at=world.now + timedelta(minutes=1))
    world.store.interactions[world.interaction().id] = replace(world.interaction(), dealing=open_again)
    world.later(minutes=10)
    assert verdicts(world) == [("not asked", "it was resumed")]


def planned_before() -> World:
    """A question that a release without keys planned, five minutes ago."""
    world = World(NO_COOL_DOWN)
    end(world)
    old = replace(world.interaction(), dealing=Dealing(), revision=0)
    world.store.interactions[old.id] = old
    world.store.ledger.rows.clear()
    world.now += timedelta(minutes=5)
    return world


def test_a_customer_who_writes_to_us_is_let_finish() -> None:
    world = World(NO_COOL_DOWN)
    world.ask(ANN)
    world.tap("😀")
    world.report(ANN)
    world.later(minutes=9)
    world.write("one more thing")
    world.later(minutes=1)
    assert world.verdict() == ("deferred", "the customer is writing")
    world.later(minutes=9)
    assert world.verdict() == ASKED


def test_times_of_the_two_sides_are_not_mixed_up() -> None:
    """The ledger of a fresh decision says when the trigger came and when it was decided."""
    world = World()
    end(world)
    told_at = world.now
    world.later(minutes=10)
    decision = world.decision()
    assert (decision.triggered_at, decision.at) == (told_at, world.now)
    assert decision.occasion is not None
    assert decision.occasion.channel == "web"
    moment = Moment(settings=SETTINGS, now=world.now, ids=lambda: "x")
    fresh = newly("k", "api", world.interaction(), None, Invitation(verdict="deferred", rule="delay"), moment)
    assert (fresh.customer, fresh.source, fresh.reference) == (None, "api", "t")
