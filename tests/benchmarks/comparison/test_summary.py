"""From a run folder to its summary."""

import json

import pytest

from perjoule import analyse
from perjoule.benchmarks.comparison.loading import read_run
from perjoule.benchmarks.comparison.summary import summarise

from .ledgers import LOST, end_event, slice_event, write_folder


@pytest.fixture
def summary_of(tmp_path):
    """Summarise a ledger of one run of each of some strategies, with 10 J for each."""

    def summarised(*events, strategies=("tpe", "random")):
        experiment = {"strategies": list(strategies), "seeds": 1}
        experiment["budget_j"] = 10.0 * len(strategies)
        table = read_run(write_folder(tmp_path, experiment, *events))
        summary = summarise(table, analyse(table))
        assert json.loads(json.dumps(summary, allow_nan=False)) == summary
        [group] = summary["analysis"]["groups"] or [None]
        return summary, group

    return summarised


def _levels(group):
    found = {name: facts["equal_energy"]["1.0"] for name, facts in group["strategies"].items()}
    return {name: level and level["median"] for name, level in found.items()}


def test_runs_that_are_over_are_compared_at_their_allotment(summary_of):
    summary, group = summary_of(
        slice_event("tpe-0", 0, 0.5, 3.0),
        slice_event("tpe-0", 1, 0.9, 6.95),
        end_event("tpe-0"),
        slice_event("random-0", 0, 0.7, 6.0),
        end_event("random-0"),  # its last 4 J fit no trial, but it had them
    )
    assert (summary["status"], group["common_j"]) == ("complete", pytest.approx(10.0))
    assert _levels(group) == {"tpe": 0.9, "random": 0.7}


def test_runs_that_were_interrupted_are_compared_at_what_all_have_spent(summary_of):
    summary, group = summary_of(
        slice_event("tpe-0", 0, 0.5, 3.0),
        slice_event("tpe-0", 1, 0.9, 6.0),
        slice_event("random-0", 0, 0.7, 4.0),
    )
    assert (summary["status"], group["common_j"]) == ("interrupted", pytest.approx(4.0))
    assert _levels(group)["tpe"] == 0.5


def test_a_run_that_lost_its_meter_has_no_total(summary_of):
    summary, group = summary_of(
        slice_event("tpe-0", 0, 0.5, 3.0),
        slice_event("tpe-0", 1, 0.9, None),
        end_event("tpe-0", "meter lost"),
        strategies=["tpe"],
    )
    [run] = summary["runs"]
    assert (run["status"], run["spent_j"]) == ("meter lost", None)
    assert group["strategies"]["tpe"]["energy_j"] is None


def test_a_run_of_unknown_joules_does_not_keep_the_others_from_being_compared(summary_of):
    _, group = summary_of(
        slice_event("tpe-0", 0, 0.9, None),
        slice_event("random-0", 0, 0.7, 4.0),
    )
    assert group["common_j"] == pytest.approx(4.0)
    assert _levels(group)["random"] == 0.7


def test_before_the_first_event_there_is_a_summary_too(summary_of):
    summary, _ = summary_of()
    assert summary["status"] == "interrupted"
    assert [run["trials"] for run in summary["runs"]] == [0, 0]


def test_the_search_share_is_of_trials_whose_search_is_known(summary_of):
    _, group = summary_of(LOST, slice_event("tpe-0", 1, 0.9, 1.0), strategies=["tpe"])
    assert group["strategies"]["tpe"]["search_share"] == pytest.approx(0.1)


def test_what_is_charged_to_no_run_is_told_and_unknown_after_a_kill(summary_of):
    start = {"event": "start", "workers": 2, "startup_j": 5.0}
    times = {"wall_s": 10.0, "busy_s": 15.0, "asking_s": 3.0, "waiting_s": 5.0}
    end = {"event": "session", "status": "complete", "unbilled_j": 0.5, "driver_cpu_s": None}
    session = end | times
    work = summary_of(start, session)[0]["work"]
    assert [row["energy_j"] for row in work.pop("overhead")] == [5.0, 0.5]
    shares = {"wait_share": 0.25, "asking_share": 0.15}
    assert work == {"workers": 2, "wall_s": 10.0, "driver_cpu_s": None, "drift": None, **shares}
    killed = summary_of(start, start, session)[0]["work"]
    assert [row["energy_j"] for row in killed["overhead"]] == [10.0, None]
