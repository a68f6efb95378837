"""The tasks of the strategies' benchmark, and one run of a strategy on one of them."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from perjoule.benchmarks.comparison.loading import load_table
from perjoule.benchmarks.performance.peers import PEERS, quieten
from perjoule.benchmarks.replay.nearest import NearestObjective
from perjoule.benchmarks.replay.recording import Recording
from perjoule.benchmarks.replay.simulation import Simulation, Terms, play
from perjoule.benchmarks.replay.synthetic import SURFACES, Surface
from perjoule.tuners.parts.encoding import Encoding
from perjoule.tuners.registry import find_recipe

TABLES = Path(__file__).parents[1] / "recorded"
MOST_TRIALS = 400
"""A run ends after so many: cheap trials may be thousands, and models of thousands take minutes."""
MEAN_OF = 512
"""Candidates."""


class Entry(NamedTuple):
    """A run of the benchmark."""

    task: str
    strategy: str  # one of ours or of the peers
    seed: int
    trials: float  # the budget, in joules of an average random candidate
    watts: float  # of a core, by which asks and tells are charged
    fidelity: str = "epochs"  # what rungs are made of


class EntryResult(NamedTuple):
    """An entry and what came of it."""

    entry: Entry
    run: Simulation


def tasks() -> list[str]:
    """Names of the tasks: recorded tables, then surfaces."""
    recorded = sorted(folder.parent.name for folder in TABLES.glob("*/trials.parquet"))
    return [*recorded, *SURFACES]


@cache
def objective_of(task: str) -> NearestObjective | Surface:
    """The objective of a task."""
    if task in SURFACES:
        return SURFACES[task]
    return NearestObjective(Recording.of(load_table(TABLES / task)))


@cache
def budget_of(task: str, trials: float) -> float:
    """Joules of so many average candidates: the mean over uniform draws, epochs drawn too."""
    objective = objective_of(task)
    encoding = Encoding(objective.space)
    total_j = 0.0
    for point in np.random.default_rng(0).random((MEAN_OF, encoding.n_dimensions)):
        params = encoding.decode(point)
        setup_j, epochs = objective.curve(params, 0, 0)
        total_j += setup_j + sum(energy_j for energy_j, _ in epochs[: params["epochs"]])
    return trials * total_j / MEAN_OF


def run_all(entries: Sequence[Entry], workers: int) -> Iterator[EntryResult]:
    """Run them side by side, each on one thread; in the order in which they end."""
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=quieten) as pool:
        for future in as_completed([pool.submit(run, entry) for entry in entries]):
            yield future.result()


def run(entry: Entry) -> EntryResult:
    """Let a strategy spend its budget; a fault of its own ends the run, as it does in earnest."""
    terms = Terms(
        budget_of(entry.task, entry.trials),
        entry.seed,
        entry.strategy,
        watts=entry.watts,
        max_trials=MOST_TRIALS,
    )
    build = PEERS.get(entry.strategy) or find_recipe(entry.strategy).build
    found = play(build, objective_of(entry.task), terms, fidelity=entry.fidelity)
    return EntryResult(entry, found._replace(slices=[s._replace(params={}) for s in found.slices]))
