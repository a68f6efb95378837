"""Other projects' optimisers as strategies, each as its authors tell a user to set it.

They search the full space, epochs included, and are told the accuracy and the joules of a trial.

=============== =================================================================================
optuna-tpe      `TPESampler` as it comes, on one study
optuna-gp       `GPSampler` as it comes, on one study
neps            NePS' Bayesian optimisation, what it takes by itself
neps-cost       the same, `cost_aware=True`, with the run's joules as the cost to spend; where it
                raises because its model predicts joules below zero, a random draw stands in
neps-hyperband  what NePS takes by itself where epochs are a fidelity; promoted trials go on
flaml           FLAML's `BlendSearch` with joules as `cost_attr` and `cost_budget`, and whole
                numbers at their cheapest in `low_cost_partial_config`
smac            SMAC3's facade for hyperparameters (random forest, log expected improvement)
smac-eips       the same with its expected improvement per second, a joule standing for a second
syne-botorch    Syne Tune's `BOTorch`
=============== =================================================================================

A trial without an accuracy, or that failed, has the error of 1 to all but Optuna, which has a state
for it. An optimiser that is not installed is left out.

    pip install neural-pipeline-search 'flaml[blendsearch]' smac 'syne-tune[botorch]'
    pip install --no-deps 'optuna>=5'  # FLAML asks for an older one, but goes with this
"""

from __future__ import annotations

import logging
import random
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from perjoule.models.outcome import State
from perjoule.models.space import Space
from perjoule.tuners.strategy import Strategy, Task, Told, Work

MOST_REFUSALS = 100
"""So often in a row may BlendSearch suggest nothing."""
N_TRIALS = 100
"""SMAC3's own default, by which it sizes its initial design."""


class OptunaPeer:
    """An Optuna study."""

    def __init__(self, sampler: str, space: Space, seed: int, task: Task) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._space = space
        made = getattr(optuna.samplers, sampler)(seed=seed)
        self._study = optuna.create_study(direction="maximize", sampler=made)
        self._failed = optuna.trial.TrialState.FAIL
        self._trial: Any = None

    def ask(self, spent_j: float) -> Work:
        """Ask the study."""
        self._trial = self._study.ask(self._space.distributions)
        return _whole(self._space, self._trial.params)

    def tell(self, result: Told) -> None:
        """Tell the study the accuracy."""
        if _is_lost(result):
            self._study.tell(self._trial, state=self._failed)
        else:
            self._study.tell(self._trial, result.accuracy)


class NepsPeer:
    """A NePS optimiser under its own ask and tell."""

    def __init__(
        self, algorithm: str, options: Mapping[str, Any], space: Space, seed: int, task: Task
    ) -> None:
        import neps  # type: ignore[import-not-found]
        import torch

        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        self._budget_info = neps.BudgetInfo
        self._space, self._task = space, task
        self._rungs = algorithm == "hyperband"
        domains = neps.SearchSpace({n: self._domain(n, d) for n, d in space.distributions.items()})
        self._optimizer = neps.AskAndTell(getattr(neps.algorithms, algorithm)(domains, **options))
        self._random = neps.AskAndTell(neps.algorithms.random_search(domains, ignore_fidelity=True))
        self._numbers: dict[str, int] = {}
        self._trial: Any = None
        self._own = True

    def _domain(self, name: str, axis: BaseDistribution) -> Any:
        import neps  # type: ignore[import-not-found]

        if isinstance(axis, CategoricalDistribution):
            return neps.HPOCategorical(list(axis.choices))
        assert isinstance(axis, IntDistribution | FloatDistribution)
        kind = neps.HPOInteger if isinstance(axis, IntDistribution) else neps.HPOFloat
        fidelity = self._rungs and name == "epochs"
        return kind(axis.low, axis.high, log=axis.log, is_fidelity=fidelity)

    def ask(self, spent_j: float) -> Work:
        """Ask the optimiser; it knows of the budget what `neps.run` tells it."""
        info = self._budget_info(worker_cost_to_spend=self._task.budget_j, used_cost_budget=spent_j)
        self._own = True
        try:
            self._trial = self._optimizer.ask(budget_info=info)
        except RuntimeError:
            self._own = False
            self._trial = self._random.ask()
        work = _whole(self._space, self._trial.config)
        if not self._rungs:
            return work
        before = self._numbers.get(self._trial.metadata.previous_trial_id or "")
        return replace(work, pause=work.until < self._space.longest(), trial=before)

    def tell(self, result: Told) -> None:
        """Tell the error and the joules."""
        name = self._trial.id
        report = {"objective_to_minimize": _error(result), "cost": result.energy_j or 0.0}
        self._numbers[name] = result.trial
        if self._own:
            self._optimizer.tell(self._trial, report)
        else:
            free = 1 + max(int(known) for known in self._optimizer.trials)
            self._optimizer.tell_custom(
                config_id=str(free), config=self._trial.config, result=report
            )


