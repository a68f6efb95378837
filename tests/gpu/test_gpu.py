"""Metering, training and comparing on an NVIDIA GPU; skipped, with the reason, without one."""

import json
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest
import torch

import perjoule
from perjoule.energy import EnergyBudget, EnergyMeter
from perjoule.energy.source import Kind

pytestmark = pytest.mark.gpu

MATRIX_SIZE = 4_096


@pytest.fixture(scope="module", autouse=True)
def card() -> str:
    if not torch.cuda.is_available():
        pytest.skip("no GPU that torch can use")
    return torch.cuda.get_device_name(0)


def _keep_busy(seconds: float) -> None:
    matrix = torch.randn(MATRIX_SIZE, MATRIX_SIZE, device="cuda")
    until_s = time.perf_counter() + seconds
    while time.perf_counter() < until_s:
        for _ in range(20):
            torch.mm(matrix, matrix)
        torch.cuda.synchronize()


def test_a_window_agrees_with_the_power_that_the_driver_tells() -> None:
    nvml = pytest.importorskip("pynvml")
    nvml.nvmlInit()
    handle = nvml.nvmlDeviceGetHandleByIndex(0)
    _keep_busy(1.0)
    with EnergyMeter("nvml", synchronize=torch.cuda.synchronize) as meter:
        samples = [(time.perf_counter(), nvml.nvmlDeviceGetPowerUsage(handle) / 1e3)]
        window = meter.window()
        for _ in range(30):
            _keep_busy(0.1)
            samples.append((time.perf_counter(), nvml.nvmlDeviceGetPowerUsage(handle) / 1e3))
        reading = window.close()
    integral_j = sum(
        (after_w + before_w) / 2 * (after_s - before_s)
        for (before_s, before_w), (after_s, after_w) in pairwise(samples)
    )
    assert reading.component_j("gpu") == pytest.approx(integral_j, rel=0.15)
    assert {part.kind for part in reading.components} <= {Kind.MEASURED, Kind.INTEGRATED}


def test_an_idle_card_also_costs_joules() -> None:
    with EnergyMeter("nvml") as meter:
        window = meter.window()
        time.sleep(2)
        idle_j = window.close().component_j("gpu")
    assert idle_j is not None
    assert 10 < idle_j < 500


def test_a_budget_stops_a_loop_on_the_card() -> None:
    with EnergyMeter("nvml", synchronize=torch.cuda.synchronize) as meter:
        budget = EnergyBudget("600 J", meter)
        while not budget.should_stop():
            _keep_busy(0.01)
        spent_j = budget.spent_j
    assert spent_j == pytest.approx(600, abs=75)  # a step of the counter is 70 J at 700 W


def test_a_comparison_trains_on_the_card_and_charges_it(tmp_path: Path) -> None:
    result = perjoule.compare(
        dataset="digits",
        strategies=["random", "asha"],
        budget="3000 J",
        seeds=1,
        device="cuda",
        out=tmp_path / "run",
    )
    trials = result.trials
    assert len(trials) > 2
    known = trials.dropna(subset=["gpu_j"])
    assert len(known) == len(trials)
    assert (known["gpu_j"] >= 0).all()  # 0 within a step of the counter, which moves every 100 ms
    assert known["gpu_j"].sum() > 0.5 * known["energy_j"].sum()
    assert trials["score"].max() > 0.5
    total_j = trials["energy_j"].sum()
    assert 2400 < total_j < 3600
    recorded = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert "cuda" in json.dumps(recorded)


def test_doctor_names_the_card(card: str) -> None:
    command = [sys.executable, "-m", "perjoule", "doctor", "--json"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False).stdout
    assert card in said
