"""What is written with each turn: counts, words, the case, its alert held and edited."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from bot.messages import AlertOf, Outbound
from bot.ports import Due
from tests.fakes.pure_store import bucket_of
from tests.intake.world import ANN, BEN, DESK, SETTINGS, START, World

MINH = {"agent": "Minh", "team": "North", "order": "A7"}


def counted(world: World, dimension: str = "all") -> dict[tuple[str, int | None, datetime], int]:
    return {
        (key.question, key.score, key.bucket): n for key, n in world.store.counts.items() if key.dimension == dimension
    }


def alerts(world: World) -> list[tuple[str, Outbound]]:
    return [(row.outbound.kind, row.outbound) for row in world.store.queue.values() if row.outbound.to == DESK]


def kinds(world: World) -> list[str]:
    return [kind for kind, _ in alerts(world)]


def notes(world: World) -> list[str]:
    return [note.what for note in world.store.notes]


# ---- counts -------------------------------------------------------------------------------------------------


def test_an_answer_counts_once_in_each_dimension() -> None:
    world = World()
    world.ask(ANN, **MINH)
    world.tap("😞")
    found = {(key.dimension, key.value): n for key, n in world.store.counts.items()}
    assert found == {
        ("all", ""): 1,
        ("channel", "web"): 1,
        ("language", "en"): 1,
        ("agent", "Minh"): 1,
        ("team", "North"): 1,
    }
    (key,) = {(key.flow_id, key.structure, key.question, key.scale, key.score) for key in world.store.counts}
    assert key == ("support", SETTINGS.flows[0].structure, "score", "csat5", 1)


def test_a_correction_takes_back_where_the_first_answer_was_counted() -> None:
    """At the old time's quarter of an hour: else the old count stays and the new one goes below zero."""
    world = World()
    world.ask(ANN)
    world.later(minutes=4)
    first = world.now
    world.tap("😞")
    assert counted(world) == {("score", 1, bucket_of(first)): 1}
    world.later(minutes=3)
    assert bucket_of(world.now) != bucket_of(first)
    world.tap("Change")
    world.tap("😀")
    assert counted(world) == {("score", 5, bucket_of(world.now)): 1}


def test_the_same_answer_again_moves_no_count() -> None:
    world = World()
    world.ask(ANN)
    world.later(minutes=4)
    world.tap("😐")
    before = counted(world)
    world.later(minutes=3)
    world.tap("Change")
    world.tap("😐")
    assert counted(world) == before


def test_a_skipped_rating_counts_as_skipped_and_a_choice_not_at_all() -> None:
    world = World()
    world.command("start", argument="delivery")
    world.tap("9")
    world.tap("The care")
    world.tap("Skip")
    at = bucket_of(world.now)
    assert counted(world) == {("nps", 9, at): 1, ("effort", None, at): 1}


def test_an_answer_taken_back_is_not_counted() -> None:
    world = World()
    world.command("start", argument="delivery")
    world.tap("5")
    world.tap("It came late")
    world.tap("7")
    world.tap("Change", on=":why_low")
    world.tap("It was damaged")
    assert counted(world) == {("nps", 5, bucket_of(world.now)): 1}
    assert {question for _, question in world.store.answers} == {"nps", "why_low"}


# ---- words --------------------------------------------------------------------------------------------------


def test_words_are_kept_apart_under_the_id_in_the_answer() -> None:
    world = World()
    world.ask(ANN)
    world.write("2, too slow")
    (words,) = world.store.words.values()
    assert (words.text, words.question, words.at) == ("too slow", "comment", world.now)
    answer = world.store.answers[world.conversation().id, "comment"]
    assert answer.words == words.id
    assert "too slow" not in str(world.conversation())


def test_words_that_answer_nothing_are_kept_beside_the_conversation() -> None:
    world = World()
    world.ask(ANN)
    world.write("Where is my parcel?")
    world.write("   ")
    assert [(words.text, words.question) for words in world.store.words.values()] == [("Where is my parcel?", None)]


# ---- the case and its alert -----------------------------------------------------------------------------------


def test_the_case_opens_on_the_rating_and_its_alert_is_held() -> None:
    world = World()
    world.ask(ANN)
    world.tap("😕")
    (case,) = world.store.cases.values()
    assert (case.score, case.state, case.desk, case.alerted) == (2, "open", DESK, False)
    assert alerts(world) == []
    assert world.store.due_rows[f"alert:{case.id}"].due_at == world.now + timedelta(seconds=90)
    assert notes(world) == ["opened"]


def test_a_happy_customer_has_no_case() -> None:
    world = World()
    world.ask(ANN)
    world.tap("😐")
    assert world.store.cases == {}


def test_the_end_of_the_hold_posts_the_alert() -> None:
    world = World()
    world.ask(ANN)
    world.tap("😞")
    world.later(seconds=89)
    assert kinds(world) == []
    world.later(seconds=1)
    (case,) = world.store.cases.values()
    assert kinds(world) == ["post"]
    assert alerts(world)[0][1].content == AlertOf(case=case.id)
    assert f"alert:{case.id}" not in world.store.due_rows


def test_a_hold_that_ends_after_the_alert_was_posted_posts_no_other() -> None:
    world = World()
    world.ask(ANN)
    world.write("1, too slow")
    (case,) = world.store.cases
    key = f"alert:{case}"
    world.store.due_rows[key] = Due(key=key, kind="alert", ref=case, due_at=world.now)
    world.later(minutes=2)
    assert kinds(world) == ["post"]
    assert key not in world.store.due_rows


