"""Checks of the joules of trials: running sums, constants, and units that slipped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...energy.quantities import format_energy
from ...energy.source import Kind
from ..statistics.runs import floats
from ..tables.contract import REPLAYED
from ..tables.dimensions import MOST_LEVELS
from ..tables.refusals import listed
from ..tables.table import Table
from .catalogue import Evidence, Lacking
from .inputs import Subject, trials_of

_LEAST_RUN, _LEAST_SUMS = 5, 10  # trials of a run, and of all, from which running sums are told
_MOST_FIRST, _MOST_TREND = 3.0, 0.6  # above it, rows that grow were sorted, not added up
_FIRST_ROWS = 21  # of a session, whose steps are compared with its first row
_MOST_FALLING = 0.1  # share of runs that may fall all the same
_FEWEST_EQUAL = 5
_LEAST_GAP, _NEAR_UNIT = 2.0, 0.5  # decades between sides, and of a ratio around that of units
_UNITS = {
    3.0: "kJ for J, or J for mJ",
    3.556: "Wh for J",
    6.0: "MJ for J, or kJ for mJ",
    6.556: "kWh for J",
    9.0: "GJ for J, or MJ for mJ",
    9.556: "kWh for mJ",
}
_MADE_UP = {Kind.MODELLED, REPLAYED}


@dataclass(frozen=True)
class Sums:
    """Energies that are running sums."""

    n_sessions: int
    n_rows: int
    taken_j: float  # what the rows add up to
    used_j: float  # what was used: the last row of each session


def cumulative_energies(subject: Subject) -> Evidence:
    """One finding if the energies of trials are sums over the trials before them."""
    table = trials_of(subject)
    if int(table.trials["energy_j"].notna().sum()) < _LEAST_SUMS:
        raise Lacking(f"fewer than {_LEAST_SUMS} trials with joules")
    sums = running_sums(table)
    if sums is not None:
        yield (
            subject.at(["energy_j"]),
            f"energies only grow from trial to trial: {sums.n_rows} trials in {sums.n_sessions} "
            f"session{'s' * (sums.n_sessions > 1)} add up to {format_energy(sums.taken_j)}, but "
            f"{format_energy(sums.used_j)} were used",
        )


def constant_energies(subject: Subject) -> Evidence:
    """One finding if all trials, or all of each strategy or run, have the same joules."""
    table = trials_of(subject)
    known = table.trials[table.trials["energy_j"].notna()]
    if len(known) < _FEWEST_EQUAL:
        raise Lacking(f"fewer than {_FEWEST_EQUAL} trials with joules")
    if constant := constants(table):
        by, amounts = constant
        words = f"all {len(known)} trials have {format_energy(next(iter(amounts.values())))}"
        if len(set(amounts.values())) > 1:
            told = [f"{name} {format_energy(j)}" for name, j in amounts.items()]
            words = f"all trials of a {by} have the same joules: {listed(told)}"
        yield subject.at(["energy_j"]), f"{words}, whatever was trained"


def unit_slip(subject: Subject) -> Evidence:
    """One finding for each group in which some runs are in another unit than others."""
    table = trials_of(subject)
    if table.trials["run"].nunique() < 2:
        raise Lacking("there is one run only")
    for values, part in table.groups:
        if slip := slipped(part):
            where = "".join(f", {name} {value}" for name, value in values.items())
            yield subject.at(["energy_j"]) + where, slip


@lru_cache(maxsize=8)  # of tables, which are compared by identity
def running_sums(table: Table) -> Sums | None:
    """The running sums that energies are; None if they are none."""
    trials = table.trials[table.trials["energy_j"].notna()]
    energy_j, runs = (
        floats(trials["energy_j"]),
        trials.groupby("run", sort=False).ngroup().to_numpy(),
    )
    by_run = np.argsort(runs, kind="stable")
    if len(trials) < _LEAST_SUMS or not _grow(energy_j[by_run], runs[by_run]):
        return None
    if _explained(table, trials, by_run, runs[by_run]):
        return None
    found = []
    for order in (by_run, np.arange(len(trials))):  # one run after another, or as they ended
        sessions = _sessions(energy_j[order])
        borders = np.flatnonzero(np.diff(runs[order]) != 0) + 1
        parts = np.split(energy_j[order], borders)
        starts = np.cumsum([0, *map(len, sessions)])[1:-1]
        between = not len(starts) or np.isin(starts, borders).mean() >= 1 - _MOST_FALLING
        if between and len(energy_j) >= _LEAST_RUN * len(sessions) and _add_up(sessions, parts):
            used_j = sum(float(each[-1]) for each in sessions)
            found.append(Sums(len(sessions), len(energy_j), float(energy_j.sum()), used_j))
    return min(found, key=lambda each: each.n_sessions, default=None)


def _grow(energy_j: NDArray[np.float64], runs: NDArray[Any]) -> bool:
    """Whether the energies of nearly all runs of some trials only grow."""
    own = [energy_j[runs == run] for run in np.unique(runs)]
    long = [each for each in own if len(each) >= _LEAST_RUN]
    growing = [(np.diff(each) >= 0).all() and each[-1] > each[0] for each in long]
    enough = sum(map(len, long)) >= _LEAST_SUMS
    return enough and bool(sum(growing) >= (1 - _MOST_FALLING) * len(growing))


def _sessions(energy_j: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Stretches in which energies do not fall."""
    return np.split(energy_j, np.flatnonzero(np.diff(energy_j) < 0) + 1)


