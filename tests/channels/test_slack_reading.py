"""What each kind of body from Slack means to us, as a table of payloads."""

import doctest
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.slack import plain
from bot.channels.slack.meanings import Hint, Meant, Nothing, Reading, Unknown
from bot.channels.slack.plain import cut, escaped, pieces, shown, typed
from bot.channels.slack.reading import read
from bot.channels.slack.signing import parsed
from bot.ids import CaseId
from bot.messages import (
    Address,
    AgentAsks,
    AgentDid,
    AgentPressed,
    AgentWonders,
    AgentWrote,
    Assign,
    Attachment,
    ChannelName,
    Commanded,
    Deed,
    Inbound,
    Profile,
    Relay,
    Resolve,
    Snooze,
    Tapped,
    Wrote,
)
from bot.ports import Raw

PAYLOADS = Path(__file__).parent.parent / "payloads" / "slack"
SLACK = ChannelName("slack")
NOW = datetime(2026, 9, 21, 12, tzinfo=UTC)
LAN = Address(channel=SLACK, key="U0LAN")
SOME_ID = "slack:slack:event:"


def raw_of(name: str) -> Raw:
    """A payload as Slack's HTTP request carries it."""
    file = next(PAYLOADS.glob(f"{name}.*"))
    body = file.read_bytes().strip()
    form = {"content-type": "application/x-www-form-urlencoded"}
    if file.suffix == ".txt":
        return Raw(path="/channels/slack/commands", headers=form, body=body)
    value = orjson.loads(body)
    if "user" in value and value["type"] != "event_callback":
        return Raw(path="/channels/slack/interactions", headers=form, body=urlencode({"payload": body}).encode())
    return Raw(path="/channels/slack/events", headers={"content-type": "application/json"}, body=body)


def reading_of(name: str) -> Reading:
    raw = raw_of(name)
    body = parsed(raw)
    assert body is not None
    return read(body, raw.body, SLACK, NOW)


def wrote(event: str, text: str, **more: Any) -> Wrote:
    return Wrote(event=f"{SOME_ID}{event}", sender=LAN, text=text, at=NOW, **more)


def wrote_in(event: str, text: str, thread: str = "C0DESK:1789999999.000100", **more: Any) -> AgentWrote:
    """Words in a thread; their writer's name is looked up later."""
    key = f"{SOME_ID}{event}"
    return AgentWrote(event=key, agent=LAN, agent_name="U0LAN", thread=thread, text=text, at=NOW, **more)


def pressed(name: str, action: str) -> AgentPressed:
    token = f"c1.{CASE}.{action}"
    return AgentPressed(event=f"slack:slack:action:11.22.{name}", agent=LAN, agent_name="lan.tran", token=token, at=NOW)


def did(event: str, deed: Deed) -> AgentDid:
    return AgentDid(event=f"slack:slack:{event}", agent=LAN, agent_name="lan.tran", case=CASE, deed=deed, at=NOW)


def asks(name: str, **more: Any) -> AgentAsks:
    return AgentAsks(
        event=f"slack:slack:ask:11.22.{name}",
        agent=LAN,
        agent_name="lan.tran",
        customer=Address(channel=SLACK, key="U0ANNA"),
        about="C0HALL/1790000000.000300",
        at=NOW,
        **more,
    )


def wonders(name: str, query: str, *rooms: str) -> AgentWonders:
    event = f"slack:slack:command:11.22.{name}"
    return AgentWonders(event=event, agent=LAN, agent_name="lan.tran", rooms=rooms, query=query, at=NOW)


SORRY = "We are <sorry>, see shop.example"
BEN = Assign(to=Address(channel=SLACK, key="U0BEN"), to_name="U0BEN")
NAMED = Profile(name="lan.tran")
CASE = CaseId("0k3f9x2m7q8d4h1z")
TOKEN = "1.0k3f9x2m7q8d4h1z.3.2"

