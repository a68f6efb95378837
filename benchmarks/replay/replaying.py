"""Replay: any strategies on what a table recorded, for virtual joules and without training.

    table = perjoule.load_table("runs/digits")
    options = ReplayOptions(strategies=["random", "tpe", "frugal"], budget="20 J per run")
    replayed = replay(table, options)

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
from dataclasses import asdict, replace
from typing import Any, Protocol

from ...energy.quantities import format_energy
from ...energy.sources.cpu.power import FALLBACK_W_PER_THREAD
from ...errors import BudgetError, DataError
from ..analysis.unspent import stop_early_notes
from ..comparison.loading import load_earlier
from ..statistics.runs import AnytimeCurves
from ..tables.dimensions import PARAMS, Dimensions, find_dimensions
from ..tables.facts import finite
from ..tables.spaces import describe
from ..tables.table import Table, counted
from .ask_cost import load_ask_costs
from .forest import LEAST_CANDIDATES, LEAST_R2, ForestObjective
from .nearest import NearestObjective
from .options import Match, ReplayOptions
from .parallelism import ParallelCost, parallel_costs
from .recording import Recording
from .runs import SLOW_S, Play, Played, PlaySchedule, RecordedObjective, forecast_s, play_all
from .tables import Stage, replay_tables, where_in
from .warm_start import learn_from, names_of

COVERED = 0.9
"""Share of a finite space that must be recorded, for its candidates to be looked up by themselves.
"""
LONG_H = 0.5
"""Hours of CPU time that are worth a warning."""
_WATTS = re.compile(r"x ([\d.]+) W per core")


class ReplayWatcher(Protocol):
    """Who is shown how a replay goes."""

    def note(self, sentence: str) -> None:
        """Take what is to be known of the replay, as soon as it is."""
        ...

    def update(self, done: int, total: int, left_s: float | None) -> None:
        """Take how many runs are done, of how many there will be, and the seconds left.

        The last two as far as they are known.
        """
        ...


class _Notes:
    """The sentences about a replay: told at once to who watches, and kept for its table."""

    def __init__(self, watcher: ReplayWatcher | None) -> None:
        self._watcher = watcher
        self.sentences: list[str] = []

    def add(self, sentence: str) -> None:
        self.sentences.append(sentence)
        if self._watcher is not None:
            self._watcher.note(sentence)

    def update(self, done: int, total: int, left_s: float | None) -> None:
        if self._watcher is not None:
            self._watcher.update(done, total, left_s)


def replay(
    table: Table, options: ReplayOptions | None = None, progress: ReplayWatcher | None = None
) -> Table:
    """Let strategies search what a table recorded, each group of the table by itself.

    Args:
        table: The recorded trials, with hyperparameters as columns ``p.<name>``.
        options: Who searches for how many joules, and by which rules.
        progress: Is told how it goes.

    Returns:
        A trial table whose energy is of the kind `REPLAYED`, with all runs. Its notes say what was
        matched and how well, what was charged for searching, and who had fewer seeds. Where nothing
        is known of the joules of searching, ``energy_search_j`` is null and ``energy_j`` is without
        them.

    Raises:
        DataError: The table cannot be replayed, or the surrogate is refused.
        BudgetError: Not even the cheapest epoch fits a run.
    """
    options = options or ReplayOptions()
    notes = _Notes(progress)
    dimensions = _dimensions(table, options)
    if sentence := dimensions.describe_left_out():
        notes.add(sentence)
    if options.parsed_space is None:  # all groups are searched alike
        stated = {**(table.description or {}), PARAMS: dimensions.searched}
        table = replace(table, description=stated)
    groups = table.groups
    names = options.names
    run_j = options.run_j(len(groups) * len(names) * options.seeds)
    earlier = load_earlier(options.earlier, table.metric)
    stages = [
        _prepare_stage(values, part, run_j, options, earlier, notes) for values, part in groups
    ]
    if options.stop_early is not None:
        for sentence in stop_early_notes(options.stop_early, names):
            notes.add(sentence)
    watts = _watts(table, names, notes) if options.search_energy == "model" else {}
    plays = [
        Play(number, name, 0, stage.budget_j, watts.get(name), width, options.stop_early)
        for number, stage in enumerate(stages)
        for name in names
        for width in sorted({1, options.parallel_trials})
    ]
    _warn_if_long(plays, stages, options, notes)
    schedule = PlaySchedule(plays, options.seeds, options.slow_seeds)
    objectives = [stage.objective for stage in stages]
    learnt = [stage.earlier for stage in stages]
    played = play_all(objectives, schedule, options.n_workers, notes.update, learnt)
    # In an order that does not tell who was faster.
    played.sort(key=lambda each: (each.play.stage, names.index(each.play.strategy), each.play.seed))
    costs: list[ParallelCost] = []
    if options.parallel_trials > 1:
        alone = [each for each in played if each.play.parallel_trials == 1]
        played = [each for each in played if each.play.parallel_trials > 1]
        costs = list(parallel_costs(played, alone, table.metric))
    for cost in costs:
        notes.add(f"{where_in(stages[cost.stage].group)}{cost.describe(table.metric)}")
    for sentence in _describe_runs(played, schedule, options):
        notes.add(sentence)
    trials, slices, runs = replay_tables(stages, played)
    return Table(
        trials,
        f"{table.name} replayed",
        by=table.by,
        slices=slices,
        runs=runs,
        description=_describe(table, stages, options, costs, dimensions, earlier),
        notes=tuple(notes.sentences),
    )


def _dimensions(table: Table, options: ReplayOptions) -> Dimensions:
    """What is searched, and what of the table's own columns is not."""
    space = options.parsed_space
    said = None if space is None else {"space": space.to_mapping()}
    return table.dimensions if said is None else find_dimensions(table.trials, said)


