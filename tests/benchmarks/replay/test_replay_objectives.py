"""What a table recorded, as an objective: looked up or predicted."""

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from perjoule import load_table
from perjoule.benchmarks.replay import ReplayOptions, replay
from perjoule.benchmarks.replay.forest import ForestObjective
from perjoule.benchmarks.replay.nearest import NearestObjective
from perjoule.benchmarks.replay.recording import Recording
from perjoule.benchmarks.replay.synthetic import SURFACES
from perjoule.benchmarks.tables.spaces import infer_space, n_points
from perjoule.errors import DataError
from perjoule.models.space import Space
from perjoule.tuners.parts.encoding import Encoding

from ..samples import quick

# A run folder with curves -------------------------------------------------------------------------

POINTS = [
    *[(0, 1, 6.0, 0.4), (0, 2, 11.0, 0.5)],
    *[(1, 1, 12.0, 0.9), (1, 2, 22.0, 0.8)],
    *[(2, 1, 13.0, 0.3), (4, 1, 12.0, 0.1), (5, 1, 3.0, 0.2), (5, 2, 4.0, 0.3)],
]


@pytest.fixture
def folder(tmp_path):
    """Four candidates: the third fails in its second epoch, the last was cut when it was done."""
    trials = pd.DataFrame(
        {
            "run": "random-0",
            "strategy": "random",
            "trial": range(6),
            "state": ["complete", "complete", "failed", "interrupted", "truncated", "truncated"],
            "score": [0.5, 0.8, None, None, 0.1, 0.3],
            "energy_j": [11.0, 22.0, 30.0, 1.0, 13.0, 4.0],
            "energy_setup_j": [1.0, 2.0, 3.0, 1.0, 2.0, 2.0],
            "energy_search_j": [0.0, 0.0, 5.0, 0.0, 0.0, 0.0],
            "epochs": [2, 2, 1, 0, 1, 2],
            "flops": [100, 200, 300, None, 200, 400],
            "n_parameters": [10, 20, 30, None, 20, 40],
            "p.width": [8, 64, 64, 8, 64, 20],
            "p.optimizer": ["sgd", "adam", "sgd", "adam", "adam", "sgd"],
            "p.epochs": 2,
        }
    )
    curves = pd.DataFrame(POINTS, columns=["trial", "epoch", "energy_j", "score"])
    trials.to_parquet(tmp_path / "trials.parquet")
    curves.assign(run="random-0").to_parquet(tmp_path / "curves.parquet")
    space = {"width": {"low": 8, "high": 64, "log": True}, "optimizer": ["sgd", "adam"]}
    description = {"space": {**space, "epochs": 2}, "data": {"train": 1000}}
    (tmp_path / "experiment.yaml").write_text(yaml.safe_dump(description))
    return tmp_path


@pytest.fixture
def recorded(folder):
    return NearestObjective(Recording.of(load_table(folder)))


def test_a_candidate_gets_the_curve_of_the_nearest_recorded_one(recorded):
    near_first = {"width": 12, "optimizer": "sgd", "epochs": 1}
    assert recorded.curve(near_first, 0, 0) == (1.0, [(5.0, 0.4), (5.0, 0.5)])
    assert recorded.cost_of is not None
    assert recorded.cost_of(near_first) == (100.0, 10.0)
    # The same choice is nearer than the same width.
    near_second = {"width": 8, "optimizer": "adam", "epochs": 2}
    assert recorded.curve(near_second, 0, 0)[1][0] == (10.0, 0.9)
    assert (recorded.best_score, recorded.n_samples) == (0.9, 1000)
    assert recorded.space.distributions["epochs"].high == 2  # searched again, though recorded as 2


def test_a_recorded_failure_costs_what_it_cost_and_fails_again(recorded):
    setup_j, points = recorded.curve({"width": 64, "optimizer": "sgd", "epochs": 2}, 0, 0)
    assert (setup_j, points[0]) == (3.0, (10.0, 0.3))
    assert points[1][0] == 12.0  # 30 J, less 5 of search and 13 of setup and first epoch
    assert math.isnan(points[1][1])


def test_what_was_cut_short_counts_only_with_a_full_curve(folder):
    recording = Recording.of(load_table(folder))
    assert [params["width"] for params in recording.params] == [8, 64, 64, 20]
    assert recording.notes == ("2 of 6 trials are not replayed (2 without a full curve).",)
    assert recording.cheapest_j == 3.0  # of the one that was cut when it was done