MEANT: dict[str, Inbound] = {
    "message_im": wrote("Ev0SHOP01", "too slow & rude, see shop.example"),
    "message_im_emoji": wrote("Ev0SHOP02", "⭐⭐ 👍🏻 :shop-logo:"),
    "message_im_home": wrote("Ev0SHOP03", "three"),
    "message_im_me": wrote("Ev0SHOP04", "is waiting"),
    "message_im_files": wrote(
        "Ev0SHOP05",
        "",
        attachments=(
            Attachment(kind="photo", reference="F0PIC", name="broken.jpg"),
            Attachment(kind="voice", reference="F0VOX", name="audio_message.m4a"),
            Attachment(kind="file", reference="F0PDF", name="invoice"),
        ),
    ),
    "message_im_changed": wrote("Ev0SHOP10", "4", manner="edited"),
    "press_customer": Tapped(
        event="slack:slack:action:11.22.press_customer", sender=LAN, token=TOKEN, at=NOW, profile=NAMED
    ),
    # an old or foreign token is politely refused by whoever decides, not here
    "press_of_tomorrow": Tapped(
        event="slack:slack:action:11.22.press_of_tomorrow", sender=LAN, token="2.something.else", at=NOW, profile=NAMED
    ),
    "press_agent": AgentPressed(
        event="slack:slack:action:11.22.press_agent",
        agent=LAN,
        agent_name="lan.tran",
        token="c1.0k3f9x2m7q8d4h1z.claim",
        at=NOW,
    ),
    "thread_reply": wrote_in("Ev0SHOP30", SORRY),
    "thread_reply_private": wrote_in("Ev0SHOP31", "// between us", "G0DESK:1789999999.000100"),
    "thread_broadcast": wrote_in("Ev0SHOP32", SORRY),
    "thread_files": wrote_in(
        "Ev0SHOP33", "", attachments=(Attachment(kind="photo", reference="F0PIC", name="label.png"),)
    ),
    "thread_formatted": wrote_in(
        "Ev0SHOP71",
        "// not for them @U0BEN 👋:our-own:\n• one\n• two\n3. three\nquoted here (https://shop.example)\ncode",
    ),
    "thread_edited": wrote_in("Ev0SHOP38", "We are sorry", was="// we are *sorry*"),
    "thread_untyped": wrote_in("Ev0SHOP34", "no kind of channel is told"),
    "menu_agent": pressed("menu_agent", "snooze:1h"),
    "form_template": pressed("form_template", "use:late"),
    "pick_person": did("action:11.22.pick_person", BEN),
    "pick_person_by_block": did("action:11.22.pick_person_by_block", BEN),
    "command_feedback": Commanded(
        event="slack:slack:command:11.22.command",
        sender=LAN,
        command="feedback",
        at=NOW,
        # Bolt's own parser sees an empty body here, for the word in it
        argument="my payload arrived & broken",
        profile=NAMED,
    ),
    "shortcut_feedback": Commanded(
        event="slack:slack:shortcut:11.22.shortcut_feedback", sender=LAN, command="feedback", at=NOW, profile=NAMED
    ),
    "ask_for_rating": asks("ask_for_rating", profile=Profile(name="Anna Nowak")),
    "ask_in_thread": asks("ask_in_thread"),
    "explain_reference": wonders("explain_reference", "T-81", "C0DESK", "#desk"),
    # Slack does not tell what private rooms are called
    "explain_mention": wonders("explain_mention", "U0ANNA", "G0DESK"),
    "explain_escaped": wonders("explain_escaped", "a & b a.example/1", "D0LAN"),
}

#: what needs no deciding
HINTED = {
    "ask_of_bot": "told.ask_of_bot",
    "ask_of_bot_without_user": "told.ask_of_bot",
    "ask_of_slackbot": "told.ask_of_bot",
    "ask_of_joining": "told.ask_of_bot",
    "ask_of_self": "told.ask_of_self",
    "ask_of_nobody": "told.ask_of_nobody",
    "explain_nothing": "told.explain_usage",
    "afterchat_alone": "told.explain_usage",
    "afterchat_other": "told.explain_usage",
}

