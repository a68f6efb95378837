"""SMAC3 under its own ask and tell."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping
from typing import Any

from perjoule.models.space import Space
from perjoule.tuners.strategy import Task, Told

from .axes import config_space, error_of
from .trials import Rung, Rungs, Suggested, Whole

N_TRIALS = 100
"""SMAC3's own default, by which it sizes its initial design."""


def make_smac(per_second: bool, space: Space, seed: int, task: Task) -> Whole:
    """The facade for hyperparameters over the full space."""
    smac, folder = _facade("HyperparameterOptimizationFacade", space, seed, {}, per_second)

    def suggest() -> Suggested:
        info = smac.ask()
        return (info, folder), dict(info.config)  # the folder lasts as long as the trials

    def report(handle: Any, result: Told) -> None:
        _tell(smac, handle[0], result)

    return Whole(space, suggest, report)


def make_hyperband(space: Space, seed: int, task: Task) -> Rungs:
    """The facade for several fidelities: Hyperband whose candidates a random forest proposes."""
    longest = space.longest()
    searched = space.with_fixed("epochs", longest)
    budgets = {"min_budget": 1, "max_budget": longest}
    smac, folder = _facade("MultiFidelityFacade", searched, seed, budgets, per_second=False)

    def suggest() -> Rung:
        info = smac.ask()
        return Rung((info, folder), dict(info.config), info.budget, None)

    def report(handle: Any, result: Told) -> None:
        _tell(smac, handle[0], result)

    return Rungs(space, suggest, report)


def _facade(
    name: str, searched: Space, seed: int, budgets: Mapping[str, float], per_second: bool
) -> tuple[Any, Any]:
    """A facade, and the folder that it writes to, which goes with the object."""
    import smac  # type: ignore[import-not-found]

    folder = tempfile.TemporaryDirectory(prefix="smac-")
    scenario = smac.Scenario(
        config_space(searched, seed),
        deterministic=True,
        n_trials=N_TRIALS,
        seed=seed,
        output_directory=folder.name,
        **budgets,
    )
    made = getattr(smac, name)(
        scenario,
        lambda config, seed=0, budget=0: 1.0,
        overwrite=True,
        logging_level=logging.ERROR,
        **(_per_second(scenario, seed) if per_second else {}),
    )
    return made, folder


def _tell(smac: Any, info: Any, result: Told) -> None:
    """Tell the error, and a joule as a second."""
    from smac.runhistory.dataclasses import TrialValue  # type: ignore[import-not-found]

    value = TrialValue(error_of(result), time=result.energy_j or 0.0)
    smac.tell(info, value, save=False)


def _per_second(scenario: Any, seed: int) -> dict[str, Any]:
    """Its model of both, its way of reading results, and its acquisition function."""
    from smac.acquisition.function import EIPS  # type: ignore[import-not-found]
    from smac.model.multi_objective_model import MultiObjectiveModel  # type: ignore[import-not-found]
    from smac.model.random_forest.random_forest import RandomForest  # type: ignore[import-not-found]
    from smac.runhistory.encoder.eips_encoder import RunHistoryEIPSEncoder  # type: ignore[import-not-found]

    forests: list[Any] = [RandomForest(scenario.configspace, seed=seed) for _ in range(2)]
    return {
        "model": MultiObjectiveModel(forests, ["error", "joules"], seed=seed),
        "acquisition_function": EIPS(),
        "runhistory_encoder": RunHistoryEIPSEncoder(scenario),
    }
