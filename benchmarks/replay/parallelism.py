"""What it costs a search to keep several trials in flight: it learns of each only when others are.

The same runs are replayed with one trial at a time, for the same joules.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median_low

from ...energy.quantities import format_energy
from ...models.metric import Metric
from ...models.outcome import RESULTS
from ..analysis.naming import named
from .runs import Played
from .simulation import Simulation


@dataclass(frozen=True)
class ParallelCost:
    """Runs of one strategy with several trials in flight, and the same with one; all medians.

    Of an even number of runs the median is the lower of the two in the middle, so that half of the
    runs reach it.
    """

    strategy: str
    stage: int  # index of the group that was searched
    parallel_trials: int
    n_runs: int  # of each kind
    score: float  # best of a run, with several in flight; in the metric's unit
    alone_score: float  # with one
    target: float  # the worse of the two, which half of the runs of either kind reach
    energy_j: float  # joules to the target, with several in flight
    alone_j: float  # with one

    def describe(self, metric: Metric) -> str:
        """Say it in a sentence."""
        reached, alone = named(self.score, metric), named(self.alone_score, metric)
        return (
            f"{self.strategy}: {self.parallel_trials} trials at once reached {reached}, where one "
            f"at a time reached {alone} (median of {self.n_runs} runs each); to "
            f"{named(self.target, metric)} they took {format_energy(self.energy_j)} instead of "
            f"{format_energy(self.alone_j)}."
        )


def parallel_costs(
    side_by_side: Sequence[Played], alone: Sequence[Played], metric: Metric
) -> Iterator[ParallelCost]:
    """What several trials in flight cost each strategy on each group; none of one without results.

    Args:
        side_by_side: Runs with several trials in flight.
        alone: Runs of the same strategies, groups and joules with one at a time.
        metric: What scores are of.
    """
    by_run = {(_key(each), each.play.seed): each for each in alone}
    for key in dict.fromkeys(map(_key, side_by_side)):
        several = [each for each in side_by_side if _key(each) == key]
        pairs = [
            (_best_so_far(each.run, metric), _best_so_far(other.run, metric))
            for each in several
            if (other := by_run.get((key, each.play.seed))) is not None
        ]
        kinds = list(zip(*pairs, strict=True))
        last = [median_low(run[-1][1] if run else -math.inf for run in runs) for runs in kinds]
        if not pairs or math.isinf(target := min(last)):
            continue
        first_j = [median_low(_energy_to(target, run) for run in runs) for runs in kinds]
        stage, strategy = key
        score, alone_score, target = (metric.oriented(each) for each in (*last, target))
        yield ParallelCost(
            strategy,
            stage,
            several[0].play.parallel_trials,
            len(pairs),
            score,
            alone_score,
            target,
            *first_j,
        )


def _key(run: Played) -> tuple[int, str]:
    return run.play.stage, run.play.strategy


def _best_so_far(run: Simulation, metric: Metric) -> list[tuple[float, float]]:
    """Joules spent and best oriented score, whenever a run found a better one."""
    found: list[tuple[float, float]] = []
    for each in run.slices:
        if each.state not in RESULTS or math.isnan(each.score):
            continue
        score = metric.oriented(each.score)
        if not found or score > found[-1][1]:
            found.append((each.spent_j, score))
    return found


def _energy_to(target: float, found: Iterable[tuple[float, float]]) -> float:
    """Joules until a target was reached, infinite if it never was."""
    return next((energy_j for energy_j, score in found if score >= target), math.inf)
