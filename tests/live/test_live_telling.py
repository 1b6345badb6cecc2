"""One message for each time that the settings are broken, however many processes tell of it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from bot.config import FollowUpSettings, OpsSettings, Problem, Settings
from bot.languages import locales
from bot.live.telling import LATE, SHOWN, Moment, broken, broken_text, mended, restart
from bot.messages import ChannelName, Outbound, Receipt, Text
from bot.ports import Clock, Sent
from bot.storage import Storage
from bot.storage.notices import Notice, Tell

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SLACK = ChannelName("slack")
SETTINGS = Settings(company="Lotus Home", ops=OpsSettings(channel=SLACK, room="#ops"))
WRONG = Problem(file="config.toml", line=12, path="asking.delay", wrong="'ten' is no duration")
FIRST = Notice(slot="ops:first", state="broken", digest="b1", at=NOW - timedelta(hours=1))
WELL = replace(FIRST, state="well")


def moment(settings: Settings = SETTINGS) -> Moment:
    return Moment(settings=settings, now=NOW, ids=lambda: "new")


def told(digest: str, settings: Settings = SETTINGS) -> Tell:
    return broken(digest, "config.toml", [WRONG], NOW, moment(settings))


TOLD: dict[str, tuple[Tell, Notice | None, tuple[str, str] | None]] = {
    "the first time": (told("b1"), None, ("post", "ops:new")),
    "another process told it": (told("b1"), FIRST, None),
    "it is broken in another way now": (told("b2"), FIRST, ("edit", "ops:first")),
    "it was mended, and is broken again": (told("b2"), WELL, ("post", "ops:new")),
    "it was mended, and long after broken in the same way": (told("b1"), WELL, ("post", "ops:new")),
    "another process mended it a moment ago": (
        told("b1"),
        replace(WELL, at=NOW - LATE / 2),
        ("edit", "ops:first"),
    ),
    "nobody is to be told": (told("b1", settings=Settings(company="Lotus Home")), None, None),
    "there was no room then": (told("b2"), replace(FIRST, slot=""), ("post", "ops:new")),
    "in order again": (mended("", moment()), FIRST, ("edit", "ops:first")),
    "in order again, and told": (mended("", moment()), WELL, None),
    "never broken": (mended("flow 'a' added", moment()), None, None),
    "in order again, and there was no room then": (mended("", moment()), replace(FIRST, slot=""), None),
    "to be started again": (restart(["[server] port 1 -> 2"], moment()), None, ("post", "ops:new")),
    "nothing to be started for": (restart([], moment()), None, None),
    "started": (restart([], moment()), WELL, None),
}


@pytest.mark.parametrize(("tell", "before", "message"), TOLD.values(), ids=TOLD)
def test_what_is_told(tell: Tell, before: Notice | None, message: tuple[str, str] | None) -> None:
    found = tell(before)
    outbound = None if found is None else found[1]
    assert (None if outbound is None else (outbound.kind, outbound.slot)) == message
    if outbound is not None and found is not None:
        assert (outbound.to.channel, outbound.to.key, outbound.lane) == ("slack", "#ops", "ops")
        assert found[0].slot == outbound.slot


def test_it_is_told_in_the_agents_language() -> None:
    for locale in locales():
        followup = FollowUpSettings(channel=SLACK, room="#desk", locale=locale)
        text = broken_text("config.toml", [WRONG] * 3, NOW, replace(SETTINGS, followup=followup))
        assert "config.toml:12: asking.delay: 'ten' is no duration" in text
        assert "{" not in text


def test_the_author_says_it_differently() -> None:
    own = replace(SETTINGS, sentences={"ops.mended": {"en": "All is well."}, "ops.restart": {"en": "Restart: {keys}"}})
    assert shown(mended("", moment(own))(FIRST)).text == "All is well."
    assert shown(restart(["port"], moment(own))(None)).text == "Restart: port"


def test_of_very_many_problems_some_are_shown() -> None:
    outbound = shown(broken("b", "config.toml", [WRONG] * 500, NOW, moment())(None))
    assert outbound.text.count("config.toml:12") == SHOWN
    assert "500" in outbound.text
    long = replace(WRONG, wrong="x" * 2_000)
    assert len(shown(broken("b", "config.toml", [long] * 5, NOW, moment())(None)).text) < 3_000


def shown(found: tuple[Notice, Outbound | None] | None) -> Text:
    assert found is not None
    assert found[1] is not None
    assert isinstance(found[1].content, Text)
    return found[1].content


async def test_a_story_on_each_database(storage: Storage, clock: Clock) -> None:
    """Two processes see the same: broken, broken in another way, mended, broken once more."""
    slots = iter("abcdef")

    def at() -> Moment:
        return Moment(settings=SETTINGS, now=clock(), ids=lambda: next(slots))

    def twice(tell: Callable[[], Tell]) -> list[Tell]:
        return [tell(), tell()]

    for tell in (
        *twice(lambda: broken("b1", "config.toml", [WRONG], NOW, at())),
        *twice(lambda: broken("b2", "config.toml", [WRONG], NOW, at())),
        *twice(lambda: mended("flow 'a' added", at())),
        *twice(lambda: broken("b3", "config.toml", [WRONG], NOW, at())),
    ):
        await storage.notices.tell("settings", tell)
    sent = []
    now = clock()
    while claimed := await storage.outbox.claim(now, limit=10, lease_until=now + timedelta(minutes=1)):
        for delivery in claimed:
            sent.append((delivery.outbound.kind, delivery.outbound.slot))
            await storage.outbox.settle(delivery, Sent(receipt=Receipt(remote="C1:1")), now)
    first, last = sent[0][1], sent[-1][1]
    assert sent == [("post", first), ("edit", first), ("edit", first), ("post", last)]
    assert first != last
