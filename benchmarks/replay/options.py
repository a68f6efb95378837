"""What may be said of a replay, checked as soon as it is said."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from ...energy.quantities import parse_energy
from ...energy.sources.cpu.cores import usable_cores
from ...errors import ConfigurationError, UnknownNameError
from ...files.paths import check_paths, split_paths
from ...models.space import Space
from ...plain import is_finite_number
from ...tuners.registry import check_ability, find_recipe, parse_strategies
from ..tables.loading import Loadable

Match = Literal["auto", "nearest", "surrogate"]
SearchEnergy = Literal["model", "none"]
_PER_RUN = re.compile(r"(.*\S)\s*per run\s*", re.DOTALL)


@dataclass(frozen=True)
class ReplayOptions:
    """The options of a replay.

    Attributes:
        strategies: Names, as a list or joined by commas; ``"all"`` for all that are known.
        budget: Joules that all runs share in equal parts, ``"24 kJ"``, or of each,
            ``"20 J per run"``; None gives each run the median total of the recorded ones.
        seeds: Runs per strategy, with seeds 0, 1, …
        match: ``"nearest"`` gives a candidate what the nearest recorded one gave,
            ``"surrogate"`` what random forests predict. ``"auto"`` is the nearest where trials of
            one length have curves or a finite grid is recorded, else the surrogate; where that is
            refused and there are curves, the nearest.
        search_energy: ``"model"`` charges what asks cost by a measured model, ``"none"`` nothing.
        slow_seeds: Runs of a strategy whose asks take long (`runs.SLOW_S`).
        space: What may be chosen; None for what the table says or shows.
        workers: Processes; None for one per core.
        stop_early: Score that is worth the whole budget: strategies that can judge it end a run
            when nothing promises that; None spends the budget.
        warm_start: Tables of earlier searches of the same space that strategies learn from which
            can: paths, as a list or joined by commas, or tables.
        parallel_trials: Trials of a run in flight at once; with more than one, each run is replayed
            with one at a time, too, to tell what that cost.

    Raises:
        ConfigurationError: A value cannot be used.
        BudgetError: The budget is no energy.
        UnknownNameError: There is no such strategy or word.
    """

    strategies: str | Sequence[str] = "all"
    budget: str | float | None = None
    seeds: int = 100
    match: Match = "auto"
    search_energy: SearchEnergy = "model"
    slow_seeds: int = 10
    space: Space | Mapping[str, Any] | None = None
    workers: int | None = None
    parallel_trials: int = 1
    stop_early: float | None = None
    warm_start: Loadable | Sequence[Loadable] | None = None

    def __post_init__(self) -> None:
        for name, known in (("match", Match), ("search_energy", SearchEnergy)):
            if getattr(self, name) not in get_args(known):
                raise UnknownNameError(name, str(getattr(self, name)), get_args(known))
        for name in ("seeds", "slow_seeds", "workers", "parallel_trials"):
            count = getattr(self, name)
            if count is not None and count < 1:
                raise ConfigurationError(f"{name} {count} is not above zero: give at least 1")
        for name in self.names:
            find_recipe(name)
        if self.stop_early is not None:
            if not is_finite_number(self.stop_early) or self.stop_early <= 0:
                raise ConfigurationError(
                    f"stop_early {self.stop_early!r} is no number above zero: give the score that "
                    "is worth the whole budget, such as 0.0001"
                )
            check_ability("stop_early", "stops_early", self.names)
        if self.earlier:
            check_ability("warm_start", "transfers", self.names)
        _ = self.parsed_space, self.run_j(1)

    @classmethod
    def of(cls, **given: Any) -> ReplayOptions:
        """Options by name.

        Raises:
            UnknownNameError: There is no such option.
        """
        known = [field.name for field in fields(cls)]
        for name in given:
            if name not in known:
                raise UnknownNameError("option of a replay", name, known)
        return cls(**given)

    @property
    def names(self) -> list[str]:
        """The strategies, each once."""
        return parse_strategies(self.strategies)

    @property
    def parsed_space(self) -> Space | None:
        """What may be chosen; None if it is not said."""
        return Space.parse(self.space) if isinstance(self.space, Mapping) else self.space

    @property
    def earlier(self) -> list[Loadable]:
        """The tables of earlier searches; a text joins paths by commas, and a list does not."""
        given: Any = [] if self.warm_start is None else self.warm_start
        if isinstance(given, str):
            return [*split_paths(given)]
        found: list[Loadable] = [*given] if isinstance(given, list | tuple) else [given]
        check_paths([each for each in found if isinstance(each, str)])
        return found

    @property
    def n_workers(self) -> int:
        """Processes that replay."""
        return self.workers or usable_cores()

    def run_j(self, n_runs: int) -> float | None:
        """Joules of each of so many runs; None if the budget does not say."""
        if self.budget is None:
            return None
        per_run = _PER_RUN.fullmatch(str(self.budget))
        return parse_energy(per_run[1]) if per_run else parse_energy(self.budget) / n_runs
