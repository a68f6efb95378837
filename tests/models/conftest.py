"""Data and precision that the tests of models share."""

from __future__ import annotations

import pytest
import torch

from perjoule.models.data.registry import Data, load
from perjoule.models.runtime import Runtime


@pytest.fixture(scope="session")
def digits() -> Data:
    return load("digits")


@pytest.fixture
def float32() -> Runtime:
    return Runtime(torch.device("cpu"))
