import os
import subprocess
import sys

import psutil
import pytest

from perjoule.energy import EnergyMeter, Kind, Scope
from perjoule.energy.reading import billed_ids
from perjoule.energy.sources.nvml import source as nvml
from perjoule.energy.sources.nvml.processes import Processes
from perjoule.errors import SourceError

NOBODY = 2**31 - 1
"""No pid of a process."""


def look(source) -> float:
    """Do the source's only task, which looks who is on the GPU."""
    [task] = source.tasks()
    return task()


@pytest.fixture
def metered(fakes):
    """A GPU whose counter is metered, on a clock of its own; its binding answers in bytes."""
    gpu, clock = fakes.Gpu(b"GPU-aaaa", name=b"Old"), fakes.Clock()
    one = fakes.Metered(*nvml.discover(fakes.Nvml([gpu]), clock=clock).sources, clock=clock)
    one.gpu = gpu
    return one


def ids(found) -> list[str]:
    return [source.info.id for source in found.sources]


@pytest.fixture
def four(fakes):
    return fakes.Nvml([fakes.Gpu(f"GPU-{letter}aaa") for letter in "abcd"])


def test_the_counter_is_read_in_joules(metered):
    metered.gpu.energy_mj += 2_500_000
    part = metered.lap(10.0).components[0]
    assert (part.energy_j, part.kind, part.source) == (2_500.0, Kind.MEASURED, "nvml:GPU-aaaa")
    assert part.bound_j == pytest.approx(25.0)
    assert "Old" in metered.counter.info.detail


@pytest.mark.parametrize("energy_mj", [0, "unsupported", AttributeError("old binding"), None])
def test_a_card_without_a_counter_is_integrated_from_its_power(fakes, energy_mj):
    gpu = fakes.Gpu(energy_mj=fakes.unsupported if energy_mj == "unsupported" else energy_mj)
    found = nvml.discover(fakes.Nvml([gpu]))
    assert ids(found) == ["nvml-power:GPU-aaaa"]
    one = fakes.Metered(*found.sources)
    one.clock.now += 2.0
    part = one.window.close().components[0]
    assert part.energy_j == pytest.approx(200.0)
    assert (part.kind, part.gain_error) == (Kind.INTEGRATED, 0.05)


def test_one_lost_card_leaves_the_others(fakes, four):
    four.gpus[1].lost = fakes.Nvml.NVMLError("GPU is lost")
    found = nvml.discover(four)
    assert (len(found.sources), found.incomplete) == (3, True)
    assert found.reason == "GPU 1: GPU is lost"


@pytest.mark.parametrize("step_mj", [40 - 5_000_000, 5_000_000])
def test_a_reloaded_driver_or_an_impossible_jump_makes_the_window_unavailable(metered, step_mj):
    metered.clock.now += 1_000.0  # as a mean over the whole window the jump would be possible
    metered.meter.snapshot()
    metered.gpu.energy_mj += step_mj
    lap = metered.lap(1.0)
    assert lap.total_j is None
    assert "lost count" in lap.warnings[0]
    metered.gpu.energy_mj += 1_000_000
    assert metered.lap(10.0).total_j == 1_000.0
    assert metered.window.close().total_j is None


def test_power_of_this_instant_is_preferred_to_an_average(fakes):
    gpu = fakes.Gpu(energy_mj=0, power_mw=40_000, instant_mw=70_000)
    [source] = nvml.discover(fakes.Nvml([gpu])).sources
    assert source.read_power_w() == 70.0
    assert "instant power" in source.info.detail
    gpu.instant_mw = None
    with pytest.raises(SourceError, match="NVML power: error 3"):
        source.read_power_w()


