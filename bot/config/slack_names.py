"""Rooms, user groups and people of Slack, as an admin names them."""

import re
from collections.abc import Mapping

from bot.messages import ChannelName
from bot.toml_journal import AnyText
from bot.toml_tables import Table, did_you_mean

_ROOM = re.compile(r"#[^\s#@,]{1,80}|[CGD][A-Z0-9]{2,20}")
_MEMBER = re.compile(r"(?=.*[0-9])[UW][A-Z0-9]{6,20}")
_GROUP = re.compile(r"S[A-Z0-9]{2,20}")
_LEAD = re.compile(r"[UWS][A-Z0-9]{2,20}")
_GROUP_EXAMPLE = 'Write its id, such as "S0614TZR7": in Slack, open the user group, … and Copy group ID.'
_LEAD_EXAMPLE = (
    'Write an id, such as "U024BE7LH" or a group\'s "S0614TZR7": in Slack, open the profile, … and Copy member ID.'
)


def read_slack(table: Table, kinds: Mapping[str, tuple[str, bool]], without: str) -> ChannelName:
    """The name of a Slack channel of the file; ``kinds``: channel -> (kind, switched on).

    ``without`` says how to do without one: "remove [ops]".
    """
    slacks = [name for name, (kind, _) in kinds.items() if kind == "slack"]
    channel = table.text("channel", example='channel = "slack", the name of a Slack channel under [channels]')
    if channel and channel not in slacks:
        wrong = f"'{channel[:40]}' is no Slack channel" if channel in kinds else f"there is no channel '{channel[:40]}'"
        right = did_you_mean(channel, slacks) if slacks else f'Add one with kind = "slack", or {without}.'
        table.report("channel", wrong, right)
    elif channel and not kinds[channel][1]:
        table.report("channel", f"'{channel}' is switched off", f"Set enabled = true there, or {without}.")
    return ChannelName(channel)


def read_room(table: Table, default: str | None = None) -> str:
    """A room: an id, or its name with #."""
    table.note("room", AnyText(pattern=_ROOM.pattern, what="a room in Slack"), default or None)
    room = table.text("room", default, example='room = "#support", or the id of a Slack channel')
    if _MEMBER.fullmatch(room):
        right = 'In Slack, open the room\'s details and copy its Channel ID (C…), or write its "#name".'
        table.report("room", f"'{room}' is the id of a person, not of a room", right)
    elif room and not _ROOM.fullmatch(room):
        mended = f"#{room}"
        right = f"Did you mean '{mended}'?" if _ROOM.fullmatch(mended) else 'Write "#name" or an id such as C024BE91L.'
        table.report("room", f"'{room[:60]}' is no room in Slack", right)
    return room


def read_group(table: Table) -> str:
    """The id of a user group, or nothing."""
    return _read_id(table, "group", _GROUP, "is no id of a user group in Slack", _GROUP_EXAMPLE)


def read_lead(table: Table) -> str:
    """The id of a person or of a user group, or nothing."""
    return _read_id(table, "lead", _LEAD, "is no id of a person or user group in Slack", _LEAD_EXAMPLE)


def _read_id(table: Table, key: str, pattern: re.Pattern[str], wrong: str, example: str) -> str:
    table.note(key, AnyText(pattern=pattern.pattern, what="an id in Slack"))
    id = table.text(key, "")
    if id and not pattern.fullmatch(id):
        right = f"Did you mean '{id.upper()}'?" if pattern.fullmatch(id.upper()) and _has_digit(id) else example
        table.report(key, f"'{id[:60]}' {wrong}", right)
    return id


def _has_digit(text: str) -> bool:
    return any(character.isdigit() for character in text)
