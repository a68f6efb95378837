"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is no fault of the code.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """One thread, as a worker of a comparison has: sums add up in one order, cores are shared."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def uncalibrated(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No calibration of whoever runs the tests."""
    monkeypatch.setenv("PERJOULE_HOME", str(tmp_path_factory.getbasetemp() / "uncalibrated"))


@pytest.fixture(scope="session")
def recorded() -> Path:
    """Published measurements of others, which do not belong to the project."""
    path = Path(__file__).parents[1].parent / "shared" / "recorded"
    if not path.is_dir():
        pytest.skip(f"no recorded measurements in {path}")
    return path
