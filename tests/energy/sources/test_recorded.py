"""Recorded traces, played and integrated."""

from itertools import accumulate, pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perjoule.energy import EnergyMeter, Kind, Scope
from perjoule.energy.sources.recorded.files import read_trace
from perjoule.energy.sources.recorded.source import RecordedSource
from perjoule.energy.sources.recorded.trace import Trace
from perjoule.errors import DataError, SourceError

steps = st.lists(st.tuples(st.floats(1e-3, 1e3), st.floats(0.0, 1e4)), min_size=2, max_size=30)
shares = st.lists(st.floats(0.0, 1.0), min_size=2, max_size=6).map(sorted)


def powers(steps: list[tuple[float, float]]) -> Trace:
    times_s = accumulate((step_s for step_s, _ in steps[1:]), initial=0.0)
    return Trace(tuple(times_s), power_w=tuple([power_w for _, power_w in steps]))


def counter(steps: list[tuple[float, float]]) -> Trace:
    trace = powers(steps)
    return Trace(trace.times_s, counter_j=tuple(accumulate(trace.power_w)))


def line(times_s: list[float], start_w: float, slope_w: float) -> Trace:
    return Trace(tuple(times_s), power_w=tuple([start_w + slope_w * at for at in times_s]))


@pytest.fixture
def write(tmp_path):
    def write(text: str) -> Path:
        (tmp_path / "trace.csv").write_text(text)
        return tmp_path / "trace.csv"

    return write


@given(trace=st.one_of(steps.map(powers), steps.map(counter)), shares=shares)
def test_adjacent_intervals_add_up(trace, shares):
    moments = [share * trace.duration_s for share in shares]
    parts = [trace.energy_j(a, b) for a, b in pairwise(moments)]
    whole_j = trace.energy_j(moments[0], moments[-1])
    assert min(parts) >= -1e-9 * trace.energy_j()
    assert sum(parts) == pytest.approx(whole_j, rel=1e-9, abs=1e-9 * trace.energy_j())


@given(steps=steps, slope_w=st.just(0.0) | st.floats(0.0, 10.0), shares=shares)
def test_a_linear_power_is_exact_however_it_was_sampled(steps, slope_w, shares):
    times_s = list(powers(steps).times_s)
    trace = line(times_s, 5.0, slope_w)
    start_s, end_s = shares[0] * times_s[-1], shares[-1] * times_s[-1]
    expected_j = (end_s - start_s) * (5.0 + slope_w * (start_s + end_s) / 2)
    assert trace.energy_j(start_s, end_s) == pytest.approx(expected_j, rel=1e-9, abs=1e-6)


@given(trace=steps.map(powers), share=st.floats(0.0, 1.0), shares=shares)
def test_one_more_sample_on_a_line_changes_nothing(trace, share, shares):
    index = round(share * (len(trace.times_s) - 2))
    (a, b), (p, q) = trace.times_s[index : index + 2], trace.power_w[index : index + 2]
    finer = Trace(
        (*trace.times_s[: index + 1], a + (b - a) / 2, *trace.times_s[index + 1 :]),
        (*trace.power_w[: index + 1], (p + q) / 2, *trace.power_w[index + 1 :]),
    )
    start_s, end_s = shares[0] * trace.duration_s, shares[-1] * trace.duration_s
    expected_j = pytest.approx(trace.energy_j(start_s, end_s), rel=1e-9, abs=1e-6)
    assert finer.energy_j(start_s, end_s) == expected_j


def test_a_counter_is_a_line_between_its_readings():
    trace = Trace((0.0, 2.0, 3.0), counter_j=(100.0, 120.0, 150.0))
    assert trace.energy_j() == 50.0
    assert trace.energy_j(1.0, 2.5) == 10.0 + 15.0


