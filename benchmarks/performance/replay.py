"""How fast are replays and reports of many trials?

Speed is that of simulated trials per CPU-second, without what the sampler takes: random draws from
recorded digits, with all their epochs and as one step per trial. Where Syne Tune is installed, its
simulator takes turns with ours on the same tables. A report is `perjoule report TABLE --json FILE
--html FILE` of `--report` replayed trials in a fresh process: its wall time and peak memory.

    pip install syne-tune huggingface-hub    # to compare
    python benchmarks/performance/replay.py --json replay.json
"""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pandas as pd

from perjoule.benchmarks.comparison.loading import load_table
from perjoule.benchmarks.performance.options import DIGITS, make_parser, write_figures
from perjoule.benchmarks.performance.timing import (
    TimeInterval,
    median_interval,
    ratio_interval,
    take_turn,
    timed,
)
from perjoule.benchmarks.replay import ReplayOptions, replay
from perjoule.benchmarks.replay.nearest import NearestObjective
from perjoule.benchmarks.replay.recording import Recording
from perjoule.benchmarks.replay.simulation import Terms, simulate
from perjoule.benchmarks.tables.table import Table
from perjoule.tuners.strategy import Told, Work

GOAL_PER_S = 20_000
GOAL_REPORT_S, GOAL_REPORT_MIB = 10.0, 1024.0


class Draws:
    """A strategy that costs nothing: recorded candidates in random order, each in one piece."""

    def __init__(self, recording: Recording, seed: int) -> None:
        longest = recording.space.longest()
        self._works = [
            Work(recording.space.complete({**params, "epochs": longest}), longest)
            if recording.has_curves
            else Work(recording.space.complete(params), 1)
            for params in recording.params
        ]
        self._draw = Random(seed).choice

    def ask(self, spent_j: float) -> Work:
        """Any of them."""
        return self._draw(self._works)

    def tell(self, result: Told) -> None:
        """Learn nothing."""


def ours(recording: Recording, count: int, seed: int) -> float:
    """Simulated trials per CPU-second."""
    objective, strategy = NearestObjective(recording), Draws(recording, seed)
    terms = Terms(1e18, seed, max_trials=count)
    return count / timed(lambda: simulate(strategy, objective, terms))[1]


def theirs(recording: Recording, count: int, seed: int) -> float:
    """The same of Syne Tune's simulator, without the time of its random searcher."""
    from syne_tune import StoppingCriterion, Tuner  # type: ignore[import-not-found]
    from syne_tune.backend.simulator_backend import simulator_callback  # type: ignore[import-not-found]
    from syne_tune.blackbox_repository import blackbox_tabular, simulated_tabular_backend  # type: ignore[import-not-found]
    from syne_tune.config_space import choice, randint  # type: ignore[import-not-found]
    from syne_tune.optimizer.baselines import RandomSearch  # type: ignore[import-not-found]

    values = np.array([points for _, points in recording.curves])  # candidates, epochs, two
    values[..., 0] = values[..., 0].cumsum(axis=1)
    numbers = list(range(len(values)))
    space = {"candidate": choice(numbers)}
    blackbox = blackbox_tabular.BlackboxTabular(
        pd.DataFrame({"candidate": numbers}),
        space,
        {"epoch": randint(1, values.shape[1])},
        values[:, None],
        objectives_names=["joules", "score"],
    )
    scheduler = RandomSearch(space, metrics=["score"], do_minimize=False, random_seed=seed)
    searches_s: list[float] = []
    suggest: Callable[..., Any] = scheduler.suggest

    def suggest_timed(*arguments: Any) -> Any:
        found = []
        searches_s.append(timed(lambda: found.append(suggest(*arguments)))[1])
        return found[0]

    scheduler.suggest = suggest_timed
    backend = simulated_tabular_backend.UserBlackboxBackend(
        blackbox, elapsed_time_attr="joules", seed=0
    )
    tuner = Tuner(
        trial_backend=backend,
        scheduler=scheduler,
        stop_criterion=StoppingCriterion(max_num_trials_finished=count),
        n_workers=1,
        sleep_time=0,
        callbacks=[simulator_callback.SimulatorCallback()],
        save_tuner=False,
        print_update_interval=1e9,
        results_update_interval=1e9,
    )
    with contextlib.redirect_stdout(None):
        _, cpu_s = timed(tuner.run)
    return tuner.tuning_status.num_trials_finished / (cpu_s - sum(searches_s))


