"""The runs that the strategies' benchmark scores: recorded ones, and those that it runs."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, product
from pathlib import Path
from statistics import fmean

from perjoule.benchmarks.performance.plays import (
    Entry,
    known_strategies,
    run_all,
    version_of,
)
from perjoule.benchmarks.performance.records import Recorder, Records, RunRecord, check_same
from perjoule.benchmarks.performance.scores import TaskRuns
from perjoule.benchmarks.performance.tasks import TaskFacts, choose_tasks, facts_of, find_tasks
from perjoule.benchmarks.tables.table import counted
from perjoule.errors import DataError, UnknownNameError
from perjoule.tuners.registry import find_recipe


@dataclass(frozen=True)
class Wanted:
    """What all runs have in common."""

    trials: float  # the budget in average trainings
    seeds: int  # runs of each strategy on each task
    watts: float  # of a core, by which asks and tells are charged; 0 for free
    fidelity: str  # what rungs are made of

    def fits(self, run: RunRecord) -> bool:
        """Whether a recorded run is one of these; of its seeds there may be more."""
        return (run.trials, run.watts, run.fidelity) == (self.trials, self.watts, self.fidelity)


class Gathering:
    """Recorded runs, and what is to be run besides.

    Args:
        wanted: What they have in common.
        tables: Folders of tables.
        tasks: Names or families of tasks; nothing means all.
        recorded: Files of recorded runs.
        record: File to keep runs in and to go on with; None keeps none.

    Raises:
        PerjouleError: A folder or a file cannot be used.
    """

    def __init__(
        self,
        wanted: Wanted,
        tables: Sequence[Path],
        tasks: Sequence[str],
        recorded: Sequence[Path],
        record: Path | None,
    ) -> None:
        self._wanted, self._asked, self._record = wanted, tasks, record
        self._sources = find_tasks(tables)
        self._own, self._others = Records(), Records()
        if record is not None and record.exists():
            self._own.read(record)
        for path in recorded:
            self._others.read(path)
        self._check_fitting()

    @property
    def recorded_names(self) -> set[str]:
        """Names of strategies with runs in the files of recorded runs that fit."""
        return {run.strategy for run in self._others.runs.values() if self._wanted.fits(run)}

    def gather(self, strategies: Sequence[str], jobs: int) -> list[TaskRuns]:
        """Run strategies on all tasks, and return these runs with the recorded ones of others.

        Args:
            strategies: To run; ``"all"`` alone are ours, variants and peers. Without any, the
                recorded runs are all there is, and tasks whose tables are not here count too.
            jobs: Runs at a time.

        Raises:
            PerjouleError: A name is none, recorded runs are of another task than the one of this
                name, or there are no runs.
        """
        strategies = _known(strategies)
        tasks = self._tasks(running=bool(strategies))
        for records in (self._own, self._others):
            for key, recorded in records.tasks.items():
                if key[0] in tasks:
                    check_same(tasks[key[0]], recorded, records.paths[key])
        runs = [*self._kept(strategies), *self._run(strategies, tasks, jobs)]
        found = [TaskRuns(facts, _by_strategy(runs, name)) for name, facts in tasks.items()]
        found = [task for task in found if task.runs]
        if not found:
            raise DataError("there are no runs to score: name --strategies, or files of --recorded")
        return found

    def _check_fitting(self) -> None:
        """Say which recorded runs are left out, and refuse files of which all are."""
        runs = self._others.runs.values()
        unfit = [run for run in runs if not self._wanted.fits(run)]
        if unfit:
            first = unfit[0]
            search = f"charged at {first.watts:g} W" if first.watts else "free"
            text = (
                f"{counted(len(unfit), 'recorded run')} of {len(runs)} are of other terms, such as "
                f"--trials {first.trials:g}, --fidelity {first.fidelity}, search {search}"
            )
            if len(unfit) == len(runs):
                raise DataError(f"{text}: ask for these terms, or leave out the files")
            say(f"{text}: they are left out.")

    def _tasks(self, *, running: bool) -> dict[str, TaskFacts]:
        """The tasks by name; of tables that are not here, what was recorded of them."""
        recorded = {
            facts.task: facts
            for (_, trials), facts in chain(self._own.tasks.items(), self._others.tasks.items())
            if trials == self._wanted.trials
        }
        here = {name: source.family for name, source in self._sources.items()}
        families = here if running else {name: each.family for name, each in recorded.items()}
        names = choose_tasks(self._asked, families.items())
        if running and (away := [name for name in recorded if name not in here]):
            say(
                f"The tables of {counted(len(away), 'recorded task')} are not here, such as "
                f"{away[0]}: these are left out; --tables FOLDER names tables."
            )
        return {
            name: facts_of(self._sources[name], self._wanted.trials)
            if name in here
            else recorded[name]
            for name in names
        }

    def _kept(self, strategies: Sequence[str]) -> Iterator[RunRecord]:
        """Recorded runs of the strategies that are not run."""
        for run in {**self._others.runs, **self._own.runs}.values():
            if self._wanted.fits(run) and run.strategy not in strategies:
                yield run

    def _run(
        self, strategies: Sequence[str], tasks: Mapping[str, TaskFacts], jobs: int
    ) -> Iterator[RunRecord]:
        """Run what is not recorded yet, and keep it."""
        wanted = self._wanted
        entries = (
            [
                Entry(self._sources[task], tasks[task], name, seed, wanted.watts, wanted.fidelity)
                for task, name, seed in product(tasks, strategies, range(wanted.seeds))
            ]
            if strategies
            else []
        )
        left, n_stale = [], 0
        for entry in entries:
            known = self._own.runs.get(entry.blank().key)
            if known is None or not _is_same(known, entry.strategy):
                n_stale += known is not None
                left.append(entry)
            else:
                yield known
        if n_stale:
            say(f"{counted(n_stale, 'run')} in {self._record} are of other versions: run anew.")
        if len(left) < len(entries):
            say(f"{len(entries) - len(left)} of {counted(len(entries), 'run')} are in the file.")
        if left:
            yield from self._run_and_keep(left, tasks, jobs)

    def _run_and_keep(
        self, entries: Sequence[Entry], tasks: Mapping[str, TaskFacts], jobs: int
    ) -> Iterator[RunRecord]:
        recorder = None
        if self._record is not None:
            for name, facts in tasks.items():
                self._own.tasks[name, facts.trials] = facts
            recorder = Recorder(self._record, self._own)
        try:
            for count, run in enumerate(run_all(entries, jobs, self._search_s()), 1):
                if recorder is not None:
                    recorder.add(run)
                _tell_progress(count, len(entries))
                yield run
        finally:
            if recorder is not None:
                recorder.close()

    def _search_s(self) -> dict[str, float]:
        """CPU-seconds that a run of each strategy took, as far as recorded."""
        found: dict[str, list[float]] = {}
        for run in chain(self._own.runs.values(), self._others.runs.values()):
            found.setdefault(run.strategy, []).append(run.search_s)
        return {name: fmean(each) for name, each in found.items()}


def _known(strategies: Sequence[str]) -> list[str]:
    known = known_strategies()
    if list(strategies) == ["all"]:
        return list(known)
    for name in strategies:
        if ":" in name:
            find_recipe(name)
        elif name not in known:
            raise UnknownNameError("strategy", name, known)
    return list(strategies)


def _is_same(run: RunRecord, strategy: str) -> bool:
    """Whether a recorded run is what would be run now; of a user's own strategy nobody knows."""
    return ":" not in strategy and run.version == version_of(strategy)


def _by_strategy(runs: Iterable[RunRecord], task: str) -> dict[str, list[RunRecord]]:
    found: dict[str, list[RunRecord]] = {}
    for run in sorted((run for run in runs if run.run == task), key=lambda run: run.seed):
        found.setdefault(run.strategy, []).append(run)
    return dict(sorted(found.items()))


def say(text: str) -> None:
    """Tell what is no result."""
    print(text, file=sys.stderr, flush=True)


def _tell_progress(count: int, total: int) -> None:
    """How far it is: on a terminal in one line, else a line for each tenth."""
    if sys.stderr.isatty():
        end = "\n" if count == total else ""
        print(f"\r{count} of {total} runs", end=end, file=sys.stderr, flush=True)
    elif count == total or 10 * count // total > 10 * (count - 1) // total:
        say(f"{count} of {total} runs")
