"""A folder of its own for what tests calibrate."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "perjoule-home"
    monkeypatch.setenv("PERJOULE_HOME", str(folder))
    return folder
