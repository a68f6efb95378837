"""Which columns of a table hold energy, power or time, as far as their names and cells say so."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...energy.sources.recorded.columns import find_unit
from ...energy.sources.recorded.times import SECONDS_PER_UNIT

ENERGY, POWER, TIME = "energy", "power", "time"
_TIMES = re.compile(r"\b(time|duration|elapsed|runtime|seconds|hours|minutes)\b")
_DRAWN = re.compile(
    r"\b(power|draw|watts?|energy|joules?|consum\w*|[ckm]?wh|cpu|gpu|ram|dram|node|package|pkg|"
    r"board|total|\w*meter)\b"
)
_BARE_POWER = re.compile(r"((cpu|gpu|ram|dram|node|total|average|mean) )?power( draw)?")  # in watts
_BARE_TIMES = ("time", "duration", "elapsed", "runtime", "wall time")
_NOT_DRAWN = re.compile(  # limits, spreads and differences, which may be constant or negative
    r"\b(max|min|limit|cap|default|enforced|state|management|std|stdev|sd|var|deviation|idle|"
    r"baseline|tdp|budget|peak|rate|net|saved|savings?|diff\w*|delta|change|error|residual)\b"
)
_LETTERS = re.compile(r"[^\W\d_]+")
_BRACKETED = re.compile(r"[\[(]\s*([^\W\d_]+)\s*[\])]\s*$")
_CELL = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([^\W\d_]*)\s*")


@dataclass(frozen=True, eq=False)
class QuantityColumn:
    """A column of numbers with a unit."""

    name: str
    what: str  # ENERGY, POWER or TIME
    factor: float | None  # joules, watts or seconds of its unit; None for a time without a unit
    values: NDArray[np.float64]  # as they are written; NaN where there is none

    @property
    def si(self) -> NDArray[np.float64]:
        """In joules, watts or seconds; NaN if the unit is not known."""
        return self.values * (np.nan if self.factor is None else self.factor)

    @property
    def known(self) -> NDArray[np.float64]:
        """As they are written, without NaN and infinities."""
        return self.values[np.isfinite(self.values)]

    @property
    def words(self) -> str:
        """Its name in lower-case words."""
        return _words(self.name)


def find_quantities(frame: pd.DataFrame) -> tuple[QuantityColumn, ...]:
    """Find the columns of energy, power and time: a unit ends their name or their cells.

    Limits, spreads, differences, hyperparameters and groups are left out.
    """
    found = (
        QuantityColumn(name, *measure, read_numbers(frame[name]))
        for name in map(str, frame.columns)
        if not name.startswith(("p.", "g.")) and (measure := find_measure(name, frame[name]))
    )
    return tuple([each for each in found if len(each.known)])


def read_numbers(cells: pd.Series) -> NDArray[np.float64]:
    """The numbers of a column, units in its cells left off; NaN where there is none."""
    if not pd.api.types.is_numeric_dtype(cells) or pd.api.types.is_bool_dtype(cells):
        cells = as_text(cells).str.extract(f"^{_CELL.pattern}$")[0]
    numbers = pd.to_numeric(cells, errors="coerce")
    return numbers.to_numpy(dtype=float, na_value=np.nan)


def as_text(cells: pd.Series) -> pd.Series:
    """A column as text, whatever is in it; bytes that are no text have no meaning here."""
    if cells.dtype == object:
        cells = cells.map(
            lambda each: each.decode(errors="replace") if isinstance(each, bytes) else each
        )
    return cells.astype("string")


def find_measure(name: str, cells: pd.Series | None = None) -> tuple[str, float | None] | None:
    """What a column holds and how large its unit is, by its name or else its cells.

    None if nothing says so.
    """
    words = _words(name)
    if _NOT_DRAWN.search(words):
        return None
    if bracketed := _BRACKETED.search(name):
        return _unit(bracketed[1])
    return _by_name(name, words) or (None if cells is None else _by_cells(words, cells))


def _by_name(name: str, words: str) -> tuple[str, float | None] | None:
    last = (_LETTERS.findall(name) or [""])[-1]
    known = _unit(last)
    if known is not None and (len(last) > 3 or words == last.lower() or _fits(known[0], words)):
        return known
    if _BARE_POWER.fullmatch(words):
        return POWER, 1.0
    return (TIME, None) if words in _BARE_TIMES else None


def _by_cells(words: str, cells: pd.Series) -> tuple[str, float | None] | None:
    if pd.api.types.is_numeric_dtype(cells) or not _DRAWN.search(words):
        return None
    written = (_CELL.fullmatch(str(cell)) for cell in as_text(cells.head(100)))
    return _unit(next((match[2] for match in written if match), ""))


def _fits(what: str, words: str) -> bool:
    """Whether the rest of a name agrees with the unit at its end: ``kernel_w`` is no power."""
    return bool((_TIMES if what == TIME else _DRAWN).search(words.rpartition(" ")[0]))


def _unit(text: str) -> tuple[str, float] | None:
    if drawn := find_unit(text):
        factor, is_power = drawn
        return (POWER if is_power else ENERGY), factor
    factor = SECONDS_PER_UNIT.get(text.lower())
    return None if factor is None else (TIME, factor)


def _words(name: str) -> str:
    return " ".join(_LETTERS.findall(name)).lower()
