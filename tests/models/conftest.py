"""Data and precision that the tests of models share."""

import pytest
import torch

from perjoule.models.data import load
from perjoule.models.data.splits import Data
from perjoule.models.runtime import Runtime


@pytest.fixture(scope="session")
def digits() -> Data:
    return load("digits")


@pytest.fixture(scope="session")
def runtime() -> Runtime:
    return Runtime.detect("cpu")


@pytest.fixture
def float32() -> Runtime:
    return Runtime(torch.device("cpu"))
