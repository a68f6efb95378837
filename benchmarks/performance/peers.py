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
from itertools import count, islice
from typing import Any

import numpy as np
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from perjoule.models.outcome import State
from perjoule.models.space import Space
from perjoule.tuners.registry import Builder
from perjoule.tuners.strategy import Task, Told, Work

Number = IntDistribution | FloatDistribution
Suggested = tuple[Any, Mapping[str, Any]]
MOST_REFUSALS = 100
"""So often in a row may BlendSearch suggest nothing."""
N_TRIALS = 100
"""SMAC3's own default, by which it sizes its initial design."""


class Peer:
    """A peer that trains every trial in one piece.

    ``suggest`` gives the peer's own handle of a trial and its hyperparameters, or None at the end;
    ``report`` takes the handle of the last trial and its result.
    """

    def __init__(
        self,
        space: Space,
        suggest: Callable[[], Suggested | None],
        report: Callable[[Any, Told], object],
    ) -> None:
        self._space, self._suggest, self._report = space, suggest, report
        self._handle: Any = None

    def ask(self, spent_j: float) -> Work | None:
        """Ask the peer."""
        suggested = self._suggest()
        if suggested is None:
            return None
        self._handle, params = suggested
        return _whole(self._space, params)

    def tell(self, result: Told) -> None:
        """Tell the peer."""
        self._report(self._handle, result)


def make_optuna(sampler: str, space: Space, seed: int, task: Task) -> Peer:
    """An Optuna study."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    made = getattr(optuna.samplers, sampler)(seed=seed)
    study = optuna.create_study(direction="maximize", sampler=made)

    def suggest() -> Suggested:
        trial = study.ask(space.distributions)
        return trial, trial.params

    def report(trial: Any, result: Told) -> None:
        score = _accuracy(result)
        study.tell(trial, score, optuna.trial.TrialState.FAIL if score is None else None)

    return Peer(space, suggest, report)


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

        def number(name: str, axis: Number) -> Any:
            kind = neps.HPOInteger if isinstance(axis, IntDistribution) else neps.HPOFloat
            is_fidelity = self._rungs and name == "epochs"
            return kind(axis.low, axis.high, log=axis.log, is_fidelity=is_fidelity)

        axes = _axes(space, lambda _, choices: neps.HPOCategorical(choices), number)
        domains = neps.SearchSpace(axes)
        self._optimizer = neps.AskAndTell(getattr(neps.algorithms, algorithm)(domains, **options))
        self._random = neps.AskAndTell(neps.algorithms.random_search(domains, ignore_fidelity=True))
        self._numbers: dict[str, int] = {}
        self._trial: Any = None
        self._own = True

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
        report = {"objective_to_minimize": _error(result), "cost": result.energy_j or 0.0}
        self._numbers[self._trial.id] = result.trial
        if self._own:
            self._optimizer.tell(self._trial, report)
        else:
            free = 1 + max(int(known) for known in self._optimizer.trials)
            self._optimizer.tell_custom(
                config_id=str(free), config=self._trial.config, result=report
            )


def make_flaml(space: Space, seed: int, task: Task) -> Peer:
    """FLAML's BlendSearch."""
    from flaml import BlendSearch, tune  # type: ignore[import-not-found]

    cheapest = space.cheapest()
    whole = [n for n, d in space.distributions.items() if isinstance(d, IntDistribution)]
    search = BlendSearch(
        metric="error",
        mode="min",
        space=_ray_axes(space, tune, beyond=1),
        low_cost_partial_config={name: cheapest[name] for name in whole},
        cost_attr="joules",
        cost_budget=task.budget_j,
        seed=seed,
    )
    names = map(str, count())

    def suggest() -> Suggested | None:
        for name in islice(names, MOST_REFUSALS):
            config = search.suggest(name)
            if config is not None:
                return (name, config), config
        return None

    def report(handle: Any, result: Told) -> None:
        name, config = handle
        found = {"error": _error(result), "joules": result.energy_j, "config": config}
        search.on_trial_complete(name, found)

    return Peer(space, suggest, report)


