"""Trials per second of Dask on two local worker processes beside perjoule's own pool of two.

    python benchmarks/performance/engines.py --rounds 4 --epochs 1 16 --json engines.json

Both train the same trials of the same seeds, one comparison after the other within a round, in
turns. What counts is the wall time of the loop (the ledger's ``session``), without the start of the
workers. The ratio is of the rounds, since the load of a shared machine changes between them.

Dask's scheduler and its workers' own threads take their share of the same two cores, some 15 ms a
job: much beside a trial of 25 ms (one epoch of digits), little beside one of half a second. Before
Dask's own settings of malloc were left out for the workers that perjoule starts, ratios of short
trials were 0.1 lower.
"""

from __future__ import annotations

import json
import os
import platform
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from options import make_parser, write_figures
from timing import ratio_interval, take_turn

ENGINES = {"own pool": None, "dask": "dask"}


def main() -> None:
    """Compare the engines and print the ratio."""
    parser = make_parser(__doc__, json=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=30, help="of each of two runs")
    parser.add_argument("--epochs", type=int, nargs="+", default=[1, 16], help="of each trial")
    options = parser.parse_args()
    figures = [_compare(epochs, options.trials, options.rounds) for epochs in options.epochs]
    write_figures(options.json, {"comparisons": figures})


def _compare(epochs: int, trials: int, rounds: int) -> dict[str, Any]:
    """Train trials of so many epochs by both engines in turns, and print their ratio."""
    rates: dict[str, list[float]] = {name: [] for name in ENGINES}
    for turn in range(rounds):
        for name in take_turn(ENGINES, turn):
            rates[name].append(trials_per_s(ENGINES[name], trials, epochs))
    ratio = ratio_interval(rates["dask"], rates["own pool"])
    listed = ", ".join(f"{name} {median(each):.1f}/s" for name, each in rates.items())
    found = f"{ratio.middle:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]"
    print(f"{epochs} epochs a trial: {listed}; dask / own pool {found}", flush=True)
    return {
        "what": "trials per second, two workers, digits, cnn, random",
        "epochs": epochs,
        "trials": trials,
        "machine": {"platform": platform.platform(), "cores": os.cpu_count()},
        "trials_per_s": rates,
        "ratio": ratio._asdict(),
    }


def trials_per_s(engine: str | None, trials: int, epochs: int) -> float:
    """Train by an engine, and divide the trials by the seconds that the loop took."""
    import perjoule

    with tempfile.TemporaryDirectory() as folder:
        result = perjoule.compare(
            out=Path(folder) / "run",
            executor=engine,
            strategies=["random"],
            seeds=2,
            trials=trials,
            budget="unlimited",
            space={"epochs": epochs, "learning_rate": {"low": 1e-3, "high": 0.1, "log": True}},
            meter="cpu_time:10",
            workers=2,
        )
        lines = (result.folder / "ledger.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    [session] = [each for each in events if each["event"] == "session"]
    return sum(each["event"] == "slice" for each in events) / session["wall_s"]


if __name__ == "__main__":
    main()