def show_speed(rounds: int, count: int, their_count: int) -> dict[str, Any]:
    """Measure both by turns, and print what was found."""
    table = load_table(DIGITS)
    without_curves = Table(table.trials.drop(columns="p.epochs"), table.name)
    sides = {"perjoule": (ours, count)}
    if find_spec("syne_tune"):
        sides["Syne Tune"] = (theirs, their_count)
    found: dict[str, Any] = {}
    for name, each in (("one step", without_curves), ("16 epochs", table)):
        recording = Recording.of(each)
        speeds: dict[str, list[float]] = {side: [] for side in sides}
        for seed in range(rounds):
            for side in take_turn(sides, seed):
                measure, n_trials = sides[side]
                speeds[side].append(measure(recording, n_trials, seed))
        own = median_interval(speeds["perjoule"])
        print(f"{name}: {_span(own)} simulated trials per CPU-second (goal {GOAL_PER_S:,})")
        found[name] = {"perjoule": own}
        if "Syne Tune" in speeds:
            rival = median_interval(speeds["Syne Tune"])
            ratio = ratio_interval(speeds["perjoule"], speeds["Syne Tune"])
            print(f"   Syne Tune's simulator: {_span(rival)}; this is {_span(ratio)} times as fast")
            found[name] |= {"syne_tune": rival, "ratio": ratio}
    return found


def show_report(count: int) -> dict[str, Any]:
    """Measure a report of many trials, and print what was found."""
    with tempfile.TemporaryDirectory() as folder:
        path, page, data = (Path(folder) / name for name in ("t.parquet", "r.html", "r.json"))
        n_rows = _write_many(path, count)
        command = [sys.executable, "-m", "perjoule", "report", path, "--json", data, "--html", page]
        started = time.perf_counter()
        process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall_s = time.perf_counter() - started
        if process.returncode:
            print(f"report of {n_rows:,} trials: ended with {process.returncode}")
            return {"trials": n_rows, "returncode": process.returncode}
        peak_mib = usage.ru_maxrss / 1024
        page_mib = page.stat().st_size / 2**20
        print(
            f"report of {n_rows:,} trials: {wall_s:.1f} s ({usage.ru_utime + usage.ru_stime:.1f} s "
            f"of CPU; goal {GOAL_REPORT_S:g}), {peak_mib:,.0f} MiB at most (goal "
            f"{GOAL_REPORT_MIB:,.0f}), page of {page_mib:.1f} MiB"
        )
    return {"trials": n_rows, "wall_s": wall_s, "peak_mib": peak_mib, "page_mib": page_mib}


def _write_many(path: Path, count: int) -> int:
    """A table of so many replayed trials; returns how many it has."""
    runs = 400
    # A random candidate costs a joule or two; what is more is cut off.
    budget_j = 2.5 * count / runs
    options = ReplayOptions("random", f"{budget_j} J per run", seeds=runs, slow_seeds=runs)
    table = replay(load_table(DIGITS), options)
    rows = table.trials.groupby("run").head(count // runs)
    # As if four strategies had a hundred runs each.
    rows = rows.assign(strategy="random-" + (rows["seed"] % 4).astype(str))
    Table(rows, "many", description=table.description).write(path)
    return len(rows)


def _span(interval: TimeInterval) -> str:
    digits = 0 if interval.middle >= 100 else 1
    middle, low, high = (f"{value:,.{digits}f}" for value in interval)
    return f"{middle} [{low}, {high}]"


def main() -> None:
    """Measure and print."""
    parser = make_parser(__doc__, json=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", type=int, default=20_000, help="trials of a round")
    parser.add_argument("--their-count", type=int, default=300, help="those of Syne Tune")
    parser.add_argument("--report", type=int, default=100_000, help="trials to report; 0 for none")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SYNETUNE_FOLDER"] = folder
        speed = show_speed(options.rounds, options.count, options.their_count)
    found: dict[str, Any] = {"speed": speed}
    if options.report:
        found["report"] = show_report(options.report)
    write_figures(options.json, found)


if __name__ == "__main__":
    main()
