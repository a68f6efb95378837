"""What of a table can be replayed.

A `Recording` is the trials of a table that can be replayed, and the space they are searched in
again. Where curves were recorded, a trial may be stopped and continued at every epoch, and epochs
are searched from 1 to the longest recorded. Where there are none, a trial is one step that costs
all its joules; recorded epochs are a hyperparameter like any other then, under the name `STEPS`, so
that no strategy believes it could stop in between.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ...errors import ConfigurationError, DataError
from ...models.outcome import State
from ...models.space import Space
from .simulation import Curve
from .spaces import infer_space, n_points

if TYPE_CHECKING:
    import pandas as pd

    from ..tables.table import Table

STEPS = "recorded_epochs"
"""What recorded epochs are called where a trial is replayed as one step."""
_CUT_SHORT = frozenset({State.PAUSED, State.PRUNED, State.TRUNCATED, State.INTERRUPTED})


@dataclass(frozen=True)
class Recording:
    """The trials of a table that can be replayed.

    Attributes:
        name: What the table is called.
        space: What may be chosen; `epochs` is 1 where there are no curves.
        n_samples: Images of one epoch; 1 if unknown.
        params: The hyperparameters of each trial.
        curves: What each trial cost and gave; a failed one ends in an epoch without accuracy.
        costs: Forward operations per image, and parameters, of each trial; None if unknown.
        has_curves: Whether the trials can be stopped at every epoch.
        notes: What was left out, and why, in sentences.
    """

    name: str
    space: Space
    n_samples: int
    params: tuple[Mapping[str, Any], ...]
    curves: tuple[Curve, ...]
    costs: tuple[tuple[float, float], ...] | None
    has_curves: bool
    notes: tuple[str, ...]

    @classmethod
    def of(cls, table: Table, space: Space | None = None) -> Recording:
        """What can be replayed of a table.

        Args:
            table: With hyperparameters as columns ``p.<name>``.
            space: What was searched; by default what the table's description says, else what its
                hyperparameters show (see `infer_space`).

        Raises:
            DataError: Nothing was searched, or no trial was trained to the end.
            ConfigurationError: The described space cannot be read.
        """
        return _Recorder(table, space).record()

    @cached_property
    def failed(self) -> tuple[bool, ...]:
        """Which trials failed."""
        return tuple(math.isnan(points[-1][1]) for _, points in self.curves)

    @cached_property
    def candidates(self) -> dict[tuple[Any, ...], list[int]]:
        """The trials of each candidate: those with the same hyperparameters are repeats."""
        found: dict[tuple[Any, ...], list[int]] = {}
        names = [n for n in self.space.distributions if n != "epochs"]
        for number, params in enumerate(self.params):
            found.setdefault(tuple(params[name] for name in names), []).append(number)
        return found

    @property
    def coverage(self) -> float | None:
        """The share of the space's candidates that is recorded; None if they are not finite."""
        count = n_points(self.space.with_fixed("epochs", 1))
        return None if count is None else len(self.candidates) / count

    @property
    def is_even(self) -> bool:
        """Whether every trial that did not fail was trained for as many epochs."""
        lengths = {
            len(points)
            for (_, points), failed in zip(self.curves, self.failed, strict=True)
            if not failed
        }
        return len(lengths) == 1

    @property
    def best_accuracy(self) -> float:
        """The best of all recorded epochs."""
        return max(a for _, points in self.curves for _, a in points if not math.isnan(a))

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
        self._points = _points_of(table.curves)
        self._left_out: Counter[str] = Counter()
        epochs = table.trials.get("p.epochs")
        self._has_steps = epochs is not None and bool(epochs.notna().any())

    def record(self) -> Recording:
        names = self._names()
        rows = self._known(names)
        curves = [self._curve(row) for row in rows]
        n_complete = sum(row["state"] == State.COMPLETE for row in rows)
        n_curves = sum(c is not None and not math.isnan(c[1][-1][1]) for c in curves)
        has_curves = n_curves > 0 and 2 * n_curves >= n_complete
        if has_curves:
            pairs = [(row, curve) for row, curve in zip(rows, curves, strict=True) if curve]
        else:
            pairs = [(row, _step(row)) for row in rows if row["state"] not in _CUT_SHORT]
        missing = "without a full curve" if has_curves else "cut short"
        self._left_out[missing] += len(rows) - len(pairs)
        rows, found = [row for row, _ in pairs], tuple(curve for _, curve in pairs)
        if all(math.isnan(points[-1][1]) for _, points in found):
            raise DataError(
                f"{self._table.name}: the table holds no complete trial to replay"
                f"{self._why()}: record some first"
            )
        longest = max(len(points) for _, points in found) if has_curves else None
        space = self._space(rows, names, longest)
        return Recording(
            self._table.name,
            space,
            self._n_samples,
            tuple(_params(row, space) for row in rows),
            found,
            _costs(rows),
            has_curves,
            tuple(self._notes(rows, has_curves=has_curves)),
        )

    def _names(self) -> list[str]:
        """The hyperparameters that were searched, but for the epochs."""
        columns = self._table.trials
        known = [n[2:] for n in map(str, columns) if n[:2] == "p." and columns[n].notna().any()]
        searched = known if self._stated is None else list(self._stated.distributions)
        for name in searched:
            if name not in known and name != "epochs":
                raise DataError(
                    f"{self._table.name}: no column p.{name}, though its space has {name!r}: give "
                    "another space"
                )
        return [name for name in searched if name != "epochs"]

    def _known(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """The trials of which everything is known, ``trained_j`` added: joules without search."""
        needed = [f"p.{name}" for name in (*names, *(["epochs"] if self._has_steps else []))]
        rows: list[Any] = self._table.trials.to_dict("records")
        found = []
        for row in rows:
            row["trained_j"] = _number(row["energy_j"]) - _number(row["energy_search_j"], 0.0)
            if missing := self._missing(row, needed):
                self._left_out[missing] += 1
            else:
                found.append(row)
        return found

    def _missing(self, row: Mapping[str, Any], needed: Sequence[str]) -> str:
        """Why a trial is of no use, in words."""
        if not row["trained_j"] > 0:
            return "without joules"
        if any(_unknown(row[column]) for column in needed):
            return "without one of the hyperparameters"
        if row["state"] == State.COMPLETE and math.isnan(_number(row["accuracy"])):
            return "without an accuracy"
        return "" if self._is_inside(row) else "outside the space"

    def _is_inside(self, row: Mapping[str, Any]) -> bool:
        """Whether a trial's candidate is one of the space that is stated."""
        space = self._stated
        if space is None:
            return True
        names = {*space.distributions, *space.fixed} - {"epochs"}
        values = {name: row.get(f"p.{name}") for name in names}
        try:
            space.with_fixed("epochs", 1).complete(
                {name: _plain(value) for name, value in values.items() if not _unknown(value)}
            )
        except ConfigurationError:
            return False
        return True

    def _curve(self, row: Mapping[str, Any]) -> Curve | None:
        """Joules and accuracy by epoch; None if they are not known for all of the training.

        A failed trial's last epoch is what it had besides.
        """
        setup_j = _number(row["energy_setup_j"], 0.0)
        points, before_j = [], setup_j
        for place, (epoch, total_j, accuracy) in enumerate(self._points(row), 1):
            # Training that costs nothing could go on for ever.
            if epoch != place or not total_j >= before_j or not total_j > 0 or math.isnan(accuracy):
                return None
            points.append((total_j - before_j, accuracy))
            before_j = total_j
        if row["state"] == State.FAILED:
            return setup_j, [*points, (max(row["trained_j"] - before_j, 0.0), math.nan)]
        wanted = row["epochs"] if row["state"] == State.COMPLETE else self._wanted(row)
        full = len(points) > 0 and (_unknown(wanted) or len(points) >= wanted)
        return (setup_j, points) if full else None

    def _wanted(self, row: Mapping[str, Any]) -> float:
        """The epochs that a trial which was cut short should have had; infinite if unknown."""
        fixed: Any = None if self._stated is None else self._stated.fixed.get("epochs")
        wanted = row["p.epochs"] if self._has_steps else fixed
        return math.inf if _unknown(wanted) else float(wanted)

    def _space(
        self, rows: Sequence[Mapping[str, Any]], names: Sequence[str], longest: int | None
    ) -> Space:
        """What may be chosen; ``longest`` is None where trials are one step."""
        values = {name: [_plain(row[f"p.{name}"]) for row in rows] for name in names}
        steps: Any = None
        if longest is None and self._has_steps:
            steps = [_plain(row["p.epochs"]) for row in rows]
        if self._stated is None:
            space = infer_space(values | ({STEPS: steps} if steps else {})).to_mapping()
            epochs = None
        else:
            space = self._stated.to_mapping()
            epochs = space.pop("epochs", None)
            if steps:
                space[STEPS] = epochs if isinstance(epochs, dict) else steps[0]
        if longest is None:
            space["epochs"] = 1
        elif isinstance(epochs, dict) and self._stated and self._stated.longest() <= longest:
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

    def _why(self) -> str:
        reasons = [f"{count} {words}" for words, count in self._left_out.items() if count]
        return f" ({', '.join(reasons)})" if reasons else ""

    def _notes(self, rows: Sequence[Mapping[str, Any]], *, has_curves: bool) -> Iterator[str]:
        n_out = self._left_out.total()
        if n_out:
            yield f"{n_out} of {n_out + len(rows)} trials are not replayed{self._why()}."
        if not has_curves:
            yield (
                "No learning curves are recorded: a trial is one step, and strategies that stop "
                "trials early train all of them in full."
            )
        blended = sum(_unknown(row["energy_search_j"]) for row in rows)
        if blended and not has_curves:  # which are without search
            yield (
                f"The joules of {blended} of {len(rows)} trials do not tell what their search cost "
                "apart: it counts as training."
            )


def _points_of(
    curves: pd.DataFrame | None,
) -> Callable[[Mapping[str, Any]], list[tuple[int, float, float]]]:
    """A look-up from a trial to the epochs, cumulative joules and accuracies of its curve."""
    found: dict[tuple[Any, Any], list[tuple[int, float, float]]] = {}
    if curves is not None:
        columns = (curves[name] for name in ("run", "trial", "epoch", "energy_j", "accuracy"))
        for run, trial, *point in zip(*columns, strict=True):
            found.setdefault((run, trial), []).append(tuple(point))
    return lambda row: sorted(found.get((row["run"], row["trial"]), []))


def _step(row: Mapping[str, Any]) -> Curve:
    """All of a trial as one epoch."""
    failed = row["state"] == State.FAILED
    return 0.0, [(row["trained_j"], math.nan if failed else float(row["accuracy"]))]


def _params(row: Mapping[str, Any], space: Space) -> dict[str, Any]:
    """The values of what is searched, but for epochs that a trial may be stopped at."""
    columns = {name: "p.epochs" if name == STEPS else f"p.{name}" for name in space.distributions}
    return {n: _plain(row[column]) for n, column in columns.items() if n != "epochs"}


def _costs(rows: Sequence[Mapping[str, Any]]) -> tuple[tuple[float, float], ...] | None:
    costs = [(_number(row["flops"]), _number(row["n_parameters"])) for row in rows]
    return None if any(math.isnan(each) for cost in costs for each in cost) else tuple(costs)


def _unknown(value: Any) -> bool:
    import pandas as pd

    return bool(pd.isna(value))


def _number(value: Any, unknown: float = math.nan) -> float:
    return unknown if _unknown(value) else float(value)


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
