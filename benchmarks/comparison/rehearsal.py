"""What is trained and asked before a comparison begins: to warm up, and to know prices."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from statistics import median

from threadpoolctl import threadpool_limits

from ...energy import EnergyBudget, EnergyMeter
from ...errors import ConfigurationError
from ...models.data.splits import Data, Split
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
    """A rehearsal of a comparison in this process.

    Attributes:
        meter: What the comparison is metered with.
        data: Its data.
        space: Its search space.
        architecture: Its architecture.
        runtime: Its device and precision.
        task: What its strategies may know.
    """

    meter: EnergyMeter
    data: Data
    space: Space
    architecture: str
    runtime: Runtime
    task: Task

    def cheapest(self) -> tuple[float | None, Told]:
        """Joules of one epoch of the cheapest candidate, scaled up from a part of the data.

        The first pass warms up what PyTorch prepares lazily; the second one is taken.

        Returns:
            The joules, None if unavailable, and what its first steps cost.

        Raises:
            ConfigurationError: Not even the cheapest candidate can be trained.
        """
        cheapest = self.space.cheapest()
        split_hyperparameters(cheapest, self.architecture)
        part = replace(
            self.data,
            train=_first(self.data.train, PROBE_SAMPLES),
            validation=_first(self.data.validation, PROBE_SAMPLES),
        )
        objective = Objective(part, self.runtime, self.architecture, 0)
        unlimited = EnergyBudget(1e18, self.meter)
        objective.train_slice(cheapest, StopRule(1), None, self.meter, unlimited)
        result = objective.train_slice(cheapest, StopRule(1), None, self.meter, unlimited)
        if result.state is State.FAILED:
            raise ConfigurationError(
                f"not even the cheapest candidate {cheapest} can be trained: {result.message}; "
                "mend the space or the architecture"
            )
        phases = (result.setup.total_j, result.train.total_j, result.validate.total_j)
        scales = (
            1.0,
            len(self.data.train) / len(part.train),
            len(self.data.validation) / len(part.validation),
        )
        if None in phases:
            return None, _steps_of(result)
        epoch_j = sum(p * scale for p, scale in zip(phases, scales, strict=True) if p)
        return epoch_j, _steps_of(result)

    def heaviest(self) -> Told:
        """One training and one validation step of the heaviest candidate: what a step may cost."""
        heaviest = self.space.heaviest()
        settings, _ = split_hyperparameters(heaviest, self.architecture)
        part = replace(
            self.data,
            train=_first(self.data.train, settings.batch_size),
            validation=_first(self.data.validation, EVALUATION_BATCH),
        )
        unlimited = EnergyBudget(1e18, self.meter)
        objective = Objective(part, self.runtime, self.architecture, 0)
        return _steps_of(objective.train_slice(heaviest, StopRule(1), None, self.meter, unlimited))

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
                accuracy = (number * 0.6180339887) % 1.0
                state = State.PAUSED if work.pause else State.COMPLETE
                trial = number if work.trial is None else work.trial
                curve = (CurvePoint(work.until, 1.0, accuracy, 1.0),)
                strategy.tell(
                    Told(
                        work.params,
                        state,
                        accuracy,
                        1.0,
                        trial=trial,
                        epochs=work.until,
                        curve=curve,
                    )
                )
        early = median(costs[1:startup] or [0.0])
        return early, max(costs[startup + 1 :], default=early)


def _steps_of(result: SliceResult) -> Told:
    """What a probe's steps cost, as a result of which nothing else counts."""
    return Told(result.params, result.state, None, None, result.train_step, result.validate_step)


def _first(split: Split, count: int) -> Split:
    return Split(split.images[:count], split.labels[:count])
