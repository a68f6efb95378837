"""What is billed, and sums and differences of readings."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perjoule.energy import EnergyMeter, Kind, Reading, Scope

steps = st.lists(st.integers(1, 1_000), min_size=1, max_size=20)


CPU, GPU, GPUS, MODULE, NODE, PLUG, MODEL = (
    ("cpu", "cpu", Scope.PACKAGE, Kind.MEASURED, 10),
    ("gpu", "gpu", Scope.BOARD, Kind.MEASURED, 20),
    ("accelerator", "gpu", Scope.MODULE, Kind.MEASURED, 25),
    ("module", "node", Scope.MODULE, Kind.MEASURED, 40),
    ("plug", "node", Scope.NODE, Kind.MEASURED, 80),
    ("other plug", "node", Scope.NODE, Kind.MEASURED, 30),
    ("model", "node", Scope.NODE, Kind.MODELLED, 50),
)


@pytest.mark.parametrize(
    ("sources", "total_j"),
    [
        ((CPU, GPU, MODULE, NODE), 30),  # a part is never added to its whole
        ((CPU, GPUS, MODULE, NODE), 35),  # GPUs alone are no whole of a CPU
        ((CPU, GPU, GPUS), 30),
        ((GPUS, NODE), 25),
        ((CPU, NODE), 10),
        ((MODULE, NODE), 40),
        ((NODE,), 80),
        ((NODE, PLUG, MODEL), 110),  # nor a model of a whole to its measurement
        ((MODEL,), 50),
    ],
)
def test_no_joule_is_billed_twice(fakes, sources, total_j):
    counters = [
        fakes.Counter(name, component=component, scope=scope, kind=kind)
        for name, component, scope, kind, _ in sources
    ]
    reading = fakes.Metered(*counters).lap(1.0, *(source[-1] for source in sources))
    assert reading.total_j == total_j


def test_hardware_comes_onto_the_bill_when_it_is_used(fakes):
    gpu = fakes.Counter("gpu", component="gpu", scope=Scope.BOARD)
    gpu.in_use, gpu.notes = False, ("gpu: no work of this process was seen on it",)
    both = fakes.Metered(fakes.Counter("cpu"), gpu)
    start = both.meter.snapshot()
    before = both.lap(1.0, 10, 20)
    assert before.total_j == both.meter.joules_since(start) == 10
    assert before.component_j("gpu") == 20
    assert "gpu 20.0 J (measured, gpu, not billed)" in str(before)
    assert before.warnings == gpu.notes
    gpu.in_use, gpu.notes = True, ()
    after = both.lap(1.0, 10, 20)
    assert (after.total_j, after.warnings) == (30, ())
    assert (before + after).total_j == both.meter.joules_since(start) == 60


def test_kinds_are_kept_apart(fakes):
    gpu = fakes.Counter("gpu", component="gpu", scope=Scope.BOARD)
    cpu = fakes.Counter("model", kind=Kind.MODELLED, scope=Scope.PROCESS)
    reading = fakes.Metered(gpu, cpu).lap(1.0, 20, 10)
    assert reading.totals_j == {Kind.MEASURED: 20, Kind.MODELLED: 10}
    assert (reading.total_j, reading.kind) == (30, "measured+modelled")
    assert json.loads(json.dumps(reading.to_dict()))["components"][1]["kind"] == "modelled"
    assert str(reading) == "30.0 J in 1 s: gpu 20.0 J (measured, gpu), cpu 10.0 J (modelled, model)"


def test_sums_and_differences_stay_unavailable_and_want_the_same_source(fakes):
    one = fakes.Metered(gain_error=0.1)
    known = one.lap(1.0, 5)
    one.counter.failure = fakes.failure
    lost = one.window.lap()
    for reading in (known + lost, lost + known, known - lost, lost - known):
        assert reading.total_j is None
        assert reading.components[0].kind is Kind.UNAVAILABLE
        assert reading.components[0].gain_error == 0.1
        assert reading.warnings == lost.warnings
    other = EnergyMeter([fakes.Counter("other")], clock=one.clock).window().close()
    with pytest.raises(ValueError, match="other"):
        _ = known + other


@given(steps, st.data())
def test_a_part_can_be_taken_away_from_its_window(fakes, increments, data):
    one = fakes.Metered(gain_error=0.1, update_period_s=0.01)
    split = data.draw(st.integers(0, len(increments)))
    with one.window:
        laps = [one.lap(0.5, increment) for increment in increments]
    whole, part = one.window.reading, sum(laps[:split], Reading())
    rest = whole - part
    assert rest.total_j == sum(increments[split:])
    assert rest.duration_s == 0.5 * len(increments[split:])
    assert (rest + part).total_j == whole.total_j
    assert rest.kind == whole.kind
    if part.components:  # both had edges of their own
        bounds_j = [r.components[0].bound_j or 0.0 for r in (rest, part, whole)]
        assert bounds_j[0] == bounds_j[1] + bounds_j[2] > 0


def test_the_error_is_quantisation_and_gain_or_not_known(fakes):
    known = fakes.Counter("known", update_period_s=0.1, gain_error=0.05)
    unknown = fakes.Counter("unknown", component="dram", update_period_s=0.1)
    reading = fakes.Metered(known, unknown).lap(10.0, 1_000, 1_000)
    assert reading.components[0].error_j == pytest.approx(60.0)  # 100 W x 0.1 s, and 5 %
    assert reading.components[1].error_j is None
    assert "cpu 1.00 kJ ± 6 % (measured, known)" in str(reading)
    assert "dram 1.00 kJ (measured, unknown)" in str(reading)


def test_short_windows_are_told_once_with_their_number_and_the_shortest(fakes):
    one = fakes.Metered(fakes.Counter("a", update_period_s=0.1), fakes.Counter("b"))
    laps = [one.lap(duration_s, 1.0, 1.0) for duration_s in (0.3, 0.04, 2.0, 0.4, 0.2)]
    [single] = laps[0].warnings
    assert single == "a: window of 0.3 s is below 5 update periods of 0.1 s"
    told = "a: 4 windows below 5 update periods of 0.1 s, the shortest 0.04 s"
    total = sum(laps, Reading())
    assert total.warnings == (told,)
    assert (total + laps[0]).warnings == (told.replace("4 w", "5 w"),)
    assert (laps[2] + laps[2]).warnings == ()
