"""Authors may say anything differently: in a conversation, a toast, the agents' alert; mistakes have their line."""

from pathlib import Path

import pytest

from bot.channels.telegram.channel import answer
from bot.config import Settings
from bot.config.reading import check, load
from bot.conversations import engine
from bot.conversations.conversation import Conversation
from bot.conversations.prompts import Wording, word
from bot.ids import ConversationId, CustomerId
from bot.languages.voice import Voice
from bot.messages import Address, Card, ChannelName
from bot.ports import Said
from tests.conversations.golden import START

ENVIRON = {"TOKEN": "123456:abcdefghijklmnopqrstuvwxyz012345678"}
FILE = """\
company = "Lotus"
[channels.telegram]
kind = "telegram"
token = { env = "TOKEN" }
[sentences]
"hint.scale".vi = "Bấm một số nhé ({low}-{high})."
"hint.scale".en = "Any number, {low} to {high}!"
"reply.taken".en = "Ta!"
"scale.nps.low".en = "Never"
"desk.claim".it = "Mio"
[[flow]]
id = "short"
languages = ["en", "vi"]
title = { en = "Chat", vi = "Chat" }
[flow.sentences]
"hint.scale".en = "Be honest: {low} or {high}."
[[flow.question]]
id = "score"
type = "nps"
text = { en = "How was it?", vi = "Thế nào ạ?" }
[[flow]]
id = "other"
languages = ["it"]
title = "Chat"
[[flow.question]]
id = "score"
type = "nps"
text = "Com'è andata?"
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    path = tmp_path / "config.toml"
    path.write_text(FILE, encoding="utf-8")
    return load(path, ENVIRON)


def asked(settings: Settings, flow: str, locale: str) -> Card:
    pinned = settings.flow(flow)
    assert pinned is not None
    conversation = Conversation(
        id=ConversationId("0000000000000001"),
        flow=pinned.hash,
        customer=CustomerId("c1"),
        address=Address(channel=ChannelName("telegram"), key="1"),
        locale=locale,
        attributes={},
        started_at=START,
        touched_at=START,
    )
    turn = engine.start(conversation, pinned.flow)
    card = word(turn.prompts[0], turn.conversation, pinned.flow, Wording(company="Lotus")).content
    assert isinstance(card, Card)
    return card


@pytest.mark.parametrize(
    ("flow", "locale", "hint"),
    [
        ("short", "en", "Be honest: 0 or 10."),
        ("short", "vi", "Bấm một số nhé (0-10)."),
        ("other", "it", Voice("it").say("hint.scale", low=0, high=10)),
    ],
    ids=["the flow's own", "that of all flows", "the pack's"],
)
def test_a_conversation_says_it(settings: Settings, flow: str, locale: str, hint: str) -> None:
    assert asked(settings, flow, locale).hint.startswith(hint)


def test_a_label_that_is_filled_in_is_the_authors(settings: Settings) -> None:
    assert asked(settings, "short", "en").low == "Never"


def test_a_version_holds_what_its_customers_read(settings: Settings) -> None:
    """And nothing that only agents or customers of other flows do, so that changing that makes no new version."""
    short, other = settings.flows
    assert sorted(short.flow.sentences) == ["hint.scale", "reply.taken", "scale.nps.low"]
    assert other.flow.sentences == {}


def test_a_toast_and_an_agents_button_say_it(settings: Settings) -> None:
    said = Said(kind="already_counted", locale="en", own={"reply.already_counted": {"en": "Too late."}})
    assert answer("1", said)["text"] == "Too late."
    assert answer("1", Said(kind="already_counted"))["text"] == Voice("en").say("reply.already_counted")
    assert settings.voice("it").say("desk.claim") == "Mio"


MISTAKES = {
    '"hint.scal".en = "x"': "there is no sentence 'hint.scal'. Did you mean 'hint.scale'?",
    '"hint.text".eng = "x"': "there is no language pack for 'eng'. Did you mean 'en'?",
    '"hint.text".en = "{low}"': "there is no variable {low}. This sentence has none.",
    '"hint.scale".it = "{lo} to {high}"': "there is no variable {lo}. Did you mean 'low'?",
    '"hint.text".en = "a } b"': "'}' is no variable. This sentence has none.",
    '"hint.text".en = " "': "is empty",
    '"hint.text".en = 5': "must be a text in quotes",
    '"hint.text" = "x"': 'needs a language. Write "hint.text".en = "…", and so on for each language.',
    'hint.text.en = "x"': """there is no sentence 'hint'. Put the whole name in quotes: "hint.scale".en.""",
    f'"reply.taken".it = "{"x" * 201}"': "is 201 characters long. Use at most 200.",
    f'"button.done".en = "{"x" * 73}"': "is 73 characters long. Use at most 72.",
    '"reply.choose_more".pl = { one = "x" }': (
        "has no form 'few' and 'many'. In 'pl', whole numbers have 'few', 'many' and 'one'."
    ),
    '"reply.choose_more".en = { one = "x", few = "x", other = "x" }': (
        "'en' has no plural form 'few'. It has 'one' and 'other'."
    ),
    '"hint.text".en = { one = "x", other = "y" }': 'counts nothing, so it has one form. Write a text in quotes: "…".',
}


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_has_its_line(line: str, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(FILE.replace('"desk.claim".it = "Mio"', line), encoding="utf-8")
    found = [str(problem) for problem in check(path, ENVIRON)]
    assert len(found) == 1, found
    assert ":10: sentences." in found[0]
    assert found[0].endswith(MISTAKES[line])


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ('"hint.scale".it = "x"', "the flow is not in 'it'. Known here: en, vi."),
        (
            '"desk.claim".en = "x"',
            "there is no sentence 'desk.claim'. "
            "No conversation says it: put it into [sentences], which is for all flows.",
        ),
    ],
)
def test_a_flow_has_only_what_it_says(line: str, wrong: str, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(FILE.replace('"hint.scale".en = "Be honest: {low} or {high}."', line), encoding="utf-8")
    found = [str(problem) for problem in check(path, ENVIRON)]
    assert [each.partition(": ")[2].partition(": ")[2] for each in found] == [wrong]
