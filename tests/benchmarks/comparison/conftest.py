"""A small comparison, and how to start one as a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import perjoule

SPACE = {
    "conv_blocks": {"low": 1, "high": 2},
    "width": {"low": 8, "high": 16, "log": True},
    "learning_rate": {"low": 1e-3, "high": 0.1, "log": True},
    "log2_batch_size": {"low": 6, "high": 9},
    "epochs": {"low": 1, "high": 3},
}
SMALL: dict[str, Any] = {
    "strategies": ["grid", "random", "tpe"],
    "seeds": 2,
    "budget": "1.8 J",
    "meter": "model",
    "workers": 1,
    "space": SPACE,
}


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> perjoule.Result:
    return perjoule.compare(out=tmp_path_factory.mktemp("small") / "run", **SMALL)


def read_ledger(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "ledger.jsonl").read_text().splitlines()]


def spent_j(folder: Path) -> dict[str, float]:
    """Joules per run, added up from the ledger by hand."""
    total: dict[str, float] = {}
    for event in read_ledger(folder):
        if event["event"] in ("slice", "search", "interrupted"):
            total[event["run"]] = total.get(event["run"], 0.0) + event["energy_j"]
    return total


def start(*arguments: object, **options: Any) -> subprocess.Popen[str]:
    """Start the command line in a process group of its own."""
    command = [sys.executable, "-m", "perjoule", *map(str, arguments)]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,
    )


def wait_until(condition: Callable[[], bool], timeout_s: float = 90.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
