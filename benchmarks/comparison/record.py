"""From slices to trials: the tables of a comparison's ledger, and of replayed runs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from ...energy.quantities import total
from ...models.outcome import State
from ..tables.contract import (
    COLUMNS,
    COMPONENTS,
    CURVE_COLUMNS,
    LOWER_BOUND,
    PANDAS_TYPES,
    RUN_COLUMNS,
    TRIAL_COLUMNS,
)
from .events import Event, InterruptedEvent, SliceEvent

if TYPE_CHECKING:
    from .run import Run

_KEY = ["run", "trial"]
_ADDED_UP = [*(column.name for column in COLUMNS if column.unit == "J"), "duration_s"]
_NOBODYS = (State.FAILED.value, State.INTERRUPTED.value)
"""States of networks that are nobody's result: their score is not in the table."""


def slice_table(events: Iterable[Event]) -> pd.DataFrame:
    """One row per slice in the ledger's order, with the columns of the trials."""
    return contract_table([_row(event) for event in _slices(events)])


def add_up(slices: pd.DataFrame, over: Iterable[str]) -> pd.DataFrame:
    """Make trials of their slices, in order of completion: each at the place of its last slice.

    Joules and seconds are added up; a sum with an unknown part is unknown. Of all else the last
    that is known counts, of ``started_at`` the first. A paused trial of a run that is over is
    pruned.
    """
    trials = slices
    if slices.duplicated(_KEY).any():
        by_trial = slices.groupby(_KEY, sort=False)
        trials = by_trial.last()
        sums, known = by_trial[_ADDED_UP].sum(), by_trial[_ADDED_UP].count()
        trials[_ADDED_UP] = sums.where(known.eq(by_trial.size(), axis="index"))
        trials["started_at"] = by_trial["started_at"].first()
        trials["trained_on"] = by_trial["trained_on"].agg(_together)
        mixed = by_trial["energy_kind"].nunique() > 1
        kinds = by_trial["energy_kind"].agg(list)[mixed]
        trials.loc[mixed, "energy_kind"] = kinds.map(_kinds_together)
        order = slices.drop_duplicates(_KEY, keep="last").set_index(_KEY).index
        trials = trials.loc[order].reset_index()[list(slices)]
    pruned = (trials["state"] == State.PAUSED) & trials["run"].isin(set(over))
    return trials.assign(
        state=trials["state"].mask(pruned, State.PRUNED.value),
        score=trials["score"].mask(trials["state"].isin(_NOBODYS)),
    )


def by_machine(slices: pd.DataFrame) -> pd.DataFrame:
    """The slices with the machines of their runs as a group, where there are several machines."""
    if slices["trained_on"].nunique() <= 1:
        return slices
    return slices.assign(**{"g.machine": slices.groupby("run")["trained_on"].transform(_together)})


def _together(machines: pd.Series) -> str | None:
    """The machines of slices or trials, each once; None where none is known."""
    known = {name for joined in machines.dropna() for name in joined.split(" + ")}
    return " + ".join(sorted(known)) or None


def _kinds_together(kinds: Sequence[str]) -> str:
    parts = {part for kind in kinds for part in kind.split("+")}
    return LOWER_BOUND if LOWER_BOUND in parts else "+".join(sorted(parts))


def contract_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """All columns of the contract, in their order and of their types, then those of the rows."""
    # Groups are in every row and hyperparameters may be missing in some.
    others = dict.fromkeys(name for row in rows for name in row if name.startswith(("g.", "p.")))
    others = sorted(others, key=lambda name: name.startswith("p."))
    table = pd.DataFrame(rows, columns=[*TRIAL_COLUMNS, *others])
    typed = {c.name: PANDAS_TYPES[c.type] for c in COLUMNS if c.type in ("number", "whole")}
    empty = [c.name for c in COLUMNS if c.type == "text" and table[c.name].isna().all()]
    settings = {name: _of_one_type([row.get(name) for row in rows]) for name in others}
    known = {name: values for name, values in settings.items() if values is not None}
    table = table.astype(typed).assign(**dict.fromkeys(empty), **known)
    moments = pd.to_datetime(table["started_at"], unit="s", utc=True)
    table["started_at"] = moments.dt.as_unit("us")  # as files keep it
    return table


