"""The strategies by name. A new one is a line here, or a user's own (see `custom.py`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from typing import Any, Literal

from ..errors import ConfigurationError, UnknownNameError
from ..models.space import Space
from .parts.samplers import STARTUP_TRIALS
from .strategy import Strategy, Task

STARTUP_SLICES = 10  # slices before the model of a multi-fidelity strategy is fitted, more or less

Ability = Literal["stops_early", "transfers"]  # by its flag in a recipe
Builder = Callable[[Space, int, Task], Strategy]  # of a space, a seed and the task


@dataclass(frozen=True)
class Recipe:
    """How to make a strategy, and what to say of it."""

    name: str  # on the command line and in tables
    summary: str  # one line for people
    optimises: str  # what it seeks: "score", or what else it weighs
    source: str  # where the method is from
    make: str | Builder
    """``"module:attribute"`` below `perjoule.tuners.strategies`, a builder that also takes the
    options; or a builder itself. The module is loaded when the strategy is made, since its
    libraries may be heavy."""
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)  # of a builder by name
    startup_trials: int | None = None  # results before its asks become dear; None: they never do
    prunes: bool = False  # whether it gives up candidates before they are trained to the end
    stops_early: bool = False  # whether it ends its run when nothing is worth its joules, if asked
    transfers: bool = False  # whether it learns from earlier searches; the others are told of none

    def build(self, space: Space, seed: int, task: Task | None = None) -> Strategy:
        """Make the strategy for one run."""
        task = task or Task()
        if not self.transfers:
            task = replace(task, earlier=())
        if not isinstance(self.make, str):
            return self.make(space, seed, task)
        module, _, attribute = self.make.partition(":")
        make = getattr(import_module(f"{__package__}.strategies.{module}"), attribute)
        return make(space, seed, task, **self.options)


SCORE, FRONT, PER_JOULE = "score", "score and joules", "score for its joules"
_HALVING, _HYPERBAND = "Li et al., MLSys 2020", "Li et al., JMLR 2018"
_TPE = "Bergstra et al., NeurIPS 2011"
_FREEZE_THAW = f"ours, after Swersky et al. 2014, Lin et al. 2024, Lee et al. 2020; {_HALVING}"
_PER_SECOND = "Snoek et al., NeurIPS 2012, section 3.2"
_OPTUNA, _FRONT = "optuna_sampler:OptunaStrategy", "multiobjective:MultiObjectiveStrategy"

# fmt: off
RECIPES = {recipe.name: recipe for recipe in (
    Recipe("grid", "all of a few levels, in random order", SCORE, "classical",
           "grid:GridStrategy"),
    Recipe("grid-cheapest", "the same grid, predicted-cheapest first", PER_JOULE, "classical",
           "grid:GridStrategy", {"order": "cheapest"}),
    Recipe("random", "independent draws", SCORE, "Bergstra and Bengio, JMLR 2012",
           _OPTUNA, {"sampler": "random"}),
    Recipe("sobol", "evenly spread points", SCORE, "Sobol 1967; Owen 1998",
           "sobol:SobolStrategy"),
    Recipe("tpe", "Parzen estimators of good and bad trials (Optuna)", SCORE, _TPE,
           _OPTUNA, {"sampler": "tpe"}, STARTUP_TRIALS),
    Recipe("gp", "Gaussian process, log expected improvement (Optuna)", SCORE,
           "Ament et al., NeurIPS 2023",
           _OPTUNA, {"sampler": "gp"}, STARTUP_TRIALS),
    Recipe("cmaes", "covariance matrix adaptation, with choices and whole numbers", SCORE,
           "Hansen and Ostermeier 2001; Hamano et al., GECCO 2025",
           "cmaes:CmaesStrategy"),
    Recipe("skopt-gp", "Gaussian process, expected improvement (scikit-optimize)", SCORE,
           "Snoek et al., NeurIPS 2012",
           _OPTUNA, {"sampler": "skopt-gp"}, STARTUP_TRIALS),
    Recipe("skopt-forest", "extremely random trees, expected improvement (scikit-optimize)",
           SCORE, "Hutter et al., LION 2011",
           _OPTUNA, {"sampler": "skopt-forest"}, STARTUP_TRIALS),
    Recipe("skopt-gbrt", "boosted quantile trees, expected improvement (scikit-optimize)",
           SCORE, "Friedman 2001",
           _OPTUNA, {"sampler": "skopt-gbrt"}, STARTUP_TRIALS),
    Recipe("one-epoch", "one epoch for all, the rest for the best three", SCORE,
           "Egele et al. 2023, arXiv 2307.15422",
           "one_epoch:OneEpochStrategy", prunes=True),
    Recipe("successive-halving", "the best third of each rung goes on, once all have reached it",
           SCORE, "Jamieson and Talwalkar, AISTATS 2016",
           "successive_halving:SuccessiveHalvingStrategy", prunes=True),
    Recipe("asha", "the best third at each rung goes on", SCORE, _HALVING,
           "asha:HalvingStrategy", prunes=True),
    Recipe("asha-tpe", "the same, candidates from Parzen estimators", SCORE,
           f"{_HALVING}; {_TPE}",
           "asha:HalvingStrategy", {"proposer": "tpe"}, STARTUP_SLICES, prunes=True),
    Recipe("asha-joules", "the best third at each rung, if its rank is worth its joules",
           PER_JOULE, f"ours, after {_HALVING}",
           "asha_joules:JoulesHalvingStrategy", prunes=True),
    Recipe("pasha", "as asha; higher rungs open while rankings change", SCORE,
           "Bohdal et al., ICLR 2023, arXiv 2207.06940",
           "pasha:PashaStrategy", prunes=True),
    Recipe("hyperband", "halving in brackets that begin at different rungs", SCORE, _HYPERBAND,
           "hyperband:HyperbandStrategy", prunes=True),
    Recipe("hyperband-tpe", "the same, candidates from Parzen estimators", SCORE,
           f"{_HYPERBAND}; Falkner et al., ICML 2018",
           "hyperband:HyperbandStrategy", {"proposer": "tpe"}, STARTUP_SLICES, prunes=True),
    Recipe("median", "stops what is worse than the median of earlier trials", SCORE,
           "Golovin et al., KDD 2017",
           "median:MedianStrategy", prunes=True),
    Recipe("nsga2", "genetic search for the front (Optuna)", FRONT, "Deb et al., IEEE TEC 2002",
           _FRONT, {"sampler": "nsga2"}),
    Recipe("motpe", "Parzen estimators for the front (Optuna)", FRONT, "Ozaki et al., JAIR 2022",
           _FRONT, {"sampler": "tpe"}, STARTUP_TRIALS),
    Recipe("gp-ehvi", "Gaussian processes, expected hypervolume improvement (Optuna)", FRONT,
           "Daulton et al., NeurIPS 2020; Ament et al., NeurIPS 2023",
           _FRONT, {"sampler": "gp"}, STARTUP_TRIALS),
    Recipe("skopt-eipj", "forest, expected improvement per joule (scikit-optimize)", PER_JOULE,
           _PER_SECOND,
           _OPTUNA, {"sampler": "skopt-eipj"}, STARTUP_TRIALS),
    Recipe("gp-eipj", "Gaussian process, expected improvement per joule", PER_JOULE, _PER_SECOND,
           "gp_eipj:PerJouleStrategy", {}, STARTUP_TRIALS),
    Recipe("gp-cooled", "the same, joules counting less as the budget goes", PER_JOULE,
           "Lee et al. 2020, arXiv 2003.10870",
           "gp_cooled:CooledStrategy", {}, STARTUP_TRIALS),
    Recipe("pbgi", "Pandora's box Gittins index: what is worth its price in joules", PER_JOULE,
           "Xie et al., NeurIPS 2024, arXiv 2406.20062",
           "pbgi:GittinsStrategy", {}, STARTUP_TRIALS, stops_early=True),
    Recipe("floor", "least joules at 98 % of the best score so far", "joules above a score",
           "Mitra and Biessmann 2024, arXiv 2407.05788",
           "floor:FloorStrategy", {"sampler": "tpe"}, STARTUP_TRIALS),
    Recipe("frugal", "half its joules where learning curves promise most for them, half to halving",
           PER_JOULE, _FREEZE_THAW,
           "frugal:FrugalStrategy", {}, STARTUP_SLICES, prunes=True, stops_early=True,
           transfers=True),
    Recipe("frugal-prior", "the same, candidates also from published defaults", PER_JOULE,
           f"{_FREEZE_THAW}; Mallik et al., NeurIPS 2023",
           "frugal:FrugalStrategy", {"prior": True}, STARTUP_SLICES, prunes=True,
           stops_early=True, transfers=True),
)}
# fmt: on


@cache
def find_recipe(name: str) -> Recipe:
    """The recipe of a name, or of a user's own strategy; errors as of `custom.custom`."""
    if name in RECIPES:
        return RECIPES[name]
    if ":" not in name:
        raise UnknownNameError("strategy", name, RECIPES)
    from .custom import custom

    own = custom(name)
    return Recipe(name, "your own", "your own", name, own, startup_trials=own.startup_trials)


