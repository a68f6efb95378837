"""What a meter's text stands for."""

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perjoule.energy import EnergyMeter, Kind, Scope
from perjoule.energy.sources.cpu.apportioned import ApportionedSource, machine_cpu_s
from perjoule.energy.sources.resolve import METERS, Machine, meters_help, resolve
from perjoule.errors import ConfigurationError, MeterError, SourceError, UnknownNameError


def ids(sources) -> list[str]:
    return [source.info.id for source in sources]


@pytest.fixture
def readable(powercap):
    powercap.zone("intel-rapl:0", "package-0", 1_000)
    powercap.zone("intel-rapl:0:0", "dram", 1_000)
    return powercap.root


@pytest.fixture
def vgpu(fakes):
    return fakes.Nvml([fakes.Gpu(energy_mj=0, power_mw=0)])


def test_auto_takes_what_is_measured_and_models_the_rest(fakes, readable, no_powercap):
    gpu, none = fakes.Nvml([fakes.Gpu()]), fakes.Nvml()

    def auto(root, binding) -> list[str]:
        there = Machine(rapl_root=root, nvml_binding=binding, perf_root=no_powercap)
        return ids(resolve("auto", there))

    assert auto(readable, gpu) == ["rapl:package-0", "rapl:dram-0", "nvml:GPU-aaaa"]
    assert auto(no_powercap, gpu) == ["cpu_time", "nvml:GPU-aaaa"]
    assert auto(no_powercap, none) == ["cpu_time"]


def test_named_sources_and_gpus_in_use_must_be_there(fakes, readable, no_powercap, vgpu):
    one, none = fakes.Nvml([fakes.Gpu()]), fakes.Nvml()
    both = resolve("rapl,nvml", Machine(rapl_root=readable, nvml_binding=one))
    assert ids(both) == ["rapl:package-0", "rapl:dram-0", "nvml:GPU-aaaa"]
    for spec, machine, reason in (
        ("rapl", Machine(rapl_root=no_powercap), "no powercap tree"),
        ("nvml", Machine(nvml_binding=none), "none of the 0 GPUs"),
        ("nvml", Machine(["zzzz"], nvml_binding=one), "zzzz"),
        ("auto", Machine(["aaaa"], no_powercap, nvml_binding=vgpu), "neither energy nor power"),
    ):
        with pytest.raises(MeterError, match=reason):
            resolve(spec, machine)


def test_figures_are_taken():
    assert "6.5 W" in resolve("cpu_time:6.5")[0].info.detail
    with EnergyMeter("model:0.5") as meter:
        meter.count_operations(4)
        assert meter.reading.total_j == 2.0


def test_every_meter_is_in_the_help_as_it_is_written():
    assert meters_help().startswith("auto, rapl, perf, pm_counters[:FILE], nvml[:module], ")
    assert all(meter.spec in meters_help() and meter.summary for meter in METERS.values())
    assert all(meter.spec.startswith(name) for name, meter in METERS.items())
    assert "replay" not in meters_help()


@pytest.mark.parametrize(
    "spec",
    [
        *("cpu_time:x", "cpu_time:", "cpu_time:-1", "model:0", "model:inf", "model:nan", "rapl:3"),
        *("rapl,cpu_time", "model,cpu_time", "nvml,nvml", "auto,nvml"),
    ],
)
def test_figures_that_are_none_and_joules_counted_twice_are_refused(spec):
    with pytest.raises(ConfigurationError, match=spec if "," in spec else spec.partition(":")[0]):
        resolve(spec)


@pytest.mark.parametrize("spec", ["", "nvlm", "cpu_time,", "CPU_TIME"])
def test_unknown_names_are_refused(spec):
    with pytest.raises(
        UnknownNameError, match=r"known: amdsmi, auto, .*nvml, perf, pm_counters, rapl, recorded"
    ):
        resolve(spec)
    with pytest.raises(ConfigurationError, match=r"'2#x'.*a comma in a URL is written %2C"):
        resolve("http:http://h/a?b=1,2#x")


