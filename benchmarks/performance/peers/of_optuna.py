"""Optuna's samplers: alone over the full space, or with a pruner at all epochs of the space.

With a pruner every trial is meant for all epochs, reports its score after each one
(`Trial.report`), and ends where `Trial.should_prune` says so; a pruned trial is paid for, and is
never gone on with. Both pruners are as Optuna makes them; Hyperband is told the fewest epochs, 1,
and the most.
"""

from __future__ import annotations

from typing import Any

from perjoule.models.space import Space
from perjoule.tuners.strategy import Task, Told

from .axes import score_of
from .trials import Stopped, Suggested, Whole


def make_optuna(sampler: str, space: Space, seed: int, task: Task) -> Whole:
    """A study that searches the epochs, too."""
    import optuna

    study = _study(sampler, optuna.pruners.NopPruner(), seed)

    def suggest() -> Suggested:
        trial = study.ask(space.distributions)
        return trial, trial.params

    def report(trial: Any, result: Told) -> None:
        score = score_of(result)
        study.tell(trial, score, optuna.trial.TrialState.FAIL if score is None else None)

    return Whole(space, suggest, report)


def make_pruned(sampler: str, pruner: str, space: Space, seed: int, task: Task) -> Stopped:
    """A study whose trials are meant for all epochs, and pruned."""
    import optuna

    longest = space.longest()
    if pruner == "hyperband":
        made: Any = optuna.pruners.HyperbandPruner(min_resource=1, max_resource=longest)
    else:
        made = optuna.pruners.MedianPruner()
    study = _study(sampler, made, seed)
    searched = space.with_fixed("epochs", longest).distributions
    states = optuna.trial.TrialState

    def suggest() -> Suggested:
        trial = study.ask(searched)
        return trial, trial.params

    def report(trial: Any, epoch: int, score: float) -> bool:
        trial.report(score, epoch)
        return trial.should_prune()

    def finish(trial: Any, result: Told, stopped: bool) -> None:
        score = score_of(result)
        if stopped or score is None:
            study.tell(trial, state=states.PRUNED if stopped else states.FAIL)
        else:
            study.tell(trial, score)

    return Stopped(space, suggest, report, finish)


def _study(sampler: str, pruner: Any, seed: int) -> Any:
    """A study with a sampler; Hyperband draws the bracket of a trial from the study's name."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    made = getattr(optuna.samplers, sampler)(seed=seed)
    name = f"{sampler}-{seed}"
    return optuna.create_study(direction="maximize", sampler=made, pruner=pruner, study_name=name)
