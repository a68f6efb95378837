"""The trial table and the curves: the tidy record that all analysis reads.

A long-lived contract, version 1. One row per trial, in order of completion within each run:

    run, strategy, seed, trial, state    which trial, and how it ended
    accuracy, test_accuracy              validation (selection is on it), test (reported only)
    energy_j                             gross joules of all its phases, its search included
    energy_train_j … energy_search_j     joules by phase; null if unavailable or not metered
    energy_kind                          how the joules became known
    cpu_j, gpu_j, dram_j, node_j         joules by component; null where there is no source
    duration_s, epochs, n_parameters     wall time, whole epochs, trainable parameters
    flops                                operations of the forward pass of one image
    started_at                           UTC
    p.<name>                             hyperparameters

and one row per validated epoch in the curves: run, trial, epoch, energy_j (cumulative within the
trial, search excluded), accuracy, loss.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ..outcome import State
from .events import COMPONENTS, LOWER_BOUND, Event
from .job import total

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

VERSION = 1
_FLOATS = (
    "accuracy",
    "test_accuracy",
    "energy_j",
    "energy_train_j",
    "energy_validate_j",
    "energy_setup_j",
    "energy_search_j",
)
TRIAL_COLUMNS = (
    *("run", "strategy", "seed", "trial", "state"),
    *_FLOATS,
    "energy_kind",
    *(f"{name}_j" for name in COMPONENTS),
    *("duration_s", "epochs", "n_parameters", "flops", "started_at", "message"),
)
CURVE_COLUMNS = ("run", "trial", "epoch", "energy_j", "accuracy", "loss")
_ADDED_UP = (
    *(name for name in _FLOATS if name.endswith("_j")),
    *(f"{name}_j" for name in COMPONENTS),
    "duration_s",
)
_INTEGERS = ("seed", "trial", "epochs", "n_parameters", "flops")


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
    floats = [*_FLOATS, *(f"{name}_j" for name in COMPONENTS), "duration_s"]
    table = table.astype(dict.fromkeys(floats, "float64") | dict.fromkeys(_INTEGERS, "Int64"))
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


def write_parquet(table: pd.DataFrame, path: Path) -> None:
    """Write a table with the contract's version in its metadata."""
    table.attrs = {"perjoule_table": VERSION}
    table.to_parquet(path, index=False)


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
    row["started_at"] = event.get("started_at")
    if row["state"] in ("failed", "interrupted"):
        row["accuracy"] = None  # such a network is nobody's result; its curve stays
    for name, value in (event["params"] or {}).items():
        row[f"p.{name}"] = value
    return row
