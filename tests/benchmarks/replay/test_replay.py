"""Replays: strategies on recorded tables, for virtual joules."""

import dataclasses
import multiprocessing
import re
import time
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import perjoule
import perjoule.benchmarks
from perjoule import load_table
from perjoule.benchmarks.replay.ask_cost import load_ask_costs
from perjoule.benchmarks.statistics.runs import AnytimeCurves
from perjoule.benchmarks.tables.contract import TRIAL_COLUMNS
from perjoule.errors import BudgetError, ConfigurationError, DataError, UnknownNameError
from perjoule.tuners.registry import RECIPES

DIGITS = Path(perjoule.benchmarks.__file__).parent / "recorded" / "digits"


NAMES = ["p.depth", "p.optimizer", "p.rate"]


class Seen:
    """Remembers what it is shown."""

    def __init__(self):
        self.notes, self.counts = [], []

    def note(self, sentence):
        self.notes.append(sentence)

    def update(self, done, total, left_s):
        self.counts.append((done, total))
        self.left_s = left_s


@pytest.fixture(scope="module")
def digits():
    return load_table(DIGITS)


@pytest.fixture(scope="module")
def grid():
    """A whole grid of choices, each candidate twice; one candidate fails."""
    candidates = product(range(2), (1, 2, 4), ("sgd", "adam"), (1e-3, 1e-2, 0.1))
    rows = pd.DataFrame(candidates, columns=["seed", *(name[2:] for name in NAMES)])
    is_adam, repeat = rows["optimizer"] == "adam", rows["seed"]
    fails = (rows["depth"] == 2) & ~is_adam & (rows["rate"] == 0.1)
    return load_table(
        rows.assign(
            strategy="theirs",
            trial=rows.groupby("seed").cumcount(),
            energy_j=1.0 + rows["depth"] + repeat / 10,
            score=0.5 + rows["depth"] / 10 + is_adam / 20 + repeat / 100,
            state=fails.map({True: "failed", False: "complete"}),
        )
    )


def noise_table(count=30, **others):
    """Candidates whose accuracy nothing explains."""
    rng = np.random.default_rng(0)
    known = {"strategy": "theirs", "run": "theirs-0", "trial": range(count)}
    columns = {"energy_j": 1 + rng.random(count), "score": rng.random(count)}
    return load_table(pd.DataFrame({**known, **columns, "x": rng.random(count), **others}))


def _candidates(trials):
    return trials[NAMES].itertuples(index=False, name=None)


def replay(table, strategies="random", **options):
    """One run of each strategy in this process, if the test asks for nothing else."""
    return perjoule.replay(table, strategies=strategies, **{"seeds": 1, "workers": 1} | options)


# What comes out -----------------------------------------------------------------------------------


def test_a_replay_is_a_trial_table_of_virtual_joules(digits):
    seen = Seen()
    table = replay(digits, "random,tpe", budget="20 J per run", seeds=3, progress=seen)
    trials = table.trials
    assert list(trials)[: len(TRIAL_COLUMNS)] == list(TRIAL_COLUMNS)
    assert table.strategies == ["random", "tpe"]
    assert set(trials["energy_kind"]) == {"replayed"}
    assert trials["run"].nunique() == 6
    assert (trials.groupby("run")["energy_j"].sum() <= 20.001).all()
    assert table.runs["run"].tolist() == list(trials["run"].unique())
    assert set(table.runs["allotment_j"]) == {20.0}
    assert set(table.runs["end"]) == {"spent"}
    assert (trials["p.epochs"] >= trials["epochs"]).all()
    assert_frame_equal(load_table(table).trials, trials, check_dtype=False)  # all can read it
    assert AnytimeCurves.of(trials).anytime_score().between(0.1, 1.0).all()
    assert table.notes[1] == "A candidate gets what the nearest of 479 recorded ones gave."
    assert table.notes == tuple(seen.notes)
    assert seen.counts[-1] == (6, 6)
    assert seen.left_s == 0.0