def _add_up(sessions: Sequence[NDArray[np.float64]], parts: Sequence[NDArray[np.float64]]) -> bool:
    """Whether sessions grow as sums do: by steps like their first row, in no order.

    Rows that were sorted grow by small steps from a large first one, or by ever larger steps
    within the parts that belong to one run.
    """
    long = [each for each in sessions if len(each) > 2 and each[-1] > each[0]]
    if not long:
        return False
    steps = [float(np.median(np.diff(each[:_FIRST_ROWS]))) for each in long]
    ratios = [each[0] / step if step else np.inf for each, step in zip(long, steps, strict=True)]
    trends = [
        _trend(np.diff(part)) for part in parts if len(part) > 2 and np.ptp(np.diff(part)) > 0
    ]
    grows_evenly = not trends or float(np.median(trends)) < _MOST_TREND
    return float(np.median(ratios)) <= _MOST_FIRST and grows_evenly


def _trend(steps: NDArray[np.float64]) -> float:
    """Rank correlation of steps with their order."""
    ranks = pd.Series(steps).rank().to_numpy()
    return float(np.corrcoef(np.arange(len(steps)), ranks)[0, 1])


def _explained(table: Table, trials: pd.DataFrame, order: NDArray[Any], runs: NDArray[Any]) -> bool:
    """Whether what was trained grows from trial to trial too, as in a sweep over sizes."""
    names = ["epochs", "n_parameters", "flops", *(f"p.{n}" for n in table.dimensions.searched)]
    for name in names:
        values = trials[name]
        if not pd.api.types.is_numeric_dtype(values) or values.isna().any():
            continue
        for sign in (1, -1):
            if _grow(sign * floats(values)[order], runs):
                return True
    return False


def are_of_trials(table: Table) -> bool:
    """Whether energies are those of trials, in one unit: neither sums nor constants nor slipped."""
    sound = not running_sums(table) and not constants(table)
    return sound and not any(slipped(part) for _, part in table.groups)


def constants(table: Table) -> tuple[str, dict[str, float]] | None:
    """The joules of each strategy, or of each run, where all of its trials have the same."""
    known = table.trials[table.trials["energy_j"].notna()]
    kinds = {kind for text in known["energy_kind"].dropna() for kind in str(text).split("+")}
    if len(known) < _FEWEST_EQUAL or (kinds and kinds <= _MADE_UP):
        return None
    same = known["energy_j"].nunique() == 1
    for by in ("strategy", "run"):
        parts = known.groupby(by, sort=False)["energy_j"]
        each_same = bool((parts.nunique() == 1).all() and (parts.size() >= _FEWEST_EQUAL).all())
        if same or each_same:
            return by, {str(name): float(j) for name, j in parts.first().items()}
    return None


def slipped(table: Table) -> str:
    """Which runs of a table are in another unit than others, in words; empty if none is."""
    trials = table.trials[table.trials["energy_j"] > 0]
    cost, basis = _cost(trials)
    trials = trials.assign(_cost=np.log10(cost))
    medians = trials.groupby("run", sort=False)["_cost"].median().sort_values()
    gaps = [after - before for before, after in pairwise(medians)]
    if not gaps or max(gaps) < _LEAST_GAP:
        return ""
    cut = int(np.argmax(gaps)) + 1
    high = trials["run"].isin(medians.index[cut:])
    sides = trials[~high], trials[high]
    ratio = float(sides[1]["_cost"].median() - sides[0]["_cost"].median())
    unit = min(_UNITS, key=lambda known: abs(known - ratio))
    apart = sides[1]["_cost"].quantile(0.05) > sides[0]["_cost"].quantile(0.95)
    enough = min(map(len, sides)) >= _FEWEST_EQUAL and abs(unit - ratio) <= _NEAR_UNIT and apart
    if not enough or (basis == "energy" and _told_apart(table, *sides)):
        return ""
    names = [_called(side, other) for side, other in (sides, sides[::-1])]
    medians_j = [format_energy(float(side["energy_j"].median())) for side in sides]
    return (
        f"the trials of {names[1]} cost about {10**ratio:,.0f} times those of {names[0]} (medians "
        f"{medians_j[1]} and {medians_j[0]}{'' if basis == 'energy' else f', by {basis}'}), which "
        f"is {_UNITS[unit]} rather than a difference of methods"
    )


def _cost(trials: pd.DataFrame) -> tuple[NDArray[np.float64], str]:
    """What trials cost by what was done, as far as that is known, and by what."""
    energy_j, duration_s = floats(trials["energy_j"]), floats(trials["duration_s"])
    if len(trials) and (duration_s > 0).all():
        return energy_j / duration_s, "power"
    work = floats(trials["epochs"]) * floats(trials["flops"])
    if len(trials) and (work > 0).all():
        return energy_j / work, "operation"
    return energy_j, "energy"


def _told_apart(table: Table, low: pd.DataFrame, high: pd.DataFrame) -> bool:
    """Whether something else than the strategy tells cheap from dear trials."""
    names = [n for n in map(str, low) if n.startswith("g.")]
    names += [f"p.{name}" for name in table.dimensions.searched] + ["epochs", "n_parameters"]
    for name in names:
        a, b = low[name].dropna(), high[name].dropna()
        if not (len(a) and len(b)):
            continue
        if pd.api.types.is_numeric_dtype(a) and not pd.api.types.is_bool_dtype(a):
            if max(a) < min(b) or max(b) < min(a):
                return True
        elif len({*a, *b}) <= MOST_LEVELS and set(a).isdisjoint(b):
            return True
    return False


def _called(side: pd.DataFrame, other: pd.DataFrame) -> str:
    """The strategies of a side, or its runs where strategies are on both."""
    both = not set(side["strategy"]).isdisjoint(other["strategy"])
    names: list[Any] = list(dict.fromkeys(side["run" if both else "strategy"]))
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(map(str, names[:3]))}{more}"
