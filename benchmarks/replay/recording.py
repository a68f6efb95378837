"""What of a table can be replayed.

Where curves were recorded, a trial may be stopped and continued at every epoch that was validated,
and epochs are searched from the first to the longest recorded: inside, they are counted by their
places among all validated ones (`Recording.grid`). A trial that was not validated at one of them is
trained to its next. Where there are none, a trial is one step that costs all
its joules. Recorded epochs are then a hyperparameter like any other, under the name `STEPS`, so
that no strategy believes it could stop in between.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from ...errors import ConfigurationError, DataError
from ...models.metric import ACCURACY, Metric
from ...models.outcome import State
from ...models.space import Space
from ..tables.spaces import infer_space, n_points, tell_missing
from ..tables.table import plain
from .objective import Curve
from .rows import costs_of, number, one_step, params_of, values_of

if TYPE_CHECKING:
    from ..tables.table import Table

STEPS = "recorded_epochs"
"""What recorded epochs are called where a trial is replayed as one step."""
_CUT_SHORT = frozenset({State.PAUSED, State.PRUNED, State.TRUNCATED, State.INTERRUPTED})


@dataclass(frozen=True)
class Recording:
    """The trials of a table that can be replayed."""

    name: str  # of the table
    space: Space  # what may be chosen; `epochs` is 1 where there are no curves
    n_samples: int  # images of one epoch; 1 if unknown
    params: tuple[Mapping[str, Any], ...]  # of each trial
    curves: tuple[Curve, ...]  # of each trial; a failed one ends in an epoch without a score
    costs: tuple[tuple[float, float], ...] | None  # forward operations per image, and parameters
    grid: tuple[int, ...]  # the epochs that a trial can be stopped at; empty without curves
    notes: tuple[str, ...]  # what was left out, and why, in sentences
    metric: Metric = ACCURACY  # what scores are of

    @classmethod
    def of(cls, table: Table, space: Space | None = None) -> Recording:
        """What can be replayed of a table with hyperparameters as columns ``p.<name>``.

        The space is what was searched; by default what the table's description says, else what its
        hyperparameters show (see `infer_space`).

        Raises:
            DataError: Nothing was searched, or no trial was trained to the end.
            ConfigurationError: The described space cannot be read.
        """
        return _Recorder(table, space).record()

    @property
    def has_curves(self) -> bool:
        """Whether trials can be stopped before their end."""
        return bool(self.grid)

    @cached_property
    def failed(self) -> tuple[bool, ...]:
        """Which trials failed."""
        return tuple(math.isnan(points[-1][1]) for _, points in self.curves)

    @cached_property
    def candidates(self) -> dict[tuple[Any, ...], list[int]]:
        """The trials of each candidate: those with the same hyperparameters are repeats."""
        found: dict[tuple[Any, ...], list[int]] = {}
        names = [n for n in self.space.distributions if n != "epochs"]
        for trial, params in enumerate(self.params):
            found.setdefault(tuple(params[name] for name in names), []).append(trial)
        return found

    @property
    def coverage(self) -> float | None:
        """The share of the space's candidates that is recorded; None if they are not finite."""
        count = n_points(self.space.with_fixed("epochs", 1))
        return None if count is None else len(self.candidates) / count

    @property
    def is_even(self) -> bool:
        """Whether every trial that did not fail was trained for as many epochs."""
        pairs = zip(self.curves, self.failed, strict=True)
        return len({len(points) for (_, points), failed in pairs if not failed}) == 1

    @property
    def best_score(self) -> float:
        """The best of all recorded epochs."""
        scores = (a for _, points in self.curves for _, a in points if not math.isnan(a))
        return max(scores, key=self.metric.oriented)

    @property
    def cheapest_j(self) -> float:
        """Joules of the cheapest trial's setup and first epoch."""
        return min(setup_j + points[0][0] for setup_j, points in self.curves)


