"""Several meters on the same windows, so that they can be set beside each other.

A training function opens the meters of its process once, a window of each around its epochs, and
reports what they read with the score. What cannot be read is left out, never 0.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ....energy import EnergyMeter, Window
from ....errors import PerjouleError

if TYPE_CHECKING:
    import pandas as pd

    from ....models.trial import Trial
    from ...tables.table import Table

WINDOW = "window_s"
"""What the length of the windows is reported as."""
REFERENCE = "codecarbon"
"""The meter that all others are set beside, as the paper does."""


@dataclass(frozen=True)
class Beside:
    """A meter that may stand beside others."""

    name: str
    what: str  # what it counts, for people
    kind: str  # how its joules become known
    scope: str  # whose joules they are
    period_s: float  # of its updates; 0 if it is read at once
    why_not: str  # why there may be no joules of it

    @property
    def column(self) -> str:
        """What its joules are reported as."""
        return f"{self.name}_j"


_ALL = (
    Beside(
        "wattmeter",
        "a power meter of the whole machine",
        "measured or integrated",
        "node",
        1.0,
        "none was named, as by --meter shelly:HOST, tasmota:HOST or http:URL",
    ),
    Beside(
        "codecarbon",
        "CodeCarbon's tracker",
        "modelled, unless it finds RAPL or NVML",
        "node",
        1.0,
        "it is not installed, does not start, or was not asked for",
    ),
    Beside(
        "cpu_time",
        "CPU-seconds of the process times watts per core",
        "modelled",
        "process",
        0.0,
        "CPU-seconds were not counted",
    ),
    Beside(
        "rapl",
        "counters of the processor packages and their memory",
        "measured",
        "package",
        0.001,
        "this machine shows no RAPL counter to this user",
    ),
    Beside(
        "nvml",
        "counters of the graphics cards",
        "measured or integrated",
        "board",
        0.1,
        "no NVIDIA card was trained on, or it shows no energy",
    ),
)
METERS: dict[str, Beside] = {meter.name: meter for meter in _ALL}
_WATTMETERS = ("shelly", "tasmota", "http")


def meters_beside(spec: str, device: str | None) -> str:
    """Which meters a study sets beside each other: ``"cpu_time,codecarbon,rapl"``.

    Args:
        spec: The meter that was asked for; a power meter among its names is one more.
        device: Where is trained; a graphics card has its own counter.
    """
    named = [part.strip() for part in spec.split(",")]
    # One with watts of the user's own counts as it does in the trial.
    cpu_time = next((part for part in named if part.startswith("cpu_time")), "cpu_time")
    names = [cpu_time, "codecarbon", "rapl"]
    if device is None or device.startswith("cuda"):
        names.append("nvml")
    return ",".join([*names, *(part for part in named if part.partition(":")[0] in _WATTMETERS)])


class Windows:
    """Open windows of several meters, whose readings go with each report of a trial.

    Args:
        trial: What is metered; its reports get ``NAME_j``, joules since now, and `WINDOW`.
        specs: Meters, joined by commas; one that cannot be read here is left out.
    """

    def __init__(self, trial: Trial, specs: str) -> None:
        parts = [part for part in specs.split(",") if part]
        meters = {part: _open(part) for part in parts}
        if not trial.device.startswith("cuda"):
            meters.pop("nvml", None)
        self._open = {part: meter.window() for part, meter in meters.items() if meter is not None}
        self._report = trial.report
        trial.report = self._report_beside

    def _report_beside(self, **values: Any) -> None:
        self._report(**values, **dict(_joules(self._open)))


@lru_cache(maxsize=16)
def _open(spec: str) -> EnergyMeter | None:
    """A meter that stays open until this process ends: CodeCarbon takes seconds to start."""
    with contextlib.suppress(PerjouleError), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a card that cannot be read is told by its absence
        return EnergyMeter(spec)
    return None


def _joules(windows: Mapping[str, Window]) -> Iterator[tuple[str, float]]:
    readings = {spec: window.reading for spec, window in windows.items()}
    for spec, reading in readings.items():
        family = spec.partition(":")[0]
        name = "wattmeter" if family in _WATTMETERS else family
        if reading.total_j:  # a counter that did not move in a short window has told nothing
            yield METERS[name].column, reading.total_j
    if readings:
        yield WINDOW, min(reading.duration_s for reading in readings.values())


def joules_by_meter(table: Table, trials: pd.DataFrame) -> pd.DataFrame:
    """What each meter read in the windows of trials.

    Args:
        table: Its curves have what trials reported, ``x.NAME_j``; of a recorded table the columns
            ``p.NAME_j`` and ``node_j`` tell it.
        trials: The trials that are asked about.

    Returns:
        By the index of ``trials`` a column for each of `METERS` that is known at all, in joules,
        and `WINDOW` in seconds.
    """
    import pandas as pd

    last = _last_points(table, trials)
    found = pd.DataFrame(index=trials.index)
    for meter in _ALL:
        own = [(last, f"x.{meter.column}"), (trials, f"p.{meter.column}")]
        for frame, column in own:
            if column in frame and meter.name not in found:
                joules = _numbers(frame[column])  # words in their place are unknown
                if joules.notna().any():
                    found[meter.name] = joules
    if "wattmeter" not in found and REFERENCE in found and trials["node_j"].notna().any():
        found["wattmeter"] = trials["node_j"].astype(float)
    seconds = last[f"x.{WINDOW}"] if f"x.{WINDOW}" in last else trials["duration_s"]
    return found.assign(**{WINDOW: _numbers(seconds)})


def _numbers(values: pd.Series) -> pd.Series:
    import pandas as pd

    return pd.to_numeric(values, errors="coerce").astype(float)


def _last_points(table: Table, trials: pd.DataFrame) -> pd.DataFrame:
    """The last point of the curve of each trial, by the index of the trials."""
    import pandas as pd

    if table.curves is None:
        return pd.DataFrame(index=trials.index)
    ends = table.curves.sort_values("epoch").drop_duplicates(["run", "trial"], keep="last")
    joined = trials[["run", "trial"]].merge(ends, on=["run", "trial"], how="left")
    return joined.set_axis(trials.index)
