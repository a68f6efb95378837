"""What the runs of all tasks of a family say: a subject's joules over those of its rivals.

A ratio is that of expected joules to a target (ERT). Some strategy may reach the target in none of
its runs on a task, and its ERT is infinite there. No task is left out for that:

- if only the subject never reached it, its runs count as half a hit: twice the joules of all;
- if only the rival never reached it, its runs count as one hit, the least that they can have cost;
- if neither did, the ratio is 1: nothing is known.

So a rule costs the subject more than it gives it. How many tasks each holds for is told.

Intervals are bootstrap percentile intervals (Efron and Tibshirani, 1993, chapter 13): each resample
draws tasks, and on each task runs of the subject and runs of the rival; the rules above hold in
each resample.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perjoule.benchmarks.performance.records import Forecasts
from perjoule.benchmarks.performance.scores import (
    SHARES,
    TaskRuns,
    pool_forecasts,
    search_share,
)
from perjoule.benchmarks.statistics.inference import percentile_ends

BEST = "best of rivals"
"""The rival with the least expected joules on each task."""
RESAMPLES = 2_000
RANKED_AT = (0.1, 0.25, 0.5, 0.75, 1.0)
"""Shares of the budget."""
_HALF_A_HIT = 0.5

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FamilyRatio:
    """Expected joules of a subject over those of a rival, on all tasks that both have runs of."""

    subject: str
    rival: str  # or `BEST`
    share: float  # the target, of the best known score
    mean: float  # geometric, over tasks
    low: float  # of its 95 % interval
    high: float
    by_task: Mapping[str, float]  # the ratio on each task, the worst first
    rivals: Mapping[str, str]  # the rival on each task
    missed: Mapping[str, tuple[str, ...]]  # tasks that `subject`, `rival` or `both` never reached

    @property
    def worst(self) -> tuple[str, float]:
        """The task on which the subject does worst, and its ratio there."""
        return next(iter(self.by_task.items()))


def family_ratios(
    tasks: Sequence[TaskRuns], subject: str, rivals: Sequence[str]
) -> list[FamilyRatio]:
    """Compare a subject with the best of its rivals on each task, then with each of them.

    Args:
        tasks: All tasks of the family.
        subject: The strategy above.
        rivals: The strategies below; the subject among them is passed over. Those without runs of
            any task that the subject has runs of have no ratio.
    """
    rivals = [name for name in rivals if name != subject]
    return [
        found
        for share in SHARES
        for found in _ratios([_Spent.of(task, share) for task in tasks], subject, rivals, share)
    ]


@dataclass(frozen=True, eq=False)
class _Spent:
    """Joules until a target was reached, or in all, and whether it was; by strategy and run."""

    task: str
    energy_j: Mapping[str, Floats]
    hit: Mapping[str, Floats]

    @classmethod
    def of(cls, task: TaskRuns, share: float) -> _Spent:
        reached = {
            name: runs for name, runs in task.reached(share).items() if runs["energy_j"].sum() > 0
        }
        return cls(
            task.facts.task,
            {name: runs["energy_j"].to_numpy(dtype=float) for name, runs in reached.items()},
            {name: runs["hit"].to_numpy(dtype=float) for name, runs in reached.items()},
        )

    def best_of(self, rivals: Iterable[str]) -> str | None:
        """The rival with the least expected joules; of those that reached it, if any did."""
        known = [name for name in rivals if name in self.energy_j]
        hit = [name for name in known if self.hit[name].any()]
        return min(hit or known, key=self._least_j, default=None)

    def _least_j(self, name: str) -> float:
        return float(self.energy_j[name].sum() / max(self.hit[name].sum(), 1.0))

    def log_ratio(self, subject: str, rival: str) -> float:
        sums = (each[name].sum() for name in (subject, rival) for each in (self.energy_j, self.hit))
        return float(_log_ratio(*map(np.asarray, sums)))

    def resampled(self, subject: str, rival: str, generator: np.random.Generator) -> Floats:
        """The logarithm of the ratio in each resample of the runs."""
        sums: list[Floats] = []
        for name in (subject, rival):
            energy_j, hit = self.energy_j[name], self.hit[name]
            drawn = generator.integers(len(hit), size=(RESAMPLES, len(hit)))
            sums += [energy_j[drawn].sum(axis=1), hit[drawn].sum(axis=1)]
        return _log_ratio(*sums)


def _log_ratio(
    subject_j: Floats, subject_hits: Floats, rival_j: Floats, rival_hits: Floats
) -> Floats:
    """Logarithm of the ratio of expected joules by the rules of this module."""
    above_j = subject_j / np.maximum(subject_hits, _HALF_A_HIT)
    below_j = rival_j / np.maximum(rival_hits, 1.0)
    neither = (subject_hits == 0) & (rival_hits == 0)
    with np.errstate(divide="ignore", invalid="ignore"):  # of resamples without joules
        return np.where(neither, 0.0, np.log(above_j) - np.log(below_j))


def _ratios(
    spent: Sequence[_Spent], subject: str, rivals: Sequence[str], share: float
) -> Iterable[FamilyRatio]:
    own = [each for each in spent if subject in each.energy_j]
    for name in (BEST, *rivals):
        pairs = [
            (each, rival)
            for each in own
            if (rival := each.best_of(rivals if name == BEST else [name])) is not None
        ]
        if pairs:
            yield _ratio(pairs, subject, name, share)


def _ratio(
    pairs: Sequence[tuple[_Spent, str]], subject: str, name: str, share: float
) -> FamilyRatio:
    logs = np.array([each.log_ratio(subject, rival) for each, rival in pairs])
    generator = np.random.default_rng(0)
    resampled = np.array([each.resampled(subject, rival, generator) for each, rival in pairs])
    drawn = generator.integers(len(pairs), size=(len(pairs), RESAMPLES))
    means = np.take_along_axis(resampled, drawn, axis=0).mean(axis=0)
    low, high = percentile_ends(means[~np.isnan(means)])
    tasks = [each.task for each, _ in pairs]
    order = np.argsort(-logs, kind="stable")
    missed: dict[str, list[str]] = {"subject": [], "rival": [], "both": []}
    for each, rival in pairs:
        hits = bool(each.hit[subject].any()), bool(each.hit[rival].any())
        if hits != (True, True):
            who = {(True, False): "rival", (False, True): "subject"}.get(hits, "both")
            missed[who].append(each.task)
    return FamilyRatio(
        subject,
        name,
        share,
        math.exp(logs.mean()),
        math.exp(low),
        math.exp(high),
        {tasks[place]: math.exp(logs[place]) for place in order},
        {each.task: rival for each, rival in pairs},
        {who: tuple(names) for who, names in missed.items()},
    )


@dataclass(frozen=True)
class FamilyRanks:
    """Mean ranks of the incumbents' scores at shares of the budget, over tasks and seeds."""

    ranks: Mapping[str, tuple[float, ...]]  # by strategy, one for each share; the best first
    runs: int  # pairs of task and seed that all of them have a run of
    left_out: tuple[str, ...]  # strategies that lack some task


