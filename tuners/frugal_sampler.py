"""What of ``frugal`` can be an Optuna sampler: candidates by what they promise for their joules.

    study = optuna.create_study(direction="maximize", sampler=FrugalSampler(seed=0))
    study.optimize(perjoule.metered(objective), n_trials=40)

Optuna's trials are trained in one go, so nothing is paused at rungs and gone on with, which is half
of what `strategies.frugal` does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from ..models.metric import Metric
from ..models.outcome import CurvePoint, State
from ..models.space import Space
from .parts.quiet import quietly
from .parts.studies import shared_space
from .strategies.frugal import FrugalStrategy
from .strategy import Task, Told, restore

Distributions = dict[str, BaseDistribution]
RENAMED = {"epochs": "epochs of the trial"}  # a name that a space has another use for
STATES = {TrialState.COMPLETE: State.COMPLETE, TrialState.PRUNED: State.PRUNED}


class FrugalSampler(BaseSampler):
    """Weighs each candidate's expected improvement against the joules that it is predicted to take.

    A Gaussian process learns the values of the trials, and a regression their joules, from the user
    attribute that `perjoule.metered` writes. The next candidate is that of the greatest logarithm
    of expected improvement less half of that of its joules (Lee et al. 2020, arXiv 2003.10870, with
    a fixed exponent). Half of the joules go to evenly spread candidates, whatever the model
    believes. Candidates are points of a Sobol sequence, 512 at first.

    The sampler keeps nothing between two asks: a proposal is a function of its seed and of the
    study's trials. Trials that run count as if they had reached the mean; failed ones are not
    tried again. Parameters that not all completed trials have are drawn independently, and so is
    the first trial.

    Args:
        energy_attr: User attribute of the trials that holds their joules. Where trials have none,
            the expected improvement alone decides.
        seed: Makes the proposals reproducible; drawn from the system if None.
    """

    def __init__(self, *, energy_attr: str = "energy_j", seed: int | None = None) -> None:
        self._energy_attr = energy_attr
        self._shared: dict[Any, Any] = {}
        self._seed = _drawn() if seed is None else seed
        self._independent = RandomSampler(self._seed)

    def reseed_rng(self) -> None:
        """Draw a new seed, as Optuna asks for in each of several parallel jobs."""
        self._seed, self._shared = _drawn(), {}
        self._independent = RandomSampler(self._seed)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> Distributions:
        """The parameters that all completed trials share, single-point ones left out."""
        return shared_space(study)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: Distributions
    ) -> dict[str, Any]:
        """Values of ``search_space``; none once all candidates were tried."""
        self._raise_error_if_multi_objective(study)
        if not search_space:
            return {}
        axes = {RENAMED.get(name, name): _axis(d) for name, d in search_space.items()}
        metric = Metric("value", _direction(study))
        task = Task(metric=metric, shared=self._shared)
        history = [told.oriented(metric) for told in self._history(study, trial, search_space)]
        with quietly():
            strategy = FrugalStrategy(Space.parse({**axes, "epochs": 1}), self._seed, task)
            work = restore(strategy, history).ask(spent_j=0.0)  # there is no budget
        return {} if work is None else _of_optuna(work.params, search_space)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """One parameter, drawn by itself."""
        self._raise_error_if_multi_objective(study)
        return self._independent.sample_independent(study, trial, param_name, param_distribution)

    def _history(self, study: Study, trial: FrozenTrial, space: Distributions) -> list[Told]:
        """What the study knows of candidates of a space, running ones as guesses."""
        trials = [
            each
            for each in study.get_trials(deepcopy=False)
            if space.keys() <= each.params.keys() and each.number != trial.number
        ]
        values = [each.value for each in trials if each.state is TrialState.COMPLETE]
        mean = float(np.mean([v for v in values if v is not None and math.isfinite(v)] or [0.0]))
        joules = [j for each in trials if (j := self._joules(each)) is not None]
        mean_j = float(np.mean(joules)) if joules else None
        history: list[Told] = []
        for each in trials:
            is_running = not each.state.is_finished()
            score = mean if is_running else each.value
            energy_j = mean_j if is_running else self._joules(each)
            state = State.COMPLETE if is_running else STATES.get(each.state, State.FAILED)
            if score is None or not math.isfinite(score):
                score, state = None, State.FAILED
            curve = () if score is None else (CurvePoint(1, energy_j, score, math.nan),)
            history.append(
                Told(
                    {**_of_frugal(each.params, space), "epochs": 1},
                    state,
                    score,
                    energy_j,
                    trial=each.number,
                    epochs=len(curve),
                    curve=curve,
                    pending=is_running,
                )
            )
        return history

    def _joules(self, trial: FrozenTrial) -> float | None:
        """Joules of a trial, if they are known."""
        joules = trial.user_attrs.get(self._energy_attr)
        if isinstance(joules, int | float) and 0 < joules < math.inf:
            return float(joules)
        return None


def _axis(distribution: BaseDistribution) -> BaseDistribution:
    """A dimension of frugal's; choices are their places, since Optuna's may be None or a list."""
    if isinstance(distribution, CategoricalDistribution):
        return CategoricalDistribution([str(i) for i in range(len(distribution.choices))])
    return distribution


def _of_frugal(params: dict[str, Any], space: Distributions) -> dict[str, Any]:
    """Optuna's values of a space as frugal's."""
    return {
        RENAMED.get(name, name): str(int(d.to_internal_repr(params[name])))
        if isinstance(d, CategoricalDistribution)
        else params[name]
        for name, d in space.items()
    }


def _of_optuna(params: Mapping[str, Any], space: Distributions) -> dict[str, Any]:
    """Frugal's values of a space as Optuna's."""
    values = {name: params[RENAMED.get(name, name)] for name in space}
    return {
        name: d.choices[int(values[name])]
        if isinstance(d, CategoricalDistribution)
        else values[name]
        for name, d in space.items()
    }


def _direction(study: Study) -> Any:
    return "maximize" if study.direction == StudyDirection.MAXIMIZE else "minimize"


def _drawn() -> int:
    return int(np.random.SeedSequence().generate_state(1)[0])
