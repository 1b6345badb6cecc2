"""What customers' taps, words and commands lead to, and what they are told."""

import pytest
from msgspec.structs import replace

from bot.ids import CaseId
from bot.messages import (
    Address,
    Attachment,
    CaseToken,
    ChannelName,
    Left,
    Manner,
    Moved,
    Profile,
    Returned,
    Text,
    Unread,
    Wrote,
    format_token,
)
from tests.intake.world import ANN, BEN, SETTINGS, START, World

CAT = Address(channel=ChannelName("web"), key="cat")


def texts(world: World, who: Address = ANN) -> list[str]:
    return [message.content.text for message in world.messages(who) if isinstance(message.content, Text)]


# ---- taps ---------------------------------------------------------------------------------------------------


def test_an_answer_is_acknowledged_by_its_label() -> None:
    world = World()
    world.ask(ANN)
    said = world.tap("😞").said
    assert (said.kind, said.text, said.locale) == ("taken", "😞 1/5", "en")
    said = world.write("1, 3").said
    assert (said.kind, said.text) == ("taken", "Slow reply, Not solved")


def test_too_many_ticks_name_the_limit() -> None:
    world = World()
    world.ask(ANN)
    world.tap("😞")
    for label in ("Slow reply", "Not friendly"):
        assert world.tap(label).said.kind == "ticked"
    said = world.tap("Not solved").said
    assert (said.kind, said.text) == ("choose_fewer", "2")


def test_someone_elses_button() -> None:
    world = World()
    world.ask(ANN)
    outcome = world.handle(world.tapped(world.button("😀").token, CAT))
    assert (outcome.said.kind, outcome.writes) == ("not_yours", ())


TOKENS = {
    "nothing": "",
    "not ours": "callback:42",
    "a later version": "9.0k3f9x2m7q8d4h1z.1.5",
    "a conversation that is gone": "1.0k3f9x2m7q8d4h1z.1.5",
    "an agent's button": format_token(CaseToken(case=CaseId("0k3f9x2m7q8d4h1z"), action="claim")),
    "too long": "1." + "x" * 80,
    "a lone surrogate": "1.\ud800.1.5",
    "no number": "1.0k3f9x2m7q8d4h1z.x.5",
}


@pytest.mark.parametrize("token", TOKENS.values(), ids=TOKENS)
def test_buttons_of_another_maker(token: str) -> None:
    world = World()
    world.ask(ANN)
    outcome = world.handle(world.tapped(token))
    assert (outcome.said.kind, outcome.writes) == ("unknown_button", ())


def test_two_different_taps_at_once_have_one_winner() -> None:
    world = World()
    world.ask(ANN)
    happy, unhappy = (world.tapped(world.button(face).token) for face in ("😀", "😞"))
    world.store.meanwhile = lambda: world.handle(unhappy)
    assert world.handle(happy).said.kind == "already_counted"
    assert [row.score for row in world.store.answers.values()] == [1]
    assert len(world.store.stale_taps) == 1


def test_an_event_that_comes_twice_at_once_counts_once() -> None:
    world = World()
    world.ask(ANN)
    tap = world.tapped(world.button("😀").token)
    world.store.meanwhile = lambda: world.handle(tap)
    assert world.handle(tap).said.kind == "duplicate"
    assert sum(world.store.counts.values()) == 3  # all, channel and language


# ---- who ----------------------------------------------------------------------------------------------------


def test_a_first_word_is_welcomed_once() -> None:
    world = World()
    world.write("Hello")
    world.write("Hello again")
    assert len(texts(world)) == 1
    assert texts(world)[0].startswith("Hello, this is Lotus.")


LANGUAGES = {
    # what the channel says: the customer's language then
    None: None,
    "": None,
    "vi": "vi",
    "pt_BR": "pt-BR",
    " it ": "it",
    "<b>": None,
    "việt": None,
}


