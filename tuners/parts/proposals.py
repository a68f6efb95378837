"""Which candidate a multi-fidelity strategy begins next, as a function of the trials so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import optuna
from optuna.samplers import BaseSampler, RandomSampler, TPESampler

from ...models.space import Space
from .history import TrialSoFar
from .studies import silent_study


class Proposer(Protocol):
    """Proposes candidates."""

    def propose(self, trials: Mapping[int, TrialSoFar], seed_number: int) -> dict[str, Any]:
        """All hyperparameters of a new candidate.

        Args:
            trials: What the run knows, by number.
            seed_number: Seed of this proposal, see `ask_seed`.
        """
        ...


class RandomProposer:
    """Independent draws.

    Args:
        space: What may be chosen.
    """

    def __init__(self, space: Space) -> None:
        self._space = space

    def propose(self, trials: Mapping[int, TrialSoFar], seed_number: int) -> dict[str, Any]:
        """All hyperparameters of a new candidate."""
        return _ask(self._space, RandomSampler(seed=seed_number), {}, trials)


class TPEProposer:
    """Parzen estimators of good and bad trials (Bergstra et al., NeurIPS 2011).

    The model knows each trial by its best accuracy so far, so that those which were left behind
    early count as bad. BOHB (Falkner et al., ICML 2018, algorithm 2) learns from the highest rung
    with enough trials alone. That hides from the model where candidates fail at once: Optuna's
    estimator, whose densities have a flat part, then takes such places for promising ones.

    Draws are independent until there are d + 3 results for d searched hyperparameters (as in BOHB:
    N_min + 2, with N_min = d + 1).

    Args:
        space: What may be chosen.
    """

    def __init__(self, space: Space) -> None:
        self._space = space
        self._enough = sum(not each.single() for each in space.distributions.values()) + 3

    def propose(self, trials: Mapping[int, TrialSoFar], seed_number: int) -> dict[str, Any]:
        """All hyperparameters of a new candidate."""
        sampler = TPESampler(seed=seed_number, n_startup_trials=self._enough)
        known = {number: trial.accuracies.values() for number, trial in trials.items()}
        best = {number: max(accuracies) for number, accuracies in known.items() if accuracies}
        return _ask(self._space, sampler, best, trials)


PROPOSERS: dict[str, Callable[[Space], Proposer]] = {"random": RandomProposer, "tpe": TPEProposer}


def _ask(
    space: Space,
    sampler: BaseSampler,
    scores: Mapping[int, float],
    trials: Mapping[int, TrialSoFar],
) -> dict[str, Any]:
    """Ask a sampler that is told some accuracies, by trial."""
    study = silent_study(0, direction="maximize", sampler=sampler)
    for number, accuracy in scores.items():
        study.add_trial(
            optuna.create_trial(
                value=accuracy,
                params={name: trials[number].params[name] for name in space.distributions},
                distributions=space.distributions,
            )
        )
    return space.complete(study.ask(space.distributions).params)
