"""What it costs to ask a strategy: a model that was measured once, so that replays need no clock.

`ask_costs.json` holds, for each strategy, the CPU-seconds of an ask with its tell after so many
results told. `benchmarks/performance/asking.py` measured them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("ask_costs.json")


@dataclass(frozen=True)
class AskCosts:
    """The measured model."""

    measured: str  # the date, as 2026-11-21
    machine: str
    space: str
    versions: Mapping[str, str]  # of the libraries that ask
    told: Sequence[int]  # numbers of results told, rising from 0
    # By strategy, CPU-seconds of an ask with its tell after as many; never falling, and shorter
    # than ``told`` where asks take too long to be measured further.
    cpu_s: Mapping[str, Sequence[float]]

    def of(self, strategy: str) -> Callable[[int], float] | None:
        """CPU-seconds of an ask with its tell, by how many results were told before.

        Linear between what was measured, and beyond it by the last slope; None for a strategy that
        was not measured.
        """
        if strategy not in self.cpu_s:
            return None
        costs = np.array(self.cpu_s[strategy])
        told = np.array(self.told[: len(costs)])
        slope = (costs[-1] - costs[-2]) / (told[-1] - told[-2])

        @cache
        def cost_s(n_told: int) -> float:
            beyond = max(n_told - told[-1], 0)
            return float(np.interp(n_told, told, costs) + slope * beyond)

        return cost_s


@cache
def load_ask_costs(path: Path = FILE) -> AskCosts:
    """The model that is shipped, or another that ``asking.py`` wrote."""
    return AskCosts(**json.loads(path.read_text(encoding="utf-8")))
