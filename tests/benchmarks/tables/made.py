"""Small tables, and what is said of those that cannot be read."""

import pandas as pd
import pytest

from perjoule import load_table
from perjoule.benchmarks.tables.contract import CURVE_COLUMNS, RUN_COLUMNS
from perjoule.benchmarks.tables.table import Table
from perjoule.errors import DataError

HEADER = "strategy,energy_j,accuracy\n"
ROW = HEADER + "a,1,0.5\n"


def frame(rows=2, **columns):
    """The trials of one strategy; a column that is None is left out."""
    contract = {"strategy": ["a"] * rows, "energy_j": [1.0] * rows, "score": [0.5] * rows}
    made = {name: values for name, values in {**contract, **columns}.items() if values is not None}
    return pd.DataFrame(made)


def runs_of(*names, strategy="a", seed=0, allotment_j=5.0, **columns):
    """A run of each name."""
    row = {"strategy": strategy, "seed": seed, "allotment_j": allotment_j, **columns}
    return pd.DataFrame([{"run": name, **row} for name in names]).reindex(
        columns=list(dict.fromkeys([*RUN_COLUMNS, *columns]))
    )


def whole_table():
    """Two trials with curves, slices, runs and a description."""
    trials = load_table(frame(seed=[0, 1])).trials
    curves = pd.DataFrame([("a-0", 0, 1, 0.2, 0.5, 1.0)], columns=list(CURVE_COLUMNS))
    runs = runs_of("a-0", "a-1").assign(seed=[0, 1])
    described = {"experiment": {"dataset": "digits"}}
    return Table(trials, curves=curves, slices=trials, runs=runs, description=described)


def refusal(source, **options):
    """What is said of a table that is refused: one line."""
    with pytest.raises(DataError) as caught:
        load_table(source, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message