def family_ranks(tasks: Sequence[TaskRuns]) -> FamilyRanks:
    """Rank all strategies, 1 the best, ties shared; one without a result yet is the worst."""
    from scipy.stats import rankdata

    everywhere = [name for name in tasks[0].runs if all(name in task.runs for task in tasks)]
    others = {name for task in tasks for name in task.runs} - set(everywhere)
    found = []
    for task in tasks:
        seeds = [{run.seed for run in task.runs[name]} for name in everywhere]
        common = sorted(set.intersection(*seeds)) if seeds else []
        levels = task.curves.levels([share * task.facts.budget_j for share in RANKED_AT])
        levels = pd.DataFrame(levels, index=task.curves.names)
        for seed in common:
            rows = levels.loc[[f"{name}-{seed}" for name in everywhere]].to_numpy()
            found.append(rankdata(-rows, axis=0))
    mean = np.mean(found, axis=0) if found else np.full((len(everywhere), len(RANKED_AT)), np.nan)
    ranks = {name: tuple(map(float, row)) for name, row in zip(everywhere, mean, strict=True)}
    ordered = dict(sorted(ranks.items(), key=lambda item: sum(item[1])))
    return FamilyRanks(ordered, len(found), tuple(sorted(others)))


@dataclass(frozen=True)
class FamilyCost:
    """What searching took, and how good forecasts were, over all runs of a family."""

    strategy: str
    version: str
    runs: int
    ask_ms: float  # mean CPU-milliseconds of an ask with its tell
    search_share: float  # of all joules, at the watts of a core that were asked for
    forecasts: Mapping[str, Forecasts]  # by the epochs at the slice's end

    @property
    def coverage(self) -> Forecasts:
        """All forecasts."""
        return sum(self.forecasts.values(), Forecasts())


def family_costs(tasks: Sequence[TaskRuns], watts: float) -> list[FamilyCost]:
    """What searching took of each strategy, in order of appearance."""
    names = dict.fromkeys(name for task in tasks for name in task.runs)
    found = []
    for name in names:
        runs = [run for task in tasks for run in task.runs.get(name, ())]
        n_slices = sum(run.slices for run in runs)
        search_s = sum(run.search_s for run in runs)
        found.append(
            FamilyCost(
                name,
                ", ".join(sorted({run.version for run in runs})),
                len(runs),
                1e3 * search_s / n_slices if n_slices else math.nan,
                search_share(runs, watts),
                pool_forecasts(runs),
            )
        )
    return found
