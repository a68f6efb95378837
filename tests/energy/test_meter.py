import math
from itertools import combinations
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perjoule.energy import (
    EnergyBudget,
    EnergyMeter,
    Kind,
    Reading,
    Scope,
    Source,
    SourceInfo,
)
from perjoule.errors import SourceError

steps = st.lists(st.integers(1, 1_000), min_size=1, max_size=20)


@given(steps)
def test_laps_add_up_to_their_window_exactly(fakes, increments):
    one = fakes.Metered()
    with one.window:
        laps = [one.lap(0.5, increment) for increment in increments]
    assert [lap.total_j for lap in laps] == increments
    assert one.window.reading.total_j == sum(increments)
    assert sum(lap.duration_s for lap in laps) == one.window.reading.duration_s
    assert sum(laps, Reading()).total_j == one.window.reading.total_j


@given(steps, st.data())
def test_windows_nest_and_overlap_freely(fakes, increments, data):
    one = fakes.Metered()
    edges = st.integers(0, len(increments))
    spans = data.draw(st.lists(st.tuples(edges, edges).map(sorted), min_size=1, max_size=5))
    windows = {}
    for at, increment in enumerate([*increments, 0]):
        windows.update({i: one.meter.window() for i, (start, _) in enumerate(spans) if start == at})
        for i, (_, end) in enumerate(spans):
            if end == at:
                windows[i].close()
        one.spend(0.5, increment)
    for i, (start, end) in enumerate(spans):
        assert windows[i].reading.total_j == sum(increments[start:end])


def test_a_closed_window_keeps_its_reading_also_of_a_failed_training(fakes):
    one = fakes.Metered()
    with pytest.raises(RuntimeError, match="out of memory"), one.window:
        one.spend(1.0, 9)
        raise RuntimeError("out of memory")
    first = one.window.reading
    one.counter.energy_j += 100
    assert one.window.close() is one.window.reading is first
    assert first.total_j == 9


FAILURES = [SourceError("bus error"), OSError("gone"), ZeroDivisionError("bug")]


@given(st.lists(st.sampled_from([None, *FAILURES]), min_size=2, max_size=12))
def test_a_failed_reading_is_unavailable_with_its_reason_and_never_zero(fakes, failures):
    bad, good = fakes.Counter("bad"), fakes.Counter("good", component="dram")
    both = fakes.Metered(bad, good)
    snapshots = []
    for failure in failures:
        bad.failure = failure
        snapshots.append(both.meter.snapshot())
        both.spend(1.0, 3, 5)
    bad.failure = None
    for i, j in combinations(range(len(failures)), 2):
        reading = both.meter.between(snapshots[i], snapshots[j])
        part = reading.components[0]
        failure = failures[i] or failures[j]
        assert reading.component_j("dram") == 5 * (j - i)
        if failure is None:
            assert reading.total_j == 8 * (j - i)
        else:
            assert (part.energy_j, part.kind) == (None, Kind.UNAVAILABLE)
            assert str(failure) in part.warnings[0]
            assert "bad" in part.warnings[0]
            assert (reading.component_j("cpu"), reading.total_j) == (None, None)
            assert reading.totals_j == {Kind.MEASURED: 5 * (j - i)}


@pytest.mark.parametrize("answer", [None, "many", math.nan, math.inf])
def test_an_answer_that_is_no_number_is_a_failed_reading(fakes, answer):
    one = fakes.Metered()
    one.spend(1.0)
    one.counter.energy_j = answer
    assert one.window.close().components[0].kind is Kind.UNAVAILABLE


def test_a_source_that_recovers_or_was_reset_is_believed_again(fakes):
    one, energies_j = fakes.Metered(), []
    for failure in (None, fakes.failure, None, None):
        one.counter.failure = failure
        energies_j.append(one.lap(1.0, 4).total_j)
    assert energies_j == [4, None, None, 4]
    assert one.window.reading.total_j == 16
    one.counter.resets = 1
    lap = one.lap(1.0, 50)
    assert lap.total_j is None
    assert "reset" in lap.warnings[0]
    assert one.lap(1.0, 3).total_j == 3


