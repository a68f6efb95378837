"""Energy sources whose joules a test decides."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from perjoule.energy import (
    EnergyMeter,
    Kind,
    PowerSource,
    Reading,
    Scope,
    Source,
    SourceInfo,
    Window,
)
from perjoule.energy.sources import rapl
from perjoule.errors import SourceError


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def info(name: str = "fake", **fields) -> SourceInfo:
    given = {"component": "cpu", "kind": Kind.MEASURED, "scope": Scope.PACKAGE, "detail": "fake"}
    return SourceInfo(name, **{**given, **fields})


class Counter(Source):
    """A counter that shows what it is told, or fails."""

    resets, in_use, notes = 0, True, ()  # pyright: ignore - tests set them

    def __init__(self, name: str = "fake", **fields) -> None:
        self.info = info(name, **fields)
        self.energy_j: Any = 100.0
        self.failure: Exception | None = None

    def read(self) -> Any:
        if self.failure is not None:
            raise self.failure
        return self.energy_j


class Power(PowerSource):
    """A power meter that shows a function of time, or fails."""

    resets, in_use = 0, True  # pyright: ignore - tests set them

    def __init__(self, power_w: Callable[[], float], **fields) -> None:
        given = {"kind": Kind.INTEGRATED, "update_period_s": 0.1, "max_power_w": 1e6}
        self.info = info("power", **{**given, **fields})
        self.power_w = power_w
        self.n_reads = 0

    def read_power_w(self) -> float:
        self.n_reads += 1
        return self.power_w()


class Metered:
    """Counters, by default one with these fields, a meter and a window on a clock of their own."""

    def __init__(self, *sources: Source | PowerSource, clock: Any = None, **fields) -> None:
        self.clock, self.sources = clock or Clock(), sources or (Counter(**fields),)
        self.counter: Any = self.sources[0]
        self.meter = EnergyMeter(self.sources, clock=self.clock)
        self.window = self.meter.window()

    def spend(self, duration_s: float, *energies_j: float) -> None:
        self.clock.now += duration_s
        for counter, energy_j in zip(self.sources, energies_j, strict=False):
            counter.energy_j += energy_j

    def lap(self, duration_s: float, *energies_j: float) -> Reading:
        self.spend(duration_s, *energies_j)
        return self.window.lap()


class Powercap:
    """A powercap tree."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()

    def zone(
        self, zone: str, name: str, energy_uj: object, greatest_uj: object = 262_143_328_850
    ) -> None:
        (self.root / zone).mkdir()
        (self.root / zone / "name").write_text(f"{name}\n")
        (self.root / zone / "max_energy_range_uj").write_text(f"{greatest_uj}\n")
        self.show(zone, energy_uj)

    def show(self, zone: str, energy_uj: object) -> None:
        (self.root / zone / "energy_uj").write_text(f"{energy_uj}\n")

    def lock(self, zone: str) -> None:
        """Make a zone's counter unreadable, for root too."""
        file = self.root / zone / "energy_uj"
        file.unlink()
        file.mkdir()

    def window(self) -> Window:
        """Open a window of a meter of all that is readable here."""
        return EnergyMeter(rapl.discover(self.root).sources).window()


@dataclass
class Gpu:
    """A card of the NVML below, or a slice of one; exceptions are raised, functions called."""

    uuid: str | bytes = "GPU-aaaa"
    energy_mj: object = 5_000_000
    power_mw: object = 100_000
    name: str | bytes = "Card"
    lost: Exception | None = None
    instant_mw: Any = None
    fields: dict[Any, int] = field(default_factory=dict)  # others by number, or number and scope
    pids: object = None
    slices: list[Gpu] = field(default_factory=list)
    n_looks: int = 0


