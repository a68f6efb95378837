"""The least energy that still gives the score wanted.

    >>> from perjoule.models.outcome import State
    >>> from perjoule.models.space import Space
    >>> from perjoule.tuners.strategy import Told
    >>> space = Space.parse({"width": {"low": 8, "high": 64}, "epochs": 2})
    >>> strategy = FloorStrategy(space, seed=0, floor=0.9)
    >>> for _ in range(6):
    ...     params = strategy.ask(spent_j=0.0).params
    ...     result = Told(params, State.COMPLETE, score=0.95, energy_j=params["width"])
    ...     strategy.tell(result)
    >>> strategy.ask(spent_j=200.0).until
    2

When to use it: when a network a little below the best is good enough, and what counts is how little
energy it was trained with. Joules are minimised under a constraint on the score, as Mitra and
Biessmann do with a Gaussian process (arXiv:2407.05788); any sampler will do that heeds Optuna's
constraints, such as TPESampler and GPSampler.

Formula: f is the model of the joules, b and w the best score so far and the worst there can be:

    min log joules(x)  subject to  score(x) >= floor,    floor = w + 0.98 (b - w)

What it promises: a proposal is a function of the seed and of what was told. Where no floor is given
it is a share of the way from the worst score there can be to the best one known, so it rises as
better candidates turn up. Of a metric without such a worst score, it is the best one less the rest
of that share of its lead over the median of the first, random candidates. A high score is not
promised: above the floor it looks for nothing but cheaper candidates, so a greedy sampler under
a moving floor settles near the best of its random trials. TPE's wider draws keep the floor rising;
GPSampler wants a fixed one.
"""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Any

from optuna.trial import Trial

from ...errors import ConfigurationError
from ...models.space import Space
from ..parts.samplers import STARTUP_TRIALS, SeededSampler
from ..parts.studies import silent_study
from ..strategy import Task, Told
from .multiobjective import MultiObjectiveStrategy
from .optuna_sampler import OptunaStrategy

DEFAULT_SHARE = 0.98  # share of the best score that is good enough


class FloorStrategy(OptunaStrategy):
    """Minimises log joules subject to floor - score <= 0, both oriented.

    Below the floor the sampler prefers what lacks least, so one that is out of reach does no harm.

    Args:
        sampler: A name in `parts.samplers.SAMPLERS`, or what makes the sampler from a seed, anew
            for each ask; its first trials are random.
        share: The floor as a share of the best score told.
        floor: Score to keep, in the unit of the metric, instead of a share.

    Raises:
        ConfigurationError: The share is not between 0 and 1, or the metric cannot be the floor.
    """

    def __init__(
        self,
        space: Space,
        seed: int,
        task: Task | None = None,
        *,
        sampler: str | SeededSampler = "tpe",
        share: float = DEFAULT_SHARE,
        floor: float | None = None,
    ) -> None:
        metric = (task or Task()).metric
        if not 0 <= share <= 1:
            raise ConfigurationError(f"share = {share!r} of {metric.name} must be from 0 to 1")
        if floor is not None and not metric.allows(floor):
            bounds = [f"{edge:g}" for edge in (metric.low, metric.high) if edge is not None]
            words = " to ".join(bounds) if metric.bounded else "its bounds"
            raise ConfigurationError(f"floor = {floor!r} of {metric.name} must be from {words}")
        super().__init__(space, seed, task, sampler=sampler)
        self._share, self._worst = share, metric.oriented_bounds[0]
        self._fixed_floor = None if floor is None else metric.oriented(floor)
        self._known: list[tuple[Mapping[str, Any], float, float]] = []

    def _begin(self) -> Trial:
        """A trial of a new study of all results under the present floor: constraints are fixed."""
        floor = self._floor()
        study = silent_study(self._seed, direction="minimize", sampler=self._next_sampler())
        study.add_trials(
            self._suggesting.trial(params, value=log_energy, constraints={"score": floor - score})
            for params, score, log_energy in self._known
        )
        return self._suggesting.ask(study)

    def _floor(self) -> float:
        """The score that is good enough by what is known."""
        scores = [score for _, score, _ in self._known]
        if self._fixed_floor is not None or not scores:
            return self._fixed_floor or 0.0
        if self._worst is not None:
            return self._worst + self._share * (max(scores) - self._worst)
        lead = max(scores) - median(scores[:STARTUP_TRIALS])
        return max(scores) - (1 - self._share) * max(lead, 0.0)

    def tell(self, result: Told) -> None:
        """Learn a result; a trial that failed or lacks score or joules teaches nothing."""
        self._asked = None
        self._n_told += 1
        if (values := MultiObjectiveStrategy.values(result)) is not None:
            self._known.append((result.params, *values))
