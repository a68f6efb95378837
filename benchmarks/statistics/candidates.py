"""The candidates of a table as points of the unit cube, with what each scored and spent.

Trials with the same hyperparameters, trained for as many epochs, are repeats of one candidate, and
count as one point with their means. Trials end after different numbers of epochs where a strategy
stops them early; the epochs that were trained are then a dimension of their own, so that what a
short training lacks is not taken for the effect of the other hyperparameters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from optuna.distributions import BaseDistribution, IntDistribution

from ...errors import PerjouleError
from ...models.metric import Metric
from ...models.outcome import RESULTS, State
from ...models.space import Space
from ...tuners.parts.encoding import Encoding
from ..tables.contract import LOWER_BOUND
from ..tables.spaces import infer_space, tell_missing
from ..tables.table import plain
from .runs import floats

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..tables.table import Table

    Array = NDArray[np.float64]

EPOCHS = "epochs"
MOST_TRIALS = 2_000


@dataclass(frozen=True, eq=False)
class Candidates:
    """Distinct candidates; n of them, k hyperparameters that vary."""

    metric: Metric
    encoding: Encoding
    params: tuple[Mapping[str, Any], ...]  # of each candidate
    points: Array  # in the unit cube, shape [n, k]
    score: Array  # oriented mean of its repeats, shape [n]; NaN if unknown
    log_j: Array  # mean logarithm of its joules, without search where that is told; NaN if unknown
    repeats: NDArray[np.intp]  # trials of each
    trials: int  # results in the table
    looked_at: int  # of those, what the candidates are made of
    outside: int  # of those that were looked at, without a value or outside the space
    other_kinds: int  # whose joules are of a kind that most are not of, and not counted
    with_search: int  # whose joules do not tell those of their search apart
    stopped: int  # results of trials that were stopped before their end
    searched_epochs: bool  # whether the epochs were chosen, rather than cut by a strategy

    @property
    def names(self) -> tuple[str, ...]:
        """The hyperparameters that vary, in the order of the points."""
        return tuple(self.encoding.axes)

    @property
    def best(self) -> int | None:
        """The candidate of the best score, the cheapest of equals; None if none has a score."""
        if np.isnan(self.score).all():
            return None
        order = np.lexsort((self.log_j, -self.score))  # NaN last
        return int(order[0])

    @classmethod
    def of(cls, table: Table, most: int = MOST_TRIALS) -> Candidates | None:
        """The candidates of a table; None if nothing that varies was searched.

        Args:
            table: The trials.
            most: Results that are looked at; of more a seeded sample, which holds the best.
        """
        results = table.trials[table.trials["state"].isin(RESULTS)]
        rows = _sample(results, table, most)
        searched = None if rows.empty else _searched(table, rows)
        if searched is None:
            return None
        space, params = searched
        encoding = Encoding(space)
        inside = np.array([_is_inside(space, each) for each in params], dtype=bool)
        if not encoding.axes or not inside.any():
            return None
        energy_j = floats(rows["energy_j"]) - np.nan_to_num(floats(rows["energy_search_j"]))
        kinds = rows["energy_kind"].astype(object).where(energy_j > 0)
        common = kinds[kinds != LOWER_BOUND].mode()
        counted = (energy_j > 0) & (kinds.isna() | kinds.isin(common[:1])).to_numpy()
        with np.errstate(divide="ignore", invalid="ignore"):
            log_j = np.where(counted, np.log(energy_j), np.nan)
        score = np.asarray(table.metric.oriented(floats(rows["score"])), dtype=float)
        known = np.flatnonzero(inside)
        points = np.array([encoding.unit(params[row]) for row in known])
        _, first, group = np.unique(points, axis=0, return_index=True, return_inverse=True)
        group = group.ravel()
        return cls(
            table.metric,
            encoding,
            tuple(params[known[at]] for at in first),
            points[first],
            _means(score[known], group),
            _means(log_j[known], group),
            np.bincount(group),
            len(results),
            len(rows),
            int((~inside).sum()),
            int(((energy_j > 0) & ~counted).sum()),
            int((rows["energy_j"].notna() & rows["energy_search_j"].isna()).sum()),
            int((rows["state"] != State.COMPLETE).sum()),
            EPOCHS in table.dimensions.searched,
        )


def _sample(results: pd.DataFrame, table: Table, most: int) -> pd.DataFrame:
    if len(results) <= most:
        return results
    chosen = np.random.default_rng(0).choice(len(results), most, replace=False)
    score = np.asarray(table.metric.oriented(floats(results["score"])))
    if not np.isnan(score).all():
        chosen = np.union1d(chosen, [int(np.nanargmax(score))])
    return results.iloc[np.sort(chosen)]


def _searched(table: Table, rows: pd.DataFrame) -> tuple[Space, list[dict[str, Any]]] | None:
    """What was searched, as described or else as its values show, and each trial's values."""
    names = [n for n in table.dimensions.searched if n != EPOCHS and f"p.{n}" in rows]
    columns: dict[str, Sequence[Any]] = {n: [*map(plain, rows[f"p.{n}"])] for n in names}
    space = _described(table)
    if space is None:
        columns = dict(tell_missing(columns))
        space = infer_space(columns) if columns else Space({}, {})
    axes: dict[str, BaseDistribution] = {
        name: axis for name, axis in space.distributions.items() if name in columns
    }
    columns = {name: columns[name] for name in axes}
    epochs = _epochs(rows)
    if np.isfinite(epochs).any():
        fewest, most = int(np.nanmin(epochs)), int(np.nanmax(epochs))
        axes[EPOCHS] = IntDistribution(fewest, most, log=True)
        columns[EPOCHS] = [None if np.isnan(each) else int(each) for each in epochs]
    if not axes:
        return None
    fixed = {name: value for name, value in space.fixed.items() if name != EPOCHS}
    known = {*axes, *fixed}
    conditions = {n: c for n, c in space.conditions.items() if n in known and known.issuperset(c)}
    params = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return Space(axes, fixed, conditions), params


def _described(table: Table) -> Space | None:
    stated = (table.description or {}).get("space")
    if not isinstance(stated, Mapping) or not stated:
        return None
    try:
        return Space.parse(stated)
    except PerjouleError:  # anyone may have written it
        return None


def _epochs(rows: pd.DataFrame) -> Array:
    """Whole epochs that each trial was trained; NaN where none was completed."""
    trained = floats(rows[EPOCHS])
    if np.isnan(trained).all() and f"p.{EPOCHS}" in rows:
        trained = floats(pd.to_numeric(rows[f"p.{EPOCHS}"], errors="coerce"))
    return np.where(trained >= 1, np.floor(trained), np.nan)


def _is_inside(space: Space, params: Mapping[str, Any]) -> bool:
    try:
        space.complete(space.activate(params))
    except PerjouleError:
        return False
    return True


def _means(values: Array, group: NDArray[np.intp]) -> Array:
    """The mean of the known values of each group; NaN for one without."""
    known = ~np.isnan(values)
    counts = np.bincount(group, known)
    sums = np.bincount(group, np.where(known, values, 0.0))
    return np.divide(sums, counts, out=np.full(len(counts), np.nan), where=counts > 0)
