"""What is trained and asked before a comparison begins: to warm up, and to know prices."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from threadpoolctl import threadpool_limits

from ...energy import EnergyBudget, EnergyMeter
from ...energy.quantities import total
from ...errors import ConfigurationError
from ...models.data.splits import Data, Split
from ...models.metric import Metric
from ...models.objective import Objective
from ...models.outcome import CurvePoint, SliceResult, State, StopRule
from ...models.runtime import Runtime
from ...models.space import Space
from ...models.training import EVALUATION_BATCH, split_hyperparameters
from ...tuners.registry import find_recipe
from ...tuners.strategy import Task, Told

PROBE_SAMPLES = 1024
REHEARSED_MODEL_ASKS = 2
REHEARSAL_SEED = 2**31 - 1


@dataclass(frozen=True)
class Rehearsal:
    """A rehearsal of a comparison in this process."""

    meter: EnergyMeter
    data: Data
    space: Space
    architecture: str
    runtime: Runtime
    task: Task  # what its strategies may know

    def cheapest(self) -> tuple[float | None, Told]:
        """Joules of one epoch of the cheapest candidate, and what its first steps cost.

        The joules are scaled up from a part of the data; None if unavailable. The first pass warms
        up what PyTorch prepares lazily; the second one is taken.

        Raises:
            ConfigurationError: Not even the cheapest candidate can be trained.
        """
        cheapest = self.space.cheapest()
        split_hyperparameters(cheapest, self.architecture)
        self._train_part(cheapest, PROBE_SAMPLES, PROBE_SAMPLES)
        result = self._train_part(cheapest, PROBE_SAMPLES, PROBE_SAMPLES)
        if result.state is State.FAILED:
            raise ConfigurationError(
                f"not even the cheapest candidate {cheapest} can be trained: {result.message}; "
                "mend the space or the architecture"
            )
        train_scale, validate_scale = (
            len(split) / min(len(split), PROBE_SAMPLES)
            for split in (self.data.train, self.data.validation)
        )
        epoch_j = total(
            reading.total_j and reading.total_j * scale
            for reading, scale in (
                (result.setup, 1.0),
                (result.train, train_scale),
                (result.validate, validate_scale),
            )
        )
        return epoch_j, _steps_of(result)

    def heaviest(self) -> Told:
        """One training and one validation step of the heaviest candidate: what a step may cost."""
        heaviest = self.space.heaviest()
        settings, _ = split_hyperparameters(heaviest, self.architecture)
        return _steps_of(self._train_part(heaviest, settings.batch_size, EVALUATION_BATCH))

    def _train_part(self, params: dict[str, Any], n_train: int, n_validation: int) -> SliceResult:
        """Train a candidate for an epoch on the first samples."""
        part = replace(
            self.data,
            train=_first(self.data.train, n_train),
            validation=_first(self.data.validation, n_validation),
        )
        objective = Objective(part, self.runtime, self.architecture, 0)
        unlimited = EnergyBudget(1e18, self.meter)
        return objective.train_slice(params, StopRule(1), None, self.meter, unlimited)

    def asks(self, name: str) -> tuple[float, float]:
        """Joules of asking a strategy, before and after it fits its model.

        Also loads its libraries, so that no run pays for what happens once per process.
        """
        recipe = find_recipe(name)
        startup = recipe.startup_trials or 1
        costs: list[float] = []
        # A strategy that fails here will fail in its run too, which is then ended and says why.
        with contextlib.suppress(Exception):
            strategy = recipe.build(self.space, REHEARSAL_SEED, self.task)
            for number in range(startup + REHEARSED_MODEL_ASKS):
                with self.meter.window() as window, threadpool_limits(1):
                    work = strategy.ask(0.0)
                if work is None:
                    break
                costs.append(window.reading.total_j or 0.0)
                score = made_up_score(self.task.metric, (number * 0.6180339887) % 1.0)
                told = Told(
                    work.params,
                    State.PAUSED if work.pause else State.COMPLETE,
                    score,
                    1.0,
                    trial=number if work.trial is None else work.trial,
                    epochs=work.until,
                    curve=(CurvePoint(work.until, 1.0, score, 1.0),),
                )
                strategy.tell(told)
        early = median(costs[1:startup] or [0.0])
        return early, max(costs[startup + 1 :], default=early)


def made_up_score(metric: Metric, share: float) -> float:
    """An oriented score that can be, so far between the worst and the best or within 1 of one."""
    worst, best = metric.oriented_bounds
    if worst is None:
        worst = 0.0 if best is None else best - 1.0
    return worst + share * ((worst + 1.0 if best is None else best) - worst)


def _steps_of(result: SliceResult) -> Told:
    """What a probe's steps cost, as a result of which nothing else counts."""
    return Told(result.params, result.state, None, None, result.train_step, result.validate_step)


def _first(split: Split, count: int) -> Split:
    return Split(split.inputs[:count], split.labels[:count])
