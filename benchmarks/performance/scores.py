"""What the runs of a task say of each strategy."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import pandas as pd

from perjoule.benchmarks.performance.plays import EntryResult
from perjoule.benchmarks.replay.simulation import Simulation, Slice
from perjoule.benchmarks.statistics.inference import Interval, interval
from perjoule.benchmarks.statistics.runs import AnytimeCurves, expected_energy_to_target

SHARES = (0.95, 0.99)
"""Targets, as shares of the best known accuracy."""
RESAMPLES = 2_000
_BEYOND_J = 1e300
"""Stands for infinity where ranks are averaged."""
_UNKNOWN = Interval(math.nan, math.nan, math.nan, 0)


@dataclass(frozen=True)
class TargetScore:
    """How a strategy did on a target."""

    hits: int  # runs that reached it
    energy_j: Interval  # until then; a run that never reached it counts as infinite
    ert_j: float  # see `statistics.expected_energy_to_target`
    ratio: Interval  # `ert_j` over that of the best peer; NaN where no peer reached the target


@dataclass(frozen=True)
class Score:
    """How a strategy did on a task."""

    task: str
    strategy: str
    runs: int
    reached: Mapping[float, TargetScore]  # by the target's share of the best known accuracy
    anytime: float  # median of the runs' `statistics.anytime_score`
    final: float  # median of the runs' best accuracies
    slices: float  # mean number of a run
    search_share: float  # of all joules, asks and tells at `watts` per core, charged or not
    errors: tuple[str, ...]  # what broke runs off


def score_task(
    results: Sequence[EntryResult],
    best_score: float,
    budget_j: float,
    watts: float,
    peers: Sequence[str],
) -> list[Score]:
    """Score all strategies of one task, the fewest expected joules to the last target first.

    Args:
        results: All runs of the task.
        best_score: The best known.
        budget_j: Joules that each run had.
        watts: Watts per core for the share of the search.
        peers: Names of the strategies to compare with.
    """
    curves = AnytimeCurves.of(slice_frame([each.run for each in results]))
    anytime = curves.anytime_score(budget_j)
    final = curves.levels_at(math.inf)
    per_target = {
        share: curves.energy_to_target(share * best_score).astype({"strategy": str})
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
    last = SHARES[-1]
    return sorted(scores, key=lambda each: (each.reached[last].ert_j, -each.reached[last].hits))


def slice_frame(runs: Iterable[Simulation]) -> pd.DataFrame:
    """The slices of runs as `benchmarks.statistics` reads them, one row each."""
    frames = [
        pd.DataFrame(run.slices, columns=list(Slice._fields)).assign(
            run=f"{run.terms.name}-{run.terms.seed}",
            strategy=run.terms.name,
            seed=run.terms.seed,
        )
        for run in runs
    ]
    frame = pd.concat(frames, ignore_index=True).drop(columns="params")
    return frame.assign(state=frame["state"].astype(str))


def _reached(
    runs: pd.DataFrame, names: Sequence[str], peers: Sequence[str]
) -> dict[str, TargetScore]:
    """What each strategy needed for a target, beside the best peer."""
    own = {name: runs[runs["strategy"] == name] for name in names}
    ert_j = {name: expected_energy_to_target(each) for name, each in own.items()}
    rivals = [name for name in names if name in peers]
    best = min(rivals, key=lambda name: ert_j[name], default=None)
    found = {}
    for name, each in own.items():
        joules = each["energy_j"].where(each["hit"], math.inf).to_numpy()
        ratio = _UNKNOWN if best is None else _ratio(each, own[best])
        found[name] = TargetScore(int(each["hit"].sum()), _median(joules), ert_j[name], ratio)
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
    drawn_j = []
    with np.errstate(divide="ignore", invalid="ignore"):  # where one or neither reached it
        for runs in (own, peer):
            drawn = generator.integers(len(runs), size=(RESAMPLES, len(runs)))
            hits = runs["hit"].to_numpy()[drawn].sum(axis=1)
            drawn_j.append(runs["energy_j"].to_numpy()[drawn].sum(axis=1) / hits)
        ratios = drawn_j[0] / drawn_j[1]
    # Resampled values themselves: some are infinite, and nothing lies between.
    low, high = np.quantile(ratios[~np.isnan(ratios)], [0.025, 0.975], method="nearest")
    return Interval(expected_energy_to_target(own) / peer_j, float(low), float(high), len(own))


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
