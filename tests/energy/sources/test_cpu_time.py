"""With one watt per core, joules are CPU-seconds."""

import os
import resource
import signal
import subprocess
import sys
import time

import psutil
import pytest

from perjoule.energy import EnergyMeter, Kind, Scope
from perjoule.energy.sources.cpu.time import SCAN_PERIOD_S, CpuTimeSource

PYTHON = (sys.executable, "-S", "-c")
BUSY = "while True: pass"
TICK_S = 0.01
"""The kernel reports the time of other processes in such steps."""


def burn(cpu_s: float) -> float:
    """Use CPU time; return how much it was."""
    start_s = time.process_time()
    while time.process_time() < start_s + cpu_s:
        pass
    return time.process_time() - start_s


class Watched:
    """A source that looks for descendants at each reading, at one watt per core."""

    def __init__(self, fakes) -> None:
        self.clock, self._wait_for = fakes.Clock(), fakes.wait_for
        self.source = CpuTimeSource(1.0, clock=self.clock)

    def read(self) -> float:
        self.clock.now += SCAN_PERIOD_S
        return self.source.read()

    def wait_until(self, energy_j: float) -> None:
        self._wait_for(lambda: self.read() >= energy_j)

    def settled(self) -> float:
        """The reading after scans that see all that ended before."""
        return [self.read() for _ in range(4)][-1]


@pytest.fixture
def watched(fakes) -> Watched:
    return Watched(fakes)


def test_own_work_is_counted_and_waiting_is_not():
    window = EnergyMeter("cpu_time:50").window()
    used_s = burn(0.1)
    [working] = window.lap().components
    time.sleep(0.3)
    [waiting] = window.lap().components
    assert 0 <= working.energy_j / 50 - used_s < 0.05
    assert waiting.energy_j / 50 < 0.05
    identity = (working.kind, working.scope, working.gain_error)
    assert identity == (Kind.MODELLED, Scope.PROCESS, 0.43)


def test_a_childs_work_is_counted_while_it_runs_and_stays_counted_when_it_ended(watched):
    before_j, own_s = watched.settled(), time.process_time()
    reaped_s = _reaped_s()
    with subprocess.Popen([*PYTHON, BUSY]) as child:
        watched.wait_until(before_j + 0.3)
        child.kill()
        while psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)  # not waited for yet
        zombie_j = watched.settled()
        assert zombie_j >= before_j + 0.3
        assert child.wait() == -signal.SIGKILL  # the meter has not waited for it in our stead
        after_j = watched.settled()
    expected_j = _reaped_s() - reaped_s + time.process_time() - own_s
    assert after_j >= zombie_j
    assert after_j - before_j == pytest.approx(expected_j, abs=4 * TICK_S)


def test_descendants_that_nobody_waits_for_do_not_hide_later_work(watched):
    before_j = watched.read()
    script = f"import subprocess, sys; p = subprocess.Popen({[*PYTHON, BUSY]!r}); sys.stdin.read()"
    command = [*PYTHON, script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, process_group=0) as child:
        watched.wait_until(before_j + 0.5)
        os.killpg(child.pid, signal.SIGKILL)  # the grandchild's time is told to nobody of ours
    gone_j = watched.settled()
    assert gone_j >= before_j + 0.5
    assert watched.read() - gone_j < 0.05
    used_s = burn(0.2)
    assert used_s <= watched.read() - gone_j < used_s + 0.05


def test_a_child_that_is_missing_for_a_moment_is_not_counted_twice(fakes):
    # A child of 100 s ends, and its parent is told a moment later; then one of 50 s is orphaned.
    shown_s = iter([100.0, 0.0, 101.0, 151.0, 101.0, 101.0, 103.0])
    more_s = [100.0, 0.0, 1.0, 50.0, 0.0, 0.0, 2.0]
    clock = fakes.Clock()
    source = CpuTimeSource(1.0, lambda process: next(shown_s), clock)
    expected_j = 0.0
    for more in more_s:
        clock.now += SCAN_PERIOD_S
        expected_j += more
        assert source.read() - time.process_time() == pytest.approx(expected_j, abs=0.05)


def test_children_that_cannot_be_looked_at_make_the_reading_fail():
    def denied(pid: int) -> float:
        raise psutil.AccessDenied(pid)

    reading = EnergyMeter([CpuTimeSource(1.0, denied)]).window().close()
    assert reading.total_j is None
    assert "CPU times of child processes" in reading.warnings[0]


def _reaped_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def test_a_child_that_was_waited_for_is_counted_at_once():
    window = EnergyMeter("cpu_time:1").window()  # scans for children, and not again for a while
    before_s = _reaped_s()
    subprocess.run([*PYTHON, "sum(range(1_000_000))"], check=True)
    child_s, energy_j = _reaped_s() - before_s, window.close().total_j
    assert child_s > 0
    assert 0 <= energy_j - child_s < 0.2
