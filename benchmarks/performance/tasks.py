"""The tasks of the strategies' benchmark: recorded tables and surfaces by formula, in families.

- ``shipped``: the tables of `benchmarks/recorded`;
- ``surfaces``: `benchmarks.replay.synthetic`;
- one family for each folder of tables that is named: a table is a folder with ``trials.parquet``
  and ``curves.parquet``, and its task is called ``FOLDER/TABLE``.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np

from perjoule.benchmarks.analysis.target import parse_target
from perjoule.benchmarks.comparison.loading import load_table
from perjoule.benchmarks.replay.nearest import NearestObjective
from perjoule.benchmarks.replay.recording import Recording
from perjoule.benchmarks.replay.synthetic import SURFACES, Surface
from perjoule.benchmarks.tables.facts import Fact
from perjoule.errors import DataError, UnknownNameError
from perjoule.models.metric import Metric
from perjoule.tuners.parts.encoding import Encoding

TABLES = Path(__file__).parents[1] / "recorded"
TRIALS = "trials.parquet"
MEAN_OF = 512
"""Random candidates that an average training is the mean of."""
SAMPLED = 32
"""Random candidates by whose curves a surface is known again."""


@dataclass(frozen=True)
class TaskSource:
    """Where a task is from."""

    name: str
    family: str
    folder: Path | None = None  # of its table; None of a surface


@dataclass(frozen=True)
class TaskFacts(Fact):
    """What must be known of a task to score runs of it."""

    task: str  # its name
    family: str
    trials: float  # the budget of a run in average trainings
    budget_j: float  # the same in joules
    best_score: float  # the best known, in the metric's unit
    start_score: float  # of the median random candidate, trained to the end
    fingerprint: str  # of what its objective gives; another one is another task
    metric: Metric

    def target(self, share: float) -> float:
        """The score to reach, oriented, by the rule of `analysis.target`.

        Of a metric from 0 to 1 it is that share of the best score, of any other one that share of
        the way to it from the median random candidate.
        """
        ends = map(self.metric.oriented, (self.best_score, self.start_score))
        return parse_target(f"{share * 100:g}%", self.metric).score(*ends)


def find_tasks(folders: Iterable[Path] = ()) -> dict[str, TaskSource]:
    """All tasks by name: shipped tables, surfaces, then the tables of each folder.

    Raises:
        DataError: A folder holds no table, or two tables have one name.
    """
    found = [TaskSource(each.name, "shipped", each) for each in _tables_in(TABLES)]
    found += [TaskSource(name, "surfaces") for name in SURFACES]
    for folder in map(Path.resolve, folders):
        tables = [folder] if (folder / TRIALS).exists() else list(_tables_in(folder))
        if not tables:
            raise DataError(
                f"{folder}: there is no table in it: name a folder with a subfolder for each "
                f"table, which holds {TRIALS} and curves.parquet"
            )
        found += [TaskSource(f"{folder.name}/{each.name}", folder.name, each) for each in tables]
    by_name: dict[str, TaskSource] = {}
    for source in found:
        if source.name in by_name:
            raise DataError(f"two tables are called {source.name}: rename the folder of one")
        by_name[source.name] = source
    return by_name


def choose_tasks(wanted: Sequence[str], known: Iterable[tuple[str, str]]) -> list[str]:
    """Names of tasks by their names, families or last parts (``126026`` of ``lcbench/126026``).

    Args:
        wanted: What was asked for; nothing means all.
        known: Name and family of each task.

    Raises:
        UnknownNameError: One is none of these.
    """
    known = list(known)
    chosen = [name for name, _ in known] if not wanted else []
    for each in wanted:
        fitting = [
            name for name, family in known if each in (name, family, name.rpartition("/")[2])
        ]
        if not fitting:
            raise UnknownNameError("task", each, {text for pair in known for text in pair})
        chosen += fitting
    return list(dict.fromkeys(chosen))


def _tables_in(folder: Path) -> Iterator[Path]:
    return (path.parent for path in sorted(folder.glob(f"*/{TRIALS}")))


@cache
def objective_of(source: TaskSource) -> NearestObjective | Surface:
    """The objective of a task."""
    if source.folder is None:
        return SURFACES[source.name]
    return NearestObjective(Recording.of(load_table(source.folder)))


def fresh_objective(source: TaskSource) -> NearestObjective | Surface:
    """The objective of a task for one run, which no other run has drawn repeats from."""
    objective = objective_of(source)
    return objective if isinstance(objective, Surface) else objective.fresh()


@cache
def facts_of(source: TaskSource, trials: float) -> TaskFacts:
    """What must be known of a task for runs of so many average trainings.

    An average training is the mean joules of random candidates that are trained to the longest
    epochs.
    """
    objective = fresh_objective(source)
    encoding, longest = Encoding(objective.space), objective.space.longest()
    joules, scores, curves = [], [], []
    for point in np.random.default_rng(0).random((MEAN_OF, encoding.n_dimensions)):
        params = {**encoding.decode(point), "epochs": longest}
        setup_j, epochs = objective.curve(params, 0, 0)
        curve = [setup_j, *(value for epoch in epochs[:longest] for value in epoch)]
        joules.append(setup_j + sum(energy_j for energy_j, _ in epochs[:longest]))
        scores += [last for last in curve[-1:] if not math.isnan(last)]
        curves.append(curve)
    return TaskFacts(
        source.name,
        source.family,
        trials,
        trials * fmean(joules),
        objective.best_score,
        median(scores),
        _fingerprint(objective, curves[:SAMPLED]),
        objective.metric,
    )


def _fingerprint(objective: NearestObjective | Surface, sampled: list[list[float]]) -> str:
    """A hash of all that a recording gives; of a surface, of some of its curves."""
    space: Any = objective.space.to_mapping()
    if isinstance(objective, Surface):
        # Libraries of other machines may differ in the last digits of an exponential.
        content: Any = [[f"{value:.6g}" for value in curve] for curve in sampled]
    else:
        recording = objective.recording
        content = [list(recording.params), recording.curves, recording.metric.to_dict()]
    text = json.dumps([space, content], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
