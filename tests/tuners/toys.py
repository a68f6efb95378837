"""A toy objective on which wide networks are dear, with all kinds of ends of a trial."""

from __future__ import annotations

import math
from dataclasses import replace

from perjoule.models.outcome import State
from perjoule.models.space import Space
from perjoule.tuners.strategy import Told

SPACE = Space.parse(
    {
        "rate": {"low": 1e-4, "high": 0.3, "log": True},
        "width": {"low": 8, "high": 512, "log": True},
        "pool": ["max", "mean", "none"],
        "epochs": 3,
    }
)
CHANGES = {
    "known": {},
    "failed": {"state": State.FAILED},
    "unmetered": {"energy_j": None},
    "nothing measured": {"energy_j": 0.0},
    "cut short": {"state": State.TRUNCATED, "accuracy": None},
}


def accuracy(params, _epoch=0):
    rate = 0.1 * abs(math.log10(params["rate"]) + 2)
    return 0.95 - rate - 2 / params["width"] - 0.03 * (params["pool"] == "none")


def energy_j(params):
    return params["width"] ** 0.8 * (1 + (params["pool"] == "none"))


def search(strategy, kinds):
    """Ask and tell a trial of each kind; return the proposals and all that was told."""
    proposals, history = [], []
    for kind in kinds:
        proposals.append(strategy.ask(0.0))
        params = proposals[-1].params
        known = Told(params, State.COMPLETE, accuracy(params), energy_j(params))
        history.append(replace(known, **CHANGES[kind]))
        strategy.tell(history[-1])
    return proposals, history
