"""What do two workers give over one, and how soon does a crew of workers train?

The same candidates of digits' CNN are trained by each crew of `crews.py` with one worker and with
two, in fresh processes that take turns, so that other load falls on all alike:

    python benchmarks/performance/workers.py --trials 24 --rounds 5

*first* is from the start of the driver's process to the first training of a candidate, *rate* the
trials from then to the end of the last one, per second; *whole* ends with the driver's process,
which has written perjoule's report by then and nothing of the others'. Beside other load two
processes may get no more of the machine than one: Linux shares cores out by session
(`sched_autogroup`), however many processes one has. So *undisturbed* is what the rate would be on
cores of their own: the workers at work on average, over the CPU-seconds of a trial.

Why two workers took as long as one for short runs: each loaded for itself, after the helper that
they are forked from had loaded PyTorch, PyTorch's compiler (1.1 CPU-seconds, for the first call of
an optimiser, which is never compiled) and scikit-learn (0.9, for the file of digits): 2.4 of a
start in all, of which nothing was shared. Now it is 0.36: 0.24 for a step of the heaviest
candidate, 0.05 for the cheapest, 0.03 for asks, 0.02 for the data. The first training of `tune`
comes after 2.07 CPU-seconds in place of 4.33 (2.1 s and 4.9 s where little else ran). What is left
is the end: runs that share a budget have equal joules, and of two one is over first; in a
comparison of 19 trials more than a fifth of the workers' time was waited.

What did not pay: to rehearse in one worker and tell the others. They rehearse at the same time, so
nothing comes sooner, and who has not warmed up does it in its first trial. Nor to start the helper
before the command line is read: 0.3 CPU-seconds sooner, and 1.3 for nothing wherever one worker
trains. What did: a core for each worker, see `comparison/cores.py`.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from perjoule.benchmarks.performance import crews
from perjoule.benchmarks.performance.options import make_parser, write_figures
from perjoule.benchmarks.performance.processes import answer_of, call
from perjoule.benchmarks.performance.timing import (
    TimeInterval,
    median_interval,
    ratio_interval,
    take_turn,
)

WORKERS = (1, 2)


class Timing(NamedTuple):
    """How long a crew took."""

    first_s: float
    rate: float  # trials a second, start-up excluded
    undisturbed: float  # trials a second, if each worker at work had a core to itself
    whole_s: float


Side = tuple[str, int]
"""A crew and its workers."""


def time_crew(side: Side, candidates: list[crews.Candidate], folder: Path) -> Timing:
    """Let a crew train the candidates."""
    name, workers = side
    started_s = time.time()
    spans = answer_of(call(crews.CREWS[name], str(folder), candidates, workers))
    whole_s = time.time() - started_s
    begun, ended, cpu = zip(*spans, strict=True)
    taken_s = max(ended) - min(begun)
    at_work = (sum(ended) - sum(begun)) / taken_s
    rate, undisturbed = len(spans) / taken_s, at_work * len(spans) / sum(cpu)
    return Timing(min(begun) - started_s, rate, undisturbed, whole_s)


def draw(trials: int, folder: Path) -> list[crews.Candidate]:
    """The candidates of perjoule's random search, by a search that also fills the file caches."""
    answer_of(call(crews.perjoule, str(folder), [{}] * trials, 1))
    rows = sorted(crews.trials_in(folder), key=lambda row: row["trial"])
    return [row["params"] for row in rows]


def take_turns(sides: Sequence[Side], trials: int, rounds: int) -> dict[Side, list[Timing]]:
    """Let all crews train, again and again."""
    found: dict[Side, list[Timing]] = {side: [] for side in sides}
    with tempfile.TemporaryDirectory() as root:
        candidates = draw(trials, Path(root) / "drawn")
        for turn in range(rounds):
            for at, side in enumerate(take_turn(map(str, range(len(sides))), turn)):
                name, workers = each = sides[int(side)]
                if each not in found:
                    continue
                try:
                    timing = time_crew(each, candidates, Path(root) / f"{turn}-{at}")
                except RuntimeError as error:
                    if name not in crews.NEEDS:
                        raise
                    print(f"{name} fails here, so it is left out: {str(error).splitlines()[-1]}")
                    found = {side: timings for side, timings in found.items() if side[0] != name}
                    continue
                found[each].append(timing)
                print(f"turn {turn + 1}: {name}-{workers} {timing}", file=sys.stderr)
    return found


def ratios(found: dict[Side, list[Timing]]) -> Iterator[tuple[str, TimeInterval]]:
    """What is asked, each as the median of the ratios of a turn."""

    def of(value: str, above: Side, below: Side) -> TimeInterval:
        return ratio_interval(
            *([getattr(each, value) for each in found[s]] for s in (above, below))
        )

    names = list(dict.fromkeys(name for name, _ in found))
    one, two = WORKERS
    for name in names:
        for value in ("rate", "undisturbed"):
            yield f"{name}, two workers over one: {value}", of(value, (name, two), (name, one))
    for name in names:
        if name != "perjoule":
            for workers in WORKERS:
                ours, theirs = ("perjoule", workers), (name, workers)
                label = f"perjoule over {name}, {workers} workers"
                yield f"{label}: rate", of("rate", ours, theirs)
                yield f"{label}: undisturbed", of("undisturbed", ours, theirs)
                yield f"{label}: first", of("first_s", ours, theirs)
                yield f"{label}: whole", of("whole_s", ours, theirs)


def show(found: dict[Side, list[Timing]]) -> dict[str, Any]:
    """Print what was found, and return it as figures."""
    columns = ("first, s", "rate, 1/s", "undisturbed", "whole, s")
    print(f"\n{'crew':12}{'workers':>8}" + "".join(f"{column:>22}" for column in columns))
    for (name, workers), timings in found.items():
        told = (median_interval(values) for values in zip(*timings, strict=True))
        cells = "".join(f"{f'{m:.2f} ({lo:.2f} to {hi:.2f})':>22}" for m, lo, hi in told)
        print(f"{name:12}{workers:>8}{cells}")
    told = dict(ratios(found))
    print("\nMedian of the ratios of a turn (95 % interval)")
    for label, (middle, low, high) in told.items():
        print(f"  {label:52} {middle:.2f} ({low:.2f} to {high:.2f})")
    timings = {
        f"{name}-{workers}": [each._asdict() for each in timings]
        for (name, workers), timings in found.items()
    }
    return {"timings": timings, "ratios": {name: each._asdict() for name, each in told.items()}}


def main() -> None:
    """Let the crews take turns, and print the tables."""
    parser = make_parser(__doc__, json=True)
    parser.add_argument("--trials", type=int, default=24, help="candidates of each crew")
    parser.add_argument("--rounds", type=int, default=5, help="turns")
    parser.add_argument("--crews", nargs="+", choices=crews.CREWS, default=list(crews.CREWS))
    given: argparse.Namespace = parser.parse_args()
    for name, need in crews.missing().items():
        if name in given.crews:
            print(f"{name} is not installed, so it is left out: pip install '{need}'")
            given.crews.remove(name)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    machine = {"cores": os.cpu_count(), "load_before": load}
    versions = {each: version(each) for each in ("torch", "optuna", "ray") if find_spec(each)}
    sides = [(name, workers) for name in given.crews for workers in WORKERS]
    found = take_turns(sides, given.trials, given.rounds)
    figures = {"machine": machine, "versions": versions, "trials": given.trials}
    write_figures(given.json, {**figures, **show(found)})


if __name__ == "__main__":
    main()
