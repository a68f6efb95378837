"""How cells of a design compare: ratios within a repetition, so that what drifts cancels.

And what is to be held against all of them: figures of few repetitions, and what was left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...energy import Kind
from ...energy.quantities import format_energy, format_percent
from ..statistics.inference import MIN_RUNS, Interval, interval
from ..tables.table import counted
from .facts import Quantity

if TYPE_CHECKING:
    import pandas as pd

    from ..tables.table import Table


def quantity(found: Interval, unit: str = "") -> Quantity | None:
    """A median with its bootstrap interval as a quantity; None if there is none."""
    if not math.isfinite(found.median):
        return None
    return Quantity(found.median, finite(found.low), finite(found.high), unit)


def finite(value: float | None) -> float | None:
    """A number as it is; None where there is none, or no end."""
    return float(value) if value is not None and math.isfinite(value) else None


def shown_above(found: Quantity, line: float = 1.0) -> tuple[bool | None, str]:
    """Whether a figure is shown to be above a line, or below it, by its whole interval.

    Returns:
        Whether it is above; and where that cannot be said, None and what is in the way, as the
        end of a sentence.
    """
    if found.low is None or found.high is None:
        return None, ", but one repetition has no interval, and nothing is concluded from it"
    if found.low <= line <= found.high:
        return None, f", but its interval includes {line:g}, so that neither is shown"
    return found.low > line, ""


def shown_below(found: Quantity, line: float = 1.0) -> tuple[bool | None, str]:
    """Whether a figure is shown to be below a line, as `shown_above`."""
    above, doubt = shown_above(found, line)
    return None if above is None else not above, doubt


def caveats(table: Table, compared: pd.DataFrame) -> Iterator[str]:
    """What is to be held against all figures of a study, in sentences.

    Args:
        table: All that was trained.
        compared: The rows of its trials that are compared.
    """
    left_out = table.trials.drop(compared.index)
    if len(left_out):
        states = left_out["state"].value_counts()
        spent_j = float(left_out["energy_j"].sum(min_count=len(left_out)))
        yield (
            f"Not compared: {len(left_out):,} of {counted(len(table.trials), 'training')}, without "
            "an end or without what is compared "
            f"({', '.join(f'{n} {state}' for state, n in states.items())}). The energy spent on "
            f"them: {format_energy(spent_j) if math.isfinite(spent_j) else 'unknown'}."
        )
    n = compared["seed"].nunique()
    truly = format_percent(1 - 2 ** (1 - n), 0)
    if n == 1:
        yield "There is one repetition: no figure has an interval, and chance cannot be told apart."
    elif 1 < n < MIN_RUNS:
        yield (
            f"There are {n} repetitions, fewer than {MIN_RUNS}: an interval from the least to the "
            f"greatest of {n} values holds the true median in {truly} of cases, not in 95 %. "
            "Verdicts are hints."
        )


def repetitions(trials: pd.DataFrame, cell: Sequence[str]) -> pd.DataFrame:
    """The same trials, with a ``seed`` in words that tells all repetitions of a cell apart.

    A cell with the same seed again, as of another table, is a further repetition.
    """
    again = trials.groupby([*cell, "seed"], dropna=False).cumcount()
    pairs = zip(trials["seed"], again, strict=True)
    return trials.assign(seed=[f"{seed} again {n}" if n else str(seed) for seed, n in pairs])


def paired_ratio(
    trials: pd.DataFrame,
    above: Mapping[str, Any],
    below: Mapping[str, Any],
    *,
    within: Sequence[str] = (),
    value: str = "energy_j",
) -> Quantity | None:
    """How many times more of a value trials have at some levels than at others.

    Of each repetition (``seed``) it is the geometric mean over all that ``within`` names of the
    ratio of means; over repetitions the median, with its bootstrap 95 % interval.

    Args:
        trials: One row per trial.
        above: Levels by column, such as ``{"p.conv": 4}``.
        below: The levels they are set beside.
        within: Columns whose levels are compared one by one.
        value: The column that is compared, above 0.

    Returns:
        The ratio; None without a repetition that has both.
    """
    keys = ["seed", *within]
    one, other = (
        _at(trials, levels).groupby(keys, dropna=False)[value].mean() for levels in (above, below)
    )
    ratios = (one / other).astype(float).dropna()
    if ratios.empty:
        return None
    means = ratios.groupby("seed").agg(lambda each: np.exp(np.log(each).mean()))
    return quantity(interval(means))


def of_cpu_time(table: Table) -> Iterator[str]:
    """What is to be held against joules that are CPU-seconds times a constant, in a sentence."""
    meters = [str(each.get("id")) for each in (table.description or {}).get("meter") or ()]
    kinds = set(table.trials["energy_kind"].dropna())
    if kinds == {Kind.MODELLED.value} and set(meters) == {"cpu_time"}:
        yield (
            "The joules are modelled, as CPU-seconds times a constant, so that ratios of energy "
            "are ratios of CPU time: what memory, idling cores and the clock draw is not in them."
        )


def _at(trials: pd.DataFrame, levels: Mapping[str, Any]) -> pd.DataFrame:
    for column, level in levels.items():
        trials = trials[trials[column] == level]
    return trials