@pytest.mark.parametrize(("start_s", "end_s"), [(-1.0, 1.0), (0.0, 2.5), (1.5, 1.0)])
def test_moments_outside_the_trace_are_refused(start_s, end_s):
    trace = Trace((0.0, 2.0), power_w=(1.0, 1.0))
    for take in (trace.energy_j, trace.between):
        with pytest.raises(DataError, match="is not within the trace of 2 s"):
            take(start_s, end_s)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"times_s": (0.0,), "power_w": (1.0,)}, "give two or more times"),
        ({"times_s": (0.0, 1.0)}, "give two or more times with either"),
        ({"times_s": (0.0, 1.0), "power_w": (1.0,)}, "give two or more times with either"),
        ({"times_s": (1.0, 2.0), "power_w": (1.0, 1.0)}, "must start at 0"),
        ({"times_s": (0.0, 2.0, 1.0), "power_w": (1.0, 1.0, 1.0)}, "never fall"),
        ({"times_s": (0.0, 1.0), "counter_j": (2.0, 1.0)}, "the counter falls"),
    ],
)
def test_readings_that_are_no_trace_are_refused(fields, reason):
    with pytest.raises(DataError, match=reason):
        Trace(**fields)


@pytest.mark.parametrize(
    ("text", "column", "energy_j", "component"),
    [
        ("time_s,power_w|0,100|2,100", None, 200.0, "node"),
        ("time_s,gpu_power_mw|7,100|9,100", None, 0.2, "gpu"),
        ("time_ms,power_kw|0,1|500,1", None, 500.0, "node"),
        ("timestamp,cpu_power|1670234142.5,10|1670234144.5,20", None, 30.0, "cpu"),
        ("timestamp,draw|2022-12-05 09:00:00,10 W|2022-12-05 09:00:10,.01 kW", None, 100, "node"),
        ("timestamp,P [W]|2022/12/05 09:00:00.500,4|2022/12/05 09:00:01,4", None, 2.0, "node"),
        ("time,a_w|2022-12-05T09:00:00+01:00,4|2022-12-05T08:00:02Z,4", None, 8.0, "node"),
        ("time_s,energy_j|0,5|1,5|2,7", None, 2.0, "node"),
        ("time_s,dram_energy_uj|0,0|1,2e6", None, 2.0, "dram"),
        ("time_s,package-0 energy_mj|0,0|1,500", None, 0.5, "cpu"),
        ("time_s,Total (kWh)|0,1|1,1.5", None, 1.8e6, "node"),
        ("time_s,energy (MJ)|0,1|1,3", None, 2e6, "node"),
        ("time_s,cpu_w,gpu_w|0,1,2|1,1,2", "gpu_w", 2.0, "gpu"),
        ("time_s,power_w,max_power_w|0,1,9|1,1,9", None, 1.0, "node"),
        ("time_s,power_w,max_power_w|0,1,9|1,1,9", "max_power_w", 9.0, "node"),
        ("\ufefftime_s,power_w|0,1||1,1", None, 1.0, "node"),
    ],
)
def test_columns_are_read_in_the_units_they_tell(write, text, column, energy_j, component):
    trace = read_trace(write(text.replace("|", "\n") + "\n"), column)
    assert trace.energy_j() == pytest.approx(energy_j, rel=1e-6)
    assert trace.component == component
    assert trace.kind is (Kind.INTEGRATED if trace.power_w else Kind.MEASURED)


@pytest.mark.parametrize("identity", ["{}", "GPU-{}"])
def test_one_of_several_gpus_is_named_by_its_index_or_uuid(write, identity):
    first, second = identity.format(0), identity.format(1)
    cells = "2022/12/05 09:00:0{}.000, Card, {}.00 W, 300.00 W, {}\n"
    rows = [cells.format(at, w, gpu) for at in range(4) for gpu, w in ((first, 10), (second, 20))]
    path = write("timestamp, name, power.draw [W], power.limit [W], index\n" + "".join(rows))
    assert read_trace(path, first).energy_j() == 30.0
    trace = read_trace(path, f"power.draw [W]@{second}")
    assert trace.energy_j() == 60.0
    assert trace.name == f"{path}#power.draw [W]@{second}"
    several = rf"index: rows of several devices, {first}, {second}: name .*trace.csv#{first}"
    with pytest.raises(DataError, match=several):
        read_trace(path)
    none = rf"no column or device '7'.* and devices Card, {first}, {second}"
    with pytest.raises(DataError, match=none):
        read_trace(path, "7")


