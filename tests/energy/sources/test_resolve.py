"""What a meter's text stands for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perjoule.energy import EnergyMeter, Kind, Scope
from perjoule.energy.sources.cpu.apportioned import ApportionedSource, machine_cpu_s
from perjoule.energy.sources.resolve import METERS, Machine, meters_help, resolve
from perjoule.errors import ConfigurationError, MeterError, UnknownNameError


def ids(sources) -> list[str]:
    return [source.info.id for source in sources]


@pytest.fixture
def readable(powercap):
    powercap.zone("intel-rapl:0", "package-0", 1_000)
    powercap.zone("intel-rapl:0:0", "dram", 1_000)
    return powercap.root


def test_auto_takes_what_is_measured_and_models_the_rest(fakes, readable, no_powercap):
    gpu, none = fakes.Nvml([fakes.Gpu()]), fakes.Nvml()

    def auto(root, binding) -> list[str]:
        return ids(resolve("auto", Machine(rapl_root=root, nvml_binding=binding)))

    assert auto(readable, gpu) == ["rapl:package-0", "rapl:dram-0", "nvml:GPU-aaaa"]
    assert auto(no_powercap, gpu) == ["cpu_time", "nvml:GPU-aaaa"]
    assert auto(no_powercap, none) == ["cpu_time"]


def test_auto_says_what_is_missing(fakes, no_powercap):
    vgpu = fakes.Nvml([fakes.Gpu(energy_mj=0, power_mw=0)])
    with pytest.warns(RuntimeWarning, match="GPU energy is not all in the joules"):
        machine = Machine(rapl_root=no_powercap, nvml_binding=vgpu)
        assert ids(resolve("auto", machine)) == ["cpu_time"]


def test_a_gpu_in_use_that_cannot_be_read_is_an_error_and_not_left_out(fakes, no_powercap):
    vgpu = fakes.Nvml([fakes.Gpu(energy_mj=0, power_mw=0)])
    with pytest.raises(MeterError, match="neither energy nor power"):
        resolve("auto", Machine(["aaaa"], rapl_root=no_powercap, nvml_binding=vgpu))
    with pytest.raises(MeterError, match="zzzz"):
        resolve("nvml", Machine(["zzzz"], nvml_binding=fakes.Nvml([fakes.Gpu()])))


def test_named_sources_must_be_there(fakes, readable, no_powercap):
    machine = Machine(rapl_root=readable, nvml_binding=fakes.Nvml([fakes.Gpu()]))
    both = resolve("rapl,nvml", machine)
    assert ids(both) == ["rapl:package-0", "rapl:dram-0", "nvml:GPU-aaaa"]
    with pytest.raises(MeterError, match="no powercap tree"):
        resolve("rapl", Machine(rapl_root=no_powercap))
    with pytest.raises(MeterError, match="none of the 0 GPUs"):
        resolve("nvml", Machine(nvml_binding=fakes.Nvml()))


def test_figures_are_taken(fakes):
    assert "6.5 W" in resolve("cpu_time:6.5")[0].info.detail
    with EnergyMeter("model:0.5") as meter:
        meter.count_operations(4)
        assert meter.reading.total_j == 2.0


@pytest.mark.parametrize(
    "spec",
    ["cpu_time:x", "cpu_time:", "cpu_time:-1", "model:0", "model:inf", "model:nan", "rapl:3"],
)
def test_figures_that_are_none_are_refused(spec):
    with pytest.raises(ConfigurationError, match=spec.partition(":")[0]):
        resolve(spec)


@pytest.mark.parametrize("spec", ["rapl,cpu_time", "model,cpu_time", "nvml,nvml", "auto,nvml"])
def test_joules_are_not_counted_twice(spec):
    with pytest.raises(ConfigurationError, match=spec):
        resolve(spec)


@pytest.mark.parametrize("spec", ["", "nvlm", "cpu_time,", "CPU_TIME"])
def test_unknown_names_are_refused(spec):
    with pytest.raises(UnknownNameError, match=r"known: auto, .*nvml, rapl, recorded"):
        resolve(spec)


def test_a_comma_in_a_url_is_explained():
    with pytest.raises(ConfigurationError, match=r"'2#x'.*a comma in a URL is written %2C"):
        resolve("http:http://h/a?b=1,2#x")


def test_shared_packages_are_apportioned_and_shared_gpus_refused(fakes, readable):
    sources = resolve("rapl", Machine(rapl_root=readable), shared=True)
    assert ids(sources) == ["rapl:package-0:share", "rapl:dram-0:share"]
    assert {source.info.kind for source in sources} == {Kind.APPORTIONED}
    assert resolve("cpu_time", shared=True)[0].info.scope is Scope.PROCESS
    with pytest.raises(MeterError, match="one worker"):
        resolve("nvml", Machine(nvml_binding=fakes.Nvml([fakes.Gpu()])), shared=True)


def test_every_meter_is_in_the_help_as_it_is_written():
    assert meters_help().startswith("auto, rapl, nvml, hwmon[:CHIP/CHANNEL], shelly:HOST, ")
    for name, meter in METERS.items():
        assert meter.spec in meters_help()
        assert meter.spec.startswith(name)
        assert meter.summary
    assert "replay" not in meters_help()


@pytest.mark.parametrize("name", ["recorded", "replay"])  # the second in earlier run folders
def test_a_recorded_trace_is_a_meter(tmp_path, name):
    path = tmp_path / "power.csv"
    path.write_text("time_s,cpu_w,gpu_w\n0,1,2\n1,1,2\n")
    assert ids(resolve(f"{name}:{path}#cpu_w")) == [f"recorded:{path}#cpu_w"]
    with pytest.raises(ConfigurationError, match=r"nothing is named; write recorded:FILE\.csv"):
        resolve(name)


@given(
    st.lists(
        st.tuples(st.integers(0, 50), st.lists(st.integers(0, 10), min_size=2, max_size=4)),
        min_size=1,
        max_size=10,
    )
)
def test_shares_of_all_workers_add_up_to_the_counter(fakes, seconds):
    clock, counter = fakes.Clock(), fakes.Counter()
    used = [0] * 4
    workers = [
        ApportionedSource(counter, lambda i=i: used[i], lambda: sum(used), clock) for i in range(4)
    ]
    for worker in workers:
        worker.read()
    drawn_j = 0
    for energy_j, cpu in seconds:
        clock.now += 1.0
        for i, own in enumerate(cpu):
            used[i] += own
        counter.energy_j += energy_j
        drawn_j += energy_j
        total_j = sum(worker.read() for worker in workers)
        # What nobody worked for yet is split as soon as somebody does.
        assert total_j == pytest.approx(drawn_j) or (total_j < drawn_j and sum(cpu) == 0)


def test_a_share_follows_its_counter_and_fails_with_it(fakes):
    clock, counter = fakes.Clock(), fakes.Counter()
    used = {"own": 0.0, "all": 0.0}
    source = ApportionedSource(counter, lambda: used["own"], lambda: used["all"], clock)
    window = EnergyMeter([source], clock=clock).window()

    def work(failure: Exception | None = None, resets: int = 0) -> None:
        clock.now += 1.0
        used["own"] += 0.5
        used["all"] += 2.0
        counter.energy_j += 8.0
        counter.failure, counter.resets = failure, resets

    work()
    lap = window.lap()
    assert lap.totals_j == {Kind.APPORTIONED: 2.0}
    work(fakes.failure)
    assert window.lap().total_j is None
    work()
    assert window.reading.total_j == 6.0
    work(resets=1)
    assert window.close().total_j is None


def test_the_machine_is_at_least_as_busy_as_we_are():
    before_s = machine_cpu_s()
    deadline = before_s + 0.2
    while machine_cpu_s() < deadline:
        sum(range(10_000))
    assert machine_cpu_s() > before_s
