"""Afterchat as its users run it, with the benchmark's survey as its one flow."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks.bots.child import Job, main
from benchmarks.survey import FLOW, QUESTION, ROOM, SECRET, SLACK_TOKEN, THANKS, TOKEN, WHY
from bot.app import App, run
from bot.config import (
    CommandSettings,
    FollowUpSettings,
    ServerSettings,
    Settings,
    SlackSettings,
    StorageSettings,
    TelegramSettings,
)
from bot.conversations.flow import Flow, Thanks, pin
from bot.conversations.questions import OpenText, Rating
from bot.messages import ChannelName


def settings(job: Job) -> Settings:
    """Everything that is not named here is as it is by default."""
    flow = Flow(
        id=FLOW,
        title={"en": "Recommendation"},
        locales=("en",),
        questions=(
            Rating(id="score", text={"en": QUESTION}, scale="nps"),
            OpenText(id="why", text={"en": WHY}, optional=False),
        ),
        thanks=Thanks(otherwise={"en": THANKS}),
    )
    telegram = TelegramSettings(
        messages_per_second=0,
        name=ChannelName("telegram"),
        token=TOKEN,
        webhook_secret=SECRET,
        mode="webhook",
        api_url=job.services,
    )
    slack = SlackSettings(
        posts_per_second=0,
        name=ChannelName("slack"),
        bot_token=SLACK_TOKEN,
        signing_secret=SECRET,
        mode="http",
        api_url=job.services,
    )
    return Settings(
        company="Benchmark",
        server=ServerSettings(port=0),
        storage=StorageSettings(url=job.database),
        channels=(telegram, slack),
        followup=FollowUpSettings(channel=slack.name, room=ROOM),
        commands=CommandSettings(feedback=FLOW, start=(FLOW,)),
        flows=(pin(flow),),
    )


@asynccontextmanager
async def opened(job: Job) -> AsyncIterator[int]:
    """Serve until the end; yields the port."""
    app = await App.open(settings(job))
    try:
        await app.start()
        yield app.port
    finally:
        await app.stop()


if __name__ == "__main__":
    main(opened, run)
