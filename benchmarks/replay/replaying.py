"""Replay: any strategies on what a table recorded, for virtual joules and without training.

    table = perjoule.load_table("runs/digits")
    replayed = replay(table, strategies=["random", "tpe", "frugal"], budget="20 J per run")

The rules are those of a comparison (see `simulation`); what a candidate costs and gives is looked
up (`nearest`) or predicted (`forest`). A run is a function of the table, the strategy, its seed and
its joules, so that a replay gives the same table on any machine, by any number of workers: search
is charged by a measured model (`ask_cost`), never by a clock.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, Protocol, get_args

from ...energy.quantities import format_energy, parse_energy
from ...energy.sources.cpu.cores import usable_cores
from ...energy.sources.cpu.power import FALLBACK_W_PER_THREAD
from ...errors import BudgetError, ConfigurationError, DataError, UnknownNameError
from ...models.space import Space
from ...tuners.registry import find_recipe, parse_strategies
from ..statistics.runs import AnytimeCurves
from ..tables.table import Table
from .ask_cost import load_ask_costs
from .forest import LEAST_CANDIDATES, LEAST_R2, ForestObjective
from .nearest import NearestObjective
from .recording import Recording
from .runs import SLOW_S, Objective, Play, Played, Schedule, forecast_s, play_all
from .tables import Stage, replay_tables

Match = Literal["auto", "nearest", "surrogate"]
SearchEnergy = Literal["model", "none"]
COVERED = 0.9
"""Share of a finite space that must be recorded, for its candidates to be looked up by themselves.
"""
LONG_H = 0.5
"""Hours of CPU time that are worth a warning."""
_PER_RUN = re.compile(r"(.*\S)\s*per run\s*", re.DOTALL)
_WATTS = re.compile(r"x ([\d.]+) W per core")


class Progress(Protocol):
    """Who is shown how a replay goes."""

    def note(self, sentence: str) -> None:
        """Take what is to be known of the replay, as soon as it is."""
        ...

    def update(self, done: int, total: int) -> None:
        """Take how many runs are done, of how many there will be as far as is known."""
        ...


def replay(
    table: Table,
    *,
    strategies: str | Sequence[str] = "all",
    budget: str | float | None = None,
    seeds: int = 100,
    match: Match = "auto",
    search_energy: SearchEnergy = "model",
    slow_seeds: int = 10,
    space: Space | Mapping[str, Any] | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Table:
    """Let strategies search what a table recorded, each group of the table by itself.

    Args:
        table: The recorded trials, with hyperparameters as columns ``p.<name>``.
        strategies: Names, as a list or joined by commas; ``"all"`` for all that are known.
        budget: Joules that all runs share in equal parts, ``"24 kJ"``, or of each,
            ``"20 J per run"``; by default each run has the median total of the recorded ones.
        seeds: Runs per strategy, with seeds 0, 1, …
        match: ``"nearest"`` gives a candidate what the nearest recorded one gave,
            ``"surrogate"`` what random forests predict. ``"auto"`` is the nearest where trials of
            one length have curves or a finite grid is recorded, else the surrogate; where that is
            refused and there are curves, the nearest.
        search_energy: ``"model"`` charges what asks cost by a measured model, ``"none"`` nothing.
        slow_seeds: Runs of a strategy whose asks take longer than `SLOW_S` CPU-seconds a run.
        space: What may be chosen; by default what the table says or shows.
        workers: Processes; one per core if not given.
        progress: Is told how it goes.

    Returns:
        A trial table whose energy is of the kind `REPLAYED`. Its notes say what was matched and
        how well, what was charged for searching, and who had fewer seeds. Where nothing is known of
        the joules of searching, ``energy_search_j`` is null and ``energy_j`` is without them.

    Raises:
        DataError: The table cannot be replayed, or the surrogate is refused.
        BudgetError: The budget is no energy, or not even the cheapest epoch fits a run.
        ConfigurationError: An option cannot be used.
        UnknownNameError: There is no such strategy.
    """
    names = _strategies(strategies)
    _check("match", match, get_args(Match))
    _check("search_energy", search_energy, get_args(SearchEnergy))
    for option, count in (("seeds", seeds), ("slow_seeds", slow_seeds), ("workers", workers)):
        if count is not None and count < 1:
            raise ConfigurationError(f"{option} {count} is not above zero: give at least 1")
    if space is not None and not isinstance(space, Space):
        space = Space.parse(space)
    workers = workers or usable_cores()
    said = _Said(progress)
    groups = table.groups
    shared_j = _shared_j(budget, len(groups) * len(names) * seeds)
    stages = [
        _stage(values, part, match, space, shared_j, workers, said) for values, part in groups
    ]
    watts = _watts(table, names, said) if search_energy == "model" else {}
    plays = [
        Play(number, name, 0, stage.budget_j, watts.get(name))
        for number, stage in enumerate(stages)
        for name in names
    ]
    few = min(seeds, slow_seeds)
    hours = few * sum(forecast_s(stages[play.stage].objective, play) for play in plays) / 3600
    if hours > LONG_H:
        said.say(
            f"This takes about {hours:.2g} hours of CPU time for the first {few} seeds of each "
            "strategy: a smaller budget, or strategies with cheaper asks, take less."
        )
    schedule = Schedule(plays, seeds, slow_seeds)
    played = play_all([stage.objective for stage in stages], schedule, workers, said.update)
    # In an order that does not tell who was faster.
    played.sort(key=lambda each: (each.play.stage, names.index(each.play.strategy), each.play.seed))
    for sentence in _lessons(played, schedule, seeds, slow_seeds):
        said.say(sentence)
    trials, slices = replay_tables(stages, played)
    data = (table.description or {}).get("data")
    spaces = [stage.objective.space.to_mapping() for stage in stages]
    return Table(
        trials,
        f"{table.name} replayed",
        by=table.by,
        slices=slices,
        description={
            **({"space": spaces[0]} if all(space == spaces[0] for space in spaces) else {}),
            **({"data": data} if data else {}),
            "replay": {
                "table": table.name,
                "budget_j": [stage.budget_j for stage in stages],
                "seeds": seeds,
                "slow_seeds": slow_seeds,
                "match": match,
                "search_energy": search_energy,
            },
        },
        notes=tuple(said.sentences),
    )


def _stage(
    values: Mapping[str, Any],
    part: Table,
    match: Match,
    space: Space | None,
    shared_j: float | None,
    workers: int,
    said: _Said,
) -> Stage:
    group = ", ".join(f"{name} {value}" for name, value in values.items())
    where = f"{group}: " if group else ""
    recording = Recording.of(part, space)
    for note in recording.notes:
        said.say(f"{where}{note}")
    objective, note = _objective(recording, match, workers)
    said.say(f"{where}{note}")
    budget_j = _median_run_j(part) if shared_j is None else shared_j
    if objective.cheapest_j > budget_j:
        raise BudgetError(
            f"{where}each run has {format_energy(budget_j)}, but the cheapest recorded epoch "
            f"costs {format_energy(objective.cheapest_j)}: give at least that, better ten times"
        )
    said.say(f"{where}Each run has {format_energy(budget_j)}.")
    return Stage(values, recording, objective, budget_j)


def _objective(recording: Recording, match: Match, workers: int) -> tuple[Objective, str]:
    """What is searched, and how candidates are matched, in words."""
    count, coverage = len(recording.candidates), recording.coverage
    covered = "" if coverage is None else f", {coverage:.0%} of the space"
    nearest = f"A candidate gets what the nearest of {count} recorded ones gave{covered}"
    is_grid = coverage is not None and coverage >= COVERED
    if match == "nearest" or (
        match == "auto" and (is_grid or (recording.has_curves and recording.is_even))
    ):
        return NearestObjective(recording), f"{nearest}."
    why = f"{count} candidates are too few for a surrogate, which takes {LEAST_CANDIDATES}"
    if count >= LEAST_CANDIDATES:
        forest = ForestObjective(recording, workers)
        said = f"explain {forest.quality}"
        if forest.quality.is_enough:
            return forest, f"Random forests of {count} recorded candidates {said}."
        why = f"random forests only {said}, where {LEAST_R2:.0%} are needed"
    if match == "auto" and recording.has_curves:
        return NearestObjective(recording), f"{nearest}: {why}."
    raise DataError(
        f"{recording.name}: {why}: give more trials, or replay the recorded ones by --match nearest"
    )


def _watts(table: Table, names: Sequence[str], said: _Said) -> dict[str, float]:
    """Watts per core by which the asks of each strategy are charged; none of unmeasured ones."""
    meter = (table.description or {}).get("meter") or ()
    texts = [str(source.get("detail")) for source in meter if isinstance(source, Mapping)]
    found = [float(match[1]) for text in texts if (match := _WATTS.search(text))]
    watts = found[0] if found else FALLBACK_W_PER_THREAD
    costs = load_ask_costs()
    said.say(
        f"Searching is charged by a model: CPU-seconds of asks, measured on {costs.machine} "
        f"({costs.measured}), x {watts:g} W per core"
        f"{', as the table was metered' if found else ', for the table names no figure'}."
    )
    if own := [name for name in names if name not in costs.cpu_s]:
        said.say(f"Nothing is charged for the search of {', '.join(own)}: it was not measured.")
    return {name: watts for name in names if name in costs.cpu_s}


def _strategies(names: str | Sequence[str]) -> list[str]:
    """The names, each once and known."""
    parsed = parse_strategies(names)
    for name in parsed:
        find_recipe(name)
    return parsed


def _shared_j(budget: str | float | None, n_runs: int) -> float | None:
    """Joules of each run; None if nothing is said of them."""
    if budget is None:
        return None
    per_run = _PER_RUN.fullmatch(str(budget))
    return parse_energy(per_run[1]) if per_run else parse_energy(budget) / n_runs


def _median_run_j(part: Table) -> float:
    """The median total of the recorded runs, of those whose total is known."""
    budget_j = float(AnytimeCurves.of(part.trials).totals_j.median())
    if math.isnan(budget_j):
        raise BudgetError(
            f"{part.name}: the joules of no recorded run are wholly known: give a budget, such as "
            '"20 J per run"'
        )
    return budget_j


def _check(option: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise UnknownNameError(option, str(value), known)


def _lessons(
    played: Sequence[Played], schedule: Schedule, seeds: int, slow_seeds: int
) -> Iterator[str]:
    """What is to be known of the runs, now that they are over."""
    if schedule.slow:
        slow = ", ".join(f"{name} ({cpu_s:.3g} s)" for name, cpu_s in sorted(schedule.slow.items()))
        yield (
            f"{slow_seeds} instead of {seeds} seeds for strategies whose asks take more than "
            f"{SLOW_S:g} CPU-seconds a run: {slow}."
        )
    errors = [(each.play.strategy, each.error) for each in played if each.error]
    for strategy, count in Counter(strategy for strategy, _ in errors).items():
        first = next(error for name, error in errors if name == strategy)
        yield f"{strategy} broke off {count} of its runs, the first by {first}."
    idle = Counter(each.play.strategy for each in played if not each.slices)
    for strategy, count in idle.items():
        yield f"{count} runs of {strategy} tried nothing, and are not in the table."


class _Said:
    """What is said of a replay: at once to whoever watches, and in the notes of its table."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress, self.sentences = progress, list[str]()

    def say(self, sentence: str) -> None:
        self.sentences.append(sentence)
        if self._progress is not None:
            self._progress.note(sentence)

    def update(self, done: int, total: int) -> None:
        if self._progress is not None:
            self._progress.update(done, total)
