"""Whether a total agrees with its parts in the same row: what contradicts them is not known."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .contract import LOWER_BOUND

TOLERANCE = 0.01
"""Largest relative difference that is taken for rounding."""
PARTS = ("cpu_j", "gpu_j", "dram_j")
_SLIPS = (3.6, 1e3, 3.6e3, 3.6e6, 1e6, 1e9)  # from one unit of energy to another, and powers of ten
_EQUAL = 1e-3
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


def contradicts(
    total: float, parts: Sequence[float | None], factor: float = 1.0, rounding: float = 0.0
) -> bool:
    """Whether a total is not the sum of its parts, nor that times a ``factor``.

    A part that is not known may be anything above zero. ``rounding`` is what the written digits
    leave open.

    >>> contradicts(1.2, [0.001, 0.0, 0.0002]), contradicts(1.8, [1.0, 0.2, None], 1.5)
    (True, False)
    """
    known = sum(part for part in parts if part is not None)
    for times in (1.0, factor):
        most = TOLERANCE * max(abs(total), abs(known * times)) + rounding * max(1.0, times)
        if abs(total - known * times) <= most or (None in parts and total > known * times):
            return False
    return True


def rounding_of(cells: Sequence[str]) -> float:
    """What the written figures of a row leave open together; all have as many decimals as one.

    >>> rounding_of(["0.25", "0.2", "0.0", ""])
    0.015
    """
    numbers = [Decimal(cell) for cell in cells if _NUMBER.fullmatch(cell)]
    decimals = [-int(number.as_tuple().exponent) for number in numbers]
    return 0.5 * len(decimals) * 10.0 ** -max(decimals) if max(decimals, default=0) > 0 else 0.0


def doubt_totals(trials: pd.DataFrame, name: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The trials with ``energy_j`` null where the components beside it contradict it, and a note.

    Components need not add up to the total of the contract, which may hold more than they. They
    contradict it where they are more than it, where it is their sum in another unit, and where it
    is their sum with one of them twice.
    """
    parts = trials[list(PARTS)].to_numpy(dtype=float, na_value=np.nan)
    total = trials["energy_j"].to_numpy(dtype=float, na_value=np.nan)
    bad = in_another_unit(total, parts)
    bad &= trials["node_j"].isna().to_numpy() & (trials["energy_kind"] != LOWER_BOUND).to_numpy()
    if not bad.any():
        return trials, ()
    rows = np.flatnonzero(bad)
    at = rows[0]
    note = (
        f"{name}: energy_j contradicts the components beside it in {len(rows):,} "
        f"row{'s' * (len(rows) > 1)} and is taken as unknown there; first in row {at + 1}, "
        f"{total[at]:.6g} J where they are {np.nansum(parts[at]):.6g} J together."
    )
    return trials.assign(energy_j=trials["energy_j"].where(~bad)), (note,)


def in_another_unit(total: NDArray[np.float64], parts: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which totals (n) parts (n, k) contradict though they need not add up; NaN is unknown."""
    known = np.nansum(parts, axis=1)
    n_known = (parts > 0).sum(axis=1)
    with np.errstate(all="ignore"):
        ratio = total / known
        bad = (n_known > 0) & (ratio < 1 - TOLERANCE)
        for slip in _SLIPS:
            bad |= (n_known > 1) & (abs(ratio / slip - 1) < _EQUAL)
        twice = abs(total[:, None] - known[:, None] - parts) < _EQUAL**2 * total[:, None]
        bad |= (n_known > 1) & (twice & (parts > 0)).any(axis=1)
    return bad