def with_ability(ability: Ability, names: Iterable[str]) -> list[str]:
    """Those of some strategies that have an ability; a user's own one has none.

    >>> with_ability("stops_early", ["random", "pbgi"])
    ['pbgi']
    """
    return [name for name in names if name in RECIPES and getattr(RECIPES[name], ability)]


def check_ability(option: str, ability: Ability, names: Sequence[str]) -> None:
    """Make sure that an option which asks for an ability is heeded by some strategy.

    Raises:
        ConfigurationError: None of them has it.
    """
    if with_ability(ability, names):
        return
    does = {"stops_early": "stops when nothing is worth its joules"}
    does["transfers"] = "learns from earlier searches"
    able = ", ".join(with_ability(ability, RECIPES)) or "one that does"
    raise ConfigurationError(
        f"{option}: none of {', '.join(names)} {does[ability]}: take {able}, or leave it out"
    )


def parse_strategies(names: str | Sequence[str]) -> list[str]:
    """The names of strategies that a user lists; whether they are known, `find_recipe` says.

        >>> parse_strategies("grid, optuna.samplers:TPESampler(multivariate=False, seed=None)")
        ['grid', 'optuna.samplers:TPESampler(multivariate=False, seed=None)']

    Args:
        names: Several names, or a text of names joined by commas; commas inside brackets and quotes
            belong to a name. ``"all"`` stands for all in `RECIPES`.

    Raises:
        ConfigurationError: No name is given, or one is empty or named twice.
    """
    names = [name.strip() for name in (_split(names) if isinstance(names, str) else names)]
    if names == ["all"]:
        return list(RECIPES)
    if not names:
        raise ConfigurationError("no strategy is named: name some, or all")
    for name in names:
        if not name:
            raise ConfigurationError("the name of a strategy is empty: drop a comma")
        if names.count(name) > 1:
            raise ConfigurationError(f"strategy {name!r} is named twice: drop one")
    return names


def _split(text: str) -> list[str]:
    """The parts of a text between the commas that are outside brackets and quotes."""
    parts, depth, quote = [""], 0, ""
    for previous, each in zip(f" {text}", text, strict=False):
        if quote:
            quote = "" if each == quote and previous != "\\" else quote
        elif each in "\"'":
            quote = each
        else:
            depth += (each in "([{") - (each in ")]}")
            if each == "," and depth <= 0:
                parts.append("")
                continue
        parts[-1] += each
    return parts