def test_a_table_without_a_complete_trial_cannot_be_replayed(folder):
    trials = pd.read_parquet(folder / "trials.parquet").assign(state="failed")
    trials.to_parquet(folder / "trials.parquet")
    with pytest.raises(DataError, match="no complete trial to replay: record some"):
        Recording.of(load_table(folder))


def test_curves_of_different_lengths_serve_those_who_ask_for_as_many_epochs(folder):
    trials = pd.read_parquet(folder / "trials.parquet")
    trials = trials[trials["trial"] < 2].assign(epochs=[1, 2], energy_j=[6.0, 22.0])
    trials["p.epochs"] = [1, 2]
    trials.to_parquet(folder / "trials.parquet")
    curves = pd.read_parquet(folder / "curves.parquet")
    curves[(curves["trial"] == 1) | (curves["epoch"] == 1)].to_parquet(folder / "curves.parquet")
    recording = Recording.of(load_table(folder))
    assert not recording.is_even
    objective = NearestObjective(recording)
    candidate = {"width": 8, "optimizer": "sgd"}
    assert objective.curve({**candidate, "epochs": 1}, 0, 0) == (1.0, [(5.0, 0.4)])
    assert objective.curve({**candidate, "epochs": 2}, 0, 0)[1] == [(10.0, 0.9), (10.0, 0.8)]
    # What a network costs does not depend on how long it was trained.
    assert objective.cost_of is not None
    assert objective.cost_of({**candidate, "epochs": 2}) == (100.0, 10.0)


# Tidy tables without curves -----------------------------------------------------------------------


def table_of(**columns):
    return load_table(pd.DataFrame({"strategy": "theirs", **columns}))


@pytest.mark.parametrize(
    ("columns", "left_out"),
    [
        ({"energy_j": [1.0, None]}, "1 without joules"),
        ({"energy_j": [1.0, 0.0]}, "1 without joules"),
        ({"score": [0.5, None]}, "1 without a score"),
        ({"x": [1, None]}, "1 without one of the hyperparameters"),
        ({"state": ["complete", "pruned"]}, "1 cut short"),
    ],
)
def test_what_is_not_known_is_left_out_and_counted(columns, left_out):
    known = {"energy_j": [1.0, 1.0], "score": [0.5, 0.5], "x": [1, 2]}
    doubled = {name: [*values, values[0]] for name, values in (known | columns).items()}
    doubled["x"][-1] = 3
    recording = Recording.of(table_of(**doubled))
    assert len(recording.params) == 2
    assert recording.notes[0] == f"1 of 3 trials are not replayed ({left_out})."


def test_a_table_in_which_nothing_was_searched_is_refused():
    with pytest.raises(DataError, match="nothing was searched: every hyperparameter"):
        Recording.of(table_of(energy_j=[1.0, 2.0], score=[0.5, 0.6], x=[3, 3]))


def test_repeats_are_drawn_without_replacement_and_shuffled_anew():
    table = table_of(energy_j=[1.0] * 4, score=[0.1, 0.2, 0.3, 0.9], x=["a", "a", "a", "b"])
    objective = NearestObjective(Recording.of(table))
    assert objective.cost_of is None  # nothing is known of its networks

    def draws(objective, seed=0, count=30):
        params = {"x": "a", "epochs": 1}
        return [objective.curve(params, n, seed)[1][0][1] for n in range(count)]

    drawn = draws(objective)
    rounds = [tuple(drawn[start : start + 3]) for start in range(0, 30, 3)]
    assert all(sorted(each) == [0.1, 0.2, 0.3] for each in rounds)
    assert len(set(rounds)) > 1
    assert draws(objective.fresh()) == drawn
    assert draws(objective.fresh(), seed=1) != drawn


# Spaces -------------------------------------------------------------------------------------------

columns = st.one_of(
    st.lists(st.integers(-1000, 1000), min_size=1, max_size=40),
    st.lists(st.sampled_from([8, 16, 24, 32]), min_size=8, max_size=40),
    st.lists(st.sampled_from([1e-4, 1e-3, 0.1]), min_size=6, max_size=40),
    st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=1, max_size=40),
    st.lists(st.floats(1e-8, 1e3), min_size=1, max_size=40),
    st.lists(st.sampled_from(["sgd", "adam", "adamw"]), min_size=1, max_size=40),
    st.lists(st.booleans(), min_size=1, max_size=40),
)


