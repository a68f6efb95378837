"""Checks of power over time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pandas as pd

from ...energy.quantities import format_energy
from ...energy.sources.recorded.trace import GAP_PERIODS, Trace
from ...errors import DataError
from ..tables.quantities import ENERGY, POWER
from .catalogue import Evidence, Lacking
from .inputs import Subject

PERIODS = 5  # fewest updates of its sensor that a window must hold
_LEAST_GAP_SHARE = 0.01  # of the energy, from which gaps are told
_TRIMS_S = (0, 1, 2, 3, 5, 10)  # what studies leave out at either end of a trace
_WHOLE = re.compile(r"\s*\d+(?:\.0+)?\s*[^\W\d_]*\s*")
_FEWEST_READINGS, _FEWEST_VALUES = 100, 10


def truncated_watts(subject: Subject) -> Evidence:
    """One finding for each column of watts without its decimals: a graphics card's, or all zero."""
    told: dict[str, pd.Series] = {}
    for power in subject.of(POWER):
        cells = subject.frame[power.name][np.isfinite(power.values)]
        vary = len(cells) >= _FEWEST_READINGS and cells.nunique() >= _FEWEST_VALUES
        if power.factor == 1 and vary:
            told[power.name] = cells
    if not told:
        raise Lacking(f"no column with {_FEWEST_READINGS} readings of watts that vary")
    is_card = subject.mentions(r"gpu|nvidia|power\.draw")
    for name, cells in told.items():
        texts = cells.astype(str)
        has_point = not pd.api.types.is_numeric_dtype(cells) and texts.str.contains(r"\.").all()
        if texts.str.fullmatch(_WHOLE.pattern).all() and (is_card or has_point):
            yield (
                subject.at([name]),
                f"all {len(texts)} readings of {name} are whole numbers, such as "
                f"{texts.iloc[0].strip()!r}, {texts.nunique()} different ones"
                + (": nvidia-smi gives two decimals" if is_card else ", written with decimals"),
            )


def trace_gaps(subject: Subject) -> Evidence:
    """One finding for each trace of power of which gaps hold more than 1 % of the energy."""
    for trace in _powers(subject):
        times_s, power_w = np.asarray(trace.times_s), np.asarray(trace.power_w)
        steps_s = np.diff(times_s)
        pieces_j = steps_s * (power_w[1:] + power_w[:-1]) / 2
        gaps = steps_s > GAP_PERIODS * trace.period_s
        total_j = pieces_j.sum()
        share = pieces_j[gaps].sum() / total_j if total_j > 0 else 0.0
        if share > _LEAST_GAP_SHARE:
            longest = int(np.argmax(steps_s))
            yield (
                subject.at([trace.name.rpartition("#")[2]]),
                f"{gaps.sum()} gaps of more than {GAP_PERIODS:g} periods of {trace.period_s:.3g} s "
                f"hold {share:.1%} of the energy; the longest lasts {steps_s[longest]:.4g} s, "
                f"from {times_s[longest]:.5g} s after the beginning",
            )


def mixed_devices(subject: Subject) -> Evidence:
    """One finding for each column with readings of several devices that nothing tells apart."""
    for name in subject.mixed:
        yield (
            subject.at([name]),
            f"readings of {name} come in groups, one right after the other, and no column tells "
            "which device each is of: several are taken for one",
        )


def short_trace(subject: Subject) -> Evidence:
    """One finding for each trace that is shorter than five updates of its sensor."""
    for trace in _powers(subject):
        readings = zip(trace.times_s, trace.power_w, strict=True)
        changes_s = [at_s for (_, before), (at_s, now) in pairwise(readings) if before != now]
        between_s = float(np.median(np.diff(changes_s))) if len(changes_s) > 1 else 0.0
        period_s = max(trace.period_s, between_s)
        if trace.duration_s < PERIODS * period_s:
            yield (
                subject.at([trace.name.rpartition("#")[2]]),
                f"the trace lasts {trace.duration_s:.4g} s, and its power changes every "
                f"{period_s:.3g} s: {trace.duration_s / period_s:.2g} periods",
            )


def truncated_energies(subjects: Sequence[Subject]) -> Evidence:
    """One finding for each recorded energy that is the integral of a trace's watts cut to integers.

    They have to agree to eight digits, which chance does not give.
    """
    energies = [(subject, energy) for subject in subjects for energy in subject.of(ENERGY)]
    for trace in [trace for subject in subjects for trace in subject.traces]:
        if not trace.power_w or all(power == int(power) for power in trace.power_w):
            continue
        for (trim_s, whole_j, cut_j), (subject, energy) in product(_integrals(trace), energies):
            trimmed = f", without {trim_s} s at either end" if trim_s else ""
            for row in np.flatnonzero(np.abs(energy.si - cut_j) <= 1e-8 * cut_j).tolist():
                yield (
                    subject.at([energy.name], [row]),
                    f"{energy.name} is {energy.values[row]:.10g}, the integral of {trace.name} "
                    f"with its decimals cut off{trimmed}; with them it is "
                    f"{format_energy(whole_j)}, {whole_j / cut_j - 1:.2%} more",
                )


def _powers(subject: Subject) -> list[Trace]:
    found = [trace for trace in subject.traces if trace.power_w]
    if not found and subject.mixed:
        raise Lacking("several devices are mixed in it")
    if not found:
        raise Lacking("it is a counter, which misses nothing between readings")
    return found


def _integrals(trace: Trace) -> Iterator[tuple[int, float, float]]:
    """Joules with and without decimals, by the seconds left out at either end."""
    cut = replace(trace, power_w=tuple(float(int(power)) for power in trace.power_w))
    for trim_s in _TRIMS_S:
        end_s = trace.duration_s - trim_s
        try:
            whole_j, cut_j = (each.between(trim_s, end_s).energy_j() for each in (trace, cut))
        except DataError:
            return  # shorter than that
        yield trim_s, whole_j, cut_j