class _Recorder:
    """One table being recorded."""

    def __init__(self, table: Table, space: Space | None) -> None:
        stated = table.description or {}
        if space is None and isinstance(stated.get("space"), Mapping):
            space = Space.parse(stated["space"])
        data = stated.get("data")
        self._n_samples = int(data.get("train") or 1) if isinstance(data, Mapping) else 1
        self._table, self._stated = table, space
        self._points: dict[tuple[Any, Any], list[tuple[int, float, float]]] = {}
        if table.curves is not None:
            columns = (table.curves[n] for n in ("run", "trial", "epoch", "energy_j", "score"))
            for run, trial, *point in zip(*columns, strict=True):
                self._points.setdefault((run, trial), []).append(tuple(point))
        epochs_seen = {point[0] for own in self._points.values() for point in own}
        self._grid = tuple(sorted(epochs_seen))
        self._left_out: Counter[str] = Counter()
        epochs = table.trials.get("p.epochs")
        self._has_steps = epochs is not None and bool(epochs.notna().any())
        if space is None:
            self._has_steps &= "epochs" in table.dimensions.searched

    def record(self) -> Recording:
        names = self._searched_names()
        rows = self._usable_rows(names)
        curves = [self._curve(row) for row in rows]
        n_complete = sum(row["state"] == State.COMPLETE for row in rows)
        n_curves = sum(c is not None and not math.isnan(c[1][-1][1]) for c in curves)
        has_curves = n_curves > 0 and 2 * n_curves >= n_complete
        if has_curves:
            pairs = [(row, curve) for row, curve in zip(rows, curves, strict=True) if curve]
        else:
            pairs = [(row, one_step(row)) for row in rows if row["state"] not in _CUT_SHORT]
        missing = "without a full curve" if has_curves else "cut short"
        self._left_out[missing] += len(rows) - len(pairs)
        rows, found = [row for row, _ in pairs], tuple(curve for _, curve in pairs)
        if all(math.isnan(points[-1][1]) for _, points in found):
            raise DataError(
                f"{self._table.name}: the table holds no complete trial to replay"
                f"{self._reasons()}: record some first"
            )
        longest = None
        if has_curves:  # a failed trial may have ended later than any was validated
            longest = min(max(len(points) for _, points in found), len(self._grid))
        values = self._values(rows, names, longest)
        space = self._space(values, longest)
        return Recording(
            self._table.name,
            space,
            self._n_samples,
            tuple(params_of(space, values)),
            found,
            costs_of(rows),
            self._grid[:longest] if longest else (),
            tuple(self._notes(rows, values, has_curves=has_curves)),
            self._table.metric,
        )

    def _searched_names(self) -> list[str]:
        """The hyperparameters that were searched, but for the epochs."""
        columns = self._table.trials
        known = [n[2:] for n in map(str, columns) if n[:2] == "p." and columns[n].notna().any()]
        told = self._table.dimensions
        searched = list(told.searched if self._stated is None else self._stated.distributions)
        if known and not searched:
            raise DataError(f"{self._table.name}: nothing was searched. {told.describe_left_out()}")
        conditional = () if self._stated is None else self._stated.conditions
        for name in searched:
            if name not in (*known, *conditional, "epochs"):
                raise DataError(
                    f"{self._table.name}: no column p.{name}, though its space has {name!r}: give "
                    "another space"
                )
        return [name for name in searched if name != "epochs"]

    def _usable_rows(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """The trials of which all is known, with ``trained_j``: their joules without search."""
        rows: list[Any] = self._table.trials.to_dict("records")
        found = []
        for row in rows:
            row["trained_j"] = number(row["energy_j"]) - number(row["energy_search_j"], 0.0)
            if reason := self._why_useless(row, names):
                self._left_out[reason] += 1
            else:
                found.append(row)
        return found

    def _why_useless(self, row: Mapping[str, Any], names: Sequence[str]) -> str:
        """Why a trial is left out, in words; empty if it is not."""
        if not row["trained_j"] > 0:
            return "without joules"
        if self._lacks_a_value(row, names) or (self._has_steps and pd.isna(row["p.epochs"])):
            return "without one of the hyperparameters"
        if row["state"] == State.COMPLETE and pd.isna(row["score"]):
            return "without a score"
        return "" if self._is_inside(row) else "outside the space"

    def _lacks_a_value(self, row: Mapping[str, Any], names: Sequence[str]) -> bool:
        """Whether one that is active has no value; where no space tells, whether none has one."""
        values = values_of(row, names)
        if self._stated is None:
            return bool(names) and all(value is None for value in values.values())
        active = self._stated.active(values)
        return any(value is None and name in active for name, value in values.items())

    def _is_inside(self, row: Mapping[str, Any]) -> bool:
        """Whether a trial's candidate is one of the space that is stated."""
        space = self._stated
        if space is None:
            return True
        values = values_of(row, {*space.distributions, *space.fixed} - {"epochs"})
        known = {name: value for name, value in values.items() if value is not None}
        try:
            space.with_fixed("epochs", 1).complete(space.activate(known))
        except ConfigurationError:
            return False
        return True

    def _curve(self, row: Mapping[str, Any]) -> Curve | None:
        """Joules and score by validated epoch; None if they are not known for all of the training.

        A failed trial's last epoch is what it had besides.
        """
        setup_j = number(row["energy_setup_j"], 0.0)
        points, before_j = [], setup_j
        for epoch, total_j, score in sorted(self._points.get((row["run"], row["trial"]), [])):
            # Training that costs nothing could go on for ever.
            if not total_j >= before_j or not total_j > 0 or math.isnan(score):
                return None
            missed = bisect_left(self._grid, epoch) - len(points)  # where others were validated
            points += [(total_j - before_j, score), *[(0.0, score)] * missed]
            before_j = total_j
        if row["state"] == State.FAILED:
            return setup_j, [*points, (max(row["trained_j"] - before_j, 0.0), math.nan)]
        wanted = row["epochs"]
        if row["state"] != State.COMPLETE:  # it was cut short of what it should have had
            fixed: Any = None if self._stated is None else self._stated.fixed.get("epochs")
            wanted = number(row["p.epochs"] if self._has_steps else fixed, math.inf)
        full = bool(points) and (pd.isna(wanted) or len(points) >= bisect_right(self._grid, wanted))
        return (setup_j, points) if full else None

    def _values(
        self, rows: Sequence[Mapping[str, Any]], names: Sequence[str], longest: int | None
    ) -> dict[str, Sequence[Any]]:
        """The values of what may be chosen but for epochs, by name; None where inactive."""
        values: dict[str, Sequence[Any]] = {
            name: [plain(row.get(f"p.{name}")) for row in rows] for name in names
        }
        if longest is None and self._has_steps:
            values[STEPS] = [plain(row["p.epochs"]) for row in rows]
        return tell_missing(values) if self._stated is None else values

    def _space(self, values: Mapping[str, Sequence[Any]], longest: int | None) -> Space:
        """What may be chosen; ``longest`` is None where trials are one step."""
        epochs: Any = None
        if self._stated is None:
            space = infer_space(values).to_mapping()
        else:
            space = self._stated.to_mapping()
            epochs = space.pop("epochs", None)
            if STEPS in values:
                space[STEPS] = epochs if isinstance(epochs, dict) else values[STEPS][0]
        if longest is None:
            space["epochs"] = 1
        elif isinstance(epochs, dict) and self._stated and self._stated.longest() <= self._every:
            space["epochs"] = epochs
        else:
            space["epochs"] = {"low": 1, "high": longest, "log": True} if longest > 1 else 1
        parsed = Space.parse(space)
        if not parsed.with_fixed("epochs", 1).distributions:
            raise DataError(
                f"{self._table.name}: nothing was searched: every hyperparameter (column p.…) has "
                "one value: give a table whose candidates differ"
            )
        return parsed

    @property
    def _every(self) -> int:
        """How many epochs from the first on were validated without a gap."""
        return next((n for n, epoch in enumerate(self._grid) if epoch != n + 1), len(self._grid))

    def _reasons(self) -> str:
        reasons = [f"{count} {words}" for words, count in self._left_out.items() if count]
        return f" ({', '.join(reasons)})" if reasons else ""

    def _notes(
        self,
        rows: Sequence[Mapping[str, Any]],
        values: Mapping[str, Sequence[Any]],
        *,
        has_curves: bool,
    ) -> Iterator[str]:
        n_out = self._left_out.total()
        if n_out:
            yield f"{n_out} of {n_out + len(rows)} trials are not replayed{self._reasons()}."
        for name in values:
            if f"{name}_given" in values and f"p.{name}_given" not in self._table.trials:
                yield (
                    f"{sum(value is None for value in values[name])} of {len(rows)} trials have no "
                    f"{name}, and no other hyperparameter tells why: that is searched as "
                    f"{name}_given."
                )
        if has_curves and self._every < len(self._grid):
            listed = ", ".join(map(str, self._grid[:4]))
            more = f" … {self._grid[-1]}" if len(self._grid) > 4 else ""
            yield f"Trials are stopped at the epochs that were validated: {listed}{more}."
        if not has_curves:
            known = (
                "Too few learning curves are whole"
                if self._points
                else "No learning curves are recorded"
            )
            yield (
                f"{known}: a trial is one step, and strategies that stop trials early train all of "
                "them in full."
            )
        blended = sum(pd.isna(row["energy_search_j"]) for row in rows)
        if blended and not has_curves:  # which are without search
            yield (
                f"The joules of {blended} of {len(rows)} trials do not tell what their search cost "
                "apart: it counts as training."
            )
