"""What trial tables tell of earlier searches of a space, for strategies that learn from them."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ...energy.quantities import total
from ...errors import ConfigurationError, DataError
from ...models.axes import value_inside
from ...models.metric import Metric
from ...models.outcome import State
from ...models.space import Space
from ...tuners.strategy import Earlier
from .earlier_facts import EarlierFacts
from .joining import in_words
from .table import Table, plain

GIVEN = "_given"
"""The end of the name of a choice that tells whether another hyperparameter has a value."""
_CUT_SHORT = frozenset({State.PAUSED, State.PRUNED, State.TRUNCATED, State.INTERRUPTED})
_LACKING, _OUTSIDE = "without one of the hyperparameters", "outside the space"
_NO_SCORE = "without a score at an epoch that is searched"


@dataclass(frozen=True)
class Stops:
    """How the epochs of tables are counted in a search.

    Attributes:
        grid: The epochs that the search counts by their places, as a replay does: empty where a
            whole trial is one epoch. None where epochs are epochs.
        steps: The hyperparameter that holds the epochs of a trial where it is one epoch.
    """

    grid: tuple[int, ...] | None = None
    steps: str | None = None


@dataclass(frozen=True)
class EarlierSearches:
    """What tables tell: one tuple of trials for each group of each table, and facts about them."""

    searches: tuple[tuple[Earlier, ...], ...]
    facts: EarlierFacts


def earlier_searches(
    tables: Sequence[Table], space: Space, metric: Metric, stops: Stops | None = None
) -> EarlierSearches:
    """Read what tables tell of earlier searches of a space.

    Scores are oriented. Joules are those of training, as far as they are known. A trial without a
    curve has the one score of its end. Of what a table does not record, its fixed values count.

    Raises:
        DataError: A table is of another metric, lacks a hyperparameter, or holds no trial of the
            space; the message names it.
    """
    readers = [_Reader(table, space, metric, stops or Stops()) for table in tables]
    searches = [own for reader in readers for own in reader.read()]
    left_out: Counter[str] = Counter()
    for reader in readers:
        left_out.update(reader.left_out)
    facts = EarlierFacts(
        tuple(table.name for table in tables),
        sum(map(len, searches)),
        total(plain(joules) for table in tables for joules in table.trials["energy_j"]),
        dict(left_out),
        tuple(reader.others for reader in readers if reader.others),
    )
    return EarlierSearches(tuple(searches), facts)


class _Reader:
    """Reads one table."""

    def __init__(self, table: Table, space: Space, metric: Metric, stops: Stops) -> None:
        self._table, self._space, self._metric, self._stops = table, space, metric, stops
        self._once = space.with_fixed("epochs", 1)
        self._names = [name for name in (*space.distributions, *space.fixed) if name != "epochs"]
        stated = (table.description or {}).get("space")
        told = Space.parse(stated).fixed if isinstance(stated, Mapping) and stated else {}
        self._fixed = {name: told[name] for name in self._names if name in told}
        self._longest = space.longest()
        self.left_out: Counter[str] = Counter()
        self.others = ""

    def read(self) -> list[tuple[Earlier, ...]]:
        """The trials of each group that has any."""
        self._check()
        found = [tuple(self._trials(part)) for _, part in self._table.groups]
        found = [own for own in found if own]
        if not found:
            reasons = ", ".join(f"{count} {words}" for words, count in self.left_out.items())
            raise DataError(
                f"{self._table.name}: none of its trials can be learnt from ({reasons}): give "
                "tables of earlier searches of the same space"
            )
        return found

    def _check(self) -> None:
        name, metric = self._table.name, self._table.metric
        if metric != self._metric:
            raise DataError(
                f"{name}: its score is {in_words(metric)}, and what is optimised here is "
                f"{in_words(self._metric)}: give tables of the same metric"
            )
        columns = self._table.trials
        known = {str(n)[2:] for n in columns if str(n)[:2] == "p." and columns[n].notna().any()}
        for each, axis in self._space.distributions.items():
            is_told = each in known or each in self._fixed or axis.single()
            is_made = each == self._stops.steps or each.removesuffix(GIVEN) in known
            may_lack = each == "epochs" or each in self._space.conditions
            if not (is_told or is_made or may_lack):
                raise DataError(
                    f"{name}: has no column p.{each}, which is searched here: give tables of "
                    "earlier searches of the same space"
                )
        dimensions = self._table.dimensions
        more = [
            each
            for each in dimensions.searched
            if each not in (*self._names, "epochs", f"{self._stops.steps}")
            and columns.get(f"p.{each}", pd.Series()).nunique() > 1
        ]
        if more and dimensions.stated:
            raise DataError(
                f"{name}: its search varied {', '.join(more)}, no hyperparameter here: give tables "
                "of earlier searches of the same space"
            )
        self.others = f"{name} {', '.join(more)}" if more else ""

    def _trials(self, part: Table) -> Iterator[Earlier]:
        points: dict[tuple[Any, Any], list[tuple[int, float, float]]] = {}
        if part.curves is not None:
            columns = (part.curves[name] for name in ("run", "trial", "epoch", "energy_j", "score"))
            for run, trial, *point in zip(*columns, strict=True):
                points.setdefault((run, trial), []).append(tuple(point))
        rows: list[Any] = part.trials.to_dict("records")
        for row in rows:
            params = self._candidate(row)
            if isinstance(params, str):
                self.left_out[params] += 1
                continue
            scores, energies_j = self._curve(row, points.get((row["run"], row["trial"]), []))
            if scores:
                yield Earlier(params, scores, energies_j)
            else:
                self.left_out[_NO_SCORE] += 1

    def _candidate(self, row: Mapping[str, Any]) -> dict[str, Any] | str:
        """The candidate of a row, complete; or why it is none of the space."""
        values = {name: self._value(row, name) for name in self._names}
        active = self._once.active(values)
        if any(values[n] is None for n in active if n in values and n in self._space.distributions):
            return _LACKING
        known = {name: value for name, value in values.items() if value is not None}
        try:
            params = self._once.complete(self._once.activate(known))
        except ConfigurationError:
            return _OUTSIDE
        return {**params, "epochs": self._epochs(row)}

    def _value(self, row: Mapping[str, Any], name: str) -> Any:
        axis = self._space.distributions.get(name)
        column = f"p.{name}"
        if name == self._stops.steps:
            return plain(row.get("p.epochs"))
        if column in row:
            return plain(row[column])
        if name in self._fixed or axis is None:
            return self._fixed.get(name)
        base = f"p.{name.removesuffix(GIVEN)}"
        if name.endswith(GIVEN) and base in row:
            return plain(row[base]) is not None
        return None

    def _epochs(self, row: Mapping[str, Any]) -> int:
        """Epochs that a candidate of the space has: its own ones, else the most."""
        own, axis = plain(row.get("p.epochs")), self._space.distributions.get("epochs")
        if self._stops.grid is None and axis is not None and own is not None:
            try:
                return int(value_inside("epochs", axis, own))
            except ConfigurationError:
                pass
        return self._longest

    def _curve(
        self, row: Mapping[str, Any], points: Sequence[tuple[int, float, float]]
    ) -> tuple[dict[int, float], dict[int, float]]:
        """Oriented scores and joules by the epochs of the search; empty where there are none."""
        if self._stops.grid == () or not points:
            points = self._end(row)
        scores: dict[int, float] = {}
        energies_j: dict[int, float] = {}
        for epoch, energy_j, score in sorted(points):
            place = self._place(int(epoch))
            if place is None or pd.isna(score):
                continue
            scores[place] = self._metric.oriented(float(score))
            if not pd.isna(energy_j):
                energies_j[place] = float(energy_j)
        return scores, energies_j

    def _end(self, row: Mapping[str, Any]) -> list[tuple[int, float, float]]:
        """The one point of a trial that is known at its end alone."""
        is_whole = self._stops.grid == ()
        if row["state"] == State.FAILED or (is_whole and row["state"] in _CUT_SHORT):
            return []
        asked_j = 0.0 if pd.isna(row["energy_search_j"]) else row["energy_search_j"]
        epochs = next(
            (n for n in (plain(row["epochs"]), plain(row.get("p.epochs"))) if n), self._longest
        )
        return [(1 if is_whole else epochs, row["energy_j"] - asked_j, row["score"])]

    def _place(self, epoch: int) -> int | None:
        """What an epoch of the table is in the search; None if it is none there."""
        grid = self._stops.grid
        if not grid:
            return epoch if 1 <= epoch <= self._longest else None
        place = bisect_left(grid, epoch)
        return place + 1 if place < len(grid) and grid[place] == epoch else None
