"""Fitting watts per busy core to windows of a measured machine."""

from __future__ import annotations

import csv
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import ConfigurationError, DataError
from ...files.bounded import lines, open_text, unreadable
from .stored import CpuFit, now_utc

FEWEST_WINDOWS = 3
LOAD_SPREAD = 0.5  # busy cores by which the loads of a fit must differ at least
LEAST_WATTS_PER_CORE = 1e-3  # below that, no processor was seen
LARGEST_RESIDUAL = 1.0  # beyond that, the error is larger than the amount
COLUMNS = ("duration_s", "cpu_s", "energy_j")


@dataclass(frozen=True)
class LoadWindow:
    """A window of the whole machine."""

    duration_s: float  # its length
    cpu_s: float  # CPU-seconds that all processes used in it
    energy_j: float  # joules that the reference measured in it

    @property
    def power_w(self) -> float:
        """Mean power."""
        return self.energy_j / self.duration_s

    @property
    def load(self) -> float:
        """Mean number of busy cores."""
        return self.cpu_s / self.duration_s


def fit(
    windows: Sequence[LoadWindow], reference: str = "recorded pairs", detail: str = ""
) -> CpuFit:
    """Fit idle power and watts per busy core to windows of the whole machine.

    Mean power is idle power plus watts per core times busy cores, by least squares over windows,
    neither of them below zero. The residual is the error to expect of ``cpu_time``, which has no
    idle power: of the power above idle, relative to what the fit of all *other* windows foretells,
    the root of the mean square over windows with at least half a core busy. A ConfigurationError
    if there are too few windows, their loads are too alike or their energy does not follow them.
    """
    if len(windows) < FEWEST_WINDOWS:
        raise ConfigurationError(
            f"{len(windows)} windows cannot be fitted: take {FEWEST_WINDOWS} or more"
        )
    idle_w, watts_per_core = _line(windows)
    errors: list[float] = []
    for index, window in enumerate(windows):
        if window.load >= LOAD_SPREAD:
            others_idle_w, others_watts = _line([*windows[:index], *windows[index + 1 :]])
            errors.append((window.power_w - others_idle_w) / (others_watts * window.load) - 1.0)
    residual = math.hypot(*errors) / math.sqrt(len(errors))
    if residual > LARGEST_RESIDUAL:
        raise ConfigurationError(
            f"the joules of the windows hardly follow their CPU time (error {residual:.0%}): let "
            "nothing else draw from the reference, and take longer windows"
        )
    return CpuFit(watts_per_core, idle_w, residual, len(windows), reference, detail, now_utc())


def read_windows(path: Path) -> list[LoadWindow]:
    """Windows of the whole machine from a CSV file with ``COLUMNS``, or a DataError."""
    try:
        with open_text(path) as file:
            rows = csv.DictReader(lines(path, file))
            missing = [column for column in COLUMNS if column not in (rows.fieldnames or ())]
            if missing:
                head = f"no column {missing[0]}; begin with {','.join(COLUMNS)}"
                raise DataError(f"{path}, line 1: {head}")
            return [_window(row, f"{path}, line {rows.line_num}") for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise unreadable(path, error, f"give {','.join(COLUMNS)} as CSV") from error


def _window(row: dict[str, str | None], where: str) -> LoadWindow:
    try:
        duration_s, cpu_s, energy_j = (float(row[column] or "") for column in COLUMNS)
    except ValueError as error:
        raise DataError(f"{where}: {error}; write one number for each column") from error
    if not (0 < duration_s < math.inf and 0 <= cpu_s < math.inf and 0 <= energy_j < math.inf):
        raise DataError(
            f"{where}: no window takes {duration_s:g} s, {cpu_s:g} CPU-seconds and {energy_j:g} J"
        )
    return LoadWindow(duration_s, cpu_s, energy_j)


def _line(windows: Sequence[LoadWindow]) -> tuple[float, float]:
    """Idle power and watts per busy core of some windows, by least squares."""
    loads, powers = [window.load for window in windows], [window.power_w for window in windows]
    if max(loads) - min(loads) < LOAD_SPREAD:
        raise ConfigurationError(
            f"the loads of the windows are too alike, {min(loads):.3g} to {max(loads):.3g} busy "
            f"cores: take three loads or more, {LOAD_SPREAD:g} cores apart"
        )
    watts, idle_w = statistics.linear_regression(loads, powers)
    if idle_w < 0:  # of lines without a negative idle power the best one starts at 0
        watts, idle_w = statistics.linear_regression(loads, powers, proportional=True)
    if watts < LEAST_WATTS_PER_CORE:
        raise ConfigurationError(
            "the joules of the windows do not rise with their CPU time: take a reference that "
            "sees the processor, and longer windows"
        )
    return idle_w, watts