def test_a_budget_is_shared_or_given_to_each_run_or_that_of_the_recorded_ones(grid):
    options = {"strategies": "random,sobol", "seeds": 2, "search_energy": "none"}
    shared = replay(grid, budget="80 J", **options)
    each = replay(grid, budget="20 J per run", **options)
    assert_frame_equal(shared.trials, each.trials)
    assert each.trials["energy_search_j"].isna().all()
    whole = each.trials[each.trials["state"] == "complete"]
    assert set(whole["energy_j"]) <= set(grid.trials["energy_j"])
    assert not any("Searching is charged" in note for note in each.notes)
    assert_frame_equal(replay(grid, budget=80, **options).trials, each.trials)
    recorded_j = grid.trials.groupby("run")["energy_j"].sum()
    by_default = replay(grid, **options).trials.groupby("run")["energy_j"].sum()
    assert recorded_j.median() - 5 < by_default.min() <= by_default.max() <= recorded_j.median()


def test_a_run_that_cannot_pay_its_next_ask_says_what_it_left(grid):
    meter = [{"detail": "CPU time x 7000 W per core"}]
    costly = dataclasses.replace(grid, description={"meter": meter})
    found = replay(costly, budget="30 J per run", seeds=2)
    assert set(found.runs["end"]) == {"spent"}
    first = r"[\d.]+ J of 30.0 J were left, too few for the next ask \(up to [\d.]+ J\)"
    assert found.runs["message"].str.match(first).all()
    [note] = [note for note in found.compare().notes if "ended early" in note]
    told = r"2 of 2 runs of random ended early: [\d.]+ J of 60.0 J were not spent; of random-\d "
    assert re.match(told + first, note)


def test_a_table_is_named_by_its_path_too(grid, tmp_path):
    [path] = grid.write(tmp_path / "grid.csv")
    options = {"budget": "20 J per run", "seeds": 1, "workers": 1, "strategies": "random"}
    found = perjoule.replay(path, **options)
    assert_frame_equal(found.trials, perjoule.replay(grid, **options).trials)
    assert perjoule.analyse(str(path)).headline == perjoule.analyse(grid).headline
    with pytest.raises(DataError, match="nowhere: no such file"):
        perjoule.replay("nowhere")
    with pytest.raises(DataError, match="int is no table: give a file, a run folder"):
        perjoule.replay(3)


def test_recorded_failures_fail_again_for_their_joules(grid):
    table = replay(grid, budget="300 J")
    failed = table.trials[table.trials["state"] == "failed"]
    assert set(_candidates(failed)) == {(2, "sgd", 0.1)}
    trained_j = failed["energy_j"] - failed["energy_search_j"]
    assert set(trained_j.round(6)) == {3.0, 3.1}
    assert failed["score"].isna().all()


def test_trials_are_stopped_and_continued_along_recorded_curves(digits):
    table = replay(digits, "asha", budget="20 J per run", seeds=2)
    trials, slices = table.trials, table.slices
    assert len(slices) > len(trials)
    assert set(slices["state"]) >= {"paused", "complete"}
    assert set(trials["state"]) >= {"pruned", "complete"}
    assert "paused" not in set(trials["state"])
    key = ["run", "trial"]
    added_up = slices.groupby(key)["energy_j"].sum()
    assert trials.set_index(key)["energy_j"].to_dict() == pytest.approx(added_up.to_dict())
    recorded = set(digits.curves["score"])
    assert set(slices["score"].dropna()) <= recorded
    # In order of completion: a trial stands where its last slice does.
    last = slices.drop_duplicates(key, keep="last")
    assert trials[key].values.tolist() == last[key].values.tolist()


@pytest.mark.thorough
def test_every_strategy_searches_a_table_of_choices(grid):
    table = replay(grid, "all", budget="25 J per run")
    assert table.strategies == list(RECIPES)
    assert not [note for note in table.notes if "broke off" in note]
    assert set(_candidates(table.trials)) <= set(_candidates(grid.trials))
    assert table.slices is None  # nothing can be stopped in between
    assert any("train all of them in full" in note for note in table.notes)
    assert set(table.trials["epochs"].dropna()) <= {0}  # of those that were cut short


def test_recorded_epochs_without_curves_are_searched_and_told():
    rows = pd.DataFrame(product((5, 10, 20), (1, 2, 3)), columns=["p.epochs", "width"])
    rows = rows.assign(strategy="theirs", energy_j=rows["p.epochs"] * 1.0)
    rows = rows.assign(score=rows["p.epochs"] / 30 + rows["width"] / 100)
    recorded = load_table(pd.concat([rows, rows]))
    table = replay(recorded, "random,asha", budget="60 J per run", seeds=2)
    whole = table.trials[table.trials["state"] == "complete"]
    assert set(whole["p.epochs"]) == {5, 10, 20}
    assert whole["epochs"].tolist() == whole["p.epochs"].tolist()
    trained_j = whole["energy_j"] - whole["energy_search_j"]
    assert trained_j.tolist() == pytest.approx(whole["epochs"].tolist())
    assert "p.recorded_epochs" not in table.trials
    assert "one step" in table.notes[0] + table.notes[1]


