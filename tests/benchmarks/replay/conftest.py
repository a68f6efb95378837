"""Forests that grow faster, and predict the small tables of tests as well."""

import pytest

from perjoule.benchmarks.replay import forest


@pytest.fixture(scope="module")
def small_forests():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forest, "N_TREES", 16)
        yield