@pytest.mark.parametrize("apart_s", [0.0, 0.004])
def test_devices_that_nothing_tells_apart_are_suspected(apart_s):
    times_s = [second + device * apart_s for second in range(4) for device in range(2)]
    trace = Trace(tuple(times_s), power_w=(10.0, 20.0) * 4)
    [_, warning] = RecordedSource(trace).info.warnings
    assert "4 readings come right after the one before" in warning


def test_a_column_that_numbers_the_rows_is_no_device(write):
    assert read_trace(write("index,time_s,power_w\n0,0,1\n1,1,1\n2,2,1\n")).energy_j() == 2.0


def test_a_part_keeps_the_readings_inside_and_starts_with_the_first():
    trace = Trace((0.0, 1.0, 2.0, 3.5, 5.0), power_w=(9.0, 1.0, 3.0, 5.0, 9.0), component="gpu")
    part = trace.between(1.0, 4.5)
    assert (part.times_s, part.power_w) == ((0.0, 1.0, 2.5), (1.0, 3.0, 5.0))
    assert (part.component, part.energy_j()) == ("gpu", 2.0 + 6.0)


def test_values_that_are_not_there_are_a_gap_and_not_zero(write):
    times = [0, 1, 2, 3, 4, 9, 10, 11, 12]
    holes = {5: "[N/A]", 6: "[Unknown Error]", 7: "", 8: "nan"}
    rows = [f"{at}, {holes.get(at, '10.00 W')}\n" for at in sorted([*times, *holes])]
    trace = read_trace(write("timestamp,power.draw [W]\n" + "".join(rows)))
    assert trace.times_s == tuple(times)
    assert (trace.energy_j(), trace.largest_gap_s()) == (120.0, 5.0)
    gaps_s = [trace.largest_gap_s(*window) for window in ((0.0, 3.5), (6.0, 7.0), (9.5,))]
    assert gaps_s == [0.0, 5.0, 0.0]


@pytest.mark.parametrize(
    ("text", "column", "reason"),
    [
        ("time_s,power_w\n0,1\n2,1\n1,1\n", None, "line 4, column time_s: time runs backwards"),
        ("time_s,power_w\n0,1\nnoon,1\n", None, "line 3, column time_s: 'noon' is no time"),
        ("time_s,power_w\n0,1\n1,much\n", None, "line 3, column power_w: 'much' is no power"),
        ("time_s,power_w\n0,1\n1,5 J\n", None, "line 3, column power_w: '5 J' is no power"),
        ("time_s,power_w\n0,1\n1,-5\n", None, "line 3, column power_w: '-5' is below zero"),
        ("time_s,energy_j\n0,7\n1,5\n", None, "line 3, column energy_j: the counter falls"),
        ("time_s,power_w\n0,1\n1\n", None, "line 3: 1 cells where the header has 2"),
        ("timestamp,power_w\n1670234142500,1\n", None, "call the column time_ms"),
        ("power_w\n1\n1\n", None, "no time_s or timestamp among the columns power_w"),
        ("time_s,heat\n0,1\n1,1\n", None, "no column of power or energy .* among time_s, heat"),
        ("time_s,heat\n0,1\n1,1\n", "heat", "call it heat_w or heat_j"),
        ("time_s,a_w,b_w\n0,1,2\n1,1,2\n", None, "a_w, b_w: name one, such as .*trace.csv#a_w"),
        ("time_s,a_w\n0,1\n1,1\n", "b_w", "no column or device 'b_w': .* columns time_s, a_w"),
        ("time_s,power_w\n0,1\n1,[N/A]\n", None, "power_w: fewer than two values"),
        ("time_s,power_w\n", None, "power_w: fewer than two values"),
        ("", None, "no time_s or timestamp"),
    ],
)
def test_a_file_that_is_no_trace_says_where_and_why(write, text, column, reason):
    path = write(text)
    with pytest.raises(DataError, match=reason) as raised:
        read_trace(path, column)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize("name", ["trace.csv", "trace.parquet"])
