"""Checks of trial tables: how what was recorded was compared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...energy.quantities import format_energy
from ...energy.source import Kind
from ..statistics.inference import MIN_RUNS
from ..statistics.runs import floats
from ..tables.table import Table
from .catalogue import Finding, Lacking
from .inputs import TRACKER, Subject
from .traces import PERIODS

MOST_UNEQUAL = 0.05
"""Largest relative difference of energies that are called equal."""
_MEASURED = {Kind.MEASURED, Kind.INTEGRATED, Kind.APPORTIONED}


def short_windows(subject: Subject) -> Iterator[Finding]:
    """One finding for each sensor that trials were too short for."""
    table = trials_of(subject)
    meter = (table.description or {}).get("meter") or []
    stated = {each.get("id"): each.get("update_period_s") for each in meter}
    periods = {name: s for name, s in stated.items() if isinstance(s, int | float)}
    if not periods:
        raise Lacking("nothing says how often the meter's sensors are updated")
    windows = table.rows_in_time
    durations_s = floats(windows["duration_s"])
    durations_s = durations_s[np.isfinite(durations_s)]
    if any(periods.values()) and not len(durations_s):
        raise Lacking("no durations")
    for name, period_s in periods.items():
        short = durations_s < PERIODS * period_s
        if short.any():
            yield Finding(
                "short-windows",
                subject.at(["duration_s"]),
                f"{short.sum()} of {len(short)} windows are shorter than {PERIODS} updates of "
                f"{name}, every {period_s:g} s; the shortest lasts {durations_s.min():.3g} s",
            )


def test_selection(subject: Subject) -> Iterator[Finding]:
    """One finding if accuracies are those on test data."""
    table = trials_of(subject)
    named = [
        m for m in subject.mapping if m.target == "accuracy" and "test" in m.expression.lower()
    ]
    for entry in named:
        yield Finding(
            "test-selection",
            subject.at([entry.expression]),
            f"the accuracy that candidates are compared by is {entry.expression}",
        )
    data = (table.description or {}).get("data")
    validation = data.get("validation") if isinstance(data, dict) else None
    if validation == 0:
        yield Finding("test-selection", subject.at(), "the experiment has 0 validation samples")
    accuracy = floats(table.trials["accuracy"])
    tested = floats(table.trials["test_accuracy"])
    known = np.isfinite(accuracy) & np.isfinite(tested)
    equal = known & (accuracy == tested)
    if len(np.unique(accuracy[equal])) >= 3 and equal.sum() >= 0.9 * known.sum():
        yield Finding(
            "test-selection",
            subject.at(["accuracy", "test_accuracy"]),
            f"both are the same in {equal.sum()} of {known.sum()} rows",
        )
    if not (named or known.any() or validation is not None):
        raise Lacking("neither test_accuracy nor the sizes of the data's parts are known")


def few_repetitions(subject: Subject) -> Iterator[Finding]:
    """One finding for each group in which a strategy has fewer than five runs."""
    table = trials_of(subject)
    if not subject.runs_known:
        raise Lacking("no column run or seed tells the runs of a strategy apart")
    for values, part in _compared(table):
        runs = part.trials.groupby("strategy", sort=False)["run"].nunique()
        few = runs[runs < MIN_RUNS]
        if len(few):
            counts = ", ".join(f"{name} {n}" for name, n in few.items())
            yield Finding(
                "few-repetitions",
                subject.at() + _in(values),
                f"runs of {len(few)} of {len(runs)} strategies: {counts}",
            )


def unequal_energy(subject: Subject) -> Iterator[Finding]:
    """One finding for each group whose strategies differ in the energy of a run by over 5 %.

    Only of searches: where a run is one training, its energy is a result, not an allotment.
    """
    table = trials_of(subject)
    stated = (table.description or {}).get("experiment")
    if isinstance(stated, dict) and stated.get("budget_j"):
        return  # all runs had the same, and are compared at what all spent
    searched = False
    for values, part in _compared(table):
        runs = part.trials.groupby(["strategy", "run"], sort=False)["energy_j"]
        if runs.size().median() <= 1:
            continue
        searched = True
        totals_j = runs.agg(lambda energy_j: float(np.sum(floats(energy_j))))
        medians_j = totals_j.groupby("strategy", sort=False).median().dropna()
        if len(medians_j) > 1 and medians_j.max() > (1 + MOST_UNEQUAL) * medians_j.min() > 0:
            listed = ", ".join(f"{name} {format_energy(j)}" for name, j in medians_j.items())
            yield Finding(
                "unequal-energy",
                subject.at(["energy_j"]) + _in(values),
                f"{medians_j.idxmax()} spent {medians_j.max() / medians_j.min():.3g} times what "
                f"{medians_j.idxmin()} did (medians of a run's total: {listed})",
            )
    if not searched:
        raise Lacking("no run has more than one trial, so its energy is a result")


def mixed_kinds(subject: Subject) -> Iterator[Finding]:
    """One finding if measured and modelled joules are in one column."""
    table = trials_of(subject)
    known = table.trials["energy_kind"].dropna()
    if known.empty:
        raise Lacking("no column energy_kind says how joules became known")
    kinds = [{*str(text).split("+")} for text in known]
    modelled = np.array([Kind.MODELLED in parts for parts in kinds])
    measured = np.array([not _MEASURED.isdisjoint(parts) for parts in kinds])
    if modelled.any() and measured.any():
        both = int((modelled & measured).sum())
        yield Finding(
            "mixed-kinds",
            subject.at(["energy_consumed" if subject.kind == TRACKER else "energy_kind"]),
            f"of {len(known)} rows {both} add measured to modelled joules, "
            f"{int((modelled & ~measured).sum())} are modelled only and "
            f"{int((measured & ~modelled).sum())} measured only",
        )


def trials_of(subject: Subject) -> Table:
    """The trials of an input, for a check that needs them."""
    if subject.table is None:
        raise Lacking(subject.lacking)
    return subject.table


def _compared(table: Table) -> list[tuple[dict[str, Any], Table]]:
    """The groups in which strategies are compared."""
    parts = [(values, part) for values, part in table.groups if len(part.strategies) > 1]
    if not parts:
        raise Lacking("there is one strategy only: nothing is compared")
    return parts


def _in(values: dict[str, Any]) -> str:
    return "".join(f", {name} {value}" for name, value in values.items())
