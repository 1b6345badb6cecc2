"""In which language a customer is written to: what they chose, or what they write; and going back by word."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.intake import speaking
from bot.languages import say
from bot.languages.detecting import Detected
from bot.messages import TOKEN_BYTES, Card, Profile, Relay, Resolve, Wrote
from bot.ports import Customer, KnownFrom
from tests.intake.world import ANN, BEN, SETTINGS, World


def customer(world: World) -> Customer:
    (one,) = world.store.customers.values()
    return one


def question(world: World, of: str = "score") -> Card:
    card = next(message.content for slot, message in world.screen().items() if slot.endswith(f":{of}"))
    assert isinstance(card, Card)
    return card


def labels(world: World) -> list[str]:
    return [button.label for row in question(world).buttons for button in row]


# ---- by button ------------------------------------------------------------------------------------------------


def press_language(world: World) -> None:
    (button,) = [each for each in question(world).decline if each.label == "Language"]
    world.handle(world.tapped(button.token))


def test_the_button_turns_the_question_into_the_choice_and_back_in_another_language() -> None:
    world = World()
    world.ask()
    before = question(world)
    press_language(world)
    assert labels(world) == ["English", "Tiếng Việt", "Italiano", "Polski", "Back"]
    assert all(len(button.token.encode()) <= TOKEN_BYTES for button in world.buttons())
    (vietnamese,) = [each for row in question(world).buttons for each in row if each.label == "Tiếng Việt"]
    said = world.handle(world.tapped(vietnamese.token)).said
    assert (said.kind, said.locale) == ("spoken_to", "vi")
    assert question(world).locale == "vi"
    assert question(world).text != before.text
    assert [button.token for row in question(world).buttons for button in row] == [
        button.token for row in before.buttons for button in row
    ]
    assert (customer(world).locale, customer(world).locale_source) == ("vi", "customer")


def test_back_shows_the_question_as_it_was_and_chooses_nothing() -> None:
    world = World()
    world.ask()
    before = question(world)
    press_language(world)
    world.tap("Back")
    after = question(world)
    assert (after.buttons, after.decline) == (before.buttons, before.decline)
    assert before.text.endswith(after.text)
    assert customer(world).locale_source != "customer"


def test_after_the_first_answer_the_button_is_gone_and_says_so() -> None:
    world = World()
    world.ask()
    (token,) = [each.token for each in question(world).decline if each.label == "Language"]
    world.tap("😕")
    assert question(world).decline == ()
    assert world.handle(world.tapped(token)).said.kind == "already_counted"
    assert question(world).chosen == "😕 2/5"


def test_there_is_no_button_where_the_settings_want_none() -> None:
    world = World(replace(SETTINGS, asking=replace(SETTINGS.asking, language_button=False)))
    world.ask()
    assert [button.label for button in question(world).decline] == ["Not this time", "Stop asking me"]


# ---- by word --------------------------------------------------------------------------------------------------


def test_in_mid_conversation_answers_stay_and_are_counted_once_where_they_were_given() -> None:
    world = World()
    world.ask()
    world.tap("😕")
    world.write("in italiano")
    assert world.conversation().locale == "it"
    assert question(world, "reasons").locale == "it"
    assert world.heard()[-1] == say("it", "language.changed")
    world.write("indietro")
    world.tap("🙂", on=":score")
    counted = {(key.value, key.score): n for key, n in world.store.counts.items() if key.dimension == "language"}
    assert counted == {("it", 4): 1}


def test_without_a_survey_the_choice_is_a_message_of_its_own() -> None:
    world = World()
    world.command("language", BEN)
    world.deliver()
    assert "Polski" in [button.label for button in world.buttons(BEN)]
    world.tap("Polski", BEN)
    assert world.buttons(BEN) == []
    assert world.heard(BEN) == [say("pl", "language.changed")]
    world.command("stop", BEN)
    assert world.heard(BEN)[-1] == say("pl", "reply.opted_out")


def test_the_choice_asks_in_the_authors_words() -> None:
    world = World(replace(SETTINGS, sentences={"language.ask": {"en": "Your tongue?", "pl": "Po jakiemu?"}}))
    world.command("language", BEN)
    world.deliver()
    assert [card.text for card in cards(world)] == ["Your tongue?"]
    world.tap("Polski", BEN)
    assert [(card.text, card.chosen) for card in cards(world)] == [("Your tongue?", "Polski")]
    world.command("language", BEN)
    assert [card.text for card in cards(world)] == ["Po jakiemu?"]


def cards(world: World) -> list[Card]:
    return [message.content for message in world.screen(BEN).values() if isinstance(message.content, Card)]


# label: what stands beside /language, what is said
ASKED_FOR: dict[str, tuple[str, str]] = {
    "a tag": ("it", say("it", "language.changed")),
    "a kind of it": ("it_CH", say("it", "language.changed")),
    "a name in another language": ("tedesco", say("de", "language.changed")),
    "a language that we do not write": ("Klingon", say("en", "language.unknown")),
    "another script than the one that we write": ("zh-Hant", say("en", "language.unknown")),
    "the place of another script": ("zh-TW", say("en", "language.unknown")),
    "the script that we write": ("zh-SG", say("zh-Hans", "language.changed")),
}


@pytest.mark.parametrize(("wanted", "said"), ASKED_FOR.values(), ids=ASKED_FOR)
def test_language_with_an_argument(wanted: str, said: str) -> None:
    world = World()
    world.command("language", BEN, wanted)
    assert world.heard(BEN) == [said]


def test_a_language_that_the_survey_has_not_is_not_promised() -> None:
    world = World()
    world.ask()
    world.command("language", ANN, "ar")
    assert world.heard()[-1] == say("en", "language.unknown")
    assert (customer(world).locale_source, world.conversation().locale) == (None, "en")
    choice = [button.label for button in world.buttons()]
    assert [label for label in ("English", "Tiếng Việt", "Italiano", "Polski") if label not in choice] == []


# ---- by what they write ---------------------------------------------------------------------------------------

ITALIAN = "Ho aspettato due settimane e nessuno mi ha risposto"


def guess(found: Detected | None) -> object:
    return lambda text: found if text == ITALIAN else None


@pytest.fixture
def sure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speaking, "detect", guess(Detected(locale="it", confidence=0.975)))


@pytest.fixture
def unsure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speaking, "detect", guess(Detected(locale="it", confidence=0.7)))


@pytest.mark.usefixtures("sure")
def test_who_writes_another_language_is_answered_in_it_from_then_on() -> None:
    world = World()
    world.ask()
    world.write(ITALIAN)
    assert world.heard() == [say("it", "again.scale", low=1, high=5)]
    assert question(world).locale == "it"
    known = customer(world)
    assert (known.locale, known.locale_source, known.locale_sureness) == ("it", "written", 97)


@pytest.mark.usefixtures("unsure")
def test_a_doubtful_guess_changes_nothing() -> None:
    world = World()
    world.ask()
    world.write(ITALIAN)
    assert (question(world).locale, customer(world).locale_source) == ("en", None)


# label: what is known of the language, and how; what it is after Italian words
KNOWN: dict[str, tuple[str | None, KnownFrom | None, str]] = {
    "nothing": (None, None, "it"),
    "the profile": ("pl", "profile", "it"),
    "earlier words": ("pl", "written", "it"),
    "a link": ("pl", "link", "pl"),
    "a report": ("pl", "report", "pl"),
    "the customer chose it": ("pl", "customer", "pl"),
    "a kind of it": ("it-CH", "profile", "it-CH"),
}


@pytest.mark.parametrize(("locale", "source", "then"), KNOWN.values(), ids=KNOWN)
@pytest.mark.usefixtures("sure")
def test_words_count_for_more_than_a_profile_and_less_than_what_is_reported(
    locale: str | None, source: KnownFrom | None, then: str
) -> None:
    before = Customer(id="k", locale=locale, locale_source=source)  # type: ignore[arg-type]
    event = Wrote(event="e", sender=ANN, text=ITALIAN, at=World().now)
    after = speaking.heard(event, before)
    assert after.locale == then
    assert (after.locale_source == "written") == (source in (None, "profile", "written"))


@pytest.mark.usefixtures("sure")
def test_is_it_fixed_is_asked_in_the_language_that_they_write() -> None:
    world = World()
    world.handle(world.wrote("agent", BEN, Profile(language="en")))
    case = world.case().id
    world.do(case, Relay(text="On it"))
    world.write(ITALIAN, BEN)
    world.press(case, "claim")
    world.do(case, Resolve(cause="other", action="done"))
    world.later(hours=24)
    (asked,) = [message.content for message in world.messages(BEN) if isinstance(message.content, Card)]
    assert asked.text == say("it", "recovery.ask")


# label: the sureness of each message, negative where it is in Polish, and the language after each
TURNS: dict[str, tuple[list[int], list[str]]] = {
    "by turns": ([90, -92, 90, -93, 91, -90], ["it"] * 6),
    "two in a row": ([90, -92, -85], ["it", "it", "pl"]),
    "two in a row, and back": ([90, -92, -85, 99, 99], ["it", "it", "pl", "it", "it"]),
    "far surer": ([82, -97], ["it", "pl"]),
    "a doubt that is over": ([90, -92, 88, -92], ["it", "it", "it", "it"]),
}


@pytest.mark.parametrize(("sureness", "locales"), TURNS.values(), ids=TURNS)
def test_who_mixes_two_languages_is_answered_in_one(
    sureness: list[int], locales: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, found = Customer(id="k", locale="en", locale_source="profile"), []  # type: ignore[arg-type]
    for each in sureness:
        guessed = Detected(locale="it" if each > 0 else "pl", confidence=abs(each) / 100)
        monkeypatch.setattr(speaking, "detect", lambda _, guessed=guessed: guessed)
        one = speaking.heard(Wrote(event="e", sender=ANN, text="words", at=World().now), one)
        found.append(one.locale)
    assert found == locales


# ---- back -----------------------------------------------------------------------------------------------------


def test_back_opens_the_last_answer_again_and_then_the_one_before() -> None:
    world = World()
    world.ask()
    world.tap("😕")
    world.tap("Slow reply")
    world.tap("Done")
    world.write("back")
    assert world.conversation().reopened == "reasons"
    assert world.heard()[-1] == say("en", "reply.changing")
    world.write("go back")
    assert world.conversation().reopened == "score"
    world.write("undo")
    assert world.heard()[-1] == say("en", "reply.nothing_to_change")


def test_back_comes_too_late() -> None:
    world = World()
    world.ask()
    world.tap("😀")
    world.now += timedelta(minutes=20)
    world.write("back")
    assert world.heard()[-1] == say("en", "reply.too_late_to_change")
    assert world.conversation().reopened is None