def _describe(
    table: Table,
    stages: Sequence[Stage],
    options: ReplayOptions,
    costs: Sequence[ParallelCost],
    dimensions: Dimensions,
    earlier: Sequence[Table],
) -> dict[str, Any]:
    """What is known of the experiment that a replay is."""
    first, *others = [stage.objective.space.to_mapping() for stage in stages]
    data = (table.description or {}).get("data")
    kept = ["seeds", "slow_seeds", "match", "search_energy", "parallel_trials"]
    kept += ["stop_early"] if options.stop_early is not None else []
    return {
        **({"space": first} if all(space == first for space in others) else {}),
        **({"data": data} if data else {}),
        "metric": table.metric.to_dict(),
        "replay": {
            "table": table.name,
            "searched": [
                *dict.fromkeys(n for s in stages for n in s.objective.space.distributions)
            ],
            "left_out": dict(dimensions.left_out),
            "budget_j": [stage.budget_j for stage in stages],
            **{name: getattr(options, name) for name in kept},
            **({"warm_start": names_of(options.earlier, earlier)} if earlier else {}),
            **({"parallel_costs": [finite(asdict(cost)) for cost in costs]} if costs else {}),
        },
    }


def _prepare_stage(
    values: Mapping[str, Any],
    part: Table,
    run_j: float | None,
    options: ReplayOptions,
    earlier: Sequence[Table],
    notes: _Notes,
) -> Stage:
    """Make a group of a table ready to be searched."""
    where = where_in(values)
    recording = Recording.of(part, options.parsed_space)
    notes.add(f"{where}Searched: {describe(recording.space)}.")
    for sentence in recording.notes:
        notes.add(f"{where}{sentence}")
    objective, sentence = _choose_objective(recording, options.match, options.n_workers)
    notes.add(f"{where}{sentence}")
    budget_j = _median_run_j(part) if run_j is None else run_j
    if objective.cheapest_j > budget_j:
        raise BudgetError(
            f"{where}each run has {format_energy(budget_j)}, but the cheapest recorded epoch "
            f"costs {format_energy(objective.cheapest_j)}: give at least that, better ten times"
        )
    notes.add(f"{where}Each run has {format_energy(budget_j)}.")
    learnt = learn_from(
        earlier, part, recording, options.names, lambda text: notes.add(f"{where}{text}")
    )
    return Stage(values, recording, objective, budget_j, learnt)