@quick
@given(columns)
def test_every_recorded_candidate_lies_in_the_space_it_shows(values):
    space = infer_space({"x": values})
    for value in values:
        assert space.complete({"x": value})["x"] == value
    if len(set(values)) == 1:
        assert not space.distributions
    else:
        assert (n_points(space) or math.inf) >= len(set(values))


@pytest.mark.parametrize(
    ("values", "mapping"),
    [
        ([8, 16, 24, 32] * 2, {"type": "int", "low": 8, "high": 32, "step": 8}),
        ([8, 16, 32, 64] * 2, {"type": "categorical", "choices": [8, 16, 32, 64]}),
        ([1e-3, 1e-2, 0.1] * 2, {"type": "categorical", "choices": [1e-3, 1e-2, 0.1]}),
        ([1e-4, 1e-3, 0.1, 0.3], {"type": "float", "low": 1e-4, "high": 0.3, "log": True}),
        ([0.1, 0.2, 0.5, 0.3], {"type": "float", "low": 0.1, "high": 0.5}),
        (list(range(1, 300)), {"type": "int", "low": 1, "high": 299, "log": True}),
        (list(range(20)), {"type": "int", "low": 0, "high": 19}),
        (["b", "a"], {"type": "categorical", "choices": ["a", "b"]}),
        ([True, False], {"type": "categorical", "choices": [False, True]}),
        ([0.5, 0.5], 0.5),
    ],
)
def test_what_a_column_shows(values, mapping):
    assert infer_space({"x": values}).to_mapping() == {"x": mapping}


@pytest.mark.parametrize(
    ("space", "count"),
    [
        ({"a": [1, 2], "b": {"low": 1, "high": 9, "step": 2}, "c": 1}, 10),
        ({"a": {"low": 0.0, "high": 0.5, "step": 0.1}}, 6),
        ({"a": [1, 2], "b": {"low": 0.0, "high": 0.5}}, None),
        ({"a": {"low": 1, "high": 100, "log": True}}, None),
        ({"a": [1, 2], "b": {"low": 1, "high": 9, "when": {"a": 2}}}, 10),
        ({"a": {"low": 1, "high": 10**9}, "b": {"choices": [1, 2, 3], "when": {"a": [7, 8]}}},
         10**9 + 4),
        ({"a": [1, 2], "b": {"choices": [1, 2], "when": {"a": 1}},
          "c": {"choices": [1, 2, 3], "when": {"b": 2, "a": 1}}}, 5),
    ],
)  # fmt: skip
def test_points_of_a_space_are_counted(space, count):
    assert n_points(Space.parse(space)) == count


OPTIMIZER = ["sgd", "adam", "sgd", "adam", "sgd", "adam", "sgd", "adam"]
MOMENTUM = [0.9, None, 0.8, None, 0.5, None, 0.55, None]
NESTEROV = [True, None, False, None, True, None, False, None]


@pytest.mark.parametrize(
    ("values", "whens"),
    [
        ({"m": MOMENTUM, "o": OPTIMIZER}, {"m": {"o": "sgd"}}),
        # A chain, learnt from the top; and one that takes two others to tell.
        ({"d": [1, None, None, None, 2, None, None, None], "m": MOMENTUM, "n": NESTEROV,
          "o": OPTIMIZER}, {"m": {"o": "sgd"}, "n": {"o": "sgd"}, "d": {"n": True}}),
        ({"x": [1, 2, None, None] * 2, "a": ["p", "p", "p", "q"] * 2,
          "b": [True, True, False, True] * 2}, {"x": {"a": "p", "b": True}}),
        ({"x": [1.5, 2.5, None, None, 3.5, 5.5, None, None], "depth": [3, 2, 1, 1, 3, 2, 1, 1]},
         {"x": {"depth": [2, 3]}}),
        # Nothing tells why: whether it is there is a choice of its own.
        ({"x": [0.5, None, 0.25, 0.1], "a": ["p", "p", "q", "q"]}, {"x": {"x_given": True}}),
    ],
)  # fmt: skip
def test_what_depends_on_what_is_read_off_the_nulls(values, whens):
    space = infer_space(values)
    plain = space.to_mapping()
    assert {name: axis["when"] for name, axis in plain.items() if "when" in dict(axis)} == whens
    for row in zip(*values.values(), strict=True):
        params = dict(zip(values, row, strict=True))
        given = {name: params[name[:-6]] is not None for name in plain if name not in params}
        assert space.complete(params | given) == params | given


