"""Small files as others write them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from perjoule.benchmarks.audit import Finding, audit

Write = Callable[..., Path]
Find = Callable[..., list[Finding]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write columns as a CSV file."""

    def write_csv(name: str, columns: dict[str, Any]) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(columns).to_csv(path, index=False)
        return path

    return write_csv


@pytest.fixture
def find() -> Find:
    """The findings of one check in a file; it must have run where it found nothing."""

    def of_check(path: Path, check: str, **options: Any) -> list[Finding]:
        result = audit(path, **options)
        found = [finding for finding in result.findings if finding.check == check]
        assert found or any(check in each.ran for each in result.checked), result.checked
        return found

    return of_check
