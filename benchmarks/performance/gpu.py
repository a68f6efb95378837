"""What NVML's counter does on this machine's NVIDIA GPU, and how meters agree on it.

There is no known truth here. The counter is held against the integral of NVML's own power readings,
idle and under load (matrix products, where torch is there), and perjoule against Zeus on the same
windows. Zeus' waiting for queued GPU work is left off, as perjoule's is here.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from perjoule.benchmarks.performance.processes import answer_of, call
from perjoule.benchmarks.performance.timing import microseconds

if TYPE_CHECKING:
    from perjoule.energy import EnergyMeter

RESULTS = Path(__file__).parents[1] / "results"
SAMPLE_S = 0.02
LATENCY_ROUNDS = 200
MATRIX_SIZE = 4_096


def measure(*, quick: bool) -> dict[str, Any]:
    """Figures of the first GPU, from a process of its own; only why not where there is none."""
    return answer_of(call(probe, 2.0 if quick else 8.0))


def probe(seconds: float) -> dict[str, Any]:
    """Measure the first GPU, each figure for so long."""
    try:
        import pynvml

        pynvml.nvmlInit()
        return _figures(pynvml, pynvml.nvmlDeviceGetHandleByIndex(0), seconds)
    except Exception as error:  # noqa: BLE001 - no driver, no card, no counter: nothing to measure
        return {"skipped": f"{type(error).__name__}: {error}"}


def _figures(nvml: Any, handle: Any, seconds: float) -> dict[str, Any]:
    def counter_j() -> float:
        return nvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1e3

    def power_w() -> float:
        return nvml.nvmlDeviceGetPowerUsage(handle) / 1e3

    name = nvml.nvmlDeviceGetName(handle)
    found: dict[str, Any] = {
        "card": name.decode() if isinstance(name, bytes) else name,
        "counter_us": microseconds(counter_j, LATENCY_ROUNDS),
        "power_us": microseconds(power_w, LATENCY_ROUNDS),
        "idle": _against_power(counter_j, power_w, seconds),
    }
    with _load() as loaded:
        if loaded:
            found["load"] = _against_power(counter_j, power_w, seconds)
        found["tick_ms"] = _ticks_ms(counter_j, seconds)
        found |= _meters(seconds)
    return found


def _against_power(
    counter_j: Callable[[], float], power_w: Callable[[], float], seconds: float
) -> dict[str, float]:
    """Joules of the counter, and of power samples by the trapezoid rule, over some seconds."""
    began_j, last_s, last_w = counter_j(), time.perf_counter(), power_w()
    until_s, integral_j = last_s + seconds, 0.0
    while last_s < until_s:
        time.sleep(SAMPLE_S)
        now_s, now_w = time.perf_counter(), power_w()
        integral_j += (now_w + last_w) / 2 * (now_s - last_s)
        last_s, last_w = now_s, now_w
    return {"counter_j": counter_j() - began_j, "power_j": integral_j, "seconds": seconds}


def _ticks_ms(counter_j: Callable[[], float], seconds: float) -> list[float]:
    """Smallest, median and largest time between changes of the counter."""
    changes, last_j = [], counter_j()
    until_s = time.perf_counter() + seconds
    while (now_s := time.perf_counter()) < until_s:
        now_j = counter_j()
        if now_j != last_j:
            changes.append(now_s)
            last_j = now_j
    between = [1e3 * (b - a) for a, b in pairwise(changes)]
    return [min(between), median(between), max(between)] if between else []


def _meters(seconds: float) -> dict[str, Any]:
    """Microseconds per window of each meter, and their joules on the same windows."""
    from perjoule.energy import EnergyMeter

    with EnergyMeter("nvml") as meter:
        ours_us = microseconds(lambda: meter.window().close(), LATENCY_ROUNDS)
        try:
            theirs_us, pairs_j = _beside_zeus(meter, seconds)
        except Exception as error:  # noqa: BLE001 - not installed, or it cannot use this card
            return {"window_us": {"perjoule": ours_us}, "zeus": f"{type(error).__name__}: {error}"}
    return {"window_us": {"perjoule": ours_us, "Zeus": theirs_us}, "perjoule_and_zeus_j": pairs_j}


def _beside_zeus(
    meter: EnergyMeter, seconds: float
) -> tuple[tuple[float, float], list[tuple[float | None, float]]]:
    """Microseconds per window of Zeus, and the joules of both on the same windows."""
    from zeus.monitor import ZeusMonitor  # type: ignore[import-not-found]

    monitor = ZeusMonitor(gpu_indices=[0], cpu_indices=[])
    begin = partial(monitor.begin_window, "window", sync_execution=False)
    end = partial(monitor.end_window, "window", sync_execution=False)
    window_us = microseconds(lambda: (begin(), end()), LATENCY_ROUNDS)
    pairs_j = []
    for _ in range(4):
        begin()
        window = meter.window()
        time.sleep(seconds / 4)
        ours = window.close()
        pairs_j.append((ours.component_j("gpu"), end().total_energy))
    return window_us, pairs_j


@contextmanager
def _load() -> Iterator[bool]:
    """Keep the GPU busy; gives False where torch or CUDA is missing."""
    torch = import_module("torch") if find_spec("torch") else None
    if torch is None or not torch.cuda.is_available():
        yield False
        return
    ended = threading.Event()

    def multiply() -> None:
        matrix = torch.randn(MATRIX_SIZE, MATRIX_SIZE, device="cuda")
        while not ended.is_set():
            torch.mm(matrix, matrix)
            torch.cuda.synchronize()

    worker = threading.Thread(target=multiply, daemon=True)
    worker.start()
    time.sleep(1)  # clocks and power rise
    try:
        yield True
    finally:
        ended.set()
        worker.join()


def show(found: dict[str, Any]) -> None:
    """Print the figures."""
    if "skipped" in found:
        print(f"\nC. NVIDIA GPU: skipped ({found['skipped']})")
        return
    print(f"\nC. {found['card']}")
    for what in ("counter_us", "power_us"):
        print(f"   one {what.removesuffix('_us')} reading: {found[what][0]:,.1f} us")
    if found["tick_ms"]:
        low, middle, high = found["tick_ms"]
        print(f"   the counter moves every {middle:.1f} ms ({low:.1f} to {high:.1f})")
    for state in ("idle", "load"):
        if state in found and found[state]["power_j"]:
            part = found[state]
            off = part["counter_j"] / part["power_j"] - 1
            joules = f"{part['counter_j']:,.1f} J against {part['power_j']:,.1f} J"
            print(f"   counter against integrated power, {state}: {joules} ({off:+.2%})")
    for tool, (middle, high) in found["window_us"].items():
        print(f"   a window of {tool}: {middle:,.1f} us (95th percentile {high:,.1f})")
    if "zeus" in found:
        print(f"   Zeus: {found['zeus']}")
    for ours, theirs in found.get("perjoule_and_zeus_j", []):
        print(f"   the same window: perjoule {ours} J, Zeus {theirs:.3f} J")


def write(found: dict[str, Any]) -> Path:
    """Keep the figures of this card beside those of others."""
    card = re.sub(r"[^a-z0-9]+", "-", found["card"].lower()).strip("-")
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"nvml-{card}-{date.today().isoformat()}.json"
    path.write_text(json.dumps(found, indent=1) + "\n")
    return path