@dataclass
class Nvml:
    """What ``pynvml`` answers, without a GPU. What is None is not supported."""

    gpus: list[Gpu] = field(default_factory=list)
    init_error: Exception | None = None
    knows_slices_by_id: bool = True

    class NVMLError(Exception):
        """As pynvml's."""

    nvmlDeviceGetUUID = staticmethod(attrgetter("uuid"))  # noqa: N815
    nvmlDeviceGetName = staticmethod(attrgetter("name"))  # noqa: N815
    nvmlDeviceGetMaxMigDeviceCount = staticmethod(lambda _: 7)  # noqa: N815

    def nvmlInit(self) -> None:  # noqa: N802
        _answer(self.init_error)

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return len(self.gpus)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> Gpu:  # noqa: N802
        gpu = self.gpus[index]
        return _answer(gpu.lost or gpu)

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> Gpu:  # noqa: N802
        slices = [part for gpu in self.gpus for part in gpu.slices]
        known = self.gpus + slices if self.knows_slices_by_id else self.gpus
        return self._only([gpu for gpu in known if gpu.uuid == uuid])

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: Gpu):  # noqa: N802
        return _answer(handle.energy_mj)

    def nvmlDeviceGetPowerUsage(self, handle: Gpu):  # noqa: N802
        return _answer(handle.power_mw)

    def nvmlDeviceGetFieldValues(self, handle: Gpu, fields: list[Any]):  # noqa: N802
        [field] = fields
        answer = handle.instant_mw if field == 186 else handle.fields.get(field)
        return [
            SimpleNamespace(
                nvmlReturn=3 if answer is None else 0,
                valueType=3 if answer and answer >= 2**32 else 1,
                value=SimpleNamespace(uiVal=answer, ullVal=answer),
            )
        ]

    def nvmlDeviceGetComputeRunningProcesses(self, handle: Gpu):  # noqa: N802
        handle.n_looks += 1
        pids = self.NVMLError("Not Supported") if handle.pids is None else handle.pids
        return [SimpleNamespace(pid=pid) for pid in _answer(pids)]

    def nvmlDeviceGetMigDeviceHandleByIndex(self, handle: Gpu, index: int) -> Gpu:  # noqa: N802
        return self._only(handle.slices[index : index + 1])

    def nvmlDeviceGetDeviceHandleFromMigDeviceHandle(self, handle: Gpu) -> Gpu:  # noqa: N802
        return self._only([gpu for gpu in self.gpus if handle in gpu.slices])

    def _only(self, found: list[Gpu]) -> Gpu:
        return _answer(found[0] if found else self.NVMLError("Not Found"))


def _answer(value: Any) -> Any:
    value = value() if callable(value) else value  # which may be an exception
    if isinstance(value, Exception):
        raise value
    return value


@pytest.fixture(scope="session")
def fakes() -> SimpleNamespace:
    """The classes above, two failures, and waiting."""
    classes = {kind.__name__: kind for kind in (Clock, Counter, Power, Gpu, Metered, Nvml)}
    failures = {"unsupported": Nvml.NVMLError("Not Supported"), "failure": SourceError("bus error")}
    return SimpleNamespace(**classes, **failures, wait_for=wait_for)


@pytest.fixture
def powercap(tmp_path: Path) -> Powercap:
    """An empty powercap tree."""
    return Powercap(tmp_path / "powercap")


@pytest.fixture
def no_powercap(tmp_path: Path) -> Path:
    """Where no powercap tree is."""
    return tmp_path / "none"


@pytest.fixture(autouse=True)
def calibrations(tmp_path: Path, monkeypatch) -> Path:
    """Where calibrations of tests lie."""
    monkeypatch.setenv("PERJOULE_HOME", str(tmp_path / "perjoule-home"))
    return tmp_path / "perjoule-home"


@pytest.fixture(autouse=True)
def _all_gpus_visible(monkeypatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.delenv("CUDA_DEVICE_ORDER", raising=False)


def wait_for(happened: Callable[[], object]) -> None:
    """Wait until something is true."""
    deadline = time.perf_counter() + 20.0
    while not happened():
        assert time.perf_counter() < deadline, "it never happened"
        time.sleep(0.005)
