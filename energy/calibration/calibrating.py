"""Measuring idle power, and watts per busy core against a measured source."""

from __future__ import annotations

import contextlib
import math
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import ConfigurationError, MeterError
from ..meter import EnergyMeter
from ..reading import SHORT_WINDOW_PERIODS, ComponentReading
from ..source import Kind, Scope, SourceInfo
from ..sources.cpu.apportioned import machine_cpu_s
from ..sources.cpu.cores import usable_cores
from ..sources.cpu.power import processor
from .fitting import LoadWindow, fit, read_windows
from .spinning import WORKS, Load, spinning
from .stored import Calibration, CpuFit, IdlePower, machine_id, now_utc, save_calibration

IDLE_S = 20.0  # how long idle power is measured
IDLE_PARTS = 10  # parts of that time, for the spread
IDLE_CORES = 0.25  # with more busy cores a machine is not idle: their watts would pass for that
WINDOW_S = 3.0  # length of a window under load: 300 of the kernel's steps in counting CPU time
SETTLE_S = 0.5  # time for clock rates to settle before it


@dataclass(frozen=True)
class Bench:
    """What a calibration does to the machine, and how it sees the machine's work."""

    sleep: Callable[[float], None] = time.sleep  # waits for some seconds
    cpu_s: Callable[[], float] = machine_cpu_s  # CPU-seconds of all processes so far
    load: Load = spinning  # keeps cores busy
    progress: Callable[[str], None] = lambda _: None  # is told what is going on, line by line


HERE = Bench()


@dataclass(frozen=True)
class Idle:
    """What was found by idling."""

    idle_w: dict[str, IdlePower]  # idle power by source id
    notes: tuple[str, ...] = ()  # for each source without one, why


def calibrate(
    reference: str | EnergyMeter = "auto",
    pairs: Path | None = None,
    idle_s: float = IDLE_S,
    bench: Bench = HERE,
) -> Calibration:
    """Measure idle power and watts per busy core of this machine, and store them.

    Idle power is that of every measured source of the reference, a meter or its text. Watts per
    core come from a minute under changing load, or from recorded pairs (see ``read_windows``).
    Let nothing else run.

    Raises:
        ConfigurationError: Windows that cannot be fitted, or an idle time that is none.
        DataError: The file of pairs is missing or malformed.
        MeterError: There is nothing to calibrate against, or the machine was not idle.
        OutputError: The result cannot be stored.
    """
    say = bench.progress
    found: Calibration | None = None
    if pairs is not None:
        cpu = fit(read_windows(pairs), f"pairs in {pairs.name}", str(pairs.resolve()))
        found = _store(cpu=cpu)
    with contextlib.ExitStack() as stack:
        if isinstance(reference, str):
            reference = stack.enter_context(EnergyMeter(reference))
        if any(map(_is_measured, reference.sources)):
            say(f"idle power for {idle_s:g} s: let the machine rest")
        idle = measure_idle(reference, idle_s, bench)
        if idle.idle_w:
            for note in idle.notes:
                say(note)
            found = _store(idle.idle_w)  # now, so that it stays if what follows fails
        if pairs is None and (against := _of_the_cpu(reference)):
            windows = measure_windows(reference, bench=bench)
            ids, details = zip(*((info.id, info.detail) for info in against), strict=True)
            found = _store(cpu=fit(windows, "+".join(ids), "; ".join(details)))
        elif pairs is None and found is not None:
            say("cpu_time: stays as it is, since no source here measures the processor")
    if found is None:
        raise MeterError(
            f"there is nothing to calibrate against ({'; '.join(idle.notes)}): make RAPL readable "
            "(see `perjoule doctor`), or name a wattmeter or a file of recorded pairs"
        )
    return found


