"""Faults in what CodeCarbon writes."""

import pytest

from perjoule.benchmarks.audit import audit


def emissions(n=4, **changed):
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


def tracked(run_id, duration, energy_consumed):
    """Four rows that were written every ten minutes."""
    return emissions(
        run_id=[*run_id],
        timestamp=[f"2026-11-21T10:{minute}:00" for minute in (10, 20, 30, 40)],
        duration=duration,
        energy_consumed=energy_consumed,
    )


def test_separate_trainings_have_nothing_against_them(write):
    result = audit(write("emissions.csv", emissions(6)))
    assert result.findings == ()
    assert result.inputs[0].kind == "CodeCarbon's emissions"
    assert "cumulative-rows" in result.checked[0].ran


def test_rows_of_a_tracker_that_counts_on_are_found_with_the_factor_of_their_sum(tell):
    check = "cumulative-rows"
    counts_on = tracked("aaab", [600.0, 1200.0, 1800.0, 500.0], [0.1, 0.2, 0.3, 0.1])
    tell(counts_on, check, "rows 1-3", "2.00 times the 0.3 kWh")
    was_reset = tracked("aaaa", [600.0, 1200.0, 600.0, 1200.0], [0.1, 0.2, 0.1, 0.2])
    tell(was_reset, check, "2 sessions", "rows 1 to 2; rows 3 to 4")
    tell(emissions(run_id=["a"] * 4, task_name=list("wxyz")), check)  # tasks are differences


NO_CARD_ENERGY = {"gpu_energy": [0.0] * 4}
TABULATED = {
    "cpu_power": [42.5] * 4,
    "cpu_energy": [42.5 * (1000.0 + i) / 3.6e6 for i in range(4)],
}


@pytest.mark.parametrize(
    ("changed", "check", "expected"),
    [
        (NO_CARD_ENERGY, "zero-component", ["gpu_energy"]),
        (NO_CARD_ENERGY | {"gpu_count": [""] * 4}, "zero-component", []),  # there is no card
        (NO_CARD_ENERGY | {"gpu_count": [0] * 4}, "zero-component", []),
        ({"duration": [60.0, 1e3, 50.0, 1e3]}, "short-windows", ["rows 1, 3", "50 s"]),
        (TABULATED, "constant-power", ["42.5 W in all 4 rows"]),
        (TABULATED, "mixed-kinds", ["4 add measured to modelled joules", "energy_consumed"]),
    ],
)
def test_what_a_tracker_cannot_have_measured_is_found(tell, changed, check, expected):
    tell(emissions(**changed), check, *expected)


def test_a_negative_component_is_found_in_every_row_that_has_one(find):
    (found,) = find(emissions(cpu_energy=[0.01, -0.06, 0.01, -0.05]), "negative-component")
    assert found.partition(", ")[2].startswith("row 2, column cpu_energy: ")
    assert "(the first of 2; also row 4, column cpu_energy: cpu_energy is -0.05" in found


def test_a_tabulated_power_is_found_across_files_of_one_row(write, tmp_path):
    for i in range(5):
        write(f"{i}/emissions.csv", emissions(1, cpu_power=[42.5], run_id=[f"run-{i}"]))
    (found,) = audit(tmp_path).findings
    assert found.check == "constant-power"
    assert found.where == f"{tmp_path}, column cpu_power"
