"""The runs of a replay, side by side in processes."""

from __future__ import annotations

import contextlib
import pickle
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import lru_cache
from heapq import heappop, heappush
from pathlib import Path
from random import Random
from statistics import fmean, median
from typing import Any, NamedTuple

import numpy as np

from ...errors import ConfigurationError
from ...tuners.parts.encoding import Encoding
from ...tuners.registry import find_recipe
from ...tuners.strategy import Earlier, Strategy
from ..comparison.executors import (
    end_if_a_script_is_run_again,
    ended_workers,
    kill_workers,
    make_executor,
    refuse_no_guard,
)
from . import side_by_side, simulation
from .ask_cost import load_ask_costs
from .forest import ForestObjective
from .nearest import NearestObjective
from .simulation import Simulation, Terms

Searches = tuple[tuple[Earlier, ...], ...]
RecordedObjective = NearestObjective | ForestObjective
SLOW_S = 0.2
"""Modelled CPU-seconds of a run's asks above which a strategy gets fewer seeds."""
FORECAST_DRAWS = 32
"""Candidates, whose mean is what trials are forecast to cost."""


class Play(NamedTuple):
    """One run that is to be replayed."""

    stage: int  # index of its objective
    strategy: str
    seed: int
    budget_j: float
    watts: float | None  # of a core, by which its modelled asks are charged; None charges nothing
    parallel_trials: int = 1  # in flight at once
    stop_early: float | None = None  # score that is worth its budget; None spends it


class Played(NamedTuple):
    """A run and what came of it."""

    play: Play
    run: Simulation


def forecast_s(objective: RecordedObjective, play: Play) -> float:
    """CPU-seconds that the asks of a run should take, were its candidates drawn at random.

    Strategies that favour cheap candidates, or stop trials early, ask more often.
    """
    cost_s = load_ask_costs().of(play.strategy)
    if cost_s is None:
        return 0.0
    encoding, draws = Encoding(objective.space), Random(0)
    trained_j = []
    for trial in range(FORECAST_DRAWS):
        point = np.array([draws.random() for _ in range(encoding.n_dimensions)])
        params = encoding.decode(point)
        setup_j, points = objective.fresh().curve(params, trial, 0)
        trained_j.append(setup_j + sum(epoch_j for epoch_j, _ in points[: params["epochs"]]))
    each_j, spent_j, total_s, n_told = fmean(trained_j), 0.0, 0.0, 0
    while spent_j < play.budget_j:
        ask_s = cost_s(n_told)
        total_s, n_told = total_s + ask_s, n_told + 1
        spent_j += each_j + ask_s * (play.watts or 0.0)
    return total_s


class PlaySchedule:
    """Which run is next: the longest, of the first few of each strategy and then of the others.

    The first few, which every strategy gets, show how long its asks take, by the measured model.
    One of each comes before all others, so that the time left is soon known.

    Args:
        strategies: Each strategy on each objective, as the run with seed 0; by each number of
            trials in flight.
        seeds: Runs of a strategy on an objective.
        slow_seeds: The same where its asks take longer than `SLOW_S`.
    """

    def __init__(self, strategies: Sequence[Play], seeds: int, slow_seeds: int) -> None:
        self._seeds, self._few = seeds, min(slow_seeds, seeds)
        self.total = len(strategies) * seeds  # runs that there will be, as far as is known
        self.slow: dict[str, float] = {}  # CPU-seconds of a run's asks, of the slow strategies
        self._costs = {play.strategy: load_ask_costs().of(play.strategy) for play in strategies}
        self._seen: dict[Play, list[float]] = {play: [] for play in strategies}
        self._took: dict[Play, list[float]] = {play: [] for play in strategies}
        self._waiting: list[tuple[bool, float, Play]] = []
        for play in strategies:
            self._add(play, range(self._few), self._cpu_s(play.strategy, 20))

    def next(self) -> Play | None:
        """The run that will take longest, so that short ones fill up the end."""
        return heappop(self._waiting)[-1] if self._waiting else None

    def left_s(self, workers: int) -> float | None:
        """Seconds that the runs to come should take; None before one of each strategy is over."""
        if not all(self._took.values()):
            return None
        left_s = 0.0
        for first, took_s in self._took.items():
            is_slow = fmean(self._seen[first]) > SLOW_S
            left_s += ((self._few if is_slow else self._seeds) - len(took_s)) * median(took_s)
        return left_s / workers

    def learn(self, played: Played, took_s: float) -> None:
        """After the first few runs of a strategy, add the others unless they would take long."""
        first = played.play._replace(seed=0)
        self._took[first].append(took_s)
        seen = self._seen[first]
        seen.append(self._cpu_s(first.strategy, len(played.run.slices)))
        if len(seen) != self._few:
            return
        cpu_s = fmean(sorted(seen))  # whose order is that of the runs' ends
        if cpu_s <= SLOW_S:
            self._add(first, range(self._few, self._seeds), cpu_s)
        elif self._few < self._seeds:
            self.slow[first.strategy] = max(cpu_s, self.slow.get(first.strategy, 0.0))
            self.total -= self._seeds - self._few

    def _add(self, first: Play, seeds: range, cpu_s: float) -> None:
        for seed in seeds:
            heappush(self._waiting, (seed > 0, -cpu_s, first._replace(seed=seed)))

    def _cpu_s(self, strategy: str, n_asks: int) -> float:
        """Modelled CPU-seconds of so many asks; 0 where there is no model."""
        cost_s = self._costs[strategy]
        return 0.0 if cost_s is None else sum(map(cost_s, range(n_asks)))


