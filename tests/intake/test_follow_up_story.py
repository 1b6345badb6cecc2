"""The whole story of an unhappy customer, and what agents and customers say to each other on the way."""

import pytest
from msgspec.structs import replace

from bot.ids import CaseId
from bot.messages import Address, Attachment, Card, ChannelName, Left, NotDelivered, Relay, Resolve, Returned, Wrote
from bot.ports import KeepWords
from tests.intake.world import AGENTS, ANN, SETTINGS, World

MAI, NAM = AGENTS
DONE = Resolve(cause="product", action="sent a new one")


def talking(agent: Address = MAI) -> tuple[World, str]:
    """A customer who rated 1, said why, and was answered."""
    world = World()
    world.ask(ANN)
    world.write("1, it is broken")
    world.tap("Skip")
    case = world.case().id
    world.press(case, "claim", agent)
    world.say_in_thread(case, "We are sorry! Which one is it?", agent)
    world.deliver()
    return world, case


def said(world: World, case: str) -> list[tuple[str, str]]:
    return [(remark.author, remark.text) for remark in world.thread(case)]


def test_from_the_first_rating_to_recovered() -> None:
    world, case = talking()
    assert world.case().state == "contacted"
    assert world.heard()[-1] == "We are sorry! Which one is it?"
    relay = world.messages()[-1]
    assert (relay.kind, relay.thread, relay.lane) == ("relay", f"alert:{case}", "web:ann")
    world.write("The blue one")
    assert said(world, case) == [("A customer", "The blue one")]
    assert world.thread(case)[0].mentions == ("U1",)

    assert world.do(case, DONE).said.kind == "done"
    world.later(hours=23)
    assert "asked" not in world.notes()
    world.later(hours=1)
    assert world.case().asked_resolution == 1
    assert world.tap("Not yet").said.kind == "not_fixed"
    reopened = world.case()
    assert (reopened.state, reopened.owner, reopened.priority, reopened.resolution) == ("reopened", MAI, "urgent", 1)
    assert world.heard()[-1] == "We are sorry that it is still not right. What is still wrong?"
    world.write("It is broken again")
    assert said(world, case)[-1] == ("A customer", "It is broken again")

    world.do(case, DONE)
    world.later(hours=24)
    assert world.tap("Yes").said.kind == "fixed"
    assert (world.case().state, world.case().closed_at) == ("recovered", world.now)
    assert world.heard()[-1].startswith("Thank you for telling us!")
    assert world.notes() == [
        "opened", "commented", "claimed", "replied", "answered", "resolved", "asked", "not_fixed", "answered",
        "resolved", "asked", "recovered",
    ]  # fmt: skip
    assert world.thread(case)[-1].text == "The customer says that it is fixed. The case is recovered."
    assert not [due for due in world.store.due_rows.values() if due.ref == case], "nothing is left to wait for"
    assert [message.slot for message in world.messages() if message.slot.startswith("fixed:")] == [
        f"fixed:{case}:1", f"fixed:{case}:1", f"fixed:{case}:2", f"fixed:{case}:2"
    ]  # fmt: skip


# ---- from the agents ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["// he called before", "  //careful", "\n// x"])
def test_what_begins_with_two_slashes_stays_among_the_agents(text: str) -> None:
    world, case = talking()
    before = len(world.messages())
    outcome = world.say_in_thread(case, text)
    assert (outcome.said.kind, outcome.writes) == ("kept_internal", ())
    assert len(world.messages()) == before


def test_threads_that_are_none_of_ours_cost_nothing() -> None:
    world, case = talking()
    elsewhere = Address(channel=ChannelName("slack-eu"), key="U1")
    events = {
        "unknown_thread": replace(world.in_thread(case, "Lunch?"), thread="1700000000.0001"),
        "kept_internal": replace(world.in_thread(case, "// Lunch?"), thread="1700000000.0001"),
        # another workspace with a message of the same id
        "nothing": replace(world.in_thread(case, "Lunch?"), agent=elsewhere),
    }
    world.store.posted_on["alert:other"] = elsewhere.channel
    world.store.remotes["alert:other"] = events["nothing"].thread
    world.store.cases[CaseId("other")] = replace(world.case(case), id=CaseId("other"))
    for kind, event in events.items():
        outcome = world.handle(event)
        assert (outcome.said.kind, outcome.writes) == (kind, ())
        assert event.event not in world.store.seen


