"""What we send to Slack: native where it can be, whole where it fits, and nobody's words as markup."""

import doctest
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.channels.slack import parts
from bot.channels.slack.drawing import Drawn, draw
from bot.channels.slack.forms import draw_form, read_form
from bot.channels.slack.parts import mentioned, openable
from bot.ids import CaseId
from bot.languages import say
from bot.languages.voice import Voice
from bot.messages import (
    Alert,
    AlertItem,
    AlertMenu,
    Button,
    Card,
    Fact,
    Link,
    Quote,
    Remark,
    Text,
)
from bot.ports import Form, FormOption
from bot.sandbox.slack_blocks import problems
from bot.sandbox.slack_state import SlackWorld
from bot.sandbox.slack_text import LIVE, rendered
from bot.sandbox.slack_views import checked

NOW = datetime(2026, 9, 21, 12, tzinfo=UTC)

HOSTILE = {
    "mentions, tags and markup": "<!channel> & <b>*x*</b> _y_ ~z~ `code` <http://a|b> <@U0ANNA> &lt;!here&gt;",
    "a quotation's end": "> one\n>>> two\n```\nthree",
    "right to left": "\u202eשלום <!here> مرحبا\u202c",
    "emoji": "😡 :rage: 👩‍👩‍👧 :+1:",
    "a link": "https://evil.example/?a=1&b=2",
}


def button(label: str, value: str = "1", *, selected: bool = False) -> Button:
    return Button(label=label, token=f"1.0k3f9x2m7q8d4h1z.3.{value}", selected=selected)


def alert(**more: Any) -> Alert:
    given = {
        "case": CaseId("0k3f9x2m7q8d4h1z"),
        "summary": "Lan gave 2 of 10",
        "facts": (Fact(label="Agent", text="Minh"), Fact(label="Order", text="17")),
        "quotes": (Quote(text="too slow", at=NOW),),
        "history": ("Case opened", "Anna claimed the case"),
        "buttons": (Button(label="Claim", token="c1.0k3f9x2m7q8d4h1z.claim"),),
    }
    return Alert(**{**given, **more})


def readable(drawn: Drawn) -> list[str]:
    """The texts that Slack shows, in order, by Slack's rules: only ``mrkdwn`` is parsed, and it holds our mentions."""
    return readable_blocks(drawn.blocks)


def readable_blocks(blocks: Any) -> list[str]:
    shown: list[str] = []

    def look(part: Any) -> None:
        match part:
            case {"type": "mrkdwn", "text": str(text)}:
                assert re.fullmatch(r"(<@[UW][A-Z0-9]+>|<!subteam\^S[A-Z0-9]+>| )+", text), f"Slack would parse {part}"
            case {"type": "plain_text" | "text", "text": str(text)}:
                shown.append(text)
            case dict():
                for value in part.values():
                    look(value)
            case list() | tuple():
                for value in part:
                    look(value)

    look(blocks)
    return shown


