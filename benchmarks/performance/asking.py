"""Measure what asks of each strategy cost, for the model that replays charge searching by.

    python benchmarks/performance/asking.py    # prints, and writes benchmarks/replay/ask_costs.json
    python benchmarks/performance/asking.py --strategies asha,pasha    # these; the others stay

Every strategy searches the default space on recorded digits. The figures are CPU-seconds of an ask
with its tell, on one thread, after so many results: means over all asks of a range, so that a rare
refit of a model counts by its share, made to rise by isotonic regression. A strategy has
`--seconds` of CPU time and ends at `MOST_TOLD` results: dear ones are measured less far.
"""

from __future__ import annotations

import json
import math
import os
import platform
import re
import time
import warnings
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import takewhile
from pathlib import Path
from statistics import fmean

from sklearn.isotonic import IsotonicRegression
from threadpoolctl import threadpool_limits

from perjoule.benchmarks.comparison.loading import load_table
from perjoule.benchmarks.performance.options import DIGITS, make_parser
from perjoule.benchmarks.replay.ask_cost import FILE
from perjoule.benchmarks.replay.nearest import NearestObjective
from perjoule.benchmarks.replay.recording import Recording
from perjoule.benchmarks.replay.simulation import Terms, simulate, task_of
from perjoule.energy.sources.cpu.power import processor
from perjoule.tuners.registry import RECIPES
from perjoule.tuners.strategy import Strategy, Told, Work

RANGES = {
    0: range(1),
    4: range(1, 5),
    5: range(5, 8),
    10: range(8, 15),
    20: range(15, 35),
    50: range(35, 75),
    100: range(75, 150),
    200: range(150, 250),
}
"""The results told that a figure stands for. Models begin after five."""
MOST_TOLD = 250
SHORT = 12
LEAST_IN_RANGE = 3
"""Asks; the first one is there once a seed."""
SEEDS = 4
BUDGET_J = 2_000.0
"""What a strategy believes to have, about `MOST_TOLD` long trainings; charged is nothing."""


class Timed:
    """A strategy whose asks and tells are timed, and that ends when they were many or long."""

    def __init__(self, strategy: Strategy, most_asks: int, left_s: float) -> None:
        self._strategy, self._most_asks, self._left_s = strategy, most_asks, left_s
        self._asked_s = 0.0
        self.cpu_s: list[float] = []

    def ask(self, spent_j: float) -> Work | None:
        """Ask the strategy; it never gets to see the end of its budget."""
        if len(self.cpu_s) >= self._most_asks or sum(self.cpu_s) >= self._left_s:
            return None
        started_s = time.process_time()
        work = self._strategy.ask(spent_j)
        self._asked_s = time.process_time() - started_s
        return work

    def tell(self, result: Told) -> None:
        """Tell the strategy."""
        started = time.process_time()
        self._strategy.tell(result)
        self.cpu_s.append(self._asked_s + time.process_time() - started)


def measure(name: str, objective: NearestObjective, allotted_s: float) -> list[float]:
    """CPU-seconds of a strategy's asks in each of the ranges, as far as its time goes."""
    _asks(name, objective, 0, SHORT, math.inf)  # loads its libraries
    asks: list[tuple[int, float]] = []
    for seed in range(1, SEEDS + 1):
        most = SHORT if seed < SEEDS else MOST_TOLD
        left_s = allotted_s - sum(cpu_s for _, cpu_s in asks)
        asks += enumerate(_asks(name, objective, seed, most, left_s))
    ranges = [[cpu_s for n_told, cpu_s in asks if n_told in told] for told in RANGES.values()]
    enough = list(takewhile(lambda own: len(own) >= LEAST_IN_RANGE, ranges))
    told = list(RANGES)[: len(enough)]
    means, counts = list(map(fmean, enough)), list(map(len, enough))
    rising = IsotonicRegression().fit(told, means, counts).predict(told)
    return [float(f"{cpu_s:.3g}") for cpu_s in rising]


def _asks(
    name: str, objective: NearestObjective, seed: int, most: int, left_s: float
) -> list[float]:
    task = task_of(objective, BUDGET_J)
    timed = Timed(RECIPES[name].build(objective.space, seed, task), most, left_s)
    simulate(timed, objective, Terms(BUDGET_J, seed))
    return timed.cpu_s


def main() -> None:
    """Measure all strategies, print the figures and write them."""
    parser = make_parser(__doc__)
    parser.add_argument("--seconds", type=float, default=50.0, help="CPU time of one strategy")
    parser.add_argument(
        "--strategies",
        type=lambda text: text.split(","),
        metavar="A,B",
        help="measure these alone; all else stays as the file has it",
    )
    parser.add_argument("--out", type=Path, default=FILE)
    options = parser.parse_args()
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
    warnings.simplefilter("ignore")
    objective = NearestObjective(Recording.of(load_table(DIGITS)))
    found: dict[str, list[float]] = {}
    print(f"{'told':15}" + "".join(f"{told:>10}" for told in RANGES))
    for name in options.strategies or RECIPES:
        with threadpool_limits(1):
            found[name] = measure(name, objective, options.seconds)
        print(f"{name:15}" + "".join(f"{cpu_s:>10.3g}" for cpu_s in found[name]), flush=True)
    libraries = ("optuna", "scikit-optimize", "scikit-learn", "cmaes", "numpy", "scipy", "torch")
    described = {
        "measured": datetime.now(UTC).date().isoformat(),
        "machine": f"{processor().model}, one thread",
        "space": f"{len(objective.space.distributions)} hyperparameters, recorded digits",
        "versions": {"python": platform.python_version()} | {n: version(n) for n in libraries},
        "told": list(RANGES),
        "cpu_s": found,
    }
    if options.strategies:
        described = json.loads(options.out.read_text(encoding="utf-8"))
        known = described["cpu_s"] | found
        described["cpu_s"] = {name: known[name] for name in RECIPES if name in known}
    text = json.dumps(described, indent=1)
    # One line per list of numbers.
    text = re.sub(r"\[([^\]]*)\]", lambda found: f"[{' '.join(found[1].split())}]", text)
    options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