@pytest.mark.parametrize(("told", "kept"), LANGUAGES.items())
def test_the_language_that_a_channel_tells(told: str | None, kept: str | None) -> None:
    world = World()
    world.handle(world.wrote("hi", profile=Profile(name="Ann", language=told)))
    (customer,) = world.store.customers.values()
    assert (customer.locale, customer.name) == (kept, "Ann")


def test_the_language_that_the_business_reported_is_not_overridden_by_an_app() -> None:
    world = World()
    world.handle(world.wrote("hi", profile=Profile(language="it")))
    world.report(locale="vi")
    world.handle(world.wrote("hi", profile=Profile(language="en", name="Ann")))
    (customer,) = world.store.customers.values()
    assert (customer.locale, customer.locale_source, customer.name) == ("vi", "report", "Ann")


def test_the_language_of_an_app_is_known_as_such_and_may_change() -> None:
    world = World()
    world.handle(world.wrote("hi", profile=Profile(language="vi")))
    world.handle(world.wrote("hi", profile=Profile(language="en")))
    world.handle(world.wrote("hi"))
    (customer,) = world.store.customers.values()
    assert (customer.locale, customer.locale_source) == ("en", "profile")


def test_who_writes_can_be_reached_again() -> None:
    world = World()
    world.write("hi", BEN)
    world.store.reachable[BEN] = False
    world.write("hi", BEN)
    assert world.store.reachable[BEN]


def test_stop_is_heard_in_the_customers_own_language() -> None:
    """The survey is in English only; the customer is not."""
    world = World()
    world.handle(world.wrote("hi", profile=Profile(language="vi")))
    world.ask(ANN, "delivery")
    assert world.conversation().locale == "en"
    assert world.write("dừng lại").said.kind == "opted_out"
    assert world.conversation().status == "stopped"


# ---- opting out and in ---------------------------------------------------------------------------------------


def test_stop_ends_the_survey_and_is_confirmed_once() -> None:
    world = World()
    world.ask(ANN)
    world.tap("😞")
    assert world.write("STOP").said.kind == "opted_out"
    assert world.command("stop").said.kind == "opted_out"
    assert world.conversation().status == "stopped"
    assert len(texts(world)) == 1
    (customer,) = world.store.customers.values()
    assert customer.opted_out_at == world.now


def test_a_stranger_may_stop_too() -> None:
    world = World()
    world.write("stop")
    (customer,) = world.store.customers.values()
    assert customer.opted_out_at == world.now


@pytest.mark.parametrize("how", ["word", "command"])
def test_start_brings_back(how: str) -> None:
    world = World()
    world.write("stop")
    outcome = world.write("START") if how == "word" else world.command("start")
    assert outcome.said.kind == "opted_in"
    (customer,) = world.store.customers.values()
    assert customer.opted_out_at is None
    assert texts(world)[-1].startswith("Welcome back!")


def test_start_says_who_we_are() -> None:
    world = World()
    world.command("start")
    assert texts(world)[0].startswith("Hello, this is Lotus.")


START_ARGUMENTS = {
    # the link's argument: whether its flow starts
    "delivery": True,
    "support": False,  # not among the flows that a link may start
    "gone": False,
    "": False,
    "../../x": False,
}


@pytest.mark.parametrize(("argument", "starts"), START_ARGUMENTS.items())
def test_links_start_only_the_flows_that_they_may(argument: str, starts: bool) -> None:
    world = World()
    world.command("start", ANN, argument)
    assert bool(world.store.conversations) is starts


def test_without_commands_there_is_nothing_to_rate() -> None:
    world = World(replace(SETTINGS, commands=None))
    world.command("feedback")
    world.command("start", ANN, "delivery")
    assert texts(world)[0] == "There is nothing to rate at the moment."
    assert world.store.conversations == {}


def test_who_blocks_us_has_opted_out_and_hears_nothing() -> None:
    world = World()
    world.ask(ANN)
    sent = len(world.messages())
    world.handle(Left(event="l1", sender=ANN, at=world.now))
    (customer,) = world.store.customers.values()
    assert customer.opted_out_at == world.now
    assert not world.store.reachable[ANN]
    assert world.conversation().status == "stopped"
    assert len(world.messages()) == sent