def test_groups_are_searched_apart(grid):
    both = [
        grid.trials.assign(run=name + grid.trials["run"], machine=name) for name in ("old", "new")
    ]
    both[1] = both[1].assign(energy_j=both[1]["energy_j"] / 10)
    table = load_table(pd.concat(both), by="machine")
    replayed = replay(table, seeds=2)
    assert replayed.by == ("machine",)
    assert replayed.trials["run"].nunique() == 4
    means = replayed.trials.groupby("g.machine")["energy_j"].mean()
    assert means["old"] > 5 * means["new"]
    assert [values for values, _ in replayed.groups] == [{"machine": "new"}, {"machine": "old"}]
    assert any(note.startswith("machine old: ") for note in replayed.notes)


# The same again -----------------------------------------------------------------------------------


@pytest.mark.thorough
def test_a_replay_is_the_same_by_any_number_of_workers(digits):
    options = {"strategies": "random,hyperband-tpe", "budget": "6 J per run", "seeds": 2}
    alone, together = (replay(digits, workers=n, **options) for n in (1, 2))
    assert_frame_equal(alone.trials, together.trials)
    assert_frame_equal(alone.slices, together.slices)
    assert_frame_equal(alone.runs, together.runs)
    assert alone.notes == together.notes


def test_an_unknown_joule_makes_no_budget_smaller():
    scores, nan = [0.5, 0.6, 0.7, 0.8], float("nan")
    frame = pd.DataFrame({"strategy": "a", "seed": [0, 0, 1, 1], "score": scores})
    frame = frame.assign(width=[1, 2, 3, 4], energy_j=[2.0, nan, 3.0, 4.0])
    assert "Each run has 7.00 J." in replay(load_table(frame), match="nearest").notes
    with pytest.raises(BudgetError, match="of no recorded run are wholly known: give a budget"):
        replay(load_table(frame.assign(energy_j=[2.0, nan, 3.0, nan])), match="nearest")


@pytest.mark.kill
def test_ctrl_c_ends_the_workers(grid):
    class Impatient(Seen):
        def update(self, done, total, left_s):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replay(grid, seeds=50, workers=2, progress=Impatient())
    patience = time.perf_counter() + 10.0
    while multiprocessing.active_children() and time.perf_counter() < patience:
        time.sleep(0.05)  # the pool, too, waits for their ends, and may be slower to note them
    assert not multiprocessing.active_children()


