"""What customers answer to "Is it fixed?", in every language, and the card that asks it."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from bot.channels.fallback import as_text
from bot.followup.cases import Case
from bot.followup.recovery import fixed_card, fixed_outbound, fixed_slot, read_recovery
from bot.ids import CaseId, ConversationId, CustomerId
from bot.languages import locales, say
from bot.languages.voice import Voice
from bot.messages import Address, Button, Card, ChannelName, RecoveryToken, parse_token

YES, NO = ("yes", ""), ("no", "")

# by language: what is written, what it answers
SAID: dict[str, dict[str, tuple[str, str] | None]] = {
    "en": {
        "yes": YES,
        "Yes!": YES,
        "  YES. ": YES,
        "“yes”": YES,
        "fixed": YES,
        "It’s fixed": YES,
        "1": YES,
        "1.": YES,
        "1. Yes": YES,
        "1) Yes": YES,
        "👍": YES,
        "👍🏽": YES,
        "✅": YES,
        "yes thank you": YES,
        "Yes, thanks a lot!": YES,
        "Yes, it works now. Thank you": YES,
        "yes 👍": YES,
        "Yes\nthanks": YES,
        "no": NO,
        "No!!!": NO,
        "not yet": NO,
        "NOT YET": NO,
        "no, not yet": NO,
        "Not yet :(": NO,
        "Not yet 😡": NO,
        "NOT YET!!! 😡😡": NO,
        "no, 😡": NO,
        "2 :-/": NO,
        "no 👍": None,
        "yes 😡": None,
        "no, it still crashes 😡": ("no", "it still crashes 😡"),
        "still broken": NO,
        "2": NO,
        "2. Not yet": NO,
        "👎": NO,
        "❌": NO,
        "no, it still crashes": ("no", "it still crashes"),
        "No. It still crashes!": ("no", "It still crashes!"),
        "no - still the same": ("no", "still the same"),
        "no\nsecond line, and more": ("no", "second line, and more"),
        "Not yet: nobody called me": ("no", "nobody called me"),
        "2, nobody called": ("no", "nobody called"),
        "👎 it still crashes": ("no", "it still crashes"),
        "no, " + "very " * 500 + "slow": ("no", "very " * 500 + "slow"),
        # no clear answer
        "yes but it is slow": None,
        "Yes, but it is slow": None,
        "yes, it works, but only at night": None,
        "yes and no": None,
        "yes no": None,
        "yes 👎": None,
        "yes?": None,
        "no problem": None,
        "No problem!": None,
        "no worries, thanks": None,
        "no, no problem": None,
        "no, thanks": None,
        "no thanks": None,
        "no, it's fine now": None,
        "no, all good": None,
        "no idea": None,
        "nobody called": None,
        "no it still crashes": None,
        "not yet sure": None,
        "1. late": None,
        "1. late\n2. rude": None,
        "2. rude": None,
        "12": None,
        "5": None,
        "0": None,
        "ok": None,
        "thanks": None,
        "Is it fixed?": None,
        "": None,
        " \n ": None,
        "...": None,
        "yes" * 30: None,
        "🙂": None,
    },
    "vi": {
        "rồi": YES,
        "Rồi ạ": YES,
        "dạ rồi, cảm ơn": YES,
        "ĐÃ XONG": YES,
        "ro\u0302\u0300i": YES,
        "ổn rồi": YES,
        "đã được giải quyết": YES,
        "vâng": YES,
        "chưa": NO,
        "Chưa ạ": NO,
        "chua": NO,
        "vẫn chưa": NO,
        "không": NO,
        "2. Vẫn chưa": NO,
        "chưa, vẫn bị trừ tiền": ("no", "vẫn bị trừ tiền"),
        "không, ứng dụng vẫn lỗi": ("no", "ứng dụng vẫn lỗi"),
        "không sao": None,
        "Không sao đâu ạ": None,
        "không, không sao": None,
        "không, cảm ơn": None,
        "không vấn đề gì": None,
        "chưa biết": None,
        "rồi nhưng chậm": None,
    },
    "it": {
        "Sì": YES,
        "si": YES,
        "si\u0300": YES,
        "È risolto!": YES,
        "sì grazie": YES,
        "Sì, grazie mille": YES,
        "no": NO,
        "Non ancora.": NO,
        "no, non ancora": NO,
        "No, il pacco non è arrivato": ("no", "il pacco non è arrivato"),
        "no, grazie": None,
        "no grazie": None,
        "no, nessun problema": None,
        "sì, ma lentamente": None,
        "nessun problema": None,
        "non so": None,
    },
    "pl": {
        "tak": YES,
        "Tak, dziękuję!": YES,
        "no tak": YES,
        "już działa": YES,
        "nie": NO,
        "Jeszcze nie": NO,
        "niestety nie": NO,
        "nie, paczka nie dotarła": ("no", "paczka nie dotarła"),
        # in Polish a bare "no" is rather a yes
        "no": None,
        "nie, dziękuję": None,
        "nie ma problemu": None,
        "nie, nie ma problemu": None,
        "tak, ale powoli": None,
        "nie wiem": None,
    },
}
TABLE = [
    pytest.param(locale, text, answer, id=f"{locale}: {text[:40]!r}")
    for locale, table in SAID.items()
    for text, answer in table.items()
]


@pytest.mark.parametrize(("locale", "text", "answer"), TABLE)
def test_read(locale: str, text: str, answer: tuple[str, str] | None) -> None:
    assert read_recovery(text, Voice(locale)) == answer


@pytest.mark.parametrize("locale", locales())
def test_what_the_card_shows_is_understood(locale: str) -> None:
    yes, no = say(locale, "recovery.yes"), say(locale, "recovery.no")
    for text in (yes, yes.upper(), f"1. {yes}", "1"):
        assert read_recovery(text, Voice(locale)) == YES
    for text in (no, no.upper(), f"2. {no}", "2"):
        assert read_recovery(text, Voice(locale)) == NO
    assert yes.upper() in say(locale, "recovery.hint")
    assert no.upper() in say(locale, "recovery.hint")


HOSTILE = (
    "a\u0301" * 50_000,
    "no, " + "\u0301" * 50_000,
    ", " * 50_000,
    "yes, " + "thanks," * 20_000,
    "\x00",
    "1" * 5_000,
)


@pytest.mark.parametrize("text", HOSTILE, ids=("marks", "no and marks", "commas", "thanks", "NUL", "digits"))
def test_hostile_text_is_read_at_once(text: str) -> None:
    answer = read_recovery(text, Voice("en"))
    assert answer is None or answer == YES or answer[0] == "no"


CASE = Case(
    id=CaseId("0k3f9x2m7q8d4h1k"),
    conversation=ConversationId("c"),
    customer=CustomerId("p"),
    address=Address(channel=ChannelName("web"), key="s1"),
    flow="support",
    question="score",
    score=2,
    state="resolved",
    resolution=2,
    opened_at=datetime(2026, 3, 2, tzinfo=UTC),
)


def test_the_card_has_two_buttons_for_this_resolution() -> None:
    card = fixed_card(CASE, Voice("vi"))
    assert [[button.label for button in row] for row in card.buttons] == [["Đã xong", "Vẫn chưa"]]
    assert [parse_token(button.token) for button in card.buttons[0]] == [
        RecoveryToken(case=CASE.id, resolution=2, value="yes"),
        RecoveryToken(case=CASE.id, resolution=2, value="no"),
    ]
    assert card.typing


def test_without_buttons_the_answers_are_numbered() -> None:
    assert as_text(fixed_card(CASE, Voice("en"))).split("\n\n")[1:] == [
        "1. Yes\n2. Not yet",
        "Tap an answer, or write YES or NOT YET.",
    ]


def test_asking_and_showing_the_answer_is_one_message() -> None:
    asked = fixed_outbound(CASE, Voice("en"), "post")
    assert (asked.kind, asked.to, asked.lane) == ("post", CASE.address, "web:s1")
    assert asked.slot == fixed_slot(CASE) == "fixed:0k3f9x2m7q8d4h1k:2"
    answered = fixed_outbound(CASE, Voice("en"), "edit", "no")
    assert (answered.kind, answered.slot) == ("edit", asked.slot)
    text = say("en", "recovery.ask")
    assert answered.content == Card(text=text, chosen="Not yet", locale="en", typing=False)
    assert fixed_outbound(CASE, Voice("en"), "edit").content == Card(text=text, locale="en", typing=False)


def test_a_button_is_short_enough_for_every_channel() -> None:
    late = replace(CASE, resolution=9_999)
    buttons: list[Button] = [button for row in fixed_card(late, Voice("en")).buttons for button in row]
    assert all(len(button.token.encode()) <= 64 for button in buttons)
