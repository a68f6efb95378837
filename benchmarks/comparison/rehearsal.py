"""What is trained and asked before a comparison begins: to warm up, and to know prices."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from statistics import median
from typing import Any, NamedTuple

from threadpoolctl import threadpool_limits

from ...energy import EnergyBudget, EnergyMeter
from ...energy.quantities import total
from ...errors import ConfigurationError
from ...models.data.splits import Split
from ...models.metric import Metric
from ...models.network_training import NetworkTraining
from ...models.objective import Objective
from ...models.outcome import CurvePoint, SliceResult, State, StopRule
from ...models.own_training import OwnTraining
from ...models.phases import Assignment
from ...models.settings import check_space, split_hyperparameters
from ...models.space import Space
from ...models.training import EVALUATION_BATCH
from ...tuners.deadline import Overdue
from ...tuners.registry import find_recipe
from ...tuners.strategy import Strategy, Task, Told

PROBE_SAMPLES = 1024
REHEARSED_MODEL_ASKS = 2
REHEARSED_STEPS = 3  # of a user's own training
WARM_STEPS = 2
MARK_S = 0.02  # between two looks at a training that is foreseen
REHEARSAL_SEED = 2**31 - 1


@dataclass(frozen=True)
class Rehearsal:
    """A rehearsal of a comparison in this process."""

    meter: EnergyMeter
    training: NetworkTraining | OwnTraining
    metric: Metric
    device: str
    space: Space
    task: Task  # what its strategies may know

    def cheapest(self) -> tuple[float | None, Told]:
        """Joules of one epoch of the cheapest candidate, and what its first steps cost.

        They are scaled up from a part of the data, after a first step of each kind has warmed up
        what PyTorch prepares lazily; None if unavailable. A user's own function, whose data are not
        ours, is stopped after some steps, and its joules are known only if it had an epoch by then.

        Raises:
            ConfigurationError: Not even the cheapest candidate can be trained.
        """
        cheapest, training = self.space.cheapest(), self.training
        if isinstance(training, OwnTraining):
            result = self._train(training, cheapest, most_steps=REHEARSED_STEPS)
            self._check(result)
            epoch_j = result.reading.total_j if result.epochs else None
            if epoch_j == 0 and self._counts_operations:
                raise ConfigurationError(
                    "the objective takes 0 J by the meter model, which counts operations: call "
                    "trial.count_operations(…) in it, or take another meter"
                )
            return epoch_j, _steps_of(result)
        check_space(self.space, training.architecture)
        settings, _ = split_hyperparameters(cheapest, training.architecture)
        self._train(_part(training, settings.batch_size, EVALUATION_BATCH), cheapest)
        part = _part(training, PROBE_SAMPLES, PROBE_SAMPLES)
        result = self._train(part, cheapest)
        self._check(result)
        train_scale, validate_scale = (
            len(split) / min(len(split), PROBE_SAMPLES)
            for split in (training.data.train, training.data.validation)
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

    def heaviest(self) -> list[Told]:
        """One training and one validation step of the heaviest candidate: what a step may cost.

        Empty for a user's own function, of which nobody knows what one step is.
        """
        if isinstance(self.training, OwnTraining):
            return []
        heaviest = self.space.heaviest()
        settings, _ = split_hyperparameters(heaviest, self.training.architecture)
        part = _part(self.training, settings.batch_size, EVALUATION_BATCH)
        return [_steps_of(self._train(part, heaviest))]

    @property
    def _counts_operations(self) -> bool:
        """Whether all joules are those of operations that are told, so that none may be."""
        return all(source.id == "model" for source in self.meter.sources)

    def _train(
        self,
        training: NetworkTraining | OwnTraining,
        params: dict[str, Any],
        most_steps: float = math.inf,
    ) -> SliceResult:
        """Train a candidate for an epoch, or so many steps of it."""
        objective = Objective(training, self.metric, self.device)
        return probe(objective, params, self.meter, most_steps)

    def _check(self, result: SliceResult) -> None:
        if result.state is State.FAILED:
            raise ConfigurationError(
                f"not even the cheapest candidate {dict(result.params)} can be trained; "
                f"mend the space or what it is trained by: {result.message}"
            )

    def asks(self, name: str) -> tuple[float, float]:
        """Joules of asking a strategy, before and after it fits its model.

        Also loads its libraries, so that no run pays for what happens once per process.

        Raises:
            ConfigurationError: There is no such strategy.
            Overdue: It does not return.
        """
        recipe = find_recipe(name)
        startup = recipe.startup_trials or 1
        costs: list[float] = []
        # A strategy that fails here will fail in its run too, which is then ended and says why.
        try:
            self._ask(recipe.build(self.space, REHEARSAL_SEED, self.task), startup, costs)
        except (KeyboardInterrupt, Overdue):
            raise
        except BaseException:  # noqa: BLE001
            pass
        early = median(costs[1:startup] or [0.0])
        return early, max(costs[startup + 1 :], default=early)

    def _ask(self, strategy: Strategy, startup: int, costs: list[float]) -> None:
        """Ask until its model has been fitted, and note what each ask costs."""
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


def made_up_score(metric: Metric, share: float) -> float:
    """An oriented score that can be, so far between the worst and the best or within 1 of one."""
    worst, best = metric.oriented_bounds
    if worst is None:
        worst = 0.0 if best is None else best - 1.0
    return worst + share * ((worst + 1.0 if best is None else best) - worst)


def probe(
    objective: Objective, params: dict[str, Any], meter: EnergyMeter, most_steps: float
) -> SliceResult:
    """Train a candidate for an epoch, or so many steps of it, whatever that costs."""
    asked, budget = count(), EnergyBudget(math.inf, meter)
    assignment = Assignment(StopRule(1), meter, budget, lambda: next(asked) > most_steps)
    return objective.train_slice(params, assignment)


@dataclass(frozen=True)
class Price:
    """What a whole training should take."""

    duration_s: float
    energy_j: float | None  # None if unavailable


def price(
    objective: Objective,
    params: Mapping[str, Any],
    meter: EnergyMeter,
    steps: int | None,
    seconds: float,
) -> Price:
    """Foresee a training by its first steps; what only the first ones cost counts once.

    Args:
        objective: Trains the candidate.
        params: The candidate.
        meter: Counts its joules.
        steps: How often its whole training asks whether to stop; None if nobody knows: its first
            epoch is trained then.
        seconds: How long it is trained at most, if steps are known.
    """
    budget, epochs = EnergyBudget(math.inf, meter), int(params["epochs"])
    began_s = time.perf_counter()
    begun = 0
    marks: list[_Mark] = []

    def interrupted() -> bool:
        nonlocal begun
        begun += 1
        now_s = time.perf_counter()
        over = steps is not None and begun > WARM_STEPS + 1 and now_s > began_s + seconds
        if begun > WARM_STEPS and (over or not marks or now_s - marks[-1].time_s > MARK_S):
            marks.append(_Mark(begun - 1, now_s, budget.spent_j))
        return over

    until = StopRule(1 if steps is None else epochs)
    result = objective.train_slice(params, Assignment(until, meter, budget, interrupted))
    spent = Price(result.duration_s, result.reading.total_j)
    if result.state is State.FAILED:
        raise ConfigurationError(f"{dict(params)} cannot be trained: {result.message}")
    if steps is None:
        return Price(epochs * spent.duration_s, spent.energy_j and epochs * spent.energy_j)
    if result.state is not State.INTERRUPTED:
        return spent
    left_s, power_w = max(0, steps - marks[-1].steps) * _step_s(marks), _power_w(marks)
    left_j = None if power_w is None else left_s * power_w
    return Price(spent.duration_s + left_s, total([spent.energy_j, left_j]))


class _Mark(NamedTuple):
    """Where a training is."""

    steps: int
    time_s: float
    spent_j: float | None  # None if unavailable


def _step_s(marks: Sequence[_Mark]) -> float:
    """Seconds of a step in the second half of the time: a GPU loads its kernels in the first."""
    last = marks[-1]
    middle_s = (marks[0].time_s + last.time_s) / 2
    first = [mark for mark in marks if mark.time_s <= middle_s][-1]
    return (last.time_s - first.time_s) / (last.steps - first.steps)


def _power_w(marks: Sequence[_Mark]) -> float | None:
    """Power over all of the time, since counters move in coarse steps; None if unavailable."""
    first, last = marks[0], marks[-1]
    if first.spent_j is None or last.spent_j is None:
        return None
    return (last.spent_j - first.spent_j) / (last.time_s - first.time_s)


def _steps_of(result: SliceResult) -> Told:
    """What a probe's steps cost, as a result of which nothing else counts."""
    return Told(result.params, result.state, None, None, result.train_step, result.validate_step)


def _part(training: NetworkTraining, n_train: int, n_validation: int) -> NetworkTraining:
    """The same training on the first samples."""
    data = training.data
    train, validation = _first(data.train, n_train), _first(data.validation, n_validation)
    return replace(training, data=replace(data, train=train, validation=validation))


def _first(split: Split, count: int) -> Split:
    return Split(split.inputs[:count], split.labels[:count])
