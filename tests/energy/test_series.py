import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import perjoule
from perjoule.energy.series import Series
from perjoule.errors import ConfigurationError, OutputError, SourceError

COLUMNS = ["time_s", "at", "source", "component", "kind", "scope", "energy_j", "power_w", "note"]


class Recording:
    """A series of fake counters, sampled when told."""

    def __init__(self, fakes, *sources, **given) -> None:
        self.clock = fakes.Clock()
        self.sources = sources or (fakes.Counter(max_power_w=1e9),)
        self.counter = self.sources[0]
        self.series = Series(self.sources, clock=self.clock, **given)

    def sample(self, energy_j=None, after_s=1.0, failure=None) -> float:
        """Sample, after seconds of the clock."""
        self.clock.now += after_s
        self.counter.failure = failure
        if energy_j is not None:
            self.counter.energy_j = energy_j
        return self.series.sample()

    def sample_all(self, *samples) -> None:
        """Sample joules once a second, an error that is raised, or a counter that was reset."""
        for each in samples:
            if isinstance(each, Exception):
                self.sample(failure=each)
            elif each == "reset":
                self.counter.resets += 1
            else:
                self.sample(each)

    def column(self, name, source="fake") -> list:
        rows = self.series.table().to_pylist()
        return [row[name] for row in rows if row["source"] == source]

    def columns(self) -> tuple[list, list, list]:
        return self.column("energy_j"), self.column("power_w"), self.column("note")


@pytest.fixture
def recording(fakes):
    return Recording(fakes)


def test_energy_counts_from_the_first_sample_and_power_is_its_mean_between_two(recording):
    for energy_j, after_s in [(100.0, 0.0), (150.0, 1.0), (150.0, 1.0), (180.0, 2.0)]:
        assert recording.sample(energy_j, after_s) == 1.0
    assert recording.column("time_s") == [0.0, 1.0, 2.0, 4.0]
    energies_j, powers_w, notes = recording.columns()
    assert energies_j == [0.0, 50.0, 50.0, 80.0]
    assert powers_w == [None, 50.0, 0.0, 15.0]
    assert notes == [None] * 4


def test_the_first_row_is_dated_and_the_others_follow_on_the_monotonic_clock(recording):
    before = datetime.now(UTC)
    recording.sample()
    after = datetime.now(UTC)
    recording.sample(after_s=1.5)
    first, second = recording.column("at")
    assert before - timedelta(microseconds=1) <= first <= after
    assert second - first == timedelta(seconds=1.5)


LOST = "fake: energy since the first sample is not known (it failed, or count was lost)"
BUS, BUG = SourceError("bus error"), ZeroDivisionError("oops")
FAILED, BROKEN = "fake: bus error", "fake: unexpected ZeroDivisionError: oops"


@pytest.mark.parametrize(
    ("samples", "energies_j", "powers_w", "notes"),
    [
        (
            *((100.0, BUS, BUG, 160.0), (0.0, None, None, 60.0)),
            *((None, None, None, 20.0), (None, FAILED, BROKEN, None)),  # the next power bridges it
        ),
        ((BUS, 100.0, 130.0), (None,) * 3, (None, None, 30.0), (FAILED, LOST, LOST)),
        (
            *((100.0, 120.0, "reset", 125.0, 165.0), (0.0, 20.0, None, None)),
            *((None, 20.0, None, 40.0), (None, None, LOST, LOST)),
        ),
        *(  # a counter that falls or leaps has lost count
            ((100.0, at, at + 5.0), (0.0, None, None), (None, None, 5.0), (None, LOST, LOST))
            for at in (90.0, 1e12)
        ),
    ],
)
def test_what_is_not_known_is_null_with_its_reason(recording, samples, energies_j, powers_w, notes):
    recording.sample_all(*samples)
    assert tuple(map(tuple, recording.columns())) == (energies_j, powers_w, notes)


def test_a_sample_close_to_the_latest_takes_its_place(recording):
    recording.sample(100.0)
    recording.sample(100.0, after_s=0.001)  # as when a thread starts
    recording.sample_all(150.0, 160.0)
    recording.sample(163.0, after_s=0.2)  # as at the end
    assert recording.column("time_s") == pytest.approx([0.0, 1.001, 2.201])
    assert recording.column("energy_j") == [0.0, 50.0, 63.0]


def test_a_reason_goes_with_its_sample(recording):
    recording.sample_all(100.0, 150.0, SourceError("bus error"))
    recording.sample(210.0, after_s=0.2)
    assert recording.column("note") == [None] * 3
    assert recording.column("power_w")[-1] == pytest.approx(50.0)


@pytest.mark.parametrize(("after_s", "power_w"), [(0.1, pytest.approx(30.0)), (0.0, None)])
def test_a_short_series_has_both_its_ends_and_no_power_without_time_between(
    recording, after_s, power_w
):
    recording.sample(100.0)
    recording.sample(103.0, after_s)
    assert recording.columns()[:2] == ([0.0, 3.0], [None, power_w])


def test_all_sources_are_in_the_table_with_their_identity(fakes):
    recording = Recording(fakes, fakes.Counter("one"), fakes.Counter("two", component="gpu"))
    recording.sample_all(100.0, 101.0)
    table = recording.series.table()
    assert table.column_names == COLUMNS
    identities = [table[name].to_pylist() for name in ("source", "component", "kind", "scope")]
    one, two = ("one", "cpu", "measured", "package"), ("two", "gpu", "measured", "package")
    assert list(zip(*identities, strict=True)) == [one, one, two, two]
    assert recording.column("energy_j", "two") == [0.0, 0.0]


