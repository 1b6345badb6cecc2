"""The pages about helpdesks: what they tell an admin to paste is read as they say."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

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
