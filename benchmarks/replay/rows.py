"""What the rows of a recorded table say, in Python's own types."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from ...models.outcome import State
from ...models.space import Space
from ..tables.table import plain
from .objective import Curve


def one_step(row: Mapping[str, Any]) -> Curve:
    """All of a trial as one epoch."""
    failed = row["state"] == State.FAILED
    return 0.0, [(row["trained_j"], math.nan if failed else float(row["score"]))]


def params_of(space: Space, values: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """The values of what is searched, of each trial, but for epochs that it may be stopped at."""
    names = [name for name in space.distributions if name != "epochs"]
    for row in zip(*(values[name] for name in names), strict=True):
        params = dict(zip(names, row, strict=True))
        yield {**dict.fromkeys(names), **space.activate(params)}


def values_of(row: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The hyperparameters of a row, by name; None where it has none."""
    return {name: plain(row.get(f"p.{name}")) for name in names}


def costs_of(rows: Sequence[Mapping[str, Any]]) -> tuple[tuple[float, float], ...] | None:
    """Operations and parameters of each row; None if any is unknown."""
    costs = [(number(row["flops"]), number(row["n_parameters"])) for row in rows]
    return None if any(math.isnan(each) for cost in costs for each in cost) else tuple(costs)


def number(value: Any, unknown: float = math.nan) -> float:
    """A cell as a float."""
    return unknown if pd.isna(value) else float(value)
