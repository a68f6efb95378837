"""Our strategies on digits in earnest: a small comparison, metered."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

LIVE_J = 24.0
"""Of each run, as much as the default comparison gives."""
LIVE_SEEDS = 5


def run_live(names: Sequence[str]) -> dict[str, Any]:
    """Compare strategies, print how each did, and return the comparison's summary."""
    import perjoule

    with tempfile.TemporaryDirectory() as folder:
        result = perjoule.compare(
            dataset="digits",
            strategies=list(names),
            budget=f"{LIVE_J * LIVE_SEEDS * len(names)} J",
            seeds=LIVE_SEEDS,
            meter="cpu_time",
            out=Path(folder) / "live",
        )
    [group] = result.analysis.groups
    print(f"\ndigits in earnest: {group.verdict.sentence}")
    for name, own in group.strategies.items():
        reached = own.energy_to_target
        score = math.nan if own.score is None else own.score.median
        ert = "never" if reached.ert_j is None else f"{reached.ert_j:.3g} J"
        print(
            f"   {name:17} accuracy {score:.3f}, target in {reached.hits} of {own.runs} runs: "
            f"{ert}, search {own.search_share or 0.0:.1%}"
        )
    return result.summary
