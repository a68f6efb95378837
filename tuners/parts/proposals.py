"""Which candidate is begun next, as a function of the trials so far.

Of a multi-fidelity run most trials are known by their first epochs alone. What a model should make
of them is no detail: see `TPEProposer`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import optuna
from optuna.samplers import BaseSampler, RandomSampler, TPESampler

from ...models.space import Space
from .history import Trial
from .rungs import Ladder


class Proposer(Protocol):
    """Proposes candidates."""

    def propose(self, trials: Mapping[int, Trial], seed_number: int) -> dict[str, Any]:
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

    def propose(self, trials: Mapping[int, Trial], seed_number: int) -> dict[str, Any]:
        """All hyperparameters of a new candidate."""
        return _ask(self._space, RandomSampler(seed=seed_number), {}, trials)


class TPEProposer:
    """Parzen estimators of good and bad trials (Bergstra et al., NeurIPS 2011).

    Without a ladder the model knows each trial by its best accuracy so far, so that those which
    were left behind early count as bad.

    With a ladder it knows the trials at the highest rung that has enough, by their accuracies
    there, and no others, as BOHB does (Falkner et al., ICML 2018, algorithm 2). That compares like
    with like, but hides from the model where candidates fail at once: Optuna's estimator, whose
    densities have a flat part, then takes such places for promising ones.

    Draws are independent until there are d + 3 results for d searched hyperparameters, which is
    also what is enough for a rung (as in BOHB: N_min + 2, with N_min = d + 1).

    Args:
        space: What may be chosen.
        ladder: The rungs, to learn from one of them only.
    """

    def __init__(self, space: Space, ladder: Ladder | None = None) -> None:
        self._space, self._ladder = space, ladder
        self._enough = sum(not each.single() for each in space.distributions.values()) + 3

    def propose(self, trials: Mapping[int, Trial], seed_number: int) -> dict[str, Any]:
        """All hyperparameters of a new candidate."""
        sampler = TPESampler(seed=seed_number, n_startup_trials=self._enough)
        return _ask(self._space, sampler, self._scores(trials), trials)

    def _scores(self, trials: Mapping[int, Trial]) -> dict[int, float]:
        """The accuracies that the model is fitted on, by trial."""
        if self._ladder is None:
            known = {number: trial.accuracies.values() for number, trial in trials.items()}
            return {number: max(accuracies) for number, accuracies in known.items() if accuracies}
        standing = self._ladder.standing(trials)
        rungs = [rung for rung, at in enumerate(standing.reached) if len(at) >= self._enough]
        return standing.scores(max(rungs, default=0))


def _ask(
    space: Space,
    sampler: BaseSampler,
    scores: Mapping[int, float],
    trials: Mapping[int, Trial],
) -> dict[str, Any]:
    """Ask a sampler that is told some accuracies, by trial."""
    study = optuna.create_study(direction="maximize", sampler=sampler)
    for number, accuracy in scores.items():
        study.add_trial(
            optuna.create_trial(
                value=accuracy,
                params={name: trials[number].params[name] for name in space.distributions},
                distributions=space.distributions,
            )
        )
    return space.complete(study.ask(space.distributions).params)
