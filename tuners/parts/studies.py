"""Optuna studies in memory that say nothing and leave Optuna's verbosity as the user has it."""

from __future__ import annotations

import logging
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.search_space import intersection_search_space
from optuna.trial import TrialState

OURS = "perjoule-"  # begins the names of our studies

# Every new study is announced on this logger, by its name.
logging.getLogger("optuna.storages._in_memory").addFilter(
    lambda record: OURS not in record.getMessage()
)


def silent_study(seed: int, **options: Any) -> optuna.Study:
    """A new study in memory, named after the seed; options as of `optuna.create_study`."""
    return optuna.create_study(study_name=f"{OURS}{seed}", **options)


def shared_space(study: optuna.Study) -> dict[str, BaseDistribution]:
    """The parameters that all completed trials share, single-point ones left out."""
    completed = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    space = intersection_search_space(completed)
    return {name: each for name, each in space.items() if not each.single()}
