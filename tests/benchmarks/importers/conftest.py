"""An import that is checked to give the same in memory, as Parquet and as CSV."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pandas.testing import assert_frame_equal

from perjoule import load_table
from perjoule.benchmarks.importers import import_table, import_to
from perjoule.benchmarks.tables.table import Table


@pytest.fixture
def imported(tmp_path: Path) -> Callable[..., Table]:
    def imported(format: str, paths, **options) -> Table:
        table = import_table(format, paths, **options)
        for ending in ("parquet", "csv"):
            out = tmp_path / f"imported.{ending}"
            written = import_to(format, paths, out, **options)
            assert (written.rows, written.notes) == (len(table.trials), table.notes)
            assert_frame_equal(load_table(out).trials, table.trials)
        return table

    return imported


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write(text: str, name: str = "recorded.csv") -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write
