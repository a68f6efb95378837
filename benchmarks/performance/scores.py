"""What the runs of a task say of each strategy."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import pandas as pd

from perjoule.benchmarks.performance.plays import Result
from perjoule.benchmarks.replay.simulation import slice_frame
from perjoule.benchmarks.statistics.inference import Interval, interval
from perjoule.benchmarks.statistics.runs import AnytimeCurves, expected_energy_to_target

SHARES = (0.95, 0.99)
"""Targets, as shares of the best known accuracy."""
RESAMPLES = 2_000
_BEYOND_J = 1e300
"""Stands for infinity where ranks are averaged."""
_UNKNOWN = Interval(math.nan, math.nan, math.nan, 0)


@dataclass(frozen=True)
class Reached:
    """How a strategy did on a target.

    Attributes:
        hits: Runs that reached it.
        energy_j: Median joules until then with its bootstrap 95 % interval; a run that never
            reached it counts as infinite.
        ert_j: Expected joules to the target, see `statistics.runs.expected_energy_to_target`.
        ratio: `ert_j` over that of the best peer with its bootstrap 95 % interval; NaN where no
            peer reached it.
    """

    hits: int
    energy_j: Interval
    ert_j: float
    ratio: Interval


@dataclass(frozen=True)
class Score:
    """How a strategy did on a task.

    Attributes:
        task: Name of the task.
        strategy: Name of the strategy.
        runs: How many.
        reached: By target share.
        anytime: Median of the runs' `AnytimeCurves.anytime_score`.
        final: Median of the best accuracies of the runs.
        slices: Mean number of slices of a run.
        search_share: Joules of searching over all joules, CPU-seconds of asks and tells times watts
            per core being the joules, whether or not they were charged.
        errors: What broke runs off.
    """

    task: str
    strategy: str
    runs: int
    reached: Mapping[float, Reached]
    anytime: float
    final: float
    slices: float
    search_share: float
    errors: tuple[str, ...]


def score_task(
    results: Sequence[Result],
    best_accuracy: float,
    budget_j: float,
    watts: float,
    peers: Sequence[str],
) -> list[Score]:
    """Score all strategies of one task, the fewest expected joules to the last target first.

    Args:
        results: All runs of the task.
        best_accuracy: The best known.
        budget_j: Joules that each run had.
        watts: Watts per core for the share of the search.
        peers: Names of the strategies to compare with.
    """
    curves = AnytimeCurves.of(slice_frame([each.run for each in results]))
    anytime = curves.anytime_score(budget_j)
    final = curves.levels_at(math.inf)
    per_target = {
        share: curves.energy_to_target(share * best_accuracy).astype({"strategy": str})
        for share in SHARES
    }
    names = list(dict.fromkeys(each.entry.strategy for each in results))
    reached = {share: _reached(runs, names, peers) for share, runs in per_target.items()}
    scores = []
    for name in names:
        own = [each for each in results if each.entry.strategy == name]
        runs = [f"{name}-{each.entry.seed}" for each in own if each.run.slices]
        slices = [slice_ for each in own for slice_ in each.run.slices]
        search_j = watts * sum(slice_.search_s for slice_ in slices)
        trained_j = sum(slice_.energy_j - slice_.search_j for slice_ in slices)
        scores.append(
            Score(
                results[0].entry.task,
                name,
                len(own),
                {share: by_name[name] for share, by_name in reached.items()},
                float(anytime[runs].median()),
                float(final[runs].median()),
                len(slices) / len(own),
                search_j / (search_j + trained_j) if slices else math.nan,
                tuple(sorted({each.run.error for each in own if each.run.error})),
            )
        )
    return sorted(scores, key=lambda score: _order(score.reached[SHARES[-1]]))


def _order(reached: Reached) -> tuple[float, int]:
    return reached.ert_j, -reached.hits


def _reached(runs: pd.DataFrame, names: Sequence[str], peers: Sequence[str]) -> dict[str, Reached]:
    """What each strategy needed for a target, beside the best peer."""
    own = {name: runs[runs["strategy"] == name] for name in names}
    ert_j = {name: expected_energy_to_target(each) for name, each in own.items()}
    rivals = [name for name in names if name in peers]
    best = min(rivals, key=lambda name: ert_j[name], default=None)
    found = {}
    for name, each in own.items():
        joules = each["energy_j"].where(each["hit"], math.inf).to_numpy()
        ratio = _UNKNOWN if best is None else _ratio(each, own[best])
        found[name] = Reached(int(each["hit"].sum()), _median(joules), ert_j[name], ratio)
    return found


def _median(joules: np.ndarray) -> Interval:
    """A median with its interval, of joules that may be infinite."""
    found = interval(np.minimum(joules, _BEYOND_J))
    low, middle, high = (
        math.inf if end > _BEYOND_J / 10 else end for end in (found.low, found.median, found.high)
    )
    return Interval(middle, low, high, found.n)


def _ratio(own: pd.DataFrame, peer: pd.DataFrame) -> Interval:
    """Ratio of expected joules, with its interval over resampled runs of both."""
    peer_j = expected_energy_to_target(peer)
    if math.isinf(peer_j):
        return _UNKNOWN
    if not own["hit"].any():
        return Interval(math.inf, math.nan, math.inf, len(own))
    generator = np.random.default_rng(0)
    drawn_j, drawn_peer_j = (_resampled_ert_j(runs, generator) for runs in (own, peer))
    with np.errstate(invalid="ignore"):  # neither reached it
        ratios = drawn_j / drawn_peer_j
    ratios = np.sort(ratios[~np.isnan(ratios)])
    low, high = (float(ratios[round(share * (len(ratios) - 1))]) for share in (0.025, 0.975))
    return Interval(expected_energy_to_target(own) / peer_j, low, high, len(own))


def _resampled_ert_j(runs: pd.DataFrame, generator: np.random.Generator) -> np.ndarray:
    drawn = generator.integers(len(runs), size=(RESAMPLES, len(runs)))
    spent_j = runs["energy_j"].to_numpy()[drawn].sum(axis=1)
    hits = runs["hit"].to_numpy()[drawn].sum(axis=1)
    with np.errstate(divide="ignore"):
        return spent_j / hits


def overall(scores: Sequence[Score], share: float = SHARES[-1]) -> dict[str, float]:
    """Geometric mean of each strategy's ratio to the best peer, the least first.

    Over the tasks on which some peer reached the target; infinite if the strategy missed one.
    """
    ratios: dict[str, list[float]] = {}
    for score in scores:
        ratio = score.reached[share].ratio.median
        if not math.isnan(ratio):
            ratios.setdefault(score.strategy, []).append(math.log(ratio))
    means = {name: math.exp(fmean(logs)) for name, logs in ratios.items()}
    return dict(sorted(means.items(), key=lambda item: item[1]))
