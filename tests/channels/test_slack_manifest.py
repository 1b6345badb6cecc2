"""The Slack app's manifest asks for what the code uses, and for no more."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import bot
from bot.channels.slack.reading import COMMANDS, SHORTCUTS
from bot.channels.slack.wishes import ASK, WONDER

MANIFEST = Path(bot.__file__).parent.parent / "docs" / "slack-manifest.yaml"
SOURCES = Path(bot.__file__).parent / "channels" / "slack"

#: methods of the Web API that we call, with the scopes that Slack wants for each
SCOPES = {
    # a message to a person's id opens the conversation with them
    "chat_postMessage": {"chat:write", "im:write"},
    "chat_postEphemeral": {"chat:write"},
    "chat_update": {"chat:write"},
    # of private rooms only
    "conversations_info": {"groups:read"},
    # of public and of private rooms
    "conversations_members": {"channels:read", "groups:read"},
    "users_conversations": {"channels:read", "groups:read"},
    "files_info": {"files:read"},
    "users_info": {"users:read"},
    "views_open": set(),
    "views_update": set(),
    # the app-level token's, which no manifest gives
    "apps_connections_open": set(),
}
#: events that we are told of, with the scope for each
EVENTS = {"message.im": "im:history", "message.channels": "channels:history", "message.groups": "groups:history"}


def methods_called() -> Iterator[str]:
    """The names of everything that is called on something and looks like a method of the Web API."""
    for source in SOURCES.glob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                name = node.func.attr
                if re.fullmatch(r"(apps|chat|conversations|files|users|views|reactions|usergroups)_\w+", name):
                    yield name


def listed(key: str) -> set[str]:
    """The entries of a list in the manifest."""
    lines = iter(MANIFEST.read_text().splitlines())
    next(line for line in lines if line.strip() == f"{key}:")
    entries = set()
    for line in lines:
        entry = re.fullmatch(r"\s+- ([\w:.]+)(?:\s+#.*)?", line)
        if entry is None:
            break
        entries.add(entry[1])
    return entries


def test_the_manifest_has_the_scopes_of_the_methods_that_are_called() -> None:
    assert set(methods_called()) == set(SCOPES)
    wanted = {scope for scopes in SCOPES.values() for scope in scopes} | set(EVENTS.values()) | {"commands"}
    assert listed("bot") == wanted


def test_the_manifest_subscribes_to_what_is_read() -> None:
    assert listed("bot_events") == set(EVENTS)


def test_the_manifest_offers_what_is_understood() -> None:
    text = MANIFEST.read_text()
    offered = {"/feedback", "/human", "/language"}
    assert set(re.findall(r"^\s+- command: (\S+)$", text, re.MULTILINE)) == {*offered, WONDER}
    assert offered <= set(COMMANDS)
    kinds = re.findall(r"^\s+type: (\S+)\n\s+callback_id: (\S+)$", text, re.MULTILINE)
    assert {id for kind, id in kinds if kind == "global"} == set(SHORTCUTS)
    assert {id for kind, id in kinds if kind == "message"} == {ASK}


def test_a_mention_after_the_command_comes_with_the_persons_id() -> None:
    (escaped,) = re.findall(rf"- command: {WONDER}\n(?:\s+\S.*\n)*?\s+should_escape: (\w+)", MANIFEST.read_text())
    assert escaped == "true"


def test_the_manifest_turns_interactivity_on() -> None:
    text = MANIFEST.read_text()
    assert re.search(r"interactivity:\n\s+is_enabled: true", text)