def test_a_counter_that_is_a_field_alone_is_taken_before_power(fakes):
    gpu = fakes.Gpu(energy_mj=fakes.unsupported, fields={83: 2**33})
    [counter] = nvml.discover(fakes.Nvml([gpu])).sources
    assert (counter.info.kind, counter.read()) == (Kind.MEASURED, 2**33 / 1e3)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({(191, 1): 9_000_000, (186, 1): 400_000}, ("nvml-module:GPU-aaaa", 9_000.0)),
        ({(186, 1): 400_000}, ("nvml-module-power:GPU-aaaa", 400.0)),
        ({(191, 1): 5_000_000, (185, 1): 400_000}, ("nvml-module-power:GPU-aaaa", 400.0)),
        ({(186, 1): 100_000}, None),  # a driver that heeds no scope gives the GPU's again
        ({}, None),
    ],
)
def test_a_module_is_a_whole_with_its_cpu_and_never_the_gpu_by_another_name(
    fakes, fields, expected
):
    binding = fakes.Nvml([fakes.Gpu(fields=fields)])
    found = nvml.discover(binding, domain=nvml.MODULE)
    if expected is None:
        assert not found.sources
        assert found.incomplete
        return
    [source] = found.sources
    value = source.read() if source.info.kind is Kind.MEASURED else source.read_power_w()
    assert (source.info.id, value) == expected
    assert (source.info.component, source.info.scope) == ("node", Scope.MODULE)
    both = [*nvml.discover(binding).sources, source]
    assert billed_ids(each.info for each in both) == {"nvml:GPU-aaaa"}


def test_a_counter_can_be_compared_with_its_power(fakes):
    gpu = fakes.Gpu(power_mw=60_000)
    [counter] = nvml.discover(fakes.Nvml([gpu])).sources
    power = nvml.power_of(counter)
    assert (power.info.id, power.read_power_w()) == ("nvml-power:GPU-aaaa", 60.0)
    gpu.power_mw = fakes.unsupported
    for source in (power, counter, fakes.Counter()):
        assert nvml.power_of(source) is None


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        (None, "abcd"),
        *((nothing, "") for nothing in ("", "-1", "NoDevFiles")),
        *(("2", "c"), ("3, 0", "da"), ("1,-1,2", "b"), ("1,7,2", "b")),
        *(("GPU-caaa", "c"), ("GPU-c,GPU-d", "cd")),
    ],
)
def test_only_visible_gpus_are_billed_as_cuda_sees_them(monkeypatch, four, visible, expected):
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    found = nvml.discover(four)
    assert ids(found) == [f"nvml:GPU-{letter}aaa" for letter in expected]
    assert not found.incomplete
    assert bool(found.reason) is not bool(expected)


def test_only_the_gpus_asked_for_are_billed_and_unknown_ones_named(monkeypatch, four):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2")
    assert ids(nvml.discover(four, gpus=["caaa"])) == ["nvml:GPU-caaa"]
    assert ids(nvml.discover(four, gpus=["GPU-baaa", "daaa"])) == ["nvml:GPU-baaa", "nvml:GPU-daaa"]
    assert nvml.discover(four, gpus=[]).reason == "no GPU is in use"
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


@pytest.mark.parametrize("gpus", [None, ["MIG-1234"]])
def test_a_slice_whose_board_cannot_be_found_is_left_out(monkeypatch, four, gpus):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-1234")
    found = nvml.discover(four, gpus=gpus)
    assert (found.sources, found.incomplete) == ([], True)
    assert "MIG-1234: a slice of a GPU has no energy counter of its own" in found.reason


@pytest.fixture
def sliced(fakes):
    """Two cards, the second in slices."""
    slices = [fakes.Gpu(f"MIG-{number}f") for number in (1, 2)]
    return fakes.Nvml([fakes.Gpu("GPU-aaaa"), fakes.Gpu("GPU-b1b1", slices=slices)])


