"""The joules of what is done for several at once, split among them."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perjoule.energy import EnergyMeter, Kind, Scope, splitting
from perjoule.energy.splitting import SplitMeter
from perjoule.errors import SourceError

from .conftest import Clock, Counter


def test_the_example():
    assert doctest.testmod(splitting).failed == 0


@given(st.lists(st.floats(0.1, 1e3), min_size=1, max_size=8))
def test_the_parts_add_up_to_what_the_counter_counted_whoever_leaves_when(steps_j):
    clock, counter = Clock(), Counter()
    split = SplitMeter(EnergyMeter([counter], clock=clock), parts=len(steps_j))
    windows = [split.window() for _ in steps_j]
    parts_j = []
    for step_j, window in zip(steps_j, windows, strict=True):
        clock.now += 1.0
        counter.energy_j += step_j
        parts_j.append(window.close().total_j)
        split.leave()
    assert sum(parts_j) == pytest.approx(sum(steps_j))
    assert parts_j == sorted(parts_j)


def test_a_part_is_apportioned_and_says_so():
    clock, counter = Clock(), Counter()
    split = SplitMeter(EnergyMeter([counter], clock=clock), parts=2)
    window = split.window()
    clock.now += 1.0
    counter.energy_j += 8.0
    reading = window.close()
    assert (reading.total_j, reading.kind) == (4.0, "apportioned")
    assert "fake: split evenly within a stack of candidates" in reading.warnings


def test_whose_joules_they_were_is_unknown_if_they_cannot_be_read_when_one_leaves():
    clock, counter = Clock(), Counter()
    split = SplitMeter(EnergyMeter([counter], clock=clock), parts=2)
    window = split.window()
    counter.failure = SourceError("gone")
    split.leave()
    counter.failure = None
    clock.now += 1.0
    counter.energy_j += 8.0
    assert window.close().total_j is None


def test_idle_seconds_are_split_like_the_joules():
    clock, counter = Clock(), Counter()
    meter = EnergyMeter([counter], clock=clock)
    meter.idle_w = [10.0]
    split = SplitMeter(meter, parts=2)
    window = split.window()
    for _ in range(2):
        clock.now += 1.0
        counter.energy_j += 12.0
        split.leave()
    reading = window.close()
    assert reading.total_j == 6.0 + 12.0
    assert reading.net_j == pytest.approx(18.0 - (5.0 + 10.0))


def test_what_the_whole_meter_does_not_bill_a_part_does_not_either():
    clock = Clock()
    plug = Counter("plug", component="node", scope=Scope.NODE)
    model = Counter("tracker", component="node", scope=Scope.NODE, kind=Kind.MODELLED)
    split = SplitMeter(EnergyMeter([plug, model], clock=clock), parts=2)
    window = split.window()
    clock.now += 1.0
    plug.energy_j += 100.0
    model.energy_j += 90.0
    assert window.close().total_j == 50.0


def test_the_whole_meter_counts_the_operations_of_all():
    meter = EnergyMeter("model:1")
    split = SplitMeter(meter, parts=4)
    split.count_operations(8)
    assert meter.operations == split.operations == 8
