import time

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from perjoule.energy import EnergyMeter, Kind
from perjoule.energy.counter import WrappingCounter
from perjoule.energy.sources import rapl
from perjoule.energy.sources.cpu.power import Processor
from perjoule.errors import SourceError

GREATEST_UJ = 65_532_610_987  # of AMD, and of DRAM on Intel's servers


class Register:
    """A wrapping microjoule register and its counter, on a clock of their own."""

    def __init__(self, clock, value: int = 0) -> None:
        self.clock, self.value = clock, value
        self.failure: Exception | None = None
        self.counter = WrappingCounter(self.show, GREATEST_UJ + 1, 1e-6, 1_000.0, clock)
        self.first_j = self.counter.read()

    def show(self) -> int:
        if self.failure is not None:
            raise self.failure
        return self.value

    def run(self, energy_uj: int, duration_s: float) -> None:
        self.value = (self.value + energy_uj) % (GREATEST_UJ + 1)
        self.clock.now += duration_s

    def since_first_j(self) -> float:
        return self.counter.read() - self.first_j


@given(st.integers(0, GREATEST_UJ), st.lists(st.integers(0, 30_000_000_000), max_size=30))
def test_wraps_at_every_offset_are_unwrapped(fakes, start, increments_uj):
    register = Register(fakes.Clock(), start)
    for number, increment_uj in enumerate(increments_uj, start=1):
        register.run(increment_uj, 30.0)
        assert register.since_first_j() == pytest.approx(1e-6 * sum(increments_uj[:number]))
    assert register.counter.resets == 0


@given(st.integers(0, GREATEST_UJ), st.integers(1, 5))
def test_a_failed_read_is_not_taken_for_a_wrap(fakes, start, n_failures):
    register = Register(fakes.Clock(), start)
    register.failure = SourceError("busy")
    for _ in range(n_failures):
        register.run(1_000_000_000, 5.0)
        with pytest.raises(SourceError, match="busy"):
            register.counter.read()
    register.failure = None
    register.run(1_000_000_000, 5.0)
    assert register.since_first_j() == pytest.approx(1_000.0 * (n_failures + 1))


@given(st.integers(2_000_000_000, GREATEST_UJ - 2_000_000_000))
def test_a_reset_is_not_taken_for_a_wrap(fakes, start):
    register = Register(fakes.Clock(), start)
    register.run(-start, 1.0)
    with pytest.raises(SourceError, match="reset"):
        register.counter.read()
    assert register.counter.resets == 1
    register.run(50_000_000, 1.0)
    assert register.since_first_j() == pytest.approx(50.0)


def test_a_wrap_that_may_have_gone_unseen_is_not_guessed(fakes):
    register = Register(fakes.Clock())
    register.run(1_000_000, 3_600.0)  # stopped for an hour
    with pytest.raises(SourceError, match="not read for 3600 s"):
        register.counter.read()
    assert register.counter.resets == 1


def package(powercap, energy_uj: object = 1_000_000, number: int = 0, name: str = "") -> None:
    powercap.zone(f"intel-rapl:{number}", name or f"package-{number}", energy_uj)


def ids(found) -> list[str]:
    return [source.info.id for source in found.sources]


def test_a_counter_that_cannot_be_read_for_a_while_leaves_its_neighbours_unharmed(powercap):
    package(powercap)
    powercap.zone("intel-rapl:0:0", "dram", 5_000_000, GREATEST_UJ)
    window = powercap.window()
    powercap.show("intel-rapl:0", "")
    powercap.show("intel-rapl:0:0", 5_300_000)
    broken = window.lap()
    assert (broken.component_j("cpu"), broken.total_j) == (None, None)
    assert broken.component_j("dram") == pytest.approx(0.3)
    assert "energy_uj" in broken.warnings[0]
    powercap.show("intel-rapl:0", 1_500_000)
    whole = window.close()
    assert (whole.total_j, whole.kind) == (pytest.approx(0.8), Kind.MEASURED)


def test_a_reset_within_a_window_is_unavailable(powercap):
    package(powercap, 9_000_000_000)
    window = powercap.window()
    powercap.show("intel-rapl:0", 5)
    assert window.lap().total_j is None
    powercap.show("intel-rapl:0", 200_005)
    across = window.close()
    assert across.total_j is None
    assert "lost count" in across.warnings[0]


