"""The strategies by name. A new one is a line here, or a user's own (see `custom.py`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from ..errors import UnknownNameError
from ..models.space import Space
from .strategy import Strategy, Task

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

    from .parts.proposals import Proposer
    from .parts.rungs import Ladder
    from .parts.schedules import Schedule
    from .parts.skopt_sampler import AcquisitionFunction, BaseEstimator

STARTUP_TRIALS = 5
"""Random trials before a model is fitted: half of the libraries' own figure, for an energy budget
often ends a run after a few dozen trials."""
STARTUP_SLICES = 10
"""Slices before the model of a multi-fidelity strategy is fitted, more or less."""

Builder = Callable[[Space, int, Task], Strategy]


@dataclass(frozen=True)
class Recipe:
    """How to make a strategy, and what to say of it.

    Attributes:
        name: Its name on the command line and in tables.
        summary: One line for people.
        optimises: What it seeks: ``"accuracy"``, or what else it weighs.
        source: Where the method is from.
        builder: Makes it from a space, a seed and what is known of the task.
        startup_trials: Results it wants before its asks become dear; None if they never do.
        prunes: Whether it gives up candidates before they are trained to the end.
    """

    name: str
    summary: str
    optimises: str
    source: str
    builder: Builder
    startup_trials: int | None = None
    prunes: bool = False

    def build(self, space: Space, seed: int, task: Task | None = None) -> Strategy:
        """Make the strategy for one run."""
        return self.builder(space, seed, task or Task())


# Modules are loaded when their strategy is made, since their libraries are heavy.


def _grid(space: Space, seed: int, task: Task) -> Strategy:
    from .strategies.grid import GridStrategy

    return GridStrategy(space, seed)


def _grid_cheapest(space: Space, seed: int, task: Task) -> Strategy:
    from .strategies.grid import GridStrategy

    return GridStrategy(space, seed, order="cheapest", task=task)


def _sobol(space: Space, seed: int, task: Task) -> Strategy:
    from .strategies.sobol import SobolStrategy

    return SobolStrategy(space, seed)


def _cmaes(space: Space, seed: int, task: Task) -> Strategy:
    from .strategies.cmaes import CmaesStrategy

    return CmaesStrategy(space, seed)


def _random_sampler(seed: int) -> BaseSampler:
    from optuna.samplers import RandomSampler

    return RandomSampler(seed)


def _tpe_sampler(seed: int) -> BaseSampler:
    from optuna.samplers import TPESampler

    return TPESampler(seed=seed, n_startup_trials=STARTUP_TRIALS)


def _gp_sampler(seed: int) -> BaseSampler:
    from optuna.samplers import GPSampler

    return GPSampler(seed=seed, n_startup_trials=STARTUP_TRIALS)


def _nsga2_sampler(seed: int) -> BaseSampler:
    from optuna.samplers import NSGAIISampler

    # Small, for an energy budget often ends before the third generation of the usual fifty.
    return NSGAIISampler(population_size=8, seed=seed)


def _skopt(base_estimator: BaseEstimator, acq_func: AcquisitionFunction = "EI") -> Builder:
    def make(seed: int) -> BaseSampler:
        from .parts.skopt_sampler import SkoptSampler

        return SkoptSampler(
            base_estimator,
            acq_func=acq_func,
            cost_attr="energy_j",
            seed=seed,
            n_startup_trials=STARTUP_TRIALS,
        )

    return _optuna(make)


def _optuna(sampler: Callable[[int], BaseSampler]) -> Builder:
    def make(space: Space, seed: int, task: Task) -> Strategy:
        from .strategies.optuna_sampler import OptunaStrategy

        return OptunaStrategy(space, seed, sampler)

    return make


def _front(sampler: Callable[[int], BaseSampler]) -> Builder:
    def make(space: Space, seed: int, task: Task) -> Strategy:
        from .strategies.multiobjective import MultiObjectiveStrategy

        return MultiObjectiveStrategy(space, seed, sampler)

    return make


def _floor(space: Space, seed: int, task: Task) -> Strategy:
    from .strategies.floor import FloorStrategy

    return FloorStrategy(space, seed, _tpe_sampler)


def _rungs(schedule: str, *, model: bool = False) -> Builder:
    def make(space: Space, seed: int, task: Task) -> Strategy:
        from .parts import proposals, schedules
        from .strategies.multifidelity import multi_fidelity

        found: Callable[[Ladder], Schedule] = getattr(schedules, schedule)
        proposer: Callable[[Space], Proposer] = proposals.RandomProposer
        return multi_fidelity(
            space, seed, task, found, proposals.TPEProposer if model else proposer
        )

    return make


def _eipj(space: Space, seed: int, task: Task) -> Strategy:
    from .strategies.energy_aware import ei_per_joule_strategy

    return ei_per_joule_strategy(space, seed, task)


def _cooled(space: Space, seed: int, task: Task) -> Strategy:
    from .strategies.energy_aware import cooled_strategy

    return cooled_strategy(space, seed, task)


def _pbgi(space: Space, seed: int, task: Task) -> Strategy:
    from .strategies.energy_aware import gittins_strategy

    return gittins_strategy(space, seed, task)


def _frugal(space: Space, seed: int, task: Task) -> Strategy:
    from .strategies.frugal import FrugalStrategy

    return FrugalStrategy(space, seed, task)


ACCURACY, FRONT, PER_JOULE = "accuracy", "accuracy and joules", "accuracy for its joules"
_HALVING = "Li et al., MLSys 2020"
_HYPERBAND = "Li et al., JMLR 2018"
_MEDIAN = "Golovin et al., KDD 2017"
_TPE = "Bergstra et al., NeurIPS 2011"

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe("grid", "all of a few levels, in random order", ACCURACY, "classical", _grid),
        Recipe(
            "grid-cheapest",
            "the same grid, predicted-cheapest first",
            PER_JOULE,
            "classical",
            _grid_cheapest,
        ),
        Recipe(
            "random",
            "independent draws",
            ACCURACY,
            "Bergstra and Bengio, JMLR 2012",
            _optuna(_random_sampler),
        ),
        Recipe("sobol", "evenly spread points", ACCURACY, "Sobol 1967; Owen 1998", _sobol),
        Recipe(
            "tpe",
            "Parzen estimators of good and bad trials (Optuna)",
            ACCURACY,
            _TPE,
            _optuna(_tpe_sampler),
            STARTUP_TRIALS,
        ),
        Recipe(
            "gp",
            "Gaussian process, log expected improvement (Optuna)",
            ACCURACY,
            "Ament et al., NeurIPS 2023",
            _optuna(_gp_sampler),
            STARTUP_TRIALS,
        ),
        Recipe(
            "cmaes",
            "covariance matrix adaptation, with choices and whole numbers",
            ACCURACY,
            "Hansen and Ostermeier 2001; Hamano et al., GECCO 2025",
            _cmaes,
        ),
        Recipe(
            "skopt-gp",
            "Gaussian process, expected improvement (scikit-optimize)",
            ACCURACY,
            "Snoek et al., NeurIPS 2012",
            _skopt("GP"),
            STARTUP_TRIALS,
        ),
        Recipe(
            "skopt-forest",
            "extremely random trees, expected improvement (scikit-optimize)",
            ACCURACY,
            "Hutter et al., LION 2011",
            _skopt("ET"),
            STARTUP_TRIALS,
        ),
        Recipe(
            "skopt-gbrt",
            "boosted quantile trees, expected improvement (scikit-optimize)",
            ACCURACY,
            "Friedman 2001",
            _skopt("GBRT"),
            STARTUP_TRIALS,
        ),
        Recipe(
            "asha",
            "the best third at each rung goes on",
            ACCURACY,
            _HALVING,
            _rungs("SuccessiveHalving"),
            prunes=True,
        ),
        Recipe(
            "asha-tpe",
            "the same, candidates from Parzen estimators",
            ACCURACY,
            f"{_HALVING}; {_TPE}",
            _rungs("SuccessiveHalving", model=True),
            STARTUP_SLICES,
            prunes=True,
        ),
        Recipe(
            "hyperband",
            "halving in brackets that begin at different rungs",
            ACCURACY,
            _HYPERBAND,
            _rungs("Hyperband"),
            prunes=True,
        ),
        Recipe(
            "hyperband-tpe",
            "the same, candidates from Parzen estimators",
            ACCURACY,
            f"{_HYPERBAND}; Falkner et al., ICML 2018",
            _rungs("Hyperband", model=True),
            STARTUP_SLICES,
            prunes=True,
        ),
        Recipe(
            "median",
            "stops what is worse than the median of earlier trials",
            ACCURACY,
            _MEDIAN,
            _rungs("MedianRule"),
            prunes=True,
        ),
        Recipe(
            "nsga2",
            "genetic search for the front (Optuna)",
            FRONT,
            "Deb et al., IEEE TEC 2002",
            _front(_nsga2_sampler),
        ),
        Recipe(
            "motpe",
            "Parzen estimators for the front (Optuna)",
            FRONT,
            "Ozaki et al., JAIR 2022",
            _front(_tpe_sampler),
            STARTUP_TRIALS,
        ),
        Recipe(
            "gp-ehvi",
            "Gaussian processes, expected hypervolume improvement (Optuna)",
            FRONT,
            "Daulton et al., NeurIPS 2020; Ament et al., NeurIPS 2023",
            _front(_gp_sampler),
            STARTUP_TRIALS,
        ),
        Recipe(
            "skopt-eipj",
            "forest, expected improvement per joule (scikit-optimize)",
            PER_JOULE,
            "Snoek et al., NeurIPS 2012, section 3.2",
            _skopt("ET", "EIps"),
            STARTUP_TRIALS,
        ),
        Recipe(
            "gp-eipj",
            "Gaussian process, expected improvement per joule",
            PER_JOULE,
            "Snoek et al., NeurIPS 2012, section 3.2",
            _eipj,
            STARTUP_TRIALS,
        ),
        Recipe(
            "gp-cooled",
            "the same, joules counting less as the budget goes",
            PER_JOULE,
            "Lee et al. 2020, arXiv 2003.10870",
            _cooled,
            STARTUP_TRIALS,
        ),
        Recipe(
            "pbgi",
            "Pandora's box Gittins index; stops when nothing is worth its joules",
            PER_JOULE,
            "Xie et al., NeurIPS 2024, arXiv 2406.20062",
            _pbgi,
            STARTUP_TRIALS,
        ),
        Recipe(
            "floor",
            "least joules at 98 % of the best accuracy so far",
            "joules above an accuracy",
            "Mitra and Biessmann 2024, arXiv 2407.05788",
            _floor,
            STARTUP_TRIALS,
        ),
        Recipe(
            "frugal",
            "every next epoch goes where it promises most for its joules",
            PER_JOULE,
            "ours, after Swersky et al. 2014 and Lee et al. 2020",
            _frugal,
            STARTUP_SLICES,
            prunes=True,
        ),
    )
}


@cache
def find_recipe(name: str) -> Recipe:
    """The recipe of a name, or of a user's own strategy (see `custom.custom`).

    Raises:
        UnknownNameError: No strategy has this name.
        ConfigurationError: The module or attribute cannot be used.
    """
    if name in RECIPES:
        return RECIPES[name]
    if ":" not in name:
        raise UnknownNameError("strategy", name, RECIPES)
    from .custom import custom

    own = custom(name)
    return Recipe(name, "your own", "your own", own.name, own, own.startup_trials)
