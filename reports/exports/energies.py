"""Joules by kind and purpose, and how far off they may be at most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...benchmarks.analysis.facts import number
from ...benchmarks.comparison.refit import RefitFacts
from ...benchmarks.tables.facts import read_fact
from ...energy.quantities import total
from ...energy.reading import billed_ids
from ...energy.source import SourceInfo
from .. import content
from ..content import NOT_STATED
from ..format import format_energy, format_kind, format_percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from ...benchmarks.tables.table import Table

SEARCH = "the search"
NO_TRIAL = "asks that gave no work"
REFIT = "training the best candidate again"
REPLAYED = "replayed"

_SPLIT = {"apportioned", "lower bound", REPLAYED, "unavailable", NOT_STATED}
"""Kinds whose error the meter's own does not tell."""
_WINDOWS = 2
"""Windows of a slice that are metered apart: its ask and its training."""
_SAME = 1e-6
"""Relative difference up to which components are all of a total."""


@dataclass(frozen=True)
class Energy:
    """Joules of one kind for one purpose."""

    what: str
    kind: str  # "measured", "measured and modelled"; `NOT_STATED`
    energy_j: float | None  # None if unknown
    error_j: float | None = None  # how far off at most; None if not known
    trials: int = 0

    def __str__(self) -> str:
        """For people: ``"681 J modelled, within 43 %"``."""
        if self.energy_j is None:
            return "unknown"
        return (
            f"{format_energy(self.energy_j)} {in_words([self.kind])}, "
            f"{within(self.energy_j, self.error_j)}"
        )


def in_words(kinds: Sequence[str]) -> str:
    """Name the kinds in a sum: ``"measured plus modelled"``, ``"of a kind not stated"``."""
    return " plus ".join(f"of a kind {each}" if each == NOT_STATED else each for each in kinds)


def within(energy_j: float | None, error_j: float | None) -> str:
    """Say how far off joules are at most: ``"within 43 %"``, ``"of unknown uncertainty"``."""
    if error_j is None or not energy_j:
        return "of unknown uncertainty"
    return f"within {format_percent(error_j / energy_j, 0 if error_j > 0.1 * energy_j else 1)}"


def searched(table: Table) -> tuple[Energy, ...]:
    """Return the joules of all runs, kind by kind; those of asks that gave no work are apart.

    Trials of unknown energy are an entry whose joules are None.
    """
    import pandas as pd

    rows, meters = table.rows_in_time, _billed(table)
    kinds = rows["energy_kind"].fillna(NOT_STATED)
    is_known = rows["energy_j"].notna()
    found = [
        Energy(
            SEARCH,
            format_kind(kind),
            float(own["energy_j"].sum()),
            _error_j(own, str(kind), meters),
            len(own[["run", "trial"]].drop_duplicates()),
        )
        for kind, own in rows[is_known].groupby(kinds[is_known], sort=False)
    ]
    unknown = len(rows.loc[~is_known, ["run", "trial"]].drop_duplicates())
    if unknown:
        found.append(Energy(SEARCH, "unavailable", None, trials=unknown))
    if table.runs is not None:
        unplaced = pd.to_numeric(table.runs["unplaced_j"])
        unplaced_j = number(unplaced.sum(skipna=False))
        if unplaced_j is None or unplaced_j > 0:
            found.append(_metered(NO_TRIAL, unplaced_j, table))
    return tuple(found)


def beside(table: Table) -> tuple[Energy, ...]:
    """Return the joules that are charged to no run, and those of training the best again."""
    effort = content.work(table)
    found = [_metered(own.what, own.energy_j, table) for own in (effort.overhead if effort else ())]
    again = read_fact(RefitFacts, (table.description or {}).get("refit"))
    if again is not None:
        refit_j = total([again.energy_j, again.earlier_j, again.startup_j])
        found.append(_metered(REFIT, refit_j, table))
    return tuple(each for each in found if each.energy_j != 0)


def _billed(table: Table) -> tuple[SourceInfo, ...]:
    """The meters whose joules were added up; empty where the table does not tell."""
    infos = [read_fact(SourceInfo, meter) for meter in content.meters(table)]
    if None in infos:
        return ()
    known = [info for info in infos if info is not None]
    ids = billed_ids(known)
    return tuple(info for info in known if info.id in ids)


def _metered(what: str, energy_j: float | None, table: Table) -> Energy:
    """Joules that all meters counted together; of which component they are is not told."""
    meters = _billed(table)
    kind = " and ".join(sorted({meter.kind.value for meter in meters})) or NOT_STATED
    gain = _largest([meter.gain_error for meter in meters])
    is_exact = all(meter.update_period_s == 0 for meter in meters)
    error_j = gain * energy_j if gain is not None and energy_j is not None and is_exact else None
    return Energy(what, kind, energy_j, error_j)


def _error_j(rows: pd.DataFrame, kind: str, meters: tuple[SourceInfo, ...]) -> float | None:
    """How far off the joules of some slices are at most; None if any part of that is not known.

    The gain error of each meter times its joules, and the mean power of each window times the
    update period (the bounds of `energy.reading.ComponentReading`). Errors of one meter are alike,
    so they add up.
    """
    if not meters or _SPLIT & set(kind.split("+")):
        return None
    components = {meter.component for meter in meters}
    joules = {name: rows[f"{name}_j"] for name in components if f"{name}_j" in rows}
    if len(components) == 1 and all(own.isna().all() for own in joules.values()):
        joules = dict.fromkeys(components, rows["energy_j"])
    if joules.keys() != components:
        return None
    all_j, parts_j = float(rows["energy_j"].sum()), sum(float(own.sum()) for own in joules.values())
    if abs(all_j - parts_j) > _SAME * all_j:
        return None
    errors_j: list[float | None] = []
    for name, own in joules.items():
        if own.sum() == 0:  # listed, and not in use
            continue
        ours = [meter for meter in meters if meter.component == name]
        gain = _largest([meter.gain_error for meter in ours])
        period_s = max(meter.update_period_s for meter in ours)
        bound_j = 0.0
        if period_s:
            power_w = own / rows["duration_s"].where(rows["duration_s"] > 0)
            bound_j = number(_WINDOWS * period_s * power_w[own != 0].sum(skipna=False))
        errors_j += [None if gain is None else gain * float(own.sum()), bound_j]
    return total(errors_j)


def _largest(errors: list[float | None]) -> float | None:
    known = [error for error in errors if error is not None]
    return max(known) if known and len(known) == len(errors) else None