def _of_one_type(values: list[Any]) -> Any:
    """Whole numbers or truth values, some of them null, as a type that keeps them; else None.

    Choices among text and others, as ``[sqrt, 0.5]``, are text, since a column has one type.
    """
    types = {type(value) for value in values if value is not None}
    if str in types and len(types) > 1:
        return [None if value is None else str(value) for value in values]
    if None not in values or types not in ({int}, {bool}):
        return None
    return pd.array(values, dtype=pd.Int64Dtype() if types == {int} else pd.BooleanDtype())


def curve_table(events: Iterable[Event]) -> pd.DataFrame:
    """The learning curves of a ledger."""
    rows: list[dict[str, Any]] = []
    before_j: dict[tuple[str, int], float | None] = {}
    for event in _slices(events):
        key = event.run, event.trial
        start_j = before_j.get(key, 0.0)
        for epoch, energy_j, score, loss, *figures in event.curve:
            point = (*key, epoch, total([start_j, energy_j]), score, loss)
            further = {f"x.{name}": each for name, each in (figures[0] if figures else {}).items()}
            rows.append(dict(zip(CURVE_COLUMNS, point, strict=True)) | further)
        before_j[key] = total([start_j, _trained_j(event)])
    others = dict.fromkeys(name for row in rows for name in row if name not in CURVE_COLUMNS)
    table = pd.DataFrame(rows, columns=[*CURVE_COLUMNS, *others])
    return table.astype(dict.fromkeys(("energy_j", "score", "loss", *others), "float64"))


def run_table(runs: Iterable[Run], allotment_j: float) -> pd.DataFrame:
    """One row per run, those without a trial included; each may spend the allotment."""
    rows = [
        {
            **{name: getattr(run, name) for name in ("strategy", "seed", "unplaced_j", "message")},
            "run": run.name,
            "allotment_j": allotment_j if math.isfinite(allotment_j) else None,
            "end": run.end and run.end.value,
        }
        for run in runs
    ]
    return typed_runs(rows)


def typed_runs(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The columns of `RUN_COLUMNS` in their order and of their types, then groups."""
    groups = dict.fromkeys(name for row in rows for name in row if name.startswith("g."))
    frame = pd.DataFrame(rows, columns=[*RUN_COLUMNS, *groups])
    frame["end"] = frame["end"].astype(object).where(frame["end"].notna(), None)
    return frame.astype({"seed": "Int64", "allotment_j": "float64", "unplaced_j": "float64"})


def _slices(events: Iterable[Event]) -> Iterator[SliceEvent]:
    for event in events:
        if isinstance(event, SliceEvent):
            yield event
        elif isinstance(event, InterruptedEvent):
            yield event.as_slice()


def _trained_j(event: SliceEvent) -> float | None:
    """Joules of a slice without its search; all it had where only that is known."""
    phases = (event.setup_j, event.train_j, event.validate_j)
    return event.energy_j if None in phases else total(phases)


def _row(event: SliceEvent) -> dict[str, Any]:
    strategy, _, seed = event.run.rpartition("-")
    same = ("run", "trial", "test_score", "energy_j", "energy_kind", "predicted_j", "started_at")
    same = (*same, "duration_s", "epochs", "n_parameters", "flops")
    return {
        "strategy": strategy,
        "seed": int(seed),
        "state": event.state.value,
        "score": None if event.state.value in _NOBODYS else event.score,
        **{name: getattr(event, name) for name in same},
        "message": event.message or None,
        "trained_on": event.machine or None,
        **{
            f"energy_{phase}_j": getattr(event, f"{phase}_j")
            for phase in ("train", "validate", "setup", "search")
        },
        **{f"{name}_j": event.components.get(name) for name in COMPONENTS},
        **{f"p.{name}": value for name, value in (event.params or {}).items()},
    }
