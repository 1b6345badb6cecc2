"""Links under a text in every channel, and values that would be markup somewhere."""

from datetime import UTC, datetime

import msgspec
import pytest
from msgspec.structs import replace

from bot.channels.fallback import with_links
from bot.channels.slack.drawing import draw as draw_in_slack
from bot.channels.telegram.drawing import draw as draw_in_telegram
from bot.conversations import engine
from bot.conversations.conversation import Conversation
from bot.conversations.prompts import Wording, word
from bot.ids import ConversationId, CustomerId
from bot.messages import Address, Card, ChannelName, Link, Text
from tests.conversations.golden import flow_named

REVIEW = Link(label="Write a review", url="https://reviews.example/lotus?a=1&b=2")
THANKS = Text(text="Thank you!", links=(REVIEW,))


def test_telegram_opens_a_link_by_a_button() -> None:
    assert draw_in_telegram(THANKS) == {
        "text": "Thank you!",
        "reply_markup": {"inline_keyboard": [[{"text": REVIEW.label, "url": REVIEW.url}]]},
    }


def test_telegram_takes_the_button_away_with_the_link() -> None:
    assert draw_in_telegram(Text(text="Your answer was changed.")) == {"text": "Your answer was changed."}


def test_slack_opens_a_link_by_a_button_and_tells_it_in_the_fallback() -> None:
    drawn = draw_in_slack(THANKS)
    (button,) = [each for block in drawn.blocks if block["type"] == "actions" for each in block["elements"]]
    assert (button["type"], button["url"], button["text"]["text"]) == ("button", REVIEW.url, REVIEW.label)
    assert "value" not in button
    assert drawn.text == "Thank you!\n\nWrite a review: https://reviews.example/lotus?a=1&amp;b=2"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://", "data:text/html,x", "https://a b.example"])
def test_slack_makes_no_button_of_what_is_no_address(url: str) -> None:
    drawn = draw_in_slack(Text(text="Thank you!", links=(Link(label="Open", url=url),)))
    assert [block["type"] for block in drawn.blocks] == ["section"]


def test_where_there_are_no_buttons_the_address_stands_below() -> None:
    assert with_links(THANKS) == "Thank you!\n\nWrite a review: https://reviews.example/lotus?a=1&b=2"
    assert with_links(Text(text="Thank you!")) == "Thank you!"


def test_a_text_stored_before_there_were_links_is_read() -> None:
    assert msgspec.json.decode(b'{"type":"text","text":"Hi"}', type=Text) == Text(text="Hi")


# ---- values -----------------------------------------------------------------------------------------------

HOSTILE = "<!channel> *x* _y_ `z` <http://a|b> [t](http://a) <script>alert(1)</script> {score} &lt; {agent}"


def asked_by(agent: str) -> Card:
    """The first question of a flow whose text names the agent."""
    pinned = flow_named("support")
    now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    conversation = Conversation(
        id=ConversationId("0k3f9x2m7q8d4h1z"),
        flow=pinned.hash,
        customer=CustomerId("c"),
        address=Address(channel=ChannelName("telegram"), key="5512"),
        locale="en",
        attributes={"agent": agent},
        started_at=now,
        touched_at=now,
    )
    turn = engine.start(conversation, replace(pinned.flow, intro={}))
    card = word(turn.prompts[0], turn.conversation, replace(pinned.flow, intro={}), Wording(company=agent)).content
    assert isinstance(card, Card)
    return card


def test_a_value_is_put_in_once_and_never_read_again() -> None:
    assert asked_by(HOSTILE).text == f"How was your chat with {HOSTILE}?"


def test_telegram_says_a_value_as_it_is() -> None:
    fields = draw_in_telegram(asked_by(HOSTILE))
    assert HOSTILE in fields["text"]
    assert fields.keys() == {"text", "reply_markup"}


def test_slack_reads_no_markup_in_a_value() -> None:
    drawn = draw_in_slack(asked_by(HOSTILE))
    said = drawn.blocks[0]["text"]
    assert (said["type"], HOSTILE in said["text"]) == ("plain_text", True)
    assert "&lt;!channel&gt;" in drawn.text
    assert "<!channel>" not in drawn.text
