"""Campaigns: one kind of fault, many times over. What each counted is printed at the end.

`make campaign` runs them whole; anything else runs the share `CAMPAIGN_SHARE` of them, 0.05 if it
is not set.
"""

import os
from collections.abc import Callable

import pytest

SHARE = float(os.environ.get("CAMPAIGN_SHARE", "0.05"))
PREFIX = "campaign "  # of what `tests/conftest.py` prints


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "campaign" in item.path.parts:
            item.add_marker(pytest.mark.campaign)


@pytest.fixture
def share_of() -> Callable[[int], int]:
    """How many of a whole campaign's cases to try in this run: one at least."""
    return lambda whole: max(1, round(whole * SHARE))


@pytest.fixture
def tally(record_property: Callable[[str, object], None]) -> Callable[..., None]:
    """Counts of a campaign by name, such as ``tally("kills", 100, lost_trials=0)``; 0 is good."""

    def note(what: str, cases: int, **faults: int) -> None:
        record_property(PREFIX + what, {"cases": cases, **faults})
        assert not any(faults.values()), f"{what}: {faults} in {cases}"

    return note
