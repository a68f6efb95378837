"""The trials of a page in compact columns, from which its scripts draw tables and tell of trials.

Layout, which ``templates/js/trials.js`` reads. A column has either ``words`` and ``codes``, so that
row ``i`` has the value ``words[codes[i]]`` and null where the code is past the last word (without
``codes`` all rows have the first word), or ``values``: NaN is null, and so is the smallest number
of ``i4``. Codes and values are arrays as Plotly writes them, ``{"dtype": "f8", "bdata": "…"}``:
base64 of little-endian numbers. Nothing is rounded: ``f4`` only holds what it holds exactly, whole
numbers beyond 2**53 are words in decimal digits, moments are microseconds since 1970.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..benchmarks.analysis import naming
from ..benchmarks.tables.contract import TRIAL_COLUMNS, UNITS
from ..benchmarks.tables.table import plain
from .format import UNAVAILABLE, format_duration, format_energy, format_score, format_value
from .thinning import Thinned, thin_trials

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..benchmarks.tables.table import Table
    from ..models.metric import Metric

MOST_BYTES = 5_000_000
"""What the columns may take of a page: of more trials there is a sample."""
_MOST_WORDS = 255  # different numbers up to which they may be words
_EXACT = 2**53  # whole numbers up to here are exact in JavaScript
_HEADS = {
    "energy_kind": "kind of energy",
    "epochs": "epochs trained",
    "n_parameters": "parameters",
    "started_at": "started at (UTC)",
    "trained_on": "trained on",
}
_SHOWN = ("seed", "trial", "state", "score", "energy_j", "energy_kind", "epochs")


@dataclass(frozen=True)
class Column:
    """A column of the trials.

    Attributes:
        name: Its name in the table.
        head: What it is called on the page.
        form: How its values are written: text, score, energy, duration, time, whole or value.
        number: Whether it is in the order of numbers.
        content: Its values, as the layout above says.
    """

    name: str
    head: str
    form: str
    number: bool
    content: Mapping[str, Any]

    @property
    def bytes(self) -> int:
        """What it takes of a page."""
        return len(json.dumps(self.content))


@dataclass(frozen=True)
class TrialStore:
    """The trials that a page holds.

    Attributes:
        kept: The trials, and of how many.
        columns: Those of which anything is known, in the order of the table.
        shown: The names of those that a table shows first, in its order.
    """

    kept: Thinned
    columns: Sequence[Column]
    shown: Sequence[str]

    @classmethod
    def of(cls, table: Table, keep: Iterable[int] = ()) -> TrialStore:
        """Encode the trials of a table; ``keep`` are places of trials that are held in any case."""
        keep, by = list(keep), [f"g.{name}" for name in table.by]
        kept = Thinned(table.trials, len(table.trials))
        while True:
            columns = _columns(kept.trials, table.metric)
            size = sum(column.bytes for column in columns)
            most = int(0.95 * len(kept.trials) * MOST_BYTES / max(size, 1))
            fewer = thin_trials(table.trials, most, table.metric, by=by, keep=keep)
            if size <= MOST_BYTES or len(fewer.trials) >= len(kept.trials):
                return cls(kept, columns, _shown([column.name for column in columns], by))
            kept = fewer

    def to_json(self, name: str) -> dict[str, Any]:
        """What the scripts of the page read; ``name`` is that of the table."""
        rows = self.kept.trials.index.to_numpy(dtype="i4")
        return {
            "file": re.sub(r"[^\w.-]+", "-", name).strip("-.") or "trials",
            "count": len(rows),
            "rows": None if self.kept.is_whole else _packed(rows, "i4"),
            "shown": self.shown,
            "columns": [
                {"name": c.name, "head": c.head, "form": c.form, "number": c.number, **c.content}
                for c in self.columns
            ],
        }


def write_cell(value: Any, form: str, metric: Metric) -> str:
    """Write a value as the page shows it."""
    value = plain(value)
    if value is None:
        return UNAVAILABLE
    write: Callable[[Any], str] = {
        "score": lambda score: format_score(score, metric),
        "energy": format_energy,
        "duration": format_duration,
    }.get(form, format_value)
    return write(value)


def encode(values: pd.Series) -> tuple[str, bool, dict[str, Any]]:
    """Return the form of a column, whether it is a number, and its content."""
    if pd.api.types.is_datetime64_any_dtype(values):
        since = (values - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1)
        return "time", True, _numbers(np.asarray(since, dtype=float))
    if pd.api.types.is_bool_dtype(values):
        return "value", False, _words(values.astype(object))
    if pd.api.types.is_integer_dtype(values):
        return "whole", True, _whole(values)
    if pd.api.types.is_float_dtype(values):
        return "value", True, _numbers(values.to_numpy(dtype=float, na_value=np.nan))
    return "text", False, _words(_as_text(values))


def _columns(trials: pd.DataFrame, metric: Metric) -> list[Column]:
    columns = []
    for name in map(str, trials):
        values = trials[name]
        if name == "strategy" or values.notna().any():
            form, number, content = encode(values)
            head, form = _told(name, form, metric)
            columns.append(Column(name, head, form, number, content))
    return columns


def _told(name: str, form: str, metric: Metric) -> tuple[str, str]:
    """What a column is called on the page, and how its values are written there."""
    if name not in TRIAL_COLUMNS:
        return name[2:] if name.startswith(("p.", "g.")) else name, form
    if name == "score":
        return naming.validation(metric), "score"
    if name == "test_score":
        return f"test {metric.name}", "score"
    if UNITS[name] == "J":
        return name.removesuffix("_j").replace("_", " "), "energy"
    if UNITS[name] == "s":
        return name.removesuffix("_s"), "duration"
    return _HEADS.get(name, name), form


def _shown(names: Sequence[str], by: Sequence[str]) -> list[str]:
    groups = [name for name in names if name.startswith("g.")]
    machine = {"g.machine"} & {*groups} if "trained_on" in names else ()
    # That group is of a whole run; where each trial was trained, another column says.
    before = [name for name in groups if name not in machine or name in by]
    before += ["trained_on"] if machine else []
    searched = [name for name in names if name not in TRIAL_COLUMNS and name not in groups]
    return ["strategy", *before, *(name for name in _SHOWN if name in names), *searched]


def _whole(values: pd.Series) -> dict[str, Any]:
    known = values.notna().to_numpy(dtype=bool)
    numbers = values.fillna(0).to_numpy(dtype=object)
    far = max((abs(int(number)) for number in (numbers.max(), numbers.min())), default=0)
    if far > _EXACT:
        return _words(_as_text(values))
    return _numbers(np.where(known, numbers.astype(float), np.nan), whole=True)


def _numbers(values: NDArray[np.float64], *, whole: bool = False) -> dict[str, Any]:
    """Numbers without rounding, in the shortest way."""
    values = np.where(np.isfinite(values), values, np.nan)
    unknown = np.isnan(values)
    with np.errstate(over="ignore"):
        single = values.astype("f4")
    if whole and (np.abs(values[~unknown]) < 2**31).all():
        kept = {"values": _packed(np.where(unknown, -(2**31), values), "i4")}
    elif (single == values)[~unknown].all():
        kept = {"values": _packed(single, "f4")}
    else:
        kept = {"values": _packed(values, "f8")}
    codes, levels = pd.factorize(values)
    if len(levels) <= _MOST_WORDS:
        levels = [int(level) if whole else float(level) for level in levels]
        coded = _coded(codes, levels)
        if len(json.dumps(coded)) < len(json.dumps(kept)):
            return coded
    return kept


def _as_text(values: pd.Series) -> pd.Series:
    if isinstance(values.dtype, pd.StringDtype):
        return values.astype(object)
    cells = map(plain, values)
    return pd.Series([None if cell is None else str(cell) for cell in cells], dtype=object)


def _words(values: pd.Series) -> dict[str, Any]:
    codes, words = pd.factorize(values)
    return _coded(codes, [plain(word) for word in words])


def _coded(codes: NDArray[np.intp], words: list[Any]) -> dict[str, Any]:
    if len(words) == 1 and (codes == 0).all():
        return {"words": words}
    dtype = next(t for t, most in (("u1", 2**8), ("u2", 2**16), ("u4", 2**32)) if len(words) < most)
    return {"words": words, "codes": _packed(np.where(codes < 0, len(words), codes), dtype)}


def _packed(values: NDArray[Any], dtype: str) -> dict[str, str]:
    data = np.ascontiguousarray(values.astype(f"<{dtype}")).tobytes()
    return {"dtype": dtype, "bdata": b64encode(data).decode("ascii")}
