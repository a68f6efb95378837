"""Trials per second of Dask on two local worker processes beside perjoule's own pool of two.

    python benchmarks/performance/engines.py --rounds 3 --json engines.json

Both train the same short trials of the same seeds, one comparison after the other within a round,
in turns. What counts is the wall time of the loop (the ledger's ``session``), without the start of
the workers. The ratio is of the rounds, since the load of a shared machine changes between them.

On two shared cores beside a load of 8, five rounds gave 0.48x to 1.35x, their median 0.79x: too far
apart to say whether 0.9x is reached. Before Dask's own settings of malloc were left out for the
workers that perjoule starts, two rounds gave 0.70x and 0.60x.

What did not pay: switching Dask's profiler off in the workers, which changed their CPU time by less
than could be told.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

from options import make_parser, write_figures
from timing import ratio_interval, take_turn

ENGINES = {"own pool": None, "dask": "dask"}
WANTED = 0.9


def main() -> None:
    """Compare the engines and print the ratio."""
    parser = make_parser(__doc__, json=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=30, help="of each of two runs")
    options = parser.parse_args()
    rates: dict[str, list[float]] = {name: [] for name in ENGINES}
    for turn in range(options.rounds):
        for name in take_turn(ENGINES, turn):
            rates[name].append(trials_per_s(ENGINES[name], options.trials))
            print(f"round {turn + 1}, {name}: {rates[name][-1]:.2f} trials per second", flush=True)
    ratio = ratio_interval(rates["dask"], rates["own pool"])
    print(f"dask / own pool: {ratio.middle:.2f}x [{ratio.low:.2f}, {ratio.high:.2f}]")
    figures: dict[str, Any] = {
        "what": "trials per second, two workers, digits, cnn, random, epochs 1",
        "trials": options.trials,
        "machine": {"platform": platform.platform(), "cores": os.cpu_count()},
        "trials_per_s": rates,
        "ratio": ratio._asdict(),
        "wanted": WANTED,
    }
    write_figures(options.json, figures)
    sys.exit(ratio.middle < WANTED)


def trials_per_s(engine: str | None, trials: int) -> float:
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
            space={"epochs": 1, "learning_rate": {"low": 1e-3, "high": 0.1, "log": True}},
            meter="cpu_time:10",
            workers=2,
        )
        lines = (result.folder / "ledger.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    [session] = [each for each in events if each["event"] == "session"]
    return sum(each["event"] == "slice" for each in events) / session["wall_s"]


if __name__ == "__main__":
    main()