def test_packages_and_dram_are_added_and_nothing_that_overlaps_them(powercap):
    names = {"": "package-0", ":0": "core", ":1": "uncore", ":2": "dram"}
    zones = {f"intel-rapl:0{part}": name for part, name in names.items()}
    zones |= {"intel-rapl:1": "package-1", "intel-rapl:1:0": "dram", "intel-rapl:2": "psys"}
    zones |= {"intel-rapl-mmio:0": "package-0", "intel-rapl-mmio:0:0": "dram"}
    for zone, name in zones.items():
        powercap.zone(zone, name, 1_000_000)
    counted = ["rapl:package-0", "rapl:package-1", "rapl:dram-0", "rapl:dram-1"]
    assert ids(rapl.discover(powercap.root)) == counted
    with powercap.window() as window:
        for number, zone in enumerate(zones):
            powercap.show(zone, 1_000_000 + 1_000 * 2**number)
    joules = [part.energy_j for part in window.reading.components]
    assert joules == pytest.approx([0.001, 0.016, 0.008, 0.032])
    assert window.reading.total_j == pytest.approx(0.057)


@pytest.mark.parametrize(
    ("names", "more_uj"),
    [("package-0-die-{}", 2_000_000), ("package-{}", 0)],  # equal counters of two sockets
)
def test_dies_and_sockets_with_counters_of_their_own_are_all_counted(powercap, names, more_uj):
    for number in range(2):
        package(powercap, 77_000_000_000 + number * more_uj, number, names.format(number))
    found = ids(rapl.discover(powercap.root))
    assert found == [f"rapl:{names.format(number)}" for number in range(2)]


def test_half_of_the_packages_is_none_and_half_of_the_dram_no_dram(powercap):
    package(powercap, number=0)
    powercap.zone("intel-rapl:0:0", "dram", 1_000)
    powercap.zone("intel-rapl:0:1", "dram", 1_000)
    powercap.lock("intel-rapl:0:1")
    found = rapl.discover(powercap.root)
    assert (ids(found), found.incomplete) == (["rapl:package-0"], True)
    assert "intel-rapl:0:1" in found.reason
    package(powercap, number=1)
    powercap.lock("intel-rapl:1")
    found = rapl.discover(powercap.root)
    assert not found.sources
    assert "intel-rapl:1" in found.reason
    assert "chmod a+r" in found.mend


def test_a_zone_of_dram_that_nothing_counts_in_is_told_and_costs_no_total(powercap):
    package(powercap)
    powercap.zone("intel-rapl:0:0", "dram", 0)
    found = rapl.discover(powercap.root)
    assert (ids(found), found.incomplete) == (["rapl:package-0"], True)
    assert "shows 0 J since the machine was started" in found.reason


@pytest.mark.parametrize("greatest_uj", [0, "", "no number"])
def test_a_counter_of_no_range_is_refused(powercap, greatest_uj):
    powercap.zone("intel-rapl:0", "package-0", 1_000, greatest_uj)
    assert "intel-rapl:0" in rapl.discover(powercap.root).reason


def test_where_there_is_no_rapl_the_reason_says_so(powercap, no_powercap):
    assert str(no_powercap) in rapl.discover(no_powercap).reason
    found = rapl.discover(powercap.root)
    assert "no RAPL package" in found.reason
    assert found.mend
    (powercap.root / "intel-rapl:0").mkdir()
    assert "no RAPL package" in rapl.discover(powercap.root).reason


def test_links_that_dangle_in_a_pod_are_told_to_be_mounted_otherwise(powercap, monkeypatch):
    """Mounting ``/sys/class/powercap`` elsewhere shows links that lead nowhere there."""
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setattr("perjoule.energy.sources.cpu.power.processor", lambda: Processor("a CPU"))
    (powercap.root / "intel-rapl:0").symlink_to("../../devices/virtual/powercap/intel-rapl")
    found = rapl.discover(powercap.root)
    assert "no RAPL package" in found.reason
    assert "-v /sys/class/powercap/intel-rapl:/powercap:ro" in found.mend


