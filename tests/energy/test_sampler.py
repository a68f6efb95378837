"""The background thread of a meter, and meters in forked children."""

import gc
import os
import signal
import threading
import time

import pytest

from perjoule.energy import EnergyMeter
from perjoule.energy.sampler import THREAD_NAME


def threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == THREAD_NAME}


def test_the_background_thread_ends_with_its_meter(fakes):
    others = threads()
    closed = EnergyMeter([fakes.Power(lambda: 50.0)])
    [first] = threads() - others
    dropped = EnergyMeter([fakes.Power(lambda: 50.0)])
    [second] = threads() - others - {first}
    closed.close()
    fakes.wait_for(lambda: not first.is_alive())
    assert second.is_alive()
    del dropped
    gc.collect()
    fakes.wait_for(lambda: not second.is_alive())


@pytest.mark.thorough
def test_the_background_thread_does_each_task_when_it_is_due_and_survives_every_exception(fakes):
    n_calls = {"often": 0, "seldom": 0}
    failures = {"often": [fakes.failure, ValueError("bug")], "seldom": [KeyError("bug")]}

    def tended(name: str, period_s: float):
        def tend() -> float:
            n_calls[name] += 1
            if failures[name]:
                raise failures[name].pop()
            return period_s

        counter = fakes.Counter(name)
        counter.tasks = lambda: [tend]
        return counter

    with EnergyMeter([tended("often", 0.01), tended("seldom", 3_600.0)]):
        fakes.wait_for(lambda: n_calls["often"] >= 10)
    assert n_calls["seldom"] <= 2


def test_counters_are_watched_while_a_window_is_open_and_not_otherwise(fakes):
    class Counter(fakes.Counter):
        n_reads = 0

        def read(self) -> float:
            self.n_reads += 1
            self.energy_j += 1.0
            return super().read()

    counter = Counter()
    meter = EnergyMeter([counter])
    for end in ("close", "drop"):
        window = meter.window()
        before = counter.n_reads
        fakes.wait_for(lambda before=before: counter.n_reads >= before + 3)
        if end == "close":
            window.close()
        del window
        fakes.wait_for(lambda: meter.watch.asleep)
        before = counter.n_reads
        time.sleep(0.15)
        assert counter.n_reads == before
    meter.close()


def test_what_needs_no_watch_has_no_thread():
    others = threads()
    with EnergyMeter("model"):
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
                fakes.wait_for(lambda: power.n_reads >= n_reads + 3)
            return window.reading.total_j / window.reading.duration_s

        assert float(in_forked_child(work)) == pytest.approx(50.0, rel=0.2)
        assert work() == pytest.approx(50.0, rel=0.2)  # and the parent goes on


@needs_fork
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_a_fork_amid_a_reading_does_not_hang_the_child(fakes):
    reading, go_on, made = threading.Event(), threading.Event(), threading.Event()
    main, parent = threading.current_thread(), os.getpid()

    def power_w() -> float:
        if made.is_set() and threading.current_thread() is not main and os.getpid() == parent:
            reading.set()
            go_on.wait(10.0)
        return 50.0

    def work() -> object:
        signal.alarm(10)
        return isinstance(meter.snapshot().values[0], float)

    with EnergyMeter([fakes.Power(power_w)]) as meter:
        made.set()
        assert reading.wait(10.0)  # the background thread holds the source
        assert in_forked_child(work) == "True"
        go_on.set()


@needs_fork
def test_a_process_has_no_joules_of_another(fakes):
    meter = EnergyMeter("cpu_time:5")
    window = meter.window()
    assert "another process" in in_forked_child(lambda: window.reading.warnings[0])
    assert window.close().total_j is not None