def test_a_file_that_is_not_there_or_of_another_kind_is_refused(tmp_path, name):
    with pytest.raises(DataError, match=rf"{name}: cannot be read: No such file"):
        read_trace(tmp_path / name)
    (tmp_path / name).write_bytes(b"\xff\x00\xfe" * 10)
    with pytest.raises(DataError, match=rf"{name}: (cannot be read: |is no text)"):
        read_trace(tmp_path / name)


def test_a_source_of_a_recorded_series_is_named(tmp_path):
    columns = {
        "time_s": [0.0, 1.0, 2.0, 3.0] * 2,
        "source": ["nvml:GPU-1"] * 4 + ["cpu_time"] * 4,
        "component": ["gpu"] * 4 + ["cpu"] * 4,
        "kind": ["measured"] * 4 + ["modelled"] * 4,
        "energy_j": [0.0, 100.0, None, 400.0, 0.0, 5.0, 10.0, 15.0],
        "power_w": [None, 100.0, None, 150.0, None, 5.0, 5.0, 5.0],
    }
    series = tmp_path / "series.parquet"
    pq.write_table(pa.table(columns), series)
    gpu, cpu = read_trace(series, "nvml:GPU-1"), read_trace(series, "cpu_time")
    assert (gpu.energy_j(0.0, 2.0), gpu.component, gpu.kind) == (250.0, "gpu", Kind.MEASURED)
    assert (cpu.energy_j(), cpu.component, cpu.kind) == (15.0, "cpu", Kind.MODELLED)
    with pytest.raises(DataError, match="several devices, nvml:GPU-1, cpu_time: name one"):
        read_trace(series)


def test_a_trace_plays_in_real_time_and_ends(fakes):
    clock = fakes.Clock()
    source = RecordedSource(Trace((0.0, 2.0, 4.0, 20.0), power_w=(0.0, 20.0, 40.0, 200.0)), clock)
    for after_s, energy_j in ((5.0, 0.0), (5.0, 125.0), (15.0, 2000.0)):  # from when it is read
        clock.now += after_s
        assert source.read() == energy_j
    gaps_s = [source.largest_gap_s(clock.now - 20.0, clock.now - to_s) for to_s in (17.0, 1.0)]
    assert gaps_s == [0.0, 16.0]
    clock.now += 0.1
    with pytest.raises(SourceError, match="the trace ended after 20 s"):
        source.read()


def test_a_meter_reads_a_trace(write, fakes):
    clock = fakes.Clock()
    path = write("time_s,gpu_power_w\n0,10\n1,10\n2,10\n30,10\n")
    with EnergyMeter([RecordedSource(read_trace(path), clock)], clock=clock) as meter:
        clock.now += 20.0
        [part] = meter.reading.components
    assert part.energy_j == pytest.approx(200.0)
    assert (part.component, part.kind, part.scope) == ("gpu", Kind.INTEGRATED, Scope.BOARD)
    assert part.largest_gap_s == 28.0
    assert f"recorded:{path}#gpu_power_w: recorded, not of this machine now" in part.warnings


def test_a_recorded_counter_that_stands_or_leaps_is_unknown(tmp_path, fakes):
    for number, later_j in enumerate((lambda s: 1_000.0, lambda s: 1e5 + 100 * s)):
        path, clock = tmp_path / f"{number}.csv", fakes.Clock()
        rows = [(s / 10, 10.0 * s if s <= 100 else later_j(s / 10)) for s in range(200)]
        path.write_text("time_s,cpu_j\n" + "\n".join(f"{at},{j}" for at, j in rows))
        meter = EnergyMeter([RecordedSource(read_trace(path), clock)], clock=clock)
        window = meter.window()
        for _ in range(90):
            clock.now += 0.1
            meter.watch.look()
        assert window.reading.total_j == pytest.approx(900.0)
        for _ in range(50):
            clock.now += 0.1
            meter.watch.look()
        assert window.close().total_j is None
