import pickle
import subprocess
import sys

import optuna
import pytest

import perjoule
from perjoule.errors import ConfigurationError, UnknownNameError
from perjoule.models.outcome import State
from perjoule.models.space import Space
from perjoule.tuners.registry import RECIPES, find_recipe, parse_strategies
from perjoule.tuners.strategy import Told

SPACE = {
    "learning_rate": {"low": 1e-3, "high": 0.1, "log": True},
    "width": {"low": 8, "high": 16},
    "kernel_size": [3, 5],
    "conv_blocks": {"low": 1, "high": 2},
    "log2_batch_size": {"low": 8, "high": 9},
    "epochs": {"low": 1, "high": 2},
}
STRATEGIES = """
from perjoule import Told, Work

class Cheapest:
    def __init__(self, space, seed):
        self.space, self.seed = space, seed

    def ask(self, spent_j):
        params = self.space.cheapest()
        return Work(params, params["epochs"])

    def tell(self, result):
        assert isinstance(result, Told)

class Unborn:
    def __init__(self, space, seed):
        raise RuntimeError("not today")

class Rude(Cheapest):
    def ask(self, spent_j):
        return {"width": 8}

class Content(Cheapest):
    def ask(self, spent_j):
        return None if spent_j > 0 else super().ask(spent_j)
"""
ENDS = {
    "Unborn": ("strategy error", "RuntimeError: not today", 0),
    "Rude": (
        "strategy error",
        "TypeError: ask returned {'width': 8}, neither a perjoule.Work nor None",
        0,
    ),
    "Content": ("no work", "", 1),
}
TPE = "optuna.samplers:TPESampler(multivariate=False, n_startup_trials=3)"


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_is_found_by_its_name_and_can_be_shipped(name):
    recipe = find_recipe(name)
    assert recipe.name == name
    assert recipe.summary
    assert recipe.source
    assert pickle.loads(pickle.dumps(recipe)) == recipe
    assert recipe.build(Space.parse(SPACE), 0).ask(0.0) is not None


@pytest.mark.parametrize(
    ("name", "nearest"), [("tpee", "tpe"), ("randm", "random"), ("skopt_gp", "skopt-gp")]
)
def test_an_unknown_name_is_answered_with_the_nearest(name, nearest):
    with pytest.raises(UnknownNameError, match=f"did you mean '{nearest}'") as error:
        find_recipe(name)
    assert all(known in str(error.value) for known in RECIPES)


def test_listing_the_strategies_loads_none_of_their_libraries_nor_quietens_optuna():
    code = """
import sys
import optuna
from perjoule.models.space import Space
from perjoule.tuners.registry import RECIPES
print({"torch", "skopt", "sklearn", "scipy", "cmaes"} & {*sys.modules})
from perjoule.tuners.strategies import floor, multiobjective, optuna_sampler
RECIPES["skopt-gp"].build(Space.parse({"x": [1, 2], "epochs": 1}), 0).ask(0.0)
print("skopt" in sys.modules, optuna.logging.get_verbosity() == optuna.logging.INFO)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["set()", "False", "True"]


@pytest.mark.parametrize("verbosity", [optuna.logging.INFO, optuna.logging.ERROR])
def test_optuna_stays_as_loud_as_the_user_has_it_but_says_nothing_of_ours(verbosity, caplog):
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(verbosity)
    try:
        for name in ("tpe", "nsga2", "floor", "asha"):
            strategy = find_recipe(name).build(Space.parse(SPACE), 0)
            for number in range(3):
                params = strategy.ask(0.0).params
                strategy.tell(Told(params, State.COMPLETE, 0.5, 1.0, trial=number, epochs=2))
        assert optuna.logging.get_verbosity() == verbosity
        assert not caplog.messages
        optuna.create_study()
        assert len(caplog.messages) == (verbosity == optuna.logging.INFO)
    finally:
        optuna.logging.set_verbosity(before)


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ("random", ["random"]),
        (" random, tpe ", ["random", "tpe"]),
        ([" random", TPE], ["random", TPE]),
        (f"grid,{TPE}, tpe", ["grid", TPE, "tpe"]),
        ("mine:A('x, y)', \"it's, \"),mine:B([1, (2, 3)], {4: 'a\\', b'})",
         ["mine:A('x, y)', \"it's, \")", "mine:B([1, (2, 3)], {4: 'a\\', b'})"]),
        ("all", list(RECIPES)),
        (["all"], list(RECIPES)),
    ],
)  # fmt: skip
def test_names_are_split_at_the_commas_between_them(given, names):
    assert parse_strategies(given) == names
    assert perjoule.Experiment(strategies=given).strategies == names


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("", "is empty"),
        ("tpe,", "is empty"),
        (["tpe", " "], "is empty"),
        ("tpe,random, tpe", "'tpe' is named twice: drop one"),
        ([TPE, TPE], "is named twice: drop one"),
        ([], "no strategy is named: name some, or all"),
    ],
)
def test_names_are_given_once_each(given, reason):
    with pytest.raises(ConfigurationError, match=reason):
        parse_strategies(given)
    with pytest.raises(ValueError, match=reason):
        perjoule.Experiment(strategies=given)


@pytest.mark.thorough
def test_strategies_of_ones_own_take_part_in_a_comparison_and_end_their_own_run_only(
    tmp_path, monkeypatch
):
    (tmp_path / "mine_beside_others.py").write_text(STRATEGIES)
    monkeypatch.syspath_prepend(tmp_path)
    own = {f"mine_beside_others:{name}": end for name, end in ENDS.items()}
    result = perjoule.compare(
        strategies=[*own, "mine_beside_others:Cheapest"],
        seeds=1,
        budget="0.35 J",
        workers=1,
        meter="model",
        device="cpu",
        space=SPACE,
        out=tmp_path / "run",
    )
    runs = {run["strategy"]: run for run in result.summary["runs"]}
    assert runs.pop("mine_beside_others:Cheapest")["status"] == "spent"
    assert {n: (run["status"], run["reason"], run["trials"]) for n, run in runs.items()} == own
    cheapest = result.trials[result.trials["strategy"] == "mine_beside_others:Cheapest"]
    assert len(cheapest) > 1
    assert cheapest["score"].nunique() == 1
    assert (cheapest["p.width"] == 8).all()