def conditional_table(**more):
    rate = np.geomspace(1e-3, 0.1, 40)
    sgd = np.arange(40) % 2 == 0
    momentum = np.where(sgd, np.linspace(0.1, 0.9, 40), np.nan)
    score = np.where(sgd, 0.5 + 0.4 * np.nan_to_num(momentum), 0.6)
    return table_of(
        energy_j=np.where(sgd, 1.0, 2.0),
        score=score,
        rate=rate,
        optimizer=np.where(sgd, "sgd", "adam"),
        momentum=momentum,
        **more,
    )


@pytest.mark.parametrize("make", [NearestObjective, ForestObjective])
def test_an_inactive_hyperparameter_is_not_taken_for_a_low_one(make):
    recording = Recording.of(conditional_table())
    assert recording.space.conditions == {"momentum": {"optimizer": ("sgd",)}}
    assert recording.params[1]["momentum"] is None
    assert not recording.notes or "left out" not in recording.notes[0]
    objective = make(recording)
    score = {
        momentum: objective.curve(
            {"rate": 0.01, "optimizer": optimizer, "momentum": momentum, "epochs": 1}, 0, 0
        )[1][0][1]
        for optimizer, momentum in (("sgd", 0.12), ("sgd", 0.9), ("adam", None))
    }
    assert score[None] == pytest.approx(0.6, abs=0.08)
    assert score[0.12] < score[None] + 0.05 < score[0.9]


def test_a_space_that_is_stated_says_what_is_inactive():
    space = Space.parse(
        {
            "rate": {"low": 1e-3, "high": 0.1, "log": True},
            "optimizer": ["sgd", "adam"],
            "momentum": {"low": 0.0, "high": 0.99, "when": {"optimizer": "sgd"}},
            "beta": {"low": 0.0, "high": 0.99, "when": {"optimizer": "adam"}},
        }
    )
    table = conditional_table()
    table.trials.loc[0, "p.momentum"] = pd.NA  # active, and lost
    recording = Recording.of(table, space)
    assert len(recording.params) == 19  # none of Adam's, whose beta was not recorded
    assert "21 without one of the hyperparameters" in recording.notes[0]
    assert all(params["beta"] is None for params in recording.params)


# Forests ------------------------------------------------------------------------------------------


def sampled(count, seed, *, curves):
    """What a table of random candidates of a surface recorded."""
    surface = SURFACES["scaling"]
    encoding = Encoding(surface.space)
    rows, points = [], []
    for trial, place in enumerate(
        np.random.default_rng(seed).random((count, encoding.n_dimensions))
    ):
        params = encoding.decode(place)
        joules, scores = np.transpose(surface.curve(params, trial, seed)[1][: params["epochs"]])
        total_j, failed = np.cumsum(joules), bool(np.isnan(scores[-1]))
        row = {"trial": trial, "energy_j": total_j[-1], "score": scores[-1]}
        hyperparameters = {f"p.{name}": value for name, value in params.items()}
        rows.append({**row, "state": "failed" if failed else "complete", **hyperparameters})
        if not failed:
            whole = zip(total_j, scores, strict=True)
            points += [(trial, epoch, *point) for epoch, point in enumerate(whole, 1)]
    run = {"run": "random-0", "strategy": "random", "seed": 0, "energy_search_j": 0.0}
    table = load_table(pd.DataFrame(rows).assign(**run))
    found = pd.DataFrame(points, columns=["trial", "epoch", "energy_j", "score"])
    with_curves = found.assign(run="random-0") if curves else None
    return Recording.of(type(table)(table.trials, "sampled", curves=with_curves))


