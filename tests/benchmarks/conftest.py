"""A small comparison, for whoever needs a run folder."""

from typing import Any

import pytest

import perjoule
from perjoule.tuners.registry import RECIPES, Recipe, find_recipe

from .learners import Learner

SPACE = {
    "conv_blocks": {"low": 1, "high": 2},
    "width": {"low": 8, "high": 16, "log": True},
    "learning_rate": {"low": 1e-3, "high": 0.1, "log": True},
    "log2_batch_size": {"low": 6, "high": 9},
    "epochs": {"low": 1, "high": 3},
}
SMALL: dict[str, Any] = {
    "strategies": ["grid", "random", "tpe"],
    "seeds": 2,
    "budget": "1.2 J",
    "meter": "model",
    "workers": 1,
    "space": SPACE,
}


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> perjoule.Result:
    return perjoule.compare(out=tmp_path_factory.mktemp("small") / "run", **SMALL)


@pytest.fixture
def learner(monkeypatch: pytest.MonkeyPatch):
    """The strategies ``learner``, and ``deaf``, of which nobody knows that it can learn."""
    able = {"transfers": True, "stops_early": True}
    for name, flags in (("learner", able), ("deaf", {})):
        recipe = Recipe(name, "learns", "score", "tests", Learner, **flags)
        monkeypatch.setitem(RECIPES, name, recipe)
    monkeypatch.setattr(Learner, "tasks", [])
    find_recipe.cache_clear()
    yield Learner
    find_recipe.cache_clear()
