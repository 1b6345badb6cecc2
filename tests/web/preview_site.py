"""A config file with a survey in three languages, and the preview of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.commands.preview import preview_of
from bot.web.serving import listen, port_of

CONFIG = """
company = "Lotus Home"
[channels.telegram]
kind = "telegram"
token = { env = "TELEGRAM_TOKEN" }
[channels.slack]
kind = "slack"
bot_token = { env = "SLACK_BOT_TOKEN" }
app_token = { env = "SLACK_APP_TOKEN" }
mode = "socket"
[channels.web]
kind = "webchat"
secret = { env = "WEBCHAT_SECRET" }
colour = "#0b7a75"
[channels.page]
kind = "page"
[[flow]]
id = "support"
preset = "csat"
languages = ["en", "vi", "ar"]
[flow.review]
url = "https://reviews.example/lotus-home"
bands = ["satisfied", "neutral", "dissatisfied"]
[[flow]]
id = "hostile"
title.en = "<b>Hostile</b>"
languages = ["en"]
[[flow.question]]
id = "why"
type = "choice"
text.en = "<script>alert(1)</script> & \\"quoted\\" {agent|<i>nobody</i>}"
[[flow.question.options]]
id = "a"
text.en = "<img src=x onerror=alert(2)>"
[[flow.question.options]]
id = "b"
text.en = "Something that is far longer than any phone shows of it"
"""


@asynccontextmanager
async def previewing(path: Path) -> AsyncIterator[str]:
    """The address of the preview of a file, until the block ends."""
    runner = await listen(preview_of(path), "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{port_of(runner)}"
    finally:
        await runner.cleanup()
