from __future__ import annotations

import pytest

from perjoule.energy import EnergyMeter, Kind
from perjoule.energy.sources import nvml


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.delenv("CUDA_DEVICE_ORDER", raising=False)


def ids(found) -> list[str]:
    return [source.info.id for source in found.sources]


@pytest.fixture
def four(fakes):
    return fakes.Nvml([fakes.Gpu(f"GPU-{letter}aaa") for letter in "abcd"])


def test_the_counter_is_read_in_joules(fakes):
    gpu, clock = fakes.Gpu(energy_mj=7_000), fakes.Clock()
    window = EnergyMeter(nvml.discover(fakes.Nvml([gpu])).sources, clock=clock).window()
    clock.now += 10.0
    gpu.energy_mj += 2_500_000
    part = window.close().components[0]
    assert (part.energy_j, part.kind, part.source) == (2_500.0, Kind.MEASURED, "nvml:GPU-aaaa")
    assert part.bound_j == pytest.approx(25.0)


@pytest.mark.parametrize("energy_mj", [0, "unsupported", "no such function", None])
def test_a_card_without_a_counter_is_integrated_from_its_power(fakes, energy_mj):
    answers = {"unsupported": fakes.unsupported, "no such function": AttributeError("old binding")}
    gpu = fakes.Gpu(energy_mj=answers.get(energy_mj, energy_mj), power_mw=40_000)
    clock = fakes.Clock()
    found = nvml.discover(fakes.Nvml([gpu]))
    assert ids(found) == ["nvml-power:GPU-aaaa"]
    with EnergyMeter(found.sources, clock=clock) as meter:
        window = meter.window()
        clock.now += 2.0
        part = window.close().components[0]
    assert part.energy_j == pytest.approx(80.0)
    assert part.kind is Kind.INTEGRATED
    assert part.gain_error == 0.05


def test_a_virtual_gpu_that_answers_zero_to_all_is_left_out_with_a_reason(fakes):
    found = nvml.discover(fakes.Nvml([fakes.Gpu(energy_mj=0, power_mw=0, name="vGPU")]))
    assert not found.sources
    assert "vGPU reports neither energy nor power" in found.reason
    assert found.mend


def test_a_board_that_initialises_and_then_answers_nothing_has_a_reason(fakes):
    nothing = fakes.Gpu(energy_mj=fakes.unsupported, power_mw=fakes.unsupported)
    found = nvml.discover(fakes.Nvml([nothing]))
    assert not found.sources
    assert "Not Supported" in found.reason


def test_one_lost_card_leaves_the_others(fakes, four):
    four.gpus[1].lost = fakes.Nvml.NVMLError("GPU is lost")
    found = nvml.discover(four)
    assert len(found.sources) == 3
    assert found.incomplete
    assert found.reason == "GPU 1: GPU is lost"


def test_a_reloaded_driver_makes_the_window_unavailable(fakes):
    gpu, clock = fakes.Gpu(), fakes.Clock()
    window = EnergyMeter(nvml.discover(fakes.Nvml([gpu])).sources, clock=clock).window()
    clock.now += 10.0
    gpu.energy_mj = 40
    lap = window.lap()
    assert lap.total_j is None
    assert "lost count" in lap.warnings[0]
    clock.now += 10.0
    gpu.energy_mj = 1_000_040
    assert window.lap().total_j == 1_000.0
    assert window.close().total_j is None


def test_a_card_that_fails_in_training_is_unavailable(fakes):
    gpu, clock = fakes.Gpu(), fakes.Clock()
    window = EnergyMeter(nvml.discover(fakes.Nvml([gpu])).sources, clock=clock).window()
    clock.now += 10.0
    gpu.energy_mj = fakes.Nvml.NVMLError("GPU is lost")
    reading = window.close()
    assert reading.component_j("gpu") is None
    assert "GPU is lost" in reading.warnings[0]


def test_a_counter_that_stops_moving_is_unavailable_and_not_zero(fakes):
    clock = fakes.Clock()
    window = EnergyMeter(nvml.discover(fakes.Nvml([fakes.Gpu()])).sources, clock=clock).window()
    clock.now += 10.0
    assert window.close().total_j is None


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        (None, "abcd"),
        ("", ""),
        ("-1", ""),
        ("NoDevFiles", ""),
        ("2", "c"),
        ("3, 0", "da"),
        ("1,-1,2", "b"),
        ("1,7,2", "b"),
        ("GPU-caaa", "c"),
        ("GPU-c,GPU-d", "cd"),
    ],
)
def test_only_visible_gpus_are_billed_as_cuda_sees_them(monkeypatch, four, visible, expected):
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    found = nvml.discover(four)
    assert ids(found) == [f"nvml:GPU-{letter}aaa" for letter in expected]
    assert not found.incomplete
    assert bool(found.reason) is not bool(expected)


def test_only_the_gpus_asked_for_are_billed(monkeypatch, four):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2")
    assert ids(nvml.discover(four, gpus=["caaa"])) == ["nvml:GPU-caaa"]
    assert ids(nvml.discover(four, gpus=["GPU-baaa", "daaa"])) == ["nvml:GPU-baaa", "nvml:GPU-daaa"]
    assert nvml.discover(four, gpus=[]).reason == "no GPU is in use"


def test_a_gpu_asked_for_that_nvml_does_not_know_is_named(four):
    found = nvml.discover(four, gpus=["baaa", "zzzz"])
    assert ids(found) == ["nvml:GPU-baaa"]
    assert "zzzz" in found.reason


def test_unlike_cards_are_not_matched_by_cudas_numbers(monkeypatch, four):
    four.gpus[0].name = "Faster"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    found = nvml.discover(four)
    assert not found.sources
    assert "CUDA_DEVICE_ORDER=PCI_BUS_ID" in found.reason
    monkeypatch.setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    assert ids(nvml.discover(four)) == ["nvml:GPU-baaa"]


def test_a_slice_of_a_gpu_is_not_billed_the_whole(monkeypatch, four):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-1234")
    found = nvml.discover(four)
    assert not found.sources
    assert "MIG-1234" in found.reason


def test_old_bindings_answer_in_bytes(fakes):
    [source] = nvml.discover(fakes.Nvml([fakes.Gpu(b"GPU-aaaa", name=b"Old")])).sources
    assert source.info.id == "nvml:GPU-aaaa"
    assert "Old" in source.info.detail


def test_without_a_driver_the_reason_says_so(fakes):
    found = nvml.discover(fakes.Nvml(init_error=fakes.Nvml.NVMLError("Driver Not Loaded")))
    assert "Driver Not Loaded" in found.reason
    assert "driver" in found.mend
