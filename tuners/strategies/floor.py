"""The least energy that still gives the accuracy wanted.

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
energy it was trained with. Joules are minimised under a constraint on accuracy, as Mitra and
Biessmann do with a Gaussian process (arXiv:2407.05788); any sampler will do that heeds Optuna's
constraints, such as TPESampler and GPSampler.

What it promises: a proposal is a function of the seed and of what was told. Where no floor is given
it is a share of the best accuracy known, so it rises as better candidates turn up. High accuracy is
not promised: above the floor it looks for nothing but cheaper candidates, so a greedy sampler under
a moving floor settles near the best of its random trials. TPE's wider draws keep the floor rising;
GPSampler wants a fixed one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optuna.trial import Trial

from ...errors import ConfigurationError
from ...models.space import Space
from ..parts.samplers import SeededSampler
from ..parts.studies import silent_study
from ..strategy import Task, Told
from .multiobjective import MultiObjectiveStrategy
from .optuna_sampler import OptunaStrategy

DEFAULT_SHARE = 0.98  # share of the best accuracy that is good enough


class FloorStrategy(OptunaStrategy):
    """Minimises log joules subject to floor - accuracy <= 0.

    Below the floor the sampler prefers what lacks least, so one that is out of reach does no harm.

    Args:
        sampler: A name in `parts.samplers.SAMPLERS`, or what makes the sampler from a seed, anew
            for each ask; its first trials are random.
        share: The floor as a share of the best accuracy told.
        floor: Accuracy to keep, instead of a share.

    Raises:
        ConfigurationError: The share or the floor is not between 0 and 1.
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
        for name, value in (("share", share), ("floor", floor)):
            if value is not None and not 0 <= value <= 1:
                raise ConfigurationError(f"{name} = {value!r} of accuracy must be from 0 to 1")
        super().__init__(space, seed, task, sampler=sampler)
        self._share, self._fixed_floor = share, floor
        self._known: list[tuple[Mapping[str, Any], float, float]] = []

    def _begin(self) -> Trial:
        """A trial of a new study of all results under the present floor: constraints are fixed."""
        floor = self._fixed_floor
        if floor is None:
            floor = self._share * max((score for _, score, _ in self._known), default=0.0)
        study = silent_study(self._seed, direction="minimize", sampler=self._next_sampler())
        study.add_trials(
            self._suggesting.trial(params, value=log_energy, constraints={"score": floor - score})
            for params, score, log_energy in self._known
        )
        return self._suggesting.ask(study)

    def tell(self, result: Told) -> None:
        """Learn a result; a trial that failed or lacks accuracy or joules teaches nothing."""
        self._asked = None
        self._n_told += 1
        if (values := MultiObjectiveStrategy.values(result)) is not None:
            self._known.append((result.params, *values))
