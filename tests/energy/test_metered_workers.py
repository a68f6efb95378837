"""Metered functions and windows around work in other processes, with joblib and PyTorch."""

import multiprocessing
import resource
import time
from typing import Any

import joblib
import pytest
import torch

from perjoule.energy import EnergyMeter, Kind, Reading, Scope, Source, SourceInfo
from perjoule.energy import meter as meters
from perjoule.energy.metered import _automatic_meter, metered
from perjoule.energy.sources import resolve as resolving
from perjoule.energy.sources.cpu.power import cpu_power

WATTS = 10.0
BURN_S = 0.15


def burn(cpu_s):
    end = time.thread_time() + cpu_s
    while time.thread_time() < end:
        pass
    return cpu_s


@metered
def decorated(cpu_s):
    return burn(cpu_s)


class Slow(torch.utils.data.Dataset):
    """Each sample takes 50 ms of CPU time."""

    def __len__(self):
        return 12

    def __getitem__(self, index):
        return burn(0.05)


@pytest.fixture
def meter():
    with EnergyMeter(f"cpu_time:{WATTS}") as meter:
        yield meter


@pytest.mark.conformance
@pytest.mark.parametrize("is_by_value", [True, False])
def test_joblib_s_processes_give_each_call_s_joules_back(is_by_value):
    function = metered(burn) if is_by_value else decorated
    delayed = joblib.delayed(function.with_reading)
    with joblib.parallel_config("loky", n_jobs=2):
        pairs: Any = joblib.Parallel()(delayed(BURN_S) for _ in range(4))
        assert joblib.Parallel()([joblib.delayed(function)(0.0)]) == [0.0]
    assert [value for value, _ in pairs] == [BURN_S] * 4
    readings = [reading for _, reading in pairs]
    least_j = BURN_S * cpu_power().watts_per_core
    assert all(each.total_j >= 0.99 * least_j for each in readings)
    assert {each.kind for each in readings} == {"modelled"}
    firsts = sum("first call" in word for each in readings for word in each.warnings)
    assert 1 <= firsts <= 2  # one of each process, however often it is sent there
    assert sum(readings, Reading()).total_j == pytest.approx(sum(r.total_j for r in readings))
    assert function.reading is None  # no call was made in this process


def test_joblib_s_threads_share_what_overlaps(meter):
    function = metered(burn, meter=meter)
    calls = (joblib.delayed(function.with_reading)(BURN_S) for _ in range(4))
    pairs: Any = joblib.Parallel(n_jobs=2, prefer="threads")(calls)
    for _, reading in pairs:
        assert reading.total_j == pytest.approx(BURN_S * WATTS, rel=0.2)
    assert function.total.total_j == pytest.approx(sum(r.total_j for _, r in pairs), rel=0.1)


def test_a_meter_that_is_sent_to_a_process_says_what_to_do(meter):
    function = metered(lambda: None, meter=meter)
    with pytest.raises(Exception, match="Could not pickle") as raised:
        joblib.Parallel(n_jobs=2)(joblib.delayed(function)() for _ in range(2))
    assert "make one there" in str(raised.value.__cause__)


def test_processors_are_split_among_workers_and_other_hardware_is_marked(monkeypatch):
    class Whole(Source):
        def __init__(self, scope, component):
            name = f"whole:{scope}"
            self.info = SourceInfo(name, component, Kind.MEASURED, scope, name)

        def read(self):
            return time.monotonic()

    def joules_of(*whole):
        monkeypatch.setattr(meters, "resolve", resolve_to(whole))
        _automatic_meter.cache_clear()
        return metered(burn).with_reading(0.01)[1].components

    def resolve_to(whole):
        def resolve(spec, machine, *, shared):
            sources = [Whole(*each) for each in whole]
            return list(map(resolving._share, sources)) if shared else sources

        return resolve

    package, board = (Scope.PACKAGE, "cpu"), (Scope.BOARD, "gpu")
    assert [part.kind for part in joules_of(package)] == [Kind.MEASURED]
    monkeypatch.setattr(multiprocessing.current_process(), "_name", "Worker-1")
    [part] = joules_of(package)
    assert (part.source, part.scope) == ("whole:package:share", Scope.PROCESS)
    for part in joules_of(package, board):
        assert part.kind is Kind.MEASURED
        assert any("must not be added up" in word for word in part.warnings)
    _automatic_meter.cache_clear()


@pytest.mark.conformance
@pytest.mark.parametrize("keeps_workers", [False, True])
def test_workers_of_a_data_loader_are_counted_within_a_tenth(meter, keeps_workers):
    loader = torch.utils.data.DataLoader(
        Slow(), batch_size=2, num_workers=2, persistent_workers=keeps_workers
    )
    epoch = metered(lambda: sum(len(batch) for batch in loader), meter=meter)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with meter.window() as window:
        own_s = -time.process_time()
        assert epoch() == 12
        if keeps_workers:
            time.sleep(1)  # a living worker's last moments show up to a scan late
            assert epoch() == 12
            time.sleep(1)
        own_s += time.process_time()
    loader._iterator = None  # ends the workers, which are waited for
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    children_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert children_s >= 0.6 * (1 + keeps_workers)
    assert window.reading.total_j / WATTS == pytest.approx(own_s + children_s, rel=0.1)
    if keeps_workers:  # what they did last shows up between the calls
        assert 0 < epoch.total.total_j <= window.reading.total_j
    else:
        assert epoch.total.total_j == pytest.approx(window.reading.total_j, rel=0.1)