class FlamlPeer:
    """FLAML's BlendSearch."""

    def __init__(self, space: Space, seed: int, task: Task) -> None:
        from flaml import BlendSearch  # type: ignore[import-not-found]

        self._space = space
        cheapest = space.cheapest()
        whole = [n for n, d in space.distributions.items() if isinstance(d, IntDistribution)]
        self._search = BlendSearch(
            metric="error",
            mode="min",
            space={n: self._domain(d) for n, d in space.distributions.items()},
            low_cost_partial_config={name: cheapest[name] for name in whole},
            cost_attr="joules",
            cost_budget=task.budget_j,
            seed=seed,
        )
        self._number = -1
        self._config: dict[str, Any] = {}

    @staticmethod
    def _domain(axis: BaseDistribution) -> Any:
        from flaml import tune  # type: ignore[import-not-found]

        if isinstance(axis, CategoricalDistribution):
            return tune.choice(list(axis.choices))
        assert isinstance(axis, IntDistribution | FloatDistribution)
        if isinstance(axis, IntDistribution):  # whose upper end is not included
            return (tune.lograndint if axis.log else tune.randint)(axis.low, axis.high + 1)
        return (tune.loguniform if axis.log else tune.uniform)(axis.low, axis.high)

    def ask(self, spent_j: float) -> Work | None:
        """Ask until something is suggested."""
        for _ in range(MOST_REFUSALS):
            self._number += 1
            config = self._search.suggest(str(self._number))
            if config is not None:
                self._config = config
                return _whole(self._space, config)
        return None

    def tell(self, result: Told) -> None:
        """Tell the error and the joules."""
        report = {"error": _error(result), "joules": result.energy_j}
        self._search.on_trial_complete(str(self._number), {**report, "config": self._config})


class SmacPeer:
    """SMAC3 under its own ask and tell."""

    def __init__(self, per_second: bool, space: Space, seed: int, task: Task) -> None:
        import ConfigSpace  # type: ignore[import-not-found]
        from smac import HyperparameterOptimizationFacade, Scenario  # type: ignore[import-not-found]

        self._space = space
        self._info: Any = None
        configurations = ConfigSpace.ConfigurationSpace(seed=seed)
        configurations.add([self._axis(n, d) for n, d in space.distributions.items()])
        self._folder = tempfile.TemporaryDirectory(prefix="smac-")
        scenario = Scenario(
            configurations,
            deterministic=True,
            n_trials=N_TRIALS,
            seed=seed,
            output_directory=self._folder.name,
        )
        self._smac = HyperparameterOptimizationFacade(
            scenario,
            lambda config, seed=0: 1.0,
            overwrite=True,
            logging_level=logging.ERROR,
            **(self._per_second(scenario, seed) if per_second else {}),
        )

    @staticmethod
    def _per_second(scenario: Any, seed: int) -> dict[str, Any]:
        """Its model of both, its way of reading results, and its acquisition function."""
        from smac.acquisition.function import EIPS  # type: ignore[import-not-found]
        from smac.model.multi_objective_model import MultiObjectiveModel  # type: ignore[import-not-found]
        from smac.model.random_forest.random_forest import RandomForest  # type: ignore[import-not-found]
        from smac.runhistory.encoder.eips_encoder import RunHistoryEIPSEncoder  # type: ignore[import-not-found]

        forest = partial(RandomForest, scenario.configspace)
        forests: list[Any] = [forest(seed=seed), forest(seed=seed)]
        return {
            "model": MultiObjectiveModel(forests, ["error", "joules"], seed=seed),
            "acquisition_function": EIPS(),
            "runhistory_encoder": RunHistoryEIPSEncoder(scenario),
        }

    @staticmethod
    def _axis(name: str, axis: BaseDistribution) -> Any:
        import ConfigSpace  # type: ignore[import-not-found]

        if isinstance(axis, CategoricalDistribution):
            return ConfigSpace.CategoricalHyperparameter(name, list(axis.choices))
        assert isinstance(axis, IntDistribution | FloatDistribution)
        whole = isinstance(axis, IntDistribution)
        kind = (
            ConfigSpace.UniformIntegerHyperparameter
            if whole
            else ConfigSpace.UniformFloatHyperparameter
        )
        return kind(name, axis.low, axis.high, log=axis.log)

    def ask(self, spent_j: float) -> Work:
        """Ask SMAC."""
        self._info = self._smac.ask()
        return _whole(self._space, dict(self._info.config))

    def tell(self, result: Told) -> None:
        """Tell the error, and the joules as seconds."""
        from smac.runhistory.dataclasses import TrialValue  # type: ignore[import-not-found]

        value = TrialValue(_error(result), time=result.energy_j or 0.0)
        self._smac.tell(self._info, value)


