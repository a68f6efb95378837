from __future__ import annotations

import pytest

import perjoule
from perjoule.errors import ConfigurationError, UnknownNameError
from perjoule.models.space import Space
from perjoule.tuners.registry import RECIPES, find_recipe

SPACE = {
    "learning_rate": {"low": 1e-3, "high": 0.1, "log": True},
    "width": {"low": 8, "high": 16},
    "kernel_size": [3, 5],
    "conv_blocks": {"low": 1, "high": 2},
    "log2_batch_size": {"low": 8, "high": 9},
    "epochs": {"low": 1, "high": 2},
}
STRATEGIES = '''
from perjoule import Told, Work

class Cheapest:
    """Always the same candidate."""
    def __init__(self, space, seed):
        self.space, self.seed = space, seed

    def ask(self, spent_j):
        params = self.space.cheapest()
        return Work(params, params["epochs"])

    def tell(self, result):
        assert isinstance(result, Told)

class Tires(Cheapest):
    """Has ideas until joules were spent."""
    def ask(self, spent_j):
        if spent_j > 0:
            raise RuntimeError("out of ideas")
        return super().ask(spent_j)

class Unborn:
    """Cannot be made."""
    def __init__(self, space, seed):
        raise RuntimeError("not today")

class Mute(Cheapest):
    """Has no idea at all."""
    def ask(self, spent_j):
        raise RuntimeError("no idea")

class Rude(Cheapest):
    """Answers with something else."""
    def ask(self, spent_j):
        return {"width": 8}

class Content(Cheapest):
    """Wants nothing more once joules were spent."""
    def ask(self, spent_j):
        return None if spent_j > 0 else super().ask(spent_j)

number = 3
'''


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Name of a new importable module that holds the strategies above."""
    name = f"mine_{tmp_path.name}"  # a new one each time, since strategies are remembered by name
    (tmp_path / f"{name}.py").write_text(STRATEGIES)
    monkeypatch.syspath_prepend(tmp_path)
    return name


@pytest.fixture
def compare(tmp_path):
    def run(*strategies):
        return perjoule.compare(
            strategies=list(strategies),
            seeds=1,
            budget=0.1 * len(strategies),
            workers=1,
            meter="model",
            device="cpu",
            space=SPACE,
            out=tmp_path / "run",
        )

    return run


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_is_found_by_its_name(name):
    recipe = find_recipe(name)
    assert recipe.name == name
    assert recipe.summary
    assert recipe.source
    assert recipe.build(Space.parse(SPACE), 0).ask(0.0) is not None


@pytest.mark.parametrize(
    ("name", "nearest"), [("tpee", "tpe"), ("randm", "random"), ("skopt_gp", "skopt-gp")]
)
def test_an_unknown_name_is_answered_with_the_nearest(name, nearest):
    with pytest.raises(UnknownNameError, match=f"did you mean '{nearest}'") as error:
        find_recipe(name)
    assert all(known in str(error.value) for known in RECIPES)


def test_a_strategy_of_ones_own_takes_part_in_a_comparison(module, compare):
    name = f"{module}:Cheapest"
    result = compare(name, "random")
    assert {run["strategy"]: run["status"] for run in result.summary["runs"]} == {
        name: "spent",
        "random": "spent",
    }
    own = result.trials[result.trials["strategy"] == name]
    assert len(own) > 1
    assert own["accuracy"].nunique() == 1
    assert (own["p.width"] == 8).all()


def test_a_strategy_that_raises_ends_its_run_and_no_other(module, compare):
    result = compare(f"{module}:Tires", "random")
    tired, other = result.summary["runs"]
    assert (tired["trials"], tired["status"]) == (1, "strategy error")
    assert tired["reason"] == "RuntimeError: out of ideas"
    assert other["status"] == "spent"
    assert other["trials"] > 1


@pytest.mark.parametrize(
    ("strategy", "reason"),
    [
        ("Unborn", "RuntimeError: not today"),
        ("Mute", "RuntimeError: no idea"),
        ("Rude", "TypeError: ask returned {'width': 8}, neither a perjoule.Work nor None"),
    ],
)
def test_a_strategy_that_never_works_ends_its_run_and_no_other(module, compare, strategy, reason):
    broken, other = compare(f"{module}:{strategy}", "random").summary["runs"]
    assert (broken["trials"], broken["status"]) == (0, "strategy error")
    assert broken["reason"] == reason
    assert other["status"] == "spent"


def test_a_strategy_without_further_work_ends_its_run(module, compare):
    [run] = compare(f"{module}:Content").summary["runs"]
    assert (run["trials"], run["status"]) == (1, "no work")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("no_such_module:Mine", "No module named 'no_such_module'"),
        (":Mine", "Empty module name"),
        ("{module}:", "no attribute"),
        ("{module}:Yours", "no attribute 'Yours'"),
        ("{module}:number", "not callable"),
    ],
)
def test_what_cannot_be_loaded_says_why(module, name, reason):
    with pytest.raises(ConfigurationError, match=reason):
        find_recipe(name.format(module=module))


@pytest.mark.parametrize("source", ["1 / 0", "def (", "raise LookupError('no luck')"])
def test_a_module_that_cannot_be_imported_is_the_users_to_mend(source, tmp_path, monkeypatch):
    (tmp_path / "broken_strategies.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigurationError, match="'broken_strategies:Mine' cannot be loaded"):
        find_recipe("broken_strategies:Mine")