OWN = """
import time
from optuna.samplers import RandomSampler
from perjoule.tuners.strategies.optuna_sampler import OptunaStrategy


class Quick(OptunaStrategy):
    def __init__(self, space, seed):
        super().__init__(space, seed, sampler=RandomSampler)


class Burning(Quick):
    def ask(self, spent_j):
        end = time.process_time() + 0.003
        while time.process_time() < end:
            pass
        time.sleep(0.003)
        return super().ask(spent_j)


class Faulty(Quick):
    def tell(self, result):
        super().tell(result)
        if result.trial == 2:
            raise RuntimeError("enough")


class Hopeless(Quick):
    def ask(self, spent_j):
        raise RuntimeError("no idea")
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Strategies of one's own, in a module that can be imported."""
    (tmp_path / "replayed_own.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    return "replayed_own"


def test_no_real_second_leaks_into_a_replay(grid, own):
    options = {"budget": "40 J per run", "seeds": 2}
    first, second = (
        replay(grid, f"{own}:{name}", **options).trials.drop(columns=["run", "strategy"])
        for name in ("Quick", "Burning")
    )
    assert_frame_equal(first, second)


def test_an_unmeasured_strategy_is_charged_no_search_and_that_is_said(grid, own):
    table = replay(grid, f"{own}:Quick,random", budget="40 J per run", seeds=2)
    unmeasured = table.trials[table.trials["strategy"] != "random"]
    assert unmeasured["energy_search_j"].isna().all()
    assert table.trials["energy_search_j"].notna().any()
    assert f"Nothing is charged for the search of {own}:Quick: it was not measured." in table.notes


def test_a_fault_of_a_strategy_ends_its_run_and_is_told(grid, own):
    table = replay(grid, f"{own}:Faulty", budget="90 J per run", seeds=2)
    assert table.trials.groupby("run").size().tolist() == [3, 3]
    assert table.notes[-1] == (
        f"{own}:Faulty broke off 2 of its runs, the first by RuntimeError: enough."
    )
    assert set(table.runs["end"]) == {"strategy error"}
    assert set(table.runs["message"]) == {"RuntimeError: enough"}
    mixed = replay(grid, f"{own}:Hopeless,random")
    assert mixed.runs["run"].tolist() == [f"{own}:Hopeless-0", "random-0"]
    assert set(mixed.trials["run"]) == {"random-0"}
    assert mixed.notes[-1] == (
        f"1 run of {own}:Hopeless tried nothing and left no trial in the table."
    )
    with pytest.raises(DataError, match="none of the strategies tried anything: RuntimeError: no"):
        replay(grid, f"{own}:Hopeless", budget="90 J per run", seeds=2)


# What searching costs -----------------------------------------------------------------------------


def test_searching_is_charged_by_the_model_and_the_watts_of_the_table(digits, grid):
    table = replay(digits, "tpe", budget="20 J per run")
    cost_s = load_ask_costs().of("tpe")
    assert cost_s is not None
    expected = [4.0 * cost_s(n_told) for n_told in range(len(table.trials))]
    assert table.trials["energy_search_j"].tolist() == pytest.approx(expected)
    assert "x 4 W per core, as the table was metered" in " ".join(table.notes)
    notes = replay(grid, "tpe", budget="20 J per run").notes
    assert "x 4 W per core, for the table names no figure" in " ".join(notes)


def test_a_replay_that_will_take_hours_says_so_before_it_begins(digits):
    class Wary(Seen):
        def note(self, sentence):
            if "hours of CPU time for the first" in sentence:
                raise InterruptedError(sentence)

    with pytest.raises(InterruptedError, match="for the first 10 seeds of each strategy"):
        replay(digits, "random,gp", budget="3 kJ per run", seeds=100, progress=Wary())


def test_slow_strategies_get_fewer_seeds_and_that_is_said(grid):
    table = replay(grid, "random,gp", budget="30 J per run", seeds=4, slow_seeds=2)
    assert table.trials.groupby("strategy")["seed"].nunique().to_dict() == {"gp": 2, "random": 4}
    assert table.notes[-1].startswith(
        "2 instead of 4 seeds for strategies whose asks take more than 0.2 CPU-seconds a run: gp ("
    )


# Surrogates ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("small_forests")
def test_a_continuous_table_without_curves_is_predicted_and_the_error_told_first():
    rng, number = np.random.default_rng(0), np.arange(100)
    x, y = rng.random(100), 10 ** rng.uniform(-4, 0, 100)
    score = 0.9 - 0.1 * (np.log10(y) + 2) ** 2 - 0.2 * (x - 0.6) ** 2
    known = {"strategy": "theirs", "seed": number % 2, "trial": number // 2}
    found = {"energy_j": np.exp(2 * x), "score": score, "x": x, "rate": y}
    seen = Seen()
    table = replay(load_table(pd.DataFrame(known | found)), seeds=3, progress=seen)
    [quality] = [n for n, note in enumerate(seen.notes) if "cross-validated R2" in note]
    assert seen.notes[quality].startswith("Random forests of 100 recorded candidates explain 9")
    assert seen.notes[quality + 1].startswith("Each run has")
    assert len(set(table.trials["p.x"])) == len(table.trials)
    assert table.trials["score"].dropna().between(0, 1).all()


@pytest.mark.usefixtures("small_forests")
def test_a_surrogate_that_explains_too_little_is_refused():
    with pytest.raises(DataError, match=r"random forests only explain .* of log-joules .* 50% are"):
        replay(noise_table(), match="auto")
    with pytest.raises(DataError, match="10 candidates are too few for a surrogate"):
        replay(noise_table(10), match="surrogate")
    table = replay(noise_table(), match="nearest")
    recorded = set(noise_table().trials["score"])
    assert set(table.trials["score"].dropna()) <= recorded


@pytest.mark.usefixtures("small_forests")
def test_a_refused_surrogate_falls_back_on_curves():
    """Where lengths differ, the surrogate is first; what it cannot explain is looked up."""
    table = noise_table(**{"p.epochs": [1, 2, 3] * 10})
    n_epochs = table.trials["p.epochs"]
    curves = table.trials.loc[table.trials.index.repeat(n_epochs)]
    curves = curves.assign(epoch=curves.groupby("trial").cumcount() + 1)
    curves["energy_j"] *= curves["epoch"] / curves["p.epochs"]
    curves = curves[["run", "trial", "epoch", "energy_j", "score"]]
    with_curves = type(table)(table.trials, curves=curves)
    replayed = replay(with_curves, "asha", seeds=2)
    assert "recorded ones gave: random forests only explain" in replayed.notes[1]
    assert set(replayed.trials["epochs"]) <= {0, 1, 2, 3}


# What cannot be used ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"strategies": "tpee"}, UnknownNameError, "unknown strategy 'tpee': did you mean 'tpe'"),
        ({"strategies": []}, ConfigurationError, "no strategy is named"),
        ({"strategies": "tpe,tpe"}, ConfigurationError, "'tpe' is named twice"),
        ({"match": "closest"}, UnknownNameError, "unknown match 'closest'"),
        ({"search_energy": "all"}, UnknownNameError, "unknown search_energy 'all'"),
        ({"seed": 3}, UnknownNameError, "unknown option of a replay 'seed': did you mean 'seeds'"),
        ({"seeds": 0}, ConfigurationError, "seeds 0 is not above zero"),
        ({"budget": "a lot"}, BudgetError, "'a lot' is not an amount of energy"),
        ({"budget": "x per run"}, BudgetError, "'x' is not an amount of energy"),
        ({"seeds": 2, "workers": 0}, ConfigurationError, "workers 0 is not above zero"),
        ({"budget": "1 J per run"}, BudgetError, "each run has 1.00 J, but the cheapest recorded"),
        ({"space": {"depth": [1], "width": [1, 2]}}, DataError, "no column p.width"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(grid, options, error, message):
    with pytest.raises(error) as raised:
        replay(grid, **({"strategies": "random", "workers": 1} | options))
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_space_of_ones_own_narrows_the_search(grid):
    space = {"depth": [1, 2], "optimizer": "adam", "rate": [1e-3, 1e-2, 0.1]}
    table = replay(grid, budget="60 J per run", space=space)
    assert set(table.trials["p.depth"]) == {1, 2}
    assert set(table.trials["p.optimizer"]) == {"adam"}
    assert table.notes[1] == "24 of 36 trials are not replayed (24 outside the space)."
    whole = table.trials[table.trials["state"] == "complete"]
    trained_j = (whole["energy_j"] - whole["energy_search_j"]).round(6)
    recorded = grid.trials[grid.trials["p.optimizer"] == "adam"]
    assert set(trained_j) <= set(recorded["energy_j"].round(6))
    assert set(whole["score"]) <= set(recorded["score"])


# What is searched ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("small_forests")
def test_results_beside_a_table_are_not_searched_and_explain_nothing():
    rng = np.random.default_rng(3)
    energy_j, score = rng.uniform(400, 900, 60), rng.uniform(0.6, 0.95, 60)
    rows = {"strategy": "random", "energy_j": energy_j, "score": score}
    rows |= {"lr": 10 ** rng.uniform(-4, -1, 60), "f1": score * 0.98, "train_time_s": energy_j / 50}
    rows |= {"run_id": [f"{i:04x}" for i in range(60)]}
    with pytest.raises(DataError, match="random forests only explain"):
        replay(load_table(pd.DataFrame(rows)), "random", seeds=2, workers=1)
    seen = Seen()
    options = {"budget": "4 kJ per run", "seeds": 1, "match": "nearest", "workers": 1}
    table = replay(load_table(pd.DataFrame(rows)), "random", **options, progress=seen)
    assert table.description["replay"]["searched"] == ["lr"]
    assert table.description["replay"]["left_out"].keys() == {"f1", "train_time_s", "run_id"}
    assert seen.notes[0].startswith("No hyperparameters: f1 (measured: a score, by its name); ")
    assert seen.notes[1].startswith("Searched: lr (0.000")
    assert not {"p.f1", "p.train_time_s", "p.run_id"} & {*table.trials}
    named = replay(load_table(pd.DataFrame(rows), params="lr,f1"), "random", **options)
    assert named.description["replay"]["searched"] == ["lr", "f1"]
    only = pd.DataFrame(rows).drop(columns="lr")
    with pytest.raises(DataError, match=r"nothing was searched\. No hyperparameters: .*--params"):
        replay(load_table(only), "random", **options)