def test_a_stranger_who_left() -> None:
    world = World()
    world.handle(Left(event="l1", sender=CAT, at=world.now))
    assert world.store.customers == {}


def test_who_unblocks_us_can_be_reached_and_stays_opted_out() -> None:
    world = World()
    world.write("hi")
    world.handle(Left(event="l1", sender=ANN, at=world.now))
    world.handle(Returned(event="r1", sender=ANN, at=world.now))
    (customer,) = world.store.customers.values()
    assert world.store.reachable[ANN]
    assert customer.opted_out_at is not None


def test_a_chat_with_a_new_key_keeps_its_survey() -> None:
    world = World()
    world.ask(ANN)
    token = world.button("😀").token
    world.handle(Moved(event="m1", sender=ANN, to=CAT, at=world.now))
    assert world.handle(world.tapped(token, CAT)).said.kind == "taken"


def test_what_nobody_understands_is_kept_aside() -> None:
    world = World()
    event = Unread(event="u1", channel=ChannelName("web"), at=world.now, why="no chat", body=b"\x00{")
    assert world.handle(event).said.kind == "kept_aside"
    assert world.handle(event).said.kind == "duplicate"
    assert [aside.body for aside in world.store.aside] == [b"\x00{"]


def test_words_after_handing_back_change_nothing_of_the_survey() -> None:
    world = World()
    world.ask(ANN)
    for text in ("Where is my parcel?", "Hello?"):
        world.write(text)
    conversation = world.conversation()
    world.write("Is anybody there?")
    assert world.conversation() is conversation
    assert len(world.store.words) == 3


# ---- feedback -----------------------------------------------------------------------------------------------


def test_the_feedback_command_ends_a_survey_under_way_and_keeps_its_answers() -> None:
    world = World()
    world.command("start", ANN, "delivery")
    world.tap("8")
    assert world.write("/feedback").said.kind == "asked"
    assert [(each.status, len(each.answers)) for each in world.store.conversations.values()] == [
        ("expired", 1),
        ("waiting", 0),
    ]


@pytest.mark.parametrize("text", ["<b>&\x00</b>", "\u202e5", "x" * 65_536, "👩‍👩‍👧‍👦 *bold* `code`"])
def test_words_are_kept_as_they_are(text: str) -> None:
    world = World()
    world.ask(ANN)
    world.tap("😐")
    world.write(text)
    assert [words.text for words in world.store.words.values()] == [text]


def test_words_beside_the_command_reach_the_agents() -> None:
    world = World()
    world.command("feedback", ANN, "my parcel was crushed")
    world.tap("😞")
    assert [words.text for words in world.store.words.values()] == ["my parcel was crushed"]
    (words,) = world.store.words.values()
    assert words.conversation == world.conversation().id


def test_a_picture_is_told_of_where_words_are_kept() -> None:
    world = World()
    world.ask(ANN)
    world.tap("😞")
    photo = Attachment(kind="photo", reference="AgACAgQ")
    file = Attachment(kind="file", reference="BQAC", name="invoice.pdf")
    for event in (
        Wrote(event="p1", sender=ANN, text="", at=world.now, attachments=(photo,)),
        Wrote(event="p2", sender=ANN, text="see this", at=world.now, attachments=(file,)),
    ):
        world.handle(event)
    assert [words.text for words in world.store.words.values()] == ["[photo]", "see this [file: invoice.pdf]"]


def album(world: World, caption: str = "") -> None:
    """Three pictures sent as one, of which the first may carry words."""
    for number, words in enumerate((caption, "", ""), start=1):
        photo = Attachment(kind="photo", reference=f"P{number}")
        event = f"album{number}"
        world.handle(Wrote(event=event, sender=ANN, text=words, at=world.now, attachments=(photo,), group="album"))