def notification(text: str) -> str:
    """What a notification says of a ``text`` field: angles are markup and entities are characters."""
    assert not re.search(r"<[^>]*>", text)
    assert not re.search(r"&(?!amp;|lt;|gt;)", text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def types(drawn: Drawn) -> list[str]:
    return [block["type"] for block in drawn.blocks]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_words_arrive_as_the_same_plain_text(name: str) -> None:
    words = HOSTILE[name]
    said = draw(Text(text=words))
    assert readable(said) == [words]
    assert notification(said.text) == words
    told = draw(alert(summary=words, facts=(Fact(label="Who", text=words),), quotes=(Quote(text=words, at=NOW),)))
    assert readable(told)[:3] == [words, f"Who: {words}", words]
    assert notification(told.text) == words
    asked = draw(Card(text=words, buttons=((button("1"),),), hint=words))
    assert readable(asked)[:2] == [words, words]
    assert words in notification(asked.text)


def test_what_says_no_to_a_survey_is_a_block_of_its_own() -> None:
    no = (button("Not this time", "~decline"), button("Stop asking me", "~never"))
    drawn = draw(Card(text="How was it?", buttons=((button("1"), button("2", "2")),), decline=no))
    answers, refusals = (block["elements"] for block in drawn.blocks if block["type"] == "actions")
    assert [(each["text"]["text"], each["value"]) for each in refusals] == [(each.label, each.token) for each in no]
    assert not any("style" in each for each in refusals)
    assert len({each["action_id"] for each in (*answers, *refusals)}) == 4
    assert problems(list(drawn.blocks), 50) == []
    assert drawn.text.endswith("Not now? Write NOT NOW. To get no more questions, write STOP.")


def test_unshowable_characters_are_left_out() -> None:
    assert readable(draw(Text(text="a\0b\ud800c\x1bd\te\n"))) == ["abcd\te\n"]
    assert readable(draw(Text(text="\0"))) == ["…"]


def test_a_quotation_is_a_quotation() -> None:
    (quote,) = [block for block in draw(alert()).blocks if block["type"] == "rich_text"]
    assert quote["elements"] == [{"type": "rich_text_quote", "elements": [{"type": "text", "text": "too slow"}]}]


SIXTY_FOUR_KB = "é😀<&>" * 13_000

LONG = {
    "a text": Text(text=SIXTY_FOUR_KB),
    "a question": Card(
        text=SIXTY_FOUR_KB,
        buttons=tuple(tuple(button("&" * 200) for _ in range(60)) for _ in range(60)),
        hint=SIXTY_FOUR_KB,
        low=SIXTY_FOUR_KB,
        high=SIXTY_FOUR_KB,
    ),
    "an answered question": Card(text=SIXTY_FOUR_KB, chosen=SIXTY_FOUR_KB, buttons=((button("Change"),),)),
    "an alert": alert(
        summary=SIXTY_FOUR_KB,
        facts=tuple(Fact(label="x", text=SIXTY_FOUR_KB) for _ in range(30)),
        quotes=tuple(Quote(text=SIXTY_FOUR_KB, at=NOW) for _ in range(90)),
        history=tuple(SIXTY_FOUR_KB for _ in range(200)),
        buttons=tuple(button(SIXTY_FOUR_KB) for _ in range(60)),
    ),
    "nothing": Text(text=""),
    "a question of nothing": Card(text="", buttons=((button(""),), ()), hint=" ", low="\0"),
    "an alert of nothing": alert(summary="", facts=(), quotes=(), history=(), buttons=()),
    "an alert with everything": alert(
        summary=SIXTY_FOUR_KB,
        items=tuple(AlertItem(text=SIXTY_FOUR_KB, button=button(SIXTY_FOUR_KB)) for _ in range(60)),
        menus=(
            AlertMenu(label=SIXTY_FOUR_KB, options=tuple(button(SIXTY_FOUR_KB, str(n)) for n in range(200))),
            AlertMenu(label="", options=()),
            AlertMenu(label="", people=True, token="c1.0k3f9x2m7q8d4h1z.assign"),
            AlertMenu(label="x", people=True),
        ),
        links=tuple(Link(label=SIXTY_FOUR_KB, url=f"https://shop.example/{n}") for n in range(60)),
        mentions=tuple(f"U{n:030d}" for n in range(300)),
    ),
    "an alert of a menu alone": alert(buttons=(), menus=(AlertMenu(label="Snooze…", options=()),)),
    "a remark": Remark(
        text=SIXTY_FOUR_KB,
        author=SIXTY_FOUR_KB,
        mentions=("U1",) * 300,
        files=tuple(Link(label=SIXTY_FOUR_KB, url=f"https://shop.example/{n}") for n in range(60)),
    ),
    "a remark of ours": Remark(text=SIXTY_FOUR_KB),
    "a remark of nothing": Remark(text=""),
    "a remark of nobody's nothing": Remark(text="", author=" "),
    "a remark of a file alone": Remark(text="", author="Lan", files=(Link(label="", url="https://shop.example"),)),
    "a remark of an odd file alone": Remark(text="", author="Lan", files=(Link(label="", url="javascript:x"),)),
}


@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize("room", [9_000, 1_500])
def test_whatever_is_too_long_or_empty_is_drawn_within_slacks_limits(name: str, room: int) -> None:
    drawn = draw(LONG[name], room)  # type: ignore[arg-type]
    assert problems([dict(block) for block in drawn.blocks], 50) == []
    assert 0 < len(drawn.text) <= 3_000
    notification(drawn.text.removeprefix(mentioned(getattr(LONG[name], "mentions", ()))))


def test_a_text_is_whole_as_long_as_there_is_room() -> None:
    words = " ".join(str(number) for number in range(1_700))
    assert 6_000 < len(words) < 9_000
    assert "".join(readable(draw(Text(text=words)))) == words


def test_a_long_quotation_ends_in_an_ellipsis() -> None:
    (quote,) = [text for text in readable(draw(alert(quotes=(Quote(text="x" * 2_000, at=NOW),)))) if "xx" in text]
    assert quote == "x" * 1_499 + "…"


def test_the_newest_quotations_and_lines_are_kept() -> None:
    many = alert(
        quotes=tuple(Quote(text=f"quote {n}", at=NOW) for n in range(20)),
        history=tuple(f"line {n}" for n in range(20)),
    )
    texts = readable(draw(many))
    assert [text for text in texts if text.startswith("quote")] == [f"quote {n}" for n in range(15, 20)]
    assert "\n".join(f"line {n}" for n in range(10, 20)) in texts


def test_a_scale_is_a_row_of_buttons_under_its_question() -> None:
    row = tuple(button(str(n), str(n)) for n in range(11))
    drawn = draw(
        Card(text="Recommend us?", buttons=(row, (button("Skip", "~skip"),)), low="No", high="Yes", hint="0-10")
    )
    assert types(drawn) == ["section", "context", "actions", "actions"]
    scale, skip = drawn.blocks[2]["elements"], drawn.blocks[3]["elements"]
    assert [element["text"]["text"] for element in scale] == [str(n) for n in range(11)]
    assert [element["value"] for element in scale] == [one.token for one in row]
    assert len({element["action_id"] for element in (*scale, *skip)}) == 12
    assert readable(drawn)[1:3] == ["0 = No · 10 = Yes", "0-10"]


def test_a_long_row_is_broken_where_slack_ends_it() -> None:
    drawn = draw(Card(text="Which?", buttons=(tuple(button(str(n), str(n)) for n in range(30)),)))
    assert [len(block["elements"]) for block in drawn.blocks if block["type"] == "actions"] == [25, 5]


def test_a_ticked_box_shows() -> None:
    drawn = draw(Card(text="Which?", buttons=((button("Price", selected=True), button("Speed", "2")),)))
    price, speed = drawn.blocks[1]["elements"]
    assert (price["text"]["text"], price["style"]) == ("✓ Price", "primary")
    assert (speed["text"]["text"], "style" in speed) == ("Speed", False)


def test_an_answered_question_shows_the_choice_and_only_change() -> None:
    drawn = draw(Card(text="How was it?", chosen="4", buttons=((button("Change", "change"),),), low="Bad", hint="tap"))
    assert readable(drawn) == ["How was it?", "✓ 4", "Change"]
    assert types(draw(Card(text="How was it?", chosen="4"))) == ["section", "section"]


def test_the_fallback_of_a_question_can_be_answered_by_typing() -> None:
    drawn = draw(Card(text="Why?", buttons=((button("Price <here>", "price"),), (button("Speed", "speed"),))))
    assert notification(drawn.text) == "Why?\n\n1. Price <here>\n2. Speed"


SNOOZE = AlertMenu(label="Snooze…", options=(button("1 hour", "1h"), button("Tomorrow", "morning")))
ASSIGN = AlertMenu(label="Assign to…", people=True, token="c1.0k3f9x2m7q8d4h1z.assign")
WHOLE = alert(
    buttons=(Button(label="Claim", token="c1.0k3f9x2m7q8d4h1z.claim"), button("Reply")),
    menus=(SNOOZE, ASSIGN),
    links=(Link(label="Ticket", url="https://shop.example/t/1"), Link(label="Odd", url="javascript:alert(1)")),
    items=(AlertItem(text="Mai gave 1", button=button("Claim")), AlertItem(text="Linh gave 2")),
    mentions=("S0SUPPORT", "U0ANNA"),
)


def test_an_alert_offers_its_buttons_menus_and_links() -> None:
    drawn = draw(WHOLE)
    assert types(drawn) == [
        "header",
        "section",
        "section",
        "rich_text",
        "section",
        "section",
        "context",
        "actions",
        "actions",
    ]
    claim, reply, snooze, assign = drawn.blocks[7]["elements"]
    assert (claim["style"], claim["text"]["text"], "style" in reply) == ("primary", "Claim", False)
    assert [option["value"] for option in snooze["options"]] == [one.token for one in SNOOZE.options]
    assert (assign["type"], assign["action_id"]) == ("users_select", ASSIGN.token)
    (ticket,) = drawn.blocks[8]["elements"]
    assert (ticket["url"], "value" in ticket) == ("https://shop.example/t/1", False)
    assert [block.get("accessory", {}).get("value") for block in drawn.blocks[4:6]] == [button("").token, None]


def test_an_alert_calls_its_group_in_the_message_and_in_the_notification() -> None:
    drawn = draw(WHOLE)
    assert drawn.blocks[1]["text"] == {"type": "mrkdwn", "text": "<!subteam^S0SUPPORT> <@U0ANNA>"}
    assert drawn.text == "<!subteam^S0SUPPORT> <@U0ANNA> Lan gave 2 of 10"


def test_a_closed_alert_is_opened_anew_or_left_by_its_links() -> None:
    again = Button(label="Reopen", token="c1.0k3f9x2m7q8d4h1z.reopen")
    drawn = draw(alert(closed=True, buttons=(again,), menus=WHOLE.menus, links=WHOLE.links, items=WHOLE.items))
    deeds, links = [block["elements"] for block in drawn.blocks if block["type"] == "actions"]
    assert [(each["text"]["text"], each["value"]) for each in deeds] == [("Reopen", again.token)]
    assert [each["url"] for each in links] == ["https://shop.example/t/1"]
    assert all("accessory" not in block for block in drawn.blocks)


NO_ID = ["", "!channel", "u0anna", "U", "S0 SUPPORT", "U1>", "<@U1", "C0DESK", "@U1", "U0ANNA|x", "subteam^S1", "U０"]


@pytest.mark.parametrize("id", NO_ID)
def test_whatever_is_no_id_calls_nobody(id: str) -> None:
    assert mentioned([id]) == ""


ADDRESSES = {
    "https://shop.example/t/1?a=b&c=d#e": True,
    "http://127.0.0.1:8080/cases/0k3f": True,
    "javascript:alert(1)": False,
    "ftp://shop.example": False,
    "https://": False,
    "https://shop.example/a b": False,
    "https://shop.example/<!channel>": False,
    "https://shop.example|x": False,
    "https://shop.example/\n": False,
    "https://[broken": False,
    "https://shop.example:99999": False,
    "https://shop.example/" + "x" * 3_000: False,
    "": False,
}


@pytest.mark.parametrize("url", ADDRESSES)
def test_what_may_be_opened(url: str) -> None:
    assert openable(url) is ADDRESSES[url]


def test_what_came_with_quoted_words_is_opened_from_the_alert() -> None:
    files = (Link(label="lamp.jpg", url="https://shop.example/files/1"), Link(label="x", url="file:///etc/passwd"))
    drawn = draw(alert(quotes=(Quote(text="broken [photo]", at=NOW, files=files), Quote(text="hello?", at=NOW))))
    told = [each for each in drawn.blocks if each["type"] == "rich_text"]
    assert readable_blocks(told) == ["broken [photo]", "📎 ", "hello?"]
    assert [each["url"] for each in told[1]["elements"][0]["elements"] if each["type"] == "link"] == [files[0].url]


def test_a_reply_into_a_group_warns_whoever_writes_it() -> None:
    form = Form(kind="reply", case=CASE, title="Lan", group=True)
    warned = [
        "Everybody there reads what you send" in str(draw_form(each, Voice("en"))["blocks"])
        for each in (form, replace(form, group=False), replace(form, kind="resolve"))
    ]
    assert warned == [True, False, False]
    assert checked(SlackWorld((), "A1", lambda: 0.0, 10), draw_form(form, Voice("vi")))


def test_below_words_that_are_cut_stands_what_the_author_says() -> None:
    long = Remark(text=SIXTY_FOUR_KB, author="Lan", own={"desk.more_words": {"en": "Read on at the desk."}})
    assert readable(draw(long))[-1] == "Read on at the desk."
    assert readable(draw(replace(long, own={})))[-1] == say("en", "desk.more_words")


def test_a_remark_is_attributed_and_quoted() -> None:
    files = (Link(label="lamp.jpg", url="https://shop.example/files/1"), Link(label="x", url="file:///etc/passwd"))
    said = draw(Remark(text="still broken", author="Lan", mentions=("U0ANNA",), files=files))
    assert said.text == "<@U0ANNA> Lan: still broken"
    assert types(said) == ["section", "rich_text", "rich_text"]
    assert readable(said) == ["Lan", "still broken", "📎 "]
    (line,) = said.blocks[2]["elements"]
    assert line["elements"][1] == {"type": "link", "url": "https://shop.example/files/1", "text": "lamp.jpg"}
    ours = draw(Remark(text="Anna claimed the case"))
    assert (types(ours), ours.text) == (["section"], "Anna claimed the case")
    (name, _) = draw(Remark(text="x", author="Lan")).blocks[0]["elements"]
    assert name["elements"][0]["style"] == {"bold": True}


@pytest.mark.parametrize(
    ("length", "room", "blocks", "more"),
    [
        (1_600, 9_000, 1, False),
        (3_001, 9_000, 2, False),
        (9_000, 9_000, 3, False),
        (9_001, 9_000, 3, True),
        (1_500, 1_500, 1, False),
        (1_501, 1_500, 1, True),
    ],
)
def test_what_a_customer_wrote_stands_in_the_thread_in_whole(length: int, room: int, blocks: int, more: bool) -> None:
    text = "".join(str(number % 10) for number in range(length))
    said = draw(Remark(text=text, author="Lan"), room)
    quotes = [each for each in said.blocks if each["type"] == "rich_text"]
    words = "".join(readable(replace(said, blocks=tuple(quotes)))[1:])
    assert len(quotes) == blocks
    assert (words == text, words.endswith("…")) == (not more, more)
    notes = [each for each in said.blocks if each["type"] == "context"]
    assert ["open the case in the dashboard" in note["elements"][0]["text"] for note in notes] == [True] * more
    assert problems(list(said.blocks), 50) == []


NASTY = st.one_of(
    st.sampled_from([*HOSTILE.values(), "<!channel>", "<@U1>", "*bold*", "<!subteam^S1>", "&lt;", "@here", "`x`"]),
    st.text(max_size=60),
    st.lists(st.sampled_from(["<", ">", "!", "@", "channel", "U1", "|", "&", "lt;", "*", " ", "\n"])).map("".join),
)


@given(NASTY, NASTY, st.booleans())
def test_nobodys_words_become_markup_in_any_field(words: str, more: str, closed: bool) -> None:
    link = Link(label=words, url=f"https://shop.example/{more}")
    contents: list[Any] = [
        Text(text=words),
        Card(text=words, hint=more, low=words, high=more, buttons=((button(words),),)),
        Remark(text=words, author=more, files=(link,), mentions=(f"{words}>", f"<{more}", "U0ANNA")),
        Remark(text=words, files=(link,)),
        alert(
            closed=closed,
            summary=words,
            facts=(Fact(label=more, text=words),),
            quotes=(Quote(text=words, at=NOW),),
            history=(more, words),
            buttons=(button(words),),
            menus=(AlertMenu(label=more, options=(button(words),)), AlertMenu(label=words, people=True, token="t")),
            links=(link,),
            items=(AlertItem(text=words, button=button(more)),),
            mentions=(f"{words}>", f"<{more}", "S0SUPPORT"),
        ),
    ]
    for content in contents:
        drawn = draw(content)
        assert problems([dict(block) for block in drawn.blocks], 50) == []
        readable(drawn)
        live = [span.target for span in rendered(drawn.text) if span.kind in LIVE - {"autolink"}]
        assert set(live) <= {"U0ANNA", "subteam^S0SUPPORT"}


def option(id: str, kind: Any = None, label: str = "Late") -> FormOption:
    return FormOption(id=id, label=label, text="Sorry", kind=kind)


CASE = CaseId("0k3f9x2m7q8d4h1z")
FORMS = {
    "a reply": Form(kind="reply", case=CASE, title="Lan gave 2", about="too slow", options=(option("late", "fix"),)),
    "a reply without templates": Form(kind="reply", case=CASE, title="Lan gave 2"),
    "a reply with templates of no kind": Form(kind="reply", case=CASE, title="x", options=(option("a"), option("b"))),
    "a long reply": Form(
        kind="reply",
        case=CASE,
        title=SIXTY_FOUR_KB,
        about=SIXTY_FOUR_KB,
        text=SIXTY_FOUR_KB,
        options=tuple(option(f"t{n}", "policy" if n % 2 else "apology", SIXTY_FOUR_KB) for n in range(300)),
    ),
    "a reply to nobody": Form(kind="reply", case=CASE, title="", options=(option("a", label=""),)),
    "a resolution": Form(kind="resolve", case=CASE, title="x", options=(option("slow"),), text="y"),
    "a resolution of many causes": Form(
        kind="resolve", case=CASE, title="x", options=tuple(option(f"c{n}" * 20) for n in range(300)), text="y" * 900
    ),
    "a resolution without causes": Form(kind="resolve", case=CASE, title="x"),
    "a snooze": Form(kind="snooze", case=CASE, title="x", until=NOW),
    "a snooze without a proposal": Form(kind="snooze", case=CASE, title="x"),
}


@pytest.mark.parametrize("locale", ["en", "it", "pl", "vi"])
@pytest.mark.parametrize("name", FORMS)
def test_slack_takes_every_form_and_it_is_known_when_it_comes_back(name: str, locale: str) -> None:
    form = FORMS[name]
    view = draw_form(form, Voice(locale))
    world = SlackWorld((), "A1", lambda: 0.0, 10)
    assert checked(world, view)["callback_id"] == f"case.{form.kind}"
    read = read_form({**view, "id": "V1", "hash": "1.2"})
    assert read is not None
    assert (read.kind, read.case) == (form.kind, CASE)
    assert checked(world, draw_form(form, Voice(locale), read))
    # a label that had to be cut would be a bad translation
    assert not any(view[part]["text"].endswith("…") for part in ("title", "submit", "close"))


@given(NASTY, NASTY)
def test_nobodys_words_become_markup_in_a_form(words: str, more: str) -> None:
    form = Form(kind="reply", case=CASE, title=words, about=more, text=words, options=(option("a", "fix", more),))
    view = draw_form(form, Voice("en"))
    assert checked(SlackWorld((), "A1", lambda: 0.0, 10), view)
    readable_blocks(view["blocks"])


def test_the_examples_in_the_docstrings_of_the_parts_hold() -> None:
    assert doctest.testmod(parts) == doctest.TestResults(failed=0, attempted=1)


def test_an_alert_has_its_parts_in_order() -> None:
    assert types(draw(alert())) == ["header", "section", "rich_text", "context", "actions"]
    closed = draw(alert(closed=True, buttons=()))
    assert types(closed) == ["section", "section", "rich_text", "context"]
    assert readable(closed)[0] == "Lan gave 2 of 10"