class SynePeer:
    """A Syne Tune scheduler under its own ask and tell."""

    def __init__(self, space: Space, seed: int, task: Task) -> None:
        from syne_tune.optimizer.baselines import BOTorch  # type: ignore[import-not-found]
        from syne_tune.optimizer.schedulers.ask_tell_scheduler import AskTellScheduler  # type: ignore[import-not-found]

        self._space = space
        self._trial: Any = None
        domains = {n: self._domain(d) for n, d in space.distributions.items()}
        self._scheduler = AskTellScheduler(
            BOTorch(domains, metric="error", do_minimize=True, random_seed=seed)
        )

    @staticmethod
    def _domain(axis: BaseDistribution) -> Any:
        from syne_tune.config_space import choice, lograndint, loguniform, randint, uniform  # type: ignore[import-not-found]

        if isinstance(axis, CategoricalDistribution):
            return choice(list(axis.choices))
        assert isinstance(axis, IntDistribution | FloatDistribution)
        if isinstance(axis, IntDistribution):
            return (lograndint if axis.log else randint)(axis.low, axis.high)
        return (loguniform if axis.log else uniform)(axis.low, axis.high)

    def ask(self, spent_j: float) -> Work:
        """Ask the scheduler."""
        self._trial = self._scheduler.ask()
        return _whole(self._space, self._trial.config)

    def tell(self, result: Told) -> None:
        """Tell the error."""
        self._scheduler.tell(self._trial, {"error": _error(result)})


def _whole(space: Space, params: Mapping[str, Any]) -> Work:
    """A trial in one piece; some libraries give NumPy's types, or values an ulp off an end."""
    values = {}
    for name, axis in space.distributions.items():
        value = params[name].item() if hasattr(params[name], "item") else params[name]
        if isinstance(axis, IntDistribution | FloatDistribution):
            value = min(max(value, axis.low), axis.high)
        values[name] = int(value) if isinstance(axis, IntDistribution) else value
    complete = space.complete(values)
    return Work(complete, int(complete["epochs"]))


def _is_lost(result: Told) -> bool:
    """Whether a trial failed or was never validated."""
    return result.state is State.FAILED or result.accuracy is None


def _error(result: Told) -> float:
    """Share of wrong answers; 1 where there is no result."""
    return 1.0 if _is_lost(result) or result.accuracy is None else 1 - result.accuracy


Builder = Callable[[Space, int, Task], Strategy]
_KNOWN: dict[str, tuple[str, Builder]] = {
    "optuna-tpe": ("optuna", lambda *known: OptunaPeer("TPESampler", *known)),
    "optuna-gp": ("optuna", lambda *known: OptunaPeer("GPSampler", *known)),
    "neps": ("neps", lambda *known: NepsPeer("bayesian_optimization", {}, *known)),
    "neps-cost": (
        "neps",
        lambda *known: NepsPeer("bayesian_optimization", {"cost_aware": True}, *known),
    ),
    "neps-hyperband": ("neps", lambda *known: NepsPeer("hyperband", {}, *known)),
    "flaml": ("flaml", FlamlPeer),
    "smac": ("smac", lambda *known: SmacPeer(False, *known)),
    "smac-eips": ("smac", lambda *known: SmacPeer(True, *known)),
    "syne-botorch": ("syne_tune", SynePeer),
}
PEERS: dict[str, Builder] = {
    name: builder for name, (module, builder) in _KNOWN.items() if find_spec(module)
}
"""The installed ones, by name."""


def quieten() -> None:
    """Keep what the peers warn and log of out of the tables."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
