"""Slack's names of emoji, as its forms hand them over, and what only looks like one."""

import doctest

import pytest

from bot.channels.slack import emoji_names
from bot.channels.slack.emoji_names import named

NAMES = {
    ":slightly_smiling_face:": "🙂",
    ":simple_smile:": "🙂",
    ":smile:": "😄",
    ":+1:": "👍",
    ":thumbsup::skin-tone-2:": "👍🏻",
    ":wave::skin-tone-6:": "👋🏿",
    ":tada::heart:": "🎉❤️",
    ":star-struck:": "🤩",
    ":white_check_mark:": "✅",
    ":flag-vn:": "🇻🇳",
    ":our-logo:": ":our-logo:",
    ":our-logo::skin-tone-2:": ":our-logo::skin-tone-2:",
    "at 10:100:30": "at 10:100:30",
    "see https://shop.example:8080/a:b": "see https://shop.example:8080/a:b",
    "Note: this: that": "Note: this: that",
    "🙂 already": "🙂 already",
}


@pytest.mark.parametrize(("text", "read"), NAMES.items(), ids=NAMES)
def test_names_become_what_their_writer_saw(text: str, read: str) -> None:
    assert named(text) == read


def test_the_examples_hold() -> None:
    assert doctest.testmod(emoji_names).failed == 0
