"""What the runs of a task say of each strategy; all of it is worked out on what is kept of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from perjoule.benchmarks.analysis.orientation import worst_bound
from perjoule.benchmarks.performance.records import Forecasts, RunRecord
from perjoule.benchmarks.performance.tasks import TaskFacts
from perjoule.benchmarks.statistics.expected import ExpectedRatio, expected_energy_ratio
from perjoule.benchmarks.statistics.inference import Interval, interval
from perjoule.benchmarks.statistics.runs import AnytimeCurves, expected_energy_to_target
from perjoule.models.metric import Metric
from perjoule.models.outcome import State

SHARES = (0.95, 0.99)
"""Targets, as shares of the best known score."""
_BEYOND_J = 1e300
"""Stands for infinity where ranks are averaged."""


@dataclass(frozen=True, eq=False)
class TaskRuns:
    """All runs of a task."""

    facts: TaskFacts
    runs: Mapping[str, Sequence[RunRecord]]  # by strategy, each at least one

    @cached_property
    def curves(self) -> AnytimeCurves:
        """Their anytime curves; scores are oriented."""
        runs = (run for own in self.runs.values() for run in own)
        return AnytimeCurves.of(frame_of(runs, self.facts.metric))

    def reached(self, share: float) -> dict[str, pd.DataFrame]:
        """What each run needed for a target, see `AnytimeCurves.energy_to_target`; by strategy."""
        runs = self.curves.energy_to_target(self.facts.target(share)).astype({"strategy": str})
        return {name: runs[runs["strategy"] == name] for name in self.runs}


def frame_of(runs: Iterable[RunRecord], metric: Metric) -> pd.DataFrame:
    """Runs as `benchmarks.statistics` reads them: a row for each improvement, and one of the rest.

    Scores are oriented; the joules of a row are those since the row before.
    """
    frames = []
    for run in runs:
        spent_j = np.array([0.0, *run.joules, max(run.spent_j, *run.joules, 0.0)])
        scores = [*map(metric.oriented, run.scores), math.nan]
        frames.append(
            pd.DataFrame(
                {
                    "run": f"{run.strategy}-{run.seed}",
                    "strategy": run.strategy,
                    "state": str(State.COMPLETE),
                    "score": scores,
                    "energy_j": np.diff(spent_j),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


@dataclass(frozen=True)
class TargetScore:
    """How a strategy did on a target."""

    hits: int  # runs that reached it
    energy_j: Interval  # until then; a run that never reached it counts as infinite
    ert_j: float  # see `statistics.runs.expected_energy_to_target`
    ratios: Mapping[str, ExpectedRatio]  # by subject: its expected joules over these


@dataclass(frozen=True)
class Score:
    """How a strategy did on a task."""

    task: str
    family: str
    strategy: str
    version: str  # of what ran, several are joined
    runs: int
    reached: Mapping[float, TargetScore]  # by the target's share of the best known score
    anytime: float  # median of the runs' `statistics.anytime_score`, oriented
    final: float  # median of the runs' best scores, in the metric's unit
    slices: float  # mean number of a run
    search_share: float  # of all joules, asks and tells at `watts` per core, charged or not
    ask_ms: float  # mean CPU-milliseconds of an ask with its tell
    forecasts: Mapping[str, Forecasts]  # by the epochs at the slice's end, see `RunRecord`
    errors: tuple[str, ...]  # what broke runs off


def score_task(task: TaskRuns, subjects: Sequence[str], watts: float) -> list[Score]:
    """Score all strategies of one task, the fewest expected joules to the last target first.

    Args:
        task: All runs of the task.
        subjects: The strategies that every one is compared with; those without runs are passed
            over.
        watts: Watts per core for the share of the search.
    """
    facts = task.facts
    anytime = task.curves.anytime_score(facts.budget_j, worst=worst_bound(facts.metric))
    final = task.curves.levels_at(math.inf)
    reached = {share: _reached(task.reached(share), subjects) for share in SHARES}
    scores = []
    for name, own in task.runs.items():
        runs = [f"{name}-{run.seed}" for run in own]
        n_slices, search_s = sum(run.slices for run in own), sum(run.search_s for run in own)
        scores.append(
            Score(
                facts.task,
                facts.family,
                name,
                ", ".join(sorted({run.version for run in own})),
                len(own),
                {share: by_name[name] for share, by_name in reached.items()},
                float(anytime[runs].median()),
                facts.metric.oriented(float(final[runs].median())),
                n_slices / len(own),
                search_share(own, watts),
                1e3 * search_s / n_slices if n_slices else math.nan,
                pool_forecasts(own),
                tuple(sorted({run.error for run in own if run.error})),
            )
        )
    last = SHARES[-1]
    return sorted(scores, key=lambda each: (each.reached[last].ert_j, -each.reached[last].hits))


def search_share(runs: Sequence[RunRecord], watts: float) -> float:
    """The share of all joules that searching takes, at so many watts of a core; NaN of nothing."""
    search_j = watts * sum(run.search_s for run in runs)
    all_j = search_j + sum(run.trained_j for run in runs)
    return search_j / all_j if all_j else math.nan


def pool_forecasts(runs: Iterable[RunRecord]) -> dict[str, Forecasts]:
    """The forecasts of several runs, by the epochs at the slice's end."""
    pooled: dict[str, Forecasts] = {}
    for run in runs:
        for epochs, found in run.forecasts.items():
            pooled[epochs] = pooled.get(epochs, Forecasts()) + found
    return dict(sorted(pooled.items(), key=lambda item: int(item[0])))


def _reached(runs: Mapping[str, pd.DataFrame], subjects: Sequence[str]) -> dict[str, TargetScore]:
    """What each strategy needed for a target, and what each subject did in comparison."""
    found = {}
    for name, each in runs.items():
        joules = each["energy_j"].where(each["hit"], math.inf).to_numpy()
        ratios = {
            subject: expected_energy_ratio(runs[subject], each)
            for subject in subjects
            if subject in runs and subject != name
        }
        hits, ert_j = int(each["hit"].sum()), expected_energy_to_target(each)
        found[name] = TargetScore(hits, _median(joules), ert_j, ratios)
    return found


def _median(joules: np.ndarray) -> Interval:
    """A median with its interval, of joules that may be infinite."""
    found = interval(np.minimum(joules, _BEYOND_J))
    low, middle, high = (
        math.inf if end > _BEYOND_J / 10 else end for end in (found.low, found.median, found.high)
    )
    return Interval(middle, low, high, found.n)
