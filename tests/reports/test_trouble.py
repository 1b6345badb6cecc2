"""What `afterchat trouble` says."""

from datetime import UTC, datetime, timedelta

from bot.messages import Address, ChannelName
from bot.reports.trouble import Trouble, trouble_text
from bot.storage.reports import Backlog, GivenUp, Stuck

TEN = datetime(2026, 3, 2, 10, 2, tzinfo=UTC)
SLACK, TELEGRAM = ChannelName("slack"), ChannelName("telegram")


def stuck(to: Address, messages: int, error: str) -> Stuck:
    return Stuck(to=to, messages=messages, since=TEN, error=error, due_at=TEN + timedelta(minutes=5))


def test_nothing_is_said_to_be_none() -> None:
    nothing = Trouble(
        stuck=(), backlog=[Backlog(channel=SLACK, messages=3, since=TEN)], given_up=(), aside=(), wrong=()
    )
    assert [line.rpartition(": ")[2] for line in trouble_text(nothing).splitlines()] == ["none"] * 4
    assert not nothing.needs_somebody


def test_a_room_in_trouble_is_one_line_with_all_that_waits() -> None:
    found = Trouble(
        stuck=[stuck(Address(channel=SLACK, key="#support-recovery"), 200, "Slack refused: channel_not_found")],
        backlog=[Backlog(channel=SLACK, messages=200, since=TEN), Backlog(channel=TELEGRAM, messages=9, since=TEN)],
        given_up=(),
        aside=(),
        wrong=(),
    )
    assert trouble_text(found).splitlines()[:2] == [
        "messages that wait behind a refused one: 1",
        "  slack #support-recovery: 200 messages wait since 2026-03-02 10:02:00 UTC: Slack refused: channel_not_found "
        "(again 2026-03-02 10:07:00 UTC)",
    ]
    assert found.needs_somebody


def test_a_channel_in_trouble_tells_of_those_who_were_not_tried_yet() -> None:
    tried = [stuck(Address(channel=TELEGRAM, key=str(key)), 1, "Telegram does not answer") for key in range(5)]
    backlog = [Backlog(channel=TELEGRAM, messages=1205, since=TEN)]
    found = Trouble(stuck=tried, backlog=backlog, given_up=(), aside=(), wrong=())
    lines = trouble_text(found).splitlines()
    assert lines[0] == "messages that wait behind a refused one: 6"
    assert lines[6] == "  telegram: 1,200 more for others; the oldest of all waits since 2026-03-02 10:02:00 UTC"


def test_what_a_service_answered_commands_no_terminal() -> None:
    lost = GivenUp(
        id=1,
        to=Address(channel=TELEGRAM, key="7\x1b[2J"),
        kind="post",
        slot="s",
        attempts=1,
        error="no\nsuch \x9b chat",
        queued_at=TEN,
        given_up_at=TEN,
    )
    text = trouble_text(Trouble(stuck=(), backlog=(), given_up=[lost], aside=(), wrong=()))
    assert r"telegram 7\x1b[2J  no such \x9b chat" in text
