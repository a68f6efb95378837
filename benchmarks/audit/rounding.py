"""How far a written figure may be off: half a unit of its last digit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..tables.arithmetic import columns, evaluate
from ..tables.contract import contract_name
from ..tables.mapping import ColumnMapping
from ..tables.quantities import as_text, read_numbers

_DIGITS = r"^\s*[+-]?(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?"


def half_units(
    frame: pd.DataFrame, mapping: Sequence[ColumnMapping], name: str
) -> NDArray[np.float64]:
    """Half a unit of the last digit of a column, in its own unit; NaN where there is no number.

    Of a column that was made of others, what theirs come to in it.
    """
    made = [each for each in mapping if contract_name(each.target) == contract_name(name)]
    if not made:
        return _written(frame[name])
    source = made[0].resolve(map(str, frame.columns))
    parts = {each: read_numbers(frame[each]) for each in dict.fromkeys(columns(source))}
    found, _ = evaluate(source, parts.__getitem__)
    halves = np.zeros(len(frame))
    for each, numbers in parts.items():
        moved = {**parts, each: numbers + _written(frame[each])}
        halves += np.abs(evaluate(source, moved.__getitem__)[0] - found)
    return halves


def _written(cells: pd.Series) -> NDArray[np.float64]:
    digits = as_text(cells).str.extract(_DIGITS)
    decimals = digits[1].str.len().to_numpy(dtype=float, na_value=np.nan)
    exponent = pd.to_numeric(digits[2], errors="coerce").fillna(0).to_numpy(dtype=float)
    with np.errstate(all="ignore"):
        return 0.5 * 10.0 ** (exponent - decimals)
