"""Syne Tune's schedulers.

Its successive halving is of the stopping kind: a trial goes on past a rung if it is among the best
third of what reached that rung, and is otherwise over for good. Slices end at the rungs, as nothing
is decided between them.
"""

from __future__ import annotations

import datetime
from itertools import count
from typing import Any

import numpy as np

from perjoule.models.space import Space
from perjoule.tuners.strategy import Task, Told

from .axes import error_of, ray_axes
from .trials import Stopped, Suggested, Whole


def make_botorch(space: Space, seed: int, task: Task) -> Whole:
    """Its Gaussian process over the full space."""
    import torch
    from syne_tune import config_space  # type: ignore[import-not-found]
    from syne_tune.optimizer.baselines import BOTorch  # type: ignore[import-not-found]
    from syne_tune.optimizer.schedulers.ask_tell_scheduler import AskTellScheduler  # type: ignore[import-not-found]

    np.random.seed(seed)  # BoTorch draws from the global generators
    torch.manual_seed(seed)
    domains = ray_axes(space, config_space, beyond=0)
    scheduler = AskTellScheduler(
        BOTorch(domains, metric="error", do_minimize=True, random_seed=seed)
    )

    def suggest() -> Suggested:
        trial = scheduler.ask()
        return trial, trial.config

    def report(trial: Any, result: Told) -> None:
        scheduler.tell(trial, {"error": error_of(result)})

    return Whole(space, suggest, report)


def make_halving(baseline: str, space: Space, seed: int, task: Task) -> Stopped:
    """One of its baselines of asynchronous successive halving, by name: ASHA, BOHB."""
    from syne_tune import config_space  # type: ignore[import-not-found]
    from syne_tune.backend.trial_status import Trial  # type: ignore[import-not-found]
    from syne_tune.optimizer import baselines  # type: ignore[import-not-found]
    from syne_tune.optimizer.scheduler import SchedulerDecision  # type: ignore[import-not-found]

    np.random.seed(seed)  # its densities draw from the global generator
    longest = space.longest()
    scheduler = getattr(baselines, baseline)(
        ray_axes(space.with_fixed("epochs", longest), config_space, beyond=0),
        metric="error",
        time_attr="epoch",
        max_t=longest,
        do_minimize=True,
        random_seed=seed,
    )
    numbers = count()

    def suggest() -> Suggested | None:
        suggestion = scheduler.suggest()
        if suggestion is None:
            return None
        trial = Trial(next(numbers), suggestion.config, datetime.datetime.now())
        scheduler.on_trial_add(trial)
        return trial, trial.config

    def report(trial: Any, epoch: int, score: float) -> bool:
        decision = scheduler.on_trial_result(trial, {"error": 1 - score, "epoch": epoch})
        return decision == SchedulerDecision.STOP

    def finish(trial: Any, result: Told, stopped: bool) -> None:
        if result.curve:
            scheduler.on_trial_remove(trial)
        else:
            scheduler.on_trial_error(trial)

    rungs = [int(epoch) for epoch, _ in scheduler.brackets[0].rungs]
    return Stopped(space, suggest, report, finish, decisions=rungs)
