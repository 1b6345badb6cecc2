"""The pages about helpdesks: what they tell an admin to paste is read as they say."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet
from msgspec.structs import replace

from bot.config import TriggerSettings, load
from bot.demo import with_placeholders
from bot.triggers import Telling
from tests.config.test_trigger_settings import REST
from tests.triggers.desks import KINDS, in_short, told_by

PAGES = sorted((Path(__file__).parents[2] / "docs" / "helpdesks").glob("*.md"))
_EXAMPLE = re.compile(r"<!-- read as: (.*?) -->\n```json\n(.*?)\n```", re.DOTALL)
_BLOCK = re.compile(r"```toml\n(.*?)\n```", re.DOTALL)
_TELEGRAM = '[channels.telegram]\nkind = "telegram"\ntoken = { env = "TELEGRAM_TOKEN" }\n\n'


def examples() -> Iterator[ParameterSet]:
    for page in PAGES:
        for index, (said, body) in enumerate(_EXAMPLE.findall(page.read_text("utf-8"))):
            yield pytest.param(page, said, body, id=f"{page.stem}-{index}")


def blocks() -> Iterator[ParameterSet]:
    for page in PAGES:
        for index, block in enumerate(_BLOCK.findall(page.read_text("utf-8"))):
            if "kind =" in block:
                yield pytest.param(block, id=f"{page.stem}-{index}")


def trigger_in(block: str, folder: Path) -> TriggerSettings:
    file = folder / "config.toml"
    file.write_text(REST + _TELEGRAM + block, "utf-8")
    (trigger,) = load(file, with_placeholders(file, {})).triggers
    return trigger


@pytest.mark.parametrize("block", list(blocks()))
def test_what_is_to_be_written_into_the_config_is_right(block: str, tmp_path: Path) -> None:
    assert trigger_in(block, tmp_path).name in (*KINDS, "shop")


@pytest.mark.parametrize(("page", "said", "body"), list(examples()))
def test_an_example_is_read_as_its_page_says(page: Path, said: str, body: str, tmp_path: Path) -> None:
    block = _BLOCK.findall(page.read_text("utf-8"))[0]
    (telling,) = told_by(body.encode(), trigger_in(block, tmp_path))
    verdict, *knows = said.split("; ")
    assert in_short(telling.happening).startswith(verdict)
    for name, value in (each.split("=", 1) for each in knows):
        assert _known(telling, name) == value, name


def _known(telling: Telling, name: str) -> str:
    own = {"reference": telling.reference, "customer": telling.customer, "address": telling.address}
    return {**own, **telling.attributes}[name]


def test_each_helpdesk_has_its_page_and_each_page_an_example() -> None:
    assert {page.stem for page in PAGES} == {*KINDS, "README"}
    assert {page.stem for page in PAGES if not _EXAMPLE.search(page.read_text("utf-8"))} == {"README"}
    overview = (PAGES[0].parent / "README.md").read_text("utf-8")
    assert [kind for kind in KINDS if f"({kind}.md)" not in overview] == []


# ---- beside the example --------------------------------------------------------------------------------------

EXAMPLE = PAGES[0].parents[2] / "config.example.toml"
_COMMENTED = re.compile(r"^# (?=\[triggers\.|[a-z_.]+ = )", re.MULTILINE)
#: TELEGRAM_TOKEN is the example's own
_HERE = {"TELEGRAM_TOKEN": "1:a"}


@pytest.mark.parametrize("block", list(blocks()))
def test_a_block_can_be_pasted_below_the_example(block: str, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f"{EXAMPLE.read_text('utf-8')}\n{block}\n", "utf-8")
    (trigger,) = load(file, with_placeholders(file, _HERE)).triggers
    made_up = {"secrets": (), "signing_secrets": ()}
    assert replace(trigger, **made_up) == replace(trigger_in(block, tmp_path), **made_up)


def test_the_blocks_of_the_example_are_right_without_their_comment_signs(tmp_path: Path) -> None:
    before, heading, rest = EXAMPLE.read_text("utf-8").partition(
        "# ---- Helpdesks that tell of their chats and tickets -"
    )
    section, sandbox, after = rest.partition("\n# ---- For the sandbox only")
    assert heading
    assert sandbox
    file = tmp_path / "config.toml"
    _, _, section = section.partition("\n")
    file.write_text(before + _COMMENTED.sub("", section) + sandbox + after, "utf-8")
    chatwoot, shop = load(file, with_placeholders(file, _HERE)).triggers
    assert (chatwoot.name, chatwoot.channel, chatwoot.address) == (
        "chatwoot",
        "telegram",
        "meta.sender.custom_attributes.telegram_id",
    )
    assert (chatwoot.header, chatwoot.flow) == ("X-Helpdesk-Token", "support_csat")
    assert None not in (chatwoot.idle_after, chatwoot.customer or None, chatwoot.link or None)
    assert (shop.name, shop.ended, shop.resumed, shop.spoke) == ("shop", ("delivered",), ("returned",), ("message",))
    assert {"event", "reference", "id", "at", "by", "agent", "product"} == set(shop.fields)
