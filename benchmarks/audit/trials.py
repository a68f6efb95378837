"""Checks of trial tables, imported ones included: how what was recorded was compared."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from ...energy.quantities import JOULES_PER_UNIT, format_energy
from ...energy.source import Kind
from ..statistics.inference import MIN_RUNS
from ..statistics.runs import floats
from ..tables.quantities import read_numbers
from ..tables.table import Table
from .catalogue import Evidence, Lacking
from .energies import constants, running_sums, slipped
from .inputs import TRACKER, Subject, trials_of
from .traces import PERIODS

_MOST_UNEQUAL = 0.2  # largest relative difference of energies that are called equal
_TRACKER_PERIOD_S = 15.0  # how often CodeCarbon measures by default (`measure_power_secs`)
_J_PER_KWH = JOULES_PER_UNIT["kWh"]
_MEASURED = {Kind.MEASURED, Kind.INTEGRATED, Kind.APPORTIONED}


def short_windows(subject: Subject) -> Evidence:
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
            yield (
                subject.at(["duration_s"]),
                f"{short.sum()} of {len(short)} windows are shorter than {PERIODS} updates of "
                f"{name}, every {period_s:g} s; the shortest lasts {durations_s.min():.3g} s",
            )


def test_selection(subject: Subject) -> Evidence:
    """One finding if scores are those on test data."""
    table = trials_of(subject)
    name_of = table.metric.name
    made = [each.expression for each in subject.mapping if each.target in ("score", name_of)]
    named = [name for name in made if "test" in name.lower()]
    for name in named:
        yield subject.at([name]), f"the {name_of} that candidates are compared by is {name}"
    validation = described(table, "data").get("validation")
    if validation == 0:
        yield subject.at(), "the experiment has 0 validation samples"
    score, tested = (floats(table.trials[name]) for name in ("score", "test_score"))
    known = np.isfinite(score) & np.isfinite(tested)
    equal = known & (score == tested)
    if len(np.unique(score[equal])) >= 3 and equal.sum() >= 0.9 * known.sum():
        yield (
            subject.at(["score", "test_score"]),
            f"both are the same in {equal.sum()} of {known.sum()} rows",
        )
    if not (named or known.any() or validation is not None):
        raise Lacking("neither test_score nor the sizes of the data's parts are known")


def few_repetitions(subject: Subject) -> Evidence:
    """One finding for each group in which a strategy has fewer than five runs."""
    table = trials_of(subject)
    if not subject.runs_known:
        raise Lacking("no column run or seed tells the runs of a strategy apart")
    for values, part in _compared(table):
        runs = part.trials.groupby("strategy", sort=False)["run"].nunique()
        few = runs[runs < MIN_RUNS]
        if len(few):
            counts = ", ".join(f"{name} {n}" for name, n in few.items())
            evidence = f"runs of {len(few)} of {len(runs)} strategies: {counts}"
            yield subject.at() + _in(values), evidence


def unequal_energy(subject: Subject) -> Evidence:
    """One finding for each group of searches whose strategies differ in energy by over a fifth."""
    table = trials_of(subject)
    if described(table, "experiment").get("budget_j"):
        return  # all runs had the same, and are compared at what all spent
    if running_sums(table) or constants(table):
        raise Lacking("what a run spent is not known: its rows are no energies of trials")
    searched = False
    for values, part in _compared(table):
        if slipped(part):
            searched = True
            continue  # which says nothing of methods
        runs = part.trials.groupby(["strategy", "run"], sort=False)["energy_j"]
        if runs.size().median() <= 1:
            continue
        searched = True
        totals_j = runs.agg(lambda energy_j: float(np.sum(floats(energy_j))))
        medians_j = totals_j.groupby("strategy", sort=False).median().dropna()
        if len(medians_j) > 1 and medians_j.max() > (1 + _MOST_UNEQUAL) * medians_j.min() > 0:
            listed = ", ".join(f"{name} {format_energy(j)}" for name, j in medians_j.items())
            yield (
                subject.at(["energy_j"]) + _in(values),
                f"{medians_j.idxmax()} spent {medians_j.max() / medians_j.min():.3g} times what "
                f"{medians_j.idxmin()} did (medians of a run's total: {listed})",
            )
    if not searched:
        raise Lacking("no run has more than one trial, so its energy is a result")


def mixed_kinds(subject: Subject) -> Evidence:
    """One finding if measured and modelled joules are in one column."""
    known = trials_of(subject).trials["energy_kind"].dropna()
    if known.empty:
        raise Lacking("no column energy_kind says how joules became known")
    kinds = [{*str(text).split("+")} for text in known]
    counts = Counter((Kind.MODELLED in each, not _MEASURED.isdisjoint(each)) for each in kinds)
    both, modelled, measured = counts[True, True], counts[True, False], counts[False, True]
    if both or (modelled and measured):
        yield (
            subject.at(["energy_consumed" if subject.kind == TRACKER else "energy_kind"]),
            f"of {len(known)} rows {both} add measured to modelled joules, {modelled} are modelled "
            f"only and {measured} measured only",
        )


def cumulative_rows(subject: Subject) -> Evidence:
    """One finding for a file with sessions (runs of its import), whose rows add up."""
    trials = trials_of(subject).trials
    kwh = read_numbers(subject.frame["energy_consumed"])
    repeated = kwh - floats(trials["energy_j"]) / _J_PER_KWH > 1e-9 * kwh
    sessions = [
        rows
        for rows in trials.reset_index().groupby("run", sort=False).indices.values()
        if repeated[rows].any()
    ]
    if sessions:
        rows = np.sort(np.concatenate(sessions))
        taken, used = kwh[rows].sum(), sum(kwh[each[-1]] for each in sessions)
        ends = [f"rows {each[0] + 1} to {each[-1] + 1}" for each in sessions]
        yield (
            subject.at(["duration", "energy_consumed"], rows.tolist()),
            f"{len(rows)} rows belong to {len(sessions)} sessions in which energy only grows "
            f"({'; '.join(ends[:6])}{'; …' * (len(ends) > 6)}): they add up to {taken:.4g} kWh, "
            f"{taken / used:.2f} times the {used:.4g} kWh that were used",
        )


def short_rows(subject: Subject) -> Evidence:
    """One finding if rows are shorter than five of the tracker's measurements."""
    duration_s = floats(trials_of(subject).trials["duration_s"])
    short = np.flatnonzero(duration_s < PERIODS * _TRACKER_PERIOD_S)
    if len(short):
        yield (
            subject.at(["duration"], short.tolist()),
            f"{len(short)} of {len(duration_s)} rows last less than {PERIODS} measurements of "
            f"CodeCarbon, every {_TRACKER_PERIOD_S:g} s by default; the shortest "
            f"{duration_s[short].min():.3g} s",
        )


def described(table: Table, part: str) -> dict[str, Any]:
    """A part of what is said of the experiment; empty if there is none."""
    stated = (table.description or {}).get(part)
    return stated if isinstance(stated, dict) else {}


def _compared(table: Table) -> list[tuple[dict[str, Any], Table]]:
    """The groups in which strategies are compared."""
    parts = [(values, part) for values, part in table.groups if len(part.strategies) > 1]
    if not parts:
        raise Lacking("there is one strategy only: nothing is compared")
    return parts


def _in(values: dict[str, Any]) -> str:
    return "".join(f", {name} {value}" for name, value in values.items())