def test_an_album_is_one_answer_and_each_of_its_pictures_is_told_of() -> None:
    world = World()
    world.ask(ANN)
    album(world, "1, it is broken")
    assert [words.text for words in world.store.words.values()] == ["it is broken [photo]", "[photo]", "[photo]"]
    assert len([message for message in world.messages(ANN) if message.kind == "post"]) == 2, "the next question alone"
    assert not world.conversation().handed_back
    world.write("what did you mean?")
    assert world.conversation().reasked, "only these words are no answer"


def test_pictures_alone_answer_no_rating_and_are_kept_without_a_question_back() -> None:
    world = World()
    world.ask(ANN)
    before = len(world.messages(ANN))
    album(world)
    assert (len(world.messages(ANN)), world.conversation().reasked) == (before, False)
    assert all(words.attachments and words.source == "web" for words in world.store.words.values())
    world.tap("😞")
    assert world.case().conversation == next(iter(world.store.words.values())).conversation, "its alert shows them"


def showed(text: str, manner: Manner = "showed") -> Wrote:
    return Wrote(event=f"e:{text}", sender=ANN, text=text, at=START, manner=manner)


def test_what_is_shown_in_place_of_words_answers_no_rating() -> None:
    world = World()
    world.ask(ANN)
    before = len(world.messages(ANN))
    world.handle(showed("[sticker 😀]"))
    world.handle(showed("[location 41.9, 12.5]"))
    assert (len(world.messages(ANN)), world.conversation().reasked) == (before, False)
    assert [words.text for words in world.store.words.values()] == ["[sticker 😀]", "[location 41.9, 12.5]"]


def test_what_is_shown_in_place_of_words_is_an_answer_where_words_are_awaited() -> None:
    world = World()
    world.ask(ANN)
    world.tap("😞")
    world.tap("Skip")
    assert world.conversation().asked == "comment"
    world.handle(showed("[contact: Lan, 123]"))
    assert "comment" in world.conversation().answers


def test_a_change_of_ones_words_answers_nothing_and_orders_nothing() -> None:
    world = World()
    world.ask(ANN)
    for text in ("5", "stop", "/stop"):
        outcome = world.handle(showed(text, "edited"))
        assert (outcome.said.kind, outcome.writes) == ("nothing", ())
    assert (world.conversation().answers, world.conversation().status) == ({}, "waiting")


def test_a_stranger_who_answers_in_a_group_is_not_greeted_there() -> None:
    world = World()
    stranger = Address(channel=ChannelName("telegram"), key="-100/42")
    world.write("what is this?", stranger)
    assert world.messages(stranger) == []
    world.write("what is this?", Address(channel=ChannelName("telegram"), key="42"))
    assert len(texts(world, Address(channel=ChannelName("telegram"), key="42"))) == 1


def test_a_long_value_is_counted_under_its_beginning() -> None:
    world = World()
    world.ask(ANN, team="x" * 2_000)
    world.tap("😞")
    assert {key.value for key in world.store.counts if key.dimension == "team"} == {"x" * 200}


@pytest.mark.parametrize("text", ["/feedback", "/FEEDBACK it was slow"])
def test_a_window_without_commands_sends_them_as_words(text: str) -> None:
    world = World()
    world.write(text)
    assert len(world.store.conversations) == 1
    world.write("/stop")
    assert world.conversation().status == "stopped"
    customer = world.store.customer_at(ANN)
    assert customer is not None
    assert customer.opted_out_at == world.now


def test_words_reach_the_open_case_whatever_was_asked_since() -> None:
    world = World()
    world.ask(ANN)
    world.write("1, where is my refund")
    world.tap("Skip")
    first = world.conversation()
    world.later(days=100)
    world.command("start", ANN, "delivery")
    world.tap("10")
    world.tap("Skip")
    world.tap("Skip")
    assert (world.conversation().id != first.id, world.conversation().status) == (True, "completed")
    world.later(minutes=1)
    world.write("My refund is still missing!")
    (words,) = [each for each in world.store.words.values() if "still missing" in each.text]
    assert words.conversation == first.id
    assert [note.what for note in world.store.notes][-1] == "commented"
    assert len(world.store.cases) == 1, "the happy survey opened none and changed none"
