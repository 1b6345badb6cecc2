import doctest
import importlib
import pkgutil

import pytest

import bot.scoring

MODULES = [module.name for module in pkgutil.iter_modules(bot.scoring.__path__, "bot.scoring.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_hold(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0
