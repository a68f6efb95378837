import json
import re
from dataclasses import replace
from itertools import accumulate

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t

from perjoule.benchmarks.comparison.heartbeat import SignOfLife
from perjoule.benchmarks.statistics.projection import WARM_UP, WINDOW, project, project_table
from perjoule.benchmarks.tables.table import Table

from ...command import call
from ..samples import quick

increments = st.lists(st.floats(0.5, 2.0), min_size=6, max_size=20)


def cumulative(*energies_j):
    return list(accumulate(energies_j))


@quick
@given(st.floats(1e-3, 1e3), st.floats(0.0, 1e3), st.integers(6, 12), st.integers(0, 100))
def test_constant_epochs_are_projected_exactly(epoch_j, first_j, known, to_come):
    curve = cumulative(first_j, *[epoch_j] * (known - 1))
    found = project(curve, known + to_come)
    exact = first_j + (known + to_come - 1) * epoch_j
    assert (found.low_j, found.total_j, found.high_j) == pytest.approx((exact,) * 3)
    assert found.steady
    assert found.first == 2


@quick
@given(increments, st.integers(0, 50), st.sampled_from([0.125, 4.0, 1024.0]), st.booleans())
def test_a_projection_scales_with_the_unit(energies_j, to_come, scale, early):
    curve = cumulative(*energies_j)
    epochs = len(curve) + to_come
    one = project(curve, epochs, early=early)
    other = project([scale * each for each in curve], epochs, early=early)
    ends = [scale * each for each in (one.low_j, one.total_j, one.high_j)]
    assert [other.low_j, other.total_j, other.high_j] == pytest.approx(ends)
    assert other.spread == pytest.approx(one.spread)
    assert one.low_j <= one.total_j <= one.high_j
    assert one.low_j >= curve[one.measured_epochs - 1]  # what is spent is spent


@quick
@given(increments, increments)
def test_an_early_projection_uses_no_later_epoch(energies_j, later):
    curve = cumulative(*energies_j, *later)
    found = project(curve, len(curve), early=True)
    cut = project(curve[: found.measured_epochs], len(curve), early=True)
    assert cut == found


def test_epochs_before_the_steady_ones_are_charged_as_measured():
    curve = cumulative(9.0, 5.0, 3.0, 1.0, 1.1, 1.0, 0.9, 1.0)
    found = project(curve, 20)
    assert (found.first, found.steady) == (4, True)
    assert found.total_j == pytest.approx(22.0 + 12 * 1.0)


def test_epochs_that_never_are_steady_are_projected_from_the_last_five():
    curve = cumulative(9.0, *[1.0, 3.0] * 4)
    found = project(curve, 10)
    assert not found.steady
    assert found.first == 5
    assert found.total_j == pytest.approx(25.0 + (3 + 1 + 3 + 1 + 3) / 5)


def test_the_interval_holds_the_total_as_often_as_it_says():
    import numpy as np

    generator = np.random.default_rng(0)
    inside = 0
    for _ in range(2000):
        curve = np.cumsum(generator.normal(10.0, 0.3, 40)).tolist()
        found = project(curve, 40, early=True)
        inside += found.low_j <= curve[-1] <= found.high_j
    assert inside / 2000 == pytest.approx(0.95, abs=0.02)


def test_too_few_epochs_are_not_projected():
    assert project(cumulative(*[1.0] * 5), 20) is None


def test_the_quantile_is_that_of_students_t():
    # One epoch to come: total -+ t s sqrt(1 + 1/5).
    curve = cumulative(1.0, 0.9, 1.1, 1.0, 0.9, 1.1)
    found = project(curve, 7)
    deviation = pd.Series([0.9, 1.1, 1.0, 0.9, 1.1]).std()
    margin = t.ppf(0.975, WINDOW - 1) * deviation * (1 + 1 / WINDOW) ** 0.5
    assert found.high_j - found.total_j == pytest.approx(margin)


def trial(run, state="complete", epochs=8, planned=8, epoch_j=1.0, missing=()):
    energies = [epoch_j * (1 + epoch) for epoch in range(epochs)]
    curve = pd.DataFrame({"run": run, "trial": 0, "epoch": range(1, epochs + 1)})
    curve = curve.assign(energy_j=energies, score=0.5, loss=1.0)
    row = {"run": run, "strategy": "a", "seed": 0, "trial": 0, "state": state}
    return row | {"p.epochs": planned}, curve[~curve["epoch"].isin(missing)]


