"""What changed between two files, in words that an admin knows."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.config import load
from bot.config.changes import MOST, changes, in_one_line

ENVIRONMENT = {
    "WEBCHAT_SECRET": "0123456789abcdef",
    "OTHER_SECRET": "fedcba9876543210",
    "TELEGRAM_TOKEN": "1:a",
    "SLACK_BOT_TOKEN": "xoxb-1",
    "SLACK_APP_TOKEN": "xapp-1",
    "KEYS": "0123456789abcdef",
    "OTHER_KEYS": "fedcba9876543210",
}
BASE = """company = "Lotus Home"
[server]
api_keys = { env = "KEYS" }
[channels.web]
kind = "webchat"
secret = { env = "WEBCHAT_SECRET" }
[channels.slack]
kind = "slack"
bot_token = { env = "SLACK_BOT_TOKEN" }
app_token = { env = "SLACK_APP_TOKEN" }
[asking]
delay = "10m"
[followup]
channel = "slack"
room = "#support"
[[followup.rule]]
id = "vip"
vip = true
priority = "urgent"
[[flow]]
id = "support_csat"
languages = ["en", "vi"]
title.en = "Chat"
title.vi = "Trò chuyện"
[[flow.question]]
id = "score"
type = "csat5"
text.en = "How was it?"
text.vi = "Thế nào?"
[[flow.question]]
id = "cause"
type = "choice"
text.en = "Why?"
text.vi = "Vì sao?"
options = [
  { id = "slow", text = { en = "Slow", vi = "Chậm" } },
  { id = "rude", text = { en = "Rude", vi = "Thô lỗ" } },
]
"""
WHY = """[[flow.question]]
id = "why"
type = "text"
text.en = "Say more?"
text.vi = "Thêm?"
"""
NPS = """[[flow]]
id = "nps"
languages = ["en"]
title = "Shop"
[[flow.question]]
id = "score"
type = "nps"
text = "Would you recommend us?"
"""


def swapped(*pairs: tuple[str, str]) -> Callable[[str], str]:
    def change(text: str) -> str:
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new, 1)
        return text

    return change


CHANGES: dict[str, tuple[Callable[[str], str], list[str]]] = {
    "nothing": (lambda text: "# a comment\n" + text, []),
    "a text, a question and a delay": (
        lambda text: swapped(("Thế nào?", "Ra sao?"), ('"10m"', '"5m"'))(text) + WHY,
        ["support_csat: text of 'score' in vi changed, question 'why' added", "[asking] delay 10m -> 5m"],
    ),
    "a title in two languages": (
        swapped(('title.en = "Chat"', 'title.en = "Talk"'), ("Trò chuyện", "Chat")),
        ["support_csat: title in en, vi changed"],
    ),
    "an option": (
        swapped(('"Chậm"', '"Lâu"'), ('id = "rude"', 'id = "cold"')),
        [
            "support_csat: text of 'cause.slow' in vi changed, option 'cause.cold' added, option 'cause.rude' removed",
        ],
    ),
    "another type of question": (
        lambda text: text + WHY.replace('"text"', '"thumbs"'),
        ["support_csat: question 'why' added"],
    ),
    "a scale": (swapped(('"csat5"', '"csat10"')), ["support_csat: scale of 'score' csat5 -> csat10"]),
    "a new flow": (lambda text: text + NPS, ["flow 'nps' added"]),
    "a flow with another id": (
        swapped(('id = "support_csat"', 'id = "support"')),
        ["flow 'support' added", "flow 'support_csat' removed"],
    ),
    "when one flow is asked": (
        lambda text: text + '[flow.asking]\ndelay = "1h"\n',
        ["support_csat: asking.rules added"],
    ),
    "a channel more": (
        swapped(("[asking]", '[channels.bot]\nkind = "telegram"\ntoken = { env = "TELEGRAM_TOKEN" }\n[asking]')),
        ["channel 'bot' added"],
    ),
    "a channel that looks different": (
        swapped(('kind = "webchat"', 'kind = "webchat"\ncolour = "#ff0000"')),
        ["[channels.web] colour #2563eb -> #ff0000"],
    ),
    "secrets are not shown": (
        swapped(("WEBCHAT_SECRET", "OTHER_SECRET"), ('env = "KEYS"', 'env = "OTHER_KEYS"')),
        ["[server] api_keys changed", "[channels.web] secret changed"],
    ),
    "a rule": (
        swapped(('priority = "urgent"', 'priority = "high"')),
        ["[followup] priority of 'vip' urgent -> high"],
    ),
    "no follow-up": (
        lambda text: text[: text.index("[followup]")] + text[text.index("[[flow]]") :],
        ["[followup] removed"],
    ),
    "the name": (swapped(("Lotus Home", "Lotus")), ["company Lotus Home -> Lotus"]),
    "quiet hours": (
        swapped(('"10m"', '"10m"\nquiet_from = "22:00"\ndecline_buttons = false')),
        ["[asking] quiet_from 21:00 -> 22:00, decline_buttons true -> false"],
    ),
}


@pytest.mark.parametrize(("change", "told"), CHANGES.values(), ids=CHANGES)
def test_changes_are_told_in_words_of_the_file(change: Callable[[str], str], told: list[str], tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(BASE, "utf-8")
    old = load(path, ENVIRONMENT)
    path.write_text(change(BASE), "utf-8")
    new = load(path, ENVIRONMENT)
    assert list(changes(old, new)) == told
    line = in_one_line(changes(old, new))
    assert line == "; ".join(told)
    assert [secret for secret in ENVIRONMENT.values() if len(secret) > 8 and secret in line] == []


def test_flows_in_another_order(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    head, flow = BASE[: BASE.index("[[flow]]")], BASE[BASE.index("[[flow]]") :]
    path.write_text(head + flow + NPS, "utf-8")
    old = load(path, ENVIRONMENT)
    path.write_text(head + NPS + flow, "utf-8")
    assert list(changes(old, load(path, ENVIRONMENT))) == ["flows in another order"]


def test_very_many_changes_are_counted() -> None:
    line = in_one_line([f"flow 'f{n}' added" for n in range(MOST + 5)])
    assert line.endswith("; and 5 more")
    assert line.count("added") == MOST