def test_a_container_may_mount_the_tree_elsewhere(powercap):
    """Mounting the folder ``intel-rapl`` shows DRAM within its package, and nothing beside."""
    package(powercap)
    for zone in ("intel-rapl:0/intel-rapl:0:0", "intel-rapl:0:0"):  # the kernel's own shows both
        powercap.zone(zone, "dram", 1_000)
        assert ids(rapl.discover(powercap.root)) == ["rapl:package-0", "rapl:dram-0"]


def test_values_that_no_register_shows_are_refused_and_nothing_is_learnt_from_them(fakes):
    register = Register(fakes.Clock(), 1_000)
    for value in (-1, GREATEST_UJ + 1, 10 * GREATEST_UJ):
        register.value, well = value, register.value
        with pytest.raises(SourceError, match="beyond 0 to"):
            register.counter.read()
        register.value = well
        register.run(1_000_000, 1.0)
        assert register.since_first_j() > 0
    assert register.since_first_j() == pytest.approx(3.0)
    assert register.counter.resets == 0


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.lists(
        # A shift by less than what is drawn between two looks cannot be seen.
        st.integers(-GREATEST_UJ, -10_000_001) | st.integers(300_000_001, 2 * GREATEST_UJ),
        min_size=1,
        max_size=5,
    ),
    lasting=st.booleans(),
)
@example(values=[-52_500_001, -10_000_001], lasting=True)  # below 0 for long, then possible again
def test_no_value_from_nowhere_makes_a_joule(fakes, powercap, values, lasting):
    """50 W are drawn; a value lasts for one look of the watch, or moves the counter for good."""
    clock, offset_uj = fakes.Clock(), 0
    if not (powercap.root / "intel-rapl:0").exists():
        package(powercap)
    powercap.show("intel-rapl:0", 0)
    meter = EnergyMeter(rapl.discover(powercap.root, clock).sources, clock=clock)
    window = meter.window()

    def pass_time(value_uj: int | None = None) -> None:
        clock.now += 0.05
        drawn_uj = round(50e6 * (clock.now - 1_000.0))
        powercap.show("intel-rapl:0", drawn_uj + offset_uj if value_uj is None else value_uj)
        meter.watch.look()

    for value in values:
        for _ in range(10):
            pass_time()
        pass_time(value)
        offset_uj = value if lasting else 0
    pass_time()
    total_j = window.close().total_j
    assert total_j is None or total_j == pytest.approx(50.0 * (clock.now - 1_000.0), rel=0.01)


def test_a_package_draws_no_more_than_its_limits_allow(powercap, fakes):
    for limits, most_w in (({}, 550.0), ({"0_max_power": 65e6, "1_power_limit": 120e6}, 240.0)):
        for name, limit_uw in limits.items():
            (powercap.root / "intel-rapl:0" / f"constraint_{name}_uw").write_text(f"{limit_uw:.0f}")
        if not limits:
            package(powercap)
        clock = fakes.Clock()
        [source] = rapl.discover(powercap.root, clock).sources
        assert source.info.max_power_w == most_w
        window = EnergyMeter([source], clock=clock).window()
        clock.now += 1.5
        powercap.show("intel-rapl:0", 901_000_000)
        assert window.close().total_j is None
        powercap.show("intel-rapl:0", 1_000_000)


def test_a_register_of_small_range_is_read_before_it_can_wrap_twice(powercap):
    powercap.zone("intel-rapl:0", "package-0", 1_000, 1_100_000_000)
    [source] = rapl.discover(powercap.root).sources
    [task] = source.tasks()
    assert task() == pytest.approx(1.0)  # 1,100 J last two seconds at 550 W


def test_a_register_that_freezes_within_a_window_is_not_told_as_measured(powercap):
    """In real time, so that the thread that watches it is tested too."""
    package(powercap, 0)
    window, started_s = powercap.window(), time.perf_counter()
    while time.perf_counter() < started_s + 0.3:
        powercap.show("intel-rapl:0", round(100e6 * (time.perf_counter() - started_s)))
        time.sleep(0.002)
    time.sleep(0.5)
    reading = window.close()
    assert (reading.total_j, reading.kind) == (None, Kind.UNAVAILABLE)
    assert "stood still for" in reading.warnings[0]
