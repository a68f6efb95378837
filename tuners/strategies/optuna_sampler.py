"""Any Optuna sampler as a strategy."""

from __future__ import annotations

from collections.abc import Callable

import optuna
from optuna.samplers import BaseSampler
from optuna.trial import Trial, TrialState

from ...models.outcome import State
from ...models.space import Space
from ..strategy import Told, Work

SeededSampler = Callable[[int], BaseSampler]

optuna.logging.set_verbosity(optuna.logging.WARNING)


class OptunaStrategy:
    """Maximises validation accuracy with an Optuna sampler on an in-memory study.

    Every ask makes a new sampler from a seed of its own, so that a proposal depends on the seed and
    the results told, not on how often the sampler was asked before.

    Args:
        space: What may be chosen.
        seed: Seed of the run.
        sampler: Makes the sampler from a seed.
    """

    replays_tells = True

    def __init__(self, space: Space, seed: int, sampler: SeededSampler) -> None:
        self._space = space
        self._seed = seed
        self._sampler = sampler
        self._study = optuna.create_study(direction="maximize", study_name=f"perjoule-{seed}")
        self._asked: Trial | None = None
        self._n_told = 0  # Optuna copies all trials to count them

    def ask(self, spent_j: float) -> Work:
        """Propose a candidate, to be trained for its own number of epochs."""
        self._study.sampler = self._sampler(ask_seed(self._seed, self._n_told))
        self._asked = self._study.ask(self._space.distributions)
        params = self._space.complete(self._asked.params)
        return Work(params, int(params["epochs"]))

    def tell(self, result: Told) -> None:
        """Learn a result; without an accuracy or when failed it counts as a failed trial."""
        self._n_told += 1
        learnt = result.accuracy is not None and result.state is not State.FAILED
        state = TrialState.COMPLETE if learnt else TrialState.FAIL
        value = result.accuracy if learnt else None
        # What a trial cost, for samplers that weigh it.
        attributes = {} if result.energy_j is None else {"energy_j": result.energy_j}
        if self._asked is not None:
            for key, amount in attributes.items():
                self._asked.set_user_attr(key, amount)
            self._study.tell(self._asked, value, state)
            self._asked = None
            return
        names = self._space.distributions
        self._study.add_trial(
            optuna.create_trial(
                state=state,
                value=value,
                params={name: result.params[name] for name in names},
                distributions=names,
                user_attrs=attributes,
            )
        )


def ask_seed(seed: int, number: int) -> int:
    """A seed for one ask of one run, from the run's seed and the number of results so far."""
    import numpy as np

    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
