"""Faults in what CodeCarbon writes."""

from __future__ import annotations

import pytest

from perjoule.benchmarks.audit import audit


def emissions(n, **changed):
    """Rows of separate trainings of 1,000 s each, by trackers of their own."""
    return {
        "timestamp": [f"2026-11-21T{hour:02}:00:00" for hour in range(n)],
        "project_name": ["codecarbon"] * n,
        "run_id": [f"run-{i}" for i in range(n)],
        "duration": [1000.0 + i for i in range(n)],
        "emissions": [0.01] * n,
        "cpu_power": [50.123 + i / 7 for i in range(n)],
        "cpu_energy": [0.014 + i / 1000 for i in range(n)],
        "gpu_energy": [0.03 + i / 1000 for i in range(n)],
        "energy_consumed": [0.044 + i / 500 for i in range(n)],
        "gpu_count": [1] * n,
        **changed,
    }


def test_separate_trainings_have_nothing_against_them(write):
    result = audit(write("emissions.csv", emissions(6)))
    assert result.findings == ()
    assert result.inputs[0].kind == "CodeCarbon's emissions"
    assert "cumulative-rows" in result.checked[0].ran


def tracked(run_id, duration, energy_consumed):
    """Four rows that were written every ten minutes."""
    return emissions(
        4,
        run_id=[*run_id],
        timestamp=[f"2026-11-21T10:{minute}:00" for minute in (10, 20, 30, 40)],
        duration=duration,
        energy_consumed=energy_consumed,
    )


def test_a_tracker_that_counts_on_is_found_with_the_factor_of_its_sum(write, find):
    rows = tracked("aaab", [600.0, 1200.0, 1800.0, 500.0], [0.1, 0.2, 0.3, 0.1])
    (found,) = find(write("emissions.csv", rows), "cumulative-rows")
    assert "rows 1-3" in found.where
    assert "2.00 times the 0.3 kWh" in found.evidence
    assert "import codecarbon" in found.remedy
    assert found.severity == "error"


def test_a_tracker_that_was_reset_begins_a_session(write, find):
    rows = tracked("aaaa", [600.0, 1200.0, 600.0, 1200.0], [0.1, 0.2, 0.1, 0.2])
    (found,) = find(write("emissions.csv", rows), "cumulative-rows")
    assert "2 sessions" in found.evidence
    assert "rows 1 to 2; rows 3 to 4" in found.evidence


def test_tasks_of_a_tracker_are_differences_already(write, find):
    path = write("emissions.csv", emissions(4, run_id=["a"] * 4, task_name=list("wxyz")))
    assert find(path, "cumulative-rows") == []


def test_a_negative_component_is_found_in_every_row_that_has_one(write, find):
    path = write("emissions.csv", emissions(4, cpu_energy=[0.01, -0.06, 0.01, -0.05]))
    where = [found.where.partition(", ")[2] for found in find(path, "negative-component")]
    assert where == ["row 2, column cpu_energy", "row 4, column cpu_energy"]


@pytest.mark.parametrize(("gpu_count", "n_found"), [(1, 1), ("", 0), (0, 0)])
def test_a_card_of_no_energy_is_found_only_where_there_is_a_card(write, find, gpu_count, n_found):
    path = write("emissions.csv", emissions(4, gpu_energy=[0.0] * 4, gpu_count=[gpu_count] * 4))
    assert len(find(path, "zero-component")) == n_found


def test_a_tabulated_power_is_found_in_one_file(write, find):
    path = write("emissions.csv", emissions(4, cpu_power=[42.5] * 4))
    (found,) = find(path, "constant-power")
    assert "42.5 W in all 4 rows" in found.evidence


def test_a_tabulated_power_is_found_across_files_of_one_row(write, tmp_path):
    for i in range(5):
        write(f"{i}/emissions.csv", emissions(1, cpu_power=[42.5], run_id=[f"run-{i}"]))
    (found,) = audit(tmp_path).findings
    assert found.check == "constant-power"
    assert found.where == f"{tmp_path}, column cpu_power"


def test_trainings_of_a_minute_are_too_short_for_its_clock(write, find):
    path = write("emissions.csv", emissions(4, duration=[60.0, 1000.0, 50.0, 1000.0]))
    (found,) = find(path, "short-windows")
    assert "rows 1, 3" in found.where
    assert "50 s" in found.evidence


def test_a_tabulated_processor_beside_a_measured_card_is_two_kinds_in_one_column(write, find):
    cpu_kwh = [42.5 * (1000.0 + i) / 3.6e6 for i in range(4)]
    path = write("emissions.csv", emissions(4, cpu_power=[42.5] * 4, cpu_energy=cpu_kwh))
    (found,) = find(path, "mixed-kinds")
    assert "4 add measured to modelled joules" in found.evidence
    assert "column energy_consumed" in found.where
