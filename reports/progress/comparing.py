"""How a comparison or a search goes, shown by its own process."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from ...benchmarks.analysis.target import DEFAULT_TARGET
from ...benchmarks.tables.table import counted
from ..format import format_energy
from .console import Screen, open_console
from .drawing import draw_state, plain_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...benchmarks.comparison.experiment import Experiment
    from ...benchmarks.comparison.run import Run
    from ...benchmarks.comparison.state import Standing
    from ...energy import SourceInfo

STOPPING = "Stopping: keeping what is done, then writing the report ..."


class ComparisonProgress:
    """A bar of the whole with the time left, and strategies below; plain lines elsewhere.

    Args:
        target: The score to reach; joules to it are shown.
    """

    def __init__(self, target: str | float = DEFAULT_TARGET) -> None:
        self._console = open_console(stderr=True)
        self._screen = Screen(self._console)
        self._target = target
        self._standing: Standing | None = None
        self._shown_over = False

    def __enter__(self) -> ComparisonProgress:
        return self

    def __exit__(self, *_: object) -> None:
        self._screen.stop()

    def begin(self, experiment: Experiment, sources: Sequence[SourceInfo], workers: int) -> None:
        """Say what begins: meter and budget first."""
        from ...benchmarks.comparison.state import Standing

        self._standing = Standing(experiment, self._target)
        meters = tell_meters(sources)
        share = f"{format_energy(experiment.allotment_j)} for "
        budget = format_energy(experiment.budget_j)
        if math.isinf(experiment.budget_j):
            share, budget = "", "unlimited"
        shares = (
            f"{share}each of {experiment.n_runs} runs "
            f"({counted(len(experiment.strategies), 'strategy')} x "
            f"{counted(experiment.seeds, 'seed')}), "
        )
        if experiment.trials is not None:
            shares = f"at most {counted(experiment.trials, 'trial')}, {shares}"
        self._console.print(
            f"Meter: {meters}. Budget: {budget}, "
            f"{shares if experiment.n_runs > 1 else ''}"
            f"{counted(workers, 'worker')}, "
            f"{experiment.dataset or experiment.objective}.",
        )
        self._console.print("Starting the workers and rehearsing (charged to no run) ...")

    def update(self, runs: Sequence[Run], inflight_j: Mapping[str, float | None]) -> None:
        """Show the present state, now and then, and once all runs are over."""
        over = all(run.end is not None for run in runs)
        if self._standing is None or self._shown_over or not (over or self._screen.is_due()):
            return
        self._shown_over = over
        state, metric = self._standing.look(runs, time.perf_counter()), self._standing.metric
        self._screen.show(lambda: draw_state(state, metric), lambda: plain_line(state, metric))

    def note(self, sentence: str) -> None:
        """Say something: how to look at what is recorded, or why that failed."""
        self._console.print(sentence)

    def stopping(self) -> None:
        """Say that Ctrl-C was heard."""
        self._console.print(STOPPING)

    def refitting(self, epochs: int) -> None:
        """Say that the best candidate is trained again."""
        self._screen.stop()
        self._console.print(
            "Training the best candidate again on train and validation data, "
            f"{counted(epochs, 'epoch')} ..."
        )


def tell_meters(sources: Sequence[SourceInfo]) -> str:
    """The sources of a meter in words; workers that come of their own have a meter each.

    >>> tell_meters([])
    "each worker's own"
    """
    return (
        ", ".join(f"{s.component} {s.kind.value} ({s.id})" for s in sources) or "each worker's own"
    )
