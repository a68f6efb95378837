"""Parallel coordinates: where the values of a trial stand on the axes."""

import numpy as np
import pandas as pd
import pytest

from perjoule.models.metric import Metric
from perjoule.reports.figures.parallel import parallel_axes

ACCURACY = Metric.parse("accuracy")


def trials(**columns):
    table = {
        "score": [0.5, 0.9, np.nan],
        "energy_j": [1.0, 10.0, 2.0],
        "energy_kind": ["modelled"] * 3,
        "p.rate": [1e-4, 1e-2, 1.0],
        "p.width": pd.array([8, 16, 12], dtype="Int64"),
        "p.momentum": [0.5, None, 0.9],
        "p.optimizer": ["sgd", "adam", "sgd"],
        "p.kernel": [3, 5, 3],
        "p.same": [1, 1, 1],
    }
    return pd.DataFrame(table | columns)


SEARCHED = ("rate", "width", "momentum", "optimizer", "kernel", "same")


def axes_of(table, metric=ACCURACY, space=None):
    return {axis.column: axis for axis in parallel_axes(table, SEARCHED, space or {}, metric)}


def test_each_axis_has_the_form_of_its_values():
    space = {"kernel": {"choices": [3, 5]}, "width": {"low": 8, "high": 16, "log": True}}
    axes = axes_of(trials(), space=space)
    assert {name: axis.form for name, axis in axes.items()} == {
        "p.rate": "log",
        "p.width": "log",
        "p.momentum": "linear",
        "p.optimizer": "points",
        "p.kernel": "points",
        "energy_j": "log",
        "score": "error",
    }
    assert axes["p.optimizer"].levels == ["adam", "sgd"]
    assert axes["p.optimizer"].ticks == [(0.0, "adam"), (1.0, "sgd")]
    assert axes["p.width"].ticks[0] == (0.0, "8")
    assert axes["energy_j"].head == "joules, modelled"


def test_what_has_no_value_says_so():
    axes = axes_of(trials(energy_j=[1.0, np.nan, 2.0]))
    assert axes["p.momentum"].unknown == "not used"
    assert axes["energy_j"].unknown == axes["score"].unknown == "unknown"
    assert axes["p.rate"].unknown == ""


@pytest.mark.parametrize("metric", ["accuracy", "rmse", "r2"])
def test_the_best_score_is_on_top(metric):
    metric = Metric.parse(metric)
    axis = axes_of(trials(), metric)["score"]
    lift = {
        "linear": float,
        "log": np.log10,
        "error": lambda score: np.log10(max(1 - score, axis.floor)),
    }[axis.form]
    worse, better = sorted((0.5, 0.9), key=metric.oriented)
    low, high = ((lift(score) - axis.low) / (axis.high - axis.low) for score in (worse, better))
    assert 0 <= low < high <= 1
    assert all(0 <= share <= 1 for share, _ in axis.ticks)


def test_alike_values_still_have_an_axis():
    axes = axes_of(trials(score=0.5, energy_j=1.0))
    assert axes["energy_j"].low < 0 < axes["energy_j"].high
    assert axes["score"].ticks
