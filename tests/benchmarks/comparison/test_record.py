"""From the ledger's events to the trial table and the summary."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from perjoule.benchmarks.comparison.record import curve_table, trial_table
from perjoule.benchmarks.comparison.summary import summarise
from perjoule.benchmarks.tables.contract import CURVE_COLUMNS, TRIAL_COLUMNS
from perjoule.benchmarks.tables.writing import write_frame

from .ledgers import LOST, end_event, parsed, slice_event


def description(strategies: list[str], seeds: int, budget_j: float) -> dict[str, Any]:
    return {
        "name": "made up",
        "created": "2026-01-01T00:00:00+00:00",
        "versions": {},
        "machine": {},
        "runtime": {"device": "cpu"},
        "workers": 1,
        "data": {},
        "space": {},
        "meter": [{"id": "cpu_time", "component": "cpu", "kind": "modelled"}],
        "experiment": {"strategies": strategies, "seeds": seeds, "budget_j": budget_j},
    }


def summary_of(events: list[dict[str, Any]], strategies: list[str], seeds: int, budget_j: float):
    summary = summarise(
        description(strategies, seeds, budget_j), parsed(events), trial_table(parsed(events))
    )
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
    return summary


def whole_comparison(accuracies: dict[str, list[float]], energy_j: float = 1.0):
    """One trial per run that spends its allotment."""
    events = []
    for name, values in accuracies.items():
        for seed, accuracy in enumerate(values):
            events += [
                slice_event(f"{name}-{seed}", 0, accuracy, energy_j),
                end_event(f"{name}-{seed}"),
            ]
    seeds = len(next(iter(accuracies.values())))
    return summary_of(events, list(accuracies), seeds, energy_j * seeds * len(accuracies))


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


def test_a_clear_win_with_seeds_enough_is_called_one():
    summary = whole_comparison(
        {"tpe": [0.95, 0.96, 0.97, 0.955, 0.965, 0.95], "random": [0.7, 0.71, 0.72, 0.7, 0.73, 0.7]}
    )
    verdict = summary["verdict"]
    assert verdict["supported"]
    assert verdict["winner"] == "tpe"
    assert verdict["sentence"].startswith("tpe found the most accurate networks")


def test_a_lead_of_few_seeds_is_not_called_a_win():
    verdict = whole_comparison({"tpe": [0.9, 0.9], "random": [0.5, 0.5]})["verdict"]
    assert not verdict["supported"]
    assert verdict["sentence"].startswith("tpe is ahead")
    assert "may be chance" in verdict["sentence"]
    assert "Nothing can be concluded" in verdict["caveats"][0]


def test_equals_are_called_equal():
    verdict = whole_comparison({name: [0.9] * 5 for name in ("tpe", "gp", "grid")})["verdict"]
    assert verdict["tie"]
    assert "equally accurate networks for the same energy: 90.0 %" in verdict["sentence"]


def test_a_comparison_without_any_validated_trial_says_so():
    events = [slice_event("tpe-0", 0, None, 1.0, state="truncated", curve=[]), end_event("tpe-0")]
    summary = summary_of(events, ["tpe"], 1, 1.0)
    assert summary["verdict"]["sentence"].startswith("No trial was validated")
    assert summary["best_accuracy"] is None
    assert summary["strategies"][0]["accuracy"] is None


def test_before_the_first_event_there_is_a_summary_too():
    summary = summary_of([], ["tpe", "random"], 2, 4.0)
    assert summary["status"] == "interrupted"
    assert [run["trials"] for run in summary["runs"]] == [0] * 4


def test_runs_that_are_over_are_compared_at_their_allotment():
    events = [
        slice_event("tpe-0", 0, 0.5, 3.0),
        slice_event("tpe-0", 1, 0.9, 6.95),
        end_event("tpe-0"),
        slice_event("random-0", 0, 0.7, 6.0),
        end_event("random-0"),  # its last 4 J fit no trial, but it had them
    ]
    summary = summary_of(events, ["tpe", "random"], 1, 20.0)
    assert summary["common_j"] == pytest.approx(10.0)
    equal = {row["strategy"]: row["equal_energy"]["median"] for row in summary["strategies"]}
    assert equal == {"tpe": 0.9, "random": 0.7}


def test_runs_that_were_interrupted_are_compared_at_what_all_have_spent():
    events = [
        slice_event("tpe-0", 0, 0.5, 3.0),
        slice_event("tpe-0", 1, 0.9, 6.0),
        slice_event("random-0", 0, 0.7, 4.0),
    ]
    summary = summary_of(events, ["tpe", "random"], 1, 20.0)
    assert summary["common_j"] == pytest.approx(4.0)
    assert summary["strategies"][0]["equal_energy"]["median"] == 0.5
    assert summary["status"] == "interrupted"


def test_a_run_that_lost_its_meter_has_no_total():
    events = [
        slice_event("tpe-0", 0, 0.5, 3.0),
        slice_event("tpe-0", 1, 0.9, None),
        end_event("tpe-0", "meter lost"),
    ]
    summary = summary_of(events, ["tpe"], 1, 10.0)
    assert summary["runs"][0]["spent_j"] is None
    assert summary["strategies"][0]["energy_j"] is None
    assert any("meter lost" in caveat for caveat in summary["verdict"]["caveats"])


def test_joules_to_target_count_runs_that_never_got_there():
    summary = whole_comparison({"tpe": [0.9, 0.9, 0.1], "random": [0.5, 0.9, 0.5]}, energy_j=2.0)
    tpe, random = (row["energy_to_target"] for row in summary["strategies"])
    assert (tpe["hits"], tpe["runs"], tpe["ert_j"]) == (2, 3, pytest.approx(3.0))
    assert (random["hits"], random["ert_j"]) == (1, pytest.approx(6.0))


def test_what_is_charged_to_no_run_is_told_and_unknown_after_a_kill():
    start = {"event": "start", "workers": 2, "startup_j": 5.0}
    session = {
        "event": "session",
        "status": "complete",
        "wall_s": 10.0,
        "busy_s": 15.0,
        "asking_s": 3.0,
        "waiting_s": 5.0,
        "unbilled_j": 0.5,
        "driver_cpu_s": None,
    }
    whole = summary_of([start, session], ["tpe"], 1, 1.0)
    assert [row["energy_j"] for row in whole["overhead"]] == [5.0, 0.5]
    assert whole["workers"] == {
        "count": 2,
        "wall_s": 10.0,
        "wait_share": 0.25,
        "asking_share": 0.15,
    }
    killed = summary_of([start, start, session], ["tpe"], 1, 1.0)
    assert [row["energy_j"] for row in killed["overhead"]] == [10.0, None]


def test_the_search_share_is_of_trials_whose_search_is_known():
    summary = summary_of([LOST, slice_event("tpe-0", 1, 0.9, 1.0)], ["tpe"], 1, 10.0)
    assert summary["strategies"][0]["search_share"] == pytest.approx(0.1)


def test_a_run_of_unknown_joules_does_not_keep_the_others_from_being_compared():
    events = [
        slice_event("tpe-0", 0, 0.9, None),
        slice_event("random-0", 0, 0.7, 4.0),
    ]
    summary = summary_of(events, ["tpe", "random"], 1, 20.0)
    assert summary["common_j"] == pytest.approx(4.0)
    assert summary["strategies"][1]["equal_energy"]["median"] == 0.7
    assert summary["strategies"][0]["equal_energy"] is None