def test_shared_packages_are_apportioned_and_shared_gpus_refused(fakes, readable):
    sources = resolve("rapl", Machine(rapl_root=readable), shared=True)
    assert ids(sources) == ["rapl:package-0:share", "rapl:dram-0:share"]
    assert {source.info.kind for source in sources} == {Kind.APPORTIONED}
    assert resolve("cpu_time", shared=True)[0].info.scope is Scope.PROCESS
    with pytest.raises(MeterError, match="one worker"):
        resolve("nvml", Machine(nvml_binding=fakes.Nvml([fakes.Gpu()])), shared=True)


@pytest.mark.parametrize("name", ["recorded", "replay"])  # the second in earlier run folders
def test_a_recorded_trace_is_a_meter(tmp_path, name):
    path = tmp_path / "power.csv"
    path.write_text("time_s,cpu_w,gpu_w\n0,1,2\n1,1,2\n")
    assert ids(resolve(f"{name}:{path}#cpu_w")) == [f"recorded:{path}#cpu_w"]
    with pytest.raises(ConfigurationError, match=r"nothing is named; write recorded:FILE\.csv"):
        resolve(name)


SHARES = st.tuples(st.integers(1, 50), st.lists(st.integers(0, 10), min_size=2, max_size=4))


@given(st.lists(SHARES, min_size=1, max_size=10))
def test_shares_of_all_workers_add_up_to_the_counter(fakes, seconds):
    clock, counter = fakes.Clock(), fakes.Counter()
    used = [0] * 4
    workers = [
        ApportionedSource(counter, lambda i=i: used[i], lambda: sum(used), clock) for i in range(4)
    ]
    first_j = counter.energy_j - sum(worker.read() for worker in workers)
    for energy_j, cpu in seconds:
        clock.now += 1.0
        for i, own in enumerate(cpu):
            used[i] += own
        counter.energy_j += energy_j
        total_j, drawn_j = sum(worker.read() for worker in workers), counter.energy_j - first_j
        # What nobody worked for yet is split as soon as somebody does.
        assert total_j == pytest.approx(drawn_j) or (total_j < drawn_j and sum(cpu) == 0)


def test_a_share_follows_its_counter_and_fails_with_it(fakes):
    clock, counter = fakes.Clock(), fakes.Counter()
    seconds = [0]
    own_s, all_s = lambda: 0.5 * seconds[0], lambda: 2.0 * seconds[0]
    window = fakes.Metered(ApportionedSource(counter, own_s, all_s, clock), clock=clock).window

    def lap(failure: Exception | None = None, resets: int = 0):
        clock.now += 1.0
        seconds[0] += 1
        counter.energy_j += 8.0
        counter.failure, counter.resets = failure, resets
        return window.lap()

    assert lap().totals_j == {Kind.APPORTIONED: 2.0}
    assert lap(fakes.failure).total_j is None
    lap()
    assert window.reading.total_j == 6.0
    lap(resets=1)
    assert window.close().total_j is None


def test_the_machine_is_at_least_as_busy_as_we_are():
    before_s, own_s = machine_cpu_s(), time.process_time()
    while time.process_time() < own_s + 0.2:
        sum(range(10_000))
    assert machine_cpu_s() >= before_s + 0.1  # the kernel counts in steps


def test_a_share_of_a_dead_counter_is_unknown_though_a_sleeping_process_has_none(fakes):
    clock, counter = fakes.Clock(), fakes.Counter(update_period_s=1e-3)
    own_s = [0.0]
    share = ApportionedSource(counter, lambda: own_s[0], lambda: clock.now, clock)
    window = fakes.Metered(share, clock=clock).window
    [look] = share.tasks()

    def pass_time(power_w: float) -> None:
        for _ in range(10):
            clock.now += 0.1
            counter.energy_j += 0.1 * power_w
            with contextlib.suppress(SourceError):
                look()

    pass_time(50.0)
    assert window.lap().total_j == 0.0  # asleep
    pass_time(0.0)
    pass_time(50.0)
    assert "lost count" in window.lap().warnings[0]
    own_s[0] = 1.0
    pass_time(50.0)
    assert window.lap().total_j > 0.0
