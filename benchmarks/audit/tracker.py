"""Checks of what CodeCarbon writes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..statistics.runs import floats
from .catalogue import Finding
from .columns import read_numbers
from .inputs import Subject
from .traces import PERIODS
from .trials import trials_of

PERIOD_S = 15.0
"""How often CodeCarbon measures, if it is not told otherwise (``measure_power_secs``)."""
_J_PER_KWH = 3.6e6


def cumulative_rows(subject: Subject) -> Iterator[Finding]:
    """One finding for a file with sessions, whose rows hold what those before them hold.

    Which rows are a session is what the import of CodeCarbon says: the runs of its table.
    """
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
        yield Finding(
            "cumulative-rows",
            subject.at(["duration", "energy_consumed"], rows.tolist()),
            f"{len(rows)} rows belong to {len(sessions)} sessions in which energy only grows "
            f"({'; '.join(ends[:6])}{'; …' * (len(ends) > 6)}): they add up to {taken:.4g} kWh, "
            f"{taken / used:.2f} times the {used:.4g} kWh that were used",
        )


def short_rows(subject: Subject) -> Iterator[Finding]:
    """One finding if rows are shorter than five of the tracker's measurements."""
    duration_s = floats(trials_of(subject).trials["duration_s"])
    short = np.flatnonzero(duration_s < PERIODS * PERIOD_S)
    if len(short):
        yield Finding(
            "short-windows",
            subject.at(["duration"], short.tolist()),
            f"{len(short)} of {len(duration_s)} rows last less than {PERIODS} measurements of "
            f"CodeCarbon, every {PERIOD_S:g} s by default; the shortest "
            f"{duration_s[short].min():.3g} s",
        )
