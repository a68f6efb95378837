"""Which candidate a multi-fidelity strategy begins next, as a function of the trials so far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import optuna
from optuna.samplers import RandomSampler, TPESampler

from ...models.space import Space
from .history import TrialSoFar
from .studies import silent_study

Proposer = Literal["random", "tpe"]


def propose(
    proposer: Proposer, space: Space, trials: Mapping[int, TrialSoFar], seed: int
) -> dict[str, Any]:
    """All hyperparameters of a new candidate: an independent draw, or one by Parzen estimators.

    The estimators of good and bad trials (Bergstra et al., NeurIPS 2011) know each trial by its
    best score so far, so that those which were left behind early count as bad. BOHB (Falkner et
    al., ICML 2018, algorithm 2) learns from the highest rung with enough trials alone. That hides
    from the model where candidates fail at once: Optuna's estimator, whose densities have a flat
    part, then takes such places for promising ones.

    Draws are independent until there are d + 3 results for d searched hyperparameters (as in BOHB:
    N_min + 2, with N_min = d + 1).
    """
    names = space.distributions
    if proposer == "random":
        study = silent_study(0, direction="maximize", sampler=RandomSampler(seed))
        return space.complete(study.ask(names).params)
    enough = sum(not each.single() for each in names.values()) + 3
    sampler = TPESampler(seed=seed, n_startup_trials=enough)
    study = silent_study(0, direction="maximize", sampler=sampler)
    study.add_trials(
        optuna.create_trial(
            value=max(trial.scores.values()),
            params={name: trial.params[name] for name in names},
            distributions=names,
        )
        for trial in trials.values()
        if trial.scores
    )
    return space.complete(study.ask(names).params)
