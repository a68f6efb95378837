"""A comparison is run again by what its page prints."""

import math
import shlex
from pathlib import Path

import pandas as pd
import pytest

import perjoule.api
from perjoule import load_table
from perjoule.benchmarks.comparison.experiment import Experiment, load_experiment
from perjoule.benchmarks.comparison.repeating import FILE, repeat
from perjoule.benchmarks.tables.table import Table

from ...command import call

SPACE = {"rate": {"low": 1e-6, "high": 0.1, "log": True}, "kind": ["it's", '"b"'], "n": 3}
SAMPLE = "optuna.samplers:TPESampler(multivariate=False, seed=None)"


def parsed(line, monkeypatch, tmp_path, file=None):
    """The experiment that a command line asks for, and its target."""
    seen = {}

    def compare(experiment=None, **options):
        seen.update(options, experiment=experiment)
        raise perjoule.errors.DataError("seen")

    def tune(strategy=None, budget=None, **options):
        listed = strategy and [strategy]
        return compare(strategies=listed, budget=budget, **options)

    monkeypatch.setattr(perjoule.api, "compare", compare)
    monkeypatch.setattr(perjoule.api, "tune", tune)
    monkeypatch.chdir(tmp_path)
    if file is not None:
        Path(FILE).write_text(file, encoding="utf-8")
    program, *words = shlex.split(line)
    assert program == "perjoule"
    assert call(*words).message == "perjoule: seen"
    fields = {name: seen.get(name) for name in (*Experiment.model_fields, "budget")}
    return load_experiment(seen["experiment"], fields), seen["target"]


@pytest.mark.parametrize(
    "stated",
    [
        {},
        {"strategies": ["random", SAMPLE], "budget": "0.1 J", "seeds": 3, "carbon": "56 g/kWh"},
        {"budget": "unlimited", "trials": 4, "train_limit": 100, "split_seed": 2, "workers": 2},
        {"metric": "rmse", "device": "cpu", "fidelity": "joules", "parallel_trials": 2},
        {"stop_early": 1e-5, "warm_start": ["runs/a b", 'runs/"2,5" kJ', "c.csv"]},
        {"metric": {"name": "my kappa", "low": -1, "high": 1}, "architecture": "mlp"},
        {"objective": "mine:train", "space": SPACE, "dataset": None, "architecture": None},
    ],
)
def test_command_and_file_ask_for_the_same_experiment(stated, monkeypatch, tmp_path):
    experiment = Experiment(**stated)
    table = table_of({"experiment": experiment.model_dump()})
    found = repeat(table, "95%")
    assert found.of_training
    asked = parsed(found.command, monkeypatch, tmp_path)
    assert asked == (experiment, "95%")
    assert parsed(found.file_command, monkeypatch, tmp_path, found.file) == asked


def test_a_search_is_repeated_as_one(monkeypatch, tmp_path):
    experiment = Experiment(strategies=["tpe"], budget="7 J", seeds=1)
    stated = {"experiment": experiment.model_dump(), "keep_weights": True}
    found = repeat(table_of(stated), "98%")
    assert found.command == "perjoule tune --dataset digits --strategy tpe --budget '7 J'"
    asked, _ = parsed(found.command, monkeypatch, tmp_path)
    assert (asked.strategies, asked.budget_j) == (["tpe"], 7.0)


@pytest.mark.parametrize(
    ("told", "asks"),
    [
        ({"executor": "local"}, ""),
        ({"executor": "Careless", "exchange": "s3://a/b"}, ""),
        ({"executor": "executorlib"}, " --executor executorlib"),
        ({"executor": "dask", "exchange": "s3://a/b"}, " --executor dask --shared s3://a/b"),
        ({"executor": "dask:tcp://x:1"}, " --executor dask --scheduler tcp://x:1"),
    ],
)
def test_the_engine_is_asked_for_again(told, asks):
    stated = {"experiment": Experiment(seeds=2).model_dump(), **told}
    found = repeat(table_of(stated), "98%")
    assert found.command.endswith(f" --seeds 2{asks}")
    assert found.file_command == f"perjoule compare {FILE}{asks}"


def test_other_tables_are_read_again_and_what_no_experiment_is_runs_nothing():
    frame = pd.DataFrame({"strategy": ["a"], "energy_j": [1.0], "score": [0.5], "machine": ["x"]})
    theirs = load_table(frame, by="machine")
    assert repeat(theirs, "0.9").command.endswith(" --by machine --target 0.9")
    replayed = Table(frame, "t", description={"replay": {"table": "x y", "budget_j": [2.0]}})
    assert repeat(replayed, "98%").command == (
        "perjoule replay 'x y' --strategies a --budget '2.0 J per run'"
    )
    told = {"table": "t", "stop_early": 0.001, "warm_start": ["a", "b.csv"]}
    assert repeat(Table(frame, "t", description={"replay": told}), "98%").command == (
        "perjoule replay t --strategies a --stop-early 0.001 --warm-start a,b.csv"
    )
    for experiment in ({"space": "secret.yaml"}, {"budget_j": math.nan}, {"no": 1}, []):
        assert not repeat(table_of({"experiment": experiment}), "98%").of_training


def table_of(description):
    runs = pd.DataFrame({"run": ["a-0"], "strategy": ["a"]})
    return Table(pd.DataFrame({"strategy": ["a"]}), "t", runs=runs, description=description)
