"""scikit-optimize as an Optuna sampler: a surrogate model and expected improvement.

    study = optuna.create_study(direction="maximize", sampler=SkoptSampler("GP", seed=0))

The sampler keeps nothing between two asks: its proposal is a function of its seed, the trial's
number and the trials of the study. So an interrupted search goes on where it stood, and an ask may
run in any process.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast, get_args
from zlib import crc32

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from ...errors import ConfigurationError
from .encoding import Axis
from .quiet import quietly
from .skopt_space import Fill, decode, encode, skopt_space
from .studies import shared_space

if TYPE_CHECKING:
    from skopt.space import Space as SkoptSpace

Distributions = dict[str, BaseDistribution]
BaseEstimator = Literal["GP", "RF", "ET", "GBRT"]
AcquisitionFunction = Literal["EI", "LCB", "PI", "EIps"]


class SkoptSampler(BaseSampler):
    """Propose trials with scikit-optimize's sequential model-based optimisation.

    A Gaussian process (``"GP"``) makes the most of few trials, at a cost that grows with their
    number: one ask takes 60, 100 and 600 ms of CPU time after 20, 50 and 200 trials in 10
    dimensions. Extra trees (``"ET"``) and a random forest (``"RF"``) take 35 to 70 ms throughout,
    gradient boosting (``"GBRT"``) 95 to 165 ms; ``"EIps"``, with its second model, up to twice as
    much. (Defaults, median of 7 asks, one thread of an AMD EPYC, November 2026; the first ask of a
    process also imports scikit-optimize, 1 to 2 s.) With scikit-optimize's own defaults of 10,000
    candidates and 5 restarts (and 2 of the kernel's fit), searches of 60 trials took three times
    the CPU time and found no better optimum (10 seeds of a noisy 10-dimensional test function).

    Failed and pruned trials and values that are not finite are left out. A trial that is still
    running counts as if it had reached the mean of the values seen so far (the constant liar of
    Ginsbourger, Le Riche and Carraro, 2010, doi:10.1007/978-3-642-10701-6_6), so that parallel
    workers are sent to different places. Parameters that not all completed trials have in common
    are drawn independently.

    ``"EIps"`` divides the expected improvement by the expected cost (per second in Snoek,
    Larochelle and Adams, NeurIPS 2012, section 3.2; per joule if the trials carry joules): a second
    model learns the logarithm of the user attribute ``cost_attr``. Trials without a cost above 0,
    and running ones, count as of the geometric mean; while no trial has one it is ``"EI"``.

    Args:
        base_estimator: The surrogate model.
        acq_func: Expected improvement, lower confidence bound, probability of improvement or, with
            ``"EIps"``, expected improvement per cost. scikit-optimize's ``gp_hedge`` is not
            offered: it remembers gains between calls.
        cost_attr: User attribute of the trials that holds their cost, for ``"EIps"``.
        n_startup_trials: Usable completed trials before the model takes over, at least 1.
        seed: Makes the proposals reproducible; drawn from the system if None.
        n_candidates: Random points at which the acquisition function is evaluated.
        n_restarts: Best candidates from which L-BFGS refines the point (``"GP"`` only).
        n_trees: Trees of the forest (all but ``"GP"``; ``"GBRT"`` has three such).

    Raises:
        ConfigurationError: If an argument is not one of the above.
    """

    def __init__(
        self,
        base_estimator: BaseEstimator = "GP",
        *,
        acq_func: AcquisitionFunction = "EI",
        cost_attr: str | None = None,
        n_startup_trials: int = 10,
        seed: int | None = None,
        n_candidates: int = 1_000,
        n_restarts: int = 2,
        n_trees: int = 30,
    ) -> None:
        _refuse_unknown("base_estimator", base_estimator, get_args(BaseEstimator))
        _refuse_unknown("acq_func", acq_func, get_args(AcquisitionFunction))
        self._base_estimator, self._acq_func, self._cost_attr = base_estimator, acq_func, cost_attr
        self._n_startup_trials, self._n_candidates = n_startup_trials, n_candidates
        self._n_restarts, self._n_trees = n_restarts, n_trees
        for name in ("n_startup_trials", "n_candidates", "n_restarts", "n_trees"):
            if (number := getattr(self, f"_{name}")) < 1:
                raise ConfigurationError(f"SkoptSampler needs {name} of at least 1, got {number}")
        self._entropy = np.random.SeedSequence(seed).entropy
        self.fill: Fill | None = None
        """Puts inactive parameters of a conditional space in their place; None: it has none."""

    def reseed_rng(self) -> None:
        """Draw a new seed, as Optuna asks for in each of several parallel jobs."""
        self._entropy = np.random.SeedSequence().entropy

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> Distributions:
        """The parameters that all completed trials share, single-point ones left out."""
        return shared_space(study)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: Distributions
    ) -> dict[str, Any]:
        """Values of ``search_space``, none while trials are few."""
        self._raise_error_if_multi_objective(study)
        if not search_space:
            return {}
        with quietly():
            return self._propose(study, trial, cast("dict[str, Axis]", search_space))

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """One parameter, drawn by itself."""
        self._raise_error_if_multi_objective(study)
        sampler = RandomSampler(self._seed_of(trial, param_name))
        return sampler.sample_independent(study, trial, param_name, param_distribution)

    def _seed_of(self, trial: FrozenTrial, param_name: str = "") -> int:
        entropy = [self._entropy, trial.number, crc32(param_name.encode())]
        return int(np.random.SeedSequence(entropy).generate_state(1)[0])

    def _propose(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, Axis]
    ) -> dict[str, Any]:
        from skopt import Optimizer
        from skopt.utils import has_gradients

        space = skopt_space(search_space, self.fill)
        seen = self._observe(study, search_space, space)
        if len(seen.points) < self._n_startup_trials:
            return {}

        known = [cost for cost in seen.costs if cost is not None]
        per_cost = self._acq_func == "EIps" and bool(known)
        seed = self._seed_of(trial)
        model = self._model(space, seed)
        optimizer = Optimizer(
            space,
            model,
            n_initial_points=0,
            acq_func="EI" if self._acq_func == "EIps" and not per_cost else self._acq_func,
            # Gradients would move inactive parameters from their place.
            acq_optimizer="lbfgs" if has_gradients(model) and not self.fill else "sampling",
            random_state=seed,
            acq_optimizer_kwargs={
                "n_points": self._n_candidates,
                "n_restarts_optimizer": self._n_restarts,
            },
        )
        # Standardised, since scikit-optimize wants an improvement of 0.01 in the loss's own unit;
        # the mean, at which running trials are taken to end, is then 0.
        spread = np.std(seen.losses)
        scaled = (np.array(seen.losses) - np.mean(seen.losses)) / (spread if spread > 0 else 1.0)
        results: list[Any] = [*scaled.tolist(), *[0.0] * len(seen.running)]
        if per_cost:
            # In units of the least: scikit-optimize takes the lowest of all losses and logarithms
            # of costs for the best loss, so these must not be below 0.
            least, usual = min(known), float(np.exp(np.mean(np.log(known))))
            costs = [usual if cost is None else cost for cost in seen.costs]
            costs += [usual] * len(seen.running)
            results = [(y, cost / least) for y, cost in zip(results, costs, strict=True)]
        optimizer.tell(seen.points + seen.running, results)
        point = cast("list[Any]", optimizer.ask())
        chosen = zip(search_space.items(), point, strict=True)
        return {name: decode(d, x) for (name, d), x in chosen}

    def _observe(self, study: Study, search: dict[str, Axis], space: SkoptSpace) -> _Seen:
        """What the study's trials say of a search space."""
        sign = -1.0 if study.direction == StudyDirection.MAXIMIZE else 1.0
        seen = _Seen()
        states = TrialState.COMPLETE, TrialState.RUNNING
        for other in study.get_trials(deepcopy=False, states=states):
            if not search.keys() <= other.params.keys():
                continue
            point = [encode(d, other.params[name]) for name, d in search.items()]
            if point not in space:  # its range has changed since
                continue
            if other.state == TrialState.RUNNING:
                seen.running.append(point)
            elif other.value is not None and math.isfinite(other.value):
                cost = other.user_attrs.get(self._cost_attr or "")
                usable = isinstance(cost, int | float) and 0 < cost < math.inf
                seen.points.append(point)
                seen.losses.append(sign * other.value)
                seen.costs.append(cost if usable else None)
        return seen

    def _model(self, space: SkoptSpace, seed: int) -> Any:
        """The surrogate model, not yet fitted."""
        if self._base_estimator == "GBRT":
            from .skopt_gbrt import quantile_boosting

            return quantile_boosting(self._n_trees, seed)
        from skopt.utils import cook_estimator

        model: Any = cook_estimator(self._base_estimator, space=space, random_state=seed)
        if self._base_estimator == "GP":
            # Restarts of the kernel's fit double to quadruple the cost and find the same optimum.
            return model.set_params(n_restarts_optimizer=0)
        return model.set_params(n_estimators=self._n_trees)


@dataclass
class _Seen:
    """Usable trials of a study: points in scikit-optimize's terms, losses to be minimised."""

    points: list[list[float]] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    costs: list[float | None] = field(default_factory=list)
    running: list[list[float]] = field(default_factory=list)


def _refuse_unknown(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ConfigurationError(
            f"SkoptSampler cannot use {name}={value!r}: choose from {', '.join(known)}"
        )
