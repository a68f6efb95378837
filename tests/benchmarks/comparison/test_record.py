"""From the ledger's events to the trial table."""

from __future__ import annotations

import pandas as pd
import pyarrow.parquet as pq
import pytest

from perjoule.benchmarks.comparison.record import curve_table, trial_table
from perjoule.benchmarks.tables.contract import CURVE_COLUMNS, TRIAL_COLUMNS
from perjoule.benchmarks.tables.writing import write_frame

from .ledgers import LOST, parsed, slice_event


def test_the_table_has_the_contracts_columns_even_when_empty():
    for events in ([], [slice_event("tpe-0", 0, 0.9, 1.0)]):
        table = trial_table(parsed(events))
        assert tuple(column for column in table if not column.startswith("p.")) == TRIAL_COLUMNS
        assert tuple(curve_table(parsed(events))) == CURVE_COLUMNS
        assert table["energy_j"].dtype == "float64"
        assert table["epochs"].dtype == "Int64"


def test_what_is_not_known_is_null_and_never_zero():
    lost = slice_event("tpe-0", 0, 0.9, None, search_j=None, n_parameters=None)
    row = trial_table(parsed([lost])).iloc[0]
    for name in ("energy_j", "energy_train_j", "energy_search_j", "cpu_j", "gpu_j", "n_parameters"):
        assert pd.isna(row[name])
    assert row["energy_setup_j"] == 0.1


@pytest.mark.parametrize("state", ["failed", "interrupted"])
def test_a_trial_that_is_nobodys_result_has_joules_but_no_accuracy(state):
    event = slice_event("random-3", 1, 0.8, 2.0, state=state, message="why")
    row = trial_table(parsed([event])).iloc[0]
    assert pd.isna(row["accuracy"])
    assert (row["energy_j"], row["seed"], row["message"]) == (2.0, 3, "why")
    assert curve_table(parsed([event]))["accuracy"].notna().all()


def test_a_lost_slice_is_a_row_with_what_it_was_last_heard_of():
    row = trial_table(parsed([{**LOST, "run": "skopt-gp-0", "energy_j": 0.7}])).iloc[0]
    assert (row["strategy"], row["seed"], row["state"]) == ("skopt-gp", 0, "interrupted")
    assert (row["energy_j"], row["energy_kind"]) == (0.7, "lower bound")


def test_parquet_keeps_types_and_names_the_contract(tmp_path):
    table = trial_table(parsed([slice_event("tpe-0", 0, 0.9, 1.0)]))
    write_frame(table, tmp_path / "trials.parquet")
    again = pd.read_parquet(tmp_path / "trials.parquet")
    pd.testing.assert_frame_equal(again, table)
    schema = pq.read_schema(tmp_path / "trials.parquet")
    assert schema.metadata[b"perjoule_table"] == b"1"
    assert schema.field("energy_j").metadata[b"unit"] == b"J"