@pytest.mark.usefixtures("small_forests")
@pytest.mark.parametrize("curves", [True, False])
def test_forests_predict_a_surface_that_they_learnt(curves):
    learnt, asked = sampled(200, 0, curves=curves), sampled(40, 1, curves=curves)
    objective = ForestObjective(learnt)
    assert objective.quality.is_enough
    true, predicted = [], []
    known = zip(asked.params, asked.curves, asked.failed, strict=True)
    for trial, (params, (_, points), failed) in enumerate(known):
        setup_j, curve = objective.curve({"epochs": 1, **params}, trial, 0)
        assert setup_j == 0.0
        if not failed and not math.isnan(curve[-1][1]):
            for ends, each in ((true, points), (predicted, curve[: len(points)])):
                ends.append((sum(joules for joules, _ in each), each[-1][1]))
    (true_j, true_a), (predicted_j, predicted_a) = np.transpose(true), np.transpose(predicted)
    assert np.corrcoef(np.log(true_j), np.log(predicted_j))[0, 1] > 0.9
    assert np.corrcoef(true_a, predicted_a)[0, 1] > 0.7
    assert all(0 <= score <= 1 for score in predicted_a)


@pytest.mark.usefixtures("small_forests")
def test_noise_is_drawn_by_seed_and_trial_and_a_candidate_fails_like_its_nearest_recorded_one():
    recording = sampled(120, 0, curves=True)
    objective = ForestObjective(recording)
    params = objective.space.cheapest()
    assert objective.curve(params, 3, 1) == objective.curve(params, 3, 1)
    assert len({objective.curve(params, trial, 1)[1][-1][1] for trial in range(30)}) > 3
    number = recording.failed.index(True)
    failing = {**recording.params[number], "epochs": recording.space.longest()}
    assert objective.curve(failing, 0, 0) == recording.curves[number]


@pytest.mark.usefixtures("small_forests")
def test_noise_is_that_of_repeats_where_they_are_recorded():
    rng = np.random.default_rng(0)
    x = np.repeat(np.arange(30), 4)
    table = table_of(
        energy_j=np.exp(x / 10), score=0.2 + x / 50 + rng.normal(0, 0.01, 120), x=x * 1.0
    )
    objective, params = ForestObjective(Recording.of(table)), {"x": 15.0, "epochs": 1}
    drawn = [objective.curve(params, trial, 0)[1][0] for trial in range(200)]
    energies_j, scores = zip(*drawn, strict=True)
    assert np.std(scores) == pytest.approx(0.01, rel=0.5)
    # The joules of repeats do not differ here, so those of a prediction do not either.
    assert max(energies_j) == pytest.approx(min(energies_j))


@pytest.mark.parametrize("every", [1, 5])
def test_a_trial_is_trained_to_the_next_epoch_that_was_validated(every):
    """Candidate 0 was not validated at the second of four epochs."""
    grid = [every * step for step in (1, 2, 3, 4)]
    trials = pd.DataFrame(
        {
            "strategy": "random",
            "trial": range(6),
            "score": [0.4 + 0.01 * n for n in range(6)],
            "energy_j": [40.0] * 6,
            "epochs": grid[-1],
            "p.rate": [0.1 * (n + 1) for n in range(6)],
        }
    )
    rows = [
        {"trial": n, "epoch": epoch, "energy_j": 10.0 * step, "score": 0.1 * step + 0.01 * n}
        for n in range(6)
        for step, epoch in enumerate(grid, 1)
        if (n, step) != (0, 2)
    ]
    table = load_table(trials)
    curves = pd.DataFrame(rows).assign(run=table.trials["run"].iloc[0], loss=0.5)
    table = dataclasses.replace(table, curves=curves)
    recording = Recording.of(table)
    assert recording.grid == tuple(grid)
    assert recording.curves[0][1] == [
        (10.0, pytest.approx(0.1)),
        (20.0, pytest.approx(0.3)),
        (0.0, pytest.approx(0.3)),
        (10.0, pytest.approx(0.4)),
    ]
    told = [note for note in recording.notes if "stopped at" in note]
    assert told == (
        ["Trials are stopped at the epochs that were validated: 5, 10, 15, 20."]
        if every > 1
        else []
    )
    played = replay(
        table,
        ReplayOptions(
            strategies=["asha"], budget="400 J per run", seeds=2, search_energy="none", workers=1
        ),
    )
    slices = played.rows_in_time
    assert set(slices["epochs"]) <= {0, *grid}
    assert set(slices["p.epochs"]) <= set(grid)
    assert (slices["state"] == "paused").any()
