"""The strategies by name. A new one is a line here, or a user's own `module:attribute`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from ..errors import ConfigurationError, UnknownNameError
from ..models.space import Space
from .strategy import Strategy, Task

if TYPE_CHECKING:
    from .skopt_sampler import BaseEstimator

STARTUP_TRIALS = 5
"""Random trials before a model is fitted: half of the libraries' own figure, for an energy budget
often ends a run after a few dozen trials."""


Builder = Callable[[Space, int, Task], Strategy]


@dataclass(frozen=True)
class Recipe:
    """How to make a strategy, and what to say of it.

    Attributes:
        name: Its name on the command line and in tables.
        summary: One line for people.
        source: Where the method is from.
        builder: Makes it from a space, a seed and what is known of the task.
        startup_trials: Results it wants before its asks become dear; None if they never do.
    """

    name: str
    summary: str
    source: str
    builder: Builder
    startup_trials: int | None = None

    def build(self, space: Space, seed: int, task: Task | None = None) -> Strategy:
        """Make the strategy for one run."""
        return self.builder(space, seed, task or Task())


def _grid(space: Space, seed: int, task: Task) -> Strategy:
    from .grid import GridStrategy

    return GridStrategy(space, seed)


def _random(space: Space, seed: int, task: Task) -> Strategy:
    from optuna.samplers import RandomSampler

    from .optuna_strategy import OptunaStrategy

    return OptunaStrategy(space, seed, RandomSampler)


def _tpe(space: Space, seed: int, task: Task) -> Strategy:
    from optuna.samplers import TPESampler

    from .optuna_strategy import OptunaStrategy

    return OptunaStrategy(
        space, seed, lambda s: TPESampler(seed=s, n_startup_trials=STARTUP_TRIALS)
    )


def _gp(space: Space, seed: int, task: Task) -> Strategy:
    from optuna.samplers import GPSampler

    from .optuna_strategy import OptunaStrategy

    return OptunaStrategy(space, seed, lambda s: GPSampler(seed=s, n_startup_trials=STARTUP_TRIALS))


def _skopt(base_estimator: BaseEstimator) -> Builder:
    def make(space: Space, seed: int, task: Task) -> Strategy:
        from .optuna_strategy import OptunaStrategy
        from .skopt_sampler import SkoptSampler

        return OptunaStrategy(
            space,
            seed,
            lambda s: SkoptSampler(base_estimator, seed=s, n_startup_trials=STARTUP_TRIALS),
        )

    return make


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe("grid", "all combinations of a few levels, in random order", "classical", _grid),
        Recipe("random", "independent draws", "Bergstra and Bengio, JMLR 2012", _random),
        Recipe(
            "tpe",
            "Parzen estimators of good and bad trials (Optuna)",
            "Bergstra et al., NeurIPS 2011",
            _tpe,
            STARTUP_TRIALS,
        ),
        Recipe(
            "gp",
            "Gaussian process, log expected improvement (Optuna)",
            "Ament et al., NeurIPS 2023",
            _gp,
            STARTUP_TRIALS,
        ),
        Recipe(
            "skopt-gp",
            "Gaussian process, expected improvement (scikit-optimize)",
            "Snoek et al., NeurIPS 2012",
            _skopt("GP"),
            STARTUP_TRIALS,
        ),
        Recipe(
            "skopt-forest",
            "extremely random trees, expected improvement (scikit-optimize)",
            "Hutter et al., LION 2011",
            _skopt("ET"),
            STARTUP_TRIALS,
        ),
    )
}


@cache
def find_recipe(name: str) -> Recipe:
    """The recipe of a name, or of ``module:attribute``, a callable ``(space, seed) -> Strategy``.

    Raises:
        UnknownNameError: No strategy has this name.
        ConfigurationError: The module or attribute cannot be used.
    """
    if name in RECIPES:
        return RECIPES[name]
    module, colon, attribute = name.partition(":")
    if not colon:
        raise UnknownNameError("strategy", name, RECIPES)
    try:
        build: Any = getattr(import_module(module), attribute)
    except Exception as error:  # the module is the user's own, and may raise anything
        raise ConfigurationError(
            f"strategy {name!r} cannot be loaded: {type(error).__name__}: {error}; "
            "write module:attribute of something importable"
        ) from error
    if not callable(build):
        raise ConfigurationError(f"strategy {name!r} is not callable: (space, seed) -> strategy")
    startup_trials: int | None = getattr(build, "startup_trials", None)

    def make(space: Space, seed: int, task: Task) -> Strategy:
        return cast("Strategy", build(space, seed))

    return Recipe(name, "your own", module, make, startup_trials)
