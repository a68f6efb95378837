"""Small files as others write them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from perjoule.benchmarks.audit import audit

Write = Callable[..., Path]
Find = Callable[..., list[str]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write columns as a CSV file."""

    def write_csv(name: str, columns: Any) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(columns).to_csv(path, index=False)
        return path

    return write_csv


@pytest.fixture
def find(write: Write) -> Find:
    """What one check finds in a file or in columns; it must have run where it found nothing."""

    def of_check(data: Any, check: str, **options: Any) -> list[str]:
        result = audit(data if isinstance(data, Path) else write("table.csv", data), **options)
        found = [each for each in result.findings if each.check == check]
        assert found or any(check in each.ran for each in result.checked), result.checked
        return [f"{each.where}: {each.evidence}" for each in found]

    return of_check


@pytest.fixture
def tell(find: Find) -> Callable[..., None]:
    """One finding that says all that is expected; none where nothing is."""

    def told(data: Any, check: str, *expected: str, **options: Any) -> None:
        found = find(data, check, **options)
        assert len(found) == bool(expected), found
        assert all(words in text for text in found for words in expected), found

    return told
