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
FAILED = {"state": State.FAILED, "accuracy": None}
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


def search(strategy, count, judge=lambda params: 0.5, change=lambda number: {}, *, first=0):
    """Ask and tell ``count`` times, or to the end; return what was told, in part changed."""
    history = []
    for number in range(first, first + count):
        if (work := strategy.ask(float(number))) is None:
            break
        assert work.until == work.params["epochs"]
        known = Told(work.params, State.COMPLETE, judge(work.params), 1.0, trial=number)
        history.append(replace(known, epochs=work.until, **change(number)))
        strategy.tell(history[-1])
    return history


def search_toy(strategy, kinds):
    """Ask and tell a trial of the toy of each kind; return the proposals and all that was told."""
    history = []
    for kind in kinds:
        params = strategy.ask(0.0).params
        known = Told(params, State.COMPLETE, accuracy(params), energy_j(params))
        history.append(replace(known, **CHANGES[kind]))
        strategy.tell(history[-1])
    return [told.params for told in history], history
