"""What tables tell of earlier searches."""

import numpy as np
import pandas as pd
import pytest

from perjoule import load_table
from perjoule.benchmarks.tables.earlier import Stops, earlier_searches
from perjoule.benchmarks.tables.table import Table
from perjoule.errors import DataError
from perjoule.models.metric import METRICS
from perjoule.models.space import Space

SPACE = Space.parse(
    {
        "rate": {"low": 0.01, "high": 1.0, "log": True},
        "kind": ["sgd", "adam"],
        "momentum": {"low": 0.0, "high": 0.9, "when": {"kind": "sgd"}},
        "width": 8,
        "epochs": {"low": 1, "high": 4},
    }
)
ROWS = {
    "rate": [0.1, 0.2, 5.0, 0.3, 0.4],
    "kind": ["sgd", "adam", "adam", "sgd", "adam"],
    "momentum": [0.5, np.nan, np.nan, np.nan, np.nan],
    "width": [8, 8, 8, 8, 16],
    "p.epochs": [2, 4, 4, 4, 4],
    "score": [0.3, 0.2, 0.1, 0.1, 0.1],
    "energy_j": [3.0, 4.0, 5.0, 6.0, 7.0],
}
CURVES = {
    "run": ["theirs-0"] * 3,
    "trial": [0, 0, 0],
    "epoch": [1, 2, 9],
    "energy_j": [1.0, 2.5, 9.0],
    "score": [0.4, 0.3, 0.1],
    "loss": [np.nan] * 3,
}
RMSE = METRICS["rmse"]
GIVEN = {"metric": RMSE.to_dict()}


def table(name="before", description=None, curves=True, **columns):
    known = {"strategy": "theirs", "run": "theirs-0", "trial": range(5)}
    rows = pd.DataFrame({**known, **ROWS, **columns})
    made = Table(rows, name, description=GIVEN if description is None else description)
    if curves:
        made = Table(**{**vars(made), "curves": pd.DataFrame(CURVES)})
    return load_table(made)


def test_candidates_of_the_space_are_learnt_with_their_curves():
    found = earlier_searches([table()], SPACE, RMSE)
    [[first, second]] = found.searches
    sgd = {"rate": 0.1, "kind": "sgd", "momentum": 0.5, "width": 8, "epochs": 2}
    assert first.params == sgd
    # Oriented; epoch 9 is none of the space.
    assert (first.scores, first.energies_j) == ({1: -0.4, 2: -0.3}, {1: 1.0, 2: 2.5})
    assert second.params == {**sgd, "rate": 0.2, "kind": "adam", "momentum": None, "epochs": 4}
    assert (second.scores, second.energies_j) == ({4: -0.2}, {4: 4.0})
    facts = found.facts
    assert (facts.tables, facts.trials, facts.energy_j) == (("before",), 2, 25.0)
    assert facts.left_out == {"outside the space": 2, "without one of the hyperparameters": 1}


def test_words_say_who_learns_what_it_took_and_what_was_left_out():
    facts = earlier_searches([table(), table("other")], SPACE, RMSE).facts
    told = {**facts.to_dict(), "learners": ["a"]}
    sentences = list(type(facts).from_dict(told).describe(["a", "b", "c"]))
    assert sentences == [
        "a learns from 4 trials of 2 tables (before, other), which took 50.0 J before, charged to "
        "no run here; b, c are told nothing of them.",
        "6 of 10 earlier trials are not learnt from: 4 outside the space, 2 without one of the "
        "hyperparameters.",
    ]
    unmetered = table(energy_j=[3.0, np.nan, 5.0, 6.0, 7.0])
    facts = earlier_searches([unmetered], SPACE, RMSE).facts
    assert facts.energy_j is None
    assert "whose joules are not wholly known" in next(facts.describe([]))


def test_epochs_are_counted_as_a_replay_counts_them():
    def learnt(grid, steps=None, space=SPACE):
        return earlier_searches([table()], space, RMSE, Stops(grid, steps)).searches[0]

    assert [each.scores for each in learnt((2, 4, 9))] == [{1: -0.3, 3: -0.1}, {2: -0.2}]
    assert [each.scores for each in learnt(())] == [{1: -0.3}, {1: -0.2}]
    in_steps = {**SPACE.to_mapping(), "steps": [2, 4], "epochs": 1}
    assert [e.params["steps"] for e in learnt((), "steps", Space.parse(in_steps))] == [2, 4]


def test_each_group_is_a_search_and_fixed_values_of_a_description_count():
    stated = {**GIVEN, "space": {**SPACE.to_mapping(), "width": 8}}
    rows = {name: column for name, column in ROWS.items() if name != "width"}
    known = {"strategy": "theirs", "run": [f"{n}-0" for n in "aabbb"], "trial": range(5)}
    grouped = load_table(
        Table(pd.DataFrame({**known, **rows, "data": [*"aabbb"]}), "t", description=stated),
        by="data",
    )
    found = earlier_searches([grouped], SPACE, RMSE)
    assert [[each.params["width"] for each in own] for own in found.searches] == [[8, 8], [8]]


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: table(description={}), r"before: its score is accuracy .*optimised here is rmse"),
        (lambda: table().trials.drop(columns="p.rate"), r"no column p\.rate, which is searched"),
        (lambda: table(rate=7.0), r"none of its trials can be learnt from \(4 outside the space"),
        (
            lambda: table(
                description={**GIVEN, "params": ["rate", "kind", "momentum", "depth"]},
                depth=[1, 2, 1, 2, 1],
            ),
            "its search varied depth, no hyperparameter here",
        ),
    ],
)
def test_other_tables_are_refused_in_one_line(made, message):
    given = made()
    if isinstance(given, pd.DataFrame):
        given = load_table(Table(given, "before", description=GIVEN))
    with pytest.raises(DataError, match=message) as refused:
        earlier_searches([given], SPACE, RMSE)
    assert "\n" not in str(refused.value)


def test_what_was_varied_besides_is_told_where_columns_may_be_anything():
    found = earlier_searches([table(depth=[1, 2, 1, 2, 1])], SPACE, RMSE)
    assert found.facts.others == ("before depth",)