def test_a_reading_that_is_held_up_is_not_taken_for_impossible_power(fakes):
    clock = fakes.Clock()

    class Slow(fakes.Counter):
        held_s = 0.0

        def read(self) -> float:
            clock.now += self.held_s  # this process is not run for a while, at 900 W
            self.energy_j += 900.0 * self.held_s
            return super().read()

    one = fakes.Metered(Slow(max_power_w=1_000.0), clock=clock)
    clock.now += 0.001
    one.counter.held_s = 0.02
    assert one.window.close().total_j == pytest.approx(18.0)


@pytest.mark.parametrize("kind", [Kind.MEASURED, Kind.INTEGRATED, Kind.MODELLED])
def test_hardware_that_stands_still_is_unavailable_and_only_a_model_may_say_zero(fakes, kind):
    reading = fakes.Metered(kind=kind).lap(60.0)
    if kind is Kind.MODELLED:
        assert reading.total_j == 0.0
    else:
        assert reading.total_j is None
        assert "stood still for 60 s" in reading.warnings[0]


def test_a_dead_counter_shows_in_laps_too_short_to_tell(fakes):
    one = fakes.Metered(update_period_s=0.1)
    laps = [one.lap(0.3) for _ in range(10)]
    assert laps[0].total_j == 0.0
    assert sum(laps, Reading()).total_j is None
    assert one.lap(0.3, 10).total_j is None  # it lives again, nobody knows since when
    assert one.lap(0.3, 10).total_j == 10


def test_short_windows_are_flagged_with_their_bound(fakes):
    one = fakes.Metered(update_period_s=0.1)
    one.spend(0.01)
    assert one.lap(0.0).components[0].bound_j is None
    [long] = one.lap(10.0, 3_000.0).components
    assert (long.warnings, long.bound_j) == ((), pytest.approx(30.0))  # a step of 0.1 s at 300 W
    [still] = one.lap(0.05).components  # without a step it has the bound of the time before
    assert (still.energy_j, still.bound_j) == (0.0, pytest.approx(30.0, rel=0.01))
    [short] = one.lap(0.4, 120.0).components
    assert short.energy_j == 120.0
    assert "below 5 update periods" in short.warnings[0]


@given(
    power_w=st.floats(1.0, 500.0), pauses=st.lists(st.floats(0.01, 0.25), min_size=1, max_size=30)
)
def test_equal_power_samples_and_both_edges_are_integrated(fakes, power_w, pauses):
    one = fakes.Metered(fakes.Power(lambda: power_w))
    for pause_s in pauses:
        one.clock.now += pause_s
        one.meter.snapshot()
    reading = one.window.close()
    one.meter.close()
    assert reading.total_j == pytest.approx(power_w * reading.duration_s)
    assert reading.components[0].kind is Kind.INTEGRATED
    assert reading.components[0].largest_gap_s == 0.0


def test_changing_power_is_integrated_by_the_trapezoid_rule_up_to_the_edges(fakes):
    clock = fakes.Clock()
    start_s = clock.now
    meter = EnergyMeter([fakes.Power(lambda: 10.0 * (clock.now - start_s))], clock=clock)
    clock.now += 2.0
    with meter, meter.window() as window:
        for _ in range(5):
            clock.now += 0.2
            meter.snapshot()
    assert window.reading.total_j == pytest.approx(25.0)  # 20 to 30 W for 1 s


