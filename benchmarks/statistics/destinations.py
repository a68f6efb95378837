"""Where the joules of trials went: every joule that is known is in one place, and in one only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...models.outcome import State
from ..tables.contract import COMPONENTS, is_lower_bound

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

PHASES: tuple[str, ...] = ("search", "setup", "train", "validate")
NOT_SPLIT: str = "not split"
LOST = "lost"
ENDS = (State.PAUSED, State.PRUNED, State.TRUNCATED, State.FAILED, State.INTERRUPTED, LOST)
"""How a trial that is not complete stands; lost with its worker, its joules are a lower bound."""
_ROUNDING = 0.005
"""Share of a trial's joules by which its phases may exceed them."""


@dataclass(frozen=True)
class Destinations:
    """A partition of the joules of trials.

    Attributes:
        parts_j: Joules by phase, of complete trials; ``"not split"``, what no phase of theirs
            accounts for; and of all other trials by how they ended, search included.
        trials: Trials behind each part.
        searched_j: Of the parts that are no phase, the joules known to be of the search.
        total_j: Joules of all trials whose joules are known.
        unknown: Trials whose joules are not known: they are in no part.
        unmetered: Complete trials of which a phase is not known, by phase.
    """

    parts_j: Mapping[str, float]
    trials: Mapping[str, int]
    searched_j: Mapping[str, float]
    total_j: float
    unknown: int
    unmetered: Mapping[str, int]


def destinations(trials: pd.DataFrame) -> Destinations:
    """Partition the joules of trials.

    Phases that together exceed their trial by more than rounding contradict it: it is not split.
    Within rounding they are scaled to it, so that the parts sum to the total.

    Args:
        trials: ``state``, ``energy_kind``, ``energy_j`` and ``energy_<phase>_j``, one row each.
    """
    energy_j = trials["energy_j"].to_numpy(dtype=float, na_value=np.nan)
    known = ~np.isnan(energy_j)
    complete = known & (trials["state"] == State.COMPLETE).to_numpy(dtype=bool)
    columns = [f"energy_{phase}_j" for phase in PHASES]
    phases_j = trials[columns].to_numpy(dtype=float, na_value=np.nan)
    split_j = _split(phases_j[complete], energy_j[complete])
    names = [*PHASES, NOT_SPLIT]
    parts_j: dict[str, float] = dict(zip(names, split_j.sum(axis=0).tolist(), strict=True))
    counts = dict(zip(parts_j, np.count_nonzero(split_j, axis=0).tolist(), strict=True))
    searched_j = {}
    for end, ended in _ends(trials).items():
        mine = known & ended
        parts_j[end] = float(energy_j[mine].sum())
        counts[end] = int(mine.sum())
        searched_j[end] = float(np.nansum(phases_j[mine, 0]))
    return Destinations(
        parts_j={what: joules for what, joules in parts_j.items() if counts[what]},
        trials={what: count for what, count in counts.items() if count},
        searched_j={what: joules for what, joules in searched_j.items() if counts[what]},
        total_j=float(energy_j[known].sum()),
        unknown=int((~known).sum()),
        unmetered={
            phase: int(missing)
            for phase, missing in zip(
                PHASES, np.isnan(phases_j[complete]).sum(axis=0).tolist(), strict=True
            )
            if missing
        },
    )


def _ends(trials: pd.DataFrame) -> dict[str, NDArray[np.bool_]]:
    """Which trials ended in each way but complete."""
    state = trials["state"].to_numpy(dtype=object)
    bound = trials["energy_kind"].map(is_lower_bound).to_numpy(dtype=bool)
    lost = (state == State.INTERRUPTED) & bound
    ends = {str(end): (state == end) & ~lost for end in ENDS[:-1]}
    return {**ends, LOST: lost}


def _split(phases_j: NDArray[np.float64], energy_j: NDArray[np.float64]) -> NDArray[np.float64]:
    """Split trials (n) by phase: joules of the phases, and the rest, of shape (n, phases + 1)."""
    told_j = np.nan_to_num(phases_j)
    sums_j = told_j.sum(axis=1)
    told_j[sums_j > (1.0 + _ROUNDING) * energy_j] = 0.0
    sums_j = told_j.sum(axis=1)
    over = sums_j > energy_j
    told_j[over] *= (energy_j[over] / sums_j[over])[:, None]
    rest_j = np.where(over, 0.0, energy_j - told_j.sum(axis=1))
    return np.column_stack([told_j, rest_j.clip(min=0.0)])


@dataclass(frozen=True)
class Component:
    """Joules of one component that became known in one way."""

    component: str  # cpu, gpu, dram or node, which holds the others
    kind: str
    energy_j: float
    trials: int  # that have a reading of it


def components(trials: pd.DataFrame, kinds: Mapping[str, str]) -> list[Component]:
    """Return the joules of each component, kind by kind.

    Args:
        trials: ``energy_kind``, ``cpu_j`` and so on, one row each.
        kinds: How the joules of a component became known, by the meter's own account; it speaks
            for trials whose joules are of several kinds.
    """
    stated = trials["energy_kind"].fillna("not stated").astype(str)
    found = []
    for name in COMPONENTS:
        of_kind = stated.where(~stated.str.contains("+", regex=False), kinds.get(name, stated))
        readings = trials[f"{name}_j"].dropna().astype(float)
        found += [
            Component(name, str(kind), float(own.sum()), len(own))
            for kind, own in readings.groupby(of_kind.loc[readings.index], sort=False)
        ]
    return found