def test_a_table_tells_finished_from_unfinished_trainings_and_what_was_left_out():
    rows, curves = zip(
        trial("whole"),
        trial("cut", "truncated", epochs=7, planned=20),
        trial("unplanned", "truncated", epochs=7, planned=None),
        trial("short", epochs=WARM_UP + WINDOW),  # nothing is left to be projected
        trial("gap", epochs=9, missing=[3]),
        trial("unknown", epoch_j=float("nan")),
        strict=True,
    )
    table = Table(pd.DataFrame(rows), "t", curves=pd.concat(curves))
    found = project_table(table)
    [whole], [cut] = found.finished, found.unfinished
    assert (whole.run, whole.measured_j, whole.error) == ("whole", 8.0, pytest.approx(0.0))
    assert (cut.run, cut.projection.total_j, cut.measured_j) == ("cut", pytest.approx(20.0), None)
    assert found.left_out == 4
    assert (found.close, found.covered) == (1.0, 1.0)
    none = project_table(replace(table, curves=None))
    assert (none.finished, none.median_error, none.left_out) == ((), None, 6)


OWN = """
def train(trial):
    for epoch in trial.epochs():
        for _ in range(4):
            if trial.should_stop():
                return
            trial.count_operations(1e9)
        trial.report(accuracy=0.5)
"""


@pytest.fixture
def tuned(tmp_path, monkeypatch):
    """Tune for some joules, shown all along; what it printed, and its folder."""
    (tmp_path / "own.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    # In this process, as networks of perjoule are trained, so that each step can be shown.
    monkeypatch.setattr("perjoule.benchmarks.comparison.start.runs_own_code", lambda _: False)
    monkeypatch.setattr("perjoule.reports.progress.console.PLAIN_LINE_S", 0.0)
    monkeypatch.setattr("perjoule.benchmarks.comparison.watching.SHOW_S", 0.0)
    monkeypatch.setattr("perjoule.benchmarks.comparison.heartbeat.PULSE_S", 0.0)
    folder = tmp_path / "run"
    ended = call("tune", "--objective", "own:train", "--space", "{epochs: 20, x: [0, 1]}",
                 "--meter", "model", "--budget", "14 J", "--out", folder)  # fmt: skip
    assert ended.code == 0, ended.err
    return ended, folder


def test_the_command_tells_finished_and_unfinished_trials_and_tune_tells_those_in_flight(tuned):
    ended, folder = tuned
    told = re.findall(r"trial (\d+): epoch (\d+) of 20, about 8\.00 J in all", ended.err)
    assert {int(trial) for trial, _ in told} == {0, 1}
    assert WARM_UP + WINDOW <= min(int(epoch) for _, epoch in told) < 20  # it is shown now and then

    shown = json.loads(call("project", folder, "--json").out)
    [whole], [cut] = shown["finished"], shown["unfinished"]
    assert whole["error"] == pytest.approx(0.0, abs=1e-6)
    assert (cut["state"], cut["projection"]["epochs"]) == ("truncated", 20)
    assert cut["projection"]["total_j"] == pytest.approx(whole["measured_j"])
    printed = call("project", folder)
    assert "within 10 %" in printed.out
    assert "truncated" in printed.out


def test_a_table_without_curves_gets_one_clear_line(tmp_path):
    pd.DataFrame([trial("whole")[0] | {"energy_j": 1.0, "score": 0.5}]).to_csv(tmp_path / "t.csv")
    ended = call("project", tmp_path / "t.csv")
    assert ended.code == 0, ended.err
    assert "No training can be projected" in " ".join(ended.out.split())


@pytest.mark.parametrize(
    "odd", [{"epochs_j": [1.0] * 4}, {"params": {"epochs": 10**400}}, {"params": {}}]
)
def test_a_sign_of_life_by_anybody_may_say_anything(odd):
    stated = {
        "run": "a-0",
        "number": 0,
        "trial": 0,
        "params": {"epochs": 9},
        "energy_j": 7.0,
        "epoch": 7,
        "epochs_j": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0],
    }
    known = SignOfLife.from_dict(stated).projection
    assert known is not None and known.total_j == pytest.approx(9.0)
    assert SignOfLife.from_dict(stated | odd).projection is None