def measure_idle(meter: EnergyMeter, duration_s: float = IDLE_S, bench: Bench = HERE) -> Idle:
    """Idle power of a meter's measured sources; models and counts of one process have none."""
    if not 0 < duration_s < math.inf:
        raise ConfigurationError(f"idle power cannot be measured in {duration_s:g} s: take 20 s")
    parts: dict[str, list[ComponentReading]] = {}
    notes: list[str] = []
    for info in meter.sources:
        needed_s = SHORT_WINDOW_PERIODS * info.update_period_s
        if not _is_measured(info):
            notes.append(f"{info.id}: has no idle power, being {info.kind} in {info.scope} scope")
        elif duration_s < needed_s:
            notes.append(f"{info.id}: its idle power needs {needed_s:g} s, as it moves so seldom")
        else:
            parts[info.id] = []
    if not parts:
        return Idle({}, tuple(notes))
    seconds: list[float] = []
    window, before_s = meter.window(), bench.cpu_s()
    for _ in range(IDLE_PARTS):
        bench.sleep(duration_s / IDLE_PARTS)
        reading = window.lap()
        seconds.append(reading.duration_s)
        for part in reading.components:
            if part.source in parts:
                parts[part.source].append(part)
    busy_cores = (bench.cpu_s() - before_s) / sum(seconds)
    if busy_cores > IDLE_CORES:
        raise MeterError(
            f"the machine was not idle, {busy_cores:.2g} cores were busy: end what runs (`top` "
            f"shows it) until fewer than {IDLE_CORES:g} are, and calibrate again"
        )
    idle_w: dict[str, IdlePower] = {}
    for name, readings in parts.items():
        try:
            idle_w[name] = _idle_power(readings, seconds, busy_cores)
        except MeterError as error:
            notes.append(str(error))
    return Idle(idle_w, tuple(notes))


def measure_windows(
    reference: EnergyMeter,
    levels: Sequence[int] | None = None,
    window_s: float = WINDOW_S,
    bench: Bench = HERE,
) -> list[LoadWindow]:
    """Measure windows (five update periods or more) of every work at every number of cores."""
    against = _of_the_cpu(reference)
    if not against:
        raise MeterError(
            "the reference measures neither the processor nor the whole machine: take rapl or a "
            "wattmeter"
        )
    wanted = {info.id for info in against}
    window_s = max(window_s, *(SHORT_WINDOW_PERIODS * info.update_period_s for info in against))
    windows: list[LoadWindow] = []
    for work in WORKS:
        for n_busy in _levels() if levels is None else levels:
            bench.progress(f"busy cores: {n_busy} ({work})")
            with bench.load(n_busy, work):
                bench.sleep(SETTLE_S)
                window, before_s = reference.window(), bench.cpu_s()
                bench.sleep(window_s)
                used_s, reading = bench.cpu_s() - before_s, window.close()
            energy_j = sum(_joules(part) for part in reading.components if part.source in wanted)
            windows.append(LoadWindow(reading.duration_s, used_s, energy_j))
    return windows


def _idle_power(
    readings: list[ComponentReading], seconds: list[float], busy_cores: float
) -> IdlePower:
    """Idle power from the parts of the time; raises where a part has no joules."""
    joules = [_joules(reading) for reading in readings]
    return IdlePower(
        power_w=sum(joules) / sum(seconds),
        spread_w=statistics.stdev([j / s for j, s in zip(joules, seconds, strict=True)]),
        duration_s=sum(seconds),
        busy_cores=busy_cores,
        measured_at=now_utc(),
    )


def _joules(part: ComponentReading) -> float:
    if part.energy_j is None:
        raise MeterError("; ".join(part.warnings))
    return part.energy_j


def _is_measured(info: SourceInfo) -> bool:
    """Whether a source shows what hardware draws, idle or not."""
    return info.kind in (Kind.MEASURED, Kind.INTEGRATED) and info.scope is not Scope.PROCESS


def _of_the_cpu(meter: EnergyMeter) -> list[SourceInfo]:
    """The measured sources of the processors; if there is none, one of the whole machine."""
    measured = [info for info in meter.sources if _is_measured(info)]
    cpus = [info for info in measured if info.component == "cpu"]
    return cpus or [info for info in measured if info.component == "node"][:1]


def _levels() -> list[int]:
    """Numbers of busy cores to try: none, one, two, and quarters of all."""
    n_cores = usable_cores()
    return sorted({0, 1, min(2, n_cores), *(round(n_cores * part / 4) for part in range(1, 5))})


def _store(idle_w: dict[str, IdlePower] | None = None, cpu: CpuFit | None = None) -> Calibration:
    machine = processor()
    description = f"{platform.node()}: {machine.model}, {machine.threads} hardware threads"
    return save_calibration(Calibration(machine_id(), description, now_utc(), idle_w or {}, cpu))