@pytest.mark.parametrize("visible", ["MIG-1f,0,MIG-2f", None])  # also if none is named
def test_two_slices_of_a_board_are_billed_once(monkeypatch, sliced, visible):
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    found = nvml.discover(sliced).sources
    board, whole = found if visible else found[::-1]
    assert (board.info.id, whole.info.id) == ("nvml:GPU-b1b1", "nvml:GPU-aaaa")
    assert "slice MIG-1f, MIG-2f:" in board.info.warnings[0]
    assert not whole.info.warnings


@pytest.mark.parametrize("knows_slices_by_id", [True, False])
@pytest.mark.parametrize("explicit", [True, False])
@pytest.mark.parametrize("name", ["MIG-2f", "MIG-GPU-b1b1/3/0", "2f"])  # the last one is torch's
def test_a_slice_is_billed_as_its_board_with_a_warning(
    monkeypatch, sliced, name, explicit, knows_slices_by_id
):
    sliced.knows_slices_by_id = knows_slices_by_id
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "" if explicit else name)
    [source] = nvml.discover(sliced, gpus=[name] if explicit else None).sources
    assert source.info.id == "nvml:GPU-b1b1"
    [warning] = source.info.warnings
    own = name if name.startswith("MIG-") else f"MIG-{name}"
    assert f"whole GPU, of which this process has slice {own}: those of its other" in warning


def test_a_slice_is_in_use_once_this_process_is_seen_on_it(monkeypatch, sliced):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-2f")
    other, own = sliced.gpus[1].slices
    other.pids, own.pids = [os.getpid()], []
    [source] = nvml.discover(sliced, processes=Processes(on_host=True)).sources
    assert not source.in_use
    own.pids = [os.getpid()]
    look(source)
    assert source.in_use


def on_host(fakes, *gpus, **arguments):
    """Sources where NVML's pids are those seen here."""
    return nvml.discover(fakes.Nvml([*gpus]), processes=Processes(on_host=True), **arguments)


@pytest.mark.parametrize("energy_mj", [5_000_000, 0])  # with a counter, and with a power alone
def test_a_gpu_comes_onto_the_bill_when_this_process_is_seen_on_it(fakes, energy_mj):
    clock = fakes.Clock()
    eight = [fakes.Gpu(f"GPU-{number}", energy_mj, 200_000, pids=[]) for number in range(8)]
    sources = on_host(fakes, *eight, clock=clock).sources
    window = EnergyMeter(sources, clock=clock).window()
    assert not any(source.in_use for source in sources)
    clock.now += 1.0
    eight[3].pids = [os.getpid()]
    for gpu in eight:
        gpu.energy_mj += 200_000 if energy_mj else 0
    reading = window.close()
    assert reading.billed == {sources[3].info.id}
    assert (reading.total_j, reading.component_j("gpu")) == (200.0, 1_600.0)
    eight[3].pids = []
    look(sources[3])
    assert sources[3].in_use


def test_a_descendant_counts_as_this_process(fakes):
    waits = [sys.executable, "-c", "input()"]
    with subprocess.Popen(waits, stdin=subprocess.PIPE) as child:
        [source] = on_host(fakes, fakes.Gpu(pids=[child.pid])).sources
        child.communicate(b"\n")
    assert (source.in_use, source.notes) == (True, ())


def test_a_gpu_that_was_asked_for_is_in_use_whoever_is_seen_on_it(fakes):
    gpu = fakes.Gpu(pids=[])
    [source] = on_host(fakes, gpu, gpus=["aaaa"]).sources
    source.read()
    assert (source.in_use, gpu.n_looks) == (True, 0)
    assert look(source) == 30.0
    assert not source.notes


def test_others_on_the_gpu_are_named_if_it_is_billed(fakes):
    gpu = fakes.Gpu(pids=[os.getppid()])
    [source] = on_host(fakes, gpu).sources
    assert (source.in_use, source.notes) == (False, ())
    gpu.pids = [os.getpid(), os.getppid()]
    look(source)
    pid, name = os.getppid(), psutil.Process(os.getppid()).name()
    shared = f"nvml:GPU-aaaa: shared with process {pid} ({name}): its joules are in the reading"
    assert source.notes == (shared,)
    gpu.pids = [os.getpid()]
    assert look(source) == 30.0
    assert not source.notes


