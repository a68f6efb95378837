"""Optuna studies in memory that say nothing and leave Optuna's verbosity as the user has it."""

from __future__ import annotations

import logging
from typing import Any

import optuna

OURS = "perjoule-"  # begins the names of our studies

# Every new study is announced on this logger, by its name.
logging.getLogger("optuna.storages._in_memory").addFilter(
    lambda record: OURS not in record.getMessage()
)


def silent_study(seed: int, **options: Any) -> optuna.Study:
    """A new study in memory, named after the seed; options as of `optuna.create_study`."""
    return optuna.create_study(study_name=f"{OURS}{seed}", **options)
