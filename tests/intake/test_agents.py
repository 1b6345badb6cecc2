"""What agents do with a case, and what they are told."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.followup.clocks import Hours, Team
from bot.followup.templates import Cause, Template
from bot.messages import (
    Address,
    Assign,
    ChannelName,
    Claim,
    Deed,
    Left,
    Profile,
    Relay,
    Release,
    Resolve,
    Snooze,
)
from bot.ports import Form, Outcome
from tests.intake.world import AGENTS, ANN, BEN, SETTINGS, START, World

MAI, NAM = AGENTS


def unhappy() -> tuple[World, str]:
    world = World()
    world.ask(ANN)
    world.tap("😞")
    world.later(minutes=2)
    (case,) = world.store.cases
    return world, case


def told(outcome: Outcome) -> tuple[str, str]:
    return outcome.said.kind, outcome.said.text


def edits(world: World) -> int:
    return sum(
        row.outbound.slot.startswith("alert:") and row.outbound.kind == "edit" for row in world.store.queue.values()
    )


def test_a_claim_edits_the_alert() -> None:
    world, case = unhappy()
    assert told(world.handle(world.pressed(case, MAI))) == ("claimed", "U1")
    (kept,) = world.store.cases.values()
    assert (kept.state, kept.owner, kept.claimed_at) == ("claimed", MAI, world.now)
    assert edits(world) == 1
    assert [(note.what, note.who) for note in world.store.notes] == [("opened", None), ("claimed", "U1")]


def test_a_second_press_of_the_same_agent_changes_nothing() -> None:
    world, case = unhappy()
    world.handle(world.pressed(case, MAI))
    again = world.handle(world.pressed(case, MAI))
    assert (told(again), again.writes) == (("claimed", "U1"), ())


def test_a_second_agent_is_told_who_was_first() -> None:
    world, case = unhappy()
    world.handle(world.pressed(case, MAI))
    assert told(world.handle(world.pressed(case, NAM))) == ("already_claimed", "U1")
    assert edits(world) == 1


def test_two_claims_at_once_have_one_owner() -> None:
    world, case = unhappy()
    first = world.pressed(case, NAM)
    world.store.meanwhile = lambda: world.handle(first)
    assert told(world.handle(world.pressed(case, MAI))) == ("already_claimed", "U2")
    assert edits(world) == 1


def test_a_claim_while_the_customer_changes_their_mind() -> None:
    world, case = unhappy()
    world.tap("Change")
    world.store.meanwhile = lambda: world.tap("😀")
    assert told(world.handle(world.pressed(case, MAI))) == ("case_closed", "")
    (kept,) = world.store.cases.values()
    assert (kept.state, kept.owner) == ("withdrawn", None)


def test_a_claimed_case_goes_back_to_its_owner_when_it_opens_again() -> None:
    world, case = unhappy()
    world.handle(world.pressed(case, MAI))
    for face in ("😀", "😕"):
        world.tap("Change")
        world.tap(face)
    (kept,) = world.store.cases.values()
    assert (kept.state, kept.owner, kept.score) == ("claimed", MAI, 2)


@pytest.mark.parametrize(
    ("agent", "case", "action", "kind"),
    [
        (MAI, "0000000000009999", "claim", "no_case"),
        (Address(channel=ChannelName("slack-eu"), key="U1"), "", "claim", "no_case"),
        (MAI, "", "delete", "unknown_button"),
        (MAI, "", "use:gone", "unknown_button"),
    ],
    ids=["a case that is gone", "another workspace", "an action of another release", "a template that is gone"],
)
def test_presses_that_mean_nothing(agent: Address, case: str, action: str, kind: str) -> None:
    world, id = unhappy()
    outcome = world.press(case or id, action, agent)
    assert (outcome.said.kind, outcome.writes) == (kind, ())


def test_a_press_that_comes_twice_is_one() -> None:
    world, case = unhappy()
    press = world.pressed(case, MAI)
    world.handle(press)
    assert world.handle(press).said.kind == "duplicate"


def test_a_claim_before_the_alert_is_in_the_alert() -> None:
    """The dashboard may show a case while its alert is still held."""
    world = World()
    world.write("hi", BEN)
    world.ask(BEN)
    world.tap("😞", BEN)
    (case,) = world.store.cases
    world.handle(world.pressed(case, MAI))
    assert edits(world) == 0
    world.later(minutes=2)
    posts = [row for row in world.store.queue.values() if row.outbound.slot == f"alert:{case}"]
    assert [row.outbound.kind for row in posts] == ["post"]


# ---- deeds ----------------------------------------------------------------------------------------------------

WEB = Address(channel=ChannelName("api"), key="lan")
NOT_OURS = Address(channel=ChannelName("slack-eu"), key="U1")


def resolve(action: str = "sent a new one", cause: str = "product") -> Resolve:
    return Resolve(cause=cause, action=action)


def test_only_the_owner_may_release() -> None:
    world, case = unhappy()
    world.press(case, "claim", MAI)
    assert told(world.press(case, "release", NAM)) == ("not_owner", "U1")
    assert told(world.press(case, "release", MAI)) == ("done", "")
    assert (world.case().state, world.case().owner) == ("open", None)
    assert told(world.press(case, "release", MAI)) == ("done", ""), "what is so already is done"
    assert world.notes() == ["opened", "claimed", "released"]


def test_whoever_gets_a_case_from_somebody_hears_of_it() -> None:
    world, case = unhappy()
    assert told(world.do(case, Assign(to=NAM, to_name="Nam"), MAI)) == ("done", "Nam")
    assert (world.case().state, world.case().owner, world.case().owner_name) == ("claimed", NAM, "Nam")
    assert [(remark.text, remark.mentions) for remark in world.thread(case)] == [
        ("U1 assigned the case to Nam", ("U2",))
    ]
    world.do(case, Assign(to=MAI, to_name="Mai"), MAI)
    assert len(world.thread(case)) == 1, "who takes it knows it"
    assert told(world.do(case, Assign(to=MAI, to_name=" "), MAI)) == ("empty", "to")


def test_an_agent_of_the_api_may_do_everything() -> None:
    world, case = unhappy()
    assert told(world.do(case, Claim(), WEB)) == ("claimed", "lan")
    assert told(world.do(case, Relay(text="Sorry!"), WEB)) == ("done", "lan")
    world.write("Thanks")
    assert world.thread(case)[-1].mentions == (), "a name of the API means nobody in Slack"
    assert told(world.do(case, resolve(), WEB)) == ("done", "lan")


def test_another_workspace_may_do_nothing() -> None:
    world, case = unhappy()
    for deed in (Claim(), Release(), Relay(text="x"), resolve(), Snooze(until=None), Assign(to=NAM, to_name="N")):
        outcome = world.do(case, deed, NOT_OURS)
        assert (outcome.said.kind, outcome.writes) == ("no_case", ())


@pytest.mark.parametrize("deed", [Relay(text="We are sorry"), resolve()], ids=["speaks", "resolves"])
def test_who_acts_on_a_case_that_nobody_has_takes_it(deed: Deed) -> None:
    world, case = unhappy()
    world.do(case, deed, NAM)
    assert (world.case().owner, world.case().owner_name) == (NAM, "U2")


REFUSED: dict[str, tuple[Deed, str, str]] = {
    "no words": (Relay(text=" \n"), "empty", "text"),
    "too many words": (Relay(text="x" * 3_001), "too_long", "text"),
    "no action": (resolve(" "), "empty", "action"),
    "too long an action": (resolve("x" * 501), "too_long", "action"),
    "no cause": (resolve(cause=""), "empty", "cause"),
    "an unknown cause": (resolve(cause="moon"), "empty", "cause"),
    "a snooze in the past": (Snooze(until=START), "in_the_past", "until"),
    "a snooze for ever": (Snooze(until=START + timedelta(days=32)), "too_long", "until"),
}


@pytest.mark.parametrize(("deed", "kind", "field"), REFUSED.values(), ids=REFUSED)
def test_deeds_that_are_not_complete(deed: Deed, kind: str, field: str) -> None:
    world, case = unhappy()
    outcome = world.do(case, deed)
    assert (told(outcome), outcome.writes) == ((kind, field), ())


@pytest.mark.parametrize("text", ["x" * 3_000, "  x  "])
def test_words_that_may_just_go(text: str) -> None:
    world, case = unhappy()
    assert told(world.do(case, Relay(text=text))) == ("done", "U1")
    assert world.heard() == [text.strip()]


def test_nothing_is_left_to_do_in_a_resolved_case_but_to_speak() -> None:
    world, case = unhappy()
    world.do(case, resolve())
    for deed in (Claim(), Release(), Snooze(until=None), resolve()):
        assert told(world.do(case, deed, NAM)) == ("already_resolved", "U1")
    for action in ("resolve", "snooze:custom", "snooze:1h"):
        assert world.press(case, action).said.kind == "already_resolved"
    assert world.do(case, Relay(text="Did it arrive?"), NAM).said.kind == "done"
    assert world.case().state == "resolved"


def test_who_resolved_a_case_is_named_and_not_whose_it_is() -> None:
    world, case = unhappy()
    world.press(case, "claim", MAI)
    world.do(case, resolve(), NAM)
    for deed in (Claim(), Release(), Snooze(until=None), resolve()):
        assert told(world.do(case, deed, MAI)) == ("already_resolved", "U2")


def test_a_closed_case_is_told_to_be_closed() -> None:
    world, case = unhappy()
    world.tap("Change")
    world.tap("😀")
    for deed in (Claim(), Release(), Assign(to=NAM, to_name="N"), Snooze(until=None), resolve()):
        outcome = world.do(case, deed)
        assert (outcome.said.kind, outcome.writes) == ("case_closed", ())
    assert world.do(case, Relay(text="Thank you! Was there anything else?")).said.kind == "done"
    world.later(days=4)
    assert world.do(case, Relay(text="Nobody would read the answer")).said.kind == "case_closed"
    for action in ("claim", "reply", "resolve", "snooze:custom"):
        assert world.press(case, action).said.kind == "case_closed"


def test_two_resolves_at_once_have_one_winner() -> None:
    world, case = unhappy()
    first = world.did(case, resolve("one"), NAM)
    world.store.meanwhile = lambda: world.handle(first)
    assert told(world.do(case, resolve("two"), MAI)) == ("already_resolved", "U2")
    assert (world.case().action, world.case().resolution) == ("one", 1)


def test_a_deed_that_comes_twice_is_one() -> None:
    world, case = unhappy()
    for event in (world.did(case, Relay(text="Sorry!")), world.in_thread(case, "And again")):
        assert world.handle(event).said.kind == "done"
        again = world.handle(event)
        assert (again.said.kind, again.writes) == ("duplicate", ())
    assert world.heard() == ["Sorry!", "And again"]


def test_every_deed_edits_the_alert_once_and_leaves_one_line() -> None:
    world, case = unhappy()
    deeds: list[Deed] = [
        Claim(), Release(), Assign(to=NAM, to_name="N"), Snooze(until=None), Relay(text="x"), resolve()
    ]  # fmt: skip
    for count, deed in enumerate(deeds, start=1):
        world.deliver()
        world.do(case, deed)
        assert edits(world) == count
    assert world.notes() == ["opened", "claimed", "released", "assigned", "snoozed", "replied", "resolved"]


def test_the_history_repeats_only_the_beginning_of_what_was_said() -> None:
    world, case = unhappy()
    world.do(case, Relay(text="word " * 100))
    (note,) = [note for note in world.store.notes if note.what == "replied"]
    assert (len(note.detail), note.detail[-1]) == (80, "…")


def test_words_to_the_customer_end_the_hold() -> None:
    """What is said of them must have an alert to stand under."""
    world = World()
    world.ask(ANN)
    world.tap("😞")
    case = world.case().id
    assert not world.case().alerted
    world.do(case, Relay(text="Sorry!"))
    assert world.case().alerted
    assert f"alert:{case}" not in world.store.due_rows


# ---- forms ----------------------------------------------------------------------------------------------------


def form_of(outcome: Outcome) -> Form:
    assert outcome.said.kind == "form"
    assert outcome.said.form is not None
    return outcome.said.form


def test_the_reply_form_has_the_templates_for_this_customer() -> None:
    sorry = Template(id="sorry", kind="apology", title="Sorry", text={"en": "Dear {customer|customer}, sorry. {agent}"})
    returns = Template(id="returns", kind="policy", title="Returns", text={"en": "{company} takes it back."})
    followup = replace(SETTINGS.followup, templates=(sorry, returns)) if SETTINGS.followup else None
    world = World(replace(SETTINGS, followup=followup))
    world.handle(world.wrote("hi", profile=Profile(name="Ann")))
    world.ask(ANN)
    world.write("1, it took\nan hour " + "x" * 400)
    case = world.case().id
    form = form_of(world.press(case, "reply", NAM))
    assert (form.kind, form.case, form.title, form.text) == ("reply", case, "Ann", "")
    assert form.about.startswith("it took an hour xxx")
    assert len(form.about) == 300
    assert [(option.id, option.kind, option.text) for option in form.options] == [
        ("sorry", "apology", "Dear Ann, sorry. U2"),
        ("returns", "policy", "Lotus takes it back."),
    ]
    assert form_of(world.press(case, "use:returns", NAM)).text == "Lotus takes it back."
    assert world.notes() == ["opened", "commented"], "to open a form is no deed"


def test_the_resolve_form_has_the_causes() -> None:
    world, case = unhappy()
    form = form_of(world.press(case, "resolve"))
    assert (form.kind, form.options[0].id, form.about) == ("resolve", "product", "")
    followup = replace(SETTINGS.followup, causes=(Cause(id="late", title="Late"),)) if SETTINGS.followup else None
    world.settings = replace(SETTINGS, followup=followup)
    assert [option.id for option in form_of(world.press(case, "resolve")).options] == ["late"]
    assert told(world.do(case, resolve(cause="product"))) == ("empty", "cause")
    assert told(world.do(case, resolve(cause="late"))) == ("done", "U1")
    assert world.store.notes[-1].detail == "Late>sent a new one"


def test_the_snooze_form_proposes_a_time_in_the_teams_zone() -> None:
    world, case = unhappy()
    team = Team(name="support", hours=Hours(time_zone="Asia/Ho_Chi_Minh"))
    followup = replace(SETTINGS.followup, teams=(team,)) if SETTINGS.followup else None
    world.settings = replace(SETTINGS, followup=followup)
    form = form_of(world.press(case, "snooze:custom"))
    assert (form.kind, form.time_zone, form.until) == ("snooze", "Asia/Ho_Chi_Minh", START + timedelta(hours=3.5))


def test_nobody_fills_in_a_form_for_somebody_who_is_gone() -> None:
    world, case = unhappy()
    world.handle(Left(event="left", sender=ANN, at=world.now))
    assert world.press(case, "reply").said.kind == "unreachable"
    outcome = world.do(case, Relay(text="Sorry!"))
    assert outcome.said.kind == "unreachable"
    assert not [message for message in world.messages() if message.kind == "relay"]


def test_a_form_tells_whether_the_customer_is_in_a_group() -> None:
    for who, group in ((ANN, False), (Address(channel=ANN.channel, key="-100/5512"), True)):
        world = World()
        world.ask(who)
        world.tap("😞", who)
        world.later(minutes=5)
        assert form_of(world.press(world.case().id, "reply")).group is group