def _choose_objective(
    recording: Recording, match: Match, workers: int
) -> tuple[RecordedObjective, str]:
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
        quality = f"explain {forest.quality}"
        if forest.quality.is_enough:
            return forest, f"Random forests of {count} recorded candidates {quality}."
        why = f"random forests only {quality}, where {LEAST_R2:.0%} are needed"
    if match == "auto" and recording.has_curves:
        return NearestObjective(recording), f"{nearest}: {why}."
    raise DataError(
        f"{recording.name}: {why}: give more trials, or replay the recorded ones by --match nearest"
    )


def _watts(table: Table, names: Sequence[str], notes: _Notes) -> dict[str, float]:
    """Watts per core by which the asks of each strategy are charged; none of unmeasured ones."""
    meter = (table.description or {}).get("meter") or ()
    texts = [str(source.get("detail")) for source in meter if isinstance(source, Mapping)]
    found = [float(match[1]) for text in texts if (match := _WATTS.search(text))]
    watts = found[0] if found else FALLBACK_W_PER_THREAD
    costs = load_ask_costs()
    notes.add(
        f"Searching is charged by a model: CPU-seconds of asks, measured on {costs.machine} "
        f"({costs.measured}), x {watts:g} W per core"
        f"{', as the table was metered' if found else ', for the table names no figure'}."
    )
    if own := [name for name in names if name not in costs.cpu_s]:
        notes.add(f"Nothing is charged for the search of {', '.join(own)}: it was not measured.")
    return {name: watts for name in names if name in costs.cpu_s}


def _warn_if_long(
    plays: Sequence[Play], stages: Sequence[Stage], options: ReplayOptions, notes: _Notes
) -> None:
    """Say so before a replay begins that takes hours."""
    few = min(options.seeds, options.slow_seeds)
    hours = few * sum(forecast_s(stages[play.stage].objective, play) for play in plays) / 3600
    if hours > LONG_H:
        notes.add(
            f"This takes about {hours:.2g} hours of CPU time for the first {few} seeds of each "
            "strategy: a smaller budget, or strategies with cheaper asks, take less."
        )


def _median_run_j(part: Table) -> float:
    """The median total of the recorded runs, of those whose total is known."""
    budget_j = float(AnytimeCurves.of(part.trials).totals_j.median())
    if math.isnan(budget_j):
        raise BudgetError(
            f"{part.name}: the joules of no recorded run are wholly known: give a budget, such as "
            '"20 J per run"'
        )
    return budget_j


def _describe_runs(
    played: Sequence[Played], schedule: PlaySchedule, options: ReplayOptions
) -> Iterator[str]:
    """Say what is odd about the runs, now that they are over."""
    if schedule.slow:
        slow = ", ".join(f"{name} ({cpu_s:.3g} s)" for name, cpu_s in sorted(schedule.slow.items()))
        yield (
            f"{options.slow_seeds} instead of {options.seeds} seeds for strategies whose asks take "
            f"more than {SLOW_S:g} CPU-seconds a run: {slow}."
        )
    errors = [(each.play.strategy, each.run.error) for each in played if each.run.error]
    for strategy, count in Counter(strategy for strategy, _ in errors).items():
        first = next(error for name, error in errors if name == strategy)
        yield f"{strategy} broke off {count} of its runs, the first by {first}."
    idle = Counter(each.play.strategy for each in played if not each.run.slices)
    for strategy, count in idle.items():
        yield f"{counted(count, 'run')} of {strategy} tried nothing and left no trial in the table."
