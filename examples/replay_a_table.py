"""Compare strategies on trainings that were recorded once: no training, no joules of it.

Shows: a recorded table that comes with perjoule, what of it is searched, ten searches of each
strategy by virtual joules, and the verdict with its interval.
Takes about 10 s on one core; hundreds of runs take a minute (see below).

    python replay_a_table.py
"""

from pathlib import Path

import perjoule

TABLE = Path(perjoule.__file__).parent / "benchmarks" / "recorded" / "digits" / "trials.parquet"
STRATEGIES = ["random", "tpe", "asha", "frugal"]
BUDGET = "30 J per run"  # virtual; a training of the table takes 4 J in the median
WORKERS = 1  # None for one per core, which pays from about fifty runs on
SEEDS = 10  # 100 or more for narrow intervals


def main() -> None:
    """Replay, and tell who won."""
    table = perjoule.load_table(
        TABLE
    )  # or your own: a CSV with strategy, energy_j, score and columns
    print(
        f"{len(table.trials)} recorded trainings; searched: {', '.join(table.dimensions.searched)}"
    )
    replayed = table.replay(strategies=STRATEGIES, budget=BUDGET, seeds=SEEDS, workers=WORKERS)
    analysis = replayed.compare()
    print(analysis.headline)
    print(analysis.because)
    replayed.write("replayed.parquet")
    print("The searches as a table, for `perjoule report`: replayed.parquet")


if __name__ == "__main__":  # workers import this file
    main()
