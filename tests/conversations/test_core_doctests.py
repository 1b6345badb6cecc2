"""The examples in the docstrings of the modules that only decide."""

import doctest
import importlib
import pkgutil
from types import ModuleType

import pytest

import bot.conversations
import bot.followup
import bot.intake


def modules_in(package: ModuleType) -> list[str]:
    return [module.name for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")]


MODULES = ["bot.ids", "bot.messages", "bot.languages"]
for package in (bot.conversations, bot.followup, bot.intake):
    MODULES += [package.__name__, *modules_in(package)]


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    examples = [
        example for name in MODULES for example in finder.find(importlib.import_module(name)) if example.examples
    ]
    assert len(examples) >= 8
