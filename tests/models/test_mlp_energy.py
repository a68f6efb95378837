"""The energy model of fully connected networks, and how it is kept for a machine."""

import doctest
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perjoule.models.networks import mlp_energy, mlp_energy_stored
from perjoule.models.networks.mlp_energy import (
    EnergyModel,
    amounts,
    fit_relative,
    terms,
    traffic,
    training_energy,
)

CACHES = {"L1": 1_000, "L2": 20_000}
UNITS = {"operation": 1e-9, "L1": 1e-10, "L2": 2e-10, "RAM": 3e-9, "step": 1e-4, "layer": 5e-5}


def test_the_example_of_the_module_is_right():
    assert doctest.testmod(mlp_energy).failed == 0


def test_bytes_are_served_by_the_smallest_cache_that_holds_their_working_set():
    # 4 inputs, 10 hidden units, 2 outputs: 50 + 22 = 72 parameters, and 10 samples a step.
    widths, batch = (4, 10, 2), 10
    moved = traffic(widths, batch)
    assert moved.layers == 4 * batch * (14 + 12)
    assert moved.forward == 4 * 72
    assert moved.backward == 8 * 72 + 4 * batch * 16
    # Sets: 4 B 14 = 560 between layers, 848 with the weights, 1,216 backward.
    found = dict(zip(terms(CACHES), amounts(widths, batch, CACHES) * batch, strict=True))
    forward, backward = 10 * (60 + 12), 10 * (24 + 40 + 2 * 20) + 72 * 11
    assert found == pytest.approx(
        {
            "operation": forward + backward,
            "L1": 1040 + 288,
            "L2": 1216,
            "RAM": 0.0,
            "step": 1.0,
            "layer": 2.0,
        }
    )
    without = dict(zip(terms({}), amounts(widths, batch, {}) * batch, strict=True))
    assert without["RAM"] == found["L1"] + found["L2"]


@given(
    st.lists(st.floats(0, 1e3), min_size=3, max_size=6),
    st.integers(0, 10**6),
    st.floats(1e-9, 1e9),
)
@settings(max_examples=20)
def test_a_fit_finds_the_coefficients_that_made_the_joules_and_none_below_zero(true, seed, unit):
    generator = np.random.default_rng(seed)
    coefficients = np.array([*true, 1.0]) * unit
    matrix = np.exp(generator.normal(0, 3, (60, len(coefficients))))
    found = fit_relative(matrix, matrix @ coefficients)
    assert (found >= 0).all()
    np.testing.assert_allclose(matrix @ found, matrix @ coefficients, rtol=1e-6)
    noisy = fit_relative(matrix, matrix @ coefficients * np.exp(generator.normal(0, 1, 60)))
    assert (noisy >= 0).all()


def test_small_networks_count_as_much_as_large_ones():
    # No line through the origin fits both; in absolute errors only the large one would count.
    found = fit_relative([[1.0], [1000.0]], [2.0, 1000.0])
    assert found == pytest.approx([(0.5 + 1.0) / (0.25 + 1.0)])


def test_joules_of_a_candidate_are_those_of_all_its_samples():
    model = EnergyModel(CACHES, UNITS)
    energy_of = training_energy(model, (1, 8, 8), 10, 1000)
    base = {"size": 4096, "depth": 3, "profile": "rectangle", "batch_size": 50, "epochs": 1}

    def joules(**changed):
        found = energy_of({**base, **changed})
        assert found is not None
        return found

    widths = (64, 36, 36, 10)  # 4,042 parameters
    assert joules() == pytest.approx(1000 * model.joules_per_sample(widths, 50))
    assert joules(epochs=4) == pytest.approx(4 * joules())
    assert joules(batch_size=25) > joules()  # more steps
    assert joules(depth=9) > joules()
    # What is not given is as `mlp` has it, and what trains otherwise costs the same.
    assert energy_of({"learning_rate": 0.1, "epochs": 1}) == energy_of({"epochs": 1})
    assert energy_of({**base, "size": 8}) is None
    assert energy_of({**base, "profile": "round"}) is None


@pytest.mark.parametrize(
    "wrong", [{**UNITS, "step": -1.0}, {**UNITS, "L4": 1.0}, {"step": 1.0}, {**UNITS, "L1": np.nan}]
)
def test_a_model_of_other_terms_is_none(wrong):
    with pytest.raises(ValueError, match="coefficients"):
        EnergyModel(CACHES, wrong)


STORED = mlp_energy_stored.StoredEnergyModel(
    machine=mlp_energy_stored.machine_id(),
    processor="a processor",
    fitted_at="2026-01-01T00:00:00+00:00",
    precision="float32",
    meter=("cpu_time",),
    versions={"torch": "2.0"},
    n_networks=80,
    held_out_error=0.1,
    model=EnergyModel(CACHES, UNITS),
)


def test_what_is_stored_is_loaded_and_what_cannot_be_used_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("PERJOULE_HOME", str(tmp_path / "home"))
    assert mlp_energy_stored.load() is None
    path = mlp_energy_stored.save(STORED)
    assert mlp_energy_stored.load() == STORED
    good = json.loads(path.read_text())
    for wrong in (
        {"machine": "another"},
        {"version": 2},
        {"model": {}},
        {"model": None},
        {"more": 1},
        {"held_out_error": -1.0},
    ):
        path.write_text(json.dumps({**good, **wrong}))
        with pytest.warns(RuntimeWarning, match="study energy-model"):
            assert mlp_energy_stored.load() is None
    path.write_text("{torn")
    with pytest.warns(RuntimeWarning, match="study energy-model"):
        assert mlp_energy_stored.load() is None
