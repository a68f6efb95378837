"""Events and ledgers by hand."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml


def slice_event(run: str, trial: int, score: float | None, energy_j: float | None, **more: Any):
    return {
        "event": "slice",
        "run": run,
        "trial": trial,
        "state": "complete",
        "params": {"epochs": 2, "optimizer": "adam"},
        "score": score,
        "test_score": None,
        "energy_j": energy_j,
        "setup_j": 0.1,
        "train_j": None if energy_j is None else energy_j - 0.3,
        "validate_j": 0.1,
        "search_j": 0.1,
        "ask_j": 0.1,
        "energy_kind": "modelled",
        "components": {"cpu": energy_j, "gpu": None, "dram": None, "node": None},
        "duration_s": 1.0,
        "epochs": 2,
        "n_parameters": 1000,
        "flops": 5000,
        "train_step": [1e6, 0.01],
        "validate_step": None,
        "started_at": 1.8e9,
        "message": "",
        "warnings": [],
        "curve": [[1, 0.5, 0.4, 1.2], [2, 0.9, score, None]],
        **more,
    }


def end_event(run: str, reason: str = "spent") -> dict[str, Any]:
    return {"event": "end", "run": run, "reason": reason, "message": ""}


LOST = {
    "event": "interrupted",
    "run": "tpe-0",
    "trial": 0,
    "params": None,
    "energy_j": 3.0,
    "message": "the comparison was killed",
}


def write_folder(
    folder: Path, experiment: dict[str, Any], *events: dict[str, Any], torn: str = ""
) -> Path:
    """Write a run folder by hand, as an earlier version did."""
    description = {
        "name": "made up",
        "created": "2026-01-01T00:00:00+00:00",
        "versions": {},
        "machine": {"cpu": "mine"},
        "runtime": {"device": "cpu"},
        "workers": 1,
        "data": {},
        "space": {"x": [1, 2]},
        "meter": [{"id": "cpu_time", "component": "cpu", "kind": "modelled"}],
        "experiment": experiment,
    }
    (folder / "experiment.yaml").write_text(yaml.safe_dump(description))
    lines = "".join(json.dumps(event) + "\n" for event in events)
    (folder / "ledger.jsonl").write_text(lines + torn)
    return folder


def read_ledger(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "ledger.jsonl").read_text().splitlines()]


def cut(folder: Path, n_lines: int) -> None:
    """Leave the first lines of a ledger, as if its driver had been killed after them."""
    lines = (folder / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "ledger.seal").unlink(missing_ok=True)
    (folder / "ledger.jsonl").write_bytes(b"".join(lines[:n_lines]))


def spent_j(folder: Path) -> dict[str, float]:
    """Joules per run, added up from the ledger by hand."""
    total: dict[str, float] = {}
    for event in read_ledger(folder):
        if event["event"] in ("slice", "search", "interrupted"):
            total[event["run"]] = total.get(event["run"], 0.0) + event["energy_j"]
    return total


def wait_until(condition: Callable[[], bool], timeout_s: float = 90.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
