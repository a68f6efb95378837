import re

import numpy as np
import pytest
import yaml
from optuna.distributions import FloatDistribution

from perjoule.benchmarks.comparison.example import EXAMPLE
from perjoule.benchmarks.comparison.experiment import (
    DEFAULT_BUDGET,
    DEFAULT_SEEDS,
    DEFAULT_STRATEGIES,
    Experiment,
    load_experiment,
)
from perjoule.energy.quantities import parse_energy
from perjoule.errors import BudgetError, ConfigurationError, UnknownNameError
from perjoule.models.networks.cnn import DEFAULT_SPACE
from perjoule.models.settings import HYPERPARAMETERS, check_space
from perjoule.models.space import BATCH_SIZE, LOG2_BATCH_SIZE, Space


@pytest.fixture
def write(tmp_path):
    """Write an experiment file; returns its path."""

    def write(text):
        path = tmp_path / "mine.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_the_defaults():
    experiment = load_experiment(None, {})
    assert experiment == Experiment()
    assert experiment.strategies == DEFAULT_STRATEGIES
    assert experiment.seeds == DEFAULT_SEEDS
    assert experiment.budget_j == parse_energy(DEFAULT_BUDGET)
    assert experiment.n_runs == len(DEFAULT_STRATEGIES) * DEFAULT_SEEDS
    assert experiment.allotment_j * experiment.n_runs == pytest.approx(experiment.budget_j)


@pytest.mark.parametrize(
    ("budget", "joules"),
    [("6 kJ", 6000), ("0.2 Wh", 720), ("90J", 90), (12, 12), (0.5, 0.5), ("1e3 J", 1000)],
)
def test_a_budget_is_a_quantity(write, budget, joules):
    assert load_experiment(None, {"budget": budget}).budget_j == pytest.approx(joules)
    assert load_experiment(write(f"budget: {budget}"), {}).budget_j == pytest.approx(joules)


@pytest.mark.parametrize("given", ["random,tpe", " random , tpe ", ["random", "tpe"]])
def test_strategies_are_a_list_or_joined_by_commas(given):
    assert load_experiment(None, {"strategies": given}).strategies == ["random", "tpe"]


@pytest.mark.parametrize("strategies", ["tpe,random,tpe", ["gp", "gp"], "tpe,", "", []])
def test_strategies_are_named_once_each(strategies):
    with pytest.raises(ConfigurationError, match="strategies"):
        load_experiment(None, {"strategies": strategies})


def test_options_go_before_the_file_and_the_file_before_what_was_recorded(write):
    path = write("seeds: 3\nbudget: 9 J\nmeter: model")
    recorded = {"seeds": 7, "budget": "50 J", "dataset": "fashion-mnist"}
    base = load_experiment(None, recorded).model_dump()
    experiment = load_experiment(path, {"budget": "2 J", "seeds": None, "device": "cpu"}, base)
    assert (experiment.budget_j, experiment.seeds, experiment.meter) == (2.0, 3, "model")
    assert (experiment.dataset, experiment.device) == ("fashion-mnist", "cpu")
    assert load_experiment(None, {}, base).budget_j == 50.0


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n", "---\n"])
def test_an_empty_file_is_the_defaults(write, text):
    assert load_experiment(write(text), {}) == Experiment()


def test_what_is_recorded_reads_back():
    options = {"strategies": "gp,tpe", "budget": "3 Wh", "space": {"width": [8, 16]}, "seeds": 2}
    experiment = load_experiment(None, options)
    recorded = yaml.safe_load(yaml.safe_dump(experiment.model_dump()))
    assert Experiment(**recorded) == experiment


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("budget: 5 J\nstrategies: [tpe\nseeds: 3\n", r"mine\.yaml, line 3: broken YAML"),
        ("\tseeds: 3", r"mine\.yaml, line 1: broken YAML"),
        ("seeds: \x01", r"mine\.yaml, broken YAML"),
        ("- tpe\n- random\n", r"mine\.yaml: holds no mapping"),
        ("tpe", r"mine\.yaml: holds no mapping"),
        ("1: 2", r"mine\.yaml: 1 = 1"),
        ("seeds: many", r"mine\.yaml: seeds = 'many'"),
        ("seeds: 0", r"mine\.yaml: seeds = 0"),
        ("workers: -1", r"mine\.yaml: workers = -1"),
        ("budget: [1]", r"mine\.yaml: budget = \[1\]"),
        ("space: 5", r"mine\.yaml: space = 5"),
        ("strategies: {tpe: 1}", r"mine\.yaml: strategies = "),
    ],
)
def test_a_bad_file_is_named_with_the_place(write, text, message):
    with pytest.raises(ConfigurationError, match=message):
        load_experiment(write(text), {})