def make_smac(per_second: bool, space: Space, seed: int, task: Task) -> Peer:
    """SMAC3 under its own ask and tell."""
    import ConfigSpace  # type: ignore[import-not-found]
    from smac import HyperparameterOptimizationFacade, Scenario  # type: ignore[import-not-found]
    from smac.runhistory.dataclasses import TrialValue  # type: ignore[import-not-found]

    def number(name: str, axis: Number) -> Any:
        kind = "Integer" if isinstance(axis, IntDistribution) else "Float"
        make = getattr(ConfigSpace, f"Uniform{kind}Hyperparameter")
        return make(name, axis.low, axis.high, log=axis.log)

    configurations = ConfigSpace.ConfigurationSpace(seed=seed)
    axes = _axes(space, ConfigSpace.CategoricalHyperparameter, number)
    configurations.add(list(axes.values()))
    folder = tempfile.TemporaryDirectory(prefix="smac-")
    scenario = Scenario(
        configurations,
        deterministic=True,
        n_trials=N_TRIALS,
        seed=seed,
        output_directory=folder.name,
    )
    smac = HyperparameterOptimizationFacade(
        scenario,
        lambda config, seed=0: 1.0,
        overwrite=True,
        logging_level=logging.ERROR,
        **(_smac_per_second(scenario, seed) if per_second else {}),
    )

    def suggest() -> Suggested:
        info = smac.ask()
        return (info, folder), dict(info.config)  # the folder lasts as long as the trials

    def report(handle: Any, result: Told) -> None:
        smac.tell(handle[0], TrialValue(_error(result), time=result.energy_j or 0.0))

    return Peer(space, suggest, report)


def _smac_per_second(scenario: Any, seed: int) -> dict[str, Any]:
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


def make_syne(space: Space, seed: int, task: Task) -> Peer:
    """A Syne Tune scheduler under its own ask and tell."""
    from syne_tune import config_space  # type: ignore[import-not-found]
    from syne_tune.optimizer.baselines import BOTorch  # type: ignore[import-not-found]
    from syne_tune.optimizer.schedulers.ask_tell_scheduler import AskTellScheduler  # type: ignore[import-not-found]

    domains = _ray_axes(space, config_space, beyond=0)
    scheduler = AskTellScheduler(
        BOTorch(domains, metric="error", do_minimize=True, random_seed=seed)
    )

    def suggest() -> Suggested:
        trial = scheduler.ask()
        return trial, trial.config

    def report(trial: Any, result: Told) -> None:
        scheduler.tell(trial, {"error": _error(result)})

    return Peer(space, suggest, report)


def _axes(
    space: Space,
    choice: Callable[[str, list[Any]], Any],
    number: Callable[[str, Number], Any],
) -> dict[str, Any]:
    """The axes of a space as a library has them."""
    axes = {}
    for name, axis in space.distributions.items():
        if isinstance(axis, CategoricalDistribution):
            axes[name] = choice(name, list(axis.choices))
        else:
            assert isinstance(axis, IntDistribution | FloatDistribution)
            axes[name] = number(name, axis)
    return axes


def _ray_axes(space: Space, library: Any, beyond: int) -> dict[str, Any]:
    """The axes by functions named as in Ray; whole numbers end before `high + beyond`, or at it."""

    def number(_: str, axis: Number) -> Any:
        if isinstance(axis, IntDistribution):
            make = library.lograndint if axis.log else library.randint
            return make(axis.low, axis.high + beyond)
        return (library.loguniform if axis.log else library.uniform)(axis.low, axis.high)

    return _axes(space, lambda _, choices: library.choice(choices), number)


def _whole(space: Space, params: Mapping[str, Any]) -> Work:
    """A trial in one piece; some libraries give NumPy's types, or values an ulp off an end."""
    values = {}
    for name, axis in space.distributions.items():
        value = params[name].item() if hasattr(params[name], "item") else params[name]
        if isinstance(axis, IntDistribution | FloatDistribution):
            value = min(max(value, axis.low), axis.high)
        values[name] = int(value) if isinstance(axis, IntDistribution) else value
    complete = space.complete(values)
    return Work(complete, int(complete["epochs"] or 1))


def _accuracy(result: Told) -> float | None:
    """None if the trial failed or was never validated."""
    return None if result.state is State.FAILED else result.score


def _error(result: Told) -> float:
    """Share of wrong answers; 1 where there is no result."""
    return 1 - (_accuracy(result) or 0.0)


_KNOWN: dict[str, tuple[str, Builder]] = {
    "optuna-tpe": ("optuna", partial(make_optuna, "TPESampler")),
    "optuna-gp": ("optuna", partial(make_optuna, "GPSampler")),
    "neps": ("neps", partial(NepsPeer, "bayesian_optimization", {})),
    "neps-cost": ("neps", partial(NepsPeer, "bayesian_optimization", {"cost_aware": True})),
    "neps-hyperband": ("neps", partial(NepsPeer, "hyperband", {})),
    "flaml": ("flaml", make_flaml),
    "smac": ("smac", partial(make_smac, False)),
    "smac-eips": ("smac", partial(make_smac, True)),
    "syne-botorch": ("syne_tune", make_syne),
}
PEERS: dict[str, Builder] = {
    name: builder for name, (module, builder) in _KNOWN.items() if find_spec(module)
}
"""The installed ones, by name."""


def quieten() -> None:
    """Keep what the peers warn and log of out of the tables."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