def test_words_end_the_hold() -> None:
    world = World()
    world.ask(ANN)
    world.tap("😞")
    world.tap("Skip")
    world.write("It took an hour")
    assert kinds(world) == ["post"]
    world.later(minutes=5)
    assert kinds(world) == ["post"]


def test_a_rating_with_its_comment_is_told_at_once() -> None:
    world = World()
    world.ask(ANN)
    world.write("1, it took an hour")
    assert kinds(world) == ["post"]
    assert notes(world) == ["opened", "commented"]
    assert not any(key.startswith("alert:") for key in world.store.due_rows)


def test_reasons_and_words_after_the_alert_edit_it() -> None:
    world = World()
    world.ask(ANN)
    world.tap("😞")
    world.later(minutes=2)
    world.write("1, 3")
    assert kinds(world) == ["post", "edit"]
    world.deliver()
    world.write("It took an hour")
    assert kinds(world) == ["post", "edit", "edit"]
    world.write("And nobody called")
    assert kinds(world) == ["post", "edit", "edit", "relay"], "the edit that waits will show it too"
    assert {outbound.slot for kind, outbound in alerts(world) if kind != "relay"} == {f"alert:{world.case().id}"}


def test_reasons_before_the_alert_wait_for_it() -> None:
    world = World()
    world.ask(ANN)
    world.tap("😞")
    world.write("1, 3")
    assert kinds(world) == []


def test_a_correction_within_the_hold_is_never_told() -> None:
    world = World()
    world.ask(ANN)
    world.tap("😞")
    world.later(seconds=30)
    world.tap("Change")
    world.tap("😀")
    world.later(minutes=5)
    (case,) = world.store.cases.values()
    assert (case.state, case.score) == ("withdrawn", 5)
    assert kinds(world) == []
    assert notes(world) == ["opened", "corrected", "withdrawn"]
    assert world.store.notes[1].detail == "😞 1/5>😀 5/5"


def test_a_withdrawn_case_opens_again_under_its_own_name() -> None:
    world = World()
    world.ask(ANN)
    for face in ("😞", "😀", "😕"):
        world.tap(face)
        world.later(minutes=2)
        world.tap("Change")
    (case,) = world.store.cases.values()
    assert (case.state, case.score) == ("open", 2)
    assert kinds(world) == ["post", "edit", "edit"]
    assert notes(world) == ["opened", "corrected", "withdrawn", "corrected", "reopened"]


def test_a_case_that_opens_again_within_its_hold_is_held_anew() -> None:
    world = World()
    world.ask(ANN)
    for face in ("😞", "😀", "😞"):
        world.tap(face)
        world.later(seconds=20)
        world.tap("Change")
    assert kinds(world) == []
    world.later(seconds=70)
    assert kinds(world) == ["post"]


def test_an_unhappy_correction_of_a_happy_answer_opens_a_case() -> None:
    world = World()
    world.ask(ANN)
    world.tap("😀")
    world.tap("Change")
    world.tap("😞")
    (case,) = world.store.cases.values()
    assert case.score == 1


def test_words_after_the_survey_reach_the_open_case() -> None:
    world = World()
    world.ask(ANN)
    world.write("1, too slow")
    world.tap("Skip")
    assert world.conversation().status == "completed"
    world.deliver()
    world.write("And nobody called me back")
    assert kinds(world) == ["post", "edit", "relay"]
    assert [words.text for words in world.store.words.values()] == ["too slow", "And nobody called me back"]


def test_words_after_a_survey_without_a_case_are_kept_in_silence() -> None:
    world = World()
    world.ask(ANN)
    world.tap("😀")
    outcome = world.write("Thanks again")
    assert outcome.said.kind == "nothing"
    assert kinds(world) == []
    assert [words.text for words in world.store.words.values()] == ["Thanks again"]


def test_without_a_desk_the_case_is_kept_all_the_same() -> None:
    world = World(replace(SETTINGS, followup=None))
    world.ask(ANN)
    world.tap("😞")
    world.later(minutes=5)
    (case,) = world.store.cases.values()
    assert case.desk is None
    assert not any(due.kind == "alert" for due in world.store.due_rows.values())


def test_each_customer_has_a_case_of_their_own() -> None:
    world = World()
    world.command("start", ANN, "delivery")
    world.command("start", BEN, "delivery")
    for who in (ANN, BEN):
        world.tap("0", who)
    assert {case.address for case in world.store.cases.values()} == {ANN, BEN}


# ---- expiry -------------------------------------------------------------------------------------------------


def test_a_survey_that_asks_more_after_its_expiry_row_is_gone_still_expires() -> None:
    """The row is settled while the survey is complete; a correction then opens a question without one."""
    world = World()
    world.ask(ANN)
    world.later(days=6, hours=23, minutes=55)
    world.tap("😀")
    world.later(minutes=10)
    assert not any(due.kind == "expire" for due in world.store.due_rows.values())
    world.tap("Change")
    world.tap("😞")
    key = f"expire:{world.conversation().id}"
    assert world.store.due_rows[key] == Due(
        key=key, kind="expire", ref=world.conversation().id, due_at=world.now + timedelta(hours=24)
    )
    world.later(hours=24)
    assert world.conversation().status == "expired"


def test_the_test_shop_starts_by_day() -> None:
    assert World().now == START
