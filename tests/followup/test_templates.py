"""Ready answers in the customer's language, and the causes that agents choose from."""

from datetime import UTC, datetime

import pytest

from bot.conversations.conversation import Conversation
from bot.followup.templates import (
    DEFAULT_CAUSES,
    Cause,
    Template,
    causes_or_default,
    fill,
    variables_of,
)
from bot.ids import ConversationId, CustomerId, FlowHash
from bot.languages import locales
from bot.languages.voice import Voice
from bot.messages import Address, ChannelName

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

SORRY = Template(
    id="sorry",
    kind="apology",
    title="Sorry",
    text={
        "en": "Dear {customer|customer}, {agent} of {company} here. About {order|your order}: sorry{nonsense}.",
        "pt-BR": "Desculpe, {customer}.",
        "vi": "Kính gửi {customer|quý khách}.",
    },
)
CONVERSATION = Conversation(
    id=ConversationId("c"),
    flow=FlowHash("f"),
    customer=CustomerId("p"),
    address=Address(channel=ChannelName("web"), key="s"),
    locale="pt-BR",
    attributes={"order": "A7", "agent": "Minh", "reference": " ", "company": "Somebody else"},
    started_at=NOW,
    touched_at=NOW,
)

# label: the language, the variables, the text
FILLED: dict[str, tuple[str, dict[str, str], str]] = {
    "all known": (
        "en",
        {"customer": "Lan", "agent": "Anna", "company": "Lotus", "order": "A7", "nonsense": "!"},
        "Dear Lan, Anna of Lotus here. About A7: sorry!.",
    ),
    "words instead": (
        "en-GB",
        {"agent": "Anna", "company": "Lotus"},
        "Dear customer, Anna of Lotus here. About your order: sorry.",
    ),
    "a value is never read again": (
        "vi",
        {"customer": "{agent|x} {order}", "agent": "A"},
        "Kính gửi {agent|x} {order}.",
    ),
    "another kind of the language": ("pt", {"customer": "Lan"}, "Desculpe, Lan."),
    "no such language": (
        "pl",
        {"agent": "Anna", "company": "L"},
        "Dear customer, Anna of L here. About your order: sorry.",
    ),
}


@pytest.mark.parametrize(("locale", "variables", "text"), FILLED.values(), ids=FILLED)
def test_fill(locale: str, variables: dict[str, str], text: str) -> None:
    assert fill(SORRY, locale, variables) == text


def test_a_template_without_any_text_is_empty() -> None:
    assert fill(Template(id="x", kind="fix", title="X", text={}), "en", {}) == ""


# label: the languages there are, the one wanted, the one found
NEAREST: dict[str, tuple[tuple[str, ...], str, str]] = {
    "the same": (("en", "pt", "pt-BR"), "pt-BR", "pt-BR"),
    "written otherwise": (("en", "pt-BR"), "PT_br", "pt-BR"),
    "its base": (("en", "pt"), "pt-BR", "pt"),
    "its base before another kind": (("pt-PT", "pt"), "pt-BR", "pt"),
    "another kind": (("en", "pt-PT", "pt-AO"), "pt-BR", "pt-PT"),
    "the first": (("it", "en"), "vi", "it"),
    "no language at all": (("it", "en"), "", "it"),
}


@pytest.mark.parametrize(("there", "wanted", "found"), NEAREST.values(), ids=NEAREST)
def test_nearest(there: tuple[str, ...], wanted: str, found: str) -> None:
    template = Template(id="x", kind="fix", title="X", text={tag: f"in {tag}" for tag in there})
    assert fill(template, wanted, {}) == f"in {found}"


def test_the_agent_is_the_one_who_answers_and_the_company_is_ours() -> None:
    assert variables_of(CONVERSATION, "Lan", "Anna", "Lotus") == {
        "order": "A7",
        "agent": "Anna",
        "company": "Lotus",
        "customer": "Lan",
        "language": "pt-BR",
    }
    assert "customer" not in variables_of(CONVERSATION, None, "Anna", "Lotus")


@pytest.mark.parametrize("locale", locales())
def test_there_are_causes_without_settings(locale: str) -> None:
    causes = causes_or_default((), Voice(locale))
    assert tuple(cause.id for cause in causes) == DEFAULT_CAUSES
    assert len({cause.title for cause in causes}) == len(causes)


def test_the_settings_name_the_causes() -> None:
    assert causes_or_default([Cause(id="late", title="Late")], Voice("en")) == (Cause(id="late", title="Late"),)
