"""One thread, as a worker of a comparison has, so that sums add up in one order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from perjoule.models.data import Data, load
from perjoule.models.runtime import Runtime


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def digits() -> Data:
    return load("digits")


@pytest.fixture
def float32() -> Runtime:
    return Runtime(torch.device("cpu"))