#: a form is known again by its id and what stands in it
SUBMITTED: dict[str, Deed] = {
    "form_reply": Relay(text="We are <sorry> & will *fix* it 🙏🏼 :our-own:", template="late"),
    "form_reply_empty": Relay(text=""),
    "form_resolve": Resolve(cause="slow_reply", action="Sent it again"),
    "form_snooze": Snooze(until=datetime.fromtimestamp(1790010000, UTC)),
}

NOTHING = {
    "message_im_own": "",
    "message_im_bot": "",
    "message_im_app": "",
    "message_im_slackbot": "",
    "message_im_deleted": "",
    "message_im_empty": "",
    "message_channel": "",
    "message_channel_join": "",
    "message_nowhere": "",
    "app_mention": "",
    "app_home_opened": "",
    "reaction_added": "",
    "thread_first": "",
    "thread_bot": "",
    "thread_own": "",
    "thread_unfurled": "",
    "thread_deleted": "",
    "thread_group_dm": "",
    "press_link": "",
    "press_link_of_ours": "",
    "pick_nobody": "",
    "view_closed": "",
    "tokens_revoked": "tokens_revoked",
    "app_uninstalled": "app_uninstalled",
    "app_rate_limited": "app_rate_limited",
}

UNKNOWN = {
    "message_im_nobody": "a direct message without a sender",
    "event_of_tomorrow": "no use for an event of type 'hologram_projected'",
    "event_without_type": "an event without a type",
    "event_is_text": "an event without a type",
    "thread_nobody": "a message without a sender",
    "pick_elsewhere": "an action that is no button of ours",
    "menu": "an action that is no button of ours",
    "press_nothing": "an action that is no button of ours",
    "press_nobody": "a press without a person",
    "shortcut_other": "a shortcut of another app",
    "message_shortcut_other": "a message shortcut of another app",
    "ask_without_message": "a message shortcut without a person or a message",
    "ask_by_nobody": "a message shortcut without a person or a message",
    "explain_by_nobody": "a command without a sender",
    "view_submission": "a form that is none of ours",
    "form_unfilled": "a form that is not filled in",
    "form_of_nobody": "a form without a person",
    "form_with_odd_case": "a form that is none of ours",
    "form_of_tomorrow": "a form that is none of ours",
    "block_suggestion": "no use for a body of type 'block_suggestion'",
    "dialog_submission": "no use for a body of type 'dialog_submission'",
    "interactive_message": "no use for a body of type 'interactive_message'",
    "command_other": "a slash command of another app",
}


@pytest.mark.parametrize("name", MEANT)
def test_what_concerns_us_becomes_a_message_of_ours(name: str) -> None:
    reading = reading_of(name)
    assert isinstance(reading, Meant)
    assert reading.inbound == MEANT[name]


@pytest.mark.parametrize("name", HINTED)
def test_what_needs_no_deciding_is_answered_by_a_hint(name: str) -> None:
    reading = reading_of(name)
    assert isinstance(reading, Hint)
    assert reading.key == HINTED[name]
    assert reading.origin.user == "U0LAN"
    assert reading.origin.response_url.startswith("http://127.0.0.1:9/")


def test_what_is_said_of_a_message_in_a_thread_is_said_there() -> None:
    reading = reading_of("ask_in_thread")
    assert isinstance(reading, Meant)
    origin = reading.origin
    assert (origin.kind, origin.conversation, origin.thread) == ("shortcut", "C0HALL", "1789999999.000100")


def test_nobody_asks_our_own_bot() -> None:
    body = parsed(raw_of("ask_for_rating"))
    assert body is not None
    assert isinstance(read(body, b"raw", SLACK, NOW, bot="U0ANNA"), Hint)


def test_a_query_has_bounds() -> None:
    body = parsed(raw_of("explain_reference"))
    assert body is not None
    reading = read({**body, "text": "explain " + "x" * 9_000}, b"raw", SLACK, NOW)
    assert isinstance(reading, Meant)
    assert isinstance(reading.inbound, AgentWonders)
    assert reading.inbound.query == "x" * 199 + "…"


