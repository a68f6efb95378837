"""Comparisons of trials that cost nothing, gone on with and reported, each in its own process."""

from __future__ import annotations

import json
import math
import resource
import time
from pathlib import Path
from typing import Any

from perjoule.benchmarks.comparison.experiment import Experiment
from perjoule.benchmarks.comparison.folder import Folder
from perjoule.benchmarks.comparison.seal import seal_path
from perjoule.benchmarks.comparison.start import run_comparison
from perjoule.benchmarks.performance.simulated import SPACE, Simulated, at_once

MORE = 10
"""Trials of each run that come after its ledger was gone on with."""
MIB = 1 << 20
Figures = dict[str, Any]


def experiment_of(trials: int, workers: int, strategy: str) -> Experiment:
    """One run, or one for each worker, of so many trials in all."""
    return Experiment(
        objective="perjoule.benchmarks.performance.simulated:at_once",
        space=SPACE,
        strategies=[strategy],
        seeds=workers,
        trials=max(1, trials // workers),
        budget=math.inf,
        meter="model",
        workers=workers,
    )


def search(folder: str, trials: int, workers: int, strategy: str) -> Figures:
    """Run a comparison of so many trials."""
    path = Path(folder)
    _run(experiment_of(1, 1, strategy), path.with_name("first"), 1)  # loads, and warms up
    experiment, began_s = experiment_of(trials, workers, strategy), time.process_time()
    sent_bytes = _run(experiment, path, workers)
    n_trials = experiment.n_runs * (experiment.trials or 0)
    ledger = Folder(path).ledger
    return {
        "trials": n_trials,
        "wall_ms": 1e3 * _last(ledger)["wall_s"] / n_trials,
        "cpu_ms": 1e3 * (time.process_time() - began_s) / n_trials,
        "ledger_bytes": ledger.stat().st_size,
        "sent_bytes": sent_bytes,
        "peak_mib": _peak_mib(),
    }


def resume(folder: str, trials: int, workers: int, strategy: str) -> Figures:
    """Go on with a ledger as if its driver had been killed before it wrote how its runs ended."""
    path = Folder(Path(folder))
    lines = path.ledger.read_bytes().splitlines(keepends=True)
    path.ledger.write_bytes(b"".join(lines[: -experiment_of(trials, workers, "random").n_runs - 1]))
    seal_path(path.ledger).unlink()
    del lines
    longer = experiment_of(trials, workers, strategy)
    longer = longer.model_copy(update={"trials": (longer.trials or 0) + MORE})
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    described = path.description()
    _run(longer, path.path, workers, resumed=described)
    return _took(began_s, began_cpu_s)


def report(folder: str) -> Figures:
    """Make tables, summary and page."""
    import perjoule

    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    perjoule.report(folder)
    return _took(began_s, began_cpu_s)


def _run(experiment: Experiment, path: Path, workers: int, **options: Any) -> float | None:
    """Returns the bytes that were sent for a job, if any were."""
    if workers == 1:
        run_comparison(experiment, Folder(path), objective=at_once, **options)
        return None
    with Simulated(workers) as executor:
        run_comparison(experiment, Folder(path), executor=executor, **options)
    return executor.sent_bytes / executor.n_jobs


def _took(began_s: float, began_cpu_s: float) -> Figures:
    return {
        "wall_s": time.perf_counter() - began_s,
        "cpu_s": time.process_time() - began_cpu_s,
        "peak_mib": _peak_mib(),
    }


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MIB


def _last(ledger: Path) -> Figures:
    with ledger.open("rb") as file:
        file.seek(-4096, 2)
        return json.loads(file.read().splitlines()[-1])
