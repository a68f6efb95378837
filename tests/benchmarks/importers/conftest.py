"""An import that is checked to give the same in memory, as Parquet and as CSV."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pandas.testing import assert_frame_equal

from perjoule import load_table
from perjoule.benchmarks.importers import import_table, import_to
from perjoule.benchmarks.tables.table import Table
from perjoule.errors import DataError


@pytest.fixture
def imported(tmp_path: Path, write: Callable[..., Path]) -> Callable[..., Table]:
    def imported(format: str, source, **options) -> Table:
        """Import a path, several, or the text of a file."""
        paths = write(source) if isinstance(source, str) and "\n" in source else source
        table = import_table(format, paths, **options)
        for ending in ("parquet", "csv"):
            out = tmp_path / f"imported.{ending}"
            written = import_to(format, paths, out, force=True, **options)
            assert (written.rows, written.notes) == (len(table.trials), table.notes)
            read = load_table(out)
            assert_frame_equal(read.trials, table.trials)
            assert {*table.notes} <= {*read.notes}  # what was odd is kept with the table
        return table

    return imported


@pytest.fixture
def refused(imported: Callable[..., Table]) -> Callable[..., str]:
    def refused(format: str, source, reason: str, error=DataError, **options) -> str:
        """The message with which an import is refused, in one line."""
        with pytest.raises(error, match=reason) as raised:
            imported(format, source, **options)
        assert "\n" not in str(raised.value)
        return str(raised.value)

    return refused


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write(text: str, name: str = "recorded.csv") -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write
