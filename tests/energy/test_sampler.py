"""The background thread of a meter, and meters in forked children."""

import gc
import os
import signal
import threading
import time

import pytest

from perjoule.energy import EnergyMeter
from perjoule.energy.sampler import THREAD_NAME


def wait_for(condition) -> bool:
    deadline = time.perf_counter() + 10.0
    while not condition() and time.perf_counter() < deadline:
        time.sleep(0.01)
    return condition()


def threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == THREAD_NAME}


def test_the_background_thread_survives_every_exception(fakes):
    failures = iter([fakes.failure, ValueError("bug"), KeyError("bug")])

    def power_w() -> float:
        failure = next(failures, None) if threading.current_thread().daemon else None
        if failure is not None:
            raise failure
        return 50.0

    power = fakes.Power(power_w)
    with EnergyMeter([power]) as meter:
        n_reads = power.n_reads
        assert wait_for(lambda: power.n_reads >= n_reads + 4)
        assert next(failures, None) is None
        assert meter.reading.total_j


def test_the_background_thread_ends_with_its_meter(fakes):
    others = threads()
    closed = EnergyMeter([fakes.Power(lambda: 50.0)])
    [first] = threads() - others
    dropped = EnergyMeter([fakes.Power(lambda: 50.0)])
    [second] = threads() - others - {first}
    closed.close()
    assert wait_for(lambda: not first.is_alive())
    assert second.is_alive()
    del dropped
    gc.collect()
    assert wait_for(lambda: not second.is_alive())


def test_the_background_thread_does_each_task_when_it_is_due(fakes):
    class Tended(fakes.Counter):
        def __init__(self, name: str, period_s: float) -> None:
            super().__init__(name)
            self.period_s, self.n_tends = period_s, 0

        def tasks(self):
            return [self.tend]

        def tend(self) -> float:
            self.n_tends += 1
            if self.n_tends == 1:
                raise ValueError("bug")
            return self.period_s

    often, seldom = Tended("often", 0.01), Tended("seldom", 3_600.0)
    with EnergyMeter([often, seldom]):
        assert wait_for(lambda: often.n_tends >= 10)
    assert seldom.n_tends <= 2


def test_counters_are_read_at_window_edges_only(fakes):
    others = threads()
    with EnergyMeter([fakes.Counter()]):
        assert not threads() - others


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def in_forked_child(work) -> str:
    """What a function returns in a forked child."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(theirs, str(work()).encode())
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours) as answer:
        text = answer.read()
    os.waitpid(child, 0)
    return text


@needs_fork
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_a_forked_child_samples_on_its_own(fakes):
    power = fakes.Power(lambda: 50.0)
    with EnergyMeter([power]) as meter:

        def work() -> object:
            with meter.window() as window:
                n_reads = power.n_reads
                assert wait_for(lambda: power.n_reads >= n_reads + 3)
            return window.reading.total_j / window.reading.duration_s

        assert float(in_forked_child(work)) == pytest.approx(50.0, rel=0.2)
        n_reads = power.n_reads
        assert wait_for(lambda: power.n_reads >= n_reads + 3)  # and the parent goes on


@needs_fork
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_a_fork_amid_a_reading_does_not_hang_the_child(fakes):
    reading, go_on = threading.Event(), threading.Event()
    main, parent = threading.current_thread(), os.getpid()
    made = False

    def power_w() -> float:
        if made and threading.current_thread() is not main and os.getpid() == parent:
            reading.set()
            go_on.wait(10.0)
        return 50.0

    with EnergyMeter([fakes.Power(power_w)]) as meter:
        made = True
        assert reading.wait(10.0)  # the background thread holds the source

        def work() -> object:
            signal.alarm(10)
            return isinstance(meter.snapshot().values[0], float)

        assert in_forked_child(work) == "True"
        go_on.set()


@needs_fork
def test_a_process_has_no_joules_of_another(fakes):
    meter = EnergyMeter("cpu_time:5")
    window = meter.window()
    assert "another process" in in_forked_child(lambda: window.reading.warnings[0])
    assert window.close().total_j is not None
