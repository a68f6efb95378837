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
LOST = {"state": State.FAILED, "accuracy": None}


def accuracy(params, _epoch=0):
    rate = 0.1 * abs(math.log10(params["rate"]) + 2)
    return 0.95 - rate - 2 / params["width"] - 0.03 * (params["pool"] == "none")


def energy_j(params):
    return params["width"] ** 0.8 * (1 + (params["pool"] == "none"))


def search(strategy, count, outcome=lambda params, number: {}, *, first=0):
    """Ask and tell ``count`` times, or to the end; return what was told: 0.5 for 1 J, or else."""
    history = []
    for number in range(first, first + count):
        if (work := strategy.ask(float(number))) is None:
            break
        assert work.until == work.params["epochs"]
        told = Told(work.params, State.COMPLETE, 0.5, 1.0, trial=number, epochs=work.until)
        history.append(replace(told, **outcome(work.params, number)))
        strategy.tell(history[-1])
    return history


def search_toy(strategy, kinds):
    """Train the toy for a trial of each kind; return the proposals and all that was told."""

    def outcome(params, number):
        return {"accuracy": accuracy(params), "energy_j": energy_j(params)} | CHANGES[kinds[number]]

    history = search(strategy, len(kinds), outcome)
    return [told.params for told in history], history
