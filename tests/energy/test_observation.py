"""What watching a counter finds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perjoule.energy.observation import observe


class Hardware:
    """Hardware of one power on a clock that only sleeping moves, with a stepping counter."""

    def __init__(self, fakes, power_w: float, tick_s: float, shown_w: float | None = None) -> None:
        self.clock = fakes.Clock()
        self.power_w, self.tick_s = power_w, tick_s
        self.counter = fakes.Counter()
        self.counter.read = self._energy_j
        self.power = fakes.Power(lambda: power_w if shown_w is None else shown_w)

    def sleep(self, duration_s: float) -> None:
        self.clock.now += duration_s

    def _energy_j(self) -> float:
        if self.counter.failure is not None:
            raise self.counter.failure
        return self.power_w * self.tick_s * (self.clock.now // self.tick_s)

    def observe(self, *, with_power: bool = True, duration_s: float = 1.0):
        power = self.power if with_power else None
        return observe(self.counter, power, duration_s, self.clock, self.sleep)


@given(st.floats(1.0, 500.0), st.floats(1e-3, 0.1))
def test_step_and_power_are_seen(fakes, power_w, tick_s):
    seen = Hardware(fakes, power_w, tick_s).observe()
    assert seen.tick_s == pytest.approx(tick_s, abs=2e-4)
    assert seen.counter_w == pytest.approx(power_w, rel=tick_s + 1e-3)
    assert seen.integrated_w == pytest.approx(power_w)


def test_a_power_that_disagrees_is_seen(fakes):
    seen = Hardware(fakes, power_w=100.0, tick_s=0.01, shown_w=70.0).observe()
    assert seen.counter_w == pytest.approx(100.0, rel=0.02)
    assert seen.integrated_w == pytest.approx(70.0)


def test_hardware_without_a_power_has_only_a_counter(fakes):
    seen = Hardware(fakes, 100.0, 0.01).observe(with_power=False)
    assert seen.counter_w is not None
    assert seen.integrated_w is None


def test_a_counter_that_hardly_moves_has_no_step(fakes):
    assert Hardware(fakes, 100.0, tick_s=0.7).observe().tick_s is None


def test_a_counter_that_fails_has_no_power(fakes):
    hardware = Hardware(fakes, 100.0, 0.01)
    hardware.counter.failure = fakes.failure
    seen = hardware.observe()
    assert (seen.tick_s, seen.counter_w) == (None, None)
    assert seen.integrated_w == pytest.approx(100.0)