def test_a_long_series_halves_its_resolution_and_says_so(fakes):
    counters = fakes.Counter("fake"), fakes.Counter("other")
    recording = Recording(fakes, *counters, period_s=0.5, max_values=16)
    period_s = 0.5
    for number in range(60):
        failure = SourceError(f"failure {number}") if number % 8 == 4 else None
        period_s = recording.sample(100.0 + recording.clock.now, period_s, failure)
    assert recording.series.period_s == period_s > 0.5
    times = recording.column("time_s")
    assert 4 <= len(times) <= 8
    assert np.diff(times) == pytest.approx(period_s)
    assert times[-1] + times[1] > recording.clock.now - 1_000.5 - period_s
    kept = f"one sample in {period_s / 0.5:g} kept, of one every 0.5 s"
    assert recording.series.table().schema.metadata[b"perjoule.resolution"].decode() == kept
    energies_j, _, notes = recording.columns()
    assert [energy_j is None for energy_j in energies_j] == [note is not None for note in notes]


def test_the_file_has_plain_columns_and_says_where_it_is_from(recording, tmp_path):
    recording.sample_all(100.0, SourceError("bus error"))
    recording.series.write(tmp_path / "series.parquet")
    read = pq.read_table(tmp_path / "series.parquet")
    assert read.to_pylist() == recording.series.table().to_pylist()
    types = [str(read.schema.field(name).type) for name in ("at", "source", "note", "power_w")]
    assert types == ["timestamp[us, tz=UTC]", "string", "string", "double"]
    version = perjoule.__version__.encode()
    assert read.schema.metadata == {b"perjoule.version": version, b"perjoule.period_s": b"1.0"}


def test_a_series_without_samples_or_sources_is_an_empty_table(recording, tmp_path):
    nothing = Series([])
    nothing.sample()
    for series in (recording.series, nothing):
        series.write(tmp_path / "series.parquet", force=True)
        assert pq.read_table(tmp_path / "series.parquet").shape == (0, len(COLUMNS))


def test_a_file_that_is_there_is_only_written_over_by_force(recording, tmp_path):
    path = tmp_path / "series.parquet"
    path.write_text("a week of work")
    with pytest.raises(OutputError, match=r"series\.parquet is there already: add --force"):
        recording.series.write(path)
    assert path.read_text() == "a week of work"
    recording.series.write(path, force=True)
    assert pq.read_table(path).num_rows == 0


def test_a_file_that_cannot_be_written_is_named_and_leaves_no_half(recording, tmp_path):
    recording.sample()
    for path in (tmp_path / "none" / "series.parquet", tmp_path):
        with pytest.raises(OutputError, match=r"give a(nother name| folder that exists)") as told:
            recording.series.write(path)
        assert str(path) in str(told.value)
    assert list(tmp_path.iterdir()) == []
    assert not list(tmp_path.parent.glob(f".{tmp_path.name}*"))


@pytest.mark.parametrize("period_s", [0.0, -1.0, float("nan"), float("inf")])
def test_a_period_is_above_zero(period_s):
    with pytest.raises(ConfigurationError, match="seconds above zero"):
        Series([], period_s)


def test_a_file_can_be_written_while_sampling_goes_on(fakes, tmp_path):
    counter = fakes.Counter(max_power_w=1e12)
    series = Series([counter, counter], period_s=1e-9, max_values=200)
    stop = threading.Event()

    def sample():
        while not stop.wait(1e-4):
            counter.energy_j += 1.0
            series.sample()

    with ThreadPoolExecutor(1) as threads:
        sampling = threads.submit(sample)
        try:
            for _ in range(10):
                series.write(tmp_path / "series.parquet", force=True)
                energies_j = pq.read_table(tmp_path / "series.parquet")["energy_j"].to_numpy()
                assert len(energies_j) % 2 == 0
                assert (np.diff(energies_j[: len(energies_j) // 2]) > 0).all()
        finally:
            stop.set()
    assert sampling.result() is None


STEP = st.tuples(
    st.floats(0.5, 100.0),  # seconds
    st.one_of(st.none(), st.floats(0.0, 1e6)),  # joules, None where the reading fails
)


@given(st.lists(STEP, max_size=40), st.sampled_from([6, 10, 1_000]))
def test_power_times_time_is_energy_whatever_fails_or_is_dropped(fakes, steps, max_values):
    recording = Recording(fakes, max_values=max_values)
    recording.sample(100.0)
    for after_s, step_j in steps:
        failure = BUS if step_j is None else None
        recording.sample(recording.counter.energy_j + (step_j or 0.0), after_s, failure)
    rows = recording.series.table().to_pylist()
    good = [row for row in rows if row["energy_j"] is not None]
    assert {row["note"] for row in rows if row["energy_j"] is None} <= {FAILED}
    assert rows[0]["energy_j"] == 0.0
    steps_s = [(row["power_w"], row["time_s"] - last["time_s"]) for last, row in pairwise(good)]
    integral_j = sum(power_w * step_s for power_w, step_s in steps_s)
    assert integral_j == pytest.approx(good[-1]["energy_j"], rel=1e-9, abs=1e-6)
    assert len(rows) <= max_values