def test_files_of_agents_are_not_passed_on_but_their_words_are() -> None:
    world, case = talking()
    photo = (Attachment(kind="photo", reference="F1"),)
    assert world.handle(world.in_thread(case, "See here", attachments=photo)).said.kind == "text_only"
    assert world.heard()[-1] == "See here"
    outcome = world.handle(world.in_thread(case, " ", attachments=photo))
    assert (outcome.said.kind, outcome.writes) == ("text_only", ())


def test_what_was_said_from_elsewhere_stands_in_the_thread_too() -> None:
    world, case = talking()
    world.do(case, Relay(text="It is on its way"), NAM)
    assert said(world, case) == [("U2", "It is on its way")]
    assert world.case().owner == MAI


def test_who_opted_out_is_still_answered_and_heard() -> None:
    world, case = talking()
    world.write("STOP")
    assert world.do(case, Relay(text="All right. Did it arrive?")).said.kind == "done"
    world.write("Not yet")
    assert said(world, case)[-1] == ("A customer", "Not yet")
    customer = world.store.customer_at(ANN)
    assert customer is not None
    assert customer.opted_out_at is not None


def test_what_did_not_arrive_is_told_in_the_thread() -> None:
    world, case = talking()
    lost = NotDelivered(event="n1", case=world.case().id, slot="relay:x", why="blocked by the user", at=world.now)
    world.handle(lost)
    assert world.thread(case)[-1].text == "The answer did not reach the customer: they blocked us"
    assert world.thread(case)[-1].mentions == ("U1",)
    assert world.handle(lost).said.kind == "duplicate"
    assert world.notes().count("undelivered") == 1
    gone = NotDelivered(event="n2", case=world.case().id.replace("0", "9"), slot="x", why="x", at=world.now)  # type: ignore[arg-type]
    assert world.handle(gone).writes == ()


def test_who_came_back_can_be_answered_again() -> None:
    world, case = talking()
    world.handle(Left(event="l1", sender=ANN, at=world.now))
    assert world.say_in_thread(case, "Hello?").said.kind == "unreachable"
    world.handle(Returned(event="r1", sender=ANN, at=world.now))
    assert world.say_in_thread(case, "Hello?").said.kind == "done"


# ---- from the customer ----------------------------------------------------------------------------------------


def test_words_before_anybody_answered_are_in_the_alert_and_in_the_thread() -> None:
    world = World()
    world.ask(ANN)
    world.write("1, it is broken")
    world.tap("Skip")
    case = world.case().id
    assert said(world, case) == [], "the alert that goes out shows them"
    world.write("Hello?")
    assert said(world, case) == [("A customer", "Hello?")]
    assert world.notes()[-1] == "commented"


def test_files_of_the_customer_come_along() -> None:
    world, case = talking()
    photo = Attachment(kind="photo", reference="AgAC")
    world.handle(Wrote(event="p1", sender=ANN, text="see", at=world.now, attachments=(photo,)))
    remark = world.thread(case)[-1]
    assert (remark.text, remark.attachments, remark.source) == ("see", (photo,), ANN.channel)
    assert [words.text for words in world.store.words.values()][-1] == "see [photo]"


def test_each_picture_of_an_album_comes_along() -> None:
    world, case = talking()
    photos = [Attachment(kind="photo", reference=f"P{number}") for number in range(4)]
    for photo in photos:
        event = f"part of {photo.reference}"
        world.handle(Wrote(event=event, sender=ANN, text="", at=world.now, attachments=(photo,), group="album"))
    assert [remark.attachments for remark in world.thread(case)[-4:]] == [(photo,) for photo in photos]


def test_what_the_customer_changes_afterwards_comes_along_once() -> None:
    world, case = talking()
    world.write("it cme in two")
    for event, text in (("c1", "it came in two"), ("c2", "it came in two")):
        world.handle(Wrote(event=event, sender=ANN, text=text, at=world.now, manner="edited"))
    assert [(remark.author, remark.text) for remark in world.thread(case)[-2:]] == [
        ("A customer", "it cme in two"),
        ("A customer (edited)", "it came in two"),
    ]
    assert [words.text for words in world.store.words.values()][-1] == "[edited] it came in two"


