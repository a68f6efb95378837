"""Progress on stderr: how a comparison and a replay go."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.segment import Segment
from rich.text import Text

from ..energy.quantities import total
from ..models.metric import ACCURACY, Metric
from ..notebooks import is_notebook
from ..plain import printable
from .format import format_duration, format_energy, format_score
from .notebook_live import COLUMNS, NotebookLive

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..benchmarks.comparison.experiment import Experiment
    from ..benchmarks.comparison.run import Run
    from ..benchmarks.studies.design import Part
    from ..benchmarks.studies.estimating import Estimate
    from ..energy import SourceInfo

PLAIN_LINE_S = 5.0
"""How often a line of progress is printed where stderr is no terminal."""


class _Console(Console):
    """Prints what names and messages hold, and does nothing that they say.

    A line that is printed, and a cell of a table, stay one line.
    """

    def render_str(self, text: str, **how: Any) -> Text:
        return super().render_str(printable(text), **how)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterator[Segment]:
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                lines = map(printable, segment.text.split("\n"))
                yield segment._replace(text="\n".join(lines))


def open_console(*, stderr: bool = False) -> Console:
    """Open a console: a terminal wraps at words; a file or pipe gets whole lines.

    A notebook is a terminal whose stderr is for faults alone.
    """
    if is_notebook():
        how = {"force_terminal": True, "force_jupyter": False, "width": COLUMNS}
        return _Console(**how, highlight=False, markup=False, soft_wrap=True)
    console = _Console(stderr=stderr, highlight=False, markup=False)
    if console.is_terminal:
        return console
    return _Console(stderr=stderr, highlight=False, markup=False, soft_wrap=True, width=132)


class _Bars(Progress):
    """Bars in a terminal, or in an output of a notebook."""

    def __init__(self, *columns: ProgressColumn, transient: bool = False, **how: Any) -> None:
        super().__init__(*columns, transient=transient, **how)
        self._shown = None
        if is_notebook():
            self._shown = NotebookLive(self.console, self.get_renderable, transient=transient)
            self.live = self._shown

    def update(self, task_id: TaskID, **how: Any) -> None:
        super().update(task_id, **how)
        if self._shown is not None:
            self._shown.refresh()


class ComparisonProgress:
    """One bar per strategy in joules of its budget; plain lines where stderr is no terminal."""

    def __init__(self) -> None:
        self._console = open_console(stderr=True)
        self._bars = _Bars(
            TextColumn("{task.description:<14}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[text]}", markup=False),
            TimeElapsedColumn(),
            console=self._console,
        )
        self._tasks: dict[str, TaskID] = {}
        self._budget_j = 0.0
        self._metric = ACCURACY
        self._started = self._next_line = 0.0

    def __enter__(self) -> ComparisonProgress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:  # elsewhere stopping would print an empty line
            self._bars.stop()

    def begin(self, experiment: Experiment, sources: Sequence[SourceInfo], workers: int) -> None:
        """Say what begins: meter and budget first."""
        meters = ", ".join(f"{s.component} {s.kind.value} ({s.id})" for s in sources)
        self._budget_j = experiment.budget_j
        self._metric = Metric.parse(experiment.metric)
        share = f"{format_energy(experiment.allotment_j)} for "
        budget = format_energy(experiment.budget_j)
        if math.isinf(experiment.budget_j):
            share, budget = "", "unlimited"
        shares = (
            f"{share}each of {experiment.n_runs} runs "
            f"({len(experiment.strategies)} strategies x {experiment.seeds} seeds), "
        )
        if experiment.trials is not None:
            shares = f"at most {experiment.trials} trials, {shares}"
        self._console.print(
            f"Meter: {meters}. Budget: {budget}, "
            f"{shares if experiment.n_runs > 1 else ''}"
            f"{workers} worker{'s' if workers > 1 else ''}, "
            f"{experiment.dataset or experiment.objective}.",
        )
        self._console.print("Starting the workers and rehearsing (charged to no run) ...")
        for name in experiment.strategies:
            share_j = experiment.allotment_j * experiment.seeds
            most = share_j if math.isfinite(share_j) else None  # then the bar has no end
            self._tasks[name] = self._bars.add_task(name, total=most, text="")

    def update(self, runs: Sequence[Run], inflight_j: Mapping[str, float | None]) -> None:
        """Show the present state."""
        if not self._started:
            self._started = time.perf_counter()
            if self._console.is_terminal:
                self._bars.start()
        if self._console.is_terminal:
            for name, task in self._tasks.items():
                own = [run for run in runs if run.strategy == name]
                spent_j = _spent_j(own, inflight_j)
                if all(run.end is not None for run in own):
                    self._bars.update(task, total=spent_j or 1.0)
                self._bars.update(task, completed=spent_j, text=self._line(own, spent_j))
        elif time.perf_counter() >= self._next_line:
            self._next_line = time.perf_counter() + PLAIN_LINE_S
            spent_j = _spent_j(runs, inflight_j)
            share = "n/a" if spent_j is None else f"{spent_j / self._budget_j:.0%}"
            of_all = f"{share:>4} of the budget: " if math.isfinite(self._budget_j) else ""
            self._console.print(f"{of_all}{self._line(runs, spent_j)}")

    def stopping(self) -> None:
        """Say that Ctrl-C was heard."""
        self._console.print("Stopping: keeping what is done, then writing the report ...")

    def refitting(self, epochs: int) -> None:
        """Say that the best candidate is trained again."""
        self._console.print(
            f"Training the best candidate again on train and validation data, {epochs} epochs ..."
        )

    def _line(self, runs: Sequence[Run], spent_j: float | None) -> str:
        trials = sum(run.n_trials for run in runs)
        found = [run.incumbent for run in runs if run.incumbent is not None]
        best = max(found, key=self._metric.oriented, default=None)
        rate = trials / max(time.perf_counter() - self._started, 0.1)
        told = "no result yet" if best is None else f"best {format_score(best, self._metric)}"
        line = f"{format_energy(spent_j):>8}, {trials} trials ({rate:.1f}/s), {told}"
        return line + _in_flight(runs[0]) if len(runs) == 1 else line


class StudyProgress:
    """How a study goes, in joules of those that were foreseen: a bar, or plain lines."""

    def __init__(self) -> None:
        self._console = open_console(stderr=True)
        self._bar = _Bars(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[text]}", markup=False),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task: TaskID | None = None
        self._part, self._trials = "", 0
        self._began: tuple[float, int] | None = None  # when its first trial had ended, and how many
        self._next_line = 0.0

    def __enter__(self) -> StudyProgress:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def foreseen(self, estimate: Estimate) -> None:
        """Say what the study should take."""
        self._console.print(
            f"Foreseen: about {format_duration(estimate.duration_s)} and "
            f"{format_energy(estimate.energy_j)} for {estimate.trials:,} trials."
        )

    def part(self, part: Part, number: int, n_parts: int) -> None:
        """Say which part begins."""
        self._began = None
        self._part = f"part {number + 1} of {n_parts}, {part.name}"
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(self._part, total=None, text="")

    def note(self, sentence: str) -> None:
        """Print what is to be known at once."""
        self._console.print(f"- {sentence}")

    def begin(self, experiment: Experiment, sources: Sequence[SourceInfo], workers: int) -> None:
        """Say how the part is metered."""
        self._trials = experiment.n_runs * (experiment.trials or 1)
        meters = ", ".join(f"{s.component} {s.kind.value} ({s.id})" for s in sources)
        self._console.print(
            f"{self._part[:1].upper()}{self._part[1:]}: {self._trials:,} trials, meter {meters}, "
            f"{workers} worker{'s' if workers > 1 else ''}."
        )

    def update(self, runs: Sequence[Run], inflight_j: Mapping[str, float | None]) -> None:
        """Show how many trials are done."""
        done, now = sum(len(run.told) for run in runs), time.perf_counter()
        self._began = self._began or (now, done)
        began_s, before = self._began
        text = f"{done:,} of {self._trials:,} trials, {format_energy(_spent_j(runs, inflight_j))}"
        if done > before:
            left_s = (now - began_s) * (self._trials - done) / (done - before)
            text += f", about {format_duration(left_s)} left"
        if self._task is not None:
            self._bar.update(self._task, completed=done, total=self._trials, text=text)
        if not self._console.is_terminal and now >= self._next_line:
            self._next_line = now + PLAIN_LINE_S
            self._console.print(f"{self._part}: {text}")

    def stopping(self) -> None:
        """Say that Ctrl-C was heard."""
        self._console.print("Stopping: keeping what is done, then writing the report ...")

    def refitting(self, epochs: int) -> None:
        """Studies refit nothing."""


class ReplayProgress:
    """A bar of the runs that are done, on stderr; what is to be known of them above it."""

    def __init__(self) -> None:
        self._console = open_console(stderr=True)
        self._bar = _Bars(
            TextColumn("{task.completed:,.0f} of {task.total:,.0f} runs", markup=False),
            BarColumn(),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task: TaskID | None = None
        self.told: list[str] = []  # the notes that were printed

    def __enter__(self) -> ReplayProgress:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def note(self, sentence: str) -> None:
        """Print what is to be known of the replay to who waits; it stands in the result, too."""
        if self._console.is_terminal:
            self._console.print(f"- {sentence}")
            self.told.append(sentence)

    def update(self, done: int, total: int) -> None:
        """Show how many runs are done."""
        if self._task is None:
            self._task = self._bar.add_task("", total=total)
        self._bar.update(self._task, completed=done, total=total)


def _in_flight(run: Run) -> str:
    """``; trial 3: epoch 7 of 20, about 14.2 J in all``, of a trial in flight that is projected."""
    for sign in run.flying:
        found = sign.projection
        if found is not None:
            epochs = f"epoch {sign.epoch} of {found.epochs}"
            return f"; trial {sign.trial}: {epochs}, about {format_energy(found.total_j)} in all"
    return ""


def _spent_j(runs: Sequence[Run], inflight_j: Mapping[str, float | None]) -> float | None:
    """Joules of these runs, slices in flight included; None if those of one are unknown."""
    return total([*(run.spent_j for run in runs), *(inflight_j.get(r.name, 0.0) for r in runs)])
