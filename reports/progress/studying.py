"""How a study goes, part by part, shown by its own process."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.console import Group

from ...energy.quantities import total
from ..format import format_duration, format_energy
from .comparing import STOPPING, tell_meters
from .console import Screen, open_console
from .drawing import draw_bar, time_left

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...benchmarks.comparison.experiment import Experiment
    from ...benchmarks.comparison.run import Run
    from ...benchmarks.studies.design import Part
    from ...benchmarks.studies.estimating import Estimate
    from ...benchmarks.studies.outlook import Outlook
    from ...energy import SourceInfo


class StudyProgress:
    """A bar of the whole study with the time left, and the part below; plain lines elsewhere."""

    def __init__(self) -> None:
        self._console = open_console(stderr=True)
        self._screen = Screen(self._console)
        self._outlook: Outlook | None = None
        self._part, self._trials = "", 0

    def __enter__(self) -> StudyProgress:
        return self

    def __exit__(self, *_: object) -> None:
        self._screen.stop()

    def foreseen(self, estimate: Estimate) -> None:
        """Say what the study should take."""
        self._outlook = None  # of `study all` another one began
        self._console.print(
            f"Foreseen: about {format_duration(estimate.duration_s)} and "
            f"{format_energy(estimate.energy_j)} for {estimate.trials:,} trials."
        )

    def part(self, part: Part, number: int, parts: Sequence[Estimate | None]) -> None:
        """Say which part begins."""
        from ...benchmarks.studies.outlook import Outlook

        if self._outlook is None or number == 0:
            self._outlook = Outlook(parts)
        self._outlook.begin(number)
        self._part = f"part {number + 1} of {len(parts)}, {part.name}"

    def note(self, sentence: str) -> None:
        """Print what is to be known at once."""
        self._console.print(f"- {sentence}")

    def begin(self, experiment: Experiment, sources: Sequence[SourceInfo], workers: int) -> None:
        """Say how the part is metered."""
        self._trials = experiment.n_runs * (experiment.trials or 1)
        self._console.print(
            f"{self._part[:1].upper()}{self._part[1:]}: {self._trials:,} trials, meter "
            f"{tell_meters(sources)}, {workers} worker{'s' if workers > 1 else ''}."
        )

    def update(self, runs: Sequence[Run], inflight_j: Mapping[str, float | None]) -> None:
        """Show how many trials are done."""
        done = sum(len(run.told) for run in runs)
        if self._outlook is None or not self._screen.is_due():
            return
        self._outlook.take(time.perf_counter(), done / self._trials)
        left = time_left(self._outlook.left_s)
        spent_j = total([*(run.spent_j for run in runs), *inflight_j.values()])
        text = f"{done:,} of {self._trials:,} trials, {format_energy(spent_j)}"
        whole = self._outlook.done
        self._screen.show(
            lambda: Group(draw_bar(whole, left), f"{self._part}: {text}"),
            lambda: f"{self._part}: {', '.join(filter(None, [text, left]))}",
        )

    def stopping(self) -> None:
        """Say that Ctrl-C was heard."""
        self._console.print(STOPPING)

    def refitting(self, epochs: int) -> None:
        """Studies refit nothing."""
