import doctest
import importlib
import pkgutil

import pytest

import bot.reports

MODULES = [module.name for module in pkgutil.iter_modules(bot.reports.__path__, "bot.reports.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_of_reports_hold(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples() -> None:
    modules = [importlib.import_module(name) for name in MODULES]
    assert sum(doctest.testmod(module).attempted for module in modules) > 5
