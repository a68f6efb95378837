"""What all files of `strategies/` keep."""

from __future__ import annotations

import doctest
from importlib import import_module
from pkgutil import iter_modules

import pytest

from perjoule.tuners import strategies

FILES = [module.name for module in iter_modules(strategies.__path__)]


@pytest.mark.parametrize("name", FILES)
def test_a_strategy_opens_with_an_example_that_runs(name):
    module = import_module(f"{strategies.__name__}.{name}")
    text = module.__doc__ or ""
    assert ">>> " in text.partition("When to use it")[0]
    assert ".ask(" in text
    assert ".tell(" in text
    assert doctest.testmod(module).failed == 0
