"""The packages for OptunaHub: what its registry asks of them, loaded as it loads them."""

import runpy
from pathlib import Path

import optuna
import pytest
import yaml

ROOT = Path(__file__).parents[2]
REGISTRY = ROOT / "packaging" / "optunahub"
PACKAGES = sorted(path for path in (REGISTRY / "samplers").iterdir())
pytestmark = pytest.mark.conformance
each_package = pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)


@pytest.fixture
def optunahub(monkeypatch):
    optunahub = pytest.importorskip("optunahub")
    monkeypatch.setattr(  # what a user takes from the registry is taken from here
        optunahub,
        "load_module",
        lambda package: optunahub.load_local_module(package, registry_root=str(REGISTRY)),
    )
    return optunahub


def run(sampler, costs=True):
    def objective(trial):
        x, y = trial.suggest_float("x", -5, 5), trial.suggest_int("epochs", 1, 64, log=True)
        kind = trial.suggest_categorical("kind", [None, "bad"])
        if costs:
            trial.set_user_attr("energy_j", float(y))
        if kind == "bad" and y == 1:
            raise optuna.TrialPruned
        return -((x - 1) ** 2) - (kind == "bad") - 1 / y

    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(objective, n_trials=20)
    return study


@each_package
def test_the_registry_has_all_that_it_asks_for(package):
    _, head, text = (package / "README.md").read_text().split("---\n", 2)
    facts = yaml.safe_load(head)
    assert set(facts) == {"author", "title", "description", "tags", "optuna_versions", "license"}
    assert "sampler" in facts["tags"]
    assert facts["license"] == "MIT License"
    assert facts["optuna_versions"] == [optuna.__version__]
    headings = [line[3:] for line in text.splitlines() if line.startswith("## ")]
    assert headings == ["Abstract", "Class or Function Names", "Installation", "Example", "Others"]
    assert (package / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
    assert package.name.isidentifier()


@each_package
def test_its_example_runs(package, optunahub, capsys):
    runpy.run_path(str(package / "example.py"))
    assert capsys.readouterr().out.endswith(" J\n")


def test_the_samplers_search_better_than_chance(optunahub):
    skopt = optunahub.load_module("samplers/perjoule_skopt").SkoptSampler
    frugal = optunahub.load_module("samplers/perjoule_frugal").FrugalSampler
    chance = [run(optuna.samplers.RandomSampler(seed)).best_value for seed in range(3)]
    for make in (frugal, lambda seed: skopt("ET", n_startup_trials=5, seed=seed)):
        best = [run(make(seed=seed)).best_value for seed in range(3)]
        assert sum(best) > sum(chance)


def test_frugal_weighs_joules_and_is_a_function_of_its_seed(optunahub):
    make = optunahub.load_module("samplers/perjoule_frugal").FrugalSampler
    studies = [run(make(seed=0)), run(make(seed=0)), run(make(seed=0), costs=False)]
    params = [[trial.params for trial in study.trials] for study in studies]
    assert params[0] == params[1] != params[2]
    several = optuna.create_study(directions=["minimize", "minimize"], sampler=make(seed=0))
    with pytest.raises(ValueError, match="multi-objective"):
        several.optimize(lambda trial: (trial.suggest_float("x", 0, 1), 0.0), n_trials=2)


def test_frugal_sends_parallel_trials_to_different_places(optunahub):
    study = run(optunahub.load_module("samplers/perjoule_frugal").FrugalSampler(seed=0))
    asked = [study.ask(study.trials[0].distributions).params for _ in range(3)]
    assert len({tuple(params.items()) for params in asked}) == 3
