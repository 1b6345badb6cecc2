"""What helpdesks put into a template as it is: the end of the chat is heard, and a name proves nothing."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config import TriggerKindName
from bot.triggers.broken_templates import read_broken
from tests.triggers.desks import in_short, told_by, trigger_of

HELPDESKS = Path(__file__).parents[2] / "docs" / "helpdesks"
NAMES = [
    'Lan "L" Phạm',
    '"Lan"',
    'Lan\n"L"\r\n\tPhạm',
    "Lan\\",
    'Lan \\"',
    "Lan \\u12",
    'a "b": "c',
    '"',
    '""',
    "}",
    '"}',
    '","',
]
#: as an admin finds them on our pages: kind, and where in the body a name stands
PAGES: list[tuple[TriggerKindName, str]] = [
    ("zendesk", "{{ticket.requester.name}}"),
    ("zendesk", "{{ticket.assignee.name}}"),
    ("freshdesk", "{{ticket.requester.name}}"),
    ("freshdesk", "{{ticket.agent.name}}"),
    ("freshdesk", "{{ticket.tags}}"),
    ("liveagent", "<requester name>"),
    ("liveagent", "<agent name>"),
]
_PLACEHOLDER = re.compile(r"\{\{[^}]+\}\}|<[^>]+>")
#: what stands in the other places
_REFERENCES = ("{{ticket.requester.external_id}}", "{{ticket.requester.unique_external_id}}")


def filled(kind: str, place: str, name: str) -> bytes:
    """The first body of a page, filled in by a helpdesk that escapes nothing."""
    page = (HELPDESKS / f"{kind}.md").read_text("utf-8")
    template = page.split("```json\n")[1].split("\n```")[0]
    assert place in template

    def value(found: re.Match[str]) -> str:
        if found[0] == place:
            return name
        if found[0] in _REFERENCES or "customer number" in found[0]:
            return "C-7"
        return {"{{ticket.status}}": "Solved", "{{triggered_event}}": "{status:{from:2,to:4}}"}.get(found[0], "81")

    return _PLACEHOLDER.sub(value, template).encode()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("kind", "place"), PAGES)
def test_a_name_with_quotation_marks_loses_no_end(kind: TriggerKindName, place: str, name: str) -> None:
    (telling,) = told_by(filled(kind, place, name), trigger_of(kind))
    assert in_short(telling.happening) == "ended"
    assert (telling.reference, telling.customer) == ("81", "C-7")


FORGED = [
    'Lan", "reference": "C-1", "requester_unique_external_id": "C-1", "x": "',
    'Lan"}, "customer": {"reference": "C-1"}, "x": {"y": "',
    'Lan" "L", "reference": "C-1", "address": "1", "x": "',
    'Lan"}}, {"ticket": {"id": "9"}, "customer": {"reference": "C-1',
    'Lan"}, "freshdesk_webhook": {"requester_unique_external_id": "C-1", "ticket_id": "9", "x": "',
]


@pytest.mark.parametrize("name", FORGED)
@pytest.mark.parametrize(("kind", "place"), PAGES)
def test_a_name_cannot_make_its_bearer_somebody_else(kind: TriggerKindName, place: str, name: str) -> None:
    if place == "{{ticket.tags}}":
        place = "{{ticket.requester.name}}"
    (telling,) = told_by(filled(kind, place, name), trigger_of(kind, customer=""))
    assert telling.customer in ("C-7", "")
    assert telling.reference in ("81", "")


TEXTS = st.text(max_size=12)
TEMPLATES = st.recursive(
    TEXTS | st.integers(-(10**17), 10**17) | st.booleans(),
    lambda inner: st.dictionaries(st.from_regex(r"[a-z_]{1,9}", fullmatch=True), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["event", "ticket", "customer"]), TEMPLATES, min_size=1))
def test_a_whole_template_is_read_as_json(body: dict[str, Any]) -> None:
    assert read_broken(json.dumps(body)) == body


@given(st.text(alphabet='{}":, \\ab1\n', max_size=60))
def test_anything_else_is_nothing_or_something(text: str) -> None:
    try:
        found = read_broken(text)
    except ValueError:
        return
    assert found


BROKEN_OFF = ['{"event": "solved", "ticket": {"id": 8', '{"event": "solved", "ticket": {"id": "8']


@pytest.mark.parametrize("body", BROKEN_OFF)
def test_half_a_number_is_none(body: str) -> None:
    (telling,) = told_by(body.encode(), trigger_of("zendesk"))
    assert in_short(telling.happening) == 'not understood: solved (ticket.id="")'


@pytest.mark.parametrize("kind", ["chatwoot", "intercom", "generic"])
def test_what_no_admin_wrote_is_whole_or_nothing(kind: TriggerKindName) -> None:
    (telling,) = told_by(b'{"event": "conversation_resolved", "id": 81, "name": "Lan "L""}', trigger_of(kind))
    assert in_short(telling.happening) == "not understood: POST (≠ JSON)"


def test_a_body_full_of_quotation_marks_takes_no_time() -> None:
    body = ('{"event": "solved", "name": "' + '" , "x' * 60_000).encode()
    (telling,) = told_by(body, trigger_of("zendesk"))
    assert in_short(telling.happening) == 'not understood: solved (ticket.id="")'