CHANGES = {
    "what was sent": ("We send it again", "We send two", "kept_as_sent"),
    "what was sent, into a note": ("We send it again", "// We send it again", "kept_as_sent"),
    "a note": ("// we send it again", "We send it again", "note_not_sent"),
    "a note within a note": ("// we", "// we all", "nothing"),
    "words beside a file": ("", "See the picture", "note_not_sent"),
}


@pytest.mark.parametrize(("was", "text", "kind"), CHANGES.values(), ids=CHANGES)
def test_a_change_of_an_agents_words_reaches_nobody(was: str, text: str, kind: str) -> None:
    world, case = talking()
    heard = world.heard()
    outcome = world.handle(replace(world.in_thread(case, text), was=was))
    assert (outcome.said.kind, outcome.writes, world.heard()) == (kind, (), heard)
    elsewhere = replace(world.in_thread(case, text), was=was, thread="1700000000.0001")
    assert world.handle(elsewhere).said.kind == "nothing"


def survey_and_agent(world: World) -> tuple[str, str]:
    """A survey that waits for a score beside an older case; returns the case and the survey."""
    case = world.case().id
    world.later(days=100)
    world.ask(ANN, "delivery")
    return case, world.conversation().id


def test_a_relay_breaks_no_survey() -> None:
    world, _ = talking()
    case, survey = survey_and_agent(world)
    world.later(minutes=1)
    world.say_in_thread(case, "Did the new one arrive?")
    waiting = world.conversation()
    world.write("Yes, but what is this question?")
    assert world.conversation() == waiting, "the survey did not hear that, and does not ask again"
    assert said(world, case)[-1] == ("A customer", "Yes, but what is this question?")
    world.write("9")
    assert {question for _, question in world.store.answers if _ == survey} == {"nps"}
    world.write("The packing")
    assert world.conversation().id == survey


def test_what_is_said_to_a_survey_is_heard_by_the_agent_who_talks() -> None:
    world, _ = talking()
    case, survey = survey_and_agent(world)
    world.write("3, and nobody called")
    assert said(world, case)[-1] == ("A customer", "3, and nobody called")
    assert {question for id, question in world.store.answers if id == survey} >= {"nps"}
    assert world.notes(case)[-1] == "answered"


def test_words_beside_feedback_reach_the_agent_who_talks() -> None:
    world, case = talking()
    outcome = world.command("feedback", ANN, "and the box was open")
    assert said(world, case)[-1] == ("A customer", "and the box was open")
    assert sum(isinstance(write, KeepWords) for write in outcome.writes) == 1


def test_a_case_hears_its_customer_for_three_days_after_its_end() -> None:
    world, case = talking()
    world.do(case, DONE)
    world.later(hours=24)
    world.tap("Yes")
    world.later(days=3)
    world.write("One more thing")
    assert said(world, case)[-1] == ("A customer", "One more thing")
    world.later(seconds=1)
    world.write("And another")
    assert said(world, case)[-1] == ("A customer", "One more thing")
    assert world.say_in_thread(case, "Hello?").said.kind == "case_closed"


def test_without_a_desk_customers_are_heard_all_the_same() -> None:
    world = World(replace(SETTINGS, followup=None))
    world.ask(ANN)
    world.write("1, it is broken")
    case, lan = world.case().id, Address(channel=ChannelName("api"), key="lan")
    assert world.do(case, Relay(text="Sorry!"), lan).said.kind == "done"
    world.write("Thanks")
    assert world.do(case, DONE, lan).said.kind == "done"
    world.later(hours=24)
    assert world.tap("Yes").said.kind == "fixed"
    assert world.thread(case) == []
    assert isinstance(world.messages()[0].content, Card)


def test_the_comment_card_starts_no_cool_down() -> None:
    world = World()
    world.command("feedback")
    world.tap("😀")
    assert world.store.shown == {}
    world.later(minutes=1)
    world.ask(ANN)
    assert world.store.decisions[-1].verdict == "asked"
    world.later(minutes=1)
    world.tap("😀")
    world.ask(ANN)
    assert world.store.decisions[-1].rule == "cool-down"
