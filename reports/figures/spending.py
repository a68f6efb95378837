"""What a run spends: joules, seconds, or grams of CO2 equivalents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...benchmarks.statistics.runs import floats
from ...energy.carbon import format_grams
from ..format import format_duration, format_energy, format_kinds, known
from .axes import energy_title

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from ...energy.carbon import CarbonIntensity


@dataclass(frozen=True)
class Spending:
    """One way to count what a run spends."""

    name: str  # what it is counted in
    of: Callable[[pd.DataFrame], NDArray]  # what each row of a table adds
    title: Callable[[pd.DataFrame], str]  # of the axis
    write: Callable[[object], str]  # an amount for people
    words: str  # all of it, in a sentence
    more: str = ""  # what to know of it, in a sentence


JOULES = Spending(
    "joules",
    lambda rows: floats(rows["energy_j"]),
    lambda rows: energy_title("energy of the run", rows),
    format_energy,
    "all joules the run has spent, the search's own included",
)
SECONDS = Spending(
    "seconds",
    lambda rows: floats(rows["duration_s"]),
    lambda _: "wall time of the trials of the run (s)",
    format_duration,
    "the wall time of the run's trials, added up",
    "Trials that ran side by side count one after the other, and pauses between them not at all.",
)


def grams_of(intensity: CarbonIntensity) -> Spending:
    """Count in grams of CO2 equivalents: the joules times what a kilowatt-hour emits."""

    def title(rows: pd.DataFrame) -> str:
        kinds = rows.loc[rows["energy_j"].notna(), "energy_kind"].dropna()
        return f"CO2 equivalents of the run (g, of {format_kinds(kinds)} joules)"

    return Spending(
        "gCO2e",
        lambda rows: floats(rows["energy_j"]) * (intensity.grams(1.0) or 0.0),
        title,
        lambda amount: format_grams(known(amount)),
        "the CO2 equivalents of all joules the run has spent",
        f"They are the joules times {intensity}.",
    )