def test_the_largest_gap_in_a_window_is_reported(fakes):
    answers_w: list = [50.0]

    def power_w() -> float:
        if answers_w[-1] is None:
            raise fakes.failure
        return answers_w[-1]

    power = fakes.Power(power_w)
    outer = fakes.Metered(power)
    for pause_s in (2.0, 0.5, 4.0, 1.0, 0.1):
        outer.clock.now += pause_s
        outer.meter.snapshot()
    inner = outer.meter.window()
    outer.clock.now += 0.1
    assert inner.close().components[0].largest_gap_s == 0.0
    [part] = outer.window.reading.components
    assert (part.largest_gap_s, part.energy_j) == (4.0, pytest.approx(385.0))
    assert "no power was read for 4 s" in part.warnings[0]
    for answer_w in (None, 50.0):  # amid a window it fails
        answers_w.append(answer_w)
        outer.clock.now += 3.0
        outer.meter.snapshot()
    [part] = outer.window.reading.components
    assert (part.largest_gap_s, part.energy_j) == (6.0, pytest.approx(685.0))
    power.resets = 1
    assert outer.window.close().total_j is None


@pytest.mark.parametrize("energy_j", [-1.0, 1_100.0])
@pytest.mark.parametrize("power_w", [-5.0, math.nan, 1e9])
def test_impossible_energy_or_power_is_unavailable(fakes, energy_j, power_w):
    shown = [50.0]
    power = fakes.Metered(fakes.Power(lambda: shown[-1]))
    shown.append(power_w)
    for reading in (fakes.Metered(max_power_w=1_000.0).lap(1.0, energy_j), power.window.close()):
        assert reading.total_j is None
        assert "impossible" in reading.warnings[0]


def test_sources_that_were_given_do_not_end_with_the_meter(fakes):
    class Closing(fakes.Counter):
        def close(self) -> None:
            pytest.fail("closed")

    EnergyMeter([Closing()]).close()


def test_a_suspended_machine_is_told(fakes):
    clock, counter, asleep = fakes.Clock(), fakes.Counter(), fakes.Clock()
    window = EnergyMeter([counter], clock=clock, asleep_clock=asleep).window()
    told = "the machine was suspended for 300 s within the window"
    for slept_s, warnings in ((0.0, ()), (300.0, (told,))):
        clock.now += 1.0
        counter.energy_j += 5
        asleep.now += slept_s
        assert window.lap().warnings == warnings
    assert window.close().total_j == 10


def test_queued_gpu_work_is_awaited_at_edges_only_and_its_errors_stay_out(fakes):
    calls = []

    def synchronize() -> None:
        calls.append(1)
        raise RuntimeError("CUDA error")

    meter = EnergyMeter([fakes.Counter()], synchronize=synchronize)
    assert not calls
    start = meter.snapshot()
    meter.joules_since(start)
    assert len(calls) == 1
    meter.window().close()
    assert len(calls) == 3


def test_the_quick_count_agrees_with_the_reading(fakes):
    counter, node = fakes.Counter(), fakes.Counter("plug", component="node", scope=Scope.NODE)
    one = fakes.Metered(counter, node)
    start = one.meter.snapshot()
    one.spend(1.0, 6, 60)
    assert one.meter.joules_since(start) == one.window.reading.total_j == 6
    well = vars(counter).copy()
    for fault in ({"energy_j": 99.0}, {"resets": 1}, {"failure": fakes.failure}):
        vars(counter).update(fault)
        assert one.meter.joules_since(start) is None
        counter.resets, counter.failure = 0, None
        vars(counter).update(well)
    assert one.meter.joules_since(start) == 6


def test_a_meter_reads_its_own_block(fakes):
    one = fakes.Metered()
    with pytest.raises(RuntimeError, match="window"):
        _ = one.meter.reading
    with one.meter:
        one.spend(1.0, 2)
        assert one.meter.reading.total_j == 2
    one.spend(0.0, 2)
    assert one.meter.reading.total_j == 2


def test_only_counted_operations_leave_the_search_out():
    assert not EnergyMeter("model").counts_search
    assert EnergyMeter("cpu_time:4").counts_search


def test_a_meter_without_sources_knows_nothing():
    meter = EnergyMeter([])
    reading = meter.window().close()
    assert (reading.total_j, reading.kind) == (None, "unavailable")
    assert meter.joules_since(meter.snapshot()) is None