@pytest.mark.parametrize("pids", [None, OSError("driver")])
def test_a_gpu_whose_processes_are_not_listed_is_billed_with_a_note(fakes, pids):
    [source] = on_host(fakes, fakes.Gpu(pids=pids)).sources
    assert source.in_use
    [note] = source.notes
    assert "billed without knowing that this process uses it: NVML processes: " in note


def test_pids_that_stay_unknown_tell_that_lists_cannot_be_trusted(fakes):
    gpu = fakes.Gpu(pids=[])
    [source] = on_host(fakes, gpu).sources
    for pids, in_use in ((OSError("busy"), False), ([NOBODY], False), ([NOBODY], True)):
        gpu.pids = pids
        look(source)
        assert source.in_use is in_use


def test_in_a_container_all_are_billed_until_this_process_is_found_in_a_list(fakes):
    first, second = fakes.Gpu("GPU-1", pids=[]), fakes.Gpu("GPU-2", pids=[])
    found = nvml.discover(fakes.Nvml([first, second]), processes=Processes(on_host=False))
    one, other = found.sources
    assert one.in_use
    assert "NVML's pids may not be those of this container" in one.notes[0]
    first.pids = [os.getpid()]
    look(one)
    assert (one.in_use, other.in_use) == (True, False)
    assert one.notes == other.notes == ()


def test_pids_unknown_here_are_others_if_there_are_more_than_ours_could_explain(fakes):
    gpu = fakes.Gpu()
    container = Processes(on_host=False)
    [source] = nvml.discover(fakes.Nvml([gpu]), ["aaaa"], processes=container).sources
    for pids, shared in (
        ([NOBODY], False),  # it may be this process, by its pid on the host
        (range(NOBODY - 1_000, NOBODY), True),
        ([os.getpid(), NOBODY], True),
    ):
        gpu.pids = pids
        look(source)  # what is unknown once may just have ended
        look(source)
        assert ["shared with processes unknown here" in note for note in source.notes] == (
            [True] if shared else []
        )


def test_looks_within_readings_are_rare_and_pay_for_their_time(fakes):
    clock, looks_s = fakes.Clock(), [0.0]

    def pids() -> list[int]:
        clock.now += looks_s[-1]
        return []

    gpu = fakes.Gpu(pids=pids)
    [source] = on_host(fakes, gpu, clock=clock).sources

    def looks(seconds: float) -> int:
        """How often it looks within seconds of readings every 10 ms."""
        before, until = gpu.n_looks, clock.now + seconds
        while clock.now < until:
            source.read()
            clock.now += 0.01
        return gpu.n_looks - before

    assert looks(10.0) == pytest.approx(40, abs=2)
    assert look(source) == 0.25
    looks_s.append(0.01)  # half a percent of the time is one look in two seconds
    assert look(source) == pytest.approx(2.0)
    assert looks(20.0) == pytest.approx(10, abs=1)


def test_a_card_draws_no_more_than_twice_its_greatest_limit(fakes):
    card, clock = fakes.Gpu(energy_mj=5_000_000), fakes.Clock()
    binding = fakes.Nvml([card])
    binding.nvmlDeviceGetPowerManagementLimitConstraints = lambda _: (100_000, 350_000)
    [source] = nvml.discover(binding, ["0"], clock=clock).sources
    assert source.info.max_power_w == 700.0
    meter = EnergyMeter([source], clock=clock)
    window = meter.window()
    clock.now += 0.5
    card.energy_mj += 900_000
    meter.watch.look()
    clock.now += 10.0
    card.energy_mj += 1_000_000
    assert "lost count" in window.close().warnings[0]
