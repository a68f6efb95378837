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

from typing import TYPE_CHECKING

from .events import COMPONENTS, Event

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
_INTEGERS = ("seed", "trial", "epochs", "n_parameters", "flops")


def trial_table(events: list[Event]) -> pd.DataFrame:
    """The trial table of a ledger.

    Args:
        events: All events, in the ledger's order.
    """
    import pandas as pd

    rows = [_row(event) for event in events if event["event"] in ("slice", "interrupted")]
    names = dict.fromkeys(key for row in rows for key in row if key.startswith("p."))
    table = pd.DataFrame(rows, columns=[*TRIAL_COLUMNS, *names])
    floats = [*_FLOATS, *(f"{name}_j" for name in COMPONENTS), "duration_s"]
    table = table.astype(dict.fromkeys(floats, "float64") | dict.fromkeys(_INTEGERS, "Int64"))
    table["started_at"] = pd.to_datetime(table["started_at"], unit="s", utc=True)
    return table


def curve_table(events: list[Event]) -> pd.DataFrame:
    """The learning curves of a ledger."""
    import pandas as pd

    rows = [
        (event["run"], event["trial"], *point)
        for event in events
        if event["event"] == "slice"
        for point in event["curve"]
    ]
    table = pd.DataFrame(rows, columns=list(CURVE_COLUMNS))
    return table.astype(dict.fromkeys(("energy_j", "accuracy", "loss"), "float64"))


def write_parquet(table: pd.DataFrame, path: Path) -> None:
    """Write a table with the contract's version in its metadata."""
    table.attrs = {"perjoule_table": VERSION}
    table.to_parquet(path, index=False)


def _row(event: Event) -> dict[str, object]:
    strategy, _, seed = event["run"].rpartition("-")
    row: dict[str, object] = {
        "run": event["run"],
        "strategy": strategy,
        "seed": int(seed),
        "trial": event["trial"],
        "state": event.get("state", "interrupted"),
        "energy_j": event["energy_j"],
        "energy_kind": event.get("energy_kind", "lower bound"),
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