@pytest.mark.parametrize("name", NOTHING)
def test_what_does_not_concern_us_is_nothing(name: str) -> None:
    assert reading_of(name) == Nothing(alarm=NOTHING[name])


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_nobody_understands_says_why(name: str) -> None:
    assert reading_of(name) == Unknown(why=UNKNOWN[name])


def test_every_payload_is_in_a_table() -> None:
    answered_by_bolt = {"url_verification", "ssl_check"}
    by_content = {"message_im_no_id"}
    tables = {*MEANT, *HINTED, *SUBMITTED, *NOTHING, *UNKNOWN}
    assert {file.stem for file in PAYLOADS.iterdir()} == tables | answered_by_bolt | by_content


@pytest.mark.parametrize("name", SUBMITTED)
def test_a_submitted_form_says_what_to_do(name: str) -> None:
    reading = reading_of(name)
    assert isinstance(reading, Meant)
    inbound = reading.inbound
    assert isinstance(inbound, AgentDid)
    assert inbound.event.startswith("slack:slack:form:V0FORM.")
    assert inbound == did(inbound.event.removeprefix("slack:slack:"), SUBMITTED[name])
    assert reading.origin.form is not None
    assert (reading.origin.form.id, reading.origin.form.case) == ("V0FORM", CASE)


def test_a_form_sent_twice_is_one_event_and_one_with_other_words_another() -> None:
    body = parsed(raw_of("form_reply"))
    assert body is not None
    again = {**body, "trigger_id": "another press of the same button"}
    values = {"text": {"text": {"type": "plain_text_input", "value": "Other words"}}}
    other = {**body, "view": {**body["view"], "state": {"values": values}}}
    events = [event_of(read(each, b"raw", SLACK, NOW + timedelta(seconds=1))) for each in (body, again, other)]
    assert events[0] == events[1] != events[2]


def event_of(reading: Reading) -> str:
    assert isinstance(reading, Meant)
    return reading.inbound.event


def test_a_form_tells_where_its_fields_are_and_what_was_written() -> None:
    reading = reading_of("form_template")
    assert isinstance(reading, Meant)
    form, origin = reading.origin.form, reading.origin
    assert form is not None
    assert (origin.kind, form.hash, form.typed, form.began) == ("choice", "1790000000.h4sh", "Dear Lan,", "Sorry!")
    assert form.fields == {"template": "template", "text": "text"}


def test_an_event_without_an_id_is_known_again_by_its_content() -> None:
    first, again = reading_of("message_im_no_id"), reading_of("message_im_no_id")
    assert isinstance(first, Meant)
    assert first == again
    assert first.inbound.event.startswith(SOME_ID)
    assert len(first.inbound.event) == len(SOME_ID) + 32


TYPED = {
    "entities": ("1 &lt; 2 &amp;&amp; 3 &gt; 2 &amp;lt;", "1 < 2 && 3 > 2 &lt;"),
    "a bare link": ("<https://a.example/x?y=1&amp;z=2>", "https://a.example/x?y=1&z=2"),
    "a link that Slack made of a word": ("<http://a.example|a.example>", "a.example"),
    "a link with words of its own": ("<https://a.example|our shop>", "our shop (https://a.example)"),
    "mail and telephone": ("<mailto:a@b.example|a@b.example> <tel:+48123|+48123>", "a@b.example +48123"),
    "mentions": ("<@U0ANNA> <@U0ANNA|anna> <#C0|hall> <!channel> <!here>", "@U0ANNA @anna #hall @channel @here"),
    "a group and a date": ("<!subteam^S1|@support> <!date^1^{date}|Monday>", "@support Monday"),
    "typed angles are no markup": ("&lt;!channel&gt;", "<!channel>"),
    "an emoji by name alone stays": (":tada: 10:30:45", ":tada: 10:30:45"),
    "nothing that PostgreSQL refuses": ("a\0b", "ab"),
}