def play_all(
    objectives: Sequence[RecordedObjective],
    schedule: PlaySchedule,
    workers: int,
    update: Callable[[int, int, float | None], None],
    earlier: Sequence[Searches] = (),
) -> list[Played]:
    """Replay all runs side by side; returns them in the order in which they ended.

    Args:
        objectives: What is searched, by the index in `Play.stage`.
        schedule: The runs.
        workers: Processes; 1 is this one.
        update: Is told how many runs are done, of how many, and the seconds left, if known.
        earlier: Earlier searches that strategies learn from, by the index; none if it is empty.

    Raises:
        ConfigurationError: A worker died.
    """
    end_if_a_script_is_run_again()
    done: list[Played] = []
    executor = make_executor(workers)
    try:
        with tempfile.TemporaryDirectory(prefix="perjoule-") as folder:
            path = Path(folder) / "objectives"
            path.write_bytes(pickle.dumps([list(objectives), list(earlier)]))
            flying: set[Future[tuple[Played, float]]] = set()
            while True:
                # One in reserve for each worker, so that none waits for this process.
                while len(flying) < 2 * workers and (play := schedule.next()):
                    flying.add(executor.submit(_play_timed, str(path), play))
                if not flying:
                    return done
                landed, flying = wait(flying, return_when=FIRST_COMPLETED)
                for future in landed:
                    played, took_s = future.result()
                    done.append(played)
                    schedule.learn(played, took_s)
                update(len(done), schedule.total, schedule.left_s(workers))
    except BrokenProcessPool as error:
        refuse_no_guard(ended_workers(executor).values())
        raise ConfigurationError(
            "a worker died (out of memory?): take fewer with --workers"
        ) from error
    finally:
        kill_workers(executor)
        executor.shutdown(wait=False, cancel_futures=True)
        _objectives.cache_clear()


def _play_timed(path: str, play: Play) -> tuple[Played, float]:
    """Replay one run, and tell the seconds that it took without reading the objectives."""
    _objectives(path)
    began_s = time.perf_counter()
    return play_one(path, play), time.perf_counter() - began_s


def play_one(path: str, play: Play) -> Played:
    """Replay one run, here or in a worker; the objectives are in the file."""
    objective, earlier, shared = _objectives(path)[play.stage]
    cost_s, watts = load_ask_costs().of(play.strategy), play.watts
    search_j = 0.0 if watts is None or cost_s is None else lambda n_told: watts * cost_s(n_told)
    terms = Terms(
        play.budget_j,
        play.seed,
        play.strategy,
        search_j,
        stop_early=play.stop_early,
        earlier=earlier,
    )

    def build(*known: Any) -> Strategy:
        return find_recipe(play.strategy).build(*known)

    with _one_thread():
        if play.parallel_trials == 1:
            run = simulation.play(build, objective.fresh(), terms, shared=shared)
        else:
            width = play.parallel_trials
            run = side_by_side.play(build, objective.fresh(), terms, width, shared=shared)
    # The price of asks is a function, which stays in this process, as do earlier searches.
    return Played(play, run._replace(terms=replace(terms, search_j=0.0, earlier=())))


@lru_cache(maxsize=1)
def _objectives(path: str) -> list[tuple[RecordedObjective, Searches, dict[Any, Any]]]:
    """The objectives, read once per process, with earlier searches and what runs share."""
    objectives, earlier = pickle.loads(Path(path).read_bytes())
    found = earlier or [()] * len(objectives)
    return [(each, own, {}) for each, own in zip(objectives, found, strict=True)]


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Sums of several threads add up in any order, and runs side by side are faster."""
    import torch
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    with threadpool_limits(1):
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)