@pytest.mark.parametrize("budget", ["many", "0 J", "-3 J", "5 parsec"])
def test_a_bad_budget_is_named_with_the_file_it_is_from(write, budget):
    path = write(f"budget: {budget}")
    with pytest.raises(BudgetError, match=rf"mine\.yaml: energy '{budget}'"):
        load_experiment(path, {})
    with pytest.raises(BudgetError, match=r"^energy '-1 J'"):
        load_experiment(path, {"budget": "-1 J"})


def test_an_unknown_field_is_answered_with_the_nearest_and_all(write):
    with pytest.raises(UnknownNameError, match=r"mine\.yaml 'budgte': did you mean 'budget'") as e:
        load_experiment(write("budgte: 5 J"), {})
    known = {name.replace("budget_j", "budget") for name in Experiment.model_fields}
    assert str(e.value).endswith(f"(known: {', '.join(sorted(known))})")
    with pytest.raises(UnknownNameError, match=r"^unknown field 'seed': did you mean 'seeds'"):
        load_experiment(None, {"seed": 1})


def test_an_option_is_not_blamed_on_the_file(write):
    with pytest.raises(ConfigurationError, match=r"^seeds = 0"):
        load_experiment(write("seeds: 3"), {"seeds": 0})


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing.yaml", "No such file or directory"),
        ("latin.yaml", "it is not UTF-8 text"),
        ("folder", "Is a directory"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path, name, reason):
    (tmp_path / "folder").mkdir()
    (tmp_path / "latin.yaml").write_bytes("dataset: Zürich".encode("latin-1"))
    with pytest.raises(ConfigurationError, match=rf"{name}: cannot be read: {reason}$"):
        load_experiment(tmp_path / name, {})


def test_the_example_is_the_defaults(write):
    assert load_experiment(write(EXAMPLE), {}) == Experiment()


def test_the_examples_commented_lines_work_too(write):
    commented = re.compile(r"^# ?(?=( *\w+:( .*)?)$)", re.MULTILINE)
    lines = commented.sub("", EXAMPLE)
    experiment = load_experiment(write(re.sub("^objective:.*", "", lines, flags=re.MULTILINE)), {})
    assert (experiment.workers, experiment.device, experiment.train_limit) == (4, "cpu", 5000)
    assert experiment.space is not None
    space = Space.parse(experiment.space)
    check_space(space, "cnn")
    hyperparameters = {*DEFAULT_SPACE, *HYPERPARAMETERS, BATCH_SIZE} - {LOG2_BATCH_SIZE}
    assert set(space.to_mapping()) == hyperparameters
    own = re.sub("^(dataset|architecture):.*", "", lines, flags=re.MULTILINE)
    assert load_experiment(write(own), {}).objective == "mine:train"


def test_values_of_numpy_and_optuna_become_plain_as_they_are_written_down(write):
    path = write("rate: [0.1, 0.2]")
    space = {
        "rate": {"low": np.float64(0.1), "high": np.float32(0.5), "when": {"k": (np.int64(1),)}},
        "k": np.arange(3),
        "name": [np.str_("a"), "b"],
        "decay": FloatDistribution(0.1, 0.5),
        "epochs": range(1, 3),
    }
    metric = {"name": "kappa", "direction": "maximize", "low": np.float64(-1), "high": np.int64(1)}
    stated = Experiment(space=space, metric=metric).model_dump()
    assert yaml.safe_load(yaml.safe_dump(stated)) == stated
    assert stated["space"]["k"] == [0, 1, 2]
    assert stated["space"]["decay"] == {"type": "float", "low": 0.1, "high": 0.5}
    assert Experiment(space=path).space == {"rate": [0.1, 0.2]}
