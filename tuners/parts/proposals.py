"""Which candidate a multi-fidelity strategy begins next, as a function of the trials so far."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

from optuna.samplers import RandomSampler

from ...models.space import Space
from .history import TrialSoFar
from .samplers import tpe
from .studies import silent_study
from .suggesting import Suggesting

Proposer = Literal["random", "tpe"]


def propose(
    proposer: Proposer,
    space: Space,
    trials: Mapping[int, TrialSoFar],
    seed: int,
    shared: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    """All hyperparameters of a new candidate: an independent draw, or one by Parzen estimators.

    Those that are ``shared`` have the given values.

    The estimators of good and bad trials (Bergstra et al., NeurIPS 2011) know each trial by its
    best score so far, so that those which were left behind early count as bad. BOHB (Falkner et
    al., ICML 2018, algorithm 2) learns from the highest rung with enough trials alone. That hides
    from the model where candidates fail at once: Optuna's estimator, whose densities have a flat
    part, then takes such places for promising ones.

    Draws are independent until there are d + 3 results for d searched hyperparameters (as in BOHB:
    N_min + 2, with N_min = d + 1).
    """
    for name in shared.keys() & space.distributions.keys():
        if shared[name] is not None:
            space = space.with_fixed(name, shared[name])
    suggesting = Suggesting(space)
    if proposer == "random":
        study = silent_study(0, direction="maximize", sampler=RandomSampler(seed))
        return suggesting.candidate(suggesting.ask(study))
    enough = sum(not each.single() for each in space.distributions.values()) + 3
    study = silent_study(0, direction="maximize", sampler=tpe(seed, space, enough))
    study.add_trials(
        suggesting.trial(trial.params, value=max(trial.scores.values()))
        for trial in trials.values()
        if trial.scores
    )
    return suggesting.candidate(suggesting.ask(study))
