"""Checks of totals beside their parts in the same row."""

from __future__ import annotations

import numpy as np

from ..tables.contract import LOWER_BOUND
from ..tables.quantities import as_text, read_numbers
from ..tables.totals import PARTS, contradicts, in_another_unit, rounding_of
from .catalogue import Evidence, Lacking
from .inputs import Subject

_TOTAL = "energy_consumed"
_OF_TRACKER = ("cpu_energy", "gpu_energy", "ram_energy")


def of_tracker(subject: Subject) -> Evidence:
    """One finding for the rows of CodeCarbon whose total is not the sum of its components."""
    frame = subject.frame
    known = [name for name in _OF_TRACKER if name in frame]
    if len(known) < len(_OF_TRACKER):
        raise Lacking("no components are beside the total")
    total = read_numbers(frame[_TOTAL])
    parts = np.column_stack([read_numbers(frame[name]) for name in known])
    pue = read_numbers(frame["pue"]) if "pue" in frame else np.full(len(frame), np.nan)
    pue = np.where(np.isfinite(pue), pue, 1.0)
    texts = np.column_stack([as_text(frame[name]).fillna("") for name in (_TOTAL, *known)])
    bad = [
        at
        for at in np.flatnonzero(np.isfinite(total) & np.isfinite(parts).all(axis=1)).tolist()
        if contradicts(total[at], parts[at].tolist(), pue[at], rounding_of(texts[at].tolist()))
    ]
    yield from _told(subject, [_TOTAL, *known], bad, total, parts.sum(axis=1), "kWh")


def of_trials(subject: Subject) -> Evidence:
    """One finding for the trials whose energy their components contradict."""
    frame = subject.frame
    known = [name for name in PARTS if name in frame]
    if "energy_j" not in frame or not known:
        raise Lacking("no components are beside the total")
    total = read_numbers(frame["energy_j"])
    parts = np.column_stack([read_numbers(frame[name]) for name in known])
    bad = in_another_unit(total, parts)
    if "node_j" in frame:
        bad &= ~np.isfinite(read_numbers(frame["node_j"]))
    if "energy_kind" in frame:
        bad &= (frame["energy_kind"].astype(str) != LOWER_BOUND).to_numpy()
    rows = np.flatnonzero(bad).tolist()
    yield from _told(subject, ["energy_j", *known], rows, total, np.nansum(parts, axis=1), "J")


def _told(
    subject: Subject,
    columns: list[str],
    rows: list[int],
    total: np.ndarray,
    together: np.ndarray,
    unit: str,
) -> Evidence:
    if rows:
        first = rows[0]
        times = f", {total[first] / together[first]:.4g} times as much" if together[first] else ""
        yield (
            subject.at(columns, rows),
            f"{columns[0]} is not the sum of its parts in {len(rows)} of {len(total)} rows: first "
            f"{total[first]:.6g} {unit}, where they are {together[first]:.6g} {unit} together"
            f"{times}",
        )