@pytest.mark.parametrize("name", TYPED)
def test_what_was_typed_comes_out_of_slacks_markup(name: str) -> None:
    text, words = TYPED[name]
    assert typed(text) == words


@pytest.mark.parametrize("code", ["", "xyz", "110000", "-", "1f44d-", "ffffffffffffffffffff"])
def test_a_broken_emoji_code_leaves_the_name(code: str) -> None:
    assert typed(":x:", [{"type": "emoji", "name": "x", "unicode": code}]) == ":x:"


@given(st.text())
def test_what_we_escape_is_what_slack_hands_back(text: str) -> None:
    assert typed(escaped(text)) == text.replace("\0", "")


@given(st.text(st.characters(exclude_categories=())), st.integers(1, 40))
def test_shown_text_is_short_enough_and_never_empty(text: str, length: int) -> None:
    result = shown(text, length)
    assert result.strip()
    assert len(result.encode("utf-16-le")) <= 2 * length


@given(st.text(st.characters(exclude_categories=("Cs", "Cc"))), st.integers(4, 20), st.integers(1, 4))
def test_pieces_hold_the_whole_text_or_end_in_an_ellipsis(text: str, length: int, most: int) -> None:
    parts = pieces(text, length, most)
    assert 1 <= len(parts) <= most
    assert all(len(part.encode("utf-16-le")) <= 2 * length for part in parts)
    whole = "".join(parts).split()
    assert whole == text.split() or parts[-1].endswith("…")


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(plain) == doctest.TestResults(failed=0, attempted=4)


def test_cutting_never_splits_a_character() -> None:
    assert cut("👍" * 10, 10) == "👍👍👍👍…"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)
KNOWN_KEYS = (
    "type event user channel actions value text blocks files message container authorizations command user_id "
    "callback_id channel_name message_ts trigger_id response_url subtype channel_type ts bot_id event_id id "
    "elements name unicode is_bot thread_ts url view state values private_metadata hash selected_option "
    "selected_user selected_date_time element action_id block_id template cause action until initial_value"
)
KNOWN_VALUES = (
    "event_callback block_actions shortcut message_action ask_for_rating /afterchat message im button 1.a.1.2 "
    "c1.a.claim /feedback feedback U0LAN D0LAN file_share emoji rich_text view_submission case.reply case.resolve "
    "case.snooze 0k3f9x2m static_select users_select c1.a.assign c1.a.use:x C0DESK channel 1.2 3.4 view_closed V1"
)
SHAPED = st.recursive(
    JSON | st.sampled_from(KNOWN_VALUES.split()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KNOWN_KEYS.split()), inner, max_size=6),
    max_leaves=30,
)


@given(st.dictionaries(st.sampled_from(KNOWN_KEYS.split()), SHAPED, max_size=8))
def test_no_body_can_make_the_reader_stumble(body: dict[str, Any]) -> None:
    reading = read(body, b"raw", SLACK, NOW)
    if isinstance(reading, Meant):
        assert reading.inbound.event.startswith("slack:slack:")
        assert len(reading.inbound.event) < 200


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a body, its containers too."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [*([path] if path else []), *(place for key, each in inner for place in places(each, (*path, key)))]


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy of a body with one place changed."""
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = put(value[path[0]], path[1:], new)
    return copy


BODIES = [body for name in (*MEANT, *HINTED, *SUBMITTED, *NOTHING) if (body := parsed(raw_of(name)))]


@given(st.sampled_from(BODIES), st.data())
def test_no_real_body_with_one_odd_place_can_make_the_reader_stumble(body: dict[str, Any], data: st.DataObject) -> None:
    odd = put(body, data.draw(st.sampled_from(places(body))), data.draw(JSON | st.integers(-(2**80), 2**80)))
    reading = read(odd, b"raw", SLACK, NOW)
    if isinstance(reading, Meant):
        assert len(reading.inbound.event) < 200
