"""What follows when somebody uses a link: who they are, what begins, and what is answered once."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.config import PageSettings
from bot.ids import ConversationId, CustomerId
from bot.intake import linked
from bot.messages import Address, Card, ChannelName, Commanded, Profile
from bot.ports import Customer, Facts, KeepLink, KnownFrom, Link, MergeCustomers, Outcome, SaveConversation
from tests.intake.world import ANN, BEN, SETTINGS, START, World, at_once

PAGE = Address(channel=ChannelName("page"), key="p" * 22)
WITH_PAGE = replace(SETTINGS, channels=(*SETTINGS.channels, PageSettings(name=PAGE.channel)))
ID = "A-link_of_22characters"


@pytest.fixture
def world() -> World:
    return World(WITH_PAGE)


def given(world: World, **more: object) -> Link:
    link = Link(**{"id": ID, "flow": "support", "made_at": START, **more})  # type: ignore[arg-type]
    at_once(world.store.links.keep(link))
    return link


def use(world: World, who: Address = ANN, *, id: str = ID, reference: str = "", language: str | None = None) -> Outcome:
    event = Commanded(
        event=f"e{world.number()}",
        sender=who,
        command="start",
        argument=f"{id} {reference}".rstrip(),
        at=world.now,
        profile=Profile(language=language),
    )
    outcome = world.handle(event)
    world.deliver()
    return outcome


def customer_at(world: World, who: Address) -> Customer:
    found = world.store.customer_at(who)
    assert found is not None
    return found


def cards(world: World, who: Address) -> list[str]:
    return [each.content.text for each in world.messages(who) if isinstance(each.content, Card)]


# ---- a link for everybody ---------------------------------------------------------------------------------


@pytest.mark.parametrize("who", [ANN, BEN, PAGE])
def test_a_link_begins_its_flow_with_what_it_knows(world: World, who: Address) -> None:
    given(world, attributes={"agent": "Minh"}, locale="vi")
    assert use(world, who).said.kind == "asked"
    conversation = world.conversation(who)
    assert (conversation.locale, dict(conversation.attributes)) == ("vi", {"agent": "Minh"})
    assert (world.decision().trigger, world.verdict()) == ("link", ("asked", "the customer wanted to"))


def test_words_that_spell_the_command_use_the_link_too(world: World) -> None:
    given(world)
    world.write(f"/start {ID}")
    assert world.conversation().status == "waiting"


def test_many_may_use_it_and_each_anew(world: World) -> None:
    given(world)
    for who in (ANN, BEN, ANN):
        use(world, who)
        world.later(minutes=5)
        world.tap("😀", who)
    assert len(world.store.conversations) == 3
    assert world.store.links.rows[ID].conversation is None


def test_the_name_of_a_dealing_beside_it_proves_nothing(world: World) -> None:
    other = Customer(id=CustomerId("c" * 16), reference="T-81")
    world.store.customers[other.id] = other
    given(world)
    use(world, PAGE, reference="T-81")
    assert dict(world.conversation(PAGE).attributes) == {"reference": "T-81"}
    assert customer_at(world, PAGE).id != other.id
    assert customer_at(world, PAGE).reference is None


def test_what_the_company_says_of_the_dealing_counts_for_more(world: World) -> None:
    given(world, attributes={"reference": "ours"})
    use(world, PAGE, reference="anybody's")
    assert world.conversation(PAGE).attributes["reference"] == "ours"


def test_a_page_asks_once_however_often_it_is_sent(world: World) -> None:
    given(world)
    first = use(world, PAGE)
    again = use(world, PAGE)
    assert (again.said.kind, again.ref, len(again.writes)) == ("asked", first.ref, 0)
    world.tap("😀", PAGE)
    world.write("All fine", PAGE)
    later = use(world, PAGE)
    assert (later.said.kind, later.ref, len(later.writes)) == ("already_counted", first.ref, 0)
    assert len(world.store.conversations) == 1


def test_a_page_that_nobody_answered_in_time_asks_again(world: World) -> None:
    given(world)
    first = use(world, PAGE)
    world.later(days=8)
    assert world.conversation(PAGE).status == "expired"
    assert use(world, PAGE).ref not in ("", first.ref)


# ---- a link for one ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", [ANN, BEN, PAGE])
def test_a_personal_link_proves_who_uses_it(world: World, who: Address) -> None:
    given(world, customer="C-1")
    outcome = use(world, who)
    assert customer_at(world, who).reference == "C-1"
    assert world.store.links.rows[ID].conversation == ConversationId(outcome.ref)


def test_an_address_that_is_new_joins_the_customer_of_the_reference(world: World) -> None:
    given(world, customer="C-1")
    use(world, PAGE)
    known = customer_at(world, PAGE)
    given(world, customer="C-1", id="B-link_of_22characters")
    use(world, BEN, id="B-link_of_22characters")
    assert customer_at(world, BEN).id == known.id
    assert customer_at(world, BEN).reachable


def test_a_customer_who_was_two_becomes_one(world: World) -> None:
    world.write("Hello", ANN)
    stranger = customer_at(world, ANN)
    given(world, customer="C-1")
    use(world, BEN)
    known = customer_at(world, BEN)
    given(world, customer="C-1", id="B-link_of_22characters")
    use(world, ANN, id="B-link_of_22characters")
    assert stranger.id != known.id
    assert customer_at(world, ANN).id == customer_at(world, BEN).id == known.id
    assert stranger.id not in world.store.customers


def test_an_address_that_is_another_customers_stays_theirs(world: World) -> None:
    given(world, customer="C-1")
    use(world, ANN)
    given(world, customer="C-2", id="B-link_of_22characters")
    use(world, BEN, id="B-link_of_22characters")
    given(world, customer="C-2", id="C-link_of_22characters")
    use(world, ANN, id="C-link_of_22characters")
    assert customer_at(world, ANN).reference == "C-1"
    assert customer_at(world, BEN).reference == "C-2"


def test_who_comes_back_before_answering_is_asked_again_and_not_twice(world: World) -> None:
    given(world, customer="C-1")
    first = use(world, BEN)
    world.later(minutes=10)
    again = use(world, BEN)
    assert (again.said.kind, again.ref) == ("asked", first.ref)
    assert len(cards(world, BEN)) == 2
    assert len(world.store.conversations) == 1
    world.tap("😀", BEN)
    assert world.conversation(BEN).answers
    assert world.verdict() == ("not asked", "a survey is under way")


@pytest.mark.parametrize("elsewhere", [BEN, ANN])
def test_what_was_answered_is_answered_on_every_channel(world: World, elsewhere: Address) -> None:
    given(world, customer="C-1")
    use(world, PAGE)
    world.tap("😀", PAGE)
    world.deliver()
    told = use(world, elsewhere)
    assert told.said.kind == "already_counted"
    assert "already received your answer" in world.heard(elsewhere)[-1]
    assert cards(world, elsewhere) == []
    assert len(world.store.conversations) == 1
    assert world.verdict() == ("not asked", "answered before")


@pytest.mark.parametrize("answered", [True, False])
@pytest.mark.parametrize(("first", "second"), [(PAGE, BEN), (BEN, ANN), (ANN, PAGE)])
def test_who_a_used_link_was_forwarded_to_is_joined_to_nobody(
    world: World, answered: bool, first: Address, second: Address
) -> None:
    given(world, customer="C-1", locale="vi")
    use(world, first)
    if answered:
        world.tap("😕", first)
        world.deliver()
    owner, begun = customer_at(world, first), world.conversation(first)
    outcome = use(world, second)
    assert outcome.said.kind == ("already_counted" if answered else "not_asked")
    assert ("already received your answer" if answered else "no longer valid") in world.heard(second)[-1]
    stranger = customer_at(world, second)
    assert (stranger.id != owner.id, stranger.reference, stranger.locale) == (True, None, None)
    assert list(world.store.conversations) == [begun.id]
    assert world.store.conversations[begun.id] == begun
    assert world.store.links.rows[ID].conversation == begun.id
    assert world.decision().customer == stranger.id
    world.write("STOP", second)
    assert customer_at(world, first).opted_out_at is None
    assert customer_at(world, second).opted_out_at is not None


def test_who_was_known_before_is_not_merged_by_a_link_that_another_used(world: World) -> None:
    world.write("Hello", BEN)
    known = customer_at(world, BEN)
    given(world, customer="C-1")
    use(world, PAGE)
    use(world, BEN)
    assert customer_at(world, BEN) == known
    assert customer_at(world, PAGE).id != known.id


def test_what_another_began_since_it_was_looked_up_is_not_begun_twice(world: World) -> None:
    """Between the look at a link and the decision about it, another address was quicker."""
    given(world, customer="C-1")
    use(world, PAGE)
    kept = world.store.links.rows[ID]
    event = Commanded(event="late", sender=BEN, command="start", argument=ID, at=world.now)
    moment = world.intake._moment()
    carried = linked.carried_by(event, moment)
    assert carried is not None
    outcome = linked.decide(carried, event, Facts(link=kept), moment)
    assert not any(isinstance(write, SaveConversation | KeepLink | MergeCustomers) for write in outcome.writes)


def test_who_opted_out_and_uses_a_link_is_asked_and_stays_opted_out(world: World) -> None:
    world.write("STOP", BEN)
    given(world, customer="C-1")
    assert use(world, BEN).said.kind == "asked"
    assert customer_at(world, BEN).opted_out_at is not None


# ---- the language -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "spoken"), [("customer", "it"), ("report", "it"), ("link", "vi"), ("profile", "vi"), (None, "it")]
)
def test_a_link_never_overrules_a_surer_source_of_the_language(
    world: World, source: KnownFrom | None, spoken: str
) -> None:
    known = Customer(id=CustomerId("c" * 16), reference="C-1", locale="it", locale_source=source)
    world.store.customers[known.id] = known
    given(world, customer="C-1", locale="vi")
    use(world, BEN, language="pl")
    assert customer_at(world, BEN).locale == spoken
    assert world.conversation(BEN).locale == spoken


# ---- links that are none ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("link", "detail"),
    [
        pytest.param(None, "unknown", id="unknown"),
        pytest.param({"expires_at": START}, "expired", id="expired"),
        pytest.param({"flow": "gone"}, "its flow is gone", id="flow"),
    ],
)
def test_a_link_that_leads_nowhere_is_answered_politely(
    world: World, link: dict[str, object] | None, detail: str
) -> None:
    if link is not None:
        given(world, **link)
    outcome = use(world, BEN)
    assert outcome.said.kind == "not_asked"
    assert "no longer valid" in world.heard(BEN)[-1]
    assert world.store.conversations == {}
    assert world.decision().inputs["detail"] == detail
    assert world.decision().verdict == "not asked"


def test_a_link_still_leads_somewhere_until_its_end(world: World) -> None:
    given(world, expires_at=START + timedelta(seconds=1))
    assert use(world, BEN).said.kind == "asked"


def test_the_same_use_told_again_changes_nothing(world: World) -> None:
    given(world, customer="C-1")
    event = Commanded(event="e-same", sender=BEN, command="start", argument=ID, at=world.now)
    assert world.handle(event).said.kind == "asked"
    assert world.handle(event).said.kind == "duplicate"
    assert len(world.store.conversations) == 1


@pytest.mark.parametrize("argument", ["", "delivery", "short", f"{ID}x"])
def test_other_arguments_are_what_they_were(world: World, argument: str) -> None:
    given(world)
    world.command("start", BEN, argument)
    begun = [conversation.flow for conversation in world.store.conversations.values()]
    assert begun == ([flow.hash for flow in world.settings.flows if flow.flow.id == argument])