def test_a_source_needs_no_more_than_an_identity_and_a_reading(fakes):
    class Plug(Source):
        info = SourceInfo("plug", "node", Kind.MEASURED, Scope.NODE, "plug under the desk")
        energy_j = 0.0

        def read(self) -> float:
            return self.energy_j

    one = fakes.Metered(Plug())
    one.meter.count_operations(1.0)
    reading = one.lap(1.0, 7.0)
    assert (reading.total_j, reading.warnings) == (7.0, ())


def test_what_only_looks_like_a_source_is_refused():
    looks = SimpleNamespace(info=None, read=lambda: 0.0)
    with pytest.raises(TypeError, match=r"derive its class from perjoule\.energy\.Source"):
        EnergyMeter([looks])


def drawing(one, power_w: float, seconds: float, look) -> None:
    """Let a counter draw for a while, looked at every 0.05 s."""
    for _ in range(round(seconds / 0.05)):
        one.spend(0.05, power_w * 0.05)
        look()


@pytest.mark.parametrize("looks", ["watch", "budget"])
def test_a_counter_that_dies_within_a_window_is_doubted_and_one_that_lives_is_not(fakes, looks):
    one = fakes.Metered(update_period_s=1e-3)
    budget = EnergyBudget("1 MJ", one.meter)
    look = one.meter.watch.look if looks == "watch" else budget.should_stop
    drawing(one, 100.0, 3.0, look)
    assert one.window.reading.total_j == pytest.approx(300.0)
    drawing(one, 0.0, 0.5, look)
    dead = one.window.reading
    assert (dead.total_j, dead.kind) == (None, "unavailable")
    assert "fake: stood still for 0.5 s, as a dead counter does" in dead.warnings
    drawing(one, 100.0, 1.0, look)  # what it missed is missing for good
    assert one.window.close().total_j is None
    fresh = one.meter.window()
    drawing(one, 100.0, 1.0, look)
    assert fresh.close().total_j == pytest.approx(100.0)


@pytest.mark.parametrize(
    ("fields", "known"),
    [
        ({"kind": Kind.MEASURED, "update_period_s": 1e-3}, False),
        ({"kind": Kind.INTEGRATED, "update_period_s": 1e-3}, False),
        ({"kind": Kind.MODELLED, "scope": Scope.PROCESS}, True),  # a process that sleeps
        ({"kind": Kind.APPORTIONED, "update_period_s": 1e-3}, True),
        ({"kind": Kind.MODELLED, "update_period_s": 1e-3, "moves": True}, False),
    ],
)
def test_nothing_over_five_update_periods_is_no_measurement(fakes, fields, known):
    one = fakes.Metered(**fields)
    one.lap(1.0, 5.0)
    assert (one.lap(0.0051).total_j == 0.0) is known
    assert one.lap(0.0051).total_j == (0.0 if known else None)


@settings(max_examples=25)
@given(power_w=st.floats(1.0, 500.0), alive_s=st.floats(1.0, 9.0), dead_s=st.floats(0.0, 1.2))
def test_a_known_reading_of_a_dying_counter_is_off_by_no_more_than_its_bound(
    fakes, power_w, alive_s, dead_s
):
    one = fakes.Metered(update_period_s=0.1)
    look = one.meter.watch.look
    drawing(one, power_w, alive_s, look)
    start_j, start_s = one.counter.energy_j, one.clock.now
    window = one.meter.window()
    drawing(one, power_w, alive_s, look)
    drawing(one, 0.0, dead_s, look)
    [part] = window.close().components
    true_j = power_w * (one.clock.now - start_s)
    assert one.counter.energy_j > start_j
    if part.energy_j is None:
        assert dead_s > 0.4
    else:  # an update period is not told apart from a standstill
        assert abs(part.energy_j - true_j) <= part.bound_j + 0.1 * power_w
