"""From the ledger of a comparison to its trial table, its slices and its curves."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ...energy.quantities import total
from ...models.outcome import State
from ..tables.contract import (
    COLUMNS,
    COMPONENTS,
    CURVE_COLUMNS,
    LOWER_BOUND,
    PANDAS_TYPES,
    TRIAL_COLUMNS,
)
from .events import Event

if TYPE_CHECKING:
    import pandas as pd

_ADDED_UP = (*(column.name for column in COLUMNS if column.unit == "J"), "duration_s")


def trial_table(events: list[Event]) -> pd.DataFrame:
    """The trial table of a ledger: the slices of a trial added up, at the place of its last one.

    A trial that was paused and never continued is pruned, once its run is over.

    Args:
        events: All events, in the ledger's order.
    """
    over = {event["run"] for event in events if event["event"] == "end"}
    trials: dict[tuple[object, object], dict[str, object]] = {}
    for row in _rows(events):
        key = row["run"], row["trial"]
        trials[key] = _added(trials.pop(key, None), row)
    for row in trials.values():
        if row["state"] == State.PAUSED and row["run"] in over:
            row["state"] = State.PRUNED.value
    return _table(list(trials.values()))


def slice_table(events: list[Event]) -> pd.DataFrame:
    """The same columns with one row per slice: what a run knew, and had spent, when.

    Args:
        events: All events, in the ledger's order.
    """
    return _table(_rows(events))


def _rows(events: list[Event]) -> list[dict[str, object]]:
    return [_row(event) for event in events if event["event"] in ("slice", "interrupted")]


def _added(before: dict[str, object] | None, row: dict[str, object]) -> dict[str, object]:
    """A trial's row with one more slice; what is not known of a part is not known of the whole."""
    if before is None:
        return row
    added = {**before, **{name: value for name, value in row.items() if value is not None}}
    for name in _ADDED_UP:
        parts = (before[name], row[name])
        added[name] = None if None in parts else sum(cast("tuple[float, float]", parts))
    kinds = {part for each in (before, row) for part in str(each["energy_kind"]).split("+")}
    added["energy_kind"] = LOWER_BOUND if LOWER_BOUND in kinds else "+".join(sorted(kinds))
    added["started_at"] = before["started_at"]
    return added


def _table(rows: list[dict[str, object]]) -> pd.DataFrame:
    import pandas as pd

    names = dict.fromkeys(key for row in rows for key in row if key.startswith("p."))
    table = pd.DataFrame(rows, columns=[*TRIAL_COLUMNS, *names])
    table = table.astype(
        {
            column.name: PANDAS_TYPES[column.type]
            for column in COLUMNS
            if column.type in ("number", "whole")
        }
    )
    table["started_at"] = pd.to_datetime(table["started_at"], unit="s", utc=True)
    return table


def curve_table(events: list[Event]) -> pd.DataFrame:
    """The learning curves of a ledger."""
    import pandas as pd

    rows: list[tuple[object, ...]] = []
    before_j: dict[tuple[str, int], float | None] = {}
    for event in events:
        if event["event"] not in ("slice", "interrupted"):
            continue
        key = event["run"], event["trial"]
        start_j = before_j.get(key, 0.0)
        for epoch, energy_j, *scores in event.get("curve", ()):
            rows.append((*key, epoch, total([start_j, energy_j]), *scores))
        before_j[key] = total([start_j, _trained_j(event)])
    table = pd.DataFrame(rows, columns=list(CURVE_COLUMNS))
    return table.astype(dict.fromkeys(("energy_j", "accuracy", "loss"), "float64"))


def _trained_j(event: Event) -> float | None:
    """Joules of a slice without its search; all it had where only that is known."""
    phases = [event.get(f"{phase}_j") for phase in ("setup", "train", "validate")]
    return event["energy_j"] if None in phases else total(phases)


def _row(event: Event) -> dict[str, object]:
    strategy, _, seed = event["run"].rpartition("-")
    row: dict[str, object] = {
        "run": event["run"],
        "strategy": strategy,
        "seed": int(seed),
        "trial": event["trial"],
        "state": event.get("state", "interrupted"),
        "energy_j": event["energy_j"],
        "energy_kind": event.get("energy_kind", LOWER_BOUND),
        "message": event["message"],
    }
    for phase in ("train", "validate", "setup", "search"):
        row[f"energy_{phase}_j"] = event.get(f"{phase}_j")
    for name in COMPONENTS:
        row[f"{name}_j"] = event.get("components", {}).get(name)
    for name in ("accuracy", "test_accuracy", "duration_s", "epochs", "n_parameters", "flops"):
        row[name] = event.get(name)
    row["predicted_j"] = event.get("predicted_j")
    row["started_at"] = event.get("started_at")
    if row["state"] in ("failed", "interrupted"):
        row["accuracy"] = None  # such a network is nobody's result; its curve stays
    for name, value in (event["params"] or {}).items():
        row[f"p.{name}"] = value
    return row
